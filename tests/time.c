/* SPDX-License-Identifier: MIT */
/*
 * Time: section 2 of the rules (TIME), as far as it is not each object's own; the deadline arithmetic of lib/time.h is
 * tested from inside.
 */
#include <limits.h>
#include <string.h>

#include <weft.h>

#include "../lib/time.h"
#include "test.h"

/* ---- the macros of weft/time.h ---- */

/* Integer constants: usable where only such are. */
_Static_assert(WEFT_SEC(1) == 1000000000 && WEFT_MSEC(1) == 1000000 && WEFT_USEC(1) == 1000, "units");
_Static_assert(WEFT_SEC(0) == 0 && WEFT_SEC(-3) == -INT64_C(3000000000), "zero and negative");
_Static_assert(WEFT_SEC(9223372036) == INT64_C(9223372036000000000), "the most seconds that fit");
_Static_assert(WEFT_SEC(-9223372036) == -INT64_C(9223372036000000000), "and the least");
_Static_assert(WEFT_MSEC(INT64_C(9223372036854)) == INT64_C(9223372036854000000), "exact beyond what a double holds");
_Static_assert(WEFT_USEC(INT64_C(9223372036854775)) == INT64_C(9223372036854775000), "exact beyond what a double holds");
_Static_assert(WEFT_SEC(2 + 3) == INT64_C(5000000000), "an expression for an argument");
_Static_assert(WEFT_FOREVER == INT64_MAX && WEFT_TIMEOUT_MAX == INT64_MAX - 1, "the ends of the scale");
_Static_assert(sizeof(WEFT_SEC(1)) == 8 && sizeof(WEFT_SEC(0.5)) == 8, "int64_t, whatever went in");

Test(time, units)
{
	const int64_t seconds = INT64_C(9007199254);	/* times 10^9 is no double */
	const int small = 3;
	static const int64_t fixed[] = { WEFT_SEC(1), WEFT_MSEC(250), WEFT_USEC(7) };
	static const char array[WEFT_USEC(1)];

	CHECK_EQ(WEFT_SEC(0.5), 500000000);
	CHECK_EQ(WEFT_SEC(1.5), 1500000000);
	CHECK_EQ(WEFT_SEC(-0.25), -250000000);
	CHECK_EQ(WEFT_MSEC(0.5), 500000);
	CHECK_EQ(WEFT_MSEC(2.25), 2250000);
	CHECK_EQ(WEFT_USEC(0.5), 500);
	CHECK_EQ(WEFT_SEC(seconds), INT64_C(9007199254000000000));
	CHECK_EQ(WEFT_SEC(small), INT64_C(3000000000));
	CHECK_EQ(fixed[0] + fixed[1] + fixed[2], INT64_C(1250007000));
	CHECK_EQ(sizeof(array), 1000);
}

/* ---- deadlines: TIME-07 ---- */

/* What the sum must be, in arithmetic that has room for it. */
__extension__ typedef __int128 wide;

static int64_t wide_deadline(int64_t now_ns, int64_t timeout_ns)
{
	const wide sum = (wide)now_ns + timeout_ns;

	if (timeout_ns <= 0)
		return 0;
	return sum >= WEFT_FOREVER ? WEFT_FOREVER : (int64_t)sum;
}

static void check_deadline(int64_t now_ns, int64_t timeout_ns)
{
	const int64_t got = weft__deadline(now_ns, timeout_ns), expected = wide_deadline(now_ns, timeout_ns);

	if (got != expected)
		FAIL("deadline(%" PRId64 ", %" PRId64 ") is %" PRId64 ", not %" PRId64, now_ns, timeout_ns, got, expected);
}

/* Numbers of all magnitudes, not only huge ones. */
static int64_t random_of_any_size(uint64_t *random)
{
	const uint64_t bits = random_next(random);

	return (int64_t)(random_next(random) >> (bits & 63)) * ((bits & 64) != 0 ? -1 : 1);
}

Test(time, deadline_is_the_saturated_sum)
{
	static const int64_t corners[] = { INT64_MIN, INT64_MIN + 1, -SEC, -1, 0, 1, 2, SEC - 1, SEC, SEC + 1,
					   INT64_MAX / 2, INT64_MAX / 2 + 1, INT64_MAX - SEC, INT64_MAX - 2,
					   INT64_MAX - 1, INT64_MAX };
	const unsigned n = sizeof(corners) / sizeof(corners[0]);
	uint64_t random = 20240229;
	unsigned i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < n; k++)
			check_deadline(corners[i], corners[k]);
	for (i = 0; i < 2000000; i++) {
		const int64_t now_ns = random_of_any_size(&random) & INT64_MAX;

		check_deadline(now_ns, random_of_any_size(&random));
		check_deadline(-now_ns, random_of_any_size(&random));
		/* Around the point where it begins to saturate. */
		check_deadline(now_ns, INT64_MAX - now_ns - (now_ns < 8 ? 8 : 4) + (int64_t)(random_next(&random) % 9));
	}
}

/* Properties that hold whatever the formula: order is kept, time is never lost, for ever is for ever. */
Test(time, deadline_keeps_order)
{
	uint64_t random = 4;
	unsigned i;

	for (i = 0; i < 200000; i++) {
		const int64_t now_ns = (int64_t)(random_next(&random) >> 4);
		int64_t shorter = random_of_any_size(&random), longer = random_of_any_size(&random);

		if (shorter > longer) {
			const int64_t swap = shorter;

			shorter = longer;
			longer = swap;
		}
		CHECK_LE(weft__deadline(now_ns, shorter), weft__deadline(now_ns, longer));
		CHECK_EQ(weft__deadline(now_ns, WEFT_FOREVER), WEFT_FOREVER);
		if (longer > 0)
			CHECK_GT(weft__deadline(now_ns, longer), now_ns);
		else
			CHECK_LE(weft__deadline(now_ns, longer), now_ns);
	}
}

Test(time, deadline_from_now)
{
	int64_t before_ns, deadline_ns;

	CHECK_EQ(weft__deadline_in(WEFT_FOREVER), WEFT_FOREVER);
	CHECK_EQ(weft__deadline_in(WEFT_TIMEOUT_MAX), WEFT_FOREVER);
	CHECK_LE(weft__deadline_in(0), 0);
	CHECK_LE(weft__deadline_in(-1), 0);
	CHECK_LE(weft__deadline_in(INT64_MIN), 0);
	before_ns = weft_now();
	deadline_ns = weft__deadline_in(SEC);
	CHECK_GE(deadline_ns, before_ns + SEC);
	CHECK_LE(deadline_ns, weft_now() + SEC);
}

/* ---- the clock ---- */

/* TIME-01: it is CLOCK_MONOTONIC: between two looks at that, and never back. */
Test(time, now_is_the_monotonic_clock)
{
	int64_t before_ns = clock_ns(), now_ns, after_ns, last_ns = 0;
	unsigned i;

	for (i = 0; i < 10000; i++) {
		before_ns = clock_ns();
		CHECK_RET((now_ns = weft_now()) > 0, 1);
		after_ns = clock_ns();
		CHECK_LE(before_ns, now_ns);
		CHECK_LE(now_ns, after_ns);
		CHECK_LE(last_ns, now_ns);
		last_ns = now_ns;
	}
}

static bool near(double a, double b)
{
	return a - b < 1e-6 && b - a < 1e-6;
}

Test(time, seconds)
{
	CHECK(near(weft_seconds(0), 0.0));
	CHECK(near(weft_seconds(WEFT_SEC(1)), 1.0));
	CHECK(near(weft_seconds(WEFT_MSEC(1500)), 1.5));
	CHECK(near(weft_seconds(-WEFT_MSEC(250)), -0.25));
	CHECK(weft_seconds(WEFT_FOREVER) > 9.2e9);
}

/* ---- sleeping ---- */

/* TIME-02: not early. */
Test(time, sleeps_long_enough)
{
	unsigned i;

	for (i = 0; i <= 20; i++) {
		const int64_t timeout_ns = i == 20 ? 100 * MS : 1 + i * i * INT64_C(10007);
		const int64_t start_ns = clock_ns();
		int64_t deadline_ns;

		CHECK_RET((weft_sleep_for(timeout_ns), 0), 0);
		CHECK_GE(clock_ns() - start_ns, timeout_ns);
		deadline_ns = weft_now() + timeout_ns;
		CHECK_RET(weft_sleep_until(deadline_ns, NULL), 0);
		CHECK_GE(weft_now(), deadline_ns);
	}
}

/* TIME-05: zero and less is no sleep at all. */
Test(time, expired_sleeps)
{
	struct weft_event clear = WEFT_EVENT_INIT;

	weft_sleep_for(0);
	weft_sleep_for(-1);
	weft_sleep_for(INT64_MIN);
	CHECK_RET(weft_sleep_until(0, NULL), 0);
	CHECK_RET(weft_sleep_until(-1, NULL), 0);
	CHECK_RET(weft_sleep_until(INT64_MIN, &clear), 0);
	CHECK_RET(weft_sleep_until(1, &clear), 0);
	CHECK_RET(weft_sleep_until(weft_now(), NULL), 0);
}

/* TIME-03: handlers that run meanwhile neither end nor prolong it. */
static void sleep_half_a_second(struct member *me)
{
	struct weft_event *const cancel = me->arg;
	const int64_t start_ns = clock_ns();
	int64_t took_ns;

	if (me->index == 0)
		weft_sleep_for(SEC / 2);
	else
		CHECK_RET(weft_sleep_until(weft_now() + SEC / 2, me->index == 1 ? NULL : cancel), 0);
	took_ns = clock_ns() - start_ns;
	CHECK_GE(took_ns, SEC / 2);
	CHECK_LE(took_ns, 2 * SEC);
}

Test(time, sleep_in_a_storm)
{
	struct weft_event cancel = WEFT_EVENT_INIT;
	struct team team;
	unsigned i;

	signals_catch();
	for (i = 0; i < 3; i++) {
		team_start(&team, 3, sleep_half_a_second, &cancel);
		storm(&team.members[i], 40, 20 * MS);
		team_join(&team);
	}
	CHECK_GE(signals_seen(), 3);
}

/* TIME-04, TIME-07: for ever, and all but for ever, end by the token only. */
struct bed {
	struct weft_event cancel;
	int64_t deadline_ns;
};

static void sleep_until_cancelled(struct member *me)
{
	struct bed *bed = me->arg;

	CHECK_RET(weft_sleep_until(bed->deadline_ns, &bed->cancel), -ECANCELED);
}

Test(time, sleep_is_cancelled)
{
	const int64_t huge[] = { WEFT_FOREVER, WEFT_TIMEOUT_MAX, WEFT_FOREVER / 2, WEFT_FOREVER - weft_now() };
	struct team team;
	struct bed bed;
	unsigned i;

	for (i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		memset((void *)&bed, 0, sizeof(bed));
		bed.deadline_ns = huge[i];
		team_start(&team, 3, sleep_until_cancelled, &bed);
		team_wait_asleep(&team, 3);
		CHECK_EQ(team_done(&team), 0);
		weft_event_set(&bed.cancel);
		team_join(&team);
		team_run(1, sleep_until_cancelled, &bed);	/* set before */
	}
}
