/* SPDX-License-Identifier: MIT */
/*
 * hang.c - a thread that makes no step any more fails the schedule: it waits for a plain variable that the compiler
 * has read once, or loops over something that nobody else can change.
 *
 * A livelock is told by the number of its steps, the same in every run; this by processor time, as there is nothing
 * else to count. It is no choice and changes none: a schedule that makes steps never notices. A hang that is run
 * again, to be shown, need not last as long.
 */
#include <signal.h>
#include <sys/time.h>

#include "run.h"

enum { TICK_US = 100000, TICKS = 20, TICKS_AGAIN = 2 };

static struct {
	uint32_t generation;
	unsigned steps, ticks;
	bool known;
} seen;

static void tick(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	if (!run.active || run.self == HOST || run.generation != seen.generation || run.steps != seen.steps) {
		seen.generation = run.generation;
		seen.steps = run.steps;
		seen.ticks = 0;
		return;
	}
	if (++seen.ticks < (seen.known ? TICKS_AGAIN : TICKS))
		return;
	seen.ticks = 0;
	seen.known = true;
	self()->last.address = NULL;
	self()->last.pc = crash_place(context);
	weft_explore_fail("hang", "thread %d makes no step", (int)run.self - 1);
}

/* In every process: a child has no timers. Never returns into a schedule that it ends, as crash.c. */
void hang_setup(void)
{
	const struct itimerval interval = { .it_interval.tv_usec = TICK_US, .it_value.tv_usec = TICK_US };
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART };

	action.sa_sigaction = tick;
	sigaction(SIGVTALRM, &action, NULL);
	setitimer(ITIMER_VIRTUAL, &interval, NULL);
}
