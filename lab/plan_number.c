/*
 * A number of a plan with its unit.
 */
#include <stdio.h>
#include <string.h>

#include "lab/formula.h"
#include "lab/plan_field.h"

static bool no_names(const void *arg, struct slice name, double *ret)
{
	(void)arg;
	(void)name;
	(void)ret;
	return false;
}

static bool is_unit_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '%';
}

/* The letters at the end: "ms" of "170ms"; of "1e6" none. */
static struct slice unit_of(struct slice text)
{
	size_t i = text.len;

	while (i > 0 && is_unit_letter(text.ptr[i - 1])) {
		i--;
	}
	return slice_sub(text, i, text.len);
}

static bool factor_of(struct slice unit, enum plan_unit kind, double *ret)
{
	static const struct {
		enum plan_unit kind;
		const char *unit;
		double factor;
	} units[] = {
		{ PLAN_UNIT_NUMBER, "k", 1e3 },
		{ PLAN_UNIT_NUMBER, "M", 1e6 },
		{ PLAN_UNIT_TIME, "us", 1e-6 },
		{ PLAN_UNIT_TIME, "ms", 1e-3 },
		{ PLAN_UNIT_TIME, "s", 1 },
		{ PLAN_UNIT_BYTES, "B", 1 },
		{ PLAN_UNIT_BYTES, "k", 1e3 },
		{ PLAN_UNIT_BYTES, "kB", 1e3 },
		{ PLAN_UNIT_BYTES, "M", 1e6 },
		{ PLAN_UNIT_BYTES, "MB", 1e6 },
		{ PLAN_UNIT_BYTES, "G", 1e9 },
		{ PLAN_UNIT_BYTES, "GB", 1e9 },
		{ PLAN_UNIT_BYTES, "T", 1e12 },
		{ PLAN_UNIT_BYTES, "TB", 1e12 },
		{ PLAN_UNIT_BITS, "M", 1e6 },
		{ PLAN_UNIT_BITS, "G", 1e9 },
		{ PLAN_UNIT_SHARE, "%", 0.01 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].kind == kind && slice_eq(unit, slice_str(units[i].unit))) {
			*ret = units[i].factor;
			return true;
		}
	}
	/* A time without a unit could be anything; 0 is 0. */
	*ret = 1;
	return unit.len == 0 && kind != PLAN_UNIT_TIME;
}

enum err plan_number(struct slice text, enum plan_unit kind, double *ret, struct err_note *note)
{
	static const char *const allowed[] = { [PLAN_UNIT_NUMBER] = "a number, as 2.5, 20k or 1M",
		[PLAN_UNIT_TIME] = "a time with us, ms or s",
		[PLAN_UNIT_BYTES] = "bytes, as 300, 4k, 10M or 2G",
		[PLAN_UNIT_BITS] = "bits a second, as 100M or 10G",
		[PLAN_UNIT_SHARE] = "a share, as 20% or 0.2" };
	struct err_note why = { 0 };
	double factor = 0, value = 0;

	text = slice_trim(text);
	struct slice unit = unit_of(text);
	struct slice head = slice_trim(slice_sub(text, 0, text.len - unit.len));
	bool good = head.len > 0 &&
		    formula_evaluate(head, no_names, NULL, &value, &why) == ERR_OK && value >= 0 &&
		    (factor_of(unit, kind, &factor) || (value == 0 && unit.len == 0));
	if (!good) {
		return err_note_set(
		    note, ERR_SYNTAX, "\"%.*s\" is not %s", SLICE_ARG(text), allowed[kind]);
	}
	*ret = value * factor;
	return ERR_OK;
}
