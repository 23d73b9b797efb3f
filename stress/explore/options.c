/* SPDX-License-Identifier: MIT */
/*
 * options.c - the command line. What it says of itself here is short: weft-explore(1) has it all.
 */
#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"

struct options options = {
	.portfolio = true,
	.first_seed = 1,
	.schedules = 20000,
	.faults = FAULTS_ALL,
	.weak = true,
	.races = true,
	.trace = 40,
	.jobs = 1,
};

enum {
	KEY_FIRST = 256,
	KEY_SCHEDULE,
	KEY_CHECK_REPLAY,
	KEY_NO_SLEEP_SETS,
	KEY_PLAIN,
	KEY_NO_RACES,
	KEY_MINIMISE,
	KEY_NO_MINIMISE,
	KEY_TRACE,
	KEY_KEEP_GOING,
	KEY_HASHES,
	KEY_GAPS,
	KEY_JSON,
	KEY_PROGRESS,
	KEY_STRICT,
	KEY_LINT,
	KEY_BROKEN,
};

static const struct argp_option option_table[] = {
	{ "schedules", 'n', "N", 0, "how many for each scenario; 20000 as it comes, without limit with --seconds",
	  1 },
	{ "seconds", 't', "S", 0, "at most so long for each scenario", 1 },
	{ "jobs", 'j', "N", 0, "so many processes share the schedules; 1 as it comes", 1 },
	{ "first-seed", KEY_FIRST, "N", 0, "begin with this seed; 1 as it comes", 1 },
	{ "seed", 'S', "N", 0, "this seed alone, as the line \"repeat:\" says", 1 },
	{ "strategy", 's', "NAME", 0,
	  "portfolio (as it comes: each seed picks one of the next four), random, sticky:N, pct:DEPTH, starve, "
	  "search (all schedules; of faults, early time-outs only, unless --faults asks for more), search:PREEMPTIONS (at most so many)",
	  2 },
	{ "schedule", KEY_SCHEDULE, "TEXT", 0, "the schedule that is written down so; see doc/explore.md", 2 },
	{ "weak-memory", 'w', "on|off", OPTION_ARG_OPTIONAL, "stale loads, as far as C11 allows them; on as it comes",
	  2 },
	{ "faults", 'f', "on|off|KIND,...", OPTION_ARG_OPTIONAL,
	  "what may go wrong: spurious, eintr, eagain, timeout, order, cas, alloc, start, death, signal, move; "
	  "all as it comes",
	  2 },
	{ "plain", KEY_PLAIN, NULL, 0, "let others run before plain accesses too", 2 },
	{ "no-races", KEY_NO_RACES, NULL, 0, "do not look for data races", 2 },
	{ "minimise", KEY_MINIMISE, NULL, 0,
	  "show a failure by the shortest schedule that fails alike; as it comes, but for --schedule", 3 },
	{ "no-minimise", KEY_NO_MINIMISE, NULL, 0, "show the schedule that was found", 3 },
	{ "trace", KEY_TRACE, "N", 0, "how many steps of a failure to show; 40 as it comes", 3 },
	{ "keep-going", 'k', NULL, 0, "count failures; do not end a scenario with the first", 3 },
	{ "hashes", KEY_HASHES, NULL, 0, "print a hash of each schedule, and nothing else", 3 },
	{ "quiet", 'q', NULL, 0, "no line for a scenario that does not fail, no progress", 3 },
	{ "progress", KEY_PROGRESS, NULL, 0,
	  "each second on standard error how far it is; as it comes, where that is a terminal", 3 },
	{ "json", 'J', NULL, 0, "results as JSON, one object a line", 3 },
	{ "strict-marks", KEY_STRICT, NULL, 0, "a scenario that does not reach all of its marks fails the run", 3 },
	{ "lint", KEY_LINT, NULL, 0, "tell in the end what wakes came to, by call site", 3 },
	{ "gaps", KEY_GAPS, NULL, 0, "tell what no schedule can show", 4 },
	{ "list", 'l', NULL, 0, "name the scenarios", 4 },
	{ "check-replay", KEY_CHECK_REPLAY, NULL, OPTION_HIDDEN, NULL, 5 },
	{ "broken-futex", KEY_BROKEN, "KIND", OPTION_HIDDEN, NULL, 5 },
	{ "no-sleep-sets", KEY_NO_SLEEP_SETS, NULL, OPTION_HIDDEN, NULL, 5 },
	{ 0 },
};

static uint64_t count_of(const char *arg, uint64_t least, uint64_t most, struct argp_state *state, const char *what)
{
	char *end;
	const unsigned long long number = strtoull(arg, &end, 0);

	if (*arg < '0' || *arg > '9' || *end != '\0' || number < least || number > most)
		argp_error(state, "%s takes a number from %llu to %llu, not '%s'", what, (unsigned long long)least,
			   (unsigned long long)most, arg);
	return number;
}

static double seconds_of(const char *arg, struct argp_state *state)
{
	char *end;
	const double number = strtod(arg, &end);

	if (end == arg || *end != '\0' || !(number > 0) || !(number <= 1e7))
		argp_error(state, "--seconds takes a number above 0, not '%s'", arg);
	return number;
}

static bool switch_of(const char *arg, struct argp_state *state, const char *what)
{
	if (arg != NULL && strcmp(arg, "on") != 0 && strcmp(arg, "off") != 0)
		argp_error(state, "%s is on or off, not '%s'", what, arg);
	return arg == NULL || strcmp(arg, "on") == 0;
}

static enum broken broken_of(const char *arg, struct argp_state *state)
{
	static const char *const names[] = {
		[BROKEN_WAKE_ALL] = "wake-all",	    [BROKEN_LOSE_WAKE] = "lose-wake",
		[BROKEN_NO_COMPARE] = "no-compare", [BROKEN_WAKE_WRONG] = "wake-wrong",
		[BROKEN_NO_BARRIER] = "no-barrier",
	};

	for (unsigned i = 1; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(arg, names[i]) == 0)
			return i;
	argp_error(state, "--broken-futex does not know '%s'", arg);
	return BROKEN_NOT;
}

static bool schedules_given, faults_given, progress_asked, minimise_given;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'n':
		options.schedules = count_of(arg, 1, UINT64_MAX, state, "--schedules");
		schedules_given = true;
		break;
	case 't':
		options.seconds = seconds_of(arg, state);
		break;
	case KEY_FIRST:
	case 'S':
		options.first_seed = count_of(arg, 0, UINT64_MAX, state, key == 'S' ? "--seed" : "--first-seed");
		options.one_seed |= key == 'S';
		break;
	case 's':
		if (!plan_strategy(arg))
			argp_error(state, "there is no strategy '%s'", arg);
		break;
	case KEY_SCHEDULE:
		if (!schedule_parse(&options.given, arg))
			argp_error(state, "'%s' is no schedule", arg);
		options.strategy = STRATEGY_GIVEN;
		options.portfolio = false;
		options.one_seed = true;
		break;
	case 'w':
		options.weak = switch_of(arg, state, "--weak-memory");
		break;
	case 'f':
		faults_given = true;
		if (!plan_faults(arg != NULL ? arg : "on"))
			argp_error(state, "--faults takes on, off or kinds of faults, not '%s'", arg);
		break;
	case KEY_PLAIN:
		options.plain = true;
		break;
	case KEY_NO_RACES:
		options.races = false;
		break;
	case KEY_MINIMISE:
	case KEY_NO_MINIMISE:
		options.minimise = key == KEY_MINIMISE;
		minimise_given = true;
		break;
	case KEY_TRACE:
		options.trace = (unsigned)count_of(arg, 0, 1000000, state, "--trace");
		break;
	case 'k':
		options.keep_going = true;
		break;
	case KEY_HASHES:
		options.hashes = true;
		break;
	case 'q':
		options.quiet = true;
		break;
	case 'j':
		options.jobs = (unsigned)count_of(arg, 1, JOBS_MAX, state, "--jobs");
		break;
	case 'J':
		options.json = true;
		break;
	case KEY_PROGRESS:
		progress_asked = true;
		break;
	case KEY_STRICT:
		options.strict_marks = true;
		break;
	case KEY_GAPS:
		options.gaps = true;
		break;
	case 'l':
		options.list = true;
		break;
	case KEY_CHECK_REPLAY:
		options.check_replay = true;
		break;
	case KEY_LINT:
		options.lint = true;
		break;
	case KEY_BROKEN:
		broken_futex = broken_of(arg, state);
		break;
	case KEY_NO_SLEEP_SETS:
		options.no_sleep_sets = true;
		break;
	case ARGP_KEY_ARG:
		if (options.n_patterns == sizeof(options.patterns) / sizeof(*options.patterns))
			argp_error(state, "too many patterns");
		options.patterns[options.n_patterns++] = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options_parse(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "[SCENARIO-PATTERN...]",
		.doc = "Run small programs of several threads under many schedules; all, or those that a pattern matches."
		       "\vExit status: 0 nothing failed, 1 a scenario failed, 2 called wrongly. See weft-explore(1).",
	};

	argp_err_exit_status = 2;
#ifdef WEFT_EXPLORE_VERSION
	argp_program_version = "weft-explore " WEFT_EXPLORE_VERSION;
#endif
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	options.program = argv[0];
	const bool searches = !options.portfolio && options.strategy == STRATEGY_SEARCH;

	if (options.one_seed)
		options.schedules = 1;
	else if ((options.seconds > 0 || searches) && !schedules_given)
		options.schedules = UINT64_MAX;
	if (searches && !faults_given)
		options.faults = 1u << FAULT_TIMEOUT; /* of who runs, it is one more */
	if (options.one_seed || options.hashes || options.lint || searches)
		options.jobs = 1;
	if (!minimise_given)
		options.minimise = options.portfolio || options.strategy != STRATEGY_GIVEN;
	options.progress = progress_asked || (isatty(STDERR_FILENO) && !options.quiet && !options.hashes);
}
