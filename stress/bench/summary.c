/* SPDX-License-Identifier: MIT */
/*
 * The end of the report: a few figures for the whole, and the bounds that the project holds itself to. A bound is
 * about the first peer (weft), against the second (glibc) where it is a ratio.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "peer.h"

#define OURS 0
#define THEIRS 1

struct contended {
	unsigned lines;
	double product, jain_8, longest_32_ns;
	bool has_8, has_32;
};

static struct contended contended_of(enum placement placement, unsigned peer)
{
	struct contended c = { .jain_8 = 1 };
	double logs = 0;

	for (unsigned i = 0; i < n_lines; i++) {
		const struct line *line = &lines[i];
		struct figure f;

		if (line->group != GROUP_CONTENDED || line->placement != placement || !line->measured[peer])
			continue;
		f = figure_of(line, peer);
		if (line->measured[OURS] && line->measured[THEIRS]) {
			logs += log(ratio_of(line, THEIRS));
			c.lines++;
		}
		if (line->threads == 8) {
			c.has_8 = true;
			c.jain_8 = fmin(c.jain_8, f.jain);
		}
		if (line->threads == 32) {
			c.has_32 = true;
			c.longest_32_ns = fmax(c.longest_32_ns, f.max_ns);
		}
	}
	c.product = c.lines > 0 ? exp(logs / c.lines) : 0;
	return c;
}

static const struct line *find(const char *name)
{
	for (unsigned i = 0; i < n_lines; i++)
		if (strcmp(lines[i].name, name) == 0)
			return &lines[i];
	return NULL;
}

__attribute__((__format__(__printf__, 5, 6)))
static struct bound bound(bool at_least, double limit, bool known, double measured, const char *format, ...)
{
	struct bound b = { .limit = limit, .measured = measured, .at_least = at_least, .known = known };
	va_list args;

	va_start(args, format);
	vsnprintf(b.name, sizeof(b.name), format, args);
	va_end(args);
	b.pass = known && (at_least ? measured >= limit : measured <= limit);
	return b;
}

/* Ratio of @name's medians, ours to theirs. */
static struct bound bound_ratio(const char *name, bool at_least, double limit)
{
	const struct line *line = find(name);
	const bool known = line != NULL && line->measured[OURS] && line->measured[THEIRS];

	return bound(at_least, limit, known, known ? ratio_of(line, THEIRS) : 0, "%s, ratio to %s", name,
		     peers[THEIRS]->name);
}

static struct bound bound_floor(double limit)
{
	const struct line *floor = find("pair/floor"), *line = find("pair/lock");
	double least = 0;

	for (unsigned p = 0; floor != NULL && p < n_peers; p++)
		if (floor->measured[p])
			least = figure_of(floor, p).median;
	if (least <= 0 || line == NULL || !line->measured[OURS])
		return bound(false, limit, false, 0, "pair/lock, ratio to pair/floor");
	return bound(false, limit, true, figure_of(line, OURS).median / least, "pair/lock, ratio to pair/floor");
}

unsigned summary_bounds(struct bound bounds[], unsigned max)
{
	const struct line *wait = find("pair/event_wait");
	const bool waited = wait != NULL && wait->measured[OURS];
	const struct contended c = contended_of(FREE, OURS);
	const struct bound all[] = {
		bound_floor(1.10),
		bound_ratio("pair/lock", false, 0.80),
		bound_ratio("pair/rlock", false, 0.95),
		bound_ratio("pair/sem", false, 0.90),
		bound(false, 2, waited, waited ? figure_of(wait, OURS).median : 0, "pair/event_wait, ns"),
		bound(true, 1.15, c.lines == 16, c.product, "contended/*/free, geometric mean of 16 ratios"),
		bound(true, 0.8, c.has_8, c.jain_8, "contended/8/*/free, least Jain index"),
		bound(false, 50, c.has_32, c.longest_32_ns / 1e6, "contended/32/*/free, longest wait, ms"),
		bound_ratio("pingpong/cond/one", true, 1.3),
		bound_ratio("pingpong/sem/one", true, 1.15),
		bound_ratio("barrier/2/one", true, 1.25),
		bound_ratio("barrier/8/one", true, 1.25),
		bound_ratio("barrier/32/one", true, 1.25),
		bound_ratio("pingpong/sem/split", true, 5),
	};
	const unsigned n = sizeof(all) / sizeof(all[0]);

	for (unsigned i = 0; i < n && i < max; i++)
		bounds[i] = all[i];
	return n < max ? n : max;
}

static void print_contended(enum placement placement, const char *name)
{
	for (unsigned p = 0; p < n_peers; p++) {
		const struct contended c = contended_of(placement, p);

		if (!c.has_8 && !c.has_32)
			continue;
		printf("contended, %-6s %-8s", name, peers[p]->name);
		if (p == OURS && c.lines > 0)
			printf(" geometric mean of %u ratios %.2fx;", c.lines, c.product);
		if (c.has_8)
			printf(" least Jain index at 8 threads %.3f;", c.jain_8);
		if (c.has_32)
			printf(" longest wait at 32 threads %.1f ms", c.longest_32_ns / 1e6);
		printf("\n");
	}
}

bool summary_print(void)
{
	struct bound bounds[32];
	const unsigned n = summary_bounds(bounds, 32);
	unsigned unknown = 0;
	bool good = true;

	printf("\nsummary\n");
	print_contended(FREE, "free");
	print_contended(ONE, "one");
	print_contended(SPLIT, "split");
	printf("\n%-50s %10s %10s\n", "bounds", "bound", "measured");
	for (unsigned i = 0; i < n; i++) {
		const struct bound *b = &bounds[i];

		if (!b->known) {
			unknown++;
			continue;
		}
		printf("%-50s %s %7.2f %10.2f  %s\n", b->name, b->at_least ? ">=" : "<=", b->limit, b->measured,
		       b->pass ? "pass" : "MISS");
		good = good && b->pass;
	}
	if (unknown > 0)
		printf("%u of %u bounds were not measured\n", unknown, n);
	return good;
}
