/* SPDX-License-Identifier: MIT */
/*
 * section.c - a critical section that notices company.
 *
 * All plain memory: natively two threads inside trip over each other's pattern, and ThreadSanitizer sees a race if
 * they come one after the other but nothing orders them.
 */
#include "stress.h"

#include <inttypes.h>

void stress_section_init(struct stress_section *section)
{
	*section = (struct stress_section){ .inverse = ~UINT64_C(0) };
}

/* The compiler may not assume that plain memory stays as it is from here on; the processor is not told. */
static void look_again(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

void stress_section_enter(struct stress_worker *worker, struct stress_section *section)
{
	const uint64_t pattern = stress_random(worker);

	look_again();
	if (section->owner != 0)
		stress_fail(worker, "exclusion", "thread %u is inside too", section->owner - 1);
	if (section->pattern != ~section->inverse)
		stress_fail(worker, "exclusion", "found %#" PRIx64 " with %#" PRIx64 ", half of another's work",
			    section->pattern, section->inverse);
	section->owner = worker->id + 1;
	section->pattern = pattern;
	look_again();
	stress_dwell(worker);
	look_again();
	if (section->owner != worker->id + 1 || section->pattern != pattern)
		stress_fail(worker, "exclusion", "thread %u came inside too", section->owner - 1);
	section->inverse = ~pattern;
	section->entries++;
	look_again();
}

void stress_section_leave(struct stress_worker *worker, struct stress_section *section)
{
	look_again();
	if (section->owner != worker->id + 1)
		stress_fail(worker, "exclusion", "thread %u came inside too", section->owner - 1);
	section->owner = 0;
	look_again();
}
