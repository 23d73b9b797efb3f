/* SPDX-License-Identifier: MIT */
/*
 * The plain runner: runs the tests of tests/test.h without Criterion, so also under ThreadSanitizer and an emulator.
 *
 * Each test runs in a forked child, as the leader of a process group of its own, so that a crash or a hang is one failure
 * and leaves nothing behind. The runner itself has one thread.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <argp.h>
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../test.h"

enum { EXIT_SKIPPED = 77 };

static struct test *tests;

static struct {
	const char *filter;
	unsigned jobs, limit_s;
	bool list, no_fork, verbose;
} options = { .limit_s = TEST_LIMIT_S };

static struct {
	unsigned passed, failed, skipped;
} counts;

struct job {
	const struct test *test;
	pid_t pid;
	int64_t start_ns;
};

static int compare(const struct test *a, const struct test *b)
{
	const int order = strcmp(a->file, b->file);

	return order != 0 ? order : a->line - b->line;
}

/* Constructors run in the order of the linker's liking; this keeps the list in the order of the files. */
void test_register(struct test *test)
{
	struct test **link = &tests;

	while (*link != NULL && compare(*link, test) < 0)
		link = &(*link)->next;
	test->next = *link;
	*link = test;
}

static void full_name(const struct test *test, char *buf, size_t size)
{
	snprintf(buf, size, "%s/%s", test->suite, test->name);
}

static bool chosen(const struct test *test)
{
	char name[256];

	full_name(test, name, sizeof(name));
	return options.filter == NULL || fnmatch(options.filter, name, 0) == 0;
}

/* Run it here; what it would exit with. */
static int run_body(const struct test *test)
{
	test_begin();
	test->body();
	if (test_failures() != 0)
		return EXIT_FAILURE;
	return test_skipped() ? EXIT_SKIPPED : EXIT_SUCCESS;
}

static void report(const struct test *test, int status, int64_t took_ns)
{
	const bool exited = WIFEXITED(status);
	const char *verdict = "ok  ";

	if (exited && WEXITSTATUS(status) == EXIT_SUCCESS) {
		counts.passed++;
	} else if (exited && WEXITSTATUS(status) == EXIT_SKIPPED) {
		counts.skipped++;
		verdict = "skip";
	} else {
		counts.failed++;
		verdict = "FAIL";
	}
	if (verdict[0] != 'F' && !options.verbose)
		return;
	printf("%s %s/%s (%.3f s)", verdict, test->suite, test->name, (double)took_ns / 1e9);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		printf(": not done after %u s", options.limit_s);
	else if (WIFSIGNALED(status))
		printf(": killed by signal %d, %s", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (verdict[0] == 'F')
		printf(": %s:%d", test->file, test->line);
	printf("\n");
}

static void start(struct job *job, const struct test *test)
{
	fflush(NULL);
	job->test = test;
	job->start_ns = clock_ns();
	job->pid = fork();
	if (job->pid < 0) {
		perror("fork");
		exit(EXIT_FAILURE);
	}
	if (job->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		alarm(options.limit_s);
		exit(run_body(test));
	}
	setpgid(job->pid, job->pid);	/* in both, so that it is done whoever comes first */
}

static void finish_one(struct job *jobs)
{
	siginfo_t info;
	unsigned i;
	int status;

	memset(&info, 0, sizeof(info));
	while (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) < 0)
		if (errno != EINTR)
			abort();
	kill(-info.si_pid, SIGKILL);	/* what it left; its number is not reused before the wait below */
	if (waitpid(info.si_pid, &status, 0) < 0)
		abort();
	for (i = 0; i < options.jobs; i++) {
		if (jobs[i].pid != info.si_pid)
			continue;
		report(jobs[i].test, status, clock_ns() - jobs[i].start_ns);
		jobs[i].pid = 0;
	}
}

static struct job *free_job(struct job *jobs)
{
	unsigned i;

	for (;;) {
		for (i = 0; i < options.jobs; i++)
			if (jobs[i].pid == 0)
				return &jobs[i];
		finish_one(jobs);
	}
}

static bool any_running(const struct job *jobs)
{
	unsigned i;

	for (i = 0; i < options.jobs; i++)
		if (jobs[i].pid != 0)
			return true;
	return false;
}

static void run_all_forked(void)
{
	struct job *jobs = calloc(options.jobs, sizeof(*jobs));
	const struct test *test;

	if (jobs == NULL)
		abort();
	for (test = tests; test != NULL; test = test->next)
		if (chosen(test))
			start(free_job(jobs), test);
	while (any_running(jobs))
		finish_one(jobs);
	free(jobs);
}

static void run_all_here(void)
{
	const struct test *test;

	for (test = tests; test != NULL; test = test->next) {
		const int64_t start_ns = clock_ns();

		if (!chosen(test))
			continue;
		alarm(options.limit_s);
		report(test, run_body(test) << 8, clock_ns() - start_ns);	/* as wait() would give it */
		alarm(0);
	}
}

static void list_all(void)
{
	const struct test *test;

	for (test = tests; test != NULL; test = test->next)
		if (chosen(test))
			printf("%s/%s\n", test->suite, test->name);
}

enum { KEY_NO_FORK = 256, KEY_LIMIT };

static const struct argp_option argp_options[] = {
	{ "list", 'l', NULL, 0, "name the tests and stop", 0 },
	{ "filter", 'f', "GLOB", 0, "only those whose suite/name matches", 0 },
	{ "jobs", 'j', "N", 0, "so many at a time; default: one for each CPU", 0 },
	{ "limit", KEY_LIMIT, "S", 0, "seconds until a test that does not end is killed", 0 },
	{ "no-fork", KEY_NO_FORK, NULL, 0, "all in this process, for a debugger", 0 },
	{ "verbose", 'v', NULL, 0, "a line for every test, not only for those that fail", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static unsigned number(const char *text, struct argp_state *state)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || value == 0 || value > 1000000)
		argp_error(state, "not a number from 1 to 1000000: %s", text);
	return (unsigned)value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'l':
		options.list = true;
		return 0;
	case 'f':
	case ARGP_KEY_ARG:
		options.filter = arg;
		return 0;
	case 'j':
		options.jobs = number(arg, state);
		return 0;
	case KEY_LIMIT:
		options.limit_s = number(arg, state);
		return 0;
	case KEY_NO_FORK:
		options.no_fork = true;
		return 0;
	case 'v':
		options.verbose = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	const struct argp argp = { argp_options, parse, "[GLOB]", "Run the unit tests of weft.", NULL, NULL, NULL };
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	options.jobs = cpus > 0 ? (unsigned)cpus : 1;
	if (argp_parse(&argp, argc, argv, 0, NULL, NULL) != 0)
		return EXIT_FAILURE;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (options.list)
		list_all();
	else if (options.no_fork)
		run_all_here();
	else
		run_all_forked();
	if (options.list)
		return EXIT_SUCCESS;
	if (counts.skipped != 0)
		printf("%u skipped\n", counts.skipped);
	printf("%u passed, %u failed\n", counts.passed, counts.failed);
	return counts.failed == 0 && counts.passed + counts.skipped != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
