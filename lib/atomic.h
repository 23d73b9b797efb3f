/* SPDX-License-Identifier: MIT */
/*
 * atomic.h - the operations on shared words, each with its memory order in its name. Layer 0.
 *
 * There are no others in the library: no implicit seq_cst, no fence, no volatile. A use cites the pair it
 * belongs to (P1 …) from the top of its file, or says why relaxed is enough. A failed compare-exchange is
 * always relaxed, and leaves what it found in *expected.
 */
#ifndef WEFT_LIB_ATOMIC_H
#define WEFT_LIB_ATOMIC_H

#include <weft/base.h>

/* For the body that several slow paths share: a profile then names the path that the user called, not the body. */
#define WEFT_BODY static inline __attribute__((__always_inline__))

static inline uint32_t load_relaxed(const weft_atomic32_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static inline uint32_t load_acquire(const weft_atomic32_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static inline void store_relaxed(weft_atomic32_t *word, uint32_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

static inline void store_release(weft_atomic32_t *word, uint32_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
}

static inline uint32_t exchange_release(weft_atomic32_t *word, uint32_t value)
{
	return atomic_exchange_explicit(word, value, memory_order_release);
}

static inline uint32_t add_release(weft_atomic32_t *word, uint32_t value)
{
	return atomic_fetch_add_explicit(word, value, memory_order_release);
}

static inline bool cas_relaxed(weft_atomic32_t *word, uint32_t *expected, uint32_t desired)
{
	return atomic_compare_exchange_strong_explicit(word, expected, desired, memory_order_relaxed,
						       memory_order_relaxed);
}

static inline bool cas_acquire(weft_atomic32_t *word, uint32_t *expected, uint32_t desired)
{
	return atomic_compare_exchange_strong_explicit(word, expected, desired, memory_order_acquire,
						       memory_order_relaxed);
}

static inline bool cas_acq_rel(weft_atomic32_t *word, uint32_t *expected, uint32_t desired)
{
	return atomic_compare_exchange_strong_explicit(word, expected, desired, memory_order_acq_rel,
						       memory_order_relaxed);
}

static inline bool cas_release(weft_atomic32_t *word, uint32_t *expected, uint32_t desired)
{
	return atomic_compare_exchange_strong_explicit(word, expected, desired, memory_order_release,
						       memory_order_relaxed);
}

#endif
