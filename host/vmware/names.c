// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The names of the protocol's numbers, one table for each kind. */
#include "names.h"

#include <stddef.h>

#include "monitor.h"

static const char *const commands[AERO_VMW_COMMANDS] = {
	[AERO_VMW_START] = "start",
	[AERO_VMW_GET_TARGET] = "get-target",
	[AERO_VMW_LOCK] = "lock",
	[AERO_VMW_UNLOCK] = "unlock",
	[AERO_VMW_GUEST_ID] = "guest-id",
	[AERO_VMW_BATCHED_LOCK] = "batched-lock",
	[AERO_VMW_BATCHED_UNLOCK] = "batched-unlock",
	[AERO_VMW_BATCHED_2M_LOCK] = "batched-2m-lock",
	[AERO_VMW_BATCHED_2M_UNLOCK] = "batched-2m-unlock",
	[AERO_VMW_DOORBELL_SET] = "doorbell-set",
};

static const char *const statuses[AERO_STATUS_KINDS] = {
	[AERO_VMW_OK] = "ok",
	[AERO_VMW_E_COMMAND] = "command-invalid",
	[AERO_VMW_E_PPN] = "ppn-invalid",
	[AERO_VMW_E_LOCKED] = "ppn-locked",
	[AERO_VMW_E_UNLOCKED] = "ppn-not-locked",
	[AERO_VMW_E_PINNED] = "ppn-pinned",
	[AERO_VMW_E_NOT_NEEDED] = "ppn-not-needed",
	[AERO_VMW_E_RESET] = "reset",
	[AERO_VMW_E_BUSY] = "busy",
	[AERO_STATUS_FAILURE] = "failure",
	[AERO_STATUS_OTHER] = "other",
};

const char *aero_monitor_command_name(uint32_t command)
{
	return command < AERO_VMW_COMMANDS ? commands[command] : NULL;
}

const char *aero_monitor_status_name(unsigned int index)
{
	return index < AERO_STATUS_KINDS ? statuses[index] : NULL;
}

const char *const aero_fault_directions[] = {
	[AERO_FAULT_BOTH] = "both",
	[AERO_FAULT_INFLATE] = "inflate",
	[AERO_FAULT_DEFLATE] = "deflate",
	NULL,
};

const char *const aero_fault_whats[] = {
	[AERO_FAULT_COMMAND] = "command",
	[AERO_FAULT_ENTRY] = "entry",
	NULL,
};

const char *const aero_fault_actions[] = {
	[AERO_FAULT_STATUS] = "status",
	[AERO_FAULT_RESET] = "reset",
	[AERO_FAULT_SILENCE] = "silence",
	NULL,
};

/* The protocol numbers capabilities by bit; bit 0 is reserved. */
const char *aero_monitor_cap_name(unsigned int bit)
{
	static const char *const caps[] = {
		NULL, "basic", "batched", "batched-2m", "signalled", "target-64",
	};

	return bit < sizeof(caps) / sizeof(caps[0]) ? caps[bit] : NULL;
}
