// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * In which functions of the guest's kernel the instructions are spent.  Names come
 * from the guest's own /proc/kallsyms, while the driver is still loaded.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

#define BLOCKS		  300 /* the dearest ones are looked up; they make > 99 % */
#define PIECE		  150
#define LINES		  20
#define LOOKUP_TIMEOUT_MS 180000
#define NAME_BYTES	  48

struct block {
	uint64_t address, instructions;
};

/* The symbol with the highest address that is not above a block. */
struct symbol {
	uint64_t address;
	char name[NAME_BYTES];
};

struct function {
	char name[NAME_BYTES];
	uint64_t instructions;
};

/* Reads addresses in ascending order, then kallsyms; prints "address symbol". */
static const char lookup[] =
	"awk '"
	"FNR == NR { a[n++] = $1 \"\"; next } "
	"$2 ~ /[tTwW]/ { "
	"  s = $1 \"\"; lo = 0; hi = n; "
	"  while (lo < hi) { mid = int((lo + hi) / 2); if (a[mid] < s) lo = mid + 1; else hi = mid } "
	"  if (lo < n && s > best[lo] \"\") { best[lo] = s; name[lo] = $3 } } "
	"END { for (i = 0; i < n; i++) { "
	"  if (best[i] \"\" > b) { b = best[i] \"\"; m = name[i] } print a[i], m } }'";

static int by_cost(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	return (x->instructions < y->instructions) - (x->instructions > y->instructions);
}

static int by_address(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

static int by_function_cost(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return (x->instructions < y->instructions) - (x->instructions > y->instructions);
}

int bench_profile_before(struct bench_profile *p)
{
	if (!p->before)
		p->before = calloc(BENCH_SLOTS, sizeof(*p->before));
	if (!p->before)
		return report_complain("no memory for a profile");
	for (unsigned int i = 0; i < BENCH_SLOTS; i++)
		p->before[i] = p->counts->slot[i].instructions;
	return 0;
}

/* The dearest blocks since bench_profile_before(), by address; how many. */
static unsigned int dearest(const struct bench_profile *p, struct block *out, uint64_t *sum)
{
	struct block *all = calloc(BENCH_SLOTS, sizeof(*all));
	unsigned int n = 0;

	*sum = 0;
	for (unsigned int i = 0; all && i < BENCH_SLOTS; i++) {
		uint64_t spent = p->counts->slot[i].instructions - p->before[i];

		*sum += spent;
		if (spent)
			all[n++] = (struct block){p->counts->slot[i].address, spent};
	}
	if (!all)
		return 0;
	qsort(all, n, sizeof(*all), by_cost);
	n = n < BLOCKS ? n : BLOCKS;
	memcpy(out, all, n * sizeof(*all));
	free(all);
	qsort(out, n, sizeof(*out), by_address);
	return n;
}

/* "address symbol" lines for the blocks, to be freed; NULL after a complaint. */
static char *look_up(struct lab_guest *g, const struct block *blocks, unsigned int n)
{
	char *out = NULL;
	int ret = lab_sh(g, LOOKUP_TIMEOUT_MS, NULL, ": >/run/blocks");

	/* In pieces, because a request to a domU has at most 3800 bytes. */
	for (unsigned int i = 0; !ret && i < n;) {
		char list[PIECE * 17 + 1], *at = list;

		for (unsigned int end = i + PIECE; i < n && i < end; i++)
			at += sprintf(at, "%016" PRIx64 " ", blocks[i].address);
		ret = lab_sh(g, LOOKUP_TIMEOUT_MS, NULL, "printf '%%s\\n' %s >>/run/blocks", list);
	}
	if (!ret)
		ret = lab_sh(g, LOOKUP_TIMEOUT_MS, &out, "%s /run/blocks /proc/kallsyms", lookup);
	if (ret) {
		report_complain("the guest can't name its functions: %s", out ? out : lab_error());
		free(out);
		return NULL;
	}
	return out;
}

static void add(struct function *functions, unsigned int *n, const char *name,
		uint64_t instructions)
{
	unsigned int i = 0;

	while (i < *n && strcmp(functions[i].name, name) != 0)
		i++;
	if (i == *n) {
		snprintf(functions[i].name, sizeof(functions[i].name), "%s", name);
		(*n)++;
	}
	functions[i].instructions += instructions;
}

/* Names the blocks of Xen; 0, or -1 after a complaint. */
static int name_xen(const struct bench_profile *p, const struct block *blocks, unsigned int n,
		    struct symbol *best)
{
	char line[512], name[NAME_BYTES];
	uint64_t address;
	FILE *from;

	for (unsigned int i = 0; i < n; i++)
		best[i] = (struct symbol){.name = "(Xen)"};
	if (!p->xen_symbols)
		return 0;
	from = fopen(p->xen_symbols, "r");
	if (!from)
		return report_complain("can't read %s: %s", p->xen_symbols, strerror(errno));
	while (fgets(line, sizeof(line), from)) {
		if (sscanf(line, "%" SCNx64 " %*[tTwW] %42s", &address, name + 4) != 2)
			continue;
		memcpy(name, "xen:", 4);
		for (unsigned int i = 0; i < n; i++)
			if (address <= blocks[i].address && address >= best[i].address) {
				best[i].address = address;
				memcpy(best[i].name, name, sizeof(name));
			}
	}
	fclose(from);
	return 0;
}

static unsigned int gather(char *text, const struct block *blocks, const struct symbol *xen,
			   unsigned int n, struct function *functions)
{
	unsigned int count = 0, at = 0;
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line && at < n;
	     line = strtok_r(NULL, "\n", &rest), at++) {
		char name[NAME_BYTES] = "?";
		uint64_t address = 0;

		if (sscanf(line, "%" SCNx64 " %47s", &address, name) < 1 ||
		    address != blocks[at].address)
			break;
		if (bench_is_xen(address))
			memcpy(name, xen[at].name, sizeof(name));
		add(functions, &count, name, blocks[at].instructions);
	}
	qsort(functions, count, sizeof(*functions), by_function_cost);
	return count;
}

int bench_profile_print(const struct bench_profile *p, struct lab_guest *g, const char *title,
			double pages)
{
	static struct function functions[BLOCKS];
	static struct symbol xen[BLOCKS];
	struct block blocks[BLOCKS];
	uint64_t sum, shown = 0;
	unsigned int n = dearest(p, blocks, &sum);
	char *text = n ? look_up(g, blocks, n) : NULL;

	if (!text || name_xen(p, blocks, n, xen)) {
		free(text);
		return n ? -1 : report_complain("nothing to profile");
	}
	memset(functions, 0, sizeof(functions));
	n = gather(text, blocks, xen, n, functions);
	free(text);
	printf("\n%s: guest instructions per page by function\n", title);
	for (unsigned int i = 0; i < n && i < LINES; i++) {
		shown += functions[i].instructions;
		printf("  %10.2f  %s\n", (double)functions[i].instructions / pages,
		       functions[i].name);
	}
	printf("  %10.2f  all others\n  %10.2f  in all\n", (double)(sum - shown) / pages,
	       (double)sum / pages);
	return 0;
}

int bench_begin_profile(struct bench *b)
{
	return b->options.profile ? bench_profile_before(&b->profile) : 0;
}

int bench_end_profile(struct bench *b, enum bench_driver driver, enum bench_move move)
{
	const struct bench_frame *f = b->frame;
	char title[96];

	if (!b->options.profile)
		return 0;
	snprintf(title, sizeof(title), "%s, %s: %s", f->kind.names[b->kind], f->drivers[driver],
		 bench_move_names[move]);
	return bench_profile_print(&b->profile, b->guest, title,
				   (double)b->options.move_mib * LAB_PAGES_PER_MIB);
}
