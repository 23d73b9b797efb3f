/* SPDX-License-Identifier: MIT */
/*
 * shadow.c - which accesses are wrong: races, by happens-before; objects that were freed; frames that have returned.
 *
 * The common accesses are decided in shadow.h. Objects come from an arena in which nothing is used twice in a
 * schedule, so any touch of a freed one is seen. A touch of another fiber's stack below its stack pointer is one of a
 * frame of a function that has returned.
 *
 * The window is at the same place in every process, so that a program whose steps depend on its objects' addresses
 * can be repeated.
 */
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shadow.h"

struct shadow shadow;

enum { OTHERS = 1 << 13, GROUPS = 1 << 17 };

/* Addresses of which neither window nor static data is home: what the program had from elsewhere. */
static struct {
	uintptr_t keys[OTHERS];
	struct unit units[OTHERS];
	unsigned n;
} others;

static uint32_t n_groups; /* of four units for single bytes, of which 0 is none */

static void *reserve(void *at, size_t size)
{
	void *const found =
		mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (found == MAP_FAILED)
		abort();
	return found;
}

static size_t static_units_size(void)
{
	return (shadow.statics_size / 4 + 2) * sizeof(struct unit);
}

static size_t byte_units_size(void)
{
	return (size_t)GROUPS * 4 * sizeof(struct unit);
}

/* All that the program may write, from the first segment to the last. */
static int find_statics(struct dl_phdr_info *info, size_t size, void *unused)
{
	uintptr_t first = UINTPTR_MAX, end = 0;

	(void)size, (void)unused;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *const each = &info->dlpi_phdr[i];
		const uintptr_t at = info->dlpi_addr + each->p_vaddr;

		if (each->p_type != PT_LOAD || !(each->p_flags & PF_W))
			continue;
		first = at < first ? at : first;
		end = at + each->p_memsz > end ? at + each->p_memsz : end;
	}
	shadow.statics = (char *)(first & ~(uintptr_t)15);
	shadow.statics_size = end - (uintptr_t)shadow.statics;
	return 1; /* the program itself comes first */
}

char *shadow_setup(void)
{
	shadow.window = reserve((void *)(uintptr_t)UINT64_C(0x2f0000000000), WINDOW_SIZE);
	shadow.window_units = reserve(NULL, (size_t)WINDOW_SIZE / 4 * sizeof(struct unit));
	shadow.bytes = reserve(NULL, byte_units_size());
	dl_iterate_phdr(find_statics, NULL);
	shadow.static_units = reserve(NULL, static_units_size());
	shadow.saved = reserve(NULL, (shadow.statics_size / 4 + 1) * sizeof(*shadow.saved));
	heap_setup();
	return shadow.window;
}

/*
 * Forgets everything: before times run out, and where too many units were split. With another scenario too, as what
 * was split for its predecessor is slow.
 */
void shadow_begin(const struct weft_explore_scenario *scenario)
{
	static const struct weft_explore_scenario *last;

	if (scenario == last && n_groups < GROUPS / 2 && others.n < OTHERS / 2 && run.origin < INT32_MAX / 2)
		return;
	last = scenario;
	madvise(shadow.window_units, (size_t)WINDOW_SIZE / 4 * sizeof(struct unit), MADV_DONTNEED);
	madvise(shadow.static_units, static_units_size(), MADV_DONTNEED);
	madvise(shadow.bytes, byte_units_size(), MADV_DONTNEED);
	memset(&others, 0, sizeof(others));
	n_groups = 0;
}

struct unit *shadow_elsewhere(uintptr_t address)
{
	const uintptr_t key = address & ~(uintptr_t)3;

	for (unsigned i = (unsigned)(key / 4 * UINT32_C(2654435761)) >> 19;; i = (i + 1) % OTHERS) {
		if (others.keys[i] == key)
			return &others.units[i];
		if (others.keys[i] == 0) {
			if (others.n == OTHERS / 4 * 3)
				return NULL;
			others.n++;
			others.keys[i] = key;
			return &others.units[i];
		}
	}
}

struct unit *shadow_split(struct unit *unit)
{
	struct unit *group;

	if (unit->bytes == 0) {
		if (n_groups == GROUPS - 1)
			weft_explore_fail("limit", "too many accesses of single bytes");
		group = &shadow.bytes[4 * (size_t)++n_groups];
		for (unsigned i = 0; i < 4; i++) {
			group[i] = *unit;
			group[i].cell = 0;
		}
		unit->bytes = n_groups;
	}
	return &shadow.bytes[4 * (size_t)unit->bytes];
}

static bool is_write(enum kind kind)
{
	return kind == WRITE || kind == ATOMIC_WRITE;
}

static bool conflict(enum kind a, enum kind b)
{
	if (a >= ATOMIC_READ && b >= ATOMIC_READ)
		return false;
	return is_write(a) || is_write(b);
}

static _Noreturn void report_race(const struct unit *unit, uintptr_t address, enum kind kind)
{
	static const char *const names[] = { "read", "write", "atomic read", "atomic write" };
	char name[64];

	for (unsigned i = 0; i < run.n_fibers; i++) {
		const int32_t times[] = { unit->reads.of[i], unit->writer == i ? unit->write : 0,
					  unit->atomic_reads.of[i], unit->atomic_writes.of[i] };

		for (enum kind other = 0; other < KINDS; other++)
			if (i != run.self && conflict(kind, other) && times[other] > self()->seen.of[i]) {
				trace_race((void *)address, 1, is_write(kind), kind >= ATOMIC_READ, i,
					   is_write(other), other >= ATOMIC_READ);
				weft_explore_fail("race", "%s by thread %d with %s by thread %d at %s", names[kind],
						  (int)run.self - 1, names[other], (int)i - 1,
						  memory_name((void *)address, name, sizeof(name)));
			}
	}
	abort();
}

static void access_unit(struct unit *unit, uintptr_t address, enum kind kind)
{
	const struct fiber *const me = self();

	if (!unit_is_current(unit, kind, me) && !unit_access(unit, kind, me))
		report_race(unit, address, kind);
}

static void check_races(uintptr_t address, size_t size, enum kind kind)
{
	while (size > 0) {
		const size_t offset = address & 3, part = size < 4 - offset ? size : 4 - offset;
		struct unit *unit = unit_of(address);

		if (unit != NULL && unit->bytes == 0 && part == 4) {
			access_unit(unit, address, kind);
		} else if (unit != NULL) {
			unit = shadow_split(unit);
			for (size_t i = offset; i < offset + part; i++)
				access_unit(&unit[i], address, kind);
		}
		address += part;
		size -= part;
	}
}

static _Noreturn void fail_at(const void *address, const void *pc, bool write, bool atomic, const char *kind)
{
	char name[64];

	self()->last.pc = pc;
	self()->last.address = address;
	weft_explore_fail(kind, "%s%s of %s by thread %d", atomic ? "atomic " : "", write ? "write" : "read",
			  memory_name(address, name, sizeof(name)), (int)run.self - 1);
}

void shadow_check(const void *address, size_t size, bool write, bool atomic, const void *pc)
{
	if (in_arena(address)) {
		const size_t at = (size_t)((const char *)address - shadow.window), end = at + size;

		for (size_t i = at; i < end; i = (i / GRANULE + 1) * GRANULE) {
			const size_t part = end - i / GRANULE * GRANULE;

			if (i >= ARENA_SIZE || shadow.granules[i / GRANULE] < (part < GRANULE ? part : GRANULE))
				fail_at(address, pc, write, atomic,
					memory_is_freed(address) ? "use after free" : "out of bounds");
		}
	} else if (in_window(address) && is_dead_frame(address)) {
		fail_at(address, pc, write, atomic, "dead frame");
	}
	if (run.plan.races && !is_tls(address))
		check_races((uintptr_t)address, size, (atomic ? ATOMIC_READ : READ) + (write ? 1 : 0));
}
