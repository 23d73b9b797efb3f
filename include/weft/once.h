/* SPDX-License-Identifier: MIT */
/**
 * weft/once.h - an initialiser that runs once, by whoever needs its work first. Python has none.
 *
 * An initialiser that fails has not run: its error goes to the caller that ran it, and the next caller, who may be
 * waiting already, tries again.
 */
#ifndef WEFT_ONCE_H
#define WEFT_ONCE_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

/** struct weft_once - 4 bytes; embed it; never copy or move one. The word is the library's; 1 is "done". */
struct weft_once {
	weft_atomic32_t word;
};

/** WEFT_ONCE_INIT - not done, the same as zeroed memory. */
#define WEFT_ONCE_INIT { 0 }

/**
 * weft_once_init() - make it not done, whatever it was.
 *
 * In a forked child a once that another thread of the parent was about to do stays under way for ever, unless the
 * child inits it anew. The thread that forked while in its own initialiser goes on in both processes.
 *
 * Context: any, while nobody else uses @once.
 */
WEFT_API void weft_once_init(struct weft_once *once);

/* The library's half of the inline function below. */
WEFT_API int weft_once_call_slow(struct weft_once *once, int (*fn)(void *arg), void *arg);

/**
 * weft_once_call() - see to it that the initialiser has run.
 * @once: says whether it has.
 * @fn: the initialiser, called at most by one thread at a time, with no lock of weft's held. 0 or more: done; a
 * negative errno: failed. It must return: leaving it by longjmp or by the end of the thread leaves @once under way.
 * @arg: for @fn.
 *
 * While another thread runs the initialiser this waits until that has returned. Callers may give different functions;
 * one of them is done.
 *
 * Context: may sleep, but not once it is done.
 * Ordering: everything that the initialiser did happens before the return of 0. What one that failed did happens
 * before the next.
 * Return: 0: it is done; what @fn returned, if it was called here and failed; -EDEADLK: called by the initialiser
 * itself for its own @once (reported to the misuse hook).
 */
WEFT_API int weft_once_call(struct weft_once *once, int (*fn)(void *arg), void *arg);

/** weft_once_done() - whether it is done now. Context: any. Ordering: as weft_once_call(), if it returns true. */
WEFT_API bool weft_once_done(const struct weft_once *once);

/** weft_once_destroy() - as weft_lock_destroy(). Return: 0, or -EBUSY: under way, or waited for. */
WEFT_API int weft_once_destroy(struct weft_once *once);

/** weft_once_describe() - "done", "running" or "not done"; as weft_lock_describe(). */
WEFT_API size_t weft_once_describe(const struct weft_once *once, char *buf, size_t size);

/* ---- inline: 1 is done; all other words belong to lib/once.c ---- */

WEFT_INLINE bool weft_once_done(const struct weft_once *once)
{
	return weft__load(&once->word, WEFT__ACQUIRE) == 1;
}

WEFT_INLINE int weft_once_call(struct weft_once *once, int (*fn)(void *arg), void *arg)
{
	return WEFT__LIKELY(weft_once_done(once)) ? 0 : weft_once_call_slow(once, fn, arg);
}

WEFT_END_DECLS

#endif
