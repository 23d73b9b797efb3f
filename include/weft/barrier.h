/* SPDX-License-Identifier: MIT */
/**
 * weft/barrier.h - a reusable barrier, Python's Barrier: a round ends when all parties have come.
 *
 * A round that was completed stays completed for its members, whatever happens to the barrier later. A wait that
 * times out or is cancelled breaks the barrier: for the others of its round, and for all that come until it is reset.
 *
 * Any thread that has returned from wait may free a barrier that no other round uses, even while the other members of
 * its round are still waking up. (Shared barriers: once all threads of this process have returned.)
 */
#ifndef WEFT_BARRIER_H
#define WEFT_BARRIER_H

#include <weft/lock.h>

WEFT_BEGIN_DECLS

struct weft__barrier_waiter;

/** struct weft_barrier - 48 bytes; embed it; never copy or move one. */
struct weft_barrier {
	struct weft_lock lock;			/* protects all below */
	weft_atomic32_t state;			/* flags (lib/barrier.c) */
	weft_atomic32_t arrived;		/* of the round under way */
	uint32_t parties_less_one;
	union {
		struct weft__barrier_waiter *newest;	/* private: who waits, newest first */
		weft_atomic32_t round;			/* shared: what they sleep on */
	} waiters;
	int (*action)(void *arg);
	void *arg;
	int64_t patience;			/* WEFT_FOREVER minus the default time-out */
};

/** WEFT_BARRIER_INIT() - for @parties threads, at least 1; zeroed memory is WEFT_BARRIER_INIT(1). */
#define WEFT_BARRIER_INIT(parties) { WEFT_LOCK_INIT, 0, 0, (parties) - 1, { NULL }, NULL, NULL, 0 }

/**
 * weft_barrier_init() - for @parties threads, whatever it was.
 * weft_barrier_init_shared() - the same, in memory that several processes map.
 *
 * Context: any, while nobody else uses it.
 * Return: 0, or -EINVAL: @parties is 0, and nothing was done.
 */
WEFT_API int weft_barrier_init(struct weft_barrier *barrier, unsigned parties);
WEFT_API int weft_barrier_init_shared(struct weft_barrier *barrier, unsigned parties);

/**
 * weft_barrier_set_action() - what is to be done once in every round, before anybody is let go.
 * @barrier: a barrier not used yet, and not shared (there the action is never called).
 * @action: called by the last thread to arrive, with no lock of weft's held; 0, or a negative errno that breaks the
 * barrier and is returned from this thread's wait. It must not wait on the same barrier; abort takes effect after
 * the round.
 * @arg: for @action.
 *
 * While it runs the round can no longer be broken, so a wait whose time runs out meanwhile goes on to the end of the
 * round.
 */
WEFT_API void weft_barrier_set_action(struct weft_barrier *barrier, int (*action)(void *), void *arg);

/** weft_barrier_set_timeout() - the time-out of waits that name none; before first use. Not set: none. */
WEFT_API void weft_barrier_set_timeout(struct weft_barrier *barrier, int64_t timeout_ns);

/**
 * weft_barrier_wait() - wait for the others, as long as weft_barrier_set_timeout() said.
 * weft_barrier_wait_for() - at most @timeout_ns; zero or less breaks the barrier unless the caller is the last.
 * weft_barrier_wait_until() - until @deadline_ns or until @cancel (may be NULL) is set.
 *
 * Context: may sleep.
 * Ordering: everything that a member did before its wait happens before the action, and that before the return of
 * every member's wait.
 * Return: 0 to parties - 1, in order of arrival, each once a round; -EPIPE: the barrier is broken, was broken or
 * reset meanwhile; -ETIMEDOUT, -ECANCELED: this wait broke it; the action's error, to the thread that ran it.
 */
WEFT_API int weft_barrier_wait(struct weft_barrier *barrier);
WEFT_API WEFT_MUST_CHECK int weft_barrier_wait_for(struct weft_barrier *barrier, int64_t timeout_ns);
WEFT_API WEFT_MUST_CHECK int weft_barrier_wait_until(struct weft_barrier *barrier, int64_t deadline_ns,
						     struct weft_event *cancel);

/** weft_barrier_reset() - make it whole and empty again; those who wait get -EPIPE. Context: may wait a moment. */
WEFT_API void weft_barrier_reset(struct weft_barrier *barrier);

/** weft_barrier_abort() - break it: those who wait and those who come get -EPIPE until reset. Context: as reset. */
WEFT_API void weft_barrier_abort(struct weft_barrier *barrier);

/** weft_barrier_broken(), _parties(), _n_waiting() - snapshots; n_waiting is 0 while broken. Context: any. */
WEFT_API bool weft_barrier_broken(const struct weft_barrier *barrier);
WEFT_API unsigned weft_barrier_parties(const struct weft_barrier *barrier);
WEFT_API unsigned weft_barrier_n_waiting(const struct weft_barrier *barrier);

/** weft_barrier_destroy() - as weft_lock_destroy(). Return: 0, or -EBUSY: threads wait at it. */
WEFT_API int weft_barrier_destroy(struct weft_barrier *barrier);

/** weft_barrier_describe() - "waiters=a/b" or "broken"; as weft_lock_describe(). */
WEFT_API size_t weft_barrier_describe(const struct weft_barrier *barrier, char *buf, size_t size);

WEFT_END_DECLS

#endif
