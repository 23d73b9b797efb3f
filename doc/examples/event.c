/* SPDX-License-Identifier: MIT */
/*
 * event.c - a start gun: five runners wait for one event.
 *
 * set lets all go that wait, and all that come later, until clear. Clearing at once holds back nobody who was
 * waiting when the gun was fired, so the second race may follow immediately.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <weft.h>

enum { RUNNERS = 5 };

static struct weft_event gun = WEFT_EVENT_INIT;

static void *run(void *started)
{
	weft_event_wait(&gun);
	*(int64_t *)started = weft_now();
	return NULL;
}

static int race(void)
{
	pthread_t threads[RUNNERS];
	int64_t started[RUNNERS], fired;
	int early = 0;

	for (int i = 0; i < RUNNERS; i++)
		if (pthread_create(&threads[i], NULL, run, &started[i]) != 0)
			abort();
	fired = weft_now();
	weft_event_set(&gun);
	for (int i = 0; i < RUNNERS; i++) {
		pthread_join(threads[i], NULL);
		early += started[i] < fired;
	}
	weft_event_clear(&gun);
	return early;
}

int main(void)
{
	for (int i = 1; i <= 2; i++)
		printf("race %d: %d runners, %d false starts\n", i, RUNNERS, race());
	/* Nobody will set it: the wait ends by itself. */
	printf("wait_for: %s\n", weft_event_wait_for(&gun, WEFT_MSEC(10)) == -ETIMEDOUT ? "ETIMEDOUT" : "?");
	return 0;
}
