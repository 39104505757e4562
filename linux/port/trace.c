// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The engine's events become the kernel's tracepoints. */
#include "core.h"
#include "compat.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

void aero_port_trace(struct aero_port *port, enum aero_event event, u64 a, u64 b, u64 c)
{
	switch (event) {
	case AERO_EVENT_RUN:
		trace_run(a, b);
		break;
	case AERO_EVENT_RUN_END:
		trace_run_end(a, b, c);
		break;
	case AERO_EVENT_GIVE:
		trace_give(a, b, c);
		break;
	case AERO_EVENT_RECLAIM:
		trace_reclaim(a, b, c);
		break;
	case AERO_EVENT_REFUSED:
		trace_refused(a, b, c);
		break;
	case AERO_EVENT_TARGET:
		trace_target(a, c);
		break;
	case AERO_EVENT_RESET:
		trace_reset(0, a);
		break;
	case AERO_EVENT_RELIEVE:
		trace_relieve(a, b);
		break;
	case AERO_EVENT_MIGRATE:
		trace_migrate(a, b, c);
		break;
	default:
		break;
	}
}
