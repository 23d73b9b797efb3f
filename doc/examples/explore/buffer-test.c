/* SPDX-License-Identifier: MIT */
/*
 * buffer-test.c - what a buffer of one place has to stand, for weft-explore.
 */
#include <weft/explore.h>

#include "buffer.h"

static void *begin(void)
{
	struct buffer *const buffer = weft_explore_alloc(sizeof(*buffer), "buffer");

	buffer_init(buffer, 1);
	return buffer;
}

/* ---- what threads do: the first puts, the others get ---- */

static void one_each(void *state, unsigned number)
{
	if (number == 0)
		buffer_put(state, 1);
	else
		weft_explore_check(buffer_get(state) == 1);
}

static void two_for_two(void *state, unsigned number)
{
	if (number == 0)
		for (int item = 1; item <= 2; item++)
			buffer_put(state, item);
	else
		(void)buffer_get(state);
}

/* ---- two producers and a consumer: is there an order of the calls in which a queue does what was seen? ---- */

enum op { PUT, GET };

struct queue {
	int64_t items[4];
	int64_t count;
};

static bool queue_apply(void *state, const struct weft_explore_call *call)
{
	struct queue *const queue = state;

	if (call->op == PUT) {
		queue->items[queue->count++] = call->arg;
		return true;
	}
	if (queue->count == 0 || queue->items[0] != call->result)
		return false;
	queue->count--;
	for (int64_t i = 0; i < queue->count; i++)
		queue->items[i] = queue->items[i + 1];
	queue->items[queue->count] = 0;
	return true;
}

static void put(struct buffer *buffer, int item)
{
	weft_explore_called(PUT, item);
	buffer_put(buffer, item);
	weft_explore_returned(0);
}

static void get(struct buffer *buffer)
{
	weft_explore_called(GET, 0);
	weft_explore_returned(buffer_get(buffer));
}

static void in_order(void *state, unsigned number)
{
	if (number < 2) {
		put(state, (int)number * 10 + 1);
		put(state, (int)number * 10 + 2);
	} else {
		for (int i = 0; i < 4; i++)
			get(state);
	}
}

static void end_in_order(void *state)
{
	static const struct weft_explore_model queue = { sizeof(struct queue), queue_apply };
	struct buffer *const buffer = state;

	weft_explore_check(buffer->count == 0);
	weft_explore_linearizable(&queue);
}

static const struct weft_explore_scenario scenarios[] = {
	{ .name = "one-each", .threads = 2, .begin = begin, .thread = one_each },
	{ .name = "two-for-two", .threads = 3, .begin = begin, .thread = two_for_two },
	{ .name = "in-order", .threads = 3, .begin = begin, .thread = in_order, .end = end_in_order },
	{ .name = NULL },
};

int main(int argc, char **argv)
{
	static const struct weft_explore_scenario *const tables[] = { scenarios, NULL };

	return weft_explore_main(argc, argv, tables);
}
