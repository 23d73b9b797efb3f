/* SPDX-License-Identifier: MIT */
/*
 * Cancel tokens, for all that can be waited for: TIME-04, TIME-11, EVT-05 for tokens, conservation when a cancel
 * races with a grant.
 */
#include "test.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <weft/watch.h>

#define FIFTY 50

enum kind { LOCK, RLOCK, EVENT, COND, SEM, BARRIER, SLEEP, N_KINDS };

/* Something to wait for, of one kind. */
struct thing {
	enum kind kind;
	struct weft_lock lock;
	struct weft_rlock rlock;
	struct weft_event event;
	struct weft_cond cond;
	struct weft_sem sem;
	struct weft_barrier barrier;
	int64_t wake_ns; /* for SLEEP */
	struct weft_event *cancel;
	int64_t deadline_ns;
};

/* Not to be had: this thread has it, or nobody has given it. */
static void thing_init(struct thing *t, enum kind kind)
{
	memset(t, 0, sizeof(*t));
	t->kind = kind;
	t->deadline_ns = WEFT_FOREVER;
	t->wake_ns = WEFT_FOREVER;
	weft_barrier_init(&t->barrier, 2);
	if (kind == LOCK)
		weft_lock_acquire(&t->lock);
	else if (kind == RLOCK)
		weft_rlock_acquire(&t->rlock);
}

/* Wait for it; a lock that was had is given back by thing_give(). */
static int thing_wait(struct thing *t)
{
	int result;

	switch (t->kind) {
	case LOCK:
		return weft_lock_acquire_until(&t->lock, t->deadline_ns, t->cancel);
	case RLOCK:
		return weft_rlock_acquire_until(&t->rlock, t->deadline_ns, t->cancel);
	case EVENT:
		return weft_event_wait_until(&t->event, t->deadline_ns, t->cancel);
	case COND:
		CHECK_EQ(weft_cond_acquire(&t->cond), 0);
		result = weft_cond_wait_until(&t->cond, t->deadline_ns, t->cancel);
		CHECK_EQ(weft_cond_release(&t->cond), 0);
		return result;
	case SEM:
		return weft_sem_acquire_until(&t->sem, t->deadline_ns, t->cancel);
	case BARRIER:
		return weft_barrier_wait_until(&t->barrier, t->deadline_ns, t->cancel);
	default:
		return weft_sleep_until(t->wake_ns, t->cancel);
	}
}

/* Let one waiter have it. Return: what the call returned. */
static int thing_give(struct thing *t)
{
	int result = 0;

	switch (t->kind) {
	case LOCK:
		return weft_lock_release(&t->lock);
	case RLOCK:
		return weft_rlock_release(&t->rlock);
	case EVENT:
		weft_event_set(&t->event);
		return 0;
	case COND:
		weft_cond_acquire(&t->cond);
		result = weft_cond_notify(&t->cond, 1);
		weft_cond_release(&t->cond);
		return result;
	case SEM:
		return weft_sem_release(&t->sem);
	case BARRIER:
		return weft_barrier_wait(&t->barrier);
	default:
		return 0;
	}
}

/* Nobody waits, nothing was taken; given back it can be had, and is as new. */
static void check_untouched(struct thing *t)
{
	char text[64];

	switch (t->kind) {
	case LOCK:
		CHECK(weft_lock_locked(&t->lock));
		CHECK_RET(weft_lock_release(&t->lock), 0);
		CHECK_RET(weft_lock_try_acquire(&t->lock), 0);
		CHECK_RET(weft_lock_release(&t->lock), 0);
		weft_lock_describe(&t->lock, text, sizeof(text));
		CHECK_STR(text, "unlocked");
		CHECK_RET(weft_lock_destroy(&t->lock), 0);
		break;
	case RLOCK:
		CHECK_EQ(weft_rlock_depth(&t->rlock), 1);
		CHECK_RET(weft_rlock_release(&t->rlock), 0);
		CHECK_RET(weft_rlock_try_acquire(&t->rlock), 0);
		CHECK_RET(weft_rlock_release(&t->rlock), 0);
		CHECK_RET(weft_rlock_destroy(&t->rlock), 0);
		break;
	case EVENT:
		CHECK(!weft_event_is_set(&t->event));
		CHECK_RET(weft_event_destroy(&t->event), 0);
		break;
	case COND:
		CHECK(!weft_cond_locked(&t->cond));
		weft_cond_acquire(&t->cond);
		CHECK_RET(weft_cond_notify_all(&t->cond), 0);
		weft_cond_release(&t->cond);
		CHECK_RET(weft_cond_destroy(&t->cond), 0);
		break;
	case SEM:
		CHECK_EQ(weft_sem_value(&t->sem), 0);
		CHECK_RET(weft_sem_release(&t->sem), 0);
		CHECK_EQ(weft_sem_value(&t->sem), 1);
		CHECK_RET(weft_sem_try_acquire(&t->sem), 0);
		CHECK_RET(weft_sem_destroy(&t->sem), 0);
		break;
	case BARRIER:
		CHECK(weft_barrier_broken(&t->barrier));
		CHECK_EQ(weft_barrier_n_waiting(&t->barrier), 0);
		CHECK_RET(weft_barrier_destroy(&t->barrier), 0);
		break;
	default:
		break;
	}
}

/* Member i waits for things[i]. */
static void wait_for_own(struct member *me)
{
	struct thing *things = me->arg;

	me->result = thing_wait(&things[me->index]);
}

static void wait_for_it(struct member *me)
{
	me->result = thing_wait(me->arg);
}

static void check_fifty_waits(bool clear_at_once)
{
	struct weft_event cancel = WEFT_EVENT_INIT;
	struct thing things[FIFTY];
	struct team team;
	int results[FIFTY], i;

	for (i = 0; i < FIFTY; i++) {
		thing_init(&things[i], (enum kind)(i % N_KINDS));
		things[i].cancel = &cancel;
	}
	team_start(&team, FIFTY, wait_for_own, things);
	team_wait_asleep(&team, FIFTY);
	CHECK_EQ(team_done(&team), 0);
	weft_event_set(&cancel);
	if (clear_at_once)
		weft_event_clear(&cancel);
	team_join_results(&team, results);
	for (i = 0; i < FIFTY; i++) {
		CHECK_EQ(results[i], -ECANCELED);
		check_untouched(&things[i]);
	}
	CHECK_RET(weft_event_destroy(&cancel), 0);
}

/* TIME-04: one token ends fifty waits on different objects of all kinds, and takes nothing of them. */
Test(cancel, one_token_ends_fifty_waits)
{
	check_fifty_waits(false);
}

/* EVT-05: set and cleared at once it still ends all waits that were under way. */
Test(cancel, token_cleared_at_once_still_ends_the_waits)
{
	int i;

	for (i = 0; i < (slow_build() ? 5 : 20); i++)
		check_fifty_waits(true);
}

/* API.md: where the kernel cannot wait for two words at once, another way is found. */
static bool deny_waitv(uint32_t error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex_waitv, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

static void check_all_ways_to_end(void)
{
	struct weft_event cancel = WEFT_EVENT_INIT;
	enum kind kind;

	check_fifty_waits(false);
	check_fifty_waits(true);
	for (kind = 0; kind < N_KINDS; kind++) {
		struct thing thing;
		struct team team;
		int64_t before;
		int result;

		if (kind == BARRIER || kind == SLEEP)
			continue;
		thing_init(&thing, kind);
		thing.cancel = &cancel;
		thing.deadline_ns = (before = clock_ns()) + 10 * MS;
		team_start(&team, 1, wait_for_it, &thing);
		team_join_results(&team, &result);
		CHECK_EQ(result, -ETIMEDOUT);
		CHECK_GE(clock_ns() - before, 10 * MS);

		thing.deadline_ns = WEFT_FOREVER;
		team_start(&team, 1, wait_for_it, &thing);
		team_wait_asleep(&team, 1);
		CHECK_EQ(thing_give(&thing), kind == COND);
		team_join_results(&team, &result);
		CHECK_EQ(result, 0);
	}
}

static void wait_without_waitv(void *arg)
{
	const uint32_t *const error = arg;

	if (deny_waitv(*error))
		check_all_ways_to_end();
	else
		_exit(77);
}

Test(cancel, works_without_futex_waitv)
{
	uint32_t errors[] = { ENOSYS, EPERM };
	int i, status;

	check_all_ways_to_end();
	for (i = 0; i < 2; i++) {
		status = child_run(wait_without_waitv, &errors[i]);
		if (status == 77)
			SKIP("no seccomp filter to be had");
		CHECK_EQ(status, 0);
	}
}

/* TIME-04: fifty waits on one object end just as well; a barrier is broken by one of them. */
Test(cancel, one_token_ends_all_waits_on_one_object)
{
	enum kind kind;

	for (kind = 0; kind < N_KINDS; kind++) {
		struct weft_event cancel = WEFT_EVENT_INIT;
		struct thing thing;
		struct team team;
		int results[FIFTY], i, cancelled = 0;

		thing_init(&thing, kind);
		thing.cancel = &cancel;
		weft_barrier_init(&thing.barrier, FIFTY + 1);
		team_start(&team, FIFTY, wait_for_it, &thing);
		team_wait_asleep(&team, FIFTY);
		weft_event_set(&cancel);
		team_join_results(&team, results);
		for (i = 0; i < FIFTY; i++) {
			cancelled += results[i] == -ECANCELED;
			if (results[i] != -ECANCELED)
				CHECK_EQ(results[i], -EPIPE);
		}
		CHECK_EQ(cancelled, kind == BARRIER ? 1 : FIFTY);
		check_untouched(&thing);
	}
}

/* A token that is set already ends the wait at once ... */
Test(cancel, token_set_before_the_wait)
{
	struct weft_event cancel = WEFT_EVENT_INIT;
	enum kind kind;

	weft_event_set(&cancel);
	for (kind = 0; kind < N_KINDS; kind++) {
		struct thing thing;
		struct team team;
		int result;

		thing_init(&thing, kind);
		thing.cancel = &cancel;
		team_start(&team, 1, wait_for_it, &thing); /* not here: the rlock is ours */
		team_join_results(&team, &result);
		CHECK_EQ(result, -ECANCELED);
		check_untouched(&thing);
	}
	CHECK(weft_event_is_set(&cancel));
}

/* ... but what can be had is had; TIME-11, TIME-06: whatever time it is. */
Test(cancel, available_is_granted_though_the_token_is_set)
{
	static const int64_t deadlines[] = { WEFT_FOREVER, 0, -1, INT64_MIN };
	struct weft_event cancel = WEFT_EVENT_INIT;
	enum kind kind;
	unsigned i;

	weft_event_set(&cancel);
	for (i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++) {
		for (kind = 0; kind < N_KINDS; kind++) {
			struct thing thing;

			if (kind == COND || kind == SLEEP) /* nothing is ever there */
				continue;
			thing_init(&thing, kind);
			thing.cancel = &cancel;
			thing.deadline_ns = deadlines[i];
			if (kind == BARRIER)
				weft_barrier_init(&thing.barrier, 1);
			else
				thing_give(&thing);
			CHECK_RET(thing_wait(&thing), 0);
		}
	}
}

/* A token that is never set changes nothing: TIME-02, TIME-05. */
Test(cancel, token_not_set_leaves_the_deadline)
{
	static const int64_t expired[] = { 0, -1, INT64_MIN };
	struct weft_event cancel = WEFT_EVENT_INIT;
	enum kind kind;
	unsigned i;

	for (kind = 0; kind < N_KINDS; kind++) {
		struct thing thing;
		struct team team;
		int64_t before = clock_ns();
		int result;

		thing_init(&thing, kind);
		thing.cancel = &cancel;
		thing.deadline_ns = thing.wake_ns = before + 10 * MS;
		team_start(&team, 1, wait_for_it, &thing);
		team_join_results(&team, &result);
		CHECK_EQ(result, kind == SLEEP ? 0 : -ETIMEDOUT);
		CHECK_GE(clock_ns() - before, 10 * MS);
		for (i = 0; i < sizeof(expired) / sizeof(expired[0]); i++) {
			thing.deadline_ns = thing.wake_ns = expired[i];
			weft_barrier_reset(&thing.barrier);
			team_start(&team, 1, wait_for_it, &thing);
			team_join_results(&team, &result);
			CHECK_EQ(result, kind == SLEEP ? 0 : -ETIMEDOUT);
		}
		if (kind != SLEEP)
			check_untouched(&thing);
		CHECK_RET(weft_event_destroy(&cancel), 0);
	}
}

/* A token can be cleared and used again, and again. */
Test(cancel, token_can_be_used_again)
{
	struct weft_event cancel = WEFT_EVENT_INIT;
	struct thing things[N_KINDS];
	int results[N_KINDS], i, round;

	for (round = 0; round < 10; round++) {
		struct team team;

		for (i = 0; i < N_KINDS; i++) {
			thing_init(&things[i], (enum kind)i);
			things[i].cancel = &cancel;
		}
		team_start(&team, N_KINDS, wait_for_own, things);
		team_wait_asleep(&team, N_KINDS);
		weft_event_set(&cancel);
		team_join_results(&team, results);
		for (i = 0; i < N_KINDS; i++) {
			CHECK_EQ(results[i], -ECANCELED);
			check_untouched(&things[i]);
		}
		weft_event_clear(&cancel);
	}
}

/* A wait that names its own event as the token finds it set. */
Test(cancel, event_as_its_own_token)
{
	struct thing thing;
	struct team team;
	int result;

	thing_init(&thing, EVENT);
	thing.cancel = &thing.event;
	team_start(&team, 1, wait_for_it, &thing);
	team_wait_asleep(&team, 1);
	weft_event_set(&thing.event);
	team_join_results(&team, &result);
	CHECK_EQ(result, 0);
	CHECK_RET(thing_wait(&thing), 0);
	weft_event_clear(&thing.event);
	thing.deadline_ns = 0;
	CHECK_RET(thing_wait(&thing), -ETIMEDOUT);
}

static struct weft_event token_of_handler;

static void set_token(int signal)
{
	(void)signal;
	weft_event_set(&token_of_handler);
}

/* TIME-04, EVT-08: a handler that interrupts the wait itself may end it. */
Test(cancel, signal_handler_may_cancel_the_wait_it_interrupts)
{
	struct sigaction action;
	enum kind kind;

	memset(&action, 0, sizeof(action));
	action.sa_handler = set_token;
	sigaction(SIGUSR2, &action, NULL);
	for (kind = 0; kind < N_KINDS; kind++) {
		struct thing thing;
		struct team team;
		int result;

		weft_event_init(&token_of_handler);
		thing_init(&thing, kind);
		thing.cancel = &token_of_handler;
		team_start(&team, 1, wait_for_it, &thing);
		team_wait_asleep(&team, 1);
		pthread_kill(team.members[0].thread, SIGUSR2);
		team_join_results(&team, &result);
		CHECK_EQ(result, -ECANCELED);
		check_untouched(&thing);
	}
}

/* TIME-03: other signals do not end it. */
Test(cancel, signals_leave_a_wait_with_a_token)
{
	enum kind kind;

	for (kind = 0; kind < N_KINDS; kind++) {
		struct weft_event cancel = WEFT_EVENT_INIT;
		struct thing thing;
		struct team team;
		int result;

		thing_init(&thing, kind);
		thing.cancel = &cancel;
		team_start(&team, 1, wait_for_it, &thing);
		team_wait_asleep(&team, 1);
		storm(&team.members[0], 10, MS);
		CHECK_EQ(team_done(&team), 0);
		weft_event_set(&cancel);
		team_join_results(&team, &result);
		CHECK_EQ(result, -ECANCELED);
	}
	CHECK_GT(signals_seen(), 0);
}

/* One waits, the other gives and cancels, in either order, at about the same time. */
struct duel {
	struct thing thing;
	struct weft_event cancel;
	pthread_barrier_t gate;
	unsigned rounds;
	int given; /* by thing_give() */
	atomic_bool returned;
};

static void linger(uint64_t *random)
{
	/* Short ones as often as long ones. */
	unsigned turns = (unsigned)(random_next(random) % (UINT64_C(1) << random_next(random) % 16));
	atomic_uint i = 0;

	while (atomic_fetch_add_explicit(&i, 1, memory_order_relaxed) < turns)
		;
}

static void give_and_cancel(struct member *me)
{
	struct duel *d = me->arg;
	uint64_t random = d->thing.kind + 1;
	unsigned round;

	for (round = 0; round < d->rounds; round++) {
		const uint64_t order = random_next(&random);

		if (d->thing.kind == LOCK)
			weft_lock_acquire(&d->thing.lock);
		else if (d->thing.kind == RLOCK)
			weft_rlock_acquire(&d->thing.rlock);
		pthread_barrier_wait(&d->gate);
		if (order & 2) /* else while the other is not asleep yet */
			wait_until((order & 4) || thread_asleep((pid_t)atomic_load(&me->step)));
		linger(&random);
		if (order & 1) {
			weft_event_set(&d->cancel);
			linger(&random);
			/* Now and then one of the two has all the time it needs. */
			wait_until(order & 0x70 || atomic_load(&d->returned));
		}
		d->given = thing_give(&d->thing);
		if (!(order & 1)) {
			linger(&random);
			wait_until(order & 0x70 || d->thing.kind == COND || atomic_load(&d->returned));
			weft_event_set(&d->cancel);
		}
		pthread_barrier_wait(&d->gate);
		pthread_barrier_wait(&d->gate);
	}
}

/* After a round: what was given was had, or is still there. */
static void check_conserved(struct duel *d, int result)
{
	struct thing *t = &d->thing;
	const bool had = result >= 0;

	if (!had)
		CHECK_EQ(result, -ECANCELED);
	switch (t->kind) {
	case LOCK:
		CHECK_EQ(d->given, 0);
		CHECK_EQ(weft_lock_locked(&t->lock), had);
		CHECK_EQ(weft_lock_release(&t->lock), had ? 0 : -EPERM);
		CHECK_EQ(weft_lock_destroy(&t->lock), 0);
		break;
	case RLOCK:
		CHECK_EQ(d->given, 0);
		CHECK_EQ(weft_rlock_depth(&t->rlock), had);
		CHECK_EQ(weft_rlock_locked(&t->rlock), had);
		CHECK_EQ(weft_rlock_release(&t->rlock), had ? 0 : -EPERM);
		CHECK_EQ(weft_rlock_destroy(&t->rlock), 0);
		break;
	case EVENT:
		CHECK(weft_event_is_set(&t->event));
		weft_event_clear(&t->event);
		CHECK_EQ(weft_event_destroy(&t->event), 0);
		break;
	case COND:
		CHECK_EQ(d->given, had);
		CHECK_EQ(weft_cond_destroy(&t->cond), 0);
		break;
	case SEM:
		CHECK_EQ(d->given, 0);
		CHECK_EQ(weft_sem_value(&t->sem), !had);
		CHECK_EQ(weft_sem_try_acquire(&t->sem), had ? -EAGAIN : 0);
		CHECK_EQ(weft_sem_destroy(&t->sem), 0);
		break;
	default:
		CHECK_EQ(had, d->given >= 0);
		if (had)
			CHECK_EQ(result + d->given, 1);
		else
			CHECK_EQ(d->given, -EPIPE);
		CHECK_EQ(weft_barrier_broken(&t->barrier), !had);
		weft_barrier_reset(&t->barrier);
		break;
	}
}

/* A cancel that races with the grant: had, or -ECANCELED and nothing taken; nothing is lost, nothing comes twice. */
Test(cancel, races_with_the_grant)
{
	const unsigned rounds = slow_build() ? 300 : 1500;
	enum kind kind;

	for (kind = 0; kind < SLEEP; kind++) {
		struct duel d;
		struct team team;
		unsigned round, had = 0;

		memset(&d, 0, sizeof(d));
		d.thing.kind = kind;
		d.thing.cancel = &d.cancel;
		d.thing.deadline_ns = WEFT_FOREVER;
		weft_barrier_init(&d.thing.barrier, 2);
		d.rounds = rounds;
		pthread_barrier_init(&d.gate, NULL, 2);
		team_start(&team, 1, give_and_cancel, &d);
		atomic_store(&team.members[0].step, (int)gettid());
		for (round = 0; round < rounds; round++) {
			int result;

			pthread_barrier_wait(&d.gate);
			result = thing_wait(&d.thing);
			atomic_store(&d.returned, true);
			pthread_barrier_wait(&d.gate);
			had += result >= 0;
			check_conserved(&d, result);
			weft_event_clear(&d.cancel);
			atomic_store(&d.returned, false);
			pthread_barrier_wait(&d.gate);
		}
		team_join(&team);
		pthread_barrier_destroy(&d.gate);
		CHECK_GT(had, 0);
		CHECK_LT(had, rounds);
	}
}

/* Two wait, one of them with a token. What the cancelled one does not take is for the other. */
struct rivals {
	struct thing thing;
	struct weft_event cancel;
	pthread_barrier_t gate;
	unsigned rounds;
};

static void wait_as_rival(struct member *me)
{
	struct rivals *r = me->arg;
	unsigned round;

	for (round = 0; round < r->rounds; round++) {
		struct thing *const t = &r->thing;
		int result;

		pthread_barrier_wait(&r->gate); /* it is taken */
		if (t->kind == LOCK)
			result = me->index == 0 ? weft_lock_acquire_until(&t->lock, WEFT_FOREVER, &r->cancel)
						: weft_lock_acquire(&t->lock);
		else if (t->kind == RLOCK)
			result = me->index == 0 ? weft_rlock_acquire_until(&t->rlock, WEFT_FOREVER, &r->cancel)
						: weft_rlock_acquire(&t->rlock);
		else
			result = me->index == 0 ? weft_sem_acquire_until(&t->sem, WEFT_FOREVER, &r->cancel)
						: weft_sem_acquire(&t->sem);
		if (result == 0)
			thing_give(t);
		else
			CHECK(me->index == 0 && result == -ECANCELED);
		pthread_barrier_wait(&r->gate);
	}
}

/* A waiter that is cancelled does not swallow the wake-up that another needs. */
Test(cancel, cancelled_waiter_passes_the_wakeup_on)
{
	static const enum kind kinds[] = { LOCK, RLOCK, SEM };
	const unsigned rounds = slow_build() ? 300 : 1500;
	unsigned i;

	for (i = 0; i < 3; i++) {
		uint64_t random = i;
		struct rivals r;
		struct team team;
		unsigned round;

		memset(&r, 0, sizeof(r));
		r.thing.kind = kinds[i];
		r.rounds = rounds;
		pthread_barrier_init(&r.gate, NULL, 3);
		team_start(&team, 2, wait_as_rival, &r);
		for (round = 0; round < rounds; round++) {
			const uint64_t order = random_next(&random);

			weft_event_clear(&r.cancel);
			if (kinds[i] == LOCK)
				weft_lock_acquire(&r.thing.lock);
			else if (kinds[i] == RLOCK)
				weft_rlock_acquire(&r.thing.rlock);
			pthread_barrier_wait(&r.gate);
			if (order & 2)
				team_wait_asleep(&team, 2);
			linger(&random);
			if (order & 1)
				weft_event_set(&r.cancel);
			thing_give(&r.thing);
			if (!(order & 1))
				weft_event_set(&r.cancel);
			pthread_barrier_wait(&r.gate); /* the one without a token has had it */
			if (kinds[i] == SEM) {
				CHECK_EQ(weft_sem_value(&r.thing.sem), 1);
				CHECK_EQ(weft_sem_try_acquire(&r.thing.sem), 0);
			}
		}
		team_join(&team);
		pthread_barrier_destroy(&r.gate);
	}
}

/* Take a lock, with the token for the member who has one, and give it back. */
static void take_with_token(struct member *me)
{
	struct thing *t = me->arg;

	me->result = thing_wait(t);
	if (me->result == 0)
		thing_give(t);
	else
		CHECK_EQ(me->result, -ECANCELED);
}

static void take_without_token(struct member *me)
{
	struct thing *t = me->arg;

	me->result = t->kind == LOCK ? weft_lock_acquire(&t->lock) : weft_rlock_acquire(&t->rlock);
	thing_give(t);
}

/*
 * The same, step by step: the one with the token sleeps first in line, so a release wakes it; a newcomer has the lock
 * again before it is up, and its token is set. When it has left, the newcomer's release must wake the other.
 */
Test(cancel, cancelled_after_it_was_woken)
{
	const unsigned rounds = slow_build() ? 100 : 300;
	enum kind kind;
	unsigned round;

	for (kind = LOCK; kind <= RLOCK; kind++) {
		for (round = 0; round < rounds; round++) {
			struct weft_event cancel = WEFT_EVENT_INIT;
			struct thing thing;
			struct team with, without;
			bool overtook;

			thing_init(&thing, kind);
			thing.cancel = &cancel;
			team_start(&with, 1, take_with_token, &thing);
			team_wait_asleep(&with, 1);
			team_start(&without, 1, take_without_token, &thing);
			team_wait_asleep(&without, 1);
			thing_give(&thing);
			overtook = kind == LOCK ? weft_lock_try_acquire(&thing.lock) == 0
						: weft_rlock_try_acquire(&thing.rlock) == 0;
			weft_event_set(&cancel);
			if (overtook) {
				if (round % 2 == 0)
					team_wait_done(&with, 1);
				thing_give(&thing);
			}
			team_join(&without);
			team_join(&with);
		}
	}
}

struct flow {
	struct weft_sem sem;
	struct weft_event cancel;
	atomic_uint taken;
	atomic_bool stop;
};

static void take_permits(struct member *me)
{
	struct flow *f = me->arg;
	uint64_t random = me->index + 1;

	while (!atomic_load(&f->stop)) {
		const int64_t timeout_ns = (int64_t)(random_next(&random) % 200000);
		int result;

		if (me->index % 2 == 0)
			result = weft_sem_acquire_until(&f->sem, WEFT_FOREVER, &f->cancel);
		else
			result = weft_sem_acquire_until(&f->sem, weft_now() + timeout_ns, &f->cancel);
		if (result == 0)
			atomic_fetch_add(&f->taken, 1);
		else
			CHECK(result == -ECANCELED || (result == -ETIMEDOUT && me->index % 2 == 1));
	}
}

/* SEM-05: among cancels and time-outs no permit is lost and none is made. */
Test(cancel, permits_are_conserved)
{
	const unsigned turns = slow_build() ? 1000 : 5000;
	struct flow f;
	struct team team;
	uint64_t random = 5;
	unsigned released = 0, i;

	memset(&f, 0, sizeof(f));
	team_start(&team, 4, take_permits, &f);
	for (i = 0; i < turns; i++) {
		const unsigned n = 1 + (unsigned)(random_next(&random) % 3);

		CHECK_EQ(weft_sem_release_n(&f.sem, n), 0);
		released += n;
		linger(&random);
		if (i % 2 == 0) {
			weft_event_set(&f.cancel);
			weft_event_clear(&f.cancel);
		}
	}
	/* Undisturbed they take all there is. */
	wait_until(atomic_load(&f.taken) == released);
	atomic_store(&f.stop, true);
	weft_event_set(&f.cancel);
	team_join(&team);
	CHECK_EQ(atomic_load(&f.taken), released);
	CHECK_EQ(weft_sem_value(&f.sem), 0);
	CHECK_RET(weft_sem_destroy(&f.sem), 0);
}

static void wait_and_free_token(struct member *me)
{
	struct thing *t = me->arg;

	me->result = thing_wait(t);
	memset(t->cancel, 0xa5, sizeof(*t->cancel));
	free(t->cancel);
}

/* event.h: one whose wait was cancelled may free the token, while it is still being set. */
Test(cancel, token_freed_right_after_the_wait)
{
	const unsigned rounds = slow_build() ? 20 : 60;
	enum kind kind;
	unsigned round;

	for (kind = 0; kind < N_KINDS; kind++) {
		for (round = 0; round < rounds; round++) {
			struct weft_event *cancel = calloc(1, sizeof(*cancel));
			struct thing thing;
			struct team team;
			int result;

			thing_init(&thing, kind);
			thing.cancel = cancel;
			team_start(&team, 1, wait_and_free_token, &thing);
			if (round % 4 != 0)
				team_wait_asleep(&team, 1);
			weft_event_set(cancel);
			team_join_results(&team, &result);
			CHECK_EQ(result, -ECANCELED);
		}
	}
}

/* A token may be NULL: then only the deadline counts. */
Test(cancel, token_may_be_null)
{
	enum kind kind;

	for (kind = 0; kind < N_KINDS; kind++) {
		struct thing thing;
		struct team team;
		int result;

		thing_init(&thing, kind);
		thing.deadline_ns = thing.wake_ns = weft_now() + MS;
		team_start(&team, 1, wait_for_it, &thing);
		team_join_results(&team, &result);
		CHECK_EQ(result, kind == SLEEP ? 0 : -ETIMEDOUT);
	}
}
