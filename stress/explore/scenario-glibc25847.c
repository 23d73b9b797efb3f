/* SPDX-License-Identifier: MIT */
/*
 * scenario-glibc25847.c - a condition variable of two groups, with the flaw that glibc's had from 2.26 to 2.40 (bug
 * 25847), restated from what is published about the algorithm. It is here to show that the explorer finds it.
 *
 * Waiters are in one of two groups: those who may be let go, and those who came since. A signal goes to the eligible
 * group, of which is known how many waiters are still owed one. When none is, the group is closed, the newer one
 * becomes eligible, and the closed one's memory takes in newcomers, once nobody sleeps on it.
 *
 * A waiter takes a signal by lowering its group's count of signals. It may do so late, when its group's memory belongs
 * to another group: it has then taken what was meant for someone else. So whoever has taken a signal looks whether its
 * group is over, and if so puts a signal into that memory again. But this look, too, may be late, and cannot tell
 * whose the signal was: if it was the waiter's own, the group there now gets one too many. One of its waiters leaves
 * without being accounted for, a later signal is spent on it, and a waiter in the newer group sleeps for ever.
 *
 * The fixed one tells all waiters as well, when it has the mutex again. It still puts the signal back, as one who
 * sleeps in that group keeps it from being closed.
 */
#include "futex.h"
#include "scenarios.h"

enum { SIGNAL = 2, CLOSED = 1 }; /* in signals */

struct mutex {
	_Atomic uint32_t word; /* 0 free; 1 held; 2 held, and perhaps waited for */
};

struct group {
	_Atomic uint32_t signals;  /* to be taken; bit 0: closed */
	_Atomic uint32_t sleepers; /* who sleep on signals, or are about to */
	unsigned owed;		   /* how many of its waiters have had no signal; inner protects this and all below */
};

struct cond {
	struct mutex inner;
	struct group groups[2];
	unsigned eligible;	  /* which group is */
	unsigned first, size;	  /* its waiters' positions */
	unsigned next;		  /* waiter's position */
	_Atomic uint32_t current; /* 2 * first + eligible, for all to see */
};

struct shop {
	struct mutex mutex;
	struct cond cond;
	unsigned items;
	bool fixed;
};

static void wake(_Atomic uint32_t *word, uint32_t n)
{
	weft__futex_wake(word, n, false);
}

static void sleep_on(_Atomic uint32_t *word, uint32_t value)
{
	(void)weft__futex_wait(word, value, WEFT_FOREVER, false);
}

static void lock(struct mutex *mutex)
{
	uint32_t word = 0;

	if (atomic_compare_exchange_strong(&mutex->word, &word, 1))
		return;
	while (atomic_exchange(&mutex->word, 2) != 0)
		sleep_on(&mutex->word, 2);
}

static void unlock(struct mutex *mutex)
{
	if (atomic_exchange(&mutex->word, 0) == 2)
		wake(&mutex->word, 1);
}

/* ---- signal ---- */

/* Close the eligible group, and make the newer one eligible. Return: whether that has a waiter; else nothing is done. */
static bool change_groups(struct cond *cond)
{
	struct group *const old = &cond->groups[cond->eligible], *const newer = &cond->groups[!cond->eligible];
	uint32_t sleepers;

	if (cond->next == cond->first + cond->size)
		return false;
	atomic_fetch_or(&old->signals, CLOSED);
	while ((sleepers = atomic_load(&old->sleepers)) != 0)
		sleep_on(&old->sleepers, sleepers);
	cond->eligible = !cond->eligible;
	cond->first += cond->size;
	cond->size = cond->next - cond->first;
	newer->owed = cond->size;
	atomic_store(&cond->current, 2 * cond->first + cond->eligible);
	atomic_store(&old->signals, 0); /* open for newcomers */
	return true;
}

static void give(struct group *group, unsigned n)
{
	group->owed -= n;
	atomic_fetch_add(&group->signals, SIGNAL * n);
	wake(&group->signals, n);
}

static void cond_signal(struct cond *cond)
{
	lock(&cond->inner);
	if (cond->groups[cond->eligible].owed > 0 || change_groups(cond))
		give(&cond->groups[cond->eligible], 1);
	unlock(&cond->inner);
}

static void cond_broadcast(struct cond *cond)
{
	lock(&cond->inner);
	do
		if (cond->groups[cond->eligible].owed > 0)
			give(&cond->groups[cond->eligible], cond->groups[cond->eligible].owed);
	while (change_groups(cond));
	unlock(&cond->inner);
}

/* ---- wait ---- */

static void stop_sleeping(struct group *group)
{
	if (atomic_fetch_sub(&group->sleepers, 1) == 1)
		wake(&group->sleepers, 1);
}

/* Return: false: the group is over. */
static bool take_signal(struct cond *cond, struct group *group, unsigned position)
{
	for (;;) {
		uint32_t signals = atomic_load(&group->signals);

		if (signals & CLOSED)
			return false;
		if (signals != 0) {
			if (atomic_compare_exchange_strong(&group->signals, &signals, signals - SIGNAL))
				return true;
			continue;
		}
		atomic_fetch_add(&group->sleepers, 1);
		if (atomic_load(&group->signals) & CLOSED || position < atomic_load(&cond->current) / 2) {
			stop_sleeping(group);
			return false;
		}
		sleep_on(&group->signals, 0);
		stop_sleeping(group);
	}
}

/* Return: whether the signal that was taken may have been another's. */
static bool put_back(struct cond *cond, struct group *group, unsigned position)
{
	const uint32_t current = atomic_load(&cond->current);
	uint32_t signals;

	if (position >= current / 2)
		return false;
	if (group != &cond->groups[current & 1])
		return true;
	signals = atomic_load(&group->signals);
	while (atomic_load(&cond->current) == current)
		if (signals & CLOSED || atomic_compare_exchange_strong(&group->signals, &signals, signals + SIGNAL)) {
			wake(&group->signals, 1);
			break;
		}
	return true;
}

static void cond_wait(struct shop *shop)
{
	struct cond *const cond = &shop->cond;
	struct group *group;
	unsigned position;
	bool doubtful;

	lock(&cond->inner);
	position = cond->next++;
	group = &cond->groups[!cond->eligible];
	unlock(&cond->inner);
	unlock(&shop->mutex);
	doubtful = take_signal(cond, group, position) && put_back(cond, group, position);
	lock(&shop->mutex);
	if (doubtful && shop->fixed)
		cond_broadcast(cond);
}

/* ---- a maker of items, most of them in a row and the last two after a rest, and those who take them ---- */

enum { THREADS = 4, ITEMS = 8, REST = 6 };

static const unsigned takes[THREADS] = { 0, 1, 4, 3 };

static void *begin(void)
{
	return weft_explore_alloc(sizeof(struct shop), "shop");
}

static void *begin_fixed(void)
{
	struct shop *const shop = begin();

	shop->fixed = true;
	return shop;
}

static void make(struct shop *shop)
{
	lock(&shop->mutex);
	shop->items++;
	unlock(&shop->mutex);
	cond_signal(&shop->cond);
}

static void take(struct shop *shop)
{
	lock(&shop->mutex);
	while (shop->items == 0)
		cond_wait(shop);
	shop->items--;
	unlock(&shop->mutex);
}

static void trade(void *state, unsigned number)
{
	for (unsigned i = 0; i < takes[number]; i++)
		take(state);
	for (unsigned i = 0; i < ITEMS && number == 0; i++) {
		if (i == REST)
			weft_explore_yield();
		make(state);
	}
}

static void end(void *state)
{
	struct shop *const shop = state;

	weft_explore_check(shop->items == 0);
}

const struct weft_explore_scenario explore_glibc25847[] = {
	{ .name = "known-glibc25847", .threads = THREADS, .steps = 180, .begin = begin, .thread = trade, .end = end },
	{ .name = "glibc25847-fixed",
	  .threads = THREADS,
	  .steps = 180,
	  .begin = begin_fixed,
	  .thread = trade,
	  .end = end },
	{ 0 },
};
