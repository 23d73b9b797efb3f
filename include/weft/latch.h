/* SPDX-License-Identifier: MIT */
/**
 * weft/latch.h - a count that threads wait to see at zero: a count-down latch, or, counted up again, a wait group.
 *
 * A round begins when the count leaves zero and ends when it is back. Every thread that slept for the end of a round
 * returns, even if the next begins at once. Python has none; a Condition and a number take its place there.
 */
#ifndef WEFT_LATCH_H
#define WEFT_LATCH_H

#include <weft/time.h>

WEFT_BEGIN_DECLS

/** WEFT_LATCH_MAX - the highest count. */
#define WEFT_LATCH_MAX 16777215

/** struct weft_latch - 8 bytes; embed it; never copy or move one. */
struct weft_latch {
	weft_atomic32_t word;	/* bits 8-31: the count; below: the library's */
	weft_atomic32_t gate;	/* what waiters sleep on (lib/latch.c) */
};

/** WEFT_LATCH_INIT() - at @count; zeroed memory is WEFT_LATCH_INIT(0). */
#define WEFT_LATCH_INIT(count) { (uint32_t)(count) << 8, 0 }

/**
 * weft_latch_init() - at @count, whatever it was.
 * weft_latch_init_shared() - the same, in memory that several processes map.
 *
 * Context: any, while nobody else uses @latch.
 * Return: 0, or -EINVAL: @count is over WEFT_LATCH_MAX (which a negative number is), and nothing was done.
 */
WEFT_API int weft_latch_init(struct weft_latch *latch, unsigned count);
WEFT_API int weft_latch_init_shared(struct weft_latch *latch, unsigned count);

/**
 * weft_latch_count_up() - there are @n more to wait for. From zero this opens a new round.
 * weft_latch_count_down() - there are @n fewer. At zero all that wait are let go.
 *
 * Context: any, signal handlers too; a system call only if the count comes to zero and somebody waits.
 * Ordering: everything before a count_down happens before the return of the waits that are let go in its round.
 * Return: 0; -EINVAL: @n is 0, or more than the count (down); -EOVERFLOW: over WEFT_LATCH_MAX (up). On an error
 * nothing was counted, and the misuse hook was told.
 */
WEFT_API int weft_latch_count_up(struct weft_latch *latch, unsigned n);
WEFT_API int weft_latch_count_down(struct weft_latch *latch, unsigned n);

/* The library's halves of the inline functions below. */
WEFT_API int weft_latch_wait_slow(struct weft_latch *latch);
WEFT_API int weft_latch_wait_for_slow(struct weft_latch *latch, int64_t timeout_ns);
WEFT_API int weft_latch_wait_until_slow(struct weft_latch *latch, int64_t deadline_ns, struct weft_event *cancel);

/**
 * weft_latch_wait() - wait until the count is zero.
 * weft_latch_wait_for() - at most @timeout_ns; zero or less is a look.
 * weft_latch_wait_until() - until @deadline_ns or until @cancel (may be NULL) is set.
 * @latch: the latch. A count of zero is found before clock and token are looked at.
 *
 * A thread that has returned 0 may free the latch, if no round was begun since, even while the count_down that let it
 * go is still under way.
 *
 * Context: may sleep.
 * Ordering: everything before the count_downs of the round happens before the return of 0.
 * Return: 0; timed: -ETIMEDOUT, -ECANCELED.
 */
WEFT_API int weft_latch_wait(struct weft_latch *latch);
WEFT_API WEFT_MUST_CHECK int weft_latch_wait_for(struct weft_latch *latch, int64_t timeout_ns);
WEFT_API WEFT_MUST_CHECK int weft_latch_wait_until(struct weft_latch *latch, int64_t deadline_ns,
						   struct weft_event *cancel);

/** weft_latch_count() - the count now; a snapshot, which orders nothing. Context: any, signal handlers too. */
WEFT_API unsigned weft_latch_count(const struct weft_latch *latch);

/** weft_latch_destroy() - as weft_lock_destroy(), at any count. Return: 0, or -EBUSY: a thread sleeps in a wait. */
WEFT_API int weft_latch_destroy(struct weft_latch *latch);

/** weft_latch_describe() - "count=n"; as weft_lock_describe(). */
WEFT_API size_t weft_latch_describe(const struct weft_latch *latch, char *buf, size_t size);

/* ---- inline: at zero, with no count_down still to open the gate ---- */

WEFT_API bool weft__latch_open(const struct weft_latch *latch);
WEFT_INLINE bool weft__latch_open(const struct weft_latch *latch)
{
	const uint32_t word = weft__load(&latch->word, WEFT__ACQUIRE);

	return word < 256 && ((word ^ weft__load(&latch->gate, WEFT__ACQUIRE)) & 252) == 0;
}

WEFT_INLINE int weft_latch_wait(struct weft_latch *latch)
{
	return WEFT__LIKELY(weft__latch_open(latch)) ? 0 : weft_latch_wait_slow(latch);
}

WEFT_INLINE int weft_latch_wait_for(struct weft_latch *latch, int64_t timeout_ns)
{
	return weft__latch_open(latch) ? 0 : weft_latch_wait_for_slow(latch, timeout_ns);
}

WEFT_INLINE int weft_latch_wait_until(struct weft_latch *latch, int64_t deadline_ns, struct weft_event *cancel)
{
	return weft__latch_open(latch) ? 0 : weft_latch_wait_until_slow(latch, deadline_ns, cancel);
}

WEFT_INLINE unsigned weft_latch_count(const struct weft_latch *latch)
{
	return weft__load(&latch->word, WEFT__RELAXED) >> 8;
}

WEFT_END_DECLS

#endif
