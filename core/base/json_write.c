/*
 * The JSON writer: straight into a buffer, because building a tree only to print it costs an
 * allocation per value.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json_priv.h"

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
		size_t step = c < 0x80 ? 1 : json_utf8_length(s.ptr + i, s.len - i);
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

/* The shortest of the usual lengths that reads back as the same number. */
static void put_real(struct json_writer *w, double real)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, real);
		double back = strtod(text, NULL);
		if (memcmp(&back, &real, sizeof(real)) == 0) {
			break;
		}
	}
	separate(w);
	buf_append_str(w->out, text);
}

static void put_items(struct json_writer *w, const struct json *v)
{
	bool is_object = v->kind == JSON_KIND_OBJECT;

	open_bracket(w, is_object ? '{' : '[');
	for (size_t i = 0; i < v->len; i++) {
		const struct json *item = v->items + (is_object ? 2 * i : i);
		if (is_object) {
			json_put_name(w, (struct slice){ item->text, item->len });
			item++;
		}
		json_put_value(w, item); /* the parser has limited the depth */
	}
	close_bracket(w, is_object ? '}' : ']');
}

void json_put_value(struct json_writer *w, const struct json *v)
{
	switch (v->kind) {
	case JSON_KIND_NULL:
		json_put_null(w);
		break;
	case JSON_KIND_BOOL:
		json_put_bool(w, v->flag);
		break;
	case JSON_KIND_INT:
		json_put_i64(w, v->integer);
		break;
	case JSON_KIND_REAL:
		put_real(w, v->real);
		break;
	case JSON_KIND_STRING:
		json_put_string(w, (struct slice){ v->text, v->len });
		break;
	case JSON_KIND_ARRAY:
	case JSON_KIND_OBJECT:
		put_items(w, v);
		break;
	}
}
