/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "demo.h"

/* What a guest needs to live, and what of it is not available: kernel, initramfs, agent. */
#define LEAST_MIB	  384u
#define LEAST_NESTED_MIB  192u
#define BOOT_OVERHEAD_MIB 128u

enum {
	OPTION_BACKEND = 'b',
	OPTION_DRIVER = 'd',
	OPTION_LOW = 'l',
	OPTION_MEMORY = 'm',
	OPTION_PLATFORM = 'p',
	OPTION_TYPE = 't',
};

static const struct argp_option option_table[] = {
	{"platform", OPTION_PLATFORM, "NAME", 0,
	 "The hypervisor: 'vmware' (default), 'virtio' or 'xen'", 0},
	{"type", OPTION_TYPE, "TYPE", 0, "On Xen, the guest is 'pvh' (default) or 'pv'", 0},
	{"memory-mib", OPTION_MEMORY, "MIB", 0, "The guest's memory (2048; on Xen 768)", 0},
	{"low-mib", OPTION_LOW, "MIB", 0, "What the balloon leaves the guest (768; on Xen 256)", 0},
	{"backend", OPTION_BACKEND, "KIND", 0,
	 "QEMU holds the memory as 'anonymous' memory (default) or as a 'memfd'", 0},
	{"driver", OPTION_DRIVER, "NAME", 0,
	 "The guest's driver: 'aerostat' (default) or the kernel's own, on VMware 'vmw_balloon'",
	 0},
	{"verbose", 'v', NULL, 0, "End with the consoles and the monitor's report", 0},
	{0},
};

/* What was said on the command line, before it is known for which platform. */
struct words {
	struct options *options;
	const char *type, *driver;
};

static unsigned int parse_mib(const char *text, const char *name, struct argp_state *state)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || value < 1 || value > 65536)
		argp_error(state, "--%s must be MiB from 1 to 65536, not '%s'", name, text);
	return (unsigned int)value;
}

static enum lab_backend parse_backend(const char *text, struct argp_state *state)
{
	if (strcmp(text, "anonymous") && strcmp(text, "memfd"))
		argp_error(state, "--backend is 'anonymous' or 'memfd', not '%s'", text);
	return strcmp(text, "memfd") ? LAB_ANONYMOUS : LAB_MEMFD;
}

static const struct lab_platform *parse_platform(const char *text, struct argp_state *state)
{
	const struct lab_platform *p = lab_platform_find(text);

	if (!p)
		argp_error(state, "%s", lab_error());
	else if (!p->set_target)
		argp_error(state, "platform '%s' has no balloon to show", text);
	return p;
}

static void check_driver(struct options *o, const char *driver, struct argp_state *state)
{
	o->own_driver = !driver || !strcmp(driver, "aerostat");
	o->module = o->own_driver ? o->platform->driver : o->platform->in_tree;
	if (o->own_driver || (o->module && !strcmp(driver, o->module)))
		return;
	argp_error(state, "on %s, --driver is 'aerostat'%s%s%s, not '%s'", o->platform->name,
		   o->module ? " or '" : "", o->module ? o->module : "", o->module ? "'" : "",
		   driver);
}

static void check_sizes(struct options *o, struct argp_state *state)
{
	/* A guest inside another shares its host's memory, so it is smaller. */
	bool nested = o->platform->start_guest != NULL;
	unsigned int least = nested ? LEAST_NESTED_MIB : LEAST_MIB;

	o->memory_mib = o->memory_mib ? o->memory_mib : nested ? 768 : 2048;
	o->low_mib = o->low_mib ? o->low_mib : nested ? 256 : 768;
	if (o->low_mib < least)
		argp_error(state, "--low-mib: with less than %u MiB the guest would not survive",
			   least);
	if (o->memory_mib < o->low_mib + HANDOVER_MIB)
		argp_error(state, "--memory-mib %u must be at least %u above --low-mib %u",
			   o->memory_mib, HANDOVER_MIB, o->low_mib);
	/* Half of what stays available, so that the data must survive in a full guest. */
	o->data_mib = (o->low_mib - BOOT_OVERHEAD_MIB) / 2;
	if (o->data_mib > 256)
		o->data_mib = 256;
}

static void check(struct words *w, struct argp_state *state)
{
	struct options *o = w->options;

	o->type = w->type ? lab_platform_type(o->platform, w->type) : 0;
	if (o->type < 0)
		argp_error(state, "--type: %s", lab_error());
	check_driver(o, w->driver, state);
	check_sizes(o, state);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct words *w = state->input;
	struct options *o = w->options;

	switch (key) {
	case OPTION_PLATFORM:
		o->platform = parse_platform(arg, state);
		break;
	case OPTION_TYPE:
		w->type = arg;
		break;
	case OPTION_MEMORY:
		o->memory_mib = parse_mib(arg, "memory-mib", state);
		break;
	case OPTION_LOW:
		o->low_mib = parse_mib(arg, "low-mib", state);
		break;
	case OPTION_BACKEND:
		o->backend = parse_backend(arg, state);
		break;
	case OPTION_DRIVER:
		w->driver = arg;
		break;
	case 'v':
		o->verbose = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "unknown argument '%s'", arg);
		break;
	case ARGP_KEY_END:
		check(w, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options_parse(int argc, char **argv, struct options *o)
{
	static const struct argp argp = {
		option_table,
		parse,
		NULL,
		"Boots a real guest, takes memory away from it with the balloon and gives it "
		"back.  Exit status 0: the host really got the memory, by its own figures, and no "
		"data of the guest changed.",
		0,
		0,
		0};
	struct words words = {.options = o};

	*o = (struct options){.platform = &lab_platform_vmware};
	argp_parse(&argp, argc, argv, 0, NULL, &words);
}
