/* SPDX-License-Identifier: MIT */
/*
 * Tests that end in every way a test can, for tests/runner/selftest.sh, which looks at what the plain runner says of them.
 */
#include <signal.h>
#include <unistd.h>

#include "../test.h"

Test(selftest, passes)
{
	CHECK(true);
	CHECK_EQ(1, 1);
	CHECK_STR("a", "a");
	CHECK_RET(-5, -5);
}

Test(selftest, check_fails)
{
	CHECK(false);
}

Test(selftest, comparison_fails)
{
	CHECK_LT(2, 1);
}

Test(selftest, text_differs)
{
	CHECK_STR("a", "b");
}

Test(selftest, result_differs)
{
	CHECK_RET(-5, 0);
}

Test(selftest, errno_is_touched)
{
	CHECK_RET((errno = EIO, 0), 0);
}

static void fail_here(struct member *me)
{
	CHECK_NE(me->index, 1);
}

Test(selftest, thread_fails)
{
	team_run(3, fail_here, NULL);
}

static void fail_in_child(void *arg)
{
	CHECK(arg != NULL);
}

Test(selftest, child_fails)
{
	CHECK_EQ(child_run(fail_in_child, NULL), 0);
}

Test(selftest, crashes)
{
	raise(SIGSEGV);
}

Test(selftest, hangs)
{
	pause();
}

static void hang(void *arg)
{
	(void)arg;
	pause();
}

/* And leaves a child, which must not outlive it. */
Test(selftest, hangs_with_child)
{
	child_join(child_start(hang, NULL));
}

Test(selftest, exits)
{
	_exit(3);
}

Test(selftest, is_skipped)
{
	SKIP("for the runner to say so");
}
