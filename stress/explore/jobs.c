/* SPDX-License-Identifier: MIT */
/*
 * jobs.c - several processes at one scenario.
 *
 * The children explore and count, in memory that all share; the parent waits, tells how far they are, and shows what
 * they found by running the seed itself: a schedule is a function of its seed. A child whose process dies has met a
 * failure too, at the seed that it was at.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session.h"

struct shared {
	struct work work;
	struct tally tallies[];
};

static struct shared *shared;

static size_t shared_size(void)
{
	return sizeof(struct shared) + options.jobs * sizeof(struct tally);
}

static void share(const struct work *work)
{
	if (shared == NULL)
		shared = mmap(NULL, shared_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("weft-explore: memory for jobs");
		exit(2);
	}
	memset(shared, 0, shared_size());
	set(&shared->work.last, get(&work->last));
	shared->work.start = work->start;
	shared->work.end = work->end;
}

static void sum_up(struct tally *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (unsigned i = 0; i < options.jobs; i++)
		tally_merge(sum, &shared->tallies[i]);
}

/* Until all children have closed @pipe by their end; the user's interrupt is the parent's to see. */
static void wait_for_end(const struct outcome *outcome, int pipe)
{
	static struct tally sum;
	struct pollfd end = { .fd = pipe };

	while (poll(&end, 1, 1000) <= 0 || end.revents == 0) {
		if (interrupted)
			set(&shared->work.stop, true);
		if (!options.progress)
			continue;
		sum_up(&sum);
		lines_progress(outcome->scenario, &shared->work, &sum);
	}
}

static pid_t start(unsigned number, const struct weft_explore_scenario *scenario, const int pipe[2])
{
	const pid_t child = fork();

	if (child != 0)
		return child;
	close(pipe[0]);
	signal(SIGINT, SIG_IGN);
	hang_setup();
	session_run(scenario, &shared->work, &shared->tallies[number]);
	_exit(0);
}

static void note_death(unsigned number, int status)
{
	struct tally *const tally = &shared->tallies[number];
	char kind[KIND_SIZE];

	snprintf(kind, sizeof(kind), "died of signal %d", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	tally_finding(tally, kind, get(&tally->offset))->died = true;
	set(&tally->failures, get(&tally->failures) + 1);
}

void jobs_explore(struct outcome *outcome, const struct work *work)
{
	pid_t children[JOBS_MAX];
	int pipes[2], status;

	fflush(NULL);
	share(work);
	if (pipe(pipes) != 0) {
		perror("weft-explore: pipe");
		exit(2);
	}
	for (unsigned i = 0; i < options.jobs; i++) {
		children[i] = start(i, outcome->scenario, pipes);
		if (children[i] < 0) {
			perror("weft-explore: fork");
			set(&shared->work.stop, true);
			exit(2);
		}
	}
	close(pipes[1]);
	wait_for_end(outcome, pipes[0]);
	close(pipes[0]);
	for (unsigned i = 0; i < options.jobs; i++) {
		waitpid(children[i], &status, 0);
		if (status != 0)
			note_death(i, status);
	}
	sum_up(&outcome->tally);
}
