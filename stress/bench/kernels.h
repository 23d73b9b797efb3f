/* SPDX-License-Identifier: MIT */
/*
 * Every loop that is measured, compiled once for each peer: peer-NAME.h includes this file after it has defined PEER
 * and its operations. No include guard, on purpose. The loops know nothing of the peer but its operations.
 *
 * Every thread goes round at least once, however short the run. Functions are aligned alike for all peers, so that none
 * is lucky with its place in a cache line.
 */
#define KERNEL static __attribute__((__noinline__, __aligned__(CACHE_LINE))) void
#define SLOT _Alignas(CACHE_LINE)

struct ON(objects) {
	SLOT char none;
#ifdef PEER_HAS_FLOOR
	SLOT ON(lock_t) floor;
#endif
#ifdef PEER_HAS_LOCK
	SLOT ON(lock_t) lock;
#endif
#ifdef PEER_HAS_RLOCK
	SLOT ON(rlock_t) rlock;
#endif
#ifdef PEER_HAS_SEM
	SLOT ON(sem_t) sem[2];
	SLOT ON(sem_t) pong;
#endif
#ifdef PEER_HAS_EVENT
	SLOT ON(event_t) event[2];
	SLOT ON(event_t) done;
#endif
#ifdef PEER_HAS_COND
	SLOT ON(cond_t) cond;
	SLOT ON(cond_t) back;
#endif
#ifdef PEER_HAS_BARRIER
	SLOT ON(barrier_t) barrier;
#endif
#ifdef PEER_HAS_ONCE
	SLOT ON(once_t) once;
#endif
#ifdef PEER_HAS_LATCH
	SLOT ON(latch_t) start[2];
	SLOT ON(latch_t) finish;
#endif
};

static void ON(open)(void *objects, unsigned parties)
{
	struct ON(objects) *o = objects;

	(void)o;
	(void)parties;
#ifdef PEER_HAS_FLOOR
	ON(lock_init)(&o->floor);
#endif
#ifdef PEER_HAS_LOCK
	ON(lock_init)(&o->lock);
#endif
#ifdef PEER_HAS_RLOCK
	ON(rlock_init)(&o->rlock);
#endif
#ifdef PEER_HAS_SEM
	ON(sem_init)(&o->sem[0], 0);
	ON(sem_init)(&o->sem[1], 1);
	ON(sem_init)(&o->pong, 0);
#endif
#ifdef PEER_HAS_EVENT
	ON(event_init)(&o->event[0]);
	ON(event_init)(&o->event[1]);
	ON(event_init)(&o->done);
#endif
#ifdef PEER_HAS_COND
	ON(cond_init)(&o->cond, &o->lock);
	ON(cond_init)(&o->back, &o->lock);
#endif
#ifdef PEER_HAS_BARRIER
	ON(barrier_init)(&o->barrier, parties);
#endif
#ifdef PEER_HAS_ONCE
	ON(once_init)(&o->once);
#endif
#ifdef PEER_HAS_LATCH
	ON(latch_init)(&o->start[0], 1);
	ON(latch_init)(&o->start[1], 0);
	ON(latch_init)(&o->finish, 0);
#endif
}

/* 0: every object was left as it should be. */
static int ON(close)(void *objects)
{
	struct ON(objects) *o = objects;
	int bad = 0;

	(void)o;
#ifdef PEER_HAS_FLOOR
	bad |= ON(lock_fini)(&o->floor);
#endif
#ifdef PEER_HAS_COND
	bad |= ON(cond_fini)(&o->cond);
	bad |= ON(cond_fini)(&o->back);
#endif
#ifdef PEER_HAS_LOCK
	bad |= ON(lock_fini)(&o->lock);
#endif
#ifdef PEER_HAS_RLOCK
	bad |= ON(rlock_fini)(&o->rlock);
#endif
#ifdef PEER_HAS_SEM
	bad |= ON(sem_fini)(&o->sem[0]);
	bad |= ON(sem_fini)(&o->sem[1]);
	bad |= ON(sem_fini)(&o->pong);
#endif
#ifdef PEER_HAS_EVENT
	bad |= ON(event_fini)(&o->event[0]);
	bad |= ON(event_fini)(&o->event[1]);
	bad |= ON(event_fini)(&o->done);
#endif
#ifdef PEER_HAS_BARRIER
	bad |= ON(barrier_fini)(&o->barrier);
#endif
#ifdef PEER_HAS_LATCH
	bad |= ON(latch_fini)(&o->start[0]);
	bad |= ON(latch_fini)(&o->start[1]);
	bad |= ON(latch_fini)(&o->finish);
#endif
	return bad;
}

/* ---- uncontended pairs: @n of them, by one thread ---- */

#ifdef PEER_HAS_FLOOR
KERNEL ON(pair_floor)(void *objects, uint64_t n)
{
	struct ON(objects) *o = objects;

	for (; n > 0; n--) {
		ON(lock_acquire)(&o->floor);
		keep(o);
		ON(lock_release)(&o->floor);
		keep(o);
	}
}
#endif

#ifdef PEER_HAS_LOCK
KERNEL ON(pair_lock)(void *objects, uint64_t n)
{
	struct ON(objects) *o = objects;

	for (; n > 0; n--) {
		ON(lock_acquire)(&o->lock);
		keep(o);
		ON(lock_release)(&o->lock);
		keep(o);
	}
}
#endif

#ifdef PEER_HAS_RLOCK
KERNEL ON(pair_rlock)(void *objects, uint64_t n)
{
	struct ON(objects) *o = objects;

	for (; n > 0; n--) {
		ON(rlock_acquire)(&o->rlock);
		keep(o);
		ON(rlock_release)(&o->rlock);
		keep(o);
	}
}

/* Two levels, taken and given back: four calls. */
KERNEL ON(pair_rlock_nested)(void *objects, uint64_t n)
{
	struct ON(objects) *o = objects;

	for (; n > 0; n--) {
		ON(rlock_acquire)(&o->rlock);
		keep(o);
		ON(rlock_acquire)(&o->rlock);
		keep(o);
		ON(rlock_release)(&o->rlock);
		keep(o);
		ON(rlock_release)(&o->rlock);
		keep(o);
	}
}
#endif

#ifdef PEER_HAS_SEM
KERNEL ON(pair_sem)(void *objects, uint64_t n)
{
	struct ON(objects) *o = objects;

	for (; n > 0; n--) {
		ON(sem_acquire)(&o->sem[1]);
		keep(o);
		ON(sem_release)(&o->sem[1]);
		keep(o);
	}
}
#endif

#ifdef PEER_HAS_EVENT
KERNEL ON(pair_event_wait)(void *objects, uint64_t n)
{
	struct ON(objects) *o = objects;

	ON(event_set)(&o->done);
	for (; n > 0; n--) {
		ON(event_wait)(&o->done);
		keep(o);
	}
}

KERNEL ON(pair_event_set)(void *objects, uint64_t n)
{
	struct ON(objects) *o = objects;

	for (; n > 0; n--) {
		ON(event_set)(&o->event[0]);
		keep(o);
		ON(event_clear)(&o->event[0]);
		keep(o);
	}
}
#endif

#ifdef PEER_HAS_COND
/* The lock is held throughout: only the notify is measured. */
KERNEL ON(pair_cond_notify)(void *objects, uint64_t n)
{
	struct ON(objects) *o = objects;

	ON(lock_acquire)(&o->lock);
	for (; n > 0; n--) {
		ON(cond_notify_one)(&o->cond);
		keep(o);
	}
	ON(lock_release)(&o->lock);
}
#endif

#ifdef PEER_HAS_ONCE
KERNEL ON(pair_once)(void *objects, uint64_t n)
{
	struct ON(objects) *o = objects;

	for (; n > 0; n--) {
		ON(once_call)(&o->once);
		keep(o);
	}
}
#endif

/* ---- teams ---- */

#ifdef PEER_HAS_LOCK
/* The wait is from before acquire to after it. Bookkeeping is done outside the section. */
KERNEL ON(contended)(struct run *run, struct member *me)
{
	struct ON(objects) *o = run->objects;
	const uint64_t section = run->section, outside = run->outside;

	do {
		const uint64_t before = ticks();
		uint64_t after;

		ON(lock_acquire)(&o->lock);
		after = ticks();
		run->counter++;
		burn(section);
		ON(lock_release)(&o->lock);
		/* Clocks of two CPUs may differ by a few ticks. */
		hist_add(me->hist, after > before ? after - before : 0);
		me->count++;
		if (outside > 0)
			burn(outside);
	} while (!run_stopped(run));
}
#endif

#ifdef PEER_HAS_COND
/* Two threads take turns, under one lock with one condition. */
KERNEL ON(ping_cond)(struct run *run, struct member *me)
{
	struct ON(objects) *o = run->objects;
	bool over = false;

	while (!over) {
		ON(lock_acquire)(&o->lock);
		while (run->turn != me->index && !run->over)
			ON(cond_wait)(&o->cond, &o->lock);
		if (me->index == 0)
			run->over = run_stopped(run);
		over = run->over;
		run->turn = !me->index;
		ON(cond_notify_one)(&o->cond);
		ON(lock_release)(&o->lock);
		me->count++;
	}
}

/*
 * Thread 0 wakes all others and waits until all are back. A thread counts itself and goes on to wait without giving
 * up the lock between, so whoever has been counted is waiting when thread 0 gets the lock.
 */
KERNEL ON(notify_all)(struct run *run, struct member *me)
{
	struct ON(objects) *o = run->objects;
	const unsigned waiters = run->threads - 1;
	uint64_t seen = 0;

	ON(lock_acquire)(&o->lock);
	if (me->index == 0) {
		do {
			run->returned = 0;
			run->generation++;
			ON(cond_notify_all)(&o->cond);
			while (run->returned < waiters)
				ON(cond_wait)(&o->back, &o->lock);
			me->count++;
		} while (!run_stopped(run));
		run->over = true;
		ON(cond_notify_all)(&o->cond);
	} else {
		while (!run->over) {
			while (run->generation == seen && !run->over)
				ON(cond_wait)(&o->cond, &o->lock);
			seen = run->generation;
			if (++run->returned == waiters)
				ON(cond_notify_one)(&o->back);
		}
	}
	ON(lock_release)(&o->lock);
}
#endif

#ifdef PEER_HAS_SEM
KERNEL ON(ping_sem)(struct run *run, struct member *me)
{
	struct ON(objects) *o = run->objects;
	bool over = false;

	while (!over) {
		if (me->index == 0) {
			over = run_stopped(run);
			run->over = over;
			ON(sem_release)(&o->sem[0]);
			ON(sem_acquire)(&o->pong);
		} else {
			ON(sem_acquire)(&o->sem[0]);
			over = run->over;
			ON(sem_release)(&o->pong);
		}
		me->count++;
	}
}
#endif

#ifdef PEER_HAS_EVENT
KERNEL ON(ping_event)(struct run *run, struct member *me)
{
	struct ON(objects) *o = run->objects;
	bool over = false;

	while (!over) {
		if (me->index == 0) {
			over = run_stopped(run);
			run->over = over;
			ON(event_set)(&o->event[0]);
			ON(event_wait)(&o->event[1]);
			ON(event_clear)(&o->event[1]);
		} else {
			ON(event_wait)(&o->event[0]);
			ON(event_clear)(&o->event[0]);
			over = run->over;
			ON(event_set)(&o->event[1]);
		}
		me->count++;
	}
}

/*
 * Thread 0 sets one of two events, in turn; all others wait for it, count themselves, and the last one sets "done".
 * The event is cleared once all have passed, while they already wait for the other.
 */
KERNEL ON(event_set_all)(struct run *run, struct member *me)
{
	struct ON(objects) *o = run->objects;
	const unsigned waiters = run->threads - 1;
	unsigned phase = 0;
	bool over = false;

	for (; !over; phase = !phase) {
		if (me->index == 0) {
			over = run_stopped(run);
			run->over = over;
			atomic_store_explicit(&run->back, 0, memory_order_relaxed);
			ON(event_set)(&o->event[phase]);
			ON(event_wait)(&o->done);
			ON(event_clear)(&o->done);
			ON(event_clear)(&o->event[phase]);
		} else {
			ON(event_wait)(&o->event[phase]);
			over = run->over;
			if (atomic_fetch_add_explicit(&run->back, 1, memory_order_acq_rel) + 1 == waiters)
				ON(event_set)(&o->done);
		}
		me->count++;
	}
}
#endif

#ifdef PEER_HAS_BARRIER
/* Thread 0 announces the last round before it enters that round, by number: who is a round behind goes on. */
KERNEL ON(barrier_rounds)(struct run *run, struct member *me)
{
	struct ON(objects) *o = run->objects;
	uint64_t round = 1;

	for (;; round++) {
		if (me->index == 0 && run_stopped(run))
			atomic_store_explicit(&run->last, round, memory_order_relaxed);
		ON(barrier_wait)(&o->barrier);
		me->count++;
		if (atomic_load_explicit(&run->last, memory_order_relaxed) == round)
			return;
	}
}
#endif

#ifdef PEER_HAS_LATCH
/* A batch of work for each of the others: a latch that lets all begin, and one that tells when all are through. */
KERNEL ON(latch_batches)(struct run *run, struct member *me)
{
	struct ON(objects) *o = run->objects;
	const unsigned workers = run->threads - 1;
	unsigned phase = 0;
	bool over = false;

	for (; !over; phase = !phase) {
		if (me->index == 0) {
			over = run_stopped(run);
			run->over = over;
			ON(latch_up)(&o->finish, workers);
			ON(latch_up)(&o->start[!phase], 1);
			ON(latch_down)(&o->start[phase]);
			ON(latch_wait)(&o->finish);
		} else {
			ON(latch_wait)(&o->start[phase]);
			over = run->over;
			ON(latch_down)(&o->finish);
		}
		me->count++;
	}
}
#endif

static const struct peer ON(peer) = {
	.name = PEER_QUOTE(PEER),
	.title = PEER_TITLE,
	.objects_size = sizeof(struct ON(objects)),
	.open = ON(open),
	.close = ON(close),
#ifdef PEER_HAS_LOCK
	.size[OBJECT_LOCK] = sizeof(ON(lock_t)),
#endif
#ifdef PEER_HAS_RLOCK
	.size[OBJECT_RLOCK] = sizeof(ON(rlock_t)),
#endif
#ifdef PEER_HAS_SEM
	.size[OBJECT_SEM] = sizeof(ON(sem_t)),
#endif
#ifdef PEER_HAS_EVENT
	.size[OBJECT_EVENT] = sizeof(ON(event_t)),
#endif
#ifdef PEER_HAS_COND
	.size[OBJECT_COND] = sizeof(ON(cond_t)),
#endif
#ifdef PEER_HAS_BARRIER
	.size[OBJECT_BARRIER] = sizeof(ON(barrier_t)),
#endif
#ifdef PEER_HAS_ONCE
	.size[OBJECT_ONCE] = sizeof(ON(once_t)),
#endif
#ifdef PEER_HAS_LATCH
	.size[OBJECT_LATCH] = sizeof(ON(latch_t)),
#endif
#ifdef PEER_HAS_FLOOR
	.pair[PAIR_FLOOR] = ON(pair_floor),
#endif
#ifdef PEER_HAS_LOCK
	.pair[PAIR_LOCK] = ON(pair_lock),
#endif
#ifdef PEER_HAS_RLOCK
	.pair[PAIR_RLOCK] = ON(pair_rlock),
	.pair[PAIR_RLOCK_NESTED] = ON(pair_rlock_nested),
#endif
#ifdef PEER_HAS_SEM
	.pair[PAIR_SEM] = ON(pair_sem),
#endif
#ifdef PEER_HAS_EVENT
	.pair[PAIR_EVENT_WAIT] = ON(pair_event_wait),
	.pair[PAIR_EVENT_SET] = ON(pair_event_set),
#endif
#ifdef PEER_HAS_COND
	.pair[PAIR_COND_NOTIFY] = ON(pair_cond_notify),
#endif
#ifdef PEER_HAS_ONCE
	.pair[PAIR_ONCE] = ON(pair_once),
#endif
#ifdef PEER_HAS_LOCK
	.kernel[KERNEL_CONTENDED] = ON(contended),
#endif
#ifdef PEER_HAS_COND
	.kernel[KERNEL_PING_COND] = ON(ping_cond),
	.kernel[KERNEL_NOTIFY_ALL] = ON(notify_all),
#endif
#ifdef PEER_HAS_SEM
	.kernel[KERNEL_PING_SEM] = ON(ping_sem),
#endif
#ifdef PEER_HAS_EVENT
	.kernel[KERNEL_PING_EVENT] = ON(ping_event),
	.kernel[KERNEL_EVENT_SET] = ON(event_set_all),
#endif
#ifdef PEER_HAS_BARRIER
	.kernel[KERNEL_BARRIER] = ON(barrier_rounds),
#endif
#ifdef PEER_HAS_LATCH
	.kernel[KERNEL_LATCH] = ON(latch_batches),
#endif
};

#undef KERNEL
#undef SLOT
#undef PEER
#undef PEER_TITLE
#undef PEER_HAS_FLOOR
#undef PEER_HAS_LOCK
#undef PEER_HAS_RLOCK
#undef PEER_HAS_SEM
#undef PEER_HAS_EVENT
#undef PEER_HAS_COND
#undef PEER_HAS_BARRIER
#undef PEER_HAS_ONCE
#undef PEER_HAS_LATCH
