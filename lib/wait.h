/* SPDX-License-Identifier: MIT */
/*
 * wait.h - one sleep of a wait that may have a deadline and a cancel token. Layer 2.
 */
#ifndef WEFT_LIB_WAIT_H
#define WEFT_LIB_WAIT_H

#include "event.h"
#include "time.h"

/* How far a wait goes. Made once, at the door, and kept through all sleeps of the wait. */
struct weft__limit {
	int64_t deadline_ns;
	struct weft_event *cancel;
	uint32_t cancel_round; /* the token's at the door: set and cleared since then is cancelled too */
};

static inline struct weft__limit weft__limit(int64_t deadline_ns, struct weft_event *cancel)
{
	return (struct weft__limit){ deadline_ns, cancel,
				     cancel ? event_round(weft__load(&cancel->word, memory_order_relaxed)) : 0 };
}

static inline struct weft__limit weft__limit_none(void)
{
	return (struct weft__limit){ WEFT_FOREVER, NULL, 0 };
}

static inline struct weft__limit weft__limit_in(int64_t timeout_ns)
{
	return (struct weft__limit){ weft__deadline_in(timeout_ns), NULL, 0 };
}

/*
 * Whether @limit leaves time to wait at all; asked before a waiter announces itself, so that a look leaves no mark.
 *
 * Return: 0; -ETIMEDOUT: the deadline is zero or less; -ECANCELED: the token was set (acquire, as below).
 */
int weft__may_wait(const struct weft__limit *limit);

/*
 * Sleep while *word == expected, within @limit.
 *
 * Every return is a hint; the caller looks at the word again before it believes any, so that what can be had is
 * granted before clock and token count.
 * Return: 0: woken; -EAGAIN: the word differed, or no reason; -ETIMEDOUT; -ECANCELED: the token was set
 * (acquire: what came before that happened before).
 */
int weft__wait(weft_atomic32_t *word, uint32_t expected, const struct weft__limit *limit, bool shared);

#endif
