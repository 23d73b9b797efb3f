/* SPDX-License-Identifier: MIT */
/*
 * After fork: LOCK-13, EVT-10, COND-21, RLOCK-13. A child may init anew what was held or waited for in the parent,
 * which does not notice; a private rlock stays its owner's.
 */
#include "test.h"

#include <string.h>

#include <weft/watch.h>

/* One of each, and what happens to them while the parent forks. */
struct set {
	struct weft_lock lock;
	struct weft_rlock rlock;
	struct weft_event event, set_event;
	struct weft_cond cond, on_lock;
	struct weft_lock cond_lock;
	struct weft_sem sem, bounded;
	struct weft_barrier barrier;
	unsigned count;
};

enum { LOCK, RLOCK, EVENT, COND, ON_LOCK, SEM, BARRIER, N_WAITERS };

static void set_init(struct set *s)
{
	memset(s, 0, sizeof(*s));
	weft_event_set(&s->set_event);
	weft_cond_init_lock(&s->on_lock, &s->cond_lock);
	CHECK_RET(weft_sem_init_bounded(&s->bounded, 2), 0);
	CHECK_RET(weft_barrier_init(&s->barrier, 2), 0);
	CHECK_RET(weft_lock_acquire(&s->lock), 0);
	CHECK_RET(weft_rlock_acquire(&s->rlock), 0);
	CHECK_RET(weft_rlock_acquire(&s->rlock), 0);
	CHECK_RET(weft_sem_try_acquire(&s->bounded), 0);
}

/* One member for each: sleep at it until the parent lets it go. */
static void sleep_at(struct member *me)
{
	struct set *s = me->arg;

	switch (me->index) {
	case LOCK:
		CHECK_RET(weft_lock_acquire(&s->lock), 0);
		break;
	case RLOCK:
		CHECK_RET(weft_rlock_acquire_for(&s->rlock, 1000 * SEC), 0);
		CHECK_RET(weft_rlock_release(&s->rlock), 0);
		break;
	case EVENT:
		CHECK_RET(weft_event_wait(&s->event), 0);
		break;
	case COND:
		weft_cond_acquire(&s->cond);
		CHECK_RET(weft_cond_wait(&s->cond), 0);
		weft_cond_release(&s->cond);
		break;
	case ON_LOCK:
		weft_cond_acquire(&s->on_lock);
		CHECK_RET(weft_cond_wait_for(&s->on_lock, 1000 * SEC), 0);
		weft_cond_release(&s->on_lock);
		break;
	case SEM:
		CHECK_RET(weft_sem_acquire(&s->sem), 0);
		break;
	default:
		CHECK_EQ(weft_barrier_wait(&s->barrier), 0);
		break;
	}
}

/* The parent's half: all still sleep, and each goes when it is let. */
static void let_go(struct set *s, struct team *team)
{
	CHECK_EQ(team_done(team), 0);
	team_wait_asleep(team, N_WAITERS);
	CHECK(weft_lock_locked(&s->lock));
	CHECK_EQ(weft_rlock_depth(&s->rlock), 2);
	CHECK_EQ(weft_barrier_n_waiting(&s->barrier), 1);
	CHECK_RET(weft_lock_release(&s->lock), 0);
	CHECK_RET(weft_rlock_release(&s->rlock), 0);
	CHECK_RET(weft_rlock_release(&s->rlock), 0);
	weft_event_set(&s->event);
	weft_cond_acquire(&s->cond);
	CHECK_RET(weft_cond_notify(&s->cond, 9), 1);
	weft_cond_release(&s->cond);
	weft_cond_acquire(&s->on_lock);
	CHECK_RET(weft_cond_notify_all(&s->on_lock), 1);
	weft_cond_release(&s->on_lock);
	CHECK_RET(weft_sem_release(&s->sem), 0);
	CHECK_RET(weft_barrier_wait(&s->barrier), 1);
	team_join(team);
}

/* All objects made anew, used by one thread. */
static void use_anew(struct set *s)
{
	weft_lock_init(&s->lock);
	CHECK(!weft_lock_locked(&s->lock));
	CHECK_RET(weft_lock_destroy(&s->lock), 0);
	CHECK_RET(weft_lock_release(&s->lock), -EPERM);
	CHECK_RET(weft_lock_acquire(&s->lock), 0);
	CHECK_RET(weft_lock_acquire_for(&s->lock, MS), -ETIMEDOUT);
	CHECK_RET(weft_lock_release(&s->lock), 0);

	weft_rlock_init(&s->rlock);
	CHECK(!weft_rlock_locked(&s->rlock));
	CHECK(!weft_rlock_owned(&s->rlock));
	CHECK_RET(weft_rlock_destroy(&s->rlock), 0);
	CHECK_RET(weft_rlock_release(&s->rlock), -EPERM);
	CHECK_RET(weft_rlock_acquire(&s->rlock), 0);
	CHECK_RET(weft_rlock_acquire(&s->rlock), 0);
	CHECK_EQ(weft_rlock_depth(&s->rlock), 2);
	CHECK_RET(weft_rlock_release(&s->rlock), 0);
	CHECK_RET(weft_rlock_release(&s->rlock), 0);

	CHECK(weft_event_is_set(&s->set_event)); /* EVT-10 */
	weft_event_init(&s->set_event);
	CHECK(!weft_event_is_set(&s->set_event));
	weft_event_init(&s->event);
	CHECK_RET(weft_event_destroy(&s->event), 0);
	CHECK_RET(weft_event_wait_for(&s->event, MS), -ETIMEDOUT);
	weft_event_set(&s->event);
	CHECK_RET(weft_event_wait(&s->event), 0);

	weft_cond_init(&s->cond);
	CHECK(!weft_cond_locked(&s->cond));
	CHECK_RET(weft_cond_destroy(&s->cond), 0);
	weft_cond_acquire(&s->cond);
	CHECK_RET(weft_cond_notify_all(&s->cond), 0);
	CHECK_RET(weft_cond_wait_for(&s->cond, MS), -ETIMEDOUT);
	CHECK_RET(weft_cond_release(&s->cond), 0);
	weft_lock_init(&s->cond_lock);
	weft_cond_init_lock(&s->on_lock, &s->cond_lock);
	weft_cond_acquire(&s->on_lock);
	CHECK_RET(weft_cond_notify(&s->on_lock, 1), 0);
	CHECK_RET(weft_cond_wait_for(&s->on_lock, MS), -ETIMEDOUT);
	CHECK_RET(weft_cond_release(&s->on_lock), 0);

	CHECK_RET(weft_sem_init(&s->sem, 1), 0);
	CHECK_RET(weft_sem_destroy(&s->sem), 0);
	CHECK_RET(weft_sem_acquire(&s->sem), 0);
	CHECK_RET(weft_sem_acquire_for(&s->sem, MS), -ETIMEDOUT);
	CHECK_RET(weft_sem_release(&s->sem), 0);
	CHECK_EQ(weft_sem_value(&s->sem), 1);
	CHECK_EQ(weft_sem_value(&s->bounded), 1);
	CHECK_RET(weft_sem_init_bounded(&s->bounded, 2), 0);
	CHECK_RET(weft_sem_release(&s->bounded), -EOVERFLOW);

	CHECK_RET(weft_barrier_init(&s->barrier, 2), 0);
	CHECK_RET(weft_barrier_destroy(&s->barrier), 0);
	CHECK_EQ(weft_barrier_n_waiting(&s->barrier), 0);
	CHECK_RET(weft_barrier_wait_for(&s->barrier, MS), -ETIMEDOUT);
	weft_barrier_reset(&s->barrier);
}

static void child_uses_anew(void *arg)
{
	use_anew(arg);
}

/* LOCK-13, EVT-10, COND-21: held, and with threads of the parent sleeping at them, objects can be made anew. */
Test(fork, waited_for_objects_are_made_anew)
{
	int i;

	for (i = 0; i < 5; i++) {
		struct set s;
		struct team team;

		set_init(&s);
		team_start(&team, N_WAITERS, sleep_at, &s);
		wait_until(weft_barrier_n_waiting(&s.barrier) == 1);
		team_wait_asleep(&team, N_WAITERS);
		CHECK_EQ(child_run(child_uses_anew, &s), 0);
		let_go(&s, &team);
	}
}

static void count_by_all(struct member *me)
{
	struct set *s = me->arg;
	int i;

	for (i = 0; i < 500; i++) {
		weft_lock_acquire(&s->lock);
		weft_rlock_acquire(&s->rlock);
		weft_cond_acquire(&s->cond);
		weft_sem_acquire(&s->sem);
		s->count++;
		weft_sem_release(&s->sem);
		weft_cond_release(&s->cond);
		weft_rlock_release(&s->rlock);
		weft_lock_release(&s->lock);
		CHECK_GE(weft_barrier_wait(&s->barrier), 0);
		weft_cond_acquire(&s->on_lock);
		weft_cond_notify(&s->on_lock, 1);
		weft_cond_release(&s->on_lock);
	}
}

/* The child's threads use what was made anew, and sleep and wake as ever. */
static void child_uses_threads(void *arg)
{
	struct set *s = arg;

	use_anew(s);
	s->count = 0;
	team_run(2, count_by_all, s);
	CHECK_EQ(s->count, 1000);
}

Test(fork, held_objects_are_made_anew_for_threads)
{
	struct set s;

	set_init(&s);
	weft_lock_acquire(&s.cond_lock);
	weft_cond_acquire(&s.cond);
	CHECK_EQ(child_run(child_uses_threads, &s), 0);
	CHECK(weft_lock_locked(&s.lock));
	CHECK_EQ(weft_rlock_depth(&s.rlock), 2);
	CHECK(weft_cond_locked(&s.cond));
	CHECK(weft_cond_locked(&s.on_lock));
}

static void try_as_stranger(struct member *me)
{
	struct weft_rlock *rlock = me->arg;

	CHECK(!weft_rlock_owned(rlock));
	CHECK_EQ(weft_rlock_depth(rlock), 0);
	CHECK_RET(weft_rlock_release(rlock), -EPERM);
	CHECK_RET(weft_rlock_try_acquire(rlock), -EAGAIN);
}

static void child_goes_on_with_rlock(void *arg)
{
	struct weft_rlock *rlock = arg;

	CHECK(weft_rlock_locked(rlock));
	CHECK(weft_rlock_owned(rlock));
	CHECK_EQ(weft_rlock_depth(rlock), 2);
	team_run(2, try_as_stranger, rlock);
	CHECK_RET(weft_rlock_acquire(rlock), 0);
	CHECK_EQ(weft_rlock_depth(rlock), 3);
	CHECK_RET(weft_rlock_release(rlock), 0);
	CHECK_RET(weft_rlock_release(rlock), 0);
	CHECK(weft_rlock_owned(rlock));
	CHECK_RET(weft_rlock_release(rlock), 0);
	CHECK(!weft_rlock_locked(rlock));
	CHECK_RET(weft_rlock_release(rlock), -EPERM);
	CHECK_RET(weft_rlock_acquire(rlock), 0);
}

/* RLOCK-13: a private rlock owned by the forking thread is owned by the child's, and by none that it starts. */
Test(fork, rlock_stays_owned_by_the_forking_thread)
{
	struct weft_rlock rlock = WEFT_RLOCK_INIT;

	weft_rlock_acquire(&rlock);
	weft_rlock_acquire(&rlock);
	CHECK_EQ(child_run(child_goes_on_with_rlock, &rlock), 0);
	CHECK_EQ(weft_rlock_depth(&rlock), 2);
	CHECK_RET(weft_rlock_release(&rlock), 0);
	CHECK_RET(weft_rlock_release(&rlock), 0);
}

static void child_owns_cond(void *arg)
{
	struct weft_cond *cond = arg;

	CHECK_RET(weft_cond_notify(cond, 1), 0);
	CHECK_RET(weft_cond_wait_for(cond, MS), -ETIMEDOUT);
	CHECK_RET(weft_cond_release(cond), 0);
	CHECK_RET(weft_cond_release(cond), -EPERM);
}

/* RLOCK-13 for the rlock of a condition. */
Test(fork, condition_stays_held_by_the_forking_thread)
{
	struct weft_cond cond = WEFT_COND_INIT;

	weft_cond_acquire(&cond);
	CHECK_EQ(child_run(child_owns_cond, &cond), 0);
	CHECK_RET(weft_cond_release(&cond), 0);
}

static void acquire_and_end(struct member *me)
{
	weft_rlock_acquire(me->arg);
}

static void child_is_no_owner(void *arg)
{
	struct weft_rlock *rlock = arg;

	CHECK(weft_rlock_locked(rlock));
	CHECK(!weft_rlock_owned(rlock));
	CHECK_RET(weft_rlock_release(rlock), -EPERM);
	CHECK_RET(weft_rlock_acquire_for(rlock, MS), -ETIMEDOUT);
	team_run(3, try_as_stranger, rlock);
	weft_rlock_init(rlock);
	CHECK_RET(weft_rlock_acquire(rlock), 0);
	CHECK_RET(weft_rlock_release(rlock), 0);
}

/* RLOCK-10, RLOCK-13: what another thread of the parent owned is nobody's in the child, old or new. */
Test(fork, rlock_of_another_thread_is_nobodys_in_the_child)
{
	struct weft_rlock rlock = WEFT_RLOCK_INIT;

	team_run(1, acquire_and_end, &rlock);
	CHECK_EQ(child_run(child_is_no_owner, &rlock), 0);
	CHECK(weft_rlock_locked(&rlock));
}

static void child_of_a_thread(void *arg)
{
	struct weft_rlock *rlock = arg;

	CHECK(weft_rlock_owned(rlock));
	CHECK_RET(weft_rlock_acquire(rlock), 0);
	CHECK_EQ(weft_rlock_depth(rlock), 2);
	CHECK_RET(weft_rlock_release(rlock), 0);
	CHECK_RET(weft_rlock_release(rlock), 0);
	CHECK_RET(weft_rlock_release(rlock), -EPERM);
}

static void fork_while_owner(struct member *me)
{
	weft_rlock_acquire(me->arg);
	CHECK_EQ(child_run(child_of_a_thread, me->arg), 0);
	CHECK_EQ(weft_rlock_depth(me->arg), 1);
	weft_rlock_release(me->arg);
}

/* RLOCK-13: the forking thread need not be the first. */
Test(fork, rlock_stays_owned_in_a_child_of_any_thread)
{
	struct weft_rlock rlock = WEFT_RLOCK_INIT;

	team_run(3, fork_while_owner, &rlock);
	CHECK(!weft_rlock_locked(&rlock));
}

static void child_changes_its_copy(void *arg)
{
	struct set *s = arg;

	weft_event_set(&s->event);
	weft_event_clear(&s->set_event);
	CHECK_RET(weft_sem_release(&s->sem), 0);
	CHECK_RET(weft_lock_release(&s->lock), 0);
	weft_barrier_abort(&s->barrier);
}

/* LOCK-13: whatever the child does to its copies, the parent's threads sleep on. */
Test(fork, child_wakes_nobody_of_the_parent)
{
	struct set s;
	struct team team;

	set_init(&s);
	team_start(&team, N_WAITERS, sleep_at, &s);
	wait_until(weft_barrier_n_waiting(&s.barrier) == 1);
	team_wait_asleep(&team, N_WAITERS);
	CHECK_EQ(child_run(child_changes_its_copy, &s), 0);
	CHECK(!weft_event_is_set(&s.event));
	CHECK(weft_event_is_set(&s.set_event));
	let_go(&s, &team);
}

static struct weft_rlock held_across;
static unsigned told;

static void note(const void *object, const char *call, int error, void *arg)
{
	(void)object;
	(void)call;
	(void)error;
	CHECK(arg == &told);
	told++;
}

static void child_breaks_a_rule(void *arg)
{
	(void)arg;
	CHECK_RET(weft_rlock_release(&held_across), -EPERM);
	CHECK_EQ(told, 1);
	weft_set_misuse_hook(NULL, NULL);
	CHECK_RET(weft_rlock_release(&held_across), -EPERM);
	CHECK_EQ(told, 1);
}

/* The misuse hook goes along. */
Test(fork, misuse_hook_is_inherited)
{
	weft_set_misuse_hook(note, &told);
	CHECK_EQ(child_run(child_breaks_a_rule, NULL), 0);
	CHECK_EQ(told, 0);
}
