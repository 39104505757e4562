/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Memory loads: processes that touch, hold or fragment the guest's memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

/* What a long-lived child reports to its parent, in one shared page for each child. */
struct shared {
	volatile uint64_t touched_pages;
	volatile uint64_t rounds;
};

static struct {
	pid_t pid;
	int status; /* of waitpid, once ended */
	bool ended;
	struct shared *shared;
} hog;

static pid_t fragment_holder;

/* The memory that can be used without making the OOM killer run. */
static size_t spare_pages(size_t leave_mib)
{
	uint64_t available = meminfo_pages("MemAvailable:"), leave = leave_mib * MIB / PAGE;

	return available > leave ? (size_t)(available - leave) : 0;
}

/*
 * touch [MIB]: the guest uses this much memory once (without a number: all but
 * 32 MiB of what is available) and frees it again; the host must back it.
 */
void do_touch(unsigned int id, uint64_t timeout_ms, char *args)
{
	uint64_t mib = 0;
	size_t pages, done = 0;

	if (*args && (!take_number(&args, 1 << 20, &mib) || *args)) {
		answer_text(id, STATUS_BAD, "usage: touch [MIB]");
		return;
	}
	if (!job_fork(id, timeout_ms))
		return;
	set_victim("1000");
	pages = mib ? (size_t)mib * MIB / PAGE : spare_pages(32);
	/* In pieces, because MemAvailable is an estimate and has to be read again each time. */
	while (done < pages) {
		size_t piece = pages - done < 4096 ? pages - done : 4096;
		volatile char *p;

		if (!mib && spare_pages(24) < piece)
			break;
		p = map_pages(piece, 0);
		if (!p)
			break;
		for (size_t i = 0; i < piece; i++)
			p[i * PAGE] = 1;
		done += piece;
	}
	printf("pages %zu\n", done);
	fflush(stdout);
	_exit(done >= pages || !mib ? 0 : 1);
}

static void hog_run(size_t pages, uint64_t rate_pages)
{
	int64_t start = now_ms();
	volatile char *p = map_pages(pages, 0);

	if (!p)
		_exit(1);
	for (size_t i = 0; i < pages; i++) {
		p[i * PAGE] = (char)i;
		hog.shared->touched_pages = i + 1;
		while (rate_pages && i > rate_pages * (uint64_t)(now_ms() - start + 1) / 1000)
			usleep(1000);
	}
	for (;;) { /* keep it all in use, so that it is not swapped or reclaimed */
		for (size_t i = 0; i < pages; i++)
			p[i * PAGE] = (char)(p[i * PAGE] + 1);
		hog.shared->rounds++;
		usleep(10000);
	}
}

static void hog_stop(void)
{
	if (hog.pid > 0 && !hog.ended) {
		kill(hog.pid, SIGKILL);
		waitpid(hog.pid, &hog.status, 0);
	}
	hog.pid = 0;
}

static void hog_start(unsigned int id, size_t pages, uint64_t rate_pages)
{
	hog_stop();
	if (!hog.shared) {
		hog.shared =
			mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (hog.shared == MAP_FAILED) {
			hog.shared = NULL;
			answer_text(id, 1, "mmap: %s", strerror(errno));
			return;
		}
	}
	memset((void *)hog.shared, 0, sizeof(*hog.shared));
	hog.ended = false;
	hog.pid = fork();
	if (hog.pid == 0) {
		child_setup(-1);
		hog_run(pages, rate_pages);
	}
	if (hog.pid < 0)
		answer_text(id, 1, "fork: %s", strerror(errno));
	else
		answer(id, 0, "", 0);
}

/* hog start MIB [MIB_PER_SECOND] | hog status | hog stop */
void do_hog(unsigned int id, char *args)
{
	uint64_t mib, rate_mib = 0;

	if (take_word(&args, "start") && take_number(&args, 1 << 20, &mib) && mib &&
	    (!*args || take_number(&args, 1 << 20, &rate_mib)) && !*args) {
		hog_start(id, (size_t)mib * MIB / PAGE, rate_mib * MIB / PAGE);
	} else if (take_word(&args, "status") && !*args) {
		const char *state = !hog.pid ? "none" : !hog.ended ? "running" : "ended";

		if (hog.pid && hog.ended && WIFSIGNALED(hog.status))
			state = "killed";
		answer_text(id, 0, "%s touched_pages %llu rounds %llu\n", state,
			    hog.shared ? (unsigned long long)hog.shared->touched_pages : 0,
			    hog.shared ? (unsigned long long)hog.shared->rounds : 0);
	} else if (take_word(&args, "stop") && !*args) {
		hog_stop();
		answer(id, 0, "", 0);
	} else {
		answer_text(id, STATUS_BAD,
			    "usage: hog start MIB [MIB_PER_SECOND] | hog status | hog stop");
	}
}

/*
 * Takes the pages, keeps those whose page frame number is a multiple of `every`
 * and returns the others.  Those kept are locked, and the kernel is told not to
 * move locked pages, so compaction can't undo it.
 */
static bool fragment_make(size_t pages, uint64_t every, size_t *kept)
{
	char *p = map_pages(pages, 0);
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	static uint64_t entry[512];
	/* Adjacent pages are freed by one call, because system calls are slow under emulation. */
	size_t first = 0;

	if (!p || pagemap < 0 || madvise(p, pages * PAGE, MADV_NOHUGEPAGE))
		return false;
	for (size_t i = 0; i < pages; i++)
		p[i * PAGE] = 1;
	*kept = 0;
	for (size_t i = 0; i < pages; i++) {
		if (i % 512 == 0 && pread(pagemap, entry, sizeof(entry),
					  (off_t)(((uintptr_t)p / PAGE + i) * 8)) < 8)
			return false;
		/* Bits 0-54 are the page frame number (the kernel's pagemap format). */
		if ((entry[i % 512] & ((1ULL << 55) - 1)) % every)
			continue;
		(*kept)++;
		if (madvise(p + first * PAGE, (i - first) * PAGE, MADV_DONTNEED))
			return false;
		first = i + 1;
	}
	if (madvise(p + first * PAGE, (pages - first) * PAGE, MADV_DONTNEED))
		return false;
	return mlock2(p, pages * PAGE, MLOCK_ONFAULT) == 0;
}

static void fragment_stop(void)
{
	if (fragment_holder > 0) {
		kill(fragment_holder, SIGKILL);
		waitpid(fragment_holder, NULL, 0);
	}
	fragment_holder = 0;
}

#define MIN_FREE "/proc/sys/vm/min_free_kbytes"

/* The child: breaks up the memory, reports how many pages it holds, and holds them. */
static void fragment_child(size_t leave_mib, uint64_t every, int ready)
{
	char reserve[32];
	size_t length = read_text(MIN_FREE, reserve, sizeof(reserve)), kept = 0;
	bool made;

	set_victim("-1000");
	/* The kernel's own reserve, 45 MiB and more, would not be broken up. */
	write_file(MIN_FREE, "1024", 4);
	made = fragment_make(spare_pages(leave_mib), every, &kept);
	write_file(MIN_FREE, reserve, length);
	if (made)
		(void)!write(ready, &kept, sizeof(kept));
	close(ready);
	for (;;)
		pause();
}

static void fragment_start(unsigned int id, uint64_t every, size_t leave_mib)
{
	size_t kept = 0;
	int ready[2];

	fragment_stop();
	write_file("/proc/sys/vm/compact_unevictable_allowed", "0", 1);
	if (pipe2(ready, O_CLOEXEC)) {
		answer_text(id, 1, "pipe: %s", strerror(errno));
		return;
	}
	fragment_holder = fork();
	if (fragment_holder == 0)
		fragment_child(leave_mib, every, ready[1]);
	close(ready[1]);
	if (read(ready[0], &kept, sizeof(kept)) == (ssize_t)sizeof(kept)) {
		answer_text(id, 0, "held_pages %zu\n", kept);
	} else {
		fragment_stop();
		answer_text(id, 1, "could not fragment the memory");
	}
	close(ready[0]);
}

/*
 * fragment EVERY [LEAVE_MIB]: breaks up all free memory but LEAVE_MIB (default
 * 64) so that of each EVERY pages (a power of two, 2 to 512) one is held.
 * fragment stop: gives it back.
 */
void do_fragment(unsigned int id, char *args)
{
	uint64_t every, leave_mib = 64;

	if (take_word(&args, "stop") && !*args) {
		fragment_stop();
		answer(id, 0, "", 0);
		return;
	}
	if (!take_number(&args, 512, &every) || every < 2 || (every & (every - 1)) ||
	    (*args && !take_number(&args, 1 << 20, &leave_mib)) || *args) {
		answer_text(id, STATUS_BAD,
			    "usage: fragment EVERY [LEAVE_MIB] | fragment stop; "
			    "EVERY is a power of two from 2 to 512");
		return;
	}
	fragment_start(id, every, (size_t)leave_mib);
}

void load_reaped(pid_t pid, int status)
{
	if (pid == hog.pid) {
		hog.ended = true;
		hog.status = status;
	}
	if (pid == fragment_holder)
		fragment_holder = 0;
}
