/* SPDX-License-Identifier: MIT */
/*
 * probe.c - what a thread does just now, as the kernel knows it, and where this process runs.
 *
 * /proc/self/task/TID/syscall names the system call that a thread sleeps in, with its arguments. So it can be
 * awaited, without a guess, that a thread sleeps on a given word.
 */
#include "stress.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum stress_probe stress_probe;

/* What /proc says about @tid in @what, without the newline. */
static bool ask(pid_t tid, const char *what, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/%s", (int)tid, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

/* The word that @tid sleeps on, or 0. */
static uintptr_t futex_of(pid_t tid)
{
	char text[256], *end;
	long call;

	if (!ask(tid, "syscall", text, sizeof(text)))
		return 0;
	call = strtol(text, &end, 10);
	if (end == text || call != SYS_futex)
		return 0;
	return (uintptr_t)strtoull(end, NULL, 16);
}

bool stress_asleep_on(const struct stress_worker *worker, const void *object, size_t size)
{
	const uintptr_t word = futex_of(atomic_load_explicit(&worker->tid, memory_order_relaxed));

	return word - (uintptr_t)object < size;
}

void stress_probe_text(const struct stress_worker *worker, char *text, size_t size)
{
	const pid_t tid = atomic_load_explicit(&worker->tid, memory_order_relaxed);
	const void *on = atomic_load_explicit(&worker->on, memory_order_relaxed);
	const uintptr_t word = tid == 0 ? 0 : futex_of(tid);
	char stat[512];
	const char *state;

	if (word != 0 && on != NULL && word - (uintptr_t)on < 64)
		snprintf(text, size, "asleep in futex on its object + %zu", (size_t)(word - (uintptr_t)on));
	else if (word != 0)
		snprintf(text, size, "asleep in futex at %#zx", (size_t)word);
	else if (tid != 0 && ask(tid, "stat", stat, sizeof(stat)) && (state = strrchr(stat, ')')) != NULL &&
		 state[1] != '\0')
		snprintf(text, size, "state %c", state[2]);
	else
		snprintf(text, size, "state unknown");
}

/* ---- can it be used here? ---- */

struct trial {
	_Atomic(uint32_t) word;
	_Atomic(pid_t) tid;
};

static void *sleep_on_trial(void *arg)
{
	struct trial *trial = arg;

	atomic_store(&trial->tid, (pid_t)syscall(SYS_gettid));
	while (atomic_load(&trial->word) == 0)
		syscall(SYS_futex, &trial->word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0);
	return NULL;
}

void stress_probe_init(void)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	pthread_t thread;

	if (trial == NULL || pthread_create(&thread, NULL, sleep_on_trial, trial) != 0) {
		perror("weft-stress: pthread_create");
		exit(2);
	}
	for (unsigned i = 0; i < 200 && stress_probe == STRESS_PROBE_NONE; i++) {
		const pid_t tid = atomic_load(&trial->tid);

		if (tid != 0 && futex_of(tid) == (uintptr_t)&trial->word)
			stress_probe = STRESS_PROBE_ADDRESS;
		else
			usleep(500);
	}
	atomic_store(&trial->word, 1);
	syscall(SYS_futex, &trial->word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
	pthread_join(thread, NULL);
	free(trial);
}

/* qemu-user answers for /proc/self/exe itself, but lets /proc/thread-self through to the host. */
static bool under_qemu(void)
{
	char path[256];
	const ssize_t n = readlink("/proc/thread-self/exe", path, sizeof(path) - 1);
	const char *base;

	if (n <= 0)
		return false;
	path[n] = '\0';
	base = strrchr(path, '/');
	return base != NULL && strncmp(base + 1, "qemu", 4) == 0;
}

unsigned stress_slowness(void)
{
	static unsigned known;

	if (known == 0)
		known = (STRESS_TSAN ? 4 : STRESS_ASAN ? 2 : 1) * (under_qemu() ? 6 : 1);
	return known;
}

const char *stress_environment(void)
{
	if (STRESS_TSAN)
		return "ThreadSanitizer";
	if (STRESS_ASAN)
		return "AddressSanitizer";
	return under_qemu() ? "qemu-user" : "native";
}

/* ---- objects, for a report ---- */

size_t stress_describe_weft_lock(const void *object, char *text, size_t size)
{
	return weft_lock_describe(object, text, size);
}

size_t stress_describe_weft_rlock(const void *object, char *text, size_t size)
{
	return weft_rlock_describe(object, text, size);
}

size_t stress_describe_weft_event(const void *object, char *text, size_t size)
{
	return weft_event_describe(object, text, size);
}

size_t stress_describe_weft_cond(const void *object, char *text, size_t size)
{
	return weft_cond_describe(object, text, size);
}

size_t stress_describe_weft_sem(const void *object, char *text, size_t size)
{
	return weft_sem_describe(object, text, size);
}

size_t stress_describe_weft_barrier(const void *object, char *text, size_t size)
{
	return weft_barrier_describe(object, text, size);
}

size_t stress_describe_weft_once(const void *object, char *text, size_t size)
{
	return weft_once_describe(object, text, size);
}

size_t stress_describe_weft_latch(const void *object, char *text, size_t size)
{
	return weft_latch_describe(object, text, size);
}

/* Copy memory that may be gone: a pipe refuses what cannot be read. */
static bool copy_out(void *to, const void *from, size_t size)
{
	int ends[2];
	bool copied;

	if (pipe(ends) != 0)
		return false;
	copied = write(ends[1], from, size) == (ssize_t)size && read(ends[0], to, size) == (ssize_t)size;
	close(ends[0]);
	close(ends[1]);
	return copied;
}

void stress_dump(FILE *out, const char *name, const void *object, size_t size, stress_describer *describe)
{
	_Alignas(16) uint32_t copy[32] = { 0 };
	char text[128];

	if (object == NULL || size > sizeof(copy))
		return;
	if (!copy_out(copy, object, size)) {
		fprintf(out, "  %s at %p: not readable any more\n", name, object);
		return;
	}
	fprintf(out, "  %s at %p:", name, object);
	for (size_t i = 0; i < size / sizeof(copy[0]); i++)
		fprintf(out, " %08x", copy[i]);
	describe(copy, text, sizeof(text));
	fprintf(out, " - %s\n", text);
}
