/* SPDX-License-Identifier: MIT */
/*
 * sem.c - torture of weft_sem.
 */
#include "stress.h"

#include <stdlib.h>

STRESS_VERB(acquire, weft_sem, weft_sem_acquire, weft_sem_try_acquire(o))

static int release(void *object, const struct stress_how *how)
{
	(void)how;
	return weft_sem_release(object);
}

static void init(const struct stress_round *round, struct weft_sem *sem, unsigned value, bool bounded)
{
	int error;

	if (bounded)
		error = round->shared ? weft_sem_init_bounded_shared(sem, value) : weft_sem_init_bounded(sem, value);
	else
		error = round->shared ? weft_sem_init_shared(sem, value) : weft_sem_init(sem, value);
	if (error != 0)
		abort();
}

static void check_idle(struct stress_round *round, struct weft_sem *sem, unsigned value)
{
	char text[64];

	weft_sem_describe(sem, text, sizeof(text));
	if (weft_sem_value(sem) != value)
		stress_fail_round(round, "conservation", "%u permits went in, %u are left: %s", value,
				  weft_sem_value(sem), text);
	if (weft_sem_destroy(sem) != 0)
		stress_fail_round(round, "residue", "a semaphore that nobody uses is not idle: %s", text);
}

static void codes(struct stress_worker *worker)
{
	struct weft_sem sem;

	init(worker->round, &sem, 1, true);
	stress_misuse_begin();
	stress_expect(worker, "release over the bound", weft_sem_release(&sem), -EOVERFLOW);
	stress_expect(worker, "try_acquire", weft_sem_try_acquire(&sem), 0);
	stress_expect(worker, "try_acquire of an empty semaphore", weft_sem_try_acquire(&sem), -EAGAIN);
	stress_expect(worker, "acquire_for(0) of an empty semaphore", weft_sem_acquire_for(&sem, 0), -ETIMEDOUT);
	stress_expect(worker, "acquire_for of an empty semaphore", weft_sem_acquire_for(&sem, 1000), -ETIMEDOUT);
	stress_expect(worker, "release_n over the bound", weft_sem_release_n(&sem, 2), -EOVERFLOW);
	stress_expect(worker, "release_n of none", weft_sem_release_n(&sem, 0), -EINVAL);
	stress_expect(worker, "value", (int)weft_sem_value(&sem), 0);
	stress_expect(worker, "release", weft_sem_release(&sem), 0);
	stress_expect(worker, "value", (int)weft_sem_value(&sem), 1);
	stress_expect(worker, "destroy", weft_sem_destroy(&sem), 0);
	stress_misuse_end(worker, 3);
}

/* ---- permits: never more threads inside than permits ---- */

struct permits {
	struct weft_sem sem;
	unsigned permits;
	_Atomic(unsigned) inside;
	struct stress_section section; /* used if there is one permit */
};

static void begin_permits(struct stress_round *round)
{
	struct permits *s = round->state;

	s->permits = 1 + (unsigned)(round->seed >> 20) % 3;
	if (round->seed >> 24 & 1)
		s->permits = 1;
	init(round, &s->sem, s->permits, round->seed >> 28 & 1);
	stress_section_init(&s->section);
}

static void use_permits(struct stress_worker *worker, struct permits *s, unsigned taken)
{
	const unsigned inside = atomic_fetch_add_explicit(&s->inside, taken, memory_order_relaxed) + taken;

	if (inside > s->permits)
		stress_fail(worker, "conservation", "%u permits are in use of %u", inside, s->permits);
	if (s->permits == 1)
		stress_section_enter(worker, &s->section);
	else
		stress_dwell(worker);
	if (s->permits == 1)
		stress_section_leave(worker, &s->section);
	atomic_fetch_sub_explicit(&s->inside, taken, memory_order_relaxed);
}

static void work_permits(struct stress_worker *worker)
{
	struct permits *s = worker->round->state;

	for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++) {
		const struct stress_how how = stress_any(worker, true);
		unsigned taken = 1;

		if (stress_call(worker, "sem acquire", acquire, &s->sem, &how) != 0)
			continue;
		while (stress_chance(worker, 20) && weft_sem_try_acquire(&s->sem) == 0)
			taken++;
		use_permits(worker, s, taken);
		stress_step(worker, "sem release_n", &s->sem);
		if (taken == 1)
			stress_call(worker, "sem release", release, &s->sem, &stress_plainly);
		else
			stress_expect(worker, "release_n", weft_sem_release_n(&s->sem, taken), 0);
		if (stress_below(worker, 256) == 0)
			codes(worker);
		stress_dwell(worker);
	}
}

static void finish_permits(struct stress_round *round)
{
	struct permits *s = round->state;

	check_idle(round, &s->sem, s->permits);
}

static void dump_permits(struct stress_round *round, FILE *out)
{
	struct permits *s = round->state;

	STRESS_DUMP(out, "sem", weft_sem, &s->sem);
	fprintf(out, "  %u permits in all, %u in use\n", s->permits,
		atomic_load_explicit(&s->inside, memory_order_relaxed));
}

/* ---- waves: as many go as permits come, and each permit lets one go ---- */

struct waves {
	struct weft_sem sem;
	uint64_t payload; /* plain: ordered by the semaphore alone */
	bool strict;	  /* the producer waits until all sleep */
	struct {
		_Alignas(STRESS_LINE) _Atomic(uint64_t) called, returned;
	} taker[STRESS_MAX_THREADS];
	_Alignas(STRESS_LINE) _Atomic(uint64_t) released;
	_Alignas(STRESS_LINE) _Atomic(uint64_t) taken;
};

static void begin_waves(struct stress_round *round)
{
	struct waves *s = round->state;

	init(round, &s->sem, 0, false);
	s->strict = stress_probe == STRESS_PROBE_ADDRESS && !round->timeouts;
}

static bool all_asleep(const struct stress_round *round, const struct waves *s, uint64_t wave)
{
	for (unsigned i = 1; i < round->n; i++)
		if (atomic_load_explicit(&s->taker[i].called, memory_order_relaxed) != wave + 1 ||
		    !stress_asleep_on(&round->workers[i], &s->sem, sizeof(s->sem)))
			return false;
	return true;
}

static bool all_returned(const struct stress_round *round, const struct waves *s, uint64_t wave)
{
	for (unsigned i = 1; i < round->n; i++)
		if (atomic_load_explicit(&s->taker[i].returned, memory_order_acquire) != wave + 1)
			return false;
	return true;
}

static void release_wave(struct stress_worker *worker, struct waves *s)
{
	unsigned left = worker->round->n - 1;

	while (left > 0) {
		const unsigned n = 1 + stress_below(worker, left);

		atomic_fetch_add_explicit(&s->released, n, memory_order_relaxed);
		stress_step(worker, "sem release_n", &s->sem);
		stress_expect(worker, "release_n",
			      n == 1 ? weft_sem_release(&s->sem) : weft_sem_release_n(&s->sem, n), 0);
		stress_op(worker);
		left -= n;
		stress_dwell(worker);
	}
}

static void give_waves(struct stress_worker *worker, struct waves *s)
{
	for (uint64_t wave = 0; wave < worker->round->quota && !stress_stopping(worker); wave++) {
		if (s->strict)
			STRESS_AWAIT(worker, "waiting for all to sleep (harness)",
				     all_asleep(worker->round, s, wave));
		s->payload = wave;
		release_wave(worker, s);
		STRESS_AWAIT(worker, "waiting for all to have one (harness)", all_returned(worker->round, s, wave));
		if (weft_sem_value(&s->sem) != 0)
			stress_fail(worker, "conservation", "%u permits are left after each thread took its one",
				    weft_sem_value(&s->sem));
	}
}

static void take_waves(struct stress_worker *worker, struct waves *s)
{
	for (uint64_t wave = 0; wave < worker->round->quota && !stress_stopping(worker); wave++) {
		uint64_t taken;
		struct stress_how how;

		/* The next wave's permits come only after this one's have all been taken. */
		STRESS_AWAIT(worker, "waiting for the wave (harness)",
			     atomic_load_explicit(&s->taken, memory_order_relaxed) >= wave * (worker->round->n - 1));
		atomic_store_explicit(&s->taker[worker->id].called, wave + 1, memory_order_relaxed);
		do
			how = stress_any(worker, !s->strict);
		while (stress_call(worker, "sem acquire", acquire, &s->sem, &how) != 0 && !stress_stopping(worker));
		taken = atomic_fetch_add_explicit(&s->taken, 1, memory_order_relaxed) + 1;
		if (taken > atomic_load_explicit(&s->released, memory_order_relaxed))
			stress_fail(worker, "conservation", "%llu permits taken, more than were released",
				    (unsigned long long)taken);
		if (!stress_stopping(worker) && s->payload != wave)
			stress_fail(worker, "order", "wave %llu brought the payload of %llu",
				    (unsigned long long)wave, (unsigned long long)s->payload);
		atomic_store_explicit(&s->taker[worker->id].returned, wave + 1, memory_order_release);
	}
}

static void work_waves(struct stress_worker *worker)
{
	struct waves *s = worker->round->state;

	if (worker->id == 0)
		give_waves(worker, s);
	else
		take_waves(worker, s);
}

static void finish_waves(struct stress_round *round)
{
	struct waves *s = round->state;

	check_idle(round, &s->sem, 0);
}

static void dump_waves(struct stress_round *round, FILE *out)
{
	struct waves *s = round->state;

	STRESS_DUMP(out, "sem", weft_sem, &s->sem);
	fprintf(out, "  %llu permits released, %llu taken\n",
		(unsigned long long)atomic_load_explicit(&s->released, memory_order_relaxed),
		(unsigned long long)atomic_load_explicit(&s->taken, memory_order_relaxed));
}

/* ---- bound: releases that must fail, in the midst of others that must not ---- */

struct bound {
	struct weft_sem sem;
	unsigned bound;
	_Atomic(unsigned) gone; /* waiters that have had their permit are not counted as taken elsewhere */
	struct {
		_Alignas(STRESS_LINE) uint64_t given, taken;
	} account[STRESS_MAX_THREADS];
};

static void begin_bound(struct stress_round *round)
{
	struct bound *s = round->state;

	s->bound = 1 + (unsigned)(round->seed >> 20) % 4;
	init(round, &s->sem, s->bound, true);
}

static void give_or_fail(struct stress_worker *worker, struct bound *s, unsigned n)
{
	int result;

	stress_misuse_begin();
	stress_step(worker, "sem release, bounded", &s->sem);
	result = n == 1 ? weft_sem_release(&s->sem) : weft_sem_release_n(&s->sem, n);
	stress_misuse_end(worker, result != 0);
	if (result == 0)
		s->account[worker->id].given += n;
	else if (result != -EOVERFLOW)
		stress_fail(worker, "code", "release_n returned %d", result);
}

static void work_bound(struct stress_worker *worker)
{
	struct bound *s = worker->round->state;

	for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++) {
		const struct stress_how how = { .kind = stress_chance(worker, 80) ? STRESS_TRY : STRESS_FOR,
						.time = stress_tiny(worker) };
		unsigned value;

		if (stress_chance(worker, 50))
			give_or_fail(worker, s, 1 + stress_below(worker, s->bound));
		else if (stress_call(worker, "sem acquire, bounded", acquire, &s->sem, &how) == 0)
			s->account[worker->id].taken++;
		value = weft_sem_value(&s->sem);
		if (value > s->bound)
			stress_fail(worker, "conservation", "the value is %u, over the bound of %u", value, s->bound);
		stress_op(worker);
	}
}

static void finish_bound(struct stress_round *round)
{
	struct bound *s = round->state;
	uint64_t value = s->bound;

	for (unsigned i = 0; i < round->n; i++)
		value += s->account[i].given - s->account[i].taken;
	check_idle(round, &s->sem, (unsigned)value);
	if (value > s->bound)
		stress_fail_round(round, "conservation", "the value is over the bound");
}

static void dump_bound(struct stress_round *round, FILE *out)
{
	struct bound *s = round->state;

	STRESS_DUMP(out, "sem", weft_sem, &s->sem);
}

/* ---- free: the last thread that got a permit frees the semaphore under the hands of release ---- */

struct once_sem {
	struct weft_sem sem;
	_Atomic(unsigned) left;
};

static void init_once(struct stress_round *round, void *object, unsigned leader, unsigned members)
{
	struct once_sem *o = object;

	(void)leader;
	init(round, &o->sem, 0, false);
	atomic_store_explicit(&o->left, members - 1, memory_order_relaxed);
}

static bool use_once(struct stress_worker *worker, void *object, unsigned member, unsigned members)
{
	struct once_sem *o = object;
	struct stress_how how;

	if (member == 0) {
		const bool at_once = stress_chance(worker, 50);

		stress_dwell(worker);
		if (at_once)
			stress_expect(worker, "release_n", weft_sem_release_n(&o->sem, members - 1), 0);
		for (unsigned i = 1; i < members && !at_once; i++)
			stress_call(worker, "sem release", release, &o->sem, &stress_plainly);
		return false;
	}
	do
		how = stress_any(worker, true);
	while (stress_call(worker, "sem acquire", acquire, &o->sem, &how) != 0 && !stress_stopping(worker));
	return atomic_fetch_sub_explicit(&o->left, 1, memory_order_acq_rel) == 1;
}

static void work_free(struct stress_worker *worker)
{
	static const struct stress_single_ops ops = { sizeof(struct once_sem), 4, init_once, use_once };

	stress_single_work(worker, &ops);
}

static void dump_free(struct stress_round *round, FILE *out)
{
	stress_single_dump(round, out, "sem", sizeof(struct weft_sem), stress_describe_weft_sem);
}

static const struct stress_case cases[] = {
	{ "permits", "never more inside than permits, none lost or made", 2, sizeof(struct permits), begin_permits,
	  work_permits, finish_permits, dump_permits },
	{ "waves", "as many go as permits are released", 2, sizeof(struct waves), begin_waves, work_waves,
	  finish_waves, dump_waves },
	{ "free", "freed by the last that got a permit", 2, 0, stress_single_begin, work_free, NULL, dump_free },
	{ "bound", "never over the bound; each refused release is refused whole", 2, sizeof(struct bound),
	  begin_bound, work_bound, finish_bound, dump_bound },
};

const struct stress_object stress_sem = { "sem", cases, sizeof(cases) / sizeof(cases[0]) };
