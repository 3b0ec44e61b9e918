/*
 * JSON through jansson for reading; an own writer, because building a tree only to print it costs
 * an allocation per value.
 */
#include "core/base/json.h"

#include <jansson.h>
#include <string.h>

#include "core/base/check.h"

/* struct json is never defined: it is jansson's value under our name. */
static const json_t *to_jansson(const struct json *v)
{
	return (const json_t *)(const void *)v;
}

static const struct json *from_jansson(const json_t *v)
{
	return (const struct json *)(const void *)v;
}

static bool is_too_deep(struct slice text)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (in_string) {
			if (c == '\\') {
				i++;
			} else if (c == '"') {
				in_string = false;
			}
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_MAX_DEPTH) {
				return true;
			}
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return false;
}

/* In our own words: jansson's quote the input, which may be a password, and notes get logged. */
static const char *what_is_wrong(enum json_error_code code)
{
	static const struct {
		enum json_error_code code;
		const char *text;
	} rows[] = {
		{ json_error_invalid_utf8, "not UTF-8" },
		{ json_error_premature_end_of_input, "ends too early" },
		{ json_error_end_of_input_expected, "something follows the value" },
		{ json_error_null_byte_in_key, "NUL in a name" },
		{ json_error_duplicate_key, "a name occurs twice" },
		{ json_error_numeric_overflow, "number too large" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].code == code) {
			return rows[i].text;
		}
	}
	return "malformed";
}

static void release(void *document)
{
	json_decref(document);
}

enum err json_parse(
    struct arena *arena, struct slice text, const struct json **ret, struct err_note *note)
{
	json_error_t at;

	if (is_too_deep(text)) {
		return err_note_set(
		    note, ERR_LIMIT, "JSON is nested deeper than %d levels", JSON_MAX_DEPTH);
	}
	json_t *document = json_loadb(
	    text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &at);
	if (document == NULL) {
		if (json_error_code(&at) == json_error_out_of_memory) {
			return ERR_MEMORY;
		}
		return err_note_set(note, ERR_SYNTAX, "JSON at byte %d: %s", at.position,
		    what_is_wrong(json_error_code(&at)));
	}
	if (arena_defer(arena, release, document) != ERR_OK) {
		json_decref(document);
		return ERR_MEMORY;
	}
	*ret = from_jansson(document);
	return ERR_OK;
}

enum json_kind json_kind(const struct json *v)
{
	switch (json_typeof(to_jansson(v))) {
	case JSON_OBJECT:
		return JSON_KIND_OBJECT;
	case JSON_ARRAY:
		return JSON_KIND_ARRAY;
	case JSON_STRING:
		return JSON_KIND_STRING;
	case JSON_INTEGER:
		return JSON_KIND_INT;
	case JSON_REAL:
		return JSON_KIND_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSON_KIND_BOOL;
	case JSON_NULL:
		break;
	}
	return JSON_KIND_NULL;
}

const struct json *json_member(const struct json *v, const char *key)
{
	return v == NULL ? NULL : from_jansson(json_object_get(to_jansson(v), key));
}

const struct json *json_element(const struct json *v, size_t i)
{
	return v == NULL ? NULL : from_jansson(json_array_get(to_jansson(v), i));
}

size_t json_count(const struct json *v)
{
	if (v == NULL) {
		return 0;
	}
	const json_t *j = to_jansson(v);
	return json_is_array(j) ? json_array_size(j) : json_object_size(j);
}

bool json_next(
    const struct json *object, void **cursor, struct slice *ret_key, const struct json **ret_value)
{
	/* jansson's iterators take a non-const object but do not change it. */
	union {
		const json_t *in;
		json_t *out;
	} j = { .in = to_jansson(object) };

	*cursor = *cursor == NULL ? json_object_iter(j.out) : json_object_iter_next(j.out, *cursor);
	if (*cursor == NULL) {
		return false;
	}
	*ret_key = slice_str(json_object_iter_key(*cursor));
	*ret_value = from_jansson(json_object_iter_value(*cursor));
	return true;
}

bool json_get_string(const struct json *v, struct slice *ret)
{
	const json_t *j = to_jansson(v);

	if (!json_is_string(j)) {
		return false;
	}
	*ret = (struct slice){ json_string_value(j), json_string_length(j) };
	return true;
}

bool json_get_i64(const struct json *v, int64_t *ret)
{
	const json_t *j = to_jansson(v);

	if (!json_is_integer(j)) {
		return false;
	}
	*ret = json_integer_value(j);
	return true;
}

bool json_get_bool(const struct json *v, bool *ret)
{
	const json_t *j = to_jansson(v);

	if (!json_is_boolean(j)) {
		return false;
	}
	*ret = json_is_true(j);
	return true;
}

static void separate(struct json_writer *w)
{
	if (w->comma) {
		buf_append_char(w->out, ',');
	}
	w->comma = true;
}

static void open_bracket(struct json_writer *w, char bracket)
{
	separate(w);
	buf_append_char(w->out, bracket);
	w->comma = false;
}

static void close_bracket(struct json_writer *w, char bracket)
{
	buf_append_char(w->out, bracket);
	w->comma = true;
}

void json_begin_object(struct json_writer *w)
{
	open_bracket(w, '{');
}

void json_end_object(struct json_writer *w)
{
	close_bracket(w, '}');
}

void json_begin_array(struct json_writer *w)
{
	open_bracket(w, '[');
}

void json_end_array(struct json_writer *w)
{
	close_bracket(w, ']');
}

/* Length of the valid UTF-8 sequence at s[at] (RFC 3629), or 0. */
static size_t utf8_length(struct slice s, size_t at)
{
	const unsigned char *p = (const unsigned char *)s.ptr + at;
	size_t left = s.len - at;
	size_t need = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (need == 0 || need > left || p[0] > 0xf4) {
		return 0;
	}
	for (size_t i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
	bool surrogate = p[0] == 0xed && p[1] > 0x9f;
	bool beyond = p[0] == 0xf4 && p[1] > 0x8f;
	return overlong || surrogate || beyond ? 0 : need;
}

static void put_escaped(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"':
		buf_append_str(out, "\\\"");
		break;
	case '\\':
		buf_append_str(out, "\\\\");
		break;
	case '\n':
		buf_append_str(out, "\\n");
		break;
	case '\r':
		buf_append_str(out, "\\r");
		break;
	case '\t':
		buf_append_str(out, "\\t");
		break;
	default:
		buf_printf(out, "\\u%04x", (unsigned)c);
	}
}

static void put_quoted(struct buf *out, struct slice s)
{
	size_t plain_from = 0, i = 0;

	buf_append_char(out, '"');
	while (i < s.len) {
		unsigned char c = (unsigned char)s.ptr[i];
		size_t step = c < 0x80 ? 1 : utf8_length(s, i);
		bool plain = step > 0 && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
		if (!plain) {
			buf_append_slice(out, slice_sub(s, plain_from, i));
			if (step == 0) {
				buf_append_str(out, "\xef\xbf\xbd");
				step = 1;
			} else {
				put_escaped(out, c);
			}
			plain_from = i + step;
		}
		i += step;
	}
	buf_append_slice(out, slice_sub(s, plain_from, s.len));
	buf_append_char(out, '"');
}

void json_put_name(struct json_writer *w, struct slice name)
{
	separate(w);
	put_quoted(w->out, name);
	buf_append_char(w->out, ':');
	w->comma = false;
}

void json_put_string(struct json_writer *w, struct slice s)
{
	separate(w);
	put_quoted(w->out, s);
}

void json_put_i64(struct json_writer *w, int64_t n)
{
	separate(w);
	buf_append_i64(w->out, n);
}

void json_put_bool(struct json_writer *w, bool b)
{
	separate(w);
	buf_append_str(w->out, b ? "true" : "false");
}

void json_put_null(struct json_writer *w)
{
	separate(w);
	buf_append_str(w->out, "null");
}

void json_put_raw(struct json_writer *w, struct slice text)
{
	separate(w);
	buf_append_slice(w->out, text);
}
