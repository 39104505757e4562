// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "balloon.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "units.h"

#define LEVEL(file, name, metric, multiply, divide, help)                                          \
	{                                                                                          \
		file, #name, metric, help, false, offsetof(struct balloon, name), multiply, divide \
	}
#define COUNT(file, name, metric, multiply, divide, help)                                         \
	{                                                                                         \
		file, #name, metric, help, true, offsetof(struct balloon, name), multiply, divide \
	}

/* docs/use/abi.md describes the files, docs/use/metrics.md the metrics. */
const struct balloon_figure balloon_figures[] = {
	LEVEL("size_kib", size_kib, "aerostat_size_bytes", 1024, 1, "What the balloon holds."),
	LEVEL("target_kib", target_kib, "aerostat_target_bytes", 1024, 1,
	      "The balloon size that is asked for."),
	LEVEL("limit_kib", limit_kib, "aerostat_limit_bytes", 1024, 1,
	      "All memory of the guest, with what the balloon holds."),
	LEVEL("spare_kib", spare_kib, "aerostat_spare_bytes", 1024, 1,
	      "What the balloon could still take."),
	LEVEL("large_kib", large_kib, "aerostat_large_bytes", 1024, 1,
	      "What the balloon holds in blocks that were offered as one."),
	LEVEL("lent_kib", lent_kib, "aerostat_lent_bytes", 1024, 1,
	      "Pages that are lent to other drivers."),
	LEVEL("period_ms", period_ms, "aerostat_period_seconds", 1, 1000,
	      "From one run of the worker to the next."),
	LEVEL("holdoff_ms", holdoff_ms, "aerostat_holdoff_seconds", 1, 1000,
	      "How long inflation stops after memory ran short."),
	LEVEL("reserve_kib", reserve_kib, "aerostat_reserve_bytes", 1024, 1,
	      "Available memory that is left to the guest."),
	LEVEL("relief_kib", relief_kib, "aerostat_relief_bytes", 1024, 1,
	      "What is given back at once when the guest runs out of memory."),
	LEVEL("large", large, NULL, 1, 1, ""),
	LEVEL("split", split, NULL, 1, 1, ""),
	COUNT("counters/runs", runs, "aerostat_runs_total", 1, 1, "Runs of the worker."),
	COUNT("counters/resets", resets, "aerostat_resets_total", 1, 1,
	      "Connections to the host that were made anew."),
	COUNT("counters/failed_connects", failed_connects, "aerostat_failed_connects_total", 1, 1,
	      "Attempts to connect to the host that failed."),
	COUNT("counters/inflated_kib", inflated_kib, "aerostat_inflated_bytes_total", 1024, 1,
	      "Memory that was given to the host."),
	COUNT("counters/deflated_kib", deflated_kib, "aerostat_deflated_bytes_total", 1024, 1,
	      "Memory that was taken back from the host."),
	COUNT("counters/reliefs", reliefs, "aerostat_reliefs_total", 1, 1,
	      "How often the balloon gave back because the guest ran short."),
	COUNT("counters/relieved_kib", relieved_kib, "aerostat_relieved_bytes_total", 1024, 1,
	      "What it gave back because the guest ran short."),
	LEVEL("counters/last_relief_kib", last_relief_kib, "aerostat_last_relief_bytes", 1024, 1,
	      "How much the last relief gave back; 0 if there was none."),
	LEVEL("counters/last_relief_ago_ms", last_relief_ago_ms, "aerostat_last_relief_age_seconds",
	      1, 1000, "Time since the last relief; not there if there was none."),
	COUNT("counters/migrated", migrated, "aerostat_migrated_pages_total", 1, 1,
	      "Pages of the balloon that compaction moved."),
	LEVEL("policy/selfballooning", selfballooning, "aerostat_selfballooning", 1, 1,
	      "1 if the guest chooses its own size."),
	LEVEL("policy/frontswap_selfshrinking", selfshrinking, "aerostat_selfshrinking", 1, 1,
	      "1 if pages that stay in swap without need are called home."),
	LEVEL("policy/target_kib", guest_target_kib, "aerostat_guest_target_bytes", 1024, 1,
	      "The guest's size that the policy's last step asked for; 0 before the first."),
	LEVEL("policy/swap_target_kib", swap_target_kib, "aerostat_swap_target_bytes", 1024, 1,
	      "What should be left in swap; not there while swap is left alone."),
};

const size_t balloon_figures_count = sizeof(balloon_figures) / sizeof(*balloon_figures);

uint64_t balloon_get(const struct balloon *b, const struct balloon_figure *figure)
{
	uint64_t value;

	memcpy(&value, (const char *)b + figure->offset, sizeof(value));
	return value;
}

/* ---- reading ---- */

static void read_word(const char *root, const char *name, char word[BALLOON_WORD])
{
	if (aero_read(root, name, word, BALLOON_WORD))
		*word = 0;
	word[strcspn(word, "\n")] = 0;
	/* It goes to terminals and files of metrics. */
	for (char *c = word; *c; c++)
		if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\')
			*c = '?';
}

static void read_numbers(const char *root, struct balloon *b)
{
	char name[128];

	for (size_t i = 0; i < balloon_figures_count; i++) {
		uint64_t value;

		snprintf(name, sizeof(name), BALLOON_FOLDER "/%s", balloon_figures[i].file);
		if (aero_read_number(root, name, &value))
			value = BALLOON_UNKNOWN;
		memcpy((char *)b + balloon_figures[i].offset, &value, sizeof(value));
	}
}

static bool is_there(const char *root, const char *name)
{
	char path[2 * AERO_PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root, name);
	return !access(path, F_OK);
}

int balloon_look(const char *root, struct balloon *b)
{
	char name[128];

	*b = (struct balloon){.size_kib = 0};
	if (!is_there(root, BALLOON_FOLDER "/size_kib"))
		return CLI_NO_BALLOON;
	read_word(root, BALLOON_FOLDER "/hypervisor", b->hypervisor);
	read_word(root, BALLOON_FOLDER "/state", b->state);
	read_word(root, BALLOON_FOLDER "/last_run", b->last_run);
	read_word(root, BALLOON_FOLDER "/policy/policy", b->policy);
	read_word(root, BALLOON_FOLDER "/policy/active", b->active);
	read_word(root, "/sys/module/aerostat/version", b->version);
	snprintf(b->driver, sizeof(b->driver), "aerostat_%.16s", b->hypervisor);
	read_numbers(root, b);
	/* Without these there is nothing to be said. */
	if (b->size_kib == BALLOON_UNKNOWN || b->target_kib == BALLOON_UNKNOWN ||
	    b->limit_kib == BALLOON_UNKNOWN)
		return CLI_FAILED;
	snprintf(name, sizeof(name), "/sys/module/%s/version", b->driver);
	if (is_there(root, name))
		read_word(root, name, b->version);
	return CLI_OK;
}

int balloon_read(const char *root, struct balloon *b)
{
	int ret = balloon_look(root, b);
	const char *module;
	char name[64];

	if (ret == CLI_FAILED)
		cli_complain("the files in %s" BALLOON_FOLDER " can't be read, or have no numbers",
			     root);
	if (ret != CLI_NO_BALLOON)
		return ret;
	module = balloon_module_for(root);
	snprintf(name, sizeof(name), "/sys/module/%s", module ? module : "");
	if (module && is_there(root, name))
		cli_complain("%s is loaded, but has no balloon; 'aerostat doctor' says more",
			     module);
	else if (module)
		cli_complain("no balloon's module is loaded; as root: modprobe %s", module);
	else
		cli_complain("no balloon's module is loaded, and this looks like no guest of "
			     "VMware, Xen or virtio");
	return ret;
}

/* Of the kind that balloons are: 5 (in the spec "Memory balloon"). */
bool balloon_is_virtio(const char *root, unsigned int number)
{
	char name[128], text[32];

	snprintf(name, sizeof(name), "/sys/bus/virtio/devices/virtio%u/device", number);
	return !aero_read(root, name, text, sizeof(text)) && !strncmp(text, "0x0005", 6);
}

static bool has_virtio_balloon(const char *root)
{
	for (unsigned int i = 0; i < BALLOON_VIRTIO_MOST; i++)
		if (balloon_is_virtio(root, i))
			return true;
	return false;
}

static bool dmi_says_vmware(const char *root, const char *which)
{
	char name[64], text[64];

	snprintf(name, sizeof(name), "/sys/class/dmi/id/%s", which);
	return !aero_read(root, name, text, sizeof(text)) && !strncmp(text, "VMware", 6);
}

/*
 * VMware's monitors name themselves to the CPU's cpuid instruction, which is one way the kernel
 * knows them by; the DMI tables, the other, may be the host's own.  Says nothing about a machine in
 * a folder.
 */
static bool cpu_says_vmware(const char *root)
{
#if defined(__x86_64__) || defined(__i386__)
	const unsigned int hypervisor_leaf = 0x40000000, is_guest = 1U << 31;
	unsigned int eax, ebx, ecx, edx;
	char name[13] = "";

	if (*root || !__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & is_guest))
		return false;
	__cpuid(hypervisor_leaf, eax, ebx, ecx, edx);
	memcpy(name, &ebx, 4);
	memcpy(name + 4, &ecx, 4);
	memcpy(name + 8, &edx, 4);
	return !strcmp(name, "VMwareVMware");
#else
	(void)root;
	return false;
#endif
}

const char *balloon_module_for(const char *root)
{
	char text[64];

	if (!aero_read(root, "/sys/hypervisor/type", text, sizeof(text)) &&
	    !strncmp(text, "xen", 3))
		return "aerostat_xen";
	if (dmi_says_vmware(root, "sys_vendor") || dmi_says_vmware(root, "product_serial") ||
	    cpu_says_vmware(root))
		return "aerostat_vmware";
	return has_virtio_balloon(root) ? "aerostat_virtio" : NULL;
}

/* ---- --root, --output and --json ---- */

error_t cli_parse_view(int key, char *arg, struct argp_state *state)
{
	struct cli_view *view = state->input;

	switch (key) {
	case CLI_OPTION_ROOT:
		if (strlen(arg) >= AERO_PATH_MAX)
			argp_error(state, "--root: the name is too long");
		view->root = arg;
		return 0;
	case 'o':
		view->output = arg;
		return 0;
	case CLI_OPTION_JSON:
		view->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is no option; see --help", cli_shown(arg));
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}
