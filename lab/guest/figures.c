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
 *   figures DOMID LOW_KIB HIGH_KIB HOLD_MS WAIT_MS
 *
 * first waits until the domain's reservation has been from LOW to HIGH for so long, but at
 * the most WAIT_MS, and not for a domain that is not there.  When it has been, a line
 * says `held`.
 *
 *   figures MS
 *
 * prints the lines again and again, each time after a line `at TIME_MS`: the time that domUs
 * know too.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <xenctrl.h>

#define PAGE_KIB 4u
#define DOMAINS	 64u
#define POLL_MS	 10

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

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static bool held(xc_interface *xen, uint32_t domain, uint64_t low_kib, uint64_t high_kib,
		 int64_t hold_ms, int64_t wait_ms)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	int64_t start = now_ms(), since = start, now = start;
	xc_domaininfo_t d;

	while (now - start < wait_ms) {
		if (xc_domain_getinfolist(xen, domain, 1, &d) != 1 || d.domain != domain)
			return false;
		now = now_ms();
		if (d.tot_pages * PAGE_KIB < low_kib || d.tot_pages * PAGE_KIB > high_kib)
			since = now;
		else if (now - since >= hold_ms)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
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
	int ret;

	if (!xen) {
		perror("figures: no way to Xen");
		return 1;
	}
	if (argc == 6 && held(xen, (uint32_t)number(argv[1]), number(argv[2]), number(argv[3]),
			      (int64_t)number(argv[4]), (int64_t)number(argv[5])))
		puts("held");
	ret = argc == 2 ? print_often(xen, (long)number(argv[1])) : print_all(xen);
	xc_interface_close(xen);
	return ret;
}
