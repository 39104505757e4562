/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A guest's life: configuration, boot, reset and end, on whichever platform. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define BOOT_TIMEOUT_S 90
#define QMP_GREET_MS   30000

static int check_config(struct lab_config *c)
{
	c->name = c->name ? c->name : "guest";
	c->memory_mib = c->memory_mib ? c->memory_mib : c->platform->memory_mib;
	c->cpus = c->cpus ? c->cpus : 1;
	c->boot_s = c->boot_s ? c->boot_s : BOOT_TIMEOUT_S;
	if (!*c->name || strspn(c->name, LAB_NAME_LETTERS) != strlen(c->name))
		return lab_fail(EINVAL, "a guest's name has letters, digits, - and _: '%s'",
				c->name);
	if (c->memory_mib < 128 || c->memory_mib > 65536)
		return lab_fail(EINVAL, "a guest has 128 to 65536 MiB, not %u", c->memory_mib);
	if (c->cpus > 16)
		return lab_fail(EINVAL, "a guest has 1 to 16 CPUs, not %u", c->cpus);
	if (c->backend != LAB_ANONYMOUS && c->backend != LAB_MEMFD)
		return lab_fail(EINVAL, "there is no memory backend %d", (int)c->backend);
	return 0;
}

static int make_logs(struct lab_guest *g)
{
	const char *build = lab_build_folder();
	char folder[4096];
	int fd;

	if (!build)
		return -ENOENT;
	snprintf(folder, sizeof(folder), "%s/logs", build);
	if (mkdir(folder, 0755) && errno != EEXIST)
		return lab_fail(errno, "can't make %s: %s", folder, strerror(errno));
	if (asprintf(&g->console_path, "%s/%s.console.log", folder, g->config.name) < 0)
		g->console_path = NULL;
	if (asprintf(&g->qemu_log_path, "%s/%s%s.qemu.log", folder, g->config.name,
		     g->incoming ? ".incoming" : "") < 0)
		g->qemu_log_path = NULL;
	if (!g->console_path || !g->qemu_log_path)
		return lab_fail(ENOMEM, "no memory for file names");
	/* A guest that comes from another QEMU goes on with its console. */
	fd = open(g->console_path, O_WRONLY | O_CREAT | (g->incoming ? 0 : O_TRUNC) | O_CLOEXEC,
		  0644);
	if (fd < 0)
		return lab_fail(errno, "can't write %s: %s", g->console_path, strerror(errno));
	close(fd);
	return 0;
}

/* A host that is too small would otherwise show up as a killed QEMU or as a slow guest. */
static int check_host(const struct lab_config *c)
{
	char *text = lab_slurp("/proc/meminfo", 0, NULL);
	const char *at = text ? strstr(text, "MemAvailable:") : NULL;
	unsigned long long mib = at ? strtoull(at + 13, NULL, 10) / 1024 : 0;
	/* QEMU itself and its translated code take about 200 MiB. */
	unsigned int needed = (c->used_mib ? c->used_mib : c->memory_mib) + 256;

	free(text);
	if (at && mib < needed)
		return lab_fail(ENOMEM,
				"this host has %llu MiB available, a guest of %u MiB needs %u; "
				"free some memory or take a smaller guest",
				mib, c->memory_mib, needed);
	return 0;
}

static int add_all(struct lab_args *args, const struct lab_guest *g)
{
	const struct lab_platform *p = g->config.platform;
	const char *qemu = getenv("AERO_QEMU");
	char console[4096];
	int ret;

	lab_add(args, "%s", qemu && *qemu ? qemu : p->qemu);
	lab_add(args, "-nodefaults");
	lab_add(args, "-no-user-config");
	lab_add(args, "-no-reboot");
	lab_add(args, "-display");
	lab_add(args, "none");
	lab_quote_commas(g->console_path, console, sizeof(console));
	lab_add(args, "-chardev");
	lab_add(args, "file,id=console,append=on,path=%s", console);
	lab_add(args, "-chardev");
	lab_add(args, "socket,id=agent,fd=%d", LAB_AGENT_FD);
	lab_add(args, "-chardev");
	lab_add(args, "socket,id=qmp,fd=%d", LAB_QMP_FD);
	lab_add(args, "-mon");
	lab_add(args, "chardev=qmp,mode=control");
	ret = p->args(args, g);
	for (const char *const *word = g->config.extra; !ret && word && *word; word++)
		lab_add(args, "%s", *word);
	if (g->incoming) {
		lab_add(args, "-incoming");
		lab_add(args, "%s", g->incoming);
	}
	if (!ret && args->failed)
		ret = lab_fail(E2BIG, "too many arguments for QEMU");
	return ret;
}

int lab_machine_start(struct lab_guest *g)
{
	struct lab_args args = {0};
	int ret = check_config(&g->config);

	if (!ret && g->config.platform->configure)
		ret = g->config.platform->configure(g);
	if (!ret)
		ret = check_host(&g->config);
	if (!ret)
		ret = make_logs(g);
	if (!ret)
		ret = add_all(&args, g);
	if (!ret)
		lab_kept_find(g, &args);
	if (!ret)
		ret = lab_process_start(g, &args);
	lab_args_free(&args);
	return ret ? ret : lab_qmp_greet(g, QMP_GREET_MS);
}

static int wait_boot(struct lab_guest *g)
{
	int ret;

	if (g->from_kept)
		return lab_kept_wait(g);
	ret = lab_wait_ready(g, 0, g->config.boot_s * 1000);
	if (!ret && g->config.platform->up)
		ret = g->config.platform->up(g);
	return ret ? ret : lab_kept_save(g);
}

static int boot(struct lab_guest **out, const struct lab_config *config, bool *from_kept)
{
	struct lab_guest *g = calloc(1, sizeof(*g));
	int ret;

	*from_kept = false;

	if (!g)
		return lab_fail(ENOMEM, "no memory for a guest");
	g->agent.fd = g->qmp.fd = -1;
	g->next_id = 1;
	g->config = *config;
	g->config.platform = lab_platform_of(config);
	ret = lab_machine_start(g);
	if (!ret)
		ret = wait_boot(g);
	*from_kept = g->from_kept;
	if (ret && g->from_kept)
		lab_kept_forget(g);
	if (ret)
		lab_stop(g);
	else
		*out = g;
	return ret;
}

int lab_boot(struct lab_guest **out, const struct lab_config *config)
{
	bool from_kept;
	int ret = boot(out, config, &from_kept);

	/* A state that does not work is gone now, so this one really boots. */
	return ret && from_kept ? boot(out, config, &from_kept) : ret;
}

void lab_stop(struct lab_guest *g)
{
	if (!g)
		return;
	if (g->domain) {
		g->config.platform->nested_stop(g);
		return;
	}
	lab_stop(g->heir);
	lab_nested_forget(g);
	lab_process_end(g);
	lab_stream_close(&g->agent);
	lab_stream_close(&g->qmp);
	while (g->answers) {
		struct lab_answer *next = g->answers->next;

		free(g->answers->text);
		free(g->answers);
		g->answers = next;
	}
	free(g->platform_data);
	free(g->kept);
	free(g->console_path);
	free(g->qemu_log_path);
	free(g);
}

int lab_expect_restart(struct lab_guest *g)
{
	if (g->config.platform->no_reset)
		return lab_fail(ENOTSUP, "%s can't be restarted; boot another one",
				g->config.platform->title);
	g->boots = g->ready_count;
	return lab_qmp_do(g, "set-action", json_pack("{s:s}", "reboot", "reset"));
}

int lab_wait_restart(struct lab_guest *g, unsigned int timeout_ms)
{
	int ret = lab_wait_ready(g, g->boots, timeout_ms);

	if (!ret && g->config.platform->up)
		ret = g->config.platform->up(g);
	/* From here on a guest that restarts by itself has failed, as after the boot. */
	if (!ret)
		ret = lab_qmp_do(g, "set-action", json_pack("{s:s}", "reboot", "shutdown"));
	return ret;
}

int lab_reset(struct lab_guest *g)
{
	int ret = lab_expect_restart(g);

	if (!ret)
		ret = lab_qmp_do(g, "system_reset", NULL);
	return ret ? ret : lab_wait_restart(g, g->config.boot_s * 1000);
}

const struct lab_config *lab_guest_config(const struct lab_guest *g)
{
	return &g->config;
}

int lab_guest_pid(const struct lab_guest *g)
{
	return (int)g->pid;
}

uint64_t lab_guest_bytes(const struct lab_guest *g)
{
	return (uint64_t)g->config.memory_mib << 20;
}
