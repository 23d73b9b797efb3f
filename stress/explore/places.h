/* SPDX-License-Identifier: MIT */
/*
 * places.h - addresses in words: where in the source an instruction is, what a variable is called.
 */
#ifndef EXPLORE_PLACES_H
#define EXPLORE_PLACES_H

#include <stdbool.h>
#include <stddef.h>

enum owner { OWNER_USER, OWNER_WEFT, OWNER_EXPLORER };

/* One level of what the compiler has put into one another. */
struct place {
	const char *function; /* or NULL */
	const char *file;     /* its last part; NULL: not known */
	unsigned line;
	enum owner owner;
};

struct places {
	const void *pc;
	unsigned n;
	const struct place *at; /* the innermost first */
};

/*
 * Looks up all return addresses in @pcs, NULL among them or the same twice; it costs a process, so all at once. What
 * is returned lives for ever; where nothing is known it is one place with a function, at best.
 */
void places_find(const void *const pcs[], size_t n);
const struct places *places_of(const void *pc); /* one of those, or NULL */

/* "variable" or "variable+8", of static data; false: none is there. */
bool places_variable(const void *address, char *text, size_t size);

#endif
