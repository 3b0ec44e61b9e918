/*
 * The words of `plimsoll plan`.
 */
#ifndef PLIMSOLL_CMD_LAB_PLAN_OPTIONS_H
#define PLIMSOLL_CMD_LAB_PLAN_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "lab/plan_emit.h"
#include "lab/plan_report.h"

enum {
	LAB_PLAN_INPUTS_MAX = 8,
	LAB_PLAN_HAVE_MAX = PLAN_GROUPS_MAX,
};

/* Texts point into argv. */
struct lab_plan_options {
	const char *inputs[LAB_PLAN_INPUTS_MAX], *changes[PLAN_CHANGES_MAX],
	    *have[LAB_PLAN_HAVE_MAX];
	unsigned n_inputs, n_changes, n_have;
	const char *machines, *html;
	struct plan_emit emit;
	struct plan_options plan;
	bool json, help;
};

void lab_plan_usage(FILE *out);

/* False after saying on standard error what is wrong. */
bool lab_plan_parse(int argc, char **argv, struct lab_plan_options *o);

#endif
