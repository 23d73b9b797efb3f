/* SPDX-License-Identifier: MIT */
/* The floor: one compare-exchange and one exchange, the least a lock with a waiter mark can do. It never waits. */
#include <stdatomic.h>
#include <stdint.h>

#include "peer.h"

#define PEER bare
#define PEER_TITLE "CAS + exchange"
#define PEER_HAS_FLOOR

typedef _Atomic(uint32_t) on_bare_lock_t;
static inline void on_bare_lock_init(on_bare_lock_t *l) { atomic_init(l, 0); }
static inline int on_bare_lock_fini(on_bare_lock_t *l) { return atomic_load_explicit(l, memory_order_relaxed) != 0; }
static inline void on_bare_lock_acquire(on_bare_lock_t *l)
{
	uint32_t word = 0;

	atomic_compare_exchange_strong_explicit(l, &word, 1, memory_order_acquire, memory_order_relaxed);
}
static inline void on_bare_lock_release(on_bare_lock_t *l)
{
	atomic_exchange_explicit(l, 0, memory_order_release);
}

#include "kernels.h"
