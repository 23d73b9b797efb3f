/* SPDX-License-Identifier: MIT */
/* The same report as one JSON object, with the value of every round. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "peer.h"

#ifdef HAVE_JSON_C
#include <json-c/json.h>

static const char *const group_names[] = { "pair", "contended", "handoff", "barrier", "size" };
static const char *const placement_names[] = { "free", "one", "split" };

static void add(struct json_object *o, const char *key, struct json_object *value)
{
	json_object_object_add(o, key, value);
}

static void add_number(struct json_object *o, const char *key, double value)
{
	add(o, key, json_object_new_double(value));
}

static void add_int(struct json_object *o, const char *key, int64_t value)
{
	add(o, key, json_object_new_int64(value));
}

static void add_text(struct json_object *o, const char *key, const char *text)
{
	add(o, key, json_object_new_string(text));
}

static struct json_object *json_environment(void)
{
	static const char *const what[] = { "date", "cpu", "kernel", "libc", "compiler" };
	struct json_object *o = json_object_new_object();
	char text[256];

	for (unsigned i = 0; i < sizeof(what) / sizeof(what[0]); i++) {
		environment_get(what[i], text, sizeof(text));
		add_text(o, what[i], text);
	}
	add_int(o, "cpus", team_cpus());
	add_number(o, "load", environment_load());
	add_text(o, "clock", clock_info.tsc ? "tsc" : "clock_gettime");
	add_number(o, "clock_cost_ns", clock_info.cost_ns);
	add_number(o, "ns_per_turn", clock_info.ns_per_turn);
	return o;
}

static struct json_object *json_figure(const struct line *line, unsigned peer)
{
	const struct figure f = figure_of(line, peer);
	struct json_object *o = json_object_new_object(), *values = json_object_new_array();

	add_number(o, "median", f.median);
	add_number(o, "min", f.min);
	add_number(o, "max", f.max);
	for (unsigned i = 0; i < options.rounds; i++)
		json_object_array_add(values, json_object_new_double(line->sample[peer][i].value));
	add(o, "values", values);
	if (line->group == GROUP_CONTENDED) {
		add_number(o, "jain", f.jain);
		add_number(o, "jain_min", f.jain_min);
		add_number(o, "wait_p999_ns", f.p999_ns);
		add_number(o, "wait_max_ns", f.max_ns);
	}
	return o;
}

static struct json_object *json_peers(const struct line *line)
{
	struct json_object *o = json_object_new_object();

	for (unsigned p = 0; p < n_peers; p++) {
		if (!line->measured[p])
			continue;
		if (line->group == GROUP_SIZE)
			add_int(o, peers[p]->name, (int64_t)peers[p]->size[line->what]);
		else
			add(o, peers[p]->name, json_figure(line, p));
	}
	return o;
}

static struct json_object *json_ratios(const struct line *line)
{
	struct json_object *o = json_object_new_object();

	for (unsigned p = 1; p < n_peers; p++)
		if (line->measured[0] && line->measured[p])
			add_number(o, peers[p]->name, ratio_of(line, p));
	return o;
}

static struct json_object *json_line(const struct line *line)
{
	const bool lower = line->group == GROUP_PAIR || line->group == GROUP_SIZE;
	struct json_object *o = json_object_new_object();

	add_text(o, "name", line->name);
	add_text(o, "group", group_names[line->group]);
	add_text(o, "unit", line->group == GROUP_PAIR ? "ns" : line->group == GROUP_SIZE ? "bytes" : "1/s");
	add_text(o, "better", lower ? "lower" : "higher");
	if (line->group != GROUP_SIZE) {
		add_int(o, "threads", line->threads);
		add_text(o, "placement", placement_names[line->placement]);
	}
	if (line->group == GROUP_CONTENDED) {
		add_int(o, "section_ns", line->section_ns);
		add_int(o, "outside_ns", line->outside_ns);
	}
	add(o, "peers", json_peers(line));
	if (line->group != GROUP_SIZE)
		add(o, "ratio", json_ratios(line));
	return o;
}

static struct json_object *json_bounds(void)
{
	struct json_object *array = json_object_new_array();
	struct bound bounds[32];
	const unsigned n = summary_bounds(bounds, 32);

	for (unsigned i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();

		add_text(o, "name", bounds[i].name);
		add_text(o, "relation", bounds[i].at_least ? ">=" : "<=");
		add_number(o, "bound", bounds[i].limit);
		if (bounds[i].known) {
			add_number(o, "measured", bounds[i].measured);
			add(o, "pass", json_object_new_boolean(bounds[i].pass));
		}
		json_object_array_add(array, o);
	}
	return array;
}

int json_write(const char *path)
{
	const int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE;
	const bool to_stdout = strcmp(path, "-") == 0;
	FILE *f = to_stdout ? stdout : fopen(path, "we");
	struct json_object *o, *array;
	int bad;

	if (f == NULL)
		return -errno;
	json_c_set_serialization_double_format("%.7g", JSON_C_OPTION_GLOBAL);
	o = json_object_new_object();
	array = json_object_new_array();
	add_text(o, "tool", "weft-bench");
	add(o, "environment", json_environment());
	add_int(o, "rounds", options.rounds);
	add_int(o, "ms", options.ms);
	for (unsigned i = 0; i < n_lines; i++)
		json_object_array_add(array, json_line(&lines[i]));
	add(o, "lines", array);
	add(o, "bounds", json_bounds());
	bad = fprintf(f, "%s\n", json_object_to_json_string_ext(o, flags)) < 0;
	bad |= to_stdout ? fflush(f) : fclose(f);
	json_object_put(o);
	return bad ? -EIO : 0;
}

#else

int json_write(const char *path)
{
	(void)path;
	return -ENOSYS;
}

#endif
