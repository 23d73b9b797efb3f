/* SPDX-License-Identifier: MIT */
/*
 * bug.c - broken rules: the misuse hook for the user's, abort for weft's own. Layer 0.
 *
 * Guarantees
 *	A report never blocks and takes no lock, so it may come from a signal handler or from under any lock. A
 *	hook is called with the argument that it was set with, never with another's.
 * Word
 *	version: how often the hook was set. Slot version % 2 is in force; the other is free to be written.
 * Transitions
 *	T1  set: fill the slot that is not in force, then version + 1. Setters exclude each other by a lock.
 *	T2  report: read version, the slot in force, version again; take what was read if version is the same.
 * Invariants
 *	I1  A slot is written only while it is not in force, so a reader that finds version unchanged read a
 *	    whole one.
 * Pairs
 *	P1  version + 1 (release) in T1 with the first read of version (acquire) in T2: the slot's contents.
 *	P2  a slot's fields (release) in T1 with those in T2 (acquire): a reader that sees a later setter's
 *	    field also sees that version went on before, and tries again.
 */
#include "bug.h"

#include <stdio.h>

#include <weft/watch.h>
#include <weft/with.h>
#include <weft_sys.h>

#include "atomic.h"

typedef void (*misuse_fn)(const void *object, const char *call, int error, void *arg);

static struct {
	struct weft_lock lock;
	weft_atomic32_t version;
	struct {
		_Atomic(misuse_fn) hook;
		_Atomic(void *) arg;
	} slots[2];
} misuse;

void weft_set_misuse_hook(misuse_fn hook, void *arg)
{
	weft_lock_acquire(&misuse.lock);
	const uint32_t version = load_relaxed(&misuse.version);

	atomic_store_explicit(&misuse.slots[(version + 1) % 2].hook, hook, memory_order_release); /* T1, P2 */
	atomic_store_explicit(&misuse.slots[(version + 1) % 2].arg, arg, memory_order_release);
	store_release(&misuse.version, version + 1); /* P1 */
	weft_lock_release(&misuse.lock);
}

int weft__misuse(const void *object, const char *call, int error)
{
	uint32_t version, again;
	misuse_fn hook;
	void *arg;

	do {
		version = load_acquire(&misuse.version);					    /* T2, P1 */
		hook = atomic_load_explicit(&misuse.slots[version % 2].hook, memory_order_acquire); /* P2 */
		arg = atomic_load_explicit(&misuse.slots[version % 2].arg, memory_order_acquire);
		again = load_relaxed(&misuse.version);
	} while (version != again);
	if (hook != NULL)
		hook(object, call, error, arg);
	return error;
}

void weft__bug(const char *where, const char *what)
{
	char message[160];

	snprintf(message, sizeof(message), "weft: bug in %s: %s\n", where, what);
	weft_sys_abort(message);
}

void weft__scope_failed(void)
{
	weft_sys_abort("weft: weft_guard: acquire failed\n");
}
