/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest's init: sets up /proc, /sys and /dev, then takes commands from the
 * second serial port (ttyS1) and answers them.  docs/lab/lab.md has the protocol.
 *
 *   request   ID TIMEOUT_MS VERB [ARGUMENTS]\n
 *   answer    \x02ID STATUS LENGTH\n  and LENGTH bytes, then  \x03\n
 *
 * Requests that run a child (sh, touch, domu) are answered when the
 * child ends, so several can be under way; the others are answered at once.
 * ID 0 is the agent's own: it says that the agent is ready, or that a line made
 * no sense.
 *
 * In a guest that has an init of its own (`aerostat-agent beside`) it is one of its services,
 * and sets nothing up.
 *
 * Otherwise the agent is pid 1, which the kernel never picks as an OOM victim; the test's
 * data set lives in the agent so that it is as safe.  Children are ordinary.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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

#define LINE_MAX_BYTES 16384
#define CONSOLES_MS    200 /* how often dom0 looks what domUs have said */

/* Which side of Xen the agent runs on; the lab sets the kernel parameter aero_role. */
static enum { PLAIN, DOM0, DOMU } role;

/* ---- requests ---- */

static void request(char *line)
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
	else if (take_word(&at, "beat"))
		do_beat((unsigned int)id, at);
	else if (take_word(&at, "kexec"))
		do_kexec((unsigned int)id, at);
	else if (role == DOM0 && take_word(&at, "domu"))
		do_domu((unsigned int)id, timeout_ms, at);
	else if (role == DOM0 && take_word(&at, "store"))
		do_store((unsigned int)id, at);
	else if (role == DOM0 && take_word(&at, "consoles"))
		do_consoles((unsigned int)id);
	else
		answer_text((unsigned int)id, STATUS_BAD,
			    "verbs: sh, read, write, data, touch, hog, fragment, beat, kexec");
}

static void channel_read(int channel)
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

/* ---- the loop ---- */

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		load_reaped(pid, status);
		jobs_reaped(pid, status);
	}
}

static void serve(int channel, int children)
{
	struct pollfd fds[2 + JOBS];

	for (;;) {
		int timeout_ms = jobs_tend();
		struct signalfd_siginfo info;

		if (role == DOM0) {
			consoles_send();
			timeout_ms = timeout_ms < CONSOLES_MS ? timeout_ms : CONSOLES_MS;
		}
		if (role == DOMU && mailbox_pending())
			timeout_ms = 0;
		fds[0] = (struct pollfd){.fd = channel, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = children, .events = POLLIN};
		jobs_poll(fds + 2);
		if (poll(fds, 2 + JOBS, timeout_ms) < 0)
			continue;
		jobs_read(fds + 2);
		if (fds[1].revents)
			(void)!read(children, &info, sizeof(info));
		reap();
		if (role == DOMU)
			mailbox_read(fds[0].revents & POLLIN, request);
		else if (fds[0].revents & POLLIN)
			channel_read(channel);
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

/* The kernel passes parameters that it does not know to init as environment variables. */
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

/* aero_channel=PATH: where there is only one serial port, the channel is another terminal. */
static int open_serial(void)
{
	const char *path = getenv("aero_channel");
	int fd = open(path ? path : "/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios t;

	if (fd < 0 || tcgetattr(fd, &t))
		return -1;
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	cfsetspeed(&t, B115200);
	return tcsetattr(fd, TCSANOW, &t) ? -1 : fd;
}

/* A shell on the console for guests booted by hand; leaving it powers the guest off. */
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

/* A domU has no serial port of its own. */
static int open_channel(void)
{
	int fd = role == DOMU ? mailbox_open() : open_serial();

	if (role == DOMU)
		answer_to(mailbox_answer);
	else
		answer_on(fd);
	return fd;
}

static void be_init(void)
{
	static char *const links[] = {"/bin/busybox", "--install", "-s", NULL};

	mounts();
	open_console();
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
	setenv("HOME", "/root", 1);
	run_and_wait(links);
	find_role();
	load_modules();
}

int main(int argc, char **argv)
{
	bool beside = argc == 2 && !strcmp(argv[1], "beside");
	sigset_t child;
	pid_t shell = 0;
	int channel, children;

	if (getpid() != 1 && !beside) {
		fprintf(stderr, "aerostat-agent: this is the init of the lab's guests; "
				"see docs/lab/lab.md\n");
		return 2;
	}
	page_bytes = (size_t)getpagesize();
	if (!beside)
		be_init();
	if (getenv("aero_shell"))
		shell = start_shell();
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	set_victim("-1000");
	mlockall(MCL_CURRENT);
	/* The boot was kept quiet because the port is slow; from here on everything but debug
	 * messages is logged. */
	write_file("/proc/sys/kernel/printk", "7", 1);
	channel = open_channel();
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
	serve(channel, children);
}
