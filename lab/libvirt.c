/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#define _GNU_SOURCE
#include "libvirt.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

#define START_MS 30000
#define BOOT_MS	 90000

/* From the build folder, where the programs are. */
#define SCRIPT	 "/../lab/libvirt.sh"

struct lab_virt {
	char folder[32];
	pid_t pid; /* of the script's unshare */
};

bool lab_virt_possible(void)
{
	if (geteuid()) {
		lab_fail(EPERM, "a libvirtd of another user wants root");
		return false;
	}
	if (system("command -v libvirtd virsh unshare setpriv >/dev/null") == 0 &&
	    getpwnam("nobody"))
		return true;
	lab_fail(ENOENT, "libvirtd or virsh is lacking; run: lab/setup tools libvirt");
	return false;
}

/* The command of a shell, formatted; its output and status. */
static int shell(char **out, const char *command)
{
	char *text = NULL;
	size_t room = 0;
	FILE *from = popen(command, "re");
	bool said;
	int status;

	if (!from)
		return lab_fail(errno, "popen: %s", strerror(errno));
	/* Up to a NUL, which no program says: all of it. */
	said = getdelim(&text, &room, 0, from) > 0;
	status = pclose(from);
	if (status)
		lab_fail(EREMOTEIO, "`%s`: %s", command, said ? text : "it failed");
	if (out && !status)
		*out = strdup(said ? text : "");
	free(text);
	return status ? -EREMOTEIO : 0;
}

#define AS_NOBODY "exec 2>&1; . %s/env; setpriv --reuid nobody --regid nogroup --clear-groups "

int lab_virsh(struct lab_virt *v, char **out, const char *format, ...)
{
	char *words, *command;
	va_list args;
	int ret;

	va_start(args, format);
	words = lab_format(format, args);
	va_end(args);
	if (!words)
		return -ENOMEM;
	ret = asprintf(&command, AS_NOBODY "virsh %s", v->folder, words);
	free(words);
	if (ret < 0)
		return lab_fail(ENOMEM, "no memory for a command");
	ret = shell(out, command);
	free(command);
	return ret;
}

const char *lab_virt_folder(const struct lab_virt *v)
{
	return v->folder;
}

/* ---- the daemon ---- */

static int wait_for_daemon(struct lab_virt *v)
{
	int64_t start = lab_now_ms();

	while (lab_left_ms(start, START_MS)) {
		if (!lab_virsh(v, NULL, "list"))
			return 0;
		lab_sleep_ms(200);
	}
	return lab_fail(ETIMEDOUT, "libvirtd does not answer; see %s/libvirtd.log", v->folder);
}

/* What guests boot has to be readable by nobody, wherever the cache lies. */
static int prepare(struct lab_virt *v)
{
	const char *kernel = lab_env("AERO_KERNEL"), *initramfs = lab_env("AERO_INITRAMFS");
	char command[8192];

	if (!kernel || !initramfs)
		return -ENOENT;
	snprintf(command, sizeof(command),
		 "cd %s && chmod 755 . && cp '%s' vmlinux && cp '%s' initramfs && "
		 "chmod 644 vmlinux initramfs && ln -s /proc proc",
		 v->folder, kernel, initramfs);
	return shell(NULL, command);
}

static void script(const struct lab_virt *v, const char *build)
{
	char path[4096], log[64];
	int fd;

	snprintf(path, sizeof(path), "%s" SCRIPT, build);
	snprintf(log, sizeof(log), "%s/script.log", v->folder);
	fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	dup2(fd, 1);
	dup2(fd, 2);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl(path, path, v->folder, NULL);
	_exit(127);
}

int lab_virt_start(struct lab_virt **out)
{
	struct lab_virt *v = calloc(1, sizeof(*v));
	const char *build = lab_build_folder();
	int ret;

	if (!v || !build) {
		free(v);
		return build ? lab_fail(ENOMEM, "no memory") : -ENOENT;
	}
	/* A socket's name is short. */
	strcpy(v->folder, "/tmp/aerostat.XXXXXX");
	if (!mkdtemp(v->folder)) {
		ret = lab_fail(errno, "can't make %s: %s", v->folder, strerror(errno));
		free(v);
		return ret;
	}
	ret = prepare(v);
	if (!ret) {
		v->pid = fork();
		if (!v->pid)
			script(v, build);
		ret = wait_for_daemon(v);
	}
	if (ret)
		lab_virt_stop(v);
	else
		*out = v;
	return ret;
}

void lab_virt_stop(struct lab_virt *v)
{
	char command[64];

	if (!v)
		return;
	if (v->pid > 0) {
		kill(v->pid, SIGKILL);
		waitpid(v->pid, NULL, 0);
	}
	snprintf(command, sizeof(command), "rm -rf %s", v->folder);
	shell(NULL, command);
	free(v);
}

int lab_virt_daemon_stop(struct lab_virt *v)
{
	int64_t start = lab_now_ms();
	char command[64];

	snprintf(command, sizeof(command), "touch %s/restart", v->folder);
	if (shell(NULL, command))
		return -EREMOTEIO;
	while (lab_left_ms(start, START_MS)) {
		if (lab_virsh(v, NULL, "list"))
			return 0;
		lab_sleep_ms(100);
	}
	return lab_fail(ETIMEDOUT, "libvirtd does not end");
}

int lab_virt_daemon_start(struct lab_virt *v)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -f %s/restart", v->folder);
	return shell(NULL, command) ? -EREMOTEIO : wait_for_daemon(v);
}

/* libvirt's own file has the pid that its namespace knows.  The pattern does not match itself. */
pid_t lab_virt_pid(const struct lab_virt *v, const char *name)
{
	char command[160], *out;
	pid_t pid;

	snprintf(command, sizeof(command), "pgrep -f '[g]uest=%.40s,.*%.32s/initramfs'", name,
		 v->folder);
	if (shell(&out, command))
		return -EREMOTEIO;
	pid = atoi(out);
	free(out);
	return pid > 0 ? pid : lab_fail(ESRCH, "there is no QEMU of guest %s", name);
}

pid_t lab_virt_spawn(struct lab_virt *v, const char *log, const char *const *words)
{
	const struct passwd *nobody = getpwnam("nobody");
	char runtime[64], path[96];
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid < 0 ? lab_fail(errno, "fork: %s", strerror(errno)) : pid;
	snprintf(path, sizeof(path), "%s/%s", v->folder, log);
	snprintf(runtime, sizeof(runtime), "%s/r", v->folder);
	setenv("XDG_RUNTIME_DIR", runtime, 1);
	setenv("LIBVIRT_AUTOSTART", "0", 1);
	setenv("HOME", v->folder, 1);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	dup2(fd, 1);
	dup2(fd, 2);
	if (!nobody || setgroups(0, NULL) || setgid(nobody->pw_gid) || setuid(nobody->pw_uid))
		_exit(126);
	/* Only now: another user's process forgets it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(words[0], (char *const *)(uintptr_t)words);
	dprintf(2, "can't run %s: %s\n", words[0], strerror(errno));
	_exit(127);
}

/* ---- guests ---- */

static int write_domain(const struct lab_virt *v, const struct lab_virt_guest *guest)
{
	char path[128];
	FILE *to;

	snprintf(path, sizeof(path), "%s/%s.xml", v->folder, guest->name);
	to = fopen(path, "we");
	if (!to)
		return lab_fail(errno, "can't write %s: %s", path, strerror(errno));
	fprintf(to,
		"<domain type='qemu'><name>%s</name><memory unit='MiB'>%u</memory><vcpu>1</vcpu>"
		"<os><type arch='x86_64' machine='pc'>hvm</type><kernel>%s/vmlinux</kernel>"
		"<initrd>%s/initramfs</initrd><cmdline>console=ttyS0,115200 loglevel=5 panic=-1 "
		"watchdog_thresh=30</cmdline></os><cpu mode='custom'><model>qemu64</model></cpu>"
		"<on_reboot>destroy</on_reboot><on_crash>preserve</on_crash>"
		"<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>"
		"<controller type='usb' model='none'/>"
		"<serial type='file'><source path='%s/%s.console'/><target port='0'/></serial>"
		"<serial type='unix'><source mode='bind' path='%s/%s.agent'/><target port='1'/>"
		"</serial>",
		guest->name, guest->memory_mib, v->folder, v->folder, v->folder, guest->name,
		v->folder, guest->name);
	if (guest->no_balloon)
		fputs("<memballoon model='none'/>", to);
	else
		fprintf(to, "<memballoon model='virtio' autodeflate='%s' freePageReporting='%s'/>",
			guest->autodeflate ? "on" : "off", guest->no_reporting ? "off" : "on");
	fputs("</devices></domain>\n", to);
	return fclose(to) ? lab_fail(EIO, "can't write %s", path) : 0;
}

static int connect_agent(struct lab_guest *g, const char *folder)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	snprintf(to.sun_path, sizeof(to.sun_path), "%.32s/%.40s.agent", folder, g->config.name);
	g->agent.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (g->agent.fd >= 0 && !connect(g->agent.fd, (struct sockaddr *)&to, sizeof(to)))
		return 0;
	return lab_fail(errno, "can't connect to %s: %s", to.sun_path, strerror(errno));
}

static struct lab_guest *make_guest(const struct lab_virt *v, const struct lab_virt_guest *guest)
{
	struct lab_guest *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->agent.fd = g->qmp.fd = -1;
	g->next_id = 1;
	g->platform_data = strdup(guest->name);
	g->config.name = g->platform_data;
	g->config.memory_mib = guest->memory_mib;
	g->config.platform = lab_platform_find("virtio");
	if (asprintf(&g->console_path, "%s/%s.console", v->folder, guest->name) < 0)
		g->console_path = NULL;
	if (asprintf(&g->qemu_log_path, "%s/h/libvirt/qemu/log/%s.log", v->folder, guest->name) < 0)
		g->qemu_log_path = NULL;
	if (g->config.name && g->console_path && g->qemu_log_path)
		return g;
	lab_stop(g);
	return NULL;
}

int lab_virt_boot(struct lab_virt *v, struct lab_guest **out, const struct lab_virt_guest *guest)
{
	struct lab_guest *g = make_guest(v, guest);
	int ret;

	if (!g)
		return lab_fail(ENOMEM, "no memory for a guest");
	ret = write_domain(v, guest);
	if (!ret)
		ret = lab_virsh(v, NULL, "create %s/%s.xml", v->folder, guest->name);
	if (!ret)
		ret = connect_agent(g, v->folder);
	if (!ret)
		ret = lab_wait_ready(g, 0, BOOT_MS);
	if (!ret)
		ret = g->config.platform->up(g);
	if (ret)
		lab_stop(g);
	else
		*out = g;
	return ret;
}
