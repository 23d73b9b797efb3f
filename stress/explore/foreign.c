/* SPDX-License-Identifier: MIT */
/*
 * foreign.c - calls of the C library that know nothing of schedules, in place of its own.
 *
 * All threads of a schedule are one thread to the C library. Where one of them would wait in it for another, nothing
 * would ever move again; so a call that would is a failure that says what to use. One that need not wait goes through,
 * as it may come from a library's depth. The clock is the schedule's, and who sleeps lets it pass.
 *
 * Outside a schedule all of them do what they always do.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <weft/time.h>
#include <weft_sys.h>

#include "run.h"

/* ---- what would wait; threads themselves are in posix.c ---- */

/* The next one in the order of libraries: the C library's. A function's pointer from a datum's, as POSIX has it. */
#define LIBC(function, ...)                                                                                          \
	static __typeof__(&(function)) libc;                                                                         \
	if (libc == NULL)                                                                                            \
		*(void **)(void *)&libc = dlsym(RTLD_NEXT, #function);                                               \
	return libc(__VA_ARGS__)

#define TELL(function, instead)                                                                                      \
	weft_explore_fail(function, "in a schedule it would stop all threads; use %s (doc/explore.md)", instead)

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	if (run.active) {
		if (pthread_mutex_trylock(mutex) == 0)
			return 0;
		TELL("pthread_mutex_lock", "struct weft_lock");
	}
	LIBC(pthread_mutex_lock, mutex);
}

int pthread_cond_wait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex)
{
	if (run.active)
		TELL("pthread_cond_wait", "struct weft_cond");
	LIBC(pthread_cond_wait, cond, mutex);
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
			   const struct timespec *restrict end)
{
	if (run.active)
		TELL("pthread_cond_timedwait", "struct weft_cond");
	LIBC(pthread_cond_timedwait, cond, mutex, end);
}

int pthread_barrier_wait(pthread_barrier_t *barrier)
{
	if (run.active)
		TELL("pthread_barrier_wait", "struct weft_barrier");
	LIBC(pthread_barrier_wait, barrier);
}

int sem_wait(sem_t *semaphore)
{
	if (run.active) {
		if (sem_trywait(semaphore) == 0)
			return 0;
		TELL("sem_wait", "struct weft_sem");
	}
	LIBC(sem_wait, semaphore);
}

int sched_yield(void)
{
	if (!run.active)
		return (int)syscall(SYS_sched_yield);
	weft_explore_yield();
	return 0;
}

/* ---- time: the schedule's, from 2001 where it is a date ---- */

enum { DATE_SECONDS = 1000000000 };

int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (!run.active)
		return (int)syscall(SYS_clock_gettime, clock, now);
	weft_sys_clock(now);
	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
		now->tv_sec += DATE_SECONDS;
	return 0;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	out->tv_sec = now.tv_sec;
	out->tv_usec = now.tv_nsec / 1000;
	return 0;
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
	if (!run.active)
		return (int)syscall(SYS_nanosleep, time, left);
	weft_sleep_for(WEFT_SEC(time->tv_sec) + time->tv_nsec);
	return 0;
}

int usleep(useconds_t time)
{
	const struct timespec ns = { (time_t)(time / 1000000), (long)(time % 1000000) * 1000 };

	return nanosleep(&ns, NULL);
}

unsigned sleep(unsigned seconds)
{
	const struct timespec ns = { (time_t)seconds, 0 };
	struct timespec left = { 0, 0 };

	return nanosleep(&ns, &left) == 0 ? 0 : (unsigned)left.tv_sec + (left.tv_nsec > 0);
}
