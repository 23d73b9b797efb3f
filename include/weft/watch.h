/* SPDX-License-Identifier: MIT */
/**
 * weft/watch.h - see what objects do: descriptions, and a hook that is told of misuse.
 */
#ifndef WEFT_WATCH_H
#define WEFT_WATCH_H

#include <weft/barrier.h>
#include <weft/cond.h>
#include <weft/event.h>
#include <weft/latch.h>
#include <weft/lock.h>
#include <weft/once.h>
#include <weft/rlock.h>
#include <weft/sem.h>

/**
 * weft_describe() - any object's ..._describe(), chosen by the type of @object.
 */
#ifdef __cplusplus
static inline size_t weft_describe(const struct weft_lock *o, char *buf, size_t size)
{
	return weft_lock_describe(o, buf, size);
}
static inline size_t weft_describe(const struct weft_rlock *o, char *buf, size_t size)
{
	return weft_rlock_describe(o, buf, size);
}
static inline size_t weft_describe(const struct weft_event *o, char *buf, size_t size)
{
	return weft_event_describe(o, buf, size);
}
static inline size_t weft_describe(const struct weft_cond *o, char *buf, size_t size)
{
	return weft_cond_describe(o, buf, size);
}
static inline size_t weft_describe(const struct weft_sem *o, char *buf, size_t size)
{
	return weft_sem_describe(o, buf, size);
}
static inline size_t weft_describe(const struct weft_barrier *o, char *buf, size_t size)
{
	return weft_barrier_describe(o, buf, size);
}
static inline size_t weft_describe(const struct weft_once *o, char *buf, size_t size)
{
	return weft_once_describe(o, buf, size);
}
static inline size_t weft_describe(const struct weft_latch *o, char *buf, size_t size)
{
	return weft_latch_describe(o, buf, size);
}
#else
#define WEFT__GENERIC_BOTH(type, function) struct type *: function, const struct type *: function
#define weft_describe(object, buf, size) \
	_Generic((object), WEFT__GENERIC_BOTH(weft_lock, weft_lock_describe), \
		 WEFT__GENERIC_BOTH(weft_rlock, weft_rlock_describe), \
		 WEFT__GENERIC_BOTH(weft_event, weft_event_describe), \
		 WEFT__GENERIC_BOTH(weft_cond, weft_cond_describe), \
		 WEFT__GENERIC_BOTH(weft_sem, weft_sem_describe), \
		 WEFT__GENERIC_BOTH(weft_barrier, weft_barrier_describe), \
		 WEFT__GENERIC_BOTH(weft_once, weft_once_describe), \
		 WEFT__GENERIC_BOTH(weft_latch, weft_latch_describe))((object), (buf), (size))
#endif

WEFT_BEGIN_DECLS

/**
 * weft_set_misuse_hook() - be told of every broken rule that weft sees.
 * @hook: called in the thread that broke the rule, with no lock of weft's held but those the user holds; the
 * call then returns @error. @call is the function's name. NULL: nobody is told, as at program start.
 * @arg: for @hook.
 *
 * Told are: release of what is not locked or not the caller's, wait and notify without the lock, over-release,
 * a once called by its own initialiser, arguments out of range, destroy of what is in use.
 *
 * Context: any but a signal handler. @hook may run in any context in which the reported call may run.
 */
WEFT_API void weft_set_misuse_hook(void (*hook)(const void *object, const char *call, int error, void *arg),
				   void *arg);

WEFT_END_DECLS

#endif
