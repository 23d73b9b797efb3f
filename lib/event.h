/* SPDX-License-Identifier: MIT */
/*
 * event.h - the word of an event, for event.c and for wait.c, which waits for cancel tokens. Layer 2.
 */
#ifndef WEFT_LIB_EVENT_H
#define WEFT_LIB_EVENT_H

#include <weft/event.h>

enum {
	EVENT_SET = 1u << 0,
	EVENT_WAITERS = 1u << 1, /* somebody may sleep on the word: set must wake */
	EVENT_SHARED = 1u << 2,	 /* between processes; never changes */
	EVENT_WATCHED = 1u << 3, /* reserved for watched events: set, clear and wait always reach the library,
					   whose slow path looks for this bit; is_set needs no watching */
	EVENT_ROUND_SHIFT = 4,
};

#ifndef WEFT_EVENT_ROUND_BITS
#define WEFT_EVENT_ROUND_BITS 28
#endif

#define EVENT_ROUND_MASK (((1u << WEFT_EVENT_ROUND_BITS) - 1) << EVENT_ROUND_SHIFT)

/* The round: how often the event was set, counted from clear to set. */
static inline uint32_t event_round(uint32_t word)
{
	return word & EVENT_ROUND_MASK;
}

#endif
