/* SPDX-License-Identifier: MIT */
/*
 * Barriers: BAR-01 to BAR-18. Barriers between processes are in shared.c.
 */
#include "test.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <weft/barrier.h>
#include <weft/event.h>
#include <weft/watch.h>

#define PARTIES 4

/* Make every later look at it tell, with and without a sanitizer. */
static void scrap(void *memory, size_t size)
{
	memset(memory, 0xa5, size);
	free(memory);
}

/* Write over what a wait has left on the stack: who looks there now looks too late. */
__attribute__((__noinline__)) static void scribble(void)
{
	volatile unsigned char below[2048];
	size_t i;

	for (i = 0; i < sizeof(below); i++)
		below[i] = 0xa5;
}

static void wait_plain(struct member *me)
{
	me->result = weft_barrier_wait(me->arg);
}

/* BAR-01: no parties are -EINVAL, and nothing was done. */
Test(barrier, init_without_parties_is_einval)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(3), before;
	struct team team;
	int results[2];

	memcpy(&before, &barrier, sizeof(before));
	CHECK_RET(weft_barrier_init(&barrier, 0), -EINVAL);
	CHECK_RET(weft_barrier_init_shared(&barrier, 0), -EINVAL);
	CHECK(memcmp(&before, &barrier, sizeof(before)) == 0);
	CHECK_EQ(weft_barrier_parties(&barrier), 3);
	team_start(&team, 2, wait_plain, &barrier);
	CHECK_GE(weft_barrier_wait(&barrier), 0);
	team_join_results(&team, results);
	CHECK_GE(results[0], 0);
	CHECK_GE(results[1], 0);
}

/* BAR-01: any other number will do. */
Test(barrier, parties_are_as_given)
{
	static const unsigned numbers[] = { 1, 2, 3, 1000, INT_MAX, UINT_MAX };
	unsigned i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct weft_barrier barrier;

		CHECK_RET(weft_barrier_init(&barrier, numbers[i]), 0);
		CHECK_EQ(weft_barrier_parties(&barrier), numbers[i]);
		CHECK_EQ(weft_barrier_n_waiting(&barrier), 0);
		CHECK(!weft_barrier_broken(&barrier));
		CHECK_RET(weft_barrier_destroy(&barrier), 0);
	}
}

/* BAR-02, GEN-05: alone one never waits and has index 0, whatever the time or the token; zeroed memory is that. */
Test(barrier, one_party_never_waits)
{
	static struct weft_barrier zeroed;
	struct weft_event cancel = WEFT_EVENT_INIT;
	int i;

	weft_event_set(&cancel);
	CHECK_EQ(weft_barrier_parties(&zeroed), 1);
	for (i = 0; i < 3; i++) {
		CHECK_RET(weft_barrier_wait(&zeroed), 0);
		CHECK_RET(weft_barrier_wait_for(&zeroed, -1), 0);
		CHECK_RET(weft_barrier_wait_for(&zeroed, INT64_MIN), 0);
		CHECK_RET(weft_barrier_wait_until(&zeroed, 0, NULL), 0);
		CHECK_RET(weft_barrier_wait_until(&zeroed, INT64_MIN, &cancel), 0);
		CHECK(!weft_barrier_broken(&zeroed));
		CHECK_EQ(weft_barrier_n_waiting(&zeroed), 0);
	}
}

/* BAR-03, BAR-13: nobody leaves before all have come; then all do, and the barrier is as new. */
Test(barrier, last_arrival_lets_all_go)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(5);
	struct team team;
	int round;

	for (round = 0; round < 3; round++) {
		team_start(&team, 4, wait_plain, &barrier);
		wait_until(weft_barrier_n_waiting(&barrier) == 4);
		team_wait_asleep(&team, 4);
		CHECK_EQ(team_done(&team), 0);
		CHECK_RET(weft_barrier_wait(&barrier), 4);
		CHECK_EQ(weft_barrier_n_waiting(&barrier), 0);
		CHECK(!weft_barrier_broken(&barrier));
		team_join(&team);
		CHECK_EQ(weft_barrier_n_waiting(&barrier), 0);
		CHECK(!weft_barrier_broken(&barrier));
	}
}

struct rounds {
	struct weft_barrier barrier;
	unsigned n;
	unsigned at[8];	   /* how far each member is; not atomic, the barrier orders it */
	unsigned taken[8]; /* in which round this index was returned last */
	unsigned actions;
	pthread_t runner;
};

static void run_in_lockstep(struct member *me)
{
	struct rounds *r = me->arg;
	const unsigned parties = weft_barrier_parties(&r->barrier);
	unsigned round, i;

	for (round = 1; round <= r->n; round++) {
		int index;

		r->at[me->index] = round;
		index = weft_barrier_wait(&r->barrier);
		if (!CHECK_GE(index, 0) || !CHECK_LT(index, parties))
			return;
		for (i = 0; i < parties; i++)
			CHECK_EQ(r->at[i], round);
		CHECK_NE(r->taken[index], round);
		r->taken[index] = round;
		CHECK_GE(weft_barrier_wait(&r->barrier), 0);
		for (i = 0; i < parties; i++)
			CHECK_EQ(r->taken[i], round);
	}
}

/* BAR-04, BAR-05, GEN-09: 10,000 rounds in lockstep; what was written before is seen after; each index once. */
Test(barrier, ten_thousand_rounds_in_lockstep)
{
	struct rounds r;

	memset(&r, 0, sizeof(r));
	CHECK_RET(weft_barrier_init(&r.barrier, PARTIES), 0);
	r.n = slow_build() ? 500 : 5000; /* each is two of the barrier's */
	team_run(PARTIES, run_in_lockstep, &r);
	CHECK_EQ(weft_barrier_n_waiting(&r.barrier), 0);
}

/* BAR-04: the same with two, and with more than there are CPUs. */
Test(barrier, lockstep_of_two_and_of_eight)
{
	struct rounds r;

	memset(&r, 0, sizeof(r));
	CHECK_RET(weft_barrier_init(&r.barrier, 2), 0);
	r.n = slow_build() ? 500 : 3000;
	team_run(2, run_in_lockstep, &r);
	memset(&r, 0, sizeof(r));
	CHECK_RET(weft_barrier_init(&r.barrier, 8), 0);
	r.n = slow_build() ? 100 : 500;
	team_run(8, run_in_lockstep, &r);
}

/* BAR-05: the index is the order of arrival. */
Test(barrier, index_is_the_order_of_arrival)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(6);
	struct team teams[5];
	int i, result;

	for (i = 0; i < 5; i++) {
		team_start(&teams[i], 1, wait_plain, &barrier);
		wait_until(weft_barrier_n_waiting(&barrier) == (unsigned)i + 1);
	}
	CHECK_RET(weft_barrier_wait(&barrier), 5);
	for (i = 0; i < 5; i++) {
		team_join_results(&teams[i], &result);
		CHECK_EQ(result, i);
	}
}

static int count_action(void *arg)
{
	struct rounds *r = arg;
	unsigned i;

	/* All have come, and nobody has gone on. */
	for (i = 0; i < PARTIES; i++)
		CHECK_EQ(r->at[i], r->actions + 1);
	CHECK_EQ(weft_barrier_n_waiting(&r->barrier), 0);
	CHECK(!weft_lock_locked(&r->barrier.lock)); /* GEN-11 */
	r->actions++;
	r->runner = pthread_self();
	return 0;
}

static void run_with_action(struct member *me)
{
	struct rounds *r = me->arg;
	unsigned round;

	for (round = 1; round <= r->n; round++) {
		int index;

		r->at[me->index] = round;
		index = weft_barrier_wait(&r->barrier);
		CHECK_GE(index, 0);
		CHECK_EQ(r->actions, round);
		if (index == PARTIES - 1)
			CHECK(pthread_equal(r->runner, pthread_self()));
		/* This round's count must be read by all before the next round's action. */
	}
}

/* BAR-06, GEN-09: the action runs once a round, in the last to arrive, when all have come and nobody has gone. */
Test(barrier, action_runs_once_a_round_before_all_go)
{
	struct rounds r;

	memset(&r, 0, sizeof(r));
	CHECK_RET(weft_barrier_init(&r.barrier, PARTIES), 0);
	weft_barrier_set_action(&r.barrier, count_action, &r);
	r.n = slow_build() ? 500 : 3000;
	team_run(PARTIES, run_with_action, &r);
	CHECK_EQ(r.actions, r.n);
}

struct failing {
	struct weft_barrier barrier;
	int error;
	unsigned actions;
};

static int fail(void *arg)
{
	struct failing *f = arg;

	f->actions++;
	return f->error;
}

static void wait_failing(struct member *me)
{
	struct failing *f = me->arg;

	me->result = weft_barrier_wait(&f->barrier);
}

/* BAR-07, BAR-14: its error goes to the thread that ran it, -EPIPE to the others; a broken barrier runs none. */
Test(barrier, failing_action_breaks_the_barrier)
{
	static const int errors[] = { -EIO, -EPERM, -ETIMEDOUT, -1000000, 0 };
	unsigned i, j;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct failing f = { WEFT_BARRIER_INIT(3), errors[i], 0 };
		struct team team;
		int results[2];

		weft_barrier_set_action(&f.barrier, fail, &f);
		team_start(&team, 2, wait_failing, &f);
		wait_until(weft_barrier_n_waiting(&f.barrier) == 2);
		CHECK_RET(weft_barrier_wait(&f.barrier), errors[i] < 0 ? errors[i] : 2);
		team_join_results(&team, results);
		for (j = 0; j < 2; j++)
			CHECK_EQ(results[j] < 0 ? results[j] : 0, errors[i] < 0 ? -EPIPE : 0);
		CHECK_EQ(f.actions, 1);
		if (errors[i] == 0)
			continue;
		CHECK(weft_barrier_broken(&f.barrier));
		CHECK_EQ(weft_barrier_n_waiting(&f.barrier), 0);
		CHECK_RET(weft_barrier_wait(&f.barrier), -EPIPE);
		CHECK_RET(weft_barrier_wait_for(&f.barrier, 0), -EPIPE);
		CHECK_EQ(f.actions, 1);

		f.error = 0;
		weft_barrier_reset(&f.barrier);
		CHECK(!weft_barrier_broken(&f.barrier));
		team_start(&team, 2, wait_failing, &f);
		wait_until(weft_barrier_n_waiting(&f.barrier) == 2);
		CHECK_RET(weft_barrier_wait(&f.barrier), 2);
		team_join(&team);
		CHECK_EQ(f.actions, 2);
	}
}

/* BAR-08, BAR-13: those who wait and those who come get -EPIPE; with nobody waiting too, and twice. */
Test(barrier, abort_breaks_it_until_reset)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(4);
	struct weft_event cancel = WEFT_EVENT_INIT;
	struct team team;
	int results[3], i;

	team_start(&team, 3, wait_plain, &barrier);
	wait_until(weft_barrier_n_waiting(&barrier) == 3);
	weft_barrier_abort(&barrier);
	CHECK(weft_barrier_broken(&barrier));
	CHECK_EQ(weft_barrier_n_waiting(&barrier), 0);
	team_join_results(&team, results);
	for (i = 0; i < 3; i++)
		CHECK_EQ(results[i], -EPIPE);
	weft_event_set(&cancel);
	for (i = 0; i < 2; i++) {
		CHECK_RET(weft_barrier_wait(&barrier), -EPIPE);
		CHECK_RET(weft_barrier_wait_for(&barrier, WEFT_FOREVER), -EPIPE);
		CHECK_RET(weft_barrier_wait_for(&barrier, -1), -EPIPE);
		CHECK_RET(weft_barrier_wait_until(&barrier, 0, NULL), -EPIPE);
		CHECK_RET(weft_barrier_wait_until(&barrier, WEFT_FOREVER, &cancel), -EPIPE);
		weft_barrier_abort(&barrier);
		CHECK(weft_barrier_broken(&barrier));
	}

	weft_barrier_init(&barrier, 2);
	weft_barrier_abort(&barrier);
	CHECK(weft_barrier_broken(&barrier));
	CHECK_RET(weft_barrier_wait(&barrier), -EPIPE);
}

/* BAR-09: those who wait get -EPIPE, the barrier is whole at once, and new ones need not care about the old. */
Test(barrier, reset_sends_the_waiters_away)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(3);
	struct team old, new;
	int results[2], i;

	weft_barrier_reset(&barrier);
	weft_barrier_reset(&barrier);
	CHECK(!weft_barrier_broken(&barrier));
	for (i = 0; i < 20; i++) {
		team_start(&old, 2, wait_plain, &barrier);
		wait_until(weft_barrier_n_waiting(&barrier) == 2);
		weft_barrier_reset(&barrier);
		CHECK(!weft_barrier_broken(&barrier));
		CHECK_EQ(weft_barrier_n_waiting(&barrier), 0);
		team_start(&new, 2, wait_plain, &barrier);
		wait_until(weft_barrier_n_waiting(&barrier) == 2);
		CHECK_RET(weft_barrier_wait(&barrier), 2);
		team_join_results(&new, results);
		CHECK_GE(results[0], 0);
		CHECK_GE(results[1], 0);
		team_join_results(&old, results);
		CHECK_EQ(results[0], -EPIPE);
		CHECK_EQ(results[1], -EPIPE);
		CHECK(!weft_barrier_broken(&barrier));
	}
}

/* BAR-09: reset with nobody waiting clears "broken". BAR-10: and then all parties can use it again. */
Test(barrier, broken_one_can_be_reset_and_used_again)
{
	struct rounds r;
	int i;

	memset(&r, 0, sizeof(r));
	CHECK_RET(weft_barrier_init(&r.barrier, PARTIES), 0);
	for (i = 0; i < 3; i++) {
		struct team team;
		int results[PARTIES], j;

		team_start(&team, PARTIES - 1, wait_plain, &r.barrier);
		wait_until(weft_barrier_n_waiting(&r.barrier) == PARTIES - 1);
		weft_barrier_abort(&r.barrier);
		team_join_results(&team, results);
		for (j = 0; j < PARTIES - 1; j++)
			CHECK_EQ(results[j], -EPIPE);
		weft_barrier_reset(&r.barrier);
		CHECK(!weft_barrier_broken(&r.barrier));
		memset(r.taken, 0, sizeof(r.taken));
		r.n = 20;
		team_run(PARTIES, run_in_lockstep, &r);
	}
}

struct timed {
	struct weft_barrier barrier;
	struct weft_event cancel;
	int64_t timeout_ns; /* WEFT_FOREVER: by the token */
};

static void wait_timed(struct member *me)
{
	struct timed *t = me->arg;
	const int64_t before = clock_ns();

	if (t->timeout_ns == WEFT_FOREVER) {
		me->result = weft_barrier_wait_until(&t->barrier, WEFT_FOREVER, &t->cancel);
		return;
	}
	if (me->index % 2 == 0)
		me->result = weft_barrier_wait_for(&t->barrier, t->timeout_ns);
	else
		me->result = weft_barrier_wait_until(&t->barrier, before + t->timeout_ns, &t->cancel);
	if (me->result == -ETIMEDOUT)
		CHECK_GE(clock_ns() - before, t->timeout_ns);
}

static void check_one_of(const int results[], unsigned n, int code)
{
	unsigned i, ones = 0;

	for (i = 0; i < n; i++) {
		ones += results[i] == code;
		if (results[i] != code)
			CHECK_EQ(results[i], -EPIPE);
	}
	CHECK_EQ(ones, 1);
}

/* BAR-11, TIME-02: the first whose time runs out breaks it: -ETIMEDOUT for that one alone, -EPIPE for all others. */
Test(barrier, timeout_breaks_it_for_all)
{
	unsigned round;

	for (round = 0; round < 20; round++) {
		struct timed t = { WEFT_BARRIER_INIT(5), WEFT_EVENT_INIT, 2 * MS };
		struct team team;
		int results[4];

		team_start(&team, 4, wait_timed, &t);
		team_join_results(&team, results);
		check_one_of(results, 4, -ETIMEDOUT);
		CHECK(weft_barrier_broken(&t.barrier));
		CHECK_EQ(weft_barrier_n_waiting(&t.barrier), 0);
		CHECK_RET(weft_barrier_wait(&t.barrier), -EPIPE);
	}
}

/* BAR-11: one time-out among waits without end sends them all away. */
Test(barrier, timeout_breaks_it_for_those_without)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(5);
	struct team team;
	int results[3], i;

	team_start(&team, 3, wait_plain, &barrier);
	wait_until(weft_barrier_n_waiting(&barrier) == 3);
	CHECK_RET(weft_barrier_wait_for(&barrier, 2 * MS), -ETIMEDOUT);
	team_join_results(&team, results);
	for (i = 0; i < 3; i++)
		CHECK_EQ(results[i], -EPIPE);
	CHECK(weft_barrier_broken(&barrier));
}

/* BAR-11: a token that many wait with: one breaks it, the others find it broken. */
Test(barrier, cancel_breaks_it_for_all)
{
	unsigned round;

	for (round = 0; round < 20; round++) {
		struct timed t = { WEFT_BARRIER_INIT(5), WEFT_EVENT_INIT, WEFT_FOREVER };
		struct team team;
		int results[4];

		team_start(&team, 4, wait_timed, &t);
		wait_until(weft_barrier_n_waiting(&t.barrier) == 4);
		weft_event_set(&t.cancel);
		team_join_results(&team, results);
		check_one_of(results, 4, -ECANCELED);
		CHECK(weft_barrier_broken(&t.barrier));
	}
}

/* BAR-11, TIME-05, TIME-06: no time at all breaks it, unless the caller is the last. */
Test(barrier, expired_times_break_it_unless_last)
{
	static const int64_t expired[] = { 0, -1, -1000000000, INT64_MIN + 1, INT64_MIN };
	struct weft_barrier barrier = WEFT_BARRIER_INIT(2);
	struct weft_event cancel = WEFT_EVENT_INIT;
	struct team team;
	unsigned i;
	int result;

	weft_event_set(&cancel);
	for (i = 0; i < sizeof(expired) / sizeof(expired[0]); i++) {
		CHECK_RET(weft_barrier_wait_for(&barrier, expired[i]), -ETIMEDOUT);
		CHECK(weft_barrier_broken(&barrier));
		weft_barrier_reset(&barrier);
		CHECK_RET(weft_barrier_wait_until(&barrier, expired[i], NULL), -ETIMEDOUT);
		CHECK(weft_barrier_broken(&barrier));
		weft_barrier_reset(&barrier);

		team_start(&team, 1, wait_plain, &barrier);
		wait_until(weft_barrier_n_waiting(&barrier) == 1);
		if (i % 2 == 0)
			CHECK_RET(weft_barrier_wait_for(&barrier, expired[i]), 1);
		else
			CHECK_RET(weft_barrier_wait_until(&barrier, expired[i], &cancel), 1);
		team_join_results(&team, &result);
		CHECK_EQ(result, 0);
	}
	CHECK_RET(weft_barrier_wait_until(&barrier, WEFT_FOREVER, &cancel), -ECANCELED);
	CHECK(weft_barrier_broken(&barrier));
}

static const int64_t endless[] = { INT64_MAX, INT64_MAX - 1, INT64_MAX / 2, INT64_C(9223372036) * 1000000000 };

static void wait_endless(struct member *me)
{
	if (me->index % 2 == 0)
		me->result = weft_barrier_wait_for(me->arg, endless[me->index / 2]);
	else
		me->result = weft_barrier_wait_until(me->arg, endless[me->index / 2], NULL);
}

/* TIME-05, TIME-07: huge times wait. */
Test(barrier, huge_times_wait)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(9);
	struct team team;
	int results[8], i;

	team_start(&team, 8, wait_endless, &barrier);
	wait_until(weft_barrier_n_waiting(&barrier) == 8);
	team_wait_asleep(&team, 8);
	CHECK_EQ(team_done(&team), 0);
	CHECK_RET(weft_barrier_wait(&barrier), 8);
	team_join_results(&team, results);
	for (i = 0; i < 8; i++)
		CHECK_GE(results[i], 0);
}

static void wait_for_ever(struct member *me)
{
	me->result = me->index == 0 ? weft_barrier_wait_for(me->arg, WEFT_FOREVER)
				    : weft_barrier_wait_until(me->arg, WEFT_FOREVER, NULL);
}

/* BAR-12: the time-out of the barrier is for waits that name none ... */
Test(barrier, default_timeout_is_for_plain_waits)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(2);
	int64_t before;

	weft_barrier_set_timeout(&barrier, 10 * MS);
	before = clock_ns();
	CHECK_RET(weft_barrier_wait(&barrier), -ETIMEDOUT);
	CHECK_GE(clock_ns() - before, 10 * MS);
	CHECK(weft_barrier_broken(&barrier));
	weft_barrier_reset(&barrier);
	before = clock_ns();
	CHECK_RET(weft_barrier_wait_for(&barrier, 20 * MS), -ETIMEDOUT);
	CHECK_GE(clock_ns() - before, 20 * MS);
	weft_barrier_reset(&barrier);

	weft_barrier_init(&barrier, 2);
	weft_barrier_set_timeout(&barrier, 0);
	CHECK_RET(weft_barrier_wait(&barrier), -ETIMEDOUT);
	weft_barrier_init(&barrier, 2);
	weft_barrier_set_timeout(&barrier, INT64_MIN);
	CHECK_RET(weft_barrier_wait(&barrier), -ETIMEDOUT);
}

/* ... and not for those that name WEFT_FOREVER, as it may itself. */
Test(barrier, default_timeout_is_not_for_others)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(3);
	struct team team;
	int results[2];
	int64_t later;

	weft_barrier_set_timeout(&barrier, MS);
	team_start(&team, 2, wait_for_ever, &barrier);
	wait_until(weft_barrier_n_waiting(&barrier) == 2);
	later = clock_ns() + 5 * MS;
	wait_until(clock_ns() > later);
	CHECK_EQ(weft_barrier_n_waiting(&barrier), 2);
	CHECK_RET(weft_barrier_wait(&barrier), 2);
	team_join_results(&team, results);
	CHECK_GE(results[0], 0);
	CHECK_GE(results[1], 0);

	weft_barrier_init(&barrier, 2);
	weft_barrier_set_timeout(&barrier, 1);
	weft_barrier_set_timeout(&barrier, WEFT_FOREVER);
	team_start(&team, 1, wait_plain, &barrier);
	wait_until(weft_barrier_n_waiting(&barrier) == 1);
	team_wait_asleep(&team, 1);
	CHECK_RET(weft_barrier_wait(&barrier), 1);
	team_join(&team);
}

struct fast {
	struct weft_barrier barrier;
	int first[3];
};

static void wait_twice_if_last(struct member *me)
{
	struct fast *f = me->arg;

	f->first[me->index] = weft_barrier_wait(&f->barrier);
	if (f->first[me->index] == 2)
		me->result = weft_barrier_wait_for(&f->barrier, me->index == 1 ? 0 : 1000);
}

/*
 * BAR-15, BAR-16, BAR-04: whoever comes back while the others still leave waits no longer than it said, and that its
 * wait breaks the barrier does not change how their round ended.
 */
Test(barrier, deadline_holds_while_others_leave)
{
	const unsigned rounds = slow_build() ? 100 : 500;
	struct fast f = { WEFT_BARRIER_INIT(3), { 0 } };
	unsigned round, i;

	for (round = 0; round < rounds; round++) {
		struct team team;
		int results[3], sum = 0;

		team_start(&team, 3, wait_twice_if_last, &f);
		team_join_results(&team, results);
		for (i = 0; i < 3; i++) {
			CHECK_GE(f.first[i], 0);
			sum += 1 << f.first[i];
			CHECK_EQ(results[i], f.first[i] == 2 ? -ETIMEDOUT : 0);
		}
		CHECK_EQ(sum, 7);
		CHECK(weft_barrier_broken(&f.barrier));
		weft_barrier_reset(&f.barrier);
	}
}

/*
 * Races against completion. In each round PARTIES members wait once while a spoiler does something else to the
 * barrier; the round ends in one way for all. A pthread barrier keeps the rounds apart.
 */
struct duel {
	struct weft_barrier barrier;
	struct weft_event cancel;
	pthread_barrier_t gate;
	enum { BY_ABORT, BY_CANCEL, BY_TIME } how;
	unsigned rounds;
	int results[PARTIES];
	unsigned actions; /* run by members */
	unsigned completed, broken;
};

static int count_completion(void *arg)
{
	struct duel *d = arg;

	d->actions++;
	return 0;
}

static void pass(struct duel *d)
{
	pthread_barrier_wait(&d->gate);
}

static void linger(uint64_t *random)
{
	unsigned turns = (unsigned)(random_next(random) % 300);
	atomic_uint i = 0;

	while (atomic_fetch_add_explicit(&i, 1, memory_order_relaxed) < turns)
		;
}

#define SHORT_NS INT64_C(20000)

/*
 * Come last, about when the time of the others runs out: too late the last time, so earlier now, and the other way
 * round. That keeps close to the edge on any machine.
 */
static int arrive_at_the_edge(struct weft_barrier *barrier, int64_t *offset_ns, uint64_t *random)
{
	const int64_t step_ns = (int64_t)(random_next(random) % 4000);
	int64_t start;
	int result;

	wait_until(weft_barrier_broken(barrier) ||
		   weft_barrier_n_waiting(barrier) == weft_barrier_parties(barrier) - 1);
	start = clock_ns();
	while (clock_ns() < start + *offset_ns)
		;
	result = weft_barrier_wait(barrier);
	*offset_ns += result >= 0 ? step_ns : -step_ns;
	return result;
}

static void duel_member(struct member *me)
{
	struct duel *d = me->arg;
	uint64_t random = me->index + 1;
	int64_t offset_ns = SHORT_NS;
	unsigned round;

	for (round = 0; round < d->rounds; round++) {
		int *const result = &d->results[me->index];

		pass(d);
		if (d->how != BY_TIME)
			linger(&random);
		if (d->how == BY_CANCEL)
			*result = weft_barrier_wait_until(&d->barrier, WEFT_FOREVER, &d->cancel);
		else if (d->how == BY_ABORT)
			*result = weft_barrier_wait(&d->barrier);
		else if (me->index > 0)
			*result = weft_barrier_wait_for(&d->barrier, SHORT_NS);
		else
			*result = arrive_at_the_edge(&d->barrier, &offset_ns, &random);
		pass(d);
	}
}

static void check_duel(struct duel *d)
{
	int seen = 0, broke = 0, i;

	for (i = 0; i < PARTIES; i++) {
		if (d->results[i] >= 0)
			seen |= 1 << d->results[i];
		else if (d->results[i] == (d->how == BY_CANCEL ? -ECANCELED : -ETIMEDOUT))
			broke++;
		else
			CHECK_EQ(d->results[i], -EPIPE);
	}
	if (seen == (1 << PARTIES) - 1) {
		d->completed++;
		return;
	}
	d->broken++;
	CHECK_EQ(seen, 0);
	CHECK_EQ(broke, d->how == BY_CANCEL || d->how == BY_TIME);
	CHECK(weft_barrier_broken(&d->barrier));
}

/* The spoiler's side; only abort, cancel and time-out, after which all who come are told the same. */
static void run_duel(struct duel *d)
{
	struct team team;
	uint64_t random = 42;
	unsigned round;

	d->rounds = slow_build() ? 300 : 1000;
	pthread_barrier_init(&d->gate, NULL, PARTIES + 1);
	weft_barrier_init(&d->barrier, PARTIES);
	weft_barrier_set_action(&d->barrier, count_completion, d);
	team_start(&team, PARTIES, duel_member, d);
	for (round = 0; round < d->rounds; round++) {
		unsigned looks = (unsigned)(random_next(&random) % 30000);
		const unsigned come = (unsigned)(random_next(&random) % PARTIES);

		pass(d);
		while (d->how != BY_TIME && looks-- > 0 && weft_barrier_n_waiting(&d->barrier) < come)
			;
		linger(&random);
		if (d->how == BY_ABORT)
			weft_barrier_abort(&d->barrier);
		else if (d->how == BY_CANCEL)
			weft_event_set(&d->cancel);
		pass(d);
		check_duel(d);
		CHECK_EQ(d->actions, d->completed);
		weft_event_clear(&d->cancel);
		weft_barrier_reset(&d->barrier);
	}
	team_join(&team);
	pthread_barrier_destroy(&d->gate);
	CHECK_EQ(d->completed + d->broken, d->rounds);
}

/* BAR-16, BAR-18: against abort a round is completed for all, and then the action ran, or broken for all. */
Test(barrier, abort_races_with_completion)
{
	struct duel d;

	memset(&d, 0, sizeof(d));
	d.how = BY_ABORT;
	run_duel(&d);
}

/* BAR-11, BAR-16: likewise against a token ... */
Test(barrier, cancel_races_with_completion)
{
	struct duel d;

	memset(&d, 0, sizeof(d));
	d.how = BY_CANCEL;
	run_duel(&d);
}

/* ... and against time. */
Test(barrier, timeout_races_with_completion)
{
	struct duel d;

	memset(&d, 0, sizeof(d));
	d.how = BY_TIME;
	run_duel(&d);
}

struct crowd {
	struct weft_barrier barrier;
	atomic_uint tickets;
	unsigned waits;
	atomic_uint indexes[3];
	atomic_uint errors;
	atomic_bool stop;
};

static void wait_in_crowd(struct member *me)
{
	struct crowd *c = me->arg;

	while (atomic_fetch_add(&c->tickets, 1) < c->waits) {
		const int index = weft_barrier_wait(&c->barrier);

		if (CHECK_GE(index, 0))
			atomic_fetch_add(&c->indexes[index], 1);
	}
}

/* BAR-04, BAR-05: more threads than parties: any three make a round, and each index comes as often as there are. */
Test(barrier, more_threads_than_parties)
{
	struct crowd c;
	unsigned i;

	memset(&c, 0, sizeof(c));
	CHECK_RET(weft_barrier_init(&c.barrier, 3), 0);
	c.waits = slow_build() ? 3000 : 15000;
	team_run(7, wait_in_crowd, &c);
	for (i = 0; i < 3; i++)
		CHECK_EQ(atomic_load(&c.indexes[i]), c.waits / 3);
	CHECK_EQ(weft_barrier_n_waiting(&c.barrier), 0);
}

static void wait_until_stopped(struct member *me)
{
	struct crowd *c = me->arg;

	while (!atomic_load(&c->stop)) {
		const int index = weft_barrier_wait(&c->barrier);

		if (index >= 0)
			atomic_fetch_add(&c->indexes[index], 1);
		else if (CHECK_EQ(index, -EPIPE))
			atomic_fetch_add(&c->errors, 1);
	}
}

/* BAR-09, BAR-16: resets in full run: what completes is whole, nobody is left behind, and it goes on. */
Test(barrier, resets_while_in_use)
{
	struct crowd c;
	struct team team;
	uint64_t random = 7;
	unsigned i, rounds = slow_build() ? 500 : 3000;

	memset(&c, 0, sizeof(c));
	CHECK_RET(weft_barrier_init(&c.barrier, 3), 0);
	team_start(&team, 3, wait_until_stopped, &c);
	for (i = 0; i < rounds; i++) {
		linger(&random);
		if (i % 8 == 0)
			weft_barrier_abort(&c.barrier);
		weft_barrier_reset(&c.barrier);
	}
	/* With nobody disturbing them they complete rounds. */
	i = atomic_load(&c.indexes[2]);
	wait_until(atomic_load(&c.indexes[2]) > i + 10);
	atomic_store(&c.stop, true);
	weft_barrier_abort(&c.barrier);
	team_join(&team);
	CHECK_EQ(atomic_load(&c.indexes[0]), atomic_load(&c.indexes[1]));
	CHECK_EQ(atomic_load(&c.indexes[0]), atomic_load(&c.indexes[2]));
}

enum { IT_ABORTS, IT_OUTLASTS_TIME, IT_OUTLASTS_TOKEN, IT_OUTLASTS_AND_FAILS };

struct slow_action {
	struct weft_barrier barrier;
	struct weft_event cancel;
	int what;
	struct team *team;
	int64_t deadline_ns;
};

static int act_slowly(void *arg)
{
	struct slow_action *a = arg;

	switch (a->what) {
	case IT_ABORTS:
		weft_barrier_abort(&a->barrier);
		return 0;
	case IT_OUTLASTS_TOKEN:
		weft_event_set(&a->cancel);
		break;
	default:
		break;
	}
	/* Give the waiter every chance to come back on its own. */
	wait_until(clock_ns() > a->deadline_ns + 5 * MS);
	CHECK_EQ(team_done(a->team), 0);
	return a->what == IT_OUTLASTS_AND_FAILS ? -EIO : 0;
}

static void wait_with_both(struct member *me)
{
	struct slow_action *a = me->arg;

	me->result = a->what == IT_ABORTS || a->what == IT_OUTLASTS_TOKEN
			     ? weft_barrier_wait_until(&a->barrier, WEFT_FOREVER, &a->cancel)
			     : weft_barrier_wait_until(&a->barrier, a->deadline_ns, NULL);
}

/* BAR-06, BAR-16: while the action runs the round cannot be broken: not by abort, nor by time, nor by a token. */
Test(barrier, round_cannot_be_broken_during_its_action)
{
	int what;

	for (what = IT_ABORTS; what <= IT_OUTLASTS_AND_FAILS; what++) {
		struct slow_action a;
		struct team team;
		int result, mine, patience_ms;

		for (patience_ms = 10;; patience_ms *= 2) {
			memset(&a, 0, sizeof(a));
			CHECK_RET(weft_barrier_init(&a.barrier, 2), 0);
			weft_barrier_set_action(&a.barrier, act_slowly, &a);
			a.what = what;
			a.team = &team;
			a.deadline_ns = clock_ns() + patience_ms * MS;
			team_start(&team, 1, wait_with_both, &a);
			wait_until(weft_barrier_n_waiting(&a.barrier) == 1 || weft_barrier_broken(&a.barrier));
			mine = weft_barrier_wait(&a.barrier);
			team_join_results(&team, &result);
			if (mine != -EPIPE) /* else time ran out before it all began */
				break;
		}
		if (what == IT_OUTLASTS_AND_FAILS) {
			CHECK_EQ(mine, -EIO);
			CHECK_EQ(result, -EPIPE);
		} else {
			CHECK_EQ(mine, 1);
			CHECK_EQ(result, 0);
		}
		CHECK_EQ(weft_barrier_broken(&a.barrier), what == IT_ABORTS || what == IT_OUTLASTS_AND_FAILS);
	}
}

/* BAR-14, BAR-18: aborted before the last came, the round has no action. */
Test(barrier, no_action_on_a_broken_barrier)
{
	struct failing f = { WEFT_BARRIER_INIT(2), 0, 0 };
	struct team team;
	int result;

	weft_barrier_set_action(&f.barrier, fail, &f);
	team_start(&team, 1, wait_failing, &f);
	wait_until(weft_barrier_n_waiting(&f.barrier) == 1);
	weft_barrier_abort(&f.barrier);
	CHECK_RET(weft_barrier_wait(&f.barrier), -EPIPE);
	team_join_results(&team, &result);
	CHECK_EQ(result, -EPIPE);
	CHECK_EQ(f.actions, 0);
}

/* BAR-17: with nobody waiting, abort and destroy are always safe; with somebody destroy says -EBUSY. */
Test(barrier, destroy_tells_whether_it_is_in_use)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(2);
	struct team team;
	int result;

	CHECK_RET(weft_barrier_destroy(&barrier), 0);
	team_start(&team, 1, wait_plain, &barrier);
	wait_until(weft_barrier_n_waiting(&barrier) == 1);
	CHECK_RET(weft_barrier_destroy(&barrier), -EBUSY);
	CHECK_EQ(weft_barrier_n_waiting(&barrier), 1);
	CHECK_RET(weft_barrier_wait(&barrier), 1);
	team_join_results(&team, &result);
	CHECK_EQ(result, 0);
	weft_barrier_abort(&barrier);
	CHECK_RET(weft_barrier_destroy(&barrier), 0);
}

struct heap {
	struct weft_barrier *barrier;
	struct weft_event cancel;
	pthread_barrier_t gate;
	atomic_uint back;
	unsigned rounds;
	bool timed;
};

/* Each round has a barrier of its own, which the first thread that is back frees. */
static void wait_and_free(struct member *me)
{
	struct heap *h = me->arg;
	uint64_t random = me->index + 1;
	int64_t offset_ns = SHORT_NS;
	unsigned round;

	for (round = 0; round < h->rounds; round++) {
		int result;

		pthread_barrier_wait(&h->gate);
		if (h->timed && me->index == 0)
			result = arrive_at_the_edge(h->barrier, &offset_ns, &random);
		else if (h->timed)
			result = weft_barrier_wait_for(h->barrier, SHORT_NS);
		else if (me->index == 0)
			result = weft_barrier_wait_until(h->barrier, WEFT_FOREVER, &h->cancel);
		else
			result = weft_barrier_wait(h->barrier);
		scribble();
		if (result < 0)
			CHECK(h->timed && (result == -ETIMEDOUT || result == -EPIPE));
		if (result >= 0 && atomic_fetch_add(&h->back, 1) == 0)
			scrap(h->barrier, sizeof(*h->barrier));
		pthread_barrier_wait(&h->gate);
	}
}

static void run_heap(bool timed, unsigned parties)
{
	struct heap h;
	struct team team;
	unsigned round;

	memset(&h, 0, sizeof(h));
	h.timed = timed;
	h.rounds = slow_build() || timed ? 500 : 2000;
	pthread_barrier_init(&h.gate, NULL, parties + 1);
	team_start(&team, parties, wait_and_free, &h);
	for (round = 0; round < h.rounds; round++) {
		h.barrier = malloc(sizeof(*h.barrier));
		CHECK_RET(weft_barrier_init(h.barrier, parties), 0);
		atomic_store(&h.back, 0);
		pthread_barrier_wait(&h.gate);
		pthread_barrier_wait(&h.gate);
		if (atomic_load(&h.back) == 0)
			scrap(h.barrier, sizeof(*h.barrier));
	}
	team_join(&team);
	pthread_barrier_destroy(&h.gate);
}

/* Any thread that has returned may free it, while the others of its round still wake up; no rule but barrier.h's. */
Test(barrier, freed_right_after_wait)
{
	run_heap(false, 2);
	run_heap(false, 4);
}

/* The same where the others' time may run out just then. */
Test(barrier, freed_right_after_wait_amid_timeouts)
{
	run_heap(true, 2);
	run_heap(true, 4);
}

static void wait_as_last_and_free(struct member *me)
{
	struct heap *h = me->arg;

	me->result = weft_barrier_wait(h->barrier);
	if (me->result >= 0)
		scrap(h->barrier, sizeof(*h->barrier));
}

static void wait_with_token(struct member *me)
{
	struct heap *h = me->arg;

	me->result = weft_barrier_wait_until(h->barrier, WEFT_FOREVER, &h->cancel);
	scribble();
}

/* Whether a thread sleeps for the lock, or spins. */
static bool is_wanted(const struct weft_lock *lock)
{
	char text[128];

	weft_lock_describe(lock, text, sizeof(text));
	return strstr(text, "contended") != NULL;
}

/*
 * The same, step by step: while the barrier's own lock is held here, the last one comes, and then the other member's
 * token is set. The last one, if it is first at the lock, completes the round and frees the barrier.
 */
Test(barrier, freed_right_after_wait_though_another_is_cancelled)
{
	unsigned i;

	for (i = 0; i < 50; i++) {
		struct heap h = { .barrier = malloc(sizeof(*h.barrier)) };
		struct team early, last;
		int early_result, last_result;
		int64_t later;

		CHECK_RET(weft_barrier_init(h.barrier, 2), 0);
		team_start(&early, 1, wait_with_token, &h);
		wait_until(weft_barrier_n_waiting(h.barrier) == 1);
		team_wait_asleep(&early, 1);
		weft_lock_acquire(&h.barrier->lock);
		team_start(&last, 1, wait_as_last_and_free, &h);
		wait_until(is_wanted(&h.barrier->lock));
		team_wait_asleep(&last, 1);
		weft_event_set(&h.cancel);
		later = clock_ns() + 3 * MS; /* it may come to the lock or not; nothing tells that it has */
		wait_until(clock_ns() > later);
		weft_lock_release(&h.barrier->lock);
		team_join_results(&early, &early_result);
		team_join_results(&last, &last_result);
		if (last_result >= 0) {
			CHECK_EQ(last_result, 1);
			CHECK_EQ(early_result, 0);
		} else {
			CHECK_EQ(last_result, -EPIPE);
			CHECK_EQ(early_result, -ECANCELED);
			scrap(h.barrier, sizeof(*h.barrier));
		}
	}
}

/* TIME-03: signals end no wait. */
Test(barrier, signals_do_not_end_a_wait)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(2);
	struct timed t = { WEFT_BARRIER_INIT(2), WEFT_EVENT_INIT, 100 * MS };
	struct team team;
	int result;

	team_start(&team, 1, wait_plain, &barrier);
	wait_until(weft_barrier_n_waiting(&barrier) == 1);
	storm(&team.members[0], 40, MS);
	CHECK_EQ(weft_barrier_n_waiting(&barrier), 1);
	CHECK_RET(weft_barrier_wait(&barrier), 1);
	team_join_results(&team, &result);
	CHECK_EQ(result, 0);

	team_start(&team, 1, wait_timed, &t);
	storm(&team.members[0], 5000, 2 * MS);
	CHECK(atomic_load(&team.members[0].done));
	team_join_results(&team, &result);
	CHECK_EQ(result, -ETIMEDOUT);
}

/* GEN-08, BAR-13: "waiters=a/b" or "broken", cut to fit. */
Test(barrier, describe_tells_how_many_wait)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(3);
	struct team team;
	char text[64], small[4];

	CHECK_EQ(weft_barrier_describe(&barrier, text, sizeof(text)), strlen("waiters=0/3"));
	CHECK_STR(text, "waiters=0/3");
	team_start(&team, 2, wait_plain, &barrier);
	wait_until(weft_barrier_n_waiting(&barrier) == 2);
	CHECK_EQ(weft_describe(&barrier, text, sizeof(text)), strlen("waiters=2/3"));
	CHECK_STR(text, "waiters=2/3");
	weft_barrier_abort(&barrier);
	CHECK_EQ(weft_barrier_describe(&barrier, NULL, 0), strlen("broken"));
	CHECK_EQ(weft_barrier_describe(&barrier, small, sizeof(small)), strlen("broken"));
	CHECK_STR(small, "bro");
	team_join(&team);
}
