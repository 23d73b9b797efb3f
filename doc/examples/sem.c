/* SPDX-License-Identifier: MIT */
/*
 * sem.c - ten threads share three connections.
 *
 * The semaphore holds one permit per connection. It is bounded: a release too many is a mistake, and returns
 * -EOVERFLOW.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <weft.h>

enum { THREADS = 10, CONNECTIONS = 3, QUERIES = 20 };

static struct weft_sem connections;
static struct weft_lock lock = WEFT_LOCK_INIT;
static int inside, most;	/* protected by lock */

static void enter(int n)
{
	weft_guard(&lock);
	inside += n;
	if (inside > most)
		most = inside;
}

static void *query(void *unused)
{
	for (int i = 0; i < QUERIES; i++) {
		weft_with(&connections) {
			enter(1);
			weft_sleep_for(WEFT_USEC(100));		/* the query */
			enter(-1);
		}
	}
	return unused;
}

int main(void)
{
	pthread_t threads[THREADS];

	if (weft_sem_init_bounded(&connections, CONNECTIONS) < 0)
		abort();
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, query, NULL) != 0)
			abort();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%d threads, %d queries each: %s %d at once\n", THREADS, QUERIES,
	       most <= CONNECTIONS ? "never more than" : "MORE THAN", CONNECTIONS);
	printf("free at the end: %u\n", weft_sem_value(&connections));
	printf("one release too many: %s\n", weft_sem_release(&connections) == -EOVERFLOW ? "EOVERFLOW" : "?");
	return most > CONNECTIONS;
}
