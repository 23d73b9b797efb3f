/* SPDX-License-Identifier: MIT */
/*
 * scenario-cond.c - notify lets exactly so many go, the oldest, and nobody else; no wake-up is lost to a time-out
 * or a token.
 */
#include <weft/cond.h>
#include <weft/event.h>

#include "explore.h"

struct shop {
	struct weft_lock lock;
	struct weft_cond cond;
	struct weft_event cancel;
	unsigned waiting; /* all below protected by the lock */
	unsigned items;
	unsigned notified; /* how many notify said it let go */
	unsigned served;   /* how many waits returned 0 */
	unsigned turn;	   /* arrivals so far */
	unsigned may_go;   /* arrivals below this were notified */
	unsigned out;
};

static void *begin(void)
{
	struct shop *const shop = explore_alloc(sizeof(*shop), "cond");

	weft_cond_init_lock(&shop->cond, &shop->lock);
	return shop;
}

static void *begin_own(void)
{
	struct shop *const shop = explore_alloc(sizeof(*shop), "cond");

	weft_cond_init(&shop->cond);
	return shop;
}

static void end(void *state)
{
	struct shop *const shop = state;

	explore_check(!weft_cond_locked(&shop->cond));
	explore_check(shop->served == shop->notified);
	explore_check(weft_cond_destroy(&shop->cond) == 0);
	explore_check(weft_cond_wait(&shop->cond) == -EPERM);
	explore_check(weft_cond_notify(&shop->cond, 1) == -EPERM);
}

static void notify(struct shop *shop, unsigned n)
{
	const int rc = weft_cond_notify(&shop->cond, n);

	explore_check(rc >= 0 && (unsigned)rc <= n);
	shop->notified += (unsigned)rc;
	shop->may_go += (unsigned)rc;
}

static void wait_until_waiting(struct shop *shop, unsigned n)
{
	for (;;) {
		explore_check(weft_cond_acquire(&shop->cond) == 0);
		if (shop->waiting >= n)
			return;
		explore_check(weft_cond_release(&shop->cond) == 0);
		explore_yield();
	}
}

/* A wait in order of arrival, which ends for those whose turn it is and for nobody else. */
static void wait_turn(struct shop *shop)
{
	unsigned turn;

	explore_check(weft_cond_acquire(&shop->cond) == 0);
	turn = shop->turn++;
	shop->waiting++;
	explore_check(weft_cond_wait(&shop->cond) == 0);
	explore_check(turn < shop->may_go);
	shop->served++;
	explore_check(weft_cond_release(&shop->cond) == 0);
}

static void fifo(void *state, unsigned number)
{
	struct shop *const shop = state;
	const unsigned others = explore_threads() - 1;

	if (number > 0) {
		wait_turn(shop);
		return;
	}
	wait_until_waiting(shop, others);
	notify(shop, others - 1);
	explore_check(shop->notified == others - 1);
	weft_cond_release(&shop->cond);
	explore_step();
	weft_cond_acquire(&shop->cond);
	notify(shop, 5);
	explore_check(shop->notified == others);
	weft_cond_release(&shop->cond);
}

static void all(void *state, unsigned number)
{
	struct shop *const shop = state;
	const unsigned others = explore_threads() - 1;

	if (number > 0) {
		wait_turn(shop);
		return;
	}
	wait_until_waiting(shop, others);
	shop->may_go = others;
	explore_check(weft_cond_notify_all(&shop->cond) == (int)others);
	shop->notified = others;
	weft_cond_release(&shop->cond);
}

/* One at a time, and those who come meanwhile. */
static void singles(void *state, unsigned number)
{
	struct shop *const shop = state;
	const unsigned others = explore_threads() - 1;

	if (number > 0) {
		wait_turn(shop);
		return;
	}
	for (unsigned i = 0; i < others; i++) {
		wait_until_waiting(shop, i + 1);
		notify(shop, 1);
		weft_cond_release(&shop->cond);
	}
}

/* Patient ones, and those who give up: as many return 0 as notify says. */
static void timed_wait(struct shop *shop, struct weft_event *cancel)
{
	int rc;

	explore_check(weft_cond_acquire(&shop->cond) == 0);
	rc = weft_cond_wait_until(&shop->cond, 1000000000 + 6000, cancel);
	explore_check(rc == 0 || rc == -ETIMEDOUT || (cancel != NULL && rc == -ECANCELED));
	explore_check(weft_cond_locked(&shop->cond) && shop->out++ == 0);
	explore_step();
	shop->out--;
	shop->served += rc == 0;
	explore_check(weft_cond_release(&shop->cond) == 0);
}

static void with_timed(void *state, unsigned number)
{
	struct shop *const shop = state;

	if (number > 1) {
		timed_wait(shop, NULL);
	} else if (number == 1) {
		explore_check(weft_cond_acquire(&shop->cond) == 0);
		shop->waiting++;
		explore_check(weft_cond_wait(&shop->cond) == 0);
		shop->served++;
		shop->items = 1;
		explore_check(weft_cond_release(&shop->cond) == 0);
	} else {
		wait_until_waiting(shop, 1);
		while (shop->items == 0) {
			notify(shop, 1);
			weft_cond_release(&shop->cond);
			explore_yield();
			weft_cond_acquire(&shop->cond);
		}
		weft_cond_release(&shop->cond);
	}
}

static void only_timed(void *state, unsigned number)
{
	struct shop *const shop = state;

	if (number == 0)
		for (int i = 0; i < 3; i++) {
			weft_cond_acquire(&shop->cond);
			notify(shop, 1);
			weft_cond_release(&shop->cond);
		}
	else
		timed_wait(shop, NULL);
}

static void with_cancel(void *state, unsigned number)
{
	struct shop *const shop = state;

	switch (number) {
	case 0:
		for (int i = 0; i < 2; i++) {
			weft_cond_acquire(&shop->cond);
			notify(shop, 1);
			weft_cond_release(&shop->cond);
		}
		break;
	case 1:
		weft_event_set(&shop->cancel);
		break;
	default:
		timed_wait(shop, &shop->cancel);
	}
}

/* Items and who takes them: no item stays while a thread waits for one. */
static int has_item(void *arg)
{
	struct shop *const shop = arg;

	return shop->items > 0;
}

static void consume(struct shop *shop, bool patient)
{
	int rc;

	explore_check(weft_cond_acquire(&shop->cond) == 0);
	rc = patient ? weft_cond_wait_pred(&shop->cond, has_item, shop)
		     : weft_cond_wait_pred_for(&shop->cond, has_item, shop, 4000);
	explore_check(rc == 1 || (!patient && rc == -ETIMEDOUT));
	if (rc == 1) {
		explore_check(shop->items-- > 0);
		if (!patient) { /* give it on */
			shop->items++;
			weft_cond_notify(&shop->cond, 1);
		}
	}
	explore_check(weft_cond_release(&shop->cond) == 0);
}

static void items(void *state, unsigned number)
{
	struct shop *const shop = state;

	if (number == 0) {
		for (int i = 0; i < 2; i++) {
			weft_cond_acquire(&shop->cond);
			shop->items++;
			weft_cond_notify(&shop->cond, 1);
			weft_cond_release(&shop->cond);
		}
	} else {
		consume(shop, number <= 2);
	}
}

static void end_items(void *state)
{
	struct shop *const shop = state;

	explore_check(shop->items == 0 && weft_cond_destroy(&shop->cond) == 0);
}

/* All levels of the rlock are given up, and come back. */
static void deep(void *state, unsigned number)
{
	struct shop *const shop = state;

	weft_cond_acquire(&shop->cond);
	weft_cond_acquire(&shop->cond);
	if (number == 0) {
		while (shop->waiting < explore_threads() - 1) {
			weft_cond_release(&shop->cond);
			weft_cond_release(&shop->cond);
			explore_yield();
			weft_cond_acquire(&shop->cond);
			weft_cond_acquire(&shop->cond);
		}
		notify(shop, 2);
	} else {
		shop->waiting++;
		explore_check(weft_cond_wait(&shop->cond) == 0);
		shop->served++;
	}
	explore_check(weft_rlock_depth(&shop->cond.own) == 2);
	explore_check(weft_cond_release(&shop->cond) == 0);
	explore_check(weft_rlock_owned(&shop->cond.own));
	explore_check(weft_cond_release(&shop->cond) == 0);
	explore_check(!weft_rlock_owned(&shop->cond.own));
}

/* The condition goes as soon as all have been notified; its lock stays. */
struct stand {
	struct weft_lock lock;
	unsigned waiting;
	struct weft_cond *cond;
};

static void *begin_stand(void)
{
	struct stand *const stand = explore_alloc(sizeof(*stand), "lock");

	stand->cond = explore_alloc(sizeof(*stand->cond), "cond");
	weft_cond_init_lock(stand->cond, &stand->lock);
	return stand;
}

static void free_after_notify(void *state, unsigned number)
{
	struct stand *const stand = state;

	weft_lock_acquire(&stand->lock);
	if (number > 0) {
		stand->waiting++;
		if (number == 1)
			explore_check(weft_cond_wait(stand->cond) == 0);
		else
			(void)!weft_cond_wait_for(stand->cond, 3000);
		weft_lock_release(&stand->lock);
		return;
	}
	while (stand->waiting < explore_threads() - 1) {
		weft_lock_release(&stand->lock);
		explore_yield();
		weft_lock_acquire(&stand->lock);
	}
	weft_cond_notify_all(stand->cond);
	if (explore_threads() == 2)
		explore_free(stand->cond);
	weft_lock_release(&stand->lock);
}

const struct explore_scenario explore_cond[] = {
	{ "cond-fifo-3", 3, 90, begin, fifo, end, 0 },
	{ "cond-fifo-4", 4, 130, begin, fifo, end, 0 },
	{ "cond-fifo-own-4", 4, 150, begin_own, fifo, end, 0 },
	{ "cond-all-3", 3, 80, begin, all, end, 0 },
	{ "cond-all-4", 4, 120, begin, all, end, 0 },
	{ "cond-all-5", 5, 150, begin, all, end, 0 },
	{ "cond-singles-3", 3, 90, begin, singles, end, 0 },
	{ "cond-singles-4", 4, 120, begin, singles, end, 0 },
	{ "cond-with-timed-3", 3, 100, begin, with_timed, end, 0 },
	{ "cond-with-timed-4", 4, 140, begin, with_timed, end, 0 },
	{ "cond-only-timed-2", 2, 70, begin, only_timed, end, 0 },
	{ "cond-only-timed-4", 4, 130, begin, only_timed, end, 0 },
	{ "cond-only-timed-own-3", 3, 110, begin_own, only_timed, end, 0 },
	{ "cond-cancel-3", 3, 80, begin, with_cancel, end, 0 },
	{ "cond-cancel-4", 4, 110, begin, with_cancel, end, 0 },
	{ "cond-items-3", 3, 90, begin, items, end_items, 0 },
	{ "cond-items-4", 4, 120, begin, items, end_items, 0 },
	{ "cond-items-5", 5, 150, begin, items, end_items, 0 },
	{ "cond-deep-3", 3, 150, begin_own, deep, end, 0 },
	{ "cond-free-2", 2, 50, begin_stand, free_after_notify, NULL, 0 },
	{ "cond-free-3", 3, 80, begin_stand, free_after_notify, NULL, 0 },
	{ 0 },
};
