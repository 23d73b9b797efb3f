/* SPDX-License-Identifier: MIT */
/*
 * shadow.h - where the program's memory is, and what is known of each four bytes of it.
 *
 * Objects and stacks come from one range, the window, and so their units are found by a subtraction; those of static
 * data too; all else goes through a hash table. A unit of which less than the whole was once accessed is replaced by
 * four units of a byte each, for good.
 *
 * Nothing here is cleared between schedules: a time that an earlier schedule left behind is not later than
 * run.origin, from which all clocks of this one start, and so happens before everything.
 *
 * Plain writes that do not race are in one order, so the last of them stands for all. The other kinds need a time for
 * each fiber.
 */
#ifndef EXPLORE_SHADOW_H
#define EXPLORE_SHADOW_H

#include <stddef.h>

#include "run.h"

enum {
	ARENA_SIZE = 1 << 20,
	WINDOW_SIZE = ARENA_SIZE + FIBERS * STACK_SIZE,
	GRANULE = 16,
};

enum kind { READ, WRITE, ATOMIC_READ, ATOMIC_WRITE, KINDS };

/* The first half is all that plain data needs. */
struct unit {
	_Alignas(64) struct clock reads;
	int32_t write;	 /* when it was last written */
	uint32_t writer; /* by whom */
	int32_t atomic;	 /* run.origin of the last schedule in which it was accessed as an atomic */
	uint32_t bytes;	 /* its four units in shadow.bytes, 0: it has none */
	uint32_t cell;	 /* its stores, if that cell is its own */
	uint32_t saved;	 /* the last schedule in which statics.c saved it */
	struct clock atomic_reads, atomic_writes;
};

struct saved {
	uint32_t word, old;
};

struct shadow {
	char *window, *statics, *tls;
	int *error; /* errno, which is in another thread-local block */
	size_t statics_size, tls_size;
	struct unit *window_units, *static_units, *bytes;
	struct saved *saved;			/* room for all static data */
	uint8_t granules[ARENA_SIZE / GRANULE]; /* how many bytes of each, from its beginning, are of a live object */
};

extern struct shadow shadow;

struct unit *shadow_elsewhere(uintptr_t address); /* NULL: not followed */
struct unit *shadow_split(struct unit *unit);	  /* one for each byte */
void shadow_check(const void *address, size_t size, bool write, bool atomic, const void *pc);
char *shadow_setup(void); /* the window: the arena, then the stacks */
void shadow_begin(const struct weft_explore_scenario *scenario);

static inline bool in_arena(const void *address)
{
	return (size_t)((uintptr_t)address - (uintptr_t)shadow.window) < ARENA_SIZE;
}

static inline bool in_window(const void *address)
{
	return (size_t)((uintptr_t)address - (uintptr_t)shadow.window) < WINDOW_SIZE;
}

static inline bool is_static(const void *address)
{
	return (size_t)((uintptr_t)address - (uintptr_t)shadow.statics) < shadow.statics_size;
}

/* The running fiber's own. */
static inline bool is_tls(const void *address)
{
	return (size_t)((uintptr_t)address - (uintptr_t)shadow.tls) < shadow.tls_size || address == shadow.error;
}

/* Of an address in a stack. */
static inline bool is_dead_frame(const void *address)
{
	const size_t at = (size_t)((uintptr_t)address - (uintptr_t)shadow.window) - ARENA_SIZE;
	const struct fiber *const fiber = &run.fibers[at / STACK_SIZE];

	return fiber != self() && (fiber->state == FIBER_DONE || (uintptr_t)address < (uintptr_t)fiber->sp);
}

/* statics.c */
void statics_save(void *address, size_t size); /* before it is written */
void statics_restore(void);

static inline void remember_static(void *address, size_t size)
{
	if (!in_window(address) && is_static(address))
		statics_save(address, size);
}

static inline struct unit *unit_of(uintptr_t address)
{
	if (in_window((const void *)address))
		return &shadow.window_units[(address - (uintptr_t)shadow.window) / 4];
	if (is_static((const void *)address))
		return &shadow.static_units[(address - (uintptr_t)shadow.statics) / 4];
	return shadow_elsewhere(address);
}

/* Whether the running fiber has made such an access since it last let others see something, or run. */
static inline bool unit_is_current(const struct unit *unit, enum kind kind, const struct fiber *me)
{
	const int32_t now = me->seen.of[run.self];

	if (kind == READ)
		return unit->reads.of[run.self] == now;
	return kind == WRITE && unit->write == now && unit->writer == run.self;
}

/* Return: whether it is in order; if so, it is noted. */
static inline bool unit_access(struct unit *unit, enum kind kind, const struct fiber *me)
{
	const struct clock *const seen = &me->seen;
	const int32_t now = seen->of[run.self];

	if (unit->write > seen->of[unit->writer])
		return false;
	if ((kind == WRITE || kind == ATOMIC_WRITE) && clock_exceeds(&unit->reads, seen))
		return false;
	if ((kind == READ || kind == WRITE) && unit->atomic == run.origin) {
		if (clock_exceeds(&unit->atomic_writes, seen))
			return false;
		if (kind == WRITE && clock_exceeds(&unit->atomic_reads, seen))
			return false;
	}
	switch (kind) {
	case READ:
		unit->reads.of[run.self] = now;
		break;
	case WRITE:
		unit->write = now;
		unit->writer = run.self;
		break;
	case ATOMIC_READ:
		unit->atomic_reads.of[run.self] = now;
		unit->atomic = run.origin;
		break;
	default:
		unit->atomic_writes.of[run.self] = now;
		unit->atomic = run.origin;
	}
	return true;
}

/*
 * What most accesses are: to a whole word or two of a live object, or of a frame that has not returned.
 *
 * Return: the first of its units; NULL: it is to be looked at more closely.
 */
static inline struct unit *simple_unit(const void *address, size_t size)
{
	const size_t at = (size_t)((uintptr_t)address - (uintptr_t)shadow.window);
	struct unit *const unit = &shadow.window_units[at / 4];

	if (!run.plan.races || at >= WINDOW_SIZE || (size != 4 && size != 8) || (at & (size - 1)) != 0)
		return NULL;
	if (at < ARENA_SIZE ? shadow.granules[at / GRANULE] < at % GRANULE + size : is_dead_frame(address))
		return NULL;
	return unit->bytes == 0 && (size == 4 || unit[1].bytes == 0) ? unit : NULL;
}

static inline bool units_access(struct unit *unit, size_t size, enum kind kind, const struct fiber *me)
{
	return unit_access(unit, kind, me) && (size == 4 || unit_access(&unit[1], kind, me));
}

#endif
