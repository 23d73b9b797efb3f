/* SPDX-License-Identifier: MIT */
/*
 * threads.c - which threads there are: begin, the scenario's, those that they start, end.
 *
 * Fiber 0 runs begin, then waits for all others, then runs end; fibers from 1 run the scenario's threads, the next
 * ones those that are started. What a thread did before a start happens before what the new one does, and that
 * before what follows a join of it. A thread that has died counts as one that has returned: whoever waits for it
 * learns that it is gone. Threads that nobody joins have returned before end is called; those that end itself starts,
 * before the schedule is over.
 */
#include <errno.h>
#include <stddef.h>

#include "run.h"

#define PC __builtin_return_address(0)

enum { START_FAILS_ONE_IN = 4, STEPS_MORE = 400 };

void explore_enter(void);

static void note(int64_t result)
{
	self()->last.result = result;
	trace_step(&self()->last);
}

/* What the starting thread did happens before what @number does. */
static void let_go(unsigned number)
{
	struct fiber *const child = &run.fibers[number];

	child->seen = self()->seen;
	child->view = self()->view;
	child->seen.of[number] = run.origin;
	clock_tick(child, number);
	set_state(child, FIBER_READY);
}

static bool is_over(unsigned number)
{
	return run.fibers[number].state == FIBER_DONE || run.fibers[number].state == FIBER_DEAD;
}

static void follow(unsigned number)
{
	clock_join(&self()->seen, &run.fibers[number].seen);
	clock_join(&self()->view, &run.fibers[number].view);
}

static void wait_for(unsigned number)
{
	self()->joins = number;
	set_state(self(), FIBER_JOINING);
	sleep_self();
}

static void wait_for_all(void)
{
	for (unsigned i = 1; i < run.n_fibers; i++)
		if (!is_over(i)) {
			wait_for(0);
			break;
		}
	for (unsigned i = 1; i < run.n_fibers; i++)
		follow(i);
}

static void begin_to_end(void)
{
	run.state = run.scenario->begin();
	for (unsigned i = 1; i <= run.scenario->threads; i++)
		let_go(i);
	clock_tick(self(), 0);
	wait_for_all();
	if (run.scenario->end != NULL)
		run.scenario->end(run.state);
	wait_for_all();
	heap_check_leaks();
}

void explore_enter(void)
{
	if (run.self == 0)
		begin_to_end();
	else if (self()->fn != NULL)
		self()->fn(self()->arg);
	else
		run.scenario->thread(run.state, run.self - 1);
	finish_fiber(FIBER_DONE);
}

int threads_start(void (*fn)(void *arg), void *arg, const void *pc)
{
	unsigned number;

	point(OP_START, NULL, pc);
	touch(TOUCH_THREADS, true);
	if (run.n_fibers == FIBERS ||
	    (run.scenario->flags & WEFT_EXPLORE_START_FAILS && fault(FAULT_START, START_FAILS_ONE_IN))) {
		note(-EAGAIN);
		return -EAGAIN;
	}
	number = run.n_fibers++;
	run.step_limit += STEPS_MORE;
	schedule_fiber(number);
	run.fibers[number].fn = fn;
	run.fibers[number].arg = arg;
	let_go(number);
	clock_tick(self(), run.self);
	note((int)number - 1);
	return (int)number - 1;
}

int weft_explore_start(void (*fn)(void *arg), void *arg)
{
	IN_SCHEDULE();
	return threads_start(fn, arg, PC);
}

static unsigned fiber_of(unsigned number)
{
	if (number >= run.n_fibers - 1)
		weft_explore_fail("misuse", "there is no thread %u", number);
	touch(TOUCH_STATES + number + 1, false);
	return number + 1;
}

void threads_join(unsigned number, const void *pc)
{
	const unsigned other = fiber_of(number);

	point(OP_JOIN, NULL, pc);
	touch(TOUCH_STATES + other, true);
	if (other == run.self || run.fibers[other].joined)
		weft_explore_fail("misuse", "thread %u is joined by itself or twice", number);
	run.fibers[other].joined = true;
	if (!is_over(other))
		wait_for(other);
	follow(other);
	self()->last.op = OP_JOIN;
	note(number);
}

void weft_explore_join(unsigned number)
{
	IN_SCHEDULE();
	threads_join(number, PC);
}

int weft_explore_self(void)
{
	IN_SCHEDULE();
	return (int)run.self - 1;
}

unsigned weft_explore_threads(void)
{
	IN_SCHEDULE();
	touch(TOUCH_THREADS, false);
	return run.n_fibers - 1;
}

bool weft_explore_sleeps(unsigned number)
{
	IN_SCHEDULE();
	return run.fibers[fiber_of(number)].state == FIBER_ASLEEP;
}

unsigned weft_explore_slept(unsigned number)
{
	IN_SCHEDULE();
	return run.fibers[fiber_of(number)].slept;
}

bool weft_explore_died(unsigned number)
{
	IN_SCHEDULE();
	return run.fibers[fiber_of(number)].state == FIBER_DEAD;
}
