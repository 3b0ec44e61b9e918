/*
 * Formulas: a finite number or an error with a text; what is printed of one that is good, with its
 * numbers for names, is a good formula too.
 */
#include "test/fuzz/fuzz.h"

#include <math.h>

#include "core/base/check.h"
#include "lab/formula.h"

static bool lookup(const void *arg, struct slice name, double *ret)
{
	(void)arg;
	*ret = 2.5;
	return slice_eq(name, SLICE("a"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = SLICE_OF(data, size);
	struct buf printed = buf_new(1 << 20);
	struct err_note note = { 0 };
	double value = 0, same = 0;

	enum err e = formula_evaluate(text, lookup, NULL, &value, &note);
	formula_put_numbers(text, lookup, NULL, &printed);
	if (e == ERR_OK) {
		CHECK(isfinite(value));
		CHECK(formula_evaluate(buf_slice(&printed), lookup, NULL, &same, &note) == ERR_OK);
		CHECK(same == value);
	} else {
		CHECK(note.text[0] != '\0');
	}
	buf_free(&printed);
	return 0;
}
