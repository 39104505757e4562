/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define LIMIT_S	 600
#define LOG_NAME "hostd.log"

const char *const host_names[GUESTS_MAX] = {"web", "db", "build", "cache"};

/* ---- the daemon ---- */

static const char *path_of(struct host *h, const char *name, char path[4096])
{
	snprintf(path, 4096, "%s/%s", lab_virt_folder(h->virt), name);
	return path;
}

/* The program where nobody can read it. */
static const char *copy_daemon(struct host *h)
{
	char command[8192];

	snprintf(command, sizeof(command), "install -m 755 '%s/aerostat-hostd' %s/",
		 lab_build_folder(), lab_virt_folder(h->virt));
	LAB_CHECK(!system(command), "the daemon is not built; run: make user");
	return NULL;
}

const char *host_daemon_start(struct host *h)
{
	char program[4096], memory[32], reserve[32];
	char *out = NULL;

	snprintf(memory, sizeof(memory), "%uM", HOST_MIB);
	snprintf(reserve, sizeof(reserve), "%uM", RESERVE_MIB);
	const char *const words[] = {path_of(h, "aerostat-hostd", program),
				     "--connect",
				     "qemu:///session",
				     "--memory",
				     memory,
				     "--reserve",
				     reserve,
				     "--root",
				     lab_virt_folder(h->virt),
				     NULL};

	h->daemon = lab_virt_spawn(h->virt, LOG_NAME, words);
	LAB_CHECK(h->daemon > 0, "%s", lab_error());
	for (unsigned int i = 0; i < 100; i++) {
		if (!host_cli(h, &out, "status --json")) {
			free(out);
			return NULL;
		}
		free(out);
		lab_sleep_ms(100);
	}
	out = host_log(h);
	return lab_because("aerostat-hostd does not answer: %s", out ? out : "");
}

const char *host_daemon_kill(struct host *h)
{
	if (h->daemon > 0) {
		kill(h->daemon, SIGKILL);
		waitpid(h->daemon, NULL, 0);
	}
	h->daemon = 0;
	return NULL;
}

char *host_log(struct host *h)
{
	char path[4096], *text = calloc(1, 16384);
	FILE *from = fopen(path_of(h, LOG_NAME, path), "re");

	if (from && text)
		(void)!fread(text, 1, 16383, from);
	if (from)
		fclose(from);
	return text;
}

int host_cli(struct host *h, char **out, const char *format, ...)
{
	char words[512], command[8192];
	size_t length = 0, room = 1 << 20;
	va_list args;
	FILE *from;
	size_t n;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	snprintf(command, sizeof(command), "'%s/aerostat' host %s --root %s 2>&1",
		 lab_build_folder(), words, lab_virt_folder(h->virt));
	*out = calloc(1, room);
	from = popen(command, "re");
	if (!from || !*out)
		return 127;
	while (length < room - 1 && (n = fread(*out + length, 1, room - 1 - length, from)))
		length += n;
	return WEXITSTATUS(pclose(from));
}

static const char *field(struct host *h, unsigned int guest, const char *what, json_t **all,
			 json_t **value)
{
	char *out = NULL;
	int status = host_cli(h, &out, "explain %s --json", host_names[guest]);

	*all = status ? NULL : json_loads(out, 0, NULL);
	*value = json_object_get(*all, what);
	if (*value) {
		free(out);
		return NULL;
	}
	json_decref(*all);
	return lab_because("explain %s has no %s: %s", host_names[guest], what, out);
}

const char *host_says(struct host *h, unsigned int guest, const char *what, char *text, size_t size)
{
	json_t *all, *value;

	LAB_TRY(field(h, guest, what, &all, &value));
	snprintf(text, size, "%s", json_is_string(value) ? json_string_value(value) : "");
	json_decref(all);
	return NULL;
}

const char *host_counts(struct host *h, unsigned int guest, const char *what, uint64_t *number)
{
	json_t *all, *value;

	LAB_TRY(field(h, guest, what, &all, &value));
	*number = json_is_integer(value) ? (uint64_t)json_integer_value(value) : UINT64_MAX;
	json_decref(all);
	return NULL;
}

const char *host_wait_state(struct host *h, unsigned int guest, const char *state,
			    unsigned int timeout_ms)
{
	int64_t until = lab_now_ms() + (int64_t)timeout_ms * 1;
	char text[64] = "", why[256] = "";

	do {
		LAB_TRY(host_says(h, guest, "mode", text, sizeof(text)));
		if (!strcmp(text, state))
			return NULL;
		LAB_TRY(host_look(h));
		lab_sleep_ms(300);
	} while (lab_now_ms() < until);
	LAB_TRY(host_says(h, guest, "why", why, sizeof(why)));
	return lab_because("guest %s is %s (%s), not %s", host_names[guest], text, why, state);
}

/* ---- guests ---- */

const char *host_add(struct host *h, bool driver)
{
	const struct lab_virt_guest guest = {
		.name = host_names[h->count], .memory_mib = GUEST_MIB, .autodeflate = true};
	char *out = NULL;

	LAB_CHECK(h->count < GUESTS_MAX, "no more guests");
	LAB_CHECK(!host_cli(h, &out, "make-room %uM --timeout 2min", GUEST_MIB), "%s", out);
	free(out);
	LAB_OK(lab_virt_boot(h->virt, &h->guest[h->count], &guest));
	h->count++;
	if (!driver)
		return NULL;
	LAB_OK(lab_must(h->guest[h->count - 1], 30000, "modprobe %s",
			h->ours ? "aerostat_virtio" : "virtio_balloon"));
	return host_wait_state(h, h->count - 1, "managed", 30000);
}

const char *host_size(struct host *h, unsigned int guest, uint64_t *mib)
{
	char *out = NULL, *at;

	LAB_OK(lab_virsh(h->virt, &out, "dommemstat %s", host_names[guest]));
	at = strstr(out, "actual ");
	*mib = at ? strtoull(at + 7, NULL, 10) / 1024 : 0;
	free(out);
	LAB_CHECK(*mib, "dommemstat has no actual");
	return NULL;
}

/* Each guest's size, or the smaller one if it is there already. */
static const char *sizes(struct host *h, uint64_t mib[GUESTS_MAX])
{
	for (unsigned int i = 0; i < h->count; i++) {
		uint64_t now;

		LAB_TRY(host_size(h, i, &now));
		mib[i] = now < mib[i] ? now : mib[i];
	}
	return NULL;
}

static int64_t unused_of(struct host *h, const uint64_t mib[GUESTS_MAX], char text[128])
{
	int64_t unused = HOST_MIB - RESERVE_MIB;

	*text = 0;
	for (unsigned int i = 0; i < h->count; i++) {
		unused -= (int64_t)mib[i];
		snprintf(text + strlen(text), 128 - strlen(text), " %s %" PRIu64, host_names[i],
			 mib[i]);
	}
	return unused;
}

/*
 * Guests are asked one after the other, and move meanwhile: one may have given what another one
 * got.  Whoever grows from one round to the next had the smaller size between the rounds, and so
 * had, at least, whoever shrinks.
 */
const char *host_look(struct host *h)
{
	uint64_t mib[GUESTS_MAX] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
	char text[128];
	int64_t unused;

	LAB_TRY(sizes(h, mib));
	unused = unused_of(h, mib, text);
	if (unused < 0) {
		LAB_TRY(sizes(h, mib));
		unused = unused_of(h, mib, text);
	}
	if (unused < h->least_free_mib)
		h->least_free_mib = unused;
	LAB_CHECK(unused >= 0, "the reserve is %" PRId64 " MiB short:%s", -unused, text);
	return NULL;
}

const char *host_look_for(struct host *h, unsigned int ms)
{
	int64_t until = lab_now_ms() + ms;

	while (lab_now_ms() < until) {
		LAB_TRY(host_look(h));
		lab_sleep_ms(200);
	}
	return NULL;
}

const char *host_demand(struct host *h, unsigned int guest, unsigned int mib,
			unsigned int mib_per_s, double *seconds)
{
	unsigned long long touched = 0;
	int64_t start = lab_now_ms();
	char request[48], state[16];

	snprintf(request, sizeof(request), "hog start %u %u", mib, mib_per_s);
	LAB_TRY(agent(h->guest[guest], request));
	while (touched < (unsigned long long)mib * LAB_PAGES_PER_MIB) {
		char *out = NULL;

		LAB_CHECK(!lab_call(h->guest[guest], 20000, &out, "hog status"), "%s", lab_error());
		LAB_CHECK(sscanf(out, "%15s touched_pages %llu", state, &touched) == 2, "%s", out);
		free(out);
		LAB_CHECK(!strcmp(state, "running"), "in guest %s the load is %s after %llu MiB",
			  host_names[guest], state, touched / LAB_PAGES_PER_MIB);
		LAB_CHECK(lab_now_ms() - start < 120000, "in guest %s the load has %llu of %u MiB",
			  host_names[guest], touched / LAB_PAGES_PER_MIB, mib);
		LAB_TRY(host_look(h));
	}
	*seconds = (double)(lab_now_ms() - start) / 1000;
	return NULL;
}

/* ---- the frame ---- */

static const char *guests_are_well(struct host *h)
{
	for (unsigned int i = 0; i < h->count; i++) {
		char *lines = NULL;
		int problems = lab_log_problems(h->guest[i], NULL, &lines);

		LAB_CHECK(!problems, "guest %s complained: %s", host_names[i],
			  problems > 0 ? lines : lab_error());
	}
	return NULL;
}

static void tell(struct host *h)
{
	char *log = host_log(h), *out = NULL;

	if (h->daemon > 0 && host_cli(h, &out, "status") <= 1)
		lab_note("%s", out);
	free(out);
	lab_note("%s", log ? log : "");
	free(log);
	for (unsigned int i = 0; i < h->count; i++) {
		lab_note("console of %s:", host_names[i]);
		lab_log_tail(h->guest[i], stdout, 6, "#   ");
	}
}

static const char *run(const struct host_test *test)
{
	struct host h = {.ours = test->ours, .least_free_mib = HOST_MIB};
	const char *why = NULL;
	char words[2048];

	if (lab_virt_start(&h.virt))
		return lab_because("%s", lab_error());
	if (!test->alone)
		why = copy_daemon(&h);
	if (!why && !test->alone)
		why = host_daemon_start(&h);
	if (!why)
		why = test->run(&h);
	if (!why)
		why = guests_are_well(&h);
	/* The text does not outlive what follows. */
	if (why) {
		snprintf(words, sizeof(words), "%s", why);
		tell(&h);
		why = lab_because("%s", words);
	} else if (!test->alone) {
		lab_note("the least that was free beside the reserve: %" PRId64 " MiB",
			 h.least_free_mib);
	}
	host_daemon_kill(&h);
	for (unsigned int i = 0; i < h.count; i++)
		lab_stop(h.guest[i]);
	lab_virt_stop(h.virt);
	return why;
}

static bool selected(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++)
		if (!fnmatch(argv[i], name, 0))
			return true;
	return argc < 2;
}

int host_main(int argc, char **argv, const struct host_test *tests, size_t count)
{
	unsigned int chosen = 0, number = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < count; i++)
		chosen += selected(argc, argv, tests[i].name);
	if (!chosen) {
		fprintf(stderr, "there is no test of that name\n");
		return 2;
	}
	if (!lab_virt_possible()) {
		printf("1..0 # SKIP %s\n", lab_error());
		return 0;
	}
	printf("1..%u\n", chosen);
	for (size_t i = 0; i < count; i++) {
		int64_t start = lab_now_ms();
		const char *why;

		if (!selected(argc, argv, tests[i].name))
			continue;
		lab_deadline(LIMIT_S * 1000LL);
		why = run(&tests[i]);
		lab_deadline(0);
		failed += why != NULL;
		printf("%sok %u - %s (%.1f s)\n", why ? "not " : "", ++number, tests[i].name,
		       (double)(lab_now_ms() - start) / 1000);
		if (why)
			lab_note("%s", why);
	}
	return failed ? 1 : 0;
}
