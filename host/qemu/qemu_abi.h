/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The part of QEMU that the plug-in uses beyond the plug-in interface.
 *
 * QEMU has no interface for devices outside its tree; its program exports its
 * functions dynamically, though, so that these declarations resolve.  They are
 * not stable between versions: plugin.c refuses every version which is not in
 * aero_qemu_versions[], and what is declared here must be compared again before
 * a version is added there.  All functions are weak, so that a QEMU which lacks
 * one is refused with a message instead of a linker's complaint.
 *
 * No headers of QEMU or GLib are used: neither is installed with QEMU.
 */
#ifndef AERO_QEMU_ABI_H
#define AERO_QEMU_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QEMU_WEAK __attribute__((weak))

/* The contents of these are never used. */
typedef struct Object Object;
typedef struct ObjectProperty ObjectProperty;
typedef struct Error Error;
typedef struct AddressSpace AddressSpace;
typedef struct CPUState CPUState;
typedef struct RAMBlock RAMBlock;

typedef uint64_t hwaddr;
typedef uint64_t ram_addr_t;

/*
 * 7.2: 0x110 bytes, aligned like a long double.  A page is more than any
 * version needs; what the plug-in does not know of is zero.
 */
typedef struct MemoryRegion {
	_Alignas(64) unsigned char opaque[4096];
} MemoryRegion;

/* In QEMU these are bit-fields, which are passed by value in one register. */
typedef struct MemTxAttrs {
	uint32_t bits;
} MemTxAttrs;
typedef uint32_t MemTxResult; /* 0: OK */

#define QEMU_LITTLE_ENDIAN 2

typedef struct MemoryRegionOps {
	uint64_t (*read)(void *opaque, hwaddr addr, unsigned int size);
	void (*write)(void *opaque, hwaddr addr, uint64_t data, unsigned int size);
	MemTxResult (*read_with_attrs)(void *opaque, hwaddr addr, uint64_t *data, unsigned int size,
				       MemTxAttrs attrs);
	MemTxResult (*write_with_attrs)(void *opaque, hwaddr addr, uint64_t data, unsigned int size,
					MemTxAttrs attrs);
	int endianness;
	struct {
		unsigned int min_access_size;
		unsigned int max_access_size;
		bool unaligned;
		bool (*accepts)(void *opaque, hwaddr addr, unsigned int size, bool is_write,
				MemTxAttrs attrs);
	} valid;
	struct {
		unsigned int min_access_size;
		unsigned int max_access_size;
		bool unaligned;
	} impl;
} MemoryRegionOps;

_Static_assert(sizeof(MemTxAttrs) == 4, "passed by value");
_Static_assert(offsetof(MemoryRegionOps, valid) == 40, "MemoryRegionOps of 7.2");
_Static_assert(offsetof(MemoryRegionOps, impl) == 64, "MemoryRegionOps of 7.2");

typedef struct Notifier Notifier;
struct Notifier {
	void (*notify)(Notifier *notifier, void *data);
	Notifier *next;
	Notifier **pprev;
};

/* GLib's public head of a byte array. */
typedef struct GByteArray {
	uint8_t *data;
	unsigned int len;
} GByteArray;

/* QMP's VersionInfo, MemoryInfo, BalloonInfo. */
typedef struct VersionTriple {
	int64_t major;
	int64_t minor;
	int64_t micro;
} VersionTriple;

typedef struct VersionInfo {
	VersionTriple *qemu;
	char *package;
} VersionInfo;

typedef struct MemoryInfo {
	uint64_t base_memory;
	bool has_plugged_memory;
	uint64_t plugged_memory;
} MemoryInfo;

typedef struct BalloonInfo {
	int64_t actual; /* bytes that the guest keeps */
} BalloonInfo;

/* Figures of x86_cpu_gdb_*_register for x86_64: GDB's order of registers. */
enum {
	QEMU_REG_RAX = 0,
	QEMU_REG_RBX = 1,
	QEMU_REG_RCX = 2,
	QEMU_REG_RDX = 3,
	QEMU_REG_RSI = 4,
	QEMU_REG_EFLAGS = 17,
	QEMU_REG_CS = 18,
};

/* The running QEMU and its start. */
QEMU_WEAK VersionInfo *qmp_query_version(Error **errp);
QEMU_WEAK MemoryInfo *qmp_query_memory_size_summary(Error **errp);
QEMU_WEAK void qemu_add_machine_init_done_notifier(Notifier *notify);
QEMU_WEAK void qemu_register_reset(void (*func)(void *opaque), void *opaque);
QEMU_WEAK int migrate_add_blocker(Error *reason, Error **errp);
extern QEMU_WEAK bool tcg_allowed;
extern QEMU_WEAK bool kvm_allowed;

/* Errors: error_report() for the user, error_setg_internal() for QMP. */
QEMU_WEAK void error_report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
QEMU_WEAK void error_setg_internal(Error **errp, const char *src, int line, const char *func,
				   const char *fmt, ...) __attribute__((format(printf, 5, 6)));
QEMU_WEAK const char *error_get_pretty(const Error *err);
QEMU_WEAK void error_free(Error *err);

/* The port. */
QEMU_WEAK void memory_region_init_io(MemoryRegion *mr, Object *owner, const MemoryRegionOps *ops,
				     void *opaque, const char *name, uint64_t size);
QEMU_WEAK MemoryRegion *get_system_io(void);
QEMU_WEAK void memory_region_add_subregion(MemoryRegion *mr, hwaddr offset,
					   MemoryRegion *subregion);
extern __thread CPUState *current_cpu;
QEMU_WEAK int x86_cpu_gdb_read_register(CPUState *cpu, GByteArray *buf, int reg);
QEMU_WEAK int x86_cpu_gdb_write_register(CPUState *cpu, uint8_t *buf, int reg);

/* Memory. */
extern QEMU_WEAK AddressSpace address_space_memory;
QEMU_WEAK MemTxResult address_space_rw(AddressSpace *as, hwaddr addr, MemTxAttrs attrs, void *buf,
				       hwaddr len, bool is_write);
QEMU_WEAK void *cpu_physical_memory_map(hwaddr addr, hwaddr *plen, bool is_write);
QEMU_WEAK void cpu_physical_memory_unmap(void *buffer, hwaddr len, bool is_write,
					 hwaddr access_len);
QEMU_WEAK bool cpu_physical_memory_is_io(hwaddr addr);
QEMU_WEAK RAMBlock *qemu_ram_block_from_host(void *ptr, bool round_offset, ram_addr_t *offset);
QEMU_WEAK int ram_block_discard_range(RAMBlock *rb, uint64_t start, size_t length);
QEMU_WEAK int ram_block_discard_require(bool state);
QEMU_WEAK void *memory_region_get_ram_ptr(MemoryRegion *mr);
QEMU_WEAK uint64_t memory_region_size(MemoryRegion *mr);
QEMU_WEAK bool host_memory_backend_is_mapped(Object *backend);
QEMU_WEAK MemoryRegion *host_memory_backend_get_memory(Object *backend);

/* Objects, QMP. */
QEMU_WEAK Object *qdev_get_machine(void);
QEMU_WEAK Object *object_get_objects_root(void);
QEMU_WEAK int object_child_foreach(Object *obj, int (*fn)(Object *child, void *opaque),
				   void *opaque);
QEMU_WEAK Object *object_dynamic_cast(Object *obj, const char *type);
QEMU_WEAK ObjectProperty *object_property_add_str(Object *obj, const char *name,
						  char *(*get)(Object *, Error **),
						  void (*set)(Object *, const char *, Error **));
QEMU_WEAK int qemu_add_balloon_handler(void (*event)(void *opaque, ram_addr_t target),
				       void (*status)(void *opaque, BalloonInfo *info),
				       void *opaque);
QEMU_WEAK void qapi_event_send_balloon_change(int64_t actual);

/* GLib, which QEMU has loaded. */
QEMU_WEAK GByteArray *g_byte_array_new(void);
QEMU_WEAK GByteArray *g_byte_array_set_size(GByteArray *array, unsigned int length);
QEMU_WEAK char *g_strdup(const char *text);

/* The plug-in interface, version 1 (stable). */
#define QEMU_PLUGIN_API	   1
#define QEMU_PLUGIN_EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;

typedef struct qemu_info_t {
	const char *target_name;
	struct {
		int min;
		int cur;
	} version;
	bool system_emulation;
	struct {
		int smp_vcpus;
		int max_vcpus;
	} system;
} qemu_info_t;

enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

QEMU_WEAK void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
						     void (*cb)(qemu_plugin_id_t id,
								struct qemu_plugin_tb *tb));
QEMU_WEAK size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
QEMU_WEAK void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb,
							enum qemu_plugin_op op, void *ptr,
							uint64_t imm);
QEMU_WEAK void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
						    void (*cb)(unsigned int vcpu, void *userdata),
						    enum qemu_plugin_cb_flags flags,
						    void *userdata);

#endif
