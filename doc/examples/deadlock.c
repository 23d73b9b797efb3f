/* SPDX-License-Identifier: MIT */
/*
 * deadlock.c - two locks taken in opposite orders, shown with timed acquires, and the cure.
 *
 * One thread holds left and wants right, the other holds right and wants left. Plain acquires would wait for ever; a
 * timed one gives up, and a thread that gives up must also let go of what it holds before it tries again.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <weft.h>

enum { ROUNDS = 20000 };

static struct weft_lock left = WEFT_LOCK_INIT, right = WEFT_LOCK_INIT;
static struct weft_barrier both_hold_one = WEFT_BARRIER_INIT(2);
static long moved;		/* protected by left and right together */

struct mover {
	pthread_t thread;
	struct weft_lock *first, *second;
	int result;
};

static void *opposite(void *arg)
{
	struct mover *me = arg;

	weft_lock_acquire(me->first);
	weft_barrier_wait(&both_hold_one);
	me->result = weft_lock_acquire_for(me->second, WEFT_MSEC(50));
	if (me->result == 0)
		weft_lock_release(me->second);
	weft_lock_release(me->first);
	return NULL;
}

/* acquire_many takes both in an order of its own, whatever order they are named in: all or none. */
static void *together(void *arg)
{
	struct mover *me = arg;
	struct weft_lock *const locks[] = { me->first, me->second };

	for (int i = 0; i < ROUNDS; i++) {
		if (weft_lock_acquire_many(locks, 2) < 0)
			abort();
		moved++;
		weft_lock_release(me->first);
		weft_lock_release(me->second);
	}
	return NULL;
}

static void run(struct mover movers[2], void *(*function)(void *))
{
	for (int i = 0; i < 2; i++)
		if (pthread_create(&movers[i].thread, NULL, function, &movers[i]) != 0)
			abort();
	for (int i = 0; i < 2; i++)
		pthread_join(movers[i].thread, NULL);
}

int main(void)
{
	struct mover movers[2] = { { .first = &left, .second = &right }, { .first = &right, .second = &left } };

	run(movers, opposite);
	printf("opposite order: %s\n",
	       movers[0].result == -ETIMEDOUT || movers[1].result == -ETIMEDOUT ? "deadlock, ended by ETIMEDOUT" : "?");
	run(movers, together);
	printf("acquire_many: %ld moves, no deadlock\n", moved);
	return 0;
}
