// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "loop.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <time.h>

#define US_PER_MS 1000U

/* Two sockets with their clients, signals, a timer and a backend need fewer. */
#define SOURCES	  256

static struct source {
	sd_event_source *source; /* NULL: free */
	int fd;
	loop_ready ready;
	loop_due due;
	uint64_t period_us;
	void *data;
} sources[SOURCES];

static sd_event *event;
static int failed;

static const char *error(void)
{
	return strerror(-failed);
}

static bool is(int ret)
{
	failed = ret < 0 ? ret : 0;
	return ret >= 0;
}

static bool start(void)
{
	return is(event ? 0 : sd_event_new(&event));
}

static int unused(void)
{
	for (int i = 0; i < SOURCES; i++)
		if (!sources[i].source)
			return i;
	failed = -ENFILE;
	return -1;
}

/* ---- files ---- */

static uint32_t to_epoll(int events)
{
	return (events & LOOP_READABLE ? (uint32_t)EPOLLIN : 0) |
	       (events & LOOP_WRITABLE ? (uint32_t)EPOLLOUT : 0);
}

static int from_epoll(uint32_t events)
{
	return (events & EPOLLIN ? LOOP_READABLE : 0) | (events & EPOLLOUT ? LOOP_WRITABLE : 0) |
	       (events & EPOLLERR ? LOOP_ERROR : 0) | (events & EPOLLHUP ? LOOP_HANGUP : 0);
}

static int ready(sd_event_source *source, int fd, uint32_t events, void *data)
{
	const struct source *s = data;

	(void)source;
	s->ready((int)(s - sources), fd, from_epoll(events), s->data);
	return 0;
}

static int add(int fd, int events, loop_ready call, void *data)
{
	int i = unused();

	if (i < 0)
		return -1;
	sources[i] = (struct source){.fd = fd, .ready = call, .data = data};
	if (!is(sd_event_add_io(event, &sources[i].source, fd, to_epoll(events), ready,
				&sources[i])))
		return -1;
	return i;
}

static void set(int watch, int events)
{
	sd_event_source_set_io_events(sources[watch].source, to_epoll(events));
}

/* Its number may be used again at once, also by what is being called for it. */
static void remove_source(int watch)
{
	sd_event_source_disable_unref(sources[watch].source);
	sources[watch].source = NULL;
}

/* ---- the timer ---- */

static int due(sd_event_source *source, uint64_t at_us, void *data)
{
	struct source *s = data;

	(void)at_us;
	sd_event_source_set_time_relative(source, s->period_us);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	s->due((int)(s - sources), s->data);
	return 0;
}

static int add_timer(int ms, loop_due call, void *data)
{
	int i = unused();

	if (i < 0)
		return -1;
	sources[i] =
		(struct source){.due = call, .data = data, .period_us = (uint64_t)ms * US_PER_MS};
	/* Its accuracy, in us: the steps' times are compared. */
	if (!is(sd_event_add_time_relative(event, &sources[i].source, CLOCK_MONOTONIC,
					   sources[i].period_us, US_PER_MS, due, &sources[i])))
		return -1;
	return i;
}

static void set_timer(int timer, int ms)
{
	sources[timer].period_us = (uint64_t)ms * US_PER_MS;
	sd_event_source_set_time_relative(sources[timer].source, sources[timer].period_us);
	sd_event_source_set_enabled(sources[timer].source, SD_EVENT_ONESHOT);
}

static bool run(void)
{
	return is(sd_event_run(event, UINT64_MAX));
}

const struct loop loop_own = {
	.start = start,
	.add = add,
	.set = set,
	.remove = remove_source,
	.add_timer = add_timer,
	.set_timer = set_timer,
	.run = run,
	.error = error,
};
