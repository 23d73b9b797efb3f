/* SPDX-License-Identifier: MIT */
/*
 * weft_sys.h - the one door to all that is not plain C11: futex, clock, processor, threads, memory, the
 * per-thread block. Layer 0.
 *
 * Always included as <weft_sys.h>, so that a scheduler or a model checker takes its place by standing earlier
 * in the include path. It has mechanism only; what a return means to weft is decided in lib/futex.c and
 * lib/time.c, so a replacement exercises those too. No other file of the library calls the kernel, pthreads,
 * the clock or malloc.
 *
 * Futex words are free-standing 32-bit atomics. Every function returns 0 or more, or a negative errno; errno is
 * left as it was.
 *
 * Needs _GNU_SOURCE, which the build defines.
 */
#ifndef WEFT_SYS_H
#define WEFT_SYS_H

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <weft/base.h>

/* ---- per-thread block: storage that a scheduler of fibers swaps together with the stack ---- */

#define WEFT_SYS_THREAD_LOCAL __thread __attribute__((__tls_model__("initial-exec")))

/* ---- futex ---- */

_Static_assert(sizeof(((struct timespec *)0)->tv_sec) == sizeof(long), "the kernel's futex call takes time in longs");

static inline int weft_sys_result(long result, int saved_errno)
{
	const int error = errno;

	errno = saved_errno;
	return result < 0 ? -error : (int)result;
}

static inline int weft_sys_private(bool shared)
{
	return shared ? 0 : FUTEX_PRIVATE_FLAG;
}

/*
 * Sleep while *word == expected, at most until @deadline on CLOCK_MONOTONIC (NULL: for ever).
 * Returns: 0 (woken, or for no reason), -EAGAIN (*word differs), -EINTR, -ETIMEDOUT. Untimed waits are plain
 * FUTEX_WAIT, which is what profilers count.
 */
static inline int weft_sys_futex_wait(weft_atomic32_t *word, uint32_t expected, const struct timespec *deadline,
				      bool shared)
{
	const int saved = errno;
	const int private = weft_sys_private(shared);

	if (deadline == NULL)
		return weft_sys_result(syscall(SYS_futex, word, FUTEX_WAIT | private, expected, NULL, NULL, 0),
				       saved);
	return weft_sys_result(syscall(SYS_futex, word, FUTEX_WAIT_BITSET | private, expected, deadline, NULL,
				       FUTEX_BITSET_MATCH_ANY),
			       saved);
}

/*
 * Sleep while *words[0] == expected[0] and *words[1] == expected[1].
 * Returns: 0 or 1 (woken at that word), -EAGAIN, -EINTR, -ETIMEDOUT, and -ENOSYS or -EPERM where the kernel has
 * no futex_waitv (before Linux 5.16) or a filter forbids it.
 */
static inline int weft_sys_futex_wait2(weft_atomic32_t *const words[2], const uint32_t expected[2],
				       const bool shared[2], const struct timespec *deadline)
{
#ifdef SYS_futex_waitv
	const int saved = errno;
	struct futex_waitv waits[2];

	for (int i = 0; i < 2; i++) {
		waits[i].val = expected[i];
		waits[i].uaddr = (uintptr_t)words[i];
		waits[i].flags = FUTEX_32 | (uint32_t)weft_sys_private(shared[i]);
		waits[i].__reserved = 0;
	}
	return weft_sys_result(syscall(SYS_futex_waitv, waits, 2, 0, deadline, CLOCK_MONOTONIC), saved);
#else
	(void)words, (void)expected, (void)shared, (void)deadline;
	return -ENOSYS;
#endif
}

/*
 * Wake up to @n threads that sleep at @word, oldest first. Only the address is used: nothing there is read, and
 * the object may be gone.
 * Returns: how many; -EFAULT (the memory is gone).
 */
static inline int weft_sys_futex_wake(weft_atomic32_t *word, int n, bool shared)
{
	const int saved = errno;

	return weft_sys_result(syscall(SYS_futex, word, FUTEX_WAKE | weft_sys_private(shared), n, NULL, NULL, 0),
			       saved);
}

/*
 * If *from == expected, wake @wake threads that sleep at @from and let up to @move others sleep at @to instead.
 * Returns: how many were woken or moved; -EAGAIN (*from differs).
 */
static inline int weft_sys_futex_requeue(weft_atomic32_t *from, uint32_t expected, int wake, int move,
					 weft_atomic32_t *to, bool shared)
{
	const int saved = errno;

	return weft_sys_result(syscall(SYS_futex, from, FUTEX_CMP_REQUEUE | weft_sys_private(shared), wake,
				       (unsigned long)move, to, expected),
			       saved);
}

/* ---- clock and processor ---- */

/* CLOCK_MONOTONIC. */
static inline void weft_sys_clock(struct timespec *now)
{
	clock_gettime(CLOCK_MONOTONIC, now);
}

/* Tell the processor that this is a spin loop, and let a sibling have its units. */
static inline void weft_sys_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
	__asm__ __volatile__("yield");
#endif
}

/* Let another thread have this processor, if one is ready. */
static inline void weft_sys_yield(void)
{
	sched_yield();
}

/* The processor that the caller runs on, now. No system call where the C library has restartable sequences. */
static inline unsigned weft_sys_cpu(void)
{
	const int saved = errno;
	const int cpu = sched_getcpu();

	errno = saved;
	return cpu < 0 ? 0 : (unsigned)cpu;
}

/* ---- threads and processes ---- */

static inline int weft_sys_thread_create(pthread_t *out, void *(*fn)(void *), void *arg)
{
	return -pthread_create(out, NULL, fn, arg);
}

static inline int weft_sys_thread_join(pthread_t thread, void **result)
{
	return -pthread_join(thread, result);
}

/* The kernel's number of the calling thread: below 2^22, unique among the threads that live. */
static inline uint32_t weft_sys_thread_id(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

/* Have @fn called in every child of fork(), before fork() returns there. */
static inline int weft_sys_at_fork_child(void (*fn)(void))
{
	return -pthread_atfork(NULL, NULL, fn);
}

_Noreturn static inline void weft_sys_abort(const char *message)
{
	ssize_t ignored = write(STDERR_FILENO, message, strlen(message));

	(void)ignored;
	abort();
}

/* ---- memory: no object of this layer's allocates; for those above ---- */

static inline void *weft_sys_alloc(size_t size)
{
	return calloc(1, size);
}

static inline void weft_sys_free(void *memory)
{
	free(memory);
}

#endif
