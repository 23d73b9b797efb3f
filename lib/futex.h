/* SPDX-License-Identifier: MIT */
/*
 * futex.h - sleeping on a word and waking at an address, with closed lists of returns. Layer 1.
 */
#ifndef WEFT_LIB_FUTEX_H
#define WEFT_LIB_FUTEX_H

#include <weft/time.h>

/*
 * Sleep while *word == expected, at most until @deadline_ns (weft_now()'s clock).
 *
 * Every return is a hint: the caller looks at the word again under its own protocol and comes back with the
 * same deadline.
 * Return: 0: woken, perhaps for no reason; -EAGAIN: *word differed, or a signal handler ran; -ETIMEDOUT.
 */
int weft__futex_wait(weft_atomic32_t *word, uint32_t expected, int64_t deadline_ns, bool shared);

/*
 * The same while also *other == other_expected.
 * Return: as above; -ENOSYS: this kernel cannot.
 */
int weft__futex_wait2(weft_atomic32_t *word, uint32_t expected, bool shared, weft_atomic32_t *other,
		      uint32_t other_expected, bool other_shared, int64_t deadline_ns);

/*
 * Wake the @n threads that have slept longest at @word, or all if they are fewer.
 *
 * Only the address is used. The object may have been freed and something else may live there; then a stranger
 * wakes for no reason, which every futex user must bear.
 */
void weft__futex_wake(weft_atomic32_t *word, uint32_t n, bool shared);

/* Whether a thread sleeps at @word, which nobody changes meanwhile; for destroy. */
bool weft__futex_slept_on(weft_atomic32_t *word, bool shared);

#endif
