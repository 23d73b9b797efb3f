/* SPDX-License-Identifier: MIT */
/*
 * session.c - one scenario: so many schedules, one after the other, and what came of them.
 *
 * Seeds are taken in order, some at a time, so several processes can share the work: each takes the next ones. One
 * that meets a failure makes its seed the last; the others go on up to that, and one of them may come to a lower one.
 * So when all are done every seed up to the lowest that fails has run, and what is told does not depend on how many
 * processes there were.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "session.h"

volatile sig_atomic_t interrupted;

double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- tallies ---- */

/* Return: the finding of that kind, with @offset counted; new if its count is 1. */
struct finding *tally_finding(struct tally *tally, const char *kind, uint64_t offset)
{
	const size_t length = strcspn(kind, ":") < KIND_SIZE ? strcspn(kind, ":") : KIND_SIZE - 1;
	unsigned i = 0;

	while (i < tally->n_findings &&
	       (strncmp(tally->findings[i].kind, kind, length) != 0 || tally->findings[i].kind[length] != '\0'))
		i++;
	if (i == FINDINGS)
		i--;
	if (i == tally->n_findings) {
		memcpy(tally->findings[i].kind, kind, length);
		tally->findings[i].kind[length] = '\0';
		tally->findings[i].offset = offset;
		tally->n_findings++;
	}
	tally->findings[i].count++;
	if (offset < tally->findings[i].offset)
		tally->findings[i].offset = offset;
	return &tally->findings[i];
}

void tally_merge(struct tally *into, const struct tally *from)
{
	set(&into->schedules, get(&into->schedules) + get(&from->schedules));
	set(&into->steps, get(&into->steps) + get(&from->steps));
	set(&into->failures, get(&into->failures) + get(&from->failures));
	into->complete |= from->complete;
	for (unsigned i = 0; i < from->n_findings; i++) {
		const struct finding *const each = &from->findings[i];

		tally_finding(into, each->kind, each->offset)->count += each->count - 1;
	}
	marks_merge(into->marks, from->marks);
	for (unsigned i = 0; i < STATES_REGISTERS; i++)
		if (into->states[i] < from->states[i])
			into->states[i] = from->states[i];
}

/* In the order of seeds; and what one process alone would not have come to is not told. */
static void sort_findings(struct tally *tally, bool all)
{
	for (unsigned i = 1; i < tally->n_findings; i++)
		for (unsigned j = i; j > 0 && tally->findings[j].offset < tally->findings[j - 1].offset; j--) {
			const struct finding moved = tally->findings[j];

			tally->findings[j] = tally->findings[j - 1];
			tally->findings[j - 1] = moved;
		}
	if (all || tally->n_findings == 0)
		return;
	tally->n_findings = 1;
	tally->findings[0].count = 1;
	set(&tally->failures, 1);
	set(&tally->schedules, tally->findings[0].offset + 1);
}

/* ---- schedules ---- */

struct schedule searched;

static bool searches(void)
{
	return !options.portfolio && options.strategy == STRATEGY_SEARCH;
}

static void lower_last(struct work *work, uint64_t offset)
{
	uint64_t last = get(&work->last);

	while (offset < last && !atomic_compare_exchange_weak(&work->last, &last, offset))
		;
}

static double telling; /* seconds of this scenario that went into reports */

static void failed(const struct weft_explore_scenario *scenario, const struct plan *plan, uint64_t offset,
		   struct work *work, struct tally *tally)
{
	const struct finding *const finding = tally_finding(tally, run.failure, offset);

	set(&tally->failures, get(&tally->failures) + 1);
	if (!options.keep_going)
		lower_last(work, offset);
	if (options.jobs == 1 && finding->count == 1 && !options.hashes) {
		const double before = seconds_now();

		lines_progress_end();
		report_failure(scenario, options.first_seed + offset, plan);
		telling += seconds_now() - before;
	}
}

/* Now and then: is it time to stop; and what those who watch may know. */
static void look_up(const struct weft_explore_scenario *scenario, struct work *work, struct tally *tally)
{
	static double told_at;
	const double now = seconds_now();

	if (interrupted || (options.seconds > 0 && now >= work->end))
		set(&work->stop, true);
	if (told_at < work->start)
		told_at = work->start;
	if (!options.progress || now < told_at + 1)
		return;
	told_at = now;
	memcpy(tally->states, states_registers, sizeof(tally->states));
	if (options.jobs == 1)
		lines_progress(scenario, work, tally);
}

static void one(const struct weft_explore_scenario *scenario, uint64_t offset, struct work *work, struct tally *tally)
{
	const uint64_t seed = options.first_seed + offset;
	const struct plan plan = plan_of(searches() ? 1 : seed);

	set(&tally->offset, offset);
	run.record = searches() ? &searched : NULL; /* it has no seed to be run again by */
	run_schedule(scenario, &plan, seed);
	set(&tally->schedules, get(&tally->schedules) + !run.cut);
	set(&tally->steps, get(&tally->steps) + run.steps);
	if (options.hashes && !run.cut)
		printf("%s %llu %016llx%s%.*s\n", scenario->name, (unsigned long long)seed,
		       (unsigned long long)(searches() ? run.paths : run.hash), /* equal in a class of a search's */
		       run.failed ? " " : "", run.failed ? (int)strcspn(run.failure, ":") : 0, run.failure);
	if (run.failed)
		failed(scenario, &plan, offset, work, tally);
	memory_end();
	if (options.check_replay && !searches())
		replay_check(scenario, &plan, seed);
	if (searches() && !search_next()) {
		tally->complete = get(&tally->failures) == 0;
		set(&work->stop, true);
	}
}

void session_run(const struct weft_explore_scenario *scenario, struct work *work, struct tally *tally)
{
	search_begin();
	states_begin();
	marks_begin();
	while (!get(&work->stop)) {
		const uint64_t first =
			atomic_fetch_add_explicit(&work->next, 1, memory_order_relaxed) * SEEDS_AT_A_TIME;

		if (first > get(&work->last))
			break;
		look_up(scenario, work, tally);
		for (uint64_t i = first; i < first + SEEDS_AT_A_TIME && i <= get(&work->last) && !get(&work->stop);
		     i++)
			one(scenario, i, work, tally);
	}
	marks_take(tally->marks);
	memcpy(tally->states, states_registers, sizeof(tally->states));
}

static bool misses_marks(const struct outcome *outcome)
{
	const char *const *const marks = outcome->scenario->marks;

	for (unsigned i = 0; marks != NULL && marks[i] != NULL; i++)
		if (mark_count(outcome->tally.marks, marks[i]) == 0)
			return true;
	return false;
}

static void report_all(const struct outcome *outcome)
{
	const struct tally *const tally = &outcome->tally;

	for (unsigned i = 0; i < tally->n_findings; i++) {
		const uint64_t seed = options.first_seed + tally->findings[i].offset;
		const struct plan plan = plan_of(seed);

		if (tally->findings[i].died)
			report_death(outcome->scenario, seed, &plan, tally->findings[i].kind);
		else
			report_failure(outcome->scenario, seed, &plan);
	}
}

void session_explore(struct outcome *outcome)
{
	static struct work alone;
	struct tally *const tally = &outcome->tally;
	const double start = seconds_now();

	telling = 0;
	set(&alone.next, 0);
	set(&alone.last, options.schedules - 1);
	set(&alone.stop, false);
	alone.start = start;
	alone.end = start + options.seconds;
	if (options.jobs > 1)
		jobs_explore(outcome, &alone);
	else
		session_run(outcome->scenario, &alone, tally);
	lines_progress_end();
	sort_findings(tally, options.keep_going);
	outcome->seconds = seconds_now() - start - telling;
	states_begin();
	states_merge(tally->states);
	outcome->states = states_estimate();
	outcome->failed = get(&tally->failures) > 0;
	outcome->missed = !outcome->failed && !options.one_seed && !interrupted && misses_marks(outcome);
	if (options.jobs > 1)
		report_all(outcome);
}
