/* SPDX-License-Identifier: MIT */
/*
 * scenario-heap.c - a test of the explorer: malloc() and its like, and static data. Names in known- are to fail.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft_sys.h>

#include "scenarios.h"

struct node {
	int value;
	char text[20];
};

struct box {
	_Atomic(struct node *) node;
	_Atomic unsigned failed;
};

static void *begin(void)
{
	return weft_explore_alloc(sizeof(struct box), "box");
}

/* The compiler knows malloc() too well. */
static void *hidden(void *memory)
{
	__asm__("" : "+r"(memory));
	return memory;
}

static struct node *new_node(int value)
{
	struct node *const node = hidden(malloc(sizeof(*node)));

	if (node != NULL) {
		node->value = value;
		memset(node->text, 'x', sizeof(node->text));
	}
	return node;
}

/* ---- what may be done ---- */

static bool is_zero(const char *memory, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (memory[i] != 0)
			return false;
	return true;
}

static void all_calls(void *state, unsigned number)
{
	char text[64], *other, *bytes = hidden(calloc(3, 7));
	void *aligned;

	(void)state;
	weft_explore_check(is_zero(bytes, 21));
	memset(bytes, 'y', 21);
	bytes = hidden(realloc(bytes, 5000));
	weft_explore_check(bytes[0] == 'y' && bytes[20] == 'y');
	bytes = hidden(reallocarray(bytes, 2, 8));
	weft_explore_check(bytes[15] == 'y');
	weft_explore_check(reallocarray(NULL, (size_t)(uintptr_t)hidden(bytes), SIZE_MAX / 4) == NULL);
	weft_explore_check(errno == ENOMEM);
	weft_explore_check(posix_memalign(&aligned, 256, 100) == 0 && (uintptr_t)aligned % 256 == 0);
	weft_explore_check(posix_memalign(&aligned, 3, 100) == EINVAL);
	free(aligned);
	aligned = hidden(aligned_alloc(64, 64));
	weft_explore_check((uintptr_t)aligned % 64 == 0);
	free(aligned);
	/* The C library's own memory. */
	other = strdup("other");
	snprintf(text, sizeof(text), "%s %u %p", other, number, (void *)bytes);
	free(other);
	free(hidden(malloc(0)));
	free(NULL);
	free(bytes);
	weft_sys_free(weft_sys_alloc(10));
}

/* Nodes go from one thread to the other. */
static void hand_over(void *state, unsigned number)
{
	struct box *const box = state;
	struct node *node;

	for (int i = 1; i <= 3; i++)
		if (number == 0) {
			while (atomic_load_explicit(&box->node, memory_order_acquire) != NULL)
				weft_explore_yield();
			atomic_store_explicit(&box->node, new_node(i), memory_order_release);
		} else {
			while ((node = atomic_load_explicit(&box->node, memory_order_acquire)) == NULL)
				weft_explore_yield();
			weft_explore_check(node->value == i && node->text[19] == 'x');
			atomic_store_explicit(&box->node, NULL, memory_order_release);
			free(node);
		}
}

static void may_fail(void *state, unsigned number)
{
	struct node *nodes[3];

	(void)state, (void)number;
	for (int i = 0; i < 3; i++) {
		errno = 0;
		nodes[i] = new_node(i);
		weft_explore_check(nodes[i] != NULL || errno == ENOMEM);
		weft_explore_reached(nodes[i] != NULL ? "allocated"
				     : i == 0	      ? "the first failed"
						      : "a later one failed");
	}
	for (int i = 0; i < 3; i++)
		free(nodes[i]);
}

static const char *const fail_marks[] = { "allocated", "the first failed", "a later one failed", NULL };

/* ---- static data is as it was when a schedule begins ---- */

static char zeros[500];
static struct {
	char byte;
	short half;
	int value;
	const char *text;
} values = { 1, 2, 3, "four" };
static _Atomic unsigned count = 5;

static void *begin_statics(void)
{
	weft_explore_check(is_zero(zeros, sizeof(zeros)));
	weft_explore_check(values.byte == 1 && values.half == 2 && values.value == 3);
	weft_explore_check(strcmp(values.text, "four") == 0);
	weft_explore_check(atomic_load(&count) == 5);
	return &values;
}

static void write_statics(void *state, unsigned number)
{
	(void)state;
	zeros[2 * number + 1] = 1;
	atomic_fetch_add(&count, 1);
	if (number > 0)
		return;
	values.byte = 9;
	values.half = 9;
	values.value = 9;
	values.text = "nine";
	memset(zeros + 100, 1, sizeof(zeros) - 100);
}

/* ---- what may not ---- */

static void leaks(void *state, unsigned number)
{
	(void)state;
	if (new_node((int)number) == NULL || number > 0)
		return;
	free(new_node(0));
}

static void frees_twice(void *state, unsigned number)
{
	struct box *const box = state;

	if (number == 0)
		atomic_store(&box->node, new_node(0));
	free(hidden(atomic_load(&box->node)));
}

static void reads_freed(void *state, unsigned number)
{
	struct node *const node = new_node(1), *const same = hidden(node);

	(void)state, (void)number;
	free(node);
	weft_explore_check(same->value == 1);
}

static void writes_behind(void *state, unsigned number)
{
	struct node *const node = hidden(malloc(sizeof(node->value)));

	(void)state, (void)number;
	memset(node, 0, 17);
}

static void frees_a_part(void *state, unsigned number)
{
	struct node *const node = new_node(1);

	(void)state, (void)number;
	free(hidden(node->text));
}

static void frees_a_local(void *state, unsigned number)
{
	int local = 1;

	(void)state, (void)number;
	free(hidden(&local));
}

static void needs_memory(void *state, unsigned number)
{
	(void)state, (void)number;
	if (new_node(1) == NULL)
		weft_explore_fail("alloc", "failed");
}

#define KNOWN(text, function, which)                                                                                 \
	{                                                                                                            \
		.name = "known-" text, .threads = 2, .steps = 10, .begin = begin, .thread = function, .flags = which \
	}

const struct weft_explore_scenario explore_heap[] = {
	{ .name = "heap-calls-2",
	  .threads = 2,
	  .steps = 30,
	  .begin = begin,
	  .thread = all_calls,
	  .flags = WEFT_EXPLORE_NO_LEAKS },
	{ .name = "heap-hand-over-2",
	  .threads = 2,
	  .steps = 40,
	  .begin = begin,
	  .thread = hand_over,
	  .flags = WEFT_EXPLORE_NO_LEAKS },
	{ .name = "heap-may-fail-2",
	  .threads = 2,
	  .steps = 12,
	  .begin = begin,
	  .thread = may_fail,
	  .flags = WEFT_EXPLORE_NO_LEAKS | WEFT_EXPLORE_ALLOC_FAILS,
	  .marks = fail_marks },
	{ .name = "heap-statics-2", .threads = 2, .steps = 10, .begin = begin_statics, .thread = write_statics },
	KNOWN("heap-leak", leaks, WEFT_EXPLORE_NO_LEAKS),
	KNOWN("heap-double-free", frees_twice, 0),
	KNOWN("heap-after-free", reads_freed, 0),
	KNOWN("heap-behind-end", writes_behind, 0),
	KNOWN("heap-part", frees_a_part, 0),
	KNOWN("heap-local", frees_a_local, 0),
	KNOWN("fault-alloc", needs_memory, WEFT_EXPLORE_ALLOC_FAILS),
	{ 0 },
};
