// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The monitor as one JSON document (docs/lab/monitor.md describes it).
 */
#include <jansson.h>

#include "internal.h"
#include "json.h"

/*
 * Every json_*_set_new() below takes NULL for "no memory" and then fails; the
 * document is looked over once at the end instead of after each value.
 */
static json_t *number(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *caps_to_json(uint32_t caps)
{
	json_t *list = json_array();

	for (unsigned int bit = 0; bit < 32; bit++)
		if (caps & 1u << bit && aero_cap_name(bit))
			json_array_append_new(list, json_string(aero_cap_name(bit)));
	return list;
}

/* Only the statuses that were given, by name: a table of zeros tells nothing. */
static json_t *statuses_to_json(const uint64_t *status)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < AERO_STATUS_KINDS; i++)
		if (status[i])
			json_object_set_new(o, aero_monitor_status_name(i), number(status[i]));
	return o;
}

static json_t *commands_to_json(const struct aero_monitor_counters *n)
{
	json_t *o = json_object();

	for (uint32_t i = 0; i < AERO_VMW_COMMANDS; i++) {
		json_t *command;

		if (!aero_monitor_command_name(i))
			continue;
		command = json_object();
		json_object_set_new(command, "calls", number(n->command[i].calls));
		json_object_set_new(command, "failures", number(n->command[i].failures));
		json_object_set_new(command, "status", statuses_to_json(n->command[i].status));
		json_object_set_new(o, aero_monitor_command_name(i), command);
	}
	return o;
}

static json_t *entries_to_json(const struct aero_monitor_counters *n,
			       enum aero_monitor_direction direction)
{
	json_t *o = json_object();

	json_object_set_new(o, "4k", statuses_to_json(n->entry[direction][AERO_SIZE_4K]));
	json_object_set_new(o, "2m", statuses_to_json(n->entry[direction][AERO_SIZE_2M]));
	return o;
}

static json_t *direction_to_json(const struct aero_monitor_counters *n,
				 enum aero_monitor_direction direction)
{
	json_t *o = json_object();
	uint64_t pages = n->entry[direction][AERO_SIZE_4K][AERO_VMW_OK] +
			 n->entry[direction][AERO_SIZE_2M][AERO_VMW_OK] * AERO_RUN_PAGES;

	json_object_set_new(o, "pages", number(pages));
	json_object_set_new(o, "busy_instructions", number(n->busy_instructions[direction]));
	json_object_set_new(o, "busy_ns", number(n->busy_ns[direction]));
	json_object_set_new(o, "entries", entries_to_json(n, direction));
	return o;
}

static json_t *counters_to_json(const struct aero_monitor_counters *n)
{
	json_t *o = json_object();

	json_object_set_new(o, "commands", commands_to_json(n));
	json_object_set_new(o, "inflate", direction_to_json(n, AERO_INFLATE));
	json_object_set_new(o, "deflate", direction_to_json(n, AERO_DEFLATE));
	json_object_set_new(o, "bad_magic", number(n->bad_magic));
	json_object_set_new(o, "unknown_commands", number(n->unknown_commands));
	json_object_set_new(o, "discards", number(n->discards));
	json_object_set_new(o, "discarded_pages", number(n->discarded_pages));
	json_object_set_new(o, "discard_failures", number(n->discard_failures));
	json_object_set_new(o, "populate_failures", number(n->populate_failures));
	json_object_set_new(o, "resets_demanded", number(n->resets_demanded));
	json_object_set_new(o, "faults_fired", number(n->faults_fired));
	json_object_set_new(o, "doorbell_rings", number(n->doorbell_rings));
	return o;
}

static json_t *fault_to_json(const struct aero_monitor_fault *rule, uint64_t fired)
{
	json_t *o = json_object();
	const char *command = rule->command == AERO_FAULT_ANY_COMMAND
				      ? AERO_JSON_ANY
				      : aero_monitor_command_name(rule->command);

	json_object_set_new(o, "command", json_string(command));
	json_object_set_new(o, "direction", json_string(aero_fault_directions[rule->direction]));
	json_object_set_new(o, "on", json_string(aero_fault_whats[rule->what]));
	json_object_set_new(o, "action", json_string(aero_fault_actions[rule->action]));
	if (rule->action == AERO_FAULT_STATUS)
		json_object_set_new(o, "status", number(rule->status));
	json_object_set_new(o, "first", number(rule->first));
	json_object_set_new(o, "every", number(rule->every));
	json_object_set_new(o, "times", number(rule->times));
	json_object_set_new(o, "fired", number(fired));
	return o;
}

static json_t *faults_to_json(const struct aero_monitor *m)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < m->faults; i++)
		json_array_append_new(list, fault_to_json(&m->fault[i].rule, m->fault[i].fired));
	return list;
}

static json_t *connection_to_json(const struct aero_monitor *m)
{
	json_t *o = json_object();

	json_object_set_new(o, "connected", json_boolean(m->connected));
	json_object_set_new(o, "capabilities", caps_to_json(m->caps));
	json_object_set_new(o, "guest_id", number(m->guest_id));
	json_object_set_new(o, "limit_said_pages", number(m->limit));
	json_object_set_new(o, "doorbell_set", json_boolean(m->doorbell_set));
	if (m->doorbell_set) {
		json_object_set_new(o, "doorbell_context", number(m->doorbell_context));
		json_object_set_new(o, "doorbell_resource", number(m->doorbell_resource));
	}
	return o;
}

static json_t *settings_to_json(const struct aero_monitor *m)
{
	json_t *o = json_object();

	json_object_set_new(o, "faults", faults_to_json(m));
	json_object_set_new(o, "withhold", caps_to_json(m->withheld));
	json_object_set_new(o, "old_host", json_boolean(m->old_host));
	json_object_set_new(o, "force_target_pages",
			    m->forced == AERO_MONITOR_NOT_FORCED ? json_null() : number(m->forced));
	return o;
}

char *aero_monitor_report(const struct aero_monitor *m)
{
	json_t *o = json_object();
	char *text;

	json_object_set_new(o, "format", json_integer(1));
	json_object_set_new(o, "ram_pages", number(m->config.ram_pages));
	json_object_set_new(o, "limit_pages", number(aero_monitor_limit(m)));
	json_object_set_new(o, "wanted_pages", number(m->wanted));
	json_object_set_new(o, "target_pages", number(m->target));
	json_object_set_new(o, "size_pages", number(m->size));
	json_object_set_new(o, "capabilities_offered", caps_to_json(m->config.caps));
	json_object_set_new(o, "connection", connection_to_json(m));
	json_object_set_new(o, "settings", settings_to_json(m));
	json_object_set_new(o, "counters", counters_to_json(&m->counters));

	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}
