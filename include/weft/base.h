/* SPDX-License-Identifier: MIT */
/**
 * weft/base.h - what every public header stands on: linkage, the atomic words, inlining.
 *
 * Nothing here is for callers: names with two underscores (weft__, WEFT__) belong to the library and may change with
 * any release.
 */
#ifndef WEFT_BASE_H
#define WEFT_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifndef __cplusplus
#include <stdatomic.h>
#endif

#ifdef __cplusplus
#define WEFT_BEGIN_DECLS extern "C" {
#define WEFT_END_DECLS }
#else
#define WEFT_BEGIN_DECLS
#define WEFT_END_DECLS
#endif

#define WEFT_API __attribute__((__visibility__("default")))
#define WEFT_MUST_CHECK __attribute__((__warn_unused_result__))
#define WEFT__LIKELY(x) __builtin_expect(!!(x), 1)

/*
 * Fast paths live in the headers. gnu_inline keeps the compiler from emitting a copy into the user's object: a
 * call that is not inlined goes to the same function in the library, where lib/exported.c emits each of them once.
 */
#ifdef WEFT__EMIT
#define WEFT_INLINE WEFT_API
#else
#define WEFT_INLINE extern inline __attribute__((__gnu_inline__))
#endif

/*
 * Words are C11 _Atomic in C. C++ cannot parse _Atomic, so there they are integers of the same size and
 * alignment, reached through the compiler's builtins only.
 */
#ifdef __cplusplus
typedef uint32_t weft_atomic32_t __attribute__((__aligned__(4)));
typedef uint64_t weft_atomic64_t __attribute__((__aligned__(8)));
#define WEFT__RELAXED __ATOMIC_RELAXED
#define WEFT__ACQUIRE __ATOMIC_ACQUIRE
#define WEFT__RELEASE __ATOMIC_RELEASE
#define weft__load(p, order) __atomic_load_n((p), (order))
#define weft__store(p, v, order) __atomic_store_n((p), (v), (order))
#define weft__cas(p, expected, desired, success, failure) \
	__atomic_compare_exchange_n((p), (expected), (desired), false, (success), (failure))
#else
typedef _Atomic(uint32_t) weft_atomic32_t;
typedef _Atomic(uint64_t) weft_atomic64_t;
#define WEFT__RELAXED memory_order_relaxed
#define WEFT__ACQUIRE memory_order_acquire
#define WEFT__RELEASE memory_order_release
#define weft__load(p, order) atomic_load_explicit((p), (order))
#define weft__store(p, v, order) atomic_store_explicit((p), (v), (order))
#define weft__cas(p, expected, desired, success, failure) \
	atomic_compare_exchange_strong_explicit((p), (expected), (desired), (success), (failure))
#endif

WEFT_BEGIN_DECLS

/*
 * The calling thread's identity, for the inline path of rlock: a serial number that no other thread of this
 * process ever had or will have, 0 until the thread first needs one. Written by lib/self.c only.
 */
extern WEFT_API __thread uint64_t weft__self_serial __attribute__((__tls_model__("initial-exec")));

WEFT_END_DECLS

#endif
