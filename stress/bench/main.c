/* SPDX-License-Identifier: MIT */
/* weft-bench: weft beside the C library, measured in turn; weft-bench(1). */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "peer.h"

enum { EXIT_MISSED = 1, EXIT_USAGE = 2, EXIT_BROKEN = 3 };
#ifdef PACKAGE_VERSION
const char *argp_program_version = "weft-bench " PACKAGE_VERSION;
#endif

enum { KEY_PLACEMENT = 256, KEY_ROUNDS, KEY_MS, KEY_QUICK, KEY_JSON, KEY_CHECK, KEY_PEERS };

struct options options = { .rounds = 7, .ms = 200, .placements = 7, .contended_placements = 7 };

static const struct argp_option argp_options[] = {
	{ "placement", KEY_PLACEMENT, "WHERE", 0, "Run hand-offs, barriers and contended locks with their threads "
	  "free, on one CPU (one), thread i on CPU i mod n (split), or each way in turn (all, the default)", 0 },
	{ "filter", 'f', "PATTERN", 0, "Run only lines whose name contains PATTERN, or matches it if it has *, ? or "
	  "[; may be given more than once", 0 },
	{ "peers", KEY_PEERS, "LIST", 0, "Run only these peers, separated by commas", 0 },
	{ "rounds", KEY_ROUNDS, "N", 0, "Runs per line and peer (7; quick: 3)", 0 },
	{ "ms", KEY_MS, "MS", 0, "Length of a run in milliseconds (200; quick: 50)", 0 },
	{ "quick", KEY_QUICK, NULL, 0, "About 20 seconds: fewer and shorter runs, contended locks free only", 0 },
	{ "json", KEY_JSON, "FILE", 0, "Write all figures as JSON, too; -: to standard output, and no table", 0 },
	{ "check", KEY_CHECK, NULL, 0, "Exit with status 1 if a bound that was measured is missed", 0 },
	{ "list", 'l', NULL, 0, "Show the names of the lines and exit", 0 },
	{ 0 }
};

static unsigned parse_number(const char *text, unsigned from, unsigned to, struct argp_state *state)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);

	if (*end != '\0' || end == text || value < from || value > to)
		argp_error(state, "'%s' is not a number from %u to %u", text, from, to);
	return (unsigned)value;
}

static unsigned parse_placement(const char *text, struct argp_state *state)
{
	static const char *const name[] = { "free", "one", "split" };

	for (unsigned i = 0; i < PLACEMENTS; i++)
		if (strcmp(text, name[i]) == 0)
			return 1U << i;
	if (strcmp(text, "all") != 0)
		argp_error(state, "'%s' is not free, one, split or all", text);
	return 7;
}

static void parse_peers(char *text, struct argp_state *state)
{
	char *rest = text, *name;

	memset(options.peer, 0, sizeof(options.peer));
	while ((name = strsep(&rest, ",")) != NULL) {
		unsigned p = 0;

		while (p < n_peers && strcmp(peers[p]->name, name) != 0)
			p++;
		if (p == n_peers)
			argp_error(state, "there is no peer '%s'", name);
		else
			options.peer[p] = true;
	}
}

static bool rounds_given, ms_given, placement_given;

/* What was said outright counts, wherever --quick stands. */
static void settle(void)
{
	if (!options.quick)
		return;
	options.rounds = rounds_given ? options.rounds : 3;
	options.ms = ms_given ? options.ms : 50;
	options.contended_placements = placement_given ? options.contended_placements : 1U << FREE;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case KEY_PLACEMENT:
		options.placements = options.contended_placements = parse_placement(arg, state);
		placement_given = true;
		return 0;
	case 'f':
		if (options.filters == sizeof(options.filter) / sizeof(options.filter[0]))
			argp_error(state, "too many filters");
		else
			options.filter[options.filters++] = arg;
		return 0;
	case KEY_PEERS:
		parse_peers(arg, state);
		return 0;
	case KEY_ROUNDS:
		options.rounds = parse_number(arg, 1, MAX_ROUNDS, state);
		rounds_given = true;
		return 0;
	case KEY_MS:
		options.ms = parse_number(arg, 1, 60000, state);
		ms_given = true;
		return 0;
	case KEY_QUICK:
		options.quick = true;
		return 0;
	case KEY_JSON:
		options.json = arg;
		return 0;
	case KEY_CHECK:
		options.check = true;
		return 0;
	case 'l':
		options.list = true;
		return 0;
	case ARGP_KEY_END:
		settle();
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void progress(const struct line *line, unsigned round)
{
	static int terminal = -1;

	if (terminal < 0)
		terminal = isatty(STDERR_FILENO);
	if (!terminal)
		return;
	if (line == NULL)
		fprintf(stderr, "\r\033[K");
	else
		fprintf(stderr, "\r\033[K[%u/%u] %s, round %u of %u", (unsigned)(line - lines) + 1, n_lines,
			line->name, round + 1, options.rounds);
}

/* Lines of one group of pairs are compared with each other, too, so they take turns as the peers do. */
static unsigned block_end(unsigned from)
{
	unsigned to = from + 1;

	while (lines[from].group == GROUP_PAIR && to < n_lines && lines[to].group == GROUP_PAIR)
		to++;
	return to;
}

static void measure(unsigned from, unsigned to)
{
	for (unsigned round = 0; round < options.rounds; round++)
		for (unsigned i = from; i < to; i++) {
			progress(&lines[i], round);
			for (unsigned p = 0; p < n_peers; p++)
				if (lines[i].measured[p] && lines[i].group != GROUP_SIZE)
					lines[i].sample[p][round] = team_run(&lines[i], peers[p]);
		}
	progress(NULL, 0);
}

static unsigned runs(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_lines; i++)
		for (unsigned p = 0; p < n_peers; p++)
			n += lines[i].measured[p] && lines[i].group != GROUP_SIZE;
	return n * options.rounds;
}

static int finish(bool table)
{
	bool good = true;
	int error = 0;

	if (table) {
		good = summary_print();
	} else {
		struct bound bounds[32];
		const unsigned n = summary_bounds(bounds, 32);

		for (unsigned i = 0; i < n; i++)
			good = good && (bounds[i].pass || !bounds[i].known);
	}
	if (options.json != NULL)
		error = json_write(options.json);
	if (error < 0) {
		fprintf(stderr, "weft-bench: %s: %s\n", options.json, strerror(-error));
		return EXIT_BROKEN;
	}
	return options.check && !good ? EXIT_MISSED : 0;
}

int main(int argc, char **argv)
{
	static const char about[] =
		"Measure weft's objects beside the C library's, in turn: uncontended, contended and handing off.";
	static const struct argp argp = { argp_options, parse, NULL, about, NULL, NULL, NULL };
	bool table;

	argp_err_exit_status = EXIT_USAGE;
	for (unsigned p = 0; p < n_peers; p++)
		options.peer[p] = true;
	if (argp_parse(&argp, argc, argv, 0, NULL, NULL) != 0)
		return EXIT_USAGE;
#ifndef HAVE_JSON_C
	if (options.json != NULL) {
		fprintf(stderr, "weft-bench: built without json-c, so there is no --json\n");
		return EXIT_USAGE;
	}
#endif
	lines_build();
	for (unsigned i = 0; options.list && i < n_lines; i++)
		puts(lines[i].name);
	if (options.list)
		return 0;
	if (n_lines == 0) {
		fprintf(stderr, "weft-bench: no line has such a name; --list shows them\n");
		return EXIT_USAGE;
	}
	table = options.json == NULL || strcmp(options.json, "-") != 0;
	environment_load();
	team_init();
	clock_calibrate();
	if (table)
		report_header(runs());
	for (unsigned from = 0, to; from < n_lines; from = to) {
		to = block_end(from);
		measure(from, to);
		for (unsigned i = from; table && i < to; i++)
			report_line(&lines[i]);
	}
	return finish(table);
}
