/*
 * See multipart.h.
 */
#include "services/symbols/multipart.h"

#include <stdint.h>
#include <stdio.h>

#include "core/base/check.h"

enum {
	BLANKS_MAX = 100 /* behind a boundary */
};

/* ---- headers ---- */

/*
 * The next parameter behind "type; a=b; c=\"d\"": false at the end. Values in quotes lose these and
 * their backslashes, into out.
 */
static bool next_parameter(struct slice *rest, struct slice *ret_name, char out[MULTIPART_NAME_MAX],
    struct slice *ret_value)
{
	size_t at = slice_find(*rest, ';', 0), n = 0;
	bool is_last = at == rest->len;

	*rest = slice_trim(slice_sub(*rest, at + 1, rest->len));
	size_t equals = slice_find(*rest, '=', 0);
	if (is_last || equals >= rest->len) {
		return false;
	}
	*ret_name = slice_trim(slice_sub(*rest, 0, equals));
	*rest = slice_trim(slice_sub(*rest, equals + 1, rest->len));
	if (rest->len == 0 || rest->ptr[0] != '"') {
		*ret_value = slice_trim(slice_sub(*rest, 0, slice_find(*rest, ';', 0)));
		return true;
	}
	size_t i = 1;
	for (; i < rest->len && rest->ptr[i] != '"'; i++) {
		bool is_escape = rest->ptr[i] == '\\' && i + 1 < rest->len;
		i += is_escape ? 1 : 0;
		if (n == MULTIPART_NAME_MAX) {
			return false;
		}
		out[n++] = rest->ptr[i];
	}
	*ret_value = SLICE_OF(out, n);
	*rest = slice_sub(*rest, i < rest->len ? i + 1 : i, rest->len);
	return true;
}

static bool is_boundary(struct slice text)
{
	static const char others[] = "'()+_,-./:=? ";

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool is_plain =
		    (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!is_plain && memchr(others, c, sizeof(others) - 1) == NULL) {
			return false;
		}
	}
	return text.len > 0 && text.len <= MULTIPART_BOUNDARY_MAX && text.ptr[text.len - 1] != ' ';
}

enum err multipart_init(
    struct multipart *m, struct slice content_type, const struct multipart_events *events)
{
	struct slice type =
	    slice_trim(slice_sub(content_type, 0, slice_find(content_type, ';', 0)));
	struct slice name, value, rest = content_type;
	char text[MULTIPART_NAME_MAX];

	if (!slice_eq_nocase(type, SLICE("multipart/form-data"))) {
		return ERR_UNSUPPORTED;
	}
	while (next_parameter(&rest, &name, text, &value)) {
		if (slice_eq_nocase(name, SLICE("boundary")) && is_boundary(value)) {
			*m = (struct multipart){ .events = *events,
				.window = buf_new(MULTIPART_FEED_MAX + MULTIPART_HEAD_MAX + 1024) };
			int n = snprintf(
			    m->delimiter, sizeof(m->delimiter), "\r\n--%.*s", SLICE_ARG(value));
			m->delimiter_len = (size_t)n;
			/* The first boundary has no line before it. */
			buf_append_str(&m->window, "\r\n");
			return ERR_OK;
		}
	}
	return ERR_SYNTAX;
}

void multipart_fini(struct multipart *m)
{
	buf_free(&m->window);
}

static enum err tell_begin(struct multipart *m, struct slice head)
{
	struct slice field = SLICE_EMPTY, file = SLICE_EMPTY, line;
	char field_text[MULTIPART_NAME_MAX], file_text[MULTIPART_NAME_MAX];
	bool has_file = false;

	while (slice_split(&head, '\n', &line)) {
		struct slice name, value, rest = slice_trim(line);
		char text[MULTIPART_NAME_MAX];
		size_t colon = slice_find(line, ':', 0);
		if (!slice_eq_nocase(
			slice_trim(slice_sub(line, 0, colon)), SLICE("Content-Disposition"))) {
			continue;
		}
		if (slice_ends(rest, SLICE("\r"))) {
			rest = slice_sub(rest, 0, rest.len - 1);
		}
		while (next_parameter(&rest, &name, text, &value)) {
			bool is_field = slice_eq_nocase(name, SLICE("name"));
			bool is_file = slice_eq_nocase(name, SLICE("filename"));
			char *to = is_field ? field_text : file_text;
			if ((!is_field && !is_file) || value.len > MULTIPART_NAME_MAX) {
				continue;
			}
			memcpy(to, value.ptr, value.len);
			*(is_field ? &field : &file) = SLICE_OF(to, value.len);
			has_file = has_file || is_file;
		}
	}
	return m->events.begin(m->events.arg, field, has_file, file);
}

/* ---- the states: ERR_AGAIN asks for more bytes ---- */

static size_t find(const struct multipart *m, const char *what, size_t len)
{
	const char *at =
	    m->window.len == 0 ? NULL : memmem(m->window.data, m->window.len, what, len);

	return at == NULL ? SIZE_MAX : (size_t)(at - m->window.data);
}

/* Passes on what is before the delimiter, as far as that is sure. */
static enum err until_delimiter(struct multipart *m, bool is_body)
{
	size_t at = find(m, m->delimiter, m->delimiter_len), keep = m->delimiter_len - 1;
	bool found = at != SIZE_MAX;
	size_t n = found ? at : m->window.len > keep ? m->window.len - keep : 0;
	enum err e = ERR_OK;

	if (is_body && n > 0) {
		e = m->events.data(m->events.arg, SLICE_OF(m->window.data, n));
	}
	buf_consume(&m->window, n);
	if (e != ERR_OK || !found) {
		return e == ERR_OK ? ERR_AGAIN : e;
	}
	buf_consume(&m->window, m->delimiter_len);
	m->state = MULTIPART_DELIMITER;
	return is_body ? m->events.end(m->events.arg) : ERR_OK;
}

/* "--" ends all; blanks and a line end begin a part. */
static enum err behind_delimiter(struct multipart *m)
{
	size_t blanks = 0;

	while (blanks < m->window.len &&
	       (m->window.data[blanks] == ' ' || m->window.data[blanks] == '\t')) {
		blanks++;
	}
	if (blanks > BLANKS_MAX) {
		return ERR_SYNTAX;
	}
	if (m->window.len < blanks + 2) {
		return ERR_AGAIN;
	}
	struct slice next = SLICE_OF(m->window.data + blanks, 2);
	if (blanks == 0 && slice_eq(next, SLICE("--"))) {
		m->state = MULTIPART_OVER;
		return ERR_OK;
	}
	if (!slice_eq(next, SLICE("\r\n"))) {
		return ERR_SYNTAX;
	}
	if (++m->parts > MULTIPART_PARTS_MAX) {
		return ERR_LIMIT;
	}
	/* The line end stays: a part without headers has only the empty line. */
	buf_consume(&m->window, blanks);
	m->state = MULTIPART_HEAD;
	return ERR_OK;
}

static enum err read_head(struct multipart *m)
{
	size_t at = find(m, "\r\n\r\n", 4);

	if (at == SIZE_MAX) {
		return m->window.len > MULTIPART_HEAD_MAX ? ERR_LIMIT : ERR_AGAIN;
	}
	if (at > MULTIPART_HEAD_MAX) {
		return ERR_LIMIT;
	}
	enum err e = tell_begin(m, SLICE_OF(m->window.data, at));
	buf_consume(&m->window, at + 4);
	m->state = MULTIPART_BODY;
	return e;
}

static enum err step(struct multipart *m)
{
	switch (m->state) {
	case MULTIPART_PREAMBLE:
		return until_delimiter(m, false);
	case MULTIPART_DELIMITER:
		return behind_delimiter(m);
	case MULTIPART_HEAD:
		return read_head(m);
	case MULTIPART_BODY:
		return until_delimiter(m, true);
	case MULTIPART_OVER:
	default:
		buf_clear(&m->window);
		return ERR_AGAIN;
	}
}

enum err multipart_feed(struct multipart *m, struct slice bytes)
{
	enum err e = ERR_OK;

	CHECK(bytes.len <= MULTIPART_FEED_MAX);
	buf_append_slice(&m->window, bytes);
	if (m->window.failed) {
		return ERR_LIMIT;
	}
	while (e == ERR_OK) {
		e = step(m);
	}
	return e == ERR_AGAIN ? ERR_OK : e;
}

enum err multipart_finish(const struct multipart *m)
{
	return m->state == MULTIPART_OVER ? ERR_OK : ERR_SYNTAX;
}
