/* SPDX-License-Identifier: MIT */
/*
 * Lifetime, instruction by instruction: who has returned from acquire or wait may free the object at once, even while the
 * thread that let it go is still inside release, set or the barrier's wait (API.md's rule; section 22, trap 1; glibc
 * bugs 12674 and 13690).
 *
 * The giver runs in single steps. After each instruction it stands still until everybody whom it has let go has returned,
 * and the object's page is then made inaccessible: any later touch of it is a fault. So every point at which the giver
 * could be preempted is tried, once, and nothing depends on luck.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <weft.h>

#include "test.h"

#if defined(__x86_64__) && !UNDER_TSAN
#define CAN_STEP 1
#else
#define CAN_STEP 0
#endif

#define MOST_TAKERS 3

/* An object and those who deal with it. */
struct scene {
	void (*prepare)(void *object);	/* the giver's, before the others come; may be NULL */
	void (*give)(void *object);	/* the giver's, in single steps */
	int (*take)(void *object);	/* the takers', which sleep in it; 0 is good */
	bool (*look)(void *object);	/* the passer-by's, at each step; NULL: there is none */
	unsigned takers;
	bool first_frees;		/* the first taker that returns, not the last; without takers the passer-by */
	bool nudge;			/* a signal at each step makes the sleepers look, before the giver wakes them */

	void *object;
	size_t page_size;
	struct team team, passer_by;
	atomic_uint returned;
	atomic_uint turn, answered;	/* the passer-by looks once for each turn */
	atomic_bool gone, over;
	unsigned steps;
};

static struct scene *scene;

static void free_object(void)
{
	if (mprotect(scene->object, scene->page_size, PROT_NONE) != 0)
		_exit(2);
	atomic_store(&scene->gone, true);
}

static void taker(struct member *me)
{
	unsigned before;

	(void)me;
	CHECK_EQ(scene->take(scene->object), 0);
	before = atomic_fetch_add(&scene->returned, 1);
	if (before == (scene->first_frees ? 0 : scene->takers - 1))
		free_object();
}

static void passer_by(struct member *me)
{
	unsigned turn;

	(void)me;
	while (!atomic_load(&scene->over)) {
		turn = atomic_load(&scene->turn);
		if (turn == atomic_load(&scene->answered)) {
			sched_yield();
			continue;
		}
		if (scene->look(scene->object) && scene->takers == 0)
			free_object();
		atomic_store(&scene->answered, turn);
	}
}

static void stand_still(void)
{
	unsigned i;

	scene->steps++;
	/* A thread that is sent a signal counts as running from then on, until it sleeps again. */
	for (i = 0; scene->nudge && i < scene->takers; i++)
		if (!atomic_load(&scene->team.members[i].done))
			pthread_kill(scene->team.members[i].thread, SIGUSR1);
	while (!team_settled(&scene->team))
		sched_yield();
	if (scene->look == NULL || atomic_load(&scene->gone))
		return;
	atomic_fetch_add(&scene->turn, 1);
	while (atomic_load(&scene->answered) != atomic_load(&scene->turn))
		sched_yield();
	while (!team_settled(&scene->team))
		sched_yield();
}

#if CAN_STEP
#define TRAP_FLAG 0x100

static void stepped(int signal)
{
	const int errno_before = errno;

	(void)signal;
	stand_still();
	errno = errno_before;
}

static void touched(int signal, siginfo_t *info, void *context)
{
	const char *const page = scene->object, *const at = info->si_addr;

	(void)signal;
	(void)context;
	if (at >= page && at < page + scene->page_size)
		FAIL("touched byte %d of the object after it was freed, at step %u", (int)(at - page), scene->steps);
	else
		FAIL("fault at step %u", scene->steps);
	_exit(1);
}

static __attribute__((noinline)) void give_in_steps(void)
{
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | TRAP_FLAG);
	scene->give(scene->object);
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~(uint64_t)TRAP_FLAG);
}

static void play(void *arg)
{
	struct sigaction action;

	scene = arg;
	scene->page_size = (size_t)sysconf(_SC_PAGESIZE);
	scene->object = mmap(NULL, scene->page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(&action, 0, sizeof(action));
	action.sa_handler = stepped;
	sigaction(SIGTRAP, &action, NULL);
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = touched;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGSEGV, &action, NULL);

	signals_catch();
	if (scene->prepare != NULL)
		scene->prepare(scene->object);
	team_start(&scene->team, scene->takers, taker, NULL);
	team_start(&scene->passer_by, scene->look != NULL, passer_by, NULL);
	team_wait_asleep(&scene->team, scene->takers);
	give_in_steps();
	CHECK_GT(scene->steps, 3);
	team_join(&scene->team);
	atomic_store(&scene->over, true);
	team_join(&scene->passer_by);
	CHECK(atomic_load(&scene->gone));
}
#endif

/* In a child, so that a fault ends no more than that. Sleepers are woken by the giver only, then by signals too. */
static void check_scene(struct scene *scene_given)
{
#if CAN_STEP
	CHECK_EQ(child_run(play, scene_given), 0);
	scene_given->nudge = true;
	if (scene_given->takers != 0)
		CHECK_EQ(child_run(play, scene_given), 0);
#else
	(void)scene_given;
	(void)taker;
	(void)passer_by;
	(void)stand_still;
	SKIP("single steps are made on x86-64 only, and not under ThreadSanitizer");
#endif
}

/* ---- lock ---- */

static void lock_acquire(void *lock)
{
	weft_lock_acquire(lock);
}

static void lock_release(void *lock)
{
	CHECK_EQ(weft_lock_release(lock), 0);
}

static int lock_take(void *lock)
{
	return weft_lock_acquire(lock) != 0 || weft_lock_release(lock) != 0;
}

static bool lock_look(void *lock)
{
	if (weft_lock_try_acquire(lock) != 0)
		return false;
	CHECK_EQ(weft_lock_release(lock), 0);
	return true;
}

/* Nobody sleeps; a passer-by takes the lock as soon as it is free, gives it back and frees it. */
Test(lifetime, lock_release)
{
	struct scene s = { .prepare = lock_acquire, .give = lock_release, .look = lock_look };

	check_scene(&s);
}

/* The same after somebody has waited in vain: release takes its longer way, though nobody sleeps. */
static void wait_in_vain(struct member *me)
{
	(void)me;
	CHECK_EQ(weft_lock_acquire_for(scene->object, MS), -ETIMEDOUT);
}

static void lock_acquire_contended(void *lock)
{
	weft_lock_acquire(lock);
	team_run(2, wait_in_vain, NULL);
}

Test(lifetime, lock_release_after_timeouts)
{
	struct scene s = { .prepare = lock_acquire_contended, .give = lock_release, .look = lock_look };

	check_scene(&s);
}

/* One sleeps, and frees the lock when it has had it. */
Test(lifetime, lock_release_to_sleeper)
{
	struct scene s = { .prepare = lock_acquire, .give = lock_release, .take = lock_take, .takers = 1 };

	check_scene(&s);
}

/* The same, while others take the lock in between and wake the sleeper themselves. */
Test(lifetime, lock_release_to_sleeper_and_passer_by)
{
	struct scene s = { .prepare = lock_acquire, .give = lock_release, .take = lock_take, .look = lock_look,
			   .takers = 1 };

	check_scene(&s);
}

Test(lifetime, lock_release_to_sleepers)
{
	struct scene s = { .prepare = lock_acquire, .give = lock_release, .take = lock_take, .look = lock_look,
			   .takers = MOST_TAKERS };

	check_scene(&s);
}

static void lock_acquire_shared(void *lock)
{
	weft_lock_init_shared(lock);
	weft_lock_acquire(lock);
}

Test(lifetime, shared_lock_release_to_sleeper)
{
	struct scene s = { .prepare = lock_acquire_shared, .give = lock_release, .take = lock_take, .look = lock_look,
			   .takers = 1 };

	check_scene(&s);
}

/* ---- rlock ---- */

static void rlock_acquire(void *rlock)
{
	weft_rlock_acquire(rlock);
}

static void rlock_release(void *rlock)
{
	CHECK_EQ(weft_rlock_release(rlock), 0);
}

static int rlock_take(void *rlock)
{
	return weft_rlock_acquire(rlock) != 0 || weft_rlock_release(rlock) != 0;
}

static bool rlock_look(void *rlock)
{
	if (weft_rlock_try_acquire(rlock) != 0)
		return false;
	CHECK_EQ(weft_rlock_release(rlock), 0);
	return true;
}

Test(lifetime, rlock_release)
{
	struct scene s = { .prepare = rlock_acquire, .give = rlock_release, .look = rlock_look };

	check_scene(&s);
}

Test(lifetime, rlock_release_to_sleeper)
{
	struct scene s = { .prepare = rlock_acquire, .give = rlock_release, .take = rlock_take, .takers = 1 };

	check_scene(&s);
}

Test(lifetime, rlock_release_to_sleepers)
{
	struct scene s = { .prepare = rlock_acquire, .give = rlock_release, .take = rlock_take, .look = rlock_look,
			   .takers = MOST_TAKERS };

	check_scene(&s);
}

/* ---- semaphore ---- */

static void sem_release(void *sem)
{
	CHECK_EQ(weft_sem_release(sem), 0);
}

/* Not inline, and so another way through the library. */
static void sem_release_n_1(void *sem)
{
	CHECK_EQ(weft_sem_release_n(sem, 1), 0);
}

static void sem_release_3(void *sem)
{
	CHECK_EQ(weft_sem_release_n(sem, MOST_TAKERS), 0);
}

static int sem_take(void *sem)
{
	return weft_sem_acquire(sem);
}

/* Without sleepers: takes the permit for good. */
static bool sem_look(void *sem)
{
	return weft_sem_try_acquire(sem) == 0;
}

/* Among sleepers: gives it back, to one of them. */
static bool sem_look_and_give(void *sem)
{
	if (weft_sem_try_acquire(sem) != 0)
		return false;
	CHECK_EQ(weft_sem_release(sem), 0);
	return true;
}

Test(lifetime, sem_release)
{
	struct scene s = { .give = sem_release, .look = sem_look };

	check_scene(&s);
}

Test(lifetime, sem_release_n)
{
	struct scene s = { .give = sem_release_n_1, .look = sem_look };

	check_scene(&s);
}

Test(lifetime, sem_release_to_sleeper)
{
	struct scene s = { .give = sem_release, .take = sem_take, .takers = 1 };

	check_scene(&s);
}

Test(lifetime, sem_release_to_sleeper_and_passer_by)
{
	struct scene s = { .give = sem_release, .take = sem_take, .look = sem_look_and_give, .takers = 1 };

	check_scene(&s);
}

Test(lifetime, sem_release_n_to_sleepers)
{
	struct scene s = { .give = sem_release_3, .take = sem_take, .look = sem_look_and_give, .takers = MOST_TAKERS };

	check_scene(&s);
}

static void sem_init_shared(void *sem)
{
	CHECK_EQ(weft_sem_init_shared(sem, 0), 0);
}

Test(lifetime, shared_sem_release_n_to_sleepers)
{
	struct scene s = { .prepare = sem_init_shared, .give = sem_release_3, .take = sem_take, .takers = MOST_TAKERS };

	check_scene(&s);
}

/* ---- event ---- */

static void event_set(void *event)
{
	weft_event_set(event);
}

static int event_take(void *event)
{
	return weft_event_wait(event);
}

static bool event_look(void *event)
{
	return weft_event_is_set(event);
}

Test(lifetime, event_set)
{
	struct scene s = { .give = event_set, .look = event_look };

	check_scene(&s);
}

Test(lifetime, event_set_for_sleeper)
{
	struct scene s = { .give = event_set, .take = event_take, .look = event_look, .takers = 1 };

	check_scene(&s);
}

Test(lifetime, event_set_for_sleepers)
{
	struct scene s = { .give = event_set, .take = event_take, .takers = MOST_TAKERS };

	check_scene(&s);
}

/* A token: its waiter sleeps on two words. */
static int event_take_as_token(void *event)
{
	struct weft_event never = WEFT_EVENT_INIT;

	return weft_event_wait_until(&never, WEFT_FOREVER, event) != -ECANCELED;
}

Test(lifetime, token_set_for_sleepers)
{
	struct scene s = { .give = event_set, .take = event_take_as_token, .takers = MOST_TAKERS };

	check_scene(&s);
}

/* ---- barrier: the last to arrive, and the first to return frees it ---- */

static void barrier_init(void *barrier)
{
	CHECK_EQ(weft_barrier_init(barrier, MOST_TAKERS + 1), 0);
}

static void barrier_arrive(void *barrier)
{
	CHECK_GE(weft_barrier_wait(barrier), 0);
}

static int barrier_take(void *barrier)
{
	return weft_barrier_wait(barrier) < 0;
}

Test(lifetime, barrier_last_arrival)
{
	struct scene s = { .prepare = barrier_init, .give = barrier_arrive, .take = barrier_take,
			   .takers = MOST_TAKERS, .first_frees = true };

	check_scene(&s);
}
