/*
 * Thin: a name and a value.
 */
#include "lab/result_json.h"

#include <math.h>
#include <stdio.h>

void result_put_text(struct json_writer *w, const char *name, const char *text)
{
	json_put_name(w, slice_str(name));
	json_put_string(w, slice_str(text));
}

void result_put_count(struct json_writer *w, const char *name, uint64_t n)
{
	json_put_name(w, slice_str(name));
	json_put_i64(w, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

void result_put_null(struct json_writer *w, const char *name)
{
	json_put_name(w, slice_str(name));
	json_put_null(w);
}

void result_put_flag(struct json_writer *w, const char *name, bool flag)
{
	json_put_name(w, slice_str(name));
	json_put_bool(w, flag);
}

void result_put_real(struct json_writer *w, const char *name, double n)
{
	char text[32];

	json_put_name(w, slice_str(name));
	if (!isfinite(n)) {
		json_put_null(w);
		return;
	}
	(void)snprintf(text, sizeof(text), "%.6g", n);
	json_put_raw(w, slice_str(text));
}

void result_put_bounds(struct json_writer *w, const struct interval *v)
{
	result_put_real(w, "value", v->value);
	if (v->known) {
		result_put_real(w, "low", v->low);
		result_put_real(w, "high", v->high);
	}
}

void result_put_interval(struct json_writer *w, const char *name, const struct interval *v)
{
	json_put_name(w, slice_str(name));
	json_begin_object(w);
	result_put_bounds(w, v);
	json_end_object(w);
}

void result_get_text(const struct json *v, char *out, size_t size)
{
	struct slice text = SLICE_EMPTY;

	(void)json_get_string(v, &text);
	(void)snprintf(out, size, "%.*s", SLICE_ARG(text));
}

uint64_t result_get_count(const struct json *object, const char *name)
{
	int64_t n = 0;

	return json_get_i64(json_member(object, name), &n) && n > 0 ? (uint64_t)n : 0;
}

bool result_get_interval(const struct json *v, double factor, struct interval *ret)
{
	struct interval i = { .known = false };

	if (!json_get_real(json_member(v, "value"), &i.value)) {
		return false;
	}
	i.low = i.high = i.value;
	i.known = json_get_real(json_member(v, "low"), &i.low) &&
		  json_get_real(json_member(v, "high"), &i.high);
	*ret = (struct interval){ i.value * factor, i.low * factor, i.high * factor, i.known };
	return true;
}

double result_get_real(const struct json *object, const char *name)
{
	double value = 0;

	return json_get_real(json_member(object, name), &value) ? value : (double)NAN;
}

bool result_get_flag(const struct json *object, const char *name)
{
	bool flag = false;

	return json_get_bool(json_member(object, name), &flag) && flag;
}
