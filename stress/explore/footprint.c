/* SPDX-License-Identifier: MIT */
/*
 * footprint.c - sets of what was touched: fours of bytes, or things that are no memory, each with whether it was
 * written.
 */
#include "footprint.h"
#include "shadow.h"

void footprint_clear(struct footprint *of)
{
	of->n = 0;
	of->all = false;
	of->stacks = 0;
}

void footprint_all(struct footprint *of)
{
	of->all = true;
}

static void add(struct footprint *of, uint64_t key, bool write)
{
	for (unsigned i = 0; i < of->n; i++)
		if (of->touched[i] >> 1 == key) {
			of->touched[i] |= write;
			return;
		}
	if (of->n == TOUCHED_MAX)
		of->all = true;
	else
		of->touched[of->n++] = key << 1 | write;
}

void footprint_touch(uint64_t key, bool write)
{
	if (!footprint->all)
		add(footprint, key, write);
}

void footprint_memory(const void *address, size_t size, bool write)
{
	const uint64_t first = (uint64_t)(uintptr_t)address >> 2;
	unsigned fiber;

	if (is_tls(address))
		return;
	if (fiber_stack_of(address, &fiber) && fiber != run.self)
		footprint->stacks |= (uint16_t)(1u << fiber);
	for (uint64_t key = first; key <= ((uint64_t)(uintptr_t)address + size - 1) >> 2 && !footprint->all; key++)
		add(footprint, TOUCH_MEMORY + key, write);
}

void footprint_join(struct footprint *into, const struct footprint *from)
{
	into->all |= from->all;
	into->stacks |= from->stacks;
	for (unsigned i = 0; i < from->n && !into->all; i++)
		add(into, from->touched[i] >> 1, from->touched[i] & 1);
}

bool footprint_commutes(const struct footprint *a, unsigned of_a, const struct footprint *b, unsigned of_b)
{
	if (a->all || b->all || a->stacks >> of_b & 1 || b->stacks >> of_a & 1)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		for (unsigned j = 0; j < b->n; j++)
			if (a->touched[i] >> 1 == b->touched[j] >> 1 && (a->touched[i] | b->touched[j]) & 1)
				return false;
	return true;
}
