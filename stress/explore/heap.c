/* SPDX-License-Identifier: MIT */
/*
 * heap.c - objects: weft_explore_alloc(), and malloc() and its like in place of the C library's.
 *
 * In a schedule what the program allocates comes from the arena, which starts anew with each schedule. Nothing is used
 * twice and there is a gap behind each object, so that any touch of a freed one, or behind its end, is seen
 * (shadow.c). free() counts as a write of all of it: it races with every access that is not ordered with it. What
 * malloc() returns is not zero, and what was freed is something else again.
 *
 * The arena is for calls from the program itself (its executable: the user's code and weft). The C library's own, for
 * a buffer of printf() say, outlive the schedule and go to the C library, as do calls outside a schedule; build.sh has
 * turned the explorer's own into calls of the C library's. What is given back goes to where it came from, whoever
 * gives it back. Something that the program has from the C library (strdup()) or from before the schedule is not
 * watched.
 */
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shadow.h"

#define PC __builtin_return_address(0)

/* The names are the C library's. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

enum { OBJECTS = 1 << 14, FAILS_ONE_IN = 4, JUNK = 0xa5, FREED = 0xdb };

/* In the order of their addresses. */
struct object {
	const char *name; /* NULL: the program's own, by malloc() */
	char *at;
	size_t size;
	const void *pc; /* who allocated it */
	bool freed;
};

static struct object objects[OBJECTS];
static unsigned n_objects;
static size_t used;		 /* of the arena */
static uintptr_t text, text_end; /* of the program */

/* ---- objects ---- */

static char *allocate(size_t size, size_t alignment, const char *name, const void *pc)
{
	const size_t start = (used + alignment - 1) & ~(alignment - 1);
	char *const at = shadow.window + start;

	touch(TOUCH_OBJECTS, true);
	if (size > ARENA_SIZE || start + size + 2 * GRANULE > ARENA_SIZE || n_objects == OBJECTS)
		weft_explore_fail("limit", "more than %u bytes or %u objects in a schedule", (unsigned)ARENA_SIZE,
				  (unsigned)OBJECTS);
	used = start + (size + 2 * GRANULE - 1) / GRANULE * GRANULE;
	memset(shadow.granules + start / GRANULE, GRANULE, size / GRANULE);
	if (size % GRANULE != 0)
		shadow.granules[(start + size) / GRANULE] = size % GRANULE;
	objects[n_objects++] = (struct object){ .name = name, .at = at, .size = size, .pc = pc };
	return at;
}

/* Return: the last one that begins there or before; NULL: none. */
static struct object *object_at(const void *address)
{
	unsigned low = 0, high = n_objects;

	while (low < high) {
		const unsigned middle = (low + high) / 2;

		if ((uintptr_t)objects[middle].at <= (uintptr_t)address)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && in_arena(address) ? &objects[low - 1] : NULL;
}

static struct object *live_object(void *memory)
{
	struct object *const object = object_at(memory);
	char name[64];

	if (object == NULL || object->at != memory)
		weft_explore_fail("free", "of what is not the beginning of an object");
	if (object->freed)
		weft_explore_fail("double free", "of %s", memory_name(memory, name, sizeof(name)));
	return object;
}

static void release(void *memory, const void *pc)
{
	struct object *object;

	point(OP_FREE, memory, pc);
	object = live_object(memory);
	trace_step(&self()->last);
	memory_plain(memory, object->size, true, pc);
	memset(memory, FREED, object->size);
	memset(shadow.granules + ((char *)memory - shadow.window) / GRANULE, 0,
	       (object->size + GRANULE - 1) / GRANULE);
	object->freed = true;
	clock_tick(self(), run.self); /* or what it was allowed just now, it would be allowed still */
}

void *weft_explore_alloc(size_t size, const char *name)
{
	IN_SCHEDULE();
	return allocate(size, GRANULE, name, PC);
}

void weft_explore_free(void *memory)
{
	IN_SCHEDULE();
	release(memory, PC);
}

bool memory_is_freed(const void *address)
{
	const struct object *const object = object_at(address);

	return object != NULL && object->freed && (uintptr_t)address - (uintptr_t)object->at < object->size;
}

const char *memory_name(const void *address, char *buf, size_t size)
{
	const struct object *const object = object_at(address);
	unsigned fiber;

	snprintf(buf, size, "%p", address);
	if (address == NULL)
		snprintf(buf, size, "-");
	else if (is_static(address)) /* where it is in the program is the same every time, its address is not */
		snprintf(buf, size, "static+%zu", (size_t)((const char *)address - shadow.statics));
	if (fiber_stack_of(address, &fiber))
		snprintf(buf, size, "T%d.stack-%zu", (int)fiber - 1, fiber_stack_depth(address));
	if (object != NULL && object->name != NULL)
		snprintf(buf, size, "%s+%zu", object->name, (size_t)((const char *)address - object->at));
	else if (object != NULL)
		snprintf(buf, size, "malloc#%u+%zu", (unsigned)(object - objects) + 1,
			 (size_t)((const char *)address - object->at));
	return buf;
}

void memory_print_objects(FILE *out)
{
	enum { SHOWN = 16 };
	char name[64];

	for (unsigned i = 0; i < n_objects && i < SHOWN; i++) {
		memory_name(objects[i].at, name, sizeof(name));
		name[strcspn(name, "+")] = '\0';
		fprintf(out, "  %-12s%s", name, objects[i].freed ? " (freed)" : "");
		for (size_t at = 0; at + 4 <= objects[i].size && at < 96; at += 4) {
			uint32_t word;

			memcpy(&word, objects[i].at + at, sizeof(word));
			fprintf(out, " %x", word);
		}
		fprintf(out, "\n");
	}
	if (n_objects > SHOWN)
		fprintf(out, "  and %u more\n", n_objects - SHOWN);
}

/* ---- malloc() and its like ---- */

static bool is_ours(const void *pc)
{
	return run.active && run.self != HOST && (uintptr_t)pc - text < text_end - text;
}

/* Return: NULL: failed on purpose. */
static void *get(size_t size, size_t alignment, int junk, const void *pc)
{
	char *memory = NULL;

	point(OP_ALLOC, NULL, pc);
	if (!(run.scenario->flags & WEFT_EXPLORE_ALLOC_FAILS && fault(FAULT_ALLOC, FAILS_ONE_IN))) {
		memory = allocate(size, alignment < GRANULE ? GRANULE : alignment, NULL, pc);
		memset(memory, junk, size);
	}
	self()->last.address = memory;
	self()->last.before = size;
	self()->last.result = memory != NULL;
	trace_step(&self()->last);
	if (memory == NULL)
		errno = ENOMEM;
	return memory;
}

static void *resize(void *memory, size_t size, const void *pc)
{
	struct object *const object = live_object(memory);
	void *const more = get(size, GRANULE, JUNK, pc);
	const size_t kept = object->size < size ? object->size : size;

	if (more == NULL)
		return NULL;
	memory_plain(memory, kept, false, pc);
	memory_plain(more, kept, true, pc);
	memcpy(more, memory, kept);
	release(memory, pc);
	return more;
}

static void give_back(void *memory, const void *pc)
{
	if (!in_window(memory) && !is_static(memory))
		__libc_free(memory);
	else if (run.active && run.self != HOST)
		release(memory, pc);
}

void *malloc(size_t size)
{
	return is_ours(PC) ? get(size, GRANULE, JUNK, PC) : __libc_malloc(size);
}

void free(void *memory)
{
	if (memory != NULL)
		give_back(memory, PC);
}

void *calloc(size_t n, size_t size)
{
	size_t whole;

	if (!is_ours(PC))
		return __libc_calloc(n, size);
	if (__builtin_mul_overflow(n, size, &whole)) {
		errno = ENOMEM;
		return NULL;
	}
	return get(whole, GRANULE, 0, PC);
}

static void *new_size(void *memory, size_t size, const void *pc)
{
	if (memory == NULL)
		return is_ours(pc) ? get(size, GRANULE, JUNK, pc) : __libc_realloc(memory, size);
	if (!in_window(memory))
		return __libc_realloc(memory, size);
	if (size > 0)
		return resize(memory, size, pc);
	give_back(memory, pc);
	return NULL;
}

void *realloc(void *memory, size_t size)
{
	return new_size(memory, size, PC);
}

void *reallocarray(void *memory, size_t n, size_t size)
{
	size_t whole;

	if (__builtin_mul_overflow(n, size, &whole)) {
		errno = ENOMEM;
		return NULL;
	}
	return new_size(memory, whole, PC);
}

static void *get_aligned(size_t alignment, size_t size, const void *pc)
{
	return is_ours(pc) ? get(size, alignment, JUNK, pc) : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return get_aligned(alignment, size, PC);
}

void *memalign(size_t alignment, size_t size)
{
	return get_aligned(alignment, size, PC);
}

/* errno stays as it was. */
int posix_memalign(void **memory, size_t alignment, size_t size)
{
	const int saved = errno;
	void *found;

	if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0)
		return EINVAL;
	found = get_aligned(alignment, size, PC);
	errno = saved;
	if (found == NULL)
		return ENOMEM;
	*memory = found;
	return 0;
}

void *weft_sys_alloc(size_t size)
{
	return run.active ? get(size, GRANULE, 0, PC) : __libc_calloc(1, size);
}

void weft_sys_free(void *memory)
{
	if (memory != NULL)
		give_back(memory, PC);
}

/* ---- a schedule ---- */

static int find_text(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size, (void)unused;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *const each = &info->dlpi_phdr[i];

		if (each->p_type != PT_LOAD || !(each->p_flags & PF_X))
			continue;
		text = info->dlpi_addr + each->p_vaddr;
		text_end = text + each->p_memsz;
	}
	return 1; /* the program itself comes first */
}

void heap_setup(void)
{
	dl_iterate_phdr(find_text, NULL);
}

void heap_begin(void)
{
	memset(shadow.window, 0, used);
	memset(shadow.granules, 0, used / GRANULE);
	used = 0;
	n_objects = 0;
}

/* After end, by fiber 0. */
void heap_check_leaks(void)
{
	char name[64];

	if (!(run.scenario->flags & WEFT_EXPLORE_NO_LEAKS))
		return;
	for (unsigned i = 0; i < n_objects; i++)
		if (objects[i].name == NULL && !objects[i].freed) {
			self()->last = (struct step){ .op = OP_ALLOC,
						      .address = objects[i].at,
						      .pc = objects[i].pc,
						      .before = objects[i].size,
						      .result = 1 };
			memory_name(objects[i].at, name, sizeof(name));
			name[strcspn(name, "+")] = '\0';
			weft_explore_fail("leak", "%s, %zu bytes, was not freed", name, objects[i].size);
		}
}
