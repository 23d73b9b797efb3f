/* SPDX-License-Identifier: MIT */
/**
 * tests/test.h - how the unit tests are written; one set of macros over two runners.
 *
 *	Test(lock, release_of_free_is_eperm)	 LOCK-06
 *	{
 *		struct weft_lock lock = WEFT_LOCK_INIT;
 *
 *		CHECK_RET(weft_lock_release(&lock), -EPERM);
 *	}
 *
 * By default the body is a Criterion test. Criterion does not start under ThreadSanitizer and is not everywhere, so with
 * WEFT_PLAIN_RUNNER defined the same file registers with tests/runner/runner.c.
 *
 * A check that fails prints where and what and goes on; the test has failed when any did, in whatever thread or forked
 * child of it. Each check is an expression, true if it held: if (!CHECK(p != NULL)) return;
 */
#ifndef WEFT_TEST_H
#define WEFT_TEST_H

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "support.h"

/* After this many seconds a test is killed and has failed. Longer than wait_until() waits, which says more. */
#define TEST_LIMIT_S 120

#ifdef WEFT_PLAIN_RUNNER

struct test {
	const char *suite, *name, *file;
	int line;
	void (*body)(void);
	struct test *next;
};

void test_register(struct test *test);

#define Test(suite_, name_)                                                                                            \
	static void suite_##_##name_##_body(void);                                                                     \
	__attribute__((constructor)) static void suite_##_##name_##_register(void)                                     \
	{                                                                                                              \
		static struct test test = { #suite_, #name_, __FILE__, __LINE__, suite_##_##name_##_body, NULL };      \
                                                                                                                       \
		test_register(&test);                                                                                  \
	}                                                                                                              \
	static void suite_##_##name_##_body(void)

#else

#include <criterion/criterion.h>

/* Criterion's Test, with our begin and end around the body. */
#undef Test
#define Test(suite_, name_)                                                                                            \
	static void suite_##_##name_##_body(void);                                                                     \
	CR_TEST_BASE(suite_, name_, .timeout = TEST_LIMIT_S, .sentinel_ = 0)                                           \
	{                                                                                                              \
		test_begin();                                                                                          \
		suite_##_##name_##_body();                                                                             \
		if (test_failures() != 0)                                                                              \
			cr_assert_fail("%u checks failed", test_failures());                                           \
		if (test_skipped())                                                                                    \
			cr_skip_test("skipped");                                                                       \
	}                                                                                                              \
	static void suite_##_##name_##_body(void)

#endif

/** SKIP() - leave the test: it cannot be made here, for the reason given. In the test's own body only. */
#define SKIP(reason)                                                                                                   \
	do {                                                                                                           \
		test_skip(__FILE__, __LINE__, reason);                                                                 \
		return;                                                                                                \
	} while (0)

#define CHECK(condition) test_check((condition), __FILE__, __LINE__, #condition)
#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

/* Integers of any type that fits int64_t; both values are printed. */
#define CHECK_EQ(a, b) TEST__COMPARE(a, ==, b)
#define CHECK_NE(a, b) TEST__COMPARE(a, !=, b)
#define CHECK_GE(a, b) TEST__COMPARE(a, >=, b)
#define CHECK_GT(a, b) TEST__COMPARE(a, >, b)
#define CHECK_LE(a, b) TEST__COMPARE(a, <=, b)
#define CHECK_LT(a, b) TEST__COMPARE(a, <, b)
#define TEST__COMPARE(a, relation, b)                                                                                  \
	__extension__({                                                                                                \
		const int64_t test_a_ = (int64_t)(a), test_b_ = (int64_t)(b);                                          \
                                                                                                                       \
		test_compare(test_a_ relation test_b_, test_a_, test_b_, __FILE__, __LINE__, #a " " #relation " " #b); \
	})

/** CHECK_RET() - @call returns @expected and leaves errno alone (GEN-01). */
#define CHECK_RET(call, expected)                                                                                      \
	__extension__({                                                                                                \
		const int64_t test_expected_ = (int64_t)(expected);                                                    \
		const int test_errno_ = errno;                                                                         \
		int64_t test_result_;                                                                                  \
		int test_after_;                                                                                       \
                                                                                                                       \
		errno = TEST_ERRNO;                                                                                    \
		test_result_ = (int64_t)(call);                                                                        \
		test_after_ = errno;                                                                                   \
		errno = test_errno_;                                                                                   \
		(void)test_compare(test_after_ == TEST_ERRNO, test_after_, TEST_ERRNO, __FILE__, __LINE__,             \
				   "errno after " #call);                                                              \
		test_compare(test_result_ == test_expected_, test_result_, test_expected_, __FILE__, __LINE__,         \
			     #call " == " #expected);                                                                  \
	})
#define TEST_ERRNO 4077

/** CHECK_STR() - two strings are the same. */
#define CHECK_STR(a, b) test_compare_text((a), (b), __FILE__, __LINE__, #a " == " #b)

/**
 * wait_until() - look until @condition holds, yielding between the looks.
 *
 * If it does not within WAIT_LIMIT_S seconds, that is said and the process aborted: the test cannot go on, and its threads
 * may use its stack.
 */
#define wait_until(condition)                                                                                          \
	do {                                                                                                           \
		struct patience patience_ = { 0, 0 };                                                                  \
                                                                                                                       \
		while (!(condition))                                                                                   \
			patience_look_again(&patience_, __FILE__, __LINE__, #condition);                               \
	} while (0)

#endif
