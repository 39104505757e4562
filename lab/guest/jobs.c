/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Jobs: requests that run as a child and are answered when the child ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

#define OUTPUT_MAX     (1024UL * 1024) /* more of a child's output is dropped */

#define STATUS_TIMEOUT 124 /* as timeout(1) */

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
void child_setup(int output)
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
bool job_fork(unsigned int id, uint64_t timeout_ms)
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

/* Reads what is in the pipe without waiting for its end: a grandchild may keep it open. */
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

void do_sh(unsigned int id, uint64_t timeout_ms, const char *command)
{
	if (job_fork(id, timeout_ms)) {
		execl("/bin/busybox", "sh", "-c", command, (char *)NULL);
		/* Beside another init. */
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
}

void jobs_reaped(pid_t pid, int status)
{
	for (struct job *job = jobs; job < jobs + JOBS; job++)
		if (job->id && job->pid == pid) {
			job->status = status;
			job->ended = true;
		}
}

void jobs_poll(struct pollfd fds[JOBS])
{
	for (int i = 0; i < JOBS; i++)
		fds[i] = (struct pollfd){.fd = jobs[i].id ? jobs[i].output : -1, .events = POLLIN};
}

void jobs_read(const struct pollfd fds[JOBS])
{
	for (int i = 0; i < JOBS; i++)
		if (fds[i].revents)
			job_read(&jobs[i]);
}

int jobs_tend(void)
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
			job->deadline_ms =
				now + 1000; /* kill it again if it has not ended by then */
		} else if (job->deadline_ms - now < wait) {
			wait = job->deadline_ms - now;
		}
	}
	return (int)wait;
}
