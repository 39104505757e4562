// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Before 6.0, the kernel found the functions to migrate a page through the mapping of an inode.
 * This file makes such an inode, for which it needs a file system that nobody can mount.
 */
#include "compat/mapping.h"

#if AERO_MIGRATION_BY_MAPPING

#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>

/* A number that no other file system has. */
#define MAGIC 0x61657273

static struct vfsmount *mount;
struct inode *aerostat_mapping_inode;

static int init_context(struct fs_context *context)
{
	return init_pseudo(context, MAGIC) ? 0 : -ENOMEM;
}

/* It has no owner, because the mount would otherwise keep this module loaded for ever. */
static struct file_system_type type = {
	.name = "aerostat",
	.init_fs_context = init_context,
	.kill_sb = kill_anon_super,
};

int aerostat_mapping_start(void)
{
	struct inode *inode;

	mount = kern_mount(&type);
	if (IS_ERR(mount))
		return PTR_ERR(mount);
	inode = alloc_anon_inode(mount->mnt_sb);
	if (IS_ERR(inode)) {
		kern_unmount(mount);
		return PTR_ERR(inode);
	}
	inode->i_mapping->a_ops = &balloon_aops;
	aerostat_mapping_inode = inode;
	return 0;
}

void aerostat_mapping_stop(void)
{
	iput(aerostat_mapping_inode);
	kern_unmount(mount);
}

#endif
