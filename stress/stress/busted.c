/* SPDX-License-Identifier: MIT */
/*
 * busted.c - run the broken twins, each of which must be caught, and the sound ones, which must not.
 *
 * A twin is this very program with a library that has one bug (stress/busted). It runs as a child process, under
 * the settings below; so does the sound library, once for each object and way of building.
 */
#include "stress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_TWINS = 200, MAX_JOBS = 8, MAX_SAID = 1 << 18 };

/* What all of them get. A twin may take the whole time, as may the sound ones. */
#define TWIN_SECONDS "5"
#define TWIN_DEADLINE "2"
#define TWIN_THREADS "8"
#define TWIN_TIMEOUTS "30"
static const int64_t twin_limit_ns = WEFT_SEC(60);

static struct stress_twin twins[MAX_TWINS];
static unsigned n_twins;

/* ---- where they are ---- */

static bool has_list(const char *dir)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/list", dir);
	return access(path, R_OK) == 0;
}

/* Beside this program while it is not installed, else where make install puts them. */
static const char *find_twins(char *dir, size_t size)
{
	static const char *const beside[] = { "twins", "../twins" };
	char self[2048], *slash;
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (stress_options.twins != NULL)
		return has_list(stress_options.twins) ? stress_options.twins : NULL;
	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash != NULL)
			*slash = '\0';
		for (unsigned i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
			snprintf(dir, size, "%s/%s", self, beside[i]);
			if (has_list(dir))
				return dir;
		}
	}
#ifdef STRESS_TWINS_DIR
	if (has_list(STRESS_TWINS_DIR))
		return STRESS_TWINS_DIR;
#endif
	return NULL;
}

static bool is_wanted(const char *name)
{
	return stress_options.only_twin == NULL || strcmp(stress_options.only_twin, name) == 0;
}

static struct stress_twin *find(const char *object, bool tsan, bool control)
{
	for (unsigned i = 0; i < n_twins; i++)
		if (strcmp(twins[i].object, object) == 0 && twins[i].tsan == tsan && twins[i].control == control)
			return &twins[i];
	return NULL;
}

static void add_control(const struct stress_twin *of)
{
	struct stress_twin *twin = &twins[n_twins];

	if (n_twins == MAX_TWINS || find(of->object, of->tsan, true) != NULL)
		return;
	n_twins++;
	twin->control = true;
	twin->tsan = of->tsan;
	snprintf(twin->name, sizeof(twin->name), "%s", of->tsan ? "sound-race" : "sound");
	memcpy(twin->object, of->object, sizeof(twin->object));
	snprintf(twin->text, sizeof(twin->text), "nothing");
}

static bool read_list(const char *dir)
{
	char path[4096], line[512];
	unsigned broken;
	FILE *list;

	snprintf(path, sizeof(path), "%s/list", dir);
	list = fopen(path, "r");
	if (list == NULL)
		return false;
	while (n_twins < MAX_TWINS && fgets(line, sizeof(line), list) != NULL) {
		struct stress_twin *twin = &twins[n_twins];

		if (line[0] == '#' || sscanf(line, "%63s %15s %63s %15s %159[^\n]", twin->name, twin->object,
					     twin->file, twin->catcher, twin->text) != 5)
			continue;
		twin->tsan = strcmp(twin->catcher, "race") == 0;
		n_twins += is_wanted(twin->name);
	}
	fclose(list);
	broken = n_twins;
	for (unsigned i = 0; i < broken; i++)
		add_control(&twins[i]);
	return broken > 0;
}

int stress_busted_list(FILE *out)
{
	char dir[4096];
	const char *found = find_twins(dir, sizeof(dir));

	if (found == NULL || !read_list(found))
		return 0;
	fprintf(out, "\n");
	for (unsigned i = 0; i < n_twins && !twins[i].control; i++)
		fprintf(out, "%-8s %-24s %s (%s)\n", twins[i].object, twins[i].name, twins[i].text, twins[i].catcher);
	return 0;
}

/* ---- running one ---- */

static _Noreturn void become(const struct stress_twin *twin, const char *dir, int output)
{
	char path[4096], seed[32];

	snprintf(path, sizeof(path), "%s/twin-%s", dir, twin->name);
	snprintf(seed, sizeof(seed), "%#" PRIx64, stress_options.seed);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	if (twin->tsan) {
		setenv("TSAN_OPTIONS", "halt_on_error=1 exitcode=66", 1);
		personality(
			ADDR_NO_RANDOMIZE); /* some kernels scatter more than ThreadSanitizer's memory map allows */
	}
	execl(path, path, twin->object, "--seconds", TWIN_SECONDS, "--deadline", TWIN_DEADLINE, "--threads",
	      TWIN_THREADS, "--timeouts", TWIN_TIMEOUTS, "--seed", seed, (char *)NULL);
	fprintf(stderr, "cannot run %s: %s\n", path, strerror(errno));
	_exit(127);
}

static void start(struct stress_twin *twin, const char *dir)
{
	int ends[2];

	twin->said = calloc(1, MAX_SAID);
	if (twin->said == NULL || pipe2(ends, O_CLOEXEC) != 0) {
		perror("weft-stress");
		exit(2);
	}
	fflush(stdout);
	twin->started = weft_now();
	twin->pid = fork();
	if (twin->pid == 0)
		become(twin, dir, ends[1]);
	close(ends[1]);
	twin->output = ends[0];
	if (twin->pid < 0) {
		perror("weft-stress: fork");
		exit(2);
	}
}

/* What comes first counts; the rest is read and dropped. Returns false at the end. */
static bool listen_to(struct stress_twin *twin)
{
	char rest[4096];
	const bool full = twin->n_said >= MAX_SAID - 1;
	const ssize_t n = read(twin->output, full ? rest : twin->said + twin->n_said,
			       full ? sizeof(rest) : MAX_SAID - 1 - twin->n_said);

	if (n > 0 && !full)
		twin->n_said += (size_t)n;
	return n > 0 || (n < 0 && errno == EINTR);
}

static void judge_output(struct stress_twin *twin, int status)
{
	const char *failed = strstr(twin->said, "FAILED "), *detail;
	char kase[64], kind[64];

	twin->caught = true;
	if (failed != NULL && sscanf(failed, "FAILED %63[^:]: %63[^:]:", kase, kind) == 2) {
		detail = strchr(kase, '/');
		snprintf(twin->by, sizeof(twin->by), "%s (%s)", kind, detail != NULL ? detail + 1 : kase);
	} else if (strstr(twin->said, "ThreadSanitizer: data race") != NULL) {
		snprintf(twin->by, sizeof(twin->by), "race (ThreadSanitizer)");
	} else if (strstr(twin->said, "Sanitizer: ") != NULL) {
		snprintf(twin->by, sizeof(twin->by), "%.40s", strstr(twin->said, "Sanitizer: ") + 11);
		twin->by[strcspn(twin->by, "\n")] = '\0';
	} else if (WIFSIGNALED(status)) {
		snprintf(twin->by, sizeof(twin->by), WTERMSIG(status) == SIGKILL ? "did not end" : "signal %d",
			 WTERMSIG(status));
	} else if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		twin->caught = false;
	} else {
		/* It did not run as it should, which is neither here nor there. */
		snprintf(twin->by, sizeof(twin->by), "cannot tell: status %d", WEXITSTATUS(status));
		twin->caught = twin->control;
	}
}

static void finish(struct stress_twin *twin)
{
	int status;

	while (waitpid(twin->pid, &status, 0) < 0 && errno == EINTR)
		;
	twin->took = weft_now() - twin->started;
	close(twin->output);
	judge_output(twin, status);
	twin->done = true;
}

/* ---- all of them ---- */

static bool is_good(const struct stress_twin *twin)
{
	return twin->caught != twin->control;
}

static void print_twin(const struct stress_twin *twin)
{
	char name[96];

	if (stress_options.json)
		return;
	snprintf(name, sizeof(name), "%s%s%s", twin->name, twin->control ? ", " : "",
		 twin->control ? twin->object : "");
	printf("%s%-24s %-7s %-28s %5.1f s  %s\n", isatty(STDOUT_FILENO) ? "\r\033[K" : "", name,
	       is_good(twin) ? "ok" : "FAILED", twin->by[0] != '\0' ? twin->by : "nothing found",
	       weft_seconds(twin->took), twin->text);
	if (!is_good(twin) && twin->control)
		fputs(twin->said, stdout);
	fflush(stdout);
}

static void print_running(struct stress_twin *const running[], unsigned n, unsigned done)
{
	if (stress_options.json || !isatty(STDOUT_FILENO))
		return;
	printf("\r%u of %u done; running:", done, n_twins);
	for (unsigned i = 0; i < n; i++)
		printf(" %s (%.0f s)", running[i]->name, weft_seconds(weft_now() - running[i]->started));
	printf("\033[K");
	fflush(stdout);
}

/* Wait until one of @running says something or ends. Returns how many still run. */
static unsigned attend(struct stress_twin *running[], unsigned n, unsigned *done)
{
	struct pollfd fds[MAX_JOBS];
	unsigned left = 0;

	for (unsigned i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = running[i]->output, .events = POLLIN };
	if (poll(fds, n, 200) < 0 && errno != EINTR)
		return n;
	for (unsigned i = 0; i < n; i++) {
		struct stress_twin *twin = running[i];

		if (weft_now() - twin->started > twin_limit_ns)
			kill(twin->pid, SIGKILL);
		if (fds[i].revents == 0 || listen_to(twin)) {
			running[left++] = twin;
			continue;
		}
		finish(twin);
		print_twin(twin);
		(*done)++;
	}
	return left;
}

static void run_all(const char *dir)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const unsigned jobs = cpus < 2 ? 1 : cpus > MAX_JOBS ? MAX_JOBS : (unsigned)cpus;
	struct stress_twin *running[MAX_JOBS];
	unsigned n = 0, next = 0, done = 0;

	while (done < n_twins) {
		while (n < jobs && next < n_twins) {
			start(&twins[next], dir);
			running[n++] = &twins[next++];
		}
		n = attend(running, n, &done);
		print_running(running, n, done);
	}
}

int stress_busted(void)
{
	const int64_t began = weft_now();
	unsigned caught = 0, broken = 0, bad = 0;
	char dir[4096];
	const char *found = find_twins(dir, sizeof(dir));

	if (found == NULL || !read_list(found)) {
		fprintf(stderr, "weft-stress: no twins%s%s; \"make twins\" builds them\n",
			found ? " called so in " : " here", found ? found : "");
		return 2;
	}
	if (!stress_options.json)
		printf("weft-stress: broken twins from %s, seed %#" PRIx64 ", each: OBJECT --seconds " TWIN_SECONDS
		       " --deadline " TWIN_DEADLINE " --threads " TWIN_THREADS " --timeouts " TWIN_TIMEOUTS
		       "\n%-24s %-7s %-28s %7s  %s\n",
		       found, stress_options.seed, "twin", "", "caught by", "after", "what is wrong with it");
	run_all(found);
	for (unsigned i = 0; i < n_twins; i++) {
		broken += !twins[i].control;
		caught += !twins[i].control && twins[i].caught;
		bad += !is_good(&twins[i]);
	}
	if (stress_options.json)
		stress_json_twins(twins, n_twins);
	else
		printf("%s%u of %u broken twins caught, %u of %u sound runs passed, in %.0f s\n",
		       isatty(STDOUT_FILENO) ? "\r\033[K" : "", caught, broken,
		       n_twins - broken - (bad - (broken - caught)), n_twins - broken,
		       weft_seconds(weft_now() - began));
	return bad > 0;
}
