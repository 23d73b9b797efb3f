/* SPDX-License-Identifier: MIT */
/*
 * cancel.c - one event ends six waits on six different objects.
 *
 * Every ..._until call takes a deadline and a cancel token. A token is a plain event: set it, and all waits that
 * were given it return -ECANCELED, those that begin later too. What can be had at once is still granted.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <weft.h>

static struct weft_event stop = WEFT_EVENT_INIT;

/* What nobody will ever give. */
static struct weft_lock held = WEFT_LOCK_INIT;
static struct weft_event never = WEFT_EVENT_INIT;
static struct weft_cond quiet = WEFT_COND_INIT;
static struct weft_sem empty = WEFT_SEM_INIT(0);
static struct weft_barrier lonely = WEFT_BARRIER_INIT(2);

static int wait_lock(void)
{
	return weft_lock_acquire_until(&held, WEFT_FOREVER, &stop);
}

static int wait_event(void)
{
	return weft_event_wait_until(&never, WEFT_FOREVER, &stop);
}

static int wait_cond(void)
{
	weft_guard(&quiet);
	return weft_cond_wait_until(&quiet, WEFT_FOREVER, &stop);
}

static int wait_sem(void)
{
	return weft_sem_acquire_until(&empty, WEFT_FOREVER, &stop);
}

static int wait_barrier(void)
{
	return weft_barrier_wait_until(&lonely, WEFT_FOREVER, &stop);
}

static int wait_time(void)
{
	return weft_sleep_until(WEFT_FOREVER, &stop);
}

static struct waiter {
	const char *what;
	int (*wait)(void);
	pthread_t thread;
	int result;
} waiters[] = {
	{ .what = "lock", .wait = wait_lock },
	{ .what = "event", .wait = wait_event },
	{ .what = "condition", .wait = wait_cond },
	{ .what = "semaphore", .wait = wait_sem },
	{ .what = "barrier", .wait = wait_barrier },
	{ .what = "sleep", .wait = wait_time },
};

enum { WAITERS = sizeof(waiters) / sizeof(waiters[0]) };

static void *run(void *arg)
{
	struct waiter *me = arg;

	me->result = me->wait();
	return NULL;
}

int main(void)
{
	weft_lock_acquire(&held);
	for (int i = 0; i < WAITERS; i++)
		if (pthread_create(&waiters[i].thread, NULL, run, &waiters[i]) != 0)
			abort();
	weft_event_set(&stop);
	for (int i = 0; i < WAITERS; i++) {
		pthread_join(waiters[i].thread, NULL);
		printf("%s: %s\n", waiters[i].what, waiters[i].result == -ECANCELED ? "ECANCELED" : "?");
	}
	weft_lock_release(&held);
	printf("free lock, token set: %d\n", weft_lock_acquire_until(&held, WEFT_FOREVER, &stop));
	weft_lock_release(&held);
	return 0;
}
