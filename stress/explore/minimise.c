/* SPDX-License-Identifier: MIT */
/*
 * minimise.c - a shorter schedule that fails in the same way.
 *
 * Deviations are left out, first many at once, then few, then each alone, as long as the rest still fails with the
 * same kind (what comes before the colon); those that stay are made smaller. What is kept is never what was tried, but
 * what then really happened: deviations that no longer apply, and all behind the failure, are gone. It is kept only
 * if it is better: fewer switches; of equal ones, fewer stale loads; then fewer faults, then smaller numbers. So it
 * ends; and after RUNS_MAX schedules at the latest. The result is no minimum, but no deviation, and no two or three in
 * a row, can be left out of it, unless the schedules ran out.
 */
#include <string.h>

#include "run.h"

enum { RUNS_MAX = 20000, KIND_SIZE_MAX = 64 };

static struct {
	const struct weft_explore_scenario *scenario;
	struct plan plan;
	char kind[KIND_SIZE_MAX];
	unsigned runs;
	struct schedule best, tried, happened;
} min;

static void run_given(const struct schedule *given)
{
	min.plan.strategy = STRATEGY_GIVEN;
	min.plan.given = given;
	run.record = &min.happened;
	run_schedule(min.scenario, &min.plan, 0);
	memory_end();
	run.record = NULL;
	min.runs++;
}

static bool same_kind(void)
{
	const size_t length = strlen(min.kind);

	return run.failed && strncmp(run.failure, min.kind, length) == 0 &&
	       (run.failure[length] == ':' || run.failure[length] == '\0' || length == sizeof(min.kind) - 1);
}

enum { SWITCHES, STALES, FAULTS, REST, COSTS };

static void cost_of(const struct schedule *schedule, uint64_t costs[COSTS])
{
	memset(costs, 0, COSTS * sizeof(*costs));
	for (unsigned i = 0; i < schedule->n; i++) {
		const struct deviation *const each = &schedule->of[i];

		costs[SWITCHES] += each->kind == CHOICE_RUN;
		costs[STALES] += each->kind == CHOICE_STALE;
		costs[FAULTS] += each->kind >= CHOICE_FAULT;
		costs[REST] += each->kind == CHOICE_RUN ? 0 : each->value;
	}
}

static bool is_better(const struct schedule *a, const struct schedule *b)
{
	uint64_t of_a[COSTS], of_b[COSTS];

	cost_of(a, of_a);
	cost_of(b, of_b);
	for (unsigned i = 0; i < COSTS; i++)
		if (of_a[i] != of_b[i])
			return of_a[i] < of_b[i];
	return false;
}

/* Whether min.tried fails in the same way, and by less; if so, what happened is the best. */
static bool keep(void)
{
	if (min.runs >= RUNS_MAX)
		return false;
	run_given(&min.tried);
	if (!same_kind() || min.happened.cut || !is_better(&min.happened, &min.best))
		return false;
	min.best = min.happened;
	return true;
}

static void copy_best(void)
{
	min.tried.n = min.best.n;
	memcpy(min.tried.of, min.best.of, min.best.n * sizeof(*min.best.of));
}

static bool keep_without(unsigned first, unsigned n)
{
	copy_best();
	if (n > min.tried.n - first)
		n = min.tried.n - first;
	memmove(min.tried.of + first, min.tried.of + first + n, (min.tried.n - first - n) * sizeof(*min.tried.of));
	min.tried.n -= n;
	return keep();
}

static bool keep_without_kind(unsigned kind)
{
	unsigned n = 0;

	copy_best();
	for (unsigned i = 0; i < min.best.n; i++)
		if (min.best.of[i].kind != kind)
			min.tried.of[n++] = min.best.of[i];
	if (n == min.tried.n)
		return false;
	min.tried.n = n;
	return keep();
}

/* From the end: what comes late in a long schedule is more often of no use. */
static bool drop_chunks(unsigned size, unsigned stride)
{
	bool any = false;

	for (unsigned end = min.best.n; end > 0; end = end > stride ? end - stride : 0) {
		if (end > min.best.n)
			end = min.best.n;
		if (end > 0 && keep_without(end > size ? end - size : 0, end > size ? size : end))
			any = true;
	}
	return any;
}

static bool drop_some(void)
{
	bool any = false;

	for (unsigned kind = CHOICES; kind-- > 0;)
		any |= keep_without_kind(kind);
	for (unsigned size = min.best.n / 2; size > 3; size /= 2)
		any |= drop_chunks(size, size);
	for (unsigned size = 3; size > 0; size--)
		any |= drop_chunks(size, 1);
	return any;
}

/* Two that need not be next to each other: one thread goes, and later comes back. */
static bool drop_pairs(void)
{
	enum { PAIRS_OF = 60 };

	for (unsigned i = min.best.n; i-- > 1;)
		for (unsigned j = i; j-- > 0 && min.best.n <= PAIRS_OF;) {
			copy_best();
			memmove(min.tried.of + i, min.tried.of + i + 1,
				(min.tried.n - i - 1) * sizeof(*min.tried.of));
			memmove(min.tried.of + j, min.tried.of + j + 1,
				(min.tried.n - j - 2) * sizeof(*min.tried.of));
			min.tried.n -= 2;
			if (keep())
				return true;
		}
	return false;
}

/* Loads less stale, choices and sleepers of lower numbers. */
static bool lower_values(void)
{
	bool any = false;

	for (unsigned i = 0; i < min.best.n; i++)
		for (uint32_t value = 1; i < min.best.n && value < min.best.of[i].value && value < 16; value++) {
			if (min.best.of[i].kind == CHOICE_RUN)
				break;
			copy_best();
			min.tried.of[i].value = value;
			any |= keep();
		}
	return any;
}

bool minimise(const struct weft_explore_scenario *scenario, const struct plan *plan, struct schedule *schedule)
{
	const bool held = marks_hold(true), tracing = run.tracing;

	min.scenario = scenario;
	min.plan = *plan;
	min.runs = 0;
	run.tracing = false;
	run_given(schedule);
	if (run.failed) {
		memset(min.kind, 0, sizeof(min.kind));
		memcpy(min.kind, run.failure,
		       strcspn(run.failure, ":") < sizeof(min.kind) ? strcspn(run.failure, ":")
								    : sizeof(min.kind) - 1);
		min.best = min.happened;
		while (!min.best.cut && min.runs < RUNS_MAX && (drop_some() || lower_values() || drop_pairs()))
			;
		*schedule = min.best;
		run_given(schedule);
	}
	run.tracing = tracing;
	marks_hold(held);
	return run.failed;
}
