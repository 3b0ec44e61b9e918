/*
 * JSON (RFC 8259). Reading: a document is parsed once, strictly, into the caller's arena; nesting
 * deeper than 32 is refused before the parser recurses. Writing: straight into a buffer, no tree.
 */
#ifndef PLIMSOLL_BASE_JSON_H
#define PLIMSOLL_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	JSON_MAX_DEPTH = 32
};

enum json_kind {
	JSON_KIND_NULL,
	JSON_KIND_BOOL,
	JSON_KIND_INT,
	JSON_KIND_REAL,
	JSON_KIND_STRING,
	JSON_KIND_ARRAY,
	JSON_KIND_OBJECT,
};

/* A value inside a parsed document; borrowed from it. */
struct json;

/*
 * Parses text, which must hold exactly one JSON value of any type. Refused are also: duplicate
 * names, NUL in a name, integers beyond 64 bits, infinite numbers, what is not UTF-8. The text is
 * copied, the document lives until arena is reset and takes at worst
 * some ten times its text. ERR_SYNTAX with the place in note, ERR_LIMIT: too deep, ERR_MEMORY.
 */
NODISCARD enum err json_parse(
    struct arena *arena, struct slice text, const struct json **ret, struct err_note *note);

enum json_kind json_kind(const struct json *v);

/* Member of an object, or NULL if there is none or v is no object. key is NUL-terminated. */
const struct json *json_member(const struct json *v, const char *key);

/* Element i of an array or NULL; number of elements (array) or members (object), else 0. */
const struct json *json_element(const struct json *v, size_t i);
size_t json_count(const struct json *v);

/*
 * Walks an object: *ret_key and *ret_value of the next member; *cursor starts as NULL. False at the
 * end. Members added by nobody meanwhile: documents are read-only.
 */
bool json_next(
    const struct json *object, void **cursor, struct slice *ret_key, const struct json **ret_value);

/* Typed reads; false (and *ret untouched) if v is NULL or of another type. */
bool json_get_string(const struct json *v, struct slice *ret);
bool json_get_i64(const struct json *v, int64_t *ret);
bool json_get_bool(const struct json *v, bool *ret);
bool json_get_real(const struct json *v, double *ret); /* whole numbers too */

/*
 * Writer. Commas are put by itself. Names and strings are escaped; bytes that are not UTF-8 become
 * U+FFFD, so the output is always valid JSON.
 *	struct json_writer w = json_writer_new(&buf);
 *	json_begin_object(&w); json_put_name(&w, SLICE("a")); json_put_i64(&w, 1);
 *json_end_object(&w);
 */
struct json_writer {
	struct buf *out; /* borrowed */
	bool comma;	 /* a value stands before */
};

static inline struct json_writer json_writer_new(struct buf *out)
{
	return (struct json_writer){ .out = out };
}

void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_put_name(struct json_writer *w, struct slice name);
void json_put_string(struct json_writer *w, struct slice s);
void json_put_i64(struct json_writer *w, int64_t n);
void json_put_bool(struct json_writer *w, bool b);
void json_put_null(struct json_writer *w);
/* A value of a parsed document, whatever it is; v is not NULL. */
void json_put_value(struct json_writer *w, const struct json *v);
/* text is one JSON value already, e.g. a stored key. */
void json_put_raw(struct json_writer *w, struct slice text);

#endif
