/* SPDX-License-Identifier: MIT */
/*
 * weft_latch: the rules at the top of lib/latch.c (LATCH), and the general ones.
 */
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>

#include "test.h"

#define N 5

struct work {
	struct weft_latch latch;
	struct weft_event cancel;
	int64_t timeout_ns;
	unsigned payload;	/* plain: ordered by the latch alone */
	unsigned slots[16];
	unsigned rounds;
	atomic_uint passed;
	atomic_bool stop;
};

static void work_init(struct work *work, unsigned count)
{
	memset((void *)work, 0, sizeof(*work));
	CHECK_RET(weft_latch_init(&work->latch, count), 0);
}

/* All forms that wait for ever, in turn. */
static void wait_any_form(struct member *me)
{
	struct work *work = me->arg;

	switch (me->index % 5) {
	case 0:
		me->result = weft_latch_wait(&work->latch);
		break;
	case 1:
		me->result = weft_latch_wait_for(&work->latch, WEFT_FOREVER);
		break;
	case 2:
		me->result = weft_latch_wait_for(&work->latch, 300 * SEC);
		break;
	case 3:
		me->result = weft_latch_wait_until(&work->latch, weft_now() + 300 * SEC, NULL);
		break;
	default:
		me->result = weft_latch_wait_until(&work->latch, WEFT_FOREVER, &work->cancel);
		break;
	}
	CHECK_EQ(work->payload, 1);	/* LATCH-04 */
	atomic_fetch_add(&work->passed, 1);
}

static void join_all(struct team *team, int expected)
{
	const unsigned n = team->n;
	int results[64];
	unsigned i;

	team_join_results(team, results);
	for (i = 0; i < n; i++)
		CHECK_EQ(results[i], expected);
}

/* LATCH-03, GEN-05, GEN-02 */
Test(latch, counts)
{
	static struct weft_latch fixed = WEFT_LATCH_INIT(3), zero = WEFT_LATCH_INIT(0),
				 most = WEFT_LATCH_INIT(WEFT_LATCH_MAX);
	struct weft_latch latch;

	CHECK_EQ(weft_latch_count(&fixed), 3);
	CHECK_EQ(weft_latch_count(&zero), 0);
	CHECK_EQ(weft_latch_count(&most), WEFT_LATCH_MAX);
	CHECK_RET(weft_latch_wait(&zero), 0);
	CHECK_RET(weft_latch_wait_for(&fixed, 0), -ETIMEDOUT);
	CHECK_RET(weft_latch_count_down(&fixed, 1), 0);
	CHECK_RET(weft_latch_count_down(&fixed, 2), 0);
	CHECK_RET(weft_latch_wait(&fixed), 0);
	CHECK_RET(weft_latch_count_up(&fixed, 7), 0);
	CHECK_EQ(weft_latch_count(&fixed), 7);
	CHECK_RET(weft_latch_wait_for(&fixed, 0), -ETIMEDOUT);
	CHECK_RET(weft_latch_count_down(&most, WEFT_LATCH_MAX), 0);
	CHECK_RET(weft_latch_wait(&most), 0);

	memset((void *)&latch, 0xff, sizeof(latch));
	CHECK_RET(weft_latch_init(&latch, 2), 0);
	CHECK_EQ(weft_latch_count(&latch), 2);
	memset((void *)&latch, 0xff, sizeof(latch));
	CHECK_RET(weft_latch_init_shared(&latch, 0), 0);
	CHECK_EQ(weft_latch_count(&latch), 0);
	CHECK_RET(weft_latch_wait(&latch), 0);
}

static unsigned told;
static const char *told_call;
static int told_error;

static void note(const void *object, const char *call, int error, void *arg)
{
	CHECK(object == arg);
	told++;
	told_call = call;
	told_error = error;
}

#define TELLS(function, arguments, error)                                                                              \
	do {                                                                                                           \
		told = 0;                                                                                              \
		CHECK_RET(function arguments, error);                                                                  \
		CHECK_EQ(told, 1);                                                                                     \
		CHECK_STR(told_call, #function);                                                                       \
		CHECK_EQ(told_error, error);                                                                           \
	} while (0)

/* LATCH-03, GEN-02, GEN-13: refused, told, and nothing was counted. */
Test(latch, misuse)
{
	struct work work;
	struct team team;

	work_init(&work, 2);
	work.payload = 1;
	weft_set_misuse_hook(note, &work.latch);
	TELLS(weft_latch_count_down, (&work.latch, 3), -EINVAL);
	TELLS(weft_latch_count_down, (&work.latch, 0), -EINVAL);
	TELLS(weft_latch_count_down, (&work.latch, UINT_MAX), -EINVAL);
	TELLS(weft_latch_count_up, (&work.latch, 0), -EINVAL);
	TELLS(weft_latch_count_up, (&work.latch, WEFT_LATCH_MAX - 1), -EOVERFLOW);
	TELLS(weft_latch_count_up, (&work.latch, UINT_MAX), -EOVERFLOW);
	TELLS(weft_latch_init, (&work.latch, WEFT_LATCH_MAX + 1), -EINVAL);
	TELLS(weft_latch_init, (&work.latch, (unsigned)-1), -EINVAL);
	TELLS(weft_latch_init_shared, (&work.latch, UINT_MAX), -EINVAL);
	CHECK_EQ(weft_latch_count(&work.latch), 2);
	told = 0;
	CHECK_RET(weft_latch_count_up(&work.latch, WEFT_LATCH_MAX - 2), 0);
	CHECK_EQ(weft_latch_count(&work.latch), WEFT_LATCH_MAX);
	CHECK_RET(weft_latch_count_down(&work.latch, WEFT_LATCH_MAX - 2), 0);
	CHECK_RET(weft_latch_destroy(&work.latch), 0);
	CHECK_EQ(told, 0);

	team_start(&team, 2, wait_any_form, &work);
	team_wait_asleep(&team, 2);
	TELLS(weft_latch_destroy, (&work.latch), -EBUSY);
	TELLS(weft_latch_count_down, (&work.latch, 3), -EINVAL);
	told = 0;
	CHECK_RET(weft_latch_count_down(&work.latch, 2), 0);
	join_all(&team, 0);
	CHECK_RET(weft_latch_destroy(&work.latch), 0);
	CHECK_RET(weft_latch_wait_for(&work.latch, -1), 0);
	CHECK_RET(weft_latch_count_up(&work.latch, 1), 0);
	CHECK_RET(weft_latch_wait_for(&work.latch, MS), -ETIMEDOUT);
	CHECK_RET(weft_latch_destroy(&work.latch), 0);	/* nobody waits any more */
	CHECK_EQ(told, 0);
	weft_set_misuse_hook(NULL, NULL);
}

/* LATCH-01, LATCH-02: all wait until zero, and all go then; LATCH-02 again in later rounds. */
static void check_rounds(struct work *work)
{
	struct team team;
	unsigned round;

	for (round = 0; round < 100; round++) {	/* more than a tag can count */
		work->payload = 0;
		atomic_store(&work->passed, 0);
		CHECK_RET(weft_latch_count_up(&work->latch, 2), 0);
		team_start(&team, N, wait_any_form, work);
		team_wait_asleep(&team, N);
		CHECK_RET(weft_latch_count_down(&work->latch, 1), 0);
		CHECK_EQ(atomic_load(&work->passed), 0);
		work->payload = 1;
		CHECK_RET(weft_latch_count_down(&work->latch, 1), 0);
		if (round % 2)
			CHECK_RET(weft_latch_count_up(&work->latch, 1), 0);
		join_all(&team, 0);
		if (round % 2) {
			CHECK_RET(weft_latch_wait_for(&work->latch, 0), -ETIMEDOUT);
			CHECK_RET(weft_latch_count_down(&work->latch, 1), 0);
		}
	}
	CHECK_RET(weft_latch_destroy(&work->latch), 0);
}

Test(latch, rounds)
{
	struct work work;

	work_init(&work, 0);
	check_rounds(&work);
	CHECK_RET(weft_latch_init_shared(&work.latch, 0), 0);
	check_rounds(&work);
}

/* TIME-02, TIME-05, TIME-06, TIME-11 */
Test(latch, times)
{
	static const int64_t expired[] = { 0, -1, INT64_MIN };
	struct work work;
	unsigned i;

	work_init(&work, 1);
	for (i = 0; i < 3; i++) {
		CHECK_RET(weft_latch_wait_for(&work.latch, expired[i]), -ETIMEDOUT);
		CHECK_RET(weft_latch_wait_until(&work.latch, expired[i], NULL), -ETIMEDOUT);
	}
	for (i = 1; i <= 20; i += 19) {
		const int64_t start_ns = clock_ns();

		CHECK_RET(weft_latch_wait_for(&work.latch, i * MS), -ETIMEDOUT);
		CHECK_GE(clock_ns() - start_ns, i * MS);
		CHECK_RET(weft_latch_wait_until(&work.latch, start_ns + 2 * i * MS, &work.cancel), -ETIMEDOUT);
		CHECK_GE(clock_ns() - start_ns, 2 * i * MS);
	}
	weft_event_set(&work.cancel);
	CHECK_RET(weft_latch_wait_until(&work.latch, WEFT_FOREVER, &work.cancel), -ECANCELED);
	CHECK_RET(weft_latch_count_down(&work.latch, 1), 0);
	for (i = 0; i < 3; i++) {
		CHECK_RET(weft_latch_wait_for(&work.latch, expired[i]), 0);
		CHECK_RET(weft_latch_wait_until(&work.latch, expired[i], &work.cancel), 0);
	}
}

/* TIME-03: a storm of signals ends no wait, and moves no deadline. */
static void wait_timed(struct member *me)
{
	struct work *work = me->arg;
	const int64_t start_ns = clock_ns();

	me->result = weft_latch_wait_for(&work->latch, work->timeout_ns);
	CHECK_GE(clock_ns() - start_ns, work->timeout_ns);
	CHECK_LE(clock_ns() - start_ns, 10 * SEC);
}

Test(latch, storm)
{
	struct work work;
	struct team team;

	work_init(&work, 1);
	work.timeout_ns = 100 * MS;
	team_start(&team, 1, wait_timed, &work);
	team_wait_asleep(&team, 1);
	storm(&team.members[0], 100, 2 * MS);
	join_all(&team, -ETIMEDOUT);

	work.payload = 1;
	team_start(&team, N, wait_any_form, &work);
	team_wait_asleep(&team, N);
	storm(&team.members[0], 10, MS);
	storm(&team.members[4], 10, MS);
	team_wait_asleep(&team, N);
	CHECK_EQ(atomic_load(&work.passed), 0);
	CHECK_RET(weft_latch_count_down(&work.latch, 1), 0);
	join_all(&team, 0);
}

/* TIME-04; EVT-05 for the token: set and cleared at once. */
static void be_cancelled(struct member *me)
{
	struct work *work = me->arg;

	me->result = weft_latch_wait_until(&work->latch, WEFT_FOREVER, &work->cancel);
}

Test(latch, cancelled)
{
	struct work work;
	struct team team, other;
	unsigned i;

	work_init(&work, 1);
	work.payload = 1;
	for (i = 0; i < 10; i++) {
		team_start(&team, N, be_cancelled, &work);
		team_start(&other, 1, wait_any_form, &work);
		team_wait_asleep(&team, N);
		team_wait_asleep(&other, 1);
		weft_event_set(&work.cancel);
		weft_event_clear(&work.cancel);
		join_all(&team, -ECANCELED);
		CHECK_EQ(weft_latch_count(&work.latch), 1);
		CHECK_RET(weft_latch_count_down(&work.latch, 1), 0);
		join_all(&other, 0);
		CHECK_RET(weft_latch_count_up(&work.latch, 1), 0);
	}
}

/* LATCH-01, LATCH-04: a wait group; everything that was counted down is there after the wait. */
static void work_off(struct member *me)
{
	struct work *work = me->arg;

	work->slots[me->index]++;
	CHECK_EQ(weft_latch_count_down(&work->latch, 1), 0);
}

Test(latch, wait_group)
{
	struct work work;
	struct team team;
	unsigned round, i;

	work_init(&work, 0);
	for (round = 1; round <= 50; round++) {
		CHECK_RET(weft_latch_count_up(&work.latch, 8), 0);
		team_start(&team, 8, work_off, &work);
		CHECK_RET(weft_latch_wait(&work.latch), 0);
		for (i = 0; i < 8; i++)
			CHECK_EQ(work.slots[i], round);
		team_join(&team);
	}
}

/* LATCH-01 to LATCH-03 under load: every wait ends, whatever the others do, and the count comes out right. */
static void count_and_wait(struct member *me)
{
	struct work *work = me->arg;
	uint64_t random = me->index + 99;
	unsigned i;

	team_meet(me);
	for (i = 0; i < work->rounds; i++) {
		const uint64_t r = random_next(&random);
		int rc;

		if (r & 1) {
			const unsigned n = 1 + (unsigned)(r >> 8) % 3;

			CHECK_EQ(weft_latch_count_up(&work->latch, n), 0);
			CHECK_EQ(weft_latch_count_down(&work->latch, n), 0);
			continue;
		}
		switch (r >> 1 & 3) {
		case 0:
			rc = weft_latch_wait(&work->latch);
			break;
		case 1:
			rc = weft_latch_wait_for(&work->latch, (int64_t)(r >> 8 & 0x7fff));
			break;
		default:
			rc = weft_latch_wait_until(&work->latch, weft_now() + (int64_t)(r >> 8 & 0xffff),
						   &work->cancel);
			break;
		}
		if (rc != 0 && rc != -ETIMEDOUT && rc != -ECANCELED)
			FAIL("wait returned %d", rc);
	}
}

static void toggle(struct member *me)
{
	struct work *work = me->arg;

	while (!atomic_load(&work->stop)) {
		weft_event_set(&work->cancel);
		weft_event_clear(&work->cancel);
		sched_yield();
	}
}

static void check_load(struct work *work)
{
	struct team toggler;

	work->rounds = slow_build() ? 1000 : 10000;
	atomic_store(&work->stop, false);
	team_start(&toggler, 1, toggle, work);
	team_run(8, count_and_wait, work);
	atomic_store(&work->stop, true);
	team_join(&toggler);
	CHECK_EQ(weft_latch_count(&work->latch), 0);
	CHECK_RET(weft_latch_wait_for(&work->latch, 0), 0);
	CHECK_RET(weft_latch_destroy(&work->latch), 0);
}

Test(latch, under_load)
{
	struct work work;

	work_init(&work, 0);
	check_load(&work);
	CHECK_RET(weft_latch_init_shared(&work.latch, 0), 0);
	check_load(&work);
}

/* LATCH-06; section 22, trap 1. */
static int begin_round(void *latch)
{
	return weft_latch_count_up(latch, 1);
}

static int end_round(void *latch)
{
	return weft_latch_count_down(latch, 1);
}

static int await_end(void *latch)
{
	return weft_latch_wait(latch);
}

Test(latch, free_after_wait)
{
	free_under_giver(sizeof(struct weft_latch), begin_round, end_round, await_end);
}

/* Counted in a signal handler, which interrupts counting and waiting. */
static struct work *handler_work;

static void count_in_handler(int signal)
{
	(void)signal;
	if (weft_latch_count_up(&handler_work->latch, 2) != 0 || weft_latch_count_down(&handler_work->latch, 2) != 0)
		abort();
}

static void count_on(struct member *me)
{
	struct work *work = me->arg;

	while (!atomic_load(&work->stop)) {
		CHECK_EQ(weft_latch_count_up(&work->latch, 1), 0);
		CHECK_EQ(weft_latch_count_down(&work->latch, 1), 0);
		CHECK_EQ(weft_latch_wait(&work->latch), 0);
	}
}

Test(latch, counts_in_a_handler)
{
	const int64_t until_ns = clock_ns() + 200 * MS;
	struct sigaction action;
	struct work work;
	struct team team;
	unsigned i;

	work_init(&work, 0);
	handler_work = &work;
	memset(&action, 0, sizeof(action));
	action.sa_handler = count_in_handler;
	sigaction(SIGUSR2, &action, NULL);
	team_start(&team, 4, count_on, &work);
	for (i = 0; clock_ns() < until_ns; i++)
		pthread_kill(team.members[i % 4].thread, SIGUSR2);
	atomic_store(&work.stop, true);
	team_join(&team);
	CHECK_EQ(weft_latch_count(&work.latch), 0);
}

/* GEN-08 */
Test(latch, descriptions)
{
	struct weft_latch latch = WEFT_LATCH_INIT(12);
	char text[32];

	CHECK_EQ(weft_describe(&latch, text, sizeof(text)), 8);
	CHECK_STR(text, "count=12");
	CHECK_EQ(weft_latch_describe(&latch, text, 7), 8);
	CHECK_STR(text, "count=");
	CHECK_EQ(weft_latch_describe(&latch, NULL, 0), 8);
}

/* LOCK-13 for the latch: a child may init it anew; the parent's waiters sleep on. */
static void child_inits_anew(void *arg)
{
	struct work *work = arg;

	CHECK_EQ(weft_latch_count(&work->latch), 1);
	CHECK_RET(weft_latch_count_down(&work->latch, 1), 0);
	CHECK_RET(weft_latch_init(&work->latch, 1), 0);
	CHECK_RET(weft_latch_destroy(&work->latch), 0);
	CHECK_RET(weft_latch_wait_for(&work->latch, MS), -ETIMEDOUT);
	CHECK_RET(weft_latch_count_down(&work->latch, 1), 0);
	CHECK_RET(weft_latch_wait(&work->latch), 0);
}

Test(latch, fork)
{
	struct work work;
	struct team team;

	work_init(&work, 1);
	work.payload = 1;
	team_start(&team, 3, wait_any_form, &work);
	team_wait_asleep(&team, 3);
	CHECK_EQ(child_run(child_inits_anew, &work), 0);
	team_wait_asleep(&team, 3);
	CHECK_EQ(atomic_load(&work.passed), 0);
	CHECK_RET(weft_latch_count_down(&work.latch, 1), 0);
	join_all(&team, 0);
}

/* PSH-01: rounds between two processes, at different addresses of one mapping or not. */
struct shared {
	struct weft_latch ready, go;
	unsigned payload;
};

static void other_process(void *arg)
{
	struct shared *shared = arg;
	unsigned i;

	for (i = 1; i <= 200; i++) {
		CHECK_EQ(weft_latch_wait(&shared->go), 0);
		CHECK_EQ(shared->payload, i);
		CHECK_EQ(weft_latch_count_up(&shared->go, 1), 0);
		CHECK_EQ(weft_latch_count_down(&shared->ready, 1), 0);
	}
}

Test(latch, between_processes)
{
	struct shared *shared = shared_memory(sizeof(*shared));
	unsigned i;
	pid_t child;

	CHECK_RET(weft_latch_init_shared(&shared->ready, 1), 0);
	CHECK_RET(weft_latch_init_shared(&shared->go, 1), 0);
	child = child_start(other_process, shared);
	for (i = 1; i <= 200; i++) {
		shared->payload = i;
		CHECK_EQ(weft_latch_count_down(&shared->go, 1), 0);
		CHECK_EQ(weft_latch_wait(&shared->ready), 0);
		CHECK_EQ(weft_latch_count_up(&shared->ready, 1), 0);
	}
	CHECK_EQ(child_join(child), 0);
}
