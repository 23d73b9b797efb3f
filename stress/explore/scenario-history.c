/* SPDX-License-Identifier: MIT */
/*
 * scenario-history.c - histories written by hand, of which it is known whether an order of the calls explains them.
 *
 * The threads play a script: each event waits for the one before. Names in known- are to fail.
 */
#include <errno.h>
#include <string.h>

#include "scenarios.h"

enum { PUT = 1, GET, WRITE, READ, RELEASE, TRY }; /* operations */

enum what { CALLED = 1, RETURNED };

struct event {
	unsigned thread;
	enum what what;
	int op;
	int64_t value; /* argument or result */
};

struct script {
	const struct weft_explore_model *model;
	const struct event *events;
	bool unordered; /* nothing but the schedule puts the events in order */
};

/* ---- models ---- */

struct queue {
	int64_t n, items[7];
};

static bool queue_apply(void *state, const struct weft_explore_call *call)
{
	struct queue *const queue = state;
	int64_t first;

	if (call->op == PUT) {
		queue->items[queue->n++] = call->arg;
		return true;
	}
	if (queue->n == 0)
		return call->result == -EAGAIN;
	first = queue->items[0];
	memmove(queue->items, queue->items + 1, sizeof(queue->items) - sizeof(*queue->items));
	queue->items[--queue->n] = 0;
	return call->pending || call->result == first;
}

static bool register_apply(void *state, const struct weft_explore_call *call)
{
	int64_t *const value = state;

	if (call->op == READ)
		return call->pending || call->result == *value;
	*value = call->arg;
	return true;
}

static bool sem_apply(void *state, const struct weft_explore_call *call)
{
	int64_t *const value = state;

	if (call->op == RELEASE) {
		*value += call->arg;
		return true;
	}
	if (call->result == 0)
		return (*value)-- > 0;
	return *value == 0;
}

static const struct weft_explore_model queue_model = { sizeof(struct queue), queue_apply };
static const struct weft_explore_model register_model = { sizeof(int64_t), register_apply };
static const struct weft_explore_model sem_model = { sizeof(int64_t), sem_apply };

/* ---- the play ---- */

static void play(void *state, unsigned number)
{
	const struct script *const script = state;
	unsigned (*const count)(unsigned, unsigned) =
		script->unordered ? weft_explore_count : weft_explore_count_ordered;

	for (unsigned i = 0; script->events[i].what != 0; i++) {
		const struct event *const event = &script->events[i];

		if (event->thread != number)
			continue;
		while (count(0, 0) < i)
			weft_explore_yield();
		if (event->what == CALLED)
			weft_explore_called(event->op, event->value);
		else
			weft_explore_returned(event->value);
		count(0, 1);
	}
}

static void end(void *state)
{
	const struct script *const script = state;

	if (!script->unordered || weft_explore_weak())
		weft_explore_linearizable(script->model);
}

#define SCRIPT(name, model, unordered, ...)                                                                          \
	static void *begin_##name(void)                                                                              \
	{                                                                                                            \
		static const struct event events[] = { __VA_ARGS__, { 0 } };                                         \
		static const struct script script = { &(model), events, unordered };                                 \
                                                                                                                     \
		return (void *)(uintptr_t)&script;                                                                   \
	}

/* Puts that overlap may take effect in either order. */
SCRIPT(queue_overlap, queue_model, false, { 0, CALLED, PUT, 1 }, { 1, CALLED, PUT, 2 }, { 0, RETURNED, PUT, 0 },
       { 1, RETURNED, PUT, 0 }, { 2, CALLED, GET, 0 }, { 2, RETURNED, GET, 2 }, { 2, CALLED, GET, 0 },
       { 2, RETURNED, GET, 1 }, { 0, CALLED, GET, 0 }, { 0, RETURNED, GET, -EAGAIN })

/* Puts that do not, may not. */
SCRIPT(queue_swapped, queue_model, false, { 0, CALLED, PUT, 1 }, { 0, RETURNED, PUT, 0 }, { 1, CALLED, PUT, 2 },
       { 1, RETURNED, PUT, 0 }, { 2, CALLED, GET, 0 }, { 2, RETURNED, GET, 2 }, { 2, CALLED, GET, 0 },
       { 2, RETURNED, GET, 1 })

/* Two gets at once, with the put that both could have had. */
SCRIPT(queue_twice, queue_model, false, { 0, CALLED, PUT, 1 }, { 1, CALLED, GET, 0 }, { 2, CALLED, GET, 0 },
       { 1, RETURNED, GET, 1 }, { 2, RETURNED, GET, 1 }, { 0, RETURNED, PUT, 0 })

/* A put that never returned was seen. */
SCRIPT(queue_pending, queue_model, false, { 0, CALLED, PUT, 1 }, { 1, CALLED, GET, 0 }, { 1, RETURNED, GET, -EAGAIN },
       { 1, CALLED, GET, 0 }, { 1, RETURNED, GET, 1 }, { 2, CALLED, GET, 0 }, { 1, CALLED, GET, 0 },
       { 1, RETURNED, GET, -EAGAIN })

/* It was seen, and then it had not happened. */
SCRIPT(queue_undone, queue_model, false, { 0, CALLED, PUT, 1 }, { 1, CALLED, GET, 0 }, { 1, RETURNED, GET, 1 },
       { 2, CALLED, GET, 0 }, { 2, RETURNED, GET, 1 })

/* A get that never returned took what another did not find. */
SCRIPT(queue_taken, queue_model, false, { 0, CALLED, PUT, 1 }, { 0, RETURNED, PUT, 0 }, { 1, CALLED, GET, 0 },
       { 2, CALLED, GET, 0 }, { 2, RETURNED, GET, -EAGAIN })

/* Twelve calls of which six overlap all the time. */
SCRIPT(queue_twelve, queue_model, false, { 0, CALLED, PUT, 1 }, { 1, CALLED, PUT, 2 }, { 2, CALLED, PUT, 3 },
       { 0, RETURNED, PUT, 0 }, { 0, CALLED, GET, 0 }, { 1, RETURNED, PUT, 0 }, { 1, CALLED, GET, 0 },
       { 2, RETURNED, PUT, 0 }, { 2, CALLED, GET, 0 }, { 0, RETURNED, GET, 3 }, { 0, CALLED, PUT, 4 },
       { 1, RETURNED, GET, 2 }, { 1, CALLED, PUT, 5 }, { 2, RETURNED, GET, 1 }, { 2, CALLED, PUT, 6 },
       { 0, RETURNED, PUT, 0 }, { 0, CALLED, GET, 0 }, { 1, RETURNED, PUT, 0 }, { 1, CALLED, GET, 0 },
       { 2, RETURNED, PUT, 0 }, { 2, CALLED, GET, 0 }, { 0, RETURNED, GET, 5 }, { 1, RETURNED, GET, 6 },
       { 2, RETURNED, GET, 4 })

/* The same with one result that nothing explains, found when all else has been tried. */
SCRIPT(queue_twelve_bad, queue_model, false, { 0, CALLED, PUT, 1 }, { 1, CALLED, PUT, 2 }, { 2, CALLED, PUT, 3 },
       { 0, RETURNED, PUT, 0 }, { 0, CALLED, GET, 0 }, { 1, RETURNED, PUT, 0 }, { 1, CALLED, GET, 0 },
       { 2, RETURNED, PUT, 0 }, { 2, CALLED, GET, 0 }, { 0, RETURNED, GET, 3 }, { 0, CALLED, PUT, 4 },
       { 1, RETURNED, GET, 2 }, { 1, CALLED, PUT, 5 }, { 2, RETURNED, GET, 1 }, { 2, CALLED, PUT, 6 },
       { 0, RETURNED, PUT, 0 }, { 0, CALLED, GET, 0 }, { 1, RETURNED, PUT, 0 }, { 1, CALLED, GET, 0 },
       { 2, RETURNED, PUT, 0 }, { 2, CALLED, GET, 0 }, { 0, RETURNED, GET, 5 }, { 1, RETURNED, GET, 6 },
       { 2, RETURNED, GET, -EAGAIN })

SCRIPT(register_during, register_model, false, { 0, CALLED, WRITE, 1 }, { 1, CALLED, READ, 0 },
       { 1, RETURNED, READ, 0 }, { 1, CALLED, READ, 0 }, { 1, RETURNED, READ, 1 }, { 2, CALLED, READ, 0 },
       { 2, RETURNED, READ, 1 }, { 0, RETURNED, WRITE, 0 })

/* New, then old, while the write goes on. */
SCRIPT(register_back, register_model, false, { 0, CALLED, WRITE, 1 }, { 1, CALLED, READ, 0 },
       { 1, RETURNED, READ, 1 }, { 2, CALLED, READ, 0 }, { 2, RETURNED, READ, 0 }, { 0, RETURNED, WRITE, 0 })

/* The same where no synchronisation says which of the reads was first. */
SCRIPT(register_unordered, register_model, true, { 0, CALLED, WRITE, 1 }, { 1, CALLED, READ, 0 },
       { 1, RETURNED, READ, 1 }, { 2, CALLED, READ, 0 }, { 2, RETURNED, READ, 0 }, { 0, RETURNED, WRITE, 0 })

/* An old value after the write has returned. */
SCRIPT(register_late, register_model, false, { 0, CALLED, WRITE, 1 }, { 0, RETURNED, WRITE, 0 },
       { 1, CALLED, READ, 0 }, { 1, RETURNED, READ, 0 })

SCRIPT(sem_shared_out, sem_model, false, { 1, CALLED, TRY, 0 }, { 0, CALLED, RELEASE, 2 }, { 2, CALLED, TRY, 0 },
       { 2, RETURNED, TRY, -EAGAIN }, { 2, CALLED, TRY, 0 }, { 1, RETURNED, TRY, 0 }, { 2, RETURNED, TRY, 0 },
       { 0, RETURNED, RELEASE, 0 }, { 1, CALLED, TRY, 0 }, { 1, RETURNED, TRY, -EAGAIN })

/* One permit, two who had it. */
SCRIPT(sem_doubled, sem_model, false, { 0, CALLED, RELEASE, 1 }, { 1, CALLED, TRY, 0 }, { 2, CALLED, TRY, 0 },
       { 0, RETURNED, RELEASE, 0 }, { 1, RETURNED, TRY, 0 }, { 2, RETURNED, TRY, 0 })

/* A permit was there, and the try said no. */
SCRIPT(sem_refused, sem_model, false, { 0, CALLED, RELEASE, 1 }, { 0, RETURNED, RELEASE, 0 }, { 1, CALLED, TRY, 0 },
       { 1, RETURNED, TRY, -EAGAIN }, { 2, CALLED, TRY, 0 }, { 2, RETURNED, TRY, 0 })

#define HISTORY(text, script)                                                                                        \
	{                                                                                                            \
		.name = text, .threads = 3, .steps = 100, .begin = begin_##script, .thread = play, .end = end        \
	}

const struct weft_explore_scenario explore_history[] = {
	HISTORY("history-queue-overlap", queue_overlap),
	HISTORY("history-queue-pending", queue_pending),
	HISTORY("history-queue-taken", queue_taken),
	HISTORY("history-queue-twelve", queue_twelve),
	HISTORY("history-register-during", register_during),
	HISTORY("history-register-unordered", register_unordered),
	HISTORY("history-sem-shared-out", sem_shared_out),
	HISTORY("known-history-queue-swapped", queue_swapped),
	HISTORY("known-history-queue-twice", queue_twice),
	HISTORY("known-history-queue-undone", queue_undone),
	HISTORY("known-history-queue-twelve", queue_twelve_bad),
	HISTORY("known-history-register-back", register_back),
	HISTORY("known-history-register-late", register_late),
	HISTORY("known-history-sem-doubled", sem_doubled),
	HISTORY("known-history-sem-refused", sem_refused),
	{ 0 },
};
