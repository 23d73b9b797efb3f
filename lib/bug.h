/* SPDX-License-Identifier: MIT */
/*
 * bug.h - what happens when a rule is broken: by the user, a report and an errno; by weft, the end. Layer 0.
 */
#ifndef WEFT_LIB_BUG_H
#define WEFT_LIB_BUG_H

#include <weft/base.h>

/* An invariant of the library's does not hold: say so and abort. */
_Noreturn void weft__bug(const char *where, const char *what);

#define WEFT_BUG(what) weft__bug(__func__, (what))

/*
 * Tell the misuse hook that @call on @object broke a rule. Returns @error, which is what the call is to return.
 */
int weft__misuse(const void *object, const char *call, int error);

#endif
