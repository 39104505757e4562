// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat-hostd: shares a host's memory out among its guests. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "hostd.h"
#include "units.h"

#define CONF_FILE "/etc/aerostat/host.conf"

const char *argp_program_version = "aerostat-hostd " AEROSTAT_VERSION;

/* ---- options ---- */

enum { OPTION_ROOT = 256, OPTION_CHECK, OPTION_POLICY, OPTION_RESERVE, OPTION_BACKEND };

static const struct argp_option option_table[] = {
	{"backend", OPTION_BACKEND, "NAME", 0, "libvirt or xen (xen in its dom0, else libvirt)", 0},
	{"connect", 'c', "URI", 0, "Of libvirt (its default), which it chooses", 0},
	{"memory", 'm', "SIZE", 0, "Share out this much instead of all of the host's memory", 0},
	{"reserve", OPTION_RESERVE, "SIZE", 0,
	 "Keep this much from the guests (a twentieth, from 128 MiB on)", 0},
	{"policy", OPTION_POLICY, "NAME", 0, "By which rule (shares)", 0},
	{"period-ms", 'p', "N", 0, "From one step to the next (1000)", 0},
	{"dry-run", 'n', NULL, 0, "Change no guest; 'aerostat host plan' shows what would be done",
	 0},
	{"group", 'g', "NAME[,NAME]", 0,
	 "The first that exists may change things with 'aerostat host', beside root", 0},
	{"file", 'f', "FILE", 0, "Another file than /etc/aerostat/host.conf", 0},
	{"check", OPTION_CHECK, NULL, 0, "Only look whether the file is right", 0},
	{"root", OPTION_ROOT, "FOLDER", 0, "Take /proc, /etc and /run from this folder", 0},
	{0},
};

/* What the command line says stands above the file. */
struct options {
	struct hostd d;
	const char *policy;
	uint64_t memory_kib, reserve_kib;
	uint32_t period_ms;
};

static uint64_t size_of(const char *option, const char *text, const struct argp_state *state)
{
	uint64_t kib = 0;

	if (!units_parse_size(text, &kib))
		argp_error(state, "--%s wants " UNITS_SIZE_WANTED ", not '%s'", option,
			   aero_host_shown(text));
	return kib;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	uint64_t number = 0;

	switch (key) {
	case OPTION_BACKEND:
		if (strcmp(arg, "libvirt") && strcmp(arg, "xen"))
			argp_error(state, "--backend wants libvirt or xen, not '%s'",
				   aero_host_shown(arg));
		o->d.kind = arg;
		return 0;
	case 'c':
		o->d.uri = arg;
		return 0;
	case 'm':
		o->memory_kib = size_of("memory", arg, state);
		return 0;
	case OPTION_RESERVE:
		o->reserve_kib = size_of("reserve", arg, state);
		return 0;
	case OPTION_POLICY:
		if (!aero_host_policy_find(arg))
			argp_error(state, "there is no policy '%s'", aero_host_shown(arg));
		o->policy = arg;
		return 0;
	case 'p':
		if (!aero_parse(arg, 60000, &number) || number < 200)
			argp_error(state, "--period-ms wants a whole number from 200 to 60000");
		o->period_ms = (uint32_t)number;
		return 0;
	case 'n':
		o->d.config.dry_run = true;
		return 0;
	case 'g':
		o->d.group = arg;
		return 0;
	case 'f':
		o->d.file = arg;
		return 0;
	case OPTION_CHECK:
		o->d.check = true;
		return 0;
	case OPTION_ROOT:
		if (strlen(arg) >= AERO_PATH_MAX / 2)
			argp_error(state, "--root: the name is too long");
		o->d.root = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "it takes options only; see --help");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- the file ---- */

static bool choose_policy(struct aero_manager_config *c, const char *name)
{
	const struct aero_host_policy *policy = name ? aero_host_policy_find(name)
						     : aero_host_policies[0];

	free(c->policy_config);
	c->policy = policy;
	c->policy_config = malloc(policy->config_size + 1);
	if (c->policy_config)
		aero_host_policy_set_initial(policy, c->policy_config);
	else
		hostd_say("no memory");
	return c->policy_config;
}

/* Wrong lines have been said and do not count; how many there were goes to *wrong. */
static bool read_file(struct options *o, unsigned int *wrong)
{
	char path[2 * AERO_PATH_MAX];
	FILE *from;

	snprintf(path, sizeof(path), "%s" CONF_FILE, o->d.root);
	from = fopen(o->d.file ? o->d.file : path, "re");
	if (from) {
		*wrong = aero_host_conf_read(from, o->d.file ? o->d.file : path, &o->d.config,
					     hostd_say_line);
		fclose(from);
		return true;
	}
	/* Nobody has to have one. */
	if (errno == ENOENT && !o->d.file)
		return true;
	hostd_say("can't read %s: %s", o->d.file ? o->d.file : path, strerror(errno));
	return false;
}

static int run(struct options *o)
{
	struct aero_manager_config *c = &o->d.config;
	unsigned int wrong = 0;

	if (!choose_policy(c, NULL) || !read_file(o, &wrong))
		return HOSTD_FAILED;
	if (o->d.check)
		return wrong ? HOSTD_MISUSE : HOSTD_OK;
	if (o->policy && strcmp(o->policy, c->policy->name) && !choose_policy(c, o->policy))
		return HOSTD_FAILED;
	if (o->memory_kib)
		c->memory_kib = o->memory_kib;
	if (o->reserve_kib != AERO_HOST_UNKNOWN)
		c->reserve_kib = o->reserve_kib;
	if (o->period_ms)
		c->period_ms = o->period_ms;
	if (o->d.uri && !o->d.kind)
		o->d.kind = "libvirt";
	c->say = hostd_say_line;
	return hostd_run(&o->d);
}

int main(int argc, char **argv)
{
	static char name[] = "aerostat-hostd";
	static const struct argp argp = {
		option_table,
		parse,
		NULL,
		"Shares the host's memory out among the guests of libvirt or Xen.  Runs until it is "
		"told to stop; guests keep what they have then.",
		NULL,
		NULL,
		NULL};
	static struct options o = {.d.root = "", .reserve_kib = AERO_HOST_UNKNOWN};
	int ret;

	aero_manager_config_initial(&o.d.config);
	argp_err_exit_status = HOSTD_MISUSE;
	if (argc)
		argv[0] = name;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	ret = run(&o);
	free(o.d.config.policy_config);
	return ret;
}
