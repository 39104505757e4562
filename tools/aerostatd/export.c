// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The command line's figures, from the program that lies beside this one, so that there is one
 * source of them, and so that a file system that hangs does not stop the daemon.
 */
#include "export.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "say.h"

#define EVERY_US 15000000U /* as aerostat-export.timer */

extern char **environ;

/* The other program; false: it can't be told. */
static bool find_program(char path[AERO_PATH_MAX])
{
	static const char name[] = "aerostat";
	ssize_t n = readlink("/proc/self/exe", path, AERO_PATH_MAX - sizeof(name));
	char *last;

	if (n < 0)
		return false;
	path[n] = 0;
	last = strrchr(path, '/');
	if (!last)
		return false;
	strcpy(last + 1, name);
	return true;
}

static void failed(struct aero_export *e, const char *why)
{
	if (!e->bad)
		aero_say("can't write the figures to %s: %s; trying on", e->file, why);
	e->bad = true;
}

/* It has no part in the daemon's signals, and says what is wrong once. */
static int spawn(struct aero_export *e, const char *program)
{
	char *words[] = {"aerostat", "export",	      "--output", (char *)e->file,
			 "--root",   (char *)e->root, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, pipe;
	int err;

	sigemptyset(&none);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &pipe);
	posix_spawn_file_actions_init(&files);
	if (e->bad)
		posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	err = posix_spawn(&e->child, program, &files, &attributes, words, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	if (err)
		e->child = 0;
	return err;
}

static void begin(struct aero_export *e)
{
	char program[AERO_PATH_MAX];
	int err = find_program(program) ? spawn(e, program) : ENOENT;

	if (err)
		failed(e, err == ENOENT ? "the program aerostat is not beside aerostatd"
					: strerror(err));
}

/* False: it is still at work. */
static bool reap(struct aero_export *e, int how)
{
	int status;
	pid_t ended;

	do
		ended = waitpid(e->child, &status, how);
	while (ended < 0 && errno == EINTR);
	if (!ended)
		return false;
	e->child = 0;
	if (ended < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
		failed(e, "aerostat export failed");
	} else if (e->bad) {
		aero_say("the figures are written to %s again", e->file);
		e->bad = false;
	}
	return true;
}

void aero_export_step(struct aero_export *e)
{
	if (!e->file || (e->child && !reap(e, WNOHANG)) || aero_now_us() < e->next_us)
		return;
	e->next_us = aero_now_us() + EVERY_US;
	begin(e);
}

void aero_export_end(struct aero_export *e)
{
	if (e->child)
		reap(e, 0);
}
