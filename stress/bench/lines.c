/* SPDX-License-Identifier: MIT */
/* The lines there are, by name: what --list shows and --filter picks from. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "peer.h"

struct line *lines;
unsigned n_lines;

static const char *const placement_names[] = { "free", "one", "split" };

static struct line *line_add(struct line like)
{
	struct line *grown = realloc(lines, (n_lines + 1) * sizeof(*lines));

	if (grown == NULL) {
		perror("weft-bench");
		exit(3);
	}
	lines = grown;
	lines[n_lines] = like;
	return &lines[n_lines++];
}

static void add_pairs(void)
{
	static const struct {
		enum pair pair;
		const char *name;
	} pair[] = {
		{ PAIR_FLOOR, "floor" }, { PAIR_LOCK, "lock" }, { PAIR_RLOCK, "rlock" },
		{ PAIR_RLOCK_NESTED, "rlock_nested" }, { PAIR_SEM, "sem" }, { PAIR_EVENT_WAIT, "event_wait" },
		{ PAIR_EVENT_SET, "event_set_clear" }, { PAIR_COND_NOTIFY, "cond_notify" }, { PAIR_ONCE, "once" },
	};

	for (unsigned i = 0; i < sizeof(pair) / sizeof(pair[0]); i++) {
		struct line *line = line_add((struct line){ .group = GROUP_PAIR, .what = pair[i].pair,
							    .threads = 1 });

		snprintf(line->name, sizeof(line->name), "pair/%s", pair[i].name);
	}
}

static void add_contended(enum placement placement)
{
	static const unsigned threads[] = { 2, 4, 8, 32 }, section[] = { 100, 1000 }, outside[] = { 0, 200 };

	for (unsigned t = 0; t < 4; t++)
		for (unsigned s = 0; s < 2; s++)
			for (unsigned o = 0; o < 2; o++) {
				struct line *line = line_add((struct line){
					.group = GROUP_CONTENDED, .what = KERNEL_CONTENDED, .threads = threads[t],
					.section_ns = section[s], .outside_ns = outside[o], .placement = placement });

				snprintf(line->name, sizeof(line->name), "contended/%u/%u/%u/%s", threads[t],
					 section[s], outside[o], placement_names[placement]);
			}
}

/* One line for each placement that is asked for. */
static void add_team(enum group group, enum kernel kernel, const char *name, unsigned waiters, unsigned threads)
{
	for (unsigned p = 0; p < PLACEMENTS; p++) {
		struct line *line;

		if ((options.placements & (1U << p)) == 0)
			continue;
		line = line_add((struct line){ .group = group, .what = kernel, .threads = threads, .waiters = waiters,
					       .placement = p });
		if (waiters > 0)
			snprintf(line->name, sizeof(line->name), "%s/%u/%s", name, waiters, placement_names[p]);
		else
			snprintf(line->name, sizeof(line->name), "%s/%s", name, placement_names[p]);
	}
}

static void add_hand_offs(void)
{
	static const unsigned crowd[] = { 2, 8, 32 };

	add_team(GROUP_HANDOFF, KERNEL_PING_COND, "pingpong/cond", 0, 2);
	add_team(GROUP_HANDOFF, KERNEL_PING_SEM, "pingpong/sem", 0, 2);
	add_team(GROUP_HANDOFF, KERNEL_PING_EVENT, "pingpong/event", 0, 2);
	for (unsigned i = 0; i < 3; i++)
		add_team(GROUP_HANDOFF, KERNEL_NOTIFY_ALL, "notify_all", crowd[i], crowd[i] + 1);
	for (unsigned i = 0; i < 3; i++)
		add_team(GROUP_HANDOFF, KERNEL_EVENT_SET, "event_set", crowd[i], crowd[i] + 1);
	for (unsigned i = 0; i < 3; i++)
		add_team(GROUP_BARRIER, KERNEL_BARRIER, "barrier", crowd[i], crowd[i]);
	for (unsigned i = 0; i < 3; i++)
		add_team(GROUP_HANDOFF, KERNEL_LATCH, "latch", crowd[i], crowd[i] + 1);
}

static void add_sizes(void)
{
	static const char *const name[] = { "lock", "rlock", "sem", "event", "cond", "barrier", "once", "latch" };

	for (unsigned i = 0; i < OBJECTS; i++) {
		struct line *line = line_add((struct line){ .group = GROUP_SIZE, .what = i });

		snprintf(line->name, sizeof(line->name), "size/%s", name[i]);
	}
}

bool line_matches(const struct line *line)
{
	for (unsigned i = 0; i < options.filters; i++) {
		const char *f = options.filter[i];

		if (strpbrk(f, "*?[") != NULL ? fnmatch(f, line->name, 0) == 0 : strstr(line->name, f) != NULL)
			return true;
	}
	return options.filters == 0;
}

static bool peer_has(const struct peer *peer, const struct line *line)
{
	switch (line->group) {
	case GROUP_PAIR:
		return peer->pair[line->what] != NULL;
	case GROUP_SIZE:
		return peer->size[line->what] != 0;
	default:
		return peer->kernel[line->what] != NULL;
	}
}

/* Drop what was not asked for or what no peer has. */
static void pick(void)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n_lines; i++) {
		bool any = false;

		for (unsigned p = 0; p < n_peers; p++) {
			lines[i].measured[p] = options.peer[p] && peer_has(peers[p], &lines[i]);
			any = any || lines[i].measured[p];
		}
		if (any && line_matches(&lines[i]))
			lines[kept++] = lines[i];
	}
	n_lines = kept;
}

void lines_build(void)
{
	add_pairs();
	for (unsigned p = 0; p < PLACEMENTS; p++)
		if (options.contended_placements & (1U << p))
			add_contended(p);
	add_hand_offs();
	add_sizes();
	pick();
}
