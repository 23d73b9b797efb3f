/* SPDX-License-Identifier: MIT */
/*
 * stress.h - what the parts of weft-stress share.
 *
 * A run takes one object after the other. An object has cases; a run goes through them in rounds of a few hundred
 * milliseconds. In a round each thread has a quota of operations, and all must be through before a deadline: so a
 * single thread that sleeps for ever is found, whatever the others do. Only atomics that are relaxed, and orderings
 * that point away from what is tested, connect the threads outside of weft, so that ThreadSanitizer sees weft's
 * ordering alone.
 */
#ifndef STRESS_H
#define STRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <weft.h>

#if defined(__has_feature)
#define STRESS_FEATURE(x) __has_feature(x)
#else
#define STRESS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || STRESS_FEATURE(thread_sanitizer)
#define STRESS_TSAN 1
#else
#define STRESS_TSAN 0
#endif
#if defined(__SANITIZE_ADDRESS__) || STRESS_FEATURE(address_sanitizer)
#define STRESS_ASAN 1
#else
#define STRESS_ASAN 0
#endif

enum { STRESS_MAX_THREADS = 512, STRESS_TOKENS = 4, STRESS_LINE = 64, STRESS_TEXT = 512 };

struct stress_options {
	unsigned threads;
	int64_t run_ns; /* all objects together */
	uint64_t seed;
	unsigned timeouts; /* percent of the operations */
	bool signals;
	bool json;
	bool busted;
	const char *only_case;
	const char *twins; /* directory, or NULL: find it */
	const char *only_twin;
	unsigned first_round;
	int64_t patience_ns; /* how long a round may take beyond its time */
	int64_t bound_ns;    /* the longest wait that is no failure */
	int64_t round_ns;    /* what a round is meant to take */
};

extern struct stress_options stress_options;

/* ---- one round ---- */

struct stress_round;
struct stress_worker;

/* A cancel token that the gremlin sets and clears at random. */
struct stress_token {
	struct weft_event event;
	_Atomic(uint64_t) epoch; /* odd from before a set until after the clear */
};

struct stress_case {
	const char *name;
	const char *checks; /* what it checks, for people */
	unsigned min_threads;
	size_t size; /* of its state, zeroed before begin; 0: that of single.c */
	void (*begin)(struct stress_round *round);
	void (*work)(struct stress_worker *worker);
	void (*finish)(struct stress_round *round); /* all threads are through */
	void (*dump)(struct stress_round *round, FILE *out);
};

struct stress_object {
	const char *name;
	const struct stress_case *cases;
	unsigned n_cases;
};

extern const struct stress_object stress_lock, stress_rlock, stress_event, stress_cond, stress_sem, stress_barrier,
	stress_once, stress_latch;

enum stress_placement { STRESS_FREE, STRESS_ONE, STRESS_SPLIT, STRESS_PLACEMENTS };

struct stress_round {
	const struct stress_case *kase;
	const char *object;
	unsigned number, n; /* n: threads */
	uint64_t seed, quota;
	enum stress_placement placement;
	bool shared; /* objects are made with init_shared */
	bool timeouts, signals, guarded;
	struct stress_token tokens[STRESS_TOKENS];
	struct stress_worker *workers;
	void *state;
	int64_t started;
	pthread_barrier_t gate;
	pthread_mutex_t mutex; /* protects all below */
	pthread_cond_t changed;
	unsigned through;
	char failure[STRESS_TEXT]; /* the first, or empty */
	int64_t failed_at;
	_Atomic(bool) stop; /* a check failed: leave as soon as you can */
};

/* A thread of a round. What others read while it runs is atomic, and relaxed. */
struct stress_worker {
	_Alignas(STRESS_LINE) struct stress_round *round;
	unsigned id;
	uint64_t random;
	uint64_t count; /* the case's own */
	int64_t longest;
	int64_t late; /* what a hanging call has waited so far is not in longest */
	pthread_t thread;
	bool created;
	_Atomic(pid_t) tid;
	_Alignas(STRESS_LINE) _Atomic(const char *) step;
	_Atomic(const void *) on; /* the object of the step */
	_Atomic(int64_t) since;
	_Atomic(uint64_t) ops;
	_Atomic(bool) through;
	_Atomic(unsigned) signals;
};

/* ---- worker.c: random numbers, calls and their judgement ---- */

uint64_t stress_mix(uint64_t x);
uint64_t stress_random(struct stress_worker *worker);
unsigned stress_below(struct stress_worker *worker, unsigned n); /* 0 to n - 1 */
bool stress_chance(struct stress_worker *worker, unsigned percent);

/* Spend a little time, seldom more, so that preemptions and hand-overs fall everywhere. */
void stress_dwell(struct stress_worker *worker);
/* One turn of a loop that waits for another thread of the harness. */
void stress_pause(struct stress_worker *worker, unsigned turn);
bool stress_stopping(const struct stress_worker *worker);

/* Wait, with no help of weft's, until @condition; leave the function if the round has failed. */
#define STRESS_AWAIT(worker, what, condition)                                                                        \
	do {                                                                                                         \
		stress_step((worker), (what), NULL);                                                                 \
		for (unsigned turn_ = 0; !(condition); turn_++) {                                                    \
			if (stress_stopping(worker))                                                                 \
				return;                                                                              \
			stress_pause((worker), turn_);                                                               \
		}                                                                                                    \
	} while (0)

enum stress_kind { STRESS_PLAIN, STRESS_TRY, STRESS_FOR, STRESS_UNTIL };

/* How a blocking verb is called. */
struct stress_how {
	enum stress_kind kind;
	int64_t time; /* the time-out or the deadline */
	struct stress_token *token;
	int also; /* an error that is all right here, or 0 */
};

typedef int stress_verb(void *object, const struct stress_how *how);

extern const struct stress_how stress_plainly;
/* Any form that does not end before what it waits for has come. */
struct stress_how stress_untimed(struct stress_worker *worker);
/* Any form; if the round has time-outs, the usual share of those that may fail. */
struct stress_how stress_any(struct stress_worker *worker, bool may_try);
int64_t stress_tiny(struct stress_worker *worker);

/* Do @verb, judge its result, time and errno. Returns the result. */
int stress_call(struct stress_worker *worker, const char *step, stress_verb *verb, void *object,
		const struct stress_how *how);
/* For a call that never blocks and must return @expected. */
void stress_expect(struct stress_worker *worker, const char *call, int result, int expected);
void stress_step(struct stress_worker *worker, const char *step, const void *on);
void stress_op(struct stress_worker *worker);

/* weft's misuse hook is told so often by what follows; a report at any other time is a failure. */
void stress_misuse_init(void);
void stress_misuse_begin(void);
void stress_misuse_end(struct stress_worker *worker, unsigned expected);

void stress_fail(struct stress_worker *worker, const char *kind, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));
void stress_fail_round(struct stress_round *round, const char *kind, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/* The four forms of a verb as a stress_verb. @attempt: the expression for STRESS_TRY. */
#define STRESS_VERB(name, type, function, attempt)                                                                   \
	static int name(void *object, const struct stress_how *how)                                                  \
	{                                                                                                            \
		struct type *const o = object;                                                                       \
                                                                                                                     \
		switch (how->kind) {                                                                                 \
		case STRESS_TRY:                                                                                     \
			return attempt;                                                                              \
		case STRESS_FOR:                                                                                     \
			return function##_for(o, how->time);                                                         \
		case STRESS_UNTIL:                                                                                   \
			return function##_until(o, how->time, how->token ? &how->token->event : NULL);               \
		default:                                                                                             \
			return function(o);                                                                          \
		}                                                                                                    \
	}

/* ---- section.c: a critical section that notices company ---- */

struct stress_section {
	uint64_t pattern, inverse; /* one is the other's complement while nobody is inside */
	uint64_t entries;
	unsigned owner; /* worker's number + 1 */
};

void stress_section_init(struct stress_section *section);
void stress_section_enter(struct stress_worker *worker, struct stress_section *section);
void stress_section_leave(struct stress_worker *worker, struct stress_section *section);

/* ---- heap.c: memory that shows who touches it after it was freed ---- */

void stress_heap_init(void);
void *stress_heap_alloc(struct stress_round *round, size_t size);
void stress_heap_free(struct stress_round *round, void *memory, size_t size);
void stress_heap_check(struct stress_round *round); /* was anything written to that is free? */
bool stress_heap_owns(const void *address);

/* ---- dump, in probe.c ---- */

/* Print the words of an object that may be gone, and what weft_describe() makes of a copy. */
#define STRESS_DUMP(out, name, type, object)                                                                         \
	stress_dump((out), (name), (object), sizeof(struct type), stress_describe_##type)
typedef size_t stress_describer(const void *object, char *text, size_t size);
stress_describer stress_describe_weft_lock, stress_describe_weft_rlock, stress_describe_weft_event,
	stress_describe_weft_cond, stress_describe_weft_sem, stress_describe_weft_barrier, stress_describe_weft_once,
	stress_describe_weft_latch;
void stress_dump(FILE *out, const char *name, const void *object, size_t size, stress_describer *describe);

/* ---- single.c: objects that live for one use, freed by whoever is done first ---- */

struct stress_single_ops {
	size_t size;
	unsigned max_members;
	void (*init)(struct stress_round *round, void *object, unsigned leader, unsigned members);
	/* Use @object as member number @member of a group of @members. Returns true: free it now. */
	bool (*use)(struct stress_worker *worker, void *object, unsigned member, unsigned members);
};

void stress_single_begin(struct stress_round *round);
void stress_single_work(struct stress_worker *worker, const struct stress_single_ops *ops);
size_t stress_single_size(void);
/* Print the objects that are under way. */
void stress_single_dump(struct stress_round *round, FILE *out, const char *name, size_t size,
			stress_describer *describe);
/* A lock for the group that @leader leads, which outlives its objects. */
struct weft_lock *stress_single_lock(struct stress_round *round, unsigned leader);

/* ---- probe.c: what a thread does just now, as the kernel knows it ---- */

enum stress_probe { STRESS_PROBE_NONE, STRESS_PROBE_ADDRESS };

void stress_probe_init(void);
extern enum stress_probe stress_probe;
/* Whether @worker sleeps in a futex call on a word inside of @object. Needs STRESS_PROBE_ADDRESS. */
bool stress_asleep_on(const struct stress_worker *worker, const void *object, size_t size);
void stress_probe_text(const struct stress_worker *worker, char *text, size_t size);
/* A factor for all patience: how much slower than usual this process runs. */
unsigned stress_slowness(void);
const char *stress_environment(void);

/* ---- run.c ---- */

struct stress_result {
	const char *object;
	char failure[STRESS_TEXT];
	unsigned failed_round;
	const char *failed_case;
	bool interrupted;
	uint64_t ops;
	unsigned rounds;
	int64_t took, longest;
	struct {
		unsigned rounds;
		uint64_t ops;
	} cases[8];
};

/* What a round that is under way has to say. */
struct stress_progress {
	const struct stress_object *object;
	const struct stress_round *round;
	uint64_t ops;
	int64_t ran, left;
};

void stress_run_object(const struct stress_object *object, int64_t run_ns, struct stress_result *result);
extern _Atomic(bool) stress_interrupted;
/* How long the whole machine has stood still, for so long or longer at a time; and since that was @before. */
enum { STRESS_STALL_NS = 1000000000 };
int64_t stress_stalled(void);
int64_t stress_stalled_since(int64_t before);

/* ---- busted.c ---- */

struct stress_twin {
	char name[64], object[16], file[64], catcher[16], text[160];
	bool tsan, control; /* control: the sound library, which must pass */
	bool done, caught;
	char by[160];
	int64_t took;
	pid_t pid;
	int output;
	int64_t started;
	char *said;
	size_t n_said;
};

int stress_busted(void);
int stress_busted_list(FILE *out);

/* ---- report.c ---- */

void stress_report_start(const struct stress_object *const objects[], unsigned n);
void stress_report_progress(const struct stress_progress *progress);
void stress_report_verdict(const struct stress_result *result);
void stress_report_failure(struct stress_round *round, const struct stress_result *result);
/* A worker touched freed memory: say so and end the program, as its thread cannot go on. */
void stress_report_touch(const struct stress_worker *worker, const void *address) __attribute__((__noreturn__));
bool stress_json_available(void);
void stress_json_results(const struct stress_result results[], unsigned n);
void stress_json_twins(const struct stress_twin twins[], unsigned n);

#endif
