// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "world_guest.h"

void tell(const struct world *w, const char *format, ...)
{
	va_list args;

	if (!w->verbose)
		return;
	va_start(args, format);
	world_tell(w->steps, format, args);
	va_end(args);
}

void see(struct world *w, enum world_sight sight, uint64_t n)
{
	w->sights[sight] += n;
}

bool is_batched(uint32_t command)
{
	return command >= AERO_VMW_BATCHED_LOCK && command <= AERO_VMW_BATCHED_2M_UNLOCK;
}

static bool moves_pages(uint32_t command)
{
	return command == AERO_VMW_LOCK || command == AERO_VMW_UNLOCK || is_batched(command);
}

/*
 * The statuses of whole commands that the guest tells apart; single pages answer as
 * entries.  Other commands: success and failure are enough.
 */
static bool name_command_status(unsigned int n, char *name, size_t size)
{
	uint32_t command = n / AERO_STATUS_KINDS, status = n % AERO_STATUS_KINDS;

	snprintf(name, size, "%s answered %s", aero_vmware_command_name(command),
		 aero_monitor_status_name(status));
	if (command == 5)
		return false;
	if (status == AERO_VMW_E_RESET || status == AERO_VMW_E_BUSY)
		return moves_pages(command);
	return status == AERO_VMW_OK || status == AERO_STATUS_FAILURE;
}

static bool name_entry_status(unsigned int n, char *name, size_t size)
{
	unsigned int status = n % AERO_STATUS_KINDS, kind = n / AERO_STATUS_KINDS;

	snprintf(name, size, "%s of %s answered %s", kind / AERO_SIZES ? "unlock" : "lock",
		 kind % AERO_SIZES ? "2 MiB" : "4 KiB", aero_monitor_status_name(status));
	/* Five bits cannot hold it. */
	return status != AERO_STATUS_FAILURE;
}

bool world_sight_name(unsigned int sight, char *name, size_t size)
{
	static const char *const names[WORLD_COMMANDS] = {
		[WORLD_MIGRATE_FAILED] = "migration failed",
		[WORLD_MIGRATE_MOVED] = "page migrated",
		[WORLD_MIGRATE_SHRUNK] = "migration shrank the balloon",
		[WORLD_REFUSED_PAGES] = "page refused",
		[WORLD_REFUSED_BLOCKS] = "large block refused",
		[WORLD_REFUSED_OVERFLOW] = "refused page freed at once",
		[WORLD_ODD_ANSWERS] = "answer with no name",
		[WORLD_RUNS_BROKEN] = "run broken",
		[WORLD_BLOCKS_REMADE] = "block made anew",
		[WORLD_PAGES_POPPED] = "page popped",
		[WORLD_PAGES_RELIEVED] = "page given back in need",
		[WORLD_RECLAIM_FAILED] = "reclaim failed",
		[WORLD_LARGE_FAILED] = "large allocation failed",
		[WORLD_CONNECT_FAILED] = "connection failed",
		[WORLD_STOPPED_IN_RUN] = "unloaded in the middle of a run",
		[WORLD_DRAIN_WAITED] = "unload waited for isolated pages",
		[WORLD_SETTLED] = "settled at the target",
		[WORLD_REBOOTS] = "reboot",
		[WORLD_FAULTS_FIRED] = "fault",
		[WORLD_STEPS] = "step",
	};

	if (sight >= WORLD_ENTRIES)
		return name_entry_status(sight - WORLD_ENTRIES, name, size);
	if (sight >= WORLD_COMMANDS)
		return name_command_status(sight - WORLD_COMMANDS, name, size);
	if (sight < WORLD_MIGRATE_FAILED)
		snprintf(name, size, "run ended: %s", aero_run_end_name((enum aero_run_end)sight));
	else
		snprintf(name, size, "%s", names[sight]);
	/* A host of this kind gives no more memory than the guest booted with. */
	return sight != AERO_END_NO_GROWTH && sight != AERO_END_WAIT;
}

void collect_statuses(struct world *w)
{
	const struct aero_monitor_counters *c = aero_monitor_counters(w->monitor);
	unsigned int i, j, k;

	for (i = 0; i < AERO_VMW_COMMANDS; i++)
		for (k = 0; k < AERO_STATUS_KINDS; k++)
			w->sights[WORLD_COMMANDS + i * AERO_STATUS_KINDS + k] +=
				c->command[i].status[k];
	for (i = 0; i < AERO_DIRECTIONS; i++)
		for (j = 0; j < AERO_SIZES; j++)
			for (k = 0; k < AERO_STATUS_KINDS; k++)
				w->sights[WORLD_ENTRIES + (i * AERO_SIZES + j) * AERO_STATUS_KINDS +
					  k] += c->entry[i][j][k];
}
