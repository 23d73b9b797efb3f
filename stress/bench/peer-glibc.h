/* SPDX-License-Identifier: MIT */
/*
 * The C library's own: default and recursive mutex, sem_t, condition, barrier, pthread_once (which call_once is, too). It has no event and no latch; a flag or a
 * count under a mutex with a condition is the usual way to write one.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

#include "peer.h"

#define PEER glibc
#define PEER_TITLE "glibc"
#define PEER_HAS_LOCK
#define PEER_HAS_RLOCK
#define PEER_HAS_SEM
#define PEER_HAS_EVENT
#define PEER_HAS_COND
#define PEER_HAS_BARRIER
#define PEER_HAS_ONCE
#define PEER_HAS_LATCH

typedef pthread_mutex_t on_glibc_lock_t;
static inline void on_glibc_lock_init(on_glibc_lock_t *l) { pthread_mutex_init(l, NULL); }
static inline int on_glibc_lock_fini(on_glibc_lock_t *l) { return pthread_mutex_destroy(l); }
static inline void on_glibc_lock_acquire(on_glibc_lock_t *l) { pthread_mutex_lock(l); }
static inline void on_glibc_lock_release(on_glibc_lock_t *l) { pthread_mutex_unlock(l); }

typedef struct { pthread_mutex_t mutex; } on_glibc_rlock_t;
static inline void on_glibc_rlock_init(on_glibc_rlock_t *l)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&l->mutex, &attr);
	pthread_mutexattr_destroy(&attr);
}
static inline int on_glibc_rlock_fini(on_glibc_rlock_t *l) { return pthread_mutex_destroy(&l->mutex); }
static inline void on_glibc_rlock_acquire(on_glibc_rlock_t *l) { pthread_mutex_lock(&l->mutex); }
static inline void on_glibc_rlock_release(on_glibc_rlock_t *l) { pthread_mutex_unlock(&l->mutex); }

typedef sem_t on_glibc_sem_t;
static inline void on_glibc_sem_init(on_glibc_sem_t *s, unsigned value) { sem_init(s, 0, value); }
static inline int on_glibc_sem_fini(on_glibc_sem_t *s) { return sem_destroy(s); }
static inline void on_glibc_sem_acquire(on_glibc_sem_t *s)
{
	while (sem_wait(s) != 0 && errno == EINTR)
		;
}
static inline void on_glibc_sem_release(on_glibc_sem_t *s) { sem_post(s); }

typedef pthread_cond_t on_glibc_cond_t;
static inline void on_glibc_cond_init(on_glibc_cond_t *c, on_glibc_lock_t *l) { (void)l; pthread_cond_init(c, NULL); }
static inline int on_glibc_cond_fini(on_glibc_cond_t *c) { return pthread_cond_destroy(c); }
static inline void on_glibc_cond_wait(on_glibc_cond_t *c, on_glibc_lock_t *l) { pthread_cond_wait(c, l); }
static inline void on_glibc_cond_notify_one(on_glibc_cond_t *c) { pthread_cond_signal(c); }
static inline void on_glibc_cond_notify_all(on_glibc_cond_t *c) { pthread_cond_broadcast(c); }

typedef struct {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool flag;
} on_glibc_event_t;
static inline void on_glibc_event_init(on_glibc_event_t *e)
{
	pthread_mutex_init(&e->mutex, NULL);
	pthread_cond_init(&e->cond, NULL);
	e->flag = false;
}
static inline int on_glibc_event_fini(on_glibc_event_t *e)
{
	return pthread_cond_destroy(&e->cond) | pthread_mutex_destroy(&e->mutex);
}
static inline void on_glibc_event_wait(on_glibc_event_t *e)
{
	pthread_mutex_lock(&e->mutex);
	while (!e->flag)
		pthread_cond_wait(&e->cond, &e->mutex);
	pthread_mutex_unlock(&e->mutex);
}
static inline void on_glibc_event_set(on_glibc_event_t *e)
{
	pthread_mutex_lock(&e->mutex);
	e->flag = true;
	pthread_cond_broadcast(&e->cond);
	pthread_mutex_unlock(&e->mutex);
}
static inline void on_glibc_event_clear(on_glibc_event_t *e)
{
	pthread_mutex_lock(&e->mutex);
	e->flag = false;
	pthread_mutex_unlock(&e->mutex);
}

typedef pthread_barrier_t on_glibc_barrier_t;
static inline void on_glibc_barrier_init(on_glibc_barrier_t *b, unsigned n) { pthread_barrier_init(b, NULL, n); }
static inline int on_glibc_barrier_fini(on_glibc_barrier_t *b) { return pthread_barrier_destroy(b); }
static inline void on_glibc_barrier_wait(on_glibc_barrier_t *b) { pthread_barrier_wait(b); }

typedef pthread_once_t on_glibc_once_t;
static void on_glibc_nothing(void) { }
static inline void on_glibc_once_init(on_glibc_once_t *o) { *o = PTHREAD_ONCE_INIT; }
static inline void on_glibc_once_call(on_glibc_once_t *o) { pthread_once(o, on_glibc_nothing); }

typedef struct {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	unsigned count;
} on_glibc_latch_t;
static inline void on_glibc_latch_init(on_glibc_latch_t *l, unsigned count)
{
	pthread_mutex_init(&l->mutex, NULL);
	pthread_cond_init(&l->cond, NULL);
	l->count = count;
}
static inline int on_glibc_latch_fini(on_glibc_latch_t *l)
{
	return pthread_cond_destroy(&l->cond) | pthread_mutex_destroy(&l->mutex);
}
static inline void on_glibc_latch_up(on_glibc_latch_t *l, unsigned n)
{
	pthread_mutex_lock(&l->mutex);
	l->count += n;
	pthread_mutex_unlock(&l->mutex);
}
static inline void on_glibc_latch_down(on_glibc_latch_t *l)
{
	pthread_mutex_lock(&l->mutex);
	if (--l->count == 0)
		pthread_cond_broadcast(&l->cond);
	pthread_mutex_unlock(&l->mutex);
}
static inline void on_glibc_latch_wait(on_glibc_latch_t *l)
{
	pthread_mutex_lock(&l->mutex);
	while (l->count > 0)
		pthread_cond_wait(&l->cond, &l->mutex);
	pthread_mutex_unlock(&l->mutex);
}

#include "kernels.h"
