/* SPDX-License-Identifier: MIT */
/* The text table: a heading for each group that says what is shown and which way is better, then a row per line. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "bench.h"
#include "peer.h"

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static void cpu_model(char *buf, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char text[256];

	snprintf(buf, size, "unknown");
	if (f == NULL)
		return;
	while (fgets(text, sizeof(text), f) != NULL) {
		const char *colon = strchr(text, ':');

		if (strncmp(text, "model name", 10) != 0 || colon == NULL)
			continue;
		text[strcspn(text, "\n")] = '\0';
		snprintf(buf, size, "%s", colon + 2);
		break;
	}
	fclose(f);
}

void environment_get(const char *what, char *buf, size_t size)
{
	const time_t now = time(NULL);
	struct utsname uts;
	struct tm tm;

	buf[0] = '\0';
	if (strcmp(what, "cpu") == 0)
		cpu_model(buf, size);
	else if (strcmp(what, "compiler") == 0)
		snprintf(buf, size, "%s", COMPILER);
	else if (strcmp(what, "libc") == 0)
		snprintf(buf, size, "glibc %s", gnu_get_libc_version());
	else if (strcmp(what, "date") == 0)
		strftime(buf, size, "%Y-%m-%d %H:%M:%S %z", localtime_r(&now, &tm));
	else if (strcmp(what, "kernel") == 0 && uname(&uts) == 0)
		snprintf(buf, size, "%s %s %s", uts.sysname, uts.release, uts.machine);
}

/* Before the first thread of ours has added to it. */
double environment_load(void)
{
	static double load = -1;

	if (load < 0 && getloadavg(&load, 1) != 1)
		load = 0;
	return load;
}

void report_header(unsigned runs)
{
	static const char *const what[] = { "date", "cpu", "kernel", "libc", "compiler" };
	char text[256];

#ifdef PACKAGE_VERSION
	printf("%-10s%s\n", "weft", PACKAGE_VERSION);
#endif
	for (unsigned i = 0; i < sizeof(what) / sizeof(what[0]); i++) {
		environment_get(what[i], text, sizeof(text));
		printf("%-10s%s", what[i], text);
		if (strcmp(what[i], "cpu") == 0)
			printf(", %u of them to be used", team_cpus());
		printf("\n");
	}
	printf("%-10s%.2f%s\n", "load", environment_load(),
	       environment_load() > 0.5 ? ": not idle in the last minute; figures of a busy machine are off" : "");
	printf("%-10s%s, %.1f ns a reading; a section of 100 ns is %.0f turns of an empty loop, calibrated alone\n",
	       "clock", clock_info.tsc ? "time-stamp counter" : "clock_gettime", clock_info.cost_ns,
	       100 / clock_info.ns_per_turn);
	printf("%-10s%u: %u rounds, peers in turn, %u ms each, so about %.0f s; a second thread is always alive\n",
	       "runs", runs, options.rounds, options.ms, runs * (options.ms + 2) / 1000.0);
	printf("%-10smedian of the rounds, and min..max; ratio: first peer to the other\n", "figures");
}

static const char *const heading[GROUPS] = {
	[GROUP_PAIR] = ("uncontended pairs: ns for one pair of calls (event_wait, cond_notify: one call;\n"
			"rlock_nested: two levels, four calls); lower is better, so a ratio below 1 is good"),
	[GROUP_CONTENDED] = ("contended/THREADS/SECTION/OUTSIDE/PLACEMENT: one lock, times in ns; thousand\n"
			     "acquisitions/s, higher is better, a ratio above 1 is good; then for each peer\n"
			     "fairness (Jain, 1 is best), the wait in us that 99.9 % do not exceed, and the\n"
			     "longest of all rounds in ms (lower is better)"),
	[GROUP_HANDOFF] = ("pingpong: 2 threads, thousand round trips/s; notify_all, event_set,\n"
			   "latch/WAITERS: thousand rounds/s until all are back; higher is better, a ratio above 1 is good"),
	[GROUP_BARRIER] = ("barrier/PARTIES: thousand rounds/s, higher is better, a ratio above 1 is good"),
	[GROUP_SIZE] = ("sizes in bytes, lower is better"),
};

/* A peer that is only a floor has no column of its own. */
static bool is_column(unsigned peer, enum group group)
{
	const struct peer *p = peers[peer];
	bool any = false;

	if (!options.peer[peer])
		return false;
	for (unsigned i = PAIR_LOCK; i < PAIRS && group == GROUP_PAIR; i++)
		any = any || p->pair[i] != NULL;
	for (unsigned i = 0; i < KERNELS && group != GROUP_PAIR; i++)
		any = any || p->kernel[i] != NULL;
	return any;
}

static void print_heading(enum group group)
{
	printf("\n%s\n%-28s", heading[group], "");
	for (unsigned p = 0; p < n_peers; p++)
		if (is_column(p, group)) {
			printf(" %8s", peers[p]->title);
			if (group != GROUP_SIZE)
				printf(" %14s", "min..max");
		}
	for (unsigned p = 1; p < n_peers && group != GROUP_SIZE; p++)
		if (is_column(0, group) && is_column(p, group))
			printf(" %7s", "ratio");
	for (unsigned p = 0; p < n_peers && group == GROUP_CONTENDED; p++)
		if (is_column(p, group))
			printf(" | Jain 99.9%%us max ms");
	printf("\n");
}

/* Four digits tell enough. */
static int digits(double value)
{
	return value < 100 ? 2 : value < 1000 ? 1 : 0;
}

static void print_figure(const struct line *line, unsigned peer)
{
	const double scale = line->group == GROUP_PAIR ? 1 : 1e-3;
	char range[40];
	struct figure f;

	if (!line->measured[peer]) {
		printf(" %8s %14s", "-", "");
		return;
	}
	f = figure_of(line, peer);
	f.median *= scale;
	f.min *= scale;
	f.max *= scale;
	snprintf(range, sizeof(range), "%.*f..%.*f", digits(f.min), f.min, digits(f.max), f.max);
	printf(" %8.*f %14s", digits(f.median), f.median, range);
}

static void print_waits(const struct line *line, unsigned peer)
{
	struct figure f;

	if (!line->measured[peer]) {
		printf(" | %4s %7s %6s", "-", "-", "-");
		return;
	}
	f = figure_of(line, peer);
	f.p999_ns /= 1e3;
	printf(" | %4.2f %7.*f %6.2f", f.jain, digits(f.p999_ns), f.p999_ns, f.max_ns / 1e6);
}

static void print_ratio(double ratio)
{
	printf(" %6.*fx", digits(ratio), ratio);
}

static void print_row(const struct line *line)
{
	for (unsigned p = 0; p < n_peers; p++)
		if (is_column(p, line->group))
			print_figure(line, p);
	for (unsigned p = 1; p < n_peers; p++) {
		if (!is_column(0, line->group) || !is_column(p, line->group))
			continue;
		if (line->measured[0] && line->measured[p])
			print_ratio(ratio_of(line, p));
		else
			printf(" %7s", "-");
	}
	for (unsigned p = 0; p < n_peers && line->group == GROUP_CONTENDED; p++)
		if (is_column(p, line->group))
			print_waits(line, p);
	printf("\n");
}

void report_line(const struct line *line)
{
	static enum group shown = GROUPS;

	if (line->group != shown)
		print_heading(line->group);
	shown = line->group;
	printf("%-28s", line->name);
	if (line->group == GROUP_SIZE) {
		for (unsigned p = 0; p < n_peers; p++)
			if (is_column(p, line->group))
				printf(" %8zu", peers[p]->size[line->what]);
		printf("\n");
	} else if (line->group == GROUP_PAIR && line->what == PAIR_FLOOR) {
		for (unsigned p = 0; p < n_peers; p++)
			if (line->measured[p]) {
				print_figure(line, p);
				printf("  %s\n", peers[p]->title);
			}
	} else {
		print_row(line);
	}
	fflush(stdout);
}
