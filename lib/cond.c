/* SPDX-License-Identifier: MIT */
/*
 * cond.c - condition variables. Layer 4, on lock and rlock.
 *
 * Guarantees
 *	COND-01 to COND-24. notify(n) lets exactly the min(n, waiting) oldest go. A wait returns 0 if and only if it was notified;
 *	that wins over time-out and cancellation. One notify makes at most one system call, whatever n is.
 *
 * Data
 *	The queue is a circular, doubly linked list of waiters, which live on the stacks of their threads. The user's lock protects
 *	it, and every field here but the state word. There is no counter that could wrap and no token to be stolen.
 *
 * Word (one in each waiter)
 *	AWAKE		the thread has not gone to sleep
 *	ASLEEP		it sleeps on the word, or is about to
 *	WOKEN		it is to take the lock and return
 *
 * Transitions
 *	T1  wait: join the queue, give up the lock, and sleep: AWAKE -> ASLEEP.
 *	T2  notify, lock held: take the oldest off the queue and link them to a chain in that order; pass the wake-up (T3) to the first.
 *	T3  pass the wake-up, lock held: any -> WOKEN, and a wake if it was ASLEEP.
 *	T4  leave, lock held again, notified: a waiter at the head of its chain passes the wake-up to the next; one that
 *	    woke on its own account (time-out, cancel) before it was reached unlinks itself.
 *	T5  leave, lock held again, not notified: unlink from the queue.
 *	The woken need the lock one after the other anyway; a chain wakes them at that pace, instead of all at once to fight for it.
 *
 * Invariants
 *	I1  A waiter is on the queue (not notified) or in one chain (notified), until T4 or T5.
 *	I2  The head of a chain is WOKEN, or has done T4. So each chain has a thread on its way that will pass the wake-up on.
 *	I3  After it was notified a waiter touches the lock and its chain, not the condition, which may be gone (COND-24).
 *
 * Pairs
 *	none of its own: what the state word tells is acted on only with the lock held, so relaxed is enough.
 *
 * Lifetime
 *	A waiter's memory is its thread's stack; the thread cannot leave while another holds the lock, and others touch it only
 *	then.
 *
 * Watched conditions: the lock's WATCHED bit. Process-shared ones need offsets for pointers; flags has room to say so.
 *
 * Sources: musl's and WebKit's stack-allocated waiters; nsync's transfer of waiters at the pace of the lock.
 */
#include <limits.h>

#include <weft/watch.h>

#include "atomic.h"
#include "bug.h"
#include "describe.h"
#include "futex.h"
#include "rlock.h"
#include "spin.h"
#include "wait.h"

enum {
	AWAKE = 0,
	ASLEEP = 1,
	WOKEN = 2,
};

/*
 * In weft_cond.flags above the public bits, which never change: the CPU of the last notifier, as lib/spin.h has it. Written with the lock
 * held; atomic because the lock's verbs read the public bits without it.
 */
enum { CPU_SHIFT = 8 };

struct weft__cond_waiter {
	struct weft__cond_waiter *next, *prev;	/* queue: circular; chain: ends in NULL */
	bool notified;
	weft_atomic32_t state;
};

/* ---- the lock, of either kind; a copy, so that leaving a wait need not look at the condition (I3) ---- */

struct mutex {
	struct weft_lock *lock;
	struct weft_rlock *rlock;	/* NULL: a plain lock */
};

static struct mutex mutex_of(const struct weft_cond *cond)
{
	if (load_relaxed(&cond->flags) & WEFT__COND_ON_LOCK)
		return (struct mutex){ cond->lock, NULL };

	struct weft_rlock *rlock = cond->lock != NULL ? cond->lock : (struct weft_rlock *)(uintptr_t)&cond->own;

	return (struct mutex){ &rlock->lock, rlock };
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

static void pass_wakeup(struct weft__cond_waiter *waiter)
{
	if (atomic_exchange_explicit(&waiter->state, WOKEN, memory_order_relaxed) == ASLEEP) /* T3 */
		weft__futex_wake(&waiter->state, 1, false);
}

static void note_cpu(struct weft_cond *cond)
{
	const uint32_t flags = load_relaxed(&cond->flags);
	const uint32_t noted = (flags & WEFT__COND_ON_LOCK) | weft__spin_here() << CPU_SHIFT;

	if (flags != noted)
		store_relaxed(&cond->flags, noted);
}

static int notify(struct weft_cond *cond, const char *call, unsigned n)
{
	struct weft__cond_waiter *head = NULL, *tail = NULL;
	int notified = 0;

	if (!is_held(mutex_of(cond)))
		return weft__misuse(cond, call, -EPERM);
	for (; (unsigned)notified < n && cond->newest != NULL && notified < INT_MAX; notified++) { /* T2 */
		struct weft__cond_waiter *const oldest = cond->newest->next;

		dequeue(cond, oldest);
		oldest->notified = true;
		oldest->prev = tail;
		oldest->next = NULL;
		if (tail != NULL)
			tail->next = oldest;
		else
			head = oldest;
		tail = oldest;
	}
	if (head != NULL) {
		note_cpu(cond);
		pass_wakeup(head);
	}
	return notified;
}

int weft_cond_notify(struct weft_cond *cond, unsigned n)
{
	return notify(cond, "weft_cond_notify", n);
}

int weft_cond_notify_all(struct weft_cond *cond)
{
	return notify(cond, "weft_cond_notify_all", UINT_MAX);
}

/* ---- wait ---- */

/* T1's sleep. Return: 0: woken; -ETIMEDOUT, -ECANCELED. */
static int sleep_until_woken(struct weft__cond_waiter *waiter, const struct weft__limit *limit, uint32_t notifier_cpu)
{
	struct weft__spin spin = weft__spin_for(limit->deadline_ns > 0 ? notifier_cpu : 0);
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

static void leave_chain(struct weft__cond_waiter *waiter)
{
	if (waiter->next != NULL)
		waiter->next->prev = waiter->prev;
	if (waiter->prev != NULL)
		waiter->prev->next = waiter->next; /* the one before will pass the wake-up to the next */
	else if (waiter->next != NULL)
		pass_wakeup(waiter->next);
}

static int wait_held(struct weft_cond *cond, const struct weft__limit *limit)
{
	const struct mutex mutex = mutex_of(cond);
	const uint32_t notifier_cpu = load_relaxed(&cond->flags) >> CPU_SHIFT;
	struct weft__cond_waiter waiter = { .state = AWAKE };
	unsigned depth;
	int rc;

	enqueue(cond, &waiter);
	depth = give_up(mutex);
	rc = sleep_until_woken(&waiter, limit, notifier_cpu);
	take_back(mutex, depth);
	if (waiter.notified) {
		leave_chain(&waiter); /* T4, I3 */
		return 0;
	}
	dequeue(cond, &waiter); /* T5 */
	return rc;
}

static int wait_within(struct weft_cond *cond, const char *call, struct weft__limit limit)
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

/* ---- the lock's verbs ---- */

int weft_cond_acquire(struct weft_cond *cond)
{
	const struct mutex mutex = mutex_of(cond);

	return mutex.rlock != NULL ? weft_rlock_acquire(mutex.rlock) : weft_lock_acquire(mutex.lock);
}

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

int weft_cond_release(struct weft_cond *cond)
{
	const struct mutex mutex = mutex_of(cond);

	return mutex.rlock != NULL ? weft_rlock_release(mutex.rlock) : weft_lock_release(mutex.lock);
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
	store_relaxed(&cond->flags, flags);
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
