/* SPDX-License-Identifier: MIT */
/**
 * weft/lock.h - a mutual-exclusion lock in four bytes, Python's Lock.
 *
 * It has no owner: any thread may release it, and acquiring it twice in one thread waits (for a second release, by
 * anybody). Zeroed memory is an unlocked lock. Newcomers may overtake sleepers, for throughput, but nobody starves:
 * once a thread that was woken finds the lock taken again, the next release is for those who have slept.
 *
 * A thread whose acquire has returned may free the lock as soon as it has released it or knows that nobody else
 * uses it, even while the thread that released it before is still inside weft_lock_release().
 */
#ifndef WEFT_LOCK_H
#define WEFT_LOCK_H

#include <weft/time.h>

WEFT_BEGIN_DECLS

/** struct weft_lock - 4 bytes; embed it; never copy or move one. The word is the library's. */
struct weft_lock {
	weft_atomic32_t word;
};

/** WEFT_LOCK_INIT - an unlocked lock, the same as zeroed memory. */
#define WEFT_LOCK_INIT { 0 }

/**
 * weft_lock_init() - make @lock an unlocked lock, whatever it was.
 * weft_lock_init_shared() - the same for a lock in memory that several processes map, also at different addresses.
 *
 * A forked child may init a lock anew whether it was held or not: a lock owns nothing.
 *
 * Context: any, while nobody else uses @lock.
 */
WEFT_API void weft_lock_init(struct weft_lock *lock);
WEFT_API void weft_lock_init_shared(struct weft_lock *lock);

/* The library's halves of the inline functions below; a profiler shows contention under these names. */
WEFT_API int weft_lock_acquire_slow(struct weft_lock *lock);
WEFT_API int weft_lock_acquire_for_slow(struct weft_lock *lock, int64_t timeout_ns);
WEFT_API int weft_lock_acquire_until_slow(struct weft_lock *lock, int64_t deadline_ns, struct weft_event *cancel);
WEFT_API int weft_lock_try_acquire_slow(struct weft_lock *lock);
WEFT_API int weft_lock_release_slow(struct weft_lock *lock);

/**
 * weft_lock_acquire() - take the lock, waiting as long as it takes.
 * @lock: the lock.
 *
 * Context: may sleep; not for signal handlers.
 * Ordering: everything before the release that made it free happens before the return.
 * Return: 0.
 */
WEFT_API int weft_lock_acquire(struct weft_lock *lock);

/**
 * weft_lock_acquire_for() - take the lock, waiting at most @timeout_ns.
 * @lock: the lock.
 * @timeout_ns: how long; zero or less is one try.
 *
 * A free lock is taken without a look at the clock. A signal handler that runs meanwhile does not end the wait.
 *
 * Context: may sleep.
 * Ordering: as weft_lock_acquire().
 * Return: 0, or -ETIMEDOUT, never before the time.
 */
WEFT_API WEFT_MUST_CHECK int weft_lock_acquire_for(struct weft_lock *lock, int64_t timeout_ns);

/**
 * weft_lock_acquire_until() - take the lock, waiting until a deadline or a cancel token.
 * @lock: the lock.
 * @deadline_ns: on weft_now()'s clock; WEFT_FOREVER never expires.
 * @cancel: an event that ends the wait when it is set; may be NULL.
 *
 * A free lock is taken before clock and token are looked at.
 *
 * Context: may sleep.
 * Ordering: as weft_lock_acquire().
 * Return: 0, -ETIMEDOUT, or -ECANCELED.
 */
WEFT_API WEFT_MUST_CHECK int weft_lock_acquire_until(struct weft_lock *lock, int64_t deadline_ns,
						     struct weft_event *cancel);

/**
 * weft_lock_try_acquire() - take the lock if it is free.
 * @lock: the lock.
 *
 * Context: never sleeps.
 * Ordering: as weft_lock_acquire() on success, none otherwise.
 * Return: 0, or -EAGAIN: it is held, by whomever.
 */
WEFT_API WEFT_MUST_CHECK int weft_lock_try_acquire(struct weft_lock *lock);

/**
 * weft_lock_release() - give the lock back.
 * @lock: the lock, held by this thread or any other.
 *
 * Context: never sleeps; a system call only if somebody waits. Not for signal handlers that may interrupt a use
 * of the same lock.
 * Ordering: everything before it happens before the return of the acquire that gets the lock next.
 * Return: 0, or -EPERM: it was not locked (reported to the misuse hook, nothing changed).
 */
WEFT_API int weft_lock_release(struct weft_lock *lock);

/**
 * weft_lock_locked() - whether anybody holds the lock now.
 *
 * Context: any, signal handlers too. A snapshot: it may be out of date when it returns.
 */
WEFT_API bool weft_lock_locked(const struct weft_lock *lock);

/**
 * weft_lock_acquire_many() - take a set of locks without risk of deadlock.
 * @locks: @n pointers to different locks, in any order.
 * @n: how many; 0 does nothing.
 *
 * All callers take common locks in one global order, by address; if one of them is process-shared, where addresses
 * mean nothing, the caller waits for one lock at a time and holds no other meanwhile.
 *
 * Context: may sleep.
 * Ordering: as weft_lock_acquire() on each.
 * Return: 0: all are held; -EINVAL: a NULL or a lock named twice, and none was taken.
 */
WEFT_API int weft_lock_acquire_many(struct weft_lock *const locks[], size_t n);

/**
 * weft_lock_destroy() - check that nobody uses the lock any more; optional, it frees nothing.
 *
 * Context: any.
 * Return: 0, or -EBUSY: held or waited for (reported to the misuse hook).
 */
WEFT_API int weft_lock_destroy(struct weft_lock *lock);

/**
 * weft_lock_describe() - "unlocked" or "locked", and "contended" if threads may be waiting, for people.
 * @lock: the lock.
 * @buf: where to; may be NULL if @size is 0.
 * @size: of @buf; the text is cut to fit and always terminated.
 *
 * Context: never blocks, changes nothing.
 * Return: the length of the whole text, as snprintf() counts.
 */
WEFT_API size_t weft_lock_describe(const struct weft_lock *lock, char *buf, size_t size);

/* ---- inline: 0 is free and 1 is held with nobody waiting; all other words belong to lib/lock.c ---- */

WEFT_INLINE int weft_lock_acquire(struct weft_lock *lock)
{
	uint32_t word = 0;

	if (WEFT__LIKELY(weft__cas(&lock->word, &word, 1, WEFT__ACQUIRE, WEFT__RELAXED)))
		return 0;
	return weft_lock_acquire_slow(lock);
}

WEFT_INLINE int weft_lock_acquire_for(struct weft_lock *lock, int64_t timeout_ns)
{
	uint32_t word = 0;

	if (WEFT__LIKELY(weft__cas(&lock->word, &word, 1, WEFT__ACQUIRE, WEFT__RELAXED)))
		return 0;
	return weft_lock_acquire_for_slow(lock, timeout_ns);
}

WEFT_INLINE int weft_lock_acquire_until(struct weft_lock *lock, int64_t deadline_ns, struct weft_event *cancel)
{
	uint32_t word = 0;

	if (WEFT__LIKELY(weft__cas(&lock->word, &word, 1, WEFT__ACQUIRE, WEFT__RELAXED)))
		return 0;
	return weft_lock_acquire_until_slow(lock, deadline_ns, cancel);
}

WEFT_INLINE int weft_lock_try_acquire(struct weft_lock *lock)
{
	uint32_t word = 0;

	if (WEFT__LIKELY(weft__cas(&lock->word, &word, 1, WEFT__ACQUIRE, WEFT__RELAXED)))
		return 0;
	return word == 1 ? -EAGAIN : weft_lock_try_acquire_slow(lock);
}

WEFT_INLINE int weft_lock_release(struct weft_lock *lock)
{
	uint32_t word = 1;

	if (WEFT__LIKELY(weft__cas(&lock->word, &word, 0, WEFT__RELEASE, WEFT__RELAXED)))
		return 0;
	return weft_lock_release_slow(lock);
}

WEFT_INLINE bool weft_lock_locked(const struct weft_lock *lock)
{
	return weft__load(&lock->word, WEFT__RELAXED) & 1;
}

WEFT_END_DECLS

#endif
