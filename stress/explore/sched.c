/* SPDX-License-Identifier: MIT */
/*
 * sched.c - who runs next, and every other choice.
 *
 * All that a schedule decides goes through choose(), or, for who runs, pick(). Both are functions of the seed, or of
 * the path in a search, or of a schedule that was given, and of nothing else: no address, no time, no earlier
 * schedule.
 *
 * Each choice has a default. The default schedule goes on with the thread that runs, then with the next one in the
 * order of their numbers, round and round; a time-out, the earliest, comes when nobody can run; loads return the
 * newest store; nothing fails. What is chosen otherwise is a deviation (schedule.c), named by the thread, its own
 * step, the kind, and how many choices of the kind there were before in the step; a thread's own steps are the points
 * that it comes to, its falling asleep, and its end. So a deviation still means the same, or nothing, when others
 * are left out.
 *
 * A thread that pauses or yields is not picked while another is ready; after the pick that is forgotten. When half
 * of the steps that a schedule may have are used up, all threads are served in turn, so that a thread which never
 * runs, or a spinning one that always does, is no livelock: a schedule that does not end then has one.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "run.h"

struct run run;

/* ---- choices ---- */

static unsigned random_choice(unsigned n, unsigned rarely)
{
	if (rarely == 1)
		return below(n);
	if (rarely == 0 || below(rarely) != 0)
		return 0;
	return 1 + below(n - 1);
}

static unsigned given_choice(enum choice kind, unsigned n, unsigned nth)
{
	uint32_t value;

	if (!schedule_given(kind, run.self, nth, &value))
		return 0;
	return value < n ? value : n - 1;
}

unsigned choose(enum choice kind, unsigned n, unsigned rarely)
{
	const unsigned nth = self()->nth[kind]++;
	unsigned value;

	if (n < 2)
		return 0;
	switch (run.plan.strategy) {
	case STRATEGY_GIVEN:
		value = given_choice(kind, n, nth);
		break;
	case STRATEGY_SEARCH:
		value = search_choose(kind, n, rarely);
		break;
	default:
		value = random_choice(n, rarely);
	}
	if (value != 0 && run.record != NULL)
		schedule_record(run.record, kind, run.self, nth, value);
	return value;
}

bool fault(enum fault which, unsigned rarely)
{
	if (!(run.plan.kinds & 1u << which))
		return false;
	return choose(CHOICE_FAULT + which, 2, rarely) != 0;
}

unsigned weft_explore_choose(unsigned n)
{
	IN_SCHEDULE();
	return choose(CHOICE_SCENARIO, n, 1);
}

/* ---- who runs ---- */

static unsigned earliest(uint32_t expiring)
{
	unsigned best = (unsigned)__builtin_ctz(expiring);

	for (uint32_t rest = expiring & (expiring - 1); rest != 0; rest &= rest - 1) {
		const unsigned each = (unsigned)__builtin_ctz(rest);

		if (run.fibers[each].deadline_ns < run.fibers[best].deadline_ns)
			best = each;
	}
	return best;
}

/* The default. In the fair part now and then a time-out, for programs that wait for each other's. */
static unsigned usual(uint32_t ready, uint32_t expiring)
{
	const bool fair = run.steps > run.fair_after;
	const uint32_t later = ready & ~UINT32_C(1) << run.self;

	if (ready == 0 || (fair && expiring != 0 && run.steps % 16 == 0))
		return earliest(expiring);
	if (!fair && ready >> run.self & 1)
		return run.self;
	return (unsigned)__builtin_ctz(later != 0 ? later : ready);
}

static unsigned given_pick(uint32_t expiring, unsigned next)
{
	uint32_t value;

	if (!schedule_given(CHOICE_RUN, run.self, 0, &value))
		return next;
	if (value < EXPIRES) /* even one that pauses: a search may have had it */
		return run.ready >> value & 1 ? value : next;
	return expiring >> (value - EXPIRES) & 1 ? value - EXPIRES : next;
}

static bool all_done(void)
{
	for (unsigned i = 1; i < run.n_fibers; i++)
		if (run.fibers[i].state != FIBER_DONE && run.fibers[i].state != FIBER_DEAD)
			return false;
	return true;
}

/* Nobody can run. Return: who runs nevertheless; HOST: the schedule is over. */
static unsigned last_pick(void)
{
	if (run.fibers[0].state == FIBER_JOINING && run.fibers[0].joins == 0 && all_done()) {
		set_state(&run.fibers[0], FIBER_READY);
		return 0;
	}
	if (run.fibers[0].state != FIBER_DONE && !(run.scenario->flags & WEFT_EXPLORE_MAY_STALL)) {
		run.failed = true;
		run.failed_in = HOST;
		run.failed_at = NULL;
		snprintf(run.failure, sizeof(run.failure), "stuck: nobody can run (deadlock or lost wake-up)");
	}
	return HOST;
}

static void expire(struct fiber *fiber)
{
	if (run.now_ns < fiber->deadline_ns)
		run.now_ns = fiber->deadline_ns;
	fiber->wait_result = -110; /* ETIMEDOUT, in all of Linux */
	set_state(fiber, FIBER_READY);
}

/* Those whose time may be up where it is not up early: it has come; or nothing else can be done, for the first. */
static uint32_t due(uint32_t eager)
{
	uint32_t mask = 0;

	for (uint32_t rest = run.expiring; rest != 0; rest &= rest - 1)
		if (run.fibers[__builtin_ctz(rest)].deadline_ns <= run.now_ns)
			mask |= rest & -rest;
	if (mask == 0 && (eager == 0 || run.steps > run.fair_after))
		mask = UINT32_C(1) << earliest(run.expiring);
	return mask;
}

static unsigned pick(void)
{
	const uint32_t eager = run.ready & ~run.yielded, ready = eager != 0 ? eager : run.ready;
	const bool timely = !(run.plan.kinds & 1u << FAULT_TIMEOUT) && run.expiring != 0;
	const uint32_t expiring = timely ? due(eager) : run.expiring;
	const bool by_chance = run.plan.strategy < STRATEGY_SEARCH && run.steps <= run.fair_after;
	unsigned next, default_next = HOST;

	if ((ready | expiring) == 0)
		return last_pick();
	if (!by_chance || run.record != NULL)
		next = default_next = usual(ready, expiring);
	if (by_chance)
		next = strategy_pick(ready, expiring);
	else if (run.plan.strategy == STRATEGY_GIVEN)
		next = given_pick(expiring, default_next);
	else if (run.plan.strategy == STRATEGY_SEARCH)
		next = search_pick(search_ready(), expiring, default_next);
	if (next == HOST)
		return HOST;
	if (run.record != NULL && next != default_next)
		schedule_record(run.record, CHOICE_RUN, run.self, 0, expiring >> next & 1 ? EXPIRES + next : next);
	if (expiring >> next & 1)
		expire(&run.fibers[next]);
	run.yielded = run.awaiting = 0;
	return next;
}

static void go_on(void)
{
	struct fiber *const me = self();
	unsigned next;

	me->own_steps++;
	memset(me->nth, 0, sizeof(me->nth));
	next = pick();
	if (next != run.self)
		fiber_switch(next);
}

/* ---- what the rest calls ---- */

void point(enum op op, const void *address, const void *pc)
{
	struct fiber *const me = self();

	if (__builtin_expect(run.steps >= run.fault_step, 0))
		faults_point();
	me->last = (struct step){ .op = op, .fiber = run.self, .address = address, .pc = pc };
	if (++run.steps > run.step_limit)
		weft_explore_fail("livelock", "%u steps and no end", run.steps);
	if (op == OP_AWAIT || op == OP_PAUSE || op == OP_YIELD) {
		run.yielded |= UINT32_C(1) << run.self;
		me->fresh = true;
		if (run.plan.strategy == STRATEGY_SEARCH)
			search_yielded(op);
		strategy_yielded();
	}
	go_on();
}

void sleep_self(void)
{
	strategy_sleeps();
	go_on();
}

/* Those who join it go on. */
void finish_fiber(enum fiber_state state)
{
	set_state(self(), state);
	if (run.self == 0)
		fiber_switch(HOST);
	for (unsigned i = 0; i < run.n_fibers; i++)
		if (run.fibers[i].state == FIBER_JOINING && run.fibers[i].joins == run.self)
			set_state(&run.fibers[i], FIBER_READY);
	go_on();
	__builtin_unreachable();
}

void weft_explore_fail(const char *kind, const char *format, ...)
{
	va_list args;
	int n;

	IN_SCHEDULE();
	run.failed = true;
	run.failed_in = run.self;
	run.failed_at = __builtin_return_address(0);
	n = snprintf(run.failure, sizeof(run.failure), "%s: ", kind);
	va_start(args, format);
	vsnprintf(run.failure + n, sizeof(run.failure) - (size_t)n, format, args);
	va_end(args);
	fiber_switch(HOST);
	__builtin_unreachable();
}

/* ---- a schedule ---- */

void schedule_fiber(unsigned number)
{
	struct fiber *const fiber = &run.fibers[number];

	memset(fiber, 0, sizeof(*fiber));
	for (unsigned i = 0; i < FIBERS; i++)
		fiber->seen.of[i] = fiber->view.of[i] = run.origin;
	clock_tick(fiber, number);
	fiber->woken = -1;
	fiber->cpu = number % 2;
	fiber_prepare(number);
}

static void schedule_begin(const struct weft_explore_scenario *scenario, const struct plan *plan, uint64_t seed,
			   unsigned steps)
{
	const uint32_t generation = run.generation + 1;

	memory_origin(scenario);
	run.scenario = scenario;
	run.plan = *plan;
	run.every_access = plan->plain_points || run.tracing;
	run.random = seed * UINT64_C(0xd1342543de82ef95) + 1;
	run.n_fibers = scenario->threads + 1;
	run.generation = generation;
	run.steps = 0;
	run.usual_steps = steps;
	run.step_limit = 400 * scenario->threads + 20 * steps;
	run.fair_after = run.step_limit / 2;
	run.ready = run.expiring = run.yielded = run.awaiting = 0;
	run.tickets = 0;
	run.wakes = 0;
	run.now_ns = 1000000000;
	run.failed = run.cut = false;
	run.hash = UINT64_C(0xcbf29ce484222325);
	run.paths = 0;
	memset(run.counters, 0, sizeof(run.counters));
	for (unsigned i = 0; i < run.n_fibers; i++)
		schedule_fiber(i);
	if (run.record != NULL)
		run.record->n = run.record->cut = 0;
	if (plan->strategy == STRATEGY_GIVEN)
		schedule_replay(plan->given);
	else if (plan->strategy == STRATEGY_SEARCH)
		search_schedule();
	else
		strategy_begin();
	faults_begin();
	for (run.self = 0; run.self < run.n_fibers; run.self++)
		self()->cpu ^= fault(FAULT_MOVE, 2) ? 1 : 0;
	run.self = HOST;
	set_state(&run.fibers[0], FIBER_READY);
}

static void run_of(const struct weft_explore_scenario *scenario, const struct plan *plan, uint64_t seed,
		   unsigned steps)
{
	schedule_begin(scenario, plan, seed, steps);
	memory_begin();
	trace_begin();
	run.active = true;
	fiber_switch(0);
	run.active = false;
	if (plan->strategy == STRATEGY_SEARCH)
		search_end_schedule();
}

/* By a few schedules, always the same; so it is a function of the scenario. */
static unsigned scenario_steps(const struct weft_explore_scenario *scenario, bool plain_points)
{
	enum { SAMPLES = 32, LIMIT = 5000 };
	static const struct weft_explore_scenario *known;
	static bool known_plain;
	static unsigned steps;
	const struct plan plan = { .strategy = STRATEGY_STICKY, .depth = 4, .plain_points = plain_points };
	struct schedule *const record = run.record;
	const bool tracing = run.tracing;
	uint64_t sum = 0;

	if (scenario->steps != 0)
		return scenario->steps;
	if (known == scenario && known_plain == plain_points)
		return steps;
	run.record = NULL;
	run.tracing = false;
	const bool held = marks_hold(true);

	for (uint64_t seed = 1; seed <= SAMPLES; seed++) {
		run_of(scenario, &plan, seed, LIMIT / 20);
		sum += run.steps;
		memory_end();
	}
	marks_hold(held);
	run.record = record;
	run.tracing = tracing;
	known = scenario;
	known_plain = plain_points;
	steps = 1 + (unsigned)(sum / SAMPLES);
	return steps;
}

void run_schedule(const struct weft_explore_scenario *scenario, const struct plan *plan, uint64_t seed)
{
	run_of(scenario, plan, seed, scenario_steps(scenario, plan->plain_points));
}
