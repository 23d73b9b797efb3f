/* SPDX-License-Identifier: MIT */
/*
 * describe.c - text for people. Layer 0.
 */
#include "describe.h"

#include <stdarg.h>
#include <stdio.h>

void weft__text_add(struct weft__text *text, const char *format, ...)
{
	const size_t left = text->length < text->size ? text->size - text->length : 0;
	va_list args;

	va_start(args, format);
	const int n = vsnprintf(left > 0 ? text->buf + text->length : NULL, left, format, args);
	va_end(args);
	text->length += n > 0 ? (size_t)n : 0;
}
