// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Guests of Xen.  Which there are, and what they have, the hypervisor says; what they may have, and
 * what they say of themselves, is in xenstore.  domain 0 is no guest.
 */
#include "xen.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many domains one call of the hypervisor tells of. */
#define BATCH	    64U

/* What only toolstacks and administrators write is looked at this seldom. */
#define ABOUT_LOOKS 5U

/* By more than this no guest's size changes without a driver. */
#define MOVED_KIB   2048U

/* Pages that are not of its memory proper are less than this. */
#define SPECIAL_KIB 2048U

/*
 * What the hypervisor lets a guest have beyond its target, where its toolstack leaves it nothing:
 * pages that are not of its memory proper.
 */
#define SLACK_KIB   1024U

/* A domain from its start to its end. */
struct known {
	char id[AERO_HOST_ID_MAX];
	struct xen_domain domain;
	struct xen_about about;
	unsigned int looks;
	bool read;			 /* about is right */
	bool seen;			 /* in the present look */
	bool ran;			 /* it was not paused any more */
	bool started;			 /* a driver has answered */
	uint64_t first_kib;		 /* what it had until then */
	uint64_t before_kib, target_kib; /* at the last look */
	uint64_t special_kib;		 /* what it has at rest beyond its target */
	struct known *next;
};

struct xen {
	const struct xen_world *world;
	void *self; /* of the world */
	struct known *known;
	char error[AERO_HOST_WORDS_MAX];
};

__attribute__((format(printf, 3, 4))) static int fail(struct xen *x, int err, const char *format,
						      ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(x->error, sizeof(x->error), format, args);
	va_end(args);
	return err;
}

static int world_failed(struct xen *x, int err)
{
	return fail(x, err, "%s", x->world->error(x->self));
}

/* ---- domains ---- */

/* "UUID/N": another one when the number is used again. */
static void id_of(const struct xen_domain *d, char id[AERO_HOST_ID_MAX])
{
	size_t at = 0;

	for (size_t i = 0; i < XEN_UUID_SIZE; i++)
		at += (size_t)snprintf(id + at, AERO_HOST_ID_MAX - at, "%s%02x",
				       i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
				       d->uuid[i]);
	snprintf(id + at, AERO_HOST_ID_MAX - at, "/%" PRIu32, d->number);
}

static struct known *find(const struct xen *x, const char *id)
{
	for (struct known *k = x->known; k; k = k->next)
		if (!strcmp(k->id, id))
			return k;
	return NULL;
}

static struct known *know(struct xen *x, const struct xen_domain *d)
{
	char id[AERO_HOST_ID_MAX];
	struct known *k;

	id_of(d, id);
	k = find(x, id);
	if (!k) {
		k = calloc(1, sizeof(*k));
		if (!k)
			return NULL;
		strcpy(k->id, id);
		k->next = x->known;
		x->known = k;
	}
	k->domain = *d;
	k->seen = true;
	k->looks++;
	/* While it is built, which it is before it runs, its size changes without a driver. */
	if (!k->ran)
		k->first_kib = d->has_kib;
	k->ran |= !d->paused;
	return k;
}

static void forget_the_gone(struct xen *x)
{
	struct known **at = &x->known;

	while (*at) {
		struct known *k = *at;

		if (k->seen) {
			k->seen = false;
			at = &k->next;
			continue;
		}
		*at = k->next;
		free(k);
	}
}

static struct xen_source source_of(const struct xen *x, const struct known *k)
{
	return (struct xen_source){x->world, x->self, k->domain.number};
}

/* ---- a look ---- */

static enum aero_host_life life_of(const struct xen_domain *d)
{
	if (d->crashed)
		return AERO_HOST_CRASHED;
	if (d->shut_down)
		return AERO_HOST_ENDING;
	return d->paused ? AERO_HOST_PAUSED : AERO_HOST_RUNNING;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/*
 * A target is without the memory of a graphics card, and without some pages that PVH and HVM guests
 * have besides.  So must be what is compared with it: else each guest would have a little more than
 * was counted on.
 */
static void take_special(struct known *k, uint64_t target_kib)
{
	uint64_t memory_kib = less(k->domain.has_kib, k->about.video_kib);
	bool rests = k->domain.has_kib == k->before_kib && target_kib == k->target_kib;

	if (rests && target_kib && memory_kib >= target_kib &&
	    memory_kib - target_kib <= SPECIAL_KIB)
		k->special_kib = memory_kib - target_kib;
	k->before_kib = k->domain.has_kib;
	k->target_kib = target_kib;
}

static void take_size(struct known *k, uint64_t target_kib, struct aero_host_sight *s)
{
	take_special(k, target_kib);
	s->boot_kib = k->about.static_max_kib;
	s->current_kib = less(k->domain.has_kib, k->about.video_kib + k->special_kib);
	/* The rest counts as the host's own. */
	s->resident_kib = s->current_kib;
	s->asked_kib = target_kib;
	/* One that is still being built is paused, and is to have this. */
	if (k->domain.paused && target_kib > s->current_kib && target_kib <= s->boot_kib)
		s->current_kib = target_kib;
	/* Guests begin with less than static-max where they are told to, and no driver has
	 * answered because of that. */
	if (!k->started)
		s->start_kib = s->current_kib;
}

static void take_said(const struct xen_said *said, struct aero_host_sight *s)
{
	s->mark = said->mark;
	s->unused_kib = said->unused_kib;
	s->usable_kib = said->usable_kib;
	s->cache_kib = said->cache_kib;
	s->swap_in_kib = said->swap_in_kib;
	s->swap_out_kib = said->swap_out_kib;
	s->major_faults = said->major_faults;
}

static bool has_moved(const struct known *k)
{
	return less(k->domain.has_kib, k->first_kib) + less(k->first_kib, k->domain.has_kib) >
	       MOVED_KIB;
}

static int fill(struct xen *x, struct known *k, struct aero_host_sight *s)
{
	const struct xen_source from = source_of(x, k);
	struct xen_said said = {.here = k->started};
	uint64_t target_kib = 0;
	int err = 0;

	if (!k->read || k->looks % ABOUT_LOOKS == 0)
		err = xen_about_read(&from, &k->about);
	k->read = !err;
	if (!err)
		err = xen_target_read(&from, &target_kib);
	if (!err)
		err = xen_said_read(&from, &k->about, &said);
	if (err)
		return err;
	k->started |= said.here || has_moved(k);
	*s = (struct aero_host_sight){
		.balloon = true,
		.life = life_of(&k->domain),
		.settings = k->about.settings,
	};
	strcpy(s->id, k->id);
	strcpy(s->name, k->about.name);
	strcpy(s->complaint, k->about.complaint);
	take_size(k, target_kib, s);
	take_said(&said, s);
	return 0;
}

/* A domain that xenstore does not know is being built, or has just ended. */
static int look_at(struct xen *x, const struct xen_domain *d,
		   void (*see)(void *to, const struct aero_host_sight *sight), void *to)
{
	struct aero_host_sight sight;
	struct known *k;
	int err;

	if (!d->number || d->dying)
		return 0;
	k = know(x, d);
	if (!k)
		return fail(x, -ENOMEM, "no memory");
	err = fill(x, k, &sight);
	if (!err)
		see(to, &sight);
	return err == -ENOENT ? 0 : err ? world_failed(x, err) : 0;
}

static int look(void *self, void (*see)(void *to, const struct aero_host_sight *sight), void *to)
{
	struct xen_domain domains[BATCH];
	struct xen *x = self;
	uint32_t first = 1;
	int n, err = x->world->connect(x->self);

	if (err)
		return world_failed(x, err);
	do {
		n = x->world->domains(x->self, first, domains, BATCH);
		if (n < 0)
			return world_failed(x, n);
		for (int i = 0; i < n && !err; i++)
			err = look_at(x, &domains[i], see, to);
		if (n)
			first = domains[n - 1].number + 1;
	} while (!err && n == (int)BATCH);
	if (!err)
		forget_the_gone(x);
	return err;
}

/* ---- changes ---- */

/* The domain as it is now.  -ESRCH: it has ended. */
static int look_again(struct xen *x, struct known *k)
{
	struct xen_domain now;
	char id[AERO_HOST_ID_MAX];
	int n = x->world->domains(x->self, k->domain.number, &now, 1);

	if (n < 0)
		return world_failed(x, n);
	if (n)
		id_of(&now, id);
	if (!n || now.dying || strcmp(id, k->id))
		return fail(x, -ESRCH, "it has ended");
	k->domain = now;
	return 0;
}

/*
 * What the hypervisor lets it have goes along with its target, at the distance that its toolstack
 * has chosen, but not beyond what it may ever have.  So no guest takes what was given to another.
 */
static int allow(struct xen *x, const struct known *k, uint64_t old_kib, uint64_t kib)
{
	uint64_t now_kib = k->domain.most_kib, slack_kib = less(now_kib, old_kib);
	uint64_t most_kib = k->about.static_max_kib + k->about.video_kib + SLACK_KIB;

	if (slack_kib < SLACK_KIB + k->about.video_kib)
		slack_kib = SLACK_KIB + k->about.video_kib;
	if (most_kib < now_kib)
		most_kib = now_kib;
	if (kib + slack_kib < most_kib)
		most_kib = kib + slack_kib;
	return most_kib == now_kib ? 0 : x->world->allow(x->self, &k->domain, most_kib);
}

static int write_target(struct xen *x, const struct known *k, uint64_t kib)
{
	char path[XEN_PATH_MAX], value[24];
	const struct xen_change change = {path, value};
	int err;

	xen_path(k->domain.number, "memory/target", path);
	snprintf(value, sizeof(value), "%" PRIu64, kib);
	err = x->world->change(x->self, path, &change, 1);
	return err == -ENOENT ? fail(x, -ESRCH, "it has ended") : err ? world_failed(x, err) : 0;
}

/* The hypervisor first: a target that it does not permit would be in vain. */
static int set_target(void *self, const char *id, uint64_t kib)
{
	struct xen *x = self;
	struct known *k = find(x, id);
	struct xen_source from;
	uint64_t old_kib = 0;
	int err;

	if (!k)
		return fail(x, -ESRCH, "it has ended");
	if (kib > k->about.static_max_kib)
		kib = k->about.static_max_kib;
	err = look_again(x, k);
	if (err)
		return err;
	from = source_of(x, k);
	err = xen_target_read(&from, &old_kib);
	if (err == -ENOENT)
		return fail(x, -ESRCH, "it has ended");
	if (!err)
		err = allow(x, k, old_kib, kib);
	if (!err && k->domain.hvm && kib > old_kib)
		err = x->world->back(x->self, &k->domain, kib + k->about.video_kib);
	return err ? world_failed(x, err) : write_target(x, k, kib);
}

static bool is_set(const struct aero_host_settings *s, unsigned int which, char value[32])
{
	switch (which) {
	case 0:
		snprintf(value, 32, "%" PRIu64 "KiB", s->min_kib);
		return s->set & AERO_HOST_SET_MIN;
	case 1:
		snprintf(value, 32, "%" PRIu64 "KiB", s->max_kib);
		return s->set & AERO_HOST_SET_MAX;
	case 2:
		snprintf(value, 32, "%" PRIu32, s->shares);
		return s->set & AERO_HOST_SET_SHARES;
	default:
		snprintf(value, 32, "%s", s->managed ? "yes" : "no");
		return s->set & AERO_HOST_SET_MANAGED;
	}
}

static int save(void *self, const char *id, const struct aero_host_settings *settings)
{
	char paths[XEN_SETTINGS][XEN_PATH_MAX], values[XEN_SETTINGS][32];
	char name[64], there[XEN_PATH_MAX];
	struct xen_change changes[XEN_SETTINGS];
	struct xen *x = self;
	struct known *k = find(x, id);
	int err;

	if (!k)
		return fail(x, -ESRCH, "it has ended");
	for (unsigned int i = 0; i < XEN_SETTINGS; i++) {
		bool set = is_set(settings, i, values[i]);

		snprintf(name, sizeof(name), XEN_SETTINGS_FOLDER "/%s", xen_setting_names[i]);
		xen_path(k->domain.number, name, paths[i]);
		changes[i] = (struct xen_change){paths[i], set ? values[i] : NULL};
	}
	xen_path(k->domain.number, "memory/target", there);
	err = x->world->change(x->self, there, changes, XEN_SETTINGS);
	k->read = false;
	return err == -ENOENT ? fail(x, -ESRCH, "it has ended") : err ? world_failed(x, err) : 0;
}

static const char *error(void *self)
{
	return ((struct xen *)self)->error;
}

/* ---- the host ---- */

/* dom0's kernel measures pressure of its own tasks only, and knows its own memory only. */
static void host(void *self, struct aero_host_reading *r)
{
	struct xen *x = self;

	*r = (struct aero_host_reading){
		.available_kib = AERO_HOST_UNKNOWN,
		.some_permille = AERO_POLICY_UNKNOWN,
		.full_permille = AERO_POLICY_UNKNOWN,
	};
	/* Without a total nothing may be given to anybody, which 0 says. */
	if (x->world->host(x->self, &r->total_kib, &r->available_kib) ||
	    r->available_kib > r->total_kib)
		r->total_kib = 0;
	if (!r->total_kib)
		r->available_kib = AERO_HOST_UNKNOWN;
}

const struct aero_host_backend xen_backend = {
	.name = "xen",
	.look = look,
	.host = host,
	.set_target = set_target,
	.save = save,
	.error = error,
};

struct xen *xen_new(const struct xen_world *world, void *self)
{
	struct xen *x = calloc(1, sizeof(*x));

	if (x) {
		x->world = world;
		x->self = self;
	}
	return x;
}

void xen_free(struct xen *x)
{
	while (x->known) {
		struct known *next = x->known->next;

		free(x->known);
		x->known = next;
	}
	x->world->close(x->self);
	free(x);
}
