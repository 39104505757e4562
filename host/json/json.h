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
 * Returns everything that is known of the monitor as one JSON document, which the caller frees by
 * free().  The document is complete.  Returns NULL if there was not enough memory for it.
 */
char *aero_monitor_report(const struct aero_monitor *m);

/*
 * Applies the settings of a JSON document.  Returns 0, -EINVAL or -ENOMEM.  After an error
 * nothing has changed, and `error` is one line that says what is wrong and where.
 */
int aero_monitor_control(struct aero_monitor *m, const char *json, char *error, size_t error_size);

#endif
