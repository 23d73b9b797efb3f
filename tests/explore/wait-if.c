/* SPDX-License-Identifier: MIT */
/*
 * wait-if.c - a stack of jobs whose workers look once, before they wait, and not again after. weft's waits do not return
 * for nothing; but another worker may have been quicker.
 * expect: wait-if-broken check
 */
#include <weft.h>
#include <weft/explore.h>

struct jobs {
	struct weft_cond changed;
	int n, done;
};

static void *begin(void)
{
	return weft_explore_alloc(sizeof(struct jobs), "jobs");
}

static void add(struct jobs *jobs)
{
	weft_guard(&jobs->changed);
	jobs->n++;
	weft_cond_notify(&jobs->changed, 1);
}

static void take(struct jobs *jobs)
{
	weft_explore_check(jobs->n > 0);
	jobs->n--;
	jobs->done++;
}

static void broken(void *state, unsigned number)
{
	struct jobs *const jobs = state;

	if (number == 0) {
		add(jobs);
		add(jobs);
		return;
	}
	weft_guard(&jobs->changed);
	if (jobs->n == 0)
		weft_cond_wait(&jobs->changed);
	take(jobs);
}

static void fixed(void *state, unsigned number)
{
	struct jobs *const jobs = state;

	if (number == 0) {
		add(jobs);
		add(jobs);
		return;
	}
	weft_guard(&jobs->changed);
	while (jobs->n == 0)
		weft_cond_wait(&jobs->changed);
	take(jobs);
}

static void end(void *state)
{
	weft_explore_check(((struct jobs *)state)->done == 2);
}

const struct weft_explore_scenario scenarios[] = {
	{ .name = "wait-if-broken", .threads = 3, .begin = begin, .thread = broken, .end = end },
	{ .name = "wait-if-fixed", .threads = 3, .begin = begin, .thread = fixed, .end = end },
	{ .name = NULL },
};
