/* SPDX-License-Identifier: MIT */
/*
 * faults.c - what may befall a thread between any two of its steps: its death, and a signal.
 *
 * The other faults belong to one call each, and are decided there by fault(): spurious, eintr and eagain end a wait,
 * timeout lets time run out while others could run, order lets a wake take another sleeper than the oldest (sys.c,
 * sched.c), cas lets a weak compare-exchange fail (memory.c), alloc an allocation (heap.c), start the start of a
 * thread (threads.c), and move is another processor (sys.c).
 *
 * A death happens at most once in a schedule, to a scenario that says WEFT_EXPLORE_MAY_DIE. The thread stops where it
 * is; what it holds stays held, its stack stays. It does not stay queued at a futex, the kernel sees to that: so one
 * that dies asleep is no different from one that dies just before, and one that takes a wake with it dies just after.
 *
 * Signals come at most SIGNALS times, to a scenario that has a handler, which runs on the thread's stack, between two
 * steps or in place of the rest of a wait. A handler is not interrupted by another. One that comes while the thread
 * waits makes it run, but does not take it out of the queue: a wake that comes before it really runs is had, and the
 * wait returns it. Otherwise the wait ends with EINTR or, if its handler was installed with SA_RESTART and the call
 * is one that the kernel restarts, is made again after the handler.
 *
 * Where chance decides, the steps at which something may happen are drawn before the schedule starts, so that all
 * other steps cost a comparison. In a search, and in a schedule that is given, each step may be one.
 */
#include "run.h"

enum { SIGNALS = 3, WAIT_INTERRUPTED_ONE_IN = 4 };

static struct {
	unsigned steps[SIGNALS + 1]; /* the last one for a death */
} due;

static bool every_step(void)
{
	return run.plan.strategy == STRATEGY_SEARCH || run.plan.strategy == STRATEGY_GIVEN;
}

static unsigned next_due(void)
{
	unsigned next = UINT32_MAX;

	for (unsigned i = 0; i <= SIGNALS; i++)
		if (due.steps[i] < next)
			next = due.steps[i];
	return next;
}

void faults_begin(void)
{
	const bool may_die = run.scenario->flags & WEFT_EXPLORE_MAY_DIE && run.plan.kinds & 1u << FAULT_DEATH;
	const bool may_signal = run.scenario->handler != NULL && run.plan.kinds & 1u << FAULT_SIGNAL;

	run.deaths = may_die ? 1 : 0;
	run.signals = may_signal ? SIGNALS : 0;
	run.fault_step = UINT32_MAX;
	if (!may_die && !may_signal)
		return;
	for (unsigned i = 0; i < SIGNALS; i++)
		due.steps[i] = may_signal ? 1 + below(run.usual_steps) : UINT32_MAX;
	due.steps[SIGNALS] = may_die ? 1 + below(run.usual_steps) : UINT32_MAX;
	run.fault_step = every_step() ? 0 : next_due();
}

/* Whether there is one to decide at this step. */
static bool is_due(unsigned first, unsigned n)
{
	bool is = every_step();

	for (unsigned i = first; i < first + n; i++)
		if (due.steps[i] <= run.steps) {
			due.steps[i] = UINT32_MAX;
			is = true;
		}
	return is;
}

static void mark(enum op op)
{
	self()->last = (struct step){ .op = op, .fiber = run.self };
	trace_step(&self()->last);
}

static void die(void)
{
	run.deaths--;
	mark(OP_DEATH);
	finish_fiber(FIBER_DEAD);
}

void faults_handle(void)
{
	self()->handles = true;
	mark(OP_SIGNAL);
	run.scenario->handler(run.state, run.self - 1);
	mark(OP_HANDLED);
	self()->handles = false;
}

/* Only while the threads run. One that handles a signal may die of it. */
void faults_point(void)
{
	if (run.self == 0 || run.fibers[0].state != FIBER_JOINING || self()->in_kernel)
		return;
	if (run.deaths > 0 && is_due(SIGNALS, 1) && fault(FAULT_DEATH, 1))
		die();
	if (run.signals > 0 && !self()->handles && is_due(0, SIGNALS) && fault(FAULT_SIGNAL, 1)) {
		run.signals--;
		faults_handle();
	}
	if (!every_step())
		run.fault_step = next_due();
}

bool faults_interrupt(void)
{
	if (run.signals == 0 || run.self == 0 || self()->handles || !fault(FAULT_SIGNAL, WAIT_INTERRUPTED_ONE_IN))
		return false;
	run.signals--;
	return true;
}
