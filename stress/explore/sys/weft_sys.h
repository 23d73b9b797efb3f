/* SPDX-License-Identifier: MIT */
/*
 * weft_sys.h - takes the place of the library's header of the same name, with the explorer behind each call.
 */
#ifndef WEFT_SYS_H
#define WEFT_SYS_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weft/base.h>

#define WEFT_SYS_THREAD_LOCAL __thread __attribute__((__tls_model__("initial-exec")))

int weft_sys_futex_wait(weft_atomic32_t *word, uint32_t expected, const struct timespec *deadline, bool shared);
int weft_sys_futex_wait2(weft_atomic32_t *const words[2], const uint32_t expected[2], const bool shared[2],
			 const struct timespec *deadline);
int weft_sys_futex_wake(weft_atomic32_t *word, int n, bool shared);
int weft_sys_futex_requeue(weft_atomic32_t *from, uint32_t expected, int wake, int move, weft_atomic32_t *to,
			   bool shared);
void weft_sys_clock(struct timespec *now);
void weft_sys_pause(void);
void weft_sys_yield(void);
unsigned weft_sys_cpu(void);
uint32_t weft_sys_thread_id(void);
int weft_sys_at_fork_child(void (*fn)(void));
void *weft_sys_alloc(size_t size);
void weft_sys_free(void *memory);
_Noreturn void weft_sys_abort(const char *message);

/* For scenarios: in this schedule the kernel cannot wait for two words. */
void weft_sys_refuse_wait2(void);

#endif
