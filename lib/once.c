/* SPDX-License-Identifier: MIT */
/*
 * once.c - an initialiser that runs once. Layer 3.
 *
 * Guarantees
 *	ONCE-01	The initialiser has run, with success, before any call returns 0, and never does again.
 *	ONCE-02	At most one initialiser runs at a time. Whoever comes meanwhile sleeps, to its end and not longer.
 *	ONCE-03	One that fails has not run: the caller that ran it gets its error, and of those that wait one
 *		runs its own.
 *	ONCE-04	What it did is seen by all that return 0, and by the next after one that failed.
 *	ONCE-05	A call for the same once from inside its initialiser is -EDEADLK, not a hang.
 *	ONCE-06	Done, a call is one load. No system call but to sleep and to wake those that do.
 *
 * Word
 *	bit 0		DONE. The word is then DONE alone, which the inline path asks for (weft/once.h)
 *	bit 1		RUNNING: a thread is in an initialiser
 *	bit 2		WAITERS: threads may sleep; whoever ends an initialiser must wake
 *	bit 3		WATCHED: reserved. A watched once keeps it beside DONE, so that the inline path never
 *			matches and each call reaches the library
 *	0 is not done.
 *
 * Transitions
 *	T1  begin: neither DONE nor RUNNING -> RUNNING. WAITERS stays.
 *	T2  sleep: RUNNING -> WAITERS set. Sleeps on that very value.
 *	T3  succeeded: -> DONE. Wakes all, if WAITERS was set.
 *	T4  failed: RUNNING is cleared. Wakes one, if WAITERS is set; it stays set.
 *
 * Invariants
 *	I1  Whoever sleeps does so on a value with RUNNING and WAITERS. WAITERS is cleared by T3 only, which wakes
 *	    all: so a thread that begins before the one that T4 woke has come cannot forget the others. After
 *	    failures it may be set though nobody sleeps; then T4 wakes in vain.
 *	I2  T4 wakes one thread, which either begins, and in time ends, or finds RUNNING and sleeps again: then
 *	    another thread began and will end.
 *
 * Pairs
 *	P1  T3 (release) with the load that finds DONE (acquire).
 *	P2  T4 (release) with T1 (acquire). T2 between them is a read-modify-write, so release sequences go on.
 *
 * Lifetime
 *	The exchange of T3 and T4 is the last access; the wake uses the address only. A waiter looks at the word
 *	after it woke, so a once may be freed when all its callers have returned.
 *
 * Recursion
 *	A thread keeps a list, on its stack, of the initialisers that it is in. No other thread looks at it.
 */
#include <weft/once.h>
#include <weft/watch.h>

#include <weft_sys.h>

#include "atomic.h"
#include "bug.h"
#include "describe.h"
#include "futex.h"

enum {
	DONE = 1u << 0,
	RUNNING = 1u << 1,
	WAITERS = 1u << 2,
};

struct running {
	const struct weft_once *once;
	const struct running *outer;
};

static WEFT_SYS_THREAD_LOCAL const struct running *innermost;

static bool is_running_here(const struct weft_once *once)
{
	const struct running *each = innermost;

	while (each != NULL && each->once != once)
		each = each->outer;
	return each != NULL;
}

static int run_here(struct weft_once *once, int (*fn)(void *), void *arg)
{
	const struct running here = { once, innermost };
	uint32_t word = load_relaxed(&once->word);
	int rc;

	innermost = &here;
	rc = fn(arg);
	innermost = here.outer;

	if (rc >= 0) {
		word = exchange_release(&once->word, DONE); /* T3, P1; the once is not touched again */
		rc = 0;
	} else {
		while (!cas_release(&once->word, &word, word & ~(uint32_t)RUNNING)) /* T4, P2; as above */
			;
	}
	if (word & WAITERS)
		weft__futex_wake(&once->word, rc == 0 ? UINT32_MAX : 1, false);
	return rc;
}

int weft_once_call_slow(struct weft_once *once, int (*fn)(void *), void *arg)
{
	for (;;) {
		uint32_t word = load_acquire(&once->word); /* P1 */

		if (word & DONE)
			return 0;
		if (!(word & RUNNING)) {
			if (cas_acquire(&once->word, &word, word | RUNNING)) /* T1, P2 */
				return run_here(once, fn, arg);
		} else if (is_running_here(once)) {
			return weft__misuse(once, "weft_once_call", -EDEADLK);
		} else if (word & WAITERS || cas_relaxed(&once->word, &word, word | WAITERS)) { /* T2 */
			/* Every return is a hint, and there is no deadline. */
			(void)weft__futex_wait(&once->word, word | WAITERS, WEFT_FOREVER, false);
		}
	}
}

void weft_once_init(struct weft_once *once)
{
	store_relaxed(&once->word, 0); /* whoever hands the once to other threads orders this */
}

int weft_once_destroy(struct weft_once *once)
{
	const uint32_t word = load_relaxed(&once->word);

	/* WAITERS stays after failures, so it is a reason to ask, not an answer. */
	if (word & RUNNING || (word & WAITERS && weft__futex_slept_on(&once->word, false)))
		return weft__misuse(once, "weft_once_destroy", -EBUSY);
	return 0;
}

size_t weft_once_describe(const struct weft_once *once, char *buf, size_t size)
{
	const uint32_t word = load_relaxed(&once->word);
	struct weft__text text = weft__text(buf, size);

	weft__text_add(&text, word & DONE ? "done" : word & RUNNING ? "running" : "not done");
	return text.length;
}
