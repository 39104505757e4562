// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "pressure_rig.h"

#include <string.h>

int pressure_setup(void **state)
{
	static struct rig rig;

	memset(&rig, 0, sizeof(rig));
	aero_pressure_defaults(&rig.config, 12);
	/* Hand-made guests are smaller than the floor would let them be. */
	rig.config.min_usable_mb = 1;
	rig.host_free_pages = ENDLESS;
	*state = &rig;
	return 0;
}
