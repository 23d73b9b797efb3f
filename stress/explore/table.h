/* SPDX-License-Identifier: MIT */
/*
 * table.h - the steps of the_trace in words: each of its parts, and all as a table.
 *
 * Places are looked up by whoever asks for words, in places_find(), before.
 */
#ifndef EXPLORE_TABLE_H
#define EXPLORE_TABLE_H

#include "trace.h"

enum { TEXT = 160 };

extern const char *const op_names[];

const char *thread_name(unsigned fiber); /* lives until the fourth call from now */

/* All of these append to @text, which is cut where it is full. */
__attribute__((__format__(__printf__, 2, 3))) void say(char text[TEXT], const char *format, ...);
void say_address(char text[TEXT], const void *address);

/* An address of an object by its name, small numbers as people count, the rest in hexadecimal. */
void say_value(char text[TEXT], uint64_t value);

/*
 * The user's places first, as that is where to look: the innermost, with where it was called from; then the one in
 * weft that it led to.
 */
void say_place(char text[TEXT], const void *pc, const struct calls *calls);

bool is_store(const struct step *step);

/*
 * The store before the record @at that is the newest but for @stale others. Return: the record, or n_records: it was
 * there from the start, or came with a plain access.
 */
unsigned store_before(unsigned at, const void *address, unsigned stale);

void table_print(FILE *out, const struct schedule *schedule); /* @schedule: what was decided in it */

#endif
