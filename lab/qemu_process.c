/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The QEMU process: started with two sockets, and ended even if this process dies. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

#define GUESTS_MAX 16
#define QUIT_MS	   3000

/* ---- no QEMU outlives this process ---- */

static volatile pid_t running[GUESTS_MAX];

static void kill_all(void)
{
	for (int i = 0; i < GUESTS_MAX; i++)
		if (running[i] > 0)
			kill(running[i], SIGKILL);
}

static void on_signal(int number)
{
	kill_all();
	signal(number, SIG_DFL);
	raise(number);
}

static void arm_once(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT};
	static bool armed;

	if (armed)
		return;
	armed = true;
	atexit(kill_all);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		struct sigaction old;

		/* A program's own handler, or an ignored signal, stays as it is. */
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler == SIG_DFL)
			signal(signals[i], on_signal);
	}
}

static bool running_add(pid_t pid)
{
	for (int i = 0; i < GUESTS_MAX; i++)
		if (!running[i]) {
			running[i] = pid;
			return true;
		}
	return false;
}

static void running_remove(pid_t pid)
{
	for (int i = 0; i < GUESTS_MAX; i++)
		if (running[i] == pid)
			running[i] = 0;
}

/* ---- start ---- */

/* Between fork and exec: only async-signal-safe calls. */
static void child_start(struct lab_args *args, int agent, int qmp, int log, pid_t parent)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127); /* the parent died before the line above */
	setpgid(0, 0);	    /* Ctrl-C is for us; we end QEMU in order */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Move them above their final numbers first, so that none is overwritten by another. */
	agent = fcntl(agent, F_DUPFD, 16);
	qmp = fcntl(qmp, F_DUPFD, 16);
	log = fcntl(log, F_DUPFD, 16);
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	dup2(agent, LAB_AGENT_FD);
	dup2(qmp, LAB_QMP_FD);
	for (int fd = LAB_QMP_FD + 1; fd < 256; fd++)
		close(fd);
	execvp(args->word[0], args->word);
	dprintf(2, "can't run %s: %s; run: lab/setup tools guest\n", args->word[0],
		strerror(errno));
	_exit(127);
}

int lab_process_start(struct lab_guest *g, struct lab_args *args)
{
	int agent[2], qmp[2], log;
	pid_t parent = getpid();

	log = open(g->qemu_log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (log < 0)
		return lab_fail(errno, "can't write %s: %s", g->qemu_log_path, strerror(errno));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, agent)) {
		close(log);
		return lab_fail(errno, "socketpair: %s", strerror(errno));
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp)) {
		close(log);
		close(agent[0]);
		close(agent[1]);
		return lab_fail(errno, "socketpair: %s", strerror(errno));
	}
	arm_once();
	g->agent.fd = agent[0];
	g->qmp.fd = qmp[0];
	g->pid = fork();
	if (g->pid == 0)
		child_start(args, agent[1], qmp[1], log, parent);
	close(agent[1]);
	close(qmp[1]);
	close(log);
	if (g->pid < 0) {
		g->pid = 0;
		return lab_fail(errno, "fork: %s", strerror(errno));
	}
	if (!running_add(g->pid))
		return lab_fail(EMFILE, "more than %d guests at once", GUESTS_MAX);
	return 0;
}

/* ---- end ---- */

/* Has QEMU ended?  Waits for it up to wait_ms. */
static bool ended(struct lab_guest *g, unsigned int wait_ms)
{
	int64_t start = lab_now_ms();

	while (g->pid) {
		pid_t pid = waitpid(g->pid, &g->wait_status, WNOHANG);

		if (pid == g->pid || (pid < 0 && errno == ECHILD)) {
			running_remove(g->pid);
			g->pid = 0;
			break;
		}
		if (lab_now_ms() - start >= (int64_t)wait_ms)
			return false;
		lab_sleep_ms(5);
	}
	return true;
}

bool lab_alive(struct lab_guest *g)
{
	if (g->domain)
		return !g->gone && g->host && lab_alive(g->host);
	return !ended(g, 0);
}

int lab_qemu_gone(struct lab_guest *g)
{
	char *words = lab_slurp(g->qemu_log_path, 0, NULL);
	const char *how = "closed its sockets";
	char text[64];

	if (words)
		words[strcspn(words, "\n")] = 0;
	/* The sockets close shortly before waitpid() reports the process. */
	if (ended(g, 2000)) {
		how = text;
		if (WIFSIGNALED(g->wait_status))
			snprintf(text, sizeof(text), "was killed by signal %d",
				 WTERMSIG(g->wait_status));
		else
			snprintf(text, sizeof(text), "ended with status %d",
				 WEXITSTATUS(g->wait_status));
	}
	lab_fail(EPIPE, "QEMU %s%s%s (the guest's console: %s)", how, words && *words ? ": " : "",
		 words ? words : "", g->console_path);
	free(words);
	return -EPIPE;
}

void lab_process_end(struct lab_guest *g)
{
	static const char quit[] = "{\"execute\":\"quit\"}\n";

	if (!g->pid || !lab_alive(g))
		return;
	/* A polite request first, so that QEMU's own clean-up is exercised too. */
	if (g->qmp.fd >= 0)
		(void)!send(g->qmp.fd, quit, sizeof(quit) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (!ended(g, QUIT_MS)) {
		kill(g->pid, SIGKILL);
		ended(g, 10000);
	}
}
