/* SPDX-License-Identifier: MIT */
/*
 * self.h - who the calling thread is. Layer 1.
 */
#ifndef WEFT_LIB_SELF_H
#define WEFT_LIB_SELF_H

#include <weft_sys.h>

/*
 * A number that no other thread of this process ever had or will have, below 2^63, never 0. The forking thread
 * keeps it in the child.
 */
uint64_t weft__self(void);

/*
 * The same among all processes that can share memory with this one; bit 63 is set. A forked child gets its own.
 */
uint64_t weft__self_shared(void);

/*
 * The CPU from which this thread was last notified, in lib/spin.h's form: the best guess at where the next
 * notification will come from. A condition cannot keep it, as both sides of a ping-pong may use one.
 */
extern WEFT_SYS_THREAD_LOCAL uint32_t weft__self_waker;

/* How this thread fared lately with spinning without any grounds (lib/spin.h). */
extern WEFT_SYS_THREAD_LOCAL uint32_t weft__self_luck;

/* The kernel's thread number within what weft__self_shared() gave. */
static inline unsigned weft__self_shared_tid(uint64_t self)
{
	return (unsigned)(self >> 41 & 0x3fffff);
}

#endif
