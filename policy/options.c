// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Functions for options that are the same for every policy. */
#include "arithmetic.h"

void aero_policy_set_initial(const struct aero_policy *policy, void *config)
{
	unsigned char *byte = config;
	size_t i;

	for (i = 0; i < policy->config_size; i++)
		byte[i] = 0;
	for (i = 0; i < policy->options_count; i++)
		*aero_policy_option_at(&policy->options[i], config) = policy->options[i].initial;
}

static bool is_same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

const struct aero_policy_option *aero_policy_option_find(const struct aero_policy *policy,
							 const char *name)
{
	size_t i;

	for (i = 0; i < policy->options_count; i++)
		if (is_same(policy->options[i].name, name))
			return &policy->options[i];
	return NULL;
}
