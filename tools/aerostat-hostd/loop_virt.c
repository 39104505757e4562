// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* libvirt's event loop, by which its library is called too. */
#include "loop_virt.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stddef.h>

_Static_assert((int)LOOP_READABLE == (int)VIR_EVENT_HANDLE_READABLE &&
		       (int)LOOP_WRITABLE == (int)VIR_EVENT_HANDLE_WRITABLE &&
		       (int)LOOP_ERROR == (int)VIR_EVENT_HANDLE_ERROR &&
		       (int)LOOP_HANGUP == (int)VIR_EVENT_HANDLE_HANGUP,
	       "events have libvirt's numbers");

static bool start(void)
{
	return !virInitialize() && !virEventRegisterDefaultImpl();
}

/* libvirt tells of errors and hang-ups only those who want to know. */
static int with_end(int events)
{
	return events | VIR_EVENT_HANDLE_ERROR | VIR_EVENT_HANDLE_HANGUP;
}

static int add(int fd, int events, loop_ready ready, void *data)
{
	return virEventAddHandle(fd, with_end(events), ready, data, NULL);
}

static void set(int watch, int events)
{
	virEventUpdateHandle(watch, with_end(events));
}

static void remove_handle(int watch)
{
	virEventRemoveHandle(watch);
}

static int add_timer(int ms, loop_due due, void *data)
{
	return virEventAddTimeout(ms, due, data, NULL);
}

static bool run(void)
{
	return !virEventRunDefaultImpl();
}

const struct loop loop_virt = {
	.start = start,
	.add = add,
	.set = set,
	.remove = remove_handle,
	.add_timer = add_timer,
	.set_timer = virEventUpdateTimeout,
	.run = run,
	.error = virGetLastErrorMessage,
};
