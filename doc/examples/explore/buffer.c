/* SPDX-License-Identifier: MIT */
/*
 * buffer.c - a bounded buffer on one lock and one condition. It has a bug: see buffer-test.c.
 */
#include "buffer.h"

void buffer_init(struct buffer *buffer, unsigned room)
{
	*buffer = (struct buffer){ .lock = WEFT_LOCK_INIT, .room = room };
	weft_cond_init_lock(&buffer->changed, &buffer->lock);
}

void buffer_put(struct buffer *buffer, int item)
{
	weft_guard(&buffer->lock);
	while (buffer->count == buffer->room)
		weft_cond_wait(&buffer->changed);
	buffer->items[(buffer->first + buffer->count) % buffer->room] = item;
	buffer->count++;
	weft_cond_notify(&buffer->changed, 1); /* one item, one consumer */
}

int buffer_get(struct buffer *buffer)
{
	int item;

	weft_guard(&buffer->lock);
	while (buffer->count == 0)
		weft_cond_wait(&buffer->changed);
	item = buffer->items[buffer->first];
	buffer->first = (buffer->first + 1) % buffer->room;
	buffer->count--;
	weft_cond_notify(&buffer->changed, 1); /* one place, one producer */
	return item;
}
