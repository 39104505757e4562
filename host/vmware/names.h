/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The words for the protocol's numbers and for the parts of a fault.  Reports write
 * them and control documents are read with them: one list for both, so that what a
 * report shows can be handed back.
 */
#ifndef AEROSTAT_VMWARE_NAMES_H
#define AEROSTAT_VMWARE_NAMES_H

#include <stdint.h>

/* Such as "batched-2m-lock"; NULL: no command has this number. */
const char *aero_monitor_command_name(uint32_t command);

/* By enum aero_vmw_status or AERO_STATUS_*, such as "ppn-pinned"; NULL: no such status. */
const char *aero_monitor_status_name(unsigned int index);

/* The capability with this bit number, such as "batched-2m"; NULL: no such capability. */
const char *aero_monitor_cap_name(unsigned int bit);

/* The word for AERO_FAULT_ANY_COMMAND. */
#define AERO_FAULT_ANY_NAME "any"

/* By the enums of monitor.h; NULL ends each list. */
extern const char *const aero_fault_directions[];
extern const char *const aero_fault_whats[];
extern const char *const aero_fault_actions[];

#endif
