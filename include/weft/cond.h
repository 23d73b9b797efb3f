/* SPDX-License-Identifier: MIT */
/**
 * weft/cond.h - a condition variable, Python's Condition: wait for a change that another thread announces.
 *
 * A condition works on a lock: its own rlock, unless it was made on a weft_lock or weft_rlock that the user has;
 * several conditions may share one. Waits never return spuriously, and notify picks the threads that waited
 * longest, exactly as many as it was told.
 *
 * A condition on a lock of the user's may be freed once its last notify has returned and nobody waits un-notified,
 * even if woken threads are still on their way out of wait; its lock must stay.
 */
#ifndef WEFT_COND_H
#define WEFT_COND_H

#include <weft/lock.h>
#include <weft/rlock.h>

WEFT_BEGIN_DECLS

struct weft__cond_waiter;

/** struct weft_cond - 40 bytes; embed it; never copy or move one. All but the lock is protected by the lock. */
struct weft_cond {
	void *lock;				/* the user's, or NULL: own */
	struct weft_rlock own;
	struct weft__cond_waiter *newest;	/* circular list: newest->next is the oldest */
	weft_atomic32_t waiting;		/* how many are on it */
	uint32_t flags;				/* WEFT__COND_...; fixed by init */
};

enum { WEFT__COND_ON_LOCK = 1 };		/* lock is a weft_lock, else a weft_rlock */

/** WEFT_COND_INIT - a condition with an rlock of its own, the same as zeroed memory. */
#define WEFT_COND_INIT { NULL, WEFT_RLOCK_INIT, NULL, 0, 0 }
/** WEFT_COND_INIT_LOCK(), WEFT_COND_INIT_RLOCK() - on the lock that the argument points to. */
#define WEFT_COND_INIT_LOCK(lock) { (lock), WEFT_RLOCK_INIT, NULL, 0, WEFT__COND_ON_LOCK }
#define WEFT_COND_INIT_RLOCK(rlock) { (rlock), WEFT_RLOCK_INIT, NULL, 0, 0 }

/**
 * weft_cond_init() - with an rlock of its own.
 * weft_cond_init_lock(), weft_cond_init_rlock() - on a lock of the user's, which must outlive every wait.
 *
 * Context: any, while nobody else uses @cond. A forked child may init one anew; the lock of the user's is not
 * touched.
 */
WEFT_API void weft_cond_init(struct weft_cond *cond);
WEFT_API void weft_cond_init_lock(struct weft_cond *cond, struct weft_lock *lock);
WEFT_API void weft_cond_init_rlock(struct weft_cond *cond, struct weft_rlock *rlock);

/**
 * weft_cond_acquire(), weft_cond_acquire_for(), weft_cond_acquire_until(), weft_cond_try_acquire(),
 * weft_cond_release(), weft_cond_locked() - the same verb on the condition's lock.
 */
WEFT_API int weft_cond_acquire(struct weft_cond *cond);
WEFT_API WEFT_MUST_CHECK int weft_cond_acquire_for(struct weft_cond *cond, int64_t timeout_ns);
WEFT_API WEFT_MUST_CHECK int weft_cond_acquire_until(struct weft_cond *cond, int64_t deadline_ns,
						     struct weft_event *cancel);
WEFT_API WEFT_MUST_CHECK int weft_cond_try_acquire(struct weft_cond *cond);
WEFT_API int weft_cond_release(struct weft_cond *cond);
WEFT_API bool weft_cond_locked(const struct weft_cond *cond);

/**
 * weft_cond_wait() - give the lock up, all levels of it, wait to be notified, take it again.
 * weft_cond_wait_for() - at most @timeout_ns; zero or less lets others have the lock once.
 * weft_cond_wait_until() - until @deadline_ns or until @cancel (may be NULL) is set.
 * @cond: the condition, its lock held by the caller.
 *
 * Letting go of the lock and joining the queue is one step: no notify can fall between. A thread that was notified
 * returns 0 even if its time ran out or its token was set meanwhile. Taking the lock again is not timed.
 *
 * Context: sleeps.
 * Ordering: that of the lock.
 * Return: 0: notified; -EPERM: the lock is not held (reported to the misuse hook, nothing done); timed:
 * -ETIMEDOUT, -ECANCELED. On every return but -EPERM the lock is held again, to the same depth.
 */
WEFT_API int weft_cond_wait(struct weft_cond *cond);
WEFT_API WEFT_MUST_CHECK int weft_cond_wait_for(struct weft_cond *cond, int64_t timeout_ns);
WEFT_API WEFT_MUST_CHECK int weft_cond_wait_until(struct weft_cond *cond, int64_t deadline_ns,
						  struct weft_event *cancel);

/**
 * weft_cond_wait_pred() - wait until a predicate holds, Python's wait_for().
 * weft_cond_wait_pred_for() - at most @timeout_ns in all.
 * weft_cond_wait_pred_until() - until @deadline_ns or until @cancel (may be NULL) is set.
 * @cond: the condition, its lock held by the caller.
 * @pred: called with the lock held: 0 to wait on, a positive value to end the wait.
 * @arg: for @pred.
 *
 * @pred is asked first, after every notification, and once more when time is up or @cancel is set.
 *
 * Context: may sleep.
 * Return: the last value of @pred if it was not 0 (a predicate must not return a negative one); -EPERM; timed:
 * -ETIMEDOUT, -ECANCELED. The lock is held again, except after -EPERM.
 */
WEFT_API int weft_cond_wait_pred(struct weft_cond *cond, int (*pred)(void *), void *arg);
WEFT_API WEFT_MUST_CHECK int weft_cond_wait_pred_for(struct weft_cond *cond, int (*pred)(void *), void *arg,
						     int64_t timeout_ns);
WEFT_API WEFT_MUST_CHECK int weft_cond_wait_pred_until(struct weft_cond *cond, int (*pred)(void *), void *arg,
						       int64_t deadline_ns, struct weft_event *cancel);

/**
 * weft_cond_notify() - let the @n threads go that have waited longest, or all if they are fewer.
 * weft_cond_notify_all() - let all go that wait now.
 * @cond: the condition, its lock held by the caller.
 * @n: how many; 0 does nothing.
 *
 * They return once they get the lock, so not before the caller releases it. With nobody waiting nothing happens and
 * nothing is remembered.
 *
 * Context: never sleeps; a system call for each thread that sleeps.
 * Return: how many were let go; -EPERM: the lock is not held (reported to the misuse hook).
 */
WEFT_API int weft_cond_notify(struct weft_cond *cond, unsigned n);
WEFT_API int weft_cond_notify_all(struct weft_cond *cond);

/** weft_cond_destroy() - as weft_lock_destroy(). Return: 0, or -EBUSY: waited for, or its own rlock is held. */
WEFT_API int weft_cond_destroy(struct weft_cond *cond);

/** weft_cond_describe() - the lock's state and how many wait; as weft_lock_describe(). */
WEFT_API size_t weft_cond_describe(const struct weft_cond *cond, char *buf, size_t size);

/* The library's halves of the inline functions below. */
WEFT_API int weft_cond_notify_slow(struct weft_cond *cond, unsigned n);
WEFT_API int weft_cond_notify_all_slow(struct weft_cond *cond);

/* ---- inline: the verb on whichever lock it is; a notify with nobody waiting ---- */

WEFT_API struct weft_rlock *weft__cond_rlock(const struct weft_cond *cond);
/* The rlock it works on; NULL: a plain lock. */
WEFT_INLINE struct weft_rlock *weft__cond_rlock(const struct weft_cond *cond)
{
	if (cond->flags & WEFT__COND_ON_LOCK)
		return NULL;
	return cond->lock != NULL ? (struct weft_rlock *)cond->lock : (struct weft_rlock *)(uintptr_t)&cond->own;
}

WEFT_INLINE int weft_cond_acquire(struct weft_cond *cond)
{
	struct weft_rlock *rlock = weft__cond_rlock(cond);

	return rlock != NULL ? weft_rlock_acquire(rlock) : weft_lock_acquire((struct weft_lock *)cond->lock);
}

WEFT_INLINE int weft_cond_release(struct weft_cond *cond)
{
	struct weft_rlock *rlock = weft__cond_rlock(cond);

	return rlock != NULL ? weft_rlock_release(rlock) : weft_lock_release((struct weft_lock *)cond->lock);
}

WEFT_API bool weft__cond_quiet(const struct weft_cond *cond);
/* Whether the caller holds the lock and nobody waits. */
WEFT_INLINE bool weft__cond_quiet(const struct weft_cond *cond)
{
	struct weft_rlock *rlock = weft__cond_rlock(cond);

	if (rlock != NULL ? weft__self_serial == 0 || weft__load(&rlock->owner, WEFT__RELAXED) != weft__self_serial
			  : !weft_lock_locked((struct weft_lock *)cond->lock))
		return false;
	return weft__load(&cond->waiting, WEFT__RELAXED) == 0;
}

WEFT_INLINE int weft_cond_notify(struct weft_cond *cond, unsigned n)
{
	return weft__cond_quiet(cond) ? 0 : weft_cond_notify_slow(cond, n);
}

WEFT_INLINE int weft_cond_notify_all(struct weft_cond *cond)
{
	return weft__cond_quiet(cond) ? 0 : weft_cond_notify_all_slow(cond);
}

WEFT_END_DECLS

#endif
