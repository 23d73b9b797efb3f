/* SPDX-License-Identifier: MIT */
/*
 * scenario-litmus.c - a test of the explorer: small programs with all the outcomes that C11 allows, as C++20 has
 * repaired its rules.
 *
 * Each is a few threads that write and read words x, y, z, which are 0 at first, into registers. What came out is
 * written as the registers, and the words' last values where they are asked for: "1 0". An outcome that is in
 * neither list is forbidden, and fails. One in the first list must be seen in a run (--strict-marks), so that the
 * explorer is not stricter than it says. The second list is of what C11 allows and the explorer does not show. Some
 * programs come with an outcome that is allowed as their weaker half (@weak), or forbidden (NULL).
 *
 * Names: Sewell's and others'. SB store buffering, MP message passing, LB load buffering, IRIW independent reads of
 * independent writes, WRC write to read causality, RWC read to write causality, Co... coherence.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <weft_sys.h>

#include "scenarios.h"

/* The sanitizer's own library does not follow fences; the explorer does. */
#if defined __GNUC__ && !defined __clang__
#pragma GCC diagnostic ignored "-Wtsan"
#endif

struct words {
	_Atomic int x, y, z;
	weft_atomic32_t futex;
	int r[4]; /* each written by one thread */
	int data; /* plain */
	union {
		_Atomic uint64_t whole;
		_Atomic uint32_t half[2];
	} both;
};

#define R(word, order) atomic_load_explicit(&words->word, memory_order_##order)
#define W(word, value, order) atomic_store_explicit(&words->word, value, memory_order_##order)
#define FENCE(order) atomic_thread_fence(memory_order_##order)

static void *begin(void)
{
	return weft_explore_alloc(sizeof(struct words), "words");
}

/* @what: digits are registers, letters words. */
static void settle(struct words *words, const char *what, const char *const shown[], const char *const gaps[])
{
	char text[64] = "";

	for (; *what != '\0'; what++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d", *text != '\0' ? " " : "",
			 *what == 'x'	? R(x, relaxed)
			 : *what == 'y' ? R(y, relaxed)
					: words->r[*what - '0']);
	for (; *shown != NULL; shown++)
		if (strcmp(text, *shown) == 0) {
			weft_explore_reached(*shown);
			return;
		}
	for (; *gaps != NULL; gaps++)
		if (strcmp(text, *gaps) == 0)
			return;
	weft_explore_fail("forbidden outcome", "%s", text);
}

#define THREADS(name) static void name(struct words *words, unsigned number)

#define GAPS(name, ...) static const char *const name##_gaps[] = { __VA_ARGS__, NULL };
#define NO_GAPS(name) static const char *const name##_gaps[] = { NULL };

#define OUTCOMES(name, what, ...)                                                                                    \
	static const char *const name##_shown[] = { __VA_ARGS__, NULL };                                             \
	static void name##_thread(void *state, unsigned number)                                                      \
	{                                                                                                            \
		name(state, number);                                                                                 \
	}                                                                                                            \
	static void name##_end(void *state)                                                                          \
	{                                                                                                            \
		settle(state, what, name##_shown, name##_gaps);                                                      \
	}

/* ---- SB: two threads each write one word and read the other ---- */

#define SB(name, write, between, read, ...)                                                                          \
	THREADS(name)                                                                                                \
	{                                                                                                            \
		if (number == 0) {                                                                                   \
			W(x, 1, write);                                                                              \
			between;                                                                                     \
			words->r[0] = R(y, read);                                                                    \
		} else {                                                                                             \
			W(y, 1, write);                                                                              \
			between;                                                                                     \
			words->r[1] = R(x, read);                                                                    \
		}                                                                                                    \
	}                                                                                                            \
	NO_GAPS(name)                                                                                                \
	OUTCOMES(name, "01", __VA_ARGS__)

SB(sb_relaxed, relaxed, (void)0, relaxed, "0 0", "0 1", "1 0", "1 1")
SB(sb_acqrel, release, (void)0, acquire, "0 0", "0 1", "1 0", "1 1")
SB(sb_seqcst, seq_cst, (void)0, seq_cst, "0 1", "1 0", "1 1")
SB(sb_store_seqcst, seq_cst, (void)0, relaxed, "0 0", "0 1", "1 0", "1 1")
SB(sb_load_seqcst, relaxed, (void)0, seq_cst, "0 0", "0 1", "1 0", "1 1")
SB(sb_fences, relaxed, FENCE(seq_cst), relaxed, "0 1", "1 0", "1 1")
SB(sb_fences_acqrel, relaxed, FENCE(acq_rel), relaxed, "0 0", "0 1", "1 0", "1 1")
SB(sb_wake, relaxed, weft_sys_futex_wake(&words->futex, 1, false), relaxed, "0 1", "1 0", "1 1")
SB(sb_wait, relaxed, weft_sys_futex_wait(&words->futex, 1, NULL, false), relaxed, "0 1", "1 0", "1 1")

/* Exchanges are no fences either. */
THREADS(sb_rmw)
{
	if (number == 0) {
		atomic_exchange_explicit(&words->x, 1, memory_order_acq_rel);
		words->r[0] = R(y, acquire);
	} else {
		atomic_exchange_explicit(&words->y, 1, memory_order_acq_rel);
		words->r[1] = R(x, acquire);
	}
}
NO_GAPS(sb_rmw)
OUTCOMES(sb_rmw, "01", "0 0", "0 1", "1 0", "1 1")

/* A fence on one side and seq_cst accesses on the other are enough... */
THREADS(sb_fence_and_seqcst)
{
	if (number == 0) {
		W(x, 1, relaxed);
		FENCE(seq_cst);
		words->r[0] = R(y, relaxed);
	} else {
		W(y, 1, seq_cst);
		words->r[1] = R(x, seq_cst);
	}
}
NO_GAPS(sb_fence_and_seqcst)
OUTCOMES(sb_fence_and_seqcst, "01", "0 1", "1 0", "1 1")

/* ... a fence on one side is not. */
THREADS(sb_one_fence)
{
	if (number == 0) {
		W(x, 1, relaxed);
		FENCE(seq_cst);
		words->r[0] = R(y, relaxed);
	} else {
		W(y, 1, relaxed);
		words->r[1] = R(x, relaxed);
	}
}
NO_GAPS(sb_one_fence)
OUTCOMES(sb_one_fence, "01", "0 0", "0 1", "1 0", "1 1")

/* ---- MP: a flag says that there is data ---- */

#define MP(name, write, read, ...)                                                                                   \
	THREADS(name)                                                                                                \
	{                                                                                                            \
		if (number == 0) {                                                                                   \
			W(x, 1, relaxed);                                                                            \
			write;                                                                                       \
		} else {                                                                                             \
			read;                                                                                        \
			words->r[1] = R(x, relaxed);                                                                 \
		}                                                                                                    \
	}                                                                                                            \
	NO_GAPS(name)                                                                                                \
	OUTCOMES(name, "01", __VA_ARGS__)

static int found_by_cas(struct words *words, int other_order)
{
	int found = 7;

	if (other_order)
		atomic_compare_exchange_strong_explicit(&words->y, &found, 8, memory_order_acq_rel,
							memory_order_acquire);
	else
		atomic_compare_exchange_strong_explicit(&words->y, &found, 8, memory_order_acq_rel,
							memory_order_relaxed);
	return found;
}

MP(mp_relaxed, W(y, 1, relaxed), words->r[0] = R(y, relaxed), "0 0", "0 1", "1 0", "1 1")
MP(mp_acqrel, W(y, 1, release), words->r[0] = R(y, acquire), "0 0", "0 1", "1 1")
MP(mp_seqcst, W(y, 1, seq_cst), words->r[0] = R(y, seq_cst), "0 0", "0 1", "1 1")
MP(mp_release_only, W(y, 1, release), words->r[0] = R(y, relaxed), "0 0", "0 1", "1 0", "1 1")
MP(mp_acquire_only, W(y, 1, relaxed), words->r[0] = R(y, acquire), "0 0", "0 1", "1 0", "1 1")
MP(
	mp_fences,
	{
		FENCE(release);
		W(y, 1, relaxed);
	},
	{
		words->r[0] = R(y, relaxed);
		FENCE(acquire);
	},
	"0 0", "0 1", "1 1")
MP(
	mp_fence_too_late,
	{
		W(y, 1, relaxed);
		FENCE(release);
	},
	{
		words->r[0] = R(y, relaxed);
		FENCE(acquire);
	},
	"0 0", "0 1", "1 0", "1 1")
MP(mp_cas_failed_acquire, W(y, 1, release), words->r[0] = found_by_cas(words, 1), "0 0", "0 1", "1 1")
MP(mp_cas_failed_relaxed, W(y, 1, release), words->r[0] = found_by_cas(words, 0), "0 0", "0 1", "1 0", "1 1")
/* A later store of the same thread is not of the release sequence, since C++20. */
MP(
	mp_overwritten,
	{
		W(y, 1, release);
		W(y, 2, relaxed);
	},
	words->r[0] = R(y, acquire), "0 0", "0 1", "1 1", "2 0", "2 1")

/* Another thread's read-modify-write is, even a relaxed one. */
THREADS(mp_rmw_between)
{
	switch (number) {
	case 0:
		W(x, 1, relaxed);
		W(y, 1, release);
		break;
	case 1:
		atomic_fetch_add_explicit(&words->y, 10, memory_order_relaxed);
		break;
	default:
		words->r[0] = R(y, acquire);
		words->r[1] = R(x, relaxed);
	}
}
NO_GAPS(mp_rmw_between)
OUTCOMES(mp_rmw_between, "01", "0 0", "0 1", "1 1", "10 0", "10 1", "11 1")

/* Another thread's store is not. */
THREADS(mp_store_between)
{
	switch (number) {
	case 0:
		W(x, 1, relaxed);
		W(y, 1, release);
		break;
	case 1:
		W(y, 2, relaxed);
		break;
	default:
		words->r[0] = R(y, acquire);
		words->r[1] = R(x, relaxed);
	}
}
NO_GAPS(mp_store_between)
OUTCOMES(mp_store_between, "01", "0 0", "0 1", "1 1", "2 0", "2 1")

/* Plain data; and words of two sizes at one place. A race would fail. */
THREADS(mp_plain)
{
	if (number == 0) {
		words->data = 1;
		atomic_store_explicit(&words->both.half[0], 1, memory_order_release);
	} else if (atomic_load_explicit(&words->both.whole, memory_order_acquire) != 0) {
		words->r[0] = 1 + words->data;
	}
}
NO_GAPS(mp_plain)
OUTCOMES(mp_plain, "0", "0", "2")

/* ---- LB: each reads one word, then writes the other ---- */

THREADS(lb_relaxed)
{
	if (number == 0) {
		words->r[0] = R(x, relaxed);
		W(y, 1, relaxed);
	} else {
		words->r[1] = R(y, relaxed);
		W(x, 1, relaxed);
	}
}
GAPS(lb_relaxed, "1 1")
OUTCOMES(lb_relaxed, "01", "0 0", "0 1", "1 0")

/* ---- IRIW: do two readers agree on the order of two writes? ---- */

#define IRIW(name, write, read, between, weak)                                                                       \
	THREADS(name)                                                                                                \
	{                                                                                                            \
		switch (number) {                                                                                    \
		case 0:                                                                                              \
			W(x, 1, write);                                                                              \
			break;                                                                                       \
		case 1:                                                                                              \
			W(y, 1, write);                                                                              \
			break;                                                                                       \
		case 2:                                                                                              \
			words->r[0] = R(x, read);                                                                    \
			between;                                                                                     \
			words->r[1] = R(y, read);                                                                    \
			break;                                                                                       \
		default:                                                                                             \
			words->r[2] = R(y, read);                                                                    \
			between;                                                                                     \
			words->r[3] = R(x, read);                                                                    \
		}                                                                                                    \
	}                                                                                                            \
	NO_GAPS(name)                                                                                                \
	OUTCOMES(name, "0123", "0 0 0 0", "0 0 0 1", "0 0 1 0", "0 0 1 1", "0 1 0 0", "0 1 0 1", "0 1 1 0",          \
		 "0 1 1 1", "1 0 0 0", "1 0 0 1", "1 0 1 1", "1 1 0 0", "1 1 0 1", "1 1 1 0", "1 1 1 1", weak)

IRIW(iriw_acqrel, release, acquire, (void)0, "1 0 1 0")
IRIW(iriw_seqcst, seq_cst, seq_cst, (void)0, NULL)
IRIW(iriw_fences, relaxed, relaxed, FENCE(seq_cst), NULL)

/* ---- coherence: all agree on the order of the writes to one word ---- */

THREADS(corr)
{
	if (number == 0) {
		W(x, 1, relaxed);
		W(x, 2, relaxed);
	} else {
		words->r[0] = R(x, relaxed);
		words->r[1] = R(x, relaxed);
	}
}
NO_GAPS(corr)
OUTCOMES(corr, "01x", "0 0 2", "0 1 2", "0 2 2", "1 1 2", "1 2 2", "2 2 2")

/* Two readers of two writers: of those who saw both writes. */
THREADS(corr_two)
{
	switch (number) {
	case 0:
	case 1:
		W(x, (int)number + 1, relaxed);
		break;
	default: {
		const int first = R(x, relaxed), second = R(x, relaxed);

		words->r[number - 2] = first != 0 && second != 0 && first != second ? 10 * first + second : 0;
	}
	}
}
NO_GAPS(corr_two)
OUTCOMES(corr_two, "01", "0 0", "0 12", "0 21", "12 0", "21 0", "12 12", "21 21")

/* What one thread has read, one that hears from it has too. */
THREADS(corr_between)
{
	switch (number) {
	case 0:
		W(x, 1, relaxed);
		break;
	case 1:
		words->r[0] = R(x, relaxed);
		W(y, 1, release);
		break;
	default:
		words->r[1] = R(y, acquire);
		words->r[2] = R(x, relaxed);
	}
}
NO_GAPS(corr_between)
OUTCOMES(corr_between, "012", "0 0 0", "0 0 1", "0 1 0", "0 1 1", "1 0 0", "1 0 1", "1 1 1")

THREADS(cowr)
{
	W(x, (int)number + 1, relaxed);
	if (number == 0)
		words->r[0] = R(x, relaxed);
}
NO_GAPS(cowr)
OUTCOMES(cowr, "0x", "1 1", "1 2", "2 2")

THREADS(corw)
{
	if (number == 0)
		words->r[0] = R(x, relaxed);
	W(x, (int)number + 1, relaxed);
}
NO_GAPS(corw)
OUTCOMES(corw, "0x", "0 1", "0 2", "2 1")

/* ---- orders of writes ---- */

#define TWO_WRITES(name, order, gaps, ...)                                                                           \
	THREADS(name)                                                                                                \
	{                                                                                                            \
		if (number == 0) {                                                                                   \
			W(x, 1, order);                                                                              \
			W(y, 2, order);                                                                              \
		} else {                                                                                             \
			W(y, 1, order);                                                                              \
			W(x, 2, order);                                                                              \
		}                                                                                                    \
	}                                                                                                            \
	gaps OUTCOMES(name, "xy", __VA_ARGS__)

TWO_WRITES(two_writes_relaxed, relaxed, GAPS(two_writes_relaxed, "1 1"), "1 2", "2 1", "2 2")
TWO_WRITES(two_writes_seqcst, seq_cst, NO_GAPS(two_writes_seqcst), "1 2", "2 1", "2 2")

#define WRITE_AFTER_READ(name, write, read, gaps, ...)                                                               \
	THREADS(name)                                                                                                \
	{                                                                                                            \
		if (number == 0) {                                                                                   \
			W(x, 2, relaxed);                                                                            \
			W(y, 1, write);                                                                              \
		} else {                                                                                             \
			words->r[0] = R(y, read);                                                                    \
			W(x, 1, relaxed);                                                                            \
		}                                                                                                    \
	}                                                                                                            \
	gaps OUTCOMES(name, "0x", __VA_ARGS__)

WRITE_AFTER_READ(s_relaxed, relaxed, relaxed, GAPS(s_relaxed, "1 2"), "0 1", "0 2", "1 1")
WRITE_AFTER_READ(s_acqrel, release, acquire, NO_GAPS(s_acqrel), "0 1", "0 2", "1 1")

#define READ_AFTER_WRITE(name, order, ...)                                                                           \
	THREADS(name)                                                                                                \
	{                                                                                                            \
		if (number == 0) {                                                                                   \
			W(x, 1, order);                                                                              \
			W(y, 1, order);                                                                              \
		} else {                                                                                             \
			W(y, 2, order);                                                                              \
			words->r[0] = atomic_load_explicit(&words->x, memory_order_##order == memory_order_release   \
									      ? memory_order_acquire                 \
									      : memory_order_##order);               \
		}                                                                                                    \
	}                                                                                                            \
	NO_GAPS(name)                                                                                                \
	OUTCOMES(name, "0y", __VA_ARGS__)

READ_AFTER_WRITE(r_acqrel, release, "0 1", "0 2", "1 1", "1 2")
READ_AFTER_WRITE(r_seqcst, seq_cst, "0 1", "1 1", "1 2")

/* ---- causality over three threads ---- */

#define WRC(name, write, read, weak)                                                                                 \
	THREADS(name)                                                                                                \
	{                                                                                                            \
		switch (number) {                                                                                    \
		case 0:                                                                                              \
			W(x, 1, write);                                                                              \
			break;                                                                                       \
		case 1:                                                                                              \
			words->r[0] = R(x, read);                                                                    \
			W(y, 1, write);                                                                              \
			break;                                                                                       \
		default:                                                                                             \
			words->r[1] = R(y, read);                                                                    \
			words->r[2] = R(x, read);                                                                    \
		}                                                                                                    \
	}                                                                                                            \
	NO_GAPS(name)                                                                                                \
	OUTCOMES(name, "012", "0 0 0", "0 0 1", "0 1 0", "0 1 1", "1 0 0", "1 0 1", "1 1 1", weak)

WRC(wrc_relaxed, relaxed, relaxed, "1 1 0")
WRC(wrc_acqrel, release, acquire, NULL)

#define ISA2(name, write, read, weak)                                                                                \
	THREADS(name)                                                                                                \
	{                                                                                                            \
		switch (number) {                                                                                    \
		case 0:                                                                                              \
			W(x, 1, relaxed);                                                                            \
			W(y, 1, release);                                                                            \
			break;                                                                                       \
		case 1:                                                                                              \
			words->r[0] = R(y, acquire);                                                                 \
			W(z, 1, write);                                                                              \
			break;                                                                                       \
		default:                                                                                             \
			words->r[1] = R(z, read);                                                                    \
			words->r[2] = R(x, relaxed);                                                                 \
		}                                                                                                    \
	}                                                                                                            \
	NO_GAPS(name)                                                                                                \
	OUTCOMES(name, "012", "0 0 0", "0 0 1", "0 1 0", "0 1 1", "1 0 0", "1 0 1", "1 1 1", weak)

ISA2(isa2_relaxed, relaxed, relaxed, "1 1 0")
ISA2(isa2_acqrel, release, acquire, NULL)

#define RWC(name, write, read, weak)                                                                                 \
	THREADS(name)                                                                                                \
	{                                                                                                            \
		switch (number) {                                                                                    \
		case 0:                                                                                              \
			W(x, 1, write);                                                                              \
			break;                                                                                       \
		case 1:                                                                                              \
			words->r[0] = R(x, read);                                                                    \
			words->r[1] = R(y, read);                                                                    \
			break;                                                                                       \
		default:                                                                                             \
			W(y, 1, write);                                                                              \
			words->r[2] = R(x, read);                                                                    \
		}                                                                                                    \
	}                                                                                                            \
	NO_GAPS(name)                                                                                                \
	OUTCOMES(name, "012", "0 0 0", "0 0 1", "0 1 0", "0 1 1", "1 0 1", "1 1 0", "1 1 1", weak)

RWC(rwc_acqrel, release, acquire, "1 0 0")
RWC(rwc_seqcst, seq_cst, seq_cst, NULL)

/* ---- seq_cst among others ---- */

/* The order of seq_cst accesses is not that of all: y may be seen before x. */
THREADS(seqcst_then_relaxed)
{
	if (number == 0) {
		W(x, 1, seq_cst);
		W(y, 1, relaxed);
	} else {
		words->r[0] = R(y, relaxed);
		words->r[1] = R(x, seq_cst);
	}
}
NO_GAPS(seqcst_then_relaxed)
OUTCOMES(seqcst_then_relaxed, "01", "0 0", "0 1", "1 0", "1 1")

/* But what happens before a seq_cst access is before all that follow it in that order: not 1 0, y = 2 last. */
THREADS(seqcst_by_release)
{
	switch (number) {
	case 0:
		W(x, 1, seq_cst);
		W(y, 1, release);
		break;
	case 1:
		words->r[0] = R(y, seq_cst);
		break;
	default:
		W(y, 2, seq_cst);
		words->r[1] = R(x, seq_cst);
	}
}
NO_GAPS(seqcst_by_release)
OUTCOMES(seqcst_by_release, "01y", "0 0 1", "0 1 1", "0 0 2", "0 1 2", "1 0 1", "1 1 1", "1 1 2", "2 0 1", "2 1 1",
	 "2 0 2", "2 1 2")

/* ---- read-modify-writes ---- */

THREADS(rmw_atomic)
{
	words->r[number] = atomic_fetch_add_explicit(&words->x, 1, memory_order_relaxed);
}
NO_GAPS(rmw_atomic)
OUTCOMES(rmw_atomic, "012x", "0 1 2 3", "0 2 1 3", "1 0 2 3", "1 2 0 3", "2 0 1 3", "2 1 0 3")

THREADS(cas_atomic)
{
	int found = 0;

	words->r[number] = atomic_compare_exchange_strong_explicit(&words->x, &found, (int)number + 1,
								   memory_order_relaxed, memory_order_relaxed);
}
NO_GAPS(cas_atomic)
OUTCOMES(cas_atomic, "01x", "1 0 1", "0 1 2")

/* One that fails is a load, and may find an old value, but none older than its thread has found. */
THREADS(cas_failed)
{
	if (number == 0) {
		W(x, 1, relaxed);
		W(x, 2, relaxed);
	} else {
		for (unsigned i = 0; i < 2; i++) {
			int found = 7;

			atomic_compare_exchange_strong_explicit(&words->x, &found, 8, memory_order_relaxed,
								memory_order_relaxed);
			words->r[i] = found;
		}
	}
}
NO_GAPS(cas_failed)
OUTCOMES(cas_failed, "01", "0 0", "0 1", "0 2", "1 1", "1 2", "2 2")

#define LITMUS(text, n, id)                                                                                          \
	{                                                                                                            \
		.name = "litmus-" text, .threads = (n), .steps = 3 * (n), .begin = begin, .thread = id##_thread,     \
		.end = id##_end, .marks = id##_shown                                                                 \
	}

const struct weft_explore_scenario explore_litmus[] = {
	LITMUS("sb-relaxed", 2, sb_relaxed),
	LITMUS("sb-acqrel", 2, sb_acqrel),
	LITMUS("sb-seqcst", 2, sb_seqcst),
	LITMUS("sb-store-seqcst", 2, sb_store_seqcst),
	LITMUS("sb-load-seqcst", 2, sb_load_seqcst),
	LITMUS("sb-fences", 2, sb_fences),
	LITMUS("sb-fences-acqrel", 2, sb_fences_acqrel),
	LITMUS("sb-one-fence", 2, sb_one_fence),
	LITMUS("sb-fence-and-seqcst", 2, sb_fence_and_seqcst),
	LITMUS("sb-wake", 2, sb_wake),
	LITMUS("sb-wait", 2, sb_wait),
	LITMUS("sb-rmw", 2, sb_rmw),
	LITMUS("mp-relaxed", 2, mp_relaxed),
	LITMUS("mp-acqrel", 2, mp_acqrel),
	LITMUS("mp-seqcst", 2, mp_seqcst),
	LITMUS("mp-release-only", 2, mp_release_only),
	LITMUS("mp-acquire-only", 2, mp_acquire_only),
	LITMUS("mp-fences", 2, mp_fences),
	LITMUS("mp-fence-too-late", 2, mp_fence_too_late),
	LITMUS("mp-cas-failed-acquire", 2, mp_cas_failed_acquire),
	LITMUS("mp-cas-failed-relaxed", 2, mp_cas_failed_relaxed),
	LITMUS("mp-overwritten", 2, mp_overwritten),
	LITMUS("mp-rmw-between", 3, mp_rmw_between),
	LITMUS("mp-store-between", 3, mp_store_between),
	LITMUS("mp-plain", 2, mp_plain),
	LITMUS("lb-relaxed", 2, lb_relaxed),
	LITMUS("iriw-acqrel", 4, iriw_acqrel),
	LITMUS("iriw-seqcst", 4, iriw_seqcst),
	LITMUS("iriw-fences", 4, iriw_fences),
	LITMUS("corr", 2, corr),
	LITMUS("corr-two", 4, corr_two),
	LITMUS("corr-between", 3, corr_between),
	LITMUS("cowr", 2, cowr),
	LITMUS("corw", 2, corw),
	LITMUS("two-writes-relaxed", 2, two_writes_relaxed),
	LITMUS("two-writes-seqcst", 2, two_writes_seqcst),
	LITMUS("s-relaxed", 2, s_relaxed),
	LITMUS("s-acqrel", 2, s_acqrel),
	LITMUS("r-acqrel", 2, r_acqrel),
	LITMUS("r-seqcst", 2, r_seqcst),
	LITMUS("wrc-relaxed", 3, wrc_relaxed),
	LITMUS("wrc-acqrel", 3, wrc_acqrel),
	LITMUS("isa2-relaxed", 3, isa2_relaxed),
	LITMUS("isa2-acqrel", 3, isa2_acqrel),
	LITMUS("rwc-acqrel", 3, rwc_acqrel),
	LITMUS("rwc-seqcst", 3, rwc_seqcst),
	LITMUS("seqcst-then-relaxed", 2, seqcst_then_relaxed),
	LITMUS("seqcst-by-release", 3, seqcst_by_release),
	LITMUS("rmw-atomic", 3, rmw_atomic),
	LITMUS("cas-atomic", 2, cas_atomic),
	LITMUS("cas-failed", 2, cas_failed),
	{ 0 },
};
