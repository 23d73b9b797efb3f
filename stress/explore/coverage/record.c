/* SPDX-License-Identifier: MIT */
/*
 * record.c - which blocks of the library were run. Linked with a program that was compiled with
 * -fsanitize-coverage=trace-pc, which calls the first function at the start of each block; coverage.sh makes lines of
 * the addresses.
 */
#include <inttypes.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 1 << 22 };

extern char __executable_start[];
void __sanitizer_cov_trace_pc(void);

static uint8_t was_here[TEXT_MAX];

void __sanitizer_cov_trace_pc(void)
{
	const uintptr_t at = (uintptr_t)__builtin_return_address(0) - (uintptr_t)__executable_start;

	if (at < TEXT_MAX)
		was_here[at] = 1;
}

static int program_bias(struct dl_phdr_info *info, size_t size, void *bias)
{
	(void)size;
	*(uintptr_t *)bias = info->dlpi_addr;
	return 1; /* the program itself comes first */
}

/* The addresses, as return addresses in the program file, into the file that EXPLORE_COVERAGE names. */
__attribute__((__destructor__)) static void write_addresses(void)
{
	const char *const name = getenv("EXPLORE_COVERAGE");
	FILE *const file = name != NULL ? fopen(name, "w") : NULL;
	uintptr_t bias = 0;

	if (file == NULL)
		return;
	dl_iterate_phdr(program_bias, &bias);
	for (uintptr_t at = 0; at < TEXT_MAX; at++)
		if (was_here[at])
			fprintf(file, "%" PRIxPTR "\n", (uintptr_t)__executable_start - bias + at);
	fclose(file);
}
