/* SPDX-License-Identifier: MIT */
/**
 * tests/support.h - what tests share: checks, teams of threads, waiting for states, signals, child processes.
 *
 * Nothing here sleeps to order threads. A test waits for a state (wait_until, team_wait_asleep) and then goes on.
 */
#ifndef WEFT_TEST_SUPPORT_H
#define WEFT_TEST_SUPPORT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* 1 under ThreadSanitizer, whose runtime makes system calls of its own and puts handlers off. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

#define WAIT_LIMIT_S 60

#define MS INT64_C(1000000)
#define SEC INT64_C(1000000000)

/* ---- checks; the count is in memory shared with forked children, so theirs count too ---- */

void test_begin(void);
unsigned test_failures(void);
bool test_skipped(void);
void test_skip(const char *file, int line, const char *reason);
bool test_check(bool held, const char *file, int line, const char *text);
bool test_compare(bool held, int64_t a, int64_t b, const char *file, int line, const char *text);
bool test_compare_text(const char *a, const char *b, const char *file, int line, const char *text);
void test_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

struct patience {
	int64_t deadline_ns;
	unsigned looks;
};

void patience_look_again(struct patience *patience, const char *file, int line, const char *what);

/* ---- time; the test's own clock, not weft's ---- */

/** clock_ns() - CLOCK_MONOTONIC in ns. */
int64_t clock_ns(void);

/** slow_build() - true under a sanitizer or an emulator, where big loops should be smaller. */
bool slow_build(void);

/* ---- teams: N threads on one function ---- */

struct member {
	unsigned index;		/* 0 .. n-1 */
	void *arg;		/* what team_start() was given */
	int result;		/* the function's to use; read it after team_join() */
	_Atomic(pid_t) tid;	/* 0 until the thread runs */
	atomic_int step;	/* the function's to use, to tell others how far it is; 0 at first */
	atomic_bool done;	/* the function has returned */
	pthread_t thread;
	void (*fn)(struct member *me);
	unsigned n;		/* how many members there are */
	atomic_uint met;	/* of the first member: how many came to team_meet() */
};

struct team {
	unsigned n;
	struct member *members;
};

/** team_start() - @n threads, each of which runs @fn once. Not all of them run yet when it returns. */
void team_start(struct team *team, unsigned n, void (*fn)(struct member *me), void *arg);

/** team_meet() - called by all members, once each: none goes on before all have come, so that they run at the same time. */
void team_meet(struct member *me);

/** team_join() - wait for all and give the memory back. */
void team_join(struct team *team);

/** team_join_results() - the same, and the members' results go to @results[n]. */
void team_join_results(struct team *team, int results[]);

/** team_run() - start and join. */
void team_run(unsigned n, void (*fn)(struct member *me), void *arg);

/** team_done() - how many have returned. team_asleep() - how many sleep in the kernel now. */
unsigned team_done(const struct team *team);
unsigned team_asleep(const struct team *team);

/** team_wait_asleep() - until at least @n members sleep. team_wait_done() - until at least @n have returned. */
void team_wait_asleep(const struct team *team, unsigned n);
void team_wait_done(const struct team *team, unsigned n);

/** team_settled() - whether each member sleeps or has returned: nothing more will happen by itself. */
bool team_settled(const struct team *team);

/** thread_asleep() - whether thread @tid of this process sleeps; false for 0. */
bool thread_asleep(pid_t tid);

/**
 * free_under_giver() - who was given an object may free it, even while the giver is still at it (section 22, trap 1).
 *
 * In each of many rounds this thread makes a zeroed object of @size bytes on the heap, calls prepare(object), shows it to
 * another thread and calls give(object); the other calls take(object), which must wait for the give, and frees it. The three
 * return 0. AddressSanitizer sees who comes too late; elsewhere the bytes are spoilt before they are freed.
 */
void free_under_giver(size_t size, int (*prepare)(void *object), int (*give)(void *object), int (*take)(void *object));

/* ---- signals ---- */

/** signals_seen() - how many signals of storms have been handled in this process. */
unsigned signals_seen(void);

/** signals_catch() - let the storm's signal be handled, without SA_RESTART: it interrupts what the kernel sleeps in. */
void signals_catch(void);

/** storm() - send @n signals to @member, @gap_ns apart, until it is done. The handler only counts. */
void storm(struct member *member, unsigned n, int64_t gap_ns);

/* ---- processes ---- */

/**
 * child_run() - run @fn in a forked child and wait for it; its failed checks count here.
 *
 * Return: its exit status, 0 for one whose function returned, or minus the signal that killed it.
 */
int child_run(void (*fn)(void *arg), void *arg);

/** child_start(), child_join() - the two halves. */
pid_t child_start(void (*fn)(void *arg), void *arg);
int child_join(pid_t child);

/** shared_memory() - @size zeroed bytes that forked children share. Never given back. */
void *shared_memory(size_t size);

/* ---- random numbers that repeat ---- */

/** random_next() - the next of the sequence that @state stands for (splitmix64). */
uint64_t random_next(uint64_t *state);

#endif
