/* SPDX-License-Identifier: MIT */
/*
 * cond.c - a bounded buffer between producers and consumers, with two conditions on one lock.
 *
 * A producer waits for not_full, a consumer for not_empty; each notifies the other's condition. wait_pred calls the
 * predicate with the lock held, and returns once it is true. notify wakes one thread, as one item or one place can
 * serve only one; closing concerns all, so it is notify_all.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <weft.h>

enum { PLACES = 4, PRODUCERS = 2, CONSUMERS = 3, ITEMS = 5000 };

struct buffer {
	struct weft_lock lock;			/* protects all below */
	struct weft_cond not_full, not_empty;
	int items[PLACES];
	unsigned first, count;
	bool closed;
};

static int has_room(void *arg)
{
	return ((struct buffer *)arg)->count < PLACES;
}

static int has_item_or_closed(void *arg)
{
	return ((struct buffer *)arg)->count > 0 || ((struct buffer *)arg)->closed;
}

static void buffer_init(struct buffer *b)
{
	*b = (struct buffer){ .lock = WEFT_LOCK_INIT };
	weft_cond_init_lock(&b->not_full, &b->lock);
	weft_cond_init_lock(&b->not_empty, &b->lock);
}

static void buffer_put(struct buffer *b, int item)
{
	weft_guard(&b->lock);
	weft_cond_wait_pred(&b->not_full, has_room, b);
	b->items[(b->first + b->count++) % PLACES] = item;
	weft_cond_notify(&b->not_empty, 1);
}

/* False once the buffer is closed and empty. */
static bool buffer_get(struct buffer *b, int *item)
{
	weft_guard(&b->lock);
	weft_cond_wait_pred(&b->not_empty, has_item_or_closed, b);
	if (b->count == 0)
		return false;
	*item = b->items[b->first];
	b->first = (b->first + 1) % PLACES;
	b->count--;
	weft_cond_notify(&b->not_full, 1);
	return true;
}

static void buffer_close(struct buffer *b)
{
	weft_guard(&b->lock);
	b->closed = true;
	weft_cond_notify_all(&b->not_empty);
}

static void *produce(void *buffer)
{
	for (int i = 1; i <= ITEMS; i++)
		buffer_put(buffer, i);
	return NULL;
}

struct consumer {
	pthread_t thread;
	struct buffer *buffer;
	long taken, sum;
};

static void *consume(void *arg)
{
	struct consumer *me = arg;
	int item;

	while (buffer_get(me->buffer, &item)) {
		me->taken++;
		me->sum += item;
	}
	return NULL;
}

int main(void)
{
	struct buffer buffer;
	pthread_t producers[PRODUCERS];
	struct consumer consumers[CONSUMERS];
	long taken = 0, sum = 0;

	buffer_init(&buffer);
	for (int i = 0; i < PRODUCERS; i++)
		if (pthread_create(&producers[i], NULL, produce, &buffer) != 0)
			abort();
	for (int i = 0; i < CONSUMERS; i++) {
		consumers[i] = (struct consumer){ .buffer = &buffer };
		if (pthread_create(&consumers[i].thread, NULL, consume, &consumers[i]) != 0)
			abort();
	}
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(producers[i], NULL);
	buffer_close(&buffer);
	for (int i = 0; i < CONSUMERS; i++) {
		pthread_join(consumers[i].thread, NULL);
		taken += consumers[i].taken;
		sum += consumers[i].sum;
	}
	printf("%d producers, %d consumers, %d places: %ld items, sum %ld\n", PRODUCERS, CONSUMERS, PLACES, taken, sum);
	return 0;
}
