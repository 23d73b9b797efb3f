/* SPDX-License-Identifier: MIT */
/*
 * report.c - what people and programs get to read.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "stress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#ifdef HAVE_JSON_C
#include <json.h>
#endif

static bool on_terminal(void)
{
	return !stress_options.json && isatty(STDOUT_FILENO);
}

/* A line that is kept up to date must not wrap. */
static int columns(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1 : 79;
}

/* ---- figures ---- */

static const char *count_text(char *text, size_t size, double n)
{
	if (n >= 1e9)
		snprintf(text, size, "%.2f G", n / 1e9);
	else if (n >= 1e6)
		snprintf(text, size, "%.2f M", n / 1e6);
	else if (n >= 1e3)
		snprintf(text, size, "%.1f k", n / 1e3);
	else
		snprintf(text, size, "%.0f", n);
	return text;
}

static const char *time_text(char *text, size_t size, int64_t ns)
{
	if (ns >= WEFT_SEC(1))
		snprintf(text, size, "%.2f s", weft_seconds(ns));
	else if (ns >= WEFT_MSEC(1))
		snprintf(text, size, "%.1f ms", (double)ns / 1e6);
	else
		snprintf(text, size, "%.0f us", (double)ns / 1e3);
	return text;
}

static double rate(uint64_t ops, int64_t ran)
{
	return ran > 0 ? (double)ops / weft_seconds(ran) : 0;
}

/* What sets the round apart. */
static const char *round_text(const struct stress_round *round, char *text, size_t size)
{
	static const char *const placements[] = { "any CPU", "one CPU", "split" };

	snprintf(text, size, "%s%s%s%s", placements[round->placement], round->timeouts ? ", time-outs" : "",
		 round->signals ? ", signals" : "", round->shared ? ", shared" : "");
	return text;
}

/* ---- progress and verdict ---- */

void stress_report_start(const struct stress_object *const objects[], unsigned n)
{
	char seconds[32];

	if (stress_options.json)
		return;
	printf("weft-stress: %u object%s, %u threads on %ld CPUs, %s, seed %#" PRIx64, n, n == 1 ? "" : "s",
	       stress_options.threads, sysconf(_SC_NPROCESSORS_ONLN),
	       time_text(seconds, sizeof(seconds), stress_options.run_ns), stress_options.seed);
	if (stress_options.timeouts > 0)
		printf(", time-outs %u %%", stress_options.timeouts);
	if (stress_options.signals)
		printf(", signals");
	printf(" (%s)\n", stress_environment());
	if (!on_terminal())
		for (unsigned i = 0; i < n; i++)
			for (unsigned j = 0; j < objects[i]->n_cases; j++)
				if (stress_options.only_case == NULL ||
				    strcmp(stress_options.only_case, objects[i]->cases[j].name) == 0)
					printf("  %-8s%-10s %s\n", objects[i]->name, objects[i]->cases[j].name,
					       objects[i]->cases[j].checks);
	fflush(stdout);
}

void stress_report_progress(const struct stress_progress *progress)
{
	static int64_t last;
	const int64_t now = weft_now(), every = on_terminal() ? WEFT_MSEC(100) : WEFT_SEC(10);
	char ops[32], per_second[32], how[80], line[300];
	const int64_t left = progress->left > 0 ? progress->left : 0;

	if (stress_options.json || now - last < every)
		return;
	if (!on_terminal() && progress->ran < every)
		return;
	last = now;
	snprintf(line, sizeof(line), "%-8s%8s ops %8s ops/s %5.1f s left  %s: %s (%s)", progress->object->name,
		 count_text(ops, sizeof(ops), (double)progress->ops),
		 count_text(per_second, sizeof(per_second), rate(progress->ops, progress->ran)), weft_seconds(left),
		 progress->round->kase->name, progress->round->kase->checks,
		 round_text(progress->round, how, sizeof(how)));
	if (on_terminal())
		printf("\r%.*s\033[K", columns(), line);
	else
		printf("%s\n", line);
	fflush(stdout);
}

void stress_report_verdict(const struct stress_result *result)
{
	char ops[32], per_second[32], took[32], longest[32];

	if (stress_options.json)
		return;
	printf("%s%-8s%s %8s ops %8s ops/s in %s, %u rounds, longest wait %s%s\n", on_terminal() ? "\r" : "",
	       result->object,
	       result->failure[0] != '\0' ? "FAILED"
	       : result->interrupted	  ? "ended "
					  : "ok    ",
	       count_text(ops, sizeof(ops), (double)result->ops),
	       count_text(per_second, sizeof(per_second), rate(result->ops, result->took)),
	       time_text(took, sizeof(took), result->took), result->rounds,
	       time_text(longest, sizeof(longest), result->longest), on_terminal() ? "\033[K" : "");
	if (result->failure[0] != '\0')
		printf("        %s: %s\n", result->failed_case, result->failure);
	fflush(stdout);
}

/* ---- failures ---- */

static void repeat_line(char *text, size_t size, const char *object, const char *kase, unsigned round)
{
	snprintf(text, size,
		 "repeat with: weft-stress %s --case %s --seed %#" PRIx64
		 " --round %u --threads %u --timeouts %u%s --seconds %.0f\n",
		 object, kase, stress_options.seed, round, stress_options.threads, stress_options.timeouts,
		 stress_options.signals ? " --signals" : "", weft_seconds(stress_options.run_ns) + 0.5);
}

static void list_threads(FILE *out, const struct stress_round *round)
{
	const int64_t now = weft_now();
	char state[128];

	for (unsigned i = 0; i < round->n; i++) {
		const struct stress_worker *w = &round->workers[i];
		const char *step = atomic_load_explicit(&w->step, memory_order_relaxed);

		if (atomic_load_explicit(&w->through, memory_order_relaxed))
			continue;
		stress_probe_text(w, state, sizeof(state));
		fprintf(out, "  thread %u: %" PRIu64 " calls done; %s, on %p, for %.3f s; %s\n", w->id,
			atomic_load_explicit(&w->ops, memory_order_relaxed), step == NULL ? "starting" : step,
			atomic_load_explicit(&w->on, memory_order_relaxed),
			weft_seconds(now - atomic_load_explicit(&w->since, memory_order_relaxed)), state);
	}
}

void stress_report_failure(struct stress_round *round, const struct stress_result *result)
{
	char text[256];

	fflush(stdout);
	fprintf(stderr, "%sFAILED %s/%s: %s\n  round %u (%s), quota %" PRIu64 ", %u threads\n",
		on_terminal() ? "\n" : "", round->object, round->kase->name, result->failure, round->number,
		round_text(round, text, sizeof(text)), round->quota, round->n);
	if (round->kase->dump != NULL)
		round->kase->dump(round, stderr);
	list_threads(stderr, round);
	repeat_line(text, sizeof(text), round->object, round->kase->name, round->number);
	fputs(text, stderr);
	fflush(stderr);
}

void stress_report_touch(const struct stress_worker *worker, const void *address)
{
	const struct stress_round *round = worker->round;
	const char *step = atomic_load_explicit(&worker->step, memory_order_relaxed);
	char text[512], repeat[256];
	int n;

	n = snprintf(text, sizeof(text),
		     "\nFAILED %s/%s: touched: thread %u: touched %p, a %s that was freed; %s\n  round %u\n",
		     round->object, round->kase->name, worker->id, address, round->object,
		     step == NULL ? "starting" : step, round->number);
	if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
		_exit(1);
	repeat_line(repeat, sizeof(repeat), round->object, round->kase->name, round->number);
	if (write(STDERR_FILENO, repeat, strlen(repeat)) < 0)
		_exit(1);
	_exit(1);
}

/* ---- JSON ---- */

#ifdef HAVE_JSON_C

bool stress_json_available(void)
{
	return true;
}

static void print_and_put(struct json_object *json)
{
	printf("%s\n", json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED));
	json_object_put(json);
}

static struct json_object *settings(void)
{
	struct json_object *json = json_object_new_object();
	char seed[32];

	snprintf(seed, sizeof(seed), "%#" PRIx64, stress_options.seed);
	json_object_object_add(json, "seed", json_object_new_string(seed));
	json_object_object_add(json, "threads", json_object_new_int64(stress_options.threads));
	json_object_object_add(json, "seconds", json_object_new_double(weft_seconds(stress_options.run_ns)));
	json_object_object_add(json, "timeouts_percent", json_object_new_int64(stress_options.timeouts));
	json_object_object_add(json, "signals", json_object_new_boolean(stress_options.signals));
	json_object_object_add(json, "environment", json_object_new_string(stress_environment()));
	return json;
}

static struct json_object *string_or_null(const char *text)
{
	return text != NULL && text[0] != '\0' ? json_object_new_string(text) : NULL;
}

static const struct stress_object *object_named(const char *name)
{
	const struct stress_object *const objects[] = { &stress_lock, &stress_rlock, &stress_event, &stress_cond,
							&stress_sem,  &stress_once,  &stress_latch };

	for (unsigned i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		if (strcmp(objects[i]->name, name) == 0)
			return objects[i];
	return &stress_barrier;
}

static struct json_object *cases_of(const struct stress_result *result)
{
	const struct stress_object *object = object_named(result->object);
	struct json_object *cases = json_object_new_array();

	for (unsigned i = 0; i < object->n_cases; i++) {
		struct json_object *json = json_object_new_object();

		json_object_object_add(json, "case", json_object_new_string(object->cases[i].name));
		json_object_object_add(json, "checks", json_object_new_string(object->cases[i].checks));
		json_object_object_add(json, "rounds", json_object_new_int64(result->cases[i].rounds));
		json_object_object_add(json, "ops", json_object_new_int64((int64_t)result->cases[i].ops));
		json_object_array_add(cases, json);
	}
	return cases;
}

void stress_json_results(const struct stress_result results[], unsigned n)
{
	struct json_object *json = settings(), *objects = json_object_new_array();
	bool good = true;

	for (unsigned i = 0; i < n; i++) {
		const struct stress_result *r = &results[i];
		struct json_object *one = json_object_new_object();
		const bool ok = r->failure[0] == '\0';

		good &= ok;
		json_object_object_add(one, "object", json_object_new_string(r->object));
		json_object_object_add(one, "ok", json_object_new_boolean(ok));
		json_object_object_add(one, "failure", string_or_null(r->failure));
		json_object_object_add(one, "failed_case", string_or_null(r->failed_case));
		json_object_object_add(one, "ops", json_object_new_int64((int64_t)r->ops));
		json_object_object_add(one, "seconds", json_object_new_double(weft_seconds(r->took)));
		json_object_object_add(one, "rounds", json_object_new_int64(r->rounds));
		json_object_object_add(one, "longest_wait_ms", json_object_new_double((double)r->longest / 1e6));
		json_object_object_add(one, "cases", cases_of(r));
		json_object_array_add(objects, one);
	}
	json_object_object_add(json, "ok", json_object_new_boolean(good));
	json_object_object_add(json, "objects", objects);
	print_and_put(json);
}

void stress_json_twins(const struct stress_twin twins[], unsigned n)
{
	struct json_object *json = settings(), *list = json_object_new_array();
	bool good = true;

	for (unsigned i = 0; i < n; i++) {
		const struct stress_twin *t = &twins[i];
		struct json_object *one = json_object_new_object();
		const bool ok = t->caught != t->control;

		good &= ok;
		json_object_object_add(one, "twin", json_object_new_string(t->name));
		json_object_object_add(one, "object", json_object_new_string(t->object));
		json_object_object_add(one, "sound", json_object_new_boolean(t->control));
		json_object_object_add(one, "ok", json_object_new_boolean(ok));
		json_object_object_add(one, "expected", string_or_null(t->catcher));
		json_object_object_add(one, "caught_by", string_or_null(t->by));
		json_object_object_add(one, "seconds", json_object_new_double(weft_seconds(t->took)));
		json_object_object_add(one, "what", json_object_new_string(t->text));
		json_object_array_add(list, one);
	}
	json_object_object_add(json, "ok", json_object_new_boolean(good));
	json_object_object_add(json, "twins", list);
	print_and_put(json);
}

#else

bool stress_json_available(void)
{
	return false;
}

void stress_json_results(const struct stress_result results[], unsigned n)
{
	(void)results, (void)n;
}

void stress_json_twins(const struct stress_twin twins[], unsigned n)
{
	(void)twins, (void)n;
}

#endif
