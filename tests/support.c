/* SPDX-License-Identifier: MIT */
/*
 * What tests share; see support.h.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define STORM_SIGNAL SIGUSR1

/* ---- checks ---- */

static struct {
	atomic_uint failures;
	atomic_bool skipped;
} *state;

void test_begin(void)
{
	state = shared_memory(sizeof(*state));
}

unsigned test_failures(void)
{
	return atomic_load_explicit(&state->failures, memory_order_relaxed);
}

bool test_skipped(void)
{
	return atomic_load_explicit(&state->skipped, memory_order_relaxed);
}

static void say(const char *file, int line, const char *format, va_list ap) __attribute__((format(printf, 3, 0)));

/* One write, so that lines of several threads and processes do not mix. */
static void say(const char *file, int line, const char *format, va_list ap)
{
	char text[1024];
	int n, errno_before = errno;

	n = snprintf(text, sizeof(text), "%s:%d: ", file, line);
	n += vsnprintf(text + n, sizeof(text) - (size_t)n, format, ap);
	if (n > (int)sizeof(text) - 2)
		n = (int)sizeof(text) - 2;
	text[n++] = '\n';
	if (write(STDERR_FILENO, text, (size_t)n) < 0)
		abort();
	errno = errno_before;
}

static void say_only(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void say_only(const char *file, int line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(file, line, format, ap);
	va_end(ap);
}

void test_fail(const char *file, int line, const char *format, ...)
{
	va_list ap;

	/* A check in a loop of a million would drown the first line, which is the one that tells. */
	if (atomic_fetch_add_explicit(&state->failures, 1, memory_order_relaxed) >= 20)
		return;
	va_start(ap, format);
	say(file, line, format, ap);
	va_end(ap);
}

void test_skip(const char *file, int line, const char *reason)
{
	atomic_store_explicit(&state->skipped, true, memory_order_relaxed);
	say_only(file, line, "skipped: %s", reason);
}

bool test_check(bool held, const char *file, int line, const char *text)
{
	if (!held)
		test_fail(file, line, "failed: %s", text);
	return held;
}

bool test_compare(bool held, int64_t a, int64_t b, const char *file, int line, const char *text)
{
	if (!held)
		test_fail(file, line, "failed: %s: %" PRId64 " and %" PRId64, text, a, b);
	return held;
}

bool test_compare_text(const char *a, const char *b, const char *file, int line, const char *text)
{
	const bool same = strcmp(a, b) == 0;

	if (!same)
		test_fail(file, line, "failed: %s: \"%s\" and \"%s\"", text, a, b);
	return same;
}

void patience_look_again(struct patience *patience, const char *file, int line, const char *what)
{
	const struct timespec moment = { 0, 50000 };

	if (patience->looks == 0)
		patience->deadline_ns = clock_ns() + WAIT_LIMIT_S * SEC;
	if (patience->looks++ < 100) {
		sched_yield();
		return;
	}
	if (clock_ns() > patience->deadline_ns) {
		say_only(file, line, "failed: waited %d s in vain for: %s", WAIT_LIMIT_S, what);
		abort();
	}
	nanosleep(&moment, NULL);
}

/* ---- time ---- */

int64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SEC + now.tv_nsec;
}

bool slow_build(void)
{
	return SANITIZED || UNDER_TSAN || getenv("WEFT_TEST_SLOW") != NULL;
}

/* ---- teams ---- */

static void die(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, strerror(error));
	abort();
}

static void *member_main(void *arg)
{
	struct member *me = arg;

	atomic_store(&me->tid, gettid());
	me->fn(me);
	atomic_store(&me->done, true);
	return NULL;
}

void team_start(struct team *team, unsigned n, void (*fn)(struct member *me), void *arg)
{
	unsigned i;

	team->n = n;
	team->members = calloc(n, sizeof(*team->members));
	if (team->members == NULL)
		die("calloc", errno);
	for (i = 0; i < n; i++) {
		struct member *member = &team->members[i];
		int error;

		member->index = i;
		member->n = n;
		member->arg = arg;
		member->fn = fn;
		error = pthread_create(&member->thread, NULL, member_main, member);
		if (error != 0)
			die("pthread_create", error);
	}
}

void team_meet(struct member *me)
{
	struct member *first = me - me->index;

	atomic_fetch_add(&first->met, 1);
	while (atomic_load(&first->met) < me->n)
		sched_yield();
}

void team_join_results(struct team *team, int results[])
{
	unsigned i;

	for (i = 0; i < team->n; i++) {
		pthread_join(team->members[i].thread, NULL);
		if (results != NULL)
			results[i] = team->members[i].result;
	}
	free(team->members);
	team->members = NULL;
}

void team_join(struct team *team)
{
	team_join_results(team, NULL);
}

void team_run(unsigned n, void (*fn)(struct member *me), void *arg)
{
	struct team team;

	team_start(&team, n, fn, arg);
	team_join(&team);
}

unsigned team_done(const struct team *team)
{
	unsigned i, n = 0;

	for (i = 0; i < team->n; i++)
		n += atomic_load(&team->members[i].done);
	return n;
}

/* Whether it sleeps; if so @switches is how often it has gone to sleep. */
static bool asleep_since(pid_t tid, unsigned long *switches)
{
	static const char state_name[] = "\nState:\t", switches_name[] = "\nvoluntary_ctxt_switches:\t";
	const char *letter, *count;
	char path[64], text[4096];
	ssize_t n;
	int fd;

	if (tid == 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	letter = strstr(text, state_name);
	count = strstr(text, switches_name);
	if (letter == NULL || count == NULL || letter[sizeof(state_name) - 1] != 'S')
		return false;
	*switches = strtoul(count + sizeof(switches_name) - 1, NULL, 10);
	return true;
}

bool thread_asleep(pid_t tid)
{
	unsigned long switches;

	return asleep_since(tid, &switches);
}

unsigned team_asleep(const struct team *team)
{
	unsigned i, n = 0;

	for (i = 0; i < team->n; i++)
		n += !atomic_load(&team->members[i].done) && thread_asleep(atomic_load(&team->members[i].tid));
	return n;
}

/* One look at each; @n_done and @switches only grow, and do when one of them returns or has run and sleeps again. */
static bool team_looks_settled(const struct team *team, unsigned *n_done, unsigned long *switches)
{
	unsigned long of_one;
	unsigned i;

	*n_done = 0;
	*switches = 0;
	for (i = 0; i < team->n; i++) {
		if (atomic_load(&team->members[i].done)) {
			++*n_done;
			continue;
		}
		if (!asleep_since(atomic_load(&team->members[i].tid), &of_one))
			return false;
		*switches += of_one;
	}
	return true;
}

/*
 * A member that was asleep when it was looked at may have been woken by one that had returned when its own turn came.
 * Where a second round finds nothing changed, all were settled at once between the two.
 */
bool team_settled(const struct team *team)
{
	unsigned long before, after;
	unsigned n_before, n_after;

	return team_looks_settled(team, &n_before, &before) && team_looks_settled(team, &n_after, &after) &&
	       n_before == n_after && before == after;
}

void team_wait_asleep(const struct team *team, unsigned n)
{
	struct patience patience = { 0, 0 };

	while (team_asleep(team) < n)
		patience_look_again(&patience, __FILE__, __LINE__, "enough members asleep");
}

void team_wait_done(const struct team *team, unsigned n)
{
	struct patience patience = { 0, 0 };

	while (team_done(team) < n)
		patience_look_again(&patience, __FILE__, __LINE__, "enough members done");
}

/* ---- handing over ---- */

struct handover {
	size_t size;
	int (*take)(void *object);
	void *_Atomic object;
	atomic_bool stop;
};

static void take_and_free(struct member *me)
{
	struct handover *handover = me->arg;

	while (!atomic_load(&handover->stop)) {
		void *object = atomic_exchange(&handover->object, NULL);

		if (object == NULL) {
			sched_yield();
			continue;
		}
		if (handover->take(object) != 0)
			test_fail(__FILE__, __LINE__, "take failed");
		memset(object, 0xa5, handover->size);
		free(object);
	}
}

void free_under_giver(size_t size, int (*prepare)(void *object), int (*give)(void *object), int (*take)(void *object))
{
	struct handover handover = { size, take, NULL, false };
	const unsigned rounds = slow_build() ? 5000 : 50000;
	const int64_t until_ns = clock_ns() + 2 * SEC;
	struct team team;
	unsigned i;

	team_start(&team, 1, take_and_free, &handover);
	for (i = 0; i < rounds && clock_ns() < until_ns; i++) {
		void *object = calloc(1, size);

		if (prepare(object) != 0)
			test_fail(__FILE__, __LINE__, "prepare failed");
		atomic_store(&handover.object, object);
		while (i % 2 == 0 && atomic_load(&handover.object) != NULL)
			sched_yield();	/* let the other get into take */
		if (i % 64 == 0)
			team_wait_asleep(&team, 1);
		if (give(object) != 0)
			test_fail(__FILE__, __LINE__, "give failed");
		while (atomic_load(&handover.object) != NULL)
			sched_yield();
	}
	atomic_store(&handover.stop, true);
	team_join(&team);
}

/* ---- signals ---- */

static atomic_uint seen;

static void count_signal(int signal)
{
	(void)signal;
	atomic_fetch_add(&seen, 1);
}

unsigned signals_seen(void)
{
	return atomic_load(&seen);
}

void signals_catch(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = count_signal;
	sigaction(STORM_SIGNAL, &action, NULL);
}

void storm(struct member *member, unsigned n, int64_t gap_ns)
{
	const struct timespec gap = { (time_t)(gap_ns / SEC), (long)(gap_ns % SEC) };
	unsigned i;

	signals_catch();
	for (i = 0; i < n && !atomic_load(&member->done); i++) {
		pthread_kill(member->thread, STORM_SIGNAL);
		nanosleep(&gap, NULL);
	}
}

/* ---- processes ---- */

pid_t child_start(void (*fn)(void *arg), void *arg)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0)
		die("fork", errno);
	if (child == 0) {
		fn(arg);
		_exit(0);
	}
	return child;
}

int child_join(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid", errno);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int child_run(void (*fn)(void *arg), void *arg)
{
	return child_join(child_start(fn, arg));
}

void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap", errno);
	return memory;
}

/* ---- random numbers ---- */

uint64_t random_next(uint64_t *random)
{
	uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}
