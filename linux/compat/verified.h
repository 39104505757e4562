/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Two methods depend on how a kernel works inside, which no interface promises: blocks from the
 * free lists (port/free_list.c), and taking over from the built-in Xen balloon (xen/takeover.c).
 * What could go wrong with them cannot always be noticed while they are used.  They are therefore
 * used only on kernels for which they were verified: somebody has read the kernel's source, and
 * tests in real guests have passed.  docs/use/kernels.md, "Verified kernels", says what was done.
 *
 * A stable series counts as one kernel, because such changes do not go into stable kernels.
 */
#ifndef AEROSTAT_COMPAT_VERIFIED_H
#define AEROSTAT_COMPAT_VERIFIED_H

enum aerostat_method {
	AEROSTAT_FREE_LISTS = 1 << 0,
	AEROSTAT_TAKE_OVER = 1 << 1,
};

struct aerostat_verified {
	unsigned char major, minor;
	unsigned char methods; /* of enum aerostat_method */
};

/* Whether a method is verified for the kernel @version, as in LINUX_VERSION_CODE. */
static inline bool aerostat_is_verified(unsigned int version, enum aerostat_method method)
{
	static const struct aerostat_verified kernels[] = {
		{5, 10, AEROSTAT_FREE_LISTS},
		{6, 1, AEROSTAT_FREE_LISTS | AEROSTAT_TAKE_OVER},
		{6, 12, AEROSTAT_FREE_LISTS | AEROSTAT_TAKE_OVER},
		{7, 2, AEROSTAT_FREE_LISTS | AEROSTAT_TAKE_OVER},
		{7, 3, AEROSTAT_FREE_LISTS},
	};
	unsigned int i;

	for (i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		if (kernels[i].major == version >> 16 && kernels[i].minor == (version >> 8 & 0xff))
			return kernels[i].methods & method;
	return false;
}

/*
 * Whether a method is to be used, by a parameter of the module: 0 is no and 1 is yes, whatever the
 * kernel; -1 leaves it to the table above.
 */
static inline bool aerostat_may_use(int parameter, unsigned int version,
				    enum aerostat_method method)
{
	return parameter < 0 ? aerostat_is_verified(version, method) : parameter > 0;
}

#endif
