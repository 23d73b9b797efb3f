/* SPDX-License-Identifier: MIT */
/*
 * latch.c - torture of weft_latch.
 */
#include "stress.h"

#include <stdlib.h>

STRESS_VERB(wait, weft_latch, weft_latch_wait, weft_latch_wait_for(o, 0) == 0 ? 0 : -EAGAIN)

static void init(const struct stress_round *round, struct weft_latch *latch, unsigned count)
{
	if ((round->shared ? weft_latch_init_shared(latch, count) : weft_latch_init(latch, count)) != 0)
		abort();
}

static void check_idle(struct stress_round *round, struct weft_latch *latch)
{
	if (weft_latch_count(latch) != 0)
		stress_fail_round(round, "conservation", "the count is %u after all have counted down",
				  weft_latch_count(latch));
	if (weft_latch_wait_for(latch, 0) != 0 || weft_latch_destroy(latch) != 0)
		stress_fail_round(round, "residue", "a latch that nobody uses is not idle");
}

static void down(struct stress_worker *worker, struct weft_latch *latch, unsigned n)
{
	stress_step(worker, "latch count_down", latch);
	stress_expect(worker, "count_down", weft_latch_count_down(latch, n), 0);
}

static void up(struct stress_worker *worker, struct weft_latch *latch, unsigned n)
{
	stress_step(worker, "latch count_up", latch);
	stress_expect(worker, "count_up", weft_latch_count_up(latch, n), 0);
}

static void await(struct stress_worker *worker, struct weft_latch *latch)
{
	struct stress_how how;

	do
		how = stress_any(worker, true);
	while (stress_call(worker, "latch wait", wait, latch, &how) != 0 && !stress_stopping(worker));
}

static void codes(struct stress_worker *worker)
{
	struct weft_latch latch;

	init(worker->round, &latch, 2);
	stress_misuse_begin();
	stress_expect(worker, "count_down below zero", weft_latch_count_down(&latch, 3), -EINVAL);
	stress_expect(worker, "count_down of none", weft_latch_count_down(&latch, 0), -EINVAL);
	stress_expect(worker, "count_up over the top", weft_latch_count_up(&latch, WEFT_LATCH_MAX - 1), -EOVERFLOW);
	stress_expect(worker, "wait_for(0) of a closed latch", weft_latch_wait_for(&latch, 0), -ETIMEDOUT);
	stress_expect(worker, "wait_for of a closed latch", weft_latch_wait_for(&latch, 1000), -ETIMEDOUT);
	stress_expect(worker, "count", (int)weft_latch_count(&latch), 2);
	stress_expect(worker, "count_down", weft_latch_count_down(&latch, 2), 0);
	stress_expect(worker, "wait_for(0) of an open latch", weft_latch_wait_for(&latch, 0), 0);
	stress_expect(worker, "destroy", weft_latch_destroy(&latch), 0);
	stress_misuse_end(worker, 3);
}

/* ---- group: a start and an end for each batch of work, all by latches, which open and close all the time ---- */

struct group {
	struct weft_latch start[2], done;
	uint64_t payload; /* plain: ordered by the latches alone, as are the slots */
	struct {
		_Alignas(STRESS_LINE) uint64_t batch;
	} slot[STRESS_MAX_THREADS];
};

static void begin_group(struct stress_round *round)
{
	struct group *s = round->state;

	init(round, &s->start[0], 1);
	init(round, &s->start[1], 0);
	init(round, &s->done, 0);
}

static void lead_group(struct stress_worker *worker, struct group *s)
{
	const unsigned n = worker->round->n;

	for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++) {
		up(worker, &s->done, n - 1);
		up(worker, &s->start[!(i & 1)], 1);
		s->payload = i + 1;
		down(worker, &s->start[i & 1], 1);
		await(worker, &s->done);
		for (unsigned j = 1; j < n && !stress_stopping(worker); j++)
			if (s->slot[j].batch != i + 1)
				stress_fail(worker, "order", "the end of a batch came before thread %u's work", j);
		stress_op(worker);
	}
	if (!stress_stopping(worker))
		down(worker, &s->start[worker->round->quota & 1], 1);
}

static void follow_group(struct stress_worker *worker, struct group *s)
{
	for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++) {
		await(worker, &s->start[i & 1]);
		if (s->payload != i + 1 && !stress_stopping(worker))
			stress_fail(worker, "order", "a batch began before its work was there");
		s->slot[worker->id].batch = i + 1;
		if (stress_below(worker, 64) == 0)
			codes(worker);
		down(worker, &s->done, 1);
		stress_op(worker);
	}
}

static void work_group(struct stress_worker *worker)
{
	struct group *s = worker->round->state;

	if (worker->id == 0)
		lead_group(worker, s);
	else
		follow_group(worker, s);
}

static void finish_group(struct stress_round *round)
{
	struct group *s = round->state;

	check_idle(round, &s->start[0]);
	check_idle(round, &s->start[1]);
	check_idle(round, &s->done);
}

static void dump_group(struct stress_round *round, FILE *out)
{
	struct group *s = round->state;

	STRESS_DUMP(out, "start", weft_latch, &s->start[0]);
	STRESS_DUMP(out, "other start", weft_latch, &s->start[1]);
	STRESS_DUMP(out, "done", weft_latch, &s->done);
}

/* ---- storm: counts and waits from everywhere; nobody is left behind ---- */

struct storm {
	struct weft_latch latch;
	_Atomic(unsigned) at_work;
};

static void begin_storm(struct stress_round *round)
{
	struct storm *s = round->state;

	init(round, &s->latch, 0);
	atomic_store_explicit(&s->at_work, round->n, memory_order_relaxed);
}

static void work_storm(struct stress_worker *worker)
{
	struct storm *s = worker->round->state;

	for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++) {
		if (stress_chance(worker, 50)) {
			const unsigned n = 1 + stress_below(worker, 3);

			up(worker, &s->latch, n);
			if (stress_chance(worker, 20))
				stress_dwell(worker);
			for (unsigned j = 1; j < n; j++)
				down(worker, &s->latch, 1);
			down(worker, &s->latch, 1);
		} else {
			const struct stress_how how = stress_any(worker, true);

			stress_call(worker, "latch wait", wait, &s->latch, &how);
		}
		stress_op(worker);
	}
}

static void finish_storm(struct stress_round *round)
{
	check_idle(round, &((struct storm *)round->state)->latch);
}

static void dump_storm(struct stress_round *round, FILE *out)
{
	STRESS_DUMP(out, "latch", weft_latch, &((struct storm *)round->state)->latch);
}

/* ---- free: the last waiter to return frees the latch under the hands of count_down ---- */

struct single_latch {
	struct weft_latch latch;
	_Atomic(unsigned) left;
	uint64_t payload;
};

static void init_single(struct stress_round *round, void *object, unsigned leader, unsigned members)
{
	struct single_latch *o = object;

	(void)leader;
	init(round, &o->latch, 1);
	atomic_store_explicit(&o->left, members - 1, memory_order_relaxed);
}

static bool use_single(struct stress_worker *worker, void *object, unsigned member, unsigned members)
{
	struct single_latch *o = object;

	(void)members;
	if (member == 0) {
		stress_dwell(worker);
		o->payload = 1;
		down(worker, &o->latch, 1);
		return false;
	}
	await(worker, &o->latch);
	if (o->payload != 1 && !stress_stopping(worker))
		stress_fail(worker, "order", "a latch opened before its payload was there");
	return atomic_fetch_sub_explicit(&o->left, 1, memory_order_acq_rel) == 1;
}

static void work_free(struct stress_worker *worker)
{
	static const struct stress_single_ops ops = { sizeof(struct single_latch), 4, init_single, use_single };

	stress_single_work(worker, &ops);
}

static void dump_free(struct stress_round *round, FILE *out)
{
	stress_single_dump(round, out, "latch", sizeof(struct weft_latch), stress_describe_weft_latch);
}

static const struct stress_case cases[] = {
	{ "group", "batches of work, each with a start and an end for all", 2, sizeof(struct group), begin_group,
	  work_group, finish_group, dump_group },
	{ "storm", "counts and waits from everywhere strand nobody", 2, sizeof(struct storm), begin_storm, work_storm,
	  finish_storm, dump_storm },
	{ "free", "freed by the last waiter to return", 2, 0, stress_single_begin, work_free, NULL, dump_free },
};

const struct stress_object stress_latch = { "latch", cases, sizeof(cases) / sizeof(cases[0]) };
