/* SPDX-License-Identifier: MIT */
/*
 * weft_event: section 5 of the rules (EVT).
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>

#include "test.h"

#define N 5

/* One event and who waits for it. */
struct stage {
	struct weft_event event, cancel;
	int64_t timeout_ns;
	atomic_uint passed;
	unsigned rounds;
};

static void stage_init(struct stage *stage)
{
	memset((void *)stage, 0, sizeof(*stage));
}

static void wait_plain(struct member *me)
{
	struct stage *stage = me->arg;

	me->result = weft_event_wait(&stage->event);
	atomic_fetch_add(&stage->passed, 1);
}

/* All forms that wait for ever, in turn. */
static void wait_any_form(struct member *me)
{
	struct stage *stage = me->arg;

	switch (me->index % 5) {
	case 0:
		me->result = weft_event_wait(&stage->event);
		break;
	case 1:
		me->result = weft_event_wait_for(&stage->event, WEFT_FOREVER);
		break;
	case 2:
		me->result = weft_event_wait_for(&stage->event, 300 * SEC);
		break;
	case 3:
		me->result = weft_event_wait_until(&stage->event, weft_now() + 300 * SEC, NULL);
		break;
	default:
		me->result = weft_event_wait_until(&stage->event, WEFT_FOREVER, &stage->cancel);
		break;
	}
	atomic_fetch_add(&stage->passed, 1);
}

static void join_all_zero(struct team *team)
{
	int results[64];
	unsigned i;
	const unsigned n = team->n;

	team_join_results(team, results);
	for (i = 0; i < n; i++)
		CHECK_EQ(results[i], 0);
}

/* EVT-01, GEN-05 */
Test(event, states)
{
	static struct weft_event fixed = WEFT_EVENT_INIT;
	struct weft_event event;
	unsigned i;

	CHECK(!weft_event_is_set(&fixed));
	memset((void *)&event, 0xff, sizeof(event));
	weft_event_init(&event);
	CHECK(!weft_event_is_set(&event));
	for (i = 0; i < 1000; i++) {
		weft_event_clear(&event);
		CHECK(!weft_event_is_set(&event));
		weft_event_set(&event);
		weft_event_set(&event);
		CHECK(weft_event_is_set(&event));
		weft_event_clear(&event);
		weft_event_clear(&event);
		CHECK(!weft_event_is_set(&event));
	}
	weft_event_set(&event);
	weft_event_init(&event);
	CHECK(!weft_event_is_set(&event));
	weft_event_init_shared(&event);
	CHECK(!weft_event_is_set(&event));
	weft_event_set(&event);
	CHECK(weft_event_is_set(&event));
	CHECK_RET(weft_event_wait(&event), 0);
	weft_event_clear(&event);
	CHECK(!weft_event_is_set(&event));
}

/* GEN-01: set and clear return nothing and leave errno alone too. */
Test(event, errno_untouched)
{
	struct weft_event event = WEFT_EVENT_INIT;
	struct stage stage;
	struct team team;

	CHECK_RET((weft_event_set(&event), 0), 0);
	CHECK_RET(weft_event_is_set(&event), 1);
	CHECK_RET((weft_event_clear(&event), 0), 0);
	stage_init(&stage);
	team_start(&team, N, wait_plain, &stage);
	team_wait_asleep(&team, N);
	CHECK_RET((weft_event_set(&stage.event), 0), 0);
	CHECK_RET((weft_event_clear(&stage.event), 0), 0);
	join_all_zero(&team);
}

/* EVT-02: all current waiters; later waits return at once until clear. EVT-03: again and again. */
Test(event, set_wakes_all)
{
	struct stage stage;
	struct team team;
	unsigned round;

	stage_init(&stage);
	for (round = 0; round < 20; round++) {
		atomic_store(&stage.passed, 0);
		team_start(&team, N, round % 2 ? wait_any_form : wait_plain, &stage);
		team_wait_asleep(&team, N);
		CHECK_EQ(atomic_load(&stage.passed), 0);
		weft_event_set(&stage.event);
		join_all_zero(&team);
		team_start(&team, N, wait_any_form, &stage);
		join_all_zero(&team);
		CHECK(weft_event_is_set(&stage.event));
		weft_event_clear(&stage.event);
	}
}

/* EVT-02 with fifty. */
Test(event, set_wakes_fifty)
{
	struct stage stage;
	struct team team;

	stage_init(&stage);
	team_start(&team, 50, wait_any_form, &stage);
	team_wait_asleep(&team, 50);
	weft_event_set(&stage.event);
	join_all_zero(&team);
	CHECK_EQ(atomic_load(&stage.passed), 50);
}

/* EVT-04, EVT-07, TIME-06, TIME-11: a set event is found before clock and token; it stays set. */
Test(event, set_is_found_first)
{
	static const int64_t times[] = { 0, -1, INT64_MIN, 1, SEC, WEFT_TIMEOUT_MAX, WEFT_FOREVER };
	struct weft_event event = WEFT_EVENT_INIT, token = WEFT_EVENT_INIT;
	unsigned i;

	weft_event_set(&event);
	weft_event_set(&token);
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		CHECK_RET(weft_event_wait(&event), 0);
		CHECK_RET(weft_event_wait_for(&event, times[i]), 0);
		CHECK_RET(weft_event_wait_until(&event, times[i], NULL), 0);
		CHECK_RET(weft_event_wait_until(&event, times[i], &token), 0);
		CHECK_RET(weft_event_wait_until(&event, times[i], &event), 0);	/* its own token */
		CHECK(weft_event_is_set(&event));
	}
}

/* EVT-04, TIME-05: zero and negative are a look. */
Test(event, expired_times)
{
	static const int64_t times[] = { 0, -1, -MS, INT64_MIN + 1, INT64_MIN };
	struct weft_event event = WEFT_EVENT_INIT, token = WEFT_EVENT_INIT;
	unsigned i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		CHECK_RET(weft_event_wait_for(&event, times[i]), -ETIMEDOUT);
		CHECK_RET(weft_event_wait_until(&event, times[i], NULL), -ETIMEDOUT);
		CHECK_RET(weft_event_wait_until(&event, times[i], &token), -ETIMEDOUT);
	}
	CHECK_RET(weft_event_wait_until(&event, 1, NULL), -ETIMEDOUT);
	CHECK_RET(weft_event_wait_until(&event, weft_now(), &token), -ETIMEDOUT);
	CHECK(!weft_event_is_set(&event));
}

/* EVT-04, TIME-02: not early. */
Test(event, times_out)
{
	struct weft_event event = WEFT_EVENT_INIT, token = WEFT_EVENT_INIT;
	unsigned i;

	for (i = 0; i <= 20; i++) {
		const int64_t timeout_ns = i == 20 ? 100 * MS : 1 + i * i * INT64_C(10007);
		const int64_t start_ns = clock_ns();
		int64_t deadline_ns;

		CHECK_RET(weft_event_wait_for(&event, timeout_ns), -ETIMEDOUT);
		CHECK_GE(clock_ns() - start_ns, timeout_ns);
		deadline_ns = weft_now() + timeout_ns;
		CHECK_RET(weft_event_wait_until(&event, deadline_ns, i % 2 ? &token : NULL), -ETIMEDOUT);
		CHECK_GE(weft_now(), deadline_ns);
	}
	CHECK_RET(weft_event_destroy(&event), 0);	/* who left is not counted */
	weft_event_set(&event);
	CHECK_RET(weft_event_wait_for(&event, 0), 0);
}

/* TIME-07 */
static void wait_given_time(struct member *me)
{
	struct stage *stage = me->arg;

	if (me->index == 0)
		me->result = weft_event_wait_for(&stage->event, stage->timeout_ns);
	else
		me->result = weft_event_wait_until(&stage->event, stage->timeout_ns,
						   me->index == 1 ? NULL : &stage->cancel);
}

Test(event, huge_times)
{
	const int64_t now = weft_now();
	const int64_t huge[] = { WEFT_FOREVER, WEFT_TIMEOUT_MAX, WEFT_FOREVER - now, WEFT_FOREVER - now - 1,
				 WEFT_FOREVER - now + 1, WEFT_FOREVER / 2 };
	struct stage stage;
	struct team team;
	unsigned i;

	stage_init(&stage);
	for (i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		stage.timeout_ns = huge[i];
		team_start(&team, 3, wait_given_time, &stage);
		team_wait_asleep(&team, 3);
		CHECK_EQ(team_done(&team), 0);
		weft_event_set(&stage.event);
		join_all_zero(&team);
		weft_event_clear(&stage.event);
	}
}

/* EVT-05: all that wait when set runs return, though clear follows at once, before any of them has run. */
static void set_then_clear(struct stage *stage, unsigned rounds)
{
	struct team team;
	unsigned i;

	for (i = 0; i < rounds; i++) {
		team_start(&team, N, wait_any_form, stage);
		team_wait_asleep(&team, N);
		weft_event_set(&stage->event);
		weft_event_clear(&stage->event);
		join_all_zero(&team);
		CHECK(!weft_event_is_set(&stage->event));
	}
}

Test(event, set_then_clear)
{
	struct stage stage;

	stage_init(&stage);
	set_then_clear(&stage, slow_build() ? 50 : 300);
}

Test(event, set_then_clear_shared)
{
	struct stage stage;

	stage_init(&stage);
	weft_event_init_shared(&stage.event);
	set_then_clear(&stage, slow_build() ? 50 : 300);
}

/* EVT-05 without anybody asleep for certain: the waiter says that it is about to wait, and waits for the one round. */
static void wait_each_round(struct member *me)
{
	struct stage *stage = me->arg;
	unsigned i;

	for (i = 0; i < stage->rounds; i++) {
		atomic_fetch_add(&stage->passed, 1);
		if (weft_event_wait(&stage->event) != 0)
			FAIL("wait failed");
	}
}

Test(event, set_then_clear_storm)
{
	struct stage stage;
	struct team team;

	stage_init(&stage);
	stage.rounds = slow_build() ? 500 : 5000;
	team_start(&team, N, wait_each_round, &stage);
	while (team_done(&team) < N) {
		weft_event_set(&stage.event);
		weft_event_clear(&stage.event);
	}
	join_all_zero(&team);
	CHECK_EQ(atomic_load(&stage.passed), N * stage.rounds);
}

/* EVT-05 with a second set and clear while the waiters of the first have not run yet: nobody is lost or stuck. */
Test(event, set_and_clear_many_times)
{
	struct stage stage;
	struct team team;
	unsigned i, k;

	stage_init(&stage);
	for (i = 0; i < 50; i++) {
		team_start(&team, N, wait_any_form, &stage);
		team_wait_asleep(&team, N);
		for (k = 0; k <= i; k++) {
			weft_event_set(&stage.event);
			weft_event_clear(&stage.event);
		}
		join_all_zero(&team);
	}
}

/* EVT-06: who comes after clear waits for the next set. */
Test(event, waits_for_next_set)
{
	struct stage stage;
	struct team team;

	stage_init(&stage);
	weft_event_set(&stage.event);
	weft_event_clear(&stage.event);
	team_start(&team, N, wait_any_form, &stage);
	team_wait_asleep(&team, N);
	wait_until(team_settled(&team));
	CHECK_EQ(atomic_load(&stage.passed), 0);
	CHECK_RET(weft_event_wait_for(&stage.event, 0), -ETIMEDOUT);
	weft_event_set(&stage.event);
	join_all_zero(&team);
}

/* EVT-08, TIME-04: set and clear from a signal handler, of the thread that waits and of others. */
static struct stage *handler_stage;

static void set_in_handler(int signal)
{
	(void)signal;
	if (weft_event_is_set(&handler_stage->event))
		return;
	weft_event_set(&handler_stage->event);
	weft_event_clear(&handler_stage->event);
	weft_event_set(&handler_stage->event);
}

static void cancel_in_handler(int signal)
{
	(void)signal;
	weft_event_set(&handler_stage->cancel);
}

static void on_signal(int signal, void (*handler)(int))
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	sigaction(signal, &action, NULL);
}

Test(event, set_in_a_handler_of_the_waiter)
{
	struct stage stage;
	struct team team;
	unsigned i, form;

	stage_init(&stage);
	handler_stage = &stage;
	on_signal(SIGUSR2, set_in_handler);
	for (i = 0; i < 50; i++) {
		team_start(&team, N, wait_any_form, &stage);
		team_wait_asleep(&team, N);
		form = i % N;
		pthread_kill(team.members[form].thread, SIGUSR2);
		join_all_zero(&team);
		weft_event_clear(&stage.event);
	}
}

static void wait_with_token(struct member *me)
{
	struct stage *stage = me->arg;

	me->result = weft_event_wait_until(&stage->event, WEFT_FOREVER, &stage->cancel);
}

Test(event, token_set_in_a_handler_of_the_waiter)
{
	struct stage stage;
	struct team team;
	int result;
	unsigned i;

	stage_init(&stage);
	handler_stage = &stage;
	on_signal(SIGUSR2, cancel_in_handler);
	for (i = 0; i < 50; i++) {
		team_start(&team, 1, wait_with_token, &stage);
		team_wait_asleep(&team, 1);
		pthread_kill(team.members[0].thread, SIGUSR2);
		team_join_results(&team, &result);
		CHECK_EQ(result, -ECANCELED);
		weft_event_clear(&stage.cancel);
	}
}

/* EVT-08: a handler that sets, interrupting the same thread's set and clear at any point. */
Test(event, set_in_a_handler_of_the_setter)
{
	struct stage stage;
	struct team waiters;
	const int64_t until_ns = clock_ns() + 200 * MS;
	unsigned i;

	stage_init(&stage);
	stage.rounds = 1000000000;
	handler_stage = &stage;
	on_signal(SIGUSR2, set_in_handler);
	for (i = 0; clock_ns() < until_ns; i++) {
		team_start(&waiters, 2, wait_plain, &stage);
		pthread_kill(waiters.members[0].thread, SIGUSR2);
		weft_event_set(&stage.event);
		join_all_zero(&waiters);
		weft_event_clear(&stage.event);
		raise(SIGUSR2);
		weft_event_clear(&stage.event);
	}
	CHECK_GT(i, 0);
}

/*
 * EVT-09: once set has returned, no wait that is under way says "timeout", however late it is. The wait is held up by a
 * handler of its own thread until its time is over, and only then the event is set.
 */
static struct late {
	struct stage stage;
	int64_t deadline_ns;
	bool clear_again;
	atomic_int handled;	/* 1: since before the deadline, so inside the wait; -1: it came too late to tell anything */
} late;

static void set_late(int signal)
{
	const bool in_time = weft_now() < late.deadline_ns;

	(void)signal;
	while (weft_now() <= late.deadline_ns)
		;
	weft_event_set(&late.stage.event);
	if (late.clear_again)
		weft_event_clear(&late.stage.event);
	atomic_store(&late.handled, in_time ? 1 : -1);
}

static void wait_until_late(struct member *me)
{
	late.deadline_ns = weft_now() + 20 * MS;
	atomic_store(&me->step, 1);
	me->result = weft_event_wait_until(&late.stage.event, late.deadline_ns,
					   me->arg == NULL ? NULL : &late.stage.cancel);
}

static void check_late(bool clear_again, void *with_token)
{
	unsigned i, in_time = 0;
	struct team team;
	int result;

	on_signal(SIGUSR2, set_late);
	for (i = 0; i < 10 || (in_time == 0 && i < 1000); i++) {
		stage_init(&late.stage);
		late.clear_again = clear_again;
		atomic_store(&late.handled, 0);
		team_start(&team, 1, wait_until_late, with_token);
		wait_until(atomic_load(&team.members[0].step) == 1);
		wait_until(team_settled(&team));
		pthread_kill(team.members[0].thread, SIGUSR2);
		team_join_results(&team, &result);
		if (atomic_load(&late.handled) != 1)
			continue;
		in_time++;
		CHECK_EQ(result, 0);
	}
	CHECK_GT(in_time, 0);
}

Test(event, late_wait_sees_set)
{
	check_late(false, NULL);
	check_late(false, &late);
}

/* EVT-05, EVT-09: the same with clear behind it: the waiter was there when set ran. */
Test(event, late_wait_sees_set_then_clear)
{
	check_late(true, NULL);
	check_late(true, &late);
}

/* TIME-03 */
static void wait_half_a_second(struct member *me)
{
	struct stage *stage = me->arg;
	const int64_t start_ns = clock_ns();
	int64_t took_ns;

	if (me->index == 0)
		CHECK_RET(weft_event_wait_for(&stage->event, SEC / 2), -ETIMEDOUT);
	else
		CHECK_RET(weft_event_wait_until(&stage->event, weft_now() + SEC / 2, &stage->cancel), -ETIMEDOUT);
	took_ns = clock_ns() - start_ns;
	CHECK_GE(took_ns, SEC / 2);
	CHECK_LE(took_ns, 2 * SEC);
}

Test(event, storm_timed)
{
	struct stage stage;
	struct team team;
	unsigned i;

	stage_init(&stage);
	signals_catch();
	for (i = 0; i < 2; i++) {
		team_start(&team, 2, wait_half_a_second, &stage);
		storm(&team.members[i], 40, 20 * MS);
		team_join(&team);
	}
	CHECK_GE(signals_seen(), 2);
}

Test(event, storm_untimed)
{
	struct stage stage;
	struct team team;
	unsigned i;

	stage_init(&stage);
	team_start(&team, N, wait_any_form, &stage);
	for (i = 0; i < N; i++) {
		team_wait_asleep(&team, N);
		storm(&team.members[i], 20, MS);
	}
	team_wait_asleep(&team, N);
	CHECK_EQ(atomic_load(&stage.passed), 0);
	weft_event_set(&stage.event);
	join_all_zero(&team);
}

/* TIME-04: a token ends the wait; a token that is set and cleared at once, too, as it is an event like others. */
Test(event, cancelled)
{
	struct stage stage;
	struct team team;
	int results[N];
	unsigned i, round;

	stage_init(&stage);
	for (round = 0; round < 20; round++) {
		team_start(&team, N, wait_with_token, &stage);
		team_wait_asleep(&team, N);
		weft_event_set(&stage.cancel);
		if (round % 2)
			weft_event_clear(&stage.cancel);
		team_join_results(&team, results);
		for (i = 0; i < N; i++)
			CHECK_EQ(results[i], -ECANCELED);
		weft_event_clear(&stage.cancel);
	}
	weft_event_set(&stage.cancel);
	CHECK_RET(weft_event_wait_until(&stage.event, WEFT_FOREVER, &stage.cancel), -ECANCELED);
	CHECK(!weft_event_is_set(&stage.event));
	CHECK_RET(weft_event_destroy(&stage.event), 0);
}

/* An event as its own token: set wins. */
static void wait_for_itself(struct member *me)
{
	struct stage *stage = me->arg;

	me->result = weft_event_wait_until(&stage->event, WEFT_FOREVER, &stage->event);
}

Test(event, its_own_token)
{
	struct stage stage;
	struct team team;
	int result;

	stage_init(&stage);
	CHECK_RET(weft_event_wait_until(&stage.event, weft_now() + MS, &stage.event), -ETIMEDOUT);
	team_start(&team, 1, wait_for_itself, &stage);
	team_wait_asleep(&team, 1);
	weft_event_set(&stage.event);
	team_join_results(&team, &result);
	CHECK_EQ(result, 0);
}

/* destroy: -EBUSY while a thread sleeps in a wait. */
Test(event, busy)
{
	struct stage stage;
	struct team team;

	stage_init(&stage);
	CHECK_RET(weft_event_destroy(&stage.event), 0);
	team_start(&team, 1, wait_plain, &stage);
	team_wait_asleep(&team, 1);
	CHECK_RET(weft_event_destroy(&stage.event), -EBUSY);
	weft_event_set(&stage.event);
	join_all_zero(&team);
	CHECK_RET(weft_event_destroy(&stage.event), 0);
	CHECK(weft_event_is_set(&stage.event));
}

/* GEN-09: what was written before set is there after the wait, and after an is_set that says true. */
static struct parcel {
	struct weft_event event;
	uint64_t words[8];
} parcel;	/* static: clang tells ThreadSanitizer nothing of a thread's writes to its own stack */

static void read_parcel(struct member *me)
{
	unsigned i;

	switch (me->index) {
	case 0:
		CHECK_EQ(weft_event_wait(&parcel.event), 0);
		break;
	case 1:
		CHECK_EQ(weft_event_wait_for(&parcel.event, WEFT_FOREVER), 0);
		break;
	case 2:
		CHECK_EQ(weft_event_wait_until(&parcel.event, WEFT_FOREVER, NULL), 0);
		break;
	default:
		while (!weft_event_is_set(&parcel.event))
			sched_yield();
		break;
	}
	for (i = 0; i < 8; i++)
		CHECK_EQ(parcel.words[i], i + 1);
}

Test(event, orders_memory)
{
	struct team team;
	unsigned round, i;

	for (round = 0; round < 100; round++) {
		memset((void *)&parcel, 0, sizeof(parcel));
		team_start(&team, 4, read_parcel, NULL);
		for (i = 0; i < 8; i++)
			parcel.words[i] = i + 1;
		weft_event_set(&parcel.event);
		team_join(&team);
	}
}

/* GEN-09: the token's set orders memory for who is cancelled. */
static void read_when_cancelled(struct member *me)
{
	struct weft_event never = WEFT_EVENT_INIT;

	(void)me;
	CHECK_EQ(weft_event_wait_until(&never, WEFT_FOREVER, &parcel.event), -ECANCELED);
	CHECK_EQ(parcel.words[0], 1);
}

Test(event, token_orders_memory)
{
	struct team team;
	unsigned round;

	for (round = 0; round < 100; round++) {
		memset((void *)&parcel, 0, sizeof(parcel));
		team_start(&team, 2, read_when_cancelled, NULL);
		parcel.words[0] = 1;
		weft_event_set(&parcel.event);
		team_join(&team);
	}
}

/* Section 22, trap 1: who returns from wait may free the event while set is still under way. */
static int event_nothing(void *event)
{
	(void)event;
	return 0;
}

static int event_set(void *event)
{
	weft_event_set(event);
	return 0;
}

static int event_wait(void *event)
{
	return weft_event_wait(event);
}

Test(event, free_after_wait)
{
	free_under_giver(sizeof(struct weft_event), event_nothing, event_set, event_wait);
}
