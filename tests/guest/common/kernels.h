/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Kernels older and newer than the other suites use.  `lab/setup kernels` fetches them and
 * tests/tools/kernels builds the modules for them.
 */
#ifndef AEROSTAT_TESTS_GUEST_COMMON_KERNELS_H
#define AEROSTAT_TESTS_GUEST_COMMON_KERNELS_H

#define OTHER_KERNELS 5
#define ARM64_KERNELS 3

/* As lab/kernels.sh names those for this machine's architecture, and for arm64. */
extern const char *const other_kernels[OTHER_KERNELS];
extern const char *const arm64_kernels[ARM64_KERNELS];

/* All are allocated and never freed.  Those that are not there are NULL. */
struct other_kernel {
	char *kernel;	 /* the ELF file */
	char *initramfs; /* its user space */
	char *skip;	 /* why it cannot be booted */
};

/* Looks for a kernel and its user space @file ("initramfs.cpio.gz"), with our modules in it. */
struct other_kernel find_kernel(const char *name, const char *file);

#endif
