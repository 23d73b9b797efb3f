/* SPDX-License-Identifier: MIT */
/*
 * posix.c - pthread_create() and its like, for programs that start their threads by them: in a schedule the same as
 * weft_explore_start() and weft_explore_join(), outside what they always are.
 *
 * Attributes count as far as they say that nobody will join. A thread that has died is joined with PTHREAD_CANCELED.
 * pthread_exit() runs no cleanup handlers and no destructors, nor does the end of a thread.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include "run.h"

#define PC __builtin_return_address(0)

/* A pthread_t of a schedule is this and the fiber's number: no address, and not 0. */
enum { FIRST = 0x1000 };

static struct {
	void *(*fn)(void *arg);
	void *arg, *result;
} threads[FIBERS];

static void *libc(const char *name)
{
	void *const found = dlsym(RTLD_NEXT, name);

	if (found == NULL)
		__builtin_trap();
	return found;
}

/* A function's pointer from a datum's, as POSIX has it. */
#define FIND(function)                                                                                               \
	static __typeof__(&(function)) real;                                                                         \
	if (real == NULL)                                                                                            \
	*(void **)(void *)&real = libc(#function)

static unsigned number_of(pthread_t thread)
{
	if (thread <= FIRST || thread >= FIRST + run.n_fibers)
		weft_explore_fail("misuse", "a pthread_t that is no thread of this schedule");
	return (unsigned)(thread - FIRST) - 1;
}

static void begin(void *unused)
{
	(void)unused;
	threads[run.self].result = threads[run.self].fn(threads[run.self].arg);
}

static bool is_detached(const pthread_attr_t *attributes)
{
	int state = PTHREAD_CREATE_JOINABLE;

	return attributes != NULL && pthread_attr_getdetachstate(attributes, &state) == 0 &&
	       state == PTHREAD_CREATE_DETACHED;
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes, void *(*fn)(void *),
		   void *restrict arg)
{
	FIND(pthread_create);
	int number;

	if (!run.active)
		return real(thread, attributes, fn, arg);
	number = threads_start(begin, NULL, PC);
	if (number < 0)
		return -number;
	threads[number + 1].fn = fn;
	threads[number + 1].arg = arg;
	threads[number + 1].result = PTHREAD_CANCELED;
	run.fibers[number + 1].joined = is_detached(attributes);
	*thread = FIRST + 1 + (pthread_t)number;
	return 0;
}

int pthread_join(pthread_t thread, void **result)
{
	FIND(pthread_join);
	if (!run.active)
		return real(thread, result);
	threads_join(number_of(thread), PC);
	if (result != NULL)
		*result = threads[number_of(thread) + 1].result;
	return 0;
}

int pthread_detach(pthread_t thread)
{
	FIND(pthread_detach);
	if (!run.active)
		return real(thread);
	if (run.fibers[number_of(thread) + 1].joined)
		return EINVAL;
	run.fibers[number_of(thread) + 1].joined = true;
	return 0;
}

pthread_t pthread_self(void)
{
	FIND(pthread_self);
	return run.active && run.self != HOST ? FIRST + run.self : real();
}

void pthread_exit(void *result)
{
	FIND(pthread_exit);
	if (!run.active)
		real(result);
	if (run.self == 0)
		weft_explore_fail("misuse", "pthread_exit() in begin or end");
	threads[run.self].result = result;
	finish_fiber(FIBER_DONE);
	__builtin_unreachable();
}
