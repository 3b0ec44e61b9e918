/*
 * JSON numbers. Without fraction and exponent they are integers and must fit 64 bits; a larger one
 * is refused, because rounding an identifier in silence does harm. All others become the nearest
 * double; what would be infinite is refused.
 */
#include <math.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/json_priv.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static enum err refuse_at(struct json_reader *r, char *at, const char *what)
{
	r->at = at;
	return json_refuse(r, what);
}

static char *skip_digits(char *p)
{
	while (is_digit(*p)) {
		p++;
	}
	return p;
}

/* p stands behind the digits of the integer part, on point or exponent. */
static enum err read_real(struct json_reader *r, char *p, struct json *ret)
{
	char *end;

	if (*p == '.') {
		p++;
		if (!is_digit(*p)) {
			return refuse_at(r, p, "no digit behind the point");
		}
		p = skip_digits(p);
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '+' || *p == '-';
		if (!is_digit(*p)) {
			return refuse_at(r, p, "no digit in the exponent");
		}
		p = skip_digits(p);
	}
	/* It takes what was just checked and nothing more; no program of ours leaves the C locale.
	 */
	double real = strtod(r->at, &end);
	CHECK(end == p);
	if (isinf(real)) {
		return json_refuse(r, "number too large");
	}
	*ret = (struct json){ .kind = JSON_KIND_REAL, .real = real };
	r->at = p;
	return ERR_OK;
}

enum err json_read_number(struct json_reader *r, struct json *ret)
{
	char *p = r->at;
	bool is_negative = *p == '-', fits = true;
	uint64_t n = 0;

	p += is_negative;
	if (!is_digit(*p)) {
		return refuse_at(r, p, "no value");
	}
	if (*p == '0') {
		p++;
	} else {
		for (; is_digit(*p); p++) {
			fits = fits && !__builtin_mul_overflow(n, 10, &n) &&
			       !__builtin_add_overflow(n, (uint64_t)(*p - '0'), &n);
		}
	}
	if (*p == '.' || *p == 'e' || *p == 'E') {
		return read_real(r, p, ret);
	}
	if (!fits || n > (uint64_t)INT64_MAX + is_negative) {
		return json_refuse(r, "number too large");
	}
	*ret =
	    (struct json){ .kind = JSON_KIND_INT, .integer = (int64_t)(is_negative ? 0 - n : n) };
	r->at = p;
	return ERR_OK;
}
