/* SPDX-License-Identifier: MIT */
/*
 * scenario-linear.c - calls on the objects, and on a queue made of them, return what they could in some order, one
 * after another.
 */
#include <weft/cond.h>
#include <weft/event.h>
#include <weft/rlock.h>
#include <weft/sem.h>

#include "scenarios.h"

/* ---- semaphore: permits that are free or set aside ---- */

enum { SEM_RELEASE, SEM_ACQUIRE, SEM_VALUE };
enum { WAITS_BEGUN, WAITS_OVER }; /* counters */

static bool sem_apply(void *state, const struct weft_explore_call *call)
{
	int64_t *const permits = state;

	switch (call->op) {
	case SEM_RELEASE:
		*permits += call->arg;
		return call->result == 0;
	case SEM_ACQUIRE:
		if (call->result == 0)
			return (*permits)-- > 0;
		return call->result == -EBUSY || *permits == 0;
	default:
		return call->result == *permits;
	}
}

static const struct weft_explore_model sem_model = { sizeof(int64_t), sem_apply };

static void *begin_sem(void)
{
	return weft_explore_alloc(sizeof(struct weft_sem), "sem");
}

static void sem_release(struct weft_sem *sem, unsigned n)
{
	weft_explore_called(SEM_RELEASE, n);
	weft_explore_returned(weft_sem_release_n(sem, n));
}

/* What came to nothing is noted as -EBUSY if others waited: permits may have been set aside for them. */
static void sem_acquire(struct weft_sem *sem, int64_t timeout_ns)
{
	const unsigned over = weft_explore_count(WAITS_OVER, 0), waits = timeout_ns > 0;
	int rc;

	weft_explore_called(SEM_ACQUIRE, timeout_ns);
	weft_explore_count(WAITS_BEGUN, waits);
	rc = waits ? weft_sem_acquire_for(sem, timeout_ns) : weft_sem_try_acquire(sem);
	if (rc != 0 && weft_explore_count(WAITS_BEGUN, 0) - waits > over)
		rc = -EBUSY;
	weft_explore_count(WAITS_OVER, waits);
	weft_explore_returned(rc);
}

static void sem_calls(void *state, unsigned number)
{
	switch (number) {
	case 0:
		sem_release(state, 1);
		sem_acquire(state, 0);
		sem_release(state, 2);
		break;
	case 1:
		sem_acquire(state, 3000);
		sem_acquire(state, 5000);
		sem_acquire(state, 0);
		break;
	default:
		sem_acquire(state, 0);
		sem_acquire(state, 4000);
		sem_release(state, 1);
	}
}

static void end_sem(void *state)
{
	weft_explore_called(SEM_VALUE, 0);
	weft_explore_returned(weft_sem_value(state));
	weft_explore_linearizable(&sem_model);
}

/* ---- event ---- */

enum { EVENT_CALL_SET, EVENT_CALL_CLEAR, EVENT_CALL_LOOK, EVENT_CALL_WAIT };

static bool event_apply(void *state, const struct weft_explore_call *call)
{
	int64_t *const is_set = state;

	switch (call->op) {
	case EVENT_CALL_SET:
		*is_set = 1;
		return true;
	case EVENT_CALL_CLEAR:
		*is_set = 0;
		return true;
	case EVENT_CALL_LOOK:
		return call->result == *is_set;
	default:
		return (call->result == 0) == (*is_set == 1);
	}
}

static const struct weft_explore_model event_model = { sizeof(int64_t), event_apply };

static void *begin_event(void)
{
	return weft_explore_alloc(sizeof(struct weft_event), "event");
}

static void event_set(struct weft_event *event)
{
	weft_explore_called(EVENT_CALL_SET, 0);
	weft_event_set(event);
	weft_explore_returned(0);
}

static void event_clear(struct weft_event *event)
{
	weft_explore_called(EVENT_CALL_CLEAR, 0);
	weft_event_clear(event);
	weft_explore_returned(0);
}

static void event_look(struct weft_event *event)
{
	weft_explore_called(EVENT_CALL_LOOK, 0);
	weft_explore_returned(weft_event_is_set(event));
}

static void event_wait(struct weft_event *event, int64_t timeout_ns)
{
	weft_explore_called(EVENT_CALL_WAIT, timeout_ns);
	weft_explore_returned(weft_event_wait_for(event, timeout_ns));
}

static void event_calls(void *state, unsigned number)
{
	switch (number) {
	case 0:
		event_set(state);
		event_clear(state);
		event_set(state);
		event_look(state);
		break;
	case 1:
		event_wait(state, 3000);
		event_clear(state);
		event_wait(state, 0);
		event_look(state);
		break;
	default:
		event_wait(state, 6000);
		event_look(state);
		event_wait(state, 2000);
	}
}

static void end_event(void *state)
{
	event_look(state);
	weft_explore_linearizable(&event_model);
}

/* ---- lock and rlock: who holds it, and how often ---- */

enum { LOCK_ACQUIRE, LOCK_RELEASE };

struct lock_state {
	int64_t holder, depth; /* holder + 1; 0: free */
};

static bool lock_apply(void *state, const struct weft_explore_call *call)
{
	struct lock_state *const lock = state;
	const int64_t caller = (int64_t)call->thread + 1;
	const bool may = lock->holder == 0 || lock->holder == caller;

	if (call->op == LOCK_RELEASE) {
		if (lock->holder != caller)
			return call->result == -EPERM;
		if (--lock->depth == 0)
			lock->holder = 0;
		return call->result == 0;
	}
	if (call->result != 0)
		return !may;
	lock->holder = caller;
	lock->depth++;
	return may;
}

static const struct weft_explore_model lock_model = { sizeof(struct lock_state), lock_apply };

static void *begin_rlock(void)
{
	return weft_explore_alloc(sizeof(struct weft_rlock), "rlock");
}

static void *begin_rlock_shared(void)
{
	struct weft_rlock *const rlock = begin_rlock();

	weft_rlock_init_shared(rlock);
	return rlock;
}

static int rlock_acquire(struct weft_rlock *rlock, int64_t timeout_ns)
{
	int rc;

	weft_explore_called(LOCK_ACQUIRE, timeout_ns);
	rc = timeout_ns == 0  ? weft_rlock_try_acquire(rlock)
	     : timeout_ns < 0 ? weft_rlock_acquire(rlock)
			      : weft_rlock_acquire_for(rlock, timeout_ns);

	weft_explore_returned(rc);
	return rc;
}

static void rlock_release(struct weft_rlock *rlock)
{
	weft_explore_called(LOCK_RELEASE, 0);
	weft_explore_returned(weft_rlock_release(rlock));
}

static void rlock_calls(void *state, unsigned number)
{
	if (number == 0) {
		rlock_acquire(state, -1);
		rlock_acquire(state, 0);
		rlock_release(state);
		rlock_release(state);
	} else if (number == 1) {
		if (rlock_acquire(state, 0) == 0)
			rlock_release(state);
		if (rlock_acquire(state, 4000) == 0)
			rlock_release(state);
	} else {
		rlock_release(state);
		if (rlock_acquire(state, 4000) == 0)
			rlock_release(state);
	}
}

static void end_rlock(void *state)
{
	weft_explore_check(!weft_rlock_locked(state));
	weft_explore_linearizable(&lock_model);
}

static void *begin_lock(void)
{
	return weft_explore_alloc(sizeof(struct weft_lock), "lock");
}

static void lock_calls(void *state, unsigned number)
{
	for (int i = 0; i < 2; i++) {
		int rc;

		weft_explore_called(LOCK_ACQUIRE, number);
		rc = number == 0   ? weft_lock_acquire(state)
		     : number == 1 ? weft_lock_acquire_for(state, 4000)
				   : weft_lock_try_acquire(state);
		weft_explore_returned(rc);
		if (rc != 0)
			continue;
		weft_explore_called(LOCK_RELEASE, 0);
		weft_explore_returned(weft_lock_release(state));
	}
}

static void end_lock(void *state)
{
	weft_explore_check(!weft_lock_locked(state));
	weft_explore_linearizable(&lock_model);
}

/* ---- a bounded queue, as users make it of a lock and two conditions ---- */

enum { QUEUE_PUT, QUEUE_GET, ROOM = 2 };

struct queue {
	struct weft_lock lock;
	struct weft_cond not_empty, not_full;
	int64_t items[ROOM];
	unsigned n;
};

struct queue_state {
	int64_t n, items[6];
};

static bool queue_apply(void *state, const struct weft_explore_call *call)
{
	struct queue_state *const queue = state;
	int64_t first;

	if (call->op == QUEUE_PUT) {
		if (call->result != 0)
			return queue->n == ROOM;
		queue->items[queue->n++] = call->arg;
		return queue->n <= ROOM;
	}
	if (call->result < 0)
		return queue->n == 0;
	first = queue->items[0];
	for (int i = 0; i < ROOM; i++)
		queue->items[i] = queue->items[i + 1];
	return queue->n-- > 0 && first == call->result;
}

static const struct weft_explore_model queue_model = { sizeof(struct queue_state), queue_apply };

static void *begin_queue(void)
{
	struct queue *const queue = weft_explore_alloc(sizeof(*queue), "queue");

	weft_cond_init_lock(&queue->not_empty, &queue->lock);
	weft_cond_init_lock(&queue->not_full, &queue->lock);
	return queue;
}

static int has_item(void *state)
{
	return ((const struct queue *)state)->n > 0;
}

static int has_room(void *state)
{
	return ((const struct queue *)state)->n < ROOM;
}

static void put(struct queue *queue, int64_t item)
{
	weft_explore_called(QUEUE_PUT, item);
	weft_lock_acquire(&queue->lock);
	weft_explore_check(weft_cond_wait_pred(&queue->not_full, has_room, queue) == 1);
	queue->items[queue->n++] = item;
	weft_cond_notify(&queue->not_empty, 1);
	weft_lock_release(&queue->lock);
	weft_explore_returned(0);
}

/* One that gives up has perhaps been notified, which another then needs. */
static void get(struct queue *queue, int64_t timeout_ns)
{
	int64_t result = -ETIMEDOUT;

	weft_explore_called(QUEUE_GET, timeout_ns);
	weft_lock_acquire(&queue->lock);
	if (weft_cond_wait_pred_for(&queue->not_empty, has_item, queue, timeout_ns) == 1) {
		result = queue->items[0];
		queue->items[0] = queue->items[1];
		queue->n--;
		weft_cond_notify(&queue->not_full, 1);
	}
	weft_lock_release(&queue->lock);
	weft_explore_returned(result);
}

static void queue_calls(void *state, unsigned number)
{
	switch (number) {
	case 0:
		put(state, 1);
		put(state, 2);
		put(state, 3);
		break;
	case 1:
		put(state, 4);
		get(state, 0);
		break;
	case 2:
		get(state, WEFT_FOREVER);
		get(state, WEFT_FOREVER);
		break;
	default:
		get(state, 5000);
	}
}

static void end_queue(void *state)
{
	struct queue *const queue = state;

	weft_explore_check(weft_cond_destroy(&queue->not_empty) == 0 && weft_cond_destroy(&queue->not_full) == 0);
	weft_explore_linearizable(&queue_model);
}

const struct weft_explore_scenario explore_linear[] = {
	{ .name = "sem-linear-3", .threads = 3, .begin = begin_sem, .thread = sem_calls, .end = end_sem },
	{ .name = "event-linear-3", .threads = 3, .begin = begin_event, .thread = event_calls, .end = end_event },
	{ .name = "lock-linear-3", .threads = 3, .begin = begin_lock, .thread = lock_calls, .end = end_lock },
	{ .name = "rlock-linear-3", .threads = 3, .begin = begin_rlock, .thread = rlock_calls, .end = end_rlock },
	{ .name = "rlock-linear-shared-3",
	  .threads = 3,
	  .begin = begin_rlock_shared,
	  .thread = rlock_calls,
	  .end = end_rlock },
	{ .name = "cond-linear-4", .threads = 4, .begin = begin_queue, .thread = queue_calls, .end = end_queue },
	{ 0 },
};
