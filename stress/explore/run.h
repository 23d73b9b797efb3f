/* SPDX-License-Identifier: MIT */
/*
 * run.h - one schedule: its fibers, clocks and choices. For the explorer's own files.
 */
#ifndef EXPLORE_RUN_H
#define EXPLORE_RUN_H

#include <stdio.h>
#include <weft/explore.h>

enum {
	FIBERS = WEFT_EXPLORE_THREADS_MAX + 1, /* fiber 0 runs begin and end */
	STACK_SIZE = 64 * 1024,
	HOST = FIBERS, /* the explorer's own stack, as a switch target */
	WORDS = 2,     /* of one wait */
};

/* Times are above run.origin, or of an earlier schedule. */
struct clock {
	_Alignas(32) int32_t of[FIBERS];
};

typedef int32_t lanes __attribute__((__vector_size__(16), __may_alias__));
typedef int64_t wide_lanes __attribute__((__vector_size__(16), __may_alias__));

_Static_assert(sizeof(struct clock) == 2 * sizeof(lanes), "clocks are two vectors");

enum op {
	OP_NONE,
	OP_LOAD,
	OP_STORE,
	OP_RMW,
	OP_CAS,
	OP_FENCE,
	OP_WAIT,
	OP_WAKE,
	OP_REQUEUE,
	OP_CLOCK,
	OP_CPU,
	OP_PAUSE,
	OP_YIELD,
	OP_AWAIT, /* a yield in a loop that has no other end */
	OP_STEP,
	OP_READ,
	OP_WRITE,
	OP_FREE,
	OP_RETURNED,
	OP_CALLED, /* of a history */
	OP_ANSWERED,
	OP_START,
	OP_JOIN,
	OP_SIGNAL,  /* a handler begins */
	OP_HANDLED, /* and has returned */
	OP_DEATH,
	OP_END,
	OP_ALLOC,
};

/* A step, as the trace has it. */
struct step {
	enum op op;
	unsigned fiber;
	const void *address;
	const void *pc;
	int order;
	uint64_t before, after; /* value found, value left; or arguments */
	int64_t result;
	int stale; /* how many stores back a load looked */
};

enum strategy {
	STRATEGY_RANDOM,
	STRATEGY_STICKY,
	STRATEGY_PCT,
	STRATEGY_STARVE,
	STRATEGY_SEARCH,
	STRATEGY_GIVEN, /* what plan.given says, else each choice's default */
};

/* What may go wrong that is legal; the names of the command line are in plan.c. */
enum fault {
	FAULT_SPURIOUS,
	FAULT_EINTR,
	FAULT_EAGAIN,
	FAULT_TIMEOUT,
	FAULT_ORDER,
	FAULT_CAS,
	FAULT_ALLOC,
	FAULT_START,
	FAULT_DEATH,
	FAULT_SIGNAL,
	FAULT_MOVE,
	FAULT_KINDS,
	FAULTS_ALL = (1 << FAULT_KINDS) - 1,
	FAULTS_OF_WAITS = 1 << FAULT_SPURIOUS | 1 << FAULT_EINTR | 1 << FAULT_EAGAIN,
};

/* What is decided. 0 is the default, of which nothing is written down; but see sched.c for who runs. */
enum choice {
	CHOICE_RUN,	 /* who runs: a fiber; if it sleeps, its time is up */
	CHOICE_STALE,	 /* of a load: how many stores back */
	CHOICE_SCENARIO, /* weft_explore_choose() */
	CHOICE_FAULT,	 /* + enum fault: whether; of FAULT_ORDER: which sleeper, by age */
	CHOICES = CHOICE_FAULT + FAULT_KINDS,
};

/* A choice other than the default: by whom, at which of its own steps, at which choice of the kind in that step. */
struct deviation {
	uint32_t step;
	uint32_t value;
	uint16_t nth;
	uint8_t fiber;
	uint8_t kind;
};

enum { SEARCH_UNBOUNDED = 1000 };

enum { DEVIATIONS_MAX = 4096, EXPIRES = 16 }; /* EXPIRES: added to a CHOICE_RUN's fiber if its time is up */

/* A schedule, as what it does other than the default one; its text is in schedule.c. */
struct schedule {
	unsigned n;
	bool cut; /* there were more */
	struct deviation of[DEVIATIONS_MAX];
};

extern const char *const fault_names[]; /* plan.c */

struct plan {
	enum strategy strategy;
	unsigned depth;	 /* PCT: depth; sticky: one switch in so many; search: preemptions */
	unsigned kinds;	 /* of faults that may be, one bit each */
	unsigned faults; /* one wait in so many returns early; 0: none */
	bool weak;	 /* weak memory; a seed may still have no stale loads: */
	unsigned stale;	 /* one load in so many may be stale; 0: none */
	unsigned moves;	 /* one look in so many finds another CPU; 0: none */
	bool any_order;	 /* wakes pick any sleeper, not the oldest */
	bool races;
	bool plain_points;
	bool no_sleep_sets; /* to hold the search against one without */
	const struct schedule *given;
};

enum fiber_state { FIBER_UNUSED, FIBER_READY, FIBER_ASLEEP, FIBER_JOINING, FIBER_DONE, FIBER_DEAD };

struct fiber {
	struct clock seen; /* what happens before its next step */
	struct clock view; /* the same, and what barriers have made visible */
	struct clock fence_release, fence_release_view, fence_acquire, fence_acquire_view;
	void *sp;
	int error; /* errno */
	enum fiber_state state;
	/* a wait */
	const void *words[WORDS];
	bool queued[WORDS], word_shared[WORDS];
	int woken; /* index of a word that it was woken at, -1: none */
	unsigned n_words;
	bool timed;
	int64_t deadline_ns;
	unsigned slept; /* how often */
	uint64_t tickets[WORDS];
	bool in_kernel; /* between the two steps of a call: no signal, no death */
	int wait_result;
	/* choices */
	uint32_t own_steps;    /* points, sleeps and the end */
	uint16_t nth[CHOICES]; /* choices of each kind in this step */
	bool fresh;	       /* no stale reads until the next store that it sees */
	unsigned cpu;
	uint32_t thread_id; /* the kernel's; 0: not asked for yet */
	/* threads.c */
	void (*fn)(void *arg); /* of one that was started; NULL: the scenario's */
	void *arg;
	unsigned woken_by; /* lint.c: a call site, + 1 */
	const void *woken_at;
	unsigned joins; /* while FIBER_JOINING: what it waits for; 0: all */
	bool joined;
	bool handles;  /* a signal: it runs the handler */
	uint64_t path; /* a hash of what it has done and read so far: where it is */
	struct step last;
};

struct run {
	const struct weft_explore_scenario *scenario;
	struct plan plan;
	uint64_t random;
	unsigned n_fibers;
	unsigned self;
	bool active;
	uint32_t generation;
	int32_t origin; /* what all clocks of this schedule start from; no time of an earlier one is later */
	unsigned steps, step_limit;
	unsigned usual_steps; /* of the scenario's schedules */
	unsigned fair_after;  /* steps, after which all get their turns: what does not end then is a livelock */
	uint32_t ready, expiring, yielded, awaiting; /* one bit per fiber; set_state() and point() keep them */
	struct schedule *record;	   /* where to write deviations; NULL: nowhere */
	uint64_t tickets;
	unsigned wakes; /* of a broken futex */
	int64_t now_ns;
	void *state; /* what begin returned */
	/* faults.c */
	unsigned fault_step;	  /* from this step on faults_point() has something to decide */
	unsigned deaths, signals; /* that may still be */
	struct fiber fibers[FIBERS];
	struct clock barrier;	 /* what all full barriers so far have made visible */
	struct clock sequential; /* what came before seq_cst accesses so far; see memory.c */
	unsigned counters[32];
	struct clock counter_seen[32], counter_view[32];
	bool cut; /* by the search: not to be counted */
	bool failed;
	char failure[512];
	unsigned failed_in; /* fiber, or HOST */
	const void *failed_at;
	uint64_t hash;	/* of the trace */
	uint64_t paths; /* of where all fibers are: the sum of their paths */
	bool tracing;
	bool linting;	   /* lint.c */
	bool every_access; /* a plain one too is to be seen: it is a point, or traced */
};

extern struct run run;

static inline struct fiber *self(void)
{
	return &run.fibers[run.self];
}

/*
 * footprint.c: a search has to know what a step touched, of all that fibers share; see footprint.h.
 */
enum {
	TOUCH_CLOCK,			    /* run.now_ns */
	TOUCH_BARRIER,			    /* run.barrier */
	TOUCH_OBJECTS,			    /* what is allocated */
	TOUCH_THREADS,			    /* how many there are */
	TOUCH_HISTORY,			    /* order of calls and returns */
	TOUCH_COUNTERS,			    /* + number */
	TOUCH_STATES = TOUCH_COUNTERS + 32, /* + fiber */
};

#define TOUCH_MEMORY (UINT64_C(1) << 61) /* + address / 4 */
#define TOUCH_QUEUES (UINT64_C(1) << 60) /* + address, of a futex's queue */

struct footprint;
extern struct footprint *footprint; /* NULL: nothing is searched */
void footprint_touch(uint64_t key, bool write);
void footprint_memory(const void *address, size_t size, bool write);

static inline void touch(uint64_t key, bool write)
{
	if (__builtin_expect(footprint != NULL, 0))
		footprint_touch(key, write);
}

/* Without stale loads nothing depends on what barriers have made visible. */
static inline void touch_barrier(void)
{
	if (run.plan.weak)
		touch(TOUCH_BARRIER, true);
}

static inline void touch_queue(const void *word)
{
	touch(TOUCH_QUEUES + (uint64_t)(uintptr_t)word, true);
}

static inline void touch_memory(const void *address, size_t size, bool write)
{
	if (__builtin_expect(footprint != NULL, 0))
		footprint_memory(address, size, write);
}

/* The only way to change a fiber's state. Of a sleeper, @timed is set before. */
static inline void set_state(struct fiber *fiber, enum fiber_state state)
{
	const uint32_t bit = UINT32_C(1) << (fiber - run.fibers);

	touch((uint64_t)(TOUCH_STATES + (fiber - run.fibers)), true);
	fiber->state = state;
	run.ready = state == FIBER_READY ? run.ready | bit : run.ready & ~bit;
	run.expiring = state == FIBER_ASLEEP && fiber->timed ? run.expiring | bit : run.expiring & ~bit;
}

static inline uint64_t next_random(void)
{
	uint64_t z = run.random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* For strategies: a random number that is no choice of its own. */
static inline unsigned below(unsigned n)
{
	return (unsigned)(((next_random() >> 32) * n) >> 32);
}

static inline void clock_join(struct clock *restrict clock, const struct clock *restrict other)
{
	lanes *const to = (lanes *)clock->of;
	const lanes *const from = (const lanes *)other->of;

	for (unsigned i = 0; i < 2; i++) {
		const lanes later = from[i] > to[i];

		to[i] = (from[i] & later) | (to[i] & ~later);
	}
}

/* Whether any time of @a is later than that of @b. */
static inline bool clock_exceeds(const struct clock *a, const struct clock *b)
{
	const lanes *const x = (const lanes *)a->of, *const y = (const lanes *)b->of;
	const wide_lanes any = (wide_lanes)((x[0] > y[0]) | (x[1] > y[1]));

	return (any[0] | any[1]) != 0;
}

/* A new time for what the fiber does from now on. */
static inline void clock_tick(struct fiber *fiber, unsigned number)
{
	fiber->view.of[number] = ++fiber->seen.of[number];
}

/* fiber.c */
/* crash.c */
void crash_setup(void);
const void *crash_place(const void *context); /* where a signal came, as if a call returned there */

/* hang.c */
void hang_setup(void); /* in each process */
void fiber_setup(void);
void fiber_prepare(unsigned number);
void fiber_switch(unsigned to);
bool fiber_stack_of(const void *address, unsigned *number);
size_t fiber_stack_depth(const void *address);		    /* how far it is from the end at which the stack begins */
bool fiber_guard_of(const void *address, unsigned *number); /* beyond the end of a stack */

/*
 * sched.c: choose() is the way to decide anything. It returns the default, 0, but for one time in @rarely, or always
 * if that is 0; then any number below @n but 0. 1: all are alike.
 */
unsigned choose(enum choice kind, unsigned n, unsigned rarely);
bool fault(enum fault which, unsigned rarely); /* whether, once in so many; never if the plan does not allow it */
void point(enum op op, const void *address, const void *pc);
void sleep_self(void); /* until made ready */
void finish_fiber(enum fiber_state state);
void schedule_fiber(unsigned number); /* nothing yet, and it has its stack */
/* One schedule, up to its end or failure; memory_end() is still to be called. */
void run_schedule(const struct weft_explore_scenario *scenario, const struct plan *plan, uint64_t seed);

/* strategy.c: each picks one of @ready and @expiring, which are not both empty */
void strategy_begin(void);
unsigned strategy_pick(uint32_t ready, uint32_t expiring);
void strategy_yielded(void);
void strategy_sleeps(void);

/* schedule.c */
void schedule_record(struct schedule *schedule, enum choice kind, unsigned fiber, unsigned nth, uint32_t value);
void schedule_replay(const struct schedule *schedule);				      /* from now on: */
bool schedule_given(enum choice kind, unsigned fiber, unsigned nth, uint32_t *value); /* at the fiber's own step */
size_t schedule_print(const struct schedule *schedule, char *text, size_t size);      /* like snprintf() */
bool schedule_parse(struct schedule *schedule, const char *text);

/* search.c */
void search_begin(void);
void search_schedule(void);
unsigned search_choose(enum choice kind, unsigned n, unsigned rarely);
unsigned search_pick(uint32_t ready, uint32_t expiring, unsigned usual);
void search_yielded(enum op op);
uint32_t search_ready(void); /* those that it may pick */
void search_end_schedule(void);
const char *search_result(void);
uint64_t search_cut(void); /* how many schedules were left when they were seen to be another order of one before */
bool search_next(void);	   /* false: all done */

/* minimise.c: false: it does not fail; otherwise the shortest found that fails in the same way */
bool minimise(const struct weft_explore_scenario *scenario, const struct plan *plan, struct schedule *schedule);

/* memory.c */
void memory_begin(void);
void memory_end(void);
void memory_origin(
	const struct weft_explore_scenario *scenario); /* before the fibers' clocks of the last schedule are lost */
uint64_t memory_load(void *address, unsigned size, int order, const void *pc);
void memory_store(void *address, unsigned size, uint64_t value, int order, const void *pc);
uint64_t memory_rmw(void *address, unsigned size, int order, uint64_t (*change)(uint64_t, uint64_t), uint64_t operand,
		    const void *pc);
uint64_t memory_cas(void *address, unsigned size, uint64_t expected, uint64_t desired, int order, int failure_order,
		    const void *pc);
void memory_fence(int order);
void memory_plain(void *address, size_t size, bool write, const void *pc);
uint32_t memory_peek(const void *address); /* the newest value; a check of use after free, no step */
void memory_full_barrier(void);

/* heap.c */
void heap_setup(void);
void heap_begin(void);
void heap_check_leaks(void);
bool memory_is_freed(const void *address);
const char *memory_name(const void *address, char *buf, size_t size);
void memory_print_objects(FILE *out);

/* sys.c: what is wrong with futexes, for a test of the explorer */
enum broken {
	BROKEN_NOT,
	BROKEN_WAKE_ALL,   /* a wake takes all sleepers */
	BROKEN_LOSE_WAKE,  /* one wake in four does nothing */
	BROKEN_NO_COMPARE, /* a wait sleeps whatever the word is */
	BROKEN_WAKE_WRONG, /* a wake takes sleepers at any word */
	BROKEN_NO_BARRIER,
};

extern enum broken broken_futex;

/* lint.c: while run.linting is set */
void lint_wake(int woken); /* by the running fiber */
void lint_woken(struct fiber *sleeper, const void *word);
void lint_sleeps(const void *word); /* the running fiber is about to */
void lint_print(FILE *out);

/* threads.c; @pc: who calls */
int threads_start(void (*fn)(void *arg), void *arg, const void *pc);
void threads_join(unsigned number, const void *pc);

/* faults.c: those that are no matter of one call: a thread's death, and a signal that comes to it */
void faults_begin(void);
void faults_point(void);     /* the running fiber is about to do a step */
bool faults_interrupt(void); /* its wait is ended by a signal; it calls: */
void faults_handle(void);    /* runs the handler */

/* states.c: states_see() takes a good hash of each state */
enum { STATES_REGISTERS = 4096 };

extern uint8_t states_registers[STATES_REGISTERS];

static inline uint64_t states_mix(uint64_t hash)
{
	hash *= UINT64_C(0xd6e8feb86659fd93);
	return hash ^ hash >> 32;
}

static inline void states_see(uint64_t hash)
{
	const uint8_t zeros = (uint8_t)(__builtin_ctzll(hash | UINT64_C(1) << 51) + 1);
	uint8_t *const at = &states_registers[hash >> 52];

	if (*at < zeros)
		*at = zeros;
}

void states_begin(void);
void states_merge(const uint8_t registers[STATES_REGISTERS]);
uint64_t states_estimate(void); /* how many different ones, to within 2 % */

/* marks.c */
bool marks_hold(bool hold); /* while schedules run that are not the session's; returns what was */

/* mistakes.c */
extern bool mistakes_instrumented; /* some file of the program was */
bool mistakes_in(const struct weft_explore_scenario *const tables[]);
_Noreturn void mistakes_outside(const char *function);

/* At the door of each function of the public header. */
#define IN_SCHEDULE() (run.active ? (void)0 : mistakes_outside(__func__))

/* trace.c; all but the first while run.tracing is set only */
void trace_begin(void);
void trace_keep(const struct step *step);
void trace_call(const void *pc); /* a function was called from there */
void trace_return(void);
void trace_access(const void *address, size_t size, bool write, const void *pc); /* a plain one */
void trace_race(const void *address, size_t size, bool write, bool atomic, unsigned other, bool other_write,
		bool other_atomic); /* the running fiber's access, with one that came before */

static inline uint64_t trace_mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * UINT64_C(0x100000001b3);
}

static inline void trace_step(const struct step *step)
{
	struct fiber *const fiber = &run.fibers[step->fiber];
	const uint64_t path = states_mix(fiber->path ^ ((uint64_t)step->op << 56 ^ step->before << 8 ^
							(uint64_t)step->result << 32 ^ step->fiber));

	run.hash = trace_mix(trace_mix(run.hash, (uint64_t)step->op << 8 | step->fiber),
			     step->op < OP_READ ? (uint64_t)step->result : 0);
	run.paths += path - fiber->path;
	fiber->path = path;
	states_see(run.paths);
	if (run.tracing)
		trace_keep(step);
}

#endif
