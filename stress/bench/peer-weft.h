/* SPDX-License-Identifier: MIT */
/* weft itself, as a program uses it: inline fast paths from the headers, the rest from the shared library. */
#include <weft.h>

#include "peer.h"

#define PEER weft
#define PEER_TITLE "weft"
#define PEER_HAS_LOCK
#define PEER_HAS_RLOCK
#define PEER_HAS_SEM
#define PEER_HAS_EVENT
#define PEER_HAS_COND
#define PEER_HAS_BARRIER
#define PEER_HAS_ONCE
#define PEER_HAS_LATCH

typedef struct weft_lock on_weft_lock_t;
static inline void on_weft_lock_init(on_weft_lock_t *l) { weft_lock_init(l); }
static inline int on_weft_lock_fini(on_weft_lock_t *l) { return weft_lock_destroy(l); }
static inline void on_weft_lock_acquire(on_weft_lock_t *l) { weft_lock_acquire(l); }
static inline void on_weft_lock_release(on_weft_lock_t *l) { weft_lock_release(l); }

typedef struct weft_rlock on_weft_rlock_t;
static inline void on_weft_rlock_init(on_weft_rlock_t *l) { weft_rlock_init(l); }
static inline int on_weft_rlock_fini(on_weft_rlock_t *l) { return weft_rlock_destroy(l); }
static inline void on_weft_rlock_acquire(on_weft_rlock_t *l) { weft_rlock_acquire(l); }
static inline void on_weft_rlock_release(on_weft_rlock_t *l) { weft_rlock_release(l); }

typedef struct weft_sem on_weft_sem_t;
static inline void on_weft_sem_init(on_weft_sem_t *s, unsigned value) { weft_sem_init(s, value); }
static inline int on_weft_sem_fini(on_weft_sem_t *s) { return weft_sem_destroy(s); }
static inline void on_weft_sem_acquire(on_weft_sem_t *s) { weft_sem_acquire(s); }
static inline void on_weft_sem_release(on_weft_sem_t *s) { weft_sem_release(s); }

typedef struct weft_event on_weft_event_t;
static inline void on_weft_event_init(on_weft_event_t *e) { weft_event_init(e); }
static inline int on_weft_event_fini(on_weft_event_t *e) { return weft_event_destroy(e); }
static inline void on_weft_event_wait(on_weft_event_t *e) { weft_event_wait(e); }
static inline void on_weft_event_set(on_weft_event_t *e) { weft_event_set(e); }
static inline void on_weft_event_clear(on_weft_event_t *e) { weft_event_clear(e); }

typedef struct weft_cond on_weft_cond_t;
static inline void on_weft_cond_init(on_weft_cond_t *c, on_weft_lock_t *l) { weft_cond_init_lock(c, l); }
static inline int on_weft_cond_fini(on_weft_cond_t *c) { return weft_cond_destroy(c); }
static inline void on_weft_cond_wait(on_weft_cond_t *c, on_weft_lock_t *l) { (void)l; weft_cond_wait(c); }
static inline void on_weft_cond_notify_one(on_weft_cond_t *c) { weft_cond_notify(c, 1); }
static inline void on_weft_cond_notify_all(on_weft_cond_t *c) { weft_cond_notify_all(c); }

typedef struct weft_barrier on_weft_barrier_t;
static inline void on_weft_barrier_init(on_weft_barrier_t *b, unsigned parties) { weft_barrier_init(b, parties); }
static inline int on_weft_barrier_fini(on_weft_barrier_t *b) { return weft_barrier_destroy(b); }
static inline void on_weft_barrier_wait(on_weft_barrier_t *b) { weft_barrier_wait(b); }

typedef struct weft_once on_weft_once_t;
static int on_weft_nothing(void *arg) { (void)arg; return 0; }
static inline void on_weft_once_init(on_weft_once_t *o) { weft_once_init(o); }
static inline void on_weft_once_call(on_weft_once_t *o) { weft_once_call(o, on_weft_nothing, NULL); }

typedef struct weft_latch on_weft_latch_t;
static inline void on_weft_latch_init(on_weft_latch_t *l, unsigned count) { weft_latch_init(l, count); }
static inline int on_weft_latch_fini(on_weft_latch_t *l) { return weft_latch_destroy(l); }
static inline void on_weft_latch_up(on_weft_latch_t *l, unsigned n) { weft_latch_count_up(l, n); }
static inline void on_weft_latch_down(on_weft_latch_t *l) { weft_latch_count_down(l, 1); }
static inline void on_weft_latch_wait(on_weft_latch_t *l) { weft_latch_wait(l); }

#include "kernels.h"
