/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Tracepoints, group "aerostat"; docs/use/abi.md lists them. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM aerostat

#if !defined(AEROSTAT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define AEROSTAT_TRACE_H

#include <linux/tracepoint.h>

#include <aerostat/balloon.h>

DECLARE_EVENT_CLASS(aerostat_sizes_class,
	TP_PROTO(u64 target, u64 size),
	TP_ARGS(target, size),
	TP_STRUCT__entry(
		__field(u64, target)
		__field(u64, size)
	),
	TP_fast_assign(
		__entry->target = target;
		__entry->size = size;
	),
	TP_printk("target=%llu size=%llu", __entry->target, __entry->size)
);

DEFINE_EVENT(aerostat_sizes_class, aerostat_run,
	TP_PROTO(u64 target, u64 size),
	TP_ARGS(target, size)
);

DEFINE_EVENT(aerostat_sizes_class, aerostat_target,
	TP_PROTO(u64 target, u64 size),
	TP_ARGS(target, size)
);

DEFINE_EVENT(aerostat_sizes_class, aerostat_reset,
	TP_PROTO(u64 target, u64 size),
	TP_ARGS(target, size)
);

TRACE_EVENT(aerostat_run_end,
	TP_PROTO(u64 target, u64 size, u64 why),
	TP_ARGS(target, size, why),
	TP_STRUCT__entry(
		__field(u64, target)
		__field(u64, size)
		__string(why, aero_run_end_name(why))
	),
	TP_fast_assign(
		__entry->target = target;
		__entry->size = size;
		aero_assign_str(why, aero_run_end_name(why));
	),
	TP_printk("target=%llu size=%llu why=%s", __entry->target, __entry->size, __get_str(why))
);

DECLARE_EVENT_CLASS(aerostat_batch_class,
	TP_PROTO(u64 class, u64 blocks, u64 pages),
	TP_ARGS(class, blocks, pages),
	TP_STRUCT__entry(
		__string(class, aero_class_name(class))
		__field(u64, blocks)
		__field(u64, pages)
	),
	TP_fast_assign(
		aero_assign_str(class, aero_class_name(class));
		__entry->blocks = blocks;
		__entry->pages = pages;
	),
	TP_printk("class=%s blocks=%llu pages=%llu", __get_str(class), __entry->blocks,
		  __entry->pages)
);

DEFINE_EVENT(aerostat_batch_class, aerostat_offer,
	TP_PROTO(u64 class, u64 blocks, u64 pages),
	TP_ARGS(class, blocks, pages)
);

DEFINE_EVENT(aerostat_batch_class, aerostat_reclaim,
	TP_PROTO(u64 class, u64 blocks, u64 pages),
	TP_ARGS(class, blocks, pages)
);

TRACE_EVENT(aerostat_refused,
	TP_PROTO(u64 pfn, u64 class, u64 answer),
	TP_ARGS(pfn, class, answer),
	TP_STRUCT__entry(
		__field(u64, pfn)
		__string(class, aero_class_name(class))
		__string(answer, aero_answer_name(answer))
	),
	TP_fast_assign(
		__entry->pfn = pfn;
		aero_assign_str(class, aero_class_name(class));
		aero_assign_str(answer, aero_answer_name(answer));
	),
	TP_printk("pfn=0x%llx class=%s answer=%s", __entry->pfn, __get_str(class),
		  __get_str(answer))
);

TRACE_EVENT(aerostat_relieve,
	TP_PROTO(u64 asked, u64 released),
	TP_ARGS(asked, released),
	TP_STRUCT__entry(
		__field(u64, asked)
		__field(u64, released)
	),
	TP_fast_assign(
		__entry->asked = asked;
		__entry->released = released;
	),
	TP_printk("asked=%llu released=%llu", __entry->asked, __entry->released)
);

TRACE_EVENT(aerostat_migrate,
	TP_PROTO(u64 from, u64 to, u64 moved),
	TP_ARGS(from, to, moved),
	TP_STRUCT__entry(
		__field(u64, from)
		__field(u64, to)
		__field(bool, moved)
	),
	TP_fast_assign(
		__entry->from = from;
		__entry->to = to;
		__entry->moved = moved;
	),
	TP_printk("from=0x%llx to=0x%llx moved=%d", __entry->from, __entry->to, __entry->moved)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
