/* SPDX-License-Identifier: MIT */
/**
 * weft/with.h - hold a lock, rlock, condition's lock or semaphore's permit for a scope, Python's with.
 *
 *	weft_guard(&lock);		held to the end of the enclosing block
 *	weft_with(&lock) { ... }	held for the block, which is a loop: break and continue leave only it
 *
 * Both release however the scope is left, by return, break, continue, goto or falling out; not by longjmp(), and by
 * weft_thread_exit() and pthread_exit() only in code compiled with -fexceptions. The argument is evaluated once. If
 * acquire fails (an rlock's depth overflows), weft_with skips its block and weft_guard aborts the program.
 */
#ifndef WEFT_WITH_H
#define WEFT_WITH_H

#include <weft/cond.h>
#include <weft/lock.h>
#include <weft/rlock.h>
#include <weft/sem.h>

WEFT_BEGIN_DECLS

/* What a scope holds. Owned by the macros below; kind is constant at each use, so that the switch folds away. */
struct weft__scope {
	void *object;	/* NULL: nothing is held */
	unsigned kind;
};

enum { WEFT__SCOPE_LOCK, WEFT__SCOPE_RLOCK, WEFT__SCOPE_COND, WEFT__SCOPE_SEM };

WEFT_API void weft__scope_failed(void) __attribute__((__noreturn__));
WEFT_API struct weft__scope weft__scope_acquire(void *object, unsigned kind);
WEFT_API void weft__scope_leave(struct weft__scope *scope);
WEFT_API struct weft__scope weft__scope_or_abort(struct weft__scope scope);
WEFT_API struct weft__scope weft__scope_lock(struct weft_lock *lock);
WEFT_API struct weft__scope weft__scope_rlock(struct weft_rlock *rlock);
WEFT_API struct weft__scope weft__scope_cond(struct weft_cond *cond);
WEFT_API struct weft__scope weft__scope_sem(struct weft_sem *sem);

WEFT_INLINE struct weft__scope weft__scope_acquire(void *object, unsigned kind)
{
	struct weft__scope scope = { object, kind };
	int error = 0;

	switch (kind) {
	case WEFT__SCOPE_LOCK:
		error = weft_lock_acquire((struct weft_lock *)object);
		break;
	case WEFT__SCOPE_RLOCK:
		error = weft_rlock_acquire((struct weft_rlock *)object);
		break;
	case WEFT__SCOPE_COND:
		error = weft_cond_acquire((struct weft_cond *)object);
		break;
	default:
		error = weft_sem_acquire((struct weft_sem *)object);
		break;
	}
	if (error < 0)
		scope.object = NULL;
	return scope;
}

WEFT_INLINE void weft__scope_leave(struct weft__scope *scope)
{
	void *object = scope->object;

	if (object == NULL)
		return;
	scope->object = NULL;
	switch (scope->kind) {
	case WEFT__SCOPE_LOCK:
		weft_lock_release((struct weft_lock *)object);
		break;
	case WEFT__SCOPE_RLOCK:
		weft_rlock_release((struct weft_rlock *)object);
		break;
	case WEFT__SCOPE_COND:
		weft_cond_release((struct weft_cond *)object);
		break;
	default:
		weft_sem_release((struct weft_sem *)object);
		break;
	}
}

WEFT_INLINE struct weft__scope weft__scope_or_abort(struct weft__scope scope)
{
	if (scope.object == NULL)
		weft__scope_failed();
	return scope;
}

/* These give the argument a type to be checked against. */
WEFT_INLINE struct weft__scope weft__scope_lock(struct weft_lock *lock)
{
	return weft__scope_acquire(lock, WEFT__SCOPE_LOCK);
}

WEFT_INLINE struct weft__scope weft__scope_rlock(struct weft_rlock *rlock)
{
	return weft__scope_acquire(rlock, WEFT__SCOPE_RLOCK);
}

WEFT_INLINE struct weft__scope weft__scope_cond(struct weft_cond *cond)
{
	return weft__scope_acquire(cond, WEFT__SCOPE_COND);
}

WEFT_INLINE struct weft__scope weft__scope_sem(struct weft_sem *sem)
{
	return weft__scope_acquire(sem, WEFT__SCOPE_SEM);
}

WEFT_END_DECLS

#ifdef __cplusplus
static inline struct weft__scope weft__scope_enter(struct weft_lock *o) { return weft__scope_lock(o); }
static inline struct weft__scope weft__scope_enter(struct weft_rlock *o) { return weft__scope_rlock(o); }
static inline struct weft__scope weft__scope_enter(struct weft_cond *o) { return weft__scope_cond(o); }
static inline struct weft__scope weft__scope_enter(struct weft_sem *o) { return weft__scope_sem(o); }
#else
#define weft__scope_enter(o) \
	_Generic((o), struct weft_lock *: weft__scope_lock, struct weft_rlock *: weft__scope_rlock, \
		 struct weft_cond *: weft__scope_cond, struct weft_sem *: weft__scope_sem)(o)
#endif

#define WEFT__SCOPE_TYPE __attribute__((__cleanup__(weft__scope_leave), __unused__)) struct weft__scope
#define WEFT__JOIN_(a, b) a##b
#define WEFT__JOIN(a, b) WEFT__JOIN_(a, b)

#define weft_guard(object) WEFT__GUARD(object, WEFT__JOIN(weft__guard_, __COUNTER__))
#define WEFT__GUARD(object_, name) WEFT__SCOPE_TYPE name = weft__scope_or_abort(weft__scope_enter(object_))

#define weft_with(object) WEFT__WITH(object, WEFT__JOIN(weft__with_, __COUNTER__))
#define WEFT__WITH(object_, name) \
	for (WEFT__SCOPE_TYPE name = weft__scope_enter(object_); name.object != NULL; weft__scope_leave(&name))

#endif
