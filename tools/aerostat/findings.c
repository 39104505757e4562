// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What goes wrong in the field, and how it is noticed.  docs/use/doctor.md has the same names. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "compat/verified.h"
#include "units.h"

typedef char finding[DOCTOR_TEXT_MAX];

#define tell(text, ...) snprintf(text, DOCTOR_TEXT_MAX, __VA_ARGS__)

static bool is_there(const struct doctor *d, const char *name)
{
	char path[2 * AERO_PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", d->root, name);
	return !access(path, F_OK);
}

static bool chooses(const struct doctor *d)
{
	return d->loaded && balloon_is_own_master(&d->b);
}

/* ---- drivers ---- */

static enum doctor_level no_module(const struct doctor *d, finding text)
{
	const char *module = balloon_module_for(d->root);
	char name[64];

	if (d->loaded)
		return DOCTOR_FINE;
	snprintf(name, sizeof(name), "/sys/module/%s", module ? module : "");
	if (module && is_there(d, name))
		tell(text, "%s is loaded, but has no balloon", module);
	else if (module)
		tell(text, "no balloon's module of Aerostat is loaded; %s belongs to this machine",
		     module);
	else
		tell(text,
		     "no balloon's module of Aerostat is loaded, and this looks like no guest of "
		     "VMware, Xen or virtio");
	return DOCTOR_PROBLEM;
}

/* The name of the driver that has the virtio device; empty: none has it. */
static void driver_of(const struct doctor *d, unsigned int device, char driver[64])
{
	char path[2 * AERO_PATH_MAX], target[256];
	const char *last;
	ssize_t n;

	*driver = 0;
	snprintf(path, sizeof(path), "%s/sys/bus/virtio/devices/virtio%u/driver", d->root, device);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return;
	target[n] = 0;
	last = strrchr(target, '/');
	snprintf(driver, 64, "%.63s", last ? last + 1 : target);
}

static bool others_have_device(const struct doctor *d, finding text)
{
	char driver[64];

	for (unsigned int i = 0; i < BALLOON_VIRTIO_MOST; i++) {
		if (!balloon_is_virtio(d->root, i))
			continue;
		driver_of(d, i, driver);
		if (!*driver || !strcmp(driver, "aerostat_virtio"))
			continue;
		tell(text, "the balloon driver %s has the device virtio%u", cli_shown(driver), i);
		return true;
	}
	return false;
}

static enum doctor_level device_unbound(const struct doctor *d, finding text)
{
	char driver[64];

	for (unsigned int i = 0; i < BALLOON_VIRTIO_MOST; i++) {
		if (!balloon_is_virtio(d->root, i))
			continue;
		driver_of(d, i, driver);
		if (*driver)
			continue;
		tell(text, "no driver has the balloon device virtio%u%s", i,
		     is_there(d, "/sys/module/aerostat_virtio")
			     ? ", although aerostat_virtio is loaded"
			     : "");
		return d->loaded ? DOCTOR_WARNING : DOCTOR_PROBLEM;
	}
	return DOCTOR_FINE;
}

static enum doctor_level other_balloon(const struct doctor *d, finding text)
{
	static const char *const modules[] = {"vmw_balloon", "virtio_balloon", "hv_balloon"};
	char name[64];

	/* One that is built in has no folder of a module, but its device shows it. */
	if (others_have_device(d, text))
		return DOCTOR_PROBLEM;
	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
		snprintf(name, sizeof(name), "/sys/module/%s", modules[i]);
		if (!is_there(d, name))
			continue;
		tell(text, "the balloon driver %s is loaded%s", modules[i],
		     d->loaded ? " beside Aerostat" : " and has this guest's balloon");
		return d->loaded ? DOCTOR_WARNING : DOCTOR_PROBLEM;
	}
	return DOCTOR_FINE;
}

/* Is free page reporting, bit 5 of the features, in use by this virtio balloon? */
static bool reports(const struct doctor *d, unsigned int device)
{
	char name[128], text[128];

	snprintf(name, sizeof(name), "/sys/bus/virtio/drivers/virtio_balloon/virtio%u", device);
	if (!is_there(d, name))
		return false;
	snprintf(name, sizeof(name), "/sys/bus/virtio/devices/virtio%u/features", device);
	return !aero_read(d->root, name, text, sizeof(text)) && strlen(text) > 5 && text[5] == '1';
}

static enum doctor_level reporting_taken(const struct doctor *d, finding text)
{
	const char *who = is_there(d, "/sys/module/hv_balloon") ? "hv_balloon" : NULL;

	for (unsigned int i = 0; i < BALLOON_VIRTIO_MOST && !who; i++)
		if (reports(d, i))
			who = "virtio_balloon";
	if (!who)
		return DOCTOR_FINE;
	tell(text,
	     "%s has registered for the kernel's page reporting, which only one driver can; "
	     "large blocks then come from the allocator",
	     who);
	return DOCTOR_NOTE;
}

/* ---- the kernel ---- */

static enum doctor_level old_kernel(const struct doctor *d, finding text)
{
	unsigned int major = 0, minor = 0;
	char release[128];
	bool lists, take_over;

	if (aero_read(d->root, "/proc/sys/kernel/osrelease", release, sizeof(release)) ||
	    sscanf(release, "%3u.%3u", &major, &minor) != 2)
		return DOCTOR_FINE;
	if (major < 5 || (major == 5 && minor < 10)) {
		tell(text, "Linux %u.%u is older than 5.10, the oldest that Aerostat is for", major,
		     minor);
		return DOCTOR_PROBLEM;
	}
	lists = aerostat_is_verified(major << 16 | minor << 8, AEROSTAT_FREE_LISTS);
	take_over = aerostat_is_verified(major << 16 | minor << 8, AEROSTAT_TAKE_OVER);
	if (!take_over && balloon_module_for(d->root) &&
	    !strcmp(balloon_module_for(d->root), "aerostat_xen")) {
		tell(text,
		     "Linux %u.%u is not among the kernels for which taking over from Xen's "
		     "built-in balloon was verified, so the module loads only with takeover=1",
		     major, minor);
		return DOCTOR_WARNING;
	}
	if (lists)
		return DOCTOR_FINE;
	tell(text,
	     "Linux %u.%u is not among the kernels for which blocks from the free lists were "
	     "verified; large blocks come from the allocator, which is slower",
	     major, minor);
	return DOCTOR_NOTE;
}

static enum doctor_level lockdown(const struct doctor *d, finding text)
{
	char mode[128], *end;

	if (aero_read(d->root, "/sys/kernel/security/lockdown", mode, sizeof(mode)))
		return DOCTOR_FINE;
	if (!strchr(mode, '[') || strstr(mode, "[none]"))
		return DOCTOR_FINE;
	end = strchr(mode, ']');
	if (end)
		*end = 0;
	tell(text,
	     "the kernel is locked down (%s): it loads signed modules only, and the statistics "
	     "in debugfs can't be read",
	     cli_shown(strchr(mode, '[') + 1));
	return DOCTOR_NOTE;
}

static enum doctor_level no_psi(const struct doctor *d, finding text)
{
	if (d->g.pressure)
		return DOCTOR_FINE;
	tell(text,
	     "the kernel does not measure pressure (/proc/pressure/memory), so aerostatd can't "
	     "run and the policy pressure is never active");
	return chooses(d) ? DOCTOR_PROBLEM : DOCTOR_NOTE;
}

/* ---- the guest that sizes itself ---- */

static enum doctor_level no_daemon(const struct doctor *d, finding text)
{
	bool wants = chooses(d) && !strcmp(d->b.policy, "pressure");

	if (d->g.daemon_pid || (!wants && !(d->loaded && d->b.selfshrinking == 1)))
		return DOCTOR_FINE;
	tell(text, "aerostatd does not run, %s",
	     wants ? "so the policy committed stands in for pressure"
		   : "so swapped pages are not brought home, although that is switched on");
	return DOCTOR_WARNING;
}

static enum doctor_level little_swap(const struct doctor *d, finding text)
{
	char swap[UNITS_TEXT_MAX], all[UNITS_TEXT_MAX];
	uint64_t overcommit = 0;

	aero_read_number(d->root, "/proc/sys/vm/overcommit_memory", &overcommit);
	if (!chooses(d) || overcommit == 1 || d->g.swap_kib >= d->b.limit_kib)
		return DOCTOR_FINE;
	tell(text,
	     "the guest sizes itself and has %s of swap for %s of memory: while it is small, the "
	     "kernel may refuse memory that the guest could have a moment later",
	     units_size(swap, d->g.swap_kib), units_size(all, d->b.limit_kib));
	return DOCTOR_WARNING;
}

static enum doctor_level areas_off(const struct doctor *d, finding text)
{
	if (d->g.areas_known < 0) {
		tell(text, "the record of swap areas can't be used: %.300s", aero_error());
		return DOCTOR_WARNING;
	}
	if (!d->g.areas_known || d->g.areas_on == d->g.areas.count)
		return DOCTOR_FINE;
	tell(text, "%zu of %zu swap areas are on", d->g.areas_on, d->g.areas.count);
	return DOCTOR_WARNING;
}

/* ---- host and target ---- */

static enum doctor_level host_silent(const struct doctor *d, finding text)
{
	const struct balloon *b = &d->b;
	bool apart;

	if (!d->loaded)
		return DOCTOR_FINE;
	apart = !strcmp(b->state, "connecting") || !strcmp(b->state, "resetting");
	if (!apart && strcmp(b->last_run, "command_failed"))
		return DOCTOR_FINE;
	if (b->failed_connects != BALLOON_UNKNOWN && b->failed_connects)
		tell(text,
		     "the host does not answer: state %s, and %llu attempts to connect have "
		     "failed",
		     b->state, (unsigned long long)b->failed_connects);
	else
		tell(text, "the host does not answer: state %s, the last run ended with %s",
		     b->state, b->last_run);
	return DOCTOR_PROBLEM;
}

/* Size and spare are not read at the same instant, so a hundredth does not count. */
static enum doctor_level target_too_high(const struct doctor *d, finding text)
{
	char target[UNITS_TEXT_MAX], left[UNITS_TEXT_MAX], needs[UNITS_TEXT_MAX];
	const struct balloon *b = &d->b;
	uint64_t reach;

	if (!d->loaded || b->spare_kib == BALLOON_UNKNOWN)
		return DOCTOR_FINE;
	reach = b->size_kib + b->spare_kib;
	if (b->target_kib <= reach || b->target_kib - reach <= b->limit_kib / 100)
		return DOCTOR_FINE;
	tell(text,
	     "the balloon's target of %s would leave the guest %s, but it needs %s with what it "
	     "uses now and its reserve; the target is not reached",
	     units_size(target, b->target_kib),
	     units_size(left, b->limit_kib > b->target_kib ? b->limit_kib - b->target_kib : 0),
	     units_size(needs, b->limit_kib > reach ? b->limit_kib - reach : 0));
	return DOCTOR_WARNING;
}

/* ---- memory blocks ---- */

static enum doctor_level blocks_stay_online(const struct doctor *d, finding text)
{
	char large[UNITS_TEXT_MAX];

	if (!d->loaded || !d->b.large_kib || d->b.large_kib == BALLOON_UNKNOWN ||
	    !is_there(d, "/sys/devices/system/memory"))
		return DOCTOR_FINE;
	tell(text,
	     "%s of the balloon are blocks of 2 MiB, which are not moved: the memory blocks in "
	     "which they lie can't go offline",
	     units_size(large, d->b.large_kib));
	return DOCTOR_NOTE;
}

static enum doctor_level memory_not_online(const struct doctor *d, finding text)
{
	char path[2 * AERO_PATH_MAX], name[320], state[32];
	unsigned int off = 0, number;
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/sys/devices/system/memory", d->root);
	folder = opendir(path);
	if (!folder)
		return DOCTOR_FINE;
	while ((entry = readdir(folder))) {
		if (sscanf(entry->d_name, "memory%9u", &number) != 1)
			continue;
		snprintf(name, sizeof(name), "/sys/devices/system/memory/%s/state", entry->d_name);
		if (!aero_read(d->root, name, state, sizeof(state)) &&
		    !strncmp(state, "offline", 7))
			off++;
	}
	closedir(folder);
	if (!off)
		return DOCTOR_FINE;
	tell(text, "%u memory %s offline", off, off == 1 ? "block is" : "blocks are");
	return DOCTOR_WARNING;
}

/* ---- figures ---- */

static enum doctor_level memtotal_changed(const struct doctor *d, finding text)
{
	char total[UNITS_TEXT_MAX], limit[UNITS_TEXT_MAX], size[UNITS_TEXT_MAX];
	const struct balloon *b = &d->b;

	if (!d->loaded || b->size_kib <= b->limit_kib / 100)
		return DOCTOR_FINE;
	units_size(total, d->g.total_kib);
	units_size(limit, b->limit_kib);
	units_size(size, b->size_kib);
	if (d->g.total_kib + b->limit_kib / 100 < b->limit_kib)
		tell(text,
		     "MemTotal is %s now and was %s without the balloon; software that read it "
		     "once sized itself by what it was then",
		     total, limit);
	else
		tell(text,
		     "MemTotal says %s, of which the balloon holds %s; software that sizes itself "
		     "by MemTotal counts on memory that is not there",
		     total, size);
	return DOCTOR_NOTE;
}

static enum doctor_level memory_unaccounted(const struct doctor *d, finding text)
{
	const struct doctor_memory *m = &d->memory;
	char amount[UNITS_TEXT_MAX];
	int64_t difference;

	if (!d->loaded || m->boot_kib == BALLOON_UNKNOWN || m->reserved_kib == BALLOON_UNKNOWN)
		return DOCTOR_FINE;
	difference = doctor_difference(m);
	if ((uint64_t)llabs(difference) <= m->boot_kib / 100 * DOCTOR_MEMORY_PERCENT)
		return DOCTOR_FINE;
	tell(text, "%s of memory are %s", units_size(amount, (uint64_t)llabs(difference)),
	     difference < 0 ? "neither usable nor in the balloon nor reserved"
			    : "more than the guest had at boot");
	return DOCTOR_WARNING;
}

const struct doctor_check doctor_checks[] = {
	{"no-module", no_module, "load it; the kernel's log says why it does not load"},
	{"other-balloon", other_balloon, "unload it and keep it from being loaded"},
	{"device-unbound", device_unbound,
	 "load aerostat_virtio; where it is, the kernel's log says why it did not take the device"},
	{"reporting-taken", reporting_taken, "unload that driver before the balloon is inflated"},
	{"old-kernel", old_kernel, "see which kernels are verified"},
	{"lockdown", lockdown, "sign the modules; status and export need no debugfs"},
	{"no-psi", no_psi, "boot with psi=1"},
	{"no-daemon", no_daemon, "systemctl enable --now aerostatd"},
	{"little-swap", little_swap, "aerostat swap setup, or vm.overcommit_memory=1"},
	{"areas-off", areas_off, "repeat the set-up, or aerostat swap undo"},
	{"host-silent", host_silent, "look at the host, and at the kernel's log"},
	{"target-too-high", target_too_high,
	 "lower the target on the host, or the guest's needs, or reserve_kib"},
	{"blocks-stay-online", blocks_stay_online, "deflate the balloon before"},
	{"memory-not-online", memory_not_online,
	 "write online to their state, or to auto_online_blocks"},
	{"memtotal-changed", memtotal_changed, "set its limit by hand"},
	{"memory-unaccounted", memory_unaccounted, "report it, with aerostat bugreport"},
};

const size_t doctor_checks_count = sizeof(doctor_checks) / sizeof(*doctor_checks);
