/* SPDX-License-Identifier: MIT */
/*
 * tsan.c - the entry points that the compiler calls under -fsanitize=thread. gcc hands over the expected value of a
 * compare-exchange by pointer, clang by value.
 */
#include <string.h>

#include "shadow.h"

#define PC __builtin_return_address(0)

/* The runtime interface's names are the compiler's. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

/* Called when the program starts, once for each file that was compiled with -fsanitize=thread; in the library's own
   build.sh changes the name. */
void __tsan_init(void)
{
	mistakes_instrumented = true;
}

void explore_library_init(void)
{
}

void __tsan_func_entry(void *pc)
{
	if ((run.tracing || run.linting) && run.active)
		trace_call(pc);
}

void __tsan_func_exit(void)
{
	if ((run.tracing || run.linting) && run.active)
		trace_return();
}

static inline __attribute__((__always_inline__)) bool is_simple(void *address, size_t size, enum kind kind)
{
	const struct fiber *const me = self();
	struct unit *const unit = simple_unit(address, size);

	if (unit == NULL || run.every_access)
		return false;
	if (unit_is_current(unit, kind, me) && (size == 4 || unit_is_current(&unit[1], kind, me)))
		return true;
	if (kind == WRITE && (unit->atomic == run.origin || (size == 8 && unit[1].atomic == run.origin)))
		return false; /* stores are to be forgotten */
	return units_access(unit, size, kind, me);
}

static inline __attribute__((__always_inline__)) void plain(void *address, size_t size, enum kind kind,
							    const void *pc)
{
	if (run.active && !is_simple(address, size, kind))
		memory_plain(address, size, kind == WRITE, pc);
}

#define PLAIN(size)                                                                                                  \
	void __tsan_read##size(void *address)                                                                        \
	{                                                                                                            \
		plain(address, size, READ, PC);                                                                      \
	}                                                                                                            \
	void __tsan_write##size(void *address)                                                                       \
	{                                                                                                            \
		plain(address, size, WRITE, PC);                                                                     \
	}                                                                                                            \
	void __tsan_unaligned_read##size(void *address)                                                              \
	{                                                                                                            \
		memory_plain(address, size, false, PC);                                                              \
	}                                                                                                            \
	void __tsan_unaligned_write##size(void *address)                                                             \
	{                                                                                                            \
		memory_plain(address, size, true, PC);                                                               \
	}                                                                                                            \
	void __tsan_read_write##size(void *address)                                                                  \
	{                                                                                                            \
		plain(address, size, READ, PC);                                                                      \
		plain(address, size, WRITE, PC);                                                                     \
	}

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *address, size_t size)
{
	memory_plain(address, size, false, PC);
}

void __tsan_write_range(void *address, size_t size)
{
	memory_plain(address, size, true, PC);
}

/* C++: an object's table of virtual functions is set by each constructor and destructor, often to what it is already. */
void __tsan_vptr_update(void **table, void *to)
{
	if (*table != to)
		memory_plain(table, sizeof(*table), true, PC);
}

void __tsan_vptr_read(void **table)
{
	memory_plain(table, sizeof(*table), false, PC);
}

static uint64_t op_exchange(uint64_t old, uint64_t operand)
{
	(void)old;
	return operand;
}

static uint64_t op_add(uint64_t old, uint64_t operand)
{
	return old + operand;
}

static uint64_t op_sub(uint64_t old, uint64_t operand)
{
	return old - operand;
}

static uint64_t op_and(uint64_t old, uint64_t operand)
{
	return old & operand;
}

static uint64_t op_or(uint64_t old, uint64_t operand)
{
	return old | operand;
}

static uint64_t op_xor(uint64_t old, uint64_t operand)
{
	return old ^ operand;
}

static uint64_t op_nand(uint64_t old, uint64_t operand)
{
	return ~(old & operand);
}

#define RMW(bits, name, op)                                                                                          \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *address, uint##bits##_t operand,        \
						    int order)                                                       \
	{                                                                                                            \
		return (uint##bits##_t)memory_rmw((void *)(uintptr_t)address, bits / 8, order, op, operand, PC);     \
	}

#define CAS_BY_POINTER(bits, name)                                                                                   \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile uint##bits##_t *address,                          \
							  uint##bits##_t *expected, uint##bits##_t desired,          \
							  int order, int failure_order)                              \
	{                                                                                                            \
		const uint##bits##_t wanted = *expected;                                                             \
                                                                                                                     \
		*expected = (uint##bits##_t)memory_cas((void *)(uintptr_t)address, bits / 8, wanted, desired, order, \
						       failure_order, PC);                                           \
		return *expected == wanted;                                                                          \
	}

/* One that fails for no reason is a load. Only gcc says which are weak. */
enum { WEAK_FAILS_ONE_IN = 8 };

#define WEAK_CAS(bits)                                                                                               \
	int __tsan_atomic##bits##_compare_exchange_weak(volatile uint##bits##_t *address, uint##bits##_t *expected,  \
							uint##bits##_t desired, int order, int failure_order)        \
	{                                                                                                            \
		const uint##bits##_t wanted = *expected;                                                             \
                                                                                                                     \
		if (run.active && fault(FAULT_CAS, WEAK_FAILS_ONE_IN)) {                                             \
			*expected = (uint##bits##_t)memory_load((void *)(uintptr_t)address, bits / 8, failure_order, \
								PC);                                                 \
			return 0;                                                                                    \
		}                                                                                                    \
		*expected = (uint##bits##_t)memory_cas((void *)(uintptr_t)address, bits / 8, wanted, desired, order, \
						       failure_order, PC);                                           \
		return *expected == wanted;                                                                          \
	}

#define ATOMIC(bits)                                                                                                 \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *address, int order)                 \
	{                                                                                                            \
		return (uint##bits##_t)memory_load((void *)(uintptr_t)address, bits / 8, order, PC);                 \
	}                                                                                                            \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *address, uint##bits##_t value, int order)          \
	{                                                                                                            \
		memory_store((void *)(uintptr_t)address, bits / 8, value, order, PC);                                \
	}                                                                                                            \
	RMW(bits, exchange, op_exchange)                                                                             \
	RMW(bits, fetch_add, op_add)                                                                                 \
	RMW(bits, fetch_sub, op_sub)                                                                                 \
	RMW(bits, fetch_and, op_and)                                                                                 \
	RMW(bits, fetch_or, op_or)                                                                                   \
	RMW(bits, fetch_xor, op_xor)                                                                                 \
	RMW(bits, fetch_nand, op_nand)                                                                               \
	CAS_BY_POINTER(bits, strong)                                                                                 \
	WEAK_CAS(bits)                                                                                               \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(volatile uint##bits##_t *address,                  \
								  uint##bits##_t expected, uint##bits##_t desired,   \
								  int order, int failure_order)                      \
	{                                                                                                            \
		return (uint##bits##_t)memory_cas((void *)(uintptr_t)address, bits / 8, expected, desired, order,    \
						  failure_order, PC);                                                \
	}

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int order)
{
	memory_fence(order);
}

void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}
