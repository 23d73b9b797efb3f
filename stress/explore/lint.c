/* SPDX-License-Identifier: MIT */
/*
 * lint.c - what wakes come to: nothing of it is wrong, but each costs a system call, or a thread its time.
 *
 * Of each place that calls the library's wake: how many calls there were, how many of them woke nobody, how many
 * threads were woken, and how many of these went back to sleep at the same word without having waited elsewhere. A
 * share of such calls is the price of simple code, races included; one that grows is worth a look.
 */
#include "places.h"
#include "trace.h"

enum { SITES = 64 };

static struct site {
	const void *pc;
	uint64_t calls, nobody, woken, again;
} sites[SITES];
static unsigned n_sites;

/* The innermost call is the one of the function that waits or wakes: its caller is whose wake it is. */
static unsigned site_of(const void *pc)
{
	unsigned i = 0;

	while (i < n_sites && sites[i].pc != pc)
		i++;
	if (i == n_sites && n_sites < SITES)
		sites[n_sites++].pc = pc;
	return i < SITES ? i : SITES - 1;
}

static unsigned site_now(void)
{
	const struct calls calls = trace_calls_of(run.self);

	return site_of(calls.n > 0 ? calls.pc[0] : self()->last.pc);
}

void lint_wake(int woken)
{
	struct site *site;

	if (!run.linting)
		return;
	site = &sites[site_now()];
	site->calls++;
	site->nobody += woken == 0;
	site->woken += (unsigned)woken;
}

void lint_woken(struct fiber *sleeper, const void *word)
{
	if (!run.linting)
		return;
	sleeper->woken_by = site_now() + 1;
	sleeper->woken_at = word;
}

void lint_sleeps(const void *word)
{
	struct fiber *const me = self();

	if (!run.linting || me->woken_by == 0)
		return;
	if (me->woken_at == word)
		sites[me->woken_by - 1].again++;
	me->woken_by = 0;
}

static unsigned percent(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : (unsigned)((100 * part + whole / 2) / whole);
}

void lint_print(FILE *out)
{
	const void *pcs[SITES];

	for (unsigned i = 0; i < n_sites; i++)
		pcs[i] = sites[i].pc;
	places_find(pcs, n_sites);
	for (unsigned i = 0; i < n_sites; i++) {
		const struct site *const site = &sites[i];
		const struct places *const places = places_of(site->pc);

		fprintf(out, "wake at");
		for (unsigned j = 0; places != NULL && j < places->n; j++)
			if (places->at[j].file != NULL)
				fprintf(out, " %s:%u", places->at[j].file, places->at[j].line);
		fprintf(out, ": %llu calls, %u %% woke nobody, %llu threads woken, %u %% of them slept again\n",
			(unsigned long long)site->calls, percent(site->nobody, site->calls),
			(unsigned long long)site->woken, percent(site->again, site->woken));
	}
}
