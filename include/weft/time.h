/* SPDX-License-Identifier: MIT */
/**
 * weft/time.h - time as every weft call takes it.
 *
 * All time is int64_t nanoseconds. A time-out is a length, a deadline a point on CLOCK_MONOTONIC as weft_now()
 * gives it, so a step of the wall clock neither shortens nor prolongs any wait. Zero or less does not wait. Sums
 * saturate: a time-out too large for the clock is for ever.
 */
#ifndef WEFT_TIME_H
#define WEFT_TIME_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

struct weft_event;

/** WEFT_FOREVER - a time-out or deadline that never expires. */
#define WEFT_FOREVER INT64_MAX
/** WEFT_TIMEOUT_MAX - the longest time-out that is not for ever (292 years). */
#define WEFT_TIMEOUT_MAX (INT64_MAX - 1)

/** WEFT_SEC() and its like - nanoseconds; integer constants for integer n, exact for int64_t; fractions work. */
#define WEFT_SEC(n) ((int64_t)((n) * INT64_C(1000000000)))
#define WEFT_MSEC(n) ((int64_t)((n) * INT64_C(1000000)))
#define WEFT_USEC(n) ((int64_t)((n) * INT64_C(1000)))

/**
 * weft_now() - the monotonic clock.
 *
 * Context: any, signal handlers too; makes no system call where the clock is in the vDSO.
 * Return: nanoseconds since an unspecified start, the same for every thread and process until reboot.
 */
WEFT_API int64_t weft_now(void);

/**
 * weft_seconds() - nanoseconds as seconds, for printing.
 * @ns: a length or a point in time.
 *
 * Context: any.
 * Return: ns / 1e9.
 */
WEFT_API double weft_seconds(int64_t ns);

/**
 * weft_sleep_for() - let time pass.
 * @timeout_ns: how long; zero or less returns at once, WEFT_FOREVER never returns.
 *
 * A signal handler that runs meanwhile does not end the sleep. Never returns early.
 *
 * Context: sleeps. Not a means of synchronisation.
 */
WEFT_API void weft_sleep_for(int64_t timeout_ns);

/**
 * weft_sleep_until() - sleep to a point in time, or until told to stop.
 * @deadline_ns: when, on weft_now()'s clock.
 * @cancel: ends the sleep when set; may be NULL.
 *
 * Context: sleeps.
 * Ordering: -ECANCELED: all that came before the set happened before.
 * Return: 0 once the time has come, -ECANCELED if @cancel was set before.
 */
WEFT_API WEFT_MUST_CHECK int weft_sleep_until(int64_t deadline_ns, struct weft_event *cancel);

WEFT_END_DECLS

#endif
