/* SPDX-License-Identifier: MIT */
/* main.c - the command for the scenarios of the file that it is linked with. */
#include <weft/explore.h>

extern const struct weft_explore_scenario scenarios[];

int main(int argc, char **argv)
{
	const struct weft_explore_scenario *const tables[] = { scenarios, NULL };

	return weft_explore_main(argc, argv, tables);
}
