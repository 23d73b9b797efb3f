/* SPDX-License-Identifier: MIT */
/*
 * barrier.c - three threads work in phases.
 *
 * Each phase reads what its neighbours wrote in the phase before, so nobody may begin one before all have ended the
 * last. The action runs once between two phases, in one of the threads, while the others still wait: here it swaps
 * the two buffers.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <weft.h>

enum { THREADS = 3, PHASES = 4 };

struct grid {
	struct weft_barrier barrier;
	long cells[2][THREADS];
	int current, phase;	/* changed by the action alone */
};

struct worker {
	pthread_t thread;
	struct grid *grid;
	int index, rounds_first;
};

static int next_phase(void *arg)
{
	struct grid *grid = arg;

	grid->current = !grid->current;
	grid->phase++;
	printf("after phase %d: %ld %ld %ld\n", grid->phase, grid->cells[grid->current][0],
	       grid->cells[grid->current][1], grid->cells[grid->current][2]);
	return 0;
}

static void *work(void *arg)
{
	struct worker *me = arg;
	struct grid *grid = me->grid;

	for (int phase = 0; phase < PHASES; phase++) {
		const long *from = grid->cells[grid->current];
		const int left = (me->index + THREADS - 1) % THREADS, right = (me->index + 1) % THREADS;

		grid->cells[!grid->current][me->index] = from[left] + from[right];
		if (weft_barrier_wait(&grid->barrier) == 0)
			me->rounds_first++;
	}
	return NULL;
}

int main(void)
{
	struct grid grid = { WEFT_BARRIER_INIT(THREADS), { { 1, 2, 3 } }, 0, 0 };
	struct worker workers[THREADS];
	int firsts = 0;

	weft_barrier_set_action(&grid.barrier, next_phase, &grid);
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .grid = &grid, .index = i };
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			abort();
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		firsts += workers[i].rounds_first;
	}
	printf("%d phases, index 0 given %d times\n", PHASES, firsts);
	return 0;
}
