/* SPDX-License-Identifier: MIT */
/*
 * fiber.c - stacks, the switch between them, and the per-thread block that goes with it.
 *
 * The switch is a few instructions for x86-64 and aarch64; other machines have the C library's swapcontext(), which
 * costs two system calls. EXPLORE_UCONTEXT asks for that anywhere, for a test of it.
 */
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "shadow.h"

enum { GUARD_SIZE = 4096 };

static char *stacks;
static struct {
	char *image; /* what a thread starts with */
	char *of[FIBERS];
} tls;

void explore_enter(void); /* threads.c: what a fiber does, on its own stack */

#if !defined(__x86_64__) && !defined(__aarch64__) && !defined(EXPLORE_UCONTEXT)
#define EXPLORE_UCONTEXT
#endif

static char *end_of(unsigned number)
{
	return stacks + (size_t)(number + 1) * STACK_SIZE;
}

#ifdef EXPLORE_UCONTEXT

static ucontext_t contexts[FIBERS + 1];

/* What is to run, as of the start. */
static void prepare(unsigned number)
{
	ucontext_t *const context = &contexts[number];

	getcontext(context);
	context->uc_stack.ss_sp = stacks + (size_t)number * STACK_SIZE + GUARD_SIZE;
	context->uc_stack.ss_size = STACK_SIZE - GUARD_SIZE;
	context->uc_link = NULL;
	makecontext(context, explore_enter, 0);
	run.fibers[number].sp = end_of(number);
}

static void swap(unsigned from, unsigned to)
{
	if (from != HOST)
		run.fibers[from].sp = __builtin_frame_address(0);
	swapcontext(&contexts[from], &contexts[to]);
}

#else

void explore_switch(void **save, void *load);
void explore_start(void);

#if defined(__x86_64__)
__asm__(".text\n.globl explore_switch\n.type explore_switch,@function\nexplore_switch:\n"
	"	pushq %rbp\n	pushq %rbx\n	pushq %r12\n	pushq %r13\n	pushq %r14\n	pushq %r15\n"
	"	movq %rsp,(%rdi)\n	movq %rsi,%rsp\n"
	"	popq %r15\n	popq %r14\n	popq %r13\n	popq %r12\n	popq %rbx\n	popq %rbp\n	ret\n"
	".size explore_switch,.-explore_switch\n"
	".globl explore_start\n.type explore_start,@function\nexplore_start:\n"
	"	call explore_enter\n	ud2\n.size explore_start,.-explore_start\n");
enum { SAVED = 7, RETURN_AT = 6 };
#elif defined(__aarch64__)
__asm__(".text\n.globl explore_switch\n.type explore_switch,%function\nexplore_switch:\n"
	"	sub sp,sp,#160\n"
	"	stp x19,x20,[sp]\n	stp x21,x22,[sp,#16]\n	stp x23,x24,[sp,#32]\n	stp x25,x26,[sp,#48]\n"
	"	stp x27,x28,[sp,#64]\n	stp x29,x30,[sp,#80]\n	stp d8,d9,[sp,#96]\n	stp d10,d11,[sp,#112]\n"
	"	stp d12,d13,[sp,#128]\n	stp d14,d15,[sp,#144]\n"
	"	mov x9,sp\n	str x9,[x0]\n	mov sp,x1\n"
	"	ldp x19,x20,[sp]\n	ldp x21,x22,[sp,#16]\n	ldp x23,x24,[sp,#32]\n	ldp x25,x26,[sp,#48]\n"
	"	ldp x27,x28,[sp,#64]\n	ldp x29,x30,[sp,#80]\n	ldp d8,d9,[sp,#96]\n	ldp d10,d11,[sp,#112]\n"
	"	ldp d12,d13,[sp,#128]\n	ldp d14,d15,[sp,#144]\n"
	"	add sp,sp,#160\n	ret\n"
	".globl explore_start\n.type explore_start,%function\nexplore_start:\n	bl explore_enter\n	brk #0\n");
enum { SAVED = 20, RETURN_AT = 11 };
#endif

static void *host_sp;

/* What is to run, as of the start. */
static void prepare(unsigned number)
{
	void **const top = (void **)(void *)(end_of(number) - 64);

	memset(top - SAVED, 0, SAVED * sizeof(*top));
	top[-SAVED + RETURN_AT] = (void *)(uintptr_t)explore_start;
	run.fibers[number].sp = top - SAVED;
}

static void swap(unsigned from, unsigned to)
{
	explore_switch(from != HOST ? &run.fibers[from].sp : &host_sp, to != HOST ? run.fibers[to].sp : host_sp);
}

#endif

/* The program's own per-thread block, which all fibers share unless it is swapped. */
static int find_tls(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size, (void)unused;
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_TLS) {
			shadow.tls = info->dlpi_tls_data;
			shadow.tls_size = info->dlpi_phdr[i].p_memsz;
		}
	return 1; /* the program itself comes first */
}

void fiber_setup(void)
{
	stacks = shadow_setup() + ARENA_SIZE;
	for (unsigned i = 0; i < FIBERS; i++)
		mprotect(stacks + (size_t)i * STACK_SIZE, GUARD_SIZE, PROT_NONE);
	shadow.error = &errno;
	dl_iterate_phdr(find_tls, NULL);
	tls.image = malloc((FIBERS + 1) * shadow.tls_size + 1);
	if (tls.image == NULL)
		abort();
	memcpy(tls.image, shadow.tls, shadow.tls_size);
	for (unsigned i = 0; i < FIBERS; i++)
		tls.of[i] = tls.image + (i + 1) * shadow.tls_size;
}

/* Mostly a few words; and not a byte more, what comes after the block is somebody else's. */
static inline void copy_tls(char *to, const char *from)
{
	size_t i;

	for (i = 0; i + 8 <= shadow.tls_size; i += 8)
		memcpy(to + i, from + i, 8);
	for (; i < shadow.tls_size; i++)
		to[i] = from[i];
}

void fiber_prepare(unsigned number)
{
	prepare(number);
	copy_tls(tls.of[number], tls.image);
}

void fiber_switch(unsigned to)
{
	const unsigned from = run.self;

	if (from != HOST) {
		copy_tls(tls.of[from], shadow.tls);
		run.fibers[from].error = *shadow.error;
		clock_tick(&run.fibers[from], from); /* what it does next, the others do not know of */
	}
	copy_tls(shadow.tls, to != HOST ? tls.of[to] : tls.image);
	if (to != HOST)
		*shadow.error = run.fibers[to].error;
	run.self = to;
	swap(from, to);
}

bool fiber_stack_of(const void *address, unsigned *number)
{
	const size_t offset = (size_t)((uintptr_t)address - (uintptr_t)stacks);

	*number = (unsigned)(offset / STACK_SIZE);
	return offset < (size_t)FIBERS * STACK_SIZE;
}

bool fiber_guard_of(const void *address, unsigned *number)
{
	return fiber_stack_of(address, number) && ((uintptr_t)address - (uintptr_t)stacks) % STACK_SIZE < GUARD_SIZE;
}

size_t fiber_stack_depth(const void *address)
{
	return STACK_SIZE - (size_t)((uintptr_t)address - (uintptr_t)stacks) % STACK_SIZE;
}
