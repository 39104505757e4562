/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The names of the protocol's numbers and of the parts of a fault.  Reports and control documents
 * use the same names, so that what a report shows can be handed back.
 */
#ifndef AEROSTAT_VMWARE_NAMES_H
#define AEROSTAT_VMWARE_NAMES_H

#include <stdint.h>

/* Returns a command's name, such as "batched-2m-lock", or NULL if no command has this number. */
const char *aero_monitor_command_name(uint32_t command);

/*
 * Returns the name of a status (enum aero_vmw_status or AERO_STATUS_*), such as "ppn-pinned", or
 * NULL if there is no such status.
 */
const char *aero_monitor_status_name(unsigned int index);

/* Returns the name of the capability with this bit number, such as "batched-2m", or NULL. */
const char *aero_monitor_cap_name(unsigned int bit);

/* The name of AERO_FAULT_ANY_COMMAND. */
#define AERO_FAULT_ANY_NAME "any"

/* Indexed by the enums of monitor.h.  Each list ends with NULL. */
extern const char *const aero_fault_directions[];
extern const char *const aero_fault_whats[];
extern const char *const aero_fault_actions[];

#endif
