/* SPDX-License-Identifier: MIT */
/*
 * single.c - objects that live for one use, freed by whoever is done first.
 *
 * Threads work in groups. The first of a group makes an object, gives it to the others and to itself; each uses
 * it once, and the use tells who may free it: at once, while the others are still inside weft with it.
 */
#include "stress.h"

#include <stdlib.h>

enum { GROUP = 4 };

struct single_slot {
	_Alignas(STRESS_LINE) _Atomic(void *) object; /* what the thread of this number is to use next */
	struct weft_lock lock;			      /* of the group that it leads */
};

struct single_state {
	struct single_slot slots[STRESS_MAX_THREADS];
	unsigned size; /* of a group */
};

size_t stress_single_size(void)
{
	return sizeof(struct single_state);
}

struct weft_lock *stress_single_lock(struct stress_round *round, unsigned leader)
{
	struct single_state *state = round->state;

	return &state->slots[leader].lock;
}

void stress_single_begin(struct stress_round *round)
{
	struct single_state *state = round->state;

	state->size = 2 + (unsigned)(stress_mix(round->seed) % (GROUP - 1));
	if (state->size > round->n)
		state->size = round->n;
}

/* The last group takes the threads that are left over, if they make a group. */
static unsigned members_of(const struct stress_round *round, unsigned first, unsigned size)
{
	return first + size <= round->n ? size : round->n - first;
}

static void lead(struct stress_worker *worker, const struct stress_single_ops *ops, unsigned members)
{
	struct single_state *state = worker->round->state;
	void *object;

	for (unsigned i = 1; i < members; i++)
		STRESS_AWAIT(worker, "waiting for the group to come back (harness)",
			     atomic_load_explicit(&state->slots[worker->id + i].object, memory_order_relaxed) ==
				     NULL);
	object = stress_heap_alloc(worker->round, ops->size);
	ops->init(worker->round, object, worker->id, members);
	for (unsigned i = 1; i < members; i++)
		atomic_store_explicit(&state->slots[worker->id + i].object, object, memory_order_release);
	if (ops->use(worker, object, 0, members))
		stress_heap_free(worker->round, object, ops->size);
}

static void follow(struct stress_worker *worker, const struct stress_single_ops *ops, unsigned member, unsigned members)
{
	struct single_state *state = worker->round->state;
	_Atomic(void *) *slot = &state->slots[worker->id].object;
	void *object;

	STRESS_AWAIT(worker, "waiting for the next object (harness)",
		     (object = atomic_load_explicit(slot, memory_order_acquire)) != NULL);
	if (ops->use(worker, object, member, members))
		stress_heap_free(worker->round, object, ops->size);
	atomic_store_explicit(slot, NULL, memory_order_relaxed);
}

void stress_single_work(struct stress_worker *worker, const struct stress_single_ops *ops)
{
	const struct single_state *state = worker->round->state;
	const unsigned size = state->size < ops->max_members ? state->size : ops->max_members;
	const unsigned member = worker->id % size;
	const unsigned members = members_of(worker->round, worker->id - member, size);

	if (members < 2)
		return;
	for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++) {
		if (member == 0)
			lead(worker, ops, members);
		else
			follow(worker, ops, member, members);
		stress_op(worker);
	}
}

void stress_single_dump(struct stress_round *round, FILE *out, const char *name, size_t size,
		      stress_describer *describe)
{
	struct single_state *state = round->state;
	const void *before = NULL;

	for (unsigned i = 0; i < round->n; i++) {
		const void *object = atomic_load_explicit(&state->slots[i].object, memory_order_relaxed);

		if (object != NULL && object != before)
			stress_dump(out, name, object, size, describe);
		before = object;
	}
}
