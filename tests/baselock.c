/* SPDX-License-Identifier: MIT */
/*
 * The common rules of locks; see baselock.h.
 */
#include "baselock.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

#define N 5

/* One lock under test and what its threads count. */
struct table {
	const struct lock_verbs *verbs;
	void *lock;
	int64_t timeout_ns;
	struct weft_event *cancel;
	atomic_uint entered, may_leave;
	uint64_t counter;	/* protected by lock */
	unsigned inside;	/* protected by lock */
	unsigned rounds;
};

static void table_init(struct table *t, const struct lock_verbs *verbs)
{
	memset(t, 0, sizeof(*t));
	t->verbs = verbs;
	t->lock = calloc(1, verbs->size);
	if (t->lock == NULL)
		abort();
}

static void table_fini(struct table *t)
{
	CHECK_RET(t->verbs->destroy(t->lock), 0);
	free(t->lock);
}

static void check_unlocked(struct table *t)
{
	CHECK(!t->verbs->locked(t->lock));
	CHECK_RET(t->verbs->try_acquire(t->lock), 0);
	CHECK(t->verbs->locked(t->lock));
	CHECK_RET(t->verbs->release(t->lock), 0);
	CHECK(!t->verbs->locked(t->lock));
}

/* Run @fn in another thread to its end. */
static void elsewhere(void (*fn)(struct member *me), struct table *t)
{
	team_run(1, fn, t);
}

void baselock_states(const struct lock_verbs *verbs)
{
	struct table t;
	unsigned i;

	table_init(&t, verbs);
	CHECK(!verbs->locked(t.lock));
	for (i = 0; i < 10000; i++) {
		CHECK_RET(verbs->acquire(t.lock), 0);
		CHECK(verbs->locked(t.lock));
		CHECK_RET(verbs->release(t.lock), 0);
		CHECK(!verbs->locked(t.lock));
	}
	CHECK_RET(verbs->release(t.lock), -EPERM);
	check_unlocked(&t);
	table_fini(&t);
}

static void try_in_vain(struct member *me)
{
	struct table *t = me->arg;

	CHECK_RET(t->verbs->try_acquire(t->lock), -EAGAIN);
	CHECK(t->verbs->locked(t->lock));
}

static void try_and_release(struct member *me)
{
	struct table *t = me->arg;

	CHECK_RET(t->verbs->try_acquire(t->lock), 0);
	CHECK_RET(t->verbs->release(t->lock), 0);
}

void baselock_try(const struct lock_verbs *verbs)
{
	struct table t;

	table_init(&t, verbs);
	CHECK_RET(verbs->try_acquire(t.lock), 0);
	elsewhere(try_in_vain, &t);
	CHECK_RET(verbs->release(t.lock), 0);
	elsewhere(try_and_release, &t);
	check_unlocked(&t);
	table_fini(&t);
}

static void enter_and_leave(struct member *me)
{
	struct table *t = me->arg;
	unsigned turn;

	CHECK_RET(t->verbs->acquire(t->lock), 0);
	turn = atomic_fetch_add(&t->entered, 1);
	wait_until(atomic_load(&t->may_leave) > turn);
	CHECK_RET(t->verbs->release(t->lock), 0);
}

void baselock_contended(const struct lock_verbs *verbs)
{
	struct team team;
	struct table t;
	unsigned i;

	table_init(&t, verbs);
	CHECK_RET(verbs->acquire(t.lock), 0);
	team_start(&team, N, enter_and_leave, &t);
	team_wait_asleep(&team, N);
	CHECK_EQ(atomic_load(&t.entered), 0);
	CHECK_RET(verbs->release(t.lock), 0);
	for (i = 1; i <= N; i++) {
		wait_until(atomic_load(&t.entered) == i);
		/* The one inside polls; the others must all be back asleep. */
		team_wait_asleep(&team, N - i);
		CHECK_EQ(atomic_load(&t.entered), i);
		CHECK(verbs->locked(t.lock));
		atomic_store(&t.may_leave, i);
	}
	team_join(&team);
	check_unlocked(&t);
	table_fini(&t);
}

/* Both timed forms; -ETIMEDOUT, and not early by either clock. */
static void time_out(struct member *me)
{
	struct table *t = me->arg;
	int64_t start_ns = clock_ns(), deadline_ns;

	CHECK_RET(t->verbs->acquire_for(t->lock, t->timeout_ns), -ETIMEDOUT);
	CHECK_GE(clock_ns() - start_ns, t->timeout_ns);
	deadline_ns = weft_now() + t->timeout_ns;
	CHECK_RET(t->verbs->acquire_until(t->lock, deadline_ns, NULL), -ETIMEDOUT);
	CHECK_GE(weft_now(), deadline_ns);
	deadline_ns = weft_now() + t->timeout_ns;
	CHECK_RET(t->verbs->acquire_until(t->lock, deadline_ns, t->cancel), -ETIMEDOUT);
	CHECK_GE(weft_now(), deadline_ns);
}

void baselock_timed(const struct lock_verbs *verbs)
{
	struct weft_event cancel = WEFT_EVENT_INIT;
	struct table t;
	unsigned i;

	table_init(&t, verbs);
	t.cancel = &cancel;
	CHECK_RET(verbs->acquire(t.lock), 0);
	for (i = 0; i < 20; i++) {
		t.timeout_ns = 1 + i * i * INT64_C(10007);	/* 1 ns to 3.6 ms */
		elsewhere(time_out, &t);
	}
	t.timeout_ns = 100 * MS;
	elsewhere(time_out, &t);
	CHECK_RET(verbs->release(t.lock), 0);
	check_unlocked(&t);
	table_fini(&t);
}

static void acquire_timed(struct member *me)
{
	struct table *t = me->arg;

	if (me->index % 2 == 0)
		CHECK_RET(t->verbs->acquire_for(t->lock, t->timeout_ns), 0);
	else
		CHECK_RET(t->verbs->acquire_until(t->lock, weft_now() + t->timeout_ns, t->cancel), 0);
	CHECK_RET(t->verbs->release(t->lock), 0);
}

void baselock_timed_success(const struct lock_verbs *verbs)
{
	struct weft_event cancel = WEFT_EVENT_INIT;
	struct team team;
	struct table t;

	table_init(&t, verbs);
	t.timeout_ns = 300 * SEC;	/* longer than a test may last: waiting it out is a failure */
	CHECK_RET(verbs->acquire(t.lock), 0);
	team_start(&team, 2, acquire_timed, &t);
	team_wait_asleep(&team, 2);
	CHECK_RET(verbs->release(t.lock), 0);
	team_join(&team);

	t.cancel = &cancel;
	CHECK_RET(verbs->acquire(t.lock), 0);
	team_start(&team, 2, acquire_timed, &t);
	team_wait_asleep(&team, 2);
	CHECK_RET(verbs->release(t.lock), 0);
	team_join(&team);
	check_unlocked(&t);
	table_fini(&t);
}

static const int64_t expired[] = { 0, -1, -2, -MS, -INT64_C(9223372036) * SEC, INT64_MIN + 1, INT64_MIN };

static void expire(struct member *me)
{
	struct table *t = me->arg;
	struct weft_event clear = WEFT_EVENT_INIT;
	unsigned i;

	for (i = 0; i < sizeof(expired) / sizeof(expired[0]); i++) {
		CHECK_RET(t->verbs->acquire_for(t->lock, expired[i]), -ETIMEDOUT);
		CHECK_RET(t->verbs->acquire_until(t->lock, expired[i], NULL), -ETIMEDOUT);
		CHECK_RET(t->verbs->acquire_until(t->lock, expired[i], &clear), -ETIMEDOUT);
	}
	CHECK_RET(t->verbs->acquire_until(t->lock, weft_now(), NULL), -ETIMEDOUT);
	CHECK_RET(t->verbs->acquire_until(t->lock, 1, NULL), -ETIMEDOUT);
	CHECK_RET(t->verbs->acquire_until(t->lock, SEC - 1, &clear), -ETIMEDOUT);
}

void baselock_expired_times(const struct lock_verbs *verbs)
{
	struct table t;

	table_init(&t, verbs);
	CHECK_RET(verbs->acquire(t.lock), 0);
	elsewhere(expire, &t);
	CHECK_RET(verbs->release(t.lock), 0);
	check_unlocked(&t);
	table_fini(&t);
}

void baselock_granted_first(const struct lock_verbs *verbs)
{
	struct weft_event set = WEFT_EVENT_INIT;
	struct table t;
	unsigned i;

	table_init(&t, verbs);
	weft_event_set(&set);
	for (i = 0; i < sizeof(expired) / sizeof(expired[0]); i++) {
		CHECK_RET(verbs->acquire_for(t.lock, expired[i]), 0);
		CHECK_RET(verbs->release(t.lock), 0);
		CHECK_RET(verbs->acquire_until(t.lock, expired[i], NULL), 0);
		CHECK_RET(verbs->release(t.lock), 0);
		CHECK_RET(verbs->acquire_until(t.lock, expired[i], &set), 0);
		CHECK_RET(verbs->release(t.lock), 0);
	}
	CHECK_RET(verbs->acquire_until(t.lock, WEFT_FOREVER, &set), 0);
	CHECK_RET(verbs->release(t.lock), 0);
	check_unlocked(&t);
	table_fini(&t);
}

static void acquire_within_timeout(struct member *me)
{
	struct table *t = me->arg;

	CHECK_RET(t->verbs->acquire_for(t->lock, t->timeout_ns), 0);
	CHECK_RET(t->verbs->release(t->lock), 0);
}

static void acquire_before_deadline(struct member *me)
{
	struct table *t = me->arg;

	CHECK_RET(t->verbs->acquire_until(t->lock, t->timeout_ns, t->cancel), 0);
	CHECK_RET(t->verbs->release(t->lock), 0);
}

static void check_outlasts(struct table *t, void (*fn)(struct member *me))
{
	struct team team;

	CHECK_RET(t->verbs->acquire(t->lock), 0);
	team_start(&team, 1, fn, t);
	team_wait_asleep(&team, 1);
	CHECK_EQ(team_done(&team), 0);
	CHECK_RET(t->verbs->release(t->lock), 0);
	team_join(&team);
}

void baselock_huge_times(const struct lock_verbs *verbs)
{
	const int64_t now = weft_now();
	const int64_t huge[] = { WEFT_FOREVER,	  WEFT_TIMEOUT_MAX,    WEFT_FOREVER - now, WEFT_FOREVER - now - 1,
				 WEFT_FOREVER - now + 1, WEFT_FOREVER / 2, WEFT_SEC(INT64_C(4294967296)) };
	struct weft_event cancel = WEFT_EVENT_INIT;
	struct table t;
	unsigned i;

	table_init(&t, verbs);
	for (i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		t.timeout_ns = huge[i];
		check_outlasts(&t, acquire_within_timeout);
		t.cancel = NULL;
		check_outlasts(&t, acquire_before_deadline);
		t.cancel = &cancel;
		check_outlasts(&t, acquire_before_deadline);
	}
	check_unlocked(&t);
	table_fini(&t);
}

static void give_up(struct member *me)
{
	struct table *t = me->arg;

	if (me->index % 2 == 0)
		CHECK_RET(t->verbs->acquire_for(t->lock, (me->index + 1) * MS), -ETIMEDOUT);
	else
		CHECK_RET(t->verbs->acquire_until(t->lock, WEFT_FOREVER, t->cancel), -ECANCELED);
}

void baselock_after_timeout(const struct lock_verbs *verbs)
{
	struct weft_event cancel = WEFT_EVENT_INIT;
	char fresh[128], after[128];
	struct team team;
	struct table t;

	table_init(&t, verbs);
	t.cancel = &cancel;
	verbs->describe(t.lock, fresh, sizeof(fresh));
	CHECK_RET(verbs->acquire(t.lock), 0);
	team_start(&team, 2 * N, give_up, &t);
	team_wait_done(&team, N);
	CHECK(verbs->locked(t.lock));
	weft_event_set(&cancel);
	team_join(&team);

	/* No trace of those who left: the holder's release frees the lock for whoever tries. */
	CHECK(verbs->locked(t.lock));
	elsewhere(try_in_vain, &t);
	CHECK_RET(verbs->release(t.lock), 0);
	CHECK(!verbs->locked(t.lock));
	verbs->describe(t.lock, after, sizeof(after));
	CHECK_STR(after, fresh);
	CHECK_RET(verbs->destroy(t.lock), 0);
	elsewhere(try_and_release, &t);
	check_unlocked(&t);
	table_fini(&t);
}

static void wait_half_a_second(struct member *me)
{
	struct table *t = me->arg;
	const int64_t start_ns = clock_ns();
	int64_t took_ns;

	if (t->cancel == NULL)
		CHECK_RET(t->verbs->acquire_for(t->lock, SEC / 2), -ETIMEDOUT);
	else
		CHECK_RET(t->verbs->acquire_until(t->lock, weft_now() + SEC / 2, t->cancel), -ETIMEDOUT);
	took_ns = clock_ns() - start_ns;
	CHECK_GE(took_ns, SEC / 2);
	CHECK_LE(took_ns, 2 * SEC);
}

void baselock_storm_timed(const struct lock_verbs *verbs)
{
	struct weft_event cancel = WEFT_EVENT_INIT;
	struct team team;
	struct table t;

	table_init(&t, verbs);
	CHECK_RET(verbs->acquire(t.lock), 0);
	signals_catch();
	team_start(&team, 1, wait_half_a_second, &t);
	storm(&team.members[0], 40, 20 * MS);
	team_join(&team);
	t.cancel = &cancel;
	team_start(&team, 1, wait_half_a_second, &t);
	storm(&team.members[0], 40, 20 * MS);
	team_join(&team);
	CHECK_GE(signals_seen(), 2);
	CHECK_RET(verbs->release(t.lock), 0);
	check_unlocked(&t);
	table_fini(&t);
}

/* All three ways to wait for ever. */
static void wait_for_ever(struct member *me)
{
	struct table *t = me->arg;
	struct weft_event clear = WEFT_EVENT_INIT;

	switch (me->index) {
	case 0:
		CHECK_RET(t->verbs->acquire(t->lock), 0);
		break;
	case 1:
		CHECK_RET(t->verbs->acquire_for(t->lock, WEFT_FOREVER), 0);
		break;
	default:
		CHECK_RET(t->verbs->acquire_until(t->lock, WEFT_FOREVER, &clear), 0);
		break;
	}
	atomic_fetch_add(&t->entered, 1);
	CHECK_RET(t->verbs->release(t->lock), 0);
}

void baselock_storm_untimed(const struct lock_verbs *verbs)
{
	struct team team;
	struct table t;
	unsigned i;

	table_init(&t, verbs);
	CHECK_RET(verbs->acquire(t.lock), 0);
	team_start(&team, 3, wait_for_ever, &t);
	for (i = 0; i < 3; i++) {
		team_wait_asleep(&team, 3);
		storm(&team.members[i], 20, MS);
	}
	team_wait_asleep(&team, 3);
	CHECK_EQ(atomic_load(&t.entered), 0);
	CHECK_GE(signals_seen(), 3);
	CHECK_RET(verbs->release(t.lock), 0);
	team_join(&team);
	CHECK_EQ(atomic_load(&t.entered), 3);
	check_unlocked(&t);
	table_fini(&t);
}

static void be_cancelled(struct member *me)
{
	struct table *t = me->arg;

	if (me->index % 2 == 0)
		CHECK_RET(t->verbs->acquire_until(t->lock, WEFT_FOREVER, t->cancel), -ECANCELED);
	else
		CHECK_RET(t->verbs->acquire_until(t->lock, weft_now() + 300 * SEC, t->cancel), -ECANCELED);
}

void baselock_cancelled(const struct lock_verbs *verbs)
{
	struct weft_event cancel = WEFT_EVENT_INIT;
	struct team team;
	struct table t;

	table_init(&t, verbs);
	t.cancel = &cancel;
	CHECK_RET(verbs->acquire(t.lock), 0);
	team_start(&team, 2 * N, be_cancelled, &t);
	team_wait_asleep(&team, 2 * N);
	CHECK_EQ(team_done(&team), 0);
	weft_event_set(&cancel);
	team_join(&team);
	elsewhere(be_cancelled, &t);	/* set before the wait began */
	CHECK_RET(verbs->release(t.lock), 0);
	check_unlocked(&t);
	table_fini(&t);
}

static void count_plain(struct member *me)
{
	struct table *t = me->arg;
	unsigned i;

	team_meet(me);
	for (i = 0; i < t->rounds; i++) {
		t->verbs->acquire(t->lock);
		if (t->inside++ != 0)
			FAIL("two inside");
		t->counter++;
		if (i % 64 == me->index)
			sched_yield();	/* so that the others find it held, and sleep */
		t->inside--;
		t->verbs->release(t->lock);
	}
}

void baselock_excludes(const struct lock_verbs *verbs)
{
	struct table t;

	table_init(&t, verbs);
	t.rounds = slow_build() ? 2000 : 20000;
	team_run(8, count_plain, &t);
	CHECK_EQ(t.counter, 8 * t.rounds);
	check_unlocked(&t);
	table_fini(&t);
}

static int acquire_somehow(struct table *t, uint64_t *random)
{
	const uint64_t r = random_next(random);
	const int64_t timeout_ns = (int64_t)(r >> 8 & 0x3fff);

	switch (r & 7) {
	case 0:
		return t->verbs->try_acquire(t->lock);
	case 1:
	case 2:
		return t->verbs->acquire_for(t->lock, timeout_ns);
	case 3:
	case 4:
		return t->verbs->acquire_until(t->lock, weft_now() + timeout_ns, t->cancel);
	default:
		return t->verbs->acquire(t->lock);
	}
}

/* @result: how often it had the lock. */
static void count_mixed(struct member *me)
{
	struct table *t = me->arg;
	uint64_t random = me->index + 1;
	unsigned i, spin;

	team_meet(me);
	for (i = 0; i < t->rounds; i++) {
		const int rc = acquire_somehow(t, &random);

		if (rc < 0) {
			if (rc != -EAGAIN && rc != -ETIMEDOUT && rc != -ECANCELED)
				FAIL("acquire returned %d", rc);
			continue;
		}
		if (t->inside++ != 0)
			FAIL("two inside");
		for (spin = (unsigned)(random & 63); spin > 0; spin--)
			t->counter++;
		t->counter -= random & 63;
		if ((random & 0x7000) == 0)
			sched_yield();
		t->counter++;
		t->inside--;
		t->verbs->release(t->lock);
		me->result++;
	}
}

static void toggle(struct member *me)
{
	struct table *t = me->arg;

	while (atomic_load(&t->entered) == 0) {
		weft_event_set(t->cancel);
		weft_event_clear(t->cancel);
		sched_yield();
	}
}

void baselock_excludes_mixed(const struct lock_verbs *verbs)
{
	struct weft_event cancel = WEFT_EVENT_INIT;
	struct team team, toggler;
	int results[8], had = 0;
	struct table t;
	unsigned i;

	table_init(&t, verbs);
	t.cancel = &cancel;
	t.rounds = slow_build() ? 1000 : 10000;
	team_start(&toggler, 1, toggle, &t);
	team_start(&team, 8, count_mixed, &t);
	team_join_results(&team, results);
	atomic_store(&t.entered, 1);
	team_join(&toggler);
	for (i = 0; i < 8; i++)
		had += results[i];
	CHECK_EQ(t.counter, had);
	check_unlocked(&t);
	table_fini(&t);
}

void baselock_busy(const struct lock_verbs *verbs)
{
	struct team team;
	struct table t;
	void *dropped;

	table_init(&t, verbs);
	CHECK_RET(verbs->destroy(t.lock), 0);
	CHECK_RET(verbs->acquire(t.lock), 0);
	CHECK_RET(verbs->destroy(t.lock), -EBUSY);
	team_start(&team, 2, enter_and_leave, &t);
	team_wait_asleep(&team, 2);
	CHECK_RET(verbs->destroy(t.lock), -EBUSY);
	atomic_store(&t.may_leave, 2);
	CHECK_RET(verbs->release(t.lock), 0);	/* it was not harmed */
	team_join(&team);
	CHECK_RET(verbs->destroy(t.lock), 0);
	check_unlocked(&t);

	/* Held, and simply let go of: nothing is owned, so nothing leaks. */
	dropped = calloc(1, verbs->size);
	CHECK_RET(verbs->acquire(dropped), 0);
	free(dropped);
	table_fini(&t);
}

static const struct lock_verbs *handed_over;

static int acquire_lock(void *lock)
{
	return handed_over->acquire(lock);
}

static int release_lock(void *lock)
{
	return handed_over->release(lock);
}

static int acquire_and_release_lock(void *lock)
{
	const int rc = handed_over->acquire(lock);

	return rc < 0 ? rc : handed_over->release(lock);
}

void baselock_free_after_acquire(const struct lock_verbs *verbs)
{
	handed_over = verbs;
	free_under_giver(verbs->size, acquire_lock, release_lock, acquire_and_release_lock);
}
