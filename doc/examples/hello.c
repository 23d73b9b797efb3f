/* SPDX-License-Identifier: MIT */
/* hello.c - four threads start together, count under one lock, and meet at the end. */
#include <pthread.h>
#include <stdio.h>
#include <weft.h>

static struct weft_event start = WEFT_EVENT_INIT;
static struct weft_lock lock = WEFT_LOCK_INIT;
static struct weft_barrier finish = WEFT_BARRIER_INIT(4);
static long counter;

static void *count(void *unused)
{
	weft_event_wait(&start);
	for (int i = 0; i < 100000; i++)
		weft_with(&lock) { counter++; }
	if (weft_barrier_wait(&finish) == 0)	/* 0 to 3, each once: this is one of the four */
		printf("counted to %ld\n", counter);
	return unused;
}

int main(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, count, NULL) != 0)
			return 1;
	weft_event_set(&start);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
