/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* /etc/aerostat/host.conf (docs/use/host.md). */
#ifndef AEROSTAT_HOST_CONF_H
#define AEROSTAT_HOST_CONF_H

#include <stdio.h>

#include "manager.h"

/*
 * Reads @from into *@config.  A wrong line is told by complain(), in a line that says what would
 * be right, and does not count; so does a guest's whole section when one of its lines is wrong.
 * Returns how many lines were wrong.
 */
unsigned int aero_host_conf_read(FILE *from, const char *name, struct aero_manager_config *config,
				 void (*complain)(const char *line));

#endif
