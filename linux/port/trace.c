// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Turns the engine's events into tracepoints of the kernel. */
#include <aerostat/balloon.h>

#include "compat/trace.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

void aero_port_trace(struct aero_port *port, enum aero_event event, u64 a, u64 b, u64 c)
{
	switch (event) {
	case AERO_EVENT_RUN:
		trace_aerostat_run(a, b);
		break;
	case AERO_EVENT_RUN_END:
		trace_aerostat_run_end(a, b, c);
		break;
	case AERO_EVENT_OFFER:
		trace_aerostat_offer(a, b, c);
		break;
	case AERO_EVENT_RECLAIM:
		trace_aerostat_reclaim(a, b, c);
		break;
	case AERO_EVENT_REFUSED:
		trace_aerostat_refused(a, b, c);
		break;
	case AERO_EVENT_TARGET:
		trace_aerostat_target(a, c);
		break;
	case AERO_EVENT_RESET:
		trace_aerostat_reset(0, a);
		break;
	case AERO_EVENT_RELIEVE:
		trace_aerostat_relieve(a, b);
		break;
	case AERO_EVENT_MIGRATE:
		trace_aerostat_migrate(a, b, c);
		break;
	default:
		break;
	}
}
