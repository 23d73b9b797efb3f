/* SPDX-License-Identifier: MIT */
/**
 * tests/baselock.h - the rules that a lock, an rlock and a condition's lock have in common, tested through one table of
 * verbs (LOCK-01 to 10, TIME-02 to 11; RLOCK-09).
 *
 * Threads release only what they acquired themselves, so that all of it holds for owned locks too.
 */
#ifndef WEFT_TEST_BASELOCK_H
#define WEFT_TEST_BASELOCK_H

#include <weft.h>

/** struct lock_verbs - a kind of lock. */
struct lock_verbs {
	size_t size;
	int (*acquire)(void *lock);
	int (*acquire_for)(void *lock, int64_t timeout_ns);
	int (*acquire_until)(void *lock, int64_t deadline_ns, struct weft_event *cancel);
	int (*try_acquire)(void *lock);
	int (*release)(void *lock);
	bool (*locked)(const void *lock);
	int (*destroy)(void *lock);	/* also -EBUSY while the lock is held */
	size_t (*describe)(const void *lock, char *buf, size_t size);
};

/** LOCK_VERBS() - the table for objects struct weft_@kind, whose functions are weft_@kind_...; as static functions. */
#define LOCK_VERBS(kind)                                                                                               \
	static int kind##_acquire(void *lock)                                                                          \
	{                                                                                                              \
		return weft_##kind##_acquire(lock);                                                                    \
	}                                                                                                              \
	static int kind##_acquire_for(void *lock, int64_t timeout_ns)                                                  \
	{                                                                                                              \
		return weft_##kind##_acquire_for(lock, timeout_ns);                                                    \
	}                                                                                                              \
	static int kind##_acquire_until(void *lock, int64_t deadline_ns, struct weft_event *cancel)                    \
	{                                                                                                              \
		return weft_##kind##_acquire_until(lock, deadline_ns, cancel);                                         \
	}                                                                                                              \
	static int kind##_try_acquire(void *lock)                                                                      \
	{                                                                                                              \
		return weft_##kind##_try_acquire(lock);                                                                \
	}                                                                                                              \
	static int kind##_release(void *lock)                                                                          \
	{                                                                                                              \
		return weft_##kind##_release(lock);                                                                    \
	}                                                                                                              \
	static bool kind##_locked(const void *lock)                                                                    \
	{                                                                                                              \
		return weft_##kind##_locked(lock);                                                                     \
	}                                                                                                              \
	static int kind##_destroy(void *lock)                                                                          \
	{                                                                                                              \
		return weft_##kind##_destroy(lock);                                                                    \
	}                                                                                                              \
	static size_t kind##_describe(const void *lock, char *buf, size_t size)                                        \
	{                                                                                                              \
		return weft_##kind##_describe(lock, buf, size);                                                        \
	}                                                                                                              \
	static const struct lock_verbs kind##_verbs = {                                                                \
		sizeof(struct weft_##kind), kind##_acquire, kind##_acquire_for, kind##_acquire_until,                  \
		kind##_try_acquire, kind##_release, kind##_locked, kind##_destroy, kind##_describe                     \
	};

/* Each of these is the body of one test; a zeroed object is used, which must be valid (GEN-05). */
void baselock_states(const struct lock_verbs *verbs);		/* LOCK-01 */
void baselock_try(const struct lock_verbs *verbs);		/* LOCK-02 */
void baselock_contended(const struct lock_verbs *verbs);	/* LOCK-03 */
void baselock_timed(const struct lock_verbs *verbs);		/* LOCK-07, TIME-02 */
void baselock_timed_success(const struct lock_verbs *verbs);	/* LOCK-07 */
void baselock_expired_times(const struct lock_verbs *verbs);	/* TIME-05, TIME-06 */
void baselock_granted_first(const struct lock_verbs *verbs);	/* TIME-06, TIME-11 */
void baselock_huge_times(const struct lock_verbs *verbs);	/* TIME-07 */
void baselock_after_timeout(const struct lock_verbs *verbs);	/* LOCK-08 */
void baselock_storm_timed(const struct lock_verbs *verbs);	/* TIME-03 */
void baselock_storm_untimed(const struct lock_verbs *verbs);	/* TIME-03 */
void baselock_cancelled(const struct lock_verbs *verbs);	/* TIME-04 */
void baselock_excludes(const struct lock_verbs *verbs);		/* LOCK-01, GEN-09 */
void baselock_excludes_mixed(const struct lock_verbs *verbs);	/* LOCK-08 under load */
void baselock_busy(const struct lock_verbs *verbs);		/* LOCK-10, destroy */
void baselock_free_after_acquire(const struct lock_verbs *verbs);	/* section 22, trap 1 */

#endif
