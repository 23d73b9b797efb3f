/* SPDX-License-Identifier: MIT */
/*
 * rlock.c - a lock that its owner may take again.
 *
 * sum() calls itself for each child and takes the tree's lock every time, so that it may also be called by itself
 * for any subtree. With a plain lock the second acquire would wait for ever.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <weft.h>

struct node {
	int value;
	const struct node *left, *right;
};

static struct weft_rlock lock = WEFT_RLOCK_INIT;	/* protects the tree */
static unsigned deepest;				/* protected by lock */

static int sum(const struct node *node)
{
	if (node == NULL)
		return 0;
	weft_guard(&lock);
	if (weft_rlock_depth(&lock) > deepest)
		deepest = weft_rlock_depth(&lock);
	return node->value + sum(node->left) + sum(node->right);
}

/* Another thread is no owner: it can neither take the lock nor release it. */
static void *stranger(void *unused)
{
	printf("another thread: try_acquire %s, release %s, depth %u, locked %s\n",
	       weft_rlock_try_acquire(&lock) == -EAGAIN ? "EAGAIN" : "?",
	       weft_rlock_release(&lock) == -EPERM ? "EPERM" : "?",
	       weft_rlock_depth(&lock), weft_rlock_locked(&lock) ? "yes" : "no");
	return unused;
}

int main(void)
{
	const struct node leaf = { 4, NULL, NULL };
	const struct node inner = { 3, &leaf, NULL };
	const struct node root = { 1, &(struct node){ 2, NULL, NULL }, &inner };
	pthread_t thread;

	printf("sum %d\n", sum(&root));
	printf("deepest %u, now %u\n", deepest, weft_rlock_depth(&lock));

	weft_with(&lock) {
		printf("owned: %s\n", weft_rlock_owned(&lock) ? "yes" : "no");
		if (pthread_create(&thread, NULL, stranger, NULL) != 0)
			abort();
		pthread_join(thread, NULL);
	}
	printf("owned: %s\n", weft_rlock_owned(&lock) ? "yes" : "no");
	return 0;
}
