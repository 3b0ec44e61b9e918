/*
 * Members of results in JSON, written and read in one way.
 */
#ifndef PLIMSOLL_LAB_RESULT_JSON_H
#define PLIMSOLL_LAB_RESULT_JSON_H

#include "core/base/json.h"
#include "lab/interval.h"

void result_put_text(struct json_writer *w, const char *name, const char *text);
void result_put_count(struct json_writer *w, const char *name, uint64_t n);
void result_put_null(struct json_writer *w, const char *name);
void result_put_flag(struct json_writer *w, const char *name, bool flag);
/* Six digits; what is not finite is null. */
void result_put_real(struct json_writer *w, const char *name, double n);
/* The members value, low and high of an object; low and high only where they are known. */
void result_put_bounds(struct json_writer *w, const struct interval *v);
/* An object of them. */
void result_put_interval(struct json_writer *w, const char *name, const struct interval *v);

/* The text of a value, cut to size with its NUL; empty where there is none. */
void result_get_text(const struct json *v, char *out, size_t size);
/* Members: a number, or NaN; true, else false; a text as above. */
double result_get_real(const struct json *object, const char *name);
bool result_get_flag(const struct json *object, const char *name);
/* A member that is a whole number above 0, else 0. */
uint64_t result_get_count(const struct json *object, const char *name);
/* What result_put_interval() wrote, times factor; false (and *ret untouched): there is no value. */
bool result_get_interval(const struct json *v, double factor, struct interval *ret);

#endif
