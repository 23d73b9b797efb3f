/* SPDX-License-Identifier: MIT */
/*
 * heap.c - memory that shows who touches it after it was freed.
 *
 * Natively each object has a page to itself. A freed page is either taken away from the process, so that any touch
 * is a fault, or filled with a pattern that nobody may write to; which of the two is the round's choice. A page
 * comes back into use only after all others. Under AddressSanitizer and ThreadSanitizer it is malloc() and free(),
 * which these watch better.
 */
#include "stress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 1024, POISON = 0xa5 };
enum page { UNUSED, USED, POISONED, GUARDED };

static struct {
	pthread_mutex_t mutex;
	unsigned char *base;
	size_t page_size;
	unsigned next;
	unsigned char pages[PAGES]; /* enum page */
} heap = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static bool uses_malloc(void)
{
	return STRESS_ASAN || STRESS_TSAN;
}

void stress_heap_init(void)
{
	if (uses_malloc())
		return;
	heap.page_size = (size_t)sysconf(_SC_PAGESIZE);
	heap.base = mmap(NULL, heap.page_size * PAGES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (heap.base == MAP_FAILED) {
		perror("weft-stress: mmap");
		exit(2);
	}
}

bool stress_heap_owns(const void *address)
{
	const uintptr_t a = (uintptr_t)address, base = (uintptr_t)heap.base;

	return base != 0 && a >= base && a < base + heap.page_size * PAGES;
}

static unsigned char *page_at(unsigned i)
{
	return heap.base + i * heap.page_size;
}

/* The first byte of page @i that is no longer poison, or NULL. */
static const unsigned char *written(unsigned i)
{
	const unsigned char *page = page_at(i);

	if (page[0] == POISON && memcmp(page, page + 1, heap.page_size - 1) == 0)
		return NULL;
	for (size_t at = 0; at < heap.page_size; at++)
		if (page[at] != POISON)
			return page + at;
	return NULL;
}

/* Make page @i usable. Its memory was last somebody's object: look whether it still lies as it was left. */
static void revive(struct stress_round *round, unsigned i)
{
	const unsigned char *touched;

	if (heap.pages[i] == GUARDED) {
		mprotect(page_at(i), heap.page_size, PROT_READ | PROT_WRITE);
	} else if (heap.pages[i] == POISONED) {
		touched = written(i);
		if (touched != NULL)
			stress_fail_round(round, "touched", "a freed %s was written to, %zu bytes into its page",
					  round->object, (size_t)(touched - page_at(i)));
	}
	memset(page_at(i), POISON, heap.page_size);
	heap.pages[i] = UNUSED;
}

void *stress_heap_alloc(struct stress_round *round, size_t size)
{
	unsigned char *memory = NULL;

	if (uses_malloc())
		return calloc(1, size);
	pthread_mutex_lock(&heap.mutex);
	for (unsigned i = 0; i < PAGES && memory == NULL; i++) {
		const unsigned at = heap.next++ % PAGES;

		if (heap.pages[at] == USED)
			continue;
		revive(round, at);
		heap.pages[at] = USED;
		memory = page_at(at) + at % 16 * STRESS_LINE;
	}
	pthread_mutex_unlock(&heap.mutex);
	if (memory == NULL)
		abort(); /* more objects alive than threads could use */
	memset(memory, 0, size);
	return memory;
}

void stress_heap_free(struct stress_round *round, void *memory, size_t size)
{
	const unsigned i =
		heap.page_size == 0 ? 0 : (unsigned)((size_t)((unsigned char *)memory - heap.base) / heap.page_size);

	if (uses_malloc()) {
		free(memory);
		return;
	}
	memset(memory, POISON, size);
	pthread_mutex_lock(&heap.mutex);
	if (round->guarded)
		mprotect(page_at(i), heap.page_size, PROT_NONE);
	heap.pages[i] = round->guarded ? GUARDED : POISONED;
	pthread_mutex_unlock(&heap.mutex);
}

void stress_heap_check(struct stress_round *round)
{
	if (uses_malloc())
		return;
	pthread_mutex_lock(&heap.mutex);
	for (unsigned i = 0; i < PAGES; i++)
		if (heap.pages[i] == POISONED || heap.pages[i] == GUARDED)
			revive(round, i);
	pthread_mutex_unlock(&heap.mutex);
}
