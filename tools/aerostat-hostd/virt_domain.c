// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "virt.h"

#include <inttypes.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

/* A device's description and its metadata are a few KiB; more than this is nobody's. */
#define XML_MAX (4U << 20)

__attribute__((format(printf, 2, 3))) static void complain(struct virt_domain *d,
							   const char *format, ...)
{
	va_list args;

	d->settings.set = 0;
	va_start(args, format);
	vsnprintf(d->complaint, sizeof(d->complaint), format, args);
	va_end(args);
}

static void take_attribute(struct virt_domain *d, const xmlAttr *attribute)
{
	xmlChar *value = xmlNodeListGetString(attribute->doc, attribute->children, 1);
	char error[AERO_HOST_WORDS_MAX - 64];

	if (!aero_host_settings_parse(&d->settings, (const char *)attribute->name,
				      value ? (const char *)value : "", error, sizeof(error)))
		complain(d, "in its metadata, %s", error);
	xmlFree(value);
}

static void take_metadata(struct virt_domain *d, const xmlNode *node)
{
	if (strcmp((const char *)node->name, "memory")) {
		complain(d,
			 "its metadata has <%s>, where <memory min= max= shares= managed=/> is "
			 "expected",
			 aero_host_shown((const char *)node->name));
		return;
	}
	for (const xmlAttr *a = node->properties; a && !d->complaint[0]; a = a->next)
		take_attribute(d, a);
	for (const xmlNode *child = node->children; child && !d->complaint[0]; child = child->next)
		if (child->type == XML_ELEMENT_NODE || !xmlIsBlankNode(child))
			complain(d, "<memory> in its metadata has something in it; settings are "
				    "its attributes");
}

static xmlXPathObject *find(xmlXPathContext *context, const char *path)
{
	return xmlXPathEvalExpression((const xmlChar *)path, context);
}

static bool find_text(xmlXPathContext *context, const char *path, char *text, size_t size)
{
	xmlXPathObject *found = find(context, path);
	bool is = found && found->stringval && found->stringval[0];

	snprintf(text, size, "%s", is ? (const char *)found->stringval : "");
	xmlXPathFreeObject(found);
	return is;
}

static bool take(xmlXPathContext *context, struct virt_domain *d)
{
	xmlXPathObject *nodes;
	char text[64];

	if (!find_text(context, "name(/domain)", text, sizeof(text)))
		return false;
	d->balloon = find_text(context, "string(/domain/devices/memballoon/@model)", text,
			       sizeof(text)) &&
		     strcmp(text, "none") != 0;
	if (find_text(context, "string(/domain/devices/memballoon/stats/@period)", text,
		      sizeof(text)) &&
	    !aero_parse(text, UINT32_MAX, &d->period_s))
		d->period_s = 0;
	xmlXPathRegisterNs(context, (const xmlChar *)"a", (const xmlChar *)VIRT_NAMESPACE);
	nodes = find(context, "/domain/metadata/a:*");
	if (nodes && nodes->nodesetval && nodes->nodesetval->nodeNr > 1)
		complain(d, "its metadata has more than one element of " VIRT_NAMESPACE);
	else if (nodes && nodes->nodesetval && nodes->nodesetval->nodeNr == 1)
		take_metadata(d, nodes->nodesetval->nodeTab[0]);
	xmlXPathFreeObject(nodes);
	return true;
}

bool virt_domain_parse(const char *xml, struct virt_domain *d)
{
	size_t length = strlen(xml);
	xmlXPathContext *context;
	bool is = false;
	xmlDoc *doc;

	memset(d, 0, sizeof(*d));
	if (length > XML_MAX)
		return false;
	doc = xmlReadMemory(xml, (int)length, "domain", NULL,
			    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	context = doc ? xmlXPathNewContext(doc) : NULL;
	if (context)
		is = take(context, d);
	xmlXPathFreeContext(context);
	xmlFreeDoc(doc);
	return is;
}

char *virt_domain_metadata(const struct aero_host_settings *s)
{
	char text[256];
	size_t n = (size_t)snprintf(text, sizeof(text), "<memory");

	if (s->set & AERO_HOST_SET_MIN)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " min='%" PRIu64 "KiB'",
				      s->min_kib);
	if (s->set & AERO_HOST_SET_MAX)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " max='%" PRIu64 "KiB'",
				      s->max_kib);
	if (s->set & AERO_HOST_SET_SHARES)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " shares='%" PRIu32 "'",
				      s->shares);
	if (s->set & AERO_HOST_SET_MANAGED)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " managed='%s'",
				      s->managed ? "yes" : "no");
	snprintf(text + n, sizeof(text) - n, "/>");
	return strdup(text);
}
