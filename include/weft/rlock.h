/* SPDX-License-Identifier: MIT */
/**
 * weft/rlock.h - a recursive lock, Python's RLock: its owner may acquire it again, and must release it as often.
 *
 * The owner is known by a number that is never used for another thread, so a lock left held by a thread that
 * ended belongs to nobody else, ever. A forked child's thread keeps what it owned.
 *
 * Not supported: a signal handler that acquires an rlock which the interrupted thread is just acquiring or
 * releasing.
 */
#ifndef WEFT_RLOCK_H
#define WEFT_RLOCK_H

#include <weft/lock.h>

WEFT_BEGIN_DECLS

/** struct weft_rlock - 16 bytes; embed it; never copy or move one. */
struct weft_rlock {
	struct weft_lock lock;
	weft_atomic32_t depth;	/* written by the owner only */
	weft_atomic64_t owner;	/* 0, or the serial of the thread that holds it */
};

/** WEFT_RLOCK_INIT - an unlocked rlock, the same as zeroed memory. */
#define WEFT_RLOCK_INIT { WEFT_LOCK_INIT, 0, 0 }

/** weft_rlock_init(), weft_rlock_init_shared() - as weft_lock_init(); shared: the owner may be of any process. */
WEFT_API void weft_rlock_init(struct weft_rlock *rlock);
WEFT_API void weft_rlock_init_shared(struct weft_rlock *rlock);

/* The library's halves of the inline functions below. */
WEFT_API int weft_rlock_acquire_slow(struct weft_rlock *rlock);
WEFT_API int weft_rlock_acquire_for_slow(struct weft_rlock *rlock, int64_t timeout_ns);
WEFT_API int weft_rlock_acquire_until_slow(struct weft_rlock *rlock, int64_t deadline_ns, struct weft_event *cancel);
WEFT_API int weft_rlock_try_acquire_slow(struct weft_rlock *rlock);
WEFT_API int weft_rlock_release_slow(struct weft_rlock *rlock);

/**
 * weft_rlock_acquire() - take the lock, or one more level of it.
 * weft_rlock_acquire_for() - waiting at most @timeout_ns.
 * weft_rlock_acquire_until() - waiting until @deadline_ns or until @cancel (may be NULL) is set.
 * weft_rlock_try_acquire() - without waiting.
 * @rlock: the lock.
 *
 * Context: may sleep (try does not). Not for signal handlers.
 * Ordering: everything before the release that made it free happens before the return.
 * Return: 0; -EOVERFLOW: the depth would pass UINT_MAX, which is kept (reported to the misuse hook); timed:
 * -ETIMEDOUT, -ECANCELED; try: -EAGAIN: another thread holds it.
 */
WEFT_API int weft_rlock_acquire(struct weft_rlock *rlock);
WEFT_API WEFT_MUST_CHECK int weft_rlock_acquire_for(struct weft_rlock *rlock, int64_t timeout_ns);
WEFT_API WEFT_MUST_CHECK int weft_rlock_acquire_until(struct weft_rlock *rlock, int64_t deadline_ns,
						      struct weft_event *cancel);
WEFT_API WEFT_MUST_CHECK int weft_rlock_try_acquire(struct weft_rlock *rlock);

/**
 * weft_rlock_release() - give one level back; the last one frees the lock.
 *
 * Context: never sleeps.
 * Ordering: the last release happens before the next acquire's return.
 * Return: 0, or -EPERM: the caller does not own it (reported to the misuse hook, nothing changed).
 */
WEFT_API int weft_rlock_release(struct weft_rlock *rlock);

/** weft_rlock_locked() - whether any thread holds it now; a snapshot. Context: any, signal handlers too. */
WEFT_API bool weft_rlock_locked(const struct weft_rlock *rlock);
/** weft_rlock_owned() - whether the calling thread holds it. Context: any. */
WEFT_API bool weft_rlock_owned(const struct weft_rlock *rlock);
/** weft_rlock_depth() - the calling thread's depth; 0 if it does not own it. Context: any. */
WEFT_API unsigned weft_rlock_depth(const struct weft_rlock *rlock);

/** weft_rlock_destroy() - as weft_lock_destroy(). Return: 0, or -EBUSY. */
WEFT_API int weft_rlock_destroy(struct weft_rlock *rlock);

/** weft_rlock_describe() - "unlocked", or "locked" with owner and depth; as weft_lock_describe(). */
WEFT_API size_t weft_rlock_describe(const struct weft_rlock *rlock, char *buf, size_t size);

/* ---- inline: the lock's 0 and 1 with an owner beside; a shared rlock never matches here (lib/rlock.c) ---- */

/* Take one level if that needs no library: the caller owns it already, or it is free. */
WEFT_API bool weft__rlock_take(struct weft_rlock *rlock);
WEFT_INLINE bool weft__rlock_take(struct weft_rlock *rlock)
{
	const uint64_t self = weft__self_serial;
	uint32_t word = 0;

	/* Relaxed: only the owner itself can read its own serial here, and it wrote it. */
	if (weft__load(&rlock->owner, WEFT__RELAXED) == self && self != 0) {
		const uint32_t depth = weft__load(&rlock->depth, WEFT__RELAXED);

		if (depth == UINT32_MAX)
			return false;
		weft__store(&rlock->depth, depth + 1, WEFT__RELAXED);
		return true;
	}
	if (self == 0 || !weft__cas(&rlock->lock.word, &word, 1, WEFT__ACQUIRE, WEFT__RELAXED))
		return false;
	weft__store(&rlock->owner, self, WEFT__RELAXED);
	weft__store(&rlock->depth, 1, WEFT__RELAXED);
	return true;
}

WEFT_INLINE int weft_rlock_acquire(struct weft_rlock *rlock)
{
	return WEFT__LIKELY(weft__rlock_take(rlock)) ? 0 : weft_rlock_acquire_slow(rlock);
}

WEFT_INLINE int weft_rlock_acquire_for(struct weft_rlock *rlock, int64_t timeout_ns)
{
	return WEFT__LIKELY(weft__rlock_take(rlock)) ? 0 : weft_rlock_acquire_for_slow(rlock, timeout_ns);
}

WEFT_INLINE int weft_rlock_acquire_until(struct weft_rlock *rlock, int64_t deadline_ns, struct weft_event *cancel)
{
	return WEFT__LIKELY(weft__rlock_take(rlock)) ? 0 : weft_rlock_acquire_until_slow(rlock, deadline_ns, cancel);
}

WEFT_INLINE int weft_rlock_try_acquire(struct weft_rlock *rlock)
{
	return WEFT__LIKELY(weft__rlock_take(rlock)) ? 0 : weft_rlock_try_acquire_slow(rlock);
}

WEFT_INLINE int weft_rlock_release(struct weft_rlock *rlock)
{
	const uint64_t self = weft__self_serial;
	uint32_t depth, word = 1;

	if (!WEFT__LIKELY(self != 0 && weft__load(&rlock->owner, WEFT__RELAXED) == self))
		return weft_rlock_release_slow(rlock);
	depth = weft__load(&rlock->depth, WEFT__RELAXED) - 1;
	weft__store(&rlock->depth, depth, WEFT__RELAXED);
	if (depth != 0)
		return 0;
	weft__store(&rlock->owner, 0, WEFT__RELAXED);
	if (WEFT__LIKELY(weft__cas(&rlock->lock.word, &word, 0, WEFT__RELEASE, WEFT__RELAXED)))
		return 0;
	return weft_lock_release_slow(&rlock->lock);
}

WEFT_INLINE bool weft_rlock_locked(const struct weft_rlock *rlock)
{
	return weft_lock_locked(&rlock->lock);
}

WEFT_END_DECLS

#endif
