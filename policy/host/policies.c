// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* All policies for hosts, in the order in which lists show them, and what they share. */
#include "internal.h"

const struct aero_host_policy *const aero_host_policies[] = {
	&aero_host_policy_shares,  &aero_host_policy_fixed,   &aero_host_policy_squeezed,
	&aero_host_policy_qmemman, &aero_host_policy_proxmox, &aero_host_policy_mom,
};

const size_t aero_host_policies_count = sizeof(aero_host_policies) / sizeof(aero_host_policies[0]);

static bool is_same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

const struct aero_host_policy *aero_host_policy_find(const char *name)
{
	size_t i;

	for (i = 0; i < aero_host_policies_count; i++)
		if (is_same(aero_host_policies[i]->name, name))
			return aero_host_policies[i];
	return NULL;
}

void aero_host_policy_set_initial(const struct aero_host_policy *policy, void *config)
{
	unsigned char *byte = config;
	size_t i;

	for (i = 0; i < policy->config_size; i++)
		byte[i] = 0;
	for (i = 0; i < policy->options_count; i++)
		*aero_policy_option_at(&policy->options[i], config) = policy->options[i].initial;
}

const char *aero_host_reason_name(enum aero_host_reason reason)
{
	static const char *const names[AERO_HOST_REASONS] = {
		[AERO_HOST_KEEPS] = "keeps",
		[AERO_HOST_GROWS_TO_NEED] = "grows-to-need",
		[AERO_HOST_GROWS_SPARE] = "grows-spare",
		[AERO_HOST_SHRINKS_SPARE] = "shrinks-spare",
		[AERO_HOST_SHRINKS_SHARE] = "shrinks-share",
		[AERO_HOST_SHRINKS_HOST] = "shrinks-host",
		[AERO_HOST_SHRINKS_ROOM] = "shrinks-room",
		[AERO_HOST_AT_MIN] = "at-min",
		[AERO_HOST_AT_MAX] = "at-max",
		[AERO_HOST_LEFT_ALONE] = "left-alone",
		[AERO_HOST_WAITS] = "waits",
	};

	return (size_t)reason < AERO_HOST_REASONS ? names[reason] : "unknown";
}
