/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A monitor as text: the report, and the settings (docs/lab/monitor.md describes both
 * documents).  This is a library of its own, so that a front which does without JSON
 * does not need jansson.
 */
#ifndef AEROSTAT_HOST_JSON_H
#define AEROSTAT_HOST_JSON_H

#include "vmware/monitor.h"

/*
 * Everything that is known of the monitor, as one JSON document, for the caller to
 * free().  The document is whole; NULL when there was not memory enough for it.
 */
char *aero_monitor_report(const struct aero_monitor *m);

/*
 * Takes settings from a JSON document.  Returns 0; or -EINVAL, or -ENOMEM, and then
 * `error` holds one line that says what is wrong and where, and nothing has changed.
 */
int aero_monitor_control(struct aero_monitor *m, const char *json, char *error, size_t error_size);

#endif
