/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the module shows in sysfs and what /proc says around it: all that needs no root. */
#ifndef AEROSTAT_CLI_BALLOON_H
#define AEROSTAT_CLI_BALLOON_H

#include "areas.h"
#include "cli.h"

#define BALLOON_FOLDER	"/sys/kernel/aerostat"
#define BALLOON_XEN	"/sys/devices/system/xen_memory/xen_memory0"

/* A figure that the loaded module does not show, or shows as "-". */
#define BALLOON_UNKNOWN UINT64_MAX

#define BALLOON_WORD	32U

/* The names of fields are those of the files (docs/use/abi.md). */
struct balloon {
	char hypervisor[BALLOON_WORD], state[BALLOON_WORD], last_run[BALLOON_WORD];
	char policy[BALLOON_WORD], active[BALLOON_WORD];
	char driver[BALLOON_WORD], version[BALLOON_WORD];
	uint64_t size_kib, target_kib, limit_kib, spare_kib, large_kib, lent_kib;
	uint64_t period_ms, holdoff_ms, reserve_kib, relief_kib, large, split;
	uint64_t runs, resets, failed_connects, inflated_kib, deflated_kib;
	uint64_t reliefs, relieved_kib, last_relief_kib, last_relief_ago_ms, migrated;
	uint64_t selfballooning, selfshrinking, guest_target_kib, swap_target_kib;
};

/* A number of struct balloon, and what it is called where it is written down. */
struct balloon_figure {
	const char *file;   /* below BALLOON_FOLDER */
	const char *json;   /* in JSON */
	const char *metric; /* in Prometheus' notation, or NULL: it is none */
	const char *help;
	bool counts; /* events since the module was loaded, not a level */
	size_t offset;
	uint32_t multiply, divide; /* to bytes and seconds */
};

extern const struct balloon_figure balloon_figures[];
extern const size_t balloon_figures_count;

uint64_t balloon_get(const struct balloon *b, const struct balloon_figure *figure);

/*
 * CLI_OK, CLI_NO_BALLOON or CLI_FAILED.  balloon_read() says why, balloon_look() says nothing.
 */
int balloon_look(const char *root, struct balloon *b);
int balloon_read(const char *root, struct balloon *b);

/* Is there a virtio device of this number, and is it a balloon? */
#define BALLOON_VIRTIO_MOST 64U
bool balloon_is_virtio(const char *root, unsigned int number);

/* Which module belongs to the hypervisor this machine looks like; NULL: none is known. */
const char *balloon_module_for(const char *root);

/* Does its size agree with its target, as far as it keeps to it at all? */
bool balloon_agrees(const struct balloon *b);

/* Does the guest choose its size itself? */
bool balloon_is_own_master(const struct balloon *b);

/* May the guest set its size?  CLI_OK, or CLI_FAILED after words that say who may. */
int balloon_may_choose(const struct balloon *b);

/* "vmware" as people write it. */
const char *balloon_hypervisor_name(const struct balloon *b);

/* What the balloon has, what holds it back and why: a sentence or two. */
#define BALLOON_SUMMARY_MAX 512U
void balloon_summary(const struct balloon *b, char text[BALLOON_SUMMARY_MAX]);

/* ---- guest.c ---- */

struct guest {
	uint64_t total_kib, free_kib, available_kib, cache_kib, swap_kib, swap_used_kib;
	bool pressure; /* the kernel measures it; then how long tasks waited since boot */
	uint64_t some_us, full_us;
	uint64_t daemon_pid; /* of aerostatd; 0: it does not run */
	int areas_known;     /* 1: they are there; 0: there are none; -1: can't be told */
	size_t areas_on;
	struct aero_areas areas;
};

/* CLI_OK, or CLI_FAILED, which has been said. */
int guest_read(const char *root, struct guest *g);

/* ---- for the commands' options ---- */

enum { CLI_OPTION_ROOT = 0x1000, CLI_OPTION_JSON };

#define CLI_ROOT_OPTION                                          \
	{                                                        \
		"root", CLI_OPTION_ROOT, "FOLDER", 0,            \
			"Take /proc, /sys, /dev, /etc and /run " \
			"from this folder",                      \
			0                                        \
	}
#define CLI_JSON_OPTION                                           \
	{                                                         \
		"json", CLI_OPTION_JSON, NULL, 0, "Print JSON", 0 \
	}

struct cli_view {
	const char *root;
	const char *output; /* NULL: none was named */
	bool json;
};

/* Parses --root, --output and --json into the struct cli_view that is the input; nothing else. */
error_t cli_parse_view(int key, char *arg, struct argp_state *state);

#endif
