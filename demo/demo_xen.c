/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * aerostat-demo-xen: a guest of real Xen gives memory to Xen and gets it again,
 * by Xen's own figures to the KiB.  This is what `make run HYPERVISOR=xen` runs.
 */
#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"
#include "screen.h"
#include "xen.h"

#define KIB_PER_MIB	  1024u
#define DOM0_MIB	  1024u
#define XEN_MIB		  256u /* Xen itself, and what it keeps for each domain */
#define HANDOVER_MIB	  64u  /* what the built-in driver moves after ours is gone */
#define BOOT_OVERHEAD_MIB 128u /* kernel, initramfs, agent: what a guest can't give */

#define QUIET_MS	  1500
#define SETTLE_MS	  60000
#define MOVE_SECONDS	  90
#define POLL_MS		  100

struct options {
	enum lab_domu_type type;
	unsigned int memory_mib, low_mib, data_mib;
	bool verbose;
};

/* One column of the closing table; all at one moment. */
struct figures {
	struct lab_xen_memory xen;
	struct lab_domain_memory domain;
	struct lab_meminfo guest;
	uint64_t balloon_kib;
	double seconds;
	bool data_good;
};

enum { BEFORE, GIVEN, BACK, COLUMNS };

struct demo {
	struct options options;
	struct lab_guest *dom0, *guest;
	struct figures at[COLUMNS];
};

static const char *type_name(const struct demo *d)
{
	return d->options.type == LAB_PV ? "PV" : "PVH";
}

static unsigned long long mib(uint64_t kib)
{
	return kib / KIB_PER_MIB;
}

static int complain_lab(void)
{
	return screen_complain("%s", lab_error());
}

/* ---- the phases ---- */

static int boot(struct demo *d)
{
	static const struct lab_xen xen = {.kernel = LAB_KERNEL_STOCK, .dom0_mib = DOM0_MIB};
	struct lab_config config = {
		.name = "demo-xen",
		.memory_mib = DOM0_MIB + d->options.memory_mib + XEN_MIB,
		.xen = &xen,
	};

	screen_phase_start("boot Xen");
	if (lab_boot(&d->dom0, &config)) {
		d->dom0 = NULL;
		return complain_lab();
	}
	screen_phase_end("boot Xen", "Xen %s; dom0 has %u of %u MiB", lab_env("AERO_XEN_VERSION"),
			 DOM0_MIB, config.memory_mib);
	return 0;
}

/* The target is said once, so that the guest and the toolstack agree from here on. */
static int start_guest(struct demo *d)
{
	struct lab_domu domu = {.type = d->options.type, .memory_mib = d->options.memory_mib};
	struct lab_domain_memory domain;

	screen_phase_start("start guest");
	if (lab_domu_start(&d->guest, d->dom0, &domu)) {
		d->guest = NULL;
		return complain_lab();
	}
	if (lab_mem_set_kib(d->guest, (uint64_t)d->options.memory_mib * KIB_PER_MIB) ||
	    lab_wait_domain_steady(d->guest, QUIET_MS, SETTLE_MS, &domain))
		return complain_lab();
	screen_phase_end("start guest", "%s, %u MiB, Debian's kernel %s", type_name(d),
			 d->options.memory_mib, lab_kernel_release(LAB_KERNEL_STOCK));
	return 0;
}

static int make_data(struct demo *d)
{
	screen_phase_start("checksummed data");
	if (lab_data_fill(d->guest, d->options.data_mib, 20))
		return complain_lab();
	screen_phase_end("checksummed data", "%u MiB in a process of the guest",
			 d->options.data_mib);
	return 0;
}

static bool check_data(struct demo *d)
{
	bool good;

	screen_phase_start("check data");
	good = !lab_data_check(d->guest);
	screen_phase_end("check data", "%s%s%s", good ? GREEN : RED,
			 good ? "every byte is right" : lab_error(), NORMAL);
	return good;
}

/* Our lines in the guest's kernel log since `*lines`, which counts them. */
static int show_log(struct demo *d, unsigned int *lines)
{
	char *text, *rest, *line;
	unsigned int n = 0;

	if (lab_sh(d->guest, 20000, &text, "dmesg | sed -n '/taint/d; s/.*aerostat: //p'"))
		return screen_complain("can't read the guest's log: %s", text ? text : lab_error());
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (*line && ++n > *lines)
			printf("  %29s  \"%s\"\n", "", line);
	*lines = n;
	free(text);
	return 0;
}

static int load_driver(struct demo *d, unsigned int *lines)
{
	screen_phase_start("load driver");
	if (lab_must(d->guest, 30000, "modprobe aerostat_xen"))
		return complain_lab();
	screen_phase_end("load driver", "aerostat_xen; the guest's log:");
	return show_log(d, lines);
}

static int unload_driver(struct demo *d, unsigned int *lines)
{
	screen_phase_start("unload driver");
	if (lab_must(d->guest, 60000, "rmmod aerostat_xen"))
		return complain_lab();
	screen_phase_end("unload driver", "the guest's log:");
	return show_log(d, lines);
}

/* Waits until the reservation is exactly goal_kib; the last figures are in `now`. */
static int wait_for(struct demo *d, struct figures *now, const char *phase, uint64_t goal_kib)
{
	uint64_t from_kib = now->domain.kib;
	uint64_t way_kib = from_kib > goal_kib ? from_kib - goal_kib : goal_kib - from_kib;

	do {
		if (screen_phase_seconds() > MOVE_SECONDS)
			return screen_complain("the guest has %llu KiB, and not the %llu KiB that "
					       "its target asks for",
					       (unsigned long long)now->domain.kib,
					       (unsigned long long)goal_kib);
		lab_sleep_ms(POLL_MS);
		if (lab_memory_now(d->guest, &now->xen, &now->domain))
			return complain_lab();
		screen_draw(phase,
			    mib(from_kib > goal_kib ? from_kib - now->domain.kib
						    : now->domain.kib - from_kib),
			    mib(way_kib));
	} while (now->domain.kib != goal_kib);
	return 0;
}

/*
 * Sets the target from from_mib to to_mib.  The reservation must change by exactly
 * the difference, and Xen's free memory by the same.
 */
static int move(struct demo *d, struct figures *now, unsigned int from_mib, unsigned int to_mib)
{
	int64_t way_kib = ((int64_t)to_mib - from_mib) * KIB_PER_MIB;
	struct figures was = {0};
	char phase[32];

	snprintf(phase, sizeof(phase), "target %u MiB", to_mib);
	if (lab_memory_now(d->guest, &was.xen, &was.domain))
		return complain_lab();
	*now = was;
	screen_phase_start(phase);
	if (lab_mem_set_kib(d->guest, (uint64_t)to_mib * KIB_PER_MIB))
		return complain_lab();
	if (wait_for(d, now, phase, was.domain.kib + (uint64_t)way_kib))
		return -1;
	now->seconds = screen_phase_seconds();
	screen_phase_end(phase, "guest %+lld KiB, Xen's free memory %+lld KiB",
			 (long long)(now->domain.kib - was.domain.kib),
			 (long long)(now->xen.free_kib - was.xen.free_kib));
	if (was.domain.kib + was.xen.free_kib != now->domain.kib + now->xen.free_kib)
		return screen_complain("what the guest gave is not what Xen got");
	return 0;
}

/* What Xen says, and what the guest says of itself; its own driver's size if that is loaded. */
static int measure(struct demo *d, struct figures *at)
{
	if (lab_memory_now(d->guest, &at->xen, &at->domain) || lab_meminfo(d->guest, &at->guest) ||
	    lab_read_number(d->guest, "/sys/kernel/aerostat/size_kib", &at->balloon_kib))
		return complain_lab();
	at->data_good = check_data(d);
	return 0;
}

/* Ours is gone: the same target command must work, to the KiB, by the built-in driver. */
static int hand_over(struct demo *d, unsigned int *lines)
{
	unsigned int high_mib = d->options.memory_mib;
	struct lab_domain_memory domain;
	struct figures now;

	if (unload_driver(d, lines))
		return -1;
	if (lab_wait_domain_steady(d->guest, QUIET_MS, SETTLE_MS, &domain))
		return complain_lab();
	if (domain.kib != d->at[BACK].domain.kib)
		return screen_complain("unloading changed the guest from %llu to %llu KiB",
				       (unsigned long long)d->at[BACK].domain.kib,
				       (unsigned long long)domain.kib);
	return move(d, &now, high_mib, high_mib - HANDOVER_MIB) ||
	       move(d, &now, high_mib - HANDOVER_MIB, high_mib);
}

static int run(struct demo *d)
{
	unsigned int high_mib = d->options.memory_mib, low_mib = d->options.low_mib, lines = 0;
	struct figures *at = d->at;

	if (boot(d) || start_guest(d) || make_data(d) || load_driver(d, &lines) ||
	    measure(d, &at[BEFORE]))
		return -1;
	if (move(d, &at[GIVEN], high_mib, low_mib) || measure(d, &at[GIVEN]))
		return -1;
	if (move(d, &at[BACK], low_mib, high_mib) || measure(d, &at[BACK]))
		return -1;
	return hand_over(d, &lines);
}

/* ---- the closing table ---- */

#define ROW(name, expression)                                                          \
	do {                                                                           \
		printf("  %-26s", name);                                               \
		for (int i = 0; i < COLUMNS; i++)                                      \
			printf("%12llu KiB", (unsigned long long)d->at[i].expression); \
		printf("\n");                                                          \
	} while (0)

static void table(const struct demo *d)
{
	printf("\n  %s%-26s%16s%16s%16s%s\n", BOLD, "", "before", "given", "back", NORMAL);
	ROW("Xen: free memory", xen.free_kib);
	ROW("Xen: the guest has", domain.kib);
	ROW("guest: aerostat's balloon", balloon_kib);
	ROW("guest: total", guest.total_kib);
	ROW("guest: free", guest.free_kib);
	printf("  %-26s%16s", "time to get there", "");
	for (int i = GIVEN; i < COLUMNS; i++)
		printf("%14.2f s", d->at[i].seconds);
	printf("\n  %-26s", "data intact");
	for (int i = 0; i < COLUMNS; i++)
		printf("%16s", d->at[i].data_good ? "yes" : "NO");
	printf("\n\n");
}

static int judge_figures(const struct demo *d)
{
	const struct figures *at = d->at;
	uint64_t way_kib = (uint64_t)(d->options.memory_mib - d->options.low_mib) * KIB_PER_MIB;
	int bad = 0;

	if (at[GIVEN].balloon_kib != at[BEFORE].balloon_kib + way_kib)
		bad = screen_complain(
			"the balloon holds %llu KiB more, not %llu",
			(unsigned long long)(at[GIVEN].balloon_kib - at[BEFORE].balloon_kib),
			(unsigned long long)way_kib);
	if (at[BACK].xen.free_kib != at[BEFORE].xen.free_kib ||
	    at[BACK].domain.kib != at[BEFORE].domain.kib ||
	    at[BACK].balloon_kib != at[BEFORE].balloon_kib ||
	    at[BACK].guest.total_kib != at[BEFORE].guest.total_kib)
		bad = screen_complain("the way back did not end where it began");
	for (int i = 0; i < COLUMNS; i++)
		if (!at[i].data_good)
			bad = screen_complain(
				"the guest's data was damaged (column %d of the table)", i + 1);
	return bad;
}

/* Prints what is wrong; 0 when nothing is. */
static int judge(const struct demo *d)
{
	char *lines = NULL;
	int bad = judge_figures(d);

	if (lab_log_problems(d->dom0, NULL, &lines))
		bad = screen_complain("a kernel or Xen complained (%s):\n%s",
				      lab_console_path(d->dom0), lines ? lines : lab_error());
	free(lines);
	if (!bad)
		printf("  %sXen got %u MiB to the KiB and gave them back, and no byte "
		       "changed.%s\n",
		       GREEN, d->options.memory_mib - d->options.low_mib, NORMAL);
	return bad;
}

/* ---- options ---- */

enum { OPTION_LOW = 'l', OPTION_MEMORY = 'm', OPTION_TYPE = 't' };

static const struct argp_option option_table[] = {
	{"type", OPTION_TYPE, "TYPE", 0, "The guest is 'pvh' (default) or 'pv'", 0},
	{"memory-mib", OPTION_MEMORY, "MIB", 0, "The guest's memory (768)", 0},
	{"low-mib", OPTION_LOW, "MIB", 0, "What the balloon leaves the guest (256)", 0},
	{"verbose", 'v', NULL, 0, "End with the consoles of Xen, dom0 and guest", 0},
	{0},
};

static unsigned int parse_mib(const char *text, const char *name, struct argp_state *state)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || value < 1 || value > 32768)
		argp_error(state, "--%s wants MiB from 1 to 32768, not '%s'", name, text);
	return (unsigned int)value;
}

static void check_options(struct options *o, struct argp_state *state)
{
	if (o->low_mib < 192)
		argp_error(state, "--low-mib: with less than 192 MiB the guest would not live");
	if (o->memory_mib < o->low_mib + HANDOVER_MIB)
		argp_error(state, "--memory-mib %u must be at least %u above --low-mib %u",
			   o->memory_mib, HANDOVER_MIB, o->low_mib);
	/* Half of what stays, so that it must survive in a full guest. */
	o->data_mib = (o->low_mib - BOOT_OVERHEAD_MIB) / 2;
	if (o->data_mib > 128)
		o->data_mib = 128;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case OPTION_TYPE:
		if (strcmp(arg, "pv") && strcmp(arg, "pvh"))
			argp_error(state, "--type is 'pvh' or 'pv', not '%s'", arg);
		o->type = strcmp(arg, "pv") ? LAB_PVH : LAB_PV;
		break;
	case OPTION_MEMORY:
		o->memory_mib = parse_mib(arg, "memory-mib", state);
		break;
	case OPTION_LOW:
		o->low_mib = parse_mib(arg, "low-mib", state);
		break;
	case 'v':
		o->verbose = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is no option", arg);
		break;
	case ARGP_KEY_END:
		check_options(o, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		option_table,
		parse,
		NULL,
		"Boots real Xen and a guest, gives memory of the guest to Xen with the balloon and "
		"gets it back.  Exit status 0: Xen's figures moved by exactly what was asked, and "
		"no data changed.",
		0,
		0,
		0};
	struct demo d = {.options = {.type = LAB_PVH, .memory_mib = 768, .low_mib = 256}};
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &d.options);
	screen_setup("aerostat-demo-xen");
	ret = run(&d);
	if (!ret) {
		table(&d);
		ret = judge(&d);
	}
	if (d.options.verbose && d.dom0) {
		printf("\nthe consoles of Xen, dom0 and guest (%s and beside it):\n",
		       lab_console_path(d.dom0));
		lab_log_tail(d.dom0, stdout, 40, "  ");
	}
	lab_stop(d.dom0);
	return ret ? 1 : 0;
}
