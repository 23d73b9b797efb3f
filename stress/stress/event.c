/* SPDX-License-Identifier: MIT */
/*
 * event.c - torture of weft_event, as an event and as a cancel token.
 */
#include "stress.h"

#include <string.h>

STRESS_VERB(wait, weft_event, weft_event_wait, weft_event_wait_for(o, 0) == 0 ? 0 : -EAGAIN)

static void init(const struct stress_round *round, struct weft_event *event)
{
	if (round->shared)
		weft_event_init_shared(event);
	else
		weft_event_init(event);
}

/* ---- waves: one set, cleared at once, lets all go that sleep ---- */

struct waves {
	struct weft_event event;
	uint64_t payload; /* plain: ordered by the event alone */
	bool strict;	  /* the waiters sleep when set comes, so clear may follow at once */
	struct {
		_Alignas(STRESS_LINE) _Atomic(uint64_t) called, returned; /* number of the last wave + 1 */
	} waiter[STRESS_MAX_THREADS];
	_Atomic(uint64_t) cleared; /* waves whose event is clear again */
};

static void begin_waves(struct stress_round *round)
{
	struct waves *s = round->state;

	init(round, &s->event);
	s->strict = stress_probe == STRESS_PROBE_ADDRESS && !round->timeouts;
}

static bool all_asleep(const struct stress_round *round, const struct waves *s, uint64_t wave)
{
	for (unsigned i = 1; i < round->n; i++)
		if (atomic_load_explicit(&s->waiter[i].called, memory_order_relaxed) != wave + 1 ||
		    !stress_asleep_on(&round->workers[i], &s->event, sizeof(s->event)))
			return false;
	return true;
}

static bool all_returned(const struct stress_round *round, const struct waves *s, uint64_t wave)
{
	for (unsigned i = 1; i < round->n; i++)
		if (atomic_load_explicit(&s->waiter[i].returned, memory_order_acquire) != wave + 1)
			return false;
	return true;
}

static void set_waves(struct stress_worker *worker, struct waves *s)
{
	for (uint64_t wave = 0; wave < worker->round->quota && !stress_stopping(worker); wave++) {
		if (s->strict)
			STRESS_AWAIT(worker, "waiting for all to sleep (harness)",
				     all_asleep(worker->round, s, wave));
		else
			stress_dwell(worker);
		s->payload = wave;
		stress_step(worker, "event set", &s->event);
		weft_event_set(&s->event);
		if (s->strict)
			weft_event_clear(&s->event);
		STRESS_AWAIT(worker, "waiting for all to return (harness)", all_returned(worker->round, s, wave));
		if (weft_event_is_set(&s->event) != !s->strict)
			stress_fail(worker, "code", "the event says %s", s->strict ? "set" : "unset");
		weft_event_clear(&s->event);
		atomic_store_explicit(&s->cleared, wave + 1, memory_order_relaxed);
		stress_op(worker);
	}
}

static void wait_waves(struct stress_worker *worker, struct waves *s)
{
	for (uint64_t wave = 0; wave < worker->round->quota && !stress_stopping(worker); wave++) {
		struct stress_how how;

		STRESS_AWAIT(worker, "waiting for the wave (harness)",
			     atomic_load_explicit(&s->cleared, memory_order_relaxed) == wave);
		atomic_store_explicit(&s->waiter[worker->id].called, wave + 1, memory_order_relaxed);
		do
			how = stress_any(worker, !s->strict);
		while (stress_call(worker, "event wait", wait, &s->event, &how) != 0 && !stress_stopping(worker));
		if (!stress_stopping(worker) && s->payload != wave)
			stress_fail(worker, "order", "wave %llu brought the payload of %llu",
				    (unsigned long long)wave, (unsigned long long)s->payload);
		atomic_store_explicit(&s->waiter[worker->id].returned, wave + 1, memory_order_release);
	}
}

static void work_waves(struct stress_worker *worker)
{
	struct waves *s = worker->round->state;

	if (worker->id == 0)
		set_waves(worker, s);
	else
		wait_waves(worker, s);
}

static void finish_waves(struct stress_round *round)
{
	struct waves *s = round->state;

	if (weft_event_is_set(&s->event) || weft_event_destroy(&s->event) != 0)
		stress_fail_round(round, "residue", "an event that nobody uses is not idle");
}

static void dump_waves(struct stress_round *round, FILE *out)
{
	struct waves *s = round->state;

	STRESS_DUMP(out, "event", weft_event, &s->event);
}

/* ---- storm: sets and clears by all; a set is a message ---- */

enum { EVENTS = 3 };

struct storm {
	struct weft_event event[EVENTS];
	_Atomic(unsigned) busy; /* threads with something left to wait for */
	struct {
		_Alignas(STRESS_LINE) _Atomic(uint64_t) sets; /* before a set: its number */
	} made[EVENTS];
};

static void begin_storm(struct stress_round *round)
{
	struct storm *s = round->state;

	for (unsigned i = 0; i < EVENTS; i++)
		init(round, &s->event[i]);
	atomic_store_explicit(&s->busy, round->n - 1, memory_order_relaxed);
}

static void set_event(struct stress_worker *worker, struct storm *s, unsigned i)
{
	atomic_fetch_add_explicit(&s->made[i].sets, 1, memory_order_relaxed);
	stress_step(worker, "event set", &s->event[i]);
	weft_event_set(&s->event[i]);
	stress_op(worker);
}

/* A wait that begins after the event was seen unset ends only by a set that is counted after that look. */
static void wait_event(struct stress_worker *worker, struct storm *s, unsigned i)
{
	const struct stress_how how = stress_any(worker, true);

	if (stress_call(worker, "event wait", wait, &s->event[i], &how) != 0)
		return;
	if (atomic_load_explicit(&s->made[i].sets, memory_order_relaxed) == 0)
		stress_fail(worker, "code", "a wait for an event that was never set returned 0");
}

static void work_storm(struct stress_worker *worker)
{
	struct storm *s = worker->round->state;

	if (worker->id == 0) {
		/* It goes on until nobody is left to be let go, so that plain waits end. */
		while (atomic_load_explicit(&s->busy, memory_order_relaxed) > 0 && !stress_stopping(worker)) {
			const unsigned i = stress_below(worker, EVENTS);

			set_event(worker, s, i);
			if (stress_chance(worker, 70))
				weft_event_clear(&s->event[i]);
			stress_dwell(worker);
		}
		return;
	}
	for (uint64_t n = 0; n < worker->round->quota && !stress_stopping(worker); n++) {
		const unsigned i = stress_below(worker, EVENTS), dice = stress_below(worker, 10);

		if (dice < 1)
			set_event(worker, s, i);
		else if (dice < 4)
			weft_event_clear(&s->event[i]);
		else
			wait_event(worker, s, i);
	}
	atomic_fetch_sub_explicit(&s->busy, 1, memory_order_relaxed);
}

static void dump_storm(struct stress_round *round, FILE *out)
{
	struct storm *s = round->state;

	for (unsigned i = 0; i < EVENTS; i++)
		STRESS_DUMP(out, "event", weft_event, &s->event[i]);
}

/* ---- token: one event cancels waits on objects of every kind ---- */

struct tokens {
	struct stress_token token;
	struct weft_lock lock;	 /* held, so nobody gets it */
	struct weft_rlock rlock; /* likewise */
	struct weft_event event; /* never set */
	struct weft_sem sem;	 /* empty */
	struct weft_lock cond_lock;
	struct weft_cond cond; /* never notified */
	_Atomic(uint64_t) wave;
	struct {
		_Alignas(STRESS_LINE) _Atomic(uint64_t) called, returned;
		struct weft_barrier barrier; /* of two, who never meet */
	} waiter[STRESS_MAX_THREADS];
};

static void begin_tokens(struct stress_round *round)
{
	struct tokens *s = round->state;

	init(round, &s->token.event);
	weft_lock_acquire(&s->lock);
	weft_rlock_acquire(&s->rlock);
	weft_cond_init_lock(&s->cond, &s->cond_lock);
	for (unsigned i = 0; i < round->n; i++)
		weft_barrier_init(&s->waiter[i].barrier, 2);
}

STRESS_VERB(acquire_lock, weft_lock, weft_lock_acquire, -EAGAIN)
STRESS_VERB(acquire_rlock, weft_rlock, weft_rlock_acquire, -EAGAIN)
STRESS_VERB(acquire_sem, weft_sem, weft_sem_acquire, -EAGAIN)
STRESS_VERB(wait_cond, weft_cond, weft_cond_wait, -EAGAIN)
STRESS_VERB(wait_barrier, weft_barrier, weft_barrier_wait, -EAGAIN)

static int sleep_until(void *object, const struct stress_how *how)
{
	(void)object;
	return weft_sleep_until(how->time, &how->token->event);
}

/* Wait for what never comes. */
static int wait_for_nothing(struct stress_worker *worker, struct tokens *s, const struct stress_how *how)
{
	struct weft_barrier *barrier = &s->waiter[worker->id].barrier;
	int result;

	switch (stress_below(worker, 7)) {
	case 0:
		return stress_call(worker, "lock acquire_until, cancelled", acquire_lock, &s->lock, how);
	case 1:
		return stress_call(worker, "rlock acquire_until, cancelled", acquire_rlock, &s->rlock, how);
	case 2:
		return stress_call(worker, "event wait_until, cancelled", wait, &s->event, how);
	case 3:
		return stress_call(worker, "sem acquire_until, cancelled", acquire_sem, &s->sem, how);
	case 4:
		weft_lock_acquire(&s->cond_lock);
		result = stress_call(worker, "cond wait_until, cancelled", wait_cond, &s->cond, how);
		weft_lock_release(&s->cond_lock);
		return result;
	case 5:
		result = stress_call(worker, "barrier wait_until, cancelled", wait_barrier, barrier, how);
		weft_barrier_reset(barrier);
		return result;
	default:
		return stress_call(worker, "sleep_until, cancelled", sleep_until, NULL, how);
	}
}

static void cancel_waves(struct stress_worker *worker, struct tokens *s)
{
	const unsigned n = worker->round->n;

	for (uint64_t wave = 0; wave < worker->round->quota && !stress_stopping(worker); wave++) {
		for (unsigned i = 1; i < n && stress_chance(worker, 90); i++)
			STRESS_AWAIT(worker, "waiting for all to wait (harness)",
				     atomic_load_explicit(&s->waiter[i].called, memory_order_relaxed) == wave + 1);
		stress_dwell(worker);
		atomic_store_explicit(&s->token.epoch, wave * 2 + 1, memory_order_release);
		stress_step(worker, "event set, of the token", &s->token.event);
		weft_event_set(&s->token.event);
		for (unsigned i = 1; i < n; i++)
			STRESS_AWAIT(worker, "waiting for all to be cancelled (harness)",
				     atomic_load_explicit(&s->waiter[i].returned, memory_order_relaxed) == wave + 1);
		weft_event_clear(&s->token.event);
		atomic_store_explicit(&s->token.epoch, wave * 2 + 2, memory_order_release);
		atomic_store_explicit(&s->wave, wave + 1, memory_order_relaxed);
		stress_op(worker);
	}
}

static void be_cancelled(struct stress_worker *worker, struct tokens *s)
{
	const struct stress_how how = { .kind = STRESS_UNTIL, .time = WEFT_FOREVER, .token = &s->token };

	for (uint64_t wave = 0; wave < worker->round->quota && !stress_stopping(worker); wave++) {
		STRESS_AWAIT(worker, "waiting for the wave (harness)",
			     atomic_load_explicit(&s->wave, memory_order_relaxed) == wave);
		atomic_store_explicit(&s->waiter[worker->id].called, wave + 1, memory_order_relaxed);
		stress_expect(worker, "a wait for nothing", wait_for_nothing(worker, s, &how), -ECANCELED);
		atomic_store_explicit(&s->waiter[worker->id].returned, wave + 1, memory_order_relaxed);
	}
}

static void work_tokens(struct stress_worker *worker)
{
	struct tokens *s = worker->round->state;

	if (worker->id == 0)
		cancel_waves(worker, s);
	else
		be_cancelled(worker, s);
}

static void finish_tokens(struct stress_round *round)
{
	struct tokens *s = round->state;

	weft_lock_release(&s->lock);
	weft_rlock_release(&s->rlock);
	if (weft_lock_destroy(&s->lock) != 0 || weft_rlock_destroy(&s->rlock) != 0 ||
	    weft_event_destroy(&s->event) != 0 || weft_sem_destroy(&s->sem) != 0 ||
	    weft_cond_destroy(&s->cond) != 0 || weft_lock_destroy(&s->cond_lock) != 0)
		stress_fail_round(round, "residue", "an object is not idle after cancelled waits");
	if (weft_sem_value(&s->sem) != 0)
		stress_fail_round(round, "conservation", "cancelled acquires made %u permits",
				  weft_sem_value(&s->sem));
}

static void dump_tokens(struct stress_round *round, FILE *out)
{
	struct tokens *s = round->state;

	STRESS_DUMP(out, "token", weft_event, &s->token.event);
	STRESS_DUMP(out, "lock", weft_lock, &s->lock);
	STRESS_DUMP(out, "rlock", weft_rlock, &s->rlock);
	STRESS_DUMP(out, "event", weft_event, &s->event);
	STRESS_DUMP(out, "sem", weft_sem, &s->sem);
	STRESS_DUMP(out, "condition's lock", weft_lock, &s->cond_lock);
	STRESS_DUMP(out, "cond", weft_cond, &s->cond);
}

/* ---- free: the last waiter to return frees the event under the hands of set ---- */

struct once_event {
	struct weft_event event;
	_Atomic(unsigned) left;
	uint64_t payload;
};

static void init_once(struct stress_round *round, void *object, unsigned leader, unsigned members)
{
	struct once_event *o = object;

	(void)leader;
	init(round, &o->event);
	atomic_store_explicit(&o->left, members - 1, memory_order_relaxed);
}

static bool use_once(struct stress_worker *worker, void *object, unsigned member, unsigned members)
{
	struct once_event *o = object;
	struct stress_how how;

	(void)members;
	if (member == 0) {
		stress_dwell(worker);
		o->payload = 1;
		stress_step(worker, "event set", &o->event);
		weft_event_set(&o->event);
		return false;
	}
	do
		how = stress_any(worker, true);
	while (stress_call(worker, "event wait", wait, &o->event, &how) != 0 && !stress_stopping(worker));
	if (o->payload != 1 && !stress_stopping(worker))
		stress_fail(worker, "order", "an event came before its payload");
	return atomic_fetch_sub_explicit(&o->left, 1, memory_order_acq_rel) == 1;
}

static void work_free(struct stress_worker *worker)
{
	static const struct stress_single_ops ops = { sizeof(struct once_event), 4, init_once, use_once };

	stress_single_work(worker, &ops);
}

static void dump_free(struct stress_round *round, FILE *out)
{
	stress_single_dump(round, out, "event", sizeof(struct weft_event), stress_describe_weft_event);
}

static const struct stress_case cases[] = {
	{ "waves", "one set, cleared at once, lets all go that wait", 2, sizeof(struct waves), begin_waves,
	  work_waves, finish_waves, dump_waves },
	{ "storm", "sets and clears from everywhere strand nobody", 2, sizeof(struct storm), begin_storm, work_storm,
	  NULL, dump_storm },
	{ "token", "one token cancels waits of every kind", 2, sizeof(struct tokens), begin_tokens, work_tokens,
	  finish_tokens, dump_tokens },
	{ "free", "freed by the last waiter to return", 2, 0, stress_single_begin, work_free, NULL, dump_free },
};

const struct stress_object stress_event = { "event", cases, sizeof(cases) / sizeof(cases[0]) };
