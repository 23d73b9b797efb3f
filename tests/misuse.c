/* SPDX-License-Identifier: MIT */
/*
 * The misuse hook: every broken rule of every object tells it once, with the object, the call and the error; GEN-13.
 */
#include "test.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <weft/watch.h>

/* What the hook was told last, and how often it was told anything. */
static struct {
	const void *object;
	char call[64];
	int error;
	void *arg;
	pthread_t thread;
	unsigned n;
} told;

static int an_argument;

static void note(const void *object, const char *call, int error, void *arg)
{
	told.object = object;
	snprintf(told.call, sizeof(told.call), "%s", call);
	told.error = error;
	told.arg = arg;
	told.thread = pthread_self();
	told.n++;
}

static void begin(void)
{
	memset(&told, 0, sizeof(told));
	weft_set_misuse_hook(note, &an_argument);
}

/* The call returned @error, and the hook was told so, once, by this thread. */
static void check_told(const void *object, const char *call, int64_t result, int error, int line)
{
	if (result != error)
		FAIL("line %d: %s returned %" PRId64 ", not %d", line, call, result, error);
	if (told.n != 1)
		FAIL("line %d: %s told the hook %u times", line, call, told.n);
	else if (told.object != object || strcmp(told.call, call) != 0 || told.error != error)
		FAIL("line %d: the hook was told %s, error %d, object %s", line, told.call, told.error,
		     told.object == object ? "right" : "wrong");
	CHECK(told.arg == &an_argument);
	CHECK(told.n == 0 || pthread_equal(told.thread, pthread_self()));
	told.n = 0;
}

#define TELLS(object, function, arguments, error)                                                                    \
	check_told((object), #function, (int64_t)function arguments, (error), __LINE__)
#define TELLS_NOT(call, result)                                                                                      \
	do {                                                                                                         \
		CHECK_RET(call, result);                                                                             \
		CHECK_EQ(told.n, 0);                                                                                 \
		told.n = 0;                                                                                          \
	} while (0)

/* LOCK-06: release of what is not locked; destroy of what is; locks that acquire_many cannot take. */
Test(misuse, lock)
{
	struct weft_lock lock = WEFT_LOCK_INIT, other = WEFT_LOCK_INIT;
	struct weft_lock *const twice[] = { &lock, &other, &lock };
	struct weft_lock *const none[] = { &lock, NULL };

	begin();
	TELLS(&lock, weft_lock_release, (&lock), -EPERM);
	CHECK(!weft_lock_locked(&lock));
	CHECK_EQ(weft_lock_acquire_many(twice, 3), -EINVAL);
	CHECK_EQ(told.n, 1);
	CHECK_STR(told.call, "weft_lock_acquire_many");
	told.n = 0;
	CHECK_EQ(weft_lock_acquire_many(none, 2), -EINVAL);
	CHECK_EQ(told.n, 1);
	CHECK_STR(told.call, "weft_lock_acquire_many");
	told.n = 0;
	CHECK(!weft_lock_locked(&lock) && !weft_lock_locked(&other));
	weft_lock_acquire(&lock);
	TELLS(&lock, weft_lock_destroy, (&lock), -EBUSY);
	weft_lock_release(&lock);
	TELLS_NOT(weft_lock_destroy(&lock), 0);
}

static void hold_rlock(struct member *me)
{
	weft_rlock_acquire(me->arg);
	atomic_store(&me->step, 1);
	wait_until(atomic_load(&me->step) == 2);
	weft_rlock_release(me->arg);
}

/* RLOCK-03, RLOCK-04, RLOCK-11. */
Test(misuse, rlock)
{
	struct weft_rlock rlock = WEFT_RLOCK_INIT;
	struct team holder;

	begin();
	TELLS(&rlock, weft_rlock_release, (&rlock), -EPERM);
	team_start(&holder, 1, hold_rlock, &rlock);
	wait_until(atomic_load(&holder.members[0].step) == 1);
	TELLS(&rlock, weft_rlock_release, (&rlock), -EPERM);
	TELLS(&rlock, weft_rlock_destroy, (&rlock), -EBUSY);
	CHECK(weft_rlock_locked(&rlock));
	atomic_store(&holder.members[0].step, 2);
	team_join(&holder);
	weft_rlock_acquire(&rlock);
	weft_rlock_release(&rlock);
	TELLS(&rlock, weft_rlock_release, (&rlock), -EPERM);

	weft_rlock_acquire(&rlock);
	TELLS(&rlock, weft_rlock_destroy, (&rlock), -EBUSY);
	atomic_store_explicit(&rlock.depth, UINT32_MAX, memory_order_relaxed);
	TELLS(&rlock, weft_rlock_acquire, (&rlock), -EOVERFLOW);
	TELLS(&rlock, weft_rlock_acquire_for, (&rlock, 0), -EOVERFLOW);
	TELLS(&rlock, weft_rlock_acquire_for, (&rlock, WEFT_FOREVER), -EOVERFLOW);
	TELLS(&rlock, weft_rlock_acquire_until, (&rlock, WEFT_FOREVER, NULL), -EOVERFLOW);
	TELLS(&rlock, weft_rlock_try_acquire, (&rlock), -EOVERFLOW);
	CHECK_EQ(weft_rlock_depth(&rlock), UINT32_MAX);
}

static void wait_for_event(struct member *me)
{
	CHECK_RET(weft_event_wait(me->arg), 0);
}

/* event.h: destroy while a thread sleeps in a wait for it. */
Test(misuse, event)
{
	struct weft_event event = WEFT_EVENT_INIT;
	struct team waiter;

	begin();
	team_start(&waiter, 1, wait_for_event, &event);
	team_wait_asleep(&waiter, 1);
	TELLS(&event, weft_event_destroy, (&event), -EBUSY);
	weft_event_set(&event);
	team_join(&waiter);
	TELLS_NOT(weft_event_destroy(&event), 0);
}

static void acquire_sem(struct member *me)
{
	CHECK_RET(weft_sem_acquire(me->arg), 0);
}

/* SEM-01, SEM-03, SEM-11, BSEM-02, BSEM-03. */
Test(misuse, sem)
{
	struct weft_sem sem = WEFT_SEM_INIT(1);
	struct team waiter;

	begin();
	TELLS(&sem, weft_sem_init, (&sem, UINT_MAX), -EINVAL);
	TELLS(&sem, weft_sem_init, (&sem, (unsigned)INT_MIN), -EINVAL);
	TELLS(&sem, weft_sem_init_bounded, (&sem, (unsigned)WEFT_SEM_MAX + 1), -EINVAL);
	TELLS(&sem, weft_sem_init_shared, (&sem, UINT_MAX), -EINVAL);
	TELLS(&sem, weft_sem_init_bounded_shared, (&sem, UINT_MAX), -EINVAL);
	CHECK_EQ(weft_sem_value(&sem), 1);
	TELLS(&sem, weft_sem_release_n, (&sem, 0), -EINVAL);
	TELLS(&sem, weft_sem_release_n, (&sem, UINT_MAX), -EOVERFLOW);
	TELLS(&sem, weft_sem_release_n, (&sem, (unsigned)WEFT_SEM_MAX), -EOVERFLOW);
	CHECK_EQ(weft_sem_value(&sem), 1);
	TELLS_NOT(weft_sem_init(&sem, (unsigned)WEFT_SEM_MAX), 0);
	TELLS(&sem, weft_sem_release, (&sem), -EOVERFLOW);
	TELLS(&sem, weft_sem_release_n, (&sem, 1), -EOVERFLOW);
	CHECK_EQ(weft_sem_value(&sem), WEFT_SEM_MAX);

	TELLS_NOT(weft_sem_init_bounded(&sem, 2), 0);
	TELLS(&sem, weft_sem_release, (&sem), -EOVERFLOW);
	TELLS_NOT(weft_sem_try_acquire(&sem), 0);
	TELLS(&sem, weft_sem_release_n, (&sem, 2), -EOVERFLOW);
	CHECK_EQ(weft_sem_value(&sem), 1);
	TELLS_NOT(weft_sem_init_bounded(&sem, 0), 0);
	TELLS(&sem, weft_sem_release, (&sem), -EOVERFLOW);

	TELLS_NOT(weft_sem_init(&sem, 0), 0);
	team_start(&waiter, 1, acquire_sem, &sem);
	team_wait_asleep(&waiter, 1);
	TELLS(&sem, weft_sem_destroy, (&sem), -EBUSY);
	weft_sem_release(&sem);
	team_join(&waiter);
	TELLS_NOT(weft_sem_destroy(&sem), 0);
}

static int never(void *arg)
{
	(void)arg;
	return 0;
}

static void wait_for_cond(struct member *me)
{
	weft_cond_acquire(me->arg);
	CHECK_RET(weft_cond_wait(me->arg), 0);
	weft_cond_release(me->arg);
}

/* COND-03, for a condition on each kind of lock. */
Test(misuse, cond)
{
	static struct weft_lock lock;
	static struct weft_rlock rlock;
	static struct weft_cond own = WEFT_COND_INIT, on_lock = WEFT_COND_INIT_LOCK(&lock),
				on_rlock = WEFT_COND_INIT_RLOCK(&rlock);
	struct weft_cond *const conds[] = { &own, &on_lock, &on_rlock };
	struct team waiter;
	unsigned i;

	begin();
	for (i = 0; i < 3; i++) {
		struct weft_cond *const cond = conds[i];

		TELLS(cond, weft_cond_wait, (cond), -EPERM);
		TELLS(cond, weft_cond_wait_for, (cond, 0), -EPERM);
		TELLS(cond, weft_cond_wait_until, (cond, WEFT_FOREVER, NULL), -EPERM);
		TELLS(cond, weft_cond_wait_pred, (cond, never, NULL), -EPERM);
		TELLS(cond, weft_cond_wait_pred_for, (cond, never, NULL, WEFT_FOREVER), -EPERM);
		TELLS(cond, weft_cond_wait_pred_until, (cond, never, NULL, 0, NULL), -EPERM);
		TELLS(cond, weft_cond_notify, (cond, 0), -EPERM);
		TELLS(cond, weft_cond_notify, (cond, 1), -EPERM);
		TELLS(cond, weft_cond_notify_all, (cond), -EPERM);
		team_start(&waiter, 1, wait_for_cond, cond);
		wait_until(atomic_load(&cond->waiting) == 1);
		TELLS(cond, weft_cond_destroy, (cond), -EBUSY);
		weft_cond_acquire(cond);
		TELLS_NOT(weft_cond_notify_all(cond), 1);
		TELLS_NOT(weft_cond_wait_for(cond, 0), -ETIMEDOUT);
		TELLS_NOT(weft_cond_release(cond), 0);
		team_join(&waiter);
		TELLS_NOT(weft_cond_destroy(cond), 0);
	}
	weft_cond_acquire(&own);
	TELLS(&own, weft_cond_destroy, (&own), -EBUSY);
	weft_cond_release(&own);

	/* The verbs of the lock are the lock's. */
	CHECK_RET(weft_cond_release(&on_lock), -EPERM);
	CHECK_EQ(told.n, 1);
	CHECK(told.object == &lock);
	CHECK_STR(told.call, "weft_lock_release");
	told.n = 0;
	CHECK_RET(weft_cond_release(&on_rlock), -EPERM);
	CHECK_EQ(told.n, 1);
	CHECK(told.object == &rlock);
	CHECK_STR(told.call, "weft_rlock_release");
	told.n = 0;
	weft_cond_acquire(&own);
	atomic_store_explicit(&own.own.depth, UINT32_MAX, memory_order_relaxed);
	CHECK_RET(weft_cond_acquire(&own), -EOVERFLOW);
	CHECK_EQ(told.n, 1);
}

static void wait_at_barrier(struct member *me)
{
	me->result = weft_barrier_wait(me->arg);
}

/* BAR-01, BAR-17. A broken barrier is no misuse. */
Test(misuse, barrier)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(2);
	struct team waiter;

	begin();
	TELLS(&barrier, weft_barrier_init, (&barrier, 0), -EINVAL);
	TELLS(&barrier, weft_barrier_init_shared, (&barrier, 0), -EINVAL);
	team_start(&waiter, 1, wait_at_barrier, &barrier);
	wait_until(weft_barrier_n_waiting(&barrier) == 1);
	TELLS(&barrier, weft_barrier_destroy, (&barrier), -EBUSY);
	weft_barrier_abort(&barrier);
	team_join(&waiter);
	TELLS_NOT(weft_barrier_wait(&barrier), -EPIPE);
	TELLS_NOT(weft_barrier_destroy(&barrier), 0);
}

/* What is no misuse is not told: busy, empty, late, cancelled. */
Test(misuse, ordinary_failures_are_not_told)
{
	struct weft_lock lock = WEFT_LOCK_INIT;
	struct weft_sem sem = WEFT_SEM_INIT(0);
	struct weft_event event = WEFT_EVENT_INIT, cancel = WEFT_EVENT_INIT;
	struct weft_barrier barrier = WEFT_BARRIER_INIT(2);

	begin();
	weft_event_set(&cancel);
	TELLS_NOT(weft_lock_acquire(&lock), 0);
	TELLS_NOT(weft_lock_try_acquire(&lock), -EAGAIN);
	TELLS_NOT(weft_lock_acquire_for(&lock, 0), -ETIMEDOUT);
	TELLS_NOT(weft_lock_acquire_until(&lock, WEFT_FOREVER, &cancel), -ECANCELED);
	TELLS_NOT(weft_lock_release(&lock), 0);
	TELLS_NOT(weft_sem_try_acquire(&sem), -EAGAIN);
	TELLS_NOT(weft_sem_acquire_for(&sem, INT64_MIN), -ETIMEDOUT);
	TELLS_NOT(weft_event_wait_for(&event, -1), -ETIMEDOUT);
	TELLS_NOT(weft_event_wait_until(&event, WEFT_FOREVER, &cancel), -ECANCELED);
	TELLS_NOT(weft_barrier_wait_for(&barrier, 0), -ETIMEDOUT);
	TELLS_NOT(weft_sleep_until(WEFT_FOREVER, &cancel), -ECANCELED);
}

/* GEN-13, GEN-01: without a hook, at first and again after NULL, the errors are the same. */
Test(misuse, without_a_hook_the_errors_are_the_same)
{
	struct weft_lock lock = WEFT_LOCK_INIT;

	CHECK_RET(weft_lock_release(&lock), -EPERM);
	begin();
	CHECK_RET(weft_lock_release(&lock), -EPERM);
	CHECK_EQ(told.n, 1);
	weft_set_misuse_hook(NULL, &an_argument);
	CHECK_RET(weft_lock_release(&lock), -EPERM);
	CHECK_EQ(told.n, 1);
}

static unsigned others;

static void note_other(const void *object, const char *call, int error, void *arg)
{
	(void)object;
	(void)call;
	(void)error;
	CHECK(arg == &others);
	others++;
}

/* The newest hook is told, with its own argument, which may be NULL. */
Test(misuse, hook_can_be_replaced)
{
	struct weft_lock lock = WEFT_LOCK_INIT;
	unsigned i;

	for (i = 1; i <= 3; i++) {
		begin();
		weft_set_misuse_hook(note_other, &others);
		weft_lock_release(&lock);
		CHECK_EQ(others, i);
		CHECK_EQ(told.n, 0);
		weft_set_misuse_hook(note, NULL);
		weft_lock_release(&lock);
		CHECK_EQ(others, i);
		CHECK_EQ(told.n, 1);
		CHECK(told.arg == NULL);
	}
}

struct nested {
	struct weft_lock used;
	struct weft_sem sem;
	struct weft_rlock rlock;
	unsigned n;
};

static void use_weft(const void *object, const char *call, int error, void *arg)
{
	struct nested *nested = arg;

	(void)call;
	CHECK(object == &nested->rlock);
	CHECK_EQ(error, -EPERM);
	nested->n++;
	weft_lock_acquire(&nested->used);
	weft_lock_release(&nested->used);
	weft_sem_release(&nested->sem);
	/* The object itself is usable, too: no lock of weft's is held. */
	weft_rlock_acquire(&nested->rlock);
	weft_rlock_release(&nested->rlock);
	weft_set_misuse_hook(use_weft, nested);
}

/* GEN-11: the hook runs with no lock of weft's held, so it may use weft, the object and itself. */
Test(misuse, hook_may_use_weft)
{
	struct nested nested;

	memset(&nested, 0, sizeof(nested));
	weft_set_misuse_hook(use_weft, &nested);
	CHECK_RET(weft_rlock_release(&nested.rlock), -EPERM);
	CHECK_RET(weft_rlock_release(&nested.rlock), -EPERM);
	CHECK_EQ(nested.n, 2);
	CHECK_EQ(weft_sem_value(&nested.sem), 2);
	CHECK(!weft_rlock_locked(&nested.rlock));
	weft_set_misuse_hook(NULL, NULL);
}

/* Two hooks, each with an argument that the other must never see. */
static struct {
	atomic_uint told[2];
	atomic_bool stop;
} pair;

static char arguments[2];

static void note_first(const void *object, const char *call, int error, void *arg)
{
	(void)object;
	(void)call;
	CHECK_EQ(error, -EPERM);
	CHECK(arg == &arguments[0]);
	atomic_fetch_add(&pair.told[0], 1);
}

static void note_second(const void *object, const char *call, int error, void *arg)
{
	(void)object;
	(void)call;
	CHECK_EQ(error, -EPERM);
	CHECK(arg == &arguments[1]);
	atomic_fetch_add(&pair.told[1], 1);
}

static void break_a_rule(struct member *me)
{
	const unsigned *const turns = me->arg;
	struct weft_lock lock = WEFT_LOCK_INIT;
	unsigned i;

	for (i = 0; i < *turns; i++)
		CHECK_EQ(weft_lock_release(&lock), -EPERM);
}

static void replace_hooks(struct member *me)
{
	while (!atomic_load(&pair.stop)) {
		weft_set_misuse_hook(note_first, &arguments[0]);
		weft_set_misuse_hook(note_second, &arguments[1]);
	}
	(void)me;
}

/* Replaced while reports run, hook and argument still go together, and each report is told to one of them. */
Test(misuse, hook_and_argument_go_together)
{
	unsigned turns = slow_build() ? 100000 : 3000000;
	struct team breakers, replacers;

	weft_set_misuse_hook(note_first, &arguments[0]);
	team_start(&replacers, 2, replace_hooks, NULL);
	team_start(&breakers, 2, break_a_rule, &turns);
	team_join(&breakers);
	atomic_store(&pair.stop, true);
	team_join(&replacers);
	weft_set_misuse_hook(NULL, NULL);
	CHECK_EQ(atomic_load(&pair.told[0]) + atomic_load(&pair.told[1]), 2 * turns);
}
