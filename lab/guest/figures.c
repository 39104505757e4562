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
 *
 * With a number of milliseconds it does so again and again, each time after a line
 *
 *   at MS
 *
 * which is the time that domUs know too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

static int print_all(xc_interface *xen)
{
	static xc_domaininfo_t domains[DOMAINS];
	int ret = print_host(xen);
	int count = xc_domain_getinfolist(xen, 0, DOMAINS, domains);

	if (count < 0) {
		perror("figures: xc_domain_getinfolist");
		ret = 1;
	}
	for (int i = 0; i < count; i++)
		print_domain(&domains[i]);
	return ret;
}

/* By the clock, so that the times do not drift. */
static int print_often(xc_interface *xen, long interval_ms)
{
	struct timespec next;
	int ret = 0;

	clock_gettime(CLOCK_REALTIME, &next);
	while (!ret) {
		printf("at %lld\n", (long long)next.tv_sec * 1000 + next.tv_nsec / 1000000);
		ret = print_all(xen);
		fflush(stdout);
		next.tv_nsec += interval_ms % 1000 * 1000000;
		next.tv_sec += interval_ms / 1000 + next.tv_nsec / 1000000000;
		next.tv_nsec %= 1000000000;
		clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &next, NULL);
	}
	return ret;
}

int main(int argc, char **argv)
{
	xc_interface *xen = xc_interface_open(NULL, NULL, 0);
	long interval_ms = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	int ret;

	if (!xen) {
		perror("figures: no way to Xen");
		return 1;
	}
	ret = interval_ms > 0 ? print_often(xen, interval_ms) : print_all(xen);
	xc_interface_close(xen);
	return ret;
}
