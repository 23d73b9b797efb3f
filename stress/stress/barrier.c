/* SPDX-License-Identifier: MIT */
/*
 * barrier.c - torture of weft_barrier.
 */
#include "stress.h"

#include <sched.h>
#include <stdlib.h>

STRESS_VERB(wait, weft_barrier, weft_barrier_wait, -EAGAIN)

static void init(const struct stress_round *round, struct weft_barrier *barrier, unsigned parties)
{
	if ((round->shared ? weft_barrier_init_shared : weft_barrier_init)(barrier, parties) != 0)
		abort();
}

/* ---- lockstep: nobody leaves a round before all have come ---- */

struct lockstep {
	struct weft_barrier barrier;
	uint64_t acted; /* plain: ordered by the barrier alone */
	bool has_action;
	struct {
		_Alignas(STRESS_LINE) uint64_t came[2]; /* plain; of even and odd rounds */
	} thread[STRESS_MAX_THREADS];
	_Atomic(unsigned) told[4][STRESS_MAX_THREADS]; /* index given so often in round modulo 4 */
};

static int on_round(void *arg)
{
	struct lockstep *s = arg;

	s->acted++;
	return 0;
}

static void begin_lockstep(struct stress_round *round)
{
	struct lockstep *s = round->state;

	init(round, &s->barrier, round->n);
	s->has_action = !round->shared && round->seed >> 20 & 1;
	if (s->has_action)
		weft_barrier_set_action(&s->barrier, on_round, s);
}

static void check_step(struct stress_worker *worker, struct lockstep *s, uint64_t i, int index)
{
	const unsigned n = worker->round->n;

	if (stress_stopping(worker))
		return;
	if (index < 0 || (unsigned)index >= n) {
		stress_fail(worker, "code", "barrier wait returned %d", index);
		return;
	}
	if (atomic_fetch_add_explicit(&s->told[i % 4][index], 1, memory_order_relaxed) != (unsigned)(i / 4))
		stress_fail(worker, "exact", "index %d was given twice in round %llu, or not at all before", index,
			    (unsigned long long)i);
	for (unsigned j = 0; j < n; j++)
		if (s->thread[j].came[i % 2] != i + 1)
			stress_fail(worker, "lockstep", "left round %llu, to which thread %u has not come",
				    (unsigned long long)i, j);
	/* A thread may be in the action of the next round only when all have come, this one too. */
	if (s->has_action && s->acted != i + 1)
		stress_fail(worker, "exact", "the action ran %llu times in %llu rounds", (unsigned long long)s->acted,
			    (unsigned long long)i + 1);
}

static void work_lockstep(struct stress_worker *worker)
{
	struct lockstep *s = worker->round->state;

	for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++) {
		const struct stress_how how = stress_untimed(worker);

		stress_dwell(worker);
		s->thread[worker->id].came[i % 2] = i + 1;
		check_step(worker, s, i, stress_call(worker, "barrier wait", wait, &s->barrier, &how));
	}
}

static void finish_lockstep(struct stress_round *round)
{
	struct lockstep *s = round->state;

	if (weft_barrier_n_waiting(&s->barrier) != 0 || weft_barrier_broken(&s->barrier) ||
	    weft_barrier_destroy(&s->barrier) != 0)
		stress_fail_round(round, "residue", "a barrier that nobody uses is not idle");
}

static void dump_lockstep(struct stress_round *round, FILE *out)
{
	struct lockstep *s = round->state;

	STRESS_DUMP(out, "barrier", weft_barrier, &s->barrier);
	for (unsigned i = 0; i < round->n; i++)
		fprintf(out, "  thread %u came to %llu\n", i,
			(unsigned long long)(s->thread[i].came[0] > s->thread[i].came[1] ? s->thread[i].came[0]
											 : s->thread[i].came[1]));
}

/* ---- breaks: a round is completed for all or broken for all ---- */

struct breaks {
	struct weft_barrier barrier;
	pthread_barrier_t between; /* glibc's: keeps the attempts apart */
	struct {
		_Alignas(STRESS_LINE) int result;
		bool aborted; /* called abort and did not wait */
	} thread[STRESS_MAX_THREADS];
};

static void begin_breaks(struct stress_round *round)
{
	struct breaks *s = round->state;

	init(round, &s->barrier, round->n);
	pthread_barrier_init(&s->between, NULL, round->n);
}

enum mood {
	PEACE,	/* all come, and wait as long as it takes */
	UNREST, /* now and then a thread aborts, or comes with little time */
	RESET,	/* one resets while the others come; all have little time */
};

static enum mood mood_of(const struct stress_round *round, uint64_t attempt)
{
	if (!round->timeouts)
		return PEACE;
	switch (stress_mix(round->seed + attempt) % 4) {
	case 0:
		return PEACE;
	case 1:
		return RESET;
	default:
		return UNREST;
	}
}

/* One attempt at a round. */
static void attempt(struct stress_worker *worker, struct breaks *s, enum mood mood)
{
	struct stress_how how = { .kind = STRESS_PLAIN };

	s->thread[worker->id].aborted = mood == UNREST && stress_chance(worker, 3);
	if (s->thread[worker->id].aborted) {
		stress_step(worker, "barrier abort", &s->barrier);
		weft_barrier_abort(&s->barrier);
		return;
	}
	if (mood == UNREST && stress_chance(worker, 20))
		how = stress_any(worker, false);
	if (mood == RESET)
		how = (struct stress_how){ .kind = STRESS_FOR, .time = WEFT_USEC(10) << stress_below(worker, 8) };
	if (mood == RESET && worker->id == 0) {
		stress_dwell(worker);
		stress_step(worker, "barrier reset", &s->barrier);
		weft_barrier_reset(&s->barrier);
	}
	how.also = -EPIPE;
	s->thread[worker->id].result = stress_call(worker, "barrier wait", wait, &s->barrier, &how);
}

/* With all threads between the attempts, the first looks at what the last one came to. */
static void check_attempt(struct stress_worker *worker, struct breaks *s, enum mood mood)
{
	unsigned passed = 0, culprits = 0, broken = 0, aborted = 0, sum = 0;
	const unsigned n = worker->round->n;

	for (unsigned i = 0; i < n; i++) {
		const int result = s->thread[i].result;

		if (s->thread[i].aborted) {
			aborted++;
		} else if (result >= 0) {
			passed++;
			sum += (unsigned)result;
		} else if (result == -EPIPE) {
			broken++;
		} else {
			culprits++;
		}
	}
	if (passed > 0 && (passed != n || sum != n * (n - 1) / 2))
		stress_fail(worker, "exact", "%u of %u threads passed a round that others found broken", passed, n);
	if (passed == 0 && culprits + aborted == 0)
		stress_fail(worker, "exact", "a barrier broke, and nobody broke it");
	if (mood == PEACE && passed != n)
		stress_fail(worker, "exact", "a barrier broke in peace, or reset did not mend it");
	if (weft_barrier_broken(&s->barrier) != (passed == 0))
		stress_fail(worker, "code", "broken() tells %s", passed == 0 ? "no" : "yes");
	if (weft_barrier_n_waiting(&s->barrier) != 0)
		stress_fail(worker, "code", "n_waiting() is %u", weft_barrier_n_waiting(&s->barrier));
	if (passed == 0)
		weft_barrier_reset(&s->barrier);
}

static void work_breaks(struct stress_worker *worker)
{
	struct breaks *s = worker->round->state;

	/* No thread may leave alone, or the others wait for it: so no look at stopping here. */
	for (uint64_t i = 0; i < worker->round->quota; i++) {
		const enum mood mood = mood_of(worker->round, i);

		attempt(worker, s, mood);
		stress_step(worker, "waiting for all to be through (harness)", NULL);
		pthread_barrier_wait(&s->between);
		if (worker->id == 0)
			check_attempt(worker, s, mood);
		pthread_barrier_wait(&s->between);
	}
}

static void finish_breaks(struct stress_round *round)
{
	struct breaks *s = round->state;

	pthread_barrier_destroy(&s->between);
	if (weft_barrier_destroy(&s->barrier) != 0)
		stress_fail_round(round, "residue", "a barrier that nobody uses is not idle");
}

static void dump_breaks(struct stress_round *round, FILE *out)
{
	struct breaks *s = round->state;

	STRESS_DUMP(out, "barrier", weft_barrier, &s->barrier);
}

/* ---- groups: many small barriers, of one, two and three parties ---- */

struct groups {
	struct {
		struct weft_barrier barrier;
		uint64_t turns; /* plain: written by the thread with index 0, between two rounds */
	} group[STRESS_MAX_THREADS];
};

static unsigned group_size(const struct stress_round *round)
{
	return 1 + (unsigned)(round->seed >> 20) % 3;
}

static void begin_groups(struct stress_round *round)
{
	struct groups *s = round->state;
	const unsigned size = group_size(round);

	for (unsigned i = 0; i < round->n; i += size)
		init(round, &s->group[i / size].barrier, i + size <= round->n ? size : round->n - i);
}

static void work_groups(struct stress_worker *worker)
{
	struct groups *s = worker->round->state;
	const unsigned mine = worker->id / group_size(worker->round);
	struct weft_barrier *barrier = &s->group[mine].barrier;

	for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++) {
		const struct stress_how how = stress_untimed(worker);

		if (stress_call(worker, "barrier wait", wait, barrier, &how) == 0)
			s->group[mine].turns++;
		stress_call(worker, "barrier wait", wait, barrier, &how);
		if (s->group[mine].turns != i + 1 && !stress_stopping(worker))
			stress_fail(worker, "exact", "index 0 was given %llu times in %llu rounds",
				    (unsigned long long)s->group[mine].turns, (unsigned long long)i + 1);
	}
}

static void dump_groups(struct stress_round *round, FILE *out)
{
	struct groups *s = round->state;

	for (unsigned i = 0; i * group_size(round) < round->n; i++)
		STRESS_DUMP(out, "barrier", weft_barrier, &s->group[i].barrier);
}

/* ---- free: the first to come out with its index frees the barrier, the others still being inside ---- */

struct once_barrier {
	struct weft_barrier barrier;
	_Atomic(unsigned) left;
};

/* Holds the round open a little while it can no longer be broken. */
static int take_time(void *arg)
{
	(void)arg;
	sched_yield();
	return 0;
}

static void init_once(struct stress_round *round, void *object, unsigned leader, unsigned members)
{
	struct once_barrier *o = object;

	(void)leader;
	if (weft_barrier_init(&o->barrier, members) != 0) /* a shared one may be freed only when all have returned */
		abort();
	if (round->seed >> 32 & 1)
		weft_barrier_set_action(&o->barrier, take_time, NULL);
	atomic_store_explicit(&o->left, members, memory_order_relaxed);
}

/* A round that was completed, was for all: one index decides. One that was broken ends for each in its own time. */
static bool use_once(struct stress_worker *worker, void *object, unsigned member, unsigned members)
{
	struct once_barrier *o = object;
	struct stress_how how = stress_any(worker, false);
	int result;

	(void)member;
	how.also = -EPIPE;
	result = stress_call(worker, "barrier wait", wait, &o->barrier, &how);
	if (result >= 0)
		return result == (int)members - 1;
	return atomic_fetch_sub_explicit(&o->left, 1, memory_order_acq_rel) == 1;
}

static void work_free(struct stress_worker *worker)
{
	static const struct stress_single_ops ops = { sizeof(struct once_barrier), 4, init_once, use_once };

	stress_single_work(worker, &ops);
}

static void dump_free(struct stress_round *round, FILE *out)
{
	stress_single_dump(round, out, "barrier", sizeof(struct weft_barrier), stress_describe_weft_barrier);
}

static const struct stress_case cases[] = {
	{ "lockstep", "nobody leaves a round before all have come; each index once; the action once", 2,
	  sizeof(struct lockstep), begin_lockstep, work_lockstep, finish_lockstep, dump_lockstep },
	{ "breaks", "a round is completed for all or broken for all", 2, sizeof(struct breaks), begin_breaks,
	  work_breaks, finish_breaks, dump_breaks },
	{ "free", "freed by one member while the others wake up", 2, 0, stress_single_begin, work_free, NULL,
	  dump_free },
	{ "groups", "small barriers, side by side", 2, sizeof(struct groups), begin_groups, work_groups, NULL,
	  dump_groups },
};

const struct stress_object stress_barrier = { "barrier", cases, sizeof(cases) / sizeof(cases[0]) };
