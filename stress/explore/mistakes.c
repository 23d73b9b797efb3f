/* SPDX-License-Identifier: MIT */
/*
 * mistakes.c - what whoever builds a program with libweft-explore can have done wrong, in words.
 *
 * How it was compiled and linked, and what the tables say, is looked at before anything runs; a call of this library
 * where there is no schedule ends the program. What can only be seen in a schedule is a failure of that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run.h"

bool mistakes_instrumented;

/* ---- linked with the sanitizer's library ---- */

/* Only that library has it. Its functions are there before main, so a look in main would come too late. */
extern void __sanitizer_report_error_summary(const char *summary) __attribute__((__weak__));

static void look_at_linking(void)
{
	static const char message[] =
		"weft-explore: this program was linked with -fsanitize=thread, and so with the sanitizer's library.\n"
		"Give that flag to the compiler only: cc -fsanitize=thread -c test.c; cc test.o -lweft-explore\n";
	void (*const volatile found)(const char *summary) = __sanitizer_report_error_summary;

	if (found == NULL)
		return;
	syscall(SYS_write, STDERR_FILENO, message, sizeof(message) - 1);
	syscall(SYS_exit_group, 2);
}

__attribute__((__section__(".preinit_array"), __used__)) static void (*const first)(void) = look_at_linking;

/* ---- scenarios ---- */

static bool is_name(const char *name)
{
	return *name != '\0' && *name != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == strlen(name);
}

static const char *wrong_with(const struct weft_explore_scenario *scenario)
{
	const unsigned known = WEFT_EXPLORE_MAY_STALL | WEFT_EXPLORE_MAY_DIE | WEFT_EXPLORE_ALLOC_FAILS |
			       WEFT_EXPLORE_START_FAILS | WEFT_EXPLORE_NO_LEAKS;

	if (!is_name(scenario->name))
		return "its name is more than letters, digits and hyphens";
	if (scenario->threads < 1)
		return "it has no threads: set .threads";
	if (scenario->threads > WEFT_EXPLORE_THREADS_MAX)
		return "it has more threads than WEFT_EXPLORE_THREADS_MAX, which is 7";
	if (scenario->begin == NULL)
		return "it has no .begin";
	if (scenario->thread == NULL)
		return "it has no .thread";
	if (scenario->flags & ~known)
		return "it has a flag in .flags that is none";
	return NULL;
}

static const struct weft_explore_scenario *by_name(const struct weft_explore_scenario *const tables[],
						   const char *name)
{
	for (size_t i = 0; tables[i] != NULL; i++)
		for (const struct weft_explore_scenario *each = tables[i]; each->name != NULL; each++)
			if (strcmp(each->name, name) == 0)
				return each;
	return NULL;
}

bool mistakes_in(const struct weft_explore_scenario *const tables[])
{
	unsigned n = 0, wrong = 0;

	if (!mistakes_instrumented) {
		fputs("weft-explore: no file of this program was compiled with -fsanitize=thread, so nothing of what it\n"
		      "does can be seen. Compile the code under test and the scenarios with it; link without.\n",
		      stderr);
		return true;
	}
	for (size_t i = 0; tables[i] != NULL; i++)
		for (const struct weft_explore_scenario *each = tables[i]; each->name != NULL; each++) {
			const char *const what = by_name(tables, each->name) != each
							 ? "another scenario before it has the same name"
							 : wrong_with(each);

			n++;
			if (what == NULL)
				continue;
			fprintf(stderr, "weft-explore: scenario '%s': %s\n", each->name, what);
			wrong++;
		}
	if (n == 0)
		fputs("weft-explore: there is no scenario: each table ends with the first that has no name\n",
		      stderr);
	return n == 0 || wrong > 0;
}

/* ---- calls outside a schedule ---- */

void mistakes_outside(const char *function)
{
	fprintf(stderr,
		"weft-explore: %s: called where no schedule runs. The functions of a scenario, begin, thread, end and\n"
		"handler, may do that; main() and constructors may not.\n",
		function);
	abort();
}
