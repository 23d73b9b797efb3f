/* SPDX-License-Identifier: MIT */
/*
 * memory.c - what loads return, and which accesses are wrong.
 *
 * Memory itself always holds the newest value. Beside each atomic word are its last stores; a load may return any
 * that is not older than the newest one that happens before it, and the newest one that its thread, or one that it
 * has heard from, has seen. Release sequences go on through read-modify-writes only, as in C++20. Full barriers
 * exchange views, which bound what may be stale, but do not synchronise. What is not shown: load buffering, and orders
 * of the stores to one word other than that in which the explorer ran them.
 *
 * Objects come from an arena in which nothing is used twice in a schedule, so any touch of a freed one is seen. A
 * touch of another fiber's stack below its stack pointer is one of a function's frame that has returned. Static data
 * is put back after each schedule.
 *
 * Shadow memory is made invalid by the generation number alone.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "run.h"

/* ---- objects ---- */

enum {
	ARENA_SIZE = 64 * 1024,
	GRANULE = 16,
	OBJECTS = 64,
};

enum granule { GRANULE_NONE, GRANULE_LIVE, GRANULE_FREED };

static _Alignas(64) char arena[ARENA_SIZE];
static uint8_t granules[ARENA_SIZE / GRANULE];
static size_t arena_used;
static struct {
	const char *name;
	char *at;
	size_t size;
	bool freed;
} objects[OBJECTS];
static unsigned n_objects;

static bool in_arena(const void *address)
{
	return (size_t)((uintptr_t)address - (uintptr_t)arena) < ARENA_SIZE;
}

void *weft_explore_alloc(size_t size, const char *name)
{
	const size_t room = (size + 2 * GRANULE - 1) / GRANULE * GRANULE; /* a gap behind each */
	char *const at = arena + arena_used;

	if (arena_used + room > ARENA_SIZE || n_objects == OBJECTS)
		weft_explore_fail("limit", "arena full");
	arena_used += room;
	memset(granules + (at - arena) / GRANULE, GRANULE_LIVE, (size + GRANULE - 1) / GRANULE);
	objects[n_objects].name = name;
	objects[n_objects].at = at;
	objects[n_objects].size = size;
	objects[n_objects++].freed = false;
	return at;
}

void weft_explore_free(void *memory)
{
	for (unsigned i = 0; i < n_objects; i++)
		if (objects[i].at == memory && !objects[i].freed) {
			point(OP_FREE, memory, __builtin_return_address(0));
			trace_step(&self()->last);
			memory_plain(memory, objects[i].size, true, __builtin_return_address(0));
			memset(memory, 0xdb, objects[i].size);
			memset(granules + ((char *)memory - arena) / GRANULE, GRANULE_FREED,
			       (objects[i].size + GRANULE - 1) / GRANULE);
			objects[i].freed = true;
			return;
		}
	weft_explore_fail("free", "not an object, or freed before");
}

const char *memory_name(const void *address, char *buf, size_t size)
{
	unsigned fiber;

	snprintf(buf, size, "%p", address);
	if (address == NULL)
		snprintf(buf, size, "-");
	if (fiber_stack_of(address, &fiber))
		snprintf(buf, size, "stack%u-%zu", fiber,
			 STACK_SIZE - (size_t)((uintptr_t)address & (STACK_SIZE - 1)));
	for (unsigned i = 0; i < n_objects; i++)
		if ((size_t)((uintptr_t)address - (uintptr_t)objects[i].at) < objects[i].size)
			snprintf(buf, size, "%s+%zu", objects[i].name,
				 (size_t)((const char *)address - objects[i].at));
	return buf;
}

void memory_print_objects(FILE *out)
{
	for (unsigned i = 0; i < n_objects; i++) {
		fprintf(out, "  %-12s%s", objects[i].name, objects[i].freed ? " (freed)" : "");
		for (size_t at = 0; at + 4 <= objects[i].size && at < 96; at += 4) {
			uint32_t word;

			memcpy(&word, objects[i].at + at, sizeof(word));
			fprintf(out, " %x", word);
		}
		fprintf(out, "\n");
	}
}

/* ---- static data: put back after each schedule ---- */

extern char __data_start[], _end[];

enum { UNDO_MAX = 4096 };

static struct {
	void *at;
	uint64_t old;
	uint8_t size;
} undo[UNDO_MAX];
static unsigned n_undo;

static bool is_static(const void *address)
{
	return (size_t)((uintptr_t)address - (uintptr_t)__data_start) < (size_t)(_end - __data_start) &&
	       !in_arena(address);
}

static void remember_static(void *address, size_t size)
{
	while (size > 0 && is_static(address)) {
		const size_t part = size < 8 ? size : 8;

		if (n_undo == UNDO_MAX)
			weft_explore_fail("limit", "too many writes to static data");
		undo[n_undo].at = address;
		undo[n_undo].size = (uint8_t)part;
		memcpy(&undo[n_undo++].old, address, part);
		address = (char *)address + part;
		size -= part;
	}
}

/* ---- races: the last accesses of each fiber to each eight bytes ---- */

enum kind { READ, WRITE, ATOMIC_READ, ATOMIC_WRITE, KINDS };

enum { SHADOWS = 1 << 12, CELLS = 1 << 9 };

struct shadow {
	uintptr_t key;
	uint32_t generation;
	uint32_t when[KINDS][FIBERS];
	uint8_t bytes[KINDS][FIBERS];
};

static struct shadow shadows[SHADOWS];

static struct shadow *shadow_of(uintptr_t key)
{
	for (unsigned i = (unsigned)(key * UINT32_C(2654435761)) >> 20;; i++) {
		struct shadow *const each = &shadows[i % SHADOWS];

		if (each->generation == run.generation && each->key == key)
			return each;
		if (each->generation != run.generation) {
			memset(each, 0, sizeof(*each));
			each->key = key;
			each->generation = run.generation;
			return each;
		}
	}
}

static bool conflict(enum kind a, enum kind b)
{
	if (a >= ATOMIC_READ && b >= ATOMIC_READ)
		return false;
	return a == WRITE || a == ATOMIC_WRITE || b == WRITE || b == ATOMIC_WRITE;
}

static void check_race(const void *address, size_t size, enum kind kind)
{
	static const char *const names[] = { "read", "write", "atomic read", "atomic write" };
	struct fiber *const me = self();
	uintptr_t at = (uintptr_t)address;

	while (size > 0) {
		const size_t offset = at & 7, part = size < 8 - offset ? size : 8 - offset;
		const uint8_t bytes = (uint8_t)(((1u << part) - 1) << offset);
		struct shadow *const shadow = shadow_of(at >> 3);

		for (unsigned i = 0; i < run.n_fibers; i++)
			for (enum kind other = 0; other < KINDS; other++)
				if (i != run.self && shadow->bytes[other][i] & bytes && conflict(kind, other) &&
				    shadow->when[other][i] > me->seen.of[i]) {
					char name[64];

					weft_explore_fail("race", "%s by thread %d with %s by thread %d at %s",
							  names[kind], (int)run.self - 1, names[other], (int)i - 1,
							  memory_name((void *)at, name, sizeof(name)));
				}
		if (shadow->when[kind][run.self] != me->seen.of[run.self])
			shadow->bytes[kind][run.self] = 0;
		shadow->when[kind][run.self] = me->seen.of[run.self];
		shadow->bytes[kind][run.self] |= bytes;
		at += part;
		size -= part;
	}
}

void memory_check(const void *address, size_t size, bool write, bool atomic, const void *pc)
{
	char name[64];
	unsigned fiber;

	if (in_arena(address)) {
		for (size_t at = (size_t)((const char *)address - arena) / GRANULE;
		     at <= (size_t)((const char *)address - arena + (ptrdiff_t)size - 1) / GRANULE; at++)
			if (granules[at] != GRANULE_LIVE) {
				self()->last.pc = pc;
				self()->last.address = address;
				weft_explore_fail("use after free", "%s%s of %s by thread %d",
						  atomic ? "atomic " : "", write ? "write" : "read",
						  memory_name(address, name, sizeof(name)), (int)run.self - 1);
			}
	} else if (fiber_stack_of(address, &fiber)) {
		if (fiber != run.self && fiber_frame_is_dead(fiber, address)) {
			self()->last.pc = pc;
			self()->last.address = address;
			weft_explore_fail("dead frame", "%s%s of thread %d's stack by thread %d",
					  atomic ? "atomic " : "", write ? "write" : "read", (int)fiber - 1,
					  (int)run.self - 1);
		}
	}
	if (run.plan.races && !fiber_is_tls(address))
		check_race(address, size, (atomic ? ATOMIC_READ : READ) + (write ? 1 : 0));
}

/* ---- stores of atomic words ---- */

enum { HISTORY = 8, SIGHTS = 4, STALE_IN_A_ROW = 3 };

struct store {
	uint64_t value;
	unsigned writer;
	uint32_t when; /* by the writer's clock; 0: was there from the start */
	bool releases;
	struct clock release, release_view;
};

struct sight {
	uint32_t when;
	uint32_t store;
};

struct cell {
	uintptr_t key;
	uint32_t generation;
	bool fresh; /* no store yet; the next access starts with what memory holds */
	uint32_t n; /* stores so far; store i is in ring[i % HISTORY] */
	struct store ring[HISTORY];
	struct sight sights[FIBERS][SIGHTS]; /* newest first */
	uint8_t stale[FIBERS];
};

static struct cell cells[CELLS];

static struct cell *find_cell(uintptr_t key, bool make)
{
	for (unsigned i = (unsigned)(key * UINT32_C(2654435761)) >> 23;; i++) {
		struct cell *const each = &cells[i % CELLS];

		if (each->generation == run.generation && each->key == key)
			return each;
		if (each->generation != run.generation) {
			if (!make)
				return NULL;
			each->key = key;
			each->generation = run.generation;
			each->fresh = true;
			return each;
		}
	}
}

static uint64_t native_load(const void *address, unsigned size)
{
	switch (size) {
	case 1:
		return *(const uint8_t *)address;
	case 2:
		return *(const uint16_t *)address;
	case 4:
		return *(const uint32_t *)address;
	default:
		return *(const uint64_t *)address;
	}
}

static void native_store(void *address, unsigned size, uint64_t value)
{
	switch (size) {
	case 1:
		*(uint8_t *)address = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)address = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)address = (uint32_t)value;
		break;
	default:
		*(uint64_t *)address = value;
	}
}

static struct cell *cell_of(const void *address, unsigned size)
{
	struct cell *const cell = find_cell((uintptr_t)address, true);

	if (cell->fresh) {
		cell->fresh = false;
		cell->n = 1;
		cell->ring[0].value = native_load(address, size);
		cell->ring[0].when = 0;
		cell->ring[0].writer = 0;
		cell->ring[0].releases = false;
		memset(cell->sights, 0, sizeof(cell->sights));
		memset(cell->stale, 0, sizeof(cell->stale));
	}
	return cell;
}

static bool acquires(int order)
{
	return order == memory_order_acquire || order == memory_order_consume || order == memory_order_acq_rel ||
	       order == memory_order_seq_cst;
}

static bool releases(int order)
{
	return order == memory_order_release || order == memory_order_acq_rel || order == memory_order_seq_cst;
}

static struct store *newest(struct cell *cell)
{
	return &cell->ring[(cell->n - 1) % HISTORY];
}

/* The oldest store that a load by the running fiber may return. */
static uint32_t oldest_visible(const struct cell *cell)
{
	const struct clock *const view = &self()->view;
	uint32_t floor = cell->n > HISTORY ? cell->n - HISTORY : 0;

	for (uint32_t i = cell->n; i-- > floor;) {
		const struct store *const store = &cell->ring[i % HISTORY];

		if (store->when <= view->of[store->writer])
			floor = i;
	}
	for (unsigned fiber = 0; fiber < run.n_fibers; fiber++)
		for (unsigned i = 0; i < SIGHTS; i++) {
			const struct sight *const sight = &cell->sights[fiber][i];

			if (sight->when != 0 && sight->when <= view->of[fiber] && sight->store > floor)
				floor = sight->store;
		}
	return floor;
}

/* Where there is no more room, the oldest sight counts as one of what the next saw: stricter, so no false alarm. */
static void note_sight(struct cell *cell, uint32_t store)
{
	struct sight *const sights = cell->sights[run.self];
	const uint32_t when = self()->view.of[run.self];

	if (sights[0].when != 0 && sights[0].store == store)
		return;
	if (sights[SIGHTS - 1].when != 0)
		sights[SIGHTS - 2].when = sights[SIGHTS - 1].when;
	memmove(sights + 1, sights, (SIGHTS - 1) * sizeof(*sights));
	sights[0] = (struct sight){ when, store };
}

static uint32_t choose_store(struct cell *cell)
{
	struct fiber *const me = self();
	const uint32_t floor = oldest_visible(cell);
	uint32_t store = cell->n - 1;

	if (floor < store && !me->fresh && cell->stale[run.self] < STALE_IN_A_ROW)
		store -= choose(CHOICE_STALE, store - floor + 1, run.plan.stale);
	cell->stale[run.self] = store < cell->n - 1 ? (uint8_t)(cell->stale[run.self] + 1) : 0;
	me->last.stale = (int)(cell->n - 1 - store);
	return store;
}

static void see(struct cell *cell, uint32_t number, int order)
{
	const struct store *const store = &cell->ring[number % HISTORY];
	struct fiber *const me = self();

	note_sight(cell, number);
	if (!store->releases)
		return;
	if (acquires(order)) {
		clock_join(&me->seen, &store->release);
		clock_join(&me->view, &store->release_view);
	} else {
		clock_join(&me->fence_acquire, &store->release);
		clock_join(&me->fence_acquire_view, &store->release_view);
	}
}

static void tick(void)
{
	struct fiber *const me = self();

	me->seen.of[run.self]++;
	me->view.of[run.self] = me->seen.of[run.self];
}

/* @continued: a read-modify-write, which goes on with the release sequence of what it replaces. */
static void add_store(struct cell *cell, uint64_t value, int order, bool continued)
{
	const struct store before = *newest(cell);
	struct fiber *const me = self();
	struct store *const store = &cell->ring[cell->n % HISTORY];

	store->value = value;
	store->writer = run.self;
	store->when = me->view.of[run.self];
	store->release = releases(order) ? me->seen : me->fence_release;
	store->release_view = releases(order) ? me->view : me->fence_release_view;
	store->releases = true;
	if (continued && before.releases) {
		clock_join(&store->release, &before.release);
		clock_join(&store->release_view, &before.release_view);
	}
	note_sight(cell, cell->n++);
}

static void sequential(int order)
{
	if (order == memory_order_seq_cst)
		memory_full_barrier();
}

void memory_full_barrier(void)
{
	clock_join(&self()->view, &run.barrier);
	clock_join(&run.barrier, &self()->view);
	tick();
}

static void done(int order, uint64_t before, uint64_t after, int64_t result)
{
	struct step *const last = &self()->last;

	self()->fresh = false;
	last->order = order;
	last->before = before;
	last->after = after;
	last->result = result;
	trace_step(last);
	tick();
}

uint64_t memory_load(void *address, unsigned size, int order, const void *pc)
{
	struct cell *cell;
	uint64_t value;
	uint32_t store;

	if (!run.active)
		return native_load(address, size);
	point(OP_LOAD, address, pc);
	memory_check(address, size, false, true, pc);
	sequential(order);
	if (run.plan.stale != 0 || run.plan.races) {
		cell = cell_of(address, size);
		store = choose_store(cell);
		see(cell, store, order);
		value = cell->ring[store % HISTORY].value;
	} else {
		value = native_load(address, size);
	}
	done(order, value, value, 0);
	return value;
}

void memory_store(void *address, unsigned size, uint64_t value, int order, const void *pc)
{
	if (!run.active) {
		native_store(address, size, value);
		return;
	}
	point(OP_STORE, address, pc);
	memory_check(address, size, true, true, pc);
	sequential(order);
	remember_static(address, size);
	const uint64_t before = native_load(address, size);

	if (run.plan.stale != 0 || run.plan.races)
		add_store(cell_of(address, size), value, order, false);
	native_store(address, size, value);
	done(order, before, native_load(address, size), 0);
}

uint64_t memory_rmw(void *address, unsigned size, int order, uint64_t (*change)(uint64_t, uint64_t), uint64_t operand,
		    const void *pc)
{
	const uint64_t idle = run.active ? 0 : native_load(address, size);

	if (!run.active) {
		native_store(address, size, change(idle, operand));
		return idle;
	}
	point(OP_RMW, address, pc);
	memory_check(address, size, true, true, pc);
	sequential(order);
	remember_static(address, size);
	const uint64_t before = native_load(address, size);

	const uint64_t after = change(before, operand) & UINT64_MAX >> (64 - 8 * size);

	if (run.plan.stale != 0 || run.plan.races) {
		struct cell *const cell = cell_of(address, size);

		see(cell, cell->n - 1, order);
		add_store(cell, after, order, true);
	}
	native_store(address, size, after);
	done(order, before, after, 0);
	return before;
}

uint64_t memory_cas(void *address, unsigned size, uint64_t expected, uint64_t desired, int order, int failure_order,
		    const void *pc)
{
	uint64_t value;

	if (!run.active) {
		value = native_load(address, size);
		if (value == expected)
			native_store(address, size, desired);
		return value;
	}
	point(OP_CAS, address, pc);
	memory_check(address, size, true, true, pc);
	sequential(order);
	value = native_load(address, size);
	if (run.plan.stale != 0 || run.plan.races) {
		struct cell *const cell = cell_of(address, size);
		uint32_t store = choose_store(cell);

		if (cell->ring[store % HISTORY].value == expected)
			store = cell->n - 1; /* to succeed it must be the newest */
		value = cell->ring[store % HISTORY].value;
		self()->last.stale = (int)(cell->n - 1 - store);
		see(cell, store, value == expected ? order : failure_order);
		if (value == expected)
			add_store(cell, desired, order, true);
	}
	if (value == expected) {
		remember_static(address, size);
		native_store(address, size, desired);
	}
	done(order, value, value == expected ? desired : value, value == expected);
	return value;
}

void memory_fence(int order)
{
	struct fiber *const me = self();

	if (!run.active)
		return;
	point(OP_FENCE, NULL, NULL);
	if (acquires(order)) {
		clock_join(&me->seen, &me->fence_acquire);
		clock_join(&me->view, &me->fence_acquire_view);
	}
	sequential(order);
	if (releases(order)) {
		me->fence_release = me->seen;
		me->fence_release_view = me->view;
	}
	done(order, 0, 0, 0);
}

void memory_plain(void *address, size_t size, bool write, const void *pc)
{
	if (!run.active || size == 0)
		return;
	if (run.plan.plain_points && !fiber_is_tls(address)) {
		point(write ? OP_WRITE : OP_READ, address, pc);
		trace_step(&self()->last);
	}
	memory_check(address, size, write, false, pc);
	if (!write)
		return;
	remember_static(address, size);
	if (run.plan.stale == 0 && !run.plan.races)
		return;
	for (uintptr_t at = (uintptr_t)address & ~(uintptr_t)3; at < (uintptr_t)address + size; at += 4) {
		struct cell *const cell = find_cell(at, false);

		if (cell != NULL)
			cell->fresh = true;
	}
}

uint32_t memory_peek(const void *address)
{
	memory_check(address, 4, false, true, self()->last.pc);
	return *(const uint32_t *)address;
}

/* ---- a schedule ---- */

void memory_begin(void)
{
	memset(arena, 0, arena_used);
	memset(granules, GRANULE_NONE, arena_used / GRANULE);
	arena_used = 0;
	n_objects = 0;
	n_undo = 0;
}

void memory_end(void)
{
	while (n_undo-- > 0)
		memcpy(undo[n_undo].at, &undo[n_undo].old, undo[n_undo].size);
	n_undo = 0;
}
