/* SPDX-License-Identifier: MIT */
/**
 * weft/event.h - a flag that threads wait for, Python's Event; also the cancel token of every ..._until call.
 *
 * Set stays set until it is cleared. Every thread that was waiting when the event was set returns, even if the
 * event is cleared at once.
 */
#ifndef WEFT_EVENT_H
#define WEFT_EVENT_H

#include <weft/time.h>

WEFT_BEGIN_DECLS

/** struct weft_event - 4 bytes; embed it; never copy or move one. The word is the library's; bit 0 is "set". */
struct weft_event {
	weft_atomic32_t word;
};

/** WEFT_EVENT_INIT - a clear event, the same as zeroed memory. */
#define WEFT_EVENT_INIT { 0 }

/** weft_event_init(), weft_event_init_shared() - make it clear, whatever it was; shared: between processes. */
WEFT_API void weft_event_init(struct weft_event *event);
WEFT_API void weft_event_init_shared(struct weft_event *event);

/* The library's halves of the inline functions below. */
WEFT_API int weft_event_wait_slow(struct weft_event *event);
WEFT_API int weft_event_wait_for_slow(struct weft_event *event, int64_t timeout_ns);
WEFT_API int weft_event_wait_until_slow(struct weft_event *event, int64_t deadline_ns, struct weft_event *cancel);

/**
 * weft_event_set() - let all that wait go, and all that come, until the event is cleared.
 *
 * A waiter that returns may free the event while set is still under way.
 *
 * Context: any, signal handlers too; a system call only if somebody waits.
 * Ordering: everything before it happens before the return of every wait that it ends, and before an is_set that
 * finds it set.
 */
WEFT_API void weft_event_set(struct weft_event *event);

/**
 * weft_event_clear() - make those who come from now on wait.
 *
 * Context: any, signal handlers too; never a system call.
 * Ordering: what came before a set that it takes back happens before its return; everything before it happens before
 * an is_set that finds the event cleared by it.
 */
WEFT_API void weft_event_clear(struct weft_event *event);

/** weft_event_is_set() - whether it is set now. Context: any. Ordering: as a wait, if it returns true. */
WEFT_API bool weft_event_is_set(const struct weft_event *event);

/**
 * weft_event_wait() - wait until it is set.
 * weft_event_wait_for() - at most @timeout_ns; zero or less is a look.
 * weft_event_wait_until() - until @deadline_ns or until @cancel (may be NULL) is set.
 * @event: the event. A set event is found before clock and token are looked at.
 *
 * Context: may sleep.
 * Ordering: everything before the set happens before the return of 0.
 * Return: 0; timed: -ETIMEDOUT, never after a set that came before the return; -ECANCELED.
 */
WEFT_API int weft_event_wait(struct weft_event *event);
WEFT_API WEFT_MUST_CHECK int weft_event_wait_for(struct weft_event *event, int64_t timeout_ns);
WEFT_API WEFT_MUST_CHECK int weft_event_wait_until(struct weft_event *event, int64_t deadline_ns,
						   struct weft_event *cancel);

/** weft_event_destroy() - as weft_lock_destroy(). Return: 0, or -EBUSY: a thread sleeps in a wait for it. */
WEFT_API int weft_event_destroy(struct weft_event *event);

/** weft_event_describe() - "set" or "unset"; as weft_lock_describe(). */
WEFT_API size_t weft_event_describe(const struct weft_event *event, char *buf, size_t size);

/* ---- inline ---- */

WEFT_INLINE bool weft_event_is_set(const struct weft_event *event)
{
	return weft__load(&event->word, WEFT__ACQUIRE) & 1;
}

WEFT_INLINE int weft_event_wait(struct weft_event *event)
{
	return WEFT__LIKELY(weft_event_is_set(event)) ? 0 : weft_event_wait_slow(event);
}

WEFT_INLINE int weft_event_wait_for(struct weft_event *event, int64_t timeout_ns)
{
	return weft_event_is_set(event) ? 0 : weft_event_wait_for_slow(event, timeout_ns);
}

WEFT_INLINE int weft_event_wait_until(struct weft_event *event, int64_t deadline_ns, struct weft_event *cancel)
{
	return weft_event_is_set(event) ? 0 : weft_event_wait_until_slow(event, deadline_ns, cancel);
}

WEFT_END_DECLS

#endif
