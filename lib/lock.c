/* SPDX-License-Identifier: MIT */
/*
 * lock.c - mutual exclusion in one word. Layer 3.
 *
 * Guarantees
 *	LOCK-01 to LOCK-14. No system call unless somebody sleeps. A release wakes one thread at most, and none
 *	while a thread spins, but for one in WEFT_LOCK_OVERTAKES, which lets the next sleeper in. A thread that
 *	was woken and finds the lock taken again bars newcomers: the next release leaves the lock to those who
 *	have slept. So of n sleepers each waits for about n turns of some hundred acquisitions.
 *
 * Word
 *	bit 0		LOCKED
 *	bit 1		CONTENDED: threads may sleep; a release must wake one
 *	bit 2		AWAKE: one waiter is looking at the word and owns this bit; a release need not wake
 *	bit 3		SHARED: between processes; set by init, never changes
 *	bit 4		STARVING: newcomers are barred by a thread that was woken and came too late
 *	bit 5		WATCHED: reserved; a watched lock has it from init on, so the inline path, which knows
 *			only 0 and 1, never matches and each operation reaches the slow path here, which can see
 *			the bit at no cost to others
 *	bit 6		SUMMONED: a release has woken a thread, and nobody who has slept has come since. Advice,
 *			not a promise: there may have been nobody to wake
 *	bit 7		RESERVED: the next release is for the owner of AWAKE, who has been spinning for long
 *	bits 8-15	CPU of a holder that has slept for the lock, modulo 255, + 1; 0: not known
 *	bits 16-31	overtakes: how often newcomers took the lock since a sleeper did, while CONTENDED or
 *			SUMMONED; saturates
 *	0 is free and 1 is held with nobody waiting: these two are the inline path's (weft/lock.h), all others
 *	are ours.
 *
 * Transitions (compare-exchange on the whole word; "newcomer": has not slept in this call)
 *	T1  acquire, newcomer: not LOCKED, neither STARVING nor RESERVED, or AWAKE is its own -> LOCKED;
 *	    overtakes + 1; clears its own AWAKE and RESERVED. Inline for 0 -> 1. While SUMMONED, from
 *	    WEFT_LOCK_OVERTAKES on, the newcomer first yields its CPU, which the thread that was woken may need;
 *	    WEFT_LOCK_YIELDS later, if nobody else sleeps, it clears SUMMONED, as it seems that nobody comes.
 *	T2  spin, newcomer, LOCKED: sets AWAKE, if nobody has and CONTENDED; after a while RESERVED with it,
 *	    CONTENDED or not.
 *	T3  sleep: sets CONTENDED, and STARVING if it was woken before; clears its own AWAKE and RESERVED.
 *	    Sleeps on that very value.
 *	T4  acquire, after a sleep: not LOCKED -> LOCKED and CONTENDED; clears STARVING, SUMMONED, overtakes and
 *	    its own AWAKE.
 *	T5  spin, woken, finds LOCKED: sets CONTENDED, STARVING, and AWAKE if nobody has.
 *	T6  leave, time up or cancelled, LOCKED: sets CONTENDED; clears STARVING and its own AWAKE.
 *	T7  release: clears LOCKED and CPU; if CONTENDED and not AWAKE, or enough overtakes, clears CONTENDED
 *	    and overtakes, sets SUMMONED, and then wakes one. Inline for 1 -> 0.
 *
 * Invariants
 *	I1  While threads sleep, the word is CONTENDED, or one that T7 woke is on its way. That one sets
 *	    CONTENDED again, by T3 to T6, whatever it does next, even if the kernel should say that its time ran
 *	    out when it was woken, too. So between T7 and its arrival the others are forgotten, and releases
 *	    make no system call.
 *	I2  AWAKE, and RESERVED with it, have one owner, who is awake, and who clears them when it takes the
 *	    lock, sleeps or leaves. An owner that finds the lock free takes it, barred or not, as the release
 *	    has relied on it.
 *	I3  STARVING is set only by waiters that were woken, and cleared by any that takes the lock or leaves.
 *	    So while it is set one of them is awake, or sleeps and T7 wakes a sleeper; every sleeper may take a
 *	    barred or reserved lock.
 *
 * Pairs
 *	P1  T7 (release) with T1, T4 (acquire). All changes of the word are read-modify-writes, so that the
 *	    changes between a release and the acquire that sees it continue its release sequence.
 *
 * Lifetime
 *	T7's compare-exchange is the last access to the lock; the wake uses the address only. Whether to wake
 *	and whether the lock is shared come from the value that was replaced.
 *
 * Sources: Drepper, "Futexes Are Tricky" (CONTENDED, and who restores it); Go's sync.Mutex (woken and starving
 * bits); WebKit's ParkingLot (barging with occasional hand-off).
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
	CONTENDED = 1u << 1,
	AWAKE = 1u << 2,
	SHARED = WEFT__LOCK_SHARED,
	STARVING = 1u << 4,
	SUMMONED = 1u << 6,
	RESERVED = 1u << 7,
	CPU_SHIFT = 8,
	CPU_MASK = 255u << CPU_SHIFT,
	OVERTAKE = 1u << 16,
};

#ifndef WEFT_LOCK_OVERTAKES_BITS
#define WEFT_LOCK_OVERTAKES_BITS 16
#endif
#define OVERTAKES_MASK (UINT32_MAX >> (32 - WEFT_LOCK_OVERTAKES_BITS) << 16)

/*
 * How many newcomers may take the lock while a thread that was woken is on its way, and how many more after a
 * yield each.
 */
#ifndef WEFT_LOCK_OVERTAKES
#define WEFT_LOCK_OVERTAKES 256
#endif
#ifndef WEFT_LOCK_YIELDS
#define WEFT_LOCK_YIELDS 4
#endif

_Static_assert(WEFT_LOCK_OVERTAKES + WEFT_LOCK_YIELDS <= OVERTAKES_MASK / OVERTAKE, "overtakes saturate too soon");

static uint32_t cpu_here(void)
{
	return (weft_sys_cpu() % 255 + 1) << CPU_SHIFT;
}

/* Whether the holder may be running on another CPU, so that it makes sense to wait for it awake. */
static bool holder_elsewhere(uint32_t word)
{
	return (word & CPU_MASK) == 0 || (word & CPU_MASK) != cpu_here();
}

/* A free @word as a newcomer leaves it (T1). */
static uint32_t taken(uint32_t word)
{
	const uint32_t overtakes = word / OVERTAKE;

	if ((word & (SUMMONED | CONTENDED)) == SUMMONED && overtakes >= WEFT_LOCK_OVERTAKES + WEFT_LOCK_YIELDS)
		word &= ~(OVERTAKES_MASK | SUMMONED);
	else if (word & (SUMMONED | CONTENDED) && overtakes < OVERTAKES_MASK / OVERTAKE)
		word += OVERTAKE;
	return word | LOCKED;
}

static bool has_overtaken_enough(uint32_t word)
{
	return word / OVERTAKE >= WEFT_LOCK_OVERTAKES;
}

/* Whether a newcomer that owns @mine of @word goes on looking, on its turn @turn. */
static bool keeps_spinning(uint32_t word, uint32_t mine, unsigned turn)
{
	if (turn >= WEFT_SPIN_LOCK_TURNS || word & STARVING)
		return false;
	if (word & LOCKED)
		return (mine || !(word & AWAKE)) && holder_elsewhere(word);
	return true; /* reserved: the owner of AWAKE takes it in a moment */
}

/* Take the lock as a newcomer. Return: true: taken; false: to sleep, on *asleep. */
WEFT_BODY bool take_or_sleep(struct weft_lock *lock, uint32_t *asleep)
{
	uint32_t mine = 0; /* of AWAKE and RESERVED */
	bool yielded = false;

	for (unsigned turn = 0;; turn++) {
		uint32_t word = load_relaxed(&lock->word);

		if (!(word & LOCKED) && (mine || !(word & (STARVING | RESERVED)))) {
			if (word & SUMMONED && has_overtaken_enough(word) && !yielded) {
				yielded = true;
				weft_sys_yield();
			} else if (cas_acquire(&lock->word, &word, taken(word & ~mine))) { /* T1, P1 */
				return true;
			}
		} else if (keeps_spinning(word, mine, turn)) {
			uint32_t claim = 0;

			if (word & LOCKED && turn >= WEFT_SPIN_LOCK_RESERVE)
				claim = AWAKE | RESERVED;
			else if (word & LOCKED && word & CONTENDED)
				claim = AWAKE;
			if (claim > mine && cas_relaxed(&lock->word, &word, word | claim)) /* T2 */
				mine = claim;
			weft_sys_pause();
		} else {
			*asleep = (word & ~mine) | CONTENDED;
			if (cas_relaxed(&lock->word, &word, *asleep)) /* T3 */
				return false;
		}
	}
}

/*
 * Take the lock after a sleep that ended with @waited; @woken: this one or one before it was ended by a wake-up.
 *
 * Return: 0: taken; -EAGAIN: to sleep, on *asleep; -ETIMEDOUT, -ECANCELED: @waited, and it was not to be had.
 */
WEFT_BODY int take_or_sleep_again(struct weft_lock *lock, uint32_t *asleep, int waited, bool woken)
{
	uint32_t mine = 0; /* AWAKE, if it is */

	for (unsigned turn = 0;; turn++) {
		uint32_t word = load_relaxed(&lock->word);

		if (!(word & LOCKED)) {
			const uint32_t next = (word & ~(mine | STARVING | SUMMONED | OVERTAKES_MASK)) | LOCKED |
					      CONTENDED | cpu_here();

			if (cas_acquire(&lock->word, &word, next)) /* T4, P1 */
				return 0;
		} else if (waited == -ETIMEDOUT || waited == -ECANCELED) {
			if (cas_relaxed(&lock->word, &word, (word & ~(mine | STARVING)) | CONTENDED)) /* T6 */
				return waited;
		} else if (woken && turn < WEFT_SPIN_LOCK_TURNS && holder_elsewhere(word)) {
			const uint32_t claim = word & AWAKE ? 0 : AWAKE;

			if (!(word & STARVING) &&
			    cas_relaxed(&lock->word, &word, word | CONTENDED | STARVING | claim)) /* T5 */
				mine |= claim;
			weft_sys_pause();
		} else {
			*asleep = (word & ~mine) | CONTENDED | (woken ? STARVING : 0u);
			if (cas_relaxed(&lock->word, &word, *asleep)) /* T3 */
				return -EAGAIN;
		}
	}
}

WEFT_BODY int acquire(struct weft_lock *lock, const struct weft__limit *limit)
{
	bool woken = false;
	uint32_t asleep;
	int rc;

	if (take_or_sleep(lock, &asleep))
		return 0;
	do {
		const int waited = weft__wait(&lock->word, asleep, limit, asleep & SHARED);

		woken |= waited == 0;
		rc = take_or_sleep_again(lock, &asleep, waited, woken);
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

	if (deadline_ns <= 0)
		return weft_lock_try_acquire_slow(lock) == 0 ? 0 : weft__may_wait(&limit);
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
		if (cas_acquire(&lock->word, &word, taken(word))) /* P1 */
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
		wake = word & CONTENDED && (!(word & AWAKE) || has_overtaken_enough(word));
		next = word & ~(uint32_t)(LOCKED | CPU_MASK);
		if (wake)
			next = (next & ~(CONTENDED | OVERTAKES_MASK)) | SUMMONED;
	} while (!cas_release(&lock->word, &word, next)); /* T7, P1; the lock is not read again */
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
	return load_relaxed(&lock->word) & (LOCKED | CONTENDED | AWAKE | STARVING);
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
	if (word & (CONTENDED | AWAKE))
		weft__text_add(&text, ", contended");
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
