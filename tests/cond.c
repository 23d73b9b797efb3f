/* SPDX-License-Identifier: MIT */
/*
 * Conditions: COND-01 to COND-24. COND-21 is in fork.c, races with a cancel token are in cancel.c.
 */
#include "test.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <weft/cond.h>
#include <weft/event.h>
#include <weft/watch.h>

#define MANY 50

enum kind { OWN, ON_LOCK, ON_RLOCK, N_KINDS };

/* A condition of one of the three kinds, and what its waiters leave behind. */
struct stage {
	struct weft_lock lock;
	struct weft_rlock rlock;
	struct weft_cond cond;
	struct weft_event cancel;
	int64_t timeout_ns; /* the waiters' */
	unsigned arrived;   /* under the condition's lock, as is phase */
	unsigned phase;
	int value;	/* what the predicate returns; likewise */
	unsigned asked; /* how often it was called */
	atomic_uint back;
	struct {
		int result;
		unsigned phase;
	} seen[MANY];
};

static void stage_init(struct stage *s, enum kind kind)
{
	memset(s, 0, sizeof(*s));
	s->timeout_ns = WEFT_FOREVER;
	if (kind == ON_LOCK)
		weft_cond_init_lock(&s->cond, &s->lock);
	else if (kind == ON_RLOCK)
		weft_cond_init_rlock(&s->cond, &s->rlock);
	else
		weft_cond_init(&s->cond);
}

/* How many wait; exact, for joining the queue and letting go of the lock is one step. */
static unsigned waiting(const struct weft_cond *cond)
{
	return atomic_load_explicit(&cond->waiting, memory_order_relaxed);
}

/* Whether a thread sleeps for the lock, or spins. */
static bool is_wanted(const struct weft_lock *lock)
{
	char text[128];

	weft_lock_describe(lock, text, sizeof(text));
	return strstr(text, "contended") != NULL;
}

static int notify(struct stage *s, unsigned n)
{
	int result;

	weft_cond_acquire(&s->cond);
	result = weft_cond_notify(&s->cond, n);
	weft_cond_release(&s->cond);
	return result;
}

/* Wait once; note under the order of arrival what came of it and in which phase. */
static void wait_once(struct member *me)
{
	struct stage *s = me->arg;
	unsigned turn;

	weft_cond_acquire(&s->cond);
	turn = s->arrived++;
	me->result = s->timeout_ns == WEFT_FOREVER ? weft_cond_wait(&s->cond)
						   : weft_cond_wait_for(&s->cond, s->timeout_ns);
	s->seen[turn].result = me->result;
	s->seen[turn].phase = s->phase;
	CHECK(weft_cond_locked(&s->cond));
	atomic_fetch_add(&s->back, 1);
	CHECK_RET(weft_cond_release(&s->cond), 0);
}

/* The same with the stage's cancel token. */
static void wait_with_token(struct member *me)
{
	struct stage *s = me->arg;

	weft_cond_acquire(&s->cond);
	me->result = weft_cond_wait_until(&s->cond, WEFT_FOREVER, &s->cancel);
	CHECK_RET(weft_cond_release(&s->cond), 0);
}

/* Hold the condition's lock from step 1 until told by step 2. */
static void hold(struct member *me)
{
	struct stage *s = me->arg;

	CHECK_RET(weft_cond_acquire(&s->cond), 0);
	atomic_store(&me->step, 1);
	wait_until(atomic_load(&me->step) == 2);
	CHECK_RET(weft_cond_release(&s->cond), 0);
}

static void hold_start(struct team *team, struct stage *s)
{
	team_start(team, 1, hold, s);
	wait_until(atomic_load(&team->members[0].step) == 1);
}

static void hold_end(struct team *team)
{
	atomic_store(&team->members[0].step, 2);
	team_join(team);
}

static int value_of(void *arg)
{
	struct stage *s = arg;

	CHECK(weft_cond_locked(&s->cond));
	s->asked++;
	return s->value;
}

/* COND-01, GEN-05: a zeroed condition, one from each initialiser, and one from each function work alike. */
Test(cond, every_form_of_init_works)
{
	static struct weft_cond zeroed;
	static struct weft_cond constant = WEFT_COND_INIT;
	static struct weft_lock lock = WEFT_LOCK_INIT;
	static struct weft_rlock rlock = WEFT_RLOCK_INIT;
	static struct weft_cond on_lock = WEFT_COND_INIT_LOCK(&lock);
	static struct weft_cond on_rlock = WEFT_COND_INIT_RLOCK(&rlock);
	struct weft_cond *const conds[] = { &zeroed, &constant, &on_lock, &on_rlock };
	unsigned i;

	for (i = 0; i < sizeof(conds) / sizeof(conds[0]); i++) {
		CHECK(!weft_cond_locked(conds[i]));
		CHECK_RET(weft_cond_acquire(conds[i]), 0);
		CHECK(weft_cond_locked(conds[i]));
		CHECK_RET(weft_cond_notify(conds[i], 1), 0);
		CHECK_RET(weft_cond_notify_all(conds[i]), 0);
		CHECK_RET(weft_cond_wait_for(conds[i], 1), -ETIMEDOUT);
		CHECK_RET(weft_cond_release(conds[i]), 0);
		CHECK(!weft_cond_locked(conds[i]));
		CHECK_RET(weft_cond_destroy(conds[i]), 0);
	}
}

/* COND-01: by default, and on a user's rlock, the lock is recursive, through every verb. */
Test(cond, rlock_is_recursive_through_the_condition)
{
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;

		if (kind == ON_LOCK)
			continue;
		stage_init(&s, kind);
		CHECK_RET(weft_cond_acquire(&s.cond), 0);
		CHECK_RET(weft_cond_acquire_for(&s.cond, 0), 0);
		CHECK_RET(weft_cond_acquire_until(&s.cond, 0, NULL), 0);
		CHECK_RET(weft_cond_try_acquire(&s.cond), 0);
		CHECK_RET(weft_cond_release(&s.cond), 0);
		CHECK_RET(weft_cond_release(&s.cond), 0);
		CHECK_RET(weft_cond_release(&s.cond), 0);
		CHECK(weft_cond_locked(&s.cond));
		CHECK_RET(weft_cond_release(&s.cond), 0);
		CHECK(!weft_cond_locked(&s.cond));
		CHECK_RET(weft_cond_release(&s.cond), -EPERM);
	}
}

/* COND-01, COND-02: the family of acquire has the lock's codes, for all kinds of lock. */
Test(cond, acquire_family_has_the_codes_of_the_lock)
{
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;
		struct team holder;
		int64_t before;

		stage_init(&s, kind);
		hold_start(&holder, &s);
		CHECK(weft_cond_locked(&s.cond));
		CHECK_RET(weft_cond_try_acquire(&s.cond), -EAGAIN);
		CHECK_RET(weft_cond_acquire_for(&s.cond, 0), -ETIMEDOUT);
		CHECK_RET(weft_cond_acquire_for(&s.cond, INT64_MIN), -ETIMEDOUT);
		before = clock_ns();
		CHECK_RET(weft_cond_acquire_for(&s.cond, 10 * MS), -ETIMEDOUT);
		CHECK_GE(clock_ns() - before, 10 * MS);
		before = clock_ns();
		CHECK_RET(weft_cond_acquire_until(&s.cond, before + 10 * MS, &s.cancel), -ETIMEDOUT);
		CHECK_GE(clock_ns() - before, 10 * MS);
		weft_event_set(&s.cancel);
		CHECK_RET(weft_cond_acquire_until(&s.cond, WEFT_FOREVER, &s.cancel), -ECANCELED);
		if (kind != ON_LOCK) /* which has no owner */
			CHECK_RET(weft_cond_release(&s.cond), -EPERM);
		hold_end(&holder);
		CHECK_RET(weft_cond_acquire_until(&s.cond, INT64_MIN, &s.cancel), 0);
		CHECK_RET(weft_cond_release(&s.cond), 0);
		CHECK_RET(weft_cond_release(&s.cond), -EPERM);
	}
}

/* COND-01, RLOCK-11: the depth of its own rlock does not overflow through the condition. */
Test(cond, depth_overflow_is_refused)
{
	struct weft_cond cond = WEFT_COND_INIT;

	weft_cond_acquire(&cond);
	atomic_store_explicit(&cond.own.depth, UINT32_MAX, memory_order_relaxed);
	CHECK_RET(weft_cond_acquire(&cond), -EOVERFLOW);
	CHECK_RET(weft_cond_acquire_for(&cond, 0), -EOVERFLOW);
	CHECK_RET(weft_cond_acquire_until(&cond, 0, NULL), -EOVERFLOW);
	CHECK_RET(weft_cond_try_acquire(&cond), -EOVERFLOW);
	CHECK_EQ(atomic_load_explicit(&cond.own.depth, memory_order_relaxed), UINT32_MAX);
	CHECK_RET(weft_cond_wait_for(&cond, 0), -ETIMEDOUT);
	CHECK_EQ(atomic_load_explicit(&cond.own.depth, memory_order_relaxed), UINT32_MAX);
}

/* COND-02: acquiring through the lock or through any of its conditions is the same. */
Test(cond, conditions_share_a_lock)
{
	struct weft_lock lock = WEFT_LOCK_INIT;
	struct weft_rlock rlock = WEFT_RLOCK_INIT;
	struct weft_cond a = WEFT_COND_INIT_LOCK(&lock), b = WEFT_COND_INIT_LOCK(&lock);
	struct weft_cond c = WEFT_COND_INIT_RLOCK(&rlock), d = WEFT_COND_INIT_RLOCK(&rlock);

	weft_cond_acquire(&a);
	CHECK(weft_lock_locked(&lock));
	CHECK(weft_cond_locked(&b));
	CHECK_RET(weft_cond_try_acquire(&b), -EAGAIN);
	CHECK_RET(weft_cond_notify(&b, 1), 0);
	CHECK_RET(weft_cond_release(&b), 0);
	CHECK_RET(weft_cond_notify(&a, 1), -EPERM);
	weft_lock_acquire(&lock);
	CHECK_RET(weft_cond_wait_for(&a, 0), -ETIMEDOUT);
	CHECK_RET(weft_lock_release(&lock), 0);

	weft_cond_acquire(&c);
	weft_rlock_acquire(&rlock);
	weft_cond_acquire(&d);
	CHECK_EQ(weft_rlock_depth(&rlock), 3);
	CHECK_RET(weft_cond_wait_for(&d, 0), -ETIMEDOUT);
	CHECK_EQ(weft_rlock_depth(&rlock), 3);
	CHECK_RET(weft_cond_release(&c), 0);
	CHECK_RET(weft_cond_release(&d), 0);
	CHECK_RET(weft_rlock_release(&rlock), 0);
	CHECK_RET(weft_cond_release(&c), -EPERM);
}

/* COND-02: a notify reaches the waiters of its own condition only. */
Test(cond, notify_leaves_the_neighbours_waiters)
{
	struct stage a, b;
	struct team at_a, at_b;

	stage_init(&a, ON_LOCK);
	stage_init(&b, ON_LOCK);
	weft_cond_init_lock(&b.cond, &a.lock);
	team_start(&at_a, 3, wait_once, &a);
	team_start(&at_b, 3, wait_once, &b);
	wait_until(waiting(&a.cond) == 3 && waiting(&b.cond) == 3);
	CHECK_EQ(notify(&b, UINT_MAX), 3);
	team_join(&at_b);
	CHECK_EQ(atomic_load(&a.back), 0);
	CHECK_EQ(waiting(&a.cond), 3);
	CHECK_EQ(notify(&b, 1), 0);
	CHECK_EQ(notify(&a, UINT_MAX), 3);
	team_join(&at_a);
}

static void use_without_lock(struct stage *s)
{
	s->asked = 0;
	CHECK_RET(weft_cond_wait(&s->cond), -EPERM);
	CHECK_RET(weft_cond_wait_for(&s->cond, WEFT_FOREVER), -EPERM);
	CHECK_RET(weft_cond_wait_for(&s->cond, 0), -EPERM);
	CHECK_RET(weft_cond_wait_until(&s->cond, WEFT_FOREVER, NULL), -EPERM);
	CHECK_RET(weft_cond_wait_until(&s->cond, 0, &s->cancel), -EPERM);
	CHECK_RET(weft_cond_wait_pred(&s->cond, value_of, s), -EPERM);
	CHECK_RET(weft_cond_wait_pred_for(&s->cond, value_of, s, WEFT_FOREVER), -EPERM);
	CHECK_RET(weft_cond_wait_pred_for(&s->cond, value_of, s, -1), -EPERM);
	CHECK_RET(weft_cond_wait_pred_until(&s->cond, value_of, s, WEFT_FOREVER, NULL), -EPERM);
	CHECK_RET(weft_cond_wait_pred_until(&s->cond, value_of, s, 0, &s->cancel), -EPERM);
	CHECK_EQ(s->asked, 0);
	CHECK_RET(weft_cond_notify(&s->cond, 0), -EPERM);
	CHECK_RET(weft_cond_notify(&s->cond, 1), -EPERM);
	CHECK_RET(weft_cond_notify_all(&s->cond), -EPERM);
}

/* COND-03: without the lock nothing is done: those who wait are neither woken nor forgotten. */
Test(cond, use_without_the_lock_is_eperm)
{
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;
		struct team waiters;

		stage_init(&s, kind);
		use_without_lock(&s);
		team_start(&waiters, 2, wait_once, &s);
		wait_until(waiting(&s.cond) == 2 && !weft_cond_locked(&s.cond));
		use_without_lock(&s);
		CHECK(!weft_cond_locked(&s.cond));
		CHECK_EQ(waiting(&s.cond), 2);
		CHECK_EQ(notify(&s, 2), 2);
		team_join(&waiters);
		CHECK_EQ(s.seen[0].result, 0);
		CHECK_EQ(s.seen[1].result, 0);
	}
}

/* COND-03, COND-04: an rlock must be the caller's own. */
Test(cond, rlock_of_another_thread_is_eperm)
{
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;
		struct team holder;

		if (kind == ON_LOCK)
			continue;
		stage_init(&s, kind);
		hold_start(&holder, &s);
		use_without_lock(&s);
		hold_end(&holder);
	}
}

/* COND-04, LOCK-05: a lock has no owner, so whoever was handed it may notify and wait. */
Test(cond, lock_may_have_been_taken_by_another_thread)
{
	struct stage s;
	struct team holder;

	stage_init(&s, ON_LOCK);
	hold_start(&holder, &s);
	CHECK_RET(weft_cond_notify(&s.cond, 1), 0);
	CHECK_RET(weft_cond_wait_for(&s.cond, 0), -ETIMEDOUT);
	CHECK(weft_lock_locked(&s.lock));
	hold_end(&holder);
}

static void announce_and_wait(struct member *me)
{
	struct stage *s = me->arg;
	unsigned i;

	for (i = 0; i < s->arrived; i++) {
		weft_cond_acquire(&s->cond);
		s->value = 1;
		CHECK_RET(weft_cond_wait(&s->cond), 0);
		CHECK_EQ(s->value, 0);
		atomic_fetch_add(&s->back, 1);
		weft_cond_release(&s->cond);
	}
}

/* COND-05: who gets the lock after a waiter let go of it reaches that waiter. */
Test(cond, no_notify_falls_between_release_and_wait)
{
	const unsigned rounds = slow_build() ? 1000 : 5000;
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;
		struct team team;
		unsigned notified = 0;

		stage_init(&s, kind);
		s.arrived = rounds;
		team_start(&team, 1, announce_and_wait, &s);
		while (notified < rounds) {
			weft_cond_acquire(&s.cond);
			if (s.value == 1) {
				s.value = 0;
				CHECK_RET(weft_cond_notify(&s.cond, 1), 1);
				notified++;
			}
			weft_cond_release(&s.cond);
		}
		team_join(&team);
		CHECK_EQ(atomic_load(&s.back), rounds);
	}
}

/* Wait in all ways at depth 3. */
static void wait_at_depth_three(struct member *me)
{
	struct stage *s = me->arg;
	int i;

	for (i = 0; i < 3; i++)
		CHECK_RET(weft_cond_acquire(&s->cond), 0);
	CHECK_RET(weft_cond_wait(&s->cond), 0);
	CHECK_RET(weft_cond_wait_for(&s->cond, WEFT_FOREVER), 0);
	CHECK_RET(weft_cond_wait_until(&s->cond, WEFT_FOREVER, &s->cancel), 0);
	CHECK_RET(weft_cond_wait_until(&s->cond, WEFT_FOREVER, &s->cancel), -ECANCELED);
	CHECK_RET(weft_cond_wait_for(&s->cond, MS), -ETIMEDOUT);
	CHECK_RET(weft_cond_wait_for(&s->cond, 0), -ETIMEDOUT);
	CHECK_RET(weft_cond_wait_pred(&s->cond, value_of, s), 5);
	for (i = 0; i < 3; i++)
		CHECK_RET(weft_cond_release(&s->cond), 0);
	CHECK_RET(weft_cond_release(&s->cond), -EPERM);
}

/* COND-06, RLOCK-08: wait frees all levels of an rlock and restores the exact depth, however it ends. */
Test(cond, wait_frees_and_restores_all_levels)
{
	enum kind kind;
	int i;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;
		struct team team;

		if (kind == ON_LOCK)
			continue;
		stage_init(&s, kind);
		team_start(&team, 1, wait_at_depth_three, &s);
		for (i = 0; i < 3; i++) {
			wait_until(waiting(&s.cond) == 1);
			CHECK_EQ(notify(&s, 1), 1); /* which takes the lock, so it is free */
		}
		wait_until(waiting(&s.cond) == 1);
		weft_event_set(&s.cancel);
		weft_cond_acquire(&s.cond);
		while (s.asked == 0) {
			weft_cond_release(&s.cond);
			weft_cond_acquire(&s.cond);
		}
		s.value = 5;
		CHECK_RET(weft_cond_notify_all(&s.cond), 1);
		weft_cond_release(&s.cond);
		team_join(&team);
		CHECK(!weft_cond_locked(&s.cond));
		CHECK_RET(weft_cond_destroy(&s.cond), 0);
	}
}

/* COND-07, TIME-02: not notified is -ETIMEDOUT, not before the time, and the lock is held again. */
Test(cond, timed_wait_ends_at_its_time_with_the_lock)
{
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;
		int64_t before;

		stage_init(&s, kind);
		weft_cond_acquire(&s.cond);
		before = clock_ns();
		CHECK_RET(weft_cond_wait_for(&s.cond, 20 * MS), -ETIMEDOUT);
		CHECK_GE(clock_ns() - before, 20 * MS);
		CHECK(weft_cond_locked(&s.cond));
		before = clock_ns();
		CHECK_RET(weft_cond_wait_until(&s.cond, before + 20 * MS, NULL), -ETIMEDOUT);
		CHECK_GE(clock_ns() - before, 20 * MS);
		CHECK(weft_cond_locked(&s.cond));
		before = clock_ns();
		CHECK_RET(weft_cond_wait_until(&s.cond, before + 20 * MS, &s.cancel), -ETIMEDOUT);
		CHECK_GE(clock_ns() - before, 20 * MS);
		CHECK(weft_cond_locked(&s.cond));
		weft_event_set(&s.cancel);
		CHECK_RET(weft_cond_wait_until(&s.cond, WEFT_FOREVER, &s.cancel), -ECANCELED);
		CHECK(weft_cond_locked(&s.cond));
		CHECK_EQ(waiting(&s.cond), 0);
		CHECK_RET(weft_cond_release(&s.cond), 0);
		CHECK_RET(weft_cond_release(&s.cond), -EPERM);
	}
}

/* COND-08, COND-09, COND-11, COND-13: exactly min(n, waiting), the oldest, and not before the lock is released. */
Test(cond, notify_is_exact_and_first_come_first_served)
{
	static const unsigned steps[] = { 3, 0, 5, 1, 20, 1000 };
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;
		struct team team;
		unsigned i, turn, left = MANY, phase_of[MANY];

		stage_init(&s, kind);
		team_start(&team, MANY, wait_once, &s);
		wait_until(waiting(&s.cond) == MANY);
		for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
			const unsigned n = steps[i] < left ? steps[i] : left;

			for (turn = MANY - left; turn < MANY - left + n; turn++)
				phase_of[turn] = i + 1;
			left -= n;
			weft_cond_acquire(&s.cond);
			s.phase = 99; /* for one that comes back too soon */
			CHECK_RET(weft_cond_notify(&s.cond, steps[i]), n);
			CHECK_EQ(waiting(&s.cond), left);
			s.phase = i + 1;
			weft_cond_release(&s.cond);
			wait_until(atomic_load(&s.back) >= MANY - left);
			CHECK_EQ(atomic_load(&s.back), MANY - left);
		}
		team_join(&team);
		for (turn = 0; turn < MANY; turn++) {
			CHECK_EQ(s.seen[turn].result, 0);
			CHECK_EQ(s.seen[turn].phase, phase_of[turn]);
		}
	}
}

/* COND-08, as CPython tests it: 3 of 5, then 5 of a mix of old and new, then all. */
Test(cond, notify_takes_old_waiters_before_new_ones)
{
	struct stage s;
	struct team old, new;
	unsigned turn;

	stage_init(&s, OWN);
	team_start(&old, 5, wait_once, &s);
	wait_until(waiting(&s.cond) == 5);
	weft_cond_acquire(&s.cond);
	s.phase = 1;
	CHECK_RET(weft_cond_notify(&s.cond, 3), 3);
	weft_cond_release(&s.cond);
	wait_until(atomic_load(&s.back) >= 3);
	team_start(&new, 6, wait_once, &s);
	wait_until(waiting(&s.cond) == 8);
	weft_cond_acquire(&s.cond);
	s.phase = 2;
	CHECK_RET(weft_cond_notify(&s.cond, 5), 5);
	weft_cond_release(&s.cond);
	wait_until(atomic_load(&s.back) >= 8);
	weft_cond_acquire(&s.cond);
	s.phase = 3;
	CHECK_RET(weft_cond_notify_all(&s.cond), 3);
	weft_cond_release(&s.cond);
	team_join(&old);
	team_join(&new);
	for (turn = 0; turn < 11; turn++)
		CHECK_EQ(s.seen[turn].phase, turn < 3 ? 1 : turn < 8 ? 2 : 3);
}

static void wait_then_answer(struct member *me)
{
	struct stage *s = me->arg;
	unsigned i;

	weft_cond_acquire(&s->cond);
	for (i = 0; i < s->arrived; i++) {
		CHECK_RET(weft_cond_wait(&s->cond), 0);
		s->value = 1;
		CHECK_RET(weft_cond_notify(&s->cond, 1), 1);
	}
	weft_cond_release(&s->cond);
}

/* COND-08, COND-10: one that starts to wait later never gets an earlier notify, not even the very next one. */
Test(cond, late_arrival_never_consumes_a_notify)
{
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;
		struct team team;
		unsigned i;

		stage_init(&s, kind);
		s.arrived = slow_build() ? 500 : 2000;
		team_start(&team, 1, wait_then_answer, &s);
		wait_until(waiting(&s.cond) == 1);
		weft_cond_acquire(&s.cond);
		for (i = 0; i < s.arrived; i++) {
			/* One waits, however many are asked for; the rest must not be left for us. */
			s.value = 0;
			CHECK_RET(weft_cond_notify(&s.cond, 1 + i % 3), 1);
			CHECK_RET(weft_cond_wait(&s.cond), 0);
			CHECK_EQ(s.value, 1);
		}
		weft_cond_release(&s.cond);
		team_join(&team);
	}
}

/* COND-10: with nobody waiting a notify does nothing and is not remembered. */
Test(cond, notify_without_waiters_is_not_remembered)
{
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;

		stage_init(&s, kind);
		CHECK_EQ(notify(&s, 1), 0);
		CHECK_EQ(notify(&s, UINT_MAX), 0);
		weft_cond_acquire(&s.cond);
		CHECK_RET(weft_cond_notify_all(&s.cond), 0);
		CHECK_RET(weft_cond_wait_for(&s.cond, 0), -ETIMEDOUT);
		CHECK_RET(weft_cond_wait_for(&s.cond, 5 * MS), -ETIMEDOUT);
		weft_cond_release(&s.cond);
	}
}

/* COND-11: notify(0) lets nobody go and succeeds. */
Test(cond, notify_zero_does_nothing)
{
	struct stage s;
	struct team team;

	stage_init(&s, OWN);
	team_start(&team, 2, wait_once, &s);
	wait_until(waiting(&s.cond) == 2);
	CHECK_EQ(notify(&s, 0), 0);
	CHECK_EQ(waiting(&s.cond), 2);
	CHECK_EQ(atomic_load(&s.back), 0);
	CHECK_EQ(notify(&s, INT_MAX), 2);
	team_join(&team);
}

/* COND-12: waiters that timed out leave nothing behind; then all who wait now go, and none of them earlier. */
Test(cond, notify_all_after_timeouts_is_exact)
{
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;
		struct team team;
		unsigned turn;

		stage_init(&s, kind);
		s.timeout_ns = 5 * MS;
		team_run(6, wait_once, &s);
		for (turn = 0; turn < 6; turn++)
			CHECK_EQ(s.seen[turn].result, -ETIMEDOUT);
		CHECK_EQ(waiting(&s.cond), 0);
		CHECK_EQ(notify(&s, UINT_MAX), 0);
		s.timeout_ns = WEFT_FOREVER;
		team_start(&team, 6, wait_once, &s);
		wait_until(waiting(&s.cond) == 6);
		CHECK_EQ(atomic_load(&s.back), 6);
		weft_cond_acquire(&s.cond);
		s.phase = 1;
		CHECK_RET(weft_cond_notify_all(&s.cond), 6);
		weft_cond_release(&s.cond);
		team_join(&team);
		for (turn = 6; turn < 12; turn++) {
			CHECK_EQ(s.seen[turn].result, 0);
			CHECK_EQ(s.seen[turn].phase, 1);
		}
	}
}

/* COND-12, COND-08: one that times out in the middle of the queue takes nobody's notify with it. */
Test(cond, quitter_in_the_middle_of_the_queue_is_skipped)
{
	struct stage s;
	struct team first, quitter, last;

	stage_init(&s, ON_LOCK);
	team_start(&first, 1, wait_once, &s);
	wait_until(waiting(&s.cond) == 1);
	team_start(&quitter, 1, wait_with_token, &s);
	wait_until(waiting(&s.cond) == 2);
	team_start(&last, 1, wait_once, &s);
	wait_until(waiting(&s.cond) == 3);
	weft_event_set(&s.cancel);
	wait_until(team_done(&quitter) == 1);
	CHECK_EQ(quitter.members[0].result, -ECANCELED);
	CHECK_EQ(waiting(&s.cond), 2);
	CHECK_EQ(notify(&s, 1), 1);
	team_join(&first);
	CHECK_EQ(atomic_load(&s.back), 1);
	CHECK_EQ(notify(&s, 1), 1);
	team_join(&last);
	team_join(&quitter);
	CHECK_EQ(notify(&s, 1), 0);
}

/* COND-12: the same at either end of the queue, and new waiters queue up behind. */
Test(cond, quitters_at_the_ends_leave_a_whole_queue)
{
	unsigned which;

	for (which = 0; which < 3; which++) {
		struct stage s;
		struct team teams[4];
		unsigned i;

		stage_init(&s, ON_LOCK);
		for (i = 0; i < 3; i++) {
			team_start(&teams[i], 1, i == which ? wait_with_token : wait_once, &s);
			wait_until(waiting(&s.cond) == i + 1);
		}
		weft_event_set(&s.cancel);
		wait_until(team_done(&teams[which]) == 1);
		team_start(&teams[3], 1, wait_once, &s);
		wait_until(waiting(&s.cond) == 3);
		for (i = 0; i < 3; i++) {
			weft_cond_acquire(&s.cond);
			s.phase = i + 1;
			CHECK_RET(weft_cond_notify(&s.cond, 1), 1);
			weft_cond_release(&s.cond);
			wait_until(atomic_load(&s.back) >= i + 1);
		}
		for (i = 0; i < 3; i++)
			CHECK_EQ(s.seen[i].phase, i + 1);
		for (i = 0; i < 4; i++)
			team_join(&teams[i]);
		CHECK_EQ(notify(&s, 1), 0);
	}
}

/* COND-14, COND-22, TIME-03: signals alone end no wait, neither for ever ... */
Test(cond, signals_do_not_end_a_wait)
{
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;
		struct team team;

		stage_init(&s, kind);
		team_start(&team, 1, wait_once, &s);
		wait_until(waiting(&s.cond) == 1);
		storm(&team.members[0], 40, MS);
		CHECK_EQ(atomic_load(&s.back), 0);
		CHECK_EQ(waiting(&s.cond), 1);
		CHECK_EQ(notify(&s, 1), 1);
		team_join(&team);
		CHECK_EQ(s.seen[0].result, 0);
	}
	CHECK_GT(signals_seen(), 0);
}

static void wait_timed_with_all(struct member *me)
{
	struct stage *s = me->arg;
	const int64_t before = clock_ns();

	weft_cond_acquire(&s->cond);
	if (me->index == 0)
		me->result = weft_cond_wait_for(&s->cond, s->timeout_ns);
	else if (me->index == 1)
		me->result = weft_cond_wait_until(&s->cond, before + s->timeout_ns, &s->cancel);
	else
		me->result = weft_cond_wait_pred_for(&s->cond, value_of, s, s->timeout_ns);
	CHECK_GE(clock_ns() - before, s->timeout_ns);
	weft_cond_release(&s->cond);
}

/* ... nor to a time, which they do not put off either. */
Test(cond, signals_do_not_change_a_timed_wait)
{
	struct stage s;
	struct team team;
	int results[3];
	unsigned i;

	stage_init(&s, OWN);
	s.timeout_ns = 100 * MS;
	team_start(&team, 3, wait_timed_with_all, &s);
	for (i = 0; i < 3; i++) {
		storm(&team.members[i], 5000, 2 * MS);
		CHECK(atomic_load(&team.members[i].done));
	}
	team_join_results(&team, results);
	for (i = 0; i < 3; i++)
		CHECK_EQ(results[i], -ETIMEDOUT);
}

/* Wait for s->timeout_ns or the token, then tell the result; without touching the condition any more. */
static void wait_and_leave_by_the_lock(struct member *me)
{
	struct stage *s = me->arg;

	weft_lock_acquire(&s->lock);
	s->arrived++;
	me->result = s->timeout_ns == WEFT_FOREVER ? weft_cond_wait_until(&s->cond, WEFT_FOREVER, &s->cancel)
						   : weft_cond_wait_for(&s->cond, s->timeout_ns);
	CHECK(weft_lock_locked(&s->lock));
	weft_lock_release(&s->lock);
}

/*
 * Hold the lock of a condition with one waiter whose time has run out (or whose token is set) and who therefore
 * wants the lock. A waiter that got away before the lock could be had is replaced by a more patient one.
 */
static void hold_over_expired_waiter(struct stage *s, struct team *team, bool by_token)
{
	int64_t timeout_ns;

	for (timeout_ns = 10 * MS;; timeout_ns *= 2) {
		stage_init(s, ON_LOCK);
		if (!by_token)
			s->timeout_ns = timeout_ns;
		team_start(team, 1, wait_and_leave_by_the_lock, s);
		wait_until(waiting(&s->cond) == 1 || team_done(team) == 1);
		weft_lock_acquire(&s->lock);
		if (waiting(&s->cond) == 1)
			break;
		weft_lock_release(&s->lock);
		team_join(team);
	}
	if (by_token)
		weft_event_set(&s->cancel);
	wait_until(is_wanted(&s->lock));
}

static void check_notified_wins(bool by_token)
{
	struct stage s;
	struct team team;
	int result;

	hold_over_expired_waiter(&s, &team, by_token);
	CHECK_RET(weft_cond_notify(&s.cond, 1), 1);
	CHECK_RET(weft_cond_notify(&s.cond, 1), 0);
	weft_lock_release(&s.lock);
	team_join_results(&team, &result);
	CHECK_EQ(result, 0);
}

/* COND-15, D-1: a waiter notified after its time ran out, but before it had the lock, reports "notified". */
Test(cond, notified_wins_over_timeout)
{
	check_notified_wins(false);
}

/* COND-15: the same with a cancel. */
Test(cond, notified_wins_over_cancel)
{
	check_notified_wins(true);
}

static void check_quitter_reports(bool by_token, int code)
{
	struct stage s;
	struct team team, other;
	int result;

	hold_over_expired_waiter(&s, &team, by_token);
	weft_lock_release(&s.lock);
	team_join_results(&team, &result);
	CHECK_EQ(result, code);

	/* And what it was not given goes to another. */
	s.timeout_ns = WEFT_FOREVER;
	team_start(&other, 1, wait_once, &s);
	wait_until(waiting(&s.cond) == 1);
	CHECK_EQ(notify(&s, 1), 1);
	team_join(&other);
}

/* COND-15, COND-07: one that was not notified reports why it came back, and takes no notify along. */
Test(cond, not_notified_reports_timeout_or_cancel)
{
	check_quitter_reports(false, -ETIMEDOUT);
	check_quitter_reports(true, -ECANCELED);
}

struct race {
	struct stage stage;
	atomic_uint woken;
	atomic_uint notified;
	unsigned rounds;
	const struct team *waiters;
};

static void wait_briefly(struct member *me)
{
	struct race *r = me->arg;
	struct weft_cond *cond = &r->stage.cond;
	uint64_t random = me->index + 1;
	unsigned i;

	for (i = 0; i < r->rounds; i++) {
		const int64_t timeout_ns = (int64_t)(random_next(&random) % 60000) - 10000;
		int result;

		weft_cond_acquire(cond);
		result = weft_cond_wait_for(cond, timeout_ns);
		if (result == 0)
			atomic_fetch_add_explicit(&r->woken, 1, memory_order_relaxed);
		else
			CHECK_EQ(result, -ETIMEDOUT);
		CHECK(weft_cond_locked(cond));
		weft_cond_release(cond);
	}
}

static void notify_until_done(struct member *me)
{
	struct race *r = me->arg;
	struct weft_cond *cond = &r->stage.cond;
	uint64_t random = me->index + 100;

	while (team_done(r->waiters) < r->waiters->n) {
		int result;

		weft_cond_acquire(cond);
		result = weft_cond_notify(cond, (unsigned)(random_next(&random) % 3));
		weft_cond_release(cond);
		if (CHECK_GE(result, 0))
			atomic_fetch_add_explicit(&r->notified, (unsigned)result, memory_order_relaxed);
	}
}

/* COND-08, COND-15: in a race of notify with time-outs, exactly those report 0 that notify counted. */
Test(cond, notifies_and_wakeups_balance)
{
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct race r;
		struct team waiters, notifiers;

		memset(&r, 0, sizeof(r));
		stage_init(&r.stage, kind);
		r.rounds = slow_build() ? 500 : 2000;
		r.waiters = &waiters;
		team_start(&waiters, 4, wait_briefly, &r);
		team_start(&notifiers, 2, notify_until_done, &r);
		team_wait_done(&waiters, 4);
		team_join(&notifiers);
		team_join(&waiters);
		CHECK_EQ(atomic_load(&r.woken), atomic_load(&r.notified));
		CHECK_GT(atomic_load(&r.woken), 0);
		CHECK_EQ(waiting(&r.stage.cond), 0);
		CHECK(!weft_cond_locked(&r.stage.cond));
	}
}

static void acquire_and_notify(struct member *me)
{
	struct stage *s = me->arg;

	atomic_store(&me->step, 1);
	weft_cond_acquire(&s->cond);
	me->result = weft_cond_notify(&s->cond, 1);
	s->value = 1;
	weft_cond_release(&s->cond);
}

/* COND-16: a wait of no length lets others have the lock; notified meanwhile it returns 0, else -ETIMEDOUT. */
Test(cond, wait_of_no_length_gives_way)
{
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;
		struct team team;
		int zeros = 0, result;
		int64_t give_up;

		stage_init(&s, kind);
		weft_cond_acquire(&s.cond);
		team_start(&team, 1, acquire_and_notify, &s);
		wait_until(atomic_load(&team.members[0].step) == 1);
		team_wait_asleep(&team, 1);
		give_up = clock_ns() + 30 * SEC;
		while (s.value == 0 && clock_ns() < give_up) {
			result = weft_cond_wait_for(&s.cond, zeros % 2 == 0 ? 0 : -1);
			if (result == 0)
				zeros++;
			else
				CHECK_EQ(result, -ETIMEDOUT);
			CHECK(weft_cond_locked(&s.cond));
		}
		CHECK_EQ(s.value, 1);
		weft_cond_release(&s.cond);
		team_join_results(&team, &result);
		CHECK_EQ(zeros, result);
	}
}

/* TIME-05, TIME-06, COND-16: zero, negative and past times do not wait, in any form. */
Test(cond, expired_times_do_not_wait)
{
	static const int64_t expired[] = { 0, -1, -1000000000, INT64_MIN + 1, INT64_MIN };
	enum kind kind;
	unsigned i;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;

		stage_init(&s, kind);
		weft_cond_acquire(&s.cond);
		for (i = 0; i < sizeof(expired) / sizeof(expired[0]); i++) {
			CHECK_RET(weft_cond_wait_for(&s.cond, expired[i]), -ETIMEDOUT);
			CHECK_RET(weft_cond_wait_until(&s.cond, expired[i], NULL), -ETIMEDOUT);
			CHECK_RET(weft_cond_wait_until(&s.cond, expired[i], &s.cancel), -ETIMEDOUT);
			CHECK_RET(weft_cond_wait_pred_for(&s.cond, value_of, &s, expired[i]), -ETIMEDOUT);
			CHECK_RET(weft_cond_wait_pred_until(&s.cond, value_of, &s, expired[i], NULL), -ETIMEDOUT);
			CHECK(weft_cond_locked(&s.cond));
		}
		CHECK_RET(weft_cond_wait_until(&s.cond, weft_now() - 1, NULL), -ETIMEDOUT);
		CHECK_RET(weft_cond_wait_for(&s.cond, 1), -ETIMEDOUT);
		CHECK_RET(weft_cond_release(&s.cond), 0);
		CHECK_EQ(waiting(&s.cond), 0);
	}
}

static const int64_t endless[] = { INT64_MAX, INT64_MAX - 1, INT64_MAX / 2, INT64_C(9223372036) * 1000000000 };

static void wait_endless(struct member *me)
{
	struct stage *s = me->arg;
	const int64_t time_ns = endless[me->index / 4];

	weft_cond_acquire(&s->cond);
	if (me->index % 4 == 0)
		me->result = weft_cond_wait_for(&s->cond, time_ns);
	else if (me->index % 4 == 1)
		me->result = weft_cond_wait_until(&s->cond, time_ns, NULL);
	else if (me->index % 4 == 2)
		me->result = weft_cond_wait_until(&s->cond, time_ns, &s->cancel);
	else
		me->result = weft_cond_wait_pred_for(&s->cond, value_of, s, time_ns);
	weft_cond_release(&s->cond);
}

/* TIME-05, TIME-07: huge times wait, until notified. */
Test(cond, huge_times_wait)
{
	struct stage s;
	struct team team;
	int results[16];
	unsigned i;

	stage_init(&s, OWN);
	team_start(&team, 16, wait_endless, &s);
	wait_until(waiting(&s.cond) == 16);
	team_wait_asleep(&team, 16);
	CHECK_EQ(team_done(&team), 0);
	weft_cond_acquire(&s.cond);
	s.value = 3;
	CHECK_RET(weft_cond_notify_all(&s.cond), 16);
	weft_cond_release(&s.cond);
	team_join_results(&team, results);
	for (i = 0; i < 16; i++)
		CHECK_EQ(results[i], i % 4 == 3 ? 3 : 0);
}

/* COND-17: the predicate is asked first, under the lock; what ends the wait is returned as it is. */
Test(cond, pred_is_asked_first)
{
	static const int values[] = { 1, 7, INT_MAX, -1, -7 };
	enum kind kind;
	unsigned i;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;

		stage_init(&s, kind);
		weft_event_set(&s.cancel);
		weft_cond_acquire(&s.cond);
		for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			s.value = values[i];
			s.asked = 0;
			CHECK_RET(weft_cond_wait_pred(&s.cond, value_of, &s), values[i]);
			CHECK_RET(weft_cond_wait_pred_for(&s.cond, value_of, &s, INT64_MIN), values[i]);
			CHECK_RET(weft_cond_wait_pred_for(&s.cond, value_of, &s, WEFT_FOREVER), values[i]);
			CHECK_RET(weft_cond_wait_pred_until(&s.cond, value_of, &s, 0, NULL), values[i]);
			CHECK_RET(weft_cond_wait_pred_until(&s.cond, value_of, &s, WEFT_FOREVER, &s.cancel),
				  values[i]);
			CHECK_EQ(s.asked, 5);
		}
		CHECK_RET(weft_cond_release(&s.cond), 0);
	}
}

static void wait_pred_once(struct member *me)
{
	struct stage *s = me->arg;

	weft_cond_acquire(&s->cond);
	me->result = weft_cond_wait_pred(&s->cond, value_of, s);
	CHECK(weft_cond_locked(&s->cond));
	weft_cond_release(&s->cond);
}

/* COND-17: it is asked after each notify, and only then; its last value is the result. */
Test(cond, pred_is_asked_after_each_notify)
{
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;
		struct team team;
		unsigned i;
		int result;

		stage_init(&s, kind);
		team_start(&team, 1, wait_pred_once, &s);
		for (i = 1; i <= 10; i++) {
			wait_until(waiting(&s.cond) == 1);
			weft_cond_acquire(&s.cond);
			CHECK_EQ(s.asked, i);
			if (i == 10)
				s.value = 42;
			CHECK_RET(weft_cond_notify(&s.cond, 1), 1);
			weft_cond_release(&s.cond);
		}
		team_join_results(&team, &result);
		CHECK_EQ(result, 42);
		CHECK_EQ(s.asked, 11);
	}
}

static void wait_pred_timed(struct member *me)
{
	struct stage *s = me->arg;
	const int64_t before = clock_ns();

	weft_cond_acquire(&s->cond);
	me->result = weft_cond_wait_pred_for(&s->cond, value_of, s, s->timeout_ns);
	CHECK_GE(clock_ns() - before, s->timeout_ns);
	weft_cond_release(&s->cond);
}

/* COND-18, TIME-10: the time is for the whole call: notifies that leave the predicate 0 do not put it off. */
Test(cond, notifies_do_not_extend_wait_pred)
{
	struct stage s;
	struct team team;
	int result, turns;

	stage_init(&s, OWN);
	s.timeout_ns = 100 * MS;
	team_start(&team, 1, wait_pred_timed, &s);
	wait_until(waiting(&s.cond) == 1 || team_done(&team) == 1);
	for (turns = 0; turns < 30 && team_done(&team) == 0; turns++) {
		const int64_t next = clock_ns() + s.timeout_ns / 4;

		notify(&s, 1);
		wait_until(clock_ns() >= next || team_done(&team) == 1);
	}
	CHECK_EQ(team_done(&team), 1); /* and not after 30 quarters of the time */
	team_join_results(&team, &result);
	CHECK_EQ(result, -ETIMEDOUT);
}

static void wait_pred_by_the_lock(struct member *me)
{
	struct stage *s = me->arg;

	weft_lock_acquire(&s->lock);
	me->result = s->timeout_ns == WEFT_FOREVER
			     ? weft_cond_wait_pred_until(&s->cond, value_of, s, WEFT_FOREVER, &s->cancel)
			     : weft_cond_wait_pred_for(&s->cond, value_of, s, s->timeout_ns);
	weft_lock_release(&s->lock);
}

/* COND-17, COND-19: at the end of time, and on a cancel, it is asked once more; if it holds now, that counts. */
Test(cond, pred_is_asked_once_more_at_the_end)
{
	unsigned by_token;

	for (by_token = 0; by_token < 2; by_token++) {
		int64_t timeout_ns;
		struct stage s;
		struct team team;
		int result;

		for (timeout_ns = 10 * MS;; timeout_ns *= 2) {
			stage_init(&s, ON_LOCK);
			if (!by_token)
				s.timeout_ns = timeout_ns;
			team_start(&team, 1, wait_pred_by_the_lock, &s);
			wait_until(waiting(&s.cond) == 1 || team_done(&team) == 1);
			weft_lock_acquire(&s.lock);
			if (waiting(&s.cond) == 1)
				break;
			weft_lock_release(&s.lock);
			team_join(&team);
		}
		if (by_token)
			weft_event_set(&s.cancel);
		wait_until(is_wanted(&s.lock));
		s.value = 7; /* nobody is notified */
		weft_lock_release(&s.lock);
		team_join_results(&team, &result);
		CHECK_EQ(result, 7);
		CHECK_EQ(s.asked, 2);
	}
}

/* COND-19: with no time it is predicate, one poll, predicate; likewise with a token that is set. */
Test(cond, pred_is_asked_twice_without_time)
{
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;

		stage_init(&s, kind);
		weft_cond_acquire(&s.cond);
		CHECK_RET(weft_cond_wait_pred_for(&s.cond, value_of, &s, 0), -ETIMEDOUT);
		CHECK_EQ(s.asked, 2);
		CHECK_RET(weft_cond_wait_pred_for(&s.cond, value_of, &s, -5), -ETIMEDOUT);
		CHECK_EQ(s.asked, 4);
		CHECK_RET(weft_cond_wait_pred_until(&s.cond, value_of, &s, weft_now(), NULL), -ETIMEDOUT);
		CHECK_EQ(s.asked, 6);
		weft_event_set(&s.cancel);
		CHECK_RET(weft_cond_wait_pred_until(&s.cond, value_of, &s, WEFT_FOREVER, &s.cancel), -ECANCELED);
		CHECK_EQ(s.asked, 8);
		CHECK(weft_cond_locked(&s.cond));
		CHECK_RET(weft_cond_release(&s.cond), 0);
	}
}

static int becomes_true(void *arg)
{
	unsigned *asked = arg;

	return ++*asked == 2 ? 9 : 0;
}

/* COND-19: and the second answer counts. */
Test(cond, second_answer_of_pred_counts)
{
	struct weft_cond cond = WEFT_COND_INIT;
	struct weft_event cancel = WEFT_EVENT_INIT;
	unsigned asked = 0;

	weft_event_set(&cancel);
	weft_cond_acquire(&cond);
	CHECK_RET(weft_cond_wait_pred_for(&cond, becomes_true, &asked, 0), 9);
	asked = 0;
	CHECK_RET(weft_cond_wait_pred_until(&cond, becomes_true, &asked, WEFT_FOREVER, &cancel), 9);
	asked = 0;
	CHECK_RET(weft_cond_wait_pred_until(&cond, becomes_true, &asked, INT64_MIN, NULL), 9);
	CHECK_RET(weft_cond_release(&cond), 0);
}

/* COND-20, GEN-08: the description tells how many wait, is cut to fit, and changes nothing. */
Test(cond, describe_tells_how_many_wait)
{
	struct stage s;
	struct team team;
	char text[64], small[8];
	size_t length;

	stage_init(&s, ON_LOCK);
	CHECK_EQ(weft_cond_describe(&s.cond, text, sizeof(text)), strlen("0 waiting; lock: unlocked"));
	CHECK_STR(text, "0 waiting; lock: unlocked");
	team_start(&team, 3, wait_once, &s);
	wait_until(waiting(&s.cond) == 3);
	weft_cond_acquire(&s.cond);
	length = weft_cond_describe(&s.cond, text, sizeof(text));
	CHECK_STR(text, "3 waiting; lock: locked");
	CHECK_EQ(length, strlen(text));
	CHECK_EQ(weft_cond_describe(&s.cond, NULL, 0), length);
	CHECK_EQ(weft_cond_describe(&s.cond, small, sizeof(small)), length);
	CHECK_STR(small, "3 waiti");
	CHECK_EQ(weft_describe(&s.cond, text, sizeof(text)), length);
	CHECK_RET(weft_cond_notify_all(&s.cond), 3);
	weft_cond_release(&s.cond);
	team_join(&team);

	stage_init(&s, OWN);
	weft_cond_acquire(&s.cond);
	weft_cond_acquire(&s.cond);
	weft_cond_describe(&s.cond, text, sizeof(text));
	CHECK(strncmp(text, "0 waiting; lock: locked", strlen("0 waiting; lock: locked")) == 0);
	CHECK(strstr(text, "depth 2") != NULL);
}

static void wait_many_times(struct member *me)
{
	struct stage *s = me->arg;
	unsigned i;

	for (i = 0; i < 200; i++) {
		weft_cond_acquire(&s->cond);
		CHECK_RET(weft_cond_wait(&s->cond), 0);
		atomic_fetch_add(&s->back, 1);
		weft_cond_release(&s->cond);
	}
}

/* COND-23: a notifier that takes the lock again and again does not keep the woken thread from it. */
Test(cond, busy_notifier_does_not_starve_the_woken)
{
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		const int64_t give_up = clock_ns() + 30 * SEC;
		struct stage s;
		struct team team;

		stage_init(&s, kind);
		team_start(&team, 1, wait_many_times, &s);
		while (team_done(&team) == 0 && clock_ns() < give_up)
			notify(&s, 1);
		CHECK_EQ(atomic_load(&s.back), 200);
		while (team_done(&team) == 0)
			notify(&s, 1);
		team_join(&team);
	}
}

struct loan {
	struct weft_lock lock;
	struct weft_cond *cond;
	struct weft_event cancel;
};

/* Write over what a wait has left on the stack: who looks there now looks too late. */
__attribute__((__noinline__)) static void scribble(void)
{
	volatile unsigned char below[2048];
	size_t i;

	for (i = 0; i < sizeof(below); i++)
		below[i] = 0xa5;
}

static void wait_on_loan(struct member *me)
{
	struct loan *loan = me->arg;

	weft_lock_acquire(&loan->lock);
	if (me->index == 0)
		me->result = weft_cond_wait(loan->cond);
	else if (me->index == 1)
		me->result = weft_cond_wait_for(loan->cond, 100 * SEC);
	else
		me->result = weft_cond_wait_until(loan->cond, WEFT_FOREVER, &loan->cancel);
	weft_lock_release(&loan->lock);
	scribble();
}

/* Make every later look at it tell, with and without a sanitizer. */
static void scrap(void *memory, size_t size)
{
	memset(memory, 0xa5, size);
	free(memory);
}

/* COND-24: after the last notify the condition may go, while the woken are on their way out of wait. */
Test(cond, freed_right_after_notify_all)
{
	const unsigned rounds = slow_build() ? 200 : 600;
	unsigned i, j;

	for (i = 0; i < rounds; i++) {
		struct loan loan = { WEFT_LOCK_INIT, malloc(sizeof(*loan.cond)), WEFT_EVENT_INIT };
		struct team team;
		int results[3];

		weft_cond_init_lock(loan.cond, &loan.lock);
		team_start(&team, 3, wait_on_loan, &loan);
		wait_until(waiting(loan.cond) == 3);
		weft_lock_acquire(&loan.lock);
		CHECK_RET(weft_cond_notify_all(loan.cond), 3);
		if (i % 2 == 0) {
			CHECK_RET(weft_cond_destroy(loan.cond), 0);
			scrap(loan.cond, sizeof(*loan.cond));
			weft_lock_release(&loan.lock);
		} else {
			weft_lock_release(&loan.lock);
			CHECK_RET(weft_cond_destroy(loan.cond), 0);
			scrap(loan.cond, sizeof(*loan.cond));
		}
		team_join_results(&team, results);
		for (j = 0; j < 3; j++)
			CHECK_EQ(results[j], 0);
	}
}

/* COND-24, COND-15: one that was notified after its time had run out does not look at the condition any more. */
Test(cond, freed_under_a_waiter_notified_late)
{
	unsigned by_token;

	for (by_token = 0; by_token < 2; by_token++) {
		struct stage s;
		struct team team;
		int result;

		hold_over_expired_waiter(&s, &team, by_token);
		CHECK_RET(weft_cond_notify_all(&s.cond), 1);
		memset(&s.cond, 0xa5, sizeof(s.cond));
		weft_lock_release(&s.lock);
		team_join_results(&team, &result);
		CHECK_EQ(result, 0);
	}
}

static void wait_and_free(struct member *me)
{
	struct weft_cond *cond = me->arg;

	weft_cond_acquire(cond);
	CHECK_RET(weft_cond_wait(cond), 0);
	CHECK_RET(weft_cond_release(cond), 0);
	scribble();
	scrap(cond, sizeof(*cond));
}

/* A thread that has returned from wait may free the condition with its own lock, the notifier still in release. */
Test(cond, freed_by_the_woken_right_after_wait)
{
	const unsigned rounds = slow_build() ? 500 : 2000;
	unsigned i;

	for (i = 0; i < rounds; i++) {
		struct weft_cond *cond = malloc(sizeof(*cond));
		struct team team;

		weft_cond_init(cond);
		team_start(&team, 1, wait_and_free, cond);
		wait_until(waiting(cond) == 1);
		weft_cond_acquire(cond);
		CHECK_RET(weft_cond_notify(cond, 1), 1);
		weft_cond_release(cond);
		team_join(&team);
	}
}

/* destroy: -EBUSY while waited for or while its own rlock is held, and that changes nothing. */
Test(cond, destroy_tells_whether_it_is_in_use)
{
	enum kind kind;

	for (kind = OWN; kind < N_KINDS; kind++) {
		struct stage s;
		struct team team;

		stage_init(&s, kind);
		CHECK_RET(weft_cond_destroy(&s.cond), 0);
		weft_cond_acquire(&s.cond);
		CHECK_RET(weft_cond_destroy(&s.cond), kind == OWN ? -EBUSY : 0);
		weft_cond_release(&s.cond);
		team_start(&team, 2, wait_once, &s);
		wait_until(waiting(&s.cond) == 2);
		CHECK_RET(weft_cond_destroy(&s.cond), -EBUSY);
		CHECK_EQ(notify(&s, 2), 2);
		team_join(&team);
		CHECK_RET(weft_cond_destroy(&s.cond), 0);
	}
}

/* GEN-05: a condition may be left with its lock held. */
Test(cond, abandoned_while_held)
{
	struct weft_cond *cond = calloc(1, sizeof(*cond));

	weft_cond_acquire(cond);
	weft_cond_acquire(cond);
	scrap(cond, sizeof(*cond));
}

/* A bounded buffer of one place on two conditions and one lock. */
struct buffer {
	struct weft_lock lock;
	struct weft_cond not_full, not_empty;
	bool full; /* under lock, as are item, made and sum */
	unsigned item, made, taken, items;
	uint64_t sum;
};

static int has_room(void *arg)
{
	struct buffer *b = arg;

	return !b->full;
}

static int has_item(void *arg)
{
	struct buffer *b = arg;

	return b->full ? 1 : b->taken == b->items ? 2 : 0;
}

static void produce(struct member *me)
{
	struct buffer *b = me->arg;

	for (;;) {
		weft_cond_acquire(&b->not_full);
		CHECK_RET(weft_cond_wait_pred(&b->not_full, has_room, b), 1);
		if (b->made == b->items)
			break;
		b->item = ++b->made;
		b->full = true;
		weft_cond_notify(&b->not_empty, 1);
		weft_lock_release(&b->lock);
	}
	weft_cond_notify_all(&b->not_full);
	weft_lock_release(&b->lock);
}

static void consume(struct member *me)
{
	struct buffer *b = me->arg;

	for (;;) {
		weft_cond_acquire(&b->not_empty);
		if (weft_cond_wait_pred(&b->not_empty, has_item, b) == 2)
			break;
		b->sum += b->item;
		b->taken++;
		b->full = false;
		if (b->taken == b->items)
			weft_cond_notify_all(&b->not_empty);
		weft_cond_notify(&b->not_full, 1);
		weft_lock_release(&b->lock);
	}
	weft_lock_release(&b->lock);
}

static void produce_or_consume(struct member *me)
{
	if (me->index % 2 == 0)
		produce(me);
	else
		consume(me);
}

/* COND-02, COND-05, COND-14, GEN-09: items in a buffer of one place all arrive, each once. */
Test(cond, bounded_buffer_loses_nothing)
{
	struct buffer b;

	memset(&b, 0, sizeof(b));
	weft_cond_init_lock(&b.not_full, &b.lock);
	weft_cond_init_lock(&b.not_empty, &b.lock);
	b.items = slow_build() ? 2000 : 10000;
	team_run(6, produce_or_consume, &b);
	CHECK_EQ(b.taken, b.items);
	CHECK_EQ(b.sum, (uint64_t)b.items * (b.items + 1) / 2);
}
