/* SPDX-License-Identifier: MIT */
/**
 * weft/sem.h - a counting semaphore, Python's Semaphore and BoundedSemaphore.
 *
 * Permits belong to nobody: any thread may release. A new arrival may take a permit before a thread that sleeps for
 * one. Those released while threads wait are set aside for threads that wait, newcomers among them; a try does not get
 * them, and value does not count them.
 *
 * A thread whose acquire has returned may free the semaphore even while the release that let it go is still under
 * way.
 */
#ifndef WEFT_SEM_H
#define WEFT_SEM_H

#include <weft/time.h>

WEFT_BEGIN_DECLS

/** WEFT_SEM_MAX - the most permits a semaphore can hold. */
#define WEFT_SEM_MAX INT32_MAX

/** struct weft_sem - 16 bytes; embed it; never copy or move one. */
struct weft_sem {
	weft_atomic32_t count;	/* as int32_t: permits that are free, or minus the number of registered waiters */
	weft_atomic32_t grants;	/* permits set aside for registered waiters, who sleep on this word */
	weft_atomic32_t mode;	/* flags, and on which CPU permits are released (lib/sem.c) */
	uint32_t slack;		/* WEFT_SEM_MAX minus the bound; fixed by init */
};

/** WEFT_SEM_INIT() - with @value permits, not bounded; zeroed memory is WEFT_SEM_INIT(0). */
#define WEFT_SEM_INIT(value) { (value), 0, 0, 0 }

/**
 * weft_sem_init() - with @value permits.
 * weft_sem_init_bounded() - the same, and never more than that.
 * weft_sem_init_shared(), weft_sem_init_bounded_shared() - in memory that several processes map.
 * @sem: the semaphore, whatever it was.
 * @value: permits at first; 0 is allowed.
 *
 * Context: any, while nobody else uses @sem.
 * Return: 0, or -EINVAL: @value is over WEFT_SEM_MAX (which a negative number is), and nothing was done.
 */
WEFT_API int weft_sem_init(struct weft_sem *sem, unsigned value);
WEFT_API int weft_sem_init_bounded(struct weft_sem *sem, unsigned value);
WEFT_API int weft_sem_init_shared(struct weft_sem *sem, unsigned value);
WEFT_API int weft_sem_init_bounded_shared(struct weft_sem *sem, unsigned value);

/* The library's halves of the inline functions below. */
WEFT_API int weft_sem_acquire_slow(struct weft_sem *sem);
WEFT_API int weft_sem_acquire_for_slow(struct weft_sem *sem, int64_t timeout_ns);
WEFT_API int weft_sem_acquire_until_slow(struct weft_sem *sem, int64_t deadline_ns, struct weft_event *cancel);
WEFT_API int weft_sem_try_acquire_slow(struct weft_sem *sem);
WEFT_API int weft_sem_release_slow(struct weft_sem *sem, unsigned n);

/**
 * weft_sem_acquire() - take one permit, waiting as long as it takes.
 * weft_sem_acquire_for() - at most @timeout_ns; zero or less is one try.
 * weft_sem_acquire_until() - until @deadline_ns or until @cancel (may be NULL) is set.
 * weft_sem_try_acquire() - without waiting.
 * @sem: the semaphore. A free permit is taken before clock and token are looked at.
 *
 * Context: may sleep (try does not).
 * Ordering: the release that gave the permit happens before the return.
 * Return: 0; timed: -ETIMEDOUT, -ECANCELED; try: -EAGAIN: there is none.
 */
WEFT_API int weft_sem_acquire(struct weft_sem *sem);
WEFT_API WEFT_MUST_CHECK int weft_sem_acquire_for(struct weft_sem *sem, int64_t timeout_ns);
WEFT_API WEFT_MUST_CHECK int weft_sem_acquire_until(struct weft_sem *sem, int64_t deadline_ns,
						    struct weft_event *cancel);
WEFT_API WEFT_MUST_CHECK int weft_sem_try_acquire(struct weft_sem *sem);

/**
 * weft_sem_release() - give one permit.
 * weft_sem_release_n() - give @n permits in one step; as many waiters go as there are permits for.
 *
 * Context: any, signal handlers too; a system call only if somebody waits.
 * Ordering: everything before it happens before the return of the acquires that take these permits.
 * Return: 0; -EOVERFLOW: over the bound, or over WEFT_SEM_MAX; -EINVAL: @n is 0. On an error no permit was
 * given, and the misuse hook was told.
 */
WEFT_API int weft_sem_release(struct weft_sem *sem);
WEFT_API int weft_sem_release_n(struct weft_sem *sem, unsigned n);

/** weft_sem_value() - how many permits are free now; a snapshot. Context: any, signal handlers too. */
WEFT_API unsigned weft_sem_value(const struct weft_sem *sem);

/** weft_sem_destroy() - as weft_lock_destroy(); permits may be out. Return: 0, or -EBUSY: waited for. */
WEFT_API int weft_sem_destroy(struct weft_sem *sem);

/** weft_sem_describe() - "value=v", bounded "value=v/max"; as weft_lock_describe(). */
WEFT_API size_t weft_sem_describe(const struct weft_sem *sem, char *buf, size_t size);

/* ---- inline: take from a positive count, add to one that is not negative ---- */

WEFT_API bool weft__sem_take(struct weft_sem *sem);
WEFT_INLINE bool weft__sem_take(struct weft_sem *sem)
{
	uint32_t count = weft__load(&sem->count, WEFT__RELAXED);

	return WEFT__LIKELY((int32_t)count > 0) &&
	       weft__cas(&sem->count, &count, count - 1, WEFT__ACQUIRE, WEFT__RELAXED);
}

WEFT_INLINE int weft_sem_acquire(struct weft_sem *sem)
{
	return WEFT__LIKELY(weft__sem_take(sem)) ? 0 : weft_sem_acquire_slow(sem);
}

WEFT_INLINE int weft_sem_acquire_for(struct weft_sem *sem, int64_t timeout_ns)
{
	return WEFT__LIKELY(weft__sem_take(sem)) ? 0 : weft_sem_acquire_for_slow(sem, timeout_ns);
}

WEFT_INLINE int weft_sem_acquire_until(struct weft_sem *sem, int64_t deadline_ns, struct weft_event *cancel)
{
	return WEFT__LIKELY(weft__sem_take(sem)) ? 0 : weft_sem_acquire_until_slow(sem, deadline_ns, cancel);
}

WEFT_INLINE int weft_sem_try_acquire(struct weft_sem *sem)
{
	return WEFT__LIKELY(weft__sem_take(sem)) ? 0 : weft_sem_try_acquire_slow(sem);
}

WEFT_INLINE int weft_sem_release(struct weft_sem *sem)
{
	uint32_t count = weft__load(&sem->count, WEFT__RELAXED);

	/* A negative count is a large unsigned one, and so fails the test for the bound. */
	if (WEFT__LIKELY(count < (uint32_t)WEFT_SEM_MAX - sem->slack) &&
	    weft__cas(&sem->count, &count, count + 1, WEFT__RELEASE, WEFT__RELAXED))
		return 0;
	return weft_sem_release_slow(sem, 1);
}

WEFT_END_DECLS

#endif
