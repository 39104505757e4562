// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The names that are shown in logs and files.  Each table is indexed by its enum. */
#include <aerostat/balloon.h>

static const char *const phase_names[AERO_PHASES] = {
	[AERO_PHASE_REST] = "resting",	     [AERO_PHASE_POP] = "resetting",
	[AERO_PHASE_CONNECT] = "connecting", [AERO_PHASE_INFLATE] = "inflating",
	[AERO_PHASE_DEFLATE] = "deflating",  [AERO_PHASE_GROW] = "growing",
	[AERO_PHASE_STOPPED] = "stopped",
};

static const char *const class_names[AERO_CLASSES] = {
	[AERO_CLASS_PAGE] = "page",
	[AERO_CLASS_SPLIT] = "split",
	[AERO_CLASS_LARGE] = "large",
};

static const char *const answer_names[AERO_ANSWERS] = {
	[AERO_ANSWER_OK] = "ok",
	[AERO_ANSWER_REFUSED] = "refused",
	[AERO_ANSWER_NOT_NEEDED] = "not_needed",
	[AERO_ANSWER_RESET] = "reset",
	[AERO_ANSWER_FAILED] = "failed",
};

static const char *const run_end_names[AERO_RUN_ENDS] = {
	[AERO_END_DONE] = "done",
	[AERO_END_RATE] = "rate",
	[AERO_END_NO_MEMORY] = "no_memory",
	[AERO_END_NO_PROGRESS] = "no_progress",
	[AERO_END_COMMAND] = "command_failed",
	[AERO_END_RESET] = "reset",
	[AERO_END_HELD_OFF] = "held_off",
	[AERO_END_NO_GROWTH] = "no_growth",
	[AERO_END_WAIT] = "wait",
};

static const char *name(const char *const *names, unsigned int n, unsigned int index)
{
	return index < n ? names[index] : "unknown";
}

const char *aero_phase_name(enum aero_phase phase)
{
	return name(phase_names, AERO_PHASES, phase);
}

const char *aero_class_name(enum aero_class class)
{
	return name(class_names, AERO_CLASSES, class);
}

const char *aero_answer_name(enum aero_answer answer)
{
	return name(answer_names, AERO_ANSWERS, answer);
}

const char *aero_run_end_name(enum aero_run_end end)
{
	return name(run_end_names, AERO_RUN_ENDS, end);
}
