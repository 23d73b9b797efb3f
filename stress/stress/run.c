/* SPDX-License-Identifier: MIT */
/*
 * run.c - rounds: threads with quotas, a deadline for all of them, and a gremlin.
 */
#include "stress.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

_Atomic(bool) stress_interrupted;

/* ---- a worker's life ---- */

static _Thread_local struct stress_worker *self;
static struct weft_event signal_event;
static struct weft_sem signal_sem; /* a permit for each signal */

/* Whatever a signal handler may do with weft. The wait that it interrupts must not notice. */
static void on_signal(int signal)
{
	(void)signal;
	if (self == NULL)
		return;
	weft_sem_release(&signal_sem);
	weft_event_set(&signal_event);
	if (weft_now() > 0 && weft_event_is_set(&signal_event))
		weft_event_clear(&signal_event);
	atomic_fetch_add_explicit(&self->signals, 1, memory_order_relaxed);
}

static void tell_through(struct stress_worker *worker)
{
	struct stress_round *round = worker->round;

	atomic_store_explicit(&worker->through, true, memory_order_relaxed);
	pthread_mutex_lock(&round->mutex);
	round->through++;
	pthread_cond_signal(&round->changed);
	pthread_mutex_unlock(&round->mutex);
}

static void *worker_main(void *arg)
{
	struct stress_worker *worker = arg;

	self = worker;
	atomic_store_explicit(&worker->tid, (pid_t)syscall(SYS_gettid), memory_order_relaxed);
	pthread_barrier_wait(&worker->round->gate);
	worker->round->kase->work(worker);
	stress_step(worker, "through", NULL);
	tell_through(worker);
	return NULL;
}

/* ---- the gremlin: sets and clears tokens, sends signals ---- */

struct gremlin {
	struct stress_round *round;
	pthread_t thread;
	_Atomic(bool) stop;
	uint64_t random;
};

static void toggle(struct stress_token *token)
{
	const uint64_t epoch = atomic_load_explicit(&token->epoch, memory_order_relaxed);

	if (epoch % 2 == 0) {
		atomic_store_explicit(&token->epoch, epoch + 1, memory_order_release);
		weft_event_set(&token->event);
	} else {
		weft_event_clear(&token->event);
		atomic_store_explicit(&token->epoch, epoch + 1, memory_order_release);
	}
}

static void *gremlin_main(void *arg)
{
	struct gremlin *gremlin = arg;
	struct stress_round *round = gremlin->round;

	while (!atomic_load_explicit(&gremlin->stop, memory_order_relaxed)) {
		struct timespec nap = { 0, 0 };
		uint64_t dice = stress_mix(gremlin->random += UINT64_C(0x9e3779b97f4a7c15));

		nap.tv_nsec = (long)(dice % 400000) + 20000;
		nanosleep(&nap, NULL);
		dice >>= 32;
		if (round->timeouts)
			toggle(&round->tokens[dice % STRESS_TOKENS]);
		dice >>= 8;
		for (unsigned i = 0; round->signals && i < 4; i++)
			pthread_kill(round->workers[(dice >> i) % round->n].thread, SIGUSR1);
	}
	return NULL;
}

/* ---- stalls ---- */

/*
 * A machine that stands still, as virtual ones do now and then, is no fault of weft's. Who looks at the clock twenty
 * times a second and finds a second gone knows of it.
 */
static _Atomic(int64_t) stalled_ns, heartbeat;

static int64_t beat(void)
{
	const int64_t now = weft_now();
	const int64_t gap = now - atomic_load_explicit(&heartbeat, memory_order_relaxed);
	const int64_t stall = gap > STRESS_STALL_NS ? gap : 0;

	atomic_fetch_add_explicit(&stalled_ns, stall, memory_order_relaxed);
	atomic_store_explicit(&heartbeat, now, memory_order_release);
	return stall;
}

int64_t stress_stalled(void)
{
	return atomic_load_explicit(&stalled_ns, memory_order_relaxed);
}

int64_t stress_stalled_since(int64_t before)
{
	/* The beat after a stall may come later than this look at it. */
	const int64_t silent = weft_now() - atomic_load_explicit(&heartbeat, memory_order_acquire);

	return stress_stalled() - before + (silent > STRESS_STALL_NS ? silent : 0);
}

/* ---- making and ending a round ---- */

static void *must(void *memory)
{
	if (memory == NULL) {
		perror("weft-stress: malloc");
		exit(2);
	}
	return memory;
}

static void *aligned_zeros(size_t size)
{
	const size_t whole = (size + STRESS_LINE - 1) / STRESS_LINE * STRESS_LINE;
	void *memory = must(aligned_alloc(STRESS_LINE, whole));

	memset(memory, 0, whole);
	return memory;
}

static void init_pthread_objects(struct stress_round *round)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&round->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&round->mutex, NULL);
	pthread_barrier_init(&round->gate, NULL, round->n + 1);
}

/* All that a round does follows from the seed and its number. */
static struct stress_round *make_round(const struct stress_object *object, const struct stress_case *kase,
				       unsigned number, uint64_t quota)
{
	struct stress_round *round = aligned_zeros(sizeof(*round));
	uint64_t dice = round->seed = stress_mix(stress_options.seed + number * UINT64_C(0x9e3779b97f4a7c15));

	round->object = object->name;
	round->kase = kase;
	round->number = number;
	round->quota = quota;
	round->n = stress_options.threads > kase->min_threads ? stress_options.threads : kase->min_threads;
	round->placement = dice % 4 < 2 ? STRESS_FREE : dice % 4 == 2 ? STRESS_ONE : STRESS_SPLIT;
	round->shared = (dice >> 2) % 4 == 0;
	round->timeouts = stress_options.timeouts > 0 && (dice >> 4) % 3 != 0;
	round->signals = stress_options.signals;
	round->guarded = (dice >> 6) % 2;
	init_pthread_objects(round);
	round->workers = aligned_zeros(round->n * sizeof(*round->workers));
	for (unsigned i = 0; i < round->n; i++) {
		round->workers[i].round = round;
		round->workers[i].id = i;
		round->workers[i].random = stress_mix(round->seed ^ (i + 1) * UINT64_C(0xd1342543de82ef95));
	}
	round->state = aligned_zeros(kase->size > 0 ? kase->size : stress_single_size());
	if (kase->begin != NULL)
		kase->begin(round);
	return round;
}

static void free_round(struct stress_round *round)
{
	pthread_cond_destroy(&round->changed);
	pthread_mutex_destroy(&round->mutex);
	pthread_barrier_destroy(&round->gate);
	free(round->state);
	free(round->workers);
	free(round);
}

/* CPU number @i of those that this process may use, counted round. */
static void place(pthread_attr_t *attr, const struct stress_round *round, unsigned i)
{
	const unsigned from = (unsigned)(round->seed >> 40);
	cpu_set_t usable, one;
	unsigned n, skip;

	if (round->placement == STRESS_FREE || sched_getaffinity(0, sizeof(usable), &usable) != 0)
		return;
	n = (unsigned)CPU_COUNT(&usable);
	skip = n == 0 ? 0 : (from + (round->placement == STRESS_SPLIT ? i : 0)) % n;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && n > 0; cpu++) {
		if (!CPU_ISSET(cpu, &usable) || skip-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		pthread_attr_setaffinity_np(attr, sizeof(one), &one);
		return;
	}
}

static void start_workers(struct stress_round *round)
{
	for (unsigned i = 0; i < round->n; i++) {
		pthread_attr_t attr;
		int error;

		pthread_attr_init(&attr);
		place(&attr, round, i);
		error = pthread_create(&round->workers[i].thread, &attr, worker_main, &round->workers[i]);
		pthread_attr_destroy(&attr);
		if (error != 0) {
			fprintf(stderr, "weft-stress: pthread_create: %s\n", strerror(error));
			exit(2);
		}
	}
	round->started = weft_now();
	atomic_store_explicit(&heartbeat, round->started, memory_order_release);
	pthread_barrier_wait(&round->gate);
}

/* ---- watching over a round ---- */

static uint64_t ops_of(const struct stress_round *round)
{
	uint64_t ops = 0;

	for (unsigned i = 0; i < round->n; i++)
		ops += atomic_load_explicit(&round->workers[i].ops, memory_order_relaxed);
	return ops;
}

/* Whether each thread that is not through has made a step of late. One that sleeps for ever has not. */
static bool all_move(const struct stress_round *round)
{
	const int64_t late = weft_now() - stress_options.patience_ns / 2;

	for (unsigned i = 0; i < round->n; i++)
		if (!atomic_load_explicit(&round->workers[i].through, memory_order_relaxed) &&
		    atomic_load_explicit(&round->workers[i].since, memory_order_relaxed) < late)
			return false;
	return true;
}

static void wait_a_moment(struct stress_round *round)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 50000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&round->changed, &round->mutex, &until);
}

struct run {
	const struct stress_object *object;
	struct stress_result *result;
	int64_t started, until;
	struct {
		uint64_t quota[STRESS_PLACEMENTS];
	} cases[8];
};

static void show_progress(const struct run *run, const struct stress_round *round)
{
	const int64_t now = weft_now();
	const struct stress_progress progress = {
		.object = run->object,
		.round = round,
		.ops = run->result->ops + ops_of(round),
		.ran = now - run->started,
		.left = run->until - now,
	};

	stress_report_progress(&progress);
}

/*
 * Wait until all threads are through. A round that is merely slow gets more time, ten times over, as long as each of
 * its threads moves. Return: false: it hangs.
 */
static bool watch(const struct run *run, struct stress_round *round)
{
	const int64_t patience = stress_options.patience_ns + stress_options.round_ns;
	int64_t deadline = round->started + patience;
	int64_t last = round->started + 10 * patience;
	bool through;

	pthread_mutex_lock(&round->mutex);
	while (!(through = round->through == round->n)) {
		const int64_t now = weft_now();

		if (round->failed_at != 0 && now > round->failed_at + WEFT_MSEC(500) * stress_slowness())
			break;
		if (now > deadline && now < last && all_move(round))
			deadline = now + patience;
		if (now > deadline)
			break;
		wait_a_moment(round);
		pthread_mutex_unlock(&round->mutex);
		const int64_t stall = beat();

		deadline += stall;
		last += stall;
		show_progress(run, round);
		pthread_mutex_lock(&round->mutex);
	}
	pthread_mutex_unlock(&round->mutex);
	return through;
}

static uint64_t next_quota(uint64_t quota, int64_t took)
{
	const double ideal = (double)quota * (double)stress_options.round_ns / (double)(took > 1000 ? took : 1000);
	double next = ideal;

	if (next > (double)quota * 8)
		next = (double)quota * 8;
	if (next < (double)quota / 8)
		next = (double)quota / 8;
	return next < 4 ? 4 : next > 1e7 ? 10000000 : (uint64_t)next;
}

static void collect(struct run *run, struct stress_round *round, unsigned which, bool through)
{
	struct stress_result *result = run->result;
	const uint64_t ops = ops_of(round);

	result->ops += ops;
	result->rounds++;
	result->cases[which].rounds++;
	result->cases[which].ops += ops;
	if (through)
		for (unsigned i = 0; i < round->n; i++)
			if (round->workers[i].longest > result->longest)
				result->longest = round->workers[i].longest;
}

static void check_signals(struct stress_round *round)
{
	unsigned signals = 0;

	for (unsigned i = 0; i < round->n; i++)
		signals += atomic_load_explicit(&round->workers[i].signals, memory_order_relaxed);
	if (weft_sem_value(&signal_sem) != signals)
		stress_fail_round(round, "conservation", "%u signals released %u permits", signals,
				  weft_sem_value(&signal_sem));
	weft_sem_init(&signal_sem, 0);
}

static bool end_round(struct run *run, struct stress_round *round, bool through)
{
	if (through) {
		for (unsigned i = 0; i < round->n; i++)
			pthread_join(round->workers[i].thread, NULL);
		if (round->failure[0] == '\0' && round->kase->finish != NULL)
			round->kase->finish(round);
		stress_heap_check(round);
		check_signals(round);
	} else {
		const int64_t took = weft_now() - round->started;

		/* Only the first failure of a round counts, so this is dropped if a check has failed before. */
		stress_fail_round(round, "hang", "not all of %u threads were through after %.1f s", round->n,
				  weft_seconds(took));
	}
	pthread_mutex_lock(&round->mutex);
	memcpy(run->result->failure, round->failure, sizeof(round->failure));
	pthread_mutex_unlock(&round->mutex);
	if (run->result->failure[0] == '\0')
		return true;
	run->result->failed_round = round->number;
	run->result->failed_case = round->kase->name;
	stress_report_failure(round, run->result);
	return false;
}

static bool run_round(struct run *run, unsigned which, unsigned number)
{
	const struct stress_case *kase = &run->object->cases[which];
	struct stress_round *round = make_round(run->object, kase, number, 1);
	uint64_t *quota = &run->cases[which].quota[round->placement];
	struct gremlin gremlin = { .round = round, .random = round->seed };
	bool through, good;

	round->quota = *quota;
	start_workers(round);
	if (pthread_create(&gremlin.thread, NULL, gremlin_main, &gremlin) != 0) {
		perror("weft-stress: pthread_create");
		exit(2);
	}
	through = watch(run, round);
	atomic_store_explicit(&gremlin.stop, true, memory_order_relaxed);
	pthread_join(gremlin.thread, NULL);
	if (through)
		*quota = next_quota(*quota, weft_now() - round->started);
	collect(run, round, which, through);
	good = end_round(run, round, through);
	if (through)
		free_round(round);
	return good;
}

static bool wanted(const struct stress_case *kase)
{
	return stress_options.only_case == NULL || strcmp(stress_options.only_case, kase->name) == 0;
}

/* A touch of freed memory; any other fault takes its usual course when the instruction runs again. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (self != NULL && stress_heap_owns(info->si_addr))
		stress_report_touch(self, info->si_addr);
	sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
}

static void prepare_signals(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal; /* without SA_RESTART: calls are interrupted */
	sigaction(SIGUSR1, &action, NULL);
	if (STRESS_ASAN || STRESS_TSAN)
		return; /* the sanitizer's own handler says more */
	action.sa_flags = SA_SIGINFO;
	action.sa_sigaction = on_fault;
	sigaction(SIGSEGV, &action, NULL);
}

void stress_run_object(const struct stress_object *object, int64_t run_ns, struct stress_result *result)
{
	struct run run = { .object = object, .result = result, .started = weft_now() };
	const unsigned at_least = stress_options.first_round + object->n_cases;
	bool good = true;

	prepare_signals();
	stress_misuse_init();
	run.until = run.started + run_ns;
	result->object = object->name;
	for (unsigned i = 0; i < object->n_cases; i++)
		for (unsigned j = 0; j < STRESS_PLACEMENTS; j++)
			run.cases[i].quota[j] = 32;
	for (unsigned number = stress_options.first_round; good; number++) {
		const unsigned which = number % object->n_cases;

		result->interrupted = atomic_load_explicit(&stress_interrupted, memory_order_relaxed);
		if (result->interrupted || (weft_now() >= run.until && number >= at_least))
			break;
		if (wanted(&object->cases[which]))
			good = run_round(&run, which, number);
	}
	result->took = weft_now() - run.started;
}
