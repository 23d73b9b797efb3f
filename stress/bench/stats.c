/* SPDX-License-Identifier: MIT */
/* Medians, quantiles of histograms, Jain's index of fairness. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "peer.h"

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(const double *values, unsigned n)
{
	double sorted[CHUNKS];

	if (n == 0)
		return 0;
	memcpy(sorted, values, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), compare);
	return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* The least tick count of the next bucket; no value of this one reaches it. */
static double bucket_end(unsigned bucket)
{
	const unsigned sub = 1U << HIST_SUB_BITS, shift = bucket < sub ? 0 : bucket / sub - 1;

	return bucket < sub ? bucket + 1.0 : (double)(sub + bucket % sub + 1) * (double)(UINT64_C(1) << shift);
}

/* In ticks; the upper end of the bucket, but not more than the longest. */
double hist_quantile(const struct hist *const hists[], unsigned n, double q)
{
	uint64_t total = 0, longest = 0, sum = 0;

	for (unsigned i = 0; i < n; i++) {
		for (unsigned b = 0; b < HIST_BUCKETS; b++)
			total += hists[i]->bucket[b];
		longest = hists[i]->max > longest ? hists[i]->max : longest;
	}
	for (unsigned b = 0; b < HIST_BUCKETS; b++) {
		for (unsigned i = 0; i < n; i++)
			sum += hists[i]->bucket[b];
		if ((double)sum >= q * (double)total)
			return bucket_end(b) < (double)longest ? bucket_end(b) : (double)longest;
	}
	return (double)longest;
}

/* 1: all got the same; 1/n: one got all. */
double jain(const double *shares, unsigned n)
{
	double sum = 0, squares = 0;

	for (unsigned i = 0; i < n; i++) {
		sum += shares[i];
		squares += shares[i] * shares[i];
	}
	return squares > 0 ? sum * sum / (n * squares) : 0;
}

struct figure figure_of(const struct line *line, unsigned peer)
{
	double value[MAX_ROUNDS], fair[MAX_ROUNDS], p999[MAX_ROUNDS];
	struct figure f = { .min = 1e300, .jain_min = 1 };

	for (unsigned i = 0; i < options.rounds; i++) {
		const struct sample *s = &line->sample[peer][i];

		value[i] = s->value;
		fair[i] = s->jain;
		p999[i] = s->p999_ns;
		f.min = s->value < f.min ? s->value : f.min;
		f.max = s->value > f.max ? s->value : f.max;
		f.jain_min = s->jain < f.jain_min ? s->jain : f.jain_min;
		f.max_ns = s->max_ns > f.max_ns ? s->max_ns : f.max_ns;
	}
	f.median = median(value, options.rounds);
	f.jain = median(fair, options.rounds);
	f.p999_ns = median(p999, options.rounds);
	return f;
}

double ratio_of(const struct line *line, unsigned peer)
{
	const double other = figure_of(line, peer).median;

	return other > 0 ? figure_of(line, 0).median / other : 0;
}
