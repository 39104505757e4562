/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Real Xen: its dom0, its domUs, and what it says of their memory. */
#define _GNU_SOURCE
#include "xen.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define NAME_LETTERS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
#define START_MS       40000 /* Xen's daemons in dom0 */
#define XL_MS	       60000
#define BOOT_MS	       180000
#define DESTROY_MS     60000
#define SETTLE_POLL_MS 100
#define HOLD_MS	       100   /* a size that is only passed through does not count */
#define LOOK_MS	       10000 /* so long dom0 looks in one go */

/* ---- configuration ---- */

static const char *const kernel_names[] = {
	[LAB_KERNEL_STOCK] = "stock",
	[LAB_KERNEL_OWN] = "own",
	[LAB_KERNEL_DEBUG] = "debug",
};

/* A value of lab-xen.env for one kernel: AERO_XEN_KERNEL_STOCK and so on. */
static const char *kernel_value(const char *what, enum lab_kernel kernel)
{
	char key[64];

	if ((unsigned int)kernel > LAB_KERNEL_DEBUG) {
		lab_fail(EINVAL, "there is no kernel %d", (int)kernel);
		return NULL;
	}
	snprintf(key, sizeof(key), "AERO_XEN_%s_%s", what, kernel_names[kernel]);
	for (char *c = key; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return lab_env(key);
}

const char *lab_xen_kernel(enum lab_kernel kernel)
{
	const char *path = kernel_value("KERNEL", kernel);

	if (!path && lab_build_folder() && (unsigned int)kernel <= LAB_KERNEL_DEBUG)
		lab_fail(ENOENT, "no kernel '%s' for Xen; run: %slab/setup xen %s",
			 kernel_names[kernel],
			 kernel == LAB_KERNEL_STOCK ? ""
			 : kernel == LAB_KERNEL_OWN ? "lab/setup kernel-xen own && "
						    : "lab/setup kernel-xen debug && ",
			 lab_build_folder());
	return path;
}

bool lab_kernel_built(enum lab_kernel kernel)
{
	return lab_xen_kernel(kernel) != NULL;
}

const char *lab_kernel_release(enum lab_kernel kernel)
{
	return kernel_value("RELEASE", kernel);
}

int lab_xen_config(struct lab_guest *g, const struct lab_xen *wanted)
{
	struct lab_xen *x = &g->xen;

	*x = *wanted;
	x->dom0_mib = x->dom0_mib ? x->dom0_mib : 1024;
	x->dom0_max_mib = x->dom0_max_mib ? x->dom0_max_mib : x->dom0_mib;
	x->dom0_vcpus = x->dom0_vcpus ? x->dom0_vcpus : 1;
	g->config.xen = x;
	if (!lab_env("AERO_XEN"))
		return lab_fail(ENOENT, "Xen is not set up; run: lab/setup xen %s",
				lab_build_folder() ? lab_build_folder() : "BUILD_FOLDER");
	if (x->dom0_mib < 256 || x->dom0_mib > x->dom0_max_mib ||
	    x->dom0_mib + 128 > g->config.memory_mib)
		return lab_fail(EINVAL,
				"dom0 with %u MiB, at most %u, does not fit %u MiB: it needs 256 "
				"at least, and Xen itself 128",
				x->dom0_mib, x->dom0_max_mib, g->config.memory_mib);
	if (x->dom0_vcpus > 16)
		return lab_fail(EINVAL, "dom0 has 1 to 16 CPUs, not %u", x->dom0_vcpus);
	return 0;
}

static int check_domu(struct lab_domu *c)
{
	c->name = c->name ? c->name : "domu";
	c->memory_mib = c->memory_mib ? c->memory_mib : 256;
	c->maxmem_mib = c->maxmem_mib ? c->maxmem_mib : c->memory_mib;
	c->vcpus = c->vcpus ? c->vcpus : 1;
	c->boot_timeout_ms = c->boot_timeout_ms ? c->boot_timeout_ms : BOOT_MS;
	if (!*c->name || strlen(c->name) > 40 || strspn(c->name, NAME_LETTERS) != strlen(c->name))
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
	    (c->modules && strspn(c->modules, NAME_LETTERS ",") != strlen(c->modules)))
		return lab_fail(EINVAL, "quotes and line ends can't be in a domU's parameters");
	return lab_xen_kernel(c->kernel) ? 0 : -ENOENT;
}

/* ---- dom0 ---- */

int lab_xen_up(struct lab_guest *g)
{
	return lab_must(g, START_MS, "/xen/start");
}

void lab_xen_down(struct lab_guest *g)
{
	while (g->domus) {
		struct lab_guest *domu = g->domus;

		g->domus = domu->next_domu;
		domu->dom0 = NULL;
		domu->gone = true;
	}
	while (g->logs) {
		struct lab_domu_log *log = g->logs;

		g->logs = log->next;
		free(log->path);
		free(log);
	}
}

struct lab_guest *lab_dom0(struct lab_guest *g)
{
	return g->domain ? g->dom0 : g;
}

unsigned int lab_domain(const struct lab_guest *g)
{
	return g->domain;
}

static struct lab_guest *dom0_alive(struct lab_guest *g)
{
	struct lab_guest *dom0 = lab_dom0(g);

	if (!dom0)
		lab_fail(EPIPE, "the dom0 of %s has ended", g->config.name);
	else if (!dom0->config.xen)
		dom0 = (lab_fail(ENOTSUP, "%s does not run under Xen", g->config.name), NULL);
	return dom0;
}

/* ---- consoles ---- */

char *lab_xen_log_path(const struct lab_guest *dom0, const char *name)
{
	const char *build = lab_build_folder();
	char *path = NULL;

	if (build &&
	    asprintf(&path, "%s/logs/%s.%s.console.log", build, dom0->config.name, name) < 0) {
		lab_fail(ENOMEM, "no memory for file names");
		path = NULL;
	}
	return path;
}

/* The log of this name, begun when it is new; NULL with lab_error(). */
static struct lab_domu_log *log_of(struct lab_guest *dom0, const char *name)
{
	struct lab_domu_log **at = &dom0->logs, *log;
	int fd;

	for (; *at; at = &(*at)->next)
		if (!strcmp((*at)->name, name))
			return *at;
	log = calloc(1, sizeof(*log));
	if (!log)
		return NULL;
	snprintf(log->name, sizeof(log->name), "%s", name);
	log->path = lab_xen_log_path(dom0, name);
	fd = log->path ? open(log->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
	if (fd < 0) {
		lab_fail(EIO, "can't write a console's log %s: %s", log->path ? log->path : "",
			 strerror(errno));
		free(log->path);
		free(log);
		return NULL;
	}
	close(fd);
	*at = log;
	return log;
}

void lab_xen_console(struct lab_guest *g, const struct lab_answer *answer)
{
	size_t head = strcspn(answer->text, "\n");
	struct lab_domu_log *log;
	char name[64];
	int fd;

	/* The name becomes a file's: take only what lab_domu_start() lets through. */
	if (!g->config.xen || !head || head >= sizeof(name) || answer->text[head] != '\n' ||
	    strspn(answer->text, NAME_LETTERS) != head)
		return;
	memcpy(name, answer->text, head);
	name[head] = 0;
	log = log_of(g, name);
	fd = log ? open(log->path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	(void)!write(fd, answer->text + head + 1, answer->length - head - 1);
	close(fd);
}

int lab_xen_flush(struct lab_guest *dom0)
{
	int ret = lab_call(dom0, 20000, NULL, "consoles");

	return ret > 0 ? lab_fail(EPROTO, "dom0's agent does not know 'consoles'") : ret;
}

/* ---- requests ---- */

int lab_xen_relayed(struct lab_guest *domu, int status, char *text)
{
	/* lab/guest/agent.h: RELAY_ANSWER and RELAY_ERROR. */
	if (status >= 0 && text && text[0] == 'A') {
		memmove(text, text + 1, strlen(text));
		return status;
	}
	if (status < 0 || !text || text[0] != 'E')
		status = lab_fail(ETIMEDOUT, "the domU %s did not answer (its console: %s)",
				  domu->config.name, domu->console_path);
	else
		status = lab_fail(strstr(text, "does not answer") ? ETIMEDOUT : EPIPE,
				  "%s: %s (its console: %s)", domu->config.name, text + 1,
				  domu->console_path);
	if (status == -EPIPE)
		domu->gone = true;
	return status;
}

int lab_xl(struct lab_guest *g, unsigned int timeout_ms, char **out, const char *format, ...)
{
	struct lab_guest *dom0 = dom0_alive(g);
	va_list args;
	char *text;
	int ret;

	if (out)
		*out = NULL;
	if (!dom0)
		return -ENOTSUP;
	va_start(args, format);
	ret = vasprintf(&text, format, args);
	va_end(args);
	if (ret < 0)
		return lab_fail(ENOMEM, "no memory for a command");
	ret = lab_sh(dom0, timeout_ms, out, "xl %s", text);
	free(text);
	return ret;
}

int lab_mem_set_kib(struct lab_guest *g, uint64_t kib)
{
	struct lab_guest *dom0 = dom0_alive(g);

	if (!dom0)
		return -ENOTSUP;
	return lab_must(dom0, XL_MS, "xl mem-set %u %lluk", g->domain, (unsigned long long)kib);
}

int lab_xenstore_read(struct lab_guest *g, const char *path, char **out)
{
	struct lab_guest *dom0 = dom0_alive(g);
	int ret;

	*out = NULL;
	if (!dom0)
		return -ENOTSUP;
	if (!*path || strchr(path, '\''))
		return lab_fail(EINVAL, "this is no path in xenstore: '%s'", path);
	if (*path == '/')
		ret = lab_sh(dom0, XL_MS, out, "xenstore-read '%s'", path);
	else
		ret = lab_sh(dom0, XL_MS, out, "xenstore-read '/local/domain/%u/%s'", g->domain,
			     path);
	if (ret == 0) {
		size_t n = strlen(*out);

		if (n && (*out)[n - 1] == '\n')
			(*out)[n - 1] = 0;
		return 0;
	}
	free(*out);
	*out = NULL;
	return ret < 0 ? ret : lab_fail(ENOENT, "xenstore has no %s of domain %u", path, g->domain);
}

/* ---- memory ---- */

static bool parse_host(const char *line, struct lab_xen_memory *out)
{
	unsigned long long v[4];

	if (sscanf(line, "xen %llu %llu %llu %llu", v, v + 1, v + 2, v + 3) != 4)
		return false;
	*out = (struct lab_xen_memory){v[0], v[1], v[2], v[3]};
	return true;
}

static bool parse_domain(const char *line, unsigned int domain, struct lab_domain_memory *out)
{
	unsigned long long kib, max, shared, paged;
	unsigned int number;
	char state[16];

	if (sscanf(line, "domain %u %llu %llu %llu %llu %15s", &number, &kib, &max, &shared, &paged,
		   state) != 6 ||
	    number != domain)
		return false;
	*out = (struct lab_domain_memory){kib, max, !strpbrk(state, "sdp")};
	return true;
}

/*
 * lab_memory_now() after waiting as figures.c says; its arguments for that, or "".
 * Returns 1 when the size was held.
 */
static int figures(struct lab_guest *g, const char *wait, struct lab_xen_memory *xen,
		   struct lab_domain_memory *domain)
{
	struct lab_guest *dom0 = dom0_alive(g);
	char *text = NULL, *rest, *line;
	bool host = false, found = false, held = false;
	struct lab_xen_memory x;
	struct lab_domain_memory d;
	int ret;

	if (!dom0)
		return -ENOTSUP;
	ret = lab_sh(dom0, XL_MS, &text, "/xen/figures %s", wait);
	rest = text;
	while (ret == 0 && (line = strsep(&rest, "\n"))) {
		host |= parse_host(line, &x);
		found |= parse_domain(line, g->domain, &d);
		held |= !strcmp(line, "held");
	}
	free(text);
	if (ret < 0)
		return ret;
	if (ret || !host)
		return lab_fail(EPROTO, "dom0 could not ask Xen for its figures (status %d)", ret);
	if (xen)
		*xen = x;
	if (domain && found)
		*domain = d;
	return domain && !found ? lab_fail(ENOENT, "Xen knows no domain %u any more", g->domain)
				: held;
}

int lab_memory_now(struct lab_guest *g, struct lab_xen_memory *xen,
		   struct lab_domain_memory *domain)
{
	return figures(g, "", xen, domain);
}

int lab_xen_memory(struct lab_guest *g, struct lab_xen_memory *out)
{
	return lab_memory_now(g, out, NULL);
}

int lab_domain_memory(struct lab_guest *g, struct lab_domain_memory *out)
{
	return lab_memory_now(g, NULL, out);
}

/* dom0 looks, and often: a process for each look would take the time that is waited for. */
static int wait_in_dom0(struct lab_guest *g, uint64_t low_kib, uint64_t high_kib,
			unsigned int hold_ms, int wait_ms, struct lab_domain_memory *d)
{
	char wait[128];

	snprintf(wait, sizeof(wait), "%u %" PRIu64 " %" PRIu64 " %u %d", g->domain, low_kib,
		 high_kib, hold_ms, wait_ms);
	return figures(g, wait, NULL, d);
}

int lab_wait_domain_kib(struct lab_guest *g, uint64_t low_kib, uint64_t high_kib,
			unsigned int timeout_ms)
{
	int64_t start = lab_now_ms();
	struct lab_domain_memory d;

	for (;;) {
		int left = lab_left_ms(start, timeout_ms);
		int ret = wait_in_dom0(g, low_kib, high_kib, HOLD_MS,
				       left < LOOK_MS ? left : LOOK_MS, &d);

		if (ret)
			return ret < 0 ? ret : 0;
		if (!left)
			return lab_fail(ETIMEDOUT,
					"domain %u has %llu KiB after %u ms, not %llu to %llu",
					g->domain, (unsigned long long)d.kib, timeout_ms,
					(unsigned long long)low_kib, (unsigned long long)high_kib);
	}
}

int lab_wait_domain_steady(struct lab_guest *g, unsigned int quiet_ms, unsigned int timeout_ms,
			   struct lab_domain_memory *out)
{
	int64_t start = lab_now_ms();
	struct lab_domain_memory d;
	int ret = lab_domain_memory(g, &d);

	while (!ret) {
		/* One that changes is not waited for: it is looked at anew. */
		ret = wait_in_dom0(g, d.kib, d.kib, quiet_ms, (int)quiet_ms + HOLD_MS, &d);
		if (!ret && !lab_left_ms(start, timeout_ms))
			ret = lab_fail(ETIMEDOUT,
				       "domain %u still changes after %u ms; it has %llu KiB",
				       g->domain, timeout_ms, (unsigned long long)d.kib);
	}
	if (ret > 0 && out)
		*out = d;
	return ret < 0 ? ret : 0;
}

/* ---- domUs ---- */

static struct lab_guest *domu_new(struct lab_guest *dom0, const struct lab_domu *c)
{
	struct lab_guest *domu = calloc(1, sizeof(*domu));
	struct lab_domu_log *log = domu ? log_of(dom0, c->name) : NULL;

	if (domu && log)
		domu->console_path = strdup(log->path);
	if (!domu || !log || !domu->console_path) {
		free(domu);
		return NULL;
	}
	domu->agent.fd = domu->qmp.fd = -1;
	domu->config.name = log->name;
	domu->config.memory_mib = c->maxmem_mib;
	domu->config.cpus = c->vcpus;
	domu->dom0 = dom0;
	return domu;
}

/* Writes a text into a file of dom0, line by line: the agent's requests are lines. */
static int put_file(struct lab_guest *dom0, const char *path, const char *text)
{
	int ret = lab_must(dom0, XL_MS, ": >%s", path);

	while (!ret && *text) {
		size_t n = strcspn(text, "\n");

		ret = lab_must(dom0, XL_MS, "echo '%.*s' >>%s", (int)n, text, path);
		text += n + (text[n] == '\n');
	}
	return ret;
}

static int domu_create(struct lab_guest *domu, const struct lab_domu *c)
{
	const char *kernel = kernel_names[c->kernel];
	char *config, *out = NULL;
	int ret;

	if (asprintf(
		    &config,
		    "name=\"%s\"\ntype=\"%s\"\nkernel=\"/xen/%s/vmlinux\"\n"
		    "ramdisk=\"/xen/%s/initramfs\"\nmemory=%u\nmaxmem=%u\nvcpus=%u\n"
		    "extra=\"console=hvc0 loglevel=5 panic=-1 watchdog_thresh=30 pci=noearly aero_role=domu"
		    "%s%s%s%s\"\non_crash=\"destroy\"\non_reboot=\"destroy\"\n"
		    "on_poweroff=\"destroy\"\n%s\n",
		    c->name, c->type == LAB_PV ? "pv" : "pvh", kernel, kernel, c->memory_mib,
		    c->maxmem_mib, c->vcpus, c->modules ? " aero_modules=" : "",
		    c->modules ? c->modules : "", c->append ? " " : "", c->append ? c->append : "",
		    c->config ? c->config : "") < 0)
		return lab_fail(ENOMEM, "no memory for xl's configuration");
	ret = put_file(domu->dom0, "/tmp/domu.cfg", config);
	free(config);
	if (!ret)
		ret = lab_sh(domu->dom0, XL_MS, &out,
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
	for (struct lab_guest **at = domu->dom0 ? &domu->dom0->domus : NULL; at && *at;
	     at = &(*at)->next_domu)
		if (*at == domu) {
			*at = domu->next_domu;
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

	if (!ret && !dom0_alive(dom0))
		ret = -ENOTSUP;
	/* With more, emulated SVM loses and doubles interrupts: guests panic or hang. */
	if (!ret && c.type == LAB_PVH && (c.vcpus > 1 || dom0->config.cpus > 1))
		ret = lab_fail(
			ENOTSUP,
			"under emulation a PVH domU has one CPU, and runs on one: not %u on %u",
			c.vcpus, dom0->config.cpus);
	if (!ret && dom0->domain)
		ret = lab_fail(EINVAL, "a domU can't start domUs");
	for (struct lab_guest *other = dom0->domus; !ret && other; other = other->next_domu)
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
	domu->next_domu = dom0->domus;
	dom0->domus = domu;
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

/* Destroyed means: Xen lists it no more, so its memory is free again. */
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
	status = lab_sh(domu->dom0, DESTROY_MS, &out, "xl destroy %u", domu->domain);
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
	if (domu->dom0 && lab_alive(domu->dom0)) {
		ret = domu_destroy(domu);
		if (!ret)
			ret = lab_xen_flush(domu->dom0);
	}
	domu_free(domu);
	return ret;
}

int lab_domu_stop_others(struct lab_guest *dom0, const struct lab_guest *keep)
{
	struct lab_guest *domu = dom0->domus, *next;
	int ret = 0;

	for (; domu; domu = next) {
		int one = 0;

		next = domu->next_domu;
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
