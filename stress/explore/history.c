/* SPDX-License-Identifier: MIT */
/*
 * history.c - whether what a schedule's calls returned can be had from one thread that makes them one after another.
 *
 * Each call is noted when it begins and when it returns. What is asked: is there an order of the calls in which the
 * model allows each with the result that it had, and in which a call comes after all that were over before it began?
 * Calls that never returned (their threads died) may be anywhere after they began, or nowhere.
 *
 * "Before" is the order of the steps. Where loads may be stale it is what the memory model makes visible instead: a
 * call that no chain of synchronisation connects with an earlier one may not know of it, on real machines too.
 *
 * The search is Wing and Gong's: take as the next one any call that nothing undone must come before, and go on from
 * there. By Lowe, what it came to is remembered for each set of calls done and state that they left, so that no such
 * pair is tried twice; here in a table that forgets, as that costs time only. The model's apply runs outside the
 * schedule: what it does to its state is no step and no access.
 *
 * Nothing is reset between schedules; a history is invalid by its generation.
 */
#include <stdio.h>
#include <string.h>

#include "run.h"

enum { CALLS_MAX = WEFT_EXPLORE_CALLS_MAX, TRIED = 1 << 10 };

static struct {
	uint32_t generation; /* the schedule's */
	unsigned n;
	unsigned returned; /* how many have */
	struct weft_explore_call calls[CALLS_MAX];
	unsigned called_at[CALLS_MAX], returned_at[CALLS_MAX]; /* events so far */
	int32_t stamp[CALLS_MAX];			       /* its thread's clock when it returned */
	struct clock knows[CALLS_MAX];			       /* what was visible to its thread when it began */
	unsigned events;
} history;

struct search {
	const struct weft_explore_model *model;
	uint16_t before[CALLS_MAX]; /* which calls come before each */
	uint16_t must;		    /* those that returned */
	uint32_t mark;		    /* of this search, in the table */
};

static struct {
	uint32_t mark;
	uint16_t calls;
	unsigned char state[WEFT_EXPLORE_MODEL_MAX];
} tried[TRIED];

static void begin_history(void)
{
	if (history.generation == run.generation)
		return;
	history.generation = run.generation;
	history.n = history.returned = history.events = 0;
}

/* A point goes before the note, so that others can be over before this one begins. */
void weft_explore_called(int op, int64_t arg)
{
	IN_SCHEDULE();
	struct fiber *const me = self();

	point(OP_CALLED, NULL, __builtin_return_address(0));
	touch(TOUCH_HISTORY, true);
	me->last.before = (uint64_t)op;
	me->last.after = (uint64_t)arg;
	trace_step(&me->last);
	begin_history();
	if (history.n == CALLS_MAX)
		weft_explore_fail("limit", "more than %d calls in a history", (int)CALLS_MAX);
	for (unsigned i = 0; i < history.n; i++)
		if (history.calls[i].thread == run.self - 1 && history.calls[i].pending)
			weft_explore_fail("usage", "a call in a call of the same thread");
	history.calls[history.n] =
		(struct weft_explore_call){ .op = op, .arg = arg, .thread = run.self - 1, .pending = true };
	history.called_at[history.n] = ++history.events;
	history.knows[history.n++] = me->view;
}

void weft_explore_returned(int64_t result)
{
	IN_SCHEDULE();
	struct fiber *const me = self();
	unsigned i;

	touch(TOUCH_HISTORY, true);
	begin_history();
	for (i = history.n; i-- > 0;)
		if (history.calls[i].thread == run.self - 1)
			break;
	if (i >= history.n || !history.calls[i].pending)
		weft_explore_fail("usage", "a return without a call");
	me->last = (struct step){ .op = OP_ANSWERED, .fiber = run.self, .result = result };
	me->last.pc = __builtin_return_address(0);
	trace_step(&me->last);
	history.calls[i].pending = false;
	history.calls[i].result = result;
	history.returned_at[i] = ++history.events;
	history.stamp[i] = me->view.of[run.self];
	history.returned++;
	clock_tick(me, run.self); /* who knows the stamp has heard of this thread since */
}

static bool comes_before(unsigned a, unsigned b)
{
	if (history.calls[a].pending)
		return false;
	if (weft_explore_weak())
		return history.knows[b].of[history.calls[a].thread + 1] >= history.stamp[a];
	return history.returned_at[a] < history.called_at[b];
}

static unsigned place_of(uint16_t calls, const void *state, size_t size)
{
	const unsigned char *const bytes = state;
	uint32_t hash = calls * UINT32_C(0x9e3779b1);

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * UINT32_C(0x01000193);
	return (hash ^ hash >> 15) % TRIED;
}

/* Whether the calls that are not in @calls can follow on @state. */
static bool can_follow(const struct search *search, uint16_t calls, const void *state)
{
	const size_t size = search->model->size;
	_Alignas(16) unsigned char next[WEFT_EXPLORE_MODEL_MAX];
	unsigned place;

	if ((search->must & ~calls) == 0)
		return true;
	place = place_of(calls, state, size);
	if (tried[place].mark == search->mark && tried[place].calls == calls &&
	    memcmp(tried[place].state, state, size) == 0)
		return false;
	for (unsigned i = 0; i < history.n; i++) {
		if (calls >> i & 1 || search->before[i] & ~calls)
			continue;
		memcpy(next, state, size);
		if (search->model->apply(next, &history.calls[i]) &&
		    can_follow(search, (uint16_t)(calls | 1u << i), next))
			return true;
	}
	tried[place].mark = search->mark;
	tried[place].calls = calls;
	memcpy(tried[place].state, state, size);
	return false;
}

static bool is_linearizable(const struct weft_explore_model *model)
{
	static uint32_t mark;
	struct search search = { .model = model, .mark = ++mark };
	const _Alignas(16) unsigned char start[WEFT_EXPLORE_MODEL_MAX] = { 0 };
	bool answer;

	for (unsigned i = 0; i < history.n; i++) {
		search.must |= (uint16_t)(!history.calls[i].pending << i);
		for (unsigned j = 0; j < history.n; j++)
			if (j != i && comes_before(j, i))
				search.before[i] |= (uint16_t)(1u << j);
	}
	run.active = false;
	answer = can_follow(&search, 0, start);
	run.active = true;
	return answer;
}

void weft_explore_linearizable(const struct weft_explore_model *model)
{
	IN_SCHEDULE();
	char text[400] = "";
	size_t length = 0;

	begin_history();
	if (model->size > WEFT_EXPLORE_MODEL_MAX)
		weft_explore_fail("limit", "a model of more than %d bytes", (int)WEFT_EXPLORE_MODEL_MAX);
	if (is_linearizable(model))
		return;
	for (unsigned i = 0; i < history.n && length < sizeof(text); i++) {
		const struct weft_explore_call *const call = &history.calls[i];

		length += (size_t)snprintf(text + length, sizeof(text) - length, " T%d:%d(%lld)=", (int)call->thread,
					   call->op, (long long)call->arg);
		if (length < sizeof(text) && call->pending)
			length += (size_t)snprintf(text + length, sizeof(text) - length, "?");
		else if (length < sizeof(text))
			length += (size_t)snprintf(text + length, sizeof(text) - length, "%lld",
						   (long long)call->result);
	}
	weft_explore_fail("history", "no order of these calls has their results:%s", text);
}
