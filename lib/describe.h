/* SPDX-License-Identifier: MIT */
/*
 * describe.h - text into a caller's buffer, cut to fit, counted as snprintf does. Layer 0.
 */
#ifndef WEFT_LIB_DESCRIBE_H
#define WEFT_LIB_DESCRIBE_H

#include <weft/base.h>

struct weft__text {
	char *buf;
	size_t size;
	size_t length; /* of the whole text, whatever fits */
};

static inline struct weft__text weft__text(char *buf, size_t size)
{
	if (size > 0)
		buf[0] = '\0';
	return (struct weft__text){ buf, size, 0 };
}

__attribute__((__format__(__printf__, 2, 3))) void weft__text_add(struct weft__text *text, const char *format, ...);

/* Add what another object's describe function writes. */
#define weft__text_add_object(text, describe, object)                                                                \
	((text)->length += describe((object), (text)->length < (text)->size ? (text)->buf + (text)->length : NULL,   \
				    (text)->length < (text)->size ? (text)->size - (text)->length : 0))

#endif
