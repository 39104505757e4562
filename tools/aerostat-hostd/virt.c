// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Guests of libvirt.  One call a period gives the statistics of all; a domain's description is read
 * when it is new and when its metadata change.
 */
#include "virt.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Statistics more seldom than this are too old to share memory by. */
#define PERIOD_S      1
#define PERIOD_MOST_S 5

/* A domain from its start to its end. */
struct known {
	char id[AERO_HOST_ID_MAX];
	virDomainPtr domain;
	struct virt_domain about;
	bool read;   /* about is right */
	bool seen;   /* in the present look */
	bool period; /* statistics are on */
	struct known *next;
};

struct virt {
	char *uri;
	virConnectPtr connection;
	bool lost; /* libvirt has closed it */
	struct known *known;
	void (*hurry)(void *to);
	void *to;
	char error[AERO_HOST_WORDS_MAX];
};

static int fail(struct virt *v, int err, const char *what)
{
	snprintf(v->error, sizeof(v->error), "%s: %s", what, virGetLastErrorMessage());
	return -err;
}

/* ---- the connection ---- */

static void quiet(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

static void closed(virConnectPtr connection, int reason, void *data)
{
	struct virt *v = data;

	(void)connection;
	(void)reason;
	v->lost = true;
}

static struct known *find(const struct virt *v, const char *id)
{
	for (struct known *k = v->known; k; k = k->next)
		if (!strcmp(k->id, id))
			return k;
	return NULL;
}

/* "UUID/N": another one when the domain was started again. */
static void id_of(virDomainPtr domain, char id[AERO_HOST_ID_MAX])
{
	char uuid[VIR_UUID_STRING_BUFLEN] = "";

	virDomainGetUUIDString(domain, uuid);
	snprintf(id, AERO_HOST_ID_MAX, "%s/%u", uuid, virDomainGetID(domain));
}

static int lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail,
		     void *data)
{
	struct virt *v = data;

	(void)connection;
	(void)domain;
	(void)event;
	(void)detail;
	v->hurry(v->to);
	return 0;
}

static void metadata_changed(virConnectPtr connection, virDomainPtr domain, int type,
			     const char *uri, void *data)
{
	char id[AERO_HOST_ID_MAX];
	struct virt *v = data;
	struct known *k;

	(void)connection;
	(void)type;
	(void)uri;
	id_of(domain, id);
	k = find(v, id);
	if (k)
		k->read = false;
	v->hurry(v->to);
}

static void forget(struct known *k)
{
	virDomainFree(k->domain);
	free(k);
}

static void disconnect(struct virt *v)
{
	while (v->known) {
		struct known *next = v->known->next;

		forget(v->known);
		v->known = next;
	}
	if (v->connection) {
		virConnectUnregisterCloseCallback(v->connection, closed);
		virConnectClose(v->connection);
	}
	v->connection = NULL;
	v->lost = false;
}

static int connect_to(struct virt *v)
{
	if (v->connection && !v->lost && virConnectIsAlive(v->connection) != 0)
		return 0;
	disconnect(v);
	v->connection = virConnectOpen(v->uri);
	if (!v->connection) {
		snprintf(v->error, sizeof(v->error),
			 "no connection to libvirt (%s): %s; does libvirtd run?",
			 v->uri ? v->uri : "its default", virGetLastErrorMessage());
		return -ENOTCONN;
	}
	virConnectRegisterCloseCallback(v->connection, closed, v, NULL);
	/* Where there is a daemon at the other end that may fall silent. */
	virConnectSetKeepAlive(v->connection, 5, 3);
	virConnectDomainEventRegisterAny(v->connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
					 VIR_DOMAIN_EVENT_CALLBACK(lifecycle), v, NULL);
	virConnectDomainEventRegisterAny(v->connection, NULL, VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
					 VIR_DOMAIN_EVENT_CALLBACK(metadata_changed), v, NULL);
	return 0;
}

/* ---- a domain ---- */

static void read_about(struct known *k)
{
	char *xml;

	if (k->read)
		return;
	xml = virDomainGetXMLDesc(k->domain, 0);
	/* It may end at this moment; then it is not there at the next look. */
	k->read = xml && virt_domain_parse(xml, &k->about);
	free(xml);
}

static void switch_statistics_on(struct known *k)
{
	if (k->period || !k->read || !k->about.balloon)
		return;
	k->period = (k->about.period_s && k->about.period_s <= PERIOD_MOST_S) ||
		    !virDomainSetMemoryStatsPeriod(k->domain, PERIOD_S, VIR_DOMAIN_AFFECT_LIVE);
}

static struct known *know(struct virt *v, virDomainPtr domain)
{
	char id[AERO_HOST_ID_MAX];
	struct known *k;

	id_of(domain, id);
	k = find(v, id);
	if (!k) {
		k = calloc(1, sizeof(*k));
		if (!k)
			return NULL;
		strcpy(k->id, id);
		virDomainRef(domain);
		k->domain = domain;
		k->next = v->known;
		v->known = k;
	}
	k->seen = true;
	read_about(k);
	switch_statistics_on(k);
	return k;
}

static enum aero_host_life life_of(int state)
{
	switch (state) {
	case VIR_DOMAIN_RUNNING:
	case VIR_DOMAIN_BLOCKED:
	case VIR_DOMAIN_NOSTATE:
		return AERO_HOST_RUNNING;
	case VIR_DOMAIN_SHUTDOWN:
	case VIR_DOMAIN_SHUTOFF:
		return AERO_HOST_ENDING;
	case VIR_DOMAIN_CRASHED:
		return AERO_HOST_CRASHED;
	default:
		return AERO_HOST_PAUSED;
	}
}

static void take_number(const virDomainStatsRecord *record, const char *name, uint64_t *to)
{
	unsigned long long value;

	if (virTypedParamsGetULLong(record->params, record->nparams, name, &value) == 1)
		*to = value;
}

/* Drivers of libvirt whose bulk call has no memory are asked one by one. */
static void take_singly(virDomainPtr domain, struct aero_host_sight *s)
{
	virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
	int n = virDomainMemoryStats(domain, stats, VIR_DOMAIN_MEMORY_STAT_NR, 0);
	uint64_t *const to[VIR_DOMAIN_MEMORY_STAT_NR] = {
		[VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON] = &s->current_kib,
		[VIR_DOMAIN_MEMORY_STAT_UNUSED] = &s->unused_kib,
		[VIR_DOMAIN_MEMORY_STAT_USABLE] = &s->usable_kib,
		[VIR_DOMAIN_MEMORY_STAT_DISK_CACHES] = &s->cache_kib,
		[VIR_DOMAIN_MEMORY_STAT_SWAP_IN] = &s->swap_in_kib,
		[VIR_DOMAIN_MEMORY_STAT_SWAP_OUT] = &s->swap_out_kib,
		[VIR_DOMAIN_MEMORY_STAT_MAJOR_FAULT] = &s->major_faults,
		[VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE] = &s->mark,
		[VIR_DOMAIN_MEMORY_STAT_RSS] = &s->resident_kib,
	};
	unsigned long most = virDomainGetMaxMemory(domain);

	for (int i = 0; i < n; i++)
		if (stats[i].tag >= 0 && stats[i].tag < VIR_DOMAIN_MEMORY_STAT_NR &&
		    to[stats[i].tag])
			*to[stats[i].tag] = stats[i].val;
	if (most)
		s->boot_kib = most;
}

static void fill(const virDomainStatsRecord *record, const struct known *k,
		 struct aero_host_sight *s)
{
	const char *name = virDomainGetName(record->dom);
	int state = VIR_DOMAIN_NOSTATE;

	*s = (struct aero_host_sight){
		.balloon = k->about.balloon,
		.boot_kib = AERO_HOST_UNKNOWN,
		.current_kib = AERO_HOST_UNKNOWN,
		.resident_kib = AERO_HOST_UNKNOWN,
		.unused_kib = AERO_HOST_UNKNOWN,
		.usable_kib = AERO_HOST_UNKNOWN,
		.cache_kib = AERO_HOST_UNKNOWN,
		.swap_in_kib = AERO_HOST_UNKNOWN,
		.swap_out_kib = AERO_HOST_UNKNOWN,
		.major_faults = AERO_HOST_UNKNOWN,
		.settings = k->about.settings,
	};
	strcpy(s->id, k->id);
	snprintf(s->name, sizeof(s->name), "%s", name ? name : k->id);
	strcpy(s->complaint, k->about.complaint);
	virTypedParamsGetInt(record->params, record->nparams, "state.state", &state);
	s->life = life_of(state);
	take_number(record, "balloon.current", &s->current_kib);
	take_number(record, "balloon.maximum", &s->boot_kib);
	take_number(record, "balloon.rss", &s->resident_kib);
	take_number(record, "balloon.unused", &s->unused_kib);
	take_number(record, "balloon.usable", &s->usable_kib);
	take_number(record, "balloon.disk_caches", &s->cache_kib);
	take_number(record, "balloon.swap_in", &s->swap_in_kib);
	take_number(record, "balloon.swap_out", &s->swap_out_kib);
	take_number(record, "balloon.major_fault", &s->major_faults);
	take_number(record, "balloon.last-update", &s->mark);
	if (s->current_kib == AERO_HOST_UNKNOWN)
		take_singly(record->dom, s);
}

/* ---- the table ---- */

static void forget_the_gone(struct virt *v)
{
	struct known **at = &v->known;

	while (*at) {
		struct known *k = *at;

		if (k->seen) {
			k->seen = false;
			at = &k->next;
			continue;
		}
		*at = k->next;
		forget(k);
	}
}

static int look(void *self, void (*see)(void *to, const struct aero_host_sight *sight), void *to)
{
	struct virt *v = self;
	virDomainStatsRecordPtr *records = NULL;
	struct aero_host_sight sight;
	int n, err = connect_to(v);

	if (err)
		return err;
	/* A guest whose QEMU is busy is seen without its statistics, and holds up nobody. */
	n = virConnectGetAllDomainStats(v->connection,
					VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_BALLOON, &records,
					VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE |
						VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
	if (n < 0)
		return fail(v, EIO, "libvirt does not tell of its guests");
	for (int i = 0; i < n && !err; i++) {
		struct known *k = know(v, records[i]->dom);

		if (!k) {
			err = -ENOMEM;
			continue;
		}
		fill(records[i], k, &sight);
		see(to, &sight);
	}
	virDomainStatsRecordListFree(records);
	forget_the_gone(v);
	return err;
}

static int set_target(void *self, const char *id, uint64_t kib)
{
	struct virt *v = self;
	struct known *k = find(v, id);

	if (!k) {
		snprintf(v->error, sizeof(v->error), "it has ended");
		return -ESRCH;
	}
	if (virDomainSetMemoryFlags(k->domain, kib, VIR_DOMAIN_AFFECT_LIVE))
		return fail(v, EIO, "libvirt refuses");
	return 0;
}

static int save(void *self, const char *id, const struct aero_host_settings *settings)
{
	unsigned int flags = VIR_DOMAIN_AFFECT_LIVE;
	char *xml = virt_domain_metadata(settings);
	struct virt *v = self;
	struct known *k = find(v, id);
	int err;

	if (!xml || !k) {
		free(xml);
		snprintf(v->error, sizeof(v->error), "%s", k ? "no memory" : "it has ended");
		return -ESRCH;
	}
	/* A domain that libvirt remembers keeps them when it is started again. */
	if (virDomainIsPersistent(k->domain) == 1)
		flags |= VIR_DOMAIN_AFFECT_CONFIG;
	err = virDomainSetMetadata(k->domain, VIR_DOMAIN_METADATA_ELEMENT, xml, VIRT_PREFIX,
				   VIRT_NAMESPACE, flags);
	free(xml);
	k->read = false;
	return err ? fail(v, EIO, "libvirt does not keep the settings") : 0;
}

static const char *error(void *self)
{
	return ((struct virt *)self)->error;
}

const struct aero_host_backend virt_backend = {
	.name = "libvirt",
	.look = look,
	.set_target = set_target,
	.save = save,
	.error = error,
};

struct virt *virt_new(const char *uri, void (*hurry)(void *to), void *to)
{
	struct virt *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->uri = uri ? strdup(uri) : NULL;
	v->hurry = hurry;
	v->to = to;
	virSetErrorFunc(NULL, quiet);
	return v;
}

void virt_free(struct virt *v)
{
	disconnect(v);
	free(v->uri);
	free(v);
}
