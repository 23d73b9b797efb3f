/* SPDX-License-Identifier: MIT */
/*
 * mailbox.c - an event says that there is mail; the reader takes all of it and then clears the event, and with it what
 * was said of mail that came in between.
 * expect: mailbox-broken stuck
 */
#include <weft.h>
#include <weft/explore.h>

struct mailbox {
	struct weft_event mail;
	struct weft_lock lock;
	int letters;
};

enum { LETTERS = 2 };

static void *begin(void)
{
	return weft_explore_alloc(sizeof(struct mailbox), "mailbox");
}

static void post(struct mailbox *box)
{
	for (int i = 0; i < LETTERS; i++) {
		weft_with(&box->lock)
			box->letters++;
		weft_event_set(&box->mail);
	}
}

static int take(struct mailbox *box)
{
	int n;

	weft_guard(&box->lock);
	n = box->letters;
	box->letters = 0;
	return n;
}

static void broken(void *state, unsigned number)
{
	struct mailbox *const box = state;
	int read = 0;

	if (number == 0) {
		post(box);
		return;
	}
	while (read < LETTERS) {
		weft_event_wait(&box->mail);
		read += take(box);
		weft_event_clear(&box->mail);
	}
}

static void fixed(void *state, unsigned number)
{
	struct mailbox *const box = state;
	int read = 0;

	if (number == 0) {
		post(box);
		return;
	}
	while (read < LETTERS) {
		weft_event_wait(&box->mail);
		weft_event_clear(&box->mail);
		read += take(box);
	}
}

const struct weft_explore_scenario scenarios[] = {
	{ .name = "mailbox-broken", .threads = 2, .begin = begin, .thread = broken },
	{ .name = "mailbox-fixed", .threads = 2, .begin = begin, .thread = fixed },
	{ .name = NULL },
};
