/* SPDX-License-Identifier: MIT */
/*
 * cond.c - torture of weft_cond.
 *
 * All that a condition promises happens under its lock, so a model beside it, under the same lock, knows exactly
 * who waits, in which order, and whom a notify lets go. Every return is held against the model.
 */
#include "stress.h"

STRESS_VERB(wait, weft_cond, weft_cond_wait, -EAGAIN)
STRESS_VERB(acquire, weft_cond, weft_cond_acquire, weft_cond_try_acquire(o))

enum { CONDS = 2 };
enum kind { OWN, ON_LOCK, ON_RLOCK, KINDS };

/* A thread in the model: it waits at a condition, or it was let go and is on its way back. */
struct node {
	struct node *next;
	bool queued, notified;
	bool over;		/* its predicate was asked for the last time */
	unsigned which, wanted; /* the predicate holds after so many notifications */
};

struct model {
	struct weft_cond cond;
	struct node *oldest, *newest;
	unsigned waiting;
};

struct exact {
	enum kind kind;
	unsigned n; /* conditions; those after the first share the lock */
	struct model model[CONDS];
	struct weft_lock lock;
	struct weft_rlock rlock;
	struct stress_section section;
	unsigned active; /* threads with quota left */
	uint64_t notified, returned;
	struct node node[STRESS_MAX_THREADS];
};

static void begin_exact(struct stress_round *round)
{
	struct exact *s = round->state;

	s->kind = (enum kind)((round->seed >> 20) % KINDS);
	s->n = s->kind == OWN ? 1 : 1 + (round->seed >> 24) % CONDS;
	s->active = round->n;
	stress_section_init(&s->section);
	for (unsigned i = 0; i < CONDS; i++) {
		if (s->kind == OWN)
			weft_cond_init(&s->model[i].cond);
		else if (s->kind == ON_LOCK)
			weft_cond_init_lock(&s->model[i].cond, &s->lock);
		else
			weft_cond_init_rlock(&s->model[i].cond, &s->rlock);
	}
}

/* ---- the model ---- */

static unsigned waiting_in_all(const struct exact *s)
{
	unsigned waiting = 0;

	for (unsigned i = 0; i < s->n; i++)
		waiting += s->model[i].waiting;
	return waiting;
}

/* Whether one more thread that waits would leave nobody to notify. */
static bool is_last(const struct exact *s)
{
	return waiting_in_all(s) + 1 >= s->active;
}

static void push(struct model *m, struct node *node)
{
	node->next = NULL;
	node->queued = true;
	node->notified = false;
	if (m->newest != NULL)
		m->newest->next = node;
	else
		m->oldest = node;
	m->newest = node;
	m->waiting++;
}

static void drop(struct model *m, struct node *node)
{
	struct node *before = NULL;

	for (struct node *n = m->oldest; n != NULL && n != node; n = n->next)
		before = n;
	if (before != NULL)
		before->next = node->next;
	else
		m->oldest = node->next;
	if (m->newest == node)
		m->newest = before;
	node->queued = false;
	m->waiting--;
}

/* Let the oldest @n go in the model. Returns how many. */
static int let_go(struct exact *s, struct model *m, unsigned n)
{
	unsigned gone = 0;

	for (; gone < n && m->oldest != NULL; gone++) {
		struct node *node = m->oldest;

		drop(m, node);
		node->notified = true;
		s->notified++;
	}
	return (int)gone;
}

/* ---- operations, with the lock held and the section entered ---- */

static void notify(struct stress_worker *worker, struct exact *s, struct model *m, unsigned n)
{
	const bool all = n > m->waiting && stress_chance(worker, 50);
	const int expected = let_go(s, m, n);
	int got;

	stress_step(worker, all ? "cond notify_all" : "cond notify", &m->cond);
	got = all ? weft_cond_notify_all(&m->cond) : weft_cond_notify(&m->cond, n);
	stress_op(worker);
	if (got != expected)
		stress_fail(worker, "exact", "notify of %u let %d go instead of %d", n, got, expected);
}

static void check_return(struct stress_worker *worker, struct exact *s, struct model *m, struct node *node,
			 int result)
{
	if (stress_stopping(worker))
		return;
	if (result == 0 && !node->notified)
		stress_fail(worker, "exact",
			    "a wait returned 0, but others were longer in the queue or nobody was notified");
	if (result != 0 && node->notified)
		stress_fail(worker, "exact", "a thread was notified, but its wait returned %d", result);
	if (node->notified)
		s->returned++;
	else
		drop(m, node);
	node->notified = false;
}

static void wait_once(struct stress_worker *worker, struct exact *s, struct model *m)
{
	struct node *node = &s->node[worker->id];
	const struct stress_how how = stress_any(worker, false);
	int result;

	push(m, node);
	stress_section_leave(worker, &s->section);
	result = stress_call(worker, "cond wait", wait, &m->cond, &how);
	stress_section_enter(worker, &s->section);
	check_return(worker, s, m, node, result);
}

/* ---- wait_pred ---- */

struct question {
	struct stress_worker *worker;
	struct exact *s;
};

/* The wait that came before the predicate has ended, if there was one: as a notification, or for good. */
static void end_wait(struct stress_worker *worker, struct exact *s, struct node *node)
{
	if (node->notified) {
		s->returned++;
		node->notified = false;
		if (node->wanted > 0)
			node->wanted--;
	} else if (node->queued) {
		drop(&s->model[node->which], node);
		node->over = true;
	} else if (node->over) {
		stress_fail(worker, "exact", "a predicate was asked once more after the last time");
	}
}

static int predicate(void *arg)
{
	struct question *q = arg;
	struct node *node = &q->s->node[q->worker->id];

	stress_section_enter(q->worker, &q->s->section);
	end_wait(q->worker, q->s, node);
	if (node->wanted == 0 || (!node->over && is_last(q->s)) || stress_stopping(q->worker))
		return 7;
	if (!node->over)
		push(&q->s->model[node->which], node);
	stress_section_leave(q->worker, &q->s->section);
	return 0;
}

static int wait_pred(void *object, const struct stress_how *how)
{
	struct question *q = object;
	struct weft_cond *cond = &q->s->model[q->s->node[q->worker->id].which].cond;

	switch (how->kind) {
	case STRESS_FOR:
		return weft_cond_wait_pred_for(cond, predicate, q, how->time);
	case STRESS_UNTIL:
		return weft_cond_wait_pred_until(cond, predicate, q, how->time,
						 how->token ? &how->token->event : NULL);
	default:
		return weft_cond_wait_pred(cond, predicate, q);
	}
}

static void wait_for_predicate(struct stress_worker *worker, struct exact *s, unsigned which)
{
	struct question q = { worker, s };
	struct node *node = &s->node[worker->id];
	const struct stress_how how = stress_any(worker, false);
	int result;

	*node = (struct node){ .which = which, .wanted = stress_below(worker, 4) };
	stress_section_leave(worker, &s->section);
	result = stress_call(worker, "cond wait_pred", wait_pred, &q, &how);
	if (stress_stopping(worker))
		return;
	if (result < 0) {
		if (!node->over)
			stress_fail(worker, "exact", "wait_pred returned %d without a last look at the predicate",
				    result);
		stress_section_enter(worker, &s->section);
	} else if (result != 7) {
		stress_fail(worker, "code", "wait_pred returned %d instead of what the predicate said", result);
	}
}

/* ---- exact ---- */

static void acquire_all(struct stress_worker *worker, struct exact *s, unsigned depth)
{
	struct weft_cond *cond = &s->model[0].cond;
	struct stress_how how;

	do
		how = stress_any(worker, true);
	while (stress_call(worker, "cond acquire", acquire, cond, &how) != 0 && !stress_stopping(worker));
	for (unsigned i = 1; i < depth; i++)
		stress_expect(worker, "cond acquire by the owner", weft_cond_try_acquire(cond), 0);
	stress_section_enter(worker, &s->section);
}

static void release_all(struct stress_worker *worker, struct exact *s, unsigned depth)
{
	struct weft_rlock *rlock = s->kind == OWN ? &s->model[0].cond.own : &s->rlock;

	if (stress_stopping(worker))
		return;
	if (s->kind != ON_LOCK && weft_rlock_depth(rlock) != depth)
		stress_fail(worker, "code", "depth is %u instead of %u", weft_rlock_depth(rlock), depth);
	stress_section_leave(worker, &s->section);
	for (unsigned i = 0; i < depth; i++)
		stress_expect(worker, "cond release", weft_cond_release(&s->model[s->n - 1].cond), 0);
}

static void act(struct stress_worker *worker, struct exact *s)
{
	const unsigned which = stress_below(worker, s->n), dice = stress_below(worker, 100);
	struct model *m = &s->model[which];

	if (is_last(s)) {
		/* Somebody must be let go; start anywhere and take the first condition with waiters. */
		for (unsigned i = 0; i < s->n; i++)
			if (s->model[i].waiting > 0)
				m = &s->model[i];
		notify(worker, s, m, 1 + stress_below(worker, worker->round->n));
	} else if (dice < 40) {
		notify(worker, s, m, stress_below(worker, dice < 10 ? 2 * worker->round->n : 4));
	} else if (dice < 80) {
		wait_once(worker, s, m);
	} else {
		wait_for_predicate(worker, s, which);
	}
}

static void check_strangers(struct stress_worker *worker, struct exact *s)
{
	if (s->kind == ON_LOCK)
		return; /* anybody may be taken for its holder */
	stress_misuse_begin();
	stress_expect(worker, "notify without the lock", weft_cond_notify(&s->model[0].cond, 1), -EPERM);
	stress_expect(worker, "wait without the lock", weft_cond_wait(&s->model[0].cond), -EPERM);
	stress_expect(worker, "release without the lock", weft_cond_release(&s->model[0].cond), -EPERM);
	stress_misuse_end(worker, 3);
}

static void work_exact(struct stress_worker *worker)
{
	struct exact *s = worker->round->state;

	for (uint64_t i = 0; i < worker->round->quota && !stress_stopping(worker); i++) {
		const unsigned depth = s->kind == ON_LOCK ? 1 : 1 + stress_below(worker, 3);

		if (stress_below(worker, 64) == 0)
			check_strangers(worker, s);
		acquire_all(worker, s, depth);
		if (stress_stopping(worker))
			return;
		act(worker, s);
		release_all(worker, s, depth);
		stress_dwell(worker);
	}
	acquire_all(worker, s, 1);
	if (stress_stopping(worker))
		return;
	s->active--;
	for (unsigned i = 0; i < s->n; i++)
		notify(worker, s, &s->model[i], UINT32_MAX);
	release_all(worker, s, 1);
}

static void finish_exact(struct stress_round *round)
{
	struct exact *s = round->state;

	if (s->notified != s->returned)
		stress_fail_round(round, "exact", "%llu threads were notified, %llu returned notified",
				  (unsigned long long)s->notified, (unsigned long long)s->returned);
	for (unsigned i = 0; i < s->n; i++)
		if (weft_cond_destroy(&s->model[i].cond) != 0)
			stress_fail_round(round, "residue", "a condition that nobody uses is not idle");
	if (weft_lock_destroy(&s->lock) != 0 || weft_rlock_destroy(&s->rlock) != 0)
		stress_fail_round(round, "residue", "a condition's lock that nobody uses is not idle");
}

static void dump_exact(struct stress_round *round, FILE *out)
{
	struct exact *s = round->state;

	STRESS_DUMP(out, "lock", weft_lock, &s->lock);
	STRESS_DUMP(out, "rlock", weft_rlock, &s->rlock);
	for (unsigned i = 0; i < s->n; i++) {
		STRESS_DUMP(out, "cond", weft_cond, &s->model[i].cond);
		fprintf(out, "  of %u active threads %u should be waiting there\n", s->active, s->model[i].waiting);
	}
}

/* ---- free: the notifier frees the condition while those it let go are still inside wait ---- */

struct once_cond {
	struct weft_cond cond;
	struct weft_lock *lock; /* of the group: outlives the condition */
	unsigned waiting;	/* plain: protected by the lock */
};

static void init_once(struct stress_round *round, void *object, unsigned leader, unsigned members)
{
	struct once_cond *o = object;

	(void)members;
	o->lock = stress_single_lock(round, leader);
	weft_cond_init_lock(&o->cond, o->lock);
}

static void lead_once(struct stress_worker *worker, struct once_cond *o, unsigned members)
{
	for (unsigned turn = 0;; turn++) {
		stress_step(worker, "waiting for the group to wait (harness)", NULL);
		weft_lock_acquire(o->lock);
		if (o->waiting == members - 1 || stress_stopping(worker))
			break;
		weft_lock_release(o->lock);
		stress_pause(worker, turn);
	}
	stress_step(worker, "cond notify_all", &o->cond);
	stress_expect(worker, "cond notify_all", weft_cond_notify_all(&o->cond), (int)members - 1);
}

static bool use_once(struct stress_worker *worker, void *object, unsigned member, unsigned members)
{
	struct once_cond *o = object;
	struct weft_lock *lock = o->lock;
	struct stress_how how;

	if (member == 0) {
		lead_once(worker, o, members);
		stress_heap_free(worker->round, o, sizeof(*o));
		weft_lock_release(lock);
		return false;
	}
	how = stress_untimed(worker);
	weft_lock_acquire(lock);
	o->waiting++;
	stress_call(worker, "cond wait", wait, &o->cond, &how);
	weft_lock_release(lock);
	return false;
}

static void work_free(struct stress_worker *worker)
{
	static const struct stress_single_ops ops = { sizeof(struct once_cond), 4, init_once, use_once };

	stress_single_work(worker, &ops);
}

static void dump_free(struct stress_round *round, FILE *out)
{
	stress_single_dump(round, out, "cond", sizeof(struct weft_cond), stress_describe_weft_cond);
}

static const struct stress_case cases[] = {
	{ "exact", "who is notified, in which order, how many; lock and depth restored", 2, sizeof(struct exact),
	  begin_exact, work_exact, finish_exact, dump_exact },
	{ "free", "freed by the notifier while the notified are on their way", 2, 0, stress_single_begin, work_free,
	  NULL, dump_free },
};

const struct stress_object stress_cond = { "cond", cases, sizeof(cases) / sizeof(cases[0]) };
