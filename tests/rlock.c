/* SPDX-License-Identifier: MIT */
/*
 * weft_rlock: section 4 of the rules (RLOCK).
 */
#include <limits.h>
#include <string.h>

#include <weft.h>

#include "baselock.h"
#include "test.h"

LOCK_VERBS(rlock)

/* RLOCK-09: the rules of the lock hold. */
Test(rlock, states)			{ baselock_states(&rlock_verbs); }		/* LOCK-01, RLOCK-03 */
Test(rlock, try)			{ baselock_try(&rlock_verbs); }			/* LOCK-02 */
Test(rlock, contended)			{ baselock_contended(&rlock_verbs); }		/* LOCK-03 */
Test(rlock, timed)			{ baselock_timed(&rlock_verbs); }		/* LOCK-07, TIME-02 */
Test(rlock, timed_success)		{ baselock_timed_success(&rlock_verbs); }	/* LOCK-07 */
Test(rlock, expired_times)		{ baselock_expired_times(&rlock_verbs); }	/* TIME-05, TIME-06 */
Test(rlock, granted_first)		{ baselock_granted_first(&rlock_verbs); }	/* TIME-06, TIME-11 */
Test(rlock, huge_times)			{ baselock_huge_times(&rlock_verbs); }		/* TIME-07 */
Test(rlock, after_timeout)		{ baselock_after_timeout(&rlock_verbs); }	/* LOCK-08 */
Test(rlock, storm_timed)		{ baselock_storm_timed(&rlock_verbs); }		/* TIME-03 */
Test(rlock, storm_untimed)		{ baselock_storm_untimed(&rlock_verbs); }	/* TIME-03 */
Test(rlock, cancelled)			{ baselock_cancelled(&rlock_verbs); }		/* TIME-04 */
Test(rlock, excludes)			{ baselock_excludes(&rlock_verbs); }		/* LOCK-01, GEN-09 */
Test(rlock, excludes_mixed)		{ baselock_excludes_mixed(&rlock_verbs); }	/* LOCK-08 */
Test(rlock, busy)			{ baselock_busy(&rlock_verbs); }		/* LOCK-10 */
Test(rlock, free_after_acquire)		{ baselock_free_after_acquire(&rlock_verbs); }	/* section 22, trap 1 */

/* RLOCK-12, GEN-05: nothing to choose; static initialiser, zeroed memory and init are the same. */
Test(rlock, initialisers)
{
	static struct weft_rlock fixed = WEFT_RLOCK_INIT;
	struct weft_rlock rlock, zeroed;

	memset((void *)&zeroed, 0, sizeof(zeroed));
	CHECK(memcmp((void *)&fixed, (void *)&zeroed, sizeof(zeroed)) == 0);
	memset((void *)&rlock, 0xff, sizeof(rlock));
	weft_rlock_init(&rlock);
	CHECK(!weft_rlock_locked(&rlock) && !weft_rlock_owned(&rlock));
	CHECK_EQ(weft_rlock_depth(&rlock), 0);
	CHECK_RET(weft_rlock_acquire(&rlock), 0);
	CHECK_RET(weft_rlock_acquire(&rlock), 0);
	weft_rlock_init(&rlock);
	CHECK(!weft_rlock_locked(&rlock) && !weft_rlock_owned(&rlock));
	CHECK_EQ(weft_rlock_depth(&rlock), 0);
	CHECK_RET(weft_rlock_release(&rlock), -EPERM);
}

static void check_not_mine(struct member *me)
{
	struct weft_rlock *rlock = me->arg;

	CHECK(weft_rlock_locked(rlock));		/* RLOCK-07 */
	CHECK(!weft_rlock_owned(rlock));		/* RLOCK-05 */
	CHECK_EQ(weft_rlock_depth(rlock), 0);		/* RLOCK-06 */
	CHECK_RET(weft_rlock_try_acquire(rlock), -EAGAIN);	/* RLOCK-09 */
	CHECK_RET(weft_rlock_release(rlock), -EPERM);	/* RLOCK-04 */
	CHECK(weft_rlock_locked(rlock));
}

static void check_free(struct member *me)
{
	struct weft_rlock *rlock = me->arg;

	CHECK(!weft_rlock_locked(rlock));
	CHECK(!weft_rlock_owned(rlock));
	CHECK_EQ(weft_rlock_depth(rlock), 0);
	CHECK_RET(weft_rlock_try_acquire(rlock), 0);
	CHECK(weft_rlock_owned(rlock));
	CHECK_RET(weft_rlock_release(rlock), 0);
}

/* RLOCK-01, 03, 04, 05, 06, 07: depth d needs d releases; all that time nobody else can have it. */
Test(rlock, depth)
{
	struct weft_rlock rlock = WEFT_RLOCK_INIT;
	unsigned depth;

	for (depth = 1; depth <= 10; depth++) {
		CHECK_RET(weft_rlock_acquire(&rlock), 0);
		CHECK(weft_rlock_owned(&rlock));
		CHECK_EQ(weft_rlock_depth(&rlock), depth);
	}
	for (depth = 10; depth >= 1; depth--) {
		team_run(1, check_not_mine, &rlock);
		CHECK(weft_rlock_owned(&rlock));
		CHECK_EQ(weft_rlock_depth(&rlock), depth);
		CHECK_RET(weft_rlock_release(&rlock), 0);
	}
	CHECK(!weft_rlock_locked(&rlock) && !weft_rlock_owned(&rlock));
	CHECK_EQ(weft_rlock_depth(&rlock), 0);
	CHECK_RET(weft_rlock_release(&rlock), -EPERM);
	team_run(1, check_free, &rlock);
	CHECK_RET(weft_rlock_destroy(&rlock), 0);
}

/* RLOCK-02: try and the timed forms by the owner succeed at once, whatever the time and the token. */
Test(rlock, owner_never_waits)
{
	struct weft_rlock rlock = WEFT_RLOCK_INIT;
	struct weft_event set = WEFT_EVENT_INIT;
	unsigned i;

	weft_event_set(&set);
	CHECK_RET(weft_rlock_try_acquire(&rlock), 0);
	CHECK_RET(weft_rlock_try_acquire(&rlock), 0);
	CHECK_RET(weft_rlock_acquire_for(&rlock, 0), 0);
	CHECK_RET(weft_rlock_acquire_for(&rlock, INT64_MIN), 0);
	CHECK_RET(weft_rlock_acquire_for(&rlock, WEFT_FOREVER), 0);
	CHECK_RET(weft_rlock_acquire_until(&rlock, 0, NULL), 0);
	CHECK_RET(weft_rlock_acquire_until(&rlock, WEFT_FOREVER, &set), 0);
	CHECK_RET(weft_rlock_acquire_until(&rlock, INT64_MIN, &set), 0);
	CHECK_EQ(weft_rlock_depth(&rlock), 8);
	for (i = 0; i < 8; i++)
		CHECK_RET(weft_rlock_release(&rlock), 0);
	CHECK_RET(weft_rlock_release(&rlock), -EPERM);
}

/* RLOCK-01, 07: the inner release frees nobody: a thread that sleeps for the lock sleeps on. */
static void acquire_and_release(struct member *me)
{
	CHECK_RET(weft_rlock_acquire(me->arg), 0);
	CHECK(weft_rlock_owned(me->arg));
	CHECK_EQ(weft_rlock_depth(me->arg), 1);
	CHECK_RET(weft_rlock_release(me->arg), 0);
}

Test(rlock, inner_release_lets_nobody_in)
{
	struct weft_rlock rlock = WEFT_RLOCK_INIT;
	struct team team;
	unsigned i;

	for (i = 0; i < 3; i++)
		CHECK_RET(weft_rlock_acquire(&rlock), 0);
	team_start(&team, 3, acquire_and_release, &rlock);
	for (i = 0; i < 2; i++) {
		team_wait_asleep(&team, 3);
		CHECK_RET(weft_rlock_acquire(&rlock), 0);	/* the owner goes deeper with waiters there, too */
		CHECK_RET(weft_rlock_release(&rlock), 0);
		CHECK_RET(weft_rlock_release(&rlock), 0);
		wait_until(team_settled(&team));
		CHECK_EQ(team_done(&team), 0);
		CHECK(weft_rlock_owned(&rlock));
	}
	CHECK_RET(weft_rlock_release(&rlock), 0);
	team_join(&team);
	CHECK(!weft_rlock_locked(&rlock));
}

/* RLOCK-01, 04 with contention: nested use by many threads, who also try to release what is not theirs. */
struct shared_count {
	struct weft_rlock rlock;
	uint64_t count;	/* protected by rlock */
	unsigned inside;
};

static void nest(struct member *me)
{
	struct shared_count *shared = me->arg;
	unsigned i, depth, k;

	team_meet(me);
	for (i = 0; i < 2000; i++) {
		depth = 1 + (i + me->index) % 3;
		for (k = 0; k < depth; k++)
			if (weft_rlock_acquire(&shared->rlock) != 0)
				FAIL("acquire failed");
		if (shared->inside++ != 0)
			FAIL("two inside");
		if (weft_rlock_depth(&shared->rlock) != depth)
			FAIL("depth is %u, not %u", weft_rlock_depth(&shared->rlock), depth);
		shared->count++;
		shared->inside--;
		for (k = 0; k < depth; k++)
			if (weft_rlock_release(&shared->rlock) != 0)
				FAIL("release failed");
		if (weft_rlock_release(&shared->rlock) != -EPERM)
			FAIL("released what is not the caller's");
	}
}

Test(rlock, nested_use_by_many)
{
	struct shared_count shared;

	memset((void *)&shared, 0, sizeof(shared));
	team_run(8, nest, &shared);
	CHECK_EQ(shared.count, 16000);
	CHECK(!weft_rlock_locked(&shared.rlock));
}

/* RLOCK-10: a thread dies holding it; none of those that come after, with its pthread_t or tid again, is taken for it. */
struct orphan {
	struct weft_rlock rlock;
	_Atomic(pthread_t) first;
	atomic_uint recycled;
};

static void die_holding(struct member *me)
{
	struct orphan *orphan = me->arg;

	atomic_store(&orphan->first, pthread_self());
	CHECK_RET(weft_rlock_acquire(&orphan->rlock), 0);
	CHECK_RET(weft_rlock_acquire(&orphan->rlock), 0);
}

static void meet_orphan(struct member *me)
{
	struct orphan *orphan = me->arg;
	struct weft_rlock *rlock = &orphan->rlock;

	if (pthread_equal(pthread_self(), atomic_load(&orphan->first)))
		atomic_fetch_add(&orphan->recycled, 1);
	CHECK(weft_rlock_locked(rlock));
	CHECK(!weft_rlock_owned(rlock));
	CHECK_EQ(weft_rlock_depth(rlock), 0);
	CHECK_RET(weft_rlock_try_acquire(rlock), -EAGAIN);
	CHECK_RET(weft_rlock_acquire_for(rlock, 1), -ETIMEDOUT);
	CHECK_RET(weft_rlock_release(rlock), -EPERM);
	CHECK(!weft_rlock_owned(rlock));
}

Test(rlock, dead_owner_is_nobody_else)
{
	struct orphan orphan;
	unsigned i;

	memset((void *)&orphan, 0, sizeof(orphan));
	team_run(1, die_holding, &orphan);
	for (i = 0; i < 300; i++)
		team_run(1, meet_orphan, &orphan);
	if (!slow_build())
		CHECK_GT(atomic_load(&orphan.recycled), 0);	/* else this test says nothing */
	CHECK_RET(weft_rlock_destroy(&orphan.rlock), -EBUSY);
	weft_rlock_init(&orphan.rlock);
	CHECK_RET(weft_rlock_acquire(&orphan.rlock), 0);
	CHECK_RET(weft_rlock_release(&orphan.rlock), 0);
}

/* RLOCK-10 for the shared form, whose owners have other names. */
Test(rlock, dead_owner_is_nobody_else_shared)
{
	struct orphan orphan;
	unsigned i;

	memset((void *)&orphan, 0, sizeof(orphan));
	weft_rlock_init_shared(&orphan.rlock);
	team_run(1, die_holding, &orphan);
	for (i = 0; i < 300; i++)
		team_run(1, meet_orphan, &orphan);
}

/* RLOCK-11, GEN-02: the depth is set close to its end by hand, as nobody can wait for four thousand million calls. */
static void check_overflow(struct weft_rlock *rlock)
{
	struct weft_event cancel = WEFT_EVENT_INIT;

	CHECK_RET(weft_rlock_acquire(rlock), 0);
	atomic_store(&rlock->depth, UINT32_MAX - 1);
	CHECK_RET(weft_rlock_acquire(rlock), 0);
	CHECK_EQ(weft_rlock_depth(rlock), UINT32_MAX);
	CHECK_RET(weft_rlock_acquire(rlock), -EOVERFLOW);
	CHECK_RET(weft_rlock_try_acquire(rlock), -EOVERFLOW);
	CHECK_RET(weft_rlock_acquire_for(rlock, SEC), -EOVERFLOW);
	CHECK_RET(weft_rlock_acquire_until(rlock, WEFT_FOREVER, &cancel), -EOVERFLOW);
	CHECK_EQ(weft_rlock_depth(rlock), UINT32_MAX);
	CHECK(weft_rlock_owned(rlock));
	CHECK_RET(weft_rlock_release(rlock), 0);
	CHECK_EQ(weft_rlock_depth(rlock), UINT32_MAX - 1);
	CHECK_RET(weft_rlock_acquire(rlock), 0);
	atomic_store(&rlock->depth, 1);
	CHECK_RET(weft_rlock_release(rlock), 0);
	CHECK(!weft_rlock_locked(rlock));
}

Test(rlock, depth_overflow)
{
	struct weft_rlock rlock = WEFT_RLOCK_INIT;

	check_overflow(&rlock);
}

Test(rlock, depth_overflow_shared)
{
	struct weft_rlock rlock;

	weft_rlock_init_shared(&rlock);
	check_overflow(&rlock);
}

/* RLOCK-05, 06: predicates of a thread that never used an rlock before: it has no serial yet, and owns nothing. */
static void ask_only(struct member *me)
{
	struct weft_rlock *rlock = me->arg;

	CHECK(!weft_rlock_owned(rlock));
	CHECK_EQ(weft_rlock_depth(rlock), 0);
	CHECK(!weft_rlock_locked(rlock));
	CHECK_RET(weft_rlock_release(rlock), -EPERM);
}

Test(rlock, newcomer_owns_nothing)
{
	struct weft_rlock rlock = WEFT_RLOCK_INIT;

	team_run(4, ask_only, &rlock);
}
