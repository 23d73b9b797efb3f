/* SPDX-License-Identifier: MIT */
/*
 * weft_once: the rules at the top of lib/once.c (ONCE), and the general ones.
 */
#include <string.h>
#include <unistd.h>

#include <weft.h>

#include "test.h"

#define N 8

struct house {
	struct weft_once once;
	unsigned built;		/* plain: ordered by the once alone */
	unsigned fail_first;	/* so many tries fail */
	unsigned tries;
	atomic_uint inside;
	atomic_bool go;		/* hold the initialiser up until it is true */
	atomic_uint failures;
};

static void house_init(struct house *house)
{
	memset((void *)house, 0, sizeof(*house));
	atomic_store(&house->go, true);
}

static int build(void *arg)
{
	struct house *house = arg;

	CHECK_EQ(atomic_fetch_add(&house->inside, 1), 0);	/* ONCE-02 */
	house->tries++;
	wait_until(atomic_load(&house->go));
	atomic_fetch_sub(&house->inside, 1);
	if (house->tries <= house->fail_first)
		return -EIO;
	house->built++;
	return 0;
}

static int never(void *arg)
{
	(void)arg;
	FAIL("an initialiser ran though there was nothing to do");
	return -EIO;
}

static void call(struct member *me)
{
	struct house *house = me->arg;

	me->result = weft_once_call(&house->once, build, house);
	if (me->result == 0)
		CHECK_EQ(house->built, 1);	/* ONCE-04 */
	else
		atomic_fetch_add(&house->failures, 1);
}

/* ONCE-01, GEN-05, GEN-01 */
Test(once, runs_once)
{
	static struct weft_once fixed = WEFT_ONCE_INIT;
	struct house house;

	house_init(&house);
	CHECK(!weft_once_done(&fixed));
	CHECK(!weft_once_done(&house.once));
	CHECK_RET(weft_once_call(&house.once, build, &house), 0);
	CHECK(weft_once_done(&house.once));
	CHECK_RET(weft_once_call(&house.once, build, &house), 0);
	CHECK_RET(weft_once_call(&house.once, never, NULL), 0);
	CHECK_RET(weft_once_call(&house.once, NULL, NULL), 0);
	CHECK_EQ(house.built, 1);
	CHECK_RET(weft_once_destroy(&house.once), 0);
	weft_once_init(&house.once);
	CHECK(!weft_once_done(&house.once));
	CHECK_RET(weft_once_call(&house.once, build, &house), 0);
	CHECK_EQ(house.built, 2);
}

static int return_number(void *arg)
{
	return *(int *)arg;
}

/* ONCE-03: a negative result is handed on and has done nothing; any other is success, and 0. */
Test(once, results)
{
	static int numbers[] = { -1, -EINVAL, -4095, INT32_MIN, 0, 1, INT32_MAX };
	unsigned i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct weft_once once = WEFT_ONCE_INIT;
		const int expected = numbers[i] < 0 ? numbers[i] : 0;

		CHECK_RET(weft_once_call(&once, return_number, &numbers[i]), expected);
		CHECK_EQ(weft_once_done(&once), expected == 0);
		CHECK_RET(weft_once_destroy(&once), 0);
	}
}

/* ONCE-03: tried again by the next caller, with its own function. */
Test(once, failure_is_tried_again)
{
	struct house house;
	unsigned i;

	house_init(&house);
	house.fail_first = 3;
	for (i = 0; i < 3; i++) {
		CHECK_RET(weft_once_call(&house.once, build, &house), -EIO);
		CHECK(!weft_once_done(&house.once));
	}
	CHECK_RET(weft_once_call(&house.once, build, &house), 0);
	CHECK_EQ(house.tries, 4);
}

/* ONCE-01, ONCE-02: all others sleep until the initialiser has returned, and no longer. */
Test(once, others_sleep_meanwhile)
{
	struct house house;
	struct team team;
	int results[N], i;

	house_init(&house);
	atomic_store(&house.go, false);
	team_start(&team, N, call, &house);
	wait_until(atomic_load(&house.inside) == 1);
	team_wait_asleep(&team, N - 1);
	CHECK_EQ(team_done(&team), 0);
	CHECK(!weft_once_done(&house.once));
	atomic_store(&house.go, true);
	team_join_results(&team, results);
	for (i = 0; i < N; i++)
		CHECK_EQ(results[i], 0);
	CHECK_EQ(house.tries, 1);
}

/* ONCE-03: those that wait take over, one by one; each failure goes to one caller. */
Test(once, waiters_take_over)
{
	struct house house;
	struct team team;
	unsigned fail;

	for (fail = 0; fail <= N; fail++) {
		house_init(&house);
		house.fail_first = fail;
		atomic_store(&house.go, false);
		team_start(&team, N, call, &house);
		wait_until(atomic_load(&house.inside) == 1);
		team_wait_asleep(&team, N - 1);
		atomic_store(&house.go, true);
		team_join(&team);
		CHECK_EQ(atomic_load(&house.failures), fail);
		CHECK_EQ(house.tries, fail < N ? fail + 1 : N);
		CHECK_EQ(weft_once_done(&house.once), fail < N);
		CHECK_RET(weft_once_destroy(&house.once), 0);
	}
}

/* ONCE-02 under signals: TIME-03. */
Test(once, storm)
{
	struct house house;
	struct team team;
	int results[2];

	house_init(&house);
	atomic_store(&house.go, false);
	team_start(&team, 2, call, &house);
	wait_until(atomic_load(&house.inside) == 1);
	team_wait_asleep(&team, 1);
	storm(&team.members[0], 20, MS);
	storm(&team.members[1], 20, MS);
	CHECK_EQ(team_done(&team), 0);
	atomic_store(&house.go, true);
	team_join_results(&team, results);
	CHECK_EQ(results[0] | results[1], 0);
	CHECK_EQ(house.built, 1);
}

/* ONCE-05 */
static struct weft_once outer_once, inner_once;

static int inner(void *arg)
{
	CHECK_RET(weft_once_call(&inner_once, never, NULL), -EDEADLK);
	CHECK_RET(weft_once_call(&outer_once, never, NULL), -EDEADLK);
	++*(int *)arg;
	return 0;
}

static int outer(void *arg)
{
	CHECK_RET(weft_once_call(&outer_once, never, NULL), -EDEADLK);
	CHECK_RET(weft_once_call(&inner_once, inner, arg), 0);
	CHECK_RET(weft_once_call(&inner_once, never, NULL), 0);
	CHECK_RET(weft_once_call(&outer_once, never, NULL), -EDEADLK);
	return -EBUSY;
}

Test(once, nested)
{
	int n = 0, zero = 0;

	CHECK_RET(weft_once_call(&outer_once, outer, &n), -EBUSY);
	CHECK_EQ(n, 1);
	CHECK(weft_once_done(&inner_once));
	CHECK(!weft_once_done(&outer_once));
	CHECK_RET(weft_once_call(&outer_once, return_number, &zero), 0);
}

/* destroy: -EBUSY while one runs. GEN-08: the descriptions. GEN-13: the hook is told. */
static unsigned told;

static void note(const void *object, const char *call_name, int error, void *arg)
{
	CHECK(object == arg);
	if (error == -EBUSY)
		CHECK_STR(call_name, "weft_once_destroy");
	else if (CHECK_EQ(error, -EDEADLK))
		CHECK_STR(call_name, "weft_once_call");
	told++;
}

static int misuse(void *arg)
{
	struct weft_once *once = arg;
	char text[32];

	CHECK_EQ(weft_describe(once, text, sizeof(text)), 7);
	CHECK_STR(text, "running");
	CHECK_RET(weft_once_call(once, never, NULL), -EDEADLK);
	CHECK_RET(weft_once_destroy(once), -EBUSY);
	return 0;
}

Test(once, misuse_and_descriptions)
{
	struct weft_once once = WEFT_ONCE_INIT;
	char text[32];

	weft_set_misuse_hook(note, &once);
	CHECK_EQ(weft_once_describe(&once, text, sizeof(text)), 8);
	CHECK_STR(text, "not done");
	CHECK_EQ(weft_once_describe(&once, text, 4), 8);
	CHECK_STR(text, "not");
	CHECK_EQ(weft_once_describe(&once, NULL, 0), 8);
	CHECK_RET(weft_once_call(&once, misuse, &once), 0);
	CHECK_EQ(told, 2);
	CHECK_EQ(weft_once_describe(&once, text, sizeof(text)), 4);
	CHECK_STR(text, "done");
	CHECK_RET(weft_once_destroy(&once), 0);
	CHECK_EQ(told, 2);
	weft_set_misuse_hook(NULL, NULL);
}

/* ONCE-01, ONCE-04 under load: many onces, many threads, one build each. */
#define HOUSES 300

struct town {
	struct house houses[HOUSES];
};

static void build_town(struct member *me)
{
	struct town *town = me->arg;
	unsigned i;

	team_meet(me);
	for (i = 0; i < HOUSES; i++) {
		struct house *house = &town->houses[i];
		int rc;

		while ((rc = weft_once_call(&house->once, build, house)) == -EIO)
			;
		CHECK_EQ(rc, 0);
		if (house->built != 1)
			FAIL("built %u times", house->built);
	}
}

Test(once, under_load)
{
	static struct town town;
	unsigned i, round;

	for (round = 0; round < (slow_build() ? 3 : 20); round++) {
		for (i = 0; i < HOUSES; i++) {
			house_init(&town.houses[i]);
			town.houses[i].fail_first = i % 3;
		}
		team_run(4, build_town, &town);
		for (i = 0; i < HOUSES; i++)
			CHECK_EQ(town.houses[i].tries, i % 3 + 1);
	}
}

/* LOCK-13 for once: a child inits anew what another thread of the parent was about to do; FORK-05: till then it stays. */
static void child_does_it_anew(void *arg)
{
	struct house *house = arg;
	char text[32];

	weft_once_describe(&house->once, text, sizeof(text));
	CHECK_STR(text, "running");
	house_init(house);
	CHECK_RET(weft_once_destroy(&house->once), 0);
	CHECK_RET(weft_once_call(&house->once, build, house), 0);
	CHECK_EQ(house->built, 1);
}

Test(once, child_inits_anew)
{
	struct house house;
	struct team team;

	house_init(&house);
	atomic_store(&house.go, false);
	team_start(&team, 2, call, &house);
	wait_until(atomic_load(&house.inside) == 1);
	team_wait_asleep(&team, 1);
	CHECK_EQ(child_run(child_does_it_anew, &house), 0);
	CHECK_EQ(team_done(&team), 0);
	atomic_store(&house.go, true);
	team_join(&team);
	CHECK_EQ(house.built, 1);
}

/* The thread that forks inside of its initialiser ends it, in both processes. */
static int fork_inside(void *arg)
{
	pid_t *child = arg;

	*child = fork();
	return 0;
}

Test(once, fork_in_the_initialiser)
{
	struct weft_once once = WEFT_ONCE_INIT;
	pid_t child = -1;

	CHECK_EQ(weft_once_call(&once, fork_inside, &child), 0);
	if (child == 0) {
		CHECK_RET(weft_once_call(&once, never, NULL), 0);
		_exit(0);
	}
	CHECK(weft_once_done(&once));
	CHECK_EQ(child_join(child), 0);
}
