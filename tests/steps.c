/* SPDX-License-Identifier: MIT */
/*
 * Two calls at once, instruction by instruction: the first runs in single steps, and at one of them, each in turn, the
 * second runs from beginning to end, or a sleeper is made to leave. So each interleaving of one whole call with the points
 * of the other is tried, and every loss of a permit or a wake-up between two instructions is found.
 */
#include <signal.h>
#include <string.h>

#include <weft.h>

#include "test.h"

#if defined(__x86_64__) && !UNDER_TSAN
#define CAN_STEP 1
#else
#define CAN_STEP 0
#endif

/* A call is short; who has more steps waits for something. */
#define MOST_STEPS 3000

static struct {
	void (*intrude)(void);
	unsigned at, gap, last, step;	/* it runs at at, at + gap ... last */
} plan;

#if CAN_STEP
#define TRAP_FLAG 0x100

static void stepped(int signal)
{
	const int errno_before = errno;

	(void)signal;
	if (plan.step >= plan.at && plan.step <= plan.last && (plan.step - plan.at) % plan.gap == 0)
		plan.intrude();
	plan.step++;
	errno = errno_before;
}

static __attribute__((noinline)) int call_in_steps(int (*call)(void))
{
	int result;

	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | TRAP_FLAG);
	result = call();
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~(uint64_t)TRAP_FLAG);
	return result;
}
#endif

/* What @call returns if @intrude runs at its instruction @at, and then @times - 1 times more; false if it has fewer. */
static bool interrupted_often(int (*call)(void), void (*intrude)(void), unsigned at, unsigned gap, unsigned times,
			      int *result)
{
#if CAN_STEP
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = stepped;
	sigaction(SIGTRAP, &action, NULL);
	plan.intrude = intrude;
	plan.at = at;
	plan.gap = gap;
	plan.last = at + (times - 1) * gap;
	plan.step = 0;
	*result = call_in_steps(call);
	if (plan.step > MOST_STEPS)
		FAIL("%u steps", plan.step);
	return plan.step > at;
#else
	(void)call;
	(void)intrude;
	(void)at;
	(void)gap;
	(void)times;
	(void)result;
	(void)plan;
	return false;
#endif
}

static bool interrupted(int (*call)(void), void (*intrude)(void), unsigned at, int *result)
{
	return interrupted_often(call, intrude, at, 1, 1, result);
}

#define NEEDS_STEPS()                                                                                                  \
	do {                                                                                                           \
		if (!CAN_STEP)                                                                                         \
			SKIP("single steps are made on x86-64 only, and not under ThreadSanitizer");                   \
	} while (0)

/* ---- two calls of one thread, which are as good as two threads' to what has no owner ---- */

static struct weft_sem sem;
static struct weft_lock lock;
static struct weft_event event, cancel;
static int second;

static int release_sem(void)
{
	return weft_sem_release(&sem);
}

static int release_sem_2(void)
{
	return weft_sem_release_n(&sem, 2);
}

static void release_sem_too(void)
{
	second = weft_sem_release(&sem);
}

static int try_sem(void)
{
	return weft_sem_try_acquire(&sem);
}

static void try_sem_too(void)
{
	second = weft_sem_try_acquire(&sem);
}

/* BSEM-04: of two releases for which there is room for one, one succeeds, and the bound is kept. */
Test(steps, bounded_releases)
{
	unsigned at;
	int first;

	NEEDS_STEPS();
	for (at = 0;; at++) {
		CHECK_EQ(weft_sem_init_bounded(&sem, 1), 0);
		CHECK_EQ(weft_sem_acquire(&sem), 0);
		if (!interrupted(release_sem, release_sem_too, at, &first))
			break;
		CHECK((first == 0) != (second == 0));
		CHECK_EQ(first + second, -EOVERFLOW);
		CHECK_EQ(weft_sem_value(&sem), 1);
	}
	CHECK_GT(at, 3);
	for (at = 0;; at++) {	/* all or none */
		CHECK_EQ(weft_sem_init_bounded(&sem, 2), 0);
		CHECK_EQ(weft_sem_acquire(&sem), 0);
		CHECK_EQ(weft_sem_acquire(&sem), 0);
		if (!interrupted(release_sem_2, release_sem_too, at, &first))
			break;
		CHECK_EQ(first + second, -EOVERFLOW);
		CHECK_EQ(weft_sem_value(&sem), first == 0 ? 2 : 1);
	}
	CHECK_GT(at, 3);
}

/* SEM-06: of two tries for one permit one gets it; a try and a release lose nothing; no false "none" (mutant 17). */
Test(steps, tries)
{
	unsigned at;
	int first;

	NEEDS_STEPS();
	for (at = 0;; at++) {
		CHECK_EQ(weft_sem_init(&sem, 1), 0);
		if (!interrupted(try_sem, try_sem_too, at, &first))
			break;
		CHECK_EQ(first + second, -EAGAIN);
		CHECK_EQ(weft_sem_value(&sem), 0);
	}
	CHECK_GT(at, 3);
	for (at = 0;; at++) {
		CHECK_EQ(weft_sem_init(&sem, 2), 0);
		if (!interrupted(try_sem, try_sem_too, at, &first))
			break;
		CHECK_EQ(first, 0);
		CHECK_EQ(second, 0);
	}
	for (at = 0;; at++) {
		CHECK_EQ(weft_sem_init(&sem, 1), 0);
		if (!interrupted(try_sem, release_sem_too, at, &first))
			break;
		CHECK_EQ(first, 0);
		CHECK_EQ(weft_sem_value(&sem), 1);
	}
}

/* The same with others that take again and again: there is always one left, so it is never refused. */
Test(steps, try_is_not_refused)
{
	unsigned at, gap;
	int first;

	NEEDS_STEPS();
	for (gap = 1; gap < 30; gap++) {
		for (at = 0; at < 60; at++) {
			CHECK_EQ(weft_sem_init(&sem, 5), 0);
			interrupted_often(try_sem, try_sem_too, at, gap, 4, &first);
			CHECK_EQ(first, 0);
		}
	}
}

static int try_lock(void)
{
	return weft_lock_try_acquire(&lock);
}

static void try_lock_too(void)
{
	second = weft_lock_try_acquire(&lock);
}

static int release_lock(void)
{
	return weft_lock_release(&lock);
}

static void release_lock_too(void)
{
	second = weft_lock_release(&lock);
}

/* LOCK-02, LOCK-06: of two tries one gets it; of two releases one is -EPERM. */
Test(steps, lock)
{
	unsigned at;
	int first;

	NEEDS_STEPS();
	for (at = 0;; at++) {
		weft_lock_init(&lock);
		if (!interrupted(try_lock, try_lock_too, at, &first))
			break;
		CHECK_EQ(first + second, -EAGAIN);
		CHECK(weft_lock_locked(&lock));
	}
	CHECK_GT(at, 3);
	for (at = 0;; at++) {
		weft_lock_init_shared(&lock);	/* not inline */
		weft_lock_acquire(&lock);
		if (!interrupted(release_lock, release_lock_too, at, &first))
			break;
		CHECK_EQ(first + second, -EPERM);
		CHECK(!weft_lock_locked(&lock));
	}
	CHECK_GT(at, 3);
}

static int set_event(void)
{
	weft_event_set(&event);
	return 0;
}

static void clear_event(void)
{
	weft_event_clear(&event);
}

/* ---- sleepers that leave while a release is under way ---- */

static struct team team;

static void settle(void)
{
	while (!team_settled(&team))
		sched_yield();
}

static void cancel_sleeper(void)
{
	weft_event_set(&cancel);
	settle();
}

static void take_sem_or_leave(struct member *me)
{
	me->result = weft_sem_acquire_until(&sem, WEFT_FOREVER, me->index == 0 ? &cancel : NULL);
}

/* SEM-05, SEM-07: the permit goes to one that leaves (it then was granted), to another sleeper, or stays. */
static void sem_leaver(unsigned sleepers)
{
	int first, results[2] = { 0, 0 };
	unsigned at, taken, i;
	bool again;

	for (at = 0, again = true; again; at++) {
		CHECK_EQ(weft_sem_init(&sem, 0), 0);
		weft_event_init(&cancel);
		team_start(&team, sleepers, take_sem_or_leave, NULL);
		team_wait_asleep(&team, sleepers);
		again = interrupted(release_sem, cancel_sleeper, at, &first);
		CHECK_EQ(first, 0);
		weft_event_set(&cancel);
		settle();
		for (i = taken = 0; i < sleepers; i++)
			taken += atomic_load(&team.members[i].done) && team.members[i].result == 0;
		CHECK_EQ(weft_sem_value(&sem) + taken, 1);
		if (sleepers > 1 && taken == 0)
			FAIL("a permit is there, and a thread sleeps for one, at step %u", at);
		weft_sem_release_n(&sem, 2);
		team_join_results(&team, results);
		CHECK(results[0] == 0 || results[0] == -ECANCELED);
		CHECK_EQ(results[1], 0);
	}
	CHECK_GT(at, 10);
}

Test(steps, sem_leaver)
{
	NEEDS_STEPS();
	sem_leaver(1);
	sem_leaver(2);
}

static void take_lock_or_leave(struct member *me)
{
	me->result = weft_lock_acquire_until(&lock, WEFT_FOREVER, me->index == 0 ? &cancel : NULL);
	if (me->result == 0)
		weft_lock_release(&lock);
}

/* LOCK-08: whoever leaves, and whenever, the lock is free after all, and the other sleeper has had it. */
static void lock_leaver(unsigned sleepers, void (*init)(struct weft_lock *lock))
{
	int first, results[2] = { 0, 0 };
	bool again;
	unsigned at;

	for (at = 0, again = true; again; at++) {
		init(&lock);
		weft_event_init(&cancel);
		weft_lock_acquire(&lock);
		team_start(&team, sleepers, take_lock_or_leave, NULL);
		team_wait_asleep(&team, sleepers);
		again = interrupted(release_lock, cancel_sleeper, at, &first);
		CHECK_EQ(first, 0);
		weft_event_set(&cancel);
		settle();
		if (!CHECK_EQ(team_done(&team), sleepers))
			FAIL("a thread sleeps for a free lock, at step %u", at);
		if (team_done(&team) < sleepers)
			break;
		team_join_results(&team, results);
		CHECK(results[0] == 0 || results[0] == -ECANCELED);
		CHECK_EQ(results[1], 0);
		CHECK_EQ(weft_lock_try_acquire(&lock), 0);
	}
	CHECK_GT(at, 10);
}

Test(steps, lock_leaver)
{
	NEEDS_STEPS();
	lock_leaver(1, weft_lock_init);
	lock_leaver(2, weft_lock_init);
	lock_leaver(2, weft_lock_init_shared);
}

static void wait_event_or_leave(struct member *me)
{
	me->result = weft_event_wait_until(&event, WEFT_FOREVER, me->index == 0 ? &cancel : NULL);
}

/* EVT-02, EVT-05: all that waited return, though one leaves, or a clear comes, at any point of set. */
static void event_intruded(void (*intrude)(void))
{
	int first, results[3];
	bool again;
	unsigned at;

	for (at = 0, again = true; again; at++) {
		weft_event_init(&event);
		weft_event_init(&cancel);
		team_start(&team, 3, wait_event_or_leave, NULL);
		team_wait_asleep(&team, 3);
		again = interrupted(set_event, intrude, at, &first);
		team_join_results(&team, results);
		CHECK(results[0] == 0 || (intrude == cancel_sleeper && results[0] == -ECANCELED));
		CHECK_EQ(results[1], 0);
		CHECK_EQ(results[2], 0);
	}
	CHECK_GT(at, 10);
}

Test(steps, event)
{
	NEEDS_STEPS();
	event_intruded(clear_event);
	event_intruded(cancel_sleeper);
}
