// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat set and aerostat policy NAME: how large the guest is to be, and which policy says so
 * where the guest chooses for itself.
 */
#include <inttypes.h>
#include <string.h>

#include "balloon.h"
#include "settings.h"
#include "units.h"

int balloon_may_choose(const struct balloon *b)
{
	if (!strcmp(b->hypervisor, "xen"))
		return CLI_OK;
	cli_complain(
		"under %s the host sets the guest's size, and a guest can't have more than its "
		"host's target; set it on the host",
		balloon_hypervisor_name(b));
	return CLI_FAILED;
}

/* ---- set ---- */

enum wish { WISH_NONE, WISH_SIZE, WISH_AUTO, WISH_MAX };

struct set {
	struct cli_view view;
	enum wish wish;
	uint64_t kib;
};

/*
 * The guest's size as Xen counts it.  All that it has and that the balloon holds is the most; the
 * balloon takes what is available less the reserve, and no more than that.
 */
struct range {
	uint64_t least_kib, most_kib;
};

static int find_range(const char *root, const struct balloon *b, struct range *range)
{
	uint64_t current_kib;

	if (aero_read_number(root, BALLOON_XEN "/info/current_kb", &current_kib)) {
		cli_complain("can't read %s" BALLOON_XEN "/info/current_kb", root);
		return CLI_FAILED;
	}
	range->most_kib = current_kib + b->size_kib;
	range->least_kib = current_kib;
	if (b->spare_kib != BALLOON_UNKNOWN)
		range->least_kib -= b->spare_kib < current_kib ? b->spare_kib : current_kib;
	return CLI_OK;
}

static int check(const struct set *s, const struct range *range)
{
	char least[UNITS_TEXT_MAX], most[UNITS_TEXT_MAX];

	if (s->kib >= range->least_kib && s->kib <= range->most_kib)
		return CLI_OK;
	cli_complain("this guest can have %" PRIu64
		     " KiB (%s; less would be in its reserve) to %" PRIu64
		     " KiB (%s) now, not %" PRIu64 " KiB; more than that is for the host to give",
		     range->least_kib, units_size(least, range->least_kib), range->most_kib,
		     units_size(most, range->most_kib), s->kib);
	return CLI_MISUSE;
}

static int set_target(const char *root, uint64_t kib)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, kib);
	return settings_write_file(root, BALLOON_XEN "/target_kb", text, "the guest's size");
}

/* The policy would soon say something else, so it is switched off first. */
static int set_size(const struct set *s, const struct balloon *b, uint64_t kib)
{
	const struct setting *choose = setting_find("selfballooning");
	char size[UNITS_TEXT_MAX];
	int ret = CLI_OK;

	if (b->selfballooning == 1)
		ret = setting_write(s->view.root, choose, 0);
	if (ret)
		return ret;
	ret = set_target(s->view.root, kib);
	if (ret) {
		if (b->selfballooning == 1)
			setting_write(s->view.root, choose, 1);
		return ret;
	}
	printf("the guest should have %s%s\n", units_size(size, kib),
	       b->selfballooning == 1 ? "; it no longer chooses its own size" : "");
	return CLI_OK;
}

static int set_auto(const struct set *s, const struct balloon *b)
{
	int ret = setting_write(s->view.root, setting_find("selfballooning"), 1);

	if (!ret)
		printf("the guest chooses its own size (policy %s)\n", b->policy);
	return ret;
}

static int set(const struct set *s)
{
	struct balloon b;
	struct range range;
	int ret = balloon_read(s->view.root, &b);

	if (!ret)
		ret = balloon_may_choose(&b);
	if (ret)
		return ret;
	if (s->wish == WISH_AUTO)
		return set_auto(s, &b);
	ret = find_range(s->view.root, &b, &range);
	if (!ret && s->wish == WISH_SIZE)
		ret = check(s, &range);
	return ret ? ret : set_size(s, &b, s->wish == WISH_MAX ? range.most_kib : s->kib);
}

static error_t parse_set(int key, char *arg, struct argp_state *state)
{
	struct set *s = state->input;
	struct argp_state view = *state;

	switch (key) {
	case ARGP_KEY_ARG:
		if (s->wish)
			argp_error(state, "one size at a time; '%s' is the second", cli_shown(arg));
		if (!strcmp(arg, "auto"))
			s->wish = WISH_AUTO;
		else if (!strcmp(arg, "max"))
			s->wish = WISH_MAX;
		else if (units_parse_size(arg, &s->kib))
			s->wish = WISH_SIZE;
		else
			argp_error(state,
				   "the size is " UNITS_SIZE_WANTED ", or auto or max, not '%s'",
				   cli_shown(arg));
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which size?  " UNITS_SIZE_WANTED ", or auto or max");
		return 0;
	default:
		view.input = &s->view;
		return cli_parse_view(key, arg, &view);
	}
}

int cli_set(int argc, char **argv)
{
	static const struct argp_option options[] = {CLI_ROOT_OPTION, {0}};
	static const struct argp argp = {
		options,
		parse_set,
		"SIZE|auto|max",
		"Sets how much memory the guest should have: an amount, what its policy says (auto), "
		"or all it can have (max).  Under Xen; elsewhere it is for the host to say.",
		NULL,
		NULL,
		NULL};
	struct set s = {.view.root = ""};

	argp_parse(&argp, argc, argv, 0, NULL, &s);
	return set(&s);
}

/* ---- policy [NAME] ---- */

struct choice {
	struct cli_view view;
	const char *name;
};

bool cli_is_size_policy(const char *name)
{
	for (size_t i = 0; i < aero_guest_policies_count; i++)
		if (aero_guest_policies[i]->kind == AERO_POLICY_SIZE &&
		    !strcmp(aero_guest_policies[i]->name, name))
			return true;
	return false;
}

static void parse_name(struct choice *c, const char *name, const struct argp_state *state)
{
	char names[128] = "";
	size_t used = 0;

	if (c->name)
		argp_error(state, "one policy at a time; '%s' is the second", cli_shown(name));
	c->name = name;
	if (cli_is_size_policy(name))
		return;
	for (size_t i = 0; i < aero_guest_policies_count && used < sizeof(names); i++)
		if (aero_guest_policies[i]->kind == AERO_POLICY_SIZE)
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s, ",
						 aero_guest_policies[i]->name);
	argp_error(state,
		   "'%s' is no policy that sets the guest's size and no command; there are "
		   "%seval and list",
		   cli_shown(name), names);
}

static error_t parse_choice(int key, char *arg, struct argp_state *state)
{
	struct choice *c = state->input;
	struct argp_state view = *state;

	if (key == ARGP_KEY_ARG) {
		parse_name(c, arg, state);
		return 0;
	}
	view.input = &c->view;
	return cli_parse_view(key, arg, &view);
}

int cli_policy_choose(int argc, char **argv)
{
	static const struct argp_option options[] = {CLI_ROOT_OPTION, {0}};
	static const struct argp argp = {
		options,  parse_choice,
		"[NAME]", "Shows or chooses the policy by which the guest sets its own size.",
		NULL,	  NULL,
		NULL};
	struct choice c = {.view.root = ""};
	struct balloon b;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &c);
	ret = balloon_read(c.view.root, &b);
	if (ret)
		return ret;
	if (!c.name) {
		printf("%s (active: %s)\n", *b.policy ? b.policy : "unknown",
		       *b.active ? b.active : "unknown");
		return CLI_OK;
	}
	ret = balloon_may_choose(&b);
	if (!ret)
		ret = settings_write_file(c.view.root, BALLOON_FOLDER "/policy/policy", c.name,
					  "the policy");
	if (!ret && b.selfballooning != 1)
		printf("%s; 'aerostat set auto' makes the guest follow it\n", c.name);
	return ret;
}
