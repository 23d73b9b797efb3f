/* SPDX-License-Identifier: MIT */
/*
 * Objects between processes: PSH-01, 02, 03, 05, 08. Each test maps one file at two addresses; this process uses the
 * one and its child the other, so that a pointer kept in an object leads nowhere.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "test.h"

#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <weft/watch.h>

#define PROCESSES 2
#define THREADS 2 /* in each process */
#define ALL (PROCESSES * THREADS)

/* What the file holds. */
struct world {
	struct weft_lock lock;
	struct weft_rlock rlock;
	struct weft_event event, back, cancel;
	struct weft_sem sem, bounded;
	struct weft_barrier barrier;
	unsigned count; /* not atomic: under one of the above */
	unsigned turns;
	unsigned at[ALL], taken[ALL];
	atomic_int step;
	atomic_int results[8];
};

struct visit {
	struct world *here, *there;
	void (*fn)(struct world *world);
};

static struct world *map(int file)
{
	void *const at = mmap(NULL, sizeof(struct world), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	if (at == MAP_FAILED)
		abort();
	return at;
}

static void world_open(struct visit *v)
{
	const int file = memfd_create("weft-test", MFD_CLOEXEC);
	struct world *w;

	if (file < 0 || ftruncate(file, sizeof(struct world)) != 0)
		abort();
	v->here = w = map(file);
	v->there = map(file);
	close(file);
	CHECK(v->here != v->there);
	weft_lock_init_shared(&w->lock);
	weft_rlock_init_shared(&w->rlock);
	weft_event_init_shared(&w->event);
	weft_event_init_shared(&w->back);
	weft_event_init_shared(&w->cancel);
	CHECK_RET(weft_sem_init_shared(&w->sem, 0), 0);
	CHECK_RET(weft_sem_init_bounded_shared(&w->bounded, 2), 0);
	CHECK_RET(weft_barrier_init_shared(&w->barrier, 2), 0);
}

static void visit(void *arg)
{
	struct visit *v = arg;

	munmap(v->here, sizeof(*v->here));
	v->fn(v->there);
}

/* Start a child that runs @fn on its own view. */
static pid_t send(struct visit *v, void (*fn)(struct world *world))
{
	v->fn = fn;
	return child_start(visit, v);
}

static void world_close(struct visit *v)
{
	munmap(v->here, sizeof(*v->here));
	munmap(v->there, sizeof(*v->there));
}

static void step_to(struct world *w, int step)
{
	atomic_store(&w->step, step);
}

static void step_wait(struct world *w, int step)
{
	wait_until(atomic_load(&w->step) == step);
}

/* Whether a thread sleeps for the lock, or spins. */
static bool is_wanted(const struct weft_lock *lock)
{
	char text[128];

	weft_lock_describe(lock, text, sizeof(text));
	return strstr(text, "contended") != NULL;
}

/* Whether the first thread of another process sleeps. */
static bool process_asleep(pid_t pid)
{
	char path[64], text[512], *end;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	end = strrchr(text, ')');
	return end != NULL && end[1] == ' ' && end[2] == 'S';
}

/* ---- exclusion: threads of both processes count together ---- */

static void count_by_lock(struct member *me)
{
	struct world *w = me->arg;
	unsigned i;

	for (i = 0; i < w->turns; i++) {
		weft_lock_acquire(&w->lock);
		w->count++;
		weft_lock_release(&w->lock);
	}
}

static void count_by_rlock(struct member *me)
{
	struct world *w = me->arg;
	unsigned i;

	for (i = 0; i < w->turns; i++) {
		weft_rlock_acquire(&w->rlock);
		weft_rlock_acquire(&w->rlock);
		w->count++;
		weft_rlock_release(&w->rlock);
		w->count++;
		weft_rlock_release(&w->rlock);
	}
}

static void count_by_sem(struct member *me)
{
	struct world *w = me->arg;
	unsigned i;

	for (i = 0; i < w->turns; i++) {
		weft_sem_acquire(&w->sem);
		w->count++;
		weft_sem_release(&w->sem);
	}
}

static void lock_team(struct world *w)
{
	team_run(THREADS, count_by_lock, w);
}

static void rlock_team(struct world *w)
{
	team_run(THREADS, count_by_rlock, w);
}

/*
 * A permit that came by another process looks like a race to ThreadSanitizer, which sees but one; so there only one
 * thread of each process takes part.
 */
static unsigned sem_threads(void)
{
	return slow_build() ? 1 : THREADS;
}

static void sem_team(struct world *w)
{
	team_run(sem_threads(), count_by_sem, w);
}

/* @run by both processes adds @by for each turn. */
static void check_exclusion(void (*run)(struct world *world), unsigned by)
{
	struct visit v;
	pid_t child;

	world_open(&v);
	v.here->turns = slow_build() ? 3000 : 20000;
	weft_sem_release(&v.here->sem);
	child = send(&v, run);
	run(v.here);
	CHECK_EQ(child_join(child), 0);
	CHECK_EQ(v.here->count, by * PROCESSES * v.here->turns);
	CHECK_RET(weft_lock_destroy(&v.here->lock), 0);
	CHECK_RET(weft_rlock_destroy(&v.here->rlock), 0);
	CHECK_EQ(weft_sem_value(&v.here->sem), 1);
	world_close(&v);
}

/* PSH-01: a lock excludes threads of both processes. */
Test(shared, lock_excludes)
{
	check_exclusion(lock_team, THREADS);
}

/* PSH-01: so does an rlock, at each depth ... */
Test(shared, rlock_excludes)
{
	check_exclusion(rlock_team, 2 * THREADS);
}

/* ... and a semaphore of one. */
Test(shared, sem_excludes)
{
	check_exclusion(sem_team, sem_threads());
}

/* ---- lock ---- */

static void meet_held_lock(struct world *w)
{
	CHECK(weft_lock_locked(&w->lock));
	CHECK_RET(weft_lock_try_acquire(&w->lock), -EAGAIN);
	CHECK_RET(weft_lock_acquire_for(&w->lock, MS), -ETIMEDOUT);
	CHECK_RET(weft_lock_release(&w->lock), 0);
	CHECK_RET(weft_lock_release(&w->lock), -EPERM);
}

/* PSH-02, LOCK-05, LOCK-06: locked() sees other processes' holders, any process may release, once. */
Test(shared, lock_may_be_released_by_any_process)
{
	struct visit v;
	pid_t child;

	world_open(&v);
	CHECK_RET(weft_lock_release(&v.here->lock), -EPERM);
	CHECK_RET(weft_lock_acquire(&v.here->lock), 0);
	child = send(&v, meet_held_lock);
	CHECK_EQ(child_join(child), 0);
	CHECK(!weft_lock_locked(&v.here->lock));
	CHECK_RET(weft_lock_release(&v.here->lock), -EPERM);
	CHECK_RET(weft_lock_try_acquire(&v.here->lock), 0);
	CHECK_RET(weft_lock_release(&v.here->lock), 0);
	world_close(&v);
}

static void acquire_lock_and_die(struct world *w)
{
	CHECK_RET(weft_lock_acquire(&w->lock), 0);
	CHECK_RET(weft_rlock_acquire(&w->rlock), 0);
	CHECK_RET(weft_rlock_acquire(&w->rlock), 0);
}

/* PSH-02, RLOCK-10: what a process held when it ended stays locked; a lock can be released here, an rlock cannot. */
Test(shared, held_by_a_process_that_ended)
{
	struct visit v;
	pid_t child;

	world_open(&v);
	child = send(&v, acquire_lock_and_die);
	CHECK_EQ(child_join(child), 0);
	CHECK(weft_lock_locked(&v.here->lock));
	CHECK_RET(weft_lock_try_acquire(&v.here->lock), -EAGAIN);
	CHECK_RET(weft_lock_destroy(&v.here->lock), -EBUSY);
	CHECK_RET(weft_lock_release(&v.here->lock), 0);
	CHECK_RET(weft_lock_try_acquire(&v.here->lock), 0);

	CHECK(weft_rlock_locked(&v.here->rlock));
	CHECK(!weft_rlock_owned(&v.here->rlock));
	CHECK_RET(weft_rlock_release(&v.here->rlock), -EPERM);
	CHECK_RET(weft_rlock_try_acquire(&v.here->rlock), -EAGAIN);
	weft_rlock_init_shared(&v.here->rlock);
	CHECK_RET(weft_rlock_try_acquire(&v.here->rlock), 0);
	CHECK(weft_rlock_owned(&v.here->rlock));
	CHECK_RET(weft_rlock_release(&v.here->rlock), 0);
	world_close(&v);
}

static void acquire_after_the_other(struct world *w)
{
	CHECK_RET(weft_lock_acquire(&w->lock), 0);
	CHECK_EQ(w->count, 1);
	w->count = 2;
	CHECK_RET(weft_lock_release(&w->lock), 0);
}

/* LOCK-03, PSH-08: a release wakes a sleeper in another process, and it sees what was written before. */
Test(shared, release_wakes_a_sleeper_elsewhere)
{
	int i;

	for (i = 0; i < 20; i++) {
		struct visit v;
		pid_t child;

		world_open(&v);
		weft_lock_acquire(&v.here->lock);
		child = send(&v, acquire_after_the_other);
		wait_until(is_wanted(&v.here->lock));
		CHECK_EQ(v.here->count, 0);
		v.here->count = 1;
		weft_lock_release(&v.here->lock);
		CHECK_EQ(child_join(child), 0);
		weft_lock_acquire(&v.here->lock);
		CHECK_EQ(v.here->count, 2);
		weft_lock_release(&v.here->lock);
		CHECK_RET(weft_lock_destroy(&v.here->lock), 0);
		world_close(&v);
	}
}

static void acquire_many_elsewhere(struct world *w)
{
	struct weft_lock private_one = WEFT_LOCK_INIT;
	struct weft_lock *const locks[] = { &private_one, &w->lock, &w->rlock.lock };
	unsigned i;

	for (i = 0; i < w->turns; i++) {
		CHECK_EQ(weft_lock_acquire_many(locks, 3), 0);
		w->count++;
		weft_lock_release(locks[1]);
		weft_lock_release(locks[0]);
		weft_lock_release(locks[2]);
	}
}

/* DLK-03: sets of shared locks are taken without deadlock, though addresses say nothing. */
Test(shared, lock_acquire_many_of_two_processes)
{
	struct visit v;
	struct weft_lock *locks[2];
	pid_t child;
	unsigned i;

	world_open(&v);
	v.here->turns = slow_build() ? 1000 : 5000;
	locks[0] = &v.here->rlock.lock;
	locks[1] = &v.here->lock;
	child = send(&v, acquire_many_elsewhere);
	for (i = 0; i < v.here->turns; i++) {
		CHECK_EQ(weft_lock_acquire_many(locks, 2), 0);
		v.here->count++;
		weft_lock_release(locks[0]);
		weft_lock_release(locks[1]);
	}
	CHECK_EQ(child_join(child), 0);
	CHECK_EQ(v.here->count, 2 * v.here->turns);
	world_close(&v);
}

/* ---- rlock ---- */

static void meet_held_rlock(struct world *w)
{
	char text[128];

	CHECK(weft_rlock_locked(&w->rlock));
	CHECK(!weft_rlock_owned(&w->rlock));
	CHECK_EQ(weft_rlock_depth(&w->rlock), 0);
	CHECK_RET(weft_rlock_release(&w->rlock), -EPERM);
	CHECK_RET(weft_rlock_try_acquire(&w->rlock), -EAGAIN);
	CHECK_RET(weft_rlock_acquire_for(&w->rlock, MS), -ETIMEDOUT);
	CHECK_RET(weft_rlock_destroy(&w->rlock), -EBUSY);
	weft_rlock_describe(&w->rlock, text, sizeof(text));
	CHECK(strstr(text, "depth 2") != NULL);
	step_to(w, 1);
	CHECK_RET(weft_rlock_acquire(&w->rlock), 0); /* waits for the parent */
	CHECK_RET(weft_rlock_try_acquire(&w->rlock), 0);
	CHECK_RET(weft_rlock_acquire_for(&w->rlock, 0), 0);
	CHECK_EQ(weft_rlock_depth(&w->rlock), 3);
	step_to(w, 2);
	step_wait(w, 3);
	CHECK_RET(weft_rlock_release(&w->rlock), 0);
	CHECK_RET(weft_rlock_release(&w->rlock), 0);
	CHECK(weft_rlock_locked(&w->rlock));
	CHECK_RET(weft_rlock_release(&w->rlock), 0);
	CHECK_RET(weft_rlock_release(&w->rlock), -EPERM);
}

/* PSH-02: the owner is a thread of a process; not even the child of a fork owns what its parent's thread owned. */
Test(shared, rlock_owner_is_process_and_thread)
{
	struct visit v;
	struct world *w;
	pid_t child;

	world_open(&v);
	w = v.here;
	CHECK_RET(weft_rlock_acquire(&w->rlock), 0);
	CHECK_RET(weft_rlock_acquire(&w->rlock), 0);
	CHECK(weft_rlock_owned(&w->rlock));
	CHECK_EQ(weft_rlock_depth(&w->rlock), 2);
	child = send(&v, meet_held_rlock);
	step_wait(w, 1);
	CHECK_EQ(weft_rlock_depth(&w->rlock), 2);
	wait_until(is_wanted(&w->rlock.lock));
	CHECK_RET(weft_rlock_release(&w->rlock), 0);
	CHECK(weft_rlock_owned(&w->rlock));
	CHECK_RET(weft_rlock_release(&w->rlock), 0);
	step_wait(w, 2);
	CHECK(weft_rlock_locked(&w->rlock));
	CHECK(!weft_rlock_owned(&w->rlock));
	CHECK_EQ(weft_rlock_depth(&w->rlock), 0);
	CHECK_RET(weft_rlock_release(&w->rlock), -EPERM);
	CHECK_RET(weft_rlock_try_acquire(&w->rlock), -EAGAIN);
	step_to(w, 3);
	CHECK_EQ(child_join(child), 0);
	CHECK(!weft_rlock_locked(&w->rlock));
	world_close(&v);
}

static void not_mine(struct member *me)
{
	struct world *w = me->arg;

	CHECK(!weft_rlock_owned(&w->rlock));
	CHECK_RET(weft_rlock_release(&w->rlock), -EPERM);
	CHECK_RET(weft_rlock_try_acquire(&w->rlock), -EAGAIN);
}

/* PSH-02, RLOCK-04, RLOCK-11: nor another thread of the same process; and the depth has its bound. */
Test(shared, rlock_owner_is_one_thread)
{
	struct visit v;

	world_open(&v);
	weft_rlock_acquire(&v.here->rlock);
	team_run(2, not_mine, v.here);
	team_run(2, not_mine, v.there);
	CHECK_EQ(weft_rlock_depth(&v.there->rlock), 1);
	atomic_store_explicit(&v.here->rlock.depth, UINT32_MAX, memory_order_relaxed);
	CHECK_RET(weft_rlock_acquire(&v.here->rlock), -EOVERFLOW);
	CHECK_RET(weft_rlock_try_acquire(&v.there->rlock), -EOVERFLOW);
	CHECK_EQ(weft_rlock_depth(&v.here->rlock), UINT32_MAX);
	world_close(&v);
}

/* ---- event ---- */

static void answer_events(struct world *w)
{
	unsigned i;

	for (i = 0; i < w->turns; i++) {
		CHECK_RET(weft_event_wait(&w->event), 0);
		weft_event_clear(&w->event);
		CHECK_EQ(w->count, 2 * i + 1);
		w->count++;
		weft_event_set(&w->back);
	}
}

/* PSH-05, GEN-09: ping-pong by two events; each side sees what the other wrote. */
Test(shared, event_ping_pong)
{
	struct visit v;
	pid_t child;
	unsigned i;

	world_open(&v);
	v.here->turns = slow_build() ? 500 : 3000;
	child = send(&v, answer_events);
	for (i = 0; i < v.here->turns; i++) {
		v.here->count++;
		weft_event_set(&v.here->event);
		CHECK_RET(weft_event_wait(&v.here->back), 0);
		weft_event_clear(&v.here->back);
		CHECK_EQ(v.here->count, 2 * i + 2);
	}
	CHECK_EQ(child_join(child), 0);
	world_close(&v);
}

static void wait_for_event(struct world *w)
{
	CHECK(!weft_event_is_set(&w->event));
	atomic_fetch_add(&w->step, 1);
	CHECK_RET(weft_event_wait(&w->event), 0);
}

/* PSH-05, EVT-02, EVT-05: one set, cleared at once, lets the waiters of both processes go. */
Test(shared, event_set_and_cleared_lets_all_go)
{
	int i;

	for (i = 0; i < 20; i++) {
		struct visit v;
		pid_t children[3];
		int j;

		world_open(&v);
		for (j = 0; j < 3; j++)
			children[j] = send(&v, wait_for_event);
		for (j = 0; j < 3; j++)
			wait_until(atomic_load(&v.here->step) == 3 && process_asleep(children[j]));
		CHECK_RET(weft_event_destroy(&v.here->event), -EBUSY);
		weft_event_set(&v.here->event);
		if (i % 2 == 0) {
			for (j = 0; j < 3; j++)
				CHECK_EQ(child_join(children[j]), 0);
			CHECK(weft_event_is_set(&v.there->event));
		} else {
			weft_event_clear(&v.here->event);
			CHECK_EQ(child_join(children[0]), 0);
			weft_event_set(&v.here->event);
			for (j = 1; j < 3; j++)
				CHECK_EQ(child_join(children[j]), 0);
		}
		world_close(&v);
	}
}

/* ---- sem ---- */

static void take_four(struct world *w)
{
	CHECK_EQ(weft_sem_value(&w->sem), 4);
	CHECK_RET(weft_sem_acquire(&w->sem), 0);
	CHECK_RET(weft_sem_acquire_for(&w->sem, 0), 0);
	CHECK_RET(weft_sem_acquire_until(&w->sem, WEFT_FOREVER, NULL), 0);
	CHECK_RET(weft_sem_try_acquire(&w->sem), 0);
	CHECK_RET(weft_sem_try_acquire(&w->sem), -EAGAIN);
	CHECK_RET(weft_sem_acquire_for(&w->sem, MS), -ETIMEDOUT);
	CHECK_EQ(weft_sem_value(&w->sem), 0);
}

/* PSH-03, SEM-04, SEM-08: from 2 to 4 here, down to 0 there. */
Test(shared, sem_counts_for_all)
{
	struct visit v;

	world_open(&v);
	CHECK_RET(weft_sem_init_shared(&v.here->sem, 2), 0);
	CHECK_RET(weft_sem_release(&v.here->sem), 0);
	CHECK_EQ(weft_sem_value(&v.there->sem), 3);
	CHECK_RET(weft_sem_release_n(&v.there->sem, 1), 0);
	CHECK_EQ(weft_sem_value(&v.here->sem), 4);
	CHECK_EQ(child_join(send(&v, take_four)), 0);
	CHECK_EQ(weft_sem_value(&v.here->sem), 0);
	CHECK_RET(weft_sem_try_acquire(&v.here->sem), -EAGAIN);
	CHECK_RET(weft_sem_destroy(&v.here->sem), 0);
	world_close(&v);
}

static void release_too_often(struct world *w)
{
	CHECK_RET(weft_sem_release(&w->bounded), -EOVERFLOW);
	CHECK_RET(weft_sem_try_acquire(&w->bounded), 0);
	CHECK_RET(weft_sem_release_n(&w->bounded, 2), -EOVERFLOW);
	CHECK_EQ(weft_sem_value(&w->bounded), 1);
	CHECK_RET(weft_sem_try_acquire(&w->bounded), 0);
}

/* PSH-03, BSEM-02: the bound holds for all processes, all or none. */
Test(shared, sem_bound_holds_for_all)
{
	struct visit v;
	char text[64];

	world_open(&v);
	CHECK_EQ(child_join(send(&v, release_too_often)), 0);
	weft_sem_describe(&v.here->bounded, text, sizeof(text));
	CHECK_STR(text, "value=0/2");
	CHECK_RET(weft_sem_release_n(&v.here->bounded, 3), -EOVERFLOW);
	CHECK_RET(weft_sem_release_n(&v.here->bounded, 2), 0);
	CHECK_RET(weft_sem_release(&v.here->bounded), -EOVERFLOW);
	CHECK_EQ(weft_sem_value(&v.there->bounded), 2);
	world_close(&v);
}

static void answer_permits(struct world *w)
{
	unsigned i;

	for (i = 0; i < w->turns; i++) {
		CHECK_RET(weft_sem_acquire(&w->sem), 0);
		CHECK_EQ(w->count, i + 1);
		CHECK_RET(weft_sem_release(&w->bounded), 0);
	}
}

/* PSH-03, GEN-09: ping-pong by two semaphores, one of them bounded. */
Test(shared, sem_ping_pong)
{
	struct visit v;
	pid_t child;
	unsigned i;

	world_open(&v);
	v.here->turns = slow_build() ? 500 : 3000;
	CHECK_RET(weft_sem_try_acquire(&v.here->bounded), 0);
	CHECK_RET(weft_sem_try_acquire(&v.here->bounded), 0);
	child = send(&v, answer_permits);
	for (i = 0; i < v.here->turns; i++) {
		v.here->count++;
		CHECK_RET(weft_sem_release(&v.here->sem), 0);
		CHECK_RET(weft_sem_acquire(&v.here->bounded), 0);
	}
	CHECK_EQ(child_join(child), 0);
	CHECK_EQ(weft_sem_value(&v.here->sem), 0);
	CHECK_EQ(weft_sem_value(&v.here->bounded), 0);
	world_close(&v);
}

static void take_one(struct member *me)
{
	struct world *w = me->arg;

	CHECK_RET(weft_sem_acquire(&w->sem), 0);
	atomic_fetch_add(&w->step, 1);
}

static void three_take_one(struct world *w)
{
	team_run(3, take_one, w);
}

/* PSH-01, SEM-03: one release of many serves waiters of both processes, exactly as many. */
Test(shared, sem_release_n_serves_both)
{
	struct visit v;
	struct team team;
	pid_t child;

	world_open(&v);
	child = send(&v, three_take_one);
	team_start(&team, 3, take_one, v.here);
	team_wait_asleep(&team, 3);
	CHECK_EQ(atomic_load(&v.here->step), 0);
	CHECK_RET(weft_sem_release_n(&v.here->sem, 4), 0);
	wait_until(atomic_load(&v.here->step) >= 4);
	CHECK_RET(weft_sem_release_n(&v.here->sem, 2), 0);
	team_join(&team);
	CHECK_EQ(child_join(child), 0);
	CHECK_EQ(atomic_load(&v.here->step), 6);
	CHECK_EQ(weft_sem_value(&v.here->sem), 0);
	CHECK_RET(weft_sem_destroy(&v.here->sem), 0);
	world_close(&v);
}

/* ---- barrier ---- */

static void run_rounds(struct member *me)
{
	struct world *w = me->arg;
	const unsigned self = me->index;
	unsigned round, i;

	for (round = 1; round <= w->turns; round++) {
		int index;

		w->at[self] = round;
		index = weft_barrier_wait(&w->barrier);
		if (!CHECK_GE(index, 0) || !CHECK_LT(index, ALL))
			return;
		for (i = 0; i < ALL; i++)
			CHECK_EQ(w->at[i], round);
		CHECK_NE(w->taken[index], round);
		w->taken[index] = round;
		CHECK_GE(weft_barrier_wait(&w->barrier), 0);
		for (i = 0; i < ALL; i++)
			CHECK_EQ(w->taken[i], round);
	}
}

static void run_rounds_there(struct world *w)
{
	team_run(THREADS, run_rounds, w);
}

static void run_rounds_here(struct member *me)
{
	me->index += THREADS;
	run_rounds(me);
}

/* PSH-05, BAR-03, BAR-04, BAR-05: 1000 rounds of two threads in each of two processes, in lockstep. */
Test(shared, barrier_thousand_rounds_in_lockstep)
{
	struct visit v;
	pid_t child;

	world_open(&v);
	CHECK_RET(weft_barrier_init_shared(&v.here->barrier, ALL), 0);
	CHECK_EQ(weft_barrier_parties(&v.there->barrier), ALL);
	v.here->turns = 500; /* each is two of the barrier's */
	child = send(&v, run_rounds_there);
	team_run(THREADS, run_rounds_here, v.here);
	CHECK_EQ(child_join(child), 0);
	CHECK_EQ(weft_barrier_n_waiting(&v.here->barrier), 0);
	CHECK(!weft_barrier_broken(&v.here->barrier));
	CHECK_RET(weft_barrier_destroy(&v.here->barrier), 0);
	world_close(&v);
}

static void wait_at_barrier(struct world *w)
{
	atomic_store(&w->results[0], weft_barrier_wait(&w->barrier));
}

static void wait_at_barrier_briefly(struct world *w)
{
	const int64_t before = clock_ns();

	atomic_store(&w->results[0], weft_barrier_wait_for(&w->barrier, 10 * MS));
	CHECK_GE(clock_ns() - before, 10 * MS);
}

/* PSH-05, BAR-08 to BAR-11, BAR-13: abort, reset and time-out reach the other process; a reset mends it for both. */
Test(shared, barrier_breaks_and_mends_for_all)
{
	struct visit v;
	struct weft_barrier *barrier;
	char text[64];
	pid_t child;
	int i;

	world_open(&v);
	barrier = &v.here->barrier;
	for (i = 0; i < 5; i++) {
		child = send(&v, wait_at_barrier);
		wait_until(weft_barrier_n_waiting(barrier) == 1);
		weft_barrier_describe(barrier, text, sizeof(text));
		CHECK_STR(text, "waiters=1/2");
		CHECK_RET(weft_barrier_destroy(barrier), -EBUSY);
		weft_barrier_abort(barrier);
		CHECK(weft_barrier_broken(barrier));
		CHECK_EQ(weft_barrier_n_waiting(barrier), 0);
		CHECK_EQ(child_join(child), 0);
		CHECK_EQ(atomic_load(&v.here->results[0]), -EPIPE);
		CHECK_RET(weft_barrier_wait(barrier), -EPIPE);
		weft_barrier_describe(barrier, text, sizeof(text));
		CHECK_STR(text, "broken");
		weft_barrier_reset(barrier);
		CHECK(!weft_barrier_broken(barrier));

		child = send(&v, wait_at_barrier);
		wait_until(weft_barrier_n_waiting(barrier) == 1);
		weft_barrier_reset(barrier);
		CHECK(!weft_barrier_broken(barrier));
		CHECK_EQ(child_join(child), 0);
		CHECK_EQ(atomic_load(&v.here->results[0]), -EPIPE);

		child = send(&v, wait_at_barrier_briefly);
		CHECK_EQ(child_join(child), 0);
		CHECK_EQ(atomic_load(&v.here->results[0]), -ETIMEDOUT);
		CHECK(weft_barrier_broken(barrier));
		weft_barrier_reset(barrier);

		child = send(&v, wait_at_barrier);
		wait_until(weft_barrier_n_waiting(barrier) == 1);
		CHECK_RET(weft_barrier_wait_for(barrier, INT64_MIN), 1);
		CHECK_EQ(child_join(child), 0);
		CHECK_EQ(atomic_load(&v.here->results[0]), 0);
		CHECK_RET(weft_barrier_wait_for(barrier, 0), -ETIMEDOUT);
		weft_barrier_reset(barrier);
	}
	world_close(&v);
}

static void wait_three_at_barrier(struct member *me)
{
	me->result = weft_barrier_wait(me->arg);
}

/* BAR-09, BAR-15: who comes after a reset does not mind the old members, even while they are still leaving. */
Test(shared, barrier_reset_with_waiters_and_newcomers)
{
	struct visit v;
	struct weft_barrier *barrier;
	int results[2], i;

	world_open(&v);
	barrier = &v.here->barrier;
	CHECK_RET(weft_barrier_init_shared(barrier, 3), 0);
	for (i = 0; i < 50; i++) {
		struct team old, new;

		team_start(&old, 2, wait_three_at_barrier, barrier);
		wait_until(weft_barrier_n_waiting(barrier) == 2);
		weft_barrier_reset(barrier);
		CHECK(!weft_barrier_broken(barrier));
		if (i % 2 == 0) {
			CHECK_RET(weft_barrier_wait_for(barrier, 0), -ETIMEDOUT);
			weft_barrier_reset(barrier);
		}
		team_start(&new, 2, wait_three_at_barrier, &v.there->barrier);
		wait_until(weft_barrier_n_waiting(barrier) == 2);
		CHECK_RET(weft_barrier_wait(barrier), 2);
		team_join_results(&new, results);
		CHECK_GE(results[0], 0);
		CHECK_GE(results[1], 0);
		team_join_results(&old, results);
		CHECK_EQ(results[0], -EPIPE);
		CHECK_EQ(results[1], -EPIPE);
	}
	world_close(&v);
}

static int refuse(void *arg)
{
	(void)arg;
	CHECK(false);
	return -EIO;
}

/* barrier.h: a shared barrier has no action, but a time-out it has (BAR-12). */
Test(shared, barrier_has_no_action_but_a_timeout)
{
	struct visit v;

	world_open(&v);
	CHECK_RET(weft_barrier_init_shared(&v.here->barrier, 1), 0);
	weft_barrier_set_action(&v.here->barrier, refuse, NULL);
	CHECK_RET(weft_barrier_wait(&v.here->barrier), 0);
	CHECK_RET(weft_barrier_init_shared(&v.here->barrier, 2), 0);
	weft_barrier_set_timeout(&v.here->barrier, 5 * MS);
	CHECK_EQ(child_join(send(&v, wait_at_barrier)), 0);
	CHECK_EQ(atomic_load(&v.here->results[0]), -ETIMEDOUT);
	world_close(&v);
}

struct edge {
	struct world *here, *there;
	unsigned rounds;
	pthread_barrier_t gate;
	int results[ALL];
};

static void wait_until_aborted(struct member *me)
{
	struct edge *e = me->arg;
	struct weft_barrier *const barrier = me->index % 2 == 0 ? &e->here->barrier : &e->there->barrier;
	unsigned round;

	for (round = 0; round < e->rounds; round++) {
		pthread_barrier_wait(&e->gate);
		e->results[me->index] = weft_barrier_wait(barrier);
		pthread_barrier_wait(&e->gate);
	}
}

/* BAR-16 for a shared one: against abort a round is completed for all or broken for all. */
Test(shared, barrier_abort_races_with_completion)
{
	struct visit v;
	struct edge e;
	struct team team;
	unsigned round, i;
	uint64_t random = 3;

	world_open(&v);
	memset(&e, 0, sizeof(e));
	e.here = v.here;
	e.there = v.there;
	e.rounds = slow_build() ? 300 : 1500;
	CHECK_RET(weft_barrier_init_shared(&v.here->barrier, ALL), 0);
	pthread_barrier_init(&e.gate, NULL, ALL + 1);
	team_start(&team, ALL, wait_until_aborted, &e);
	for (round = 0; round < e.rounds; round++) {
		unsigned looks = (unsigned)(random_next(&random) % 20000);
		const unsigned come = (unsigned)(random_next(&random) % ALL);
		int seen = 0;

		pthread_barrier_wait(&e.gate);
		while (looks-- > 0 && weft_barrier_n_waiting(&v.there->barrier) < come)
			;
		weft_barrier_abort(&v.there->barrier);
		pthread_barrier_wait(&e.gate);
		for (i = 0; i < ALL; i++) {
			if (e.results[i] >= 0)
				seen |= 1 << e.results[i];
			else
				CHECK_EQ(e.results[i], -EPIPE);
		}
		CHECK(seen == 0 || seen == (1 << ALL) - 1);
		weft_barrier_reset(&v.here->barrier);
	}
	team_join(&team);
	pthread_barrier_destroy(&e.gate);
	world_close(&v);
}

/* ---- time and tokens ---- */

enum { N_WAITS = 5 };

/* Wait for each object in turn, from 0; none can be had. */
static int wait_for_nth(struct world *w, int n, int64_t deadline_ns, struct weft_event *cancel)
{
	switch (n) {
	case 0:
		return weft_lock_acquire_until(&w->lock, deadline_ns, cancel);
	case 1:
		return weft_rlock_acquire_until(&w->rlock, deadline_ns, cancel);
	case 2:
		return weft_event_wait_until(&w->event, deadline_ns, cancel);
	case 3:
		return weft_sem_acquire_until(&w->sem, deadline_ns, cancel);
	default:
		return weft_barrier_wait_until(&w->barrier, deadline_ns, cancel);
	}
}

static void world_withhold(struct world *w)
{
	weft_lock_acquire(&w->lock);
	weft_rlock_acquire(&w->rlock);
}

static void check_withheld(struct world *w)
{
	CHECK_RET(weft_lock_release(&w->lock), 0);
	CHECK_RET(weft_lock_destroy(&w->lock), 0);
	CHECK_RET(weft_rlock_release(&w->rlock), 0);
	CHECK_RET(weft_rlock_destroy(&w->rlock), 0);
	CHECK_RET(weft_event_destroy(&w->event), 0);
	CHECK_EQ(weft_sem_value(&w->sem), 0);
	CHECK_RET(weft_sem_destroy(&w->sem), 0);
	CHECK(weft_barrier_broken(&w->barrier));
}

static void wait_with_deadlines(struct world *w)
{
	int n;

	for (n = 0; n < N_WAITS; n++) {
		const int64_t before = clock_ns();

		CHECK_EQ(wait_for_nth(w, n, before + 10 * MS, NULL), -ETIMEDOUT);
		CHECK_GE(clock_ns() - before, 10 * MS);
		weft_barrier_reset(&w->barrier);
		CHECK_EQ(wait_for_nth(w, n, before + 10 * MS, &w->cancel), -ETIMEDOUT);
		weft_barrier_reset(&w->barrier);
		CHECK_EQ(wait_for_nth(w, n, clock_ns() + 5 * MS, &w->cancel), -ETIMEDOUT);
		weft_barrier_reset(&w->barrier);
		CHECK_EQ(wait_for_nth(w, n, INT64_MIN, NULL), -ETIMEDOUT);
	}
}

/* PSH-01, TIME-02: time runs the same. */
Test(shared, timed_waits_time_out)
{
	struct visit v;

	world_open(&v);
	world_withhold(v.here);
	CHECK_EQ(child_join(send(&v, wait_with_deadlines)), 0);
	check_withheld(v.here);
	world_close(&v);
}

static void wait_with_token(struct member *me)
{
	struct world *w = me->arg;

	me->result = wait_for_nth(w, (int)me->index, WEFT_FOREVER, &w->cancel);
}

static void all_wait_with_token(struct world *w)
{
	struct team team;
	int results[N_WAITS], n;

	team_start(&team, N_WAITS, wait_with_token, w);
	team_wait_asleep(&team, N_WAITS);
	step_to(w, 1);
	team_join_results(&team, results);
	for (n = 0; n < N_WAITS; n++)
		CHECK_EQ(results[n], -ECANCELED);
}

/* TIME-04, PSH-05: a shared token, set here, and cleared at once, ends waits there. */
Test(shared, token_ends_waits_elsewhere)
{
	int i;

	for (i = 0; i < 6; i++) {
		struct visit v;
		pid_t child;

		world_open(&v);
		world_withhold(v.here);
		child = send(&v, all_wait_with_token);
		step_wait(v.here, 1);
		weft_event_set(&v.here->cancel);
		if (i % 2 == 0)
			weft_event_clear(&v.here->cancel);
		CHECK_EQ(child_join(child), 0);
		check_withheld(v.here);
		world_close(&v);
	}
}

struct mix {
	struct world *world;
	struct weft_event cancel;
	struct weft_sem sem;
};

static void wait_with_private_token(struct member *me)
{
	struct mix *m = me->arg;

	me->result = wait_for_nth(m->world, (int)me->index, WEFT_FOREVER, &m->cancel);
}

static void wait_with_shared_token(struct member *me)
{
	struct mix *m = me->arg;

	me->result = weft_sem_acquire_until(&m->sem, WEFT_FOREVER, &m->world->cancel);
}

/* A shared object goes with a private token, and a private object with a shared one. */
Test(shared, tokens_and_objects_mix)
{
	struct visit v;
	struct mix m;
	struct team team;
	int results[N_WAITS], n;

	world_open(&v);
	memset(&m, 0, sizeof(m));
	m.world = v.there;
	world_withhold(v.here);
	team_start(&team, N_WAITS, wait_with_private_token, &m);
	team_wait_asleep(&team, N_WAITS);
	weft_event_set(&m.cancel);
	team_join_results(&team, results);
	for (n = 0; n < N_WAITS; n++)
		CHECK_EQ(results[n], -ECANCELED);
	check_withheld(v.here);

	team_start(&team, 1, wait_with_shared_token, &m);
	team_wait_asleep(&team, 1);
	weft_event_set(&v.here->cancel);
	team_join_results(&team, results);
	CHECK_EQ(results[0], -ECANCELED);
	CHECK_EQ(weft_sem_value(&m.sem), 0);
	world_close(&v);
}

/* ---- PSH-08: which futexes are asked for ---- */

/* From now on a futex call of this thread kills the process if its private flag is not as told. */
static bool only_futexes(bool private_ones)
{
	const uint32_t private_flag = 128;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])), /* its lower half */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, private_flag, private_ones, !private_ones),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

struct watched {
	struct world world;
	bool shared;	      /* the objects are */
	bool private_allowed; /* and only such futexes are */
	int n;
	bool timed;
};

static void wait_filtered(struct member *me)
{
	struct watched *w = me->arg;

	if (!only_futexes(w->private_allowed))
		_exit(77);
	me->result = wait_for_nth(&w->world, w->n, w->timed ? weft_now() + 1000 * SEC : WEFT_FOREVER, NULL);
}

/* Sleep and wake on one object with both threads under the filter, then leave without anybody's futex. */
static void use_filtered(void *arg)
{
	struct watched *w = arg;
	struct team team;

	memset(&w->world, 0, sizeof(w->world));
	if (w->shared) {
		weft_lock_init_shared(&w->world.lock);
		weft_rlock_init_shared(&w->world.rlock);
		weft_event_init_shared(&w->world.event);
		weft_sem_init_shared(&w->world.sem, 0);
		weft_barrier_init_shared(&w->world.barrier, 2);
	} else {
		weft_barrier_init(&w->world.barrier, 2);
	}
	world_withhold(&w->world);
	team_start(&team, 1, wait_filtered, w);
	team_wait_asleep(&team, 1);
	if (!only_futexes(w->private_allowed))
		_exit(77);
	switch (w->n) {
	case 0:
		weft_lock_release(&w->world.lock);
		break;
	case 1:
		weft_rlock_release(&w->world.rlock);
		break;
	case 2:
		weft_event_set(&w->world.event);
		break;
	case 3:
		weft_sem_release(&w->world.sem);
		break;
	default:
		weft_barrier_wait(&w->world.barrier);
		break;
	}
	team_wait_done(&team, 1);
	_exit(team.members[0].result == 0 ? 0 : 1);
}

/* PSH-08: private objects use private futexes only, shared ones only others. */
Test(shared, futexes_are_private_for_private_objects_only)
{
	struct watched w;
	int status;

	if (slow_build())
		SKIP("futex calls of the sanitizer's or the emulator's own");
	memset(&w, 0, sizeof(w));
	for (w.n = 0; w.n < N_WAITS; w.n++) {
		unsigned i;

		for (i = 0; i < 8; i++) {
			w.shared = i & 1;
			w.private_allowed = i & 2;
			w.timed = i & 4;
			status = child_run(use_filtered, &w);
			if (status == 77)
				SKIP("no seccomp filter to be had");
			/* With the wrong one allowed it dies, which shows that the filter works. */
			CHECK_EQ(status, w.shared == w.private_allowed ? -SIGSYS : 0);
		}
	}
}
