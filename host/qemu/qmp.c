// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The commands by which the outside controls the monitor, through QEMU's own QMP socket:
 *
 *   balloon, query-balloon     the size, in bytes the guest keeps
 *   qom-get aerostat           the report
 *   qom-set aerostat-control   settings
 */
#include <stdlib.h>

#include "json/json.h"
#include "plugin.h"

static struct aero_plugin *plugin;

/* Converts pages that the guest gives to bytes that it keeps. */
static int64_t kept_bytes(const struct aero_plugin *p, uint64_t pages)
{
	uint64_t given = pages << AERO_VMW_PAGE_SHIFT;

	return given < p->ram_bytes ? (int64_t)(p->ram_bytes - given) : 0;
}

static void set_target(void *opaque, ram_addr_t keep)
{
	struct aero_plugin *p = opaque;
	uint64_t give = keep < p->ram_bytes ? p->ram_bytes - keep : 0;

	aero_monitor_set_target(p->monitor, give >> AERO_VMW_PAGE_SHIFT);
}

static void get_size(void *opaque, BalloonInfo *info)
{
	const struct aero_plugin *p = opaque;

	info->actual = kept_bytes(p, aero_monitor_size(p->monitor));
}

/*
 * Sends QMP's event BALLOON_CHANGE.  Called when the guest asks for its target, which it does once
 * a second.  QEMU limits the rate of this event, so one for each batch would be dropped.
 */
void aero_qemu_report_size(struct aero_plugin *p)
{
	uint64_t size = aero_monitor_size(p->monitor);

	if (size == p->reported_pages)
		return;
	p->reported_pages = size;
	qapi_event_send_balloon_change(kept_bytes(p, size));
}

/* QEMU frees the text with GLib. */
static char *get_report(Object *machine, Error **errp)
{
	char *report = aero_monitor_report(plugin->monitor);
	char *text = report ? g_strdup(report) : NULL;

	free(report);
	if (!text)
		error_setg_internal(errp, __FILE__, __LINE__, __func__, "no memory for the report");
	return text;
}

static void set_control(Object *machine, const char *text, Error **errp)
{
	char error[512];

	if (aero_monitor_control(plugin->monitor, text, error, sizeof(error)))
		error_setg_internal(errp, __FILE__, __LINE__, __func__, "%s", error);
}

void aero_qemu_qmp_init(struct aero_plugin *p)
{
	Object *machine = qdev_get_machine();

	plugin = p;
	if (qemu_add_balloon_handler(set_target, get_size, p))
		aero_qemu_die("another balloon device is there (virtio-balloon?); a machine has "
			      "one balloon only: remove it");
	object_property_add_str(machine, "aerostat", get_report, NULL);
	object_property_add_str(machine, "aerostat-control", NULL, set_control);
}
