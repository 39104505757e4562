/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Starting and ending domUs, by xl in dom0. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "xen_internal.h"

#define BOOT_MS	       180000
#define DESTROY_MS     60000
#define SETTLE_POLL_MS 100

static int check_domu(struct lab_domu *c)
{
	c->name = c->name ? c->name : "domu";
	c->memory_mib = c->memory_mib ? c->memory_mib : 256;
	c->maxmem_mib = c->maxmem_mib ? c->maxmem_mib : c->memory_mib;
	c->vcpus = c->vcpus ? c->vcpus : 1;
	c->boot_timeout_ms = c->boot_timeout_ms ? c->boot_timeout_ms : BOOT_MS;
	if (!*c->name || strlen(c->name) > 40 ||
	    strspn(c->name, LAB_NAME_LETTERS) != strlen(c->name))
		return lab_fail(EINVAL, "a domU's name has up to 40 letters, digits, - and _: '%s'",
				c->name);
	if (c->memory_mib < 64 || c->memory_mib > c->maxmem_mib || c->maxmem_mib > 65536)
		return lab_fail(EINVAL,
				"a domU has 64 to 65536 MiB, and no more than its maximum: "
				"%u, at most %u",
				c->memory_mib, c->maxmem_mib);
	if (c->type != LAB_PV && c->type != LAB_PVH)
		return lab_fail(EINVAL, "there is no type %d of domU", (int)c->type);
	if (c->vcpus > 16)
		return lab_fail(EINVAL, "a domU has 1 to 16 CPUs, not %u", c->vcpus);
	if ((c->append && strpbrk(c->append, "\"\n'")) || (c->config && strchr(c->config, '\'')) ||
	    (c->modules && strspn(c->modules, LAB_NAME_LETTERS ",") != strlen(c->modules)))
		return lab_fail(EINVAL, "quotes and line ends can't be in a domU's parameters");
	return lab_xen_kernel(c->kernel) ? 0 : -ENOENT;
}

static struct lab_guest *domu_new(struct lab_guest *dom0, const struct lab_domu *c)
{
	struct lab_guest *domu = calloc(1, sizeof(*domu));
	struct lab_nested_log *log = domu ? lab_nested_log(dom0, c->name) : NULL;

	if (domu && log)
		domu->console_path = strdup(log->path);
	if (!domu || !log || !domu->console_path) {
		free(domu);
		return NULL;
	}
	domu->agent.fd = domu->qmp.fd = -1;
	domu->config.platform = dom0->config.platform;
	domu->config.name = log->name;
	domu->config.memory_mib = c->maxmem_mib;
	domu->config.cpus = c->vcpus;
	domu->host = dom0;
	return domu;
}

/* Writes a text into a file of dom0, line by line: the agent's requests are lines. */
static int put_file(struct lab_guest *dom0, const char *path, const char *text)
{
	int ret = lab_must(dom0, LAB_XL_MS, ": >%s", path);

	while (!ret && *text) {
		size_t n = strcspn(text, "\n");

		ret = lab_must(dom0, LAB_XL_MS, "echo '%.*s' >>%s", (int)n, text, path);
		text += n + (text[n] == '\n');
	}
	return ret;
}

/* xl's configuration, to be freed; NULL without memory. */
static char *xl_config(const struct lab_domu *c)
{
	const char *kernel = lab_xen_kernel_name(c->kernel);
	char *config;

	if (asprintf(&config,
		     "name=\"%s\"\ntype=\"%s\"\nkernel=\"/xen/%s/vmlinux\"\n"
		     "ramdisk=\"/xen/%s/initramfs\"\nmemory=%u\nmaxmem=%u\nvcpus=%u\n"
		     "extra=\"console=hvc0 loglevel=5 panic=-1 watchdog_thresh=30 "
		     "pci=noearly aero_role=domu%s%s%s%s\"\n"
		     "on_crash=\"destroy\"\non_reboot=\"destroy\"\non_poweroff=\"destroy\"\n%s\n",
		     c->name, c->type == LAB_PV ? "pv" : "pvh", kernel, kernel, c->memory_mib,
		     c->maxmem_mib, c->vcpus, c->modules ? " aero_modules=" : "",
		     c->modules ? c->modules : "", c->append ? " " : "", c->append ? c->append : "",
		     c->config ? c->config : "") < 0)
		return NULL;
	return config;
}

static int domu_create(struct lab_guest *domu, const struct lab_domu *c)
{
	char *config = xl_config(c), *out = NULL;
	int ret;

	if (!config)
		return lab_fail(ENOMEM, "no memory for xl's configuration");
	ret = put_file(domu->host, "/tmp/domu.cfg", config);
	free(config);
	if (!ret)
		ret = lab_sh(domu->host, LAB_XL_MS, &out,
			     "xl create -q /tmp/domu.cfg 2>&1 && xl domid %s", c->name);
	if (ret > 0)
		ret = lab_fail(EREMOTEIO, "xl can't create %s: %s", c->name, out);
	else if (!ret && (sscanf(out, "%u", &domu->domain) != 1 || !domu->domain))
		ret = lab_fail(EPROTO, "xl created %s, but says of it: %s", c->name, out);
	free(out);
	return ret;
}

static int domu_wait(struct lab_guest *domu, unsigned int timeout_ms)
{
	int ret = lab_call(domu, timeout_ms, NULL, "@ready");

	if (ret > 0)
		ret = lab_fail(EPROTO, "dom0 can't wait for %s", domu->config.name);
	return ret;
}

static void domu_free(struct lab_guest *domu)
{
	for (struct lab_guest **at = domu->host ? &domu->host->nested : NULL; at && *at;
	     at = &(*at)->next_nested)
		if (*at == domu) {
			*at = domu->next_nested;
			break;
		}
	free(domu->console_path);
	free(domu);
}

int lab_domu_start(struct lab_guest **out, struct lab_guest *dom0, const struct lab_domu *config)
{
	struct lab_domu c = *config;
	struct lab_guest *domu;
	int ret = check_domu(&c);

	if (!ret && !lab_xen_dom0(dom0))
		ret = -ENOTSUP;
	/* With more, emulated SVM loses and doubles interrupts: guests panic or hang. */
	if (!ret && c.type == LAB_PVH && (c.vcpus > 1 || dom0->config.cpus > 1))
		ret = lab_fail(
			ENOTSUP,
			"under emulation a PVH domU has one CPU, and runs on one: not %u on %u",
			c.vcpus, dom0->config.cpus);
	if (!ret && dom0->domain)
		ret = lab_fail(EINVAL, "a domU can't start domUs");
	for (struct lab_guest *other = dom0->nested; !ret && other; other = other->next_nested)
		if (!strcmp(other->config.name, c.name))
			ret = lab_fail(EEXIST, "there is a domU %s already", c.name);
	if (ret)
		return ret;
	domu = domu_new(dom0, &c);
	if (!domu)
		return lab_fail(ENOMEM, "no memory for a domU, or: %s", lab_error());
	ret = domu_create(domu, &c);
	if (ret) {
		domu_free(domu);
		return ret;
	}
	domu->next_nested = dom0->nested;
	dom0->nested = domu;
	ret = domu_wait(domu, c.boot_timeout_ms);
	if (ret) {
		char *why = strdup(lab_error());

		lab_domu_stop(domu);
		ret = lab_fail(-ret, "boot of %s: %s", c.name, why ? why : "failed");
		free(why);
		return ret;
	}
	*out = domu;
	return 0;
}

/* A domain is destroyed once Xen does not list it any more; then its memory is free. */
static int domu_destroy(struct lab_guest *domu)
{
	struct lab_domain_memory d;
	int64_t start = lab_now_ms();
	char *out = NULL;
	int ret = lab_domain_memory(domu, &d), status;

	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;
	status = lab_sh(domu->host, DESTROY_MS, &out, "xl destroy %u", domu->domain);
	while ((ret = lab_domain_memory(domu, &d)) == 0 && lab_left_ms(start, DESTROY_MS))
		lab_sleep_ms(SETTLE_POLL_MS);
	if (ret == 0)
		ret = lab_fail(EBUSY, "xl destroy %u (%s), status %d: it is still there: %s",
			       domu->domain, domu->config.name, status, out ? out : "");
	free(out);
	return ret == -ENOENT ? 0 : ret;
}

int lab_domu_stop(struct lab_guest *domu)
{
	int ret = 0;

	if (!domu)
		return 0;
	if (domu->host && lab_alive(domu->host)) {
		ret = domu_destroy(domu);
		if (!ret)
			ret = lab_nested_flush(domu->host);
	}
	domu_free(domu);
	return ret;
}

int lab_domu_stop_others(struct lab_guest *dom0, const struct lab_guest *keep)
{
	struct lab_guest *domu = dom0->nested, *next;
	int ret = 0;

	for (; domu; domu = next) {
		int one = 0;

		next = domu->next_nested;
		if (domu != keep)
			one = lab_domu_stop(domu);
		ret = ret ? ret : one;
	}
	return ret;
}

int lab_domu_stop_all(struct lab_guest *dom0)
{
	return lab_domu_stop_others(dom0, NULL);
}
