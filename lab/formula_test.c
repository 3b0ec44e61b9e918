/*
 * Formulas: arithmetic, names, what is refused, and how they are printed.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/formula.h"

static bool lookup(const void *arg, struct slice name, double *ret)
{
	(void)arg;
	if (slice_eq(name, SLICE("sites"))) {
		*ret = 4;
		return true;
	}
	if (slice_eq(name, SLICE("rate.sign_in"))) {
		*ret = 0.125;
		return true;
	}
	return false;
}

static double value_of(const char *text)
{
	double value = (double)NAN;
	struct err_note note = { 0 };

	assert_int_equal(formula_evaluate(slice_str(text), lookup, NULL, &value, &note), ERR_OK);
	return value;
}

static void arithmetic(void **state)
{
	(void)state;
	assert_true(value_of("1 + 2 * 3") == 7);
	assert_true(value_of("(1 + 2) * 3") == 9);
	assert_true(value_of("10 - 4 - 3") == 3);
	assert_true(value_of("100 / 10 / 5") == 2);
	assert_true(value_of("-2 ^ 2") == -4);
	assert_true(value_of("2 ^ 3 ^ 2") == 512);
	assert_true(value_of("1e3 + 1.5e-1") == 1000.15);
	assert_true(value_of("1/(40*28*0.2)") == 1 / (40 * 28 * 0.2));
	assert_true(value_of("max(sites, 3) + min(1, 2) + floor(1.9) + sqrt(16)") == 10);
	assert_true(fabs(value_of("exp(log(5))") - 5) < 1e-12);
	assert_true(value_of("sites * rate.sign_in") == 0.5);
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *text;
		enum err e;
	} rows[] = {
		{ "", ERR_SYNTAX },
		{ "1 +", ERR_SYNTAX },
		{ "1 2", ERR_SYNTAX },
		{ "(1", ERR_SYNTAX },
		{ "1)", ERR_SYNTAX },
		{ "1..2", ERR_SYNTAX },
		{ "sits", ERR_NOT_FOUND },
		{ "tan(1)", ERR_NOT_FOUND },
		{ "min(1)", ERR_NOT_FOUND },
		{ "min(1,2,3,4,5)", ERR_SYNTAX },
		{ "1/0", ERR_INVALID },
		{ "log(-1)", ERR_INVALID },
		{ "os.exit()", ERR_SYNTAX },
		{ "((((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))))",
		    ERR_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err_note note = { 0 };
		double value = 0;
		assert_int_equal(
		    formula_evaluate(slice_str(rows[i].text), lookup, NULL, &value, &note),
		    rows[i].e);
		assert_int_not_equal(note.text[0], 0);
	}
}

static void printed_with_numbers(void **state)
{
	struct buf out = buf_new(1000);

	(void)state;
	formula_put_numbers(SLICE("sites * (rate.sign_in + 1e3) - unknown"), lookup, NULL, &out);
	assert_true(slice_eq(buf_slice(&out), SLICE("4 * (0.125 + 1e3) - unknown")));
	static const struct {
		double n;
		const char *text;
	} rows[] = { { 0, "0" }, { 1000000, "1000000" }, { 0.0826719, "0.08267" },
		{ 462.963, "463" }, { 93.934, "93.93" }, { 0.25, "0.25" }, { 12345.6, "12346" },
		{ -2.5, "-2.5" }, { 0.000001, "1e-06" } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&out);
		formula_put_number(rows[i].n, &out);
		assert_true(slice_eq(buf_slice(&out), slice_str(rows[i].text)));
	}
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arithmetic),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(printed_with_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
