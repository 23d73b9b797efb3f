/* SPDX-License-Identifier: MIT */
/*
 * System calls: none on an uncontended path, and the right ones elsewhere (section 22, traps 4 and 5; PSH-08; TIME-01).
 *
 * A seccomp filter on the calling thread turns its system calls into SIGSYS, whose handler either counts them, or plays the
 * kernel for futex calls: it looks at the arguments and answers what the test wants, so that interruptions, spurious
 * wake-ups and missing calls can be had at will. Each test runs in a child, as a filter stays for good.
 */
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <weft.h>

#include "test.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

enum { CANNOT_FILTER = 99 };

/* ---- filters ---- */

#define LOAD_NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ON_CALL(number, action)                                                                                        \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), BPF_STMT(BPF_RET | BPF_K, (action))
#define OTHERWISE(action) BPF_STMT(BPF_RET | BPF_K, (action))

static void filter_calls(struct sock_filter *filter, unsigned n)
{
	const struct sock_fprog program = { (unsigned short)n, filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(CANNOT_FILTER);
}

#define FILTER(...)                                                                                                    \
	do {                                                                                                           \
		struct sock_filter filter_[] = { __VA_ARGS__ };                                                        \
                                                                                                                       \
		filter_calls(filter_, sizeof(filter_) / sizeof(filter_[0]));                                           \
	} while (0)

/* ---- SIGSYS ---- */

struct call {
	long number;
	uint64_t args[6];
};

static long (*answer)(const struct call *call);

#if defined(__x86_64__)
static void read_call(const ucontext_t *context, struct call *call)
{
	static const int registers[] = { REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9 };
	unsigned i;

	for (i = 0; i < 6; i++)
		call->args[i] = (uint64_t)context->uc_mcontext.gregs[registers[i]];
}

static void write_result(ucontext_t *context, long result)
{
	context->uc_mcontext.gregs[REG_RAX] = result;
}
#define CAN_ANSWER 1
#elif defined(__aarch64__)
static void read_call(const ucontext_t *context, struct call *call)
{
	unsigned i;

	for (i = 0; i < 6; i++)
		call->args[i] = context->uc_mcontext.regs[i];
}

static void write_result(ucontext_t *context, long result)
{
	context->uc_mcontext.regs[0] = (uint64_t)result;
}
#define CAN_ANSWER 1
#else
static void read_call(const ucontext_t *context, struct call *call)
{
	(void)context;
	(void)call;
}

static void write_result(ucontext_t *context, long result)
{
	(void)context;
	(void)result;
}
#define CAN_ANSWER 0
#endif

static void on_call(int signal, siginfo_t *info, void *context)
{
	const int errno_before = errno;
	struct call call;

	(void)signal;
	memset(&call, 0, sizeof(call));
	call.number = info->si_syscall;
	read_call(context, &call);
	write_result(context, answer(&call));
	errno = errno_before;
}

static void answer_with(long (*fn)(const struct call *call))
{
	struct sigaction action;

	answer = fn;
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_call;
	action.sa_flags = SA_SIGINFO | SA_NODEFER;	/* an answer may make calls itself */
	sigaction(SIGSYS, &action, NULL);
}

static bool ran(void (*fn)(void *arg), void *arg)
{
	int status;

	if (!CAN_ANSWER || UNDER_TSAN) {
		test_skip(__FILE__, __LINE__, "system calls cannot be caught in this build");
		return false;
	}
	status = child_run(fn, arg);
	if (status == CANNOT_FILTER) {
		test_skip(__FILE__, __LINE__, "seccomp filters are not to be had here");
		return false;
	}
	CHECK_EQ(status, 0);
	return true;
}

/* ---- none where nobody waits ---- */

static unsigned calls_made;

static long count_call(const struct call *call)
{
	calls_made++;
	FAIL("system call %ld", call->number);
	return -ENOSYS;
}

/* A second thread, so that nothing is elided because there is only one. */
static void parked(struct member *me)
{
	weft_event_wait(me->arg);
}

static struct {
	struct weft_lock lock, shared_lock, contended_lock;
	struct weft_rlock rlock, shared_rlock, contended_rlock;
	struct weft_event event, shared_event, contended_event, clear;
	struct weft_sem sem, bounded_sem, shared_sem, contended_sem;
	struct weft_cond cond, lock_cond, rlock_cond;
	struct weft_barrier barrier, shared_barrier;
	struct weft_once once;
	struct weft_latch latch, shared_latch, contended_latch;
	struct weft_event park;
} zoo;

static int always(void *arg)
{
	(void)arg;
	return 7;
}

static const int64_t times[] = { INT64_MIN, -1, 0, 1, SEC, WEFT_FOREVER };

static void use_lock(struct weft_lock *lock)
{
	struct weft_lock *const list[] = { lock };
	unsigned i;

	CHECK_RET(weft_lock_acquire(lock), 0);
	CHECK_RET(weft_lock_try_acquire(lock), -EAGAIN);
	CHECK_RET(weft_lock_acquire_for(lock, 0), -ETIMEDOUT);
	CHECK_RET(weft_lock_acquire_until(lock, -1, NULL), -ETIMEDOUT);
	CHECK_RET(weft_lock_acquire_until(lock, 0, &zoo.clear), -ETIMEDOUT);
	CHECK_RET(weft_lock_destroy(lock), -EBUSY);
	CHECK_RET(weft_lock_release(lock), 0);
	CHECK_RET(weft_lock_release(lock), -EPERM);
	CHECK_RET(weft_lock_try_acquire(lock), 0);
	CHECK_RET(weft_lock_release(lock), 0);
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		CHECK_RET(weft_lock_acquire_for(lock, times[i]), 0);
		CHECK_RET(weft_lock_release(lock), 0);
		CHECK_RET(weft_lock_acquire_until(lock, times[i], NULL), 0);
		CHECK_RET(weft_lock_release(lock), 0);
		CHECK_RET(weft_lock_acquire_until(lock, times[i], &zoo.clear), 0);
		CHECK_RET(weft_lock_release(lock), 0);
	}
	CHECK_RET(weft_lock_acquire_many(list, 1), 0);
	CHECK_RET(weft_lock_release(lock), 0);
	weft_with(lock)
		CHECK(weft_lock_locked(lock));
	CHECK_RET(weft_lock_destroy(lock), 0);
}

static void use_rlock(struct weft_rlock *rlock)
{
	unsigned i, n = 0;

	CHECK_RET(weft_rlock_release(rlock), -EPERM);
	CHECK(!weft_rlock_owned(rlock));
	CHECK_RET(weft_rlock_acquire(rlock), 0);
	CHECK_RET(weft_rlock_try_acquire(rlock), 0);
	n = 2;
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		CHECK_RET(weft_rlock_acquire_for(rlock, times[i]), 0);
		CHECK_RET(weft_rlock_acquire_until(rlock, times[i], &zoo.clear), 0);
		n += 2;
	}
	CHECK_EQ(weft_rlock_depth(rlock), n);
	CHECK(weft_rlock_owned(rlock) && weft_rlock_locked(rlock));
	CHECK_RET(weft_rlock_destroy(rlock), -EBUSY);
	while (n-- > 0)
		CHECK_RET(weft_rlock_release(rlock), 0);
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		CHECK_RET(weft_rlock_acquire_for(rlock, times[i]), 0);
		CHECK_RET(weft_rlock_release(rlock), 0);
		CHECK_RET(weft_rlock_acquire_until(rlock, times[i], NULL), 0);
		CHECK_RET(weft_rlock_release(rlock), 0);
	}
	CHECK_RET(weft_rlock_destroy(rlock), 0);
}

static void use_event(struct weft_event *event)
{
	unsigned i;

	CHECK_RET(weft_event_wait_for(event, 0), -ETIMEDOUT);
	CHECK_RET(weft_event_wait_for(event, -1), -ETIMEDOUT);
	weft_event_set(event);
	weft_event_set(event);
	CHECK(weft_event_is_set(event));
	CHECK_RET(weft_event_wait(event), 0);
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		CHECK_RET(weft_event_wait_for(event, times[i]), 0);
		CHECK_RET(weft_event_wait_until(event, times[i], NULL), 0);
		CHECK_RET(weft_event_wait_until(event, times[i], &zoo.clear), 0);
	}
	weft_event_clear(event);
	weft_event_clear(event);
	CHECK(!weft_event_is_set(event));
}

static void use_sem(struct weft_sem *sem)
{
	unsigned i;

	CHECK_RET(weft_sem_release(sem), 0);
	CHECK_RET(weft_sem_acquire(sem), 0);
	CHECK_RET(weft_sem_try_acquire(sem), -EAGAIN);
	CHECK_RET(weft_sem_acquire_for(sem, 0), -ETIMEDOUT);
	CHECK_RET(weft_sem_acquire_until(sem, INT64_MIN, NULL), -ETIMEDOUT);
	CHECK_RET(weft_sem_release_n(sem, 2), 0);
	CHECK_RET(weft_sem_release_n(sem, 0), -EINVAL);
	CHECK_RET(weft_sem_release_n(sem, 0x80000000), -EOVERFLOW);
	CHECK_EQ(weft_sem_value(sem), 2);
	CHECK_RET(weft_sem_try_acquire(sem), 0);
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		CHECK_RET(weft_sem_acquire_for(sem, times[i]), 0);
		CHECK_RET(weft_sem_release(sem), 0);
		CHECK_RET(weft_sem_acquire_until(sem, times[i], &zoo.clear), 0);
		CHECK_RET(weft_sem_release(sem), 0);
	}
	CHECK_RET(weft_sem_acquire(sem), 0);
	CHECK_RET(weft_sem_destroy(sem), 0);
}

static void use_cond(struct weft_cond *cond)
{
	CHECK_RET(weft_cond_notify(cond, 1), -EPERM);
	CHECK_RET(weft_cond_notify_all(cond), -EPERM);
	CHECK_RET(weft_cond_wait(cond), -EPERM);
	CHECK_RET(weft_cond_acquire(cond), 0);
	CHECK(weft_cond_locked(cond));
	CHECK_RET(weft_cond_notify(cond, 3), 0);
	CHECK_RET(weft_cond_notify_all(cond), 0);
	CHECK_RET(weft_cond_wait_pred(cond, always, NULL), 7);
	CHECK_RET(weft_cond_wait_pred_for(cond, always, NULL, SEC), 7);
	CHECK_RET(weft_cond_wait_pred_until(cond, always, NULL, WEFT_FOREVER, &zoo.clear), 7);
	CHECK_RET(weft_cond_release(cond), 0);
	CHECK_RET(weft_cond_try_acquire(cond), 0);
	CHECK_RET(weft_cond_release(cond), 0);
	CHECK_RET(weft_cond_acquire_for(cond, SEC), 0);
	CHECK_RET(weft_cond_release(cond), 0);
	CHECK_RET(weft_cond_acquire_until(cond, WEFT_FOREVER, &zoo.clear), 0);
	CHECK_RET(weft_cond_release(cond), 0);
	CHECK_RET(weft_cond_destroy(cond), 0);
}

static int use_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int use_nothing_and_fail(void *arg)
{
	(void)arg;
	return -EIO;
}

static void use_once(struct weft_once *once)
{
	unsigned i;

	for (i = 0; i < 3; i++)
		CHECK_RET(weft_once_call(once, use_nothing_and_fail, NULL), -EIO);
	for (i = 0; i < 3; i++)
		CHECK_RET(weft_once_call(once, use_nothing, NULL), 0);
	CHECK(weft_once_done(once));
	CHECK_RET(weft_once_destroy(once), 0);
	weft_once_init(once);
}

static void use_latch(struct weft_latch *latch)
{
	unsigned i;

	CHECK_RET(weft_latch_wait(latch), 0);
	CHECK_RET(weft_latch_count_down(latch, 1), -EINVAL);
	CHECK_RET(weft_latch_count_up(latch, 3), 0);
	CHECK_RET(weft_latch_wait_for(latch, 0), -ETIMEDOUT);
	CHECK_RET(weft_latch_wait_until(latch, -1, &zoo.clear), -ETIMEDOUT);
	CHECK_RET(weft_latch_count_down(latch, 1), 0);
	CHECK_RET(weft_latch_count_down(latch, 2), 0);
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		CHECK_RET(weft_latch_wait_for(latch, times[i]), 0);
		CHECK_RET(weft_latch_wait_until(latch, times[i], NULL), 0);
		CHECK_RET(weft_latch_wait_until(latch, times[i], &zoo.clear), 0);
	}
	CHECK_RET(weft_latch_destroy(latch), 0);
}

static void use_barrier(struct weft_barrier *barrier)
{
	unsigned i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		CHECK_RET(weft_barrier_wait(barrier), 0);
		CHECK_RET(weft_barrier_wait_for(barrier, times[i]), 0);
		CHECK_RET(weft_barrier_wait_until(barrier, times[i], &zoo.clear), 0);
	}
	weft_barrier_abort(barrier);
	CHECK(weft_barrier_broken(barrier));
	CHECK_RET(weft_barrier_wait(barrier), -EPIPE);
	weft_barrier_reset(barrier);
	CHECK_EQ(weft_barrier_n_waiting(barrier), 0);
	CHECK_EQ(weft_barrier_parties(barrier), 1);
	CHECK_RET(weft_barrier_wait(barrier), 0);
	CHECK_RET(weft_barrier_destroy(barrier), 0);
}

static void describe_all(void)
{
	char text[100];

	CHECK_RET(weft_describe(&zoo.lock, text, sizeof(text)) > 0, 1);
	CHECK_RET(weft_describe(&zoo.rlock, text, sizeof(text)) > 0, 1);
	CHECK_RET(weft_describe(&zoo.event, text, sizeof(text)) > 0, 1);
	CHECK_RET(weft_describe(&zoo.sem, text, sizeof(text)) > 0, 1);
	CHECK_RET(weft_describe(&zoo.cond, text, sizeof(text)) > 0, 1);
	CHECK_RET(weft_describe(&zoo.barrier, text, sizeof(text)) > 0, 1);
}

static void use_zoo(void)
{
	use_lock(&zoo.lock);
	use_lock(&zoo.shared_lock);
	use_lock(&zoo.contended_lock);
	use_rlock(&zoo.rlock);
	use_rlock(&zoo.shared_rlock);
	use_rlock(&zoo.contended_rlock);
	use_event(&zoo.event);
	use_event(&zoo.shared_event);
	use_event(&zoo.contended_event);
	use_sem(&zoo.sem);
	use_sem(&zoo.shared_sem);
	use_sem(&zoo.contended_sem);
	CHECK_RET(weft_sem_acquire(&zoo.bounded_sem), 0);
	CHECK_RET(weft_sem_release(&zoo.bounded_sem), 0);
	CHECK_RET(weft_sem_release(&zoo.bounded_sem), -EOVERFLOW);
	use_cond(&zoo.cond);
	use_cond(&zoo.lock_cond);
	use_cond(&zoo.rlock_cond);
	use_barrier(&zoo.barrier);
	use_barrier(&zoo.shared_barrier);
	use_once(&zoo.once);
	use_latch(&zoo.latch);
	use_latch(&zoo.shared_latch);
	use_latch(&zoo.contended_latch);
	describe_all();
}

/* Objects for which threads slept once are as good as new afterwards. */
static void sleep_for_all(struct member *me)
{
	(void)me;
	weft_lock_acquire(&zoo.contended_lock);
	weft_lock_release(&zoo.contended_lock);
	weft_event_wait(&zoo.contended_event);
	weft_rlock_acquire(&zoo.contended_rlock);
	weft_rlock_release(&zoo.contended_rlock);
	weft_sem_acquire(&zoo.contended_sem);
	weft_latch_wait(&zoo.contended_latch);
}

static void contend(void)
{
	struct team team;

	weft_lock_acquire(&zoo.contended_lock);
	weft_rlock_acquire(&zoo.contended_rlock);
	weft_latch_count_up(&zoo.contended_latch, 1);
	team_start(&team, 3, sleep_for_all, NULL);
	team_wait_asleep(&team, 3);
	weft_lock_release(&zoo.contended_lock);
	wait_until(!weft_lock_locked(&zoo.contended_lock));
	team_wait_asleep(&team, 3);
	weft_event_set(&zoo.contended_event);
	team_wait_asleep(&team, 3);
	weft_rlock_release(&zoo.contended_rlock);
	team_wait_asleep(&team, 3);
	weft_sem_release_n(&zoo.contended_sem, 3);
	team_wait_asleep(&team, 3);
	weft_latch_count_down(&zoo.contended_latch, 1);
	team_join(&team);
	weft_event_clear(&zoo.contended_event);
}

static void prepare_zoo(void)
{
	static struct weft_lock lock;
	static struct weft_rlock rlock;

	weft_lock_init_shared(&zoo.shared_lock);
	weft_rlock_init_shared(&zoo.shared_rlock);
	weft_event_init_shared(&zoo.shared_event);
	CHECK_RET(weft_sem_init_shared(&zoo.shared_sem, 0), 0);
	CHECK_RET(weft_sem_init_bounded(&zoo.bounded_sem, 2), 0);
	weft_cond_init_lock(&zoo.lock_cond, &lock);
	weft_cond_init_rlock(&zoo.rlock_cond, &rlock);
	CHECK_RET(weft_barrier_init_shared(&zoo.shared_barrier, 1), 0);
	CHECK_RET(weft_latch_init_shared(&zoo.shared_latch, 0), 0);
	/* A thread's name among processes holds its kernel id, asked for once. */
	CHECK_RET(weft_rlock_acquire(&zoo.shared_rlock), 0);
	CHECK_RET(weft_rlock_release(&zoo.shared_rlock), 0);
}

static void use_zoo_filtered(void *arg)
{
	struct team team;

	(void)arg;
	prepare_zoo();
	contend();
	team_start(&team, 1, parked, &zoo.park);
	team_wait_asleep(&team, 1);
	answer_with(count_call);
	/* AddressSanitizer asks for the signal stack before each call that does not return. */
	FILTER(LOAD_NUMBER, ON_CALL(SYS_write, SECCOMP_RET_ALLOW), ON_CALL(SYS_rt_sigreturn, SECCOMP_RET_ALLOW),
	       ON_CALL(SYS_sigaltstack, SECCOMP_RET_ALLOW), ON_CALL(SYS_exit_group, SECCOMP_RET_ALLOW),
	       OTHERWISE(SECCOMP_RET_TRAP));
	use_zoo();
	_exit(calls_made != 0);
}

/* Issue's fourth proof: no system call on any uncontended path. */
Test(syscalls, none_uncontended)
{
	ran(use_zoo_filtered, NULL);
}

/* The test is able to fail. */
static void make_one_call(void *arg)
{
	(void)arg;
	answer_with(count_call);
	FILTER(LOAD_NUMBER, ON_CALL(SYS_rt_sigreturn, SECCOMP_RET_ALLOW), ON_CALL(SYS_exit_group, SECCOMP_RET_ALLOW),
	       OTHERWISE(SECCOMP_RET_TRAP));
	answer = NULL;
	_exit(syscall(SYS_getppid) > 0 ? 0 : 1);
}

Test(syscalls, filter_works)
{
	if (!CAN_ANSWER || UNDER_TSAN)
		SKIP("system calls cannot be caught in this build");
	const int status = child_run(make_one_call, NULL);

	if (status == CANNOT_FILTER)
		SKIP("seccomp filters are not to be had here");
	CHECK_LT(status, 0);	/* the handler had no answer to give */
}

/* ---- what is asked of the kernel where somebody waits ---- */

/* One wait, whose futex calls are answered here. */
static struct scene {
	int (*wait)(void);		/* what is tested; returns 0 */
	void (*grant)(void);		/* ends it */
	bool shared, timed, late;	/* late: the grant comes just as the kernel says that time is up */
	long faults[8];			/* answered first, in order; then the grant */
	unsigned n_faults;

	unsigned waits, wakes;
	bool granted;
	int64_t deadline_ns;
} scene;

static int64_t of_timespec(const struct timespec *time)
{
	CHECK_GE(time->tv_nsec, 0);
	CHECK_LT(time->tv_nsec, 1000000000);
	CHECK_GE(time->tv_sec, 0);
	return time->tv_sec * SEC + time->tv_nsec;
}

static void check_wait(const struct call *call)
{
	const int op = (int)call->args[1];
	const struct timespec *const time = (const struct timespec *)(uintptr_t)call->args[3];

	CHECK_EQ((op & FUTEX_PRIVATE_FLAG) == 0, scene.shared);		/* PSH-08 */
	CHECK_EQ(op & FUTEX_CLOCK_REALTIME, 0);				/* TIME-01 */
	if (scene.timed) {
		CHECK_EQ(op & FUTEX_CMD_MASK, FUTEX_WAIT_BITSET);	/* absolute: trap 5 */
		if (CHECK(time != NULL))
			CHECK_EQ(of_timespec(time), scene.deadline_ns);	/* TIME-03, TIME-10: the same each time */
		CHECK_EQ((uint32_t)call->args[5], FUTEX_BITSET_MATCH_ANY);
	} else {
		CHECK_EQ(op & FUTEX_CMD_MASK, FUTEX_WAIT);		/* plain: profilers count only this */
		CHECK(time == NULL);
	}
}

static long play_futex(const struct call *call)
{
	const uint32_t *const word = (const uint32_t *)(uintptr_t)call->args[0];
	const int command = (int)call->args[1] & FUTEX_CMD_MASK;

	if (command == FUTEX_WAKE) {
		scene.wakes++;
		CHECK_EQ(((int)call->args[1] & FUTEX_PRIVATE_FLAG) == 0, scene.shared);
		return 0;
	}
	if (command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET) {
		FAIL("futex command %d", command);
		return -ENOSYS;
	}
	check_wait(call);
	if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != (uint32_t)call->args[2])
		return -EAGAIN;
	if (++scene.waits <= scene.n_faults)
		return scene.faults[scene.waits - 1];
	if (scene.granted) {
		FAIL("waits on after it was granted");
		_exit(1);
	}
	scene.granted = true;
	scene.grant();
	return scene.late ? -ETIMEDOUT : 0;
}

static void play_scene(void *arg)
{
	(void)arg;
	answer_with(play_futex);
	FILTER(LOAD_NUMBER, ON_CALL(SYS_futex, SECCOMP_RET_TRAP), OTHERWISE(SECCOMP_RET_ALLOW));
	CHECK_EQ(scene.wait(), 0);
	CHECK(scene.granted);
	CHECK_EQ(scene.waits, scene.n_faults + 1);
}

/* With a quiet kernel; then with one that returns for all the reasons it may. */
static void check_scene(bool shared, bool timed, int (*wait)(void), void (*grant)(void))
{
	static const long faults[] = { -EINTR, 0, -EINTR, -EINTR, 0, 0, -EINTR, 0 };

	memset(&scene, 0, sizeof(scene));
	scene.wait = wait;
	scene.grant = grant;
	scene.shared = shared;
	scene.timed = timed;
	scene.deadline_ns = weft_now() + 3600 * SEC + 123456789;
	if (!ran(play_scene, NULL))
		return;
	memcpy(scene.faults, faults, sizeof(faults));
	scene.n_faults = sizeof(faults) / sizeof(faults[0]);
	ran(play_scene, NULL);
	/* What is there is granted before the clock counts (TIME-11), and notified wins (EVT-09, COND-15, BAR-16). */
	scene.late = timed;
	ran(play_scene, NULL);
}

static struct weft_lock lock;
static struct weft_rlock rlock;
static struct weft_event event;
static struct weft_sem sem;
static struct weft_barrier barrier;
static struct weft_cond cond;
static struct weft_latch latch;

static int acquire_lock(void)
{
	return weft_lock_acquire(&lock);
}

static int acquire_lock_until(void)
{
	return weft_lock_acquire_until(&lock, scene.deadline_ns, NULL);
}

static void release_lock(void)
{
	CHECK_EQ(weft_lock_release(&lock), 0);
}

Test(syscalls, lock_waits)
{
	weft_lock_acquire(&lock);
	check_scene(false, false, acquire_lock, release_lock);
	check_scene(false, true, acquire_lock_until, release_lock);
	weft_lock_init_shared(&lock);
	weft_lock_acquire(&lock);
	check_scene(true, false, acquire_lock, release_lock);
	check_scene(true, true, acquire_lock_until, release_lock);
}

/* The rlock is held by another thread, which ended: the grant undoes its hold from inside. */
static void hold_rlock(struct member *me)
{
	weft_rlock_acquire(me->arg);
}

static int acquire_rlock(void)
{
	return weft_rlock_acquire(&rlock);
}

static int acquire_rlock_until(void)
{
	return weft_rlock_acquire_until(&rlock, scene.deadline_ns, NULL);
}

static void release_rlock(void)
{
	atomic_store(&rlock.owner, 0);
	atomic_store(&rlock.depth, 0);
	CHECK_EQ(weft_lock_release(&rlock.lock), 0);
}

Test(syscalls, rlock_waits)
{
	team_run(1, hold_rlock, &rlock);
	check_scene(false, false, acquire_rlock, release_rlock);
	check_scene(false, true, acquire_rlock_until, release_rlock);
	weft_rlock_init_shared(&rlock);
	team_run(1, hold_rlock, &rlock);
	check_scene(true, false, acquire_rlock, release_rlock);
	check_scene(true, true, acquire_rlock_until, release_rlock);
}

static int wait_event(void)
{
	return weft_event_wait(&event);
}

static int wait_event_until(void)
{
	return weft_event_wait_until(&event, scene.deadline_ns, NULL);
}

static void set_event(void)
{
	weft_event_set(&event);
}

Test(syscalls, event_waits)
{
	check_scene(false, false, wait_event, set_event);
	check_scene(false, true, wait_event_until, set_event);
	weft_event_init_shared(&event);
	check_scene(true, false, wait_event, set_event);
	check_scene(true, true, wait_event_until, set_event);
}

static int acquire_sem(void)
{
	return weft_sem_acquire(&sem);
}

static int acquire_sem_until(void)
{
	return weft_sem_acquire_until(&sem, scene.deadline_ns, NULL);
}

static void release_sem(void)
{
	CHECK_EQ(weft_sem_release(&sem), 0);
}

Test(syscalls, sem_waits)
{
	check_scene(false, false, acquire_sem, release_sem);
	check_scene(false, true, acquire_sem_until, release_sem);
	CHECK_RET(weft_sem_init_shared(&sem, 0), 0);
	check_scene(true, false, acquire_sem, release_sem);
	check_scene(true, true, acquire_sem_until, release_sem);
}

/* First to arrive of two; the grant is the second. */
static int wait_barrier(void)
{
	return weft_barrier_wait(&barrier);
}

static int wait_barrier_until(void)
{
	return weft_barrier_wait_until(&barrier, scene.deadline_ns, NULL);
}

static void arrive(void)
{
	CHECK_EQ(weft_barrier_wait(&barrier), 1);
}

Test(syscalls, barrier_waits)
{
	CHECK_RET(weft_barrier_init(&barrier, 2), 0);
	check_scene(false, false, wait_barrier, arrive);
	check_scene(false, true, wait_barrier_until, arrive);
	CHECK_RET(weft_barrier_init_shared(&barrier, 2), 0);
	check_scene(true, false, wait_barrier, arrive);
	check_scene(true, true, wait_barrier_until, arrive);
}

static int wait_cond(void)
{
	weft_cond_acquire(&cond);
	return weft_cond_wait(&cond);
}

static int wait_cond_until(void)
{
	weft_cond_acquire(&cond);
	return weft_cond_wait_until(&cond, scene.deadline_ns, NULL);
}

static void notify_cond(void)
{
	CHECK_EQ(weft_cond_acquire(&cond), 0);
	CHECK_EQ(weft_cond_notify(&cond, 1), 1);
	CHECK_EQ(weft_cond_release(&cond), 0);
}

/* COND-14 with a kernel that wakes for no reason. */
Test(syscalls, cond_waits)
{
	check_scene(false, false, wait_cond, notify_cond);
	check_scene(false, true, wait_cond_until, notify_cond);
}

static int wait_latch(void)
{
	return weft_latch_wait(&latch);
}

static int wait_latch_until(void)
{
	return weft_latch_wait_until(&latch, scene.deadline_ns, NULL);
}

static void end_round(void)
{
	CHECK_EQ(weft_latch_count_down(&latch, 1), 0);
}

Test(syscalls, latch_waits)
{
	CHECK_RET(weft_latch_init(&latch, 1), 0);
	check_scene(false, false, wait_latch, end_round);
	check_scene(false, true, wait_latch_until, end_round);
	CHECK_RET(weft_latch_init_shared(&latch, 1), 0);
	check_scene(true, false, wait_latch, end_round);
	check_scene(true, true, wait_latch_until, end_round);
}

static int sleep_to_deadline(void)
{
	return weft_sleep_until(scene.deadline_ns, NULL);
}

static void give_nothing(void)
{
}

/* A sleep has nothing but the clock to end it: here the kernel's word is taken for it. */
static long play_sleep(const struct call *call)
{
	check_wait(call);
	if (++scene.waits <= scene.n_faults)
		return scene.faults[scene.waits - 1];
	scene.granted = true;
	return -ETIMEDOUT;
}

static void play_sleeping_scene(void *arg)
{
	(void)arg;
	answer_with(play_sleep);
	FILTER(LOAD_NUMBER, ON_CALL(SYS_futex, SECCOMP_RET_TRAP), OTHERWISE(SECCOMP_RET_ALLOW));
	CHECK_EQ(scene.wait(), 0);
	CHECK(scene.granted);
}

Test(syscalls, sleep_waits)
{
	static const long faults[] = { -EINTR, 0, -EAGAIN };

	memset(&scene, 0, sizeof(scene));
	scene.wait = sleep_to_deadline;
	scene.grant = give_nothing;
	scene.timed = true;
	scene.deadline_ns = weft_now() + 3600 * SEC + 999999999;
	memcpy(scene.faults, faults, sizeof(faults));
	scene.n_faults = 3;
	ran(play_sleeping_scene, NULL);
}

/* ---- a kernel without futex_waitv, or a filter that forbids it: tokens work all the same ---- */

static struct weft_event token;
static struct weft_sem permits;

static void acquire_with_token(struct member *me)
{
	me->result = weft_sem_acquire_until(&permits, WEFT_FOREVER, &token);
}

static void use_tokens_without_waitv(void *arg)
{
	const uint32_t error = *(const uint32_t *)arg;
	struct team team;
	int64_t deadline_ns;
	int results[3];
	unsigned i;

	FILTER(LOAD_NUMBER, ON_CALL(SYS_futex_waitv, SECCOMP_RET_ERRNO | error), OTHERWISE(SECCOMP_RET_ALLOW));
	team_start(&team, 3, acquire_with_token, NULL);
	team_wait_asleep(&team, 3);
	weft_sem_release_n(&permits, 3);
	team_join_results(&team, results);
	for (i = 0; i < 3; i++)
		CHECK_EQ(results[i], 0);

	team_start(&team, 3, acquire_with_token, NULL);
	team_wait_asleep(&team, 3);
	storm(&team.members[0], 20, MS);
	CHECK_EQ(team_done(&team), 0);
	weft_event_set(&token);
	team_join_results(&team, results);
	for (i = 0; i < 3; i++)
		CHECK_EQ(results[i], -ECANCELED);

	weft_event_clear(&token);
	deadline_ns = weft_now() + 20 * MS;
	CHECK_RET(weft_sem_acquire_until(&permits, deadline_ns, &token), -ETIMEDOUT);
	CHECK_GE(weft_now(), deadline_ns);
	deadline_ns = weft_now() + MS / 2;
	CHECK_RET(weft_sem_acquire_until(&permits, deadline_ns, &token), -ETIMEDOUT);
	CHECK_GE(weft_now(), deadline_ns);
	CHECK_EQ(weft_sem_value(&permits), 0);
}

Test(syscalls, tokens_without_waitv)
{
	uint32_t error = ENOSYS;
	int status;

	status = child_run(use_tokens_without_waitv, &error);
	if (status == CANNOT_FILTER)
		SKIP("seccomp filters are not to be had here");
	CHECK_EQ(status, 0);
	error = EPERM;
	CHECK_EQ(child_run(use_tokens_without_waitv, &error), 0);
}
