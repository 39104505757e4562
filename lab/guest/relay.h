/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a relay's output begins with; the lab's channel.c reads it. */
#ifndef AEROSTAT_LAB_GUEST_RELAY_H
#define AEROSTAT_LAB_GUEST_RELAY_H

#define RELAY_ANSWER 'A' /* the domU's answer follows, and its status is the exit status */
#define RELAY_ERROR  'E' /* there is no answer; why not, in words */

#endif
