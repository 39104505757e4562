// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Runs a command and kills it with SIGKILL at its Nth stop.  A stop is before each system
 * call that changes files: killed at any other point the program leaves behind what it
 * leaves at the next of these.
 *
 * Usage: cut N COMMAND [ARGUMENT...]
 * Exit status: 9: it was killed there; otherwise the command's own, which has ended before.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLED 9

static int failed(const char *what)
{
	perror(what);
	return 125;
}

static void command(char **argv)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(failed("ptrace"));
	raise(SIGSTOP);
	execvp(argv[0], argv);
	_exit(failed(argv[0]));
}

static bool changes(const struct __ptrace_syscall_info *info)
{
	static const unsigned long calls[] = {
		SYS_write,    SYS_pwrite64, SYS_rename, SYS_renameat,  SYS_renameat2,
		SYS_link,     SYS_linkat,   SYS_unlink, SYS_unlinkat,  SYS_mkdir,
		SYS_mkdirat,  SYS_rmdir,    SYS_fsync,	SYS_ftruncate, SYS_fallocate,
		SYS_truncate, SYS_flock,    SYS_swapon, SYS_swapoff};

	if (info->entry.nr == SYS_openat)
		return info->entry.args[2] & (O_CREAT | O_TRUNC);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (info->entry.nr == calls[i])
			return true;
	return false;
}

/* Is this stop one before a call that changes something? */
static bool counts(pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0)
		exit(failed("ptrace"));
	return info.op == PTRACE_SYSCALL_INFO_ENTRY && changes(&info);
}

/* Signals other than those that say "a system call" are passed on. */
static int follow(pid_t pid, unsigned long stops)
{
	int status, pass = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)pass))
			return failed("ptrace");
		if (waitpid(pid, &status, 0) != pid)
			return failed("waitpid");
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (!WIFSTOPPED(status))
			return 128 + WTERMSIG(status);
		pass = WSTOPSIG(status);
		if (pass != (SIGTRAP | 0x80)) {
			/* A stop after exec is none of the program's. */
			pass = pass == SIGTRAP ? 0 : pass;
			continue;
		}
		pass = 0;
		if (counts(pid) && !--stops)
			break;
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return KILLED;
}

int main(int argc, char **argv)
{
	unsigned long stops = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	int status;
	pid_t pid;

	if (!stops) {
		fprintf(stderr, "usage: cut N COMMAND [ARGUMENT...]\n");
		return 125;
	}
	pid = fork();
	if (!pid)
		command(argv + 2);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return failed("fork");
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL,
		   (void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)))
		return failed("ptrace");
	return follow(pid, stops);
}
