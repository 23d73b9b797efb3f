/* SPDX-License-Identifier: MIT */
/*
 * weft_lock: section 3 of the rules (LOCK), and deadlock (DLK) with weft_lock_acquire_many().
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>

#include "baselock.h"
#include "test.h"

LOCK_VERBS(lock)

#define N 5

Test(lock, states)			{ baselock_states(&lock_verbs); }		/* LOCK-01, GEN-05 */
Test(lock, try)				{ baselock_try(&lock_verbs); }			/* LOCK-02 */
Test(lock, contended)			{ baselock_contended(&lock_verbs); }		/* LOCK-03 */
Test(lock, timed)			{ baselock_timed(&lock_verbs); }		/* LOCK-07, TIME-02 */
Test(lock, timed_success)		{ baselock_timed_success(&lock_verbs); }	/* LOCK-07 */
Test(lock, expired_times)		{ baselock_expired_times(&lock_verbs); }	/* TIME-05, TIME-06 */
Test(lock, granted_first)		{ baselock_granted_first(&lock_verbs); }	/* TIME-06, TIME-11 */
Test(lock, huge_times)			{ baselock_huge_times(&lock_verbs); }		/* TIME-07 */
Test(lock, after_timeout)		{ baselock_after_timeout(&lock_verbs); }	/* LOCK-08 */
Test(lock, storm_timed)			{ baselock_storm_timed(&lock_verbs); }		/* TIME-03 */
Test(lock, storm_untimed)		{ baselock_storm_untimed(&lock_verbs); }	/* TIME-03 */
Test(lock, cancelled)			{ baselock_cancelled(&lock_verbs); }		/* TIME-04 */
Test(lock, excludes)			{ baselock_excludes(&lock_verbs); }		/* LOCK-01, GEN-09 */
Test(lock, excludes_mixed)		{ baselock_excludes_mixed(&lock_verbs); }	/* LOCK-08 */
Test(lock, busy)			{ baselock_busy(&lock_verbs); }			/* LOCK-10 */
Test(lock, free_after_acquire)		{ baselock_free_after_acquire(&lock_verbs); }	/* section 22, trap 1 */

/* LOCK-01, LOCK-12: the static initialiser, init over garbage and over a held lock. */
Test(lock, initialisers)
{
	static struct weft_lock fixed = WEFT_LOCK_INIT;
	struct weft_lock lock;

	CHECK(!weft_lock_locked(&fixed));
	CHECK_RET(weft_lock_acquire(&fixed), 0);
	CHECK_RET(weft_lock_release(&fixed), 0);

	memset((void *)&lock, 0xff, sizeof(lock));
	weft_lock_init(&lock);
	CHECK(!weft_lock_locked(&lock));
	CHECK_RET(weft_lock_try_acquire(&lock), 0);
	weft_lock_init(&lock);
	CHECK(!weft_lock_locked(&lock));
	CHECK_RET(weft_lock_release(&lock), -EPERM);
	weft_lock_init_shared(&lock);
	CHECK(!weft_lock_locked(&lock));
	CHECK_RET(weft_lock_acquire(&lock), 0);
	CHECK_RET(weft_lock_release(&lock), 0);
}

/* LOCK-02: whoever holds it, the caller too; LOCK-04. */
Test(lock, holder_tries_in_vain)
{
	struct weft_lock lock = WEFT_LOCK_INIT;

	CHECK_RET(weft_lock_try_acquire(&lock), 0);
	CHECK_RET(weft_lock_try_acquire(&lock), -EAGAIN);
	CHECK_RET(weft_lock_acquire_for(&lock, MS), -ETIMEDOUT);
	CHECK(weft_lock_locked(&lock));
	CHECK_RET(weft_lock_release(&lock), 0);
	CHECK_RET(weft_lock_try_acquire(&lock), 0);
}

/* LOCK-02: also while others sleep for it, where the word has another value. */
static void acquire_and_release(struct member *me)
{
	CHECK_RET(weft_lock_acquire(me->arg), 0);
	CHECK_RET(weft_lock_release(me->arg), 0);
}

Test(lock, try_with_waiters)
{
	struct weft_lock lock = WEFT_LOCK_INIT;
	struct team team;

	weft_lock_acquire(&lock);
	team_start(&team, 3, acquire_and_release, &lock);
	team_wait_asleep(&team, 3);
	CHECK_RET(weft_lock_try_acquire(&lock), -EAGAIN);
	CHECK_RET(weft_lock_acquire_for(&lock, 0), -ETIMEDOUT);
	CHECK(weft_lock_locked(&lock));
	CHECK_RET(weft_lock_release(&lock), 0);
	team_join(&team);
	CHECK(!weft_lock_locked(&lock));
}

/* LOCK-03, LOCK-05: one thread passes for each release, which another thread makes. */
struct turnstile {
	struct weft_lock lock;
	atomic_uint passed;
};

static void pass(struct member *me)
{
	struct turnstile *turnstile = me->arg;

	CHECK_RET(weft_lock_acquire(&turnstile->lock), 0);
	atomic_fetch_add(&turnstile->passed, 1);
}

Test(lock, one_passes_per_release)
{
	struct turnstile turnstile = { WEFT_LOCK_INIT, 0 };
	struct team team;
	unsigned i;

	weft_lock_acquire(&turnstile.lock);
	team_start(&team, N, pass, &turnstile);
	for (i = 0; i < N; i++) {
		wait_until(team_settled(&team));
		CHECK_EQ(atomic_load(&turnstile.passed), i);
		CHECK_RET(weft_lock_release(&turnstile.lock), 0);
		wait_until(atomic_load(&turnstile.passed) > i);
	}
	team_join(&team);
	CHECK_EQ(atomic_load(&turnstile.passed), N);
	CHECK_RET(weft_lock_release(&turnstile.lock), 0);
	CHECK_RET(weft_lock_release(&turnstile.lock), -EPERM);
}

/* GEN-12, LOCK-04: its holder waits for it too, until somebody else releases it. */
static void acquire_twice(struct member *me)
{
	CHECK_RET(weft_lock_acquire(me->arg), 0);
	CHECK_RET(weft_lock_acquire(me->arg), 0);
}

Test(lock, reacquire_blocks)
{
	struct weft_lock lock = WEFT_LOCK_INIT;
	struct team team;

	team_start(&team, 1, acquire_twice, &lock);
	team_wait_asleep(&team, 1);
	CHECK_EQ(team_done(&team), 0);
	CHECK_RET(weft_lock_release(&lock), 0);
	team_join(&team);
	CHECK(weft_lock_locked(&lock));
	CHECK_RET(weft_lock_release(&lock), 0);
}

/* LOCK-05 */
static void release_only(struct member *me)
{
	CHECK_RET(weft_lock_release(me->arg), 0);
}

Test(lock, any_thread_releases)
{
	struct weft_lock lock = WEFT_LOCK_INIT;

	weft_lock_acquire(&lock);
	team_run(1, release_only, &lock);
	CHECK(!weft_lock_locked(&lock));
	CHECK_RET(weft_lock_acquire(&lock), 0);
	CHECK_RET(weft_lock_release(&lock), 0);
}

/* LOCK-06, GEN-02: and nothing changed. */
Test(lock, release_of_unlocked_is_eperm)
{
	struct weft_lock lock = WEFT_LOCK_INIT, fresh = WEFT_LOCK_INIT;
	unsigned i;

	for (i = 0; i < 3; i++)
		CHECK_RET(weft_lock_release(&lock), -EPERM);
	CHECK(memcmp((void *)&lock, (void *)&fresh, sizeof(lock)) == 0);
	CHECK_RET(weft_lock_try_acquire(&lock), 0);
	CHECK_RET(weft_lock_try_acquire(&lock), -EAGAIN);
	CHECK_RET(weft_lock_release(&lock), 0);
	CHECK_RET(weft_lock_release(&lock), -EPERM);
}

/* LOCK-06 with contention before: whatever the word remembers of waiters, a free lock is free. */
Test(lock, release_of_unlocked_after_contention)
{
	struct weft_lock lock = WEFT_LOCK_INIT;
	struct team team;

	weft_lock_acquire(&lock);
	team_start(&team, 4, acquire_and_release, &lock);
	team_wait_asleep(&team, 4);
	weft_lock_release(&lock);
	team_join(&team);
	CHECK_RET(weft_lock_release(&lock), -EPERM);
	CHECK(!weft_lock_locked(&lock));
	CHECK_RET(weft_lock_destroy(&lock), 0);
}

/* LOCK-09: locked() is 1 whoever holds it, in every thread. */
static void see_locked(struct member *me)
{
	CHECK(weft_lock_locked(me->arg));
}

Test(lock, locked_seen_by_all)
{
	struct weft_lock lock = WEFT_LOCK_INIT;

	CHECK_RET(weft_lock_acquire(&lock), 0);
	team_run(3, see_locked, &lock);
	CHECK_RET(weft_lock_release(&lock), 0);
	CHECK(!weft_lock_locked(&lock));
}

/* LOCK-14: a thread that sleeps for a lock which two others take and give back without a pause gets it all the same. */
struct crowd {
	struct weft_lock lock;
	atomic_bool stop;
};

static void hog(struct member *me)
{
	struct crowd *crowd = me->arg;

	while (!atomic_load_explicit(&crowd->stop, memory_order_relaxed)) {
		weft_lock_acquire(&crowd->lock);
		weft_lock_release(&crowd->lock);
	}
}

Test(lock, sleeper_is_not_starved)
{
	struct crowd crowd = { WEFT_LOCK_INIT, false };
	struct team team;
	unsigned i;

	team_start(&team, 4, hog, &crowd);
	for (i = 0; i < 200; i++) {
		CHECK_RET(weft_lock_acquire(&crowd.lock), 0);
		CHECK_RET(weft_lock_release(&crowd.lock), 0);
		CHECK_RET(weft_lock_acquire_for(&crowd.lock, 30 * SEC), 0);
		CHECK_RET(weft_lock_release(&crowd.lock), 0);
	}
	atomic_store(&crowd.stop, true);
	team_join(&team);
}

/* GEN-06: threads that come and go, hundreds of them; LeakSanitizer looks at what they leave. */
Test(lock, short_lived_threads)
{
	struct weft_lock lock = WEFT_LOCK_INIT;
	unsigned i;

	for (i = 0; i < 100; i++)
		team_run(4, acquire_and_release, &lock);
	CHECK(!weft_lock_locked(&lock));
}

/* GEN-09: what was written under the lock is read under it; ThreadSanitizer is the judge. */
struct message {
	struct weft_lock lock;
	uint64_t words[8];
};

static void pass_message(struct member *me)
{
	struct message *message = me->arg;
	unsigned i, k;

	team_meet(me);
	for (i = 0; i < 2000; i++) {
		weft_lock_acquire(&message->lock);
		for (k = 1; k < 8; k++)
			if (message->words[k] != message->words[0])
				FAIL("word %u differs", k);
		for (k = 0; k < 8; k++)
			message->words[k]++;
		weft_lock_release(&message->lock);
	}
}

Test(lock, orders_memory)
{
	struct message message;

	memset((void *)&message, 0, sizeof(message));
	team_run(4, pass_message, &message);
	CHECK_EQ(message.words[0], 8000);
}

/* ---- acquire_many: DLK-03 ---- */

/* Arguments: none, one, several; errors take nothing. */
Test(lock_many, arguments)
{
	struct weft_lock a = WEFT_LOCK_INIT, b = WEFT_LOCK_INIT, c = WEFT_LOCK_INIT;
	struct weft_lock *const one[] = { &a };
	struct weft_lock *const three[] = { &b, &c, &a };
	struct weft_lock *const twice[] = { &a, &b, &a };
	struct weft_lock *const neighbours[] = { &c, &c };
	struct weft_lock *const with_null[] = { &a, NULL, &b };
	struct weft_lock *const null_first[] = { NULL, &b };

	CHECK_RET(weft_lock_acquire_many(NULL, 0), 0);
	CHECK_RET(weft_lock_acquire_many(three, 0), 0);
	CHECK(!weft_lock_locked(&b));

	CHECK_RET(weft_lock_acquire_many(one, 1), 0);
	CHECK(weft_lock_locked(&a) && !weft_lock_locked(&b));
	CHECK_RET(weft_lock_release(&a), 0);

	CHECK_RET(weft_lock_acquire_many(three, 3), 0);
	CHECK_RET(weft_lock_release(&a), 0);
	CHECK_RET(weft_lock_release(&b), 0);
	CHECK_RET(weft_lock_release(&c), 0);

	CHECK_RET(weft_lock_acquire_many(twice, 3), -EINVAL);
	CHECK_RET(weft_lock_acquire_many(neighbours, 2), -EINVAL);
	CHECK_RET(weft_lock_acquire_many(with_null, 3), -EINVAL);
	CHECK_RET(weft_lock_acquire_many(null_first, 2), -EINVAL);
	CHECK(!weft_lock_locked(&a) && !weft_lock_locked(&b) && !weft_lock_locked(&c));
}

/* Many locks, more than anybody would keep in a fixed array, in a shuffled order; the list itself is not touched. */
#define MANY 1000

Test(lock_many, a_thousand)
{
	struct weft_lock *locks = calloc(MANY, sizeof(*locks)), **list = calloc(MANY, sizeof(*list));
	struct weft_lock **copy = calloc(MANY, sizeof(*copy));
	uint64_t random = 7;
	unsigned i;

	for (i = 0; i < MANY; i++)
		list[i] = &locks[i];
	for (i = MANY - 1; i > 0; i--) {
		const unsigned k = (unsigned)(random_next(&random) % (i + 1));
		struct weft_lock *const swap = list[i];

		list[i] = list[k];
		list[k] = swap;
	}
	memcpy(copy, list, MANY * sizeof(*list));
	CHECK_RET(weft_lock_acquire_many(list, MANY), 0);
	CHECK(memcmp(copy, list, MANY * sizeof(*list)) == 0);
	for (i = 0; i < MANY; i++)
		CHECK_RET(weft_lock_release(&locks[i]), 0);

	copy[MANY - 1] = copy[MANY / 2];
	CHECK_RET(weft_lock_acquire_many(copy, MANY), -EINVAL);
	for (i = 0; i < MANY; i++)
		CHECK(!weft_lock_locked(&locks[i]));
	free(copy);
	free(list);
	free(locks);
}

/* It waits for what is held, and returns only when it has all. */
struct pair {
	struct weft_lock locks[3];
	atomic_uint have;
	unsigned rounds;
	uint64_t counters[3];	/* each protected by its lock */
};

static void take_all(struct member *me)
{
	struct pair *pair = me->arg;
	struct weft_lock *const list[] = { &pair->locks[2], &pair->locks[0], &pair->locks[1] };
	unsigned i;

	CHECK_RET(weft_lock_acquire_many(list, 3), 0);
	atomic_store(&pair->have, 1);
	for (i = 0; i < 3; i++)
		CHECK_RET(weft_lock_release(&pair->locks[i]), 0);
}

static void waits_for_all(struct pair *pair)
{
	struct team team;
	unsigned i;

	for (i = 0; i < 3; i++) {
		atomic_store(&pair->have, 0);
		CHECK_RET(weft_lock_acquire(&pair->locks[i]), 0);
		team_start(&team, 1, take_all, pair);
		team_wait_asleep(&team, 1);
		CHECK_EQ(atomic_load(&pair->have), 0);
		CHECK_RET(weft_lock_release(&pair->locks[i]), 0);
		team_join(&team);
		CHECK_EQ(atomic_load(&pair->have), 1);
	}
	for (i = 0; i < 3; i++)
		CHECK_RET(weft_lock_destroy(&pair->locks[i]), 0);
}

Test(lock_many, waits_for_all)
{
	struct pair pair;

	memset((void *)&pair, 0, sizeof(pair));
	waits_for_all(&pair);
}

Test(lock_many, waits_for_all_shared)
{
	struct pair pair;
	unsigned i;

	memset((void *)&pair, 0, sizeof(pair));
	for (i = 0; i < 3; i++)
		weft_lock_init_shared(&pair.locks[i]);
	waits_for_all(&pair);
}

/*
 * One order for all callers, by address: while the lowest is held, nobody who names it holds any of the others, in
 * whatever order it names them. With a shared lock among them, while any is held.
 */
struct ordered {
	struct weft_lock *list[3];
};

static void take_list(struct member *me)
{
	struct ordered *ordered = me->arg;
	unsigned i;

	CHECK_RET(weft_lock_acquire_many(ordered->list, 3), 0);
	for (i = 0; i < 3; i++)
		CHECK_RET(weft_lock_release(ordered->list[i]), 0);
}

static void check_order(struct pair *pair, unsigned held)
{
	static const unsigned char orders[6][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 2, 0 },
						    { 0, 2, 1 }, { 2, 0, 1 }, { 1, 0, 2 } };
	struct ordered ordered;
	struct team team;
	unsigned i, k;

	for (i = 0; i < 6; i++) {
		for (k = 0; k < 3; k++)
			ordered.list[k] = &pair->locks[orders[i][k]];
		CHECK_RET(weft_lock_acquire(&pair->locks[held]), 0);
		team_start(&team, 1, take_list, &ordered);
		team_wait_asleep(&team, 1);
		for (k = 0; k < 3; k++)
			CHECK_EQ(weft_lock_locked(&pair->locks[k]), k == held);
		CHECK_RET(weft_lock_release(&pair->locks[held]), 0);
		team_join(&team);
	}
}

Test(lock_many, holds_none_above_what_it_waits_for)
{
	struct pair pair;
	unsigned i;

	memset((void *)&pair, 0, sizeof(pair));
	check_order(&pair, 0);
	weft_lock_init_shared(&pair.locks[1]);
	for (i = 0; i < 3; i++)
		check_order(&pair, i);
}

/* Every thread names the same locks in another order, and pairs of them too: nobody is ever stuck. */
static void take_in_own_order(struct member *me)
{
	static const unsigned char orders[6][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 2, 0 },
						    { 0, 2, 1 }, { 2, 0, 1 }, { 1, 0, 2 } };
	struct pair *pair = me->arg;
	unsigned i, k;

	team_meet(me);
	for (i = 0; i < pair->rounds; i++) {
		const unsigned char *order = orders[(me->index + i) % 6];
		const unsigned n = i % 3 == 0 ? 2 : 3;
		struct weft_lock *const list[] = { &pair->locks[order[0]], &pair->locks[order[1]],
						   &pair->locks[order[2]] };

		if (weft_lock_acquire_many(list, n) != 0)
			FAIL("acquire_many failed");
		for (k = 0; k < n; k++)
			pair->counters[order[k]]++;
		for (k = 0; k < n; k++)
			weft_lock_release(list[k]);
	}
}

static void opposite_orders(struct pair *pair)
{
	pair->rounds = slow_build() ? 1000 : 10000;
	team_run(4, take_in_own_order, pair);
	CHECK_EQ(pair->counters[0] + pair->counters[1] + pair->counters[2],
		 4 * (pair->rounds * UINT64_C(3) - (pair->rounds + 2) / 3));
}

Test(lock_many, opposite_orders)
{
	struct pair pair;

	memset((void *)&pair, 0, sizeof(pair));
	opposite_orders(&pair);
}

Test(lock_many, opposite_orders_shared)
{
	struct pair pair;
	unsigned i;

	memset((void *)&pair, 0, sizeof(pair));
	for (i = 0; i < 3; i++)
		weft_lock_init_shared(&pair.locks[i]);
	opposite_orders(&pair);
}

/* ---- deadlock, and how to have none ---- */

struct table {
	struct weft_lock forks[2];
	struct weft_event cancel;
	atomic_uint holding;
	unsigned rounds;
	uint64_t meals;		/* protected by both forks */
};

static void eat_opposed(struct member *me)
{
	struct table *table = me->arg;
	struct weft_lock *const first = &table->forks[me->index], *const second = &table->forks[1 - me->index];

	CHECK_RET(weft_lock_acquire(first), 0);
	atomic_fetch_add(&table->holding, 1);
	wait_until(atomic_load(&table->holding) == 2);
	me->result = weft_lock_acquire_until(second, WEFT_FOREVER, &table->cancel);
	if (me->result == 0)
		CHECK_RET(weft_lock_release(second), 0);
	CHECK_RET(weft_lock_release(first), 0);
}

/* DLK-01: the example of the textbooks really deadlocks; only the token ends it. */
Test(deadlock, opposite_orders_deadlock)
{
	struct table table;
	struct team team;
	int64_t watch_until_ns;
	int results[2];

	memset((void *)&table, 0, sizeof(table));
	team_start(&team, 2, eat_opposed, &table);
	wait_until(atomic_load(&table.holding) == 2);
	team_wait_asleep(&team, 2);
	for (watch_until_ns = clock_ns() + 100 * MS; clock_ns() < watch_until_ns; sched_yield())
		if (!CHECK_EQ(team_done(&team), 0))
			break;
	CHECK(weft_lock_locked(&table.forks[0]) && weft_lock_locked(&table.forks[1]));
	weft_event_set(&table.cancel);
	team_join_results(&team, results);
	/* The first that gives up frees the other, if that has not looked at the token yet. */
	CHECK(results[0] == -ECANCELED || results[1] == -ECANCELED);
	CHECK(!weft_lock_locked(&table.forks[0]) && !weft_lock_locked(&table.forks[1]));
}

/* DLK-02: one order for all never does. */
static void eat_in_order(struct member *me)
{
	struct table *table = me->arg;
	unsigned i;

	team_meet(me);
	for (i = 0; i < table->rounds; i++) {
		weft_lock_acquire(&table->forks[0]);
		weft_lock_acquire(&table->forks[1]);
		table->meals++;
		weft_lock_release(&table->forks[1]);
		weft_lock_release(&table->forks[0]);
	}
}

Test(deadlock, same_order_does_not)
{
	struct table table;

	memset((void *)&table, 0, sizeof(table));
	table.rounds = 10000;
	team_run(4, eat_in_order, &table);
	CHECK_EQ(table.meals, 40000);
}

/* DLK-04: opposite orders, but who does not get the second one in time gives the first one back. */
static void eat_with_back_off(struct member *me)
{
	struct table *table = me->arg;
	struct weft_lock *const first = &table->forks[me->index % 2], *const second = &table->forks[1 - me->index % 2];
	uint64_t random = me->index;
	unsigned meals = 0;

	team_meet(me);
	while (meals < table->rounds) {
		weft_lock_acquire(first);
		if (weft_lock_acquire_for(second, (int64_t)(random_next(&random) % 100000)) == 0) {
			table->meals++;
			meals++;
			weft_lock_release(second);
		}
		weft_lock_release(first);
	}
}

Test(deadlock, back_off_recovers)
{
	struct table table;

	memset((void *)&table, 0, sizeof(table));
	table.rounds = 500;
	team_run(4, eat_with_back_off, &table);
	CHECK_EQ(table.meals, 2000);
}
