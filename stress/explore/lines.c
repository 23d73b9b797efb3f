/* SPDX-License-Identifier: MIT */
/*
 * lines.c - what people read: progress on standard error, results on standard output.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

/* ---- progress: one line that is written over; where that cannot be, one after the other ---- */

static bool line_is_there;

void lines_progress(const struct weft_explore_scenario *scenario, const struct work *work, const struct tally *tally)
{
	const double seconds = seconds_now() - work->start;
	const bool over = isatty(STDERR_FILENO);

	states_begin();
	states_merge(tally->states);
	fprintf(stderr, "%s%s: %llu schedules, %.0f/s, %llu states, %llu findings%s", over ? "\r" : "",
		scenario->name, (unsigned long long)get(&tally->schedules), (double)get(&tally->schedules) / seconds,
		(unsigned long long)states_estimate(), (unsigned long long)get(&tally->failures),
		over ? "\033[K" : "\n");
	fflush(stderr);
	line_is_there = over;
}

void lines_progress_end(void)
{
	if (line_is_there)
		fputs("\r\033[K", stderr);
	line_is_there = false;
}

/* ---- results ---- */

void lines_finding(const struct weft_explore_scenario *scenario, const struct found *found)
{
	printf("FAIL %s: %s\n", scenario->name, found->message);
	printf("repeat: %s\n", found->repeat);
	if (found->shorter != NULL)
		printf("shorter: %s\n", found->shorter);
	fputs(found->trace, stdout);
	fflush(stdout);
}

static void print_marks(const struct outcome *outcome)
{
	const char *const *const wanted = outcome->scenario->marks;
	const struct mark *const marks = outcome->tally.marks;

	for (unsigned i = 0; i < MARKS && marks[i].name != NULL; i++)
		printf("  reached %-40s %llu\n", marks[i].name, (unsigned long long)marks[i].n);
	for (unsigned i = 0; wanted != NULL && wanted[i] != NULL && outcome->missed; i++)
		if (mark_count(marks, wanted[i]) == 0)
			printf("  not reached %s\n", wanted[i]);
}

void lines_outcome(const struct outcome *outcome)
{
	const struct tally *const tally = &outcome->tally;

	if (options.quiet && !outcome->failed && !outcome->missed)
		return;
	printf("%-28s %s %9llu schedules %6.1f steps %8.0f/s", outcome->scenario->name,
	       outcome->failed ? "FAIL" : "ok  ", (unsigned long long)get(&tally->schedules),
	       (double)get(&tally->steps) / (double)get(&tally->schedules),
	       (double)get(&tally->schedules) / outcome->seconds);
	if (outcome->states > 0)
		printf(" %9llu states", (unsigned long long)outcome->states);
	if (tally->complete)
		printf(" %s", search_result());
	if (search_cut() > 0)
		printf(" (%llu more cut off)", (unsigned long long)search_cut());
	if (options.keep_going && outcome->failed)
		printf(" %llu failed", (unsigned long long)get(&tally->failures));
	printf("\n");
	for (unsigned i = 0; i < tally->n_findings && options.keep_going; i++)
		printf("  %-40s %llu, seed %llu the first\n", tally->findings[i].kind,
		       (unsigned long long)tally->findings[i].count,
		       (unsigned long long)(options.first_seed + tally->findings[i].offset));
	print_marks(outcome);
	fflush(stdout);
}

static void name_those(const struct summary *summary, const char *what, bool missed)
{
	unsigned n = 0;

	for (unsigned i = 0; i < summary->ran; i++) {
		const struct outcome *const each = &summary->outcomes[i];

		if (missed ? each->missed : each->failed)
			printf("%s %s", n++ == 0 ? what : ",", each->scenario->name);
	}
	if (n > 0)
		printf("\n");
}

void lines_summary(const struct summary *summary)
{
	name_those(summary, "failed:", false);
	name_those(summary, "marks not reached:", true);
	if (summary->ran < summary->wanted)
		printf("interrupted after %u of %u scenarios\n", summary->ran, summary->wanted);
	printf("%llu failure%s in %llu schedules of %u scenario%s, %.1f s, %.0f/s\n",
	       (unsigned long long)summary->failures, summary->failures == 1 ? "" : "s",
	       (unsigned long long)summary->schedules, summary->ran, summary->ran == 1 ? "" : "s", summary->seconds,
	       (double)summary->schedules / summary->seconds);
	if (summary->least >= 10)
		printf("0 failures in %llu schedules: fewer than %.2g %% of them fail (95 %%)%s; --gaps: what none shows\n",
		       (unsigned long long)summary->least, 300.0 / (double)summary->least,
		       summary->ran > 1 ? ", in each scenario that did not fail" : "");
}
