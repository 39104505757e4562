// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Settings from a JSON document (docs/lab/monitor.md describes it).  The whole document
 * is read into struct wishes first, and only a good one is applied.
 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "vmware/names.h"

struct wishes {
	bool has_faults;
	struct aero_monitor_fault fault[AERO_MONITOR_FAULTS];
	unsigned int faults;
	bool has_withhold;
	uint32_t withhold;
	bool has_old_host;
	bool old_host;
	bool has_target;
	uint64_t target;
	bool has_force_target;
	uint64_t force_target;
	bool zero_counters;
	bool demand_reset;
	bool forget_locks;
};

struct reader {
	char *error;
	size_t error_size;
	struct wishes wishes;
};

/*
 * Writes the message and returns -EINVAL, so that `return fail(...)` reads well.  A
 * message is one line even if the document's own words in it are not: what is not
 * printable ASCII becomes '?'.
 */
__attribute__((format(printf, 2, 3))) static int fail(struct reader *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(r->error, r->error_size, fmt, args);
	va_end(args);
	for (char *at = r->error; r->error_size && *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	return -EINVAL;
}

static int read_number(struct reader *r, const char *key, const json_t *value, uint64_t min,
		       uint64_t max, uint64_t *out)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || (uint64_t)n < min || (uint64_t)n > max)
		return fail(r, "\"%s\" must be a whole number from %llu to %llu", key,
			    (unsigned long long)min, (unsigned long long)max);
	*out = (uint64_t)n;
	return 0;
}

static int read_bool(struct reader *r, const char *key, const json_t *value, bool *out)
{
	if (!json_is_boolean(value))
		return fail(r, "\"%s\" must be true or false", key);
	*out = json_is_true(value);
	return 0;
}

/* Reads a string that must be one of the words of a list, which ends with NULL. */
static int read_word(struct reader *r, const char *key, const json_t *value,
		     const char *const *words, unsigned int *out)
{
	const char *text = json_string_value(value);

	for (unsigned int i = 0; text && words[i]; i++) {
		if (strcmp(text, words[i]) == 0) {
			*out = i;
			return 0;
		}
	}
	return fail(r, "\"%s\" must be \"%s\", \"%s\"%s%s%s", key, words[0], words[1],
		    words[2] ? " or \"" : "", words[2] ? words[2] : "", words[2] ? "\"" : "");
}

static int read_command(struct reader *r, const json_t *value, uint32_t *out)
{
	const char *text = json_string_value(value);

	if (text && strcmp(text, AERO_FAULT_ANY_NAME) == 0) {
		*out = AERO_FAULT_ANY_COMMAND;
		return 0;
	}
	for (uint32_t i = 0; text && i < AERO_VMW_COMMANDS; i++) {
		const char *name = aero_monitor_command_name(i);

		if (name && strcmp(text, name) == 0) {
			*out = i;
			return 0;
		}
	}
	return fail(r, "\"command\" must be \"" AERO_FAULT_ANY_NAME
		       "\" or a command's name as the report has them, such as \"batched-lock\"");
}

/* Reads one of the protocol's names, or any number. */
static int read_status(struct reader *r, const json_t *value, uint32_t *out)
{
	const char *text = json_string_value(value);
	uint64_t n = 0;

	for (unsigned int i = 1; text && i <= AERO_STATUS_FAILURE; i++) {
		if (strcmp(text, aero_monitor_status_name(i)) == 0) {
			*out = i == AERO_STATUS_FAILURE ? AERO_VMW_FAILURE : i;
			return 0;
		}
	}
	if (text)
		return fail(r, "\"status\" must be a number or a status's name as the report has "
			       "them, such as \"ppn-pinned\" (\"ok\" can't be forced)");
	if (read_number(r, "status", value, 1, UINT32_MAX, &n))
		return -EINVAL;
	*out = (uint32_t)n;
	return 0;
}

static int read_fault_key(struct reader *r, struct aero_monitor_fault *rule, const char *key,
			  const json_t *value)
{
	unsigned int word = 0;
	uint64_t fired;
	int err;

	if (strcmp(key, "command") == 0)
		return read_command(r, value, &rule->command);
	if (strcmp(key, "status") == 0)
		return read_status(r, value, &rule->status);
	if (strcmp(key, "first") == 0)
		return read_number(r, key, value, 1, INT64_MAX, &rule->first);
	if (strcmp(key, "every") == 0)
		return read_number(r, key, value, 1, INT64_MAX, &rule->every);
	if (strcmp(key, "times") == 0)
		return read_number(r, key, value, 0, INT64_MAX, &rule->times);
	if (strcmp(key, "direction") == 0) {
		err = read_word(r, key, value, aero_fault_directions, &word);
		rule->direction = (enum aero_fault_direction)word;
		return err;
	}
	if (strcmp(key, "on") == 0) {
		err = read_word(r, key, value, aero_fault_whats, &word);
		rule->what = (enum aero_fault_what)word;
		return err;
	}
	if (strcmp(key, "action") == 0) {
		err = read_word(r, key, value, aero_fault_actions, &word);
		rule->action = (enum aero_fault_action)word;
		return err;
	}
	/*
	 * The report shows how often a rule has fired, and may be handed back as it is.  The
	 * number is accepted, but the new rule counts from 0.
	 */
	if (strcmp(key, "fired") == 0)
		return read_number(r, key, value, 0, INT64_MAX, &fired);
	return fail(r,
		    "unknown key \"%s\" in a fault; known are command, direction, on, action, "
		    "status, first, every, times, fired",
		    key);
}

static int read_fault(struct reader *r, json_t *value, struct aero_monitor_fault *rule)
{
	const char *key;
	json_t *field;

	*rule = (struct aero_monitor_fault){
		.command = AERO_FAULT_ANY_COMMAND, .first = 1, .every = 1};
	if (!json_is_object(value))
		return fail(r, "a fault must be an object such as {\"command\": \"lock\", "
			       "\"status\": \"busy\"}");
	json_object_foreach(value, key, field)
		if (read_fault_key(r, rule, key, field))
			return -EINVAL;
	if (aero_monitor_check_fault(rule))
		return fail(
			r,
			"the keys of a fault do not fit together: action \"status\" needs a status "
			"(1 to 31 for an entry), the others must have none; entries and "
			"directions go with lock and unlock commands only, and silence "
			"with commands only");
	return 0;
}

static int read_faults(struct reader *r, json_t *value)
{
	size_t i;
	json_t *item;

	if (!json_is_array(value) || json_array_size(value) > AERO_MONITOR_FAULTS)
		return fail(r, "\"faults\" must be a list of at most %u faults",
			    AERO_MONITOR_FAULTS);
	json_array_foreach(value, i, item)
		if (read_fault(r, item, &r->wishes.fault[i]))
			return -EINVAL;
	r->wishes.faults = (unsigned int)json_array_size(value);
	r->wishes.has_faults = true;
	return 0;
}

static uint32_t cap_by_name(const char *text)
{
	for (unsigned int bit = 1; aero_monitor_cap_name(bit); bit++)
		if (text && strcmp(text, aero_monitor_cap_name(bit)) == 0)
			return 1u << bit;
	return 0;
}

static int read_withhold(struct reader *r, json_t *value)
{
	size_t i;
	json_t *item;

	r->wishes.withhold = 0;
	if (!json_is_array(value))
		return fail(r, "\"withhold\" must be a list of capabilities, such as "
			       "[\"batched-2m\"]");
	json_array_foreach(value, i, item) {
		uint32_t cap = cap_by_name(json_string_value(item));

		if (!cap)
			return fail(r, "\"withhold\" knows basic, batched, batched-2m, signalled "
				       "and target-64 only");
		r->wishes.withhold |= cap;
	}
	r->wishes.has_withhold = true;
	return 0;
}

static int read_force_target(struct reader *r, const char *key, const json_t *value)
{
	r->wishes.has_force_target = true;
	if (json_is_null(value)) {
		r->wishes.force_target = AERO_MONITOR_NOT_FORCED;
		return 0;
	}
	return read_number(r, key, value, 0, INT64_MAX, &r->wishes.force_target);
}

static int read_key(struct reader *r, const char *key, json_t *value)
{
	struct wishes *w = &r->wishes;

	if (strcmp(key, "faults") == 0)
		return read_faults(r, value);
	if (strcmp(key, "withhold") == 0)
		return read_withhold(r, value);
	if (strcmp(key, "old_host") == 0) {
		w->has_old_host = true;
		return read_bool(r, key, value, &w->old_host);
	}
	if (strcmp(key, "target_pages") == 0) {
		w->has_target = true;
		return read_number(r, key, value, 0, INT64_MAX, &w->target);
	}
	if (strcmp(key, "force_target_pages") == 0)
		return read_force_target(r, key, value);
	if (strcmp(key, "zero_counters") == 0)
		return read_bool(r, key, value, &w->zero_counters);
	if (strcmp(key, "demand_reset") == 0)
		return read_bool(r, key, value, &w->demand_reset);
	if (strcmp(key, "forget_locks") == 0)
		return read_bool(r, key, value, &w->forget_locks);
	return fail(r,
		    "unknown key \"%s\"; known are faults, withhold, old_host, target_pages, "
		    "force_target_pages, zero_counters, demand_reset, forget_locks",
		    key);
}

static int read_document(struct reader *r, const char *text)
{
	json_error_t where;
	json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	const char *key;
	json_t *value;
	int err = 0;

	/* jansson has an error message for every fault of a text, but none for lack of memory. */
	if (!document && !*where.text) {
		fail(r, "no memory to read the document");
		return -ENOMEM;
	}
	if (!document)
		return fail(r, "not JSON: %s (line %d, column %d)", where.text, where.line,
			    where.column);
	if (!json_is_object(document))
		err = fail(r, "the document must be an object such as {\"zero_counters\": true}");
	else
		json_object_foreach(document, key, value) {
			err = read_key(r, key, value);
			if (err)
				break;
		}
	json_decref(document);
	return err;
}

/*
 * Settings come first, so that a reset in the same document already acts under them.
 * The counters come last, so that they start at 0.
 */
static void apply(struct aero_monitor *m, const struct wishes *w)
{
	if (w->has_faults)
		aero_monitor_set_faults(m, w->fault, w->faults);
	if (w->has_withhold)
		aero_monitor_withhold(m, w->withhold);
	if (w->has_old_host)
		aero_monitor_old_host(m, w->old_host);
	if (w->has_target)
		aero_monitor_set_target(m, w->target);
	if (w->has_force_target)
		aero_monitor_force_target(m, w->force_target);
	if (w->demand_reset)
		aero_monitor_demand_reset(m);
	if (w->forget_locks)
		aero_monitor_forget_locks(m);
	if (w->zero_counters)
		aero_monitor_zero_counters(m);
}

int aero_monitor_control(struct aero_monitor *m, const char *json, char *error, size_t error_size)
{
	struct reader r = {.error = error, .error_size = error_size};
	int err = read_document(&r, json);

	if (err)
		return err;
	apply(m, &r.wishes);
	return 0;
}
