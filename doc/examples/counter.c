/* SPDX-License-Identifier: MIT */
/*
 * counter.c - a counter that five threads share.
 *
 * counter++ is three steps: load, add, store. Two threads that do them at the same time lose an increment. The lock
 * makes the three one step. The guard holds it to the end of the enclosing block, however the block is left.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <weft.h>

enum { THREADS = 5, ROUNDS = 100000 };

struct counter {
	struct weft_lock lock;
	long value;		/* protected by lock */
};

static void counter_add(struct counter *counter, long n)
{
	weft_guard(&counter->lock);
	counter->value += n;
}

static void *count(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		counter_add(arg, 1);
	return NULL;
}

int main(void)
{
	struct counter counter = { WEFT_LOCK_INIT, 0 };
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, count, &counter) != 0)
			abort();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%d threads, %d increments each: %ld\n", THREADS, ROUNDS, counter.value);
	return counter.value != (long)THREADS * ROUNDS;
}
