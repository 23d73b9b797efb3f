/* SPDX-License-Identifier: MIT */
/*
 * scenario-cond.c - notify lets exactly so many go, the oldest, and nobody else; no wake-up is lost to a time-out
 * or a token.
 */
#include <weft/cond.h>
#include <weft/event.h>

#include <weft_sys.h>

#include "scenarios.h"

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
	struct shop *const shop = weft_explore_alloc(sizeof(*shop), "cond");

	weft_cond_init_lock(&shop->cond, &shop->lock);
	return shop;
}

static void *begin_own(void)
{
	struct shop *const shop = weft_explore_alloc(sizeof(*shop), "cond");

	weft_cond_init(&shop->cond);
	return shop;
}

static void *begin_old(void)
{
	weft_sys_refuse_wait2();
	return begin();
}

static void end(void *state)
{
	struct shop *const shop = state;

	weft_explore_check(!weft_cond_locked(&shop->cond));
	weft_explore_check(shop->served == shop->notified);
	weft_explore_check(weft_cond_destroy(&shop->cond) == 0);
	weft_explore_check(weft_cond_wait(&shop->cond) == -EPERM);
	weft_explore_check(weft_cond_notify(&shop->cond, 1) == -EPERM);
}

static void notify(struct shop *shop, unsigned n)
{
	const int rc = weft_cond_notify(&shop->cond, n);

	weft_explore_check(rc >= 0 && (unsigned)rc <= n);
	shop->notified += (unsigned)rc;
	shop->may_go += (unsigned)rc;
}

static void wait_until_waiting(struct shop *shop, unsigned n)
{
	for (;;) {
		weft_explore_check(weft_cond_acquire(&shop->cond) == 0);
		if (shop->waiting >= n)
			return;
		weft_explore_check(weft_cond_release(&shop->cond) == 0);
		weft_explore_yield();
	}
}

/* A wait in order of arrival, which ends for those whose turn it is and for nobody else. */
static void wait_turn(struct shop *shop)
{
	unsigned turn;

	weft_explore_check(weft_cond_acquire(&shop->cond) == 0);
	turn = shop->turn++;
	shop->waiting++;
	weft_explore_check(weft_cond_wait(&shop->cond) == 0);
	weft_explore_check(turn < shop->may_go);
	shop->served++;
	weft_explore_check(weft_cond_release(&shop->cond) == 0);
}

static void fifo(void *state, unsigned number)
{
	struct shop *const shop = state;
	const unsigned others = weft_explore_threads() - 1;

	if (number > 0) {
		wait_turn(shop);
		return;
	}
	wait_until_waiting(shop, others);
	notify(shop, others - 1);
	weft_explore_check(shop->notified == others - 1);
	weft_cond_release(&shop->cond);
	weft_explore_step();
	weft_cond_acquire(&shop->cond);
	notify(shop, 5);
	weft_explore_check(shop->notified == others);
	weft_cond_release(&shop->cond);
}

static void all(void *state, unsigned number)
{
	struct shop *const shop = state;
	const unsigned others = weft_explore_threads() - 1;

	if (number > 0) {
		wait_turn(shop);
		return;
	}
	wait_until_waiting(shop, others);
	shop->may_go = others;
	weft_explore_check(weft_cond_notify_all(&shop->cond) == (int)others);
	shop->notified = others;
	weft_cond_release(&shop->cond);
}

/* One at a time, and those who come meanwhile. */
static void singles(void *state, unsigned number)
{
	struct shop *const shop = state;
	const unsigned others = weft_explore_threads() - 1;

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

	weft_explore_check(weft_cond_acquire(&shop->cond) == 0);
	rc = weft_cond_wait_until(&shop->cond, 1000000000 + 6000, cancel);
	weft_explore_check(rc == 0 || rc == -ETIMEDOUT || (cancel != NULL && rc == -ECANCELED));
	weft_explore_check(weft_cond_locked(&shop->cond) && shop->out++ == 0);
	weft_explore_step();
	shop->out--;
	shop->served += rc == 0;
	weft_explore_check(weft_cond_release(&shop->cond) == 0);
}

static void with_timed(void *state, unsigned number)
{
	struct shop *const shop = state;

	if (number > 1) {
		timed_wait(shop, NULL);
	} else if (number == 1) {
		weft_explore_check(weft_cond_acquire(&shop->cond) == 0);
		shop->waiting++;
		weft_explore_check(weft_cond_wait(&shop->cond) == 0);
		shop->served++;
		shop->items = 1;
		weft_explore_check(weft_cond_release(&shop->cond) == 0);
	} else {
		wait_until_waiting(shop, 1);
		while (shop->items == 0) {
			notify(shop, 1);
			weft_cond_release(&shop->cond);
			weft_explore_yield();
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

/*
 * Who is notified are the oldest that still wait, whatever the others do: @waiting has a bit for each arrival that
 * waits, @may_go one for each that notify let go.
 */
static void fifo_with_timed(void *state, unsigned number)
{
	struct shop *const shop = state;

	if (number == 0) {
		for (unsigned i = 0; i < 3; i++) {
			unsigned n = 1 + weft_explore_choose(2), left;

			weft_cond_acquire(&shop->cond);
			left = (unsigned)weft_cond_notify(&shop->cond, n);
			weft_explore_check(left == n ||
					   (left < n && left == (unsigned)__builtin_popcount(shop->waiting)));
			shop->notified += left;
			for (; left > 0; left--) {
				shop->may_go |= shop->waiting & -shop->waiting;
				shop->waiting &= shop->waiting - 1;
			}
			weft_cond_release(&shop->cond);
		}
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		unsigned turn;
		int rc;

		weft_cond_acquire(&shop->cond);
		turn = 1u << shop->turn++;
		shop->waiting |= turn;
		rc = weft_cond_wait_for(&shop->cond, 2000 + 2000 * number);
		weft_explore_check((rc == 0) == ((shop->may_go & turn) != 0));
		shop->waiting &= ~turn;
		shop->served += rc == 0;
		weft_cond_release(&shop->cond);
	}
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

	weft_explore_check(weft_cond_acquire(&shop->cond) == 0);
	rc = patient ? weft_cond_wait_pred(&shop->cond, has_item, shop)
		     : weft_cond_wait_pred_for(&shop->cond, has_item, shop, 4000);
	weft_explore_check(rc == 1 || (!patient && rc == -ETIMEDOUT));
	if (rc == 1) {
		weft_explore_check(shop->items-- > 0);
		if (!patient) { /* give it on */
			shop->items++;
			weft_cond_notify(&shop->cond, 1);
		}
	}
	weft_explore_check(weft_cond_release(&shop->cond) == 0);
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

	weft_explore_check(shop->items == 0 && weft_cond_destroy(&shop->cond) == 0);
}

/* All levels of the rlock are given up, and come back. */
static void deep(void *state, unsigned number)
{
	struct shop *const shop = state;

	weft_cond_acquire(&shop->cond);
	weft_cond_acquire(&shop->cond);
	if (number == 0) {
		while (shop->waiting < weft_explore_threads() - 1) {
			weft_cond_release(&shop->cond);
			weft_cond_release(&shop->cond);
			weft_explore_yield();
			weft_cond_acquire(&shop->cond);
			weft_cond_acquire(&shop->cond);
		}
		notify(shop, 2);
	} else {
		shop->waiting++;
		weft_explore_check(weft_cond_wait(&shop->cond) == 0);
		shop->served++;
	}
	weft_explore_check(weft_rlock_depth(&shop->cond.own) == 2);
	weft_explore_check(weft_cond_release(&shop->cond) == 0);
	weft_explore_check(weft_rlock_owned(&shop->cond.own));
	weft_explore_check(weft_cond_release(&shop->cond) == 0);
	weft_explore_check(!weft_rlock_owned(&shop->cond.own));
}

/* The condition goes as soon as all have been notified; its lock stays. */
struct stand {
	struct weft_lock lock;
	unsigned waiting;
	struct weft_cond *cond;
};

static void *begin_stand(void)
{
	struct stand *const stand = weft_explore_alloc(sizeof(*stand), "lock");

	stand->cond = weft_explore_alloc(sizeof(*stand->cond), "cond");
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
			weft_explore_check(weft_cond_wait(stand->cond) == 0);
		else
			(void)!weft_cond_wait_for(stand->cond, 3000);
		weft_lock_release(&stand->lock);
		return;
	}
	while (stand->waiting < weft_explore_threads() - 1) {
		weft_lock_release(&stand->lock);
		weft_explore_yield();
		weft_lock_acquire(&stand->lock);
	}
	weft_cond_notify_all(stand->cond);
	if (weft_explore_threads() == 2)
		weft_explore_free(stand->cond);
	weft_lock_release(&stand->lock);
}

const struct weft_explore_scenario explore_cond[] = {
	{ .name = "cond-fifo-3", .threads = 3, .steps = 90, .begin = begin, .thread = fifo, .end = end },
	{ .name = "cond-fifo-4", .threads = 4, .steps = 130, .begin = begin, .thread = fifo, .end = end },
	{ .name = "cond-fifo-own-4", .threads = 4, .steps = 150, .begin = begin_own, .thread = fifo, .end = end },
	{ .name = "cond-all-3", .threads = 3, .steps = 80, .begin = begin, .thread = all, .end = end },
	{ .name = "cond-all-4", .threads = 4, .steps = 120, .begin = begin, .thread = all, .end = end },
	{ .name = "cond-all-5", .threads = 5, .steps = 150, .begin = begin, .thread = all, .end = end },
	{ .name = "cond-singles-3", .threads = 3, .steps = 90, .begin = begin, .thread = singles, .end = end },
	{ .name = "cond-singles-4", .threads = 4, .steps = 120, .begin = begin, .thread = singles, .end = end },
	{ .name = "cond-with-timed-3", .threads = 3, .steps = 100, .begin = begin, .thread = with_timed, .end = end },
	{ .name = "cond-with-timed-4", .threads = 4, .steps = 140, .begin = begin, .thread = with_timed, .end = end },
	{ .name = "cond-only-timed-2", .threads = 2, .steps = 70, .begin = begin, .thread = only_timed, .end = end },
	{ .name = "cond-only-timed-4", .threads = 4, .steps = 130, .begin = begin, .thread = only_timed, .end = end },
	{ .name = "cond-only-timed-own-3",
	  .threads = 3,
	  .steps = 110,
	  .begin = begin_own,
	  .thread = only_timed,
	  .end = end },
	{ .name = "cond-fifo-timed-3", .threads = 3, .begin = begin, .thread = fifo_with_timed, .end = end },
	{ .name = "cond-fifo-timed-4", .threads = 4, .begin = begin, .thread = fifo_with_timed, .end = end },
	{ .name = "cond-fifo-timed-own-4", .threads = 4, .begin = begin_own, .thread = fifo_with_timed, .end = end },
	{ .name = "cond-cancel-3", .threads = 3, .steps = 80, .begin = begin, .thread = with_cancel, .end = end },
	{ .name = "cond-cancel-4", .threads = 4, .steps = 110, .begin = begin, .thread = with_cancel, .end = end },
	{ .name = "cond-cancel-old-3",
	  .threads = 3,
	  .steps = 100,
	  .begin = begin_old,
	  .thread = with_cancel,
	  .end = end },
	{ .name = "cond-items-3", .threads = 3, .steps = 90, .begin = begin, .thread = items, .end = end_items },
	{ .name = "cond-items-4", .threads = 4, .steps = 120, .begin = begin, .thread = items, .end = end_items },
	{ .name = "cond-items-5", .threads = 5, .steps = 150, .begin = begin, .thread = items, .end = end_items },
	{ .name = "cond-deep-3", .threads = 3, .steps = 150, .begin = begin_own, .thread = deep, .end = end },
	{ .name = "cond-free-2", .threads = 2, .steps = 50, .begin = begin_stand, .thread = free_after_notify },
	{ .name = "cond-free-3", .threads = 3, .steps = 80, .begin = begin_stand, .thread = free_after_notify },
	{ 0 },
};
