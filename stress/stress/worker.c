/* SPDX-License-Identifier: MIT */
/*
 * worker.c - random numbers, calls and their judgement.
 */
#include "stress.h"

#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

const struct stress_how stress_plainly = { .kind = STRESS_PLAIN };

/* ---- random numbers: splitmix64 ---- */

uint64_t stress_mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint64_t stress_random(struct stress_worker *worker)
{
	worker->random += UINT64_C(0x9e3779b97f4a7c15);
	return stress_mix(worker->random);
}

unsigned stress_below(struct stress_worker *worker, unsigned n)
{
	return (unsigned)((stress_random(worker) >> 32) * n >> 32);
}

bool stress_chance(struct stress_worker *worker, unsigned percent)
{
	return stress_below(worker, 100) < percent;
}

/* ---- passing time ---- */

static void burn(int64_t ns)
{
	for (const int64_t end = weft_now() + ns; weft_now() < end;)
		;
}

void stress_dwell(struct stress_worker *worker)
{
	const unsigned dice = stress_below(worker, 256);

	if (dice < 150)
		return;
	if (dice < 230)
		for (unsigned i = dice; i > 0; i--)
			atomic_signal_fence(memory_order_seq_cst);
	else if (dice < 248)
		sched_yield();
	else
		burn((int64_t)(dice - 240) * 1000);
}

void stress_pause(struct stress_worker *worker, unsigned turn)
{
	const struct timespec moment = { 0, 50000 };

	(void)worker;
	if (turn < 64)
		sched_yield();
	else
		nanosleep(&moment, NULL);
}

bool stress_stopping(const struct stress_worker *worker)
{
	return atomic_load_explicit(&worker->round->stop, memory_order_relaxed);
}

/* ---- failures ---- */

static __attribute__((__format__(__printf__, 4, 0))) void fail(struct stress_round *round, const char *kind,
							       const char *who, const char *format, va_list args)
{
	pthread_mutex_lock(&round->mutex);
	if (round->failure[0] == '\0') {
		char text[STRESS_TEXT / 2];

		vsnprintf(text, sizeof(text), format, args);
		snprintf(round->failure, sizeof(round->failure), "%s: %s%s", kind, who, text);
		round->failed_at = weft_now();
	}
	pthread_mutex_unlock(&round->mutex);
	atomic_store_explicit(&round->stop, true, memory_order_relaxed);
}

void stress_fail(struct stress_worker *worker, const char *kind, const char *format, ...)
{
	char who[32];
	va_list args;

	snprintf(who, sizeof(who), "thread %u: ", worker->id);
	va_start(args, format);
	fail(worker->round, kind, who, format, args);
	va_end(args);
}

void stress_fail_round(struct stress_round *round, const char *kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(round, kind, "", format, args);
	va_end(args);
}

/* ---- how to call ---- */

/* Mostly shorter than a wait takes, sometimes zero or less, sometimes long enough to be granted in. */
int64_t stress_tiny(struct stress_worker *worker)
{
	const unsigned dice = stress_below(worker, 16);

	if (dice == 0)
		return 0;
	if (dice == 1)
		return -(int64_t)stress_below(worker, 1000);
	if (dice == 2)
		return INT64_MIN;
	return (int64_t)stress_below(worker, 1000u << stress_below(worker, 11));
}

struct stress_how stress_untimed(struct stress_worker *worker)
{
	struct stress_how how = { .kind = STRESS_PLAIN };

	switch (stress_below(worker, 16)) {
	case 0:
		how.kind = STRESS_FOR;
		how.time = WEFT_FOREVER;
		break;
	case 1:
		how.kind = STRESS_FOR;
		how.time = WEFT_TIMEOUT_MAX;
		break;
	case 2:
		how.kind = STRESS_UNTIL;
		how.time = WEFT_FOREVER;
		break;
	default:
		break;
	}
	return how;
}

struct stress_how stress_any(struct stress_worker *worker, bool may_try)
{
	struct stress_how how = { .kind = STRESS_FOR };

	if (may_try && stress_chance(worker, 5)) {
		how.kind = STRESS_TRY;
		return how;
	}
	if (!worker->round->timeouts || !stress_chance(worker, stress_options.timeouts))
		return stress_untimed(worker);
	if (stress_chance(worker, 50)) {
		how.time = stress_tiny(worker);
		return how;
	}
	how.kind = STRESS_UNTIL;
	how.time = stress_tiny(worker);
	if (how.time > 0)
		how.time += weft_now();
	if (stress_chance(worker, 60)) {
		how.token = &worker->round->tokens[stress_below(worker, STRESS_TOKENS)];
		if (stress_chance(worker, 30))
			how.time = WEFT_FOREVER;
	}
	return how;
}

/* ---- misuse ---- */

static _Thread_local unsigned misuse_told;
static _Thread_local bool misuse_meant;
static _Thread_local const char *misuse_call;

static void on_misuse(const void *object, const char *call, int error, void *arg)
{
	(void)object, (void)error, (void)arg;
	misuse_told++;
	if (!misuse_meant)
		misuse_call = call;
}

void stress_misuse_init(void)
{
	weft_set_misuse_hook(on_misuse, NULL);
}

void stress_misuse_begin(void)
{
	misuse_told = 0;
	misuse_meant = true;
}

void stress_misuse_end(struct stress_worker *worker, unsigned expected)
{
	misuse_meant = false;
	if (misuse_told != expected)
		stress_fail(worker, "misuse", "the hook was told %u times of %u misuses", misuse_told, expected);
}

/* ---- calls ---- */

enum { ERRNO_MARK = 4711 };

void stress_step(struct stress_worker *worker, const char *step, const void *on)
{
	atomic_store_explicit(&worker->on, on, memory_order_relaxed);
	atomic_store_explicit(&worker->since, weft_now(), memory_order_relaxed);
	atomic_store_explicit(&worker->step, step, memory_order_relaxed);
}

void stress_op(struct stress_worker *worker)
{
	const uint64_t ops = atomic_load_explicit(&worker->ops, memory_order_relaxed);

	atomic_store_explicit(&worker->ops, ops + 1, memory_order_relaxed);
}

static int64_t deadline_of(const struct stress_how *how, int64_t start)
{
	if (how->kind == STRESS_UNTIL)
		return how->time;
	if (how->time <= 0)
		return start;
	return how->time > INT64_MAX - start ? INT64_MAX : start + how->time;
}

static void judge(struct stress_worker *worker, const char *step, const struct stress_how *how, int result,
		  int64_t start, uint64_t epoch)
{
	const int64_t now = weft_now();
	const bool timed = how->kind == STRESS_FOR || how->kind == STRESS_UNTIL;

	if (result >= 0 || result == how->also)
		return;
	if (how->kind == STRESS_TRY && result == -EAGAIN)
		return;
	if (timed && result == -ETIMEDOUT) {
		if (now < deadline_of(how, start))
			stress_fail(worker, "early", "%s timed out %" PRId64 " ns before its time", step,
				    deadline_of(how, start) - now);
		return;
	}
	if (how->token != NULL && result == -ECANCELED) {
		if (epoch % 2 == 0 && atomic_load_explicit(&how->token->epoch, memory_order_acquire) == epoch)
			stress_fail(worker, "code", "%s was cancelled, but its token was not set", step);
		return;
	}
	stress_fail(worker, "code", "%s returned %d (%s)", step, result, strerror(-result));
}

static bool is_untimed(const struct stress_how *how)
{
	return how->token == NULL && (how->kind == STRESS_PLAIN || how->time >= WEFT_TIMEOUT_MAX);
}

int stress_call(struct stress_worker *worker, const char *step, stress_verb *verb, void *object,
		const struct stress_how *how)
{
	const uint64_t epoch = how->token ? atomic_load_explicit(&how->token->epoch, memory_order_acquire) : 0;
	const int64_t stalled = stress_stalled();
	int64_t start, waited;
	int result;

	stress_step(worker, step, object);
	start = atomic_load_explicit(&worker->since, memory_order_relaxed);
	errno = ERRNO_MARK;
	result = verb(object, how);
	if (errno != ERRNO_MARK)
		stress_fail(worker, "errno", "%s left errno as %d", step, errno);
	judge(worker, step, how, result, start, epoch);
	if (misuse_call != NULL)
		stress_fail(worker, "misuse", "%s was reported as misused during %s", misuse_call, step);
	stress_step(worker, "between calls", NULL);
	stress_op(worker);
	waited = atomic_load_explicit(&worker->since, memory_order_relaxed) - start;
	if (waited > STRESS_STALL_NS)
		waited -= stress_stalled_since(stalled);
	if (is_untimed(how) && waited > worker->longest)
		worker->longest = waited;
	if (is_untimed(how) && waited > stress_options.bound_ns)
		stress_fail(worker, "starved", "%s took %.3f s, over the bound of %.3f s", step, weft_seconds(waited),
			    weft_seconds(stress_options.bound_ns));
	return result;
}

void stress_expect(struct stress_worker *worker, const char *call, int result, int expected)
{
	if (result != expected)
		stress_fail(worker, "code", "%s returned %d instead of %d", call, result, expected);
}
