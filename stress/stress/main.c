/* SPDX-License-Identifier: MIT */
/*
 * main.c - weft-stress: what was asked for.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "stress.h"

#include <argp.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct stress_object *const objects[] = {
	&stress_lock, &stress_rlock,   &stress_event, &stress_cond,
	&stress_sem,  &stress_barrier, &stress_once,  &stress_latch,
};

enum { N_OBJECTS = sizeof(objects) / sizeof(objects[0]) };

struct stress_options stress_options = {
	.run_ns = WEFT_SEC(12),
	.timeouts = 20,
	.patience_ns = WEFT_SEC(10),
	.bound_ns = WEFT_SEC(5),
	.round_ns = WEFT_MSEC(150),
};

static bool chosen[N_OBJECTS];
static bool any_chosen, list_wanted, patience_given, bound_given;

/* ---- options ---- */

enum { KEY_TWINS = 256, KEY_TWIN, KEY_CASE, KEY_ROUND, KEY_DEADLINE, KEY_BOUND };

static const struct argp_option option_table[] = {
	{ "threads", 't', "N", 0, "threads per object; as it comes, four to a CPU, from 8 to 64", 1 },
	{ "seconds", 's', "S", 0, "how long to run, all objects together; 12 as it comes", 1 },
	{ "seed", 'S', "N", 0, "where the random numbers begin; as it comes, from the clock", 1 },
	{ "timeouts", 'T', "PERCENT", 0,
	  "share of the waits that end by tiny time-outs and cancel tokens; 20 as it comes", 1 },
	{ "signals", 'i', NULL, 0, "storm the threads with signals", 1 },
	{ "deadline", KEY_DEADLINE, "S", 0, "a round that takes so much longer than it should hangs; 10 as it comes",
	  2 },
	{ "bound", KEY_BOUND, "S", 0, "a wait that takes longer is a failure; 5 as it comes", 2 },
	{ "case", KEY_CASE, "NAME", 0, "only this case", 2 },
	{ "round", KEY_ROUND, "N", 0, "begin with this round", 2 },
	{ "busted", 'b', NULL, 0, "run the broken twins, each of which must be caught", 3 },
	{ "twin", KEY_TWIN, "NAME", 0, "with --busted: only this one", 3 },
	{ "twins", KEY_TWINS, "DIR", 0, "with --busted: where they are", 3 },
	{ "json", 'j', NULL, 0, "results as JSON, and nothing else, on standard output", 4 },
	{ "list", 'l', NULL, 0, "list objects, cases and twins", 4 },
	{ 0 },
};

static double number_of(const char *arg, double least, double most, struct argp_state *state, const char *what)
{
	char *end;
	const double number = strtod(arg, &end);

	if (end == arg || *end != '\0' || !(number >= least) || !(number <= most))
		argp_error(state, "%s takes a number from %g to %g, not '%s'", what, least, most, arg);
	return number;
}

static void choose(const char *name, struct argp_state *state)
{
	bool known = strcmp(name, "all") == 0;

	for (unsigned i = 0; i < N_OBJECTS; i++) {
		if (strcmp(name, "all") != 0 && strcmp(name, objects[i]->name) != 0)
			continue;
		chosen[i] = any_chosen = known = true;
	}
	if (!known)
		argp_error(state, "no object is called '%s'; see --list", name);
}

static uint64_t seed_of(const char *arg, struct argp_state *state)
{
	char *end;
	const unsigned long long seed = strtoull(arg, &end, 0);

	if (end == arg || *end != '\0')
		argp_error(state, "--seed takes a number, not '%s'", arg);
	return seed;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct stress_options *o = &stress_options;

	switch (key) {
	case 't':
		o->threads = (unsigned)number_of(arg, 2, STRESS_MAX_THREADS, state, "--threads");
		break;
	case 's':
		o->run_ns = (int64_t)(number_of(arg, 0, 1e7, state, "--seconds") * 1e9);
		break;
	case 'S':
		o->seed = seed_of(arg, state);
		break;
	case 'T':
		o->timeouts = (unsigned)number_of(arg, 0, 100, state, "--timeouts");
		break;
	case 'i':
		o->signals = true;
		break;
	case 'j':
		o->json = true;
		break;
	case 'l':
		list_wanted = true;
		break;
	case 'b':
		o->busted = true;
		break;
	case KEY_TWINS:
		o->twins = arg;
		break;
	case KEY_TWIN:
		o->only_twin = arg;
		break;
	case KEY_CASE:
		o->only_case = arg;
		break;
	case KEY_ROUND:
		o->first_round = (unsigned)number_of(arg, 0, 4e9, state, "--round");
		break;
	case KEY_DEADLINE:
		o->patience_ns = (int64_t)(number_of(arg, 0.1, 1e6, state, "--deadline") * 1e9);
		patience_given = true;
		break;
	case KEY_BOUND:
		o->bound_ns = (int64_t)(number_of(arg, 0.001, 1e6, state, "--bound") * 1e9);
		bound_given = true;
		break;
	case ARGP_KEY_ARG:
		choose(arg, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp parser = {
	.options = option_table,
	.parser = parse_option,
	.args_doc = "all|lock|rlock|event|cond|sem|barrier|once|latch...",
	.doc = "Torture weft's objects with many threads and check what they promise."
	       "\vExit status: 0 all is well, 1 a failure was found, 2 it was called wrongly. See weft-stress(1).",
};

/* ---- set-up ---- */

static bool case_exists(void)
{
	for (unsigned i = 0; i < N_OBJECTS; i++)
		for (unsigned j = 0; j < objects[i]->n_cases && chosen[i]; j++)
			if (strcmp(objects[i]->cases[j].name, stress_options.only_case) == 0)
				return true;
	return false;
}

/* With --case, objects that have no such case stay out. */
static bool takes_part(unsigned i)
{
	for (unsigned j = 0; j < objects[i]->n_cases && chosen[i]; j++)
		if (stress_options.only_case == NULL ||
		    strcmp(objects[i]->cases[j].name, stress_options.only_case) == 0)
			return true;
	return false;
}

static void fill_in(void)
{
	struct stress_options *o = &stress_options;
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct timespec now;

	if (o->threads == 0) {
		o->threads = cpus > 2 && cpus < STRESS_MAX_THREADS / 4 ? (unsigned)cpus * 4 : 8;
		if (o->threads > 64)
			o->threads = 64;
	}
	if (o->seed == 0) {
		clock_gettime(CLOCK_REALTIME, &now);
		o->seed =
			stress_mix((uint64_t)now.tv_nsec + (uint64_t)now.tv_sec * 1000003 + (uint64_t)getpid()) >> 32;
	}
	if (!patience_given)
		o->patience_ns *= stress_slowness();
	if (!bound_given)
		o->bound_ns *= stress_slowness();
}

static void on_interrupt(int signal)
{
	(void)signal;
	atomic_store_explicit(&stress_interrupted, true, memory_order_relaxed);
}

static int list_all(void)
{
	for (unsigned i = 0; i < N_OBJECTS; i++)
		for (unsigned j = 0; j < objects[i]->n_cases; j++)
			printf("%-8s %-10s %s\n", objects[i]->name, objects[i]->cases[j].name,
			       objects[i]->cases[j].checks);
	return stress_busted_list(stdout);
}

static int run_chosen(void)
{
	const struct stress_object *list[N_OBJECTS];
	struct stress_result results[N_OBJECTS];
	unsigned n = 0, failed = 0, ran = 0;

	memset(results, 0, sizeof(results));
	for (unsigned i = 0; i < N_OBJECTS; i++)
		if (takes_part(i))
			list[n++] = objects[i];
	stress_report_start(list, n);
	for (; ran < n && !atomic_load_explicit(&stress_interrupted, memory_order_relaxed); ran++) {
		stress_run_object(list[ran], stress_options.run_ns / (int64_t)n, &results[ran]);
		stress_report_verdict(&results[ran]);
		failed += results[ran].failure[0] != '\0';
	}
	if (stress_options.json)
		stress_json_results(results, ran);
	fflush(stdout);
	/* Threads that hang may still be there: nothing is torn down under them. */
	_exit(failed > 0);
}

int main(int argc, char *argv[])
{
	struct sigaction interrupt = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };

	argp_err_exit_status = 2;
#ifdef PACKAGE_VERSION
	argp_program_version = "weft-stress " PACKAGE_VERSION;
#endif
	argp_parse(&parser, argc, argv, 0, NULL, NULL);
	if (list_wanted)
		return list_all();
	if (stress_options.json && !stress_json_available()) {
		fprintf(stderr, "weft-stress: built without json-c, so there is no --json\n");
		return 2;
	}
	if (stress_options.only_case != NULL && !case_exists()) {
		fprintf(stderr, "weft-stress: no case is called '%s'; see --list\n", stress_options.only_case);
		return 2;
	}
	fill_in();
	if (stress_options.busted)
		return stress_busted();
	if (!any_chosen) {
		argp_help(&parser, stderr, ARGP_HELP_STD_USAGE, argv[0]);
		return 2;
	}
	sigaction(SIGINT, &interrupt, NULL);
	stress_heap_init();
	stress_probe_init();
	return run_chosen();
}
