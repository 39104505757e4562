/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Xen's own figures of memory, exact to the page, where `xl` rounds to MiB.
 * Runs in dom0 and prints one line for the host and one for each domain:
 *
 *   xen TOTAL_KIB FREE_KIB SCRUB_KIB CLAIMED_KIB
 *   domain DOMID RESERVATION_KIB MAXIMUM_KIB SHARED_KIB PAGED_KIB STATE
 *
 * STATE has one letter for each that is true: r(unning), b(locked), p(aused),
 * s(hut down), d(ying), h(ardware assisted); '-' when none is.
 */
#include <inttypes.h>
#include <stdio.h>

#include <xenctrl.h>

#define PAGE_KIB 4u
#define DOMAINS	 64u

static int print_host(xc_interface *xen)
{
	xc_physinfo_t info = {0};

	if (xc_physinfo(xen, &info)) {
		perror("figures: xc_physinfo");
		return 1;
	}
	printf("xen %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", info.total_pages * PAGE_KIB,
	       info.free_pages * PAGE_KIB, info.scrub_pages * PAGE_KIB,
	       info.outstanding_pages * PAGE_KIB);
	return 0;
}

static void print_domain(const xc_domaininfo_t *d)
{
	static const struct {
		unsigned int flag;
		char letter;
	} states[] = {
		{XEN_DOMINF_running, 'r'},  {XEN_DOMINF_blocked, 'b'}, {XEN_DOMINF_paused, 'p'},
		{XEN_DOMINF_shutdown, 's'}, {XEN_DOMINF_dying, 'd'},   {XEN_DOMINF_hvm_guest, 'h'},
	};
	char letters[8] = "-";
	unsigned int n = 0;

	for (unsigned int i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (d->flags & states[i].flag)
			letters[n++] = states[i].letter;
	printf("domain %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", d->domain,
	       d->tot_pages * PAGE_KIB, d->max_pages * PAGE_KIB, d->shr_pages * PAGE_KIB,
	       d->paged_pages * PAGE_KIB, letters);
}

int main(void)
{
	static xc_domaininfo_t domains[DOMAINS];
	xc_interface *xen = xc_interface_open(NULL, NULL, 0);
	int count, ret;

	if (!xen) {
		perror("figures: no way to Xen");
		return 1;
	}
	ret = print_host(xen);
	count = xc_domain_getinfolist(xen, 0, DOMAINS, domains);
	if (count < 0) {
		perror("figures: xc_domain_getinfolist");
		ret = 1;
	}
	for (int i = 0; i < count; i++)
		print_domain(&domains[i]);
	xc_interface_close(xen);
	return ret;
}
