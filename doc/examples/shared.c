/* SPDX-License-Identifier: MIT */
/*
 * shared.c - a counter that four processes share.
 *
 * The objects lie in memory that all of them map and are made with ..._init_shared; nothing else changes. They
 * hold no pointer, so each process may map them at an address of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>

enum { PROCESSES = 4, ROUNDS = 50000 };

struct shared {
	struct weft_event start;
	struct weft_lock lock;
	long counter;		/* protected by lock */
};

static void count(struct shared *shared)
{
	weft_event_wait(&shared->start);
	for (int i = 0; i < ROUNDS; i++)
		weft_with(&shared->lock) { shared->counter++; }
}

int main(void)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int failed = 0, status;

	if (shared == MAP_FAILED)
		abort();
	weft_event_init_shared(&shared->start);
	weft_lock_init_shared(&shared->lock);

	for (int i = 0; i < PROCESSES; i++) {
		const pid_t pid = fork();

		if (pid < 0)
			abort();
		if (pid == 0) {
			count(shared);
			_exit(0);
		}
	}
	weft_event_set(&shared->start);
	while (wait(&status) > 0)
		failed += status != 0;
	printf("%d processes, %d increments each: %ld\n", PROCESSES, ROUNDS, shared->counter);
	return failed != 0;
}
