/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A guest with its host, started and stopped the same way on each platform. */
#include "platform.h"

#define MEMORY_MIB 512u

int lab_subject_boot_host(struct lab_subject *out, const struct lab_subject_config *config)
{
	struct lab_subject_config c = *config;
	struct lab_config machine;
	int ret;

	*out = (struct lab_subject){0};
	c.name = c.name ? c.name : c.platform->name;
	c.memory_mib = c.memory_mib ? c.memory_mib : MEMORY_MIB;
	machine = (struct lab_config){
		.name = c.name,
		.platform = c.platform,
		.memory_mib = c.memory_mib,
		.backend = c.backend,
		.append = c.append,
		.plugin_args = c.plugin_args,
		.extra = c.extra,
	};
	if (c.platform->host_config)
		c.platform->host_config(&machine, &c);
	ret = lab_boot(&out->host, &machine);
	if (ret)
		out->host = NULL;
	return ret;
}

int lab_subject_start_guest(struct lab_subject *s, const struct lab_subject_config *config)
{
	struct lab_subject_config c = *config;

	c.memory_mib = c.memory_mib ? c.memory_mib : MEMORY_MIB;
	if (c.platform->start_guest)
		return c.platform->start_guest(s, &c);
	s->guest = s->host;
	return 0;
}

int lab_subject_start(struct lab_subject *out, const struct lab_subject_config *config)
{
	int ret = lab_subject_boot_host(out, config);

	if (!ret)
		ret = lab_subject_start_guest(out, config);
	if (ret)
		lab_subject_stop(out);
	return ret;
}

void lab_subject_stop(struct lab_subject *s)
{
	if (s->guest != s->host)
		lab_stop(s->guest);
	lab_stop(s->host);
	*s = (struct lab_subject){0};
}
