/* SPDX-License-Identifier: MIT */
/*
 * weft_with and weft_guard: GEN-07, LOCK-11, SEM-09.
 */
/* Scopes that nest on one line are what is tested. */
/* clang-format off */
#include "test.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <weft/with.h>

static struct weft_lock lock, other_lock;
static struct weft_rlock rlock;
static struct weft_cond cond;
static struct weft_sem sem = WEFT_SEM_INIT(1);

static bool all_free(void)
{
	return !weft_lock_locked(&lock) && !weft_lock_locked(&other_lock) && !weft_rlock_locked(&rlock) &&
	       !weft_cond_locked(&cond) && weft_sem_value(&sem) == 1;
}

/* GEN-07: each kind is held for the block and free after it. */
Test(with, holds_each_kind_for_its_block)
{
	unsigned blocks = 0;

	weft_with(&lock) {
		blocks++;
		CHECK(weft_lock_locked(&lock));
	}
	CHECK(all_free());
	weft_with(&rlock) {
		blocks++;
		CHECK_EQ(weft_rlock_depth(&rlock), 1);
	}
	CHECK(all_free());
	weft_with(&cond) {
		blocks++;
		CHECK(weft_cond_locked(&cond));
		CHECK_RET(weft_cond_notify(&cond, 1), 0);
		CHECK_RET(weft_cond_wait_for(&cond, 0), -ETIMEDOUT);
	}
	CHECK(all_free());
	weft_with(&sem) {
		blocks++;
		CHECK_EQ(weft_sem_value(&sem), 0);
		CHECK_RET(weft_sem_try_acquire(&sem), -EAGAIN);
	}
	CHECK(all_free());
	CHECK_EQ(blocks, 4);
}

/* GEN-07: a guard holds to the end of the block that it stands in. */
Test(with, guard_holds_each_kind_to_the_end_of_the_block)
{
	{
		weft_guard(&lock);
		CHECK(weft_lock_locked(&lock));
		{
			weft_guard(&other_lock);
			CHECK(weft_lock_locked(&other_lock));
		}
		CHECK(!weft_lock_locked(&other_lock));
		CHECK(weft_lock_locked(&lock));
		weft_guard(&rlock);
		weft_guard(&cond);
		weft_guard(&sem);
		CHECK(weft_rlock_owned(&rlock));
		CHECK(weft_cond_locked(&cond));
		CHECK_EQ(weft_sem_value(&sem), 0);
	}
	CHECK(all_free());
}

/* The body may be one statement, also under an if with an else, and two may stand on one line. */
Test(with, nests_on_one_line)
{
	unsigned blocks = 0, yes = 1;

	weft_with(&lock) weft_with(&rlock) weft_with(&cond) weft_with(&sem) {
		CHECK(weft_lock_locked(&lock) && weft_rlock_owned(&rlock) && weft_cond_locked(&cond));
		CHECK_EQ(weft_sem_value(&sem), 0);
		blocks++;
	}
	CHECK(all_free());
	if (yes)
		weft_with(&lock)
			blocks++;
	else
		blocks += 100;
	CHECK_EQ(blocks, 2);
	{
		weft_guard(&lock); weft_guard(&other_lock);
		CHECK(weft_lock_locked(&lock) && weft_lock_locked(&other_lock));
	}
	CHECK(all_free());
}

/* RLOCK-01: the same rlock nests in itself. SEM-09: a semaphore of two nests twice, a third try fails. */
Test(with, same_object_nests_where_it_may)
{
	struct weft_sem two = WEFT_SEM_INIT(2);

	weft_with(&rlock) weft_with(&rlock) {
		CHECK_EQ(weft_rlock_depth(&rlock), 2);
		weft_guard(&rlock);
		CHECK_EQ(weft_rlock_depth(&rlock), 3);
	}
	weft_with(&cond) weft_with(&cond)
		CHECK_EQ(weft_rlock_depth(&cond.own), 2);
	CHECK(all_free());
	weft_with(&two) weft_with(&two)
		CHECK_RET(weft_sem_try_acquire(&two), -EAGAIN);
	CHECK_EQ(weft_sem_value(&two), 2);
}

static int return_from_with(int kind)
{
	weft_with(&lock) weft_with(&rlock) {
		switch (kind) {
		case 0:
			return 10;
		case 1: {
			weft_guard(&cond);
			weft_guard(&sem);
			return 11;
		}
		default:
			break;	/* leaves the switch */
		}
		weft_with(&cond) weft_with(&sem)
			return 12;
	}
	return -1;
}

static unsigned return_value_is_made_under_the_guard(void)
{
	weft_guard(&sem);
	return weft_sem_value(&sem);
}

/* GEN-07: return releases all, and its value is worked out before. */
Test(with, return_releases)
{
	int i;

	for (i = 0; i < 3; i++) {
		CHECK_EQ(return_from_with(i), 10 + i);
		CHECK(all_free());
	}
	CHECK_EQ(return_value_is_made_under_the_guard(), 0);
	CHECK(all_free());
}

/* with.h: break and continue leave the block of weft_with, and only it. */
Test(with, break_and_continue_leave_only_the_block)
{
	unsigned rounds = 0, before = 0, after = 0, i;

	for (i = 0; i < 4; i++) {
		rounds++;
		weft_with(&lock) {
			before++;
			if (i == 1)
				break;
			if (i == 2)
				continue;
			after++;
		}
		CHECK(all_free());
	}
	CHECK_EQ(rounds, 4);
	CHECK_EQ(before, 4);
	CHECK_EQ(after, 2);

	/* The inner block only. */
	weft_with(&rlock) {
		weft_with(&sem)
			break;
		CHECK_EQ(weft_sem_value(&sem), 1);
		CHECK(weft_rlock_owned(&rlock));
		after++;
	}
	CHECK_EQ(after, 3);
	CHECK(all_free());
}

/* with.h: a guard in a loop is released by break and continue, which go where they always go. */
Test(with, break_and_continue_release_a_guard)
{
	unsigned rounds = 0, i;

	for (i = 0; i < 4; i++) {
		weft_guard(&lock);
		weft_guard(&sem);
		rounds++;
		if (i == 1)
			continue;
		if (i == 2)
			break;
	}
	CHECK_EQ(rounds, 3);
	CHECK(all_free());
}

/* GEN-07: goto out of the scope releases; back to before it, it is entered anew. */
Test(with, goto_releases)
{
	unsigned turns = 0;

	weft_with(&lock) weft_with(&cond)
		goto out;
	FAIL("goto did not leave the block");
out:
	CHECK(all_free());
again:
	if (turns < 3) {
		weft_guard(&rlock);
		weft_guard(&sem);
		CHECK_EQ(weft_rlock_depth(&rlock), 1);
		turns++;
		goto again;
	}
	CHECK_EQ(turns, 3);
	CHECK(all_free());
}

static struct weft_lock *pick(struct weft_lock *from, unsigned *picked)
{
	return &from[(*picked)++];
}

/* with.h: the argument is evaluated once, and may be any expression of the type. */
Test(with, argument_is_evaluated_once)
{
	struct weft_lock locks[3] = { WEFT_LOCK_INIT, WEFT_LOCK_INIT, WEFT_LOCK_INIT };
	struct {
		struct weft_rlock inner;
	} outer = { WEFT_RLOCK_INIT }, *const pointer = &outer;
	unsigned picked = 0;
	struct weft_lock *next = locks;

	weft_with(pick(locks, &picked)) {
		CHECK_EQ(picked, 1);
		CHECK(weft_lock_locked(&locks[0]));
		picked = 2;	/* what is released is what was acquired */
	}
	CHECK_EQ(picked, 2);
	CHECK(!weft_lock_locked(&locks[0]));
	{
		weft_guard(next++);
		CHECK(next == &locks[1]);
		CHECK(weft_lock_locked(&locks[0]));
		CHECK(!weft_lock_locked(&locks[1]));
	}
	CHECK(!weft_lock_locked(&locks[0]));
	weft_with(&pointer->inner)
		CHECK_EQ(weft_rlock_depth(&outer.inner), 1);
	weft_with(picked == 2 ? &locks[2] : &locks[1])
		CHECK(weft_lock_locked(&locks[2]));
	CHECK(!weft_lock_locked(&locks[2]));
}

static void overflow(struct weft_rlock *full)
{
	weft_rlock_acquire(full);
	atomic_store_explicit(&full->depth, UINT32_MAX, memory_order_relaxed);
}

/* with.h: if acquire fails the block is skipped, and nothing is released. */
Test(with, failed_acquire_skips_the_block)
{
	struct weft_rlock full = WEFT_RLOCK_INIT;
	struct weft_cond on_full = WEFT_COND_INIT_RLOCK(&full);
	unsigned blocks = 0;

	overflow(&full);
	weft_with(&full)
		blocks++;
	weft_with(&on_full)
		blocks++;
	weft_with(&lock) weft_with(&full)
		blocks++;
	CHECK_EQ(blocks, 0);
	CHECK_EQ(weft_rlock_depth(&full), UINT32_MAX);
	CHECK(all_free());
}

static void guard_full_rlock(void *arg)
{
	struct weft_rlock full = WEFT_RLOCK_INIT;

	(void)arg;
	close(STDERR_FILENO);	/* it says why it aborts, which is no failure here */
	overflow(&full);
	weft_guard(&full);
	CHECK(false);
}

/* with.h: and weft_guard aborts. */
Test(with, failed_acquire_aborts_a_guard)
{
	CHECK_EQ(child_run(guard_full_rlock, NULL), -SIGABRT);
}

struct counter {
	struct weft_lock lock;
	struct weft_rlock rlock;
	struct weft_cond cond;
	struct weft_sem sem;
	unsigned counts[4];	/* each under the one of its kind */
	unsigned turns;
};

static void count_under_each(struct member *me)
{
	struct counter *c = me->arg;
	unsigned i;

	for (i = 0; i < c->turns; i++) {
		weft_with(&c->lock)
			c->counts[0]++;
		weft_with(&c->rlock)
			c->counts[1]++;
		weft_with(&c->cond)
			c->counts[2]++;
		weft_with(&c->sem)
			c->counts[3]++;
	}
}

/* GEN-07: they do exclude. */
Test(with, excludes_other_threads)
{
	struct counter c;
	unsigned i;

	memset(&c, 0, sizeof(c));
	CHECK_RET(weft_sem_init(&c.sem, 1), 0);
	c.turns = slow_build() ? 2000 : 20000;
	team_run(4, count_under_each, &c);
	for (i = 0; i < 4; i++)
		CHECK_EQ(c.counts[i], 4 * c.turns);
}
