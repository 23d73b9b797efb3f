/* SPDX-License-Identifier: MIT */
/*
 * search.c - all schedules, depth first.
 *
 * A schedule is run from the start each time; the path of its decisions is kept, and the last one that has something
 * left is changed for the next. Decisions are who runs (a thread that is ready, or one whose time may be up), and
 * what else is chosen in a step. A step goes from one point of a thread to its next.
 *
 * Unbounded, the search has sleep sets (Godefroid, LNCS 1032): when all that follows a thread's step has been seen, the
 * thread sleeps in what its alternatives lead to, until a step is taken that does not commute with its own. If only
 * sleeping threads could run, the schedule is an order of steps of one that was seen, and is cut off. So each class of
 * schedules that differ in the order of steps that commute is seen to its end once. What a step is found to have
 * touched when it runs (footprint.c) decides; if it has several outcomes, what any of them touched. In a schedule in
 * which the thread sleeps, its step would touch the same: nothing was changed of what it looks at.
 *
 * With a bound, schedules with at most so many preemptions (another thread runs, or a time-out comes, though the one
 * that ran could go on), stale loads and faults, there are no sleep sets: of the schedules of a class the one that is
 * seen first may have more preemptions than the bound allows, and those that have fewer would be missed (Coons,
 * Musuvathi, McKinley, OOPSLA 2013, have to wake many threads up for that).
 *
 * Unbounded, faults are bounded nevertheless: any wait could end early any number of times. Their number is the same
 * in all schedules of a class, so sleep sets lose nothing by it.
 *
 * A thread that calls weft_explore_yield() lets another one do a step first: it is what ends loops that wait. Whether
 * the thread may go on so depends on what all others do, and the step that ends with the call commutes with none.
 * Pauses and yields of the library are steps like others here: it makes so many and then sleeps, and may make them
 * while nobody else runs. A loop with nothing but such a pause makes schedules too long.
 *
 * "complete" is only said if no path was left before its end: not for one that became longer than fair_after (then
 * all threads get their turns and nothing is chosen any more) or than NODES_MAX, nor after a failure, as what follows
 * it was not seen.
 */
#include <stdio.h>

#include "footprint.h"

enum { NODES_MAX = 20000, FAULTS_MAX = 2 };

struct node {
	bool is_run;
	/* who runs */
	uint8_t fiber;				  /* taken */
	uint16_t left, done;			  /* those not tried yet; those whose step has been seen */
	uint16_t asleep;			  /* on arrival */
	uint16_t free;				  /* those that cost no preemption */
	struct footprint steps[FIBERS];		  /* of done and fiber */
	const struct footprint *sleepers[FIBERS]; /* of asleep */
	/* what else: */
	unsigned taken, n;
};

static struct {
	struct node path[NODES_MAX];
	unsigned length, at;
	unsigned known;	       /* so many nodes are as in the last schedule, but for the last of them */
	struct node *last_run; /* whose step it is */
	unsigned left;	       /* preemptions, stale loads and faults that may still be */
	bool incomplete;       /* something was left out */
	uint64_t cut;
} search;

struct footprint *footprint;
static struct footprint step;

static bool is_bounded(void)
{
	return run.plan.depth < SEARCH_UNBOUNDED;
}

void search_begin(void)
{
	search.length = search.known = 0;
	search.incomplete = false;
	search.cut = 0;
}

void search_schedule(void)
{
	search.at = 0;
	search.last_run = NULL;
	search.left = is_bounded() ? run.plan.depth : FAULTS_MAX;
	run.cut = false;
	footprint = &step;
	footprint_clear(&step);
}

static struct node *next_node(void)
{
	if (search.at == NODES_MAX)
		return NULL;
	return &search.path[search.at++];
}

/* Nothing is chosen where there is no room, or the end is near. */
static bool is_too_long(void)
{
	if (search.at < NODES_MAX && run.steps <= run.fair_after)
		return false;
	search.incomplete = true;
	return true;
}

/* ---- what happens in a step ---- */

static unsigned decide(unsigned n)
{
	struct node *node;

	if (n < 2 || is_too_long())
		return 0;
	node = next_node();
	if (search.at > search.length) {
		search.length = search.at;
		node->is_run = false;
		node->taken = 0;
		node->n = n;
	}
	return node->taken;
}

unsigned search_choose(enum choice kind, unsigned n, unsigned rarely)
{
	unsigned taken;

	if (kind == CHOICE_SCENARIO)
		return decide(n);
	if (rarely == 0)
		return 0;
	if (kind == CHOICE_STALE && !is_bounded())
		return decide(n);
	if (search.left == 0)
		return 0;
	taken = decide(n);
	search.left -= taken != 0;
	return taken;
}

/* ---- who runs ---- */

/* The step that ends here is known; it was one of the last node's. */
static void end_step(void)
{
	if (search.last_run != NULL && search.at >= search.known)
		footprint_join(&search.last_run->steps[search.last_run->fiber], &step);
}

/* Those that sleep on arrival: they slept at the last node or were done there, and commute with what was taken. */
static void fall_asleep(struct node *node)
{
	const struct node *const last = search.last_run;

	node->asleep = 0;
	if (last == NULL || is_bounded() || run.plan.no_sleep_sets)
		return;
	for (unsigned i = 0; i < FIBERS; i++) {
		const uint16_t bit = (uint16_t)(1u << i);
		const struct footprint *const its = last->done & bit ? &last->steps[i] : last->sleepers[i];

		if (!((last->done | last->asleep) & bit) || i == last->fiber ||
		    !footprint_commutes(its, i, &step, last->fiber))
			continue;
		node->asleep |= bit;
		node->sleepers[i] = its;
	}
}

static void take(struct node *node, unsigned fiber)
{
	node->fiber = (uint8_t)fiber;
	node->left &= (uint16_t) ~(1u << fiber);
	footprint_clear(&node->steps[fiber]);
}

static void new_run(struct node *node, uint32_t ready, uint32_t expiring, unsigned usual)
{
	const uint32_t own = ready & UINT32_C(1) << run.self;
	const uint32_t free = own != 0 ? own : ready != 0 ? ready : expiring;

	search.length = search.at;
	node->is_run = true;
	node->done = 0;
	node->free = (uint16_t)free;
	node->left = (uint16_t)(is_bounded() && search.left == 0 ? free : ready | expiring);
	fall_asleep(node);
	node->left &= (uint16_t)~node->asleep;
	if (node->left != 0)
		take(node, node->left >> usual & 1 ? usual : (unsigned)__builtin_ctz(node->left));
}

/* Return: HOST: all that follows was seen in another order. */
unsigned search_pick(uint32_t ready, uint32_t expiring, unsigned usual)
{
	struct node *node;

	end_step();
	if (is_too_long()) {
		footprint = NULL;
		search.last_run = NULL;
		return usual;
	}
	node = next_node();
	if (search.at > search.length) {
		new_run(node, ready, expiring, usual);
		if (node->left == 0 && !((ready | expiring) & ~(uint32_t)node->asleep)) {
			search.length = --search.at;
			search.last_run = NULL;
			run.cut = true;
			return HOST;
		}
	}
	if (is_bounded() && !(node->free >> node->fiber & 1))
		search.left--;
	search.last_run = node;
	footprint_clear(&step);
	if (expiring >> node->fiber & 1)
		footprint_touch(TOUCH_CLOCK, true);
	return node->fiber;
}

/* It waits for another to do a step, at the end of its own. */
void search_yielded(enum op op)
{
	if (op != OP_AWAIT && !is_bounded())
		return;
	run.awaiting |= UINT32_C(1) << run.self;
	footprint_all(&step);
}

uint32_t search_ready(void)
{
	const uint32_t others = run.ready & ~run.awaiting;

	return others != 0 ? others : run.ready;
}

/* ---- from one schedule to the next ---- */

void search_end_schedule(void)
{
	if (run.failed)
		footprint_all(&step); /* it did not come to its end */
	end_step();
	footprint = NULL;
	search.cut += run.cut;
}

static bool advance(struct node *node)
{
	if (!node->is_run)
		return ++node->taken < node->n;
	node->done |= (uint16_t)(1u << node->fiber);
	if (node->left == 0)
		return false;
	take(node, (unsigned)__builtin_ctz(node->left));
	return true;
}

bool search_next(void)
{
	while (search.length > 0 && !advance(&search.path[search.length - 1]))
		search.length--;
	search.known = search.length;
	return search.length > 0;
}

const char *search_result(void)
{
	static char text[128];

	if (search.incomplete)
		return "not complete: some schedules are too long";
	if (!is_bounded() && (run.plan.kinds & ~(1u << FAULT_TIMEOUT)) == 0)
		return "complete";
	snprintf(text, sizeof(text), "complete with at most %u %s", is_bounded() ? run.plan.depth : FAULTS_MAX,
		 is_bounded() ? "preemptions, stale loads or faults" : "faults");
	return text;
}

uint64_t search_cut(void)
{
	return search.cut;
}
