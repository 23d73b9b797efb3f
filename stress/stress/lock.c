/* SPDX-License-Identifier: MIT */
/*
 * lock.c - torture of weft_lock.
 */
#include "stress.h"

#include <sched.h>

STRESS_VERB(acquire, weft_lock, weft_lock_acquire, weft_lock_try_acquire(o))

static int release(void *object, const struct stress_how *how)
{
	(void)how;
	return weft_lock_release(object);
}

static void init(const struct stress_round *round, struct weft_lock *lock)
{
	if (round->shared)
		weft_lock_init_shared(lock);
	else
		weft_lock_init(lock);
}

static void check_idle(struct stress_round *round, struct weft_lock *lock)
{
	char text[64];

	if (weft_lock_locked(lock))
		stress_fail_round(round, "code", "a lock is held after all have released it");
	if (weft_lock_destroy(lock) != 0) {
		weft_lock_describe(lock, text, sizeof(text));
		stress_fail_round(round, "residue", "a lock that nobody uses says \"%s\"", text);
	}
}

/* Every return code, on a lock of one's own. */
static void codes(struct stress_worker *worker)
{
	struct weft_lock lock = WEFT_LOCK_INIT, *const twice[] = { &lock, &lock };

	init(worker->round, &lock);
	stress_misuse_begin();
	stress_expect(worker, "release of an unlocked lock", weft_lock_release(&lock), -EPERM);
	stress_expect(worker, "try_acquire of a free lock", weft_lock_try_acquire(&lock), 0);
	stress_expect(worker, "try_acquire of a held lock", weft_lock_try_acquire(&lock), -EAGAIN);
	stress_expect(worker, "acquire_for(0) of a held lock", weft_lock_acquire_for(&lock, 0), -ETIMEDOUT);
	stress_expect(worker, "acquire_for of a held lock", weft_lock_acquire_for(&lock, 1000), -ETIMEDOUT);
	stress_expect(worker, "locked", weft_lock_locked(&lock), true);
	stress_expect(worker, "destroy of a held lock", weft_lock_destroy(&lock), -EBUSY);
	stress_expect(worker, "release", weft_lock_release(&lock), 0);
	stress_expect(worker, "acquire_for(-1) of a free lock", weft_lock_acquire_for(&lock, -1), 0);
	stress_expect(worker, "release", weft_lock_release(&lock), 0);
	stress_expect(worker, "acquire_many of one lock twice", weft_lock_acquire_many(twice, 2), -EINVAL);
	stress_expect(worker, "destroy", weft_lock_destroy(&lock), 0);
	stress_misuse_end(worker, 3);
}

/* ---- exclusion: all threads at a few locks, in every form ---- */

enum { LOCKS = 5 };

struct locks {
	struct weft_lock lock[LOCKS];
	struct stress_section section[LOCKS];
	unsigned n;
	_Atomic(unsigned) victims; /* of the case starve: how many are not through */
};

static void begin_locks(struct stress_round *round)
{
	struct locks *s = round->state;

	s->n = round->seed >> 20 & 3 ? 1 : 3;
	for (unsigned i = 0; i < LOCKS; i++) {
		init(round, &s->lock[i]);
		stress_section_init(&s->section[i]);
	}
}

static void visit(struct stress_worker *worker, struct locks *s, unsigned i, const struct stress_how *how)
{
	if (stress_call(worker, "lock acquire", acquire, &s->lock[i], how) != 0)
		return;
	stress_section_enter(worker, &s->section[i]);
	worker->count++;
	stress_section_leave(worker, &s->section[i]);
	stress_call(worker, "lock release", release, &s->lock[i], &stress_plainly);
}

static void work_exclusion(struct stress_worker *worker)
{
	struct locks *s = worker->round->state;

	for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++) {
		const struct stress_how how = stress_any(worker, true);

		visit(worker, s, stress_below(worker, s->n), &how);
		if (stress_below(worker, 256) == 0)
			codes(worker);
		stress_dwell(worker);
	}
}

static void finish_locks(struct stress_round *round)
{
	struct locks *s = round->state;
	uint64_t entries = 0, counted = 0;

	for (unsigned i = 0; i < LOCKS; i++) {
		check_idle(round, &s->lock[i]);
		entries += s->section[i].entries;
	}
	for (unsigned i = 0; i < round->n; i++)
		counted += round->workers[i].count;
	if (entries != counted)
		stress_fail_round(round, "exclusion", "%llu entries were counted inside, %llu outside",
				  (unsigned long long)entries, (unsigned long long)counted);
}

static void dump_locks(struct stress_round *round, FILE *out)
{
	struct locks *s = round->state;

	for (unsigned i = 0; i < LOCKS; i++)
		STRESS_DUMP(out, "lock", weft_lock, &s->lock[i]);
}

/* ---- many: sets of locks at once ---- */

static void work_many(struct stress_worker *worker)
{
	struct locks *s = worker->round->state;

	for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++) {
		struct weft_lock *set[LOCKS];
		unsigned index[LOCKS], n = 0, first = stress_below(worker, LOCKS);

		for (unsigned j = 0; j < LOCKS; j++)
			if (n == 0 || stress_chance(worker, 50))
				index[n++] = (first + j * 2) % LOCKS;
		for (unsigned j = 0; j < n; j++)
			set[j] = &s->lock[index[j]];
		stress_step(worker, "lock acquire_many", set[0]);
		stress_expect(worker, "acquire_many", weft_lock_acquire_many(set, n), 0);
		for (unsigned j = 0; j < n; j++) {
			stress_section_enter(worker, &s->section[index[j]]);
			worker->count++;
			stress_section_leave(worker, &s->section[index[j]]);
		}
		for (unsigned j = 0; j < n; j++)
			stress_call(worker, "lock release", release, set[j], &stress_plainly);
	}
}

/* ---- starve: some threads never let go for long, yet the others must get their turns ---- */

static unsigned victims_of(const struct stress_round *round)
{
	return round->n < 8 ? 1 : round->n / 4;
}

static void begin_starve(struct stress_round *round)
{
	struct locks *s = round->state;

	begin_locks(round);
	s->n = 1;
	atomic_store_explicit(&s->victims, victims_of(round), memory_order_relaxed);
}

static void work_starve(struct stress_worker *worker)
{
	struct locks *s = worker->round->state;

	if (worker->id < victims_of(worker->round)) {
		for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++) {
			visit(worker, s, 0, &stress_plainly);
			stress_dwell(worker);
		}
		atomic_fetch_sub_explicit(&s->victims, 1, memory_order_relaxed);
	} else {
		while (atomic_load_explicit(&s->victims, memory_order_relaxed) > 0 && !stress_stopping(worker))
			visit(worker, s, 0, &stress_plainly);
	}
}

/* ---- baton: each thread releases what the next one waits for ---- */

struct baton {
	struct weft_lock lock[STRESS_MAX_THREADS];
	uint64_t turns; /* plain: ordered by the baton alone */
};

static void begin_baton(struct stress_round *round)
{
	struct baton *s = round->state;

	for (unsigned i = 0; i < round->n; i++) {
		init(round, &s->lock[i]);
		if (i > 0)
			weft_lock_acquire(&s->lock[i]);
	}
}

static void work_baton(struct stress_worker *worker)
{
	struct baton *s = worker->round->state;
	const unsigned n = worker->round->n, next = (worker->id + 1) % n;

	for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++) {
		struct stress_how how;

		do
			how = stress_any(worker, false);
		while (stress_call(worker, "lock acquire", acquire, &s->lock[worker->id], &how) != 0 &&
		       !stress_stopping(worker));
		if (s->turns % n != worker->id || s->turns / n != i)
			stress_fail(worker, "exclusion", "got the baton for turn %llu of %u threads",
				    (unsigned long long)s->turns, n);
		s->turns++;
		stress_call(worker, "lock release", release, &s->lock[next], &stress_plainly);
	}
}

static void finish_baton(struct stress_round *round)
{
	struct baton *s = round->state;

	weft_lock_acquire(&s->lock[0]);
	for (unsigned i = 0; i < round->n; i++) {
		weft_lock_release(&s->lock[i]);
		check_idle(round, &s->lock[i]);
	}
}

static void dump_baton(struct stress_round *round, FILE *out)
{
	struct baton *s = round->state;

	for (unsigned i = 0; i < round->n; i++)
		STRESS_DUMP(out, "lock", weft_lock, &s->lock[i]);
}

/* ---- free: the last to leave frees the lock ---- */

struct once_lock {
	struct weft_lock lock;
	unsigned left; /* plain: protected by the lock */
	struct stress_section section;
};

static void init_once(struct stress_round *round, void *object, unsigned leader, unsigned members)
{
	struct once_lock *o = object;

	(void)leader;
	init(round, &o->lock);
	o->left = members;
	stress_section_init(&o->section);
}

static bool use_once(struct stress_worker *worker, void *object, unsigned member, unsigned members)
{
	struct once_lock *o = object;
	struct stress_how how;
	bool last;

	(void)member, (void)members;
	do
		how = stress_any(worker, true);
	while (stress_call(worker, "lock acquire", acquire, &o->lock, &how) != 0 && !stress_stopping(worker));
	stress_section_enter(worker, &o->section);
	last = --o->left == 0;
	stress_section_leave(worker, &o->section);
	stress_call(worker, "lock release", release, &o->lock, &stress_plainly);
	return last;
}

static void work_free(struct stress_worker *worker)
{
	static const struct stress_single_ops ops = { sizeof(struct once_lock), 4, init_once, use_once };

	stress_single_work(worker, &ops);
}

static void dump_free(struct stress_round *round, FILE *out)
{
	stress_single_dump(round, out, "lock", sizeof(struct weft_lock), stress_describe_weft_lock);
}

static const struct stress_case cases[] = {
	{ "exclusion", "one thread inside, in every form of acquire", 2, sizeof(struct locks), begin_locks,
	  work_exclusion, finish_locks, dump_locks },
	{ "baton", "each release lets exactly one go", 2, sizeof(struct baton), begin_baton, work_baton, finish_baton,
	  dump_baton },
	{ "free", "freed by the last to leave", 2, 0, stress_single_begin, work_free, NULL, dump_free },
	{ "starve", "nobody is left waiting by those who come back at once", 3, sizeof(struct locks), begin_starve,
	  work_starve, finish_locks, dump_locks },
	{ "many", "sets of locks: no deadlock, all of them held", 2, sizeof(struct locks), begin_locks, work_many,
	  finish_locks, dump_locks },
};

const struct stress_object stress_lock = { "lock", cases, sizeof(cases) / sizeof(cases[0]) };
