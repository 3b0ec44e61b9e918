/*
 * The figures of a plan by name: those of its file (doc/PLAN.md), of --what-if and of options are
 * read here, each with its unit.
 */
#ifndef PLIMSOLL_LAB_PLAN_FIELD_H
#define PLIMSOLL_LAB_PLAN_FIELD_H

#include "core/base/slice.h"
#include "lab/plan.h"

enum plan_unit {
	PLAN_UNIT_NUMBER, /* k, M */
	PLAN_UNIT_TIME,	  /* us, ms, s: seconds */
	PLAN_UNIT_BYTES,  /* B, k, M, G, T: thousands */
	PLAN_UNIT_BITS,	  /* the same, of bits a second */
	PLAN_UNIT_SHARE,  /* % or a part of 1 */
};

/*
 * "2.10", "170ms", "0.2 / 28", "20%", "4k": a formula with its unit behind it. ERR_SYNTAX with what
 * is allowed; not below 0.
 */
NODISCARD enum err plan_number(
    struct slice text, enum plan_unit unit, double *ret, struct err_note *note);

/* A number of the input: section "role", "activity", "machine" or "plan", with the name behind it.
 */
struct plan_field {
	double *value; /* in the input */
	double *also;  /* gets the same, or NULL: the end of an interval */
	enum plan_unit unit;
};

/* ERR_NOT_FOUND: there is no such name or key; the note says which there are. Counted things are
 * made when they are first named. */
NODISCARD enum err plan_field_find(struct plan_input *in, struct slice section, struct slice name,
    struct slice key, struct plan_field *ret, struct err_note *note);

/* Those of that name, or -1. */
int plan_find_role(const struct plan_input *in, struct slice name);
int plan_find_activity(const struct plan_input *in, struct slice name);
int plan_find_group(const struct plan_input *in, struct slice name);

/* The same, made if there is none; ERR_LIMIT, ERR_SYNTAX (the name). */
NODISCARD enum err plan_add_role(
    struct plan_input *in, struct slice name, unsigned *ret, struct err_note *note);
NODISCARD enum err plan_add_activity(
    struct plan_input *in, struct slice name, unsigned *ret, struct err_note *note);
NODISCARD enum err plan_add_group(
    struct plan_input *in, struct slice name, unsigned *ret, struct err_note *note);

/* A figure of the options by its name (growth, peak, ...); ERR_NOT_FOUND. */
NODISCARD enum err plan_option_find(
    struct plan_options *o, struct slice name, struct plan_field *ret, struct err_note *note);

/*
 * One change: "NAME.KEY=VALUE", "NAME.KEY*FACTOR" of a role, an activity or machines;
 * "ROLE.cpu*FACTOR" for all of a role's work; "ROLE.machine=NAME" moves it; the same of an option:
 * "growth=10%". Errors as above.
 */
NODISCARD enum err plan_change(
    struct plan_input *in, struct plan_options *o, const char *text, struct err_note *note);

#endif
