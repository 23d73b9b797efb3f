/* SPDX-License-Identifier: MIT */
/*
 * weft_sem: section 7 of the rules (SEM, BSEM).
 */
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>

#include "test.h"

#define N 5

struct store {
	struct weft_sem sem;
	struct weft_event cancel;
	int64_t timeout_ns;
	atomic_uint passed, inside, most_inside, errors;
	atomic_bool stop;
	unsigned rounds;
};

static void store_init(struct store *store, unsigned value)
{
	memset((void *)store, 0, sizeof(*store));
	CHECK_RET(weft_sem_init(&store->sem, value), 0);
}

/* Takes the semaphore's permits until there are no more, and puts them back: how many there were. */
static unsigned drain(struct weft_sem *sem)
{
	unsigned n = 0, i;

	while (weft_sem_try_acquire(sem) == 0)
		n++;
	for (i = 0; i < n; i++)
		CHECK_RET(weft_sem_release(sem), 0);
	return n;
}

/* SEM-01, GEN-05, GEN-02 */
Test(sem, init)
{
	static struct weft_sem one = WEFT_SEM_INIT(1), none = WEFT_SEM_INIT(0);
	static const unsigned good[] = { 0, 1, 2, 1000, INT32_MAX - 1, INT32_MAX };
	static const unsigned bad[] = { (unsigned)INT32_MAX + 1, (unsigned)INT_MIN, (unsigned)-1, UINT_MAX, UINT_MAX - 1 };
	struct weft_sem sem, zeroed;
	unsigned i;

	CHECK_EQ(weft_sem_value(&one), 1);
	CHECK_EQ(weft_sem_value(&none), 0);
	CHECK_RET(weft_sem_acquire(&one), 0);
	CHECK_RET(weft_sem_try_acquire(&one), -EAGAIN);
	memset((void *)&zeroed, 0, sizeof(zeroed));
	CHECK_RET(weft_sem_try_acquire(&zeroed), -EAGAIN);
	CHECK_RET(weft_sem_release(&zeroed), 0);
	CHECK_RET(weft_sem_try_acquire(&zeroed), 0);

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		memset((void *)&sem, 0xff, sizeof(sem));
		CHECK_RET(weft_sem_init(&sem, good[i]), 0);
		CHECK_EQ(weft_sem_value(&sem), good[i]);
		memset((void *)&sem, 0xff, sizeof(sem));
		CHECK_RET(weft_sem_init_bounded(&sem, good[i]), 0);
		CHECK_EQ(weft_sem_value(&sem), good[i]);
		CHECK_RET(weft_sem_init_shared(&sem, good[i]), 0);
		CHECK_EQ(weft_sem_value(&sem), good[i]);
		CHECK_RET(weft_sem_init_bounded_shared(&sem, good[i]), 0);
		CHECK_EQ(weft_sem_value(&sem), good[i]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_RET(weft_sem_init(&sem, 3), 0);
		CHECK_RET(weft_sem_init(&sem, bad[i]), -EINVAL);
		CHECK_RET(weft_sem_init_bounded(&sem, bad[i]), -EINVAL);
		CHECK_RET(weft_sem_init_shared(&sem, bad[i]), -EINVAL);
		CHECK_RET(weft_sem_init_bounded_shared(&sem, bad[i]), -EINVAL);
		CHECK_EQ(weft_sem_value(&sem), 3);
		CHECK_RET(weft_sem_release(&sem), 0);	/* it is not bounded either */
		CHECK_EQ(weft_sem_value(&sem), 4);
	}
}

/* SEM-02, SEM-04, SEM-10 */
Test(sem, counts)
{
	struct weft_sem sem = WEFT_SEM_INIT(2);

	CHECK_RET(weft_sem_acquire(&sem), 0);
	CHECK_EQ(weft_sem_value(&sem), 1);
	CHECK_RET(weft_sem_acquire(&sem), 0);
	CHECK_EQ(weft_sem_value(&sem), 0);
	CHECK_RET(weft_sem_try_acquire(&sem), -EAGAIN);
	CHECK_EQ(weft_sem_value(&sem), 0);
	CHECK_RET(weft_sem_release(&sem), 0);
	CHECK_RET(weft_sem_release(&sem), 0);
	CHECK_RET(weft_sem_release(&sem), 0);
	CHECK_RET(weft_sem_release(&sem), 0);
	CHECK_EQ(weft_sem_value(&sem), 4);
	CHECK_EQ(drain(&sem), 4);
}

/* SEM-03, GEN-02: n at once; n = 0 is wrong and changes nothing. */
Test(sem, release_n)
{
	struct weft_sem sem = WEFT_SEM_INIT(1);

	CHECK_RET(weft_sem_release_n(&sem, 0), -EINVAL);
	CHECK_EQ(weft_sem_value(&sem), 1);
	CHECK_RET(weft_sem_release_n(&sem, 1), 0);
	CHECK_EQ(weft_sem_value(&sem), 2);
	CHECK_RET(weft_sem_release_n(&sem, 1000), 0);
	CHECK_EQ(weft_sem_value(&sem), 1002);
	CHECK_EQ(drain(&sem), 1002);
}

/* SEM-11: over WEFT_SEM_MAX, by one or by many: -EOVERFLOW, unchanged. */
Test(sem, overflow)
{
	struct weft_sem sem;

	CHECK_RET(weft_sem_init(&sem, WEFT_SEM_MAX), 0);
	CHECK_RET(weft_sem_release(&sem), -EOVERFLOW);
	CHECK_RET(weft_sem_release_n(&sem, 1), -EOVERFLOW);
	CHECK_EQ(weft_sem_value(&sem), WEFT_SEM_MAX);
	CHECK_RET(weft_sem_acquire(&sem), 0);
	CHECK_RET(weft_sem_release_n(&sem, 2), -EOVERFLOW);
	CHECK_EQ(weft_sem_value(&sem), WEFT_SEM_MAX - 1);
	CHECK_RET(weft_sem_release(&sem), 0);
	CHECK_RET(weft_sem_release(&sem), -EOVERFLOW);

	CHECK_RET(weft_sem_init(&sem, 0), 0);
	CHECK_RET(weft_sem_release_n(&sem, (unsigned)WEFT_SEM_MAX + 1), -EOVERFLOW);
	CHECK_RET(weft_sem_release_n(&sem, UINT_MAX), -EOVERFLOW);
	CHECK_RET(weft_sem_release_n(&sem, (unsigned)-7), -EOVERFLOW);
	CHECK_EQ(weft_sem_value(&sem), 0);
	CHECK_RET(weft_sem_release_n(&sem, WEFT_SEM_MAX), 0);
	CHECK_RET(weft_sem_release_n(&sem, WEFT_SEM_MAX), -EOVERFLOW);
	CHECK_RET(weft_sem_release_n(&sem, UINT_MAX), -EOVERFLOW);
	CHECK_EQ(weft_sem_value(&sem), WEFT_SEM_MAX);
}

/* BSEM-02, BSEM-03: never above the bound; all n or none. */
Test(sem, bounded)
{
	struct weft_sem sem;
	unsigned bound, n, i;

	for (bound = 0; bound < 10; bound++) {
		CHECK_RET(weft_sem_init_bounded(&sem, bound), 0);
		CHECK_RET(weft_sem_release(&sem), -EOVERFLOW);
		for (n = 0; n <= bound; n++) {
			for (i = 0; i < n; i++)
				CHECK_RET(weft_sem_acquire(&sem), 0);
			CHECK_RET(weft_sem_release_n(&sem, n + 1), -EOVERFLOW);
			CHECK_RET(weft_sem_release_n(&sem, UINT_MAX), -EOVERFLOW);
			CHECK_RET(weft_sem_release_n(&sem, WEFT_SEM_MAX), -EOVERFLOW);
			CHECK_EQ(weft_sem_value(&sem), bound - n);
			CHECK_RET(weft_sem_release_n(&sem, n), n == 0 ? -EINVAL : 0);
			CHECK_EQ(weft_sem_value(&sem), bound);
			CHECK_RET(weft_sem_release(&sem), -EOVERFLOW);
		}
		CHECK_EQ(drain(&sem), bound);
	}
	CHECK_RET(weft_sem_init_bounded(&sem, WEFT_SEM_MAX), 0);
	CHECK_RET(weft_sem_release(&sem), -EOVERFLOW);
	CHECK_RET(weft_sem_init_bounded(&sem, 2), 0);	/* the rule's own example */
	CHECK_RET(weft_sem_acquire(&sem), 0);
	CHECK_RET(weft_sem_release_n(&sem, 2), -EOVERFLOW);
	CHECK_EQ(weft_sem_value(&sem), 1);
}

/* SEM-05: 6, then 7, then 6, then 1 of twenty acquires pass, and no more at any time. */
static void acquire_twice(struct member *me)
{
	struct store *store = me->arg;

	CHECK_RET(weft_sem_acquire(&store->sem), 0);
	atomic_fetch_add(&store->passed, 1);
	CHECK_RET(weft_sem_acquire(&store->sem), 0);
	atomic_fetch_add(&store->passed, 1);
}

static void check_phases(struct store *store, bool at_once)
{
	static const unsigned released[] = { 0, 7, 6, 1 };
	struct team team;
	unsigned phase, expected = 6, i;

	CHECK_RET(weft_sem_acquire(&store->sem), 0);
	team_start(&team, 10, acquire_twice, store);
	for (phase = 0; phase < 4; phase++) {
		expected += released[phase];
		if (at_once && released[phase] != 0)
			CHECK_RET(weft_sem_release_n(&store->sem, released[phase]), 0);
		for (i = 0; !at_once && i < released[phase]; i++)
			CHECK_RET(weft_sem_release(&store->sem), 0);
		wait_until(atomic_load(&store->passed) >= expected && team_settled(&team));
		CHECK_EQ(atomic_load(&store->passed), expected);
		CHECK_RET(weft_sem_try_acquire(&store->sem), -EAGAIN);
		CHECK_EQ(weft_sem_value(&store->sem), 0);
	}
	team_join(&team);
	CHECK_RET(weft_sem_release(&store->sem), 0);
	CHECK_EQ(drain(&store->sem), 1);
}

Test(sem, contended)
{
	struct store store;

	store_init(&store, 7);
	check_phases(&store, false);
	store_init(&store, 7);
	check_phases(&store, true);	/* SEM-03: n waiters by one call */
	CHECK_RET(weft_sem_init_shared(&store.sem, 7), 0);
	atomic_store(&store.passed, 0);
	check_phases(&store, true);
}

/* SEM-03: as many as there are permits for, and the rest sleeps on; the permits left over stay. */
static void acquire_once(struct member *me)
{
	struct store *store = me->arg;

	me->result = weft_sem_acquire(&store->sem);
	atomic_fetch_add(&store->passed, 1);
}

Test(sem, release_n_wakes_n)
{
	struct store store;
	struct team team;
	unsigned round;

	for (round = 0; round < 50; round++) {
		store_init(&store, 0);
		team_start(&team, 10, acquire_once, &store);
		team_wait_asleep(&team, 10);
		CHECK_RET(weft_sem_release_n(&store.sem, 4), 0);
		team_wait_done(&team, 4);
		wait_until(team_settled(&team));
		CHECK_EQ(atomic_load(&store.passed), 4);
		CHECK_RET(weft_sem_release_n(&store.sem, 9), 0);
		team_join(&team);
		CHECK_EQ(weft_sem_value(&store.sem), 3);
		CHECK_RET(weft_sem_destroy(&store.sem), 0);
	}
}

/* SEM-06: 4 permits, one taken, 5 threads try twice: 3 get one, 7 find none. */
static void try_twice(struct member *me)
{
	struct store *store = me->arg;
	unsigned i;

	team_meet(me);
	for (i = 0; i < 2; i++) {
		const int rc = weft_sem_try_acquire(&store->sem);

		if (rc == 0)
			atomic_fetch_add(&store->passed, 1);
		else if (CHECK_EQ(rc, -EAGAIN))
			atomic_fetch_add(&store->errors, 1);
	}
}

Test(sem, try_contended)
{
	struct store store;
	unsigned round;

	for (round = 0; round < 100; round++) {
		store_init(&store, 4);
		CHECK_RET(weft_sem_try_acquire(&store.sem), 0);
		team_run(5, try_twice, &store);
		CHECK_EQ(atomic_load(&store.passed), 3);
		CHECK_EQ(atomic_load(&store.errors), 7);
		CHECK_EQ(weft_sem_value(&store.sem), 0);
	}
}

/* SEM-06, MUTANTS 17: a try among others' takes and gives never says "none" while one is certainly there. */
static void take_and_give(struct member *me)
{
	struct store *store = me->arg;

	while (!atomic_load(&store->stop)) {
		CHECK_RET(weft_sem_acquire(&store->sem), 0);
		CHECK_RET(weft_sem_release(&store->sem), 0);
	}
}

Test(sem, try_is_not_disturbed)
{
	struct store store;
	struct team team;
	unsigned i;

	store_init(&store, 4);
	team_start(&team, 3, take_and_give, &store);	/* they hold at most 3 */
	for (i = 0; i < 20000; i++) {
		CHECK_RET(weft_sem_try_acquire(&store.sem), 0);
		CHECK_RET(weft_sem_release(&store.sem), 0);
	}
	atomic_store(&store.stop, true);
	team_join(&team);
	CHECK_EQ(drain(&store.sem), 4);
}

/* SEM-07, TIME-02: -ETIMEDOUT, not early; the value is unchanged and good. */
Test(sem, times_out)
{
	struct store store;
	unsigned i;

	store_init(&store, 0);
	for (i = 0; i <= 20; i++) {
		const int64_t timeout_ns = i == 20 ? 100 * MS : 1 + i * i * INT64_C(10007);
		const int64_t start_ns = clock_ns();
		int64_t deadline_ns;

		CHECK_RET(weft_sem_acquire_for(&store.sem, timeout_ns), -ETIMEDOUT);
		CHECK_GE(clock_ns() - start_ns, timeout_ns);
		deadline_ns = weft_now() + timeout_ns;
		CHECK_RET(weft_sem_acquire_until(&store.sem, deadline_ns, i % 2 ? &store.cancel : NULL), -ETIMEDOUT);
		CHECK_GE(weft_now(), deadline_ns);
		CHECK_EQ(weft_sem_value(&store.sem), 0);
	}
	CHECK_RET(weft_sem_destroy(&store.sem), 0);
	CHECK_RET(weft_sem_release(&store.sem), 0);
	CHECK_EQ(weft_sem_value(&store.sem), 1);
	CHECK_EQ(drain(&store.sem), 1);
}

/* SEM-07: many waiters leave by time and by token while others stay; then each permit goes to one that stayed. */
static void leave_or_stay(struct member *me)
{
	struct store *store = me->arg;

	switch (me->index % 3) {
	case 0:
		CHECK_RET(weft_sem_acquire_for(&store->sem, (1 + me->index) * MS), -ETIMEDOUT);
		break;
	case 1:
		CHECK_RET(weft_sem_acquire_until(&store->sem, WEFT_FOREVER, &store->cancel), -ECANCELED);
		break;
	default:
		CHECK_RET(weft_sem_acquire(&store->sem), 0);
		atomic_fetch_add(&store->passed, 1);
		break;
	}
}

Test(sem, leavers_take_nothing)
{
	struct store store;
	struct team team;

	store_init(&store, 0);
	team_start(&team, 12, leave_or_stay, &store);
	team_wait_done(&team, 4);
	wait_until(team_settled(&team));
	weft_event_set(&store.cancel);
	team_wait_done(&team, 8);
	CHECK_EQ(atomic_load(&store.passed), 0);
	CHECK_RET(weft_sem_release_n(&store.sem, 3), 0);
	team_wait_done(&team, 11);
	wait_until(team_settled(&team));
	CHECK_EQ(atomic_load(&store.passed), 3);
	CHECK_RET(weft_sem_release_n(&store.sem, 3), 0);
	team_join(&team);
	CHECK_EQ(weft_sem_value(&store.sem), 2);
	CHECK_EQ(drain(&store.sem), 2);
}

/* TIME-05, TIME-06, TIME-11 */
static const int64_t expired[] = { 0, -1, -MS, INT64_MIN + 1, INT64_MIN };

Test(sem, expired_times)
{
	struct store store;
	unsigned i;

	store_init(&store, 0);
	for (i = 0; i < sizeof(expired) / sizeof(expired[0]); i++) {
		CHECK_RET(weft_sem_acquire_for(&store.sem, expired[i]), -ETIMEDOUT);
		CHECK_RET(weft_sem_acquire_until(&store.sem, expired[i], NULL), -ETIMEDOUT);
		CHECK_RET(weft_sem_acquire_until(&store.sem, expired[i], &store.cancel), -ETIMEDOUT);
	}
	CHECK_RET(weft_sem_acquire_until(&store.sem, 1, NULL), -ETIMEDOUT);
	CHECK_RET(weft_sem_acquire_until(&store.sem, weft_now(), NULL), -ETIMEDOUT);
	CHECK_EQ(weft_sem_value(&store.sem), 0);
	CHECK_RET(weft_sem_destroy(&store.sem), 0);
}

Test(sem, granted_first)
{
	struct store store;
	unsigned i;

	store_init(&store, 1);
	weft_event_set(&store.cancel);
	for (i = 0; i < sizeof(expired) / sizeof(expired[0]); i++) {
		CHECK_RET(weft_sem_acquire_for(&store.sem, expired[i]), 0);
		CHECK_RET(weft_sem_release(&store.sem), 0);
		CHECK_RET(weft_sem_acquire_until(&store.sem, expired[i], NULL), 0);
		CHECK_RET(weft_sem_release(&store.sem), 0);
		CHECK_RET(weft_sem_acquire_until(&store.sem, expired[i], &store.cancel), 0);
		CHECK_RET(weft_sem_release(&store.sem), 0);
	}
	CHECK_RET(weft_sem_acquire_until(&store.sem, WEFT_FOREVER, &store.cancel), 0);
	CHECK_EQ(weft_sem_value(&store.sem), 0);
}

/* TIME-07 */
static void acquire_given_time(struct member *me)
{
	struct store *store = me->arg;

	if (me->index == 0)
		me->result = weft_sem_acquire_for(&store->sem, store->timeout_ns);
	else
		me->result = weft_sem_acquire_until(&store->sem, store->timeout_ns,
						    me->index == 1 ? NULL : &store->cancel);
}

Test(sem, huge_times)
{
	const int64_t now = weft_now();
	const int64_t huge[] = { WEFT_FOREVER, WEFT_TIMEOUT_MAX, WEFT_FOREVER - now, WEFT_FOREVER - now - 1,
				 WEFT_FOREVER - now + 1, WEFT_FOREVER / 2 };
	struct store store;
	struct team team;
	int results[3];
	unsigned i, k;

	for (i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		store_init(&store, 0);
		store.timeout_ns = huge[i];
		team_start(&team, 3, acquire_given_time, &store);
		team_wait_asleep(&team, 3);
		CHECK_EQ(team_done(&team), 0);
		CHECK_RET(weft_sem_release_n(&store.sem, 3), 0);
		team_join_results(&team, results);
		for (k = 0; k < 3; k++)
			CHECK_EQ(results[k], 0);
	}
}

/* TIME-03 */
static void wait_half_a_second(struct member *me)
{
	struct store *store = me->arg;
	const int64_t start_ns = clock_ns();
	int64_t took_ns;

	if (me->index == 0)
		CHECK_RET(weft_sem_acquire_for(&store->sem, SEC / 2), -ETIMEDOUT);
	else
		CHECK_RET(weft_sem_acquire_until(&store->sem, weft_now() + SEC / 2, &store->cancel), -ETIMEDOUT);
	took_ns = clock_ns() - start_ns;
	CHECK_GE(took_ns, SEC / 2);
	CHECK_LE(took_ns, 2 * SEC);
}

Test(sem, storm_timed)
{
	struct store store;
	struct team team;
	unsigned i;

	store_init(&store, 0);
	signals_catch();
	for (i = 0; i < 2; i++) {
		team_start(&team, 2, wait_half_a_second, &store);
		storm(&team.members[i], 40, 20 * MS);
		team_join(&team);
	}
	CHECK_GE(signals_seen(), 2);
	CHECK_EQ(weft_sem_value(&store.sem), 0);
}

static void acquire_any_form(struct member *me)
{
	struct store *store = me->arg;

	switch (me->index % 3) {
	case 0:
		CHECK_RET(weft_sem_acquire(&store->sem), 0);
		break;
	case 1:
		CHECK_RET(weft_sem_acquire_for(&store->sem, WEFT_FOREVER), 0);
		break;
	default:
		CHECK_RET(weft_sem_acquire_until(&store->sem, WEFT_FOREVER, &store->cancel), 0);
		break;
	}
	atomic_fetch_add(&store->passed, 1);
}

Test(sem, storm_untimed)
{
	struct store store;
	struct team team;
	unsigned i;

	store_init(&store, 0);
	team_start(&team, 3, acquire_any_form, &store);
	for (i = 0; i < 3; i++) {
		team_wait_asleep(&team, 3);
		storm(&team.members[i], 20, MS);
	}
	team_wait_asleep(&team, 3);
	CHECK_EQ(atomic_load(&store.passed), 0);
	CHECK_RET(weft_sem_release_n(&store.sem, 3), 0);
	team_join(&team);
	CHECK_EQ(weft_sem_value(&store.sem), 0);
}

/* TIME-04 */
static void be_cancelled(struct member *me)
{
	struct store *store = me->arg;

	CHECK_RET(weft_sem_acquire_until(&store->sem, WEFT_FOREVER, &store->cancel), -ECANCELED);
}

Test(sem, cancelled)
{
	struct store store;
	struct team team;

	store_init(&store, 0);
	team_start(&team, N, be_cancelled, &store);
	team_wait_asleep(&team, N);
	weft_event_set(&store.cancel);
	team_join(&team);
	team_run(1, be_cancelled, &store);
	CHECK_EQ(weft_sem_value(&store.sem), 0);
	CHECK_RET(weft_sem_destroy(&store.sem), 0);
}

/* SEM-08 */
static void release_one(struct member *me)
{
	CHECK_RET(weft_sem_release(me->arg), 0);
}

Test(sem, anybody_releases)
{
	struct weft_sem sem;

	CHECK_RET(weft_sem_init_bounded(&sem, 3), 0);
	CHECK_RET(weft_sem_acquire(&sem), 0);
	CHECK_RET(weft_sem_acquire(&sem), 0);
	team_run(2, release_one, &sem);
	CHECK_EQ(weft_sem_value(&sem), 3);
	CHECK_RET(weft_sem_release(&sem), -EOVERFLOW);
}

/*
 * SEM-12, TIME-10: permits come and go faster than a sleeper can take one. It either gets one or leaves when its time is
 * up; being woken in vain does not give it more time.
 */
static void give_and_snatch(struct member *me)
{
	struct store *store = me->arg;

	while (!atomic_load(&store->stop)) {
		CHECK_RET(weft_sem_release(&store->sem), 0);
		CHECK_RET(weft_sem_acquire(&store->sem), 0);
	}
}

Test(sem, woken_in_vain)
{
	struct store store;
	struct team team;
	unsigned i;

	store_init(&store, 0);
	team_start(&team, 2, give_and_snatch, &store);
	for (i = 0; i < 20; i++) {
		const int64_t start_ns = clock_ns();
		const int rc = weft_sem_acquire_for(&store.sem, 20 * MS);

		if (rc == 0)
			CHECK_RET(weft_sem_release(&store.sem), 0);
		else if (CHECK_EQ(rc, -ETIMEDOUT))
			CHECK_GE(clock_ns() - start_ns, 20 * MS);
		CHECK_LE(clock_ns() - start_ns, 10 * SEC);
	}
	atomic_store(&store.stop, true);
	/* At the end each of the two may wait for a permit that the other snatched. */
	team_join(&team);
	CHECK_EQ(weft_sem_value(&store.sem), 0);
}

/* SEM-13, destroy: permits may be out; -EBUSY only while somebody waits. */
Test(sem, busy)
{
	struct store store;
	struct team team;

	store_init(&store, 1);
	CHECK_RET(weft_sem_acquire(&store.sem), 0);
	CHECK_RET(weft_sem_destroy(&store.sem), 0);
	team_start(&team, 2, acquire_once, &store);
	team_wait_asleep(&team, 2);
	CHECK_RET(weft_sem_destroy(&store.sem), -EBUSY);
	CHECK_RET(weft_sem_release_n(&store.sem, 2), 0);
	team_join(&team);
	CHECK_RET(weft_sem_destroy(&store.sem), 0);
}

/* SEM-14: release in a signal handler, which interrupts release, acquire and their sleep. */
static struct store *handler_store;
static atomic_uint handler_released;

static void release_in_handler(int signal)
{
	(void)signal;
	if (weft_sem_release(&handler_store->sem) != 0)
		atomic_fetch_add(&handler_store->errors, 1);
	atomic_fetch_add(&handler_released, 1);
}

static void move_permits(struct member *me)
{
	struct store *store = me->arg;

	while (!atomic_load(&store->stop)) {
		CHECK_EQ(weft_sem_acquire(&store->sem), 0);
		CHECK_EQ(weft_sem_release(&store->sem), 0);
	}
}

Test(sem, release_in_a_handler)
{
	const int64_t until_ns = clock_ns() + 300 * MS;
	struct sigaction action;
	struct store store;
	struct team team;
	unsigned i, taken = 0;

	store_init(&store, 0);
	handler_store = &store;
	memset(&action, 0, sizeof(action));
	action.sa_handler = release_in_handler;
	sigaction(SIGUSR2, &action, NULL);

	team_start(&team, 1, acquire_once, &store);	/* into its sleep */
	team_wait_asleep(&team, 1);
	pthread_kill(team.members[0].thread, SIGUSR2);
	team_join(&team);
	CHECK_EQ(weft_sem_value(&store.sem), 0);

	CHECK_RET(weft_sem_release(&store.sem), 0);
	team_start(&team, 4, move_permits, &store);
	for (i = 0; clock_ns() < until_ns; i++) {
		pthread_kill(team.members[i % 4].thread, SIGUSR2);
		while (weft_sem_value(&store.sem) > 2 && weft_sem_try_acquire(&store.sem) == 0)
			taken++;	/* keeps them short of permits, so that they sleep */
	}
	atomic_store(&store.stop, true);
	team_join(&team);
	CHECK_EQ(atomic_load(&store.errors), 0);
	/* One was released by hand, and one of the handler's was taken at the beginning. */
	CHECK_EQ(weft_sem_value(&store.sem) + taken, atomic_load(&handler_released));
}

/* TIME-11 for a sleeper: a permit given while its time ran out is not refused. The handler holds it up till then. */
static struct {
	struct store store;
	int64_t deadline_ns;
	atomic_int handled;
} late;

static void release_late(int signal)
{
	const bool in_time = weft_now() < late.deadline_ns;

	(void)signal;
	while (weft_now() <= late.deadline_ns)
		;
	weft_sem_release(&late.store.sem);
	atomic_store(&late.handled, in_time ? 1 : -1);
}

static void acquire_until_late(struct member *me)
{
	late.deadline_ns = weft_now() + 20 * MS;
	atomic_store(&me->step, 1);
	me->result = weft_sem_acquire_until(&late.store.sem, late.deadline_ns,
					    me->arg == NULL ? NULL : &late.store.cancel);
}

static void check_late(void *with_token)
{
	unsigned i, in_time = 0;
	struct team team;
	int result;

	for (i = 0; i < 10 || (in_time == 0 && i < 1000); i++) {
		store_init(&late.store, 0);
		atomic_store(&late.handled, 0);
		team_start(&team, 1, acquire_until_late, with_token);
		wait_until(atomic_load(&team.members[0].step) == 1);
		wait_until(team_settled(&team));
		pthread_kill(team.members[0].thread, SIGUSR2);
		team_join_results(&team, &result);
		CHECK_EQ(weft_sem_value(&late.store.sem) + (result == 0), atomic_load(&late.handled) != 0);
		if (atomic_load(&late.handled) == 1) {
			in_time++;
			CHECK_EQ(result, 0);
		}
	}
	CHECK_GT(in_time, 0);
}

Test(sem, late_permit_is_taken)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = release_late;
	sigaction(SIGUSR2, &action, NULL);
	check_late(NULL);
	check_late(&late);
}

/* SEM-15, BSEM-04: ten threads, three permits: never more than three inside; all come through; three are left. */
static void visit(struct member *me)
{
	struct store *store = me->arg;
	unsigned i, now, most;

	team_meet(me);
	for (i = 0; i < store->rounds; i++) {
		CHECK_EQ(weft_sem_acquire(&store->sem), 0);
		now = atomic_fetch_add(&store->inside, 1) + 1;
		most = atomic_load(&store->most_inside);
		while (now > most && !atomic_compare_exchange_weak(&store->most_inside, &most, now))
			;
		if ((i & 15) == me->index)
			sched_yield();
		atomic_fetch_sub(&store->inside, 1);
		CHECK_EQ(weft_sem_release(&store->sem), 0);
	}
}

Test(sem, three_inside)
{
	struct store store;

	store_init(&store, 0);
	CHECK_RET(weft_sem_init_bounded(&store.sem, 3), 0);
	store.rounds = slow_build() ? 1000 : 10000;
	team_run(10, visit, &store);
	CHECK_LE(atomic_load(&store.most_inside), 3);
	CHECK_GE(atomic_load(&store.most_inside), 1);
	CHECK_EQ(weft_sem_value(&store.sem), 3);
	CHECK_RET(weft_sem_release(&store.sem), -EOVERFLOW);
	CHECK_EQ(drain(&store.sem), 3);
}

/* BSEM-02, BSEM-04 under load: some release too often all the time; the value never passes the bound. */
#define BOUND 3

static void over_release(struct member *me)
{
	struct store *store = me->arg;
	unsigned i, value;

	team_meet(me);
	for (i = 0; i < store->rounds; i++) {
		if (me->index % 2 == 0) {
			if (weft_sem_try_acquire(&store->sem) == 0)
				atomic_fetch_add(&store->passed, 1);
		} else {
			const unsigned n = 1 + i % 3;
			const int rc = n == 1 ? weft_sem_release(&store->sem) : weft_sem_release_n(&store->sem, n);

			if (rc == 0)
				atomic_fetch_add(&store->inside, n);
			else if (rc != -EOVERFLOW)
				FAIL("release_n(%u) returned %d", n, rc);
		}
		value = weft_sem_value(&store->sem);
		if (value > BOUND)
			FAIL("the value is %u, over the bound", value);
	}
}

static void overflow_under_load(struct store *store)
{
	store->rounds = slow_build() ? 2000 : 20000;
	team_run(8, over_release, store);
	CHECK_EQ(weft_sem_value(&store->sem),
		 BOUND + atomic_load(&store->inside) - atomic_load(&store->passed));
	CHECK_LE(weft_sem_value(&store->sem), BOUND);
}

Test(sem, overflow_under_load)
{
	struct store store;

	store_init(&store, 0);
	CHECK_RET(weft_sem_init_bounded(&store.sem, BOUND), 0);
	overflow_under_load(&store);
	store_init(&store, 0);
	CHECK_RET(weft_sem_init_bounded_shared(&store.sem, BOUND), 0);
	overflow_under_load(&store);
}

/* SEM-05: permits are conserved whatever becomes of the waits; @result is how many this thread took, less what it gave. */
static void take_and_give_somehow(struct member *me)
{
	struct store *store = me->arg;
	uint64_t random = me->index + 77;
	unsigned i;

	team_meet(me);
	for (i = 0; i < store->rounds; i++) {
		const uint64_t r = random_next(&random);
		const int64_t timeout_ns = (int64_t)(r >> 8 & 0x7fff);
		int rc;

		if (me->result > 0 && (r & 0x100000) != 0) {
			const unsigned n = 1 + (unsigned)(r >> 32) % (unsigned)me->result;

			CHECK_EQ(n == 1 ? weft_sem_release(&store->sem) : weft_sem_release_n(&store->sem, n), 0);
			me->result -= (int)n;
			continue;
		}
		switch (r & 3) {
		case 0:
			rc = weft_sem_try_acquire(&store->sem);
			break;
		case 1:
			rc = weft_sem_acquire_for(&store->sem, timeout_ns);
			break;
		default:
			rc = weft_sem_acquire_until(&store->sem, weft_now() + timeout_ns, &store->cancel);
			break;
		}
		if (rc == 0)
			me->result++;
		else if (rc != -EAGAIN && rc != -ETIMEDOUT && rc != -ECANCELED)
			FAIL("acquire returned %d", rc);
	}
}

static void toggle(struct member *me)
{
	struct store *store = me->arg;

	while (!atomic_load(&store->stop)) {
		weft_event_set(&store->cancel);
		weft_event_clear(&store->cancel);
		sched_yield();
	}
}

static void check_conserved(struct store *store, unsigned value)
{
	struct team team, toggler;
	int results[8], out = 0;
	unsigned i;

	store->rounds = slow_build() ? 1000 : 10000;
	team_start(&toggler, 1, toggle, store);
	team_start(&team, 8, take_and_give_somehow, store);
	team_join_results(&team, results);
	atomic_store(&store->stop, true);
	team_join(&toggler);
	for (i = 0; i < 8; i++)
		out += results[i];
	CHECK_EQ(weft_sem_value(&store->sem) + (unsigned)out, value);
	CHECK_EQ(drain(&store->sem), value - (unsigned)out);
	CHECK_RET(weft_sem_destroy(&store->sem), 0);
}

Test(sem, conserves_permits)
{
	struct store store;

	store_init(&store, 5);
	check_conserved(&store, 5);
	store_init(&store, 0);
	CHECK_RET(weft_sem_init_bounded(&store.sem, 5), 0);
	check_conserved(&store, 5);
	store_init(&store, 0);
	CHECK_RET(weft_sem_init_shared(&store.sem, 5), 0);
	check_conserved(&store, 5);
}

/* SEM-02: producers and consumers who sleep for each other; nobody is left asleep (mutant 54, 56, 57). */
struct ring {
	struct weft_sem full, empty;
	unsigned rounds;
	uint64_t sum;	/* of what the consumers got; one consumer */
	uint64_t slots[4];
};

static void produce(struct member *me)
{
	struct ring *ring = me->arg;
	unsigned i;

	for (i = 0; i < ring->rounds; i++) {
		CHECK_EQ(weft_sem_acquire(&ring->empty), 0);
		ring->slots[i % 4] = i;
		CHECK_EQ(weft_sem_release(&ring->full), 0);
	}
}

static void consume(struct member *me)
{
	struct ring *ring = me->arg;
	unsigned i;

	for (i = 0; i < ring->rounds; i++) {
		CHECK_EQ(weft_sem_acquire(&ring->full), 0);
		ring->sum += ring->slots[i % 4];
		CHECK_EQ(weft_sem_release(&ring->empty), 0);
	}
}

static void produce_or_consume(struct member *me)
{
	if (me->index == 0)
		produce(me);
	else
		consume(me);
}

/* GEN-09 too: the slots are plain memory. */
Test(sem, producer_and_consumer)
{
	struct ring ring;

	memset((void *)&ring, 0, sizeof(ring));
	CHECK_RET(weft_sem_init(&ring.empty, 4), 0);
	ring.rounds = slow_build() ? 2000 : 20000;
	team_run(2, produce_or_consume, &ring);
	CHECK_EQ(ring.sum, (uint64_t)ring.rounds * (ring.rounds - 1) / 2);
	CHECK_EQ(weft_sem_value(&ring.empty), 4);
	CHECK_EQ(weft_sem_value(&ring.full), 0);
}

/* Section 22, trap 1: who returns from acquire may free the semaphore while release is still under way. */
static int sem_nothing(void *sem)
{
	(void)sem;
	return 0;
}

static int sem_release(void *sem)
{
	return weft_sem_release(sem);
}

static int sem_acquire(void *sem)
{
	return weft_sem_acquire(sem);
}

Test(sem, free_after_acquire)
{
	free_under_giver(sizeof(struct weft_sem), sem_nothing, sem_release, sem_acquire);
}
