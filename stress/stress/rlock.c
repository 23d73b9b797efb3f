/* SPDX-License-Identifier: MIT */
/*
 * rlock.c - torture of weft_rlock.
 */
#include "stress.h"

STRESS_VERB(acquire, weft_rlock, weft_rlock_acquire, weft_rlock_try_acquire(o))

static int release(void *object, const struct stress_how *how)
{
	(void)how;
	return weft_rlock_release(object);
}

static void init(const struct stress_round *round, struct weft_rlock *rlock)
{
	if (round->shared)
		weft_rlock_init_shared(rlock);
	else
		weft_rlock_init(rlock);
}

static void check_idle(struct stress_round *round, struct weft_rlock *rlock)
{
	char text[96];

	weft_rlock_describe(rlock, text, sizeof(text));
	if (weft_rlock_locked(rlock))
		stress_fail_round(round, "code", "an rlock is held after all have released it: %s", text);
	if (weft_rlock_destroy(rlock) != 0)
		stress_fail_round(round, "residue", "an rlock that nobody uses says \"%s\"", text);
}

/* What a thread that does not own @rlock, whoever does, must be told. */
static void be_a_stranger(struct stress_worker *worker, struct weft_rlock *rlock)
{
	stress_step(worker, "rlock release by a stranger", rlock);
	stress_misuse_begin();
	stress_expect(worker, "rlock release by a stranger", weft_rlock_release(rlock), -EPERM);
	stress_misuse_end(worker, 1);
	stress_expect(worker, "owned by a stranger", weft_rlock_owned(rlock), false);
	stress_expect(worker, "depth of a stranger", (int)weft_rlock_depth(rlock), 0);
}

static void codes(struct stress_worker *worker)
{
	struct weft_rlock rlock = WEFT_RLOCK_INIT;

	init(worker->round, &rlock);
	be_a_stranger(worker, &rlock);
	stress_expect(worker, "try_acquire of a free rlock", weft_rlock_try_acquire(&rlock), 0);
	stress_expect(worker, "try_acquire by the owner", weft_rlock_try_acquire(&rlock), 0);
	stress_expect(worker, "acquire_for(0) by the owner", weft_rlock_acquire_for(&rlock, 0), 0);
	stress_expect(worker, "depth", (int)weft_rlock_depth(&rlock), 3);
	for (int depth = 3; depth > 0; depth--) {
		stress_expect(worker, "locked", weft_rlock_locked(&rlock), true);
		stress_expect(worker, "release", weft_rlock_release(&rlock), 0);
	}
	stress_expect(worker, "locked", weft_rlock_locked(&rlock), false);
	be_a_stranger(worker, &rlock);
	stress_expect(worker, "destroy", weft_rlock_destroy(&rlock), 0);
}

/* ---- exclusion: to any depth, in every form ---- */

enum { RLOCKS = 3 };

struct rlocks {
	struct weft_rlock rlock[RLOCKS];
	struct stress_section section[RLOCKS];
	unsigned n;
	_Atomic(unsigned) victims;
};

static void begin_rlocks(struct stress_round *round)
{
	struct rlocks *s = round->state;

	s->n = round->seed >> 20 & 3 ? 1 : RLOCKS;
	for (unsigned i = 0; i < RLOCKS; i++) {
		init(round, &s->rlock[i]);
		stress_section_init(&s->section[i]);
	}
}

/* Up and down between depth 1 and a few, with the section entered at the bottom only. */
static void wander(struct stress_worker *worker, struct weft_rlock *rlock)
{
	unsigned depth = 1;

	for (unsigned i = stress_below(worker, 6); i > 0; i--) {
		const struct stress_how how = stress_any(worker, true);

		if (depth > 1 && stress_chance(worker, 50)) {
			stress_call(worker, "rlock inner release", release, rlock, &stress_plainly);
			depth--;
		} else {
			stress_expect(worker, "acquire by the owner",
				      stress_call(worker, "rlock acquire by the owner", acquire, rlock, &how), 0);
			depth++;
		}
		stress_expect(worker, "owned", weft_rlock_owned(rlock), true);
		stress_expect(worker, "depth", (int)weft_rlock_depth(rlock), (int)depth);
		stress_dwell(worker);
	}
	for (; depth > 1; depth--)
		stress_call(worker, "rlock inner release", release, rlock, &stress_plainly);
}

static void visit(struct stress_worker *worker, struct rlocks *s, unsigned i, const struct stress_how *how)
{
	if (stress_call(worker, "rlock acquire", acquire, &s->rlock[i], how) != 0) {
		stress_expect(worker, "owned after a failed acquire", weft_rlock_owned(&s->rlock[i]), false);
		return;
	}
	stress_section_enter(worker, &s->section[i]);
	worker->count++;
	stress_expect(worker, "depth", (int)weft_rlock_depth(&s->rlock[i]), 1);
	wander(worker, &s->rlock[i]);
	stress_section_leave(worker, &s->section[i]);
	stress_call(worker, "rlock release", release, &s->rlock[i], &stress_plainly);
	stress_expect(worker, "owned after release", weft_rlock_owned(&s->rlock[i]), false);
}

static void work_exclusion(struct stress_worker *worker)
{
	struct rlocks *s = worker->round->state;

	for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++) {
		const struct stress_how how = stress_any(worker, true);
		const unsigned which = stress_below(worker, s->n);

		if (stress_below(worker, 16) == 0)
			be_a_stranger(worker, &s->rlock[which]);
		visit(worker, s, which, &how);
		if (stress_below(worker, 256) == 0)
			codes(worker);
		stress_dwell(worker);
	}
}

static void finish_rlocks(struct stress_round *round)
{
	struct rlocks *s = round->state;
	uint64_t entries = 0, counted = 0;

	for (unsigned i = 0; i < RLOCKS; i++) {
		check_idle(round, &s->rlock[i]);
		entries += s->section[i].entries;
	}
	for (unsigned i = 0; i < round->n; i++)
		counted += round->workers[i].count;
	if (entries != counted)
		stress_fail_round(round, "exclusion", "%llu entries were counted inside, %llu outside",
				  (unsigned long long)entries, (unsigned long long)counted);
}

static void dump_rlocks(struct stress_round *round, FILE *out)
{
	struct rlocks *s = round->state;

	for (unsigned i = 0; i < RLOCKS; i++)
		STRESS_DUMP(out, "rlock", weft_rlock, &s->rlock[i]);
}

/* ---- starve ---- */

static unsigned victims_of(const struct stress_round *round)
{
	return round->n < 8 ? 1 : round->n / 4;
}

static void begin_starve(struct stress_round *round)
{
	struct rlocks *s = round->state;

	begin_rlocks(round);
	atomic_store_explicit(&s->victims, victims_of(round), memory_order_relaxed);
}

static void work_starve(struct stress_worker *worker)
{
	struct rlocks *s = worker->round->state;

	if (worker->id < victims_of(worker->round)) {
		for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++)
			visit(worker, s, 0, &stress_plainly);
		atomic_fetch_sub_explicit(&s->victims, 1, memory_order_relaxed);
	} else {
		while (atomic_load_explicit(&s->victims, memory_order_relaxed) > 0 && !stress_stopping(worker))
			visit(worker, s, 0, &stress_plainly);
	}
}

/* ---- free ---- */

struct once_rlock {
	struct weft_rlock rlock;
	unsigned left; /* plain: protected by the rlock */
	struct stress_section section;
};

static void init_once(struct stress_round *round, void *object, unsigned leader, unsigned members)
{
	struct once_rlock *o = object;

	(void)leader;
	init(round, &o->rlock);
	o->left = members;
	stress_section_init(&o->section);
}

static bool use_once(struct stress_worker *worker, void *object, unsigned member, unsigned members)
{
	struct once_rlock *o = object;
	bool last;

	(void)member, (void)members;
	stress_call(worker, "rlock acquire", acquire, &o->rlock, &stress_plainly);
	stress_call(worker, "rlock acquire by the owner", acquire, &o->rlock, &stress_plainly);
	stress_section_enter(worker, &o->section);
	last = --o->left == 0;
	stress_call(worker, "rlock inner release", release, &o->rlock, &stress_plainly);
	stress_section_leave(worker, &o->section);
	stress_call(worker, "rlock release", release, &o->rlock, &stress_plainly);
	return last;
}

static void work_free(struct stress_worker *worker)
{
	static const struct stress_single_ops ops = { sizeof(struct once_rlock), 4, init_once, use_once };

	stress_single_work(worker, &ops);
}

static void dump_free(struct stress_round *round, FILE *out)
{
	stress_single_dump(round, out, "rlock", sizeof(struct weft_rlock), stress_describe_weft_rlock);
}

static const struct stress_case cases[] = {
	{ "exclusion", "one owner, the right depth, strangers refused", 2, sizeof(struct rlocks), begin_rlocks,
	  work_exclusion, finish_rlocks, dump_rlocks },
	{ "free", "freed by the last to leave", 2, 0, stress_single_begin, work_free, NULL, dump_free },
	{ "starve", "nobody is left waiting by those who come back at once", 3, sizeof(struct rlocks), begin_starve,
	  work_starve, finish_rlocks, dump_rlocks },
};

const struct stress_object stress_rlock = { "rlock", cases, sizeof(cases) / sizeof(cases[0]) };
