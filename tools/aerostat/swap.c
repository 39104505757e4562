// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat swap: swap in equal areas, of which aerostatd can empty one at a time. */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "areas.h"
#include "balloon.h"
#include "os.h"

struct swap {
	struct cli_view view;
	struct aero_plan plan;
	bool zram;
};

static int failed(void)
{
	cli_complain("%s", aero_error());
	return CLI_FAILED;
}

/* What is begun is ended; a signal that came meanwhile ends the program afterwards. */
static void hold_signals(void)
{
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGHUP);
	sigprocmask(SIG_BLOCK, &held, NULL);
}

/* aerostatd has an area away for half a minute at most. */
#define LOCK_WAIT_MS 45000U

static int lock(const char *root)
{
	int fd;

	if (!*root && geteuid()) {
		cli_complain("only root may change swap areas");
		return -1;
	}
	umask(022);
	fd = aero_areas_lock(root, LOCK_WAIT_MS);
	if (fd < 0)
		cli_complain("%s", aero_error());
	return fd < 0 ? -1 : fd;
}

/* ---- options ---- */

enum { OPTION_ZRAM = 256 };

static const struct argp_option setup_options[] = {
	{"areas", 'n', "N", 0, "How many, 1 to 16; 4 or more let pages come home in small parts",
	 0},
	{"size-mib", 's', "N", 0, "How large each is", 0},
	{"zram", OPTION_ZRAM, NULL, 0, "In memory, compressed", 0},
	{"directory", 'd', "DIR", 0, "Files in this directory", 0},
	{"priority", 'p', "N", 0, "The kernel uses higher ones first: 0 to 32767 (100)", 0},
	CLI_ROOT_OPTION,
	{0},
};

static const struct argp_option other_options[] = {CLI_ROOT_OPTION, {0}};

static void check_plan(const struct swap *s, const struct argp_state *state)
{
	if (!s->plan.areas)
		argp_error(state, "how many areas? --areas N");
	if (!s->plan.size_mib)
		argp_error(state, "how large is each? --size-mib N");
	if (s->zram == (s->plan.directory != NULL))
		argp_error(state, "either --zram (in memory, compressed) or --directory DIR "
				  "(files)");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct swap *s = state->input;
	struct argp_state view = *state;

	switch (key) {
	case 'n':
		s->plan.areas = cli_number("areas", arg, 1, AERO_AREAS_MAX, state);
		return 0;
	case 's':
		s->plan.size_mib = cli_number("size-mib", arg, 1, 1U << 20, state);
		return 0;
	case OPTION_ZRAM:
		s->zram = true;
		return 0;
	case 'd':
		if (strlen(arg) >= AERO_PATH_MAX)
			argp_error(state, "--directory: the name is too long");
		s->plan.directory = arg;
		return 0;
	case 'p':
		s->plan.priority = (int)cli_number("priority", arg, 0, AERO_PRIORITY_MAX, state);
		return 0;
	default:
		view.input = &s->view;
		return cli_parse_view(key, arg, &view);
	}
}

static error_t parse_setup(int key, char *arg, struct argp_state *state)
{
	if (key == ARGP_KEY_END)
		check_plan(state->input, state);
	return parse(key, arg, state);
}

/* ---- the commands ---- */

int cli_swap_make(const char *root, const struct aero_plan *plan)
{
	struct aero_areas areas;
	int fd, ret;

	hold_signals();
	fd = lock(root);
	if (fd < 0)
		return CLI_FAILED;
	ret = aero_areas_make(root, plan, &areas);
	close(fd);
	if (ret)
		return failed();
	printf("%zu areas of %" PRIu32 " MiB, priority %d: %s to %s\n", areas.count, areas.size_mib,
	       areas.priority, areas.area[0].path, areas.area[areas.count - 1].path);
	return CLI_OK;
}

/* Removes them; CLI_FAILED after words. */
static int remove_areas(const char *root, struct aero_areas *areas)
{
	char left[AERO_PATH_MAX];
	size_t count = areas->count;

	if (aero_areas_remove(root, areas, left))
		return failed();
	if (!*left) {
		printf("%zu areas removed\n", count);
		return CLI_OK;
	}
	cli_complain("%s is no longer what was made, and was left alone; see what it is, and "
		     "remove it by hand",
		     left);
	return CLI_FAILED;
}

int cli_swap_unmake(const char *root)
{
	struct aero_areas areas;
	int fd, ret;

	if (!aero_areas_load(root, &areas))
		return CLI_OK;
	hold_signals();
	fd = lock(root);
	if (fd < 0)
		return CLI_FAILED;
	ret = aero_areas_load(root, &areas);
	if (ret < 0)
		ret = failed();
	else
		ret = ret && areas.configured ? remove_areas(root, &areas) : CLI_OK;
	close(fd);
	return ret;
}

static int setup(int argc, char **argv)
{
	static const struct argp argp = {
		setup_options,
		parse_setup,
		NULL,
		"Makes equal swap areas and switches them on.  They last until 'aerostat swap undo', "
		"devices also end with the next boot.",
		NULL,
		NULL,
		NULL};
	struct swap s = {.view.root = "", .plan.priority = 100};

	argp_parse(&argp, argc, argv, 0, NULL, &s);
	return cli_swap_make(s.view.root, &s.plan);
}

/* aerostatd brings pages home until so much is left; "-": nothing is to be done. */
static void print_target(const struct swap *s)
{
	char text[32];

	if (aero_read(s->view.root, "/sys/kernel/aerostat/policy/swap_target_kib", text,
		      sizeof(text)))
		return;
	text[strcspn(text, "\n")] = 0;
	printf("target_kib %s\n", cli_shown(text));
}

static int status(int argc, char **argv)
{
	static const struct argp argp = {
		other_options, parse, NULL, "Shows the areas that 'aerostat swap setup' made.",
		NULL,	       NULL,  NULL};
	struct swap s = {.view.root = ""};
	struct aero_areas areas;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &s);
	ret = aero_areas_load(s.view.root, &areas);
	if (ret < 0 || (ret && aero_areas_look(s.view.root, &areas)))
		return failed();
	if (!ret) {
		printf("no areas are set up\n");
		return CLI_OK;
	}
	printf("area state size_kib used_kib priority\n");
	for (size_t i = 0; i < areas.count; i++)
		printf("%s %s %" PRIu64 " %" PRIu64 " %d\n", areas.area[i].path,
		       areas.area[i].on ? "on" : "off", (uint64_t)areas.size_mib * 1024,
		       areas.area[i].used_kib, areas.priority);
	printf("all_swap_used_kib %" PRIu64 "\n", areas.all_used_kib);
	print_target(&s);
	return CLI_OK;
}

static int undo(int argc, char **argv)
{
	static const struct argp argp = {
		other_options,
		parse,
		NULL,
		"Switches the areas off and removes them, if what lies in them fits into memory.",
		NULL,
		NULL,
		NULL};
	struct swap s = {.view.root = ""};
	struct aero_areas areas;
	int fd, ret;

	argp_parse(&argp, argc, argv, 0, NULL, &s);
	fd = lock(s.view.root);
	if (fd < 0)
		return CLI_FAILED;
	ret = aero_areas_load(s.view.root, &areas);
	if (!ret) {
		if (aero_areas_tidy(s.view.root))
			return failed();
		printf("no areas are set up\n");
		return CLI_OK;
	}
	return ret < 0 ? failed() : remove_areas(s.view.root, &areas);
}

int cli_swap(int argc, char **argv)
{
	static const struct cli_command commands[] = {
		{"setup", "makes swap areas and switches them on", setup},
		{"status", "shows them", status},
		{"undo", "switches them off and removes them", undo},
	};

	return cli_dispatch(commands, sizeof(commands) / sizeof(*commands),
			    "Swap in equal areas, so that pages can come home in parts.\v", argc,
			    argv);
}
