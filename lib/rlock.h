/* SPDX-License-Identifier: MIT */
/*
 * rlock.h - what a condition needs of an rlock: to give up all levels, and to have them back. Layer 4.
 */
#ifndef WEFT_LIB_RLOCK_H
#define WEFT_LIB_RLOCK_H

#include <weft/rlock.h>

#include "lock.h"

/* Release every level of an rlock that the caller owns. Return: how many they were. */
unsigned weft__rlock_release_all(struct weft_rlock *rlock);

/* Acquire, to @depth levels. */
void weft__rlock_restore(struct weft_rlock *rlock, unsigned depth);

#endif
