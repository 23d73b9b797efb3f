/* SPDX-License-Identifier: MIT */
/*
 * scenario-rest.c - what the scenarios of the objects leave out: sleeping, broken rules and who is told of them,
 * descriptions while others are at work, scopes, time-outs at the ends of their range.
 */
#include <stdio.h>
#include <string.h>

#include <weft/barrier.h>
#include <weft/cond.h>
#include <weft/event.h>
#include <weft/sem.h>
#include <weft/watch.h>
#include <weft/with.h>

#include <weft_sys.h>

#include "scenarios.h"

struct all {
	struct weft_lock lock, other;
	struct weft_rlock rlock, shared_rlock;
	struct weft_event event, cancel;
	struct weft_cond cond, on_lock, on_rlock, on_shared;
	struct weft_sem sem, bounded;
	struct weft_barrier barrier, shared_barrier;
	unsigned told, told_other, inside;
	int last_error;
};

enum { TOLD, DONE }; /* counters */

static void *begin(void)
{
	struct all *const all = weft_explore_alloc(sizeof(*all), "all");

	weft_event_init(&all->event);
	weft_rlock_init_shared(&all->shared_rlock);
	weft_cond_init(&all->cond);
	weft_cond_init_lock(&all->on_lock, &all->lock);
	weft_cond_init_rlock(&all->on_rlock, &all->rlock);
	weft_cond_init_rlock(&all->on_shared, &all->shared_rlock);
	weft_explore_check(weft_sem_init_bounded_shared(&all->bounded, 1) == 0);
	weft_explore_check(weft_barrier_init(&all->barrier, 2) == 0);
	weft_explore_check(weft_barrier_init_shared(&all->shared_barrier, 2) == 0);
	return all;
}

static void *begin_old(void)
{
	weft_sys_refuse_wait2();
	return begin();
}

/* ---- broken rules ---- */

static void hook(const void *object, const char *call, int error, void *arg)
{
	struct all *const all = arg;

	(void)object, (void)call;
	all->told++;
	all->last_error = error;
}

/* Each is told once, with what the call then returns, and changes nothing. */
static void broken_rule(struct all *all, int rc, int expected)
{
	weft_explore_check(rc == expected && all->last_error == expected && all->told == 1);
	all->told = 0;
}

static void break_rules(struct all *all)
{
	struct weft_lock *const twice[] = { &all->lock, &all->other, &all->lock };
	struct weft_lock *const none[] = { &all->lock, NULL };
	struct weft_sem sem;
	struct weft_barrier barrier;

	broken_rule(all, weft_lock_release(&all->lock), -EPERM);
	broken_rule(all, weft_lock_acquire_many(twice, 3), -EINVAL);
	broken_rule(all, weft_lock_acquire_many(none, 2), -EINVAL);
	weft_lock_acquire(&all->lock);
	broken_rule(all, weft_lock_destroy(&all->lock), -EBUSY);
	weft_lock_release(&all->lock);

	broken_rule(all, weft_rlock_release(&all->rlock), -EPERM);
	weft_rlock_acquire(&all->rlock);
	broken_rule(all, weft_rlock_destroy(&all->rlock), -EBUSY);
	atomic_store_explicit(&all->rlock.depth, UINT32_MAX, memory_order_relaxed);
	broken_rule(all, weft_rlock_acquire(&all->rlock), -EOVERFLOW);
	broken_rule(all, weft_rlock_try_acquire(&all->rlock), -EOVERFLOW);
	broken_rule(all, weft_rlock_acquire_for(&all->rlock, 1), -EOVERFLOW);
	broken_rule(all, weft_rlock_acquire_until(&all->rlock, 1, NULL), -EOVERFLOW);
	atomic_store_explicit(&all->rlock.depth, 1, memory_order_relaxed);
	weft_rlock_release(&all->rlock);

	broken_rule(all, weft_cond_wait(&all->on_lock), -EPERM);
	broken_rule(all, weft_cond_wait_for(&all->on_lock, 1), -EPERM);
	broken_rule(all, weft_cond_wait_until(&all->on_lock, 1, NULL), -EPERM);
	broken_rule(all, weft_cond_wait_pred(&all->on_rlock, NULL, NULL), -EPERM);
	broken_rule(all, weft_cond_notify(&all->cond, 1), -EPERM);
	broken_rule(all, weft_cond_notify_all(&all->on_shared), -EPERM);
	weft_cond_acquire(&all->cond);
	broken_rule(all, weft_cond_destroy(&all->cond), -EBUSY);
	weft_cond_release(&all->cond);

	broken_rule(all, weft_sem_init(&sem, WEFT_SEM_MAX + 1u), -EINVAL);
	broken_rule(all, weft_sem_release_n(&all->sem, 0), -EINVAL);
	broken_rule(all, weft_sem_release(&all->bounded), -EOVERFLOW);
	broken_rule(all, weft_barrier_init(&barrier, 0), -EINVAL);
	weft_explore_check(all->told == 0);
}

static void misuse(void *state, unsigned number)
{
	struct all *const all = state;

	(void)number;
	weft_set_misuse_hook(hook, all);
	break_rules(all);
	weft_set_misuse_hook(NULL, NULL);
	weft_explore_check(weft_lock_release(&all->lock) == -EPERM && all->told == 0);
}

static void hook_a(const void *object, const char *call, int error, void *arg)
{
	(void)object, (void)call, (void)error;
	weft_explore_check(*(const char *)arg == 'a');
}

static void hook_b(const void *object, const char *call, int error, void *arg)
{
	(void)object, (void)call, (void)error;
	weft_explore_check(*(const char *)arg == 'b');
}

/* A hook is called with its own argument, whoever sets another meanwhile. */
static void hooks(void *state, unsigned number)
{
	struct all *const all = state;
	char a = 'a', b = 'b';

	if (number == 0)
		weft_set_misuse_hook(hook_a, &a);
	else if (number == 1)
		weft_set_misuse_hook(hook_b, &b);
	else
		for (int i = 0; i < 3; i++)
			weft_explore_check(weft_lock_release(&all->lock) == -EPERM);
	/* the arguments are on these stacks */
	weft_explore_count_ordered(DONE, 1);
	while (weft_explore_count_ordered(DONE, 0) < 3)
		weft_explore_yield();
}

/* Destroy while somebody waits. */
static void busy(void *state, unsigned number)
{
	struct all *const all = state;

	if (number == 0) {
		weft_explore_check(weft_event_wait(&all->event) == 0);
		weft_explore_check(weft_sem_acquire(&all->sem) == 0);
		weft_cond_acquire(&all->cond);
		weft_explore_check(weft_cond_wait(&all->cond) == 0);
		weft_cond_release(&all->cond);
		weft_explore_check(weft_barrier_wait(&all->barrier) >= 0);
		return;
	}
	while (!weft_explore_sleeps(0))
		weft_explore_yield();
	weft_explore_check(weft_event_destroy(&all->event) == -EBUSY || weft_explore_weak()); /* a stale look */
	weft_event_set(&all->event);
	while ((int)atomic_load_explicit(&all->sem.count, memory_order_relaxed) >= 0)
		weft_explore_yield();
	weft_explore_check(weft_sem_destroy(&all->sem) == -EBUSY);
	weft_sem_release(&all->sem);
	for (;;) {
		weft_cond_acquire(&all->cond);
		if (atomic_load_explicit(&all->cond.waiting, memory_order_relaxed) > 0)
			break;
		weft_cond_release(&all->cond);
		weft_explore_yield();
	}
	weft_explore_check(weft_cond_destroy(&all->cond) == -EBUSY);
	weft_explore_check(weft_cond_notify_all(&all->cond) == 1);
	weft_cond_release(&all->cond);
	while (weft_barrier_n_waiting(&all->barrier) == 0)
		weft_explore_yield();
	weft_explore_check(weft_barrier_destroy(&all->barrier) == -EBUSY);
	weft_explore_check(weft_barrier_wait(&all->barrier) >= 0);
}

/* ---- descriptions ---- */

static bool is_one_of(const char *text, const char *const texts[])
{
	for (; *texts != NULL; texts++)
		if (strcmp(text, *texts) == 0)
			return true;
	return false;
}

#define described(object, ...)                                                                                       \
	(weft_explore_check(weft_describe((object), text, sizeof(text)) == strlen(text)),                            \
	 weft_explore_check(is_one_of(text, (const char *const[]){ __VA_ARGS__, NULL })))

static void describe(struct all *all)
{
	char text[100];

	described(&all->lock, "locked", "unlocked", "locked, contended", "unlocked, contended");
	described(&all->event, "set", "unset");
	described(&all->sem, "value=0", "value=1", "value=0, 1 waiting");
	described(&all->bounded, "value=1/1");
	described(&all->barrier, "waiters=0/2", "waiters=1/2", "broken");
	weft_explore_check(weft_describe(&all->rlock, text, sizeof(text)) == strlen(text));
	weft_explore_check(weft_describe(&all->shared_rlock, text, sizeof(text)) == strlen(text));
	weft_explore_check(weft_describe(&all->cond, text, sizeof(text)) == strlen(text));
	weft_explore_check(weft_describe(&all->on_lock, text, 4) >= strlen("0 waiting; lock: locked"));
	weft_explore_check(strlen(text) == 3);
	weft_explore_check(weft_describe(&all->cond, text, 10) >= strlen("0 waiting; lock: unlocked"));
	weft_explore_check(weft_describe(&all->cond, NULL, 0) >= strlen("0 waiting; lock: unlocked"));
	weft_explore_check(weft_describe(&all->on_lock, NULL, 0) > 3);
	weft_explore_check(weft_describe(&all->on_lock, text, sizeof(text)) == strlen(text));
}

static void described_at_work(void *state, unsigned number)
{
	struct all *const all = state;

	switch (number) {
	case 0:
		weft_lock_acquire(&all->lock);
		weft_rlock_acquire(&all->rlock);
		weft_rlock_acquire(&all->shared_rlock);
		weft_event_set(&all->event);
		weft_sem_release(&all->sem);
		weft_rlock_release(&all->shared_rlock);
		weft_rlock_release(&all->rlock);
		weft_lock_release(&all->lock);
		weft_barrier_abort(&all->barrier);
		break;
	case 1:
		weft_explore_check(weft_event_wait(&all->event) == 0);
		weft_explore_check(weft_sem_acquire(&all->sem) == 0);
		weft_lock_acquire(&all->lock);
		(void)!weft_cond_wait_for(&all->on_lock, 2000);
		weft_lock_release(&all->lock);
		weft_explore_check(weft_barrier_wait(&all->barrier) == -EPIPE);
		weft_explore_check(weft_barrier_parties(&all->barrier) == 2);
		break;
	default:
		describe(all);
		describe(all);
	}
}

/* ---- scopes ---- */

static void scopes(void *state, unsigned number)
{
	struct all *const all = state;

	(void)number;
	weft_with(&all->lock) {
		weft_explore_check(all->inside++ == 0);
		weft_explore_step();
		weft_explore_check(--all->inside == 0);
		if (number == 0)
			break;
	}
	{
		weft_guard(&all->rlock);
		weft_guard(&all->rlock);
		weft_explore_check(weft_rlock_depth(&all->rlock) == 2);
	}
	weft_explore_check(!weft_rlock_owned(&all->rlock));
	weft_with(&all->cond)
		weft_explore_check(weft_rlock_owned(&all->cond.own));
	weft_with(&all->bounded)
		weft_explore_check(weft_sem_value(&all->bounded) == 0);
}

/* No lock is taken where the depth is at its end, and the block is left out. */
static void scope_left_out(void *state, unsigned number)
{
	struct all *const all = state;

	(void)number;
	weft_rlock_acquire(&all->rlock);
	atomic_store_explicit(&all->rlock.depth, UINT32_MAX, memory_order_relaxed);
	weft_with(&all->rlock)
		weft_explore_fail("check", "not entered");
	weft_explore_check(weft_rlock_depth(&all->rlock) == UINT32_MAX);
}

static void end(void *state)
{
	struct all *const all = state;

	weft_explore_check(!weft_lock_locked(&all->lock) && !weft_rlock_locked(&all->rlock));
	weft_explore_check(weft_lock_destroy(&all->lock) == 0 && weft_rlock_destroy(&all->rlock) == 0);
	weft_explore_check(weft_sem_value(&all->bounded) == 1);
}

/* ---- time ---- */

/* Time has passed when a sleep is over, unless the token ended it. */
static void sleeping(void *state, unsigned number)
{
	struct all *const all = state;
	const int64_t start = weft_now();
	int rc;

	weft_explore_check(weft_seconds(WEFT_MSEC(1500)) == 1.5);
	switch (number) {
	case 0:
		weft_sleep_for(5000);
		weft_explore_check(weft_now() >= start + 5000);
		weft_event_set(&all->cancel);
		break;
	case 1:
		rc = weft_sleep_until(start + 8000, &all->cancel);
		weft_explore_check(rc == -ECANCELED || (rc == 0 && weft_now() >= start + 8000));
		break;
	default:
		weft_explore_check(weft_sleep_until(WEFT_FOREVER, &all->cancel) == -ECANCELED);
		weft_explore_check(weft_sleep_until(-1, NULL) == 0 && weft_sleep_until(0, &all->event) == 0);
		weft_explore_check(weft_sleep_until(0, &all->cancel) == -ECANCELED);
		weft_sleep_for(0);
		weft_sleep_for(-1);
	}
}

/* The shortest and the longest that can be said, on what is not to be had until the other thread gives it. */
static void ends_of_time(void *state, unsigned number)
{
	struct all *const all = state;

	if (number == 0) {
		weft_lock_acquire(&all->lock);
		weft_rlock_acquire(&all->rlock);
		weft_explore_check(weft_sem_acquire(&all->bounded) == 0);
		weft_explore_count_ordered(DONE, 1);
		while (weft_explore_count_ordered(DONE, 0) == 1)
			weft_explore_yield();
		weft_rlock_release(&all->rlock);
		weft_lock_release(&all->lock);
		weft_sem_release(&all->bounded);
		weft_event_set(&all->event);
		weft_cond_acquire(&all->cond);
		weft_cond_release(&all->cond);
		weft_barrier_set_timeout(&all->barrier, 0);
		weft_explore_count_ordered(DONE, 1);
		return;
	}
	while (weft_explore_count_ordered(DONE, 0) == 0)
		weft_explore_yield();
	weft_event_set(&all->cancel);
	for (int i = 0; i < 3; i++) {
		static const int64_t past[] = { 0, -1, INT64_MIN };

		weft_explore_check(weft_lock_acquire_for(&all->lock, past[i]) == -ETIMEDOUT);
		weft_explore_check(weft_lock_acquire_until(&all->lock, past[i], NULL) == -ETIMEDOUT);
		weft_explore_check(weft_lock_acquire_until(&all->lock, past[i], &all->cancel) == -ECANCELED);
		weft_explore_check(weft_rlock_acquire_for(&all->rlock, past[i]) == -ETIMEDOUT);
		weft_explore_check(weft_rlock_acquire_until(&all->rlock, past[i], &all->cancel) == -ECANCELED);
		weft_explore_check(weft_sem_acquire_for(&all->bounded, past[i]) == -ETIMEDOUT);
		weft_explore_check(weft_sem_acquire_until(&all->bounded, past[i], &all->cancel) == -ECANCELED);
		weft_explore_check(weft_event_wait_for(&all->event, past[i]) == -ETIMEDOUT);
		weft_explore_check(weft_event_wait_until(&all->event, past[i], &all->cancel) == -ECANCELED);
		weft_cond_acquire(&all->cond);
		weft_explore_check(weft_cond_wait_for(&all->cond, past[i]) == -ETIMEDOUT);
		weft_explore_check(weft_rlock_depth(&all->cond.own) == 1);
		weft_cond_release(&all->cond);
	}
	weft_explore_count_ordered(DONE, 1);
	weft_explore_check(weft_lock_acquire_for(&all->lock, WEFT_TIMEOUT_MAX) == 0);
	weft_explore_check(weft_rlock_acquire_for(&all->rlock, WEFT_TIMEOUT_MAX) == 0);
	weft_explore_check(weft_rlock_acquire_for(&all->rlock, 0) == 0);
	weft_explore_check(weft_rlock_acquire_until(&all->rlock, 0, &all->cancel) == 0);
	weft_explore_check(weft_rlock_depth(&all->rlock) == 3);
	weft_explore_check(weft_sem_acquire_for(&all->bounded, WEFT_TIMEOUT_MAX) == 0);
	weft_explore_check(weft_event_wait_for(&all->event, WEFT_TIMEOUT_MAX) == 0);
	while (weft_explore_count_ordered(DONE, 0) < 3)
		weft_explore_yield();
	weft_explore_check(weft_barrier_wait(&all->barrier) == -ETIMEDOUT);
}

/* ---- the verbs of a condition's lock, on each kind ---- */

static int is_true(void *arg)
{
	return *(const bool *)arg;
}

static void verbs_on(struct all *all, struct weft_cond *cond, bool plain, unsigned number)
{
	bool no = false, yes = true;

	switch (number) {
	case 0:
		weft_explore_check(weft_cond_acquire(cond) == 0);
		break;
	case 1:
		if (weft_cond_acquire_for(cond, 4000) != 0)
			return;
		break;
	default:
		if (weft_cond_try_acquire(cond) != 0 &&
		    weft_cond_acquire_until(cond, 1000000000 + 9000, &all->cancel) != 0)
			return;
	}
	weft_explore_check(weft_cond_locked(cond));
	weft_explore_check(all->inside++ == 0);
	if (!plain) {
		weft_explore_check(weft_cond_try_acquire(cond) == 0);
		weft_explore_check(weft_cond_release(cond) == 0);
	}
	all->inside--;
	/* nobody is in there with a notify; the lock is given up meanwhile */
	weft_explore_check(weft_cond_wait_pred_until(cond, is_true, &no, 1000000000 + 12000, &all->event) < 0);
	weft_explore_check(weft_cond_wait_pred_until(cond, is_true, &yes, 0, &all->event) == 1);
	weft_explore_check(all->inside++ == 0);
	weft_explore_check(weft_cond_notify_all(cond) >= 0);
	all->inside--;
	weft_explore_check(weft_cond_release(cond) == 0);
}

static void cond_on_lock(void *state, unsigned number)
{
	verbs_on(state, &((struct all *)state)->on_lock, true, number);
}

static void cond_on_rlock(void *state, unsigned number)
{
	verbs_on(state, &((struct all *)state)->on_rlock, false, number);
}

static void cond_on_shared(void *state, unsigned number)
{
	verbs_on(state, &((struct all *)state)->on_shared, false, number);
}

const struct weft_explore_scenario explore_rest[] = {
	{ .name = "misuse-1", .threads = 1, .steps = 120, .begin = begin, .thread = misuse },
	{ .name = "misuse-hooks-3", .threads = 3, .steps = 60, .begin = begin, .thread = hooks },
	{ .name = "misuse-busy-2", .threads = 2, .steps = 120, .begin = begin, .thread = busy },
	{ .name = "describe-3", .threads = 3, .steps = 120, .begin = begin, .thread = described_at_work },
	{ .name = "with-2", .threads = 2, .steps = 60, .begin = begin, .thread = scopes, .end = end },
	{ .name = "with-left-out-1", .threads = 1, .steps = 20, .begin = begin, .thread = scope_left_out },
	{ .name = "time-sleep-3", .threads = 3, .steps = 60, .begin = begin, .thread = sleeping },
	{ .name = "time-sleep-old-3", .threads = 3, .steps = 60, .begin = begin_old, .thread = sleeping },
	{ .name = "time-ends-2", .threads = 2, .steps = 200, .begin = begin, .thread = ends_of_time },
	{ .name = "cond-on-lock-3", .threads = 3, .steps = 80, .begin = begin, .thread = cond_on_lock, .end = end },
	{ .name = "cond-on-rlock-3", .threads = 3, .steps = 80, .begin = begin, .thread = cond_on_rlock, .end = end },
	{ .name = "cond-on-shared-3",
	  .threads = 3,
	  .steps = 80,
	  .begin = begin,
	  .thread = cond_on_shared,
	  .end = end },
	{ 0 },
};
