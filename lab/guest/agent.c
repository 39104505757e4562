/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest's init: sets up /proc, /sys and /dev, then takes commands from the
 * second serial port (ttyS1) and answers them.  docs/lab/lab.md has the protocol.
 *
 *   request   ID TIMEOUT_MS VERB [ARGUMENTS]\n
 *   answer    \x02ID STATUS LENGTH\n  and LENGTH bytes, then  \x03\n
 *
 * Requests that run a child (sh, hog, fragment, touch) are answered when the
 * child ends, so several can be under way; the others are answered at once.
 * ID 0 is the agent's own: it says that the agent is ready, or that a line made
 * no sense.
 *
 * The agent is pid 1, which the kernel never picks as an OOM victim; the test's
 * data set lives in the agent so that it is as safe.  Children are ordinary.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define PAGE	       4096UL
#define MIB	       (1024UL * 1024)
#define LINE_MAX_BYTES 16384
#define OUTPUT_MAX     (1024UL * 1024) /* more of a child's output is dropped */
#define JOBS	       16
#define CONSOLES_MS    200 /* how often dom0 looks what domUs have said */

#define STATUS_TIMEOUT 124 /* as timeout(1) */
#define STATUS_BAD     125 /* the request itself is wrong */

struct job {
	unsigned int id; /* 0: free */
	pid_t pid;
	int output; /* -1 once the child closed it */
	bool ended;
	bool timed_out;
	int status;
	int64_t deadline_ms;
	char *text;
	size_t length;
};

static struct job jobs[JOBS];
static int channel = -1;

/* On which side of Xen the agent is; the lab says it with the parameter aero_role. */
static enum { PLAIN, DOM0, DOMU } role;

/* What a long-lived child tells its parent; one shared page each. */
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

static struct {
	uint64_t *words;
	size_t pages;
	uint64_t seed;
} data;

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the channel ---- */

static void send_all(const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length) {
		ssize_t n = write(channel, at, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nobody to tell */
		at += n;
		length -= (size_t)n;
	}
}

void answer(unsigned int id, int status, const char *text, size_t length)
{
	char head[64];
	int n = snprintf(head, sizeof(head), "\x02%u %d %zu\n", id, status, length);

	if (role == DOMU) {
		/* Nobody reads there what was not asked for. */
		if (id)
			mailbox_answer(id, status, text, length);
		return;
	}
	send_all(head, (size_t)n);
	send_all(text, length);
	send_all("\x03\n", 2);
}

__attribute__((format(printf, 3, 4))) static void answer_text(unsigned int id, int status,
							      const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		n = 0;
	answer(id, status, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* ---- small helpers ---- */

/* A decimal number of at most max at *at; advances *at past it and blanks. */
static bool take_number(char **at, uint64_t max, uint64_t *out)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*out = strtoull(*at, &end, 10);
	if (errno || *out > max || (*end && *end != ' '))
		return false;
	while (*end == ' ')
		end++;
	*at = end;
	return true;
}

static bool take_word(char **at, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*at, word, n) || ((*at)[n] && (*at)[n] != ' '))
		return false;
	*at += n;
	while (**at == ' ')
		(*at)++;
	return true;
}

static bool write_file(const char *path, const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ssize_t n;
	int error;

	if (fd < 0)
		return false;
	/* One write: sysfs and proc take a value whole or not at all. */
	n = write(fd, text, length);
	error = errno;
	if (close(fd) && n >= 0) {
		n = -1;
		error = errno;
	}
	errno = n < 0 ? error : EIO;
	return n == (ssize_t)length;
}

static void set_victim(const char *score)
{
	write_file("/proc/self/oom_score_adj", score, strlen(score));
}

/* A small file as a string; empty when it can't be read. */
static size_t read_text(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, room - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	return n > 0 ? (size_t)n : 0;
}

/* The field of /proc/meminfo in pages; 0 when it is not there. */
static uint64_t meminfo_pages(const char *name)
{
	char text[4096], *at;

	read_text("/proc/meminfo", text, sizeof(text));
	at = strstr(text, name);
	return at ? strtoull(at + strlen(name) + 1, NULL, 10) / 4 : 0;
}

static void *map_pages(size_t pages, int flags)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* ---- the data set ---- */

/* splitmix64: each word depends on seed, page and place, so that any page which
 * is lost, zeroed, stale or swapped with another shows. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static uint64_t page_key(size_t page)
{
	return mix(data.seed + (page + 1) * 0x9e3779b97f4a7c15ULL) | 1;
}

/* A multiplicative generator is enough within a page, and fast under emulation. */
#define NEXT(x) ((x)*0x5851f42d4c957f2dULL + 0x14057b7ef767814fULL)

static void data_free(void)
{
	if (data.words)
		munmap(data.words, data.pages * PAGE);
	data.words = NULL;
	data.pages = 0;
}

static void data_fill(unsigned int id, size_t mib, uint64_t seed)
{
	data_free();
	data.words = map_pages(mib * MIB / PAGE, 0);
	if (!data.words) {
		answer_text(id, 1, "can't map %zu MiB: %s", mib, strerror(errno));
		return;
	}
	/* Children would only pay for it. */
	madvise(data.words, mib * MIB, MADV_DONTFORK);
	data.pages = mib * MIB / PAGE;
	data.seed = seed;
	for (size_t page = 0; page < data.pages; page++) {
		uint64_t *word = data.words + page * (PAGE / 8), x = page_key(page);

		for (size_t i = 0; i < PAGE / 8; i++, x = NEXT(x))
			word[i] = x;
	}
	answer_text(id, 0, "pages %zu\n", data.pages);
}

static void data_check(unsigned int id)
{
	size_t bad = 0, first = 0;
	uint64_t sum = 0;

	if (!data.words) {
		answer_text(id, STATUS_BAD, "there is no data set; send: data fill MIB SEED");
		return;
	}
	for (size_t page = 0; page < data.pages; page++) {
		const uint64_t *word = data.words + page * (PAGE / 8);
		uint64_t x = page_key(page), wrong = 0;

		for (size_t i = 0; i < PAGE / 8; i++, x = NEXT(x)) {
			wrong |= word[i] ^ x;
			sum += word[i];
		}
		if (wrong && !bad++)
			first = page;
	}
	if (bad)
		answer_text(id, 1, "bad %zu of %zu pages, the first is %zu\n", bad, data.pages,
			    first);
	else
		answer_text(id, 0, "pages %zu sum %016llx\n", data.pages, (unsigned long long)sum);
}

static void do_data(unsigned int id, char *args)
{
	uint64_t mib, seed, page;

	if (take_word(&args, "fill") && take_number(&args, 1 << 20, &mib) && mib &&
	    take_number(&args, UINT64_MAX, &seed) && !*args) {
		data_fill(id, (size_t)mib, seed);
	} else if (take_word(&args, "check") && !*args) {
		data_check(id);
	} else if (take_word(&args, "spoil") && take_number(&args, SIZE_MAX, &page) && !*args &&
		   page < data.pages) {
		/* For the lab's own test: a check that can't fail is worth nothing. */
		data.words[page * (PAGE / 8) + 100] ^= 1ULL << 40;
		answer(id, 0, "", 0);
	} else if (take_word(&args, "free") && !*args) {
		data_free();
		answer(id, 0, "", 0);
	} else {
		answer_text(id, STATUS_BAD,
			    "usage: data fill MIB SEED | data check | data spoil PAGE | data free");
	}
}

/* ---- jobs: requests that run as a child ---- */

static struct job *job_new(unsigned int id, uint64_t timeout_ms)
{
	for (struct job *job = jobs; job < jobs + JOBS; job++)
		if (!job->id) {
			memset(job, 0, sizeof(*job));
			job->id = id;
			job->output = -1;
			job->deadline_ms = now_ms() + (int64_t)timeout_ms;
			return job;
		}
	return NULL;
}

/* In the child: standard streams, default signals, its own group, a normal OOM score. */
static void child_setup(int output)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, 0);
	dup2(output < 0 ? null : output, 1);
	dup2(output < 0 ? null : output, 2);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	set_victim("0");
}

/*
 * Forks a child whose output and end the main loop awaits; true in the child.
 */
static bool job_fork(unsigned int id, uint64_t timeout_ms)
{
	struct job *job = job_new(id, timeout_ms);
	int pipes[2];

	if (!job) {
		answer_text(id, STATUS_BAD, "%d requests are under way already", JOBS);
		return false;
	}
	if (pipe2(pipes, O_CLOEXEC)) {
		job->id = 0;
		answer_text(id, STATUS_BAD, "pipe: %s", strerror(errno));
		return false;
	}
	job->pid = fork();
	if (job->pid == 0) {
		child_setup(pipes[1]);
		return true;
	}
	close(pipes[1]);
	if (job->pid < 0) {
		close(pipes[0]);
		job->id = 0;
		answer_text(id, STATUS_BAD, "fork: %s", strerror(errno));
		return false;
	}
	setpgid(job->pid, job->pid);
	job->output = pipes[0];
	return false;
}

static void job_read(struct job *job)
{
	static char piece[65536];
	ssize_t n = read(job->output, piece, sizeof(piece));

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		close(job->output);
		job->output = -1;
		return;
	}
	if (job->length + (size_t)n > OUTPUT_MAX)
		n = (ssize_t)(OUTPUT_MAX - job->length);
	if (n > 0) {
		char *more = realloc(job->text, job->length + (size_t)n);

		if (!more)
			return;
		memcpy(more + job->length, piece, (size_t)n);
		job->text = more;
		job->length += (size_t)n;
	}
}

/* Takes what is in the pipe now, without waiting: a grandchild may keep it open. */
static void job_drain(struct job *job)
{
	struct pollfd p = {.events = POLLIN};

	while (job->output >= 0) {
		p.fd = job->output;
		if (poll(&p, 1, 0) <= 0)
			return;
		job_read(job);
	}
}

static void job_end(struct job *job)
{
	int status = WIFEXITED(job->status) ? WEXITSTATUS(job->status)
					    : 128 + WTERMSIG(job->status);

	job_drain(job);
	if (job->output >= 0)
		close(job->output);
	answer(job->id, job->timed_out ? STATUS_TIMEOUT : status, job->text, job->length);
	free(job->text);
	job->id = 0;
}

static void do_sh(unsigned int id, uint64_t timeout_ms, const char *command)
{
	if (job_fork(id, timeout_ms)) {
		execl("/bin/busybox", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
}

/* ---- memory loads ---- */

/* The memory that can be taken without getting anybody killed. */
static size_t spare_pages(size_t leave_mib)
{
	uint64_t available = meminfo_pages("MemAvailable:"), leave = leave_mib * MIB / PAGE;

	return available > leave ? (size_t)(available - leave) : 0;
}

/*
 * touch [MIB]: the guest uses this much memory once (without a number: all but
 * 32 MiB of what is available) and frees it again; the host must back it.
 */
static void do_touch(unsigned int id, uint64_t timeout_ms, char *args)
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
	/* In pieces, looking again each time: what is available is an estimate. */
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
static void do_hog(unsigned int id, char *args)
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
	/* Pages go back in one call for all that lie together: calls are dear under emulation. */
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

/*
 * fragment EVERY [LEAVE_MIB]: breaks up all free memory but LEAVE_MIB (default
 * 64) so that of each EVERY pages (a power of two, 2 to 512) one is held.
 * fragment stop: gives it back.
 */
static void do_fragment(unsigned int id, char *args)
{
	uint64_t every, leave_mib = 64;
	int ready[2];
	size_t kept = 0;

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
	fragment_stop();
	write_file("/proc/sys/vm/compact_unevictable_allowed", "0", 1);
	if (pipe2(ready, O_CLOEXEC)) {
		answer_text(id, 1, "pipe: %s", strerror(errno));
		return;
	}
	fragment_holder = fork();
	if (fragment_holder == 0) {
		char reserve[32];
		size_t length = read_text(MIN_FREE, reserve, sizeof(reserve));
		bool made;

		set_victim("-1000");
		/* What the kernel keeps for itself would stay whole: 45 MiB and more. */
		write_file(MIN_FREE, "1024", 4);
		made = fragment_make(spare_pages((size_t)leave_mib), every, &kept);
		write_file(MIN_FREE, reserve, length);
		if (made)
			(void)!write(ready[1], &kept, sizeof(kept));
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &kept, sizeof(kept)) == (ssize_t)sizeof(kept)) {
		answer_text(id, 0, "held_pages %zu\n", kept);
	} else {
		fragment_stop();
		answer_text(id, 1, "could not fragment the memory");
	}
	close(ready[0]);
}

/* ---- files, without a child: works when the guest has no memory left ---- */

static void do_read(unsigned int id, const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t length = 0;
	ssize_t n = -1;

	if (fd < 0) {
		answer_text(id, errno, "%s: %s", path, strerror(errno));
		return;
	}
	while (length < sizeof(text) && (n = read(fd, text + length, sizeof(text) - length)) > 0)
		length += (size_t)n;
	if (n < 0)
		answer_text(id, errno, "%s: %s", path, strerror(errno));
	else
		answer(id, 0, text, length);
	close(fd);
}

/* write PATH VALUE: the status is errno, or 0. */
static void do_write(unsigned int id, char *args)
{
	char *value = strchr(args, ' ');

	if (!value) {
		answer_text(id, STATUS_BAD, "usage: write PATH VALUE");
		return;
	}
	*value++ = 0;
	if (write_file(args, value, strlen(value)))
		answer(id, 0, "", 0);
	else
		answer_text(id, errno, "%s: %s", args, strerror(errno));
}

/* ---- dom0 only ---- */

/* domu DOMID TIMEOUT_MS VERB [ARGUMENTS]: a request for the agent of a domU. */
static void do_domu(unsigned int id, uint64_t timeout_ms, char *args)
{
	uint64_t domain, limit_ms;

	if (!take_number(&args, 0x7fef, &domain) || !take_number(&args, timeout_ms, &limit_ms) ||
	    !*args) {
		answer_text(id, STATUS_BAD, "usage: domu DOMID TIMEOUT_MS VERB [ARGUMENTS]");
		return;
	}
	if (job_fork(id, timeout_ms))
		_exit(relay(id, domain, limit_ms, args));
}

/* consoles: what domUs have said up to now has been sent on when the answer comes. */
static void do_consoles(unsigned int id)
{
	consoles_send();
	answer(id, 0, "", 0);
}

/* store PATH VALUE: into xenstore, without starting a process. */
static void do_store(unsigned int id, char *args)
{
	char *space = strchr(args, ' ');

	if (!space) {
		answer_text(id, STATUS_BAD, "store wants a path and a value");
		return;
	}
	*space = 0;
	answer(id, xenstore_put(args, space + 1), "", 0);
}

/* ---- the loop ---- */

void request(char *line)
{
	uint64_t id, timeout_ms;
	char *at = line;

	if (!take_number(&at, UINT32_MAX, &id) || !id ||
	    !take_number(&at, 24 * 3600 * 1000ULL, &timeout_ms)) {
		answer_text(0, STATUS_BAD, "not a request; send: ID TIMEOUT_MS VERB [ARGUMENTS]");
		return;
	}
	if (take_word(&at, "sh"))
		do_sh((unsigned int)id, timeout_ms, at);
	else if (take_word(&at, "read"))
		do_read((unsigned int)id, at);
	else if (take_word(&at, "write"))
		do_write((unsigned int)id, at);
	else if (take_word(&at, "data"))
		do_data((unsigned int)id, at);
	else if (take_word(&at, "touch"))
		do_touch((unsigned int)id, timeout_ms, at);
	else if (take_word(&at, "hog"))
		do_hog((unsigned int)id, at);
	else if (take_word(&at, "fragment"))
		do_fragment((unsigned int)id, at);
	else if (role == DOM0 && take_word(&at, "domu"))
		do_domu((unsigned int)id, timeout_ms, at);
	else if (role == DOM0 && take_word(&at, "store"))
		do_store((unsigned int)id, at);
	else if (role == DOM0 && take_word(&at, "consoles"))
		do_consoles((unsigned int)id);
	else
		answer_text((unsigned int)id, STATUS_BAD,
			    "verbs: sh, read, write, data, touch, hog, fragment");
}

static void channel_read(void)
{
	static char line[LINE_MAX_BYTES];
	static size_t length;
	static bool too_long;
	char piece[4096];
	ssize_t n = read(channel, piece, sizeof(piece));

	for (ssize_t i = 0; i < n; i++) {
		if (piece[i] != '\n') {
			if (length < sizeof(line) - 1)
				line[length++] = piece[i];
			else
				too_long = true;
			continue;
		}
		line[length] = 0;
		if (too_long)
			answer_text(0, STATUS_BAD, "a line is at most %zu bytes", sizeof(line) - 1);
		else if (length)
			request(line);
		length = 0;
		too_long = false;
	}
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == hog.pid) {
			hog.ended = true;
			hog.status = status;
		}
		if (pid == fragment_holder)
			fragment_holder = 0;
		for (struct job *job = jobs; job < jobs + JOBS; job++)
			if (job->id && job->pid == pid) {
				job->status = status;
				job->ended = true;
			}
	}
}

/* Ends what ended, kills what is late; returns ms until the next deadline. */
static int tend_jobs(void)
{
	int64_t now = now_ms(), wait = 1000;

	for (struct job *job = jobs; job < jobs + JOBS; job++) {
		if (!job->id)
			continue;
		if (job->ended) {
			job_end(job);
		} else if (now >= job->deadline_ms) {
			job->timed_out = true;
			kill(-job->pid, SIGKILL);
			job->deadline_ms = now + 1000; /* again, should it not die */
		} else if (job->deadline_ms - now < wait) {
			wait = job->deadline_ms - now;
		}
	}
	return (int)wait;
}

static void serve(int children)
{
	struct pollfd fds[2 + JOBS];

	for (;;) {
		int timeout_ms = tend_jobs();
		struct signalfd_siginfo info;

		if (role == DOM0) {
			consoles_send();
			timeout_ms = timeout_ms < CONSOLES_MS ? timeout_ms : CONSOLES_MS;
		}
		if (role == DOMU && mailbox_pending())
			timeout_ms = 0;
		fds[0] = (struct pollfd){.fd = channel, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = children, .events = POLLIN};
		for (int i = 0; i < JOBS; i++)
			fds[2 + i] = (struct pollfd){.fd = jobs[i].id ? jobs[i].output : -1,
						     .events = POLLIN};
		if (poll(fds, 2 + JOBS, timeout_ms) < 0)
			continue;
		for (int i = 0; i < JOBS; i++)
			if (fds[2 + i].revents)
				job_read(&jobs[i]);
		if (fds[1].revents)
			(void)!read(children, &info, sizeof(info));
		reap();
		if (role == DOMU)
			mailbox_read(fds[0].revents & POLLIN);
		else if (fds[0].revents & POLLIN)
			channel_read();
		else if (fds[0].revents)
			usleep(100000); /* hung up: the host has gone */
	}
}

/* ---- start ---- */

static void mounts(void)
{
	static const char *const table[][3] = {
		{"proc", "/proc", "proc"},
		{"sysfs", "/sys", "sysfs"},
		{"devtmpfs", "/dev", "devtmpfs"},
		{"debugfs", "/sys/kernel/debug", "debugfs"},
		{"tracefs", "/sys/kernel/tracing", "tracefs"},
		{"cgroup2", "/sys/fs/cgroup", "cgroup2"},
		{"tmpfs", "/tmp", "tmpfs"},
		{"tmpfs", "/run", "tmpfs"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (mount(table[i][0], table[i][1], table[i][2], 0, NULL) && errno != EBUSY)
			fprintf(stderr, "agent: mount %s: %s\n", table[i][1], strerror(errno));
}

static void run_and_wait(char *const argv[])
{
	pid_t pid = fork();

	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* What the kernel does not know of its parameters becomes init's environment. */
static void find_role(void)
{
	const char *name = getenv("aero_role");

	if (name && !strcmp(name, "dom0"))
		role = DOM0;
	if (name && !strcmp(name, "domu"))
		role = DOMU;
}

/* aero_modules=NAME,NAME: loaded before anything else has happened in the guest. */
static void load_modules(void)
{
	char *names = getenv("aero_modules"), *name;

	while (names && (name = strsep(&names, ","))) {
		char *const argv[] = {"/bin/busybox", "modprobe", name, NULL};

		if (*name)
			run_and_wait(argv);
	}
}

static int open_serial(void)
{
	int fd = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios t;

	if (fd < 0 || tcgetattr(fd, &t))
		return -1;
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	cfsetspeed(&t, B115200);
	return tcsetattr(fd, TCSANOW, &t) ? -1 : fd;
}

/* A shell on the console for whoever boots a guest by hand; its end is the guest's. */
static pid_t start_shell(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		set_victim("0");
		execl("/bin/busybox", "setsid", "cttyhack", "sh", (char *)NULL);
		_exit(127);
	}
	return pid;
}

static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

int main(void)
{
	static char *const links[] = {"/bin/busybox", "--install", "-s", NULL};
	sigset_t child;
	pid_t shell = 0;
	int children;

	if (getpid() != 1) {
		fprintf(stderr, "aerostat-agent: this is the init of the lab's guests; "
				"see docs/lab/lab.md\n");
		return 2;
	}
	mounts();
	open_console();
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
	setenv("HOME", "/root", 1);
	run_and_wait(links);
	find_role();
	load_modules();
	if (getenv("aero_shell"))
		shell = start_shell();
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	set_victim("-1000");
	mlockall(MCL_CURRENT);
	/* Boot was kept quiet because the port is slow; from here on all but debug messages. */
	write_file("/proc/sys/kernel/printk", "7", 1);
	channel = role == DOMU ? mailbox_open() : open_serial();
	if (shell > 0 && channel < 0) {
		while (waitpid(-1, NULL, 0) != shell)
			;
		reboot(RB_POWER_OFF);
	}
	if (channel < 0 || children < 0) {
		fprintf(stderr, "agent: can't set up: %s\n", strerror(errno));
		reboot(RB_POWER_OFF);
	}
	answer_text(0, 0, "ready");
	serve(children);
}
