/* SPDX-License-Identifier: MIT */
/*
 * once.c - torture of weft_once.
 */
#include "stress.h"

#include <errno.h>
#include <sched.h>
#include <time.h>

enum { DOORS = 4096, LIMIT = 6 };

struct door {
	struct weft_once once;
	unsigned failures; /* to come; plain, as the once orders its initialisers */
	unsigned inside;
	uint64_t payload; /* plain: ordered by the once alone */
	uint64_t expected;
};

static const struct timespec a_moment = { 0, 20000 };

static int open_door(void *arg)
{
	struct door *const door = arg;
	const bool alone = door->inside++ == 0;

	if (door->expected >> 16 & 7)
		sched_yield();
	else
		nanosleep(&a_moment, NULL); /* time for the others to fall asleep */
	door->inside--;
	if (!alone || door->payload != 0)
		return -EEXIST;
	if (door->failures > 0) {
		door->failures--;
		return -EIO;
	}
	door->payload = door->expected;
	return 0;
}

static int never(void *arg)
{
	(void)arg;
	return -EEXIST;
}

/* @insist: after a failure try again; else leave it to the others, whom the failure must have told. */
static void pass(struct stress_worker *worker, struct door *door, bool insist)
{
	int rc;

	stress_step(worker, "once call", &door->once);
	while ((rc = weft_once_call(&door->once, open_door, door)) == -EIO && insist && !stress_stopping(worker))
		;
	if (rc == -EEXIST)
		stress_fail(worker, "exclusion", "an initialiser ran beside another, or after one was done");
	else if (rc == 0 && (door->payload != door->expected || !weft_once_done(&door->once)))
		stress_fail(worker, "order", "a call returned before the initialiser's work was to be seen");
	else if (rc == 0)
		stress_expect(worker, "call of what is done", weft_once_call(&door->once, never, NULL), 0);
}

/* ---- doors: all threads come to the same onces, one after the other ---- */

struct doors {
	struct door door[DOORS];
};

static void begin_doors(struct stress_round *round)
{
	struct doors *s = round->state;

	for (unsigned i = 0; i < DOORS; i++) {
		const uint64_t random = stress_mix(round->seed + i);

		s->door[i].failures = random % 4 == 0 ? (unsigned)(random >> 8) % LIMIT : 0;
		s->door[i].expected = random | 1;
	}
}

static void work_doors(struct stress_worker *worker)
{
	struct doors *s = worker->round->state;

	for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++) {
		if (i < DOORS)
			pass(worker, &s->door[i], true);
		else
			pass(worker, &s->door[stress_below(worker, DOORS)], true);
		if (stress_below(worker, 16) == 0)
			stress_dwell(worker);
		stress_op(worker);
	}
}

static void finish_doors(struct stress_round *round)
{
	struct doors *s = round->state;

	for (unsigned i = 0; i < DOORS; i++)
		if (weft_once_destroy(&s->door[i].once) != 0)
			stress_fail_round(round, "residue", "a once that nobody uses is not idle");
}

static void dump_doors(struct stress_round *round, FILE *out)
{
	struct doors *s = round->state;

	for (unsigned i = 0, shown = 0; i < DOORS && shown < 4; i++)
		if (!weft_once_done(&s->door[i].once)) {
			STRESS_DUMP(out, "once", weft_once, &s->door[i].once);
			shown++;
		}
}

/* ---- free: the last caller to return frees it, whoever ran the initialiser ---- */

struct single_once {
	struct door door;
	_Atomic(unsigned) left;
};

static void init_single(struct stress_round *round, void *object, unsigned leader, unsigned members)
{
	struct single_once *o = object;
	const uint64_t random = stress_mix(round->seed + leader);

	weft_once_init(&o->door.once);
	o->door.inside = 0;
	o->door.payload = 0;
	o->door.failures = (unsigned)random % 3;
	o->door.expected = random | 1;
	atomic_store_explicit(&o->left, members, memory_order_relaxed);
}

static bool use_single(struct stress_worker *worker, void *object, unsigned member, unsigned members)
{
	struct single_once *o = object;

	(void)member, (void)members;
	stress_dwell(worker);
	pass(worker, &o->door, false);
	return atomic_fetch_sub_explicit(&o->left, 1, memory_order_acq_rel) == 1;
}

static void work_free(struct stress_worker *worker)
{
	static const struct stress_single_ops ops = { sizeof(struct single_once), 4, init_single, use_single };

	stress_single_work(worker, &ops);
}

static void dump_free(struct stress_round *round, FILE *out)
{
	stress_single_dump(round, out, "once", sizeof(struct weft_once), stress_describe_weft_once);
}

static const struct stress_case cases[] = {
	{ "doors", "one initialiser at a time, and one success", 2, sizeof(struct doors), begin_doors, work_doors,
	  finish_doors, dump_doors },
	{ "free", "freed by the last caller to return", 2, 0, stress_single_begin, work_free, NULL, dump_free },
};

const struct stress_object stress_once = { "once", cases, sizeof(cases) / sizeof(cases[0]) };
