/* SPDX-License-Identifier: MIT */
/*
 * crash.c - where the program would have been killed for a mistake, the schedule fails.
 *
 * The handler runs on a stack of its own, as the fiber's may be what is used up, and never returns into the schedule:
 * it leaves as any failure does. SA_NODEFER, as no return from it will ever unblock the signal. Outside a schedule
 * nothing is changed: the same instruction, with the default action, ends the process.
 */
#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "run.h"

enum { CRASH_STACK_SIZE = 128 * 1024, PAGE = 4096 };

static const struct {
	int signal;
	const char *name;
} signals[] = {
	{ SIGSEGV, "SIGSEGV" }, { SIGBUS, "SIGBUS" },	{ SIGFPE, "SIGFPE" },
	{ SIGILL, "SIGILL" },	{ SIGTRAP, "SIGTRAP" }, { SIGABRT, "abort()" },
};

enum { SIGNALS = sizeof(signals) / sizeof(*signals) };

static const char *name_of(int signal)
{
	for (unsigned i = 0; i < SIGNALS; i++)
		if (signals[i].signal == signal)
			return signals[i].name;
	return "?";
}

/* What stands in for the return address that other steps have: one further than the instruction. */
const void *crash_place(const void *context)
{
	const ucontext_t *const at = context;
	uintptr_t pc = 0;

#if defined(__x86_64__)
	pc = (uintptr_t)at->uc_mcontext.gregs[REG_RIP] + 1;
#elif defined(__aarch64__)
	pc = (uintptr_t)at->uc_mcontext.pc + 1;
#else
	(void)at;
#endif
	return (const void *)pc;
}

/* No number: addresses differ from one run to the next. */
static const char *kind_of(const void *address)
{
	unsigned fiber;

	if ((uintptr_t)address < PAGE)
		return "through a null pointer";
	if (fiber_guard_of(address, &fiber))
		return "the stack is full";
	return "a bad address";
}

static void crashed(int signal, siginfo_t *info, void *context)
{
	struct fiber *const me = self();

	if (!run.active || run.self == HOST) {
		sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
		if (info->si_code <= 0) /* sent, so there is no instruction that would do it again */
			raise(signal);
		return;
	}
	me->last.address = NULL;
	if (signal != SIGABRT)
		me->last.pc = crash_place(context);
	if (signal == SIGSEGV || signal == SIGBUS)
		weft_explore_fail("crash", "%s in thread %d, %s", name_of(signal), (int)run.self - 1,
				  kind_of(info->si_addr));
	weft_explore_fail("crash", "%s in thread %d", name_of(signal), (int)run.self - 1);
}

void crash_setup(void)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	stack_t stack = { .ss_size = CRASH_STACK_SIZE };

	action.sa_sigaction = crashed;
	stack.ss_sp = mmap(NULL, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL) != 0)
		abort();
	for (unsigned i = 0; i < SIGNALS; i++)
		sigaction(signals[i].signal, &action, NULL);
}

/* The C library's, which assert() calls: what it would print belongs to the failure. */
void __assert_fail(const char *condition, const char *file, unsigned line, const char *function)
{
	if (run.active && run.self != HOST)
		weft_explore_fail("assert", "%s:%u: %s: %s", file, line, function, condition);
	fprintf(stderr, "%s:%u: %s: assertion failed: %s\n", file, line, function, condition);
	abort();
}
