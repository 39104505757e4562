/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Platform vmware: a PC of stock QEMU that the guest takes for VMware's, with our
 * monitor as a plug-in of QEMU.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

static int add_monitor(struct lab_args *args, const struct lab_config *c)
{
	char path[4096], quoted[4096];
	const char *build;

	if (c->plugin) {
		snprintf(path, sizeof(path), "%s", c->plugin);
	} else {
		build = lab_build_folder();
		if (!build)
			return -ENOENT;
		snprintf(path, sizeof(path), "%s/host/aerostat-vmware-qemu.so", build);
	}
	if (access(path, R_OK))
		return lab_fail(ENOENT, "the monitor's plug-in %s is not there; build it first",
				path);
	lab_quote_commas(path, quoted, sizeof(quoted));
	lab_add(args, "-plugin");
	lab_add(args, "file=%s%s%s", quoted, c->plugin_args ? "," : "",
		c->plugin_args ? c->plugin_args : "");
	return 0;
}

static int add_args(struct lab_args *args, const struct lab_guest *g)
{
	int ret;

	lab_add_pc(args, &g->config, "multi", "vmport=on", "qemu64,-hypervisor");
	lab_add(args, "-smbios");
	lab_add(args, "type=1,serial=VMware-56");
	ret = lab_add_linux(args, &g->config);
	return ret ? ret : add_monitor(args, &g->config);
}

json_t *lab_monitor_report(struct lab_guest *g)
{
	json_t *text = lab_qmp(g, "qom-get",
			       json_pack("{s:s, s:s}", "path", "/machine", "property", "aerostat"));
	json_error_t error;
	json_t *report = NULL;

	if (text && json_is_string(text)) {
		report = json_loads(json_string_value(text), 0, &error);
		if (!report)
			lab_fail(EPROTO, "the monitor's report is not JSON: %s", error.text);
	} else if (text) {
		lab_fail(EPROTO, "the monitor's report is not a string");
	}
	json_decref(text);
	return report;
}

int lab_monitor_control(struct lab_guest *g, const char *format, ...)
{
	char *text;
	va_list args;
	int ret;

	va_start(args, format);
	text = lab_format(format, args);
	va_end(args);
	if (!text)
		return -ENOMEM;
	ret = lab_qmp_do(g, "qom-set",
			 json_pack("{s:s, s:s, s:s}", "path", "/machine", "property",
				   "aerostat-control", "value", text));
	free(text);
	return ret;
}

/* The seconds that the monitor saw the guest at work in one direction. */
static double busy(json_t *report, const char *direction)
{
	json_t *counters = json_object_get(json_object_get(report, "counters"), direction);

	return json_number_value(json_object_get(counters, "busy_ns")) / 1e9;
}

static int figures(struct lab_guest *g, struct lab_figures *out)
{
	struct lab_host_memory host;
	json_t *report;
	int ret;

	*out = (struct lab_figures){.host_free_kib = LAB_UNKNOWN};
	ret = lab_balloon_size(g, &out->guest_kib);
	if (!ret)
		ret = lab_host_memory(g, &host);
	if (ret)
		return ret;
	out->host_ram_kib = host.ram_kib;
	out->host_process_kib = host.process_kib;
	report = lab_monitor_report(g);
	if (!report)
		return -EREMOTEIO;
	out->busy_seconds = busy(report, "inflate") + busy(report, "deflate");
	json_decref(report);
	return 0;
}

const struct lab_platform lab_platform_vmware = {
	.name = "vmware",
	.title = "VMware",
	.driver = "aerostat_vmware",
	.in_tree = "vmw_balloon",
	.qemu = "qemu-system-x86_64",
	.memory_mib = 1024,
	.slack_kib = 2048, /* docs/use/abi.md: a driver may stop within one 2 MiB page */
	.args = add_args,
	.set_target = lab_balloon_set_target,
	.size = lab_balloon_size,
	.figures = figures,
	.report = lab_monitor_report,
	.look_ms = 10,
};
