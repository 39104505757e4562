// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "build.h"

#include <stdlib.h>

/* jansson's functions fail, and free the value, when either of their arguments is NULL. */
void aero_json_set(struct aero_json_builder *b, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		b->failed = true;
}

void aero_json_append(struct aero_json_builder *b, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		b->failed = true;
}

void aero_json_set_number(struct aero_json_builder *b, json_t *object, const char *key,
			  uint64_t value)
{
	json_int_t n = value > INT64_MAX ? INT64_MAX : (json_int_t)value;

	aero_json_set(b, object, key, json_integer(n));
}

/*
 * json_dumps() is not used, because jansson up to 2.14 at least ignores a failure to enlarge its
 * buffer while it writes a key.  Instead the text is measured first, and then written into
 * a buffer of that size.
 */
static char *dump(const json_t *document)
{
	size_t size = json_dumpb(document, NULL, 0, JSON_COMPACT);
	char *text = size ? malloc(size + 1) : NULL;

	if (!text)
		return NULL;
	if (json_dumpb(document, text, size, JSON_COMPACT) != size) {
		free(text);
		return NULL;
	}
	text[size] = 0;
	return text;
}

char *aero_json_finish(struct aero_json_builder *b, json_t *document)
{
	char *text = b->failed ? NULL : dump(document);

	json_decref(document);
	return text;
}
