/* SPDX-License-Identifier: MIT */
/*
 * latch.c - a count that threads wait to see at zero. Layer 3.
 *
 * Guarantees
 *	LATCH-01 A wait returns 0 when the count is zero, and not before it has been so during the wait.
 *	LATCH-02 All that sleep for the end of a round return when it ends, even if a count_up follows at once.
 *	LATCH-03 Counting is exact: below zero is -EINVAL, over WEFT_LATCH_MAX -EOVERFLOW, and nothing is counted.
 *	LATCH-04 What came before the count_downs of a round is seen by those that it lets go.
 *	LATCH-05 No system call unless a round ends for which somebody has slept.
 *	LATCH-06 Who returned 0 in the last round may free the latch under the hands of the count_down.
 *
 * Words
 *	word	bit 0 WAITERS: threads may sleep for the end of this round. bit 1: 0. bits 2-7 the tag: how many
 *		rounds have ended with WAITERS, modulo 64. bits 8-31: the count.
 *	gate	bit 0 SHARED: between processes; fixed by init. bit 1: reserved for WATCHED; no function that counts
 *		is inline, so the library looks for it itself. bits 2-31: for how many of these rounds the
 *		count_down that ended them has come to its last step. What waiters sleep on.
 *	The gate is owed a step for each round that the tag is ahead of it. The latch is open when the count is
 *	zero and nothing is owed.
 *
 * Transitions
 *	T1  count up: count + n.
 *	T2  count down, WAITERS not set or not to zero: count - n.
 *	T3  count down, to zero with WAITERS: count 0, tag + 1, WAITERS cleared; then T4.
 *	T4  gate + 1; wakes all.
 *	T5  announce: WAITERS set, if the gate is owed less than half of what a tag can tell. The waiter then joins
 *	    a round in which it has seen WAITERS (its own, if that goes on), and sleeps until T4 was done for it.
 *	    A waiter that finds the count at zero joins none, and waits for what is owed.
 *
 * Invariants
 *	I1  Rounds that ended with WAITERS = steps of the gate + steps owed; steps owed <= MOST_OWED, so that tag
 *	    and gate tell how many there are.
 *	I2  A look at both words counts if the gate was the same before and after it. The gate is never ahead of
 *	    the word seen (P2) and never behind it by more than I1 allows (P3).
 *	I3  A waiter of the k-th such round goes when the gate has come to k + 1. That other rounds' T4 may have
 *	    helped it there does no harm: its own has then ended, too (LATCH-01); and when the last round's waiters
 *	    go, every T4 is done (LATCH-06).
 *	I4  A waiter whose time is up leaves WAITERS behind, so that the end of the round may wake in vain. If its
 *	    round has ended meanwhile it waits for T4, which is on its way.
 *	I5  The gate wraps after 2^30 such rounds, during which a waiter would have to be kept from running.
 *
 * Pairs
 *	P1  T2, T3 (release) with the load that finds the count at zero (acquire). All changes are
 *	    read-modify-writes, so the last count_down continues the others' release sequences.
 *	P2  T4 (release) with the waiter's load of the gate (acquire). T3 is acquire, too, so that it hands on
 *	    what the other count_downs released. And a look that sees the step sees the tag that it is for.
 *	P3  T5 (release) with the load of the word (acquire): who sees a round that has waiters sees the gate at
 *	    least as they did.
 *
 * Lifetime
 *	T2 is the last access if there is nothing to wake. Else T4 is, and until then nobody returns 0: who sleeps
 *	waits for it, and who finds the count at zero sees that a step is owed. The wake uses the address only.
 *
 * Not chosen: one word that the waiters sleep on. It must have count and round in it; a round of few bits comes
 * round while a waiter is on its way, and one of many leaves few for the count.
 */
#include <weft/latch.h>
#include <weft/watch.h>

#include "atomic.h"
#include "bug.h"
#include "describe.h"
#include "futex.h"
#include "spin.h"
#include "wait.h"

/* At most 6, as the inline path looks at so many. */
#ifndef WEFT_LATCH_TAG_BITS
#define WEFT_LATCH_TAG_BITS 6
#endif

enum {
	WAITERS = 1u << 0,
	SHARED = 1u << 0, /* of the gate */
	STEP = 1u << 2,	  /* of tag and gate */
	TAG_MASK = ((1u << WEFT_LATCH_TAG_BITS) - 1) * STEP,
	MOST_OWED = (1u << (WEFT_LATCH_TAG_BITS - 1)) * STEP,
	COUNT_SHIFT = 8,
	ONE = 1u << COUNT_SHIFT,
};

static uint32_t owed(uint32_t word, uint32_t gate)
{
	return ((word & TAG_MASK) - (gate & TAG_MASK)) & TAG_MASK;
}

static bool has_come_to(uint32_t gate, uint32_t target)
{
	return (int32_t)(gate - target) >= 0;
}

int weft_latch_count_up(struct weft_latch *latch, unsigned n)
{
	uint32_t word;

	do {
		word = load_relaxed(&latch->word);
		if (n == 0)
			return weft__misuse(latch, "weft_latch_count_up", -EINVAL);
		if (n > WEFT_LATCH_MAX - (word >> COUNT_SHIFT))
			return weft__misuse(latch, "weft_latch_count_up", -EOVERFLOW);
	} while (!cas_relaxed(&latch->word, &word, word + n * ONE)); /* T1; whoever is told of it orders this */
	return 0;
}

int weft_latch_count_down(struct weft_latch *latch, unsigned n)
{
	uint32_t word, next;
	bool wake;

	do {
		word = load_relaxed(&latch->word);
		if (n == 0 || n > word >> COUNT_SHIFT)
			return weft__misuse(latch, "weft_latch_count_down", -EINVAL);
		wake = word >> COUNT_SHIFT == n && word & WAITERS;
		next = wake ? (word + STEP) & TAG_MASK : word - n * ONE;
	} while (!cas_acq_rel(&latch->word, &word, next)); /* T2, T3, P1; the end if nobody waits */
	if (wake) {
		const uint32_t gate = add_release(&latch->gate, STEP); /* T4, P2; the latch is not touched again */

		weft__futex_wake(&latch->gate, UINT32_MAX, gate & SHARED);
	}
	return 0;
}

/* Both words at one moment (I2). */
static void look(const struct weft_latch *latch, uint32_t *word, uint32_t *gate)
{
	do {
		*gate = load_acquire(&latch->gate);    /* P2 */
		*word = load_acquire(&latch->word);    /* P1, P3 */
	} while (load_relaxed(&latch->gate) != *gate); /* relaxed: only whether it is the same */
}

/*
 * T5. @rc: why the wait may not begin.
 *
 * Return: 0: *target is what the gate must come to, *over whether it does so by itself; else @rc, or why it ended.
 */
WEFT_BODY int join(struct weft_latch *latch, const struct weft__limit *limit, int rc, uint32_t *target, bool *over)
{
	for (;;) {
		uint32_t word, gate;

		look(latch, &word, &gate);
		*target = gate + owed(word, gate);
		*over = word < ONE;
		if (*over)
			return 0;
		if (rc == -ETIMEDOUT || rc == -ECANCELED)
			return rc;
		if (word & WAITERS) {
			*target += STEP;
			return 0;
		}
		if (owed(word, gate) < MOST_OWED)
			(void)cas_release(&latch->word, &word, word | WAITERS); /* P3; and look again */
		else
			rc = weft__wait(&latch->gate, gate, limit, gate & SHARED);
	}
}

/* Whether looks within a spin, not announced, were enough. */
static bool spin_until_open(const struct weft_latch *latch)
{
	struct weft__spin spin = weft__spin_by_luck();
	bool open = false;

	while (!open && weft__spin_turn(&spin))
		open = weft__latch_open(latch);
	weft__spin_was_lucky(&spin, open);
	return open;
}

WEFT_BODY int wait_within(struct weft_latch *latch, const struct weft__limit *limit)
{
	const struct weft__limit none = weft__limit_none();
	int rc = weft__may_wait(limit);
	uint32_t target;
	bool over;

	if (rc == 0 && spin_until_open(latch))
		return 0;
	rc = join(latch, limit, rc, &target, &over);
	while (rc != -ETIMEDOUT && rc != -ECANCELED) {
		const uint32_t gate = load_acquire(&latch->gate); /* P2 */

		if (has_come_to(gate, target))
			return 0;
		rc = weft__wait(&latch->gate, gate, over ? &none : limit, gate & SHARED);
		if (rc != -ETIMEDOUT && rc != -ECANCELED)
			continue;
		/* The word first: if many rounds have ended, and the tag is the same again, the gate tells. */
		over = ((load_acquire(&latch->word) ^ (target - STEP)) & TAG_MASK) != 0; /* I4 */
		if (over || has_come_to(load_acquire(&latch->gate), target))
			rc = 0;
	}
	return rc;
}

int weft_latch_wait_slow(struct weft_latch *latch)
{
	const struct weft__limit limit = weft__limit_none();

	return wait_within(latch, &limit);
}

int weft_latch_wait_for_slow(struct weft_latch *latch, int64_t timeout_ns)
{
	const struct weft__limit limit = weft__limit_in(timeout_ns);

	return wait_within(latch, &limit);
}

int weft_latch_wait_until_slow(struct weft_latch *latch, int64_t deadline_ns, struct weft_event *cancel)
{
	const struct weft__limit limit = weft__limit(deadline_ns, cancel);

	return wait_within(latch, &limit);
}

/* Relaxed: whoever hands the latch to other threads orders this. */
static int init(struct weft_latch *latch, const char *call, unsigned count, uint32_t gate)
{
	if (count > WEFT_LATCH_MAX)
		return weft__misuse(latch, call, -EINVAL);
	store_relaxed(&latch->word, count * ONE);
	store_relaxed(&latch->gate, gate);
	return 0;
}

int weft_latch_init(struct weft_latch *latch, unsigned count)
{
	return init(latch, "weft_latch_init", count, 0);
}

int weft_latch_init_shared(struct weft_latch *latch, unsigned count)
{
	return init(latch, "weft_latch_init_shared", count, SHARED);
}

int weft_latch_destroy(struct weft_latch *latch)
{
	const uint32_t word = load_relaxed(&latch->word), gate = load_relaxed(&latch->gate);

	/* WAITERS stays after a wait that timed out, so it is a reason to ask, not an answer. */
	if ((word & WAITERS || owed(word, gate) != 0) && weft__futex_slept_on(&latch->gate, gate & SHARED))
		return weft__misuse(latch, "weft_latch_destroy", -EBUSY);
	return 0;
}

size_t weft_latch_describe(const struct weft_latch *latch, char *buf, size_t size)
{
	struct weft__text text = weft__text(buf, size);

	weft__text_add(&text, "count=%u", weft_latch_count(latch));
	return text.length;
}
