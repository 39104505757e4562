/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Kernels before 6.0 migrate a page through the mapping of an inode. */
#ifndef AEROSTAT_COMPAT_MAPPING_H
#define AEROSTAT_COMPAT_MAPPING_H

#include "compat/balloon.h"

#if AERO_MIGRATION_BY_MAPPING

struct inode;

/* Makes the inode.  Returns 0 or -errno. */
int aerostat_mapping_start(void);
void aerostat_mapping_stop(void);

extern struct inode *aerostat_mapping_inode;

static inline void aero_compat_set_mapping(struct balloon_dev_info *info)
{
	info->inode = aerostat_mapping_inode;
}

#else

static inline int aerostat_mapping_start(void)
{
	return 0;
}

static inline void aerostat_mapping_stop(void)
{
}

static inline void aero_compat_set_mapping(struct balloon_dev_info *info)
{
}

#endif
#endif
