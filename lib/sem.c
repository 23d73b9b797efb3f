/* SPDX-License-Identifier: MIT */
/*
 * sem.c - a counting semaphore. Layer 3.
 *
 * Guarantees
 *	SEM-01 to SEM-15, BSEM-01 to BSEM-04. Permits are conserved: every one released is granted once. A
 *	release of n lets min(n, waiting) go with one system call; none if nobody waits. Nobody is woken for a
 *	permit that was not set aside.
 *
 * Words
 *	count	as int32_t: at 0 or more, free permits; below, minus the number of registered waiters who have
 *		no permit set aside for them yet.
 *	grants	permits set aside for registered waiters, who sleep on it while it is 0. Any registered waiter
 *		may take any of them, so a thread that comes at the right moment registers and takes one without
 *		sleep (SEM-12).
 *	mode	bit 0 SHARED (set by init, never changes); bit 1 WATCHED: reserved. A watched semaphore keeps
 *		all its permits in grants and slack at WEFT_SEM_MAX, so that the inline paths, which need a
 *		positive count or room under the bound, never match and every operation reaches the library,
 *		which finds the true bound in its own record. bits 8-31: the CPU of the last release that found
 *		waiters, + 1; 0 not known (lib/spin.h).
 *	slack	WEFT_SEM_MAX - bound. Constant.
 *
 * Transitions
 *	T1  acquire: count > 0 -> count - 1. Inline.
 *	T2  register: count <= 0 -> count - 1; then take a grant (T3) or sleep until there is one.
 *	T3  take a grant: grants > 0 -> grants - 1.
 *	T4  give up, time up or cancelled: count < 0 -> count + 1. If count >= 0, a grant is on its way to every
 *	    registered waiter. But one that registers meanwhile may be first to take ours, and count is then below 0
 *	    again: so look for either, woken by the grant (T6) or, as nobody knows of us, after WEFT_SEM_LOOK_NS. All
 *	    this only if the time ran out just when a release was between its two steps.
 *	T5  release n, count >= 0: count + n. Inline for n = 1.
 *	T6  release n, count < 0: count + n; then grants + k and wake k, for k = min(n, -count).
 *
 * Invariants
 *	I1  registered waiters = max(0, -count) + grants + grants on their way (between T6's two steps). T2, T3,
 *	    T4, T6 keep it. With count >= 0 there is a grant for each registered waiter; one that left without
 *	    would strand it.
 *	I2  A thread sleeps on grants only while it is 0; whoever raises it wakes as many as it raised it by.
 *
 * Pairs
 *	P1  T5 (release) with T1 (acquire). T2 and T4 are read-modify-writes of count, so release sequences go
 *	    through them.
 *	P2  T6's add to grants (release) with T3 (acquire).
 *	P3  T6's wake with the return of the wait that it ends, which the kernel orders: who was woken for a grant
 *	    sees it, unless another took it, and so does not give up and leave it to nobody.
 *
 * Lifetime
 *	T5: the compare-exchange is the last access. T6: a thread that the release lets go is registered, and
 *	takes its grant only after grants was raised; so nobody can return because of this release before its
 *	last access, the add to grants. The wake uses the address only. SHARED is read before, and the CPU is
 *	noted before.
 *
 * Source: the shape (one signed count, sleepers behind a second counter) is Benaphore's and moodycamel's
 * LightweightSemaphore; grants that can be taken by newcomers, cancellation and the bound are ours.
 */
#include <weft/watch.h>

#include "atomic.h"
#include "bug.h"
#include "describe.h"
#include "futex.h"
#include "spin.h"
#include "wait.h"

#ifndef WEFT_SEM_LOOK_NS
#define WEFT_SEM_LOOK_NS 1000000
#endif

enum {
	SHARED = 1u << 0,
	CPU_SHIFT = 8,
};

static bool is_shared(const struct weft_sem *sem)
{
	return load_relaxed(&sem->mode) & SHARED;
}

static void note_cpu(struct weft_sem *sem)
{
	const uint32_t mode =
		load_relaxed(&sem->mode); /* relaxed: a hint for the spin policy, SHARED never changes */
	const uint32_t noted = (mode & ~(UINT32_MAX << CPU_SHIFT)) | weft__spin_here() << CPU_SHIFT;

	if (mode != noted)
		store_relaxed(&sem->mode, noted);
}

static bool take_grant(struct weft_sem *sem)
{
	uint32_t grants = load_relaxed(&sem->grants);

	while (grants > 0) {
		if (cas_acquire(&sem->grants, &grants, grants - 1)) /* T3, P2 */
			return true;
		grants = load_relaxed(&sem->grants);
	}
	return false;
}

/* Take a permit or register. Return: true: taken. */
static bool take_or_register(struct weft_sem *sem, bool may_register)
{
	for (;;) {
		uint32_t count = load_relaxed(&sem->count);

		if ((int32_t)count > 0) {
			if (cas_acquire(&sem->count, &count, count - 1)) /* T1, P1 */
				return true;
		} else if (!may_register || cas_relaxed(&sem->count, &count, count - 1)) { /* T2 */
			return false;
		}
	}
}

/* Return: false: a grant is on its way. */
static bool give_up(struct weft_sem *sem)
{
	for (;;) {
		uint32_t count = load_relaxed(&sem->count);

		if ((int32_t)count >= 0)
			return false;
		if (cas_relaxed(&sem->count, &count, count + 1)) /* T4 */
			return true;
	}
}

WEFT_BODY int acquire(struct weft_sem *sem, struct weft__limit limit)
{
	struct weft__spin spin = weft__spin_for(load_relaxed(&sem->mode) >> CPU_SHIFT);
	int why = 0; /* the wait is over, with this unless a grant comes first */

	/* With others registered, the next permits are theirs. */
	do {
		if (take_or_register(sem, false))
			return 0;
	} while (load_relaxed(&sem->count) == 0 && weft__spin_turn(&spin));
	if (take_or_register(sem, true))
		return 0;
	while (!take_grant(sem)) {
		if (why != 0 && give_up(sem)) /* T4 */
			return why;

		const int rc = weft__wait(&sem->grants, 0, &limit, is_shared(sem)); /* I2 */

		if (rc == -ETIMEDOUT || rc == -ECANCELED) {
			why = why != 0 ? why : rc;
			limit = weft__limit_in(WEFT_SEM_LOOK_NS);
		}
	}
	return 0;
}

int weft_sem_acquire_slow(struct weft_sem *sem)
{
	return acquire(sem, weft__limit_none());
}

int weft_sem_acquire_for_slow(struct weft_sem *sem, int64_t timeout_ns)
{
	return weft_sem_acquire_until_slow(sem, weft__deadline_in(timeout_ns), NULL);
}

int weft_sem_acquire_until_slow(struct weft_sem *sem, int64_t deadline_ns, struct weft_event *cancel)
{
	const struct weft__limit limit = weft__limit(deadline_ns, cancel);

	if (deadline_ns <= 0)
		return weft_sem_try_acquire_slow(sem) == 0 ? 0 : weft__may_wait(&limit);
	return acquire(sem, limit);
}

int weft_sem_try_acquire_slow(struct weft_sem *sem)
{
	return take_or_register(sem, false) ? 0 : -EAGAIN;
}

static int release(struct weft_sem *sem, const char *call, uint32_t n)
{
	const uint32_t bound = (uint32_t)WEFT_SEM_MAX - sem->slack;
	const bool shared = is_shared(sem);
	uint32_t count, waiting;

	do {
		count = load_relaxed(&sem->count);
		waiting = (int32_t)count < 0 ? 0 - count : 0;
		if (n > bound - (waiting > 0 ? 0 : count))
			return weft__misuse(sem, call, -EOVERFLOW);
		if (waiting > 0)
			note_cpu(sem);
	} while (!cas_release(&sem->count, &count, count + n)); /* T5, T6, P1; the end if nobody waits */
	if (waiting > 0) {
		const uint32_t granted = n < waiting ? n : waiting;

		add_release(&sem->grants, granted); /* P2; the semaphore is not touched again */
		weft__futex_wake(&sem->grants, granted, shared);
	}
	return 0;
}

int weft_sem_release_slow(struct weft_sem *sem, unsigned n)
{
	return release(sem, "weft_sem_release", n);
}

int weft_sem_release_n(struct weft_sem *sem, unsigned n)
{
	return n == 0 ? weft__misuse(sem, "weft_sem_release_n", -EINVAL) : release(sem, "weft_sem_release_n", n);
}

unsigned weft_sem_value(const struct weft_sem *sem)
{
	const uint32_t count = load_relaxed(&sem->count);

	return (int32_t)count > 0 ? count : 0;
}

/* Relaxed: whoever hands the semaphore to other threads orders this. */
static int init(struct weft_sem *sem, const char *call, unsigned value, uint32_t slack, uint32_t mode)
{
	if (value > WEFT_SEM_MAX)
		return weft__misuse(sem, call, -EINVAL);
	store_relaxed(&sem->count, value);
	store_relaxed(&sem->grants, 0);
	store_relaxed(&sem->mode, mode);
	sem->slack = slack;
	return 0;
}

int weft_sem_init(struct weft_sem *sem, unsigned value)
{
	return init(sem, "weft_sem_init", value, 0, 0);
}

int weft_sem_init_bounded(struct weft_sem *sem, unsigned value)
{
	return init(sem, "weft_sem_init_bounded", value, (uint32_t)WEFT_SEM_MAX - value, 0);
}

int weft_sem_init_shared(struct weft_sem *sem, unsigned value)
{
	return init(sem, "weft_sem_init_shared", value, 0, SHARED);
}

int weft_sem_init_bounded_shared(struct weft_sem *sem, unsigned value)
{
	return init(sem, "weft_sem_init_bounded_shared", value, (uint32_t)WEFT_SEM_MAX - value, SHARED);
}

int weft_sem_destroy(struct weft_sem *sem)
{
	if ((int32_t)load_relaxed(&sem->count) < 0 || load_relaxed(&sem->grants) > 0)
		return weft__misuse(sem, "weft_sem_destroy", -EBUSY);
	return 0;
}

size_t weft_sem_describe(const struct weft_sem *sem, char *buf, size_t size)
{
	struct weft__text text = weft__text(buf, size);
	const int32_t count = (int32_t)load_relaxed(&sem->count);

	weft__text_add(&text, "value=%d", count > 0 ? count : 0);
	if (sem->slack != 0)
		weft__text_add(&text, "/%u", (uint32_t)WEFT_SEM_MAX - sem->slack);
	if (count < 0)
		weft__text_add(&text, ", %d waiting", -count);
	return text.length;
}
