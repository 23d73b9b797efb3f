/* SPDX-License-Identifier: MIT */
/*
 * futex.c - the only user of the kernel's futex calls. Layer 1.
 *
 * What the kernel may answer is a closed list; whatever else comes can only be a bug of ours or a kernel that
 * weft cannot run on, and ends the program with a message. The model for this door is glibc's futex-internal.h.
 *
 * Deadlines are absolute on CLOCK_MONOTONIC, so a wait that was interrupted is taken up again with the time
 * that is left. The kernel refuses a negative tv_sec with EINVAL, hence the clamp to 0, which it takes as "long
 * ago".
 */
#include "futex.h"

#include <limits.h>

#include <weft_sys.h>

#include "bug.h"

static const struct timespec *to_timespec(int64_t deadline_ns, struct timespec *space)
{
	if (deadline_ns == WEFT_FOREVER)
		return NULL;
	if (deadline_ns < 0)
		deadline_ns = 0;
	space->tv_sec = (time_t)(deadline_ns / 1000000000);
	space->tv_nsec = (long)(deadline_ns % 1000000000);
	return space;
}

int weft__futex_wait(weft_atomic32_t *word, uint32_t expected, int64_t deadline_ns, bool shared)
{
	struct timespec space;
	const int rc = weft_sys_futex_wait(word, expected, to_timespec(deadline_ns, &space), shared);

	switch (rc) {
	case 0:
	case -EAGAIN:
	case -ETIMEDOUT:
		return rc;
	case -EINTR:
		return -EAGAIN;
	default:
		WEFT_BUG("futex wait failed");
	}
}

int weft__futex_wait2(weft_atomic32_t *word, uint32_t expected, bool shared, weft_atomic32_t *other,
		      uint32_t other_expected, bool other_shared, int64_t deadline_ns)
{
	weft_atomic32_t *const words[2] = { word, other };
	const uint32_t values[2] = { expected, other_expected };
	const bool share[2] = { shared, other_shared };
	struct timespec space;
	const int rc = weft_sys_futex_wait2(words, values, share, to_timespec(deadline_ns, &space));

	switch (rc) {
	case 0:
	case 1:
		return 0;
	case -EAGAIN:
	case -ETIMEDOUT:
		return rc;
	case -EINTR:
		return -EAGAIN;
	case -ENOSYS:
	case -EPERM:
		return -ENOSYS;
	default:
		WEFT_BUG("futex_waitv failed");
	}
}

void weft__futex_wake(weft_atomic32_t *word, uint32_t n, bool shared)
{
	const int rc = weft_sys_futex_wake(word, n > INT_MAX ? INT_MAX : (int)n, shared);

	/* EFAULT: a waiter has already returned and unmapped the object. */
	if (rc < 0 && rc != -EFAULT)
		WEFT_BUG("futex wake failed");
}

bool weft__futex_slept_on(weft_atomic32_t *word, bool shared)
{
	/* Moving a sleeper from a word to the same word counts it and changes nothing. */
	return weft_sys_futex_requeue(word, atomic_load_explicit(word, memory_order_relaxed), 0, 1, word, shared) > 0;
}
