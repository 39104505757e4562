/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Words that the report writes and the control reads: one list for both, so
 * that what the report shows can be handed back.
 */
#ifndef AERO_MONITOR_JSON_H
#define AERO_MONITOR_JSON_H

#define AERO_JSON_ANY "any"

/* By the enums of monitor.h; NULL ends each. */
extern const char *const aero_fault_directions[];
extern const char *const aero_fault_whats[];
extern const char *const aero_fault_actions[];

/* The capability with this bit number, or NULL. */
const char *aero_cap_name(unsigned int bit);

#endif
