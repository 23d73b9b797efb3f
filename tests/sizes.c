/* SPDX-License-Identifier: MIT */
/*
 * Sizes and alignments, which the soname freezes: a program that embeds an object must work with every later library of
 * that soname. A number here changes only together with it.
 */
#include <stdalign.h>
#include <stddef.h>
#include <string.h>

#include <weft.h>

#include "test.h"

#define FROZEN(type, size, alignment)                                                                                  \
	_Static_assert(sizeof(struct type) == (size), "size of " #type);                                               \
	_Static_assert(alignof(struct type) == (alignment), "alignment of " #type)

FROZEN(weft_lock, 4, 4);
FROZEN(weft_event, 4, 4);
FROZEN(weft_once, 4, 4);
FROZEN(weft_latch, 8, 4);
FROZEN(weft_sem, 16, 4);
FROZEN(weft_rlock, 16, 8);
FROZEN(weft_cond, 40, 8);
FROZEN(weft_barrier, 48, 8);

/* What the inline functions reach into is frozen too: it is compiled into programs. */
_Static_assert(offsetof(struct weft_lock, word) == 0, "lock");
_Static_assert(offsetof(struct weft_event, word) == 0, "event");
_Static_assert(offsetof(struct weft_rlock, lock) == 0, "rlock");
_Static_assert(offsetof(struct weft_rlock, depth) == 4, "rlock");
_Static_assert(offsetof(struct weft_rlock, owner) == 8, "rlock");
_Static_assert(offsetof(struct weft_sem, count) == 0, "sem");
_Static_assert(offsetof(struct weft_sem, slack) == 12, "sem");
_Static_assert(offsetof(struct weft_once, word) == 0, "once");
_Static_assert(offsetof(struct weft_latch, word) == 0, "latch");
_Static_assert(offsetof(struct weft_latch, gate) == 4, "latch");

/* And what the static initialisers write. */
_Static_assert(offsetof(struct weft_cond, lock) == 0, "cond");
_Static_assert(offsetof(struct weft_cond, flags) == 36, "cond");
_Static_assert(offsetof(struct weft_barrier, parties_less_one) == 12, "barrier");

static int succeed(void *arg)
{
	(void)arg;
	return 0;
}

/* The word of a free and of a held object, as programs compiled today will always see them. */
Test(sizes, inline_words)
{
	struct weft_lock lock = WEFT_LOCK_INIT;
	struct weft_rlock rlock = WEFT_RLOCK_INIT;
	struct weft_event event = WEFT_EVENT_INIT;
	struct weft_sem sem = WEFT_SEM_INIT(3);
	struct weft_once once = WEFT_ONCE_INIT;
	struct weft_latch latch = WEFT_LATCH_INIT(3);

	CHECK_EQ(atomic_load(&lock.word), 0);
	weft_lock_acquire(&lock);
	CHECK_EQ(atomic_load(&lock.word), 1);
	weft_lock_release(&lock);
	CHECK_EQ(atomic_load(&lock.word), 0);

	weft_rlock_acquire(&rlock);
	weft_rlock_acquire(&rlock);
	CHECK_EQ(atomic_load(&rlock.lock.word), 1);
	CHECK_EQ(atomic_load(&rlock.depth), 2);
	CHECK_NE(atomic_load(&rlock.owner), 0);
	weft_rlock_release(&rlock);
	weft_rlock_release(&rlock);
	CHECK_EQ(atomic_load(&rlock.lock.word), 0);
	CHECK_EQ(atomic_load(&rlock.owner), 0);

	CHECK_EQ(atomic_load(&event.word) & 1, 0);
	weft_event_set(&event);
	CHECK_EQ(atomic_load(&event.word) & 1, 1);

	CHECK_EQ(atomic_load(&sem.count), 3);
	weft_sem_acquire(&sem);
	CHECK_EQ(atomic_load(&sem.count), 2);

	CHECK_EQ(weft_once_call(&once, succeed, NULL), 0);
	CHECK_EQ(atomic_load(&once.word), 1);

	CHECK_EQ(atomic_load(&latch.word), 3 << 8);
	CHECK_EQ(weft_latch_count_down(&latch, 2), 0);
	CHECK_EQ(atomic_load(&latch.word), 1 << 8);
	CHECK_EQ(atomic_load(&latch.gate), 0);
}

/* GEN-05: zeroed memory is the static initialiser, byte for byte. */
Test(sizes, zeroed_is_valid)
{
	static const struct weft_lock lock = WEFT_LOCK_INIT;
	static const struct weft_rlock rlock = WEFT_RLOCK_INIT;
	static const struct weft_event event = WEFT_EVENT_INIT;
	static const struct weft_cond cond = WEFT_COND_INIT;
	static const struct weft_sem sem = WEFT_SEM_INIT(0);
	static const struct weft_barrier barrier = WEFT_BARRIER_INIT(1);
	static const struct weft_once once = WEFT_ONCE_INIT;
	static const struct weft_latch latch = WEFT_LATCH_INIT(0);
	static const unsigned char zeros[64];

	CHECK(memcmp((const void *)&lock, zeros, sizeof(lock)) == 0);
	CHECK(memcmp((const void *)&rlock, zeros, sizeof(rlock)) == 0);
	CHECK(memcmp((const void *)&event, zeros, sizeof(event)) == 0);
	CHECK(memcmp((const void *)&cond, zeros, sizeof(cond)) == 0);
	CHECK(memcmp((const void *)&sem, zeros, sizeof(sem)) == 0);
	CHECK(memcmp((const void *)&barrier, zeros, sizeof(barrier)) == 0);
	CHECK(memcmp((const void *)&once, zeros, sizeof(once)) == 0);
	CHECK(memcmp((const void *)&latch, zeros, sizeof(latch)) == 0);
}
