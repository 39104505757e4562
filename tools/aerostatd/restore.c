// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Switches areas on again, which bringing their pages home has left off. */
#include "home.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "os.h"
#include "say.h"

/* Only if it is still ours.  Where the kernel refuses, it is tried again, and said once. */
void aero_home_restore(struct aero_home *h, const struct aero_area *area, int priority)
{
	int fd = aero_header_open(h->root, area), err;

	if (fd < 0) {
		aero_say("%s is no longer what was made; it is left alone", area->path);
		return;
	}
	err = aero_os_swapon(h->root, area->path, fd, priority);
	close(fd);
	if (!err)
		aero_say("%s is switched on again", area->path);
	/* Busy: somebody looks at it at the moment, or it is on after all; the next look tells. */
	else if (err != -EBUSY && !h->off_said)
		aero_say("can't switch %s on again: %s; trying on", area->path, strerror(-err));
	h->off_said = err;
	h->off = h->off || err;
}

/*
 * All that are recorded, unless they were never set up to the end.  Somebody at work on them
 * will see to it himself.
 */
void aero_home_restore_all(struct aero_home *h)
{
	static struct aero_areas areas;
	int lock;

	if (aero_areas_load(h->root, &areas) <= 0 || aero_areas_begun(&areas) ||
	    aero_areas_look(h->root, &areas))
		return;
	lock = aero_areas_lock(h->root, 0);
	if (lock < 0)
		return;
	h->off = false;
	for (size_t i = 0; i < areas.count; i++)
		if (!areas.area[i].on)
			aero_home_restore(h, &areas.area[i], areas.priority);
	close(lock);
}
