/* SPDX-License-Identifier: MIT */
/*
 * freed.c - a request is freed by whoever waits for its answer, while the one who answers still looks at it.
 */
#include <stdlib.h>
#include <weft.h>
#include <weft/explore.h>

struct request {
	struct weft_event answered;
	int answer;
	bool logged;
};

static void answer(struct request *request)
{
	request->answer = 42;
	weft_event_set(&request->answered);
	if (request->logged) /* the other may have freed it by now */
		weft_explore_reached("logged");
}

static void *begin(void)
{
	return calloc(1, sizeof(struct request)); /* malloc() and its like are watched */
}

static void thread(void *state, unsigned number)
{
	struct request *const request = state;

	if (number == 0) {
		answer(request);
	} else {
		weft_event_wait(&request->answered);
		weft_explore_check(request->answer == 42);
		free(request);
	}
}

int main(int argc, char **argv)
{
	static const struct weft_explore_scenario scenarios[] = {
		{ .name = "request", .threads = 2, .begin = begin, .thread = thread },
		{ .name = NULL },
	};
	static const struct weft_explore_scenario *const tables[] = { scenarios, NULL };

	return weft_explore_main(argc, argv, tables);
}
