/* SPDX-License-Identifier: MIT */
/*
 * Descriptions: GEN-08, EVT, SEM-10, COND-20, BAR-13 as far as they are texts.
 */
#include <stdlib.h>
#include <string.h>

#include <weft.h>

#include "test.h"

typedef size_t describe_fn(const void *object, char *buf, size_t size);

#define DESCRIBES(kind)                                                                                                \
	static size_t describe_##kind(const void *object, char *buf, size_t size)                                      \
	{                                                                                                              \
		const struct weft_##kind *const kind = object;                                                         \
		char generic[160];                                                                                     \
		const size_t length = weft_##kind##_describe(kind, buf, size);                                         \
                                                                                                                       \
		CHECK_EQ(weft_describe(kind, generic, sizeof(generic)), length);                                       \
		if (size > length)                                                                                     \
			CHECK_STR(generic, buf);                                                                       \
		return length;                                                                                         \
	}

DESCRIBES(lock)
DESCRIBES(rlock)
DESCRIBES(event)
DESCRIBES(cond)
DESCRIBES(sem)
DESCRIBES(barrier)

/*
 * For every size of buffer: the same return, the text cut to fit and terminated, and no byte beyond; the object is not
 * changed. @text: room for the whole one.
 */
static void describe_all_sizes(const void *object, size_t object_size, describe_fn *describe, char text[160])
{
	unsigned char before[64];
	size_t length, size, i;

	if (!UNDER_TSAN)	/* to which a copy of an object that others sleep in is a race */
		memcpy(before, object, object_size);
	length = describe(object, NULL, 0);
	CHECK_GT(length, 0);
	CHECK_LT(length, 100);
	CHECK_EQ(describe(object, text, 160), length);
	CHECK_EQ(strlen(text), length);
	for (size = 0; size <= length + 2; size++) {
		char buf[160];

		memset(buf, '#', sizeof(buf));
		CHECK_RET(describe(object, buf, size), length);
		if (size > 0) {
			const size_t fits = size - 1 < length ? size - 1 : length;

			CHECK_EQ(memcmp(buf, text, fits), 0);
			CHECK_EQ(buf[fits], '\0');
		}
		for (i = size; i < sizeof(buf); i++)
			CHECK_EQ(buf[i], '#');
	}
	if (!UNDER_TSAN)
		CHECK(memcmp(before, object, object_size) == 0);
}

#define DESCRIBE(kind, object, text) describe_all_sizes((object), sizeof(*(object)), describe_##kind, (text))

static void check_text(const char *text, const char *expected)
{
	CHECK_STR(text, expected);
}

static void check_contains(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		FAIL("\"%s\" is not in \"%s\"", part, text);
}

/* GEN-08: "locked" or "unlocked"; with threads waiting it says more. */
static void pass_lock(struct member *me)
{
	weft_lock_acquire(me->arg);
	weft_lock_release(me->arg);
}

Test(describe, lock)
{
	struct weft_lock lock = WEFT_LOCK_INIT;
	struct team team;
	char text[160];

	DESCRIBE(lock, &lock, text);
	check_text(text, "unlocked");
	weft_lock_acquire(&lock);
	DESCRIBE(lock, &lock, text);
	check_text(text, "locked");
	team_start(&team, 3, pass_lock, &lock);
	team_wait_asleep(&team, 3);
	DESCRIBE(lock, &lock, text);
	CHECK(strncmp(text, "locked, ", 8) == 0);
	weft_lock_release(&lock);
	team_join(&team);
	DESCRIBE(lock, &lock, text);
	check_text(text, "unlocked");

	weft_lock_init_shared(&lock);
	DESCRIBE(lock, &lock, text);
	check_text(text, "unlocked");
	weft_lock_acquire(&lock);
	DESCRIBE(lock, &lock, text);
	check_text(text, "locked");
}

/* GEN-08: owner and depth; the true depth also when another thread asks. */
static char rlock_text_elsewhere[160];

static void describe_rlock_elsewhere(struct member *me)
{
	weft_rlock_describe(me->arg, rlock_text_elsewhere, sizeof(rlock_text_elsewhere));
}

static void pass_rlock(struct member *me)
{
	weft_rlock_acquire(me->arg);
	weft_rlock_release(me->arg);
}

static void check_rlock_texts(struct weft_rlock *rlock)
{
	struct team team;
	char text[160];

	DESCRIBE(rlock, rlock, text);
	check_text(text, "unlocked");
	weft_rlock_acquire(rlock);
	weft_rlock_acquire(rlock);
	weft_rlock_acquire(rlock);
	DESCRIBE(rlock, rlock, text);
	CHECK(strncmp(text, "locked", 6) == 0);
	check_contains(text, "owner ");
	check_contains(text, "depth 3");
	team_run(1, describe_rlock_elsewhere, rlock);
	check_text(rlock_text_elsewhere, text);
	weft_rlock_release(rlock);
	DESCRIBE(rlock, rlock, text);
	check_contains(text, "depth 2");
	team_start(&team, 2, pass_rlock, rlock);
	team_wait_asleep(&team, 2);
	DESCRIBE(rlock, rlock, text);
	CHECK(strncmp(text, "locked", 6) == 0);
	check_contains(text, "depth 2");
	weft_rlock_release(rlock);
	weft_rlock_release(rlock);
	team_join(&team);
	DESCRIBE(rlock, rlock, text);
	check_text(text, "unlocked");
}

Test(describe, rlock)
{
	struct weft_rlock rlock = WEFT_RLOCK_INIT;

	check_rlock_texts(&rlock);
	weft_rlock_init_shared(&rlock);
	check_rlock_texts(&rlock);
}

/* GEN-08 */
Test(describe, event)
{
	struct weft_event event = WEFT_EVENT_INIT;
	char text[160];

	DESCRIBE(event, &event, text);
	check_text(text, "unset");
	weft_event_set(&event);
	DESCRIBE(event, &event, text);
	check_text(text, "set");
	weft_event_clear(&event);
	DESCRIBE(event, &event, text);
	check_text(text, "unset");
	CHECK_RET(weft_event_wait_for(&event, 1), -ETIMEDOUT);
	DESCRIBE(event, &event, text);
	check_text(text, "unset");
}

/* GEN-08, SEM-10: value=v, bounded value=v/max. */
static void take_permit(struct member *me)
{
	weft_sem_acquire(me->arg);
}

Test(describe, sem)
{
	struct weft_sem sem = WEFT_SEM_INIT(2);
	struct team team;
	char text[160];

	DESCRIBE(sem, &sem, text);
	check_text(text, "value=2");
	weft_sem_acquire(&sem);
	weft_sem_acquire(&sem);
	DESCRIBE(sem, &sem, text);
	check_text(text, "value=0");
	team_start(&team, 3, take_permit, &sem);
	team_wait_asleep(&team, 3);
	DESCRIBE(sem, &sem, text);
	CHECK(strncmp(text, "value=0", 7) == 0);
	weft_sem_release_n(&sem, 5);
	team_join(&team);
	DESCRIBE(sem, &sem, text);
	check_text(text, "value=2");

	weft_sem_init_bounded(&sem, 5);
	weft_sem_acquire(&sem);
	DESCRIBE(sem, &sem, text);
	check_text(text, "value=4/5");
	weft_sem_init_bounded(&sem, 0);
	DESCRIBE(sem, &sem, text);
	check_text(text, "value=0/0");
	weft_sem_init(&sem, WEFT_SEM_MAX);
	DESCRIBE(sem, &sem, text);
	check_text(text, "value=2147483647");
}

/* GEN-08, COND-20: the lock's text, and how many wait. */
static void wait_notified(struct member *me)
{
	weft_cond_acquire(me->arg);
	weft_cond_wait(me->arg);
	weft_cond_release(me->arg);
}

Test(describe, cond)
{
	struct weft_lock lock = WEFT_LOCK_INIT;
	struct weft_cond cond = WEFT_COND_INIT, on_lock = WEFT_COND_INIT_LOCK(&lock);
	struct team team;
	char text[160];

	DESCRIBE(cond, &cond, text);
	check_contains(text, "unlocked");
	check_contains(text, "0 waiting");
	weft_cond_acquire(&cond);
	weft_cond_acquire(&cond);
	DESCRIBE(cond, &cond, text);
	check_contains(text, "locked");
	check_contains(text, "depth 2");
	CHECK(strstr(text, "unlocked") == NULL);
	weft_cond_release(&cond);
	weft_cond_release(&cond);

	team_start(&team, 2, wait_notified, &cond);
	team_wait_asleep(&team, 2);
	DESCRIBE(cond, &cond, text);
	check_contains(text, "2 waiting");
	weft_cond_acquire(&cond);
	CHECK_RET(weft_cond_notify_all(&cond), 2);
	weft_cond_release(&cond);
	team_join(&team);
	DESCRIBE(cond, &cond, text);
	check_contains(text, "0 waiting");

	DESCRIBE(cond, &on_lock, text);
	check_contains(text, "unlocked");
	weft_lock_acquire(&lock);
	DESCRIBE(cond, &on_lock, text);
	check_contains(text, "locked");
	CHECK(strstr(text, "unlocked") == NULL);
}

/* GEN-08, BAR-13: waiters=a/b or broken. */
static void arrive(struct member *me)
{
	(void)!weft_barrier_wait(me->arg);
}

Test(describe, barrier)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(3);
	struct team team;
	char text[160];

	DESCRIBE(barrier, &barrier, text);
	check_text(text, "waiters=0/3");
	team_start(&team, 2, arrive, &barrier);
	team_wait_asleep(&team, 2);
	DESCRIBE(barrier, &barrier, text);
	check_text(text, "waiters=2/3");
	weft_barrier_abort(&barrier);
	team_join(&team);
	DESCRIBE(barrier, &barrier, text);
	check_text(text, "broken");
	weft_barrier_reset(&barrier);
	DESCRIBE(barrier, &barrier, text);
	check_text(text, "waiters=0/3");
}

/* GEN-08: it never blocks and disturbs nobody, while others use the objects as fast as they can. */
struct zoo {
	struct weft_lock lock;
	struct weft_rlock rlock;
	struct weft_event event;
	struct weft_sem sem;
	struct weft_cond cond;
	struct weft_barrier barrier;
	atomic_bool stop;
};

static void use_all(struct member *me)
{
	struct zoo *zoo = me->arg;

	while (!atomic_load(&zoo->stop)) {
		weft_lock_acquire(&zoo->lock);
		weft_lock_release(&zoo->lock);
		weft_rlock_acquire(&zoo->rlock);
		weft_rlock_acquire(&zoo->rlock);
		weft_rlock_release(&zoo->rlock);
		weft_rlock_release(&zoo->rlock);
		weft_event_set(&zoo->event);
		weft_event_clear(&zoo->event);
		weft_sem_acquire(&zoo->sem);
		weft_sem_release(&zoo->sem);
		weft_cond_acquire(&zoo->cond);
		CHECK_EQ(weft_cond_wait_for(&zoo->cond, 0), -ETIMEDOUT);
		weft_cond_notify(&zoo->cond, 1);
		weft_cond_release(&zoo->cond);
		CHECK_EQ(weft_barrier_wait(&zoo->barrier), 0);
	}
}

Test(describe, of_busy_objects)
{
	const int64_t until_ns = clock_ns() + 200 * MS;
	struct team team;
	struct zoo zoo;
	char text[160];

	memset((void *)&zoo, 0, sizeof(zoo));
	weft_sem_release(&zoo.sem);
	team_start(&team, 1, use_all, &zoo);
	while (clock_ns() < until_ns) {
		CHECK_LT(weft_lock_describe(&zoo.lock, text, sizeof(text)), sizeof(text));
		CHECK_LT(weft_rlock_describe(&zoo.rlock, text, sizeof(text)), sizeof(text));
		CHECK_LT(weft_event_describe(&zoo.event, text, sizeof(text)), sizeof(text));
		CHECK_LT(weft_sem_describe(&zoo.sem, text, sizeof(text)), sizeof(text));
		CHECK_LT(weft_cond_describe(&zoo.cond, text, sizeof(text)), sizeof(text));
		CHECK_LT(weft_barrier_describe(&zoo.barrier, text, sizeof(text)), sizeof(text));
	}
	atomic_store(&zoo.stop, true);
	team_join(&team);
}
