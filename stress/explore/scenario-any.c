/* SPDX-License-Identifier: MIT */
/*
 * scenario-any.c - each thread makes a few calls of the strategy's choice, on one object and a token.
 *
 * Lock, semaphore, event and latch are held against sequential models. Of a condition is asked that the oldest waiters and
 * no others are let go, of a barrier that each completed round has each index once.
 */
#include <weft/barrier.h>
#include <weft/cond.h>
#include <weft/event.h>
#include <weft/latch.h>
#include <weft/rlock.h>
#include <weft/sem.h>

#include "scenarios.h"

struct any {
	struct weft_lock lock;
	struct weft_rlock rlock;
	struct weft_event event, cancel;
	struct weft_sem sem;
	struct weft_cond cond;
	struct weft_barrier barrier;
	struct weft_latch latch;
	unsigned turn, waiting, may_go; /* of the condition; arrivals, as bits */
	unsigned notified, served;
};

enum { INSIDE, WAITS_BEGUN, WAITS_OVER, BARRIER_INDICES = 8 }; /* counters */

static void *begin(void)
{
	struct any *const any = weft_explore_alloc(sizeof(*any), "any");

	weft_cond_init_lock(&any->cond, &any->lock);
	weft_explore_check(weft_barrier_init(&any->barrier, 2) == 0);
	return any;
}

static void *begin_shared(void)
{
	struct any *const any = begin();

	weft_lock_init_shared(&any->lock);
	weft_rlock_init_shared(&any->rlock);
	weft_event_init_shared(&any->event);
	weft_event_init_shared(&any->cancel);
	weft_explore_check(weft_sem_init_shared(&any->sem, 0) == 0);
	weft_explore_check(weft_latch_init_shared(&any->latch, 0) == 0);
	weft_explore_check(weft_barrier_init_shared(&any->barrier, 2) == 0);
	weft_cond_init_rlock(&any->cond, &any->rlock);
	return any;
}

static void *begin_three(void)
{
	struct any *const any = begin();

	weft_explore_check(weft_barrier_init(&any->barrier, 3) == 0);
	weft_cond_init(&any->cond);
	return any;
}

static void *begin_three_shared(void)
{
	struct any *const any = begin_shared();

	weft_explore_check(weft_barrier_init_shared(&any->barrier, 3) == 0);
	return any;
}

static int64_t some_time(void)
{
	static const int64_t times[] = { 0, 2000, 6000, 20000 };

	return times[weft_explore_choose(4)];
}

static int64_t some_deadline(void)
{
	return 1000000000 + some_time();
}

static void touch_token(struct any *any)
{
	weft_event_set(&any->cancel);
	if (weft_explore_choose(2))
		weft_event_clear(&any->cancel);
}

/* ---- semaphore ---- */

enum { RELEASE, ACQUIRE, VALUE };

static bool sem_apply(void *state, const struct weft_explore_call *call)
{
	int64_t *const permits = state;

	switch (call->op) {
	case RELEASE:
		*permits += call->arg;
		return call->result == 0;
	case ACQUIRE:
		if (call->result == 0)
			return (*permits)-- > 0;
		return call->result == -EBUSY || *permits == 0;
	default:
		return call->result == *permits;
	}
}

static const struct weft_explore_model sem_model = { sizeof(int64_t), sem_apply };

/* What a call that came to nothing is noted as: there may have been permits, set aside for others that waited. */
static void sem_returned(int rc, unsigned over, bool waits)
{
	const bool others = weft_explore_count(WAITS_BEGUN, 0) - waits > over;

	weft_explore_count(WAITS_OVER, waits);
	weft_explore_returned(rc != 0 && others ? -EBUSY : rc);
}

static void sem_acquire(struct any *any)
{
	const unsigned over = weft_explore_count(WAITS_OVER, 0);

	weft_explore_called(ACQUIRE, 0);
	switch (weft_explore_choose(3)) {
	case 0:
		sem_returned(weft_sem_try_acquire(&any->sem), over, false);
		break;
	case 1:
		weft_explore_count(WAITS_BEGUN, 1);
		sem_returned(weft_sem_acquire_for(&any->sem, some_time()), over, true);
		break;
	default:
		weft_explore_count(WAITS_BEGUN, 1);
		sem_returned(weft_sem_acquire_until(&any->sem, some_deadline(), &any->cancel), over, true);
	}
}

static void sem_calls(void *state, unsigned number)
{
	struct any *const any = state;

	(void)number;
	for (unsigned i = 0; i < 11 / weft_explore_threads(); i++)
		switch (weft_explore_choose(6)) {
		case 0:
		case 1: {
			const unsigned n = 1 + weft_explore_choose(2);

			weft_explore_called(RELEASE, n);
			weft_explore_returned(n == 1 ? weft_sem_release(&any->sem)
						     : weft_sem_release_n(&any->sem, n));
			break;
		}
		case 2:
		case 3:
		case 4:
			sem_acquire(any);
			break;
		default:
			touch_token(any);
		}
}

static void end_sem(void *state)
{
	struct any *const any = state;

	weft_explore_called(VALUE, 0);
	weft_explore_returned(weft_sem_value(&any->sem));
	weft_explore_linearizable(&sem_model);
	weft_explore_check(weft_sem_destroy(&any->sem) == 0);
}

/* ---- event ---- */

enum { SET, CLEAR, LOOK, WAIT };

static bool event_apply(void *state, const struct weft_explore_call *call)
{
	int64_t *const is_set = state;

	switch (call->op) {
	case SET:
		*is_set = 1;
		return true;
	case CLEAR:
		*is_set = 0;
		return true;
	case LOOK:
		return call->result == *is_set;
	default:
		return (call->result == 0) == (*is_set == 1);
	}
}

static const struct weft_explore_model event_model = { sizeof(int64_t), event_apply };

static void event_calls(void *state, unsigned number)
{
	struct any *const any = state;

	(void)number;
	for (unsigned i = 0; i < 12 / weft_explore_threads(); i++)
		switch (weft_explore_choose(7)) {
		case 0:
		case 1:
			weft_explore_called(SET, 0);
			weft_event_set(&any->event);
			weft_explore_returned(0);
			break;
		case 2:
			weft_explore_called(CLEAR, 0);
			weft_event_clear(&any->event);
			weft_explore_returned(0);
			break;
		case 3:
			weft_explore_called(LOOK, 0);
			weft_explore_returned(weft_event_is_set(&any->event));
			break;
		case 4:
			weft_explore_called(WAIT, 0);
			weft_explore_returned(weft_event_wait_for(&any->event, some_time()));
			break;
		case 5:
			weft_explore_called(WAIT, 1);
			weft_explore_returned(weft_event_wait_until(&any->event, some_deadline(), &any->cancel));
			break;
		default:
			touch_token(any);
		}
}

static void end_event(void *state)
{
	(void)state;
	weft_explore_linearizable(&event_model);
}

/* ---- latch ---- */

enum { UP, DOWN, COUNT, WAIT_ZERO };

static bool latch_apply(void *state, const struct weft_explore_call *call)
{
	int64_t *const count = state;

	switch (call->op) {
	case UP:
		*count += call->arg;
		return call->result == 0;
	case DOWN:
		if (call->result != 0)
			return *count < call->arg;
		*count -= call->arg;
		return *count >= 0;
	case COUNT:
		return call->result == *count;
	default:
		return (call->result == 0) == (*count == 0);
	}
}

static const struct weft_explore_model latch_model = { sizeof(int64_t), latch_apply };

static void latch_calls(void *state, unsigned number)
{
	struct any *const any = state;
	unsigned n;

	(void)number;
	for (unsigned i = 0; i < 12 / weft_explore_threads(); i++)
		switch (weft_explore_choose(7)) {
		case 0:
		case 1:
			n = 1 + weft_explore_choose(2);
			weft_explore_called(UP, n);
			weft_explore_returned(weft_latch_count_up(&any->latch, n));
			break;
		case 2:
		case 3:
			n = 1 + weft_explore_choose(2);
			weft_explore_called(DOWN, n);
			weft_explore_returned(weft_latch_count_down(&any->latch, n));
			break;
		case 4:
			weft_explore_called(WAIT_ZERO, 0);
			weft_explore_returned(weft_latch_wait_for(&any->latch, some_time()));
			break;
		case 5:
			weft_explore_called(WAIT_ZERO, 1);
			weft_explore_returned(weft_latch_wait_until(&any->latch, some_deadline(), &any->cancel));
			break;
		default:
			touch_token(any);
			weft_explore_called(COUNT, 0);
			weft_explore_returned(weft_latch_count(&any->latch));
		}
}

static void end_latch(void *state)
{
	struct any *const any = state;

	weft_explore_linearizable(&latch_model);
	weft_explore_check(weft_latch_destroy(&any->latch) == 0);
}

/* ---- lock and rlock ---- */

enum { LOCK, UNLOCK };

struct lock_state {
	int64_t holder, depth; /* holder: thread + 1 */
	int64_t recursive;
};

static bool lock_apply(void *state, const struct weft_explore_call *call)
{
	struct lock_state *const lock = state;
	const int64_t caller = (int64_t)call->thread + 1;
	const bool may = lock->holder == 0 || (call->arg == 1 && lock->holder == caller);

	if (call->op == UNLOCK) {
		if (lock->holder != caller || call->result != 0)
			return false;
		if (--lock->depth == 0)
			lock->holder = 0;
		return true;
	}
	if (call->result != 0)
		return !may;
	lock->holder = caller;
	lock->depth++;
	return may;
}

static const struct weft_explore_model lock_model = { sizeof(struct lock_state), lock_apply };

static int lock_somehow(struct any *any)
{
	switch (weft_explore_choose(4)) {
	case 0:
		return weft_lock_acquire(&any->lock);
	case 1:
		return weft_lock_try_acquire(&any->lock);
	case 2:
		return weft_lock_acquire_for(&any->lock, some_time());
	default:
		return weft_lock_acquire_until(&any->lock, some_deadline(), &any->cancel);
	}
}

static int rlock_somehow(struct any *any)
{
	switch (weft_explore_choose(4)) {
	case 0:
		return weft_rlock_acquire(&any->rlock);
	case 1:
		return weft_rlock_try_acquire(&any->rlock);
	case 2:
		return weft_rlock_acquire_for(&any->rlock, some_time());
	default:
		return weft_rlock_acquire_until(&any->rlock, some_deadline(), &any->cancel);
	}
}

static void lock_calls(void *state, unsigned number)
{
	struct any *const any = state;

	(void)number;
	for (unsigned i = 0; i < 6 / weft_explore_threads(); i++) {
		int rc;

		weft_explore_called(LOCK, 0);
		rc = lock_somehow(any);
		weft_explore_returned(rc);
		if (weft_explore_choose(4) == 0)
			touch_token(any);
		if (rc != 0)
			continue;
		weft_explore_check(weft_explore_count(INSIDE, 1) == 0);
		weft_explore_step();
		weft_explore_count(INSIDE, -1u);
		weft_explore_called(UNLOCK, 0);
		weft_explore_returned(weft_lock_release(&any->lock));
	}
}

static void rlock_calls(void *state, unsigned number)
{
	struct any *const any = state;
	unsigned depth = 0;

	(void)number;
	for (unsigned i = 0; i < 2; i++) {
		int rc;

		weft_explore_called(LOCK, 1);
		rc = rlock_somehow(any);
		weft_explore_returned(rc);
		depth += rc == 0;
		weft_explore_check(weft_rlock_depth(&any->rlock) == depth);
		if (weft_explore_choose(4) == 0)
			touch_token(any);
		while (depth > i + weft_explore_choose(2) * 2) {
			depth--;
			weft_explore_called(UNLOCK, 0);
			weft_explore_returned(weft_rlock_release(&any->rlock));
		}
	}
	while (depth-- > 0)
		weft_explore_check(weft_rlock_release(&any->rlock) == 0);
}

static void end_lock(void *state)
{
	struct any *const any = state;

	weft_explore_check(!weft_lock_locked(&any->lock));
	weft_explore_linearizable(&lock_model);
}

static void end_rlock(void *state)
{
	struct any *const any = state;

	weft_explore_check(!weft_rlock_locked(&any->rlock));
}

/* ---- condition ---- */

static void notified(struct any *any, unsigned n)
{
	any->notified += n;
	for (; n > 0; n--) {
		any->may_go |= any->waiting & -any->waiting;
		any->waiting &= any->waiting - 1;
	}
}

static void cond_calls(void *state, unsigned number)
{
	struct any *const any = state;

	(void)number;
	for (unsigned i = 0; i < 3; i++) {
		unsigned turn, n;
		int rc;

		weft_explore_check(weft_cond_acquire(&any->cond) == 0);
		weft_explore_check(weft_explore_count(INSIDE, 1) == 0);
		switch (weft_explore_choose(5)) {
		case 0:
			n = weft_explore_choose(3);
			rc = weft_cond_notify(&any->cond, n);
			weft_explore_check(rc == (int)n || (rc >= 0 && rc == __builtin_popcount(any->waiting)));
			notified(any, (unsigned)rc);
			break;
		case 1:
			rc = weft_cond_notify_all(&any->cond);
			weft_explore_check(rc == __builtin_popcount(any->waiting));
			notified(any, (unsigned)rc);
			break;
		case 2:
			touch_token(any);
			break;
		default:
			turn = 1u << any->turn++;
			any->waiting |= turn;
			weft_explore_count(INSIDE, -1u);
			if (weft_explore_choose(2))
				rc = weft_cond_wait_for(&any->cond, some_time());
			else
				rc = weft_cond_wait_until(&any->cond, some_deadline(), &any->cancel);
			weft_explore_check(weft_explore_count(INSIDE, 1) == 0);
			weft_explore_check((rc == 0) == ((any->may_go & turn) != 0));
			any->waiting &= ~turn;
			any->served += rc == 0;
		}
		weft_explore_count(INSIDE, -1u);
		weft_explore_check(weft_cond_release(&any->cond) == 0);
	}
}

static void end_cond(void *state)
{
	struct any *const any = state;

	weft_explore_check(any->served == any->notified && any->waiting == 0);
	weft_explore_check(weft_cond_destroy(&any->cond) == 0);
}

/* ---- barrier ---- */

/* With rounds of two bits, no more than three while a member of one is on its way. */
#ifdef WEFT_BARRIER_ROUND_BITS
enum { BARRIER_CALLS = 2 };
#else
enum { BARRIER_CALLS = 4 };
#endif

static void barrier_calls(void *state, unsigned number)
{
	struct any *const any = state;

	(void)number;
	for (unsigned i = 0; i < BARRIER_CALLS; i++) {
		int rc = -EPIPE;

		switch (weft_explore_choose(7)) {
		case 0:
			weft_barrier_reset(&any->barrier);
			break;
		case 1:
			if (weft_explore_choose(2))
				weft_barrier_abort(&any->barrier);
			else
				touch_token(any);
			break;
		case 2:
		case 3:
			rc = weft_barrier_wait_until(&any->barrier, some_deadline(), &any->cancel);
			break;
		default:
			rc = weft_barrier_wait_for(&any->barrier, some_time());
		}
		weft_explore_check(rc == -EPIPE || rc == -ETIMEDOUT || rc == -ECANCELED ||
				   (rc >= 0 && (unsigned)rc < weft_barrier_parties(&any->barrier)));
		if (rc >= 0)
			weft_explore_count(BARRIER_INDICES + (unsigned)rc, 1);
	}
}

static void end_barrier(void *state)
{
	struct any *const any = state;

	for (unsigned i = 1; i < weft_barrier_parties(&any->barrier); i++)
		weft_explore_check(weft_explore_count(BARRIER_INDICES + i, 0) ==
				   weft_explore_count(BARRIER_INDICES, 0));
	weft_explore_check(weft_barrier_n_waiting(&any->barrier) == 0);
	weft_explore_check(weft_barrier_destroy(&any->barrier) == 0);
	weft_barrier_reset(&any->barrier);
	weft_explore_check(!weft_barrier_broken(&any->barrier));
}

const struct weft_explore_scenario explore_any[] = {
	{ .name = "sem-any-3", .threads = 3, .begin = begin, .thread = sem_calls, .end = end_sem },
	{ .name = "sem-any-4", .threads = 4, .begin = begin, .thread = sem_calls, .end = end_sem },
	{ .name = "sem-any-shared-5", .threads = 5, .begin = begin_shared, .thread = sem_calls, .end = end_sem },
	{ .name = "event-any-3", .threads = 3, .begin = begin, .thread = event_calls, .end = end_event },
	{ .name = "event-any-4", .threads = 4, .begin = begin, .thread = event_calls, .end = end_event },
	{ .name = "event-any-shared-6",
	  .threads = 6,
	  .begin = begin_shared,
	  .thread = event_calls,
	  .end = end_event },
	{ .name = "latch-any-3", .threads = 3, .begin = begin, .thread = latch_calls, .end = end_latch },
	{ .name = "latch-any-6", .threads = 6, .begin = begin, .thread = latch_calls, .end = end_latch },
	{ .name = "latch-any-shared-4",
	  .threads = 4,
	  .begin = begin_shared,
	  .thread = latch_calls,
	  .end = end_latch },
	{ .name = "lock-any-2", .threads = 2, .begin = begin, .thread = lock_calls, .end = end_lock },
	{ .name = "lock-any-3", .threads = 3, .begin = begin, .thread = lock_calls, .end = end_lock },
	{ .name = "lock-any-shared-3", .threads = 3, .begin = begin_shared, .thread = lock_calls, .end = end_lock },
	{ .name = "lock-any-6", .threads = 6, .begin = begin, .thread = lock_calls, .end = end_lock },
	{ .name = "rlock-any-3", .threads = 3, .begin = begin, .thread = rlock_calls, .end = end_rlock },
	{ .name = "rlock-any-shared-3",
	  .threads = 3,
	  .begin = begin_shared,
	  .thread = rlock_calls,
	  .end = end_rlock },
	{ .name = "cond-any-3", .threads = 3, .begin = begin, .thread = cond_calls, .end = end_cond },
	{ .name = "cond-any-4", .threads = 4, .begin = begin_three, .thread = cond_calls, .end = end_cond },
	{ .name = "cond-any-shared-4", .threads = 4, .begin = begin_shared, .thread = cond_calls, .end = end_cond },
	{ .name = "barrier-any-2", .threads = 2, .begin = begin, .thread = barrier_calls, .end = end_barrier },
	{ .name = "barrier-any-3", .threads = 3, .begin = begin_three, .thread = barrier_calls, .end = end_barrier },
	{ .name = "barrier-any-4", .threads = 4, .begin = begin_three, .thread = barrier_calls, .end = end_barrier },
	{ .name = "barrier-any-shared-2",
	  .threads = 2,
	  .begin = begin_shared,
	  .thread = barrier_calls,
	  .end = end_barrier },
	{ .name = "barrier-any-shared-3",
	  .threads = 3,
	  .begin = begin_shared,
	  .thread = barrier_calls,
	  .end = end_barrier },
	{ .name = "barrier-any-shared-4",
	  .threads = 4,
	  .begin = begin_three_shared,
	  .thread = barrier_calls,
	  .end = end_barrier },
	{ 0 },
};
