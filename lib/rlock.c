/* SPDX-License-Identifier: MIT */
/*
 * rlock.c - a lock with an owner and a depth. Layer 4, on lock.
 *
 * Guarantees
 *	RLOCK-01 to RLOCK-14.
 * Words
 *	lock	the lock; all waiting is done there, and its SHARED and WATCHED bits are the rlock's too.
 *	owner	0, or the identity of the thread that holds it: weft__self() in a private rlock,
 *		weft__self_shared() in a shared one. These never meet (bit 63), so the inline path, which
 *		compares with the private one, never takes a shared rlock for its own.
 *	depth	how often, while owner is not 0; what is left there after the last release means nothing.
 * Transitions
 *	T1  first acquire: lock, then owner = self, depth = 1. T2 again: depth + 1. T3 release: depth - 1; at 0,
 *	    owner = 0, then unlock.
 * Invariants
 *	I1  owner and depth are written only by the thread that holds the lock. So a thread that reads its own
 *	    identity there wrote it itself and still holds the lock; any other value, however stale, is not its
 *	    own.
 * Pairs
 *	none of its own: relaxed is enough by I1, and the lock orders the rest.
 * Lifetime
 *	the release of the lock is the last access (lock.c).
 */
#include <weft/watch.h>

#include "atomic.h"
#include "bug.h"
#include "describe.h"
#include "rlock.h"
#include "self.h"
#include "time.h"

static bool is_shared(const struct weft_rlock *rlock)
{
	return load_relaxed(&rlock->lock.word) & WEFT__LOCK_SHARED;
}

static uint64_t self_for(const struct weft_rlock *rlock)
{
	return is_shared(rlock) ? weft__self_shared() : weft__self();
}

static uint64_t owner_of(const struct weft_rlock *rlock)
{
	return atomic_load_explicit(&rlock->owner, memory_order_relaxed); /* I1 */
}

static void set_owner(struct weft_rlock *rlock, uint64_t owner, uint32_t depth)
{
	atomic_store_explicit(&rlock->owner, owner, memory_order_relaxed); /* I1 */
	store_relaxed(&rlock->depth, depth);
}

/* One level more of what the caller owns. */
static int deepen(struct weft_rlock *rlock, const char *call)
{
	const uint32_t depth = load_relaxed(&rlock->depth);

	if (depth == UINT32_MAX)
		return weft__misuse(rlock, call, -EOVERFLOW);
	store_relaxed(&rlock->depth, depth + 1); /* T2 */
	return 0;
}

/* What an attempt to take the lock underneath came to. */
static int first_level(struct weft_rlock *rlock, int rc)
{
	if (rc == 0)
		set_owner(rlock, self_for(rlock), 1); /* T1 */
	return rc;
}

int weft_rlock_acquire_slow(struct weft_rlock *rlock)
{
	if (weft_rlock_owned(rlock))
		return deepen(rlock, "weft_rlock_acquire");
	return first_level(rlock, weft_lock_acquire(&rlock->lock));
}

int weft_rlock_acquire_for_slow(struct weft_rlock *rlock, int64_t timeout_ns)
{
	if (weft_rlock_owned(rlock))
		return deepen(rlock, "weft_rlock_acquire_for");
	return first_level(rlock, weft_lock_acquire_for(&rlock->lock, timeout_ns));
}

int weft_rlock_acquire_until_slow(struct weft_rlock *rlock, int64_t deadline_ns, struct weft_event *cancel)
{
	if (weft_rlock_owned(rlock))
		return deepen(rlock, "weft_rlock_acquire_until");
	return first_level(rlock, weft_lock_acquire_until(&rlock->lock, deadline_ns, cancel));
}

int weft_rlock_try_acquire_slow(struct weft_rlock *rlock)
{
	if (weft_rlock_owned(rlock))
		return deepen(rlock, "weft_rlock_try_acquire");
	return first_level(rlock, weft_lock_try_acquire(&rlock->lock));
}

int weft_rlock_release_slow(struct weft_rlock *rlock)
{
	uint32_t depth;

	if (!weft_rlock_owned(rlock))
		return weft__misuse(rlock, "weft_rlock_release", -EPERM);
	depth = load_relaxed(&rlock->depth) - 1; /* T3 */
	if (depth > 0) {
		store_relaxed(&rlock->depth, depth);
		return 0;
	}
	set_owner(rlock, 0, 0);
	return weft_lock_release(&rlock->lock);
}

unsigned weft__rlock_release_all(struct weft_rlock *rlock)
{
	const uint32_t depth = load_relaxed(&rlock->depth);

	set_owner(rlock, 0, 0);
	weft_lock_release(&rlock->lock);
	return depth;
}

void weft__rlock_restore(struct weft_rlock *rlock, unsigned depth)
{
	weft_lock_acquire(&rlock->lock);
	set_owner(rlock, self_for(rlock), depth);
}

bool weft_rlock_owned(const struct weft_rlock *rlock)
{
	return owner_of(rlock) == self_for(rlock);
}

unsigned weft_rlock_depth(const struct weft_rlock *rlock)
{
	return weft_rlock_owned(rlock) ? load_relaxed(&rlock->depth) : 0;
}

static void init(struct weft_rlock *rlock)
{
	set_owner(rlock, 0, 0);
}

void weft_rlock_init(struct weft_rlock *rlock)
{
	weft_lock_init(&rlock->lock);
	init(rlock);
}

void weft_rlock_init_shared(struct weft_rlock *rlock)
{
	weft_lock_init_shared(&rlock->lock);
	init(rlock);
}

int weft_rlock_destroy(struct weft_rlock *rlock)
{
	return weft__lock_in_use(&rlock->lock) ? weft__misuse(rlock, "weft_rlock_destroy", -EBUSY) : 0;
}

size_t weft_rlock_describe(const struct weft_rlock *rlock, char *buf, size_t size)
{
	struct weft__text text = weft__text(buf, size);
	const uint64_t owner = owner_of(rlock);

	weft__text_add_object(&text, weft_lock_describe, &rlock->lock);
	if (owner >> 63)
		weft__text_add(&text, ", owner thread %u", weft__self_shared_tid(owner));
	else if (owner != 0)
		weft__text_add(&text, ", owner %llu", (unsigned long long)owner);
	if (owner != 0)
		weft__text_add(&text, ", depth %u", (unsigned)load_relaxed(&rlock->depth));
	return text.length;
}
