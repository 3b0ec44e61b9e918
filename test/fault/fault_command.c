/*
 * Preloaded into a command: everything below the folder $FAULT_ROOT is on the fault disk
 * (core/store/fault_disk.h), and $FAULT_PLAN says "SEED CUT_AT KEEP_SOME KIND FAIL_AT FAIL_N
 * ERRNO". At the end of the process the number of calls goes to $FAULT_COUNT, a file.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/store/fault_disk.h"

static void tell_count(void)
{
	const char *path = getenv("FAULT_COUNT");
	FILE *out = path == NULL ? NULL : fopen(path, "w");

	if (out != NULL) {
		fprintf(out, "%u\n", fault_disk_calls());
		fclose(out);
	}
}

__attribute__((constructor)) static void use_disk(void)
{
	const char *root = getenv("FAULT_ROOT"), *text = getenv("FAULT_PLAN");
	struct fault_plan plan = { 0 };
	int keep_some = 0, kind = 0;

	if (root == NULL || text == NULL ||
	    sscanf(text, "%" SCNu64 " %u %d %d %u %u %d", &plan.seed, &plan.cut_at, &keep_some,
		&kind, &plan.fail_at, &plan.fail_n, &plan.fail_errno) != 7) {
		return;
	}
	plan.keep_some = keep_some != 0;
	plan.kind = (enum fault_kind)kind;
	fault_disk_new(root, &plan);
	fault_disk_use();
	atexit(tell_count);
}
