/* SPDX-License-Identifier: MIT */
/*
 * buffer.h - a bounded buffer: producers wait while it is full, consumers while it is empty.
 */
#ifndef BUFFER_H
#define BUFFER_H

#include <weft.h>

enum { BUFFER_ROOM_MAX = 8 };

/* All of it is protected by the lock. */
struct buffer {
	struct weft_lock lock;
	struct weft_cond changed;
	unsigned room, first, count;
	int items[BUFFER_ROOM_MAX];
};

void buffer_init(struct buffer *buffer, unsigned room);
void buffer_put(struct buffer *buffer, int item);
int buffer_get(struct buffer *buffer);

#endif
