/* SPDX-License-Identifier: MIT */
/*
 * Runs one line for one peer: makes the threads, places them, lets them go together, stops them, and adds up.
 *
 * Threads are pthreads and the gate is a pthread barrier for every peer; the peer's objects are all that differs, and
 * they lie at the same addresses.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "peer.h"

#define PATIENCE_S 30			/* for the end of a run, after it was told to stop */
#define CHUNK_NS 200000u

static cpu_set_t allowed;
static unsigned cpus[CPU_SETSIZE], n_cpus;
static struct run run;
static struct hist hists[MAX_THREADS];
static _Alignas(4096) char objects[8192];
static pthread_barrier_t gate;
static pthread_mutex_t parking = PTHREAD_MUTEX_INITIALIZER;

static _Noreturn void fail(const char *what, int error)
{
	fprintf(stderr, "weft-bench: %s: %s\n", what, strerror(error));
	exit(3);
}

static void *park(void *arg)
{
	pthread_mutex_lock(&parking);
	return arg;
}

/*
 * Keep a second thread alive at all times: the C library leaves its atomic operations out while a process has one
 * thread only, and no program that needs a lock is such a process.
 */
void team_init(void)
{
	pthread_t parked;
	int error;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		fail("cannot get the CPU affinity", errno);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			cpus[n_cpus++] = cpu;
	pthread_mutex_lock(&parking);
	error = pthread_create(&parked, NULL, park, NULL);
	if (error != 0)
		fail("cannot make a thread", error);
}

unsigned team_cpus(void)
{
	return n_cpus;
}

/* ns for one pair: the median of many short stretches, so that an interruption spoils one of them, not the figure. */
static void run_pairs(const struct line *line)
{
	void (*const pair)(void *, uint64_t) = run.peer->pair[line->what];
	const uint64_t stretch = CHUNK_NS + options.ms * UINT64_C(2000000) / CHUNKS;
	uint64_t n = 256;

	while (run.chunks == 0 || (run.chunks < CHUNKS && !run_stopped(&run))) {
		const uint64_t from = clock_ns();
		uint64_t took;

		pair(run.objects, n);
		took = clock_ns() - from;
		if (took < stretch / 2 && run.chunks == 0)
			n *= 2;
		else
			run.chunk_ns[run.chunks++] = (double)took / (double)n;
	}
}

static const struct line *running;

static void *member_main(void *arg)
{
	struct member *me = arg;

	pthread_barrier_wait(&gate);
	me->started_ns = clock_ns();
	if (running->group == GROUP_PAIR)
		run_pairs(running);
	else
		run.peer->kernel[running->what](&run, me);
	return NULL;
}

static pthread_t member_start(const struct line *line, struct member *me)
{
	pthread_attr_t attr;
	pthread_t thread;
	cpu_set_t set;
	int error;

	pthread_attr_init(&attr);
	if (line->placement != FREE) {
		CPU_ZERO(&set);
		CPU_SET(cpus[line->placement == ONE ? 0 : me->index % n_cpus], &set);
		pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	}
	error = pthread_create(&thread, &attr, member_main, me);
	if (error != 0)
		fail("cannot make a thread", error);
	pthread_attr_destroy(&attr);
	return thread;
}

static void prepare(const struct line *line, const struct peer *peer)
{
	if (peer->objects_size > sizeof(objects))
		fail(peer->name, ENOMEM);
	memset(&run, 0, sizeof(run));
	memset(hists, 0, sizeof(hists));
	memset(objects, 0, sizeof(objects));
	run.peer = peer;
	run.objects = objects;
	run.threads = line->threads;
	run.section = (uint64_t)(line->section_ns / clock_info.ns_per_turn + 0.5);
	run.outside = (uint64_t)(line->outside_ns / clock_info.ns_per_turn + 0.5);
	for (unsigned i = 0; i < line->threads; i++)
		run.member[i] = (struct member){ .index = i, .hist = &hists[i], .run = &run };
	running = line;
	peer->open(objects, line->threads);
	pthread_barrier_init(&gate, NULL, line->threads + 1);
}

static _Noreturn void hung(const struct line *line, unsigned thread)
{
	fprintf(stderr, "\nweft-bench: %s: %s: thread %u of %u did not come to an end within %d s\n", line->name,
		run.peer->name, thread, line->threads, PATIENCE_S);
	_Exit(3);
}

/* In steps of a second, as this call goes by a clock that may be set: the patience is on the other one. */
static bool join_one(pthread_t thread)
{
	const uint64_t begin = clock_ns();

	while (clock_ns() - begin < PATIENCE_S * UINT64_C(1000000000)) {
		struct timespec next;

		clock_gettime(CLOCK_REALTIME, &next);
		next.tv_sec++;
		if (pthread_timedjoin_np(thread, NULL, &next) == 0)
			return true;
	}
	return false;
}

/* A deadline of its own for each thread, so that a lost wake-up ends in a message. */
static void join_all(const struct line *line, const pthread_t threads[])
{
	for (unsigned i = 0; i < line->threads; i++)
		if (!join_one(threads[i]))
			hung(line, i);
}

/* The objects must be left unused, and a lock must have kept its section to one thread at a time. */
static void check(const struct line *line, uint64_t total)
{
	if (line->group == GROUP_CONTENDED && run.counter != total) {
		fprintf(stderr, "\nweft-bench: %s: %s: %llu acquisitions, but the counter in the section says %llu\n",
			line->name, run.peer->name, (unsigned long long)total, (unsigned long long)run.counter);
		exit(3);
	}
	if (run.peer->close(objects) != 0) {
		fprintf(stderr, "\nweft-bench: %s: %s: an object is in use after the end\n", line->name,
			run.peer->name);
		exit(3);
	}
}

static struct sample add_up(const struct line *line, double seconds)
{
	const struct hist *hist[MAX_THREADS];
	double share[MAX_THREADS];
	struct sample s = { 0 };
	uint64_t total = 0, longest = 0;

	for (unsigned i = 0; i < line->threads; i++) {
		total += run.member[i].count;
		share[i] = (double)run.member[i].count;
		hist[i] = &hists[i];
		longest = hists[i].max > longest ? hists[i].max : longest;
	}
	check(line, total);
	if (line->group == GROUP_PAIR) {
		s.value = median(run.chunk_ns, run.chunks);
	} else if (line->group != GROUP_CONTENDED) {
		s.value = (double)run.member[0].count / seconds;
	} else {
		s.value = (double)total / seconds;
		s.jain = jain(share, line->threads);
		s.p999_ns = hist_quantile(hist, line->threads, 0.999) * clock_info.ns_per_tick;
		s.max_ns = (double)longest * clock_info.ns_per_tick;
	}
	return s;
}

struct sample team_run(const struct line *line, const struct peer *peer)
{
	const struct timespec length = { options.ms / 1000, (long)(options.ms % 1000) * 1000000 };
	pthread_t thread[MAX_THREADS];
	uint64_t from, to;

	prepare(line, peer);
	for (unsigned i = 0; i < line->threads; i++)
		thread[i] = member_start(line, &run.member[i]);
	pthread_barrier_wait(&gate);
	from = clock_ns();
	clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL);
	atomic_store_explicit(&run.stop, true, memory_order_relaxed);
	to = clock_ns();
	join_all(line, thread);
	pthread_barrier_destroy(&gate);
	/* Where CPUs are few this thread may have been the last to get through the gate. */
	for (unsigned i = 0; i < line->threads; i++)
		from = run.member[i].started_ns < from ? run.member[i].started_ns : from;
	return add_up(line, (double)(to - from) / 1e9);
}
