/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Starting QEMU, and ending it whatever happens. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

#define GUESTS_MAX	16
#define ARGS_MAX	96

#define BOOT_TIMEOUT_MS 90000
#define QMP_GREET_MS	30000
#define QUIT_MS		3000

/* What QEMU's two sockets are called in the child, behind the standard streams. */
#define AGENT_FD	3
#define QMP_FD		4

/* ---- no QEMU outlives us ---- */

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

/* ---- the command line ---- */

struct args {
	char *word[ARGS_MAX + 1];
	unsigned int count;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void add(struct args *args, const char *format, ...)
{
	va_list list;

	if (args->count == ARGS_MAX) {
		args->failed = true;
		return;
	}
	va_start(list, format);
	if (vasprintf(&args->word[args->count], format, list) < 0) {
		args->word[args->count] = NULL;
		args->failed = true;
	} else {
		args->count++;
	}
	va_end(list);
}

static void args_free(struct args *args)
{
	while (args->count)
		free(args->word[--args->count]);
}

/* QEMU's option syntax wants a comma in a value doubled. */
static void quote_commas(const char *value, char *out, size_t room)
{
	while (*value && room > 2) {
		if (*value == ',') {
			*out++ = ',';
			room--;
		}
		*out++ = *value++;
		room--;
	}
	*out = 0;
}

static void add_machine(struct args *args, const struct lab_config *c)
{
	bool plain = c->no_vmware || c->xen;

	add(args, "-accel");
	/* Xen on emulated CPUs that truly run in parallel is not to be relied on. */
	add(args, "tcg,thread=%s", c->xen ? "single" : "multi");
	add(args, "-machine");
	add(args, "pc,vmport=%s,memory-backend=ram", plain ? "off" : "on");
	add(args, "-cpu");
	add(args, "%s", c->xen ? LAB_XEN_CPU : plain ? "qemu64" : "qemu64,-hypervisor");
	if (!plain) {
		add(args, "-smbios");
		add(args, "type=1,serial=VMware-56");
	}
	add(args, "-m");
	add(args, "%u", c->memory_mib);
	add(args, "-object");
	add(args, "memory-backend-%s,id=ram,size=%uM,share=%s",
	    c->backend == LAB_MEMFD ? "memfd" : "ram", c->memory_mib,
	    c->backend == LAB_MEMFD ? "on" : "off");
	add(args, "-smp");
	add(args, "%u", c->cpus);
}

/* Xen as the kernel; dom0's kernel and initramfs as its multiboot modules. */
static int add_xen(struct args *args, const struct lab_guest *g)
{
	const struct lab_config *c = &g->config;
	const struct lab_xen *x = &g->xen;
	const char *xen = lab_env("AERO_XEN"), *kernel = lab_xen_kernel(x->kernel);
	const char *initramfs = c->initramfs ? c->initramfs : lab_env("AERO_XEN_DOM0");
	char quoted_kernel[4096], quoted_initramfs[4096], append[4096];

	if (!xen || !kernel || !initramfs)
		return -ENOENT;
	quote_commas(kernel, quoted_kernel, sizeof(quoted_kernel));
	quote_commas(initramfs, quoted_initramfs, sizeof(quoted_initramfs));
	quote_commas(c->append ? c->append : "", append, sizeof(append));
	add(args, "-kernel");
	add(args, "%s", xen);
	add(args, "-append");
	add(args,
	    "console=com1 com1=115200,8n1 dom0_mem=%uM,max:%uM dom0_max_vcpus=%u "
	    "loglvl=all guest_loglvl=all%s%s",
	    x->dom0_mib, x->dom0_max_mib, x->dom0_vcpus, x->append ? " " : "",
	    x->append ? x->append : "");
	add(args, "-initrd");
	add(args,
	    "%s console=hvc0 nomodeset loglevel=5 panic=-1 watchdog_thresh=30 aero_role=dom0%s%s,%s",
	    quoted_kernel, *append ? " " : "", append, quoted_initramfs);
	return 0;
}

static int add_kernel(struct args *args, const struct lab_config *c)
{
	const char *kernel = c->kernel ? c->kernel : lab_env("AERO_KERNEL");
	const char *initramfs = c->initramfs ? c->initramfs : lab_env("AERO_INITRAMFS");

	if (!kernel || !initramfs)
		return -ENOENT;
	add(args, "-kernel");
	add(args, "%s", kernel);
	add(args, "-initrd");
	add(args, "%s", initramfs);
	add(args, "-append");
	/* loglevel 5: warnings and worse; the agent raises it once the slow boot is over. */
	add(args, "console=ttyS0,115200 loglevel=5 panic=-1 watchdog_thresh=30%s%s",
	    c->append ? " " : "", c->append ? c->append : "");
	return 0;
}

static int add_monitor(struct args *args, const struct lab_config *c)
{
	char path[4096], quoted[4096];
	const char *build;

	if (c->no_monitor)
		return 0;
	if (c->plugin) {
		snprintf(path, sizeof(path), "%s", c->plugin);
	} else {
		build = lab_build_folder();
		if (!build)
			return -ENOENT;
		snprintf(path, sizeof(path), "%s/host/aerostat-vmware-qemu.so", build);
	}
	if (access(path, R_OK))
		return lab_fail(ENOENT, "the monitor's plug-in %s is not there; build it first",
				path);
	quote_commas(path, quoted, sizeof(quoted));
	add(args, "-plugin");
	add(args, "file=%s%s%s", quoted, c->plugin_args ? "," : "",
	    c->plugin_args ? c->plugin_args : "");
	return 0;
}

static int add_all(struct args *args, const struct lab_guest *g)
{
	const char *qemu = getenv("AERO_QEMU");
	char console[4096];
	int ret;

	add(args, "%s", qemu && *qemu ? qemu : "qemu-system-x86_64");
	add(args, "-nodefaults");
	add(args, "-no-user-config");
	add(args, "-no-reboot");
	add(args, "-display");
	add(args, "none");
	add_machine(args, &g->config);
	quote_commas(g->console_path, console, sizeof(console));
	add(args, "-chardev");
	add(args, "file,id=console,append=on,path=%s", console);
	add(args, "-serial");
	add(args, "chardev:console");
	add(args, "-chardev");
	add(args, "socket,id=agent,fd=%d", AGENT_FD);
	add(args, "-serial");
	add(args, "chardev:agent");
	add(args, "-chardev");
	add(args, "socket,id=qmp,fd=%d", QMP_FD);
	add(args, "-mon");
	add(args, "chardev=qmp,mode=control");
	ret = g->config.xen ? add_xen(args, g) : add_kernel(args, &g->config);
	if (!ret && !g->config.xen)
		ret = add_monitor(args, &g->config);
	for (const char *const *word = g->config.extra; !ret && word && *word; word++)
		add(args, "%s", *word);
	if (!ret && args->failed)
		ret = lab_fail(E2BIG, "too many arguments for QEMU");
	return ret;
}

/* ---- start ---- */

/* Between fork and exec: only async-signal-safe calls. */
static void child_start(struct args *args, int agent, int qmp, int log, pid_t parent)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127); /* the parent died before the line above */
	setpgid(0, 0);	    /* Ctrl-C is for us; we end QEMU in order */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Above the places they go to, so that none is overwritten before it is moved. */
	agent = fcntl(agent, F_DUPFD, 16);
	qmp = fcntl(qmp, F_DUPFD, 16);
	log = fcntl(log, F_DUPFD, 16);
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	dup2(agent, AGENT_FD);
	dup2(qmp, QMP_FD);
	for (int fd = QMP_FD + 1; fd < 256; fd++)
		close(fd);
	execvp(args->word[0], args->word);
	dprintf(2, "can't run %s: %s; run: lab/setup tools guest\n", args->word[0],
		strerror(errno));
	_exit(127);
}

static int spawn(struct lab_guest *g, struct args *args)
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

static int check_config(struct lab_config *c)
{
	c->name = c->name ? c->name : "guest";
	c->memory_mib = c->memory_mib ? c->memory_mib : c->xen ? 2048 : 1024;
	c->cpus = c->cpus ? c->cpus : 1;
	if (!*c->name || strspn(c->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-_") != strlen(c->name))
		return lab_fail(EINVAL, "a guest's name has letters, digits, - and _: '%s'",
				c->name);
	if (c->memory_mib < 128 || c->memory_mib > 65536)
		return lab_fail(EINVAL, "a guest has 128 to 65536 MiB, not %u", c->memory_mib);
	if (c->cpus > 16)
		return lab_fail(EINVAL, "a guest has 1 to 16 CPUs, not %u", c->cpus);
	if (c->backend != LAB_ANONYMOUS && c->backend != LAB_MEMFD)
		return lab_fail(EINVAL, "there is no memory backend %d", (int)c->backend);
	return 0;
}

static int make_logs(struct lab_guest *g)
{
	const char *build = lab_build_folder();
	char folder[4096];
	int fd;

	if (!build)
		return -ENOENT;
	snprintf(folder, sizeof(folder), "%s/logs", build);
	if (mkdir(folder, 0755) && errno != EEXIST)
		return lab_fail(errno, "can't make %s: %s", folder, strerror(errno));
	if (asprintf(&g->console_path, "%s/%s.console.log", folder, g->config.name) < 0)
		g->console_path = NULL;
	if (asprintf(&g->qemu_log_path, "%s/%s.qemu.log", folder, g->config.name) < 0)
		g->qemu_log_path = NULL;
	if (!g->console_path || !g->qemu_log_path)
		return lab_fail(ENOMEM, "no memory for file names");
	fd = open(g->console_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return lab_fail(errno, "can't write %s: %s", g->console_path, strerror(errno));
	close(fd);
	return 0;
}

/* Without this a host that is too small shows as a QEMU that was killed, or as a slow host. */
static int check_host(const struct lab_config *c)
{
	char *text = lab_slurp("/proc/meminfo", 0, NULL);
	const char *at = text ? strstr(text, "MemAvailable:") : NULL;
	unsigned long long mib = at ? strtoull(at + 13, NULL, 10) / 1024 : 0;

	free(text);
	/* QEMU itself and its translated code take about 200 MiB. */
	if (at && mib < c->memory_mib + 256ULL)
		return lab_fail(ENOMEM,
				"this host has %llu MiB available, a guest of %u MiB needs %u; "
				"free some memory or take a smaller guest",
				mib, c->memory_mib, c->memory_mib + 256);
	return 0;
}

int lab_boot(struct lab_guest **out, const struct lab_config *config)
{
	struct lab_guest *g = calloc(1, sizeof(*g));
	struct args args = {0};
	int ret;

	if (!g)
		return lab_fail(ENOMEM, "no memory for a guest");
	g->agent.fd = g->qmp.fd = -1;
	g->next_id = 1;
	g->config = *config;
	ret = check_config(&g->config);
	if (!ret && config->xen)
		ret = lab_xen_config(g, config->xen);
	if (!ret)
		ret = check_host(&g->config);
	if (!ret)
		ret = make_logs(g);
	if (!ret)
		ret = add_all(&args, g);
	if (!ret)
		ret = spawn(g, &args);
	args_free(&args);
	if (!ret)
		ret = lab_qmp_greet(g, QMP_GREET_MS);
	if (!ret)
		ret = lab_wait_ready(g, 0, BOOT_TIMEOUT_MS);
	if (!ret && g->config.xen)
		ret = lab_xen_up(g);
	if (ret)
		lab_stop(g);
	else
		*out = g;
	return ret;
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
		return !g->gone && g->dom0 && lab_alive(g->dom0);
	return !ended(g, 0);
}

int lab_qemu_gone(struct lab_guest *g)
{
	char *words = lab_slurp(g->qemu_log_path, 0, NULL);
	const char *how = "closed its sockets";
	char text[64];

	if (words)
		words[strcspn(words, "\n")] = 0;
	/* The sockets close a little before the process can be waited for. */
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

void lab_stop(struct lab_guest *g)
{
	static const char quit[] = "{\"execute\":\"quit\"}\n";

	if (!g)
		return;
	if (g->domain) {
		lab_domu_stop(g);
		return;
	}
	lab_xen_down(g);
	if (g->pid && lab_alive(g)) {
		/* Politely first, so that QEMU's own clean-up is exercised too. */
		if (g->qmp.fd >= 0)
			(void)!send(g->qmp.fd, quit, sizeof(quit) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (!ended(g, QUIT_MS)) {
			kill(g->pid, SIGKILL);
			ended(g, 10000);
		}
	}
	lab_stream_close(&g->agent);
	lab_stream_close(&g->qmp);
	while (g->answers) {
		struct lab_answer *next = g->answers->next;

		free(g->answers->text);
		free(g->answers);
		g->answers = next;
	}
	free(g->console_path);
	free(g->qemu_log_path);
	free(g);
}

const struct lab_config *lab_guest_config(const struct lab_guest *g)
{
	return &g->config;
}

int lab_guest_pid(const struct lab_guest *g)
{
	return (int)g->pid;
}
