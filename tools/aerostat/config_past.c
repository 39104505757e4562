// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What /etc/aerostat.conf has changed: for each setting the value that was there before.  It is
 * of one loading of the module, whose settings begin anew with the next.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"
#include "journal.h"

#define RECORD	AERO_AREAS_FOLDER "/config"
#define VERSION 1
#define POLICY	"policy"

/* sysfs gives each folder that is made a number of its own. */
static uint64_t module_number(const char *root)
{
	char path[2 * AERO_PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s" BALLOON_FOLDER, root);
	return stat(path, &st) ? 0 : st.st_ino;
}

/* ---- to and from the disk ---- */

static bool is_known(const char *name)
{
	return !strcmp(name, POLICY) || setting_find(name);
}

/* What is written back as root is believed only if it could have been noted. */
static bool entry_parse(json_t *json, struct config_entry *entry)
{
	const struct setting *s;
	const char *name, *before, *set;
	uint64_t value;

	if (json_unpack(json, "{s:s, s:s, s:s}", "name", &name, "before", &before, "set", &set) ||
	    !is_known(name) || strlen(before) >= BALLOON_WORD || strlen(set) >= BALLOON_WORD)
		return false;
	s = setting_find(name);
	if (s ? !aero_parse(before, UINT64_MAX, &value) : !cli_is_size_policy(before))
		return false;
	strcpy(entry->name, name);
	strcpy(entry->before, before);
	strcpy(entry->set, set);
	return true;
}

static bool parse(json_t *json, struct config_past *past)
{
	json_int_t module;
	json_t *list;
	int version;

	if (json_unpack(json, "{s:i, s:I, s:o}", "version", &version, "module", &module, "settings",
			&list) ||
	    version != VERSION || !json_is_array(list) || json_array_size(list) > CONFIG_LINES_MOST)
		return false;
	past->module = (uint64_t)module;
	past->count = json_array_size(list);
	for (size_t i = 0; i < past->count; i++)
		if (!entry_parse(json_array_get(list, i), &past->entry[i]))
			return false;
	return true;
}

int config_past_load(const char *root, struct config_past *past)
{
	uint64_t module = module_number(root);
	json_t *json;
	int ret = aero_journal_load(root, RECORD, &json);
	bool good;

	memset(past, 0, sizeof(*past));
	if (ret < 0)
		return -1;
	good = !ret || parse(json, past);
	json_decref(json);
	if (!good)
		return aero_fail("%s" RECORD " is not as it was written", root);
	if (past->module != module)
		memset(past, 0, sizeof(*past));
	past->module = module;
	return 0;
}

int config_past_save(const char *root, const struct config_past *past)
{
	json_t *list, *json;

	if (!past->count)
		return aero_journal_drop(root, RECORD);
	list = json_array();
	for (size_t i = 0; i < past->count; i++)
		if (json_array_append_new(list,
					  json_pack("{s:s, s:s, s:s}", "name", past->entry[i].name,
						    "before", past->entry[i].before, "set",
						    past->entry[i].set))) {
			json_decref(list);
			return aero_fail("no memory");
		}
	json = json_pack("{s:i, s:I, s:o}", "version", VERSION, "module", (json_int_t)past->module,
			 "settings", list);
	return aero_journal_save(root, RECORD, json);
}

bool config_past_is_there(const char *root)
{
	static struct config_past past;
	static struct aero_areas areas;

	/* What can't be read is for the command itself to complain of. */
	return config_past_load(root, &past) || past.count ||
	       (aero_areas_load(root, &areas) > 0 && areas.configured);
}

/* ---- one setting ---- */

/* What is in force; false: the loaded module does not show it. */
static bool read_now(const char *root, const char *name, char text[BALLOON_WORD])
{
	const struct setting *s = setting_find(name);
	uint64_t value;

	if (s) {
		if (setting_read(root, s, &value))
			return false;
		snprintf(text, BALLOON_WORD, "%" PRIu64, value);
		return true;
	}
	if (aero_read(root, BALLOON_FOLDER "/policy/" POLICY, text, BALLOON_WORD))
		return false;
	text[strcspn(text, "\n")] = 0;
	return true;
}

static int write_back(const char *root, const struct config_entry *entry)
{
	const struct setting *s = setting_find(entry->name);
	uint64_t value;

	if (!s)
		return settings_write_file(root, BALLOON_FOLDER "/policy/" POLICY, entry->before,
					   "the policy");
	return aero_parse(entry->before, UINT64_MAX, &value) ? setting_write(root, s, value)
							     : CLI_FAILED;
}

static struct config_entry *find(struct config_past *past, const char *name)
{
	for (size_t i = 0; i < past->count; i++)
		if (!strcmp(past->entry[i].name, name))
			return &past->entry[i];
	return NULL;
}

/* ---- all of them ---- */

static const char *name_of(const struct config_line *line)
{
	return line->kind == CONFIG_POLICY ? POLICY : line->setting->name;
}

static void note(const char *root, const struct config_line *line, struct config_past *past)
{
	struct config_entry *entry = find(past, name_of(line));
	char now[BALLOON_WORD];

	if (!entry) {
		if (past->count == CONFIG_LINES_MOST || !read_now(root, name_of(line), now))
			return;
		entry = &past->entry[past->count++];
		snprintf(entry->name, sizeof(entry->name), "%s", name_of(line));
		snprintf(entry->before, sizeof(entry->before), "%s", now);
	}
	if (line->kind == CONFIG_POLICY)
		snprintf(entry->set, sizeof(entry->set), "%.*s", (int)BALLOON_WORD - 1, line->text);
	else
		snprintf(entry->set, sizeof(entry->set), "%" PRIu64, line->value);
}

int config_past_note(const struct config *c, struct config_past *past)
{
	for (size_t i = 0; i < c->lines; i++)
		if (c->line[i].kind != CONFIG_SWAP)
			note(c->view.root, &c->line[i], past);
	if (!config_past_save(c->view.root, past))
		return CLI_OK;
	cli_complain("%s; nothing was changed", aero_error());
	return CLI_FAILED;
}

static bool is_in_file(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->lines; i++)
		if (c->line[i].kind != CONFIG_SWAP && !strcmp(name_of(&c->line[i]), name))
			return true;
	return false;
}

/* What somebody else has set since is theirs. */
static int undo(const char *root, const struct config_entry *entry)
{
	char now[BALLOON_WORD];
	int ret;

	if (!read_now(root, entry->name, now) || !strcmp(now, entry->before))
		return CLI_OK;
	if (strcmp(now, entry->set) != 0) {
		printf("%s = %s stays: it was set by other means since\n", entry->name, now);
		return CLI_OK;
	}
	ret = write_back(root, entry);
	if (!ret)
		printf("%s = %s, as it was before\n", entry->name, entry->before);
	return ret;
}

/* The last first, as what came later may stand on what came before. */
int config_past_undo(const struct config *c, struct config_past *past)
{
	int ret = CLI_OK;

	for (size_t i = past->count; i--;) {
		struct config_entry *entry = &past->entry[i];

		if (is_in_file(c, entry->name))
			continue;
		if (undo(c->view.root, entry)) {
			cli_complain("%s is no longer in %s, but is still set", entry->name,
				     c->file);
			ret = CLI_FAILED;
			continue;
		}
		memmove(entry, entry + 1, (--past->count - i) * sizeof(*entry));
	}
	return ret;
}
