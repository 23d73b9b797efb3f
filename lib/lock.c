/* SPDX-License-Identifier: MIT */
/*
 * lock.c - mutual exclusion in one word. Layer 3.
 *
 * Guarantees
 *	LOCK-01 to LOCK-14. No system call unless somebody sleeps. One release wakes one thread at most, and none while one that was
 *	woken before is still on its way. A thread that has slept and then finds the lock taken by a newcomer bars newcomers:
 *	the next release leaves the lock to those who have slept. So in a queue of n sleepers each waits for at most about n
 *	turns, and a turn lasts as long as a wake-up takes.
 *
 * Word
 *	bit 0		LOCKED
 *	bit 1		AWAKE: a waiter is awake, or being woken, and will look at the lock; a release need not wake
 *	bit 2		STARVING: newcomers are barred
 *	bit 3		SHARED: between processes; set by init, never changes
 *	bit 4		WATCHED: reserved; a watched lock has it from init on, so the inline path, which knows only 0 and 1, never
 *			matches and each operation reaches the slow path here, which can see the bit at no cost to others
 *	bits 5-9	CPU of the holder modulo 32, while there are waiters
 *	bits 10-31	how many threads are registered: sleeping, about to, or awake after a sleep. Linux has fewer than
 *			2^22 threads, so it cannot overflow.
 *	0 is free and 1 is held with nobody registered: these two are the inline path's (weft/lock.h), all others are ours.
 *
 * Transitions (compare-exchange on the whole word; "newcomer": not registered)
 *	T1  acquire, newcomer: not LOCKED, not STARVING -> LOCKED. Inline for 0 -> 1.
 *	T2  spin, newcomer: sets AWAKE if nobody has, so that releases do not wake sleepers meanwhile; it is then the spinner's to
 *	    clear, at T1 or T3.
 *	T3  register, newcomer: waiters + 1; clears AWAKE if that is its own.
 *	T4  sleep, registered: clears AWAKE.
 *	T5  acquire, registered: not LOCKED -> LOCKED, waiters - 1, clears AWAKE and STARVING.
 *	T6  bar, registered, has slept, finds LOCKED: sets STARVING.
 *	T7  leave, registered, time up or cancelled, LOCKED: waiters - 1, clears AWAKE, and STARVING with the last waiter.
 *	T8  release: clears LOCKED and CPU; with waiters and not AWAKE, sets AWAKE and then wakes one. Inline for 1 -> 0.
 *
 * Invariants
 *	I1  Not LOCKED and waiters > 0 imply AWAKE: a free lock is never left to threads that all sleep. T8 sees to it;
 *	    T3 and T7 clear AWAKE only in a LOCKED word, and T4 likewise.
 *	I2  AWAKE implies that a thread is awake, or about to find that the word it meant to sleep on has changed, which
 *	    will do T1, T3, T4, T5 or T7: each clears AWAKE. T4 clears it even if another thread is meant: too few AWAKE only
 *	    costs a wake-up, one too many would lose one. A thread that registers keeps an AWAKE of another's; if the
 *	    word changes before it sleeps, it goes through T4 like any other.
 *	I3  STARVING implies waiters > 0, so a barred lock has somebody to take it.
 *
 * Pairs
 *	P1  T8 (release) with T1, T5 (acquire). All changes of the word are read-modify-writes, so that the changes between a
 *	    release and the acquire that sees it continue its release sequence.
 *
 * Lifetime
 *	T8's compare-exchange is the last access to the lock; the wake uses the address only. Whether to wake and whether the lock
 *	is shared come from the value that was replaced.
 *
 * Sources: Drepper, "Futexes Are Tricky" (states); Go's sync.Mutex (woken and starving bits, exact count); WebKit's ParkingLot
 * (barging with occasional hand-off).
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
	LOCKED = 1u << 0,
	AWAKE = 1u << 1,
	STARVING = 1u << 2,
	SHARED = WEFT__LOCK_SHARED,
	CPU_SHIFT = 5,
	CPU_MASK = 31u << CPU_SHIFT,
	ONE_WAITER = 1u << 10,
};

static bool has_waiters(uint32_t word)
{
	return word >= ONE_WAITER;
}

static uint32_t cpu_here(void)
{
	return weft_sys_cpu() << CPU_SHIFT & CPU_MASK;
}

/* @word as its new holder leaves it: the CPU is noted for those who wait, if there are any. */
static uint32_t held(uint32_t word)
{
	return has_waiters(word) ? (word & ~(uint32_t)CPU_MASK) | LOCKED | cpu_here() : word | LOCKED;
}

/* Whether the holder may be running on another CPU, so that waiting for it awake makes sense. */
static bool holder_elsewhere(uint32_t word)
{
	return !has_waiters(word) || (word & CPU_MASK) != cpu_here();
}

/* Take the lock or register as a waiter. Return: true: taken; false: registered, *word as it is now. */
static bool take_or_register(struct weft_lock *lock, uint32_t *registered)
{
	bool awake_is_mine = false;

	for (unsigned turn = 0;; turn++) {
		uint32_t word = load_relaxed(&lock->word);
		const uint32_t others = awake_is_mine ? word & ~(uint32_t)AWAKE : word;

		if (!(word & LOCKED) && (awake_is_mine || !(word & STARVING))) {
			if (cas_acquire(&lock->word, &word, held(others))) /* T1, P1 */
				return true;
			continue;
		}
		if (turn < WEFT_SPIN_LOCK_TURNS && !(word & STARVING) && (awake_is_mine || !(word & AWAKE)) &&
		    holder_elsewhere(word)) {
			if (!awake_is_mine && has_waiters(word))
				awake_is_mine = cas_relaxed(&lock->word, &word, word | AWAKE); /* T2 */
			weft_sys_pause();
			continue;
		}
		if (cas_relaxed(&lock->word, &word, others + ONE_WAITER)) { /* T3 */
			*registered = others + ONE_WAITER;
			return false;
		}
	}
}

/*
 * One attempt of a registered waiter that is awake. @hurry: time is up or it was cancelled, so leave if there is nothing to take.
 * @slept: it has been asleep, so it may bar newcomers.
 * Return: 0: taken; -EAGAIN: to sleep, on *word; @hurry: left.
 */
static int take_or_sleep(struct weft_lock *lock, uint32_t *asleep, int hurry, bool slept)
{
	for (unsigned turn = 0;; turn++) {
		uint32_t word = load_relaxed(&lock->word), next;

		if (!(word & LOCKED)) {
			next = held((word - ONE_WAITER) & ~(uint32_t)(AWAKE | STARVING));
			if (cas_acquire(&lock->word, &word, next)) /* T5, P1 */
				return 0;
		} else if (hurry < 0) {
			next = (word - ONE_WAITER) & ~(uint32_t)AWAKE;
			if (!has_waiters(next))
				next &= ~(uint32_t)(STARVING | CPU_MASK);
			if (cas_relaxed(&lock->word, &word, next)) /* T7 */
				return hurry;
		} else if (slept && !(word & STARVING)) {
			(void)cas_relaxed(&lock->word, &word, word | STARVING); /* T6 */
		} else if (slept && turn < WEFT_SPIN_LOCK_TURNS && holder_elsewhere(word)) {
			weft_sys_pause();
		} else {
			*asleep = word & ~(uint32_t)AWAKE;
			if (cas_relaxed(&lock->word, &word, *asleep)) /* T4 */
				return -EAGAIN;
		}
	}
}

static int acquire(struct weft_lock *lock, const struct weft__limit *limit)
{
	bool slept = false;
	uint32_t word;
	int rc;

	if (take_or_register(lock, &word))
		return 0;
	do {
		const int waited = weft__wait(&lock->word, word, limit, word & SHARED);

		slept |= waited == 0;
		rc = take_or_sleep(lock, &word, waited == -EAGAIN ? 0 : waited, slept);
	} while (rc == -EAGAIN);
	return rc;
}

int weft_lock_acquire_slow(struct weft_lock *lock)
{
	const struct weft__limit limit = weft__limit_none();

	return acquire(lock, &limit);
}

int weft_lock_acquire_until_slow(struct weft_lock *lock, int64_t deadline_ns, struct weft_event *cancel)
{
	const struct weft__limit limit = weft__limit(deadline_ns, cancel);

	if (deadline_ns <= 0 && cancel == NULL)
		return weft_lock_try_acquire_slow(lock) == 0 ? 0 : -ETIMEDOUT;
	return acquire(lock, &limit);
}

int weft_lock_acquire_for_slow(struct weft_lock *lock, int64_t timeout_ns)
{
	return weft_lock_acquire_until_slow(lock, weft__deadline_in(timeout_ns), NULL);
}

int weft_lock_try_acquire_slow(struct weft_lock *lock)
{
	for (;;) {
		uint32_t word = load_relaxed(&lock->word);

		if (word & LOCKED)
			return -EAGAIN;
		/* T1; even if STARVING: a try does not come again, and a lock that looks free is to be had. */
		if (cas_acquire(&lock->word, &word, held(word))) /* P1 */
			return 0;
	}
}

int weft_lock_release_slow(struct weft_lock *lock)
{
	uint32_t word, next;
	bool wake;

	do {
		word = load_relaxed(&lock->word);
		if (!(word & LOCKED))
			return weft__misuse(lock, "weft_lock_release", -EPERM);
		wake = has_waiters(word) && !(word & AWAKE);
		next = (word & ~(uint32_t)(LOCKED | CPU_MASK)) | (wake ? AWAKE : 0u);
	} while (!cas_release(&lock->word, &word, next)); /* T8, P1; the lock is not read again */
	if (wake)
		weft__futex_wake(&lock->word, 1, word & SHARED);
	return 0;
}

void weft_lock_init(struct weft_lock *lock)
{
	store_relaxed(&lock->word, 0); /* whoever hands the lock to other threads orders this */
}

void weft_lock_init_shared(struct weft_lock *lock)
{
	store_relaxed(&lock->word, SHARED);
}

bool weft__lock_in_use(const struct weft_lock *lock)
{
	const uint32_t word = load_relaxed(&lock->word);

	return word & LOCKED || has_waiters(word);
}

int weft_lock_destroy(struct weft_lock *lock)
{
	return weft__lock_in_use(lock) ? weft__misuse(lock, "weft_lock_destroy", -EBUSY) : 0;
}

size_t weft_lock_describe(const struct weft_lock *lock, char *buf, size_t size)
{
	const uint32_t word = load_relaxed(&lock->word);
	struct weft__text text = weft__text(buf, size);

	weft__text_add(&text, word & LOCKED ? "locked" : "unlocked");
	if (has_waiters(word))
		weft__text_add(&text, ", %u waiting", word / ONE_WAITER);
	return text.length;
}

/* ---- several at once ---- */

/* The lock with the lowest address above @above. */
static struct weft_lock *next_above(struct weft_lock *const locks[], size_t n, const struct weft_lock *above)
{
	struct weft_lock *best = NULL;

	for (size_t i = 0; i < n; i++)
		if ((uintptr_t)locks[i] > (uintptr_t)above && (best == NULL || (uintptr_t)locks[i] < (uintptr_t)best))
			best = locks[i];
	return best;
}

/*
 * Processes see shared locks at different addresses, so no order is global: sleep for one at a time, holding no
 * other, and try the rest. This is what C++'s std::lock does.
 */
static void acquire_many_by_trying(struct weft_lock *const locks[], size_t n)
{
	size_t first = 0;

	for (;;) {
		size_t taken = 1;

		weft_lock_acquire(locks[first]);
		while (taken < n && weft_lock_try_acquire(locks[(first + taken) % n]) == 0)
			taken++;
		if (taken == n)
			return;
		const size_t missing = (first + taken) % n;

		while (taken-- > 0)
			weft_lock_release(locks[(first + taken) % n]);
		first = missing;
	}
}

int weft_lock_acquire_many(struct weft_lock *const locks[], size_t n)
{
	bool shared = false;

	for (size_t i = 0; i < n; i++) {
		if (locks[i] == NULL)
			return weft__misuse(NULL, "weft_lock_acquire_many", -EINVAL);
		for (size_t j = 0; j < i; j++)
			if (locks[i] == locks[j])
				return weft__misuse(locks[i], "weft_lock_acquire_many", -EINVAL);
		shared |= (load_relaxed(&locks[i]->word) & SHARED) != 0;
	}
	if (shared) {
		acquire_many_by_trying(locks, n);
		return 0;
	}
	for (struct weft_lock *lock = NULL; (lock = next_above(locks, n, lock)) != NULL;)
		weft_lock_acquire(lock);
	return 0;
}
