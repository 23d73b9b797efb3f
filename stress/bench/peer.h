/* SPDX-License-Identifier: MIT */
/*
 * What a peer is, and how to add one.
 *
 * Write peer-NAME.h like the ones beside this file, include it in peers.c and name it in the table there. The header
 * defines PEER (its name, also the prefix), PEER_TITLE, one PEER_HAS_... for each kind of object that it offers, for
 * each of these a type and operations as below, and includes kernels.h at its end, which compiles every loop against
 * them. Everything is static inline, so that calls are inlined, or not, just as in a program that uses the peer.
 *
 *	PEER_HAS_LOCK		NAME_lock_t	NAME_lock_init, _fini, _acquire, _release
 *	PEER_HAS_RLOCK		NAME_rlock_t	NAME_rlock_init, _fini, _acquire, _release: recursive
 *	PEER_HAS_SEM		NAME_sem_t	NAME_sem_init(sem, value), _fini, _acquire, _release
 *	PEER_HAS_EVENT		NAME_event_t	NAME_event_init, _fini, _wait, _set, _clear
 *	PEER_HAS_COND		NAME_cond_t	NAME_cond_init(cond, lock), _fini, _wait(cond, lock), _notify_one,
 *				_notify_all; the lock is a NAME_lock_t, held by the caller in all but init and
 *				fini; wait may return early
 *	PEER_HAS_BARRIER	NAME_barrier_t	NAME_barrier_init(barrier, parties), _fini, _wait
 *	PEER_HAS_ONCE		NAME_once_t	NAME_once_init, _call: of an initialiser that does nothing
 *	PEER_HAS_LATCH		NAME_latch_t	NAME_latch_init(latch, count), _fini, _up(latch, n), _down: by one, _wait
 *
 * NAME is on_PEER, for instance on_glibc. fini returns 0, or else the object was left in a bad state. The first
 * argument is always a pointer to the object. No operation may fail.
 */
#ifndef WEFT_BENCH_PEER_H
#define WEFT_BENCH_PEER_H

#include "bench.h"

struct peer {
	const char *name, *title;
	size_t size[OBJECTS];		/* of its objects, 0: it has none */
	size_t objects_size;		/* of all objects that a run needs */
	void (*open)(void *objects, unsigned parties);
	int (*close)(void *objects);
	void (*pair[PAIRS])(void *objects, uint64_t n);		/* NULL: it has none, and the line is left out */
	void (*kernel[KERNELS])(struct run *run, struct member *me);
};

extern const struct peer *const peers[];
extern const unsigned n_peers;

#define PEER_PASTE_(a, b) on_##a##_##b
#define PEER_PASTE(a, b) PEER_PASTE_(a, b)
#define ON(name) PEER_PASTE(PEER, name)
#define PEER_QUOTE_(a) #a
#define PEER_QUOTE(a) PEER_QUOTE_(a)

#endif
