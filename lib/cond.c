/* SPDX-License-Identifier: MIT */
/*
 * cond.c - condition variables. Layer 4, on lock and rlock.
 *
 * Guarantees
 *	COND-01 to COND-24. notify(n) lets exactly the min(n, waiting) oldest go. A wait returns 0 if and only
 *	if it was notified; that wins over time-out and cancellation. A notify makes a system call only for a
 *	thread that sleeps.
 *
 * Data
 *	The queue is a circular, doubly linked list of waiters, which live on the stacks of their threads. The
 *	user's lock protects it, and every field here but the state word. There is no counter that could wrap
 *	and no token to be stolen.
 *
 * Word (one in each waiter)
 *	AWAKE		the thread has not gone to sleep
 *	ASLEEP		it sleeps on the word, or is about to
 *	WOKEN		it is to take the lock and return
 *
 * Transitions
 *	T1  wait: join the queue, give up the lock, and sleep: AWAKE -> ASLEEP.
 *	T2  notify, lock held: take the oldest off the queue, mark it notified, any -> WOKEN, and wake it if it
 *	    was ASLEEP.
 *	T3  leave, lock held again, not notified: unlink from the queue.
 *
 * Invariants
 *	I1  A waiter is on the queue if and only if it was not notified, until it leaves.
 *	I2  After it was notified a waiter touches the lock, not the condition, which may be gone (COND-24).
 *
 * Why all at once
 *	notify_all wakes every sleeper itself. Waking one and letting each pass the wake-up on, or moving
 *	sleepers to the lock's futex, saves collisions on the lock, but makes of n wake-ups that overlap a row
 *	of n: measured, half the rounds with 8 and 32 waiters. The lock copes with the collisions (lock.c).
 *
 * Pairs
 *	none of its own: what the state word tells is acted on only with the lock held, so relaxed is enough.
 *
 * Lifetime
 *	A waiter's memory is its thread's stack. The thread cannot leave while another holds the lock, and
 *	others touch it only then.
 *
 * Watched conditions: the lock's WATCHED bit. Process-shared ones need offsets for pointers; flags has room to
 * say so.
 *
 * Sources: musl's and WebKit's stack-allocated waiters.
 */
#include <limits.h>

#include <weft/watch.h>

#include "atomic.h"
#include "bug.h"
#include "describe.h"
#include "futex.h"
#include "rlock.h"
#include "self.h"
#include "spin.h"
#include "wait.h"

enum {
	AWAKE = 0,
	ASLEEP = 1,
	WOKEN = 2,
};

struct weft__cond_waiter {
	struct weft__cond_waiter *next, *prev;
	bool notified;
	uint32_t notifier_cpu; /* as lib/spin.h has it */
	weft_atomic32_t state;
};

/* ---- the lock, of either kind; a copy, so that leaving a wait need not look at the condition (I2) ---- */

struct mutex {
	struct weft_lock *lock;
	struct weft_rlock *rlock; /* NULL: a plain lock */
};

static struct mutex mutex_of(const struct weft_cond *cond)
{
	struct weft_rlock *const rlock = weft__cond_rlock(cond);

	return (struct mutex){ rlock != NULL ? &rlock->lock : cond->lock, rlock };
}

static bool is_held(struct mutex mutex)
{
	return mutex.rlock != NULL ? weft_rlock_owned(mutex.rlock) : weft_lock_locked(mutex.lock);
}

static unsigned give_up(struct mutex mutex)
{
	if (mutex.rlock != NULL)
		return weft__rlock_release_all(mutex.rlock);
	weft_lock_release(mutex.lock);
	return 1;
}

static void take_back(struct mutex mutex, unsigned depth)
{
	if (mutex.rlock != NULL)
		weft__rlock_restore(mutex.rlock, depth);
	else
		weft_lock_acquire(mutex.lock);
}

/* ---- the queue ---- */

static void enqueue(struct weft_cond *cond, struct weft__cond_waiter *waiter)
{
	struct weft__cond_waiter *const newest = cond->newest;

	waiter->prev = newest != NULL ? newest : waiter;
	waiter->next = newest != NULL ? newest->next : waiter;
	waiter->prev->next = waiter;
	waiter->next->prev = waiter;
	cond->newest = waiter;
	store_relaxed(&cond->waiting, load_relaxed(&cond->waiting) + 1); /* atomic for describe's sake only */
}

static void dequeue(struct weft_cond *cond, struct weft__cond_waiter *waiter)
{
	waiter->prev->next = waiter->next;
	waiter->next->prev = waiter->prev;
	if (cond->newest == waiter)
		cond->newest = waiter->prev != waiter ? waiter->prev : NULL;
	store_relaxed(&cond->waiting, load_relaxed(&cond->waiting) - 1);
}

/* ---- notify ---- */

static int notify(struct weft_cond *cond, const char *call, unsigned n)
{
	uint32_t cpu;
	int notified = 0;

	if (!is_held(mutex_of(cond)))
		return weft__misuse(cond, call, -EPERM);
	if (cond->newest == NULL)
		return 0;
	cpu = weft__spin_here();
	for (; (unsigned)notified < n && cond->newest != NULL && notified < INT_MAX; notified++) { /* T2 */
		struct weft__cond_waiter *const oldest = cond->newest->next;

		dequeue(cond, oldest);
		oldest->notified = true;
		oldest->notifier_cpu = cpu;
		if (atomic_exchange_explicit(&oldest->state, WOKEN, memory_order_relaxed) == ASLEEP)
			weft__futex_wake(&oldest->state, 1, false);
	}
	return notified;
}

int weft_cond_notify_slow(struct weft_cond *cond, unsigned n)
{
	return notify(cond, "weft_cond_notify", n);
}

int weft_cond_notify_all_slow(struct weft_cond *cond)
{
	return notify(cond, "weft_cond_notify_all", UINT_MAX);
}

/* ---- wait ---- */

/* T1's sleep. Return: 0: woken; -ETIMEDOUT, -ECANCELED. */
static int sleep_until_woken(struct weft__cond_waiter *waiter, const struct weft__limit *limit)
{
	struct weft__spin spin = weft__spin_for(limit->deadline_ns > 0 ? weft__self_waker : 0);
	uint32_t state = AWAKE;
	int rc = 0;

	while (load_relaxed(&waiter->state) == AWAKE && weft__spin_turn(&spin))
		;
	if (!cas_relaxed(&waiter->state, &state, ASLEEP)) /* T1 */
		return 0;
	while (rc != -ETIMEDOUT && rc != -ECANCELED) {
		rc = weft__wait(&waiter->state, ASLEEP, limit, false);
		if (load_relaxed(&waiter->state) == WOKEN)
			return 0;
	}
	return rc;
}

static int wait_held(struct weft_cond *cond, const struct weft__limit *limit)
{
	const struct mutex mutex = mutex_of(cond);
	struct weft__cond_waiter waiter = { .state = AWAKE };
	unsigned depth;
	int rc;

	enqueue(cond, &waiter);
	depth = give_up(mutex);
	rc = sleep_until_woken(&waiter, limit);
	take_back(mutex, depth);
	if (waiter.notified) {
		weft__self_waker = waiter.notifier_cpu; /* I2 */
		return 0;
	}
	dequeue(cond, &waiter); /* T3 */
	return rc;
}

WEFT_BODY int wait_within(struct weft_cond *cond, const char *call, struct weft__limit limit)
{
	if (!is_held(mutex_of(cond)))
		return weft__misuse(cond, call, -EPERM);
	return wait_held(cond, &limit);
}

int weft_cond_wait(struct weft_cond *cond)
{
	return wait_within(cond, "weft_cond_wait", weft__limit_none());
}

int weft_cond_wait_for(struct weft_cond *cond, int64_t timeout_ns)
{
	return wait_within(cond, "weft_cond_wait_for", weft__limit_in(timeout_ns));
}

int weft_cond_wait_until(struct weft_cond *cond, int64_t deadline_ns, struct weft_event *cancel)
{
	return wait_within(cond, "weft_cond_wait_until", weft__limit(deadline_ns, cancel));
}

static int wait_pred_within(struct weft_cond *cond, const char *call, int (*pred)(void *), void *arg,
			    struct weft__limit limit)
{
	int rc = 0;

	if (!is_held(mutex_of(cond)))
		return weft__misuse(cond, call, -EPERM);
	for (;;) {
		const int answer = pred(arg);

		if (answer != 0)
			return answer;
		if (rc < 0)
			return rc; /* time is up or cancelled, and the predicate was asked once more */
		rc = wait_held(cond, &limit);
	}
}

int weft_cond_wait_pred(struct weft_cond *cond, int (*pred)(void *), void *arg)
{
	return wait_pred_within(cond, "weft_cond_wait_pred", pred, arg, weft__limit_none());
}

int weft_cond_wait_pred_for(struct weft_cond *cond, int (*pred)(void *), void *arg, int64_t timeout_ns)
{
	return wait_pred_within(cond, "weft_cond_wait_pred_for", pred, arg, weft__limit_in(timeout_ns));
}

int weft_cond_wait_pred_until(struct weft_cond *cond, int (*pred)(void *), void *arg, int64_t deadline_ns,
			      struct weft_event *cancel)
{
	return wait_pred_within(cond, "weft_cond_wait_pred_until", pred, arg, weft__limit(deadline_ns, cancel));
}

/* ---- the lock's verbs, those that are not inline ---- */

int weft_cond_acquire_for(struct weft_cond *cond, int64_t timeout_ns)
{
	const struct mutex mutex = mutex_of(cond);

	return mutex.rlock != NULL ? weft_rlock_acquire_for(mutex.rlock, timeout_ns)
				   : weft_lock_acquire_for(mutex.lock, timeout_ns);
}

int weft_cond_acquire_until(struct weft_cond *cond, int64_t deadline_ns, struct weft_event *cancel)
{
	const struct mutex mutex = mutex_of(cond);

	return mutex.rlock != NULL ? weft_rlock_acquire_until(mutex.rlock, deadline_ns, cancel)
				   : weft_lock_acquire_until(mutex.lock, deadline_ns, cancel);
}

int weft_cond_try_acquire(struct weft_cond *cond)
{
	const struct mutex mutex = mutex_of(cond);

	return mutex.rlock != NULL ? weft_rlock_try_acquire(mutex.rlock) : weft_lock_try_acquire(mutex.lock);
}

bool weft_cond_locked(const struct weft_cond *cond)
{
	return weft_lock_locked(mutex_of(cond).lock);
}

/* ---- the rest ---- */

static void init(struct weft_cond *cond, void *lock, uint32_t flags)
{
	cond->lock = lock;
	weft_rlock_init(&cond->own);
	cond->newest = NULL;
	store_relaxed(&cond->waiting, 0);
	cond->flags = flags;
}

void weft_cond_init(struct weft_cond *cond)
{
	init(cond, NULL, 0);
}

void weft_cond_init_lock(struct weft_cond *cond, struct weft_lock *lock)
{
	init(cond, lock, WEFT__COND_ON_LOCK);
}

void weft_cond_init_rlock(struct weft_cond *cond, struct weft_rlock *rlock)
{
	init(cond, rlock, 0);
}

int weft_cond_destroy(struct weft_cond *cond)
{
	if (load_relaxed(&cond->waiting) > 0 || weft__lock_in_use(&cond->own.lock))
		return weft__misuse(cond, "weft_cond_destroy", -EBUSY);
	return 0;
}

size_t weft_cond_describe(const struct weft_cond *cond, char *buf, size_t size)
{
	struct weft__text text = weft__text(buf, size);
	const struct mutex mutex = mutex_of(cond);

	weft__text_add(&text, "%u waiting; lock: ", (unsigned)load_relaxed(&cond->waiting));
	if (mutex.rlock != NULL)
		weft__text_add_object(&text, weft_rlock_describe, mutex.rlock);
	else
		weft__text_add_object(&text, weft_lock_describe, mutex.lock);
	return text.length;
}
