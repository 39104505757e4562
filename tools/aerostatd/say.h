/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The daemon's messages. */
#ifndef AEROSTAT_DAEMON_SAY_H
#define AEROSTAT_DAEMON_SAY_H

/* "aerostatd: ..." on standard error, in one line. */
__attribute__((format(printf, 1, 2))) void aero_say(const char *format, ...);

#endif
