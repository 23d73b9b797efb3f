/* SPDX-License-Identifier: MIT */
/*
 * exported.c - gives each inline function of the public headers its one symbol in the library, for callers that
 * did not inline it.
 */
#define WEFT__EMIT
#include <weft.h>
