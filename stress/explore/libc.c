/* SPDX-License-Identifier: MIT */
/*
 * libc.c - functions of the C library that touch the program's memory, in place of its own.
 *
 * The compiler announces what the program itself reads and writes, and for memcpy() and its like leaves that to us, as
 * it does to its sanitizer's library: gcc, and clang up to 15, by calls of that name, later clang by names of its own.
 * What other functions of the C library touch is not seen.
 *
 * The explorer's own copies do not come here: build.sh turns them into the explore_... ones, which are not watched. It
 * handles no strings inside a schedule.
 * Loops below are written so that no compiler makes a call of the very function out of one.
 */
#include <stdint.h>
#include <string.h>

#include "run.h"

#define PC __builtin_return_address(0)

/* The names are the C library's and the compiler's. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

/* glibc's own, by the names that it has for callers who know the destination's size. */
void *libc_memcpy(void *to, const void *from, size_t size, size_t room) __asm__("__memcpy_chk");
void *libc_memmove(void *to, const void *from, size_t size, size_t room) __asm__("__memmove_chk");
void *libc_memset(void *to, int byte, size_t size, size_t room) __asm__("__memset_chk");

/* All there is; the compiler must not know it, or it calls the function that we stand for instead. */
static size_t no_limit(void)
{
	size_t room = SIZE_MAX;

	__asm__("" : "+r"(room));
	return room;
}

void *explore_memcpy(void *to, const void *from, size_t size)
{
	return libc_memcpy(to, from, size, no_limit());
}

void *explore_memmove(void *to, const void *from, size_t size)
{
	return libc_memmove(to, from, size, no_limit());
}

void *explore_memset(void *to, int byte, size_t size)
{
	return libc_memset(to, byte, size, no_limit());
}

static void reads(const void *from, size_t size, const void *pc)
{
	memory_plain((void *)(uintptr_t)from, size, false, pc);
}

static void writes(void *to, size_t size, const void *pc)
{
	memory_plain(to, size, true, pc);
}

/* ---- copies ---- */

static void *copy(void *to, const void *from, size_t size, const void *pc)
{
	reads(from, size, pc);
	writes(to, size, pc);
	return explore_memmove(to, from, size);
}

static void *fill(void *to, int byte, size_t size, const void *pc)
{
	writes(to, size, pc);
	return explore_memset(to, byte, size);
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	return copy(to, from, size, PC);
}

void *memmove(void *to, const void *from, size_t size)
{
	return copy(to, from, size, PC);
}

void *memset(void *to, int byte, size_t size)
{
	return fill(to, byte, size, PC);
}

void *__tsan_memcpy(void *to, const void *from, size_t size)
{
	return copy(to, from, size, PC);
}

void *__tsan_memmove(void *to, const void *from, size_t size)
{
	return copy(to, from, size, PC);
}

void *__tsan_memset(void *to, int byte, size_t size)
{
	return fill(to, byte, size, PC);
}

/* ---- strings ---- */

/* At most @most; an empty statement of assembly keeps the loop a loop. First of all: is there a string? */
static size_t length(const char *string, size_t most, const void *pc)
{
	size_t n = 0;

	reads(string, most > 0, pc);
	while (n < most && string[n] != '\0') {
		n++;
		__asm__("" : "+r"(n));
	}
	return n;
}

/* What a comparison has looked at: up to the first difference, or to where both end. */
static size_t common_part(const char *a, const char *b, size_t most, bool strings)
{
	size_t n = 0;

	while (n < most && a[n] == b[n] && !(strings && a[n] == '\0')) {
		n++;
		__asm__("" : "+r"(n));
	}
	return n < most ? n + 1 : n;
}

static int compare(const void *a, const void *b, size_t most, bool strings, const void *pc)
{
	size_t n;

	reads(a, most > 0, pc);
	reads(b, most > 0, pc);
	n = common_part(a, b, most, strings);
	reads(a, n, pc);
	reads(b, n, pc);
	return n == 0 ? 0 : ((const unsigned char *)a)[n - 1] - ((const unsigned char *)b)[n - 1];
}

static void *find(const void *in, int byte, size_t size, const void *pc)
{
	const char *const bytes = in;
	size_t n = 0;

	reads(in, size > 0, pc);
	while (n < size && bytes[n] != (char)byte) {
		n++;
		__asm__("" : "+r"(n));
	}
	reads(in, n < size ? n + 1 : n, pc);
	return n < size ? (void *)(uintptr_t)(bytes + n) : NULL;
}

size_t strlen(const char *string)
{
	const size_t n = length(string, SIZE_MAX, PC);

	reads(string, n + 1, PC);
	return n;
}

int memcmp(const void *a, const void *b, size_t size)
{
	return compare(a, b, size, false, PC);
}

int strcmp(const char *a, const char *b)
{
	return compare(a, b, SIZE_MAX, true, PC);
}

int strncmp(const char *a, const char *b, size_t most)
{
	return compare(a, b, most, true, PC);
}

void *memchr(const void *in, int byte, size_t size)
{
	return find(in, byte, size, PC);
}

char *strchr(const char *string, int character)
{
	return find(string, character, length(string, SIZE_MAX, PC) + 1, PC);
}

char *strcpy(char *restrict to, const char *restrict from)
{
	copy(to, from, length(from, SIZE_MAX, PC) + 1, PC);
	return to;
}

char *strncpy(char *restrict to, const char *restrict from, size_t size)
{
	const size_t n = length(from, size, PC);

	copy(to, from, n < size ? n + 1 : n, PC);
	fill(to + n, 0, size - n, PC);
	return to;
}

char *strcat(char *restrict to, const char *restrict from)
{
	const size_t n = length(to, SIZE_MAX, PC);

	reads(to, n + 1, PC);
	copy(to + n, from, length(from, SIZE_MAX, PC) + 1, PC);
	return to;
}
