/* SPDX-License-Identifier: MIT */
/*
 * event.c - a flag that threads wait for. Layer 3.
 *
 * Guarantees
 *	EVT-01 to EVT-10. A set ends every wait that had begun, even if a clear follows at once. No system call
 *	unless somebody sleeps. A wait that returns -ETIMEDOUT looked at the event after its deadline, so no set
 *	came before that return.
 *
 * Word (lib/event.h)
 *	SET, WAITERS, SHARED, WATCHED, and the round, a count of sets. A waiter remembers the round in which it
 *	came; a word with another round was set meanwhile, whatever SET says now.
 *
 * Transitions
 *	T1  set: if not SET, SET and round + 1; clears WAITERS and, if that was set, wakes all. If SET already,
 *	    the same word again, for the ordering.
 *	T2  clear: not SET.
 *	T3  announce: a waiter that finds neither SET nor another round sets WAITERS, and sleeps on that very
 *	    value.
 *
 * Invariants
 *	I1  Whoever sleeps does so on a value with WAITERS, of its own round. T1 changes the round, so it cannot
 *	    fall asleep after the set that it waits for, and T1 sees WAITERS, so it is woken if it slept before.
 *	I2  The round wraps after 2^28 sets. A waiter would have to be kept from running through exactly as many
 *	    and look in the moment between a clear and the next set; it would then go on waiting for the next.
 *
 * Pairs
 *	P1  T1 (release) with the waiter's and is_set's load (acquire). All changes are read-modify-writes, so a
 *	    later clear or announce continues T1's release sequence, and a waiter let go by its round sees what
 *	    came before T1.
 *	P2  T2 is acquire: what came before a set that it takes back is seen by the thread that cleared, which may
 *	    look for work next. And release, with an acquire load that finds the event clear: a clear can answer a
 *	    set.
 *
 * Lifetime
 *	T1's compare-exchange is the last access; the wake uses the address only. A waiter reads the word after
 *	it woke, so an event may be freed when all its waiters have returned, not when the first has.
 */
#include "event.h"

#include <weft/watch.h>

#include "atomic.h"
#include "bug.h"
#include "describe.h"
#include "futex.h"
#include "spin.h"
#include "wait.h"

void weft_event_set(struct weft_event *event)
{
	uint32_t word, next;

	do {
		word = load_relaxed(&event->word);
		next = word;
		if (!(word & EVENT_SET))
			next = (word & ~(uint32_t)(EVENT_WAITERS | EVENT_ROUND_MASK)) | EVENT_SET |
			       event_round(word + (1u << EVENT_ROUND_SHIFT));
	} while (!cas_release(&event->word, &word, next)); /* T1, P1; the event is not read again */
	if (!(word & EVENT_SET) && word & EVENT_WAITERS)
		weft__futex_wake(&event->word, UINT32_MAX, word & EVENT_SHARED);
}

void weft_event_clear(struct weft_event *event)
{
	atomic_fetch_and_explicit(&event->word, ~(uint32_t)EVENT_SET, memory_order_acq_rel); /* T2, P2 */
}

/* Whether a look at the event within a spin, not announced, was enough. */
static bool spin_until_set(const struct weft_event *event, uint32_t round)
{
	struct weft__spin spin = weft__spin_by_luck();
	bool set = false;

	while (!set && weft__spin_turn(&spin)) {
		const uint32_t word = load_acquire(&event->word); /* P1 */

		set = word & EVENT_SET || event_round(word) != round;
	}
	weft__spin_was_lucky(&spin, set);
	return set;
}

WEFT_BODY int wait_within(struct weft_event *event, const struct weft__limit *limit)
{
	int rc = weft__may_wait(limit);		    /* first, so that a set before the token's is seen */
	uint32_t word = load_acquire(&event->word); /* P1 */
	const uint32_t round = event_round(word);

	if (rc == 0 && !(word & EVENT_SET) && spin_until_set(event, round))
		return 0;
	for (;; word = load_acquire(&event->word)) { /* P1 */
		if (word & EVENT_SET || event_round(word) != round)
			return 0;
		if (rc == -ETIMEDOUT || rc == -ECANCELED)
			return rc;
		if (!(word & EVENT_WAITERS) && !cas_relaxed(&event->word, &word, word | EVENT_WAITERS)) /* T3 */
			continue;
		rc = weft__wait(&event->word, word | EVENT_WAITERS, limit, word & EVENT_SHARED);
	}
}

int weft_event_wait_slow(struct weft_event *event)
{
	const struct weft__limit limit = weft__limit_none();

	return wait_within(event, &limit);
}

int weft_event_wait_for_slow(struct weft_event *event, int64_t timeout_ns)
{
	const struct weft__limit limit = weft__limit_in(timeout_ns);

	return wait_within(event, &limit);
}

int weft_event_wait_until_slow(struct weft_event *event, int64_t deadline_ns, struct weft_event *cancel)
{
	const struct weft__limit limit = weft__limit(deadline_ns, cancel);

	return wait_within(event, &limit);
}

void weft_event_init(struct weft_event *event)
{
	store_relaxed(&event->word, 0); /* whoever hands the event to other threads orders this */
}

void weft_event_init_shared(struct weft_event *event)
{
	store_relaxed(&event->word, EVENT_SHARED);
}

int weft_event_destroy(struct weft_event *event)
{
	const uint32_t word = load_relaxed(&event->word);

	/* WAITERS stays after a wait that timed out, so it is a reason to ask, not an answer. */
	if (word & EVENT_WAITERS && weft__futex_slept_on(&event->word, word & EVENT_SHARED))
		return weft__misuse(event, "weft_event_destroy", -EBUSY);
	return 0;
}

size_t weft_event_describe(const struct weft_event *event, char *buf, size_t size)
{
	struct weft__text text = weft__text(buf, size);

	weft__text_add(&text, weft_event_is_set(event) ? "set" : "unset");
	return text.length;
}
