/* SPDX-License-Identifier: MIT */
/*
 * barrier.c - rounds in which all parties meet. Layer 4, on lock.
 *
 * Guarantees
 *	BAR-01 to BAR-18. A round ends once, completed or broken, and each member learns how its own round
 *	ended, whatever happens to the barrier later. In a private barrier a member that returned may free it
 *	though others are still waking up.
 *
 * Data
 *	The lock protects all. A private barrier keeps the members of the round under way on a circular list of
 *	waiters on their threads' stacks. Who ends the round takes the whole list away, lets go of the lock, and
 *	then tells each waiter in its own word: no counter of rounds, nothing of the barrier's is looked at on
 *	the way out. A waiter whose time is up must go to the barrier's lock to break the round; its word says
 *	so, and nobody is told anything while one is there. A shared barrier cannot hold pointers; there all
 *	wait on one word, round, and members of a broken round are counted out before a new one starts.
 *
 * Words
 *	state	BROKEN (private only), SHARED (fixed by init); bit 2 is reserved for WATCHED: as no function of
 *		a barrier is inline, the library looks for it itself.
 *	waiter	AWAKE or ASLEEP, by the waiter; LEAVING: the waiter's time is up and it is on its way to the
 *		lock; SEALED: the round has ended, the waiter may not become LEAVING any more; COMPLETED or
 *		BROKEN_UP: how it ended.
 *	round	(shared) bits 2-31: number of the round; bit 0 ROUND_BROKEN; bit 1 ROUND_RESET: becomes a new
 *		round once all members have left. A waiter of round k goes on while the word is 4k; 4k + flags:
 *		broken; anything else: completed. It would take 2^30 rounds during one wake-up to mistake one
 *		for another.
 *
 * Transitions (lock held)
 *	T1  arrive, not the last: join the list, arrived + 1.
 *	T2  arrive, the last: take the list, arrived = 0; unlock; run the action; then T4 with COMPLETED, or T3
 *	    if it failed.
 *	T3  break (time-out, cancel, abort, failed action): BROKEN, take the list, arrived = 0; unlock; T4 with
 *	    BROKEN_UP. Reset is the same with BROKEN cleared.
 *	T4  tell a list that was taken: seal each waiter, but wait for one that is LEAVING until it has found
 *	    out (T6); then give each its outcome, oldest first, and wake it if it sleeps.
 *	T5  time up or cancelled: own word, if not SEALED, -> LEAVING; take the lock; still on the list: T3.
 *	T6  else: unlock, and own word -> SEALED; the outcome comes in a moment, and wins.
 *
 * Invariants
 *	I1  A waiter is on the barrier's list, or on one that a thread took away and will tell (T4).
 *	I2  Between T2 and T4 the next round may begin; it shares nothing with the one that ends.
 *	I3  No waiter has its outcome while another of its round may still touch the barrier.
 *
 * Pairs
 *	P1  T4 (release) with the waiter's load of its word (acquire). What members did before they arrived
 *	    comes through the lock to the last one, and on through P1 to all. In a shared barrier all take the
 *	    lock again before they return, so that round may be relaxed.
 *	P2  T6 (release) with T4's sealing (acquire), and on through P1: a member's last look at the barrier
 *	    comes before another's return, which may be followed by its end.
 *
 * Lifetime
 *	T4 reads a waiter's next before it tells the waiter, whose stack frame may then be gone; the wake uses
 *	the address only. After unlocking, the one who ends a round does not touch a private barrier; nor does a
 *	waiter that was told; nor, by I3, any other member. So the first that returns may free it.
 *
 * Sources: Mellor-Crummey and Scott's local spinning; the rest is ours.
 */
#include <weft/watch.h>

#include "atomic.h"
#include "bug.h"
#include "describe.h"
#include "futex.h"
#include "lock.h"
#include "spin.h"
#include "wait.h"

enum {
	BROKEN = 1u << 0,
	SHARED = 1u << 1,
};

enum {
	AWAKE = 0,
	ASLEEP = 1,
	SEALED = 2, /* with AWAKE or ASLEEP */
	LEAVING = 4,
	COMPLETED = 8, /* this and above: outcomes */
	BROKEN_UP = 9,
};

enum {
	ROUND_BROKEN = 1u << 0,
	ROUND_RESET = 1u << 1,
	ROUND_FLAGS = ROUND_BROKEN | ROUND_RESET,
	ROUND_ONE = 1u << 2,
};

#ifndef WEFT_BARRIER_ROUND_BITS
#define WEFT_BARRIER_ROUND_BITS 30
#endif
#define ROUND_MASK (UINT32_MAX >> (32 - 2 - WEFT_BARRIER_ROUND_BITS))

struct weft__barrier_waiter {
	struct weft__barrier_waiter *next;
	weft_atomic32_t state;
};

static bool is_shared(const struct weft_barrier *barrier)
{
	return load_relaxed(&barrier->state) & SHARED;
}

static bool is_last(const struct weft_barrier *barrier)
{
	return load_relaxed(&barrier->arrived) == barrier->parties_less_one;
}

/* Written with the lock held; atomic for the predicates only. */
static uint32_t add_arrived(struct weft_barrier *barrier, uint32_t n)
{
	const uint32_t arrived = load_relaxed(&barrier->arrived);

	store_relaxed(&barrier->arrived, arrived + n);
	return arrived;
}

/* ---- private: waiters on a list ---- */

static void enlist(struct weft_barrier *barrier, struct weft__barrier_waiter *waiter)
{
	struct weft__barrier_waiter *const newest = barrier->waiters.newest;

	waiter->next = newest != NULL ? newest->next : waiter;
	if (newest != NULL)
		newest->next = waiter;
	barrier->waiters.newest = waiter;
}

static bool is_enlisted(const struct weft_barrier *barrier, const struct weft__barrier_waiter *waiter)
{
	const struct weft__barrier_waiter *const newest = barrier->waiters.newest;
	const struct weft__barrier_waiter *each = newest;

	if (newest != NULL)
		do {
			if (each == waiter)
				return true;
			each = each->next;
		} while (each != newest);
	return false;
}

/* Take all waiters away, oldest first, ending in NULL, and begin a new round. */
static struct weft__barrier_waiter *take_all(struct weft_barrier *barrier)
{
	struct weft__barrier_waiter *const newest = barrier->waiters.newest;
	struct weft__barrier_waiter *oldest = NULL;

	if (newest != NULL) {
		oldest = newest->next;
		newest->next = NULL;
	}
	barrier->waiters.newest = NULL;
	store_relaxed(&barrier->arrived, 0);
	return oldest;
}

/* T4's first half, for one waiter. */
static void seal(struct weft__barrier_waiter *waiter)
{
	for (;;) {
		uint32_t state = load_acquire(&waiter->state); /* P2 */

		if (state & SEALED || (!(state & LEAVING) && cas_relaxed(&waiter->state, &state, state | SEALED)))
			return;
		if (state & LEAVING)
			(void)weft__futex_wait(&waiter->state, LEAVING, WEFT_FOREVER, false);
	}
}

static void tell(struct weft__barrier_waiter *waiters, uint32_t outcome)
{
	struct weft__barrier_waiter *next;

	for (struct weft__barrier_waiter *each = waiters; each != NULL; each = each->next)
		seal(each);
	for (struct weft__barrier_waiter *each = waiters; each != NULL; each = next) { /* T4 */
		next = each->next;
		if (exchange_release(&each->state, outcome) & ASLEEP) /* P1; the waiter is not touched again */
			weft__futex_wake(&each->state, 1, false);
	}
}

/* T3; called with the lock held, returns with it released. */
static void break_up(struct weft_barrier *barrier, uint32_t state)
{
	struct weft__barrier_waiter *const waiters = take_all(barrier);

	store_relaxed(&barrier->state, state);
	weft_lock_release(&barrier->lock);
	tell(waiters, BROKEN_UP);
}

/* Return: the outcome; or LEAVING, and *why: -ETIMEDOUT, -ECANCELED. */
static uint32_t sleep_until_told(struct weft__barrier_waiter *waiter, const struct weft__limit *limit, int *why)
{
	const struct weft__limit none = weft__limit_none();
	struct weft__spin spin = weft__spin_among_many();
	uint32_t state;

	*why = 0;
	while ((state = load_acquire(&waiter->state)) < COMPLETED) { /* P1 */
		if (!(state & ASLEEP) && weft__spin_turn(&spin))
			continue;
		if ((*why == -ETIMEDOUT || *why == -ECANCELED) && !(state & SEALED)) {
			if (cas_relaxed(&waiter->state, &state, LEAVING)) /* T5 */
				return LEAVING;
			continue;
		}
		if (state & ASLEEP || cas_relaxed(&waiter->state, &state, state | ASLEEP))
			*why = weft__wait(&waiter->state, state | ASLEEP, state & SEALED ? &none : limit, false);
	}
	return state;
}

/* T2; called with the lock held, returns with it released. */
static int complete(struct weft_barrier *barrier)
{
	int (*const action)(void *) = barrier->action;
	void *const arg = barrier->arg;
	const int index = (int)barrier->parties_less_one;
	struct weft__barrier_waiter *const waiters = take_all(barrier);
	int rc = 0;

	weft_lock_release(&barrier->lock);
	if (action != NULL)
		rc = action(arg);
	if (rc < 0) {
		weft_lock_acquire(&barrier->lock); /* the members cannot leave yet, so the barrier is there */
		break_up(barrier, BROKEN);
	}
	tell(waiters, rc < 0 ? BROKEN_UP : COMPLETED);
	return rc < 0 ? rc : index;
}

static int wait_private(struct weft_barrier *barrier, struct weft__limit limit)
{
	struct weft__barrier_waiter waiter = { .state = AWAKE };
	uint32_t index, outcome;
	int why;

	weft_lock_acquire(&barrier->lock);
	if (load_relaxed(&barrier->state) & BROKEN) {
		weft_lock_release(&barrier->lock);
		return -EPIPE;
	}
	if (is_last(barrier))
		return complete(barrier);
	enlist(barrier, &waiter); /* T1 */
	index = add_arrived(barrier, 1);
	weft_lock_release(&barrier->lock);

	outcome = sleep_until_told(&waiter, &limit, &why);
	if (outcome == LEAVING) {
		weft_lock_acquire(&barrier->lock);
		const bool in_time = is_enlisted(barrier, &waiter);

		if (in_time) {
			store_relaxed(&waiter.state, SEALED); /* seen by ourselves only, in tell() */
			break_up(barrier, BROKEN);	      /* T3 */
			return why;
		}
		weft_lock_release(&barrier->lock);
		store_release(&waiter.state, SEALED | ASLEEP); /* T6, P2 */
		weft__futex_wake(&waiter.state, 1, false);
		outcome = sleep_until_told(&waiter, &limit, &why);
	}
	return outcome == COMPLETED ? (int)index : -EPIPE;
}

/* ---- shared: all on one word ---- */

/* Members of the round sleep on it, and those who wait for the members of a round that was reset to go. */
static void set_round(struct weft_barrier *barrier, uint32_t round, bool has_members)
{
	const bool wake = has_members || load_relaxed(&barrier->waiters.round) & ROUND_RESET;

	store_relaxed(&barrier->waiters.round, round);
	if (wake)
		weft__futex_wake(&barrier->waiters.round, UINT32_MAX, true);
}

static uint32_t next_round(uint32_t round)
{
	return ((round & ~(uint32_t)ROUND_FLAGS) + ROUND_ONE) & ROUND_MASK;
}

static void break_shared(struct weft_barrier *barrier, uint32_t flags)
{
	const uint32_t round = load_relaxed(&barrier->waiters.round) & ~(uint32_t)ROUND_FLAGS;
	const bool has_members = load_relaxed(&barrier->arrived) > 0;

	set_round(barrier, flags & ROUND_RESET && !has_members ? next_round(round) : round | flags, has_members);
}

/* A member of a broken round goes; the last one turns a reset into a new round. */
static void leave_shared(struct weft_barrier *barrier)
{
	if (add_arrived(barrier, UINT32_MAX) == 1 && load_relaxed(&barrier->waiters.round) & ROUND_RESET)
		set_round(barrier, next_round(load_relaxed(&barrier->waiters.round)), false);
}

/*
 * Wait while the round is @seen, without the lock, then take it again.
 *
 * Return: 0, or -ETIMEDOUT or -ECANCELED, which say that the time is up, not that the round is still @seen.
 */
static int sleep_shared(struct weft_barrier *barrier, uint32_t seen, const struct weft__limit *limit)
{
	int rc = 0;

	weft_lock_release(&barrier->lock);
	while (load_relaxed(&barrier->waiters.round) == seen && rc != -ETIMEDOUT && rc != -ECANCELED)
		rc = weft__wait(&barrier->waiters.round, seen, limit, true);
	weft_lock_acquire(&barrier->lock);
	return rc == -EAGAIN ? 0 : rc;
}

static int wait_shared_locked(struct weft_barrier *barrier, const struct weft__limit *limit)
{
	uint32_t round, now, index;
	int rc = 0;

	/* The members of a round that was reset go first (BAR-09), within our time (BAR-15). */
	while ((round = load_relaxed(&barrier->waiters.round)) & ROUND_RESET) {
		if (rc < 0) {
			break_shared(barrier, ROUND_BROKEN);
			return rc;
		}
		rc = sleep_shared(barrier, round, limit);
	}
	if (round & ROUND_BROKEN)
		return -EPIPE;
	if (is_last(barrier)) {
		store_relaxed(&barrier->arrived, 0);
		set_round(barrier, next_round(round), barrier->parties_less_one > 0);
		return (int)barrier->parties_less_one;
	}
	index = add_arrived(barrier, 1);
	rc = sleep_shared(barrier, round, limit);
	now = load_relaxed(&barrier->waiters.round);
	if (now == round)
		break_shared(barrier, ROUND_BROKEN);
	else if ((now & ~(uint32_t)ROUND_FLAGS) != round)
		return (int)index;
	leave_shared(barrier);
	return now == round ? rc : -EPIPE;
}

static int wait_shared(struct weft_barrier *barrier, const struct weft__limit *limit)
{
	int rc;

	weft_lock_acquire(&barrier->lock);
	rc = wait_shared_locked(barrier, limit);
	weft_lock_release(&barrier->lock);
	return rc;
}

/* ---- both ---- */

static int wait_within(struct weft_barrier *barrier, struct weft__limit limit)
{
	return is_shared(barrier) ? wait_shared(barrier, &limit) : wait_private(barrier, limit);
}

int weft_barrier_wait(struct weft_barrier *barrier)
{
	return weft_barrier_wait_for(barrier, WEFT_FOREVER - barrier->patience);
}

int weft_barrier_wait_for(struct weft_barrier *barrier, int64_t timeout_ns)
{
	return wait_within(barrier, weft__limit_in(timeout_ns));
}

int weft_barrier_wait_until(struct weft_barrier *barrier, int64_t deadline_ns, struct weft_event *cancel)
{
	return wait_within(barrier, weft__limit(deadline_ns, cancel));
}

void weft_barrier_abort(struct weft_barrier *barrier)
{
	weft_lock_acquire(&barrier->lock);
	if (!is_shared(barrier)) {
		break_up(barrier, BROKEN);
		return;
	}
	break_shared(barrier, ROUND_BROKEN);
	weft_lock_release(&barrier->lock);
}

void weft_barrier_reset(struct weft_barrier *barrier)
{
	weft_lock_acquire(&barrier->lock);
	if (!is_shared(barrier)) {
		break_up(barrier, 0);
		return;
	}
	if (load_relaxed(&barrier->waiters.round) & ROUND_FLAGS || load_relaxed(&barrier->arrived) > 0)
		break_shared(barrier, ROUND_BROKEN | ROUND_RESET);
	weft_lock_release(&barrier->lock);
}

static int init(struct weft_barrier *barrier, const char *call, unsigned parties, uint32_t state)
{
	if (parties == 0)
		return weft__misuse(barrier, call, -EINVAL);
	weft_lock_init(&barrier->lock);
	if (state & SHARED) {
		weft_lock_init_shared(&barrier->lock);
		store_relaxed(&barrier->waiters.round, 0);
	} else {
		barrier->waiters.newest = NULL;
	}
	store_relaxed(&barrier->state, state);
	store_relaxed(&barrier->arrived, 0);
	barrier->parties_less_one = parties - 1;
	barrier->action = NULL;
	barrier->arg = NULL;
	barrier->patience = 0;
	return 0;
}

int weft_barrier_init(struct weft_barrier *barrier, unsigned parties)
{
	return init(barrier, "weft_barrier_init", parties, 0);
}

int weft_barrier_init_shared(struct weft_barrier *barrier, unsigned parties)
{
	return init(barrier, "weft_barrier_init_shared", parties, SHARED);
}

void weft_barrier_set_action(struct weft_barrier *barrier, int (*action)(void *), void *arg)
{
	barrier->action = action;
	barrier->arg = arg;
}

void weft_barrier_set_timeout(struct weft_barrier *barrier, int64_t timeout_ns)
{
	barrier->patience = WEFT_FOREVER - (timeout_ns > 0 ? timeout_ns : 0);
}

bool weft_barrier_broken(const struct weft_barrier *barrier)
{
	if (is_shared(barrier))
		return (load_relaxed(&barrier->waiters.round) & ROUND_FLAGS) == ROUND_BROKEN;
	return load_relaxed(&barrier->state) & BROKEN;
}

unsigned weft_barrier_parties(const struct weft_barrier *barrier)
{
	return barrier->parties_less_one + 1;
}

unsigned weft_barrier_n_waiting(const struct weft_barrier *barrier)
{
	if (is_shared(barrier) && load_relaxed(&barrier->waiters.round) & ROUND_FLAGS)
		return 0;
	return load_relaxed(&barrier->arrived);
}

int weft_barrier_destroy(struct weft_barrier *barrier)
{
	return load_relaxed(&barrier->arrived) > 0 ? weft__misuse(barrier, "weft_barrier_destroy", -EBUSY) : 0;
}

size_t weft_barrier_describe(const struct weft_barrier *barrier, char *buf, size_t size)
{
	struct weft__text text = weft__text(buf, size);

	if (weft_barrier_broken(barrier))
		weft__text_add(&text, "broken");
	else
		weft__text_add(&text, "waiters=%u/%u", weft_barrier_n_waiting(barrier),
			       weft_barrier_parties(barrier));
	return text.length;
}
