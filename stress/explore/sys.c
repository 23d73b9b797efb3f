/* SPDX-License-Identifier: MIT */
/*
 * sys.c - the system below the library: futexes, clock, processors.
 *
 * Futexes as the kernel has them: a wait compares and goes to sleep in one step; a wake takes exactly as many
 * sleepers as it was told, oldest first. One that waits at two words compares and queues at the first, then at the
 * second, with others in between; when woken it stays queued at the other, and counts for a wake there, until it runs.
 *
 * What a wait returns is settled when the thread runs again, not when something ends its sleep: until then it is
 * queued. In this order: a word that it was woken at, of two the second (the kernel takes it out of the queues and
 * finds that a wake was there first); ETIMEDOUT, if the time is up by then; EINTR for a signal. So a wake that meets
 * a thread whose time is up, or which a signal has made run, or which came to wait too late, is had by that thread;
 * and it is lost if the thread then gives up. For a time-out to come together with a wake there is no more to it.
 * 0, EAGAIN and EINTR without a cause stand for what other users of the word, and signals without a handler, bring
 * about. How signals end a wait is in faults.c.
 *
 * Wait entry, wake, and the return of a wait that slept are full barriers, which order what threads see (the one that
 * was woken sees what came before the wake) but are no acquire or release: data that is handed over by them alone is
 * reported as a race.
 *
 * --broken-futex takes one of that away, for futex.sh, which sees that it is noticed.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <weft_sys.h>

#include "run.h"

#define PC __builtin_return_address(0)

enum { CLOCK_STEP_NS = 1000, THREAD_ID_AGAIN_NS = 2000 };

static int64_t to_ns(const struct timespec *time)
{
	if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= 1000000000)
		weft_explore_fail("kernel", "EINVAL: bad timespec");
	return (int64_t)time->tv_sec * INT64_C(1000000000) + time->tv_nsec;
}

static void note(int64_t result, uint64_t before, uint64_t after)
{
	self()->last.result = result;
	self()->last.before = before;
	self()->last.after = after;
	trace_step(&self()->last);
}

enum broken broken_futex;

static void barrier(void)
{
	if (broken_futex != BROKEN_NO_BARRIER)
		memory_full_barrier();
}

static void enqueue(unsigned i, const void *word, bool shared)
{
	struct fiber *const me = self();

	me->words[i] = word;
	me->word_shared[i] = shared;
	me->queued[i] = true;
	me->tickets[i] = ++run.tickets;
	me->n_words = i + 1;
	touch_queue(word);
}

static void dequeue(void)
{
	struct fiber *const me = self();

	for (unsigned i = 0; i < me->n_words; i++) {
		me->queued[i] = false;
		touch_queue(me->words[i]);
	}
}

/*
 * Compare and queue, at one word after the other. Between two of them others run, and may wake this one already; then
 * it counts as woken, even if the next word differs.
 * Return: whether it is queued at all of them.
 */
static bool enqueue_all(unsigned n, weft_atomic32_t *const words[], const uint32_t expected[], const bool shared[],
			const void *pc)
{
	struct fiber *const me = self();

	me->n_words = 0;
	me->woken = -1;
	for (unsigned i = 0; i < n; i++) {
		const void *const word = (const void *)(uintptr_t)words[i];

		me->in_kernel = i > 0;
		point(OP_WAIT, word, pc);
		me->in_kernel = false;
		barrier();
		if (memory_peek(word) != expected[i] && broken_futex != BROKEN_NO_COMPARE) {
			dequeue();
			note(me->woken >= 0 ? me->woken : -EAGAIN, expected[i], memory_peek(word));
			return false;
		}
		enqueue(i, word, shared[i]);
	}
	me->last.address = (const void *)(uintptr_t)words[0];
	note(INT_MAX, expected[0], expected[0]);
	return true;
}

/* What may end a wait without a wake: set before the sleep; a wake that comes in between wins. */
enum early { NOT_EARLY, EARLY, INTERRUPTED };

/* @result: -EINTR, or what else it ends with. */
static enum early ends_early(int *result)
{
	if (fault(FAULT_EINTR, run.plan.faults))
		return EARLY;
	if (fault(FAULT_EAGAIN, run.plan.faults))
		*result = -EAGAIN;
	else if (fault(FAULT_SPURIOUS, run.plan.faults))
		*result = 0;
	else
		return faults_interrupt() ? INTERRUPTED : NOT_EARLY;
	return EARLY;
}

/* @result: of a wait at @n words that a signal has ended. Whether the kernel makes the call again after the handler. */
static bool restarts(int result, unsigned n, bool timed)
{
	return result == -EINTR && (!timed || n > 1) && !fault(FAULT_EINTR, 2);
}

static int wait_any(unsigned n, weft_atomic32_t *const words[], const uint32_t expected[], const bool shared[],
		    const struct timespec *deadline, const void *pc)
{
	struct fiber *const me = self();
	enum early early;
	int result;

	if (!run.active)
		mistakes_outside("a weft function that has to wait");
	me->slept++;
	do {
		if (!enqueue_all(n, words, expected, shared, pc))
			return me->woken >= 0 ? me->woken : -EAGAIN;
		me->timed = deadline != NULL;
		if (me->timed)
			touch(TOUCH_CLOCK, false);
		me->deadline_ns = deadline != NULL ? to_ns(deadline) : INT64_MAX;
		lint_sleeps(words[0]);
		me->wait_result = -EINTR;
		early = ends_early(&me->wait_result);
		set_state(me, early == NOT_EARLY && me->woken < 0 && me->deadline_ns > run.now_ns ? FIBER_ASLEEP
												  : FIBER_READY);
		sleep_self();
		barrier();
		if (me->timed)
			touch(TOUCH_CLOCK, false);
		me->timed = false;
		dequeue();
		if (me->woken >= 0)
			result = me->woken;
		else
			result = me->deadline_ns <= run.now_ns && (early != EARLY || me->wait_result == -EINTR)
					 ? -ETIMEDOUT
					 : me->wait_result;
		me->last.op = OP_RETURNED;
		note(result, expected[0], 0); /* the word may be gone */
		if (early == INTERRUPTED)
			faults_handle();
	} while (early == INTERRUPTED && restarts(result, n, deadline != NULL));
	return result;
}

int weft_sys_futex_wait(weft_atomic32_t *word, uint32_t expected, const struct timespec *deadline, bool shared)
{
	return wait_any(1, &word, &expected, &shared, deadline, PC);
}

static uint32_t wait2_refused; /* the schedule's generation */

void weft_sys_refuse_wait2(void)
{
	wait2_refused = run.generation;
}

int weft_sys_futex_wait2(weft_atomic32_t *const words[2], const uint32_t expected[2], const bool shared[2],
			 const struct timespec *deadline)
{
	if (wait2_refused == run.generation)
		return -ENOSYS;
	return wait_any(2, words, expected, shared, deadline, PC);
}

enum { NONE = WORDS };

static unsigned queued_at(const struct fiber *fiber, const void *word, bool shared)
{
	unsigned i = 0;

	while (i < WORDS && !(fiber->queued[i] && (broken_futex == BROKEN_WAKE_WRONG ||
						   (fiber->words[i] == word && fiber->word_shared[i] == shared))))
		i++;
	return i;
}

/* A sleeper at @word: the oldest, or by choice. */
static struct fiber *sleeper_at(const void *word, bool shared, unsigned *index)
{
	struct fiber *sleepers[FIBERS];
	uint64_t tickets[FIBERS];
	unsigned n = 0, taken;

	for (unsigned i = 0; i < run.n_fibers; i++) {
		const unsigned at_word = queued_at(&run.fibers[i], word, shared);
		unsigned at = n;

		if (at_word == NONE)
			continue;
		for (; at > 0 && tickets[at - 1] > run.fibers[i].tickets[at_word]; at--) {
			sleepers[at] = sleepers[at - 1];
			tickets[at] = tickets[at - 1];
		}
		sleepers[at] = &run.fibers[i];
		tickets[at] = run.fibers[i].tickets[at_word];
		n++;
	}
	if (n == 0)
		return NULL;
	taken = choose(CHOICE_FAULT + FAULT_ORDER, n, run.plan.any_order);
	*index = queued_at(sleepers[taken], word, shared);
	return sleepers[taken];
}

static int wake_some(const void *word, int n, bool shared)
{
	struct fiber *sleeper;
	unsigned index;
	int woken = 0;

	touch_queue(word);
	if (broken_futex == BROKEN_WAKE_ALL && n > 0)
		n = FIBERS;
	if (broken_futex == BROKEN_LOSE_WAKE && ++run.wakes % 4 == 0)
		return 0;
	while (woken < n && (sleeper = sleeper_at(word, shared, &index)) != NULL) {
		sleeper->queued[index] = false;
		if (sleeper->woken < (int)index) /* of two, the kernel reports the last */
			sleeper->woken = (int)index;
		set_state(sleeper, FIBER_READY);
		lint_woken(sleeper, word);
		woken++;
	}
	return woken;
}

int weft_sys_futex_wake(weft_atomic32_t *word, int n, bool shared)
{
	int woken;

	if (!run.active)
		return 0;
	point(OP_WAKE, (const void *)(uintptr_t)word, PC);
	barrier();
	woken = wake_some((const void *)(uintptr_t)word, n, shared);
	lint_wake(woken);
	note(woken, (uint64_t)n, 0);
	return woken;
}

int weft_sys_futex_requeue(weft_atomic32_t *from, uint32_t expected, int wake, int move, weft_atomic32_t *to,
			   bool shared)
{
	struct fiber *sleeper;
	unsigned index;
	int done;

	if (!run.active)
		return 0;
	point(OP_REQUEUE, (const void *)(uintptr_t)from, PC);
	barrier();
	if (memory_peek((const void *)(uintptr_t)from) != expected) {
		note(-EAGAIN, expected, 0);
		return -EAGAIN;
	}
	touch_queue((const void *)(uintptr_t)to);
	done = wake_some((const void *)(uintptr_t)from, wake, shared);
	for (unsigned i = 0; i < run.n_fibers && from == to; i++)
		for (unsigned j = 0; j < WORDS; j++)
			done += run.fibers[i].queued[j] && run.fibers[i].words[j] == (const void *)(uintptr_t)from &&
				move-- > 0;
	while (from != to && move-- > 0 &&
	       (sleeper = sleeper_at((const void *)(uintptr_t)from, shared, &index)) != NULL) {
		sleeper->words[index] = (const void *)(uintptr_t)to;
		sleeper->tickets[index] = ++run.tickets;
		done++;
	}
	note(done, expected, 0);
	return done;
}

void weft_sys_clock(struct timespec *now)
{
	if (run.active) {
		point(OP_CLOCK, NULL, PC);
		touch(TOUCH_CLOCK, true);
	}
	run.now_ns += CLOCK_STEP_NS; /* also where no schedule runs, or spinning there would not end */
	if (run.active)
		note(run.now_ns, 0, 0);
	now->tv_sec = (time_t)(run.now_ns / 1000000000);
	now->tv_nsec = (long)(run.now_ns % 1000000000);
}

void weft_explore_pass_time(int64_t ns)
{
	IN_SCHEDULE();
	touch(TOUCH_CLOCK, true);
	run.now_ns += ns;
}

void weft_sys_pause(void)
{
	if (!run.active)
		return;
	point(OP_PAUSE, NULL, PC);
	note(0, 0, 0);
}

void weft_sys_yield(void)
{
	if (!run.active)
		return;
	point(OP_YIELD, NULL, PC);
	note(0, 0, 0);
}

void weft_explore_step(void)
{
	IN_SCHEDULE();
	point(OP_STEP, NULL, PC);
	note(0, 0, 0);
}

void weft_explore_yield(void)
{
	IN_SCHEDULE();
	point(OP_AWAIT, NULL, PC);
	note(0, 0, 0);
}

unsigned weft_explore_count(unsigned counter, unsigned n)
{
	unsigned was;

	IN_SCHEDULE();
	was = run.counters[counter];
	touch(TOUCH_COUNTERS + counter, true);
	run.counters[counter] += n;
	return was;
}

unsigned weft_explore_count_ordered(unsigned counter, unsigned n)
{
	struct fiber *const me = self();

	IN_SCHEDULE();
	clock_join(&me->seen, &run.counter_seen[counter]);
	clock_join(&me->view, &run.counter_view[counter]);
	run.counter_seen[counter] = me->seen;
	run.counter_view[counter] = me->view;
	clock_tick(me, run.self);
	return weft_explore_count(counter, n);
}

bool weft_explore_weak(void)
{
	IN_SCHEDULE();
	return run.plan.weak;
}

/* No step: it is a hint, and only its value matters. */
unsigned weft_sys_cpu(void)
{
	if (!run.active)
		return 0;
	if (fault(FAULT_MOVE, run.plan.moves))
		self()->cpu ^= 1;
	return self()->cpu;
}

static bool has_thread_id(uint32_t id)
{
	for (unsigned i = 0; i < run.n_fibers; i++)
		if (run.fibers[i].thread_id == id && run.fibers[i].state != FIBER_DONE &&
		    run.fibers[i].state != FIBER_DEAD)
			return true;
	return false;
}

/*
 * The lowest number that is free: the kernel, too, gives out again what threads had that have ended. Not as fast: it
 * goes through all of the others first, and time passes.
 */
uint32_t weft_sys_thread_id(void)
{
	uint32_t id = 100;

	while (self()->thread_id == 0) {
		if (!has_thread_id(id)) {
			self()->thread_id = id;
			run.now_ns += THREAD_ID_AGAIN_NS;
		}
		id++;
	}
	return self()->thread_id;
}

int weft_sys_at_fork_child(void (*fn)(void))
{
	(void)fn;
	return 0;
}

void weft_sys_abort(const char *message)
{
	weft_explore_fail("abort", "%s", message);
}
