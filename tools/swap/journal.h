/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the tools write down for the next time that they run: small JSON files of root's, each
 * replaced as a whole, and on the disk before the function returns.
 */
#ifndef AEROSTAT_SWAP_JOURNAL_H
#define AEROSTAT_SWAP_JOURNAL_H

#include <jansson.h>

/*
 * 1: *@json is what was written, and the caller's to let go of; 0: nothing was.  Errors, with
 * words in aero_error(): -EIO: it can't be read; -EPERM: others than root can write it, so it is
 * not believed; -EPROTO: it is no such file.
 */
int aero_journal_load(const char *root, const char *name, json_t **json);

/*
 * Replaces it; takes the reference to @json, NULL: there was no memory for it.  The folders on
 * the way are made.  -1 with words in aero_error().
 */
int aero_journal_save(const char *root, const char *name, json_t *json);

/* Removes it, and what was being written when a program was killed.  -1 with words. */
int aero_journal_drop(const char *root, const char *name);

/* What was made, renamed or removed in a folder is so on the disk.  Errors: -errno. */
int aero_sync_folder(const char *root, const char *name);

#endif
