/* SPDX-License-Identifier: MIT */
/*
 * memory.c - what loads return. Which accesses are wrong is in shadow.c.
 *
 * Memory itself always holds the newest value. Beside each atomic word are its last stores, in the order in which
 * they ran, which is its modification order; a load may return any that is not older than
 *	- the newest one that happens before it,
 *	- the newest one that its thread, or one that it has heard from, has read: a load leaves a sight;
 *	- where full barriers are between: the newest that came before such a barrier, and that was visible there.
 * The last is why each fiber has two clocks: what it has seen, by synchronisation, which is what races are held
 * against; and its view, to which barriers add what others had in view at theirs. Barriers do not synchronise.
 * Read-modify-writes return the newest store and go on with the release sequence that it belongs to, also if they
 * are relaxed; stores of whatever thread do not (C++20's rule). A failed compare-exchange is a load.
 *
 * Full barriers are seq_cst fences, and what the kernel has at a futex wait and wake. A seq_cst access is none: only
 * seq_cst accesses must agree on one order, and an ordinary store before it may still be in the store buffer (so it
 * is on x86, where such a load is a plain one). C++20 asks that if A comes before B in the order of one word, by
 * happens before or in the program, and both are seq_cst, then A comes before B in S, which is acyclic. So run.sequential
 * has what was in view of the threads that made seq_cst accesses, each time without the access itself; a seq_cst
 * load returns nothing older than a store in it that a seq_cst access wrote or read (touched), nor than what came
 * before a barrier. An access joins S that late in order not to be before all that follow: a load may be stale where
 * the other thread has made no seq_cst access since. Why no cycle is possible: each step back in the order of
 * execution is from a load to a store that it missed, so to an access whose thread made its next one later than that
 * load; and what leads on from there leads through that next one, or through one that had both in view.
 * Barriers take what is in run.sequential as if all of it had come before a barrier, which is stricter than C++20.
 *
 * A word that is written plainly starts anew, as such a write must not race with anything. Where words of two sizes
 * overlap, which C has no name for, each access of another size starts anew too, with what was released before.
 *
 * What is not shown: load buffering, and orders of the stores to one word other than that in which the explorer ran
 * them (2+2W). A load may be stale STALE_IN_A_ROW times, by HISTORY stores, so that loops end.
 *
 * Nothing is cleared between schedules: words of this schedule are numbered from 1,
 * and a number that an earlier schedule left in a unit leads to a word with another address.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "shadow.h"

/* ---- stores of atomic words ---- */

enum { CELLS = 1 << 13, HISTORY = 8, SIGHTS = 4, STALE_IN_A_ROW = 3 };

#define NONE UINT32_MAX
#define NEVER INT32_MAX

struct store {
	struct clock release, release_view;
	struct clock touched; /* when a seq_cst access of each fiber first wrote or read it; NEVER */
	uint64_t value;
	int32_t when; /* by the writer's clock; 0: was there from the start */
	uint32_t writer;
	bool releases;
};

struct sight {
	int32_t when;
	uint32_t store;
};

/* The stores of one word. Each fiber's newest sight is apart: whether one of them is known, two comparisons say. */
struct cell {
	struct clock sighted;	/* when, if it has */
	uint32_t sight[FIBERS]; /* NONE: it has seen no store */
	uintptr_t key;
	uint8_t size;
	bool fresh; /* no store yet; the next access starts with what memory holds */
	uint32_t n; /* stores so far; store i is in ring[i % HISTORY] */
	uint8_t stale[FIBERS];
	uint8_t n_older[FIBERS];
	struct sight older[FIBERS][SIGHTS - 1]; /* newest first */
	struct store ring[HISTORY];
};

static struct cell cells[CELLS]; /* of this schedule; 0 is none */
static uint32_t n_cells = 1;

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

static inline void untouched(struct store *store)
{
	lanes *const touched = (lanes *)store->touched.of;

	touched[0] = touched[1] = (lanes){ NEVER, NEVER, NEVER, NEVER };
}

static void start_cell(struct cell *cell, const void *address, unsigned size)
{
	cell->fresh = false;
	cell->n = 1;
	cell->ring[0].value = native_load(address, size);
	cell->ring[0].when = 0;
	cell->ring[0].writer = 0;
	cell->ring[0].releases = false;
	untouched(&cell->ring[0]);
	memset(cell->sight, 0xff, sizeof(cell->sight));
	memset(cell->stale, 0, sizeof(cell->stale));
	memset(cell->n_older, 0, sizeof(cell->n_older));
}

static bool has_cell(const struct unit *unit)
{
	return unit->atomic == run.origin && unit->cell < n_cells;
}

/* Words of two sizes at one place: the newer one goes on with what the older one's last store released. */
static void take_over(struct unit *unit, uint32_t number)
{
	struct cell *const cell = &cells[number], *const old = &cells[unit->cell];
	struct store *const first = &cell->ring[0];

	if (has_cell(unit) && old != cell && !old->fresh && old->key < cell->key + cell->size &&
	    cell->key < old->key + old->size) {
		const struct store *const last = &old->ring[(old->n - 1) % HISTORY];

		if (last->releases && first->releases) {
			clock_join(&first->release, &last->release);
			clock_join(&first->release_view, &last->release_view);
		} else if (last->releases) {
			first->release = last->release;
			first->release_view = last->release_view;
			first->releases = true;
		}
		old->key = 0;
	}
	unit->cell = number;
	unit->atomic = run.origin;
}

static struct cell *new_cell(const void *address, unsigned size)
{
	const uintptr_t at = (uintptr_t)address, word = at & ~(uintptr_t)3;
	const uint32_t number = n_cells++;
	struct cell *const cell = &cells[number];

	if (number == CELLS)
		weft_explore_fail("limit", "too many atomic words");
	cell->key = at;
	cell->size = (uint8_t)size;
	start_cell(cell, address, size);
	for (uintptr_t each = word; each < at + size; each += 4) {
		struct unit *const unit = unit_of(each);

		if (unit == NULL)
			continue;
		take_over(unit, number);
		for (uintptr_t i = 0; i < 4 && unit->bytes != 0; i++)
			if (each + i >= at && each + i < at + size)
				take_over(&shadow.bytes[4 * (size_t)unit->bytes + i], number);
	}
	return cell;
}

/* Return: NULL: every load finds the newest value. */
static __attribute__((__noinline__)) struct cell *cell_of(const void *address, unsigned size)
{
	struct unit *unit;
	struct cell *cell;

	if (run.plan.stale == 0 && !run.plan.races)
		return NULL;
	if (!in_window(address) && is_tls(address))
		return NULL;
	unit = unit_of((uintptr_t)address);
	if (unit == NULL)
		return NULL;
	if (size < 4)
		unit = shadow_split(unit) + ((uintptr_t)address & 3);
	cell = &cells[unit->cell < n_cells ? unit->cell : 0];
	if (cell->key != (uintptr_t)address || cell->size != size)
		return new_cell(address, size);
	if (cell->fresh)
		start_cell(cell, address, size);
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

static inline bool any(lanes a, lanes b)
{
	const wide_lanes both = (wide_lanes)(a | b);

	return (both[0] | both[1]) != 0;
}

/* Whether a seq_cst access to it came before a seq_cst access so far. */
static bool is_sequential(const struct store *store)
{
	const lanes *const touched = (const lanes *)store->touched.of;
	const lanes *const before = (const lanes *)run.sequential.of;

	return any(touched[0] <= before[0], touched[1] <= before[1]);
}

/* Whether with this view nothing older than the newest store may be read. */
static inline bool knows_newest(struct cell *cell, const struct clock *view)
{
	const struct store *const store = newest(cell);
	const lanes *const sights = (const lanes *)cell->sight, *const sighted = (const lanes *)cell->sighted.of;
	const lanes *const known = (const lanes *)view->of;
	const lanes last = (lanes){ 0 } + (int32_t)(cell->n - 1);

	if (cell->sight[run.self] == cell->n - 1 || store->when <= view->of[store->writer])
		return true;
	return any((sights[0] == last) & (sighted[0] <= known[0]), (sights[1] == last) & (sighted[1] <= known[1]));
}

/* The oldest store that a load with this view may return. */
static uint32_t oldest_visible(const struct cell *cell, const struct clock *view, bool sequential)
{
	uint32_t floor = cell->n > HISTORY ? cell->n - HISTORY : 0;

	for (uint32_t i = cell->n; i-- > floor;) {
		const struct store *const store = &cell->ring[i % HISTORY];

		if (store->when <= view->of[store->writer] || (sequential && is_sequential(store)))
			floor = i;
	}
	for (unsigned fiber = 0; fiber < run.n_fibers; fiber++) {
		if (cell->sight[fiber] == NONE)
			continue;
		if (cell->sighted.of[fiber] <= view->of[fiber] && cell->sight[fiber] > floor)
			floor = cell->sight[fiber];
		for (unsigned i = 0; i < cell->n_older[fiber]; i++) {
			const struct sight *const sight = &cell->older[fiber][i];

			if (sight->when <= view->of[fiber] && sight->store > floor)
				floor = sight->store;
		}
	}
	return floor;
}

/* Where there is no more room, the oldest sight counts as one of what the next saw: stricter, so no false alarm. */
static inline void note_sight(struct cell *cell, uint32_t store)
{
	const unsigned me = run.self;
	struct sight *const older = cell->older[me];

	if (cell->sight[me] == store)
		return;
	if (cell->sight[me] != NONE) {
		if (cell->n_older[me] == SIGHTS - 1)
			older[SIGHTS - 3].when = older[SIGHTS - 2].when;
		else
			cell->n_older[me]++;
		memmove(older + 1, older, (SIGHTS - 2) * sizeof(*older));
		older[0] = (struct sight){ cell->sighted.of[me], cell->sight[me] };
	}
	cell->sighted.of[me] = self()->view.of[me];
	cell->sight[me] = store;
}

static uint32_t choose_older(struct cell *cell, int order)
{
	const bool sequential = order == memory_order_seq_cst;
	struct clock view = self()->view;

	if (sequential)
		clock_join(&view, &run.barrier);
	return choose(CHOICE_STALE, cell->n - oldest_visible(cell, &view, sequential), run.plan.stale);
}

static inline uint32_t choose_store(struct cell *cell, int order)
{
	struct fiber *const me = self();
	uint32_t store = cell->n - 1;

	/* A schedule that is given may have what its plan would not choose. */
	if ((run.plan.stale != 0 || run.plan.strategy == STRATEGY_GIVEN) && !knows_newest(cell, &me->view) &&
	    !me->fresh && cell->stale[run.self] < STALE_IN_A_ROW)
		store -= choose_older(cell, order);
	cell->stale[run.self] = store < cell->n - 1 ? (uint8_t)(cell->stale[run.self] + 1) : 0;
	me->last.stale = (int)(cell->n - 1 - store);
	return store;
}

static inline void note_sequential(struct store *store, int order)
{
	if (order == memory_order_seq_cst && store->touched.of[run.self] == NEVER)
		store->touched.of[run.self] = self()->view.of[run.self];
}

static inline void see(struct cell *cell, uint32_t number, int order)
{
	struct store *const store = &cell->ring[number % HISTORY];
	struct fiber *const me = self();

	note_sight(cell, number);
	note_sequential(store, order);
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

static inline void tick(void)
{
	clock_tick(self(), run.self);
}

/* @continued: a read-modify-write, which goes on with the release sequence of what it replaces. */
static inline void add_store(struct cell *cell, uint64_t value, int order, bool continued)
{
	const struct store *const before = newest(cell);
	struct fiber *const me = self();
	struct store *const store = &cell->ring[cell->n % HISTORY];

	store->value = value;
	store->writer = run.self;
	store->when = me->view.of[run.self];
	store->release = releases(order) ? me->seen : me->fence_release;
	store->release_view = releases(order) ? me->view : me->fence_release_view;
	store->releases = true;
	untouched(store);
	note_sequential(store, order);
	if (continued && before->releases) {
		clock_join(&store->release, &before->release);
		clock_join(&store->release_view, &before->release_view);
	}
	note_sight(cell, cell->n++);
}

/* After a seq_cst access: it stands for what came before it, but not yet for itself. */
static __attribute__((__noinline__)) void join_sequential(void)
{
	struct clock before = self()->view;

	touch_barrier();
	before.of[run.self]--;
	clock_join(&run.sequential, &before);
}

static inline void sequential(int order)
{
	if (__builtin_expect(order == memory_order_seq_cst, 0))
		join_sequential();
}

void memory_full_barrier(void)
{
	struct fiber *const me = self();

	touch_barrier();
	clock_join(&me->view, &run.barrier);
	clock_join(&me->view, &run.sequential);
	clock_join(&run.barrier, &me->view);
	tick();
}

static inline void done(int order, uint64_t before, uint64_t after, int64_t result)
{
	struct step *const last = &self()->last;

	sequential(order);
	self()->fresh = false;
	last->order = order;
	last->before = before;
	last->after = after;
	last->result = result;
	trace_step(last);
	tick();
}

/* Checks an access. Return: as cell_of(). */
static inline struct cell *access_cell(const void *address, unsigned size, bool write, const void *pc)
{
	struct unit *const unit = simple_unit(address, size);

	if (unit != NULL && units_access(unit, size, write ? ATOMIC_WRITE : ATOMIC_READ, self())) {
		struct cell *const cell = &cells[unit->cell];

		if (unit->cell < n_cells && cell->key == (uintptr_t)address && cell->size == size && !cell->fresh)
			return cell;
	} else {
		shadow_check(address, size, write, true, pc);
	}
	return cell_of(address, size);
}

uint64_t memory_load(void *address, unsigned size, int order, const void *pc)
{
	struct cell *cell;
	uint64_t value;
	uint32_t store;

	if (!run.active)
		return native_load(address, size);
	point(OP_LOAD, address, pc);
	touch_memory(address, size, false);
	cell = access_cell(address, size, false, pc);
	if (cell != NULL) {
		store = choose_store(cell, order);
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
	struct cell *cell;
	uint64_t before;

	if (!run.active) {
		native_store(address, size, value);
		return;
	}
	point(OP_STORE, address, pc);
	touch_memory(address, size, true);
	cell = access_cell(address, size, true, pc);
	remember_static(address, size);
	before = native_load(address, size);
	if (cell != NULL)
		add_store(cell, value, order, false);
	native_store(address, size, value);
	done(order, before, native_load(address, size), 0);
}

uint64_t memory_rmw(void *address, unsigned size, int order, uint64_t (*change)(uint64_t, uint64_t), uint64_t operand,
		    const void *pc)
{
	struct cell *cell;
	uint64_t before, after;

	if (!run.active) {
		before = native_load(address, size);
		native_store(address, size, change(before, operand));
		return before;
	}
	point(OP_RMW, address, pc);
	touch_memory(address, size, true);
	cell = access_cell(address, size, true, pc);
	remember_static(address, size);
	before = native_load(address, size);
	after = change(before, operand) & UINT64_MAX >> (64 - 8 * size);
	if (cell != NULL) {
		see(cell, cell->n - 1, order);
		add_store(cell, after, order, true);
	}
	native_store(address, size, after);
	done(order, before, after, 0);
	return before;
}

/*
 * One that fails is a load, with the order that the caller gave for that. An older store with the expected value
 * does not make it fail; to succeed it must find the value in the newest.
 */
uint64_t memory_cas(void *address, unsigned size, uint64_t expected, uint64_t desired, int order, int failure_order,
		    const void *pc)
{
	struct cell *cell;
	uint64_t value;
	bool same;

	if (!run.active) {
		value = native_load(address, size);
		if (value == expected)
			native_store(address, size, desired);
		return value;
	}
	point(OP_CAS, address, pc);
	cell = access_cell(address, size, true, pc);
	value = native_load(address, size);
	same = value == expected;
	if (cell != NULL) {
		uint32_t store = choose_store(cell, failure_order);

		if (cell->ring[store % HISTORY].value == expected)
			store = cell->n - 1;
		value = cell->ring[store % HISTORY].value;
		same = value == expected;
		self()->last.stale = (int)(cell->n - 1 - store);
		see(cell, store, same ? order : failure_order);
		if (same)
			add_store(cell, desired, order, true);
	}
	if (same) {
		remember_static(address, size);
		native_store(address, size, desired);
	}
	touch_memory(address, size, same);
	done(same ? order : failure_order, value, same ? desired : value, same);
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
	if (order == memory_order_seq_cst)
		memory_full_barrier();
	if (releases(order)) {
		me->fence_release = me->seen;
		me->fence_release_view = me->view;
	}
	done(order, 0, 0, 0);
}

/* What is written over by a plain write starts anew. */
static void forget_stores(const struct unit *unit)
{
	if (unit == NULL)
		return;
	if (has_cell(unit))
		cells[unit->cell].fresh = true;
	if (unit->bytes != 0)
		for (unsigned i = 0; i < 4; i++)
			forget_stores(&shadow.bytes[4 * (size_t)unit->bytes + i]);
}

void memory_plain(void *address, size_t size, bool write, const void *pc)
{
	if (!run.active || size == 0)
		return;
	if (run.plan.plain_points && !is_tls(address)) {
		point(write ? OP_WRITE : OP_READ, address, pc);
		trace_step(&self()->last);
	}
	if (run.tracing)
		trace_access(address, size, write, pc);
	touch_memory(address, size, write);
	shadow_check(address, size, write, false, pc);
	if (!write)
		return;
	remember_static(address, size);
	for (uintptr_t at = (uintptr_t)address & ~(uintptr_t)3; at < (uintptr_t)address + size; at += 4)
		forget_stores(unit_of(at));
}

uint32_t memory_peek(const void *address)
{
	struct unit *const unit = simple_unit(address, 4);

	touch_memory(address, 4, false);
	if (unit == NULL || !unit_access(unit, ATOMIC_READ, self()))
		shadow_check(address, 4, false, true, self()->last.pc);
	return *(const uint32_t *)address;
}

/* ---- a schedule ---- */

void memory_origin(const struct weft_explore_scenario *scenario)
{
	for (unsigned i = 0; i < FIBERS; i++)
		if (run.origin < run.fibers[i].seen.of[i])
			run.origin = run.fibers[i].seen.of[i];
	shadow_begin(scenario);
	if (run.origin < INT32_MAX / 2)
		return;
	run.origin = 0;
	memset(cells, 0, sizeof(cells));
	memset(&run.barrier, 0, sizeof(run.barrier));
	memset(&run.sequential, 0, sizeof(run.sequential));
	memset(run.counter_seen, 0, sizeof(run.counter_seen));
	memset(run.counter_view, 0, sizeof(run.counter_view));
}

void memory_begin(void)
{
	n_cells = 1;
	heap_begin();
}

void memory_end(void)
{
	statics_restore();
}
