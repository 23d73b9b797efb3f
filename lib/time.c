/* SPDX-License-Identifier: MIT */
/*
 * time.c - the clock, and sleeping by it. Layer 2 (weft_sleep_… waits); owns the clock.
 */
#include <weft_sys.h>

#include "time.h"
#include "wait.h"

int64_t weft_now(void)
{
	struct timespec now;

	weft_sys_clock(&now);
	return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

double weft_seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

int weft_sleep_until(int64_t deadline_ns, struct weft_event *cancel)
{
	struct weft__limit limit = weft__limit(deadline_ns, cancel);
	weft_atomic32_t never = 0;
	int rc;

	do {
		rc = weft__wait(&never, 0, &limit, false);
	} while (rc != -ETIMEDOUT && rc != -ECANCELED);
	return rc == -ECANCELED ? rc : 0;
}

void weft_sleep_for(int64_t timeout_ns)
{
	(void)!weft_sleep_until(weft__deadline_in(timeout_ns), NULL);
}
