/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A libvirtd of its own, as nobody, and guests that it runs (lab/libvirt.sh).  The guests have the
 * lab's kernel and agent, so that lab.h's functions for the inside of a guest work; those for QEMU
 * and its monitor do not: that is libvirt's.  The conventions of lab.h hold.
 */
#ifndef AEROSTAT_LAB_LIBVIRT_H
#define AEROSTAT_LAB_LIBVIRT_H

#include <sys/types.h>

#include "lab.h"

struct lab_virt;

/* Whether this machine can do it; else lab_error() says what is lacking. */
bool lab_virt_possible(void);

/* Starts libvirtd and waits until it answers (1 to 4 s). */
int lab_virt_start(struct lab_virt **out);

/* Ends libvirtd and all its guests; NULL is allowed. */
void lab_virt_stop(struct lab_virt *v);

/* Everything of it lies here. */
const char *lab_virt_folder(const struct lab_virt *v);

/* libvirtd ends, or comes back; its guests run on. */
int lab_virt_daemon_stop(struct lab_virt *v);
int lab_virt_daemon_start(struct lab_virt *v);

/*
 * virsh with these arguments, in the words of a shell.  0, or -EREMOTEIO with its words in
 * lab_error().  *out: to be freed; NULL: not wanted.
 */
int lab_virsh(struct lab_virt *v, char **out, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

struct lab_virt_guest {
	const char *name;
	unsigned int memory_mib;
	bool no_balloon;   /* without a balloon device */
	bool autodeflate;  /* it takes from the balloon before it kills anybody */
	bool no_reporting; /* it does not tell of its free memory */
};

/* Starts a guest and waits for its agent.  Ended by lab_virt_stop(), freed by lab_stop(). */
int lab_virt_boot(struct lab_virt *v, struct lab_guest **out, const struct lab_virt_guest *guest);

/* The pid of a guest's QEMU, or -errno. */
pid_t lab_virt_pid(const struct lab_virt *v, const char *name);

/* Runs a program as the same user, with its output in FOLDER/log; the pid, or -errno. */
pid_t lab_virt_spawn(struct lab_virt *v, const char *log, const char *const *words);

#endif
