/* SPDX-License-Identifier: MIT */
/*
 * A user's program, valid as C and as C++: every macro of the public headers, and each object once. tests/headers.sh
 * compiles, links and runs it as many languages. Returns 0 if all went as it should.
 */
#include <stdio.h>
#include <string.h>

#include <weft.h>

static struct weft_lock lock = WEFT_LOCK_INIT;
static struct weft_rlock rlock = WEFT_RLOCK_INIT;
static struct weft_event event = WEFT_EVENT_INIT;
static struct weft_sem sem = WEFT_SEM_INIT(2);
static struct weft_cond cond = WEFT_COND_INIT;
static struct weft_cond cond_on_lock = WEFT_COND_INIT_LOCK(&lock);
static struct weft_cond cond_on_rlock = WEFT_COND_INIT_RLOCK(&rlock);
static struct weft_barrier barrier = WEFT_BARRIER_INIT(1);
static struct weft_once once = WEFT_ONCE_INIT;
static struct weft_latch latch = WEFT_LATCH_INIT(2);

#ifdef __cplusplus
#define STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

STATIC_ASSERT(sizeof(struct weft_lock) == 4, "lock");
STATIC_ASSERT(sizeof(struct weft_event) == 4, "event");
STATIC_ASSERT(sizeof(struct weft_rlock) == 16, "rlock");
STATIC_ASSERT(sizeof(struct weft_sem) == 16, "sem");
STATIC_ASSERT(sizeof(struct weft_cond) == 40, "cond");
STATIC_ASSERT(sizeof(struct weft_barrier) == 48, "barrier");
STATIC_ASSERT(sizeof(struct weft_once) == 4, "once");
STATIC_ASSERT(sizeof(struct weft_latch) == 8, "latch");
STATIC_ASSERT(WEFT_SEC(2) == 2000000000 && WEFT_MSEC(2) == 2000000 && WEFT_USEC(2) == 2000, "units");

static int failures;

#define EXPECT(condition)                                                                                              \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);                        \
			failures++;                                                                                    \
		}                                                                                                      \
	} while (0)

static int always(void *arg)
{
	(void)arg;
	return 1;
}

static int action(void *arg)
{
	++*(int *)arg;
	return 0;
}

static void on_misuse(const void *object, const char *call, int error, void *arg)
{
	EXPECT(object == &lock && error == -EPERM && strcmp(call, "weft_lock_release") == 0);
	++*(int *)arg;
}

/* Guards: released at the end of the block, on every way out, two on a line, nested, without a warning. */
static int guarded(int how)
{
	weft_guard(&lock); weft_guard(&rlock);
	for (int i = 0; i < 3; i++) {
		weft_guard(&sem);
		weft_guard(&rlock);

		EXPECT(weft_rlock_depth(&rlock) == 2);
		if (how == 1)
			return 1;
		if (how == 2)
			break;
		if (how == 3)
			continue;
		if (how == 4)
			goto out;
	}
out:
	EXPECT(weft_sem_value(&sem) == 2 && weft_rlock_depth(&rlock) == 1);
	return how;
}

static int scoped(int how)
{
	int inside = 0;

	weft_with(&lock) weft_with(&rlock) weft_with(&cond) weft_with(&sem) {
		EXPECT(weft_lock_locked(&lock) && weft_rlock_owned(&rlock) && weft_cond_locked(&cond));
		EXPECT(weft_sem_value(&sem) == 1);
		inside++;
		if (how == 1)
			return inside;
		if (how == 2)
			break;
		inside++;
	}
	EXPECT(!weft_lock_locked(&lock) && !weft_rlock_owned(&rlock) && !weft_cond_locked(&cond));
	EXPECT(weft_sem_value(&sem) == 2);
	return inside;
}

static void use_scopes(void)
{
	for (int how = 0; how < 5; how++) {
		EXPECT(guarded(how) == how);
		EXPECT(!weft_lock_locked(&lock) && !weft_rlock_locked(&rlock) && weft_sem_value(&sem) == 2);
	}
	EXPECT(scoped(0) == 2);
	EXPECT(scoped(1) == 1);
	EXPECT(scoped(2) == 1);
	EXPECT(!weft_lock_locked(&lock) && !weft_rlock_locked(&rlock) && weft_sem_value(&sem) == 2);
}

/* An expression with an effect is evaluated once. */
static void use_once(void)
{
	struct weft_lock locks[2] = { WEFT_LOCK_INIT, WEFT_LOCK_INIT };
	struct weft_lock *next = locks;

	weft_with(next++)
		EXPECT(weft_lock_locked(&locks[0]) && !weft_lock_locked(&locks[1]));
	EXPECT(next == locks + 1);
	{
		weft_guard(next++);
		EXPECT(weft_lock_locked(&locks[1]));
	}
	EXPECT(next == locks + 2 && !weft_lock_locked(&locks[1]));
}

static void use_timed(void)
{
	EXPECT(weft_lock_acquire_for(&lock, WEFT_MSEC(1)) == 0);
	EXPECT(weft_lock_acquire_for(&lock, WEFT_SEC(0.001)) == -ETIMEDOUT);
	EXPECT(weft_lock_acquire_until(&lock, weft_now() + WEFT_USEC(5), &event) == -ETIMEDOUT);
	EXPECT(weft_lock_try_acquire(&lock) == -EAGAIN);
	EXPECT(weft_lock_release(&lock) == 0);
	EXPECT(weft_rlock_acquire_for(&rlock, 0) == 0);
	EXPECT(weft_rlock_acquire_until(&rlock, WEFT_FOREVER, NULL) == 0);
	EXPECT(weft_rlock_try_acquire(&rlock) == 0);
	EXPECT(weft_rlock_release(&rlock) == 0 && weft_rlock_release(&rlock) == 0 && weft_rlock_release(&rlock) == 0);
	EXPECT(weft_event_wait_for(&event, WEFT_USEC(1)) == -ETIMEDOUT);
	weft_event_set(&event);
	EXPECT(weft_event_is_set(&event) && weft_event_wait(&event) == 0);
	EXPECT(weft_event_wait_for(&event, 0) == 0 && weft_event_wait_until(&event, 0, NULL) == 0);
	weft_event_clear(&event);
	EXPECT(weft_sem_acquire_for(&sem, 0) == 0 && weft_sem_acquire_until(&sem, 0, NULL) == 0);
	EXPECT(weft_sem_try_acquire(&sem) == -EAGAIN);
	EXPECT(weft_sem_release(&sem) == 0 && weft_sem_release_n(&sem, 1) == 0);
	weft_sleep_for(WEFT_USEC(1));
	EXPECT(weft_sleep_until(weft_now() + WEFT_USEC(1), NULL) == 0);
	EXPECT(weft_seconds(WEFT_MSEC(1500)) > 1.4);
}

static void use_cond(struct weft_cond *any)
{
	EXPECT(weft_cond_notify_all(any) == -EPERM);
	weft_with(any) {
		EXPECT(weft_cond_notify(any, 1) == 0);
		EXPECT(weft_cond_wait_for(any, 0) == -ETIMEDOUT);
		EXPECT(weft_cond_wait_pred(any, always, NULL) == 1);
		EXPECT(weft_cond_wait_pred_for(any, always, NULL, WEFT_SEC(1)) == 1);
	}
	EXPECT(!weft_cond_locked(any));
}

static void use_barrier(void)
{
	int rounds = 0;

	weft_barrier_set_action(&barrier, action, &rounds);
	weft_barrier_set_timeout(&barrier, WEFT_SEC(1));
	EXPECT(weft_barrier_wait(&barrier) == 0 && weft_barrier_wait_for(&barrier, 0) == 0 && rounds == 2);
	weft_barrier_abort(&barrier);
	EXPECT(weft_barrier_broken(&barrier) && weft_barrier_wait(&barrier) == -EPIPE);
	weft_barrier_reset(&barrier);
	EXPECT(weft_barrier_parties(&barrier) == 1 && weft_barrier_n_waiting(&barrier) == 0);
}

static void use_once_and_latch(void)
{
	int (*volatile call)(struct weft_once *, int (*)(void *), void *) = weft_once_call;
	int (*volatile wait)(struct weft_latch *) = weft_latch_wait;
	int runs = 0;

	EXPECT(!weft_once_done(&once) && weft_once_call(&once, action, &runs) == 0 && weft_once_done(&once));
	EXPECT(weft_once_call(&once, action, &runs) == 0 && call(&once, action, &runs) == 0 && runs == 1);
	EXPECT(weft_latch_wait_for(&latch, WEFT_USEC(1)) == -ETIMEDOUT && weft_latch_count(&latch) == 2);
	EXPECT(weft_latch_count_up(&latch, 1) == 0 && weft_latch_count_down(&latch, 3) == 0 && wait(&latch) == 0);
	EXPECT(weft_latch_wait(&latch) == 0 && weft_latch_wait_until(&latch, 0, &event) == 0);
	EXPECT(weft_latch_count_up(&latch, WEFT_LATCH_MAX) == 0);
	EXPECT(weft_once_destroy(&once) == 0 && weft_latch_destroy(&latch) == 0);
}

/* Of the address of an object and of a pointer to a constant one. */
static void use_describe(void)
{
	const struct weft_lock *const constant = &lock;
	char text[100];

	EXPECT(weft_describe(&lock, text, sizeof(text)) == strlen("unlocked") && strcmp(text, "unlocked") == 0);
	EXPECT(weft_describe(constant, text, sizeof(text)) == strlen("unlocked"));
	EXPECT(weft_describe(&rlock, text, sizeof(text)) == strlen("unlocked"));
	EXPECT(weft_describe(&event, text, sizeof(text)) == strlen("unset"));
	EXPECT(weft_describe(&sem, text, sizeof(text)) == strlen("value=2"));
	EXPECT(weft_describe(&once, text, sizeof(text)) == strlen("done"));
	EXPECT(weft_describe(&latch, text, sizeof(text)) == strlen("count=16777215"));
	EXPECT(weft_describe(&cond, NULL, 0) > 0);
	EXPECT(weft_describe(&barrier, text, sizeof(text)) == strlen("waiters=0/1"));
}

static void use_misuse_hook(void)
{
	int told = 0;

	weft_set_misuse_hook(on_misuse, &told);
	EXPECT(weft_lock_release(&lock) == -EPERM && told == 1);
	weft_set_misuse_hook(NULL, NULL);
	EXPECT(weft_lock_release(&lock) == -EPERM && told == 1);
}

/* Without inlining, through pointers: the library has each inline function as well. */
static void use_exported(void)
{
	int (*volatile acquire)(struct weft_lock *) = weft_lock_acquire;
	int (*volatile release)(struct weft_lock *) = weft_lock_release;
	bool (*volatile is_set)(const struct weft_event *) = weft_event_is_set;
	int (*volatile take)(struct weft_sem *) = weft_sem_acquire;
	int (*volatile give)(struct weft_sem *) = weft_sem_release;
	int (*volatile enter)(struct weft_rlock *) = weft_rlock_acquire;
	int (*volatile leave)(struct weft_rlock *) = weft_rlock_release;

	EXPECT(acquire(&lock) == 0 && weft_lock_locked(&lock) && release(&lock) == 0);
	EXPECT(!is_set(&event));
	EXPECT(take(&sem) == 0 && weft_sem_value(&sem) == 1 && give(&sem) == 0);
	EXPECT(enter(&rlock) == 0 && enter(&rlock) == 0 && leave(&rlock) == 0 && leave(&rlock) == 0);
}

int main(void)
{
	struct weft_lock *const both[] = { &lock, &cond.own.lock };

	use_scopes();
	use_once();
	use_timed();
	use_cond(&cond);
	use_cond(&cond_on_lock);
	use_cond(&cond_on_rlock);
	use_barrier();
	use_once_and_latch();
	use_describe();
	use_misuse_hook();
	use_exported();
	EXPECT(weft_lock_acquire_many(both, 2) == 0);
	EXPECT(weft_lock_release(both[0]) == 0 && weft_lock_release(both[1]) == 0);
	EXPECT(weft_lock_destroy(&lock) == 0 && weft_rlock_destroy(&rlock) == 0 && weft_event_destroy(&event) == 0);
	EXPECT(weft_sem_destroy(&sem) == 0 && weft_cond_destroy(&cond) == 0 && weft_barrier_destroy(&barrier) == 0);
	return failures != 0;
}
