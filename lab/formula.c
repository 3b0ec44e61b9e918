/*
 * A recursive descent over the text; depth is bounded, so is everything a formula can cost.
 */
#include "lab/formula.h"

#include <math.h>
#include <stdlib.h>

enum {
	DEPTH_MAX = 32,
	NUMBER_BYTES = 32,
	ARGUMENTS_MAX = 4
};

struct reader {
	struct slice text;
	size_t at;
	unsigned depth;
	formula_lookup *lookup;
	const void *arg;
	struct err_note *note;
	enum err failed;
};

static double read_sum(struct reader *r);

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The length of the name or number that begins at from; 0: none does. */
static size_t word_length(struct slice text, size_t from, bool *ret_number)
{
	size_t i = from;

	*ret_number = i < text.len && (is_digit(text.ptr[i]) || text.ptr[i] == '.');
	if (i == text.len || (!*ret_number && !is_letter(text.ptr[i]))) {
		return 0;
	}
	while (i < text.len) {
		char c = text.ptr[i];
		/* 1e6 and 1e-6 are numbers. */
		bool sign = *ret_number && (c == '-' || c == '+') && i > from &&
			    (text.ptr[i - 1] | 0x20) == 'e';
		if (!is_digit(c) && !is_letter(c) && c != '.' && !sign) {
			break;
		}
		i++;
	}
	return i - from;
}

static double fail(struct reader *r, enum err e, const char *what, struct slice where)
{
	if (r->failed == ERR_OK) {
		r->failed = err_note_set(r->note, e, "%s \"%.*s\" in the formula %.*s", what,
		    SLICE_ARG(where), SLICE_ARG(r->text));
	}
	r->at = r->text.len;
	return 0;
}

/* The next byte that is no space, or NUL at the end. */
static char peek(struct reader *r)
{
	while (r->at < r->text.len && r->text.ptr[r->at] == ' ') {
		r->at++;
	}
	return r->at < r->text.len ? r->text.ptr[r->at] : '\0';
}

static bool take(struct reader *r, char c)
{
	if (peek(r) != c) {
		return false;
	}
	r->at++;
	return true;
}

static double apply(struct reader *r, struct slice name, const double *a, unsigned n)
{
	static const struct {
		const char *name;
		double (*fn)(double x);
	} ones[] = { { "sqrt", sqrt }, { "exp", exp }, { "log", log }, { "floor", floor } };

	if (n == 2 && slice_eq(name, SLICE("min"))) {
		return fmin(a[0], a[1]);
	}
	if (n == 2 && slice_eq(name, SLICE("max"))) {
		return fmax(a[0], a[1]);
	}
	for (size_t i = 0; n == 1 && i < sizeof(ones) / sizeof(ones[0]); i++) {
		if (slice_eq(name, slice_str(ones[i].name))) {
			return ones[i].fn(a[0]);
		}
	}
	return fail(r, ERR_NOT_FOUND, "there is no function", name);
}

static double read_call(struct reader *r, struct slice name)
{
	double arguments[ARGUMENTS_MAX] = { 0 };
	unsigned n = 0;

	do {
		if (n == ARGUMENTS_MAX) {
			return fail(r, ERR_SYNTAX, "too many arguments of", name);
		}
		arguments[n++] = read_sum(r);
	} while (take(r, ','));
	if (!take(r, ')')) {
		return fail(r, ERR_SYNTAX, "no ) behind", name);
	}
	return r->failed == ERR_OK ? apply(r, name, arguments, n) : 0;
}

static double read_word(struct reader *r)
{
	bool number = false;
	char text[NUMBER_BYTES];
	char *end = NULL;
	double value = 0;

	(void)peek(r);
	size_t len = word_length(r->text, r->at, &number);
	struct slice word = slice_sub(r->text, r->at, r->at + len);
	if (len == 0) {
		return fail(r, ERR_SYNTAX, "no number at", slice_sub(r->text, r->at, r->text.len));
	}
	r->at += len;
	if (!number) {
		if (take(r, '(')) {
			return read_call(r, word);
		}
		return r->lookup(r->arg, word, &value)
			   ? value
			   : fail(r, ERR_NOT_FOUND, "there is no number called", word);
	}
	if (slice_to_cstr(word, text, sizeof(text)) == ERR_OK) {
		value = strtod(text, &end);
	}
	return end != NULL && *end == '\0' ? value : fail(r, ERR_SYNTAX, "no number:", word);
}

static double read_atom(struct reader *r)
{
	if (!take(r, '(')) {
		return read_word(r);
	}
	double value = read_sum(r);
	if (!take(r, ')')) {
		return fail(r, ERR_SYNTAX, "no ) before", slice_sub(r->text, r->at, r->text.len));
	}
	return value;
}

/* -2 ^ 2 is -4, as in Lua and on paper. */
static double read_unary(struct reader *r)
{
	double value = 0;

	if (r->depth == DEPTH_MAX) {
		return fail(r, ERR_LIMIT, "nested too deep:", SLICE_EMPTY);
	}
	r->depth++;
	if (take(r, '-')) {
		value = -read_unary(r);
	} else {
		value = read_atom(r);
		value = take(r, '^') ? pow(value, read_unary(r)) : value;
	}
	r->depth--;
	return value;
}

static double read_product(struct reader *r)
{
	double value = read_unary(r);

	for (;;) {
		if (take(r, '*')) {
			value *= read_unary(r);
		} else if (take(r, '/')) {
			value /= read_unary(r); /* by 0: no finite number, refused at the end */
		} else {
			return value;
		}
	}
}

static double read_sum(struct reader *r)
{
	double value = read_product(r);

	for (;;) {
		if (take(r, '+')) {
			value += read_product(r);
		} else if (take(r, '-')) {
			value -= read_product(r);
		} else {
			return value;
		}
	}
}

enum err formula_evaluate(
    struct slice text, formula_lookup *lookup, const void *arg, double *ret, struct err_note *note)
{
	struct reader r = { .text = text, .lookup = lookup, .arg = arg, .note = note };
	double value = read_sum(&r);

	if (r.failed == ERR_OK && peek(&r) != '\0') {
		(void)fail(&r, ERR_SYNTAX, "not understood:", slice_sub(text, r.at, text.len));
	}
	if (r.failed == ERR_OK && !isfinite(value)) {
		(void)fail(&r, ERR_INVALID, "no finite number comes out of", text);
	}
	if (r.failed == ERR_OK) {
		*ret = value;
	}
	return r.failed;
}

void formula_put_number(double n, struct buf *out)
{
	double size = fabs(n);

	if (size >= 1e15 || (size != 0 && size < 1e-5)) {
		buf_printf(out, "%.4g", n);
		return;
	}
	if (nearbyint(n) == n || size >= 10000) {
		buf_printf(out, "%.0f", n);
		return;
	}
	/* Four digits, then without the zeros at the end. */
	int before = (int)floor(log10(size)) + 1;
	buf_printf(out, "%.*f", 4 - before, n);
	while (out->len > 0 && out->data[out->len - 1] == '0') {
		out->len--;
	}
	if (out->len > 0 && out->data[out->len - 1] == '.') {
		out->len--;
	}
}

void formula_put_numbers(
    struct slice text, formula_lookup *lookup, const void *arg, struct buf *out)
{
	size_t i = 0;

	while (i < text.len) {
		bool number = false;
		double value = 0;
		size_t len = word_length(text, i, &number);
		struct slice word = slice_sub(text, i, i + (len == 0 ? 1 : len));
		if (len > 0 && !number && lookup(arg, word, &value)) {
			formula_put_number(value, out);
		} else {
			buf_append_slice(out, word);
		}
		i += word.len;
	}
}
