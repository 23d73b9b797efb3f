/* SPDX-License-Identifier: MIT */
/*
 * time.h - deadlines: a time-out becomes one at the door, once, and sums saturate. Layer 1.
 *
 * A deadline of zero or less stands for "already expired"; CLOCK_MONOTONIC itself is always positive.
 */
#ifndef WEFT_LIB_TIME_H
#define WEFT_LIB_TIME_H

#include <weft/time.h>

/*
 * @now_ns + @timeout_ns; WEFT_FOREVER where that is more than a deadline can hold, 0 where there is nothing to
 * wait for.
 */
static inline int64_t weft__deadline(int64_t now_ns, int64_t timeout_ns)
{
	int64_t deadline_ns;

	if (timeout_ns <= 0)
		return 0;
	return __builtin_add_overflow(now_ns, timeout_ns, &deadline_ns) ? WEFT_FOREVER : deadline_ns;
}

/* The same from now; the clock is looked at only if that matters. */
static inline int64_t weft__deadline_in(int64_t timeout_ns)
{
	if (timeout_ns <= 0 || timeout_ns == WEFT_FOREVER)
		return timeout_ns <= 0 ? 0 : WEFT_FOREVER;
	return weft__deadline(weft_now(), timeout_ns);
}

#endif
