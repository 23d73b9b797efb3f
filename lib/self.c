/* SPDX-License-Identifier: MIT */
/*
 * self.c - thread identities that are never used twice. Layer 1.
 *
 * The private identity is a 64-bit count of the threads that ever asked. Neither a thread id nor the address of
 * a per-thread block will do: both come back, and an rlock left locked by a thread that ended would then be
 * taken for its successor's (RLOCK-10).
 *
 * The shared identity must differ between processes without their agreeing on a counter: the kernel's thread id
 * (22 bits) and the time of asking in units of 1.024 us (41 bits). Two threads can be alike only if the later
 * one got the earlier one's thread id after it ended and asked in the same microsecond of a 26-day cycle.
 */
#include "self.h"

#include <weft/time.h>

#include "bug.h"

__thread uint64_t weft__self_serial;
WEFT_SYS_THREAD_LOCAL uint32_t weft__self_waker;
WEFT_SYS_THREAD_LOCAL uint32_t weft__self_luck;
static WEFT_SYS_THREAD_LOCAL uint64_t shared_serial;

static weft_atomic64_t last_serial;

uint64_t weft__self(void)
{
	/* Relaxed: only the count itself matters. */
	if (weft__self_serial == 0)
		weft__self_serial = atomic_fetch_add_explicit(&last_serial, 1, memory_order_relaxed) + 1;
	return weft__self_serial;
}

uint64_t weft__self_shared(void)
{
	if (shared_serial == 0)
		shared_serial = UINT64_C(1) << 63 | (uint64_t)(weft_sys_thread_id() & 0x3fffff) << 41 |
				((uint64_t)weft_now() >> 10 & ((UINT64_C(1) << 41) - 1));
	return shared_serial;
}

/*
 * The child's thread is another thread to all processes but itself, where private rlocks stay its own
 * (RLOCK-13).
 */
static void forget_shared(void)
{
	shared_serial = 0;
}

__attribute__((__constructor__)) static void watch_forks(void)
{
	if (weft_sys_at_fork_child(forget_shared) != 0)
		WEFT_BUG("no memory for a fork handler");
}
