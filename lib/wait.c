/* SPDX-License-Identifier: MIT */
/*
 * wait.c - a sleep that ends by wake-up, deadline or cancel token, whichever is first. Layer 2.
 *
 * Guarantees
 *	A token that was set when the wait began, or that is set at any time during it, ends the wait, also if
 *	it is cleared at once. No thread, no allocation, no registration: one futex_waitv on both words.
 * Word
 *	the token's (lib/event.h). The waiter sees to it that EVENT_WAITERS is set in the value that it sleeps
 *	on, so weft_event_set() knows that it must wake.
 * Invariants
 *	I1  A thread sleeps on a token only with a value in which WAITERS is set and SET is not.
 * Pairs
 *	P1  weft_event_set() (release) with the load here (acquire).
 * Without futex_waitv
 *	(Linux before 5.16, or a filter) the sleep is cut in slices, with a look at the token between them.
 *	Correct, and late by up to a slice; the first refusal is remembered.
 */
#include "wait.h"

#include "atomic.h"
#include "futex.h"

#ifndef WEFT_WAIT_SLICE_NS
#define WEFT_WAIT_SLICE_NS 2000000
#endif

/* 1: this kernel has no futex_waitv. Relaxed: a hint, the kernel answers the same each time. */
static weft_atomic32_t no_wait2;

static int wait_sliced(weft_atomic32_t *word, uint32_t expected, int64_t deadline_ns, bool shared)
{
	const int64_t slice_end = weft__deadline_in(WEFT_WAIT_SLICE_NS);
	const int rc = weft__futex_wait(word, expected, slice_end < deadline_ns ? slice_end : deadline_ns, shared);

	return rc == -ETIMEDOUT && slice_end < deadline_ns ? -EAGAIN : rc;
}

static bool is_cancelled(const struct weft__limit *limit, uint32_t token)
{
	return token & EVENT_SET || event_round(token) != limit->cancel_round;
}

int weft__may_wait(const struct weft__limit *limit)
{
	if (limit->cancel != NULL && is_cancelled(limit, load_acquire(&limit->cancel->word))) /* P1 */
		return -ECANCELED;
	return limit->deadline_ns <= 0 ? -ETIMEDOUT : 0;
}

int weft__wait(weft_atomic32_t *word, uint32_t expected, const struct weft__limit *limit, bool shared)
{
	struct weft_event *const cancel = limit->cancel;
	uint32_t token;
	int rc;

	if (limit->deadline_ns <= 0)
		return weft__may_wait(limit);
	if (cancel == NULL)
		return weft__futex_wait(word, expected, limit->deadline_ns, shared);
	do {
		token = load_acquire(&cancel->word); /* P1 */
		if (is_cancelled(limit, token))
			return -ECANCELED;
	} while (!(token & EVENT_WAITERS) && !cas_relaxed(&cancel->word, &token, token | EVENT_WAITERS)); /* I1 */

	if (load_relaxed(&no_wait2) == 0) {
		rc = weft__futex_wait2(word, expected, shared, &cancel->word, token | EVENT_WAITERS,
				       token & EVENT_SHARED, limit->deadline_ns);
		if (rc != -ENOSYS)
			return rc;
		store_relaxed(&no_wait2, 1);
	}
	return wait_sliced(word, expected, limit->deadline_ns, shared);
}
