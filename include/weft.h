/* SPDX-License-Identifier: MIT */
/**
 * weft.h - all of weft; weft(7) is the way in.
 */
#ifndef WEFT_H
#define WEFT_H

#include <weft/barrier.h>
#include <weft/cond.h>
#include <weft/event.h>
#include <weft/latch.h>
#include <weft/lock.h>
#include <weft/once.h>
#include <weft/rlock.h>
#include <weft/sem.h>
#include <weft/time.h>
#include <weft/watch.h>
#include <weft/with.h>

#endif
