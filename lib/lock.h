/* SPDX-License-Identifier: MIT */
/*
 * lock.h - what the layers above may know of a lock's word. Layer 3.
 */
#ifndef WEFT_LIB_LOCK_H
#define WEFT_LIB_LOCK_H

#include <weft/lock.h>

enum { WEFT__LOCK_SHARED = 1u << 3 }; /* between processes; fixed by init */

/* Held or waited for. */
bool weft__lock_in_use(const struct weft_lock *lock);

#endif
