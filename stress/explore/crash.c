/* SPDX-License-Identifier: MIT */
/*
 * crash.c - a program that crashes has failed, as by any other check: the schedule ends and can be run again.
 *
 * The handler leaves by a switch to the explorer's own stack and never returns, hence SA_NODEFER; it runs on a stack
 * of its own, as what crashed may be the end of the fiber's. A crash of the explorer itself stays one.
 */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "run.h"

static char stack[1 << 16] __attribute__((__aligned__(16)));

static void on_crash(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (!run.active) {
		const struct sigaction by_default = { .sa_handler = SIG_DFL };

		sigaction(signal, &by_default, NULL);
		return; /* and crash again */
	}
	if ((signal == SIGSEGV || signal == SIGBUS) && (uintptr_t)info->si_addr < 4096)
		weft_explore_fail("crash", "%s at NULL", sigdescr_np(signal));
	weft_explore_fail("crash", "%s", sigdescr_np(signal)); /* addresses are not the same in each run */
}

void crash_setup(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	const stack_t own = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	sigaltstack(&own, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}
