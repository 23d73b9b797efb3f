/* SPDX-License-Identifier: MIT */
/*
 * weft-bench: types that the kernels, the runner and the report share.
 *
 * A line is one row of the report. A run is one line measured once for one peer: a team of threads that execute the
 * line's kernel until they are told to stop. Every line is run for all peers in turn, several rounds of it.
 */
#ifndef WEFT_BENCH_H
#define WEFT_BENCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE 64
#define MAX_PEERS 8
#define MAX_ROUNDS 99
#define MAX_THREADS 64
#define CHUNKS 1024			/* samples that one run of an uncontended pair can hold */

enum placement { FREE, ONE, SPLIT, PLACEMENTS };

/* What a line does. Pairs are loops of one thread, kernels are executed by a team. */
enum pair {
	PAIR_FLOOR, PAIR_LOCK, PAIR_RLOCK, PAIR_RLOCK_NESTED, PAIR_SEM, PAIR_EVENT_WAIT, PAIR_EVENT_SET,
	PAIR_COND_NOTIFY, PAIR_ONCE, PAIRS
};
enum kernel {
	KERNEL_CONTENDED, KERNEL_PING_COND, KERNEL_PING_SEM, KERNEL_PING_EVENT, KERNEL_NOTIFY_ALL, KERNEL_EVENT_SET,
	KERNEL_BARRIER, KERNEL_LATCH, KERNELS
};
enum object {
	OBJECT_LOCK, OBJECT_RLOCK, OBJECT_SEM, OBJECT_EVENT, OBJECT_COND, OBJECT_BARRIER, OBJECT_ONCE, OBJECT_LATCH,
	OBJECTS
};

enum group { GROUP_PAIR, GROUP_CONTENDED, GROUP_HANDOFF, GROUP_BARRIER, GROUP_SIZE, GROUPS };

/*
 * Waits of one thread, in ticks. Log-linear: 32 buckets for each power of two, so that a bucket is at most 3 % wide.
 */
#define HIST_SUB_BITS 5
#define HIST_BUCKETS ((64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

struct hist {
	uint64_t max;
	uint32_t bucket[HIST_BUCKETS];
};

static inline unsigned hist_bucket(uint64_t ticks)
{
	unsigned shift;

	if (ticks < (1U << HIST_SUB_BITS))
		return (unsigned)ticks;
	shift = 63U - (unsigned)__builtin_clzll(ticks) - HIST_SUB_BITS;
	return ((shift + 1) << HIST_SUB_BITS) + (unsigned)((ticks >> shift) & ((1U << HIST_SUB_BITS) - 1));
}

static inline void hist_add(struct hist *hist, uint64_t ticks)
{
	hist->bucket[hist_bucket(ticks)]++;
	if (ticks > hist->max)
		hist->max = ticks;
}

/* One thread of a team. */
struct member {
	_Alignas(CACHE_LINE) unsigned index;
	uint64_t started_ns;
	uint64_t count;			/* what it did: acquisitions, round trips, rounds */
	struct hist *hist;		/* of its waits, where the line asks for that */
	struct run *run;
};

/* One run. What threads write sits on cache lines of its own, so that peers differ by their objects alone. */
struct run {
	const struct peer *peer;
	void *objects;			/* the peer's, zeroed and opened for this run */
	unsigned threads;
	uint64_t section, outside;	/* of a contended lock, in turns of burn() */
	_Alignas(CACHE_LINE) _Atomic(bool) stop;
	_Alignas(CACHE_LINE) uint64_t counter;		/* plain: what the peer's lock protects */
	_Alignas(CACHE_LINE) _Atomic(uint32_t) back;	/* waiters that came back (event_set) */
	_Alignas(CACHE_LINE) _Atomic(uint64_t) last;	/* the last round there will be (barrier) */
	_Alignas(CACHE_LINE) unsigned turn;		/* under the peer's lock, from here on */
	unsigned returned;
	uint64_t generation;
	bool over;
	double chunk_ns[CHUNKS];			/* pairs: ns for one, per chunk */
	unsigned chunks;
	struct member member[MAX_THREADS];
};

static inline bool run_stopped(struct run *run)
{
	return atomic_load_explicit(&run->stop, memory_order_relaxed);
}

/* What came out of one run. */
struct sample {
	double value;			/* ns for a pair, else things per second */
	double jain, p999_ns, max_ns;	/* contended lines only */
};

struct line {
	char name[48];
	enum group group;
	unsigned what;			/* enum pair, enum kernel or enum object */
	unsigned threads;		/* of the team */
	unsigned waiters;		/* as the line is named: parties, waiters */
	unsigned section_ns, outside_ns;
	enum placement placement;
	bool measured[MAX_PEERS];
	struct sample sample[MAX_PEERS][MAX_ROUNDS];
};

struct options {
	unsigned rounds, ms;
	unsigned placements;		/* bits of 1 << enum placement, for hand-offs and barriers */
	unsigned contended_placements;	/* for contended locks */
	bool peer[MAX_PEERS];
	bool quick, check, list;
	const char *json;
	const char *filter[16];
	unsigned filters;
};

extern struct options options;
extern struct line *lines;
extern unsigned n_lines;

/* clock.c */
struct clock_info {
	bool tsc;
	double ns_per_tick, cost_ns;	/* cost of one reading */
	double ns_per_turn;		/* of burn() */
};
extern struct clock_info clock_info;
void clock_calibrate(void);
uint64_t clock_ns(void);
uint64_t clock_slow_ticks(void);
void burn(uint64_t turns);

/* The clock that waits are measured with: cheap, and the same for every peer. */
static inline uint64_t ticks(void)
{
#if defined(__x86_64__) || defined(__i386__)
	if (__builtin_expect(clock_info.tsc, 1))
		return __builtin_ia32_rdtsc();
#endif
	return clock_slow_ticks();
}

/* Make the compiler believe that all memory was looked at and changed. */
static inline void keep(void *object)
{
	__asm__ volatile("" : : "r"(object) : "memory");
}

/* lines.c */
void lines_build(void);
bool line_matches(const struct line *line);

/* team.c */
void team_init(void);
unsigned team_cpus(void);
struct sample team_run(const struct line *line, const struct peer *peer);

/* stats.c */
double median(const double *values, unsigned n);
double hist_quantile(const struct hist *const hists[], unsigned n, double q);
double jain(const double *shares, unsigned n);

/* What a peer's samples of one line come to. */
struct figure {
	double median, min, max;
	double jain, p999_ns, max_ns;	/* medians; max_ns is the longest of all rounds */
	double jain_min;
};
struct figure figure_of(const struct line *line, unsigned peer);
/* First peer against another: more than 1 is better for the first, except for ns and bytes, where it is plain a/b. */
double ratio_of(const struct line *line, unsigned peer);

/* report.c, summary.c, json.c */
void report_header(unsigned runs);
void report_line(const struct line *line);
struct bound {
	char name[64];
	double limit, measured;
	bool at_least, known, pass;
};
unsigned summary_bounds(struct bound bounds[], unsigned max);
bool summary_print(void);		/* whether no known bound was missed */
int json_write(const char *path);
double environment_load(void);		/* how busy the machine was with other things when this began */
void environment_get(const char *what, char *buf, size_t size);

#endif
