// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The monitor as one JSON document (docs/lab/monitor.md describes it). */
#include "build.h"
#include "json.h"
#include "vmware/names.h"

/* This number has to be raised when a key changes its meaning. */
#define REPORT_FORMAT 1

static json_t *caps_to_json(struct aero_json_builder *b, uint32_t caps)
{
	json_t *list = json_array();

	for (unsigned int bit = 0; bit < 32; bit++)
		if (caps & 1u << bit && aero_monitor_cap_name(bit))
			aero_json_append(b, list, json_string(aero_monitor_cap_name(bit)));
	return list;
}

/* How often each status was given, by its name.  Statuses that were never given are left out. */
static json_t *statuses_to_json(struct aero_json_builder *b, const uint64_t *status)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < AERO_STATUS_KINDS; i++)
		if (status[i])
			aero_json_set_number(b, o, aero_monitor_status_name(i), status[i]);
	return o;
}

static json_t *commands_to_json(struct aero_json_builder *b, const struct aero_monitor_counters *n)
{
	json_t *o = json_object();

	for (uint32_t i = 0; i < AERO_VMW_COMMANDS; i++) {
		json_t *command;

		if (!aero_monitor_command_name(i))
			continue;
		command = json_object();
		aero_json_set_number(b, command, "calls", n->command[i].calls);
		aero_json_set_number(b, command, "failures", n->command[i].failures);
		aero_json_set(b, command, "status", statuses_to_json(b, n->command[i].status));
		aero_json_set(b, o, aero_monitor_command_name(i), command);
	}
	return o;
}

static json_t *entries_to_json(struct aero_json_builder *b, const struct aero_monitor_counters *n,
			       enum aero_books_direction direction)
{
	json_t *o = json_object();

	aero_json_set(b, o, "4k", statuses_to_json(b, n->entry[direction][AERO_SIZE_4K]));
	aero_json_set(b, o, "2m", statuses_to_json(b, n->entry[direction][AERO_SIZE_2M]));
	return o;
}

static json_t *direction_to_json(struct aero_json_builder *b, const struct aero_monitor_counters *n,
				 enum aero_books_direction direction)
{
	json_t *o = json_object();
	uint64_t pages = n->entry[direction][AERO_SIZE_4K][AERO_VMW_OK] +
			 n->entry[direction][AERO_SIZE_2M][AERO_VMW_OK] * AERO_BOOKS_BLOCK_PAGES;

	aero_json_set_number(b, o, "pages", pages);
	aero_json_set_number(b, o, "busy_instructions", n->busy_instructions[direction]);
	aero_json_set_number(b, o, "busy_ns", n->busy_ns[direction]);
	aero_json_set(b, o, "entries", entries_to_json(b, n, direction));
	return o;
}

static json_t *counters_to_json(struct aero_json_builder *b, const struct aero_monitor *m)
{
	const struct aero_monitor_counters *n = aero_monitor_counters(m);
	const struct aero_books_counters *memory = aero_monitor_memory_counters(m);
	json_t *o = json_object();

	aero_json_set(b, o, "commands", commands_to_json(b, n));
	aero_json_set(b, o, "inflate", direction_to_json(b, n, AERO_INFLATE));
	aero_json_set(b, o, "deflate", direction_to_json(b, n, AERO_DEFLATE));
	aero_json_set_number(b, o, "bad_magic", n->bad_magic);
	aero_json_set_number(b, o, "unknown_commands", n->unknown_commands);
	aero_json_set_number(b, o, "discards", memory->discards);
	aero_json_set_number(b, o, "discarded_pages", memory->discarded_pages);
	aero_json_set_number(b, o, "discard_failures", memory->discard_failures);
	aero_json_set_number(b, o, "populate_failures", memory->populate_failures);
	aero_json_set_number(b, o, "resets_demanded", n->resets_demanded);
	aero_json_set_number(b, o, "faults_fired", n->faults_fired);
	aero_json_set_number(b, o, "doorbell_rings", n->doorbell_rings);
	return o;
}

static json_t *fault_to_json(struct aero_json_builder *b, const struct aero_monitor_fault *rule,
			     uint64_t fired)
{
	json_t *o = json_object();
	const char *command = rule->command == AERO_FAULT_ANY_COMMAND
				      ? AERO_FAULT_ANY_NAME
				      : aero_monitor_command_name(rule->command);

	aero_json_set(b, o, "command", json_string(command));
	aero_json_set(b, o, "direction", json_string(aero_fault_directions[rule->direction]));
	aero_json_set(b, o, "on", json_string(aero_fault_whats[rule->what]));
	aero_json_set(b, o, "action", json_string(aero_fault_actions[rule->action]));
	if (rule->action == AERO_FAULT_STATUS)
		aero_json_set_number(b, o, "status", rule->status);
	aero_json_set_number(b, o, "first", rule->first);
	aero_json_set_number(b, o, "every", rule->every);
	aero_json_set_number(b, o, "times", rule->times);
	aero_json_set_number(b, o, "fired", fired);
	return o;
}

static json_t *faults_to_json(struct aero_json_builder *b, const struct aero_monitor *m)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < aero_monitor_faults(m); i++) {
		uint64_t fired;
		const struct aero_monitor_fault *rule = aero_monitor_fault(m, i, &fired);

		aero_json_append(b, list, fault_to_json(b, rule, fired));
	}
	return list;
}

static json_t *connection_to_json(struct aero_json_builder *b, const struct aero_monitor *m,
				  const struct aero_monitor_view *view)
{
	json_t *o = json_object();

	aero_json_set(b, o, "connected", json_boolean(aero_monitor_connected(m)));
	aero_json_set(b, o, "capabilities", caps_to_json(b, aero_monitor_caps(m)));
	aero_json_set_number(b, o, "guest_id", view->guest_id);
	aero_json_set_number(b, o, "limit_said_pages", view->limit_said);
	aero_json_set(b, o, "doorbell_set", json_boolean(view->doorbell_set));
	if (view->doorbell_set) {
		aero_json_set_number(b, o, "doorbell_context", view->doorbell_context);
		aero_json_set_number(b, o, "doorbell_resource", view->doorbell_resource);
	}
	return o;
}

static json_t *settings_to_json(struct aero_json_builder *b, const struct aero_monitor *m,
				const struct aero_monitor_view *view)
{
	json_t *o = json_object();

	aero_json_set(b, o, "faults", faults_to_json(b, m));
	aero_json_set(b, o, "withhold", caps_to_json(b, view->withheld));
	aero_json_set(b, o, "old_host", json_boolean(view->old_host));
	if (view->forced_target == AERO_MONITOR_NOT_FORCED)
		aero_json_set(b, o, "force_target_pages", json_null());
	else
		aero_json_set_number(b, o, "force_target_pages", view->forced_target);
	return o;
}

char *aero_monitor_report(const struct aero_monitor *m)
{
	struct aero_json_builder builder = {.failed = false}, *b = &builder;
	struct aero_monitor_view view;
	json_t *o = json_object();

	aero_monitor_look(m, &view);
	aero_json_set_number(b, o, "format", REPORT_FORMAT);
	aero_json_set_number(b, o, "ram_pages", view.config.ram_pages);
	aero_json_set_number(b, o, "limit_pages", aero_monitor_limit(m));
	aero_json_set_number(b, o, "wanted_pages", aero_monitor_wanted(m));
	aero_json_set_number(b, o, "target_pages", aero_monitor_target(m));
	aero_json_set_number(b, o, "size_pages", aero_monitor_size(m));
	aero_json_set(b, o, "capabilities_offered", caps_to_json(b, view.config.caps));
	aero_json_set(b, o, "connection", connection_to_json(b, m, &view));
	aero_json_set(b, o, "settings", settings_to_json(b, m, &view));
	aero_json_set(b, o, "counters", counters_to_json(b, m));
	return aero_json_finish(b, o);
}
