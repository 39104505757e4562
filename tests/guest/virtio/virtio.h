/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the tests on the balloon device of stock QEMU have in common. */
#ifndef AEROSTAT_TESTS_GUEST_VIRTIO_H
#define AEROSTAT_TESTS_GUEST_VIRTIO_H

#include "../common/driver.h"
#include "platform.h"

#define LARGE	    512u
#define FAR	    150000u /* of the 262144 pages of a guest of 1 GiB */
#define SETTLE_MS   30000u
#define KIB_PER_MIB 1024u

/* The types of the platform. */
enum { REPORTING, TOLD, MMIO, MMIO_LEGACY };

/* Sets the target, and waits until the balloon has this size. */
const char *reach(struct lab_guest *g, uint64_t pages);

/* Each page that was taken has been given back, whether whole blocks were or parts of them. */
const char *nothing_lost(struct lab_guest *g);
const char *nothing_lost_of(struct lab_guest *g, unsigned int page_kib);

/* Waits until so little of the host's memory backs the guest's. */
const char *wait_for_host(struct lab_guest *g, uint64_t most_kib);

/* Uses nearly all memory once and frees it: the host gets it back without a balloon. */
const char *use_and_free(struct lab_guest *g);

/* Two tests of the function, which takes a module's name: with our driver, and with the kernel's.
 */
#define VIRTIO_BOTH(function)                                     \
	static const char *function##_ours(struct lab_guest *g)   \
	{                                                         \
		return function(g, "aerostat_virtio");            \
	}                                                         \
	static const char *function##_theirs(struct lab_guest *g) \
	{                                                         \
		return function(g, "virtio_balloon");             \
	}

/* Loads a driver by the name of its module. */
const char *insert(struct lab_guest *g, const char *module);

/* Adds a balloon device; waits for QEMU, which lets go of the last one some time after the guest.
 */
const char *plug_balloon(struct lab_guest *g);

/* A command of QMP that must succeed.  Takes args over, which may be NULL. */
const char *qmp(struct lab_guest *g, const char *command, json_t *args);

#endif
