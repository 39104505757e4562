// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* All policies for guests, in the order in which lists show them. */
#include <aerostat/policy.h>

const struct aero_policy *const aero_guest_policies[] = {
	&aero_policy_committed,
	&aero_policy_pressure,
	&aero_policy_selfshrink,
};

const size_t aero_guest_policies_count =
	sizeof(aero_guest_policies) / sizeof(aero_guest_policies[0]);
