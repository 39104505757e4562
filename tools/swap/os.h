/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The calls of the kernel that are no files.  The tests have another os.c, which
 * does the same to a folder; nothing else differs between the two.
 * Errors are -errno.
 */
#ifndef AEROSTAT_SWAP_OS_H
#define AEROSTAT_SWAP_OS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* The kernel's priorities that an administrator may give: 0 to 32767. */
#define AERO_PRIORITY_MAX 32767

/* Does the file belong to root, as all that counts must? */
bool aero_os_owned(const char *root, const struct stat *st);

/*
 * Switches on what @fd, a descriptor of any kind, was opened from, whatever @path leads to
 * by now; @path only names it.
 */
int aero_os_swapon(const char *root, const char *path, int fd, int priority);

/*
 * Returns when all pages are in memory again, or -EINTR after a signal: the area is
 * in use then as before.  The kernel looks for signals between processes only.
 */
int aero_os_swapoff(const char *root, const char *path);

/*
 * Is the file or block device itself, whatever /proc/swaps calls it, in use as swap?  1 or
 * 0; a block device that is in use for anything else counts as well.  Asks the kernel and
 * changes nothing; wants the right to write.
 */
int aero_os_in_use(const char *root, const char *path);

/*
 * The number that the kernel will give to the next zram device: it takes the lowest that is
 * free.  Unless somebody else adds one meanwhile.
 */
int aero_os_zram_next(const char *root);

/* Is there a device of this number that was given no size yet, so that it can't be in use? */
bool aero_os_zram_is_new(const char *root, int number);

/* A new zram device, without a size yet; its number. */
int aero_os_zram_add(const char *root);
int aero_os_zram_resize(const char *root, int number, uint32_t size_mib);

/* Waits a little for whoever happens to look at it. */
int aero_os_zram_remove(const char *root, int number);

/* Room for @bytes of a file, without holes.  -EOPNOTSUPP: the file system can't. */
int aero_os_reserve(const char *root, int fd, uint64_t bytes);

/* Can files below @path hold swap?  -EINVAL: they are in memory themselves. */
int aero_os_directory(const char *root, const char *path);

#endif
