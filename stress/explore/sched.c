/* SPDX-License-Identifier: MIT */
/*
 * sched.c - who runs next, by strategy and seed.
 *
 * Every decision of a schedule, of the explorer and of the scenario, goes through choose() or pick(). Both are
 * functions of the seed, or of the path in a search, and of nothing else: no address, no time, no earlier schedule.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "run.h"

struct run run;

/* ---- a search: the path of decisions from the root, each with what has been tried ---- */

enum { PATH_MAX_LENGTH = 20000 };

static struct {
	struct {
		uint8_t taken, of;
	} path[PATH_MAX_LENGTH];
	unsigned length, at;
	unsigned preemptions;
} search;

void search_begin(void)
{
	search.length = 0;
}

bool search_next(void)
{
	while (search.length > 0 && search.path[search.length - 1].taken + 1 >= search.path[search.length - 1].of)
		search.length--;
	if (search.length == 0)
		return false;
	search.path[search.length - 1].taken++;
	return true;
}

static unsigned search_decide(unsigned n)
{
	if (n < 2)
		return 0;
	if (search.at == search.length) {
		if (search.length == PATH_MAX_LENGTH)
			weft_explore_fail("limit", "path too long to search");
		search.path[search.length].taken = 0;
		search.path[search.length++].of = (uint8_t)n;
	}
	return search.path[search.at++].taken;
}

/* ---- choices ---- */

static uint64_t next_random(void)
{
	uint64_t z = run.random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static unsigned below(unsigned n)
{
	return (unsigned)(((next_random() >> 32) * n) >> 32);
}

unsigned choose(unsigned n)
{
	return run.plan.strategy == STRATEGY_SEARCH ? search_decide(n) : below(n);
}

/* A rare event; in a search it counts as a preemption. */
bool one_in(unsigned n)
{
	if (n == 0)
		return false;
	if (run.plan.strategy != STRATEGY_SEARCH)
		return below(n) == 0;
	if (search.preemptions == 0 || search_decide(2) == 0)
		return false;
	search.preemptions--;
	return true;
}

unsigned weft_explore_choose(unsigned n)
{
	return choose(n);
}

/* ---- strategies: each picks one of the fibers that may go ---- */

struct choices {
	unsigned n;
	unsigned fibers[FIBERS];
};

static bool may_expire(const struct fiber *fiber)
{
	return fiber->state == FIBER_ASLEEP && fiber->timed;
}

static struct choices ready_ones(bool yielded_too)
{
	struct choices choices = { 0 };

	for (unsigned i = 0; i < run.n_fibers; i++)
		if (run.fibers[i].state == FIBER_READY && (yielded_too || !run.fibers[i].yielded))
			choices.fibers[choices.n++] = i;
	return choices;
}

static struct choices expiring_ones(void)
{
	struct choices choices = { 0 };

	for (unsigned i = 0; i < run.n_fibers; i++)
		if (may_expire(&run.fibers[i]))
			choices.fibers[choices.n++] = i;
	return choices;
}

static bool contains(const struct choices *choices, unsigned fiber)
{
	for (unsigned i = 0; i < choices->n; i++)
		if (choices->fibers[i] == fiber)
			return true;
	return false;
}

static unsigned pick_random(const struct choices *ready, const struct choices *expiring)
{
	if (expiring->n > 0 && (ready->n == 0 || below(8) == 0))
		return expiring->fibers[below(expiring->n)];
	if (run.plan.strategy == STRATEGY_STICKY && contains(ready, run.self) && below(run.plan.depth) != 0)
		return run.self;
	return ready->fibers[below(ready->n)];
}

static unsigned pick_starving(const struct choices *ready, const struct choices *expiring)
{
	struct choices others = { 0 };

	for (unsigned i = 0; i < ready->n; i++)
		if (ready->fibers[i] != run.victim)
			others.fibers[others.n++] = ready->fibers[i];
	if (others.n == 0 || below(64) == 0)
		return pick_random(ready, expiring);
	return pick_random(&others, expiring);
}

static unsigned pick_by_priority(const struct choices *ready, const struct choices *expiring)
{
	unsigned best = HOST;

	for (unsigned i = 0; i < run.n_changes; i++)
		if (run.changes[i] == run.steps)
			self()->priority = --run.lowest_priority;
	for (unsigned i = 0; i < ready->n; i++)
		if (best == HOST || run.fibers[ready->fibers[i]].priority > run.fibers[best].priority)
			best = ready->fibers[i];
	for (unsigned i = 0; i < expiring->n; i++) {
		const unsigned each = expiring->fibers[i];

		if (best == HOST || (run.fibers[each].eager && run.fibers[each].priority > run.fibers[best].priority))
			best = each;
	}
	return best;
}

/* The one that runs goes on; another, or a time-out while somebody could run, costs a preemption. */
static unsigned pick_searching(const struct choices *ready, const struct choices *expiring)
{
	struct choices all = { 0 };
	const bool goes_on = contains(ready, run.self);
	unsigned taken;

	if (goes_on)
		all.fibers[all.n++] = run.self;
	if (!goes_on || search.preemptions > 0)
		for (unsigned i = 0; i < ready->n; i++)
			if (ready->fibers[i] != run.self)
				all.fibers[all.n++] = ready->fibers[i];
	const unsigned free_choices = goes_on ? 1 : all.n;

	if (all.n == 0 || search.preemptions > 0)
		for (unsigned i = 0; i < expiring->n; i++)
			all.fibers[all.n++] = expiring->fibers[i];
	taken = search_decide(all.n);
	if (free_choices > 0 && taken >= free_choices)
		search.preemptions--;
	return all.fibers[taken];
}

static void expire(struct fiber *fiber)
{
	if (run.now_ns < fiber->deadline_ns)
		run.now_ns = fiber->deadline_ns;
	fiber->wait_result = -110; /* ETIMEDOUT, in all of Linux */
	fiber->state = FIBER_READY;
}

static bool all_done(void)
{
	for (unsigned i = 1; i < run.n_fibers; i++)
		if (run.fibers[i].state != FIBER_DONE)
			return false;
	return true;
}

/* Return: HOST: the schedule is over. */
static unsigned pick(void)
{
	struct choices ready = ready_ones(false);
	const struct choices expiring = expiring_ones();
	unsigned next;

	if (ready.n == 0)
		ready = ready_ones(true);
	if (ready.n + expiring.n == 0) {
		if (run.fibers[0].state == FIBER_JOINING && all_done()) {
			run.fibers[0].state = FIBER_READY;
			return 0;
		}
		if (run.fibers[0].state != FIBER_DONE && !(run.scenario->flags & WEFT_EXPLORE_MAY_STALL)) {
			run.failed = true;
			snprintf(run.failure, sizeof(run.failure),
				 "stuck: nobody can run (deadlock or lost wake-up)");
		}
		return HOST;
	}
	switch (run.plan.strategy) {
	case STRATEGY_PCT:
		next = pick_by_priority(&ready, &expiring);
		break;
	case STRATEGY_STARVE:
		next = pick_starving(&ready, &expiring);
		break;
	case STRATEGY_SEARCH:
		next = pick_searching(&ready, &expiring);
		break;
	default:
		next = pick_random(&ready, &expiring);
	}
	if (may_expire(&run.fibers[next]))
		expire(&run.fibers[next]);
	for (unsigned i = 0; i < run.n_fibers; i++)
		run.fibers[i].yielded = false;
	return next;
}

static void go_on(void)
{
	const unsigned next = pick();

	if (next != run.self)
		fiber_switch(next);
}

/* ---- what the rest calls ---- */

void point(enum op op, const void *address, const void *pc)
{
	struct fiber *const me = self();

	me->last = (struct step){ .op = op, .fiber = run.self, .address = address, .pc = pc };
	if (++run.steps > run.step_limit)
		weft_explore_fail("livelock", "%u steps and no end", run.steps);
	if (op == OP_PAUSE || op == OP_YIELD) {
		me->yielded = true;
		me->fresh = true;
		if (run.plan.strategy == STRATEGY_PCT)
			me->priority = --run.lowest_priority;
	}
	go_on();
}

void sleep_self(void)
{
	go_on();
}

void finish_fiber(void)
{
	self()->state = FIBER_DONE;
	if (run.self == 0)
		fiber_switch(HOST);
	go_on();
	__builtin_unreachable();
}

void weft_explore_fail(const char *kind, const char *format, ...)
{
	va_list args;
	int n;

	if (run.active) {
		run.failed = true;
		n = snprintf(run.failure, sizeof(run.failure), "%s: ", kind);
		va_start(args, format);
		vsnprintf(run.failure + n, sizeof(run.failure) - (size_t)n, format, args);
		va_end(args);
		fiber_switch(HOST);
	}
	__builtin_trap();
}

static void set_priorities(void)
{
	unsigned order[FIBERS];

	for (unsigned i = 1; i < run.n_fibers; i++) {
		const unsigned j = 1 + below(i);

		order[i] = i;
		order[i] = order[j];
		order[j] = i;
	}
	for (unsigned i = 1; i < run.n_fibers; i++)
		run.fibers[order[i]].priority = 1000 + i;
	run.n_changes = run.plan.depth - 1;
	for (unsigned i = 0; i < run.n_changes; i++)
		run.changes[i] = 1 + below(run.scenario->steps);
}

void schedule_begin(const struct weft_explore_scenario *scenario, const struct plan *plan, uint64_t seed)
{
	const uint32_t generation = run.generation + 1;

	run.scenario = scenario;
	run.plan = *plan;
	run.random = seed * UINT64_C(0xd1342543de82ef95) + 1;
	run.n_fibers = scenario->threads + 1;
	run.self = HOST;
	run.generation = generation;
	run.steps = 0;
	run.step_limit = 400 * scenario->threads + 20 * scenario->steps;
	run.tickets = 0;
	run.now_ns = 1000000000;
	run.lowest_priority = 1000;
	run.failed = false;
	run.hash = UINT64_C(0xcbf29ce484222325);
	memset(run.counters, 0, sizeof(run.counters));
	memset(run.counter_seen, 0, sizeof(run.counter_seen));
	memset(run.counter_view, 0, sizeof(run.counter_view));
	memset(&run.barrier, 0, sizeof(run.barrier));
	for (unsigned i = 0; i < run.n_fibers; i++) {
		struct fiber *const fiber = &run.fibers[i];

		memset(fiber, 0, offsetof(struct fiber, tls));
		fiber->seen.of[i] = fiber->view.of[i] = 1;
		fiber->woken = -1;
		fiber_prepare(i);
	}
	search.at = 0;
	search.preemptions = plan->depth;
	run.fibers[0].state = FIBER_READY;
	if (plan->strategy == STRATEGY_PCT)
		set_priorities();
	if (plan->strategy == STRATEGY_STARVE)
		run.victim = 1 + below(scenario->threads);
	for (unsigned i = 0; i < run.n_fibers; i++)
		run.fibers[i].cpu = plan->strategy == STRATEGY_SEARCH ? i % 2 : below(2);
}
