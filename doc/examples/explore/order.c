/* SPDX-License-Identifier: MIT */
/*
 * order.c - two accounts, each with a lock, and transfers in both directions: a deadlock.
 */
#include <weft.h>
#include <weft/explore.h>

struct account {
	struct weft_lock lock;
	int money;
};

static void transfer(struct account *from, struct account *to)
{
	weft_lock_acquire(&from->lock);
	weft_lock_acquire(&to->lock);
	from->money--;
	to->money++;
	weft_lock_release(&to->lock);
	weft_lock_release(&from->lock);
}

static void *begin(void)
{
	return weft_explore_alloc(2 * sizeof(struct account), "accounts");
}

static void thread(void *state, unsigned number)
{
	struct account *const accounts = state;

	transfer(&accounts[number], &accounts[1 - number]);
}

static void end(void *state)
{
	const struct account *const accounts = state;

	weft_explore_check(accounts[0].money == 0 && accounts[1].money == 0);
}

int main(int argc, char **argv)
{
	static const struct weft_explore_scenario scenarios[] = {
		{ .name = "transfers", .threads = 2, .begin = begin, .thread = thread, .end = end },
		{ .name = NULL },
	};
	static const struct weft_explore_scenario *const tables[] = { scenarios, NULL };

	return weft_explore_main(argc, argv, tables);
}
