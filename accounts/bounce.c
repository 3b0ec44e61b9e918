/*
 * See bounce.h. A report is multipart/report (OpenSMTPD: multipart/mixed) with a part
 * message/delivery-status: groups of fields, the first about the report, one more for each
 * recipient (ours have one). Everything else in it is for people and not looked at, so that the
 * text of a forwarded mail can never count as a report.
 */
#include "accounts/bounce.h"

#include <string.h>

#include "core/base/json.h"

enum {
	BOUNDARY_MAX = 70, /* RFC 2046 5.1.1 */
	PARTS_MAX = 20,
	GROUPS_MAX = 20
};

/* ---- lines and fields ---- */

/* Takes the next line off rest, without its end. False: nothing is left. */
static bool next_line(struct slice *rest, struct slice *ret)
{
	if (rest->len == 0 || !slice_split(rest, '\n', ret)) {
		return false;
	}
	if (slice_ends(*ret, SLICE("\r"))) {
		*ret = slice_sub(*ret, 0, ret->len - 1);
	}
	return true;
}

/* Takes the lines up to an empty one off rest: a head, or a group of fields. */
static struct slice next_block(struct slice *rest)
{
	struct slice whole = *rest, line;
	size_t len = 0;

	while (next_line(rest, &line)) {
		if (line.len == 0) {
			break;
		}
		len = (size_t)(line.ptr - whole.ptr) + line.len;
	}
	return slice_sub(whole, 0, len);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trim(struct slice s)
{
	while (s.len > 0 && is_space(s.ptr[0])) {
		s = slice_sub(s, 1, s.len);
	}
	while (s.len > 0 && is_space(s.ptr[s.len - 1])) {
		s = slice_sub(s, 0, s.len - 1);
	}
	return s;
}

static bool is_continued(struct slice rest)
{
	return rest.len > 0 && (rest.ptr[0] == ' ' || rest.ptr[0] == '\t');
}

/* The n-th field of that name, its folded lines included; empty if there is none. */
static struct slice field(struct slice head, struct slice name, unsigned n)
{
	struct slice rest = head, line;

	while (next_line(&rest, &line)) {
		size_t colon = slice_find(line, ':', 0);
		struct slice start = slice_sub(line, colon + 1, line.len), more;
		size_t len = start.len;

		while (is_continued(rest) && next_line(&rest, &more)) {
			len = (size_t)(more.ptr - start.ptr) + more.len;
		}
		bool is_it = colon < line.len &&
			     slice_eq_nocase(slice_trim(slice_sub(line, 0, colon)), name);
		if (is_it && n-- == 0) {
			return trim(SLICE_OF(start.ptr, len));
		}
	}
	return SLICE_EMPTY;
}

/* Behind the type and the semicolon of "rfc822;a@b", "smtp; 550 no". */
static struct slice typed_value(struct slice value)
{
	size_t semicolon = slice_find(value, ';', 0);

	return semicolon == value.len ? value : trim(slice_sub(value, semicolon + 1, value.len));
}

static bool has_type(struct slice content_type, struct slice type)
{
	return slice_eq_nocase(
	    trim(slice_sub(content_type, 0, slice_find(content_type, ';', 0))), type);
}

/* boundary="..." of a Content-Type; empty if there is none. */
static struct slice boundary_of(struct slice content_type)
{
	struct slice rest = content_type, piece;

	while (slice_split(&rest, ';', &piece)) {
		size_t equals = slice_find(piece, '=', 0);
		struct slice value = trim(slice_sub(piece, equals + 1, piece.len));

		if (!slice_eq_nocase(trim(slice_sub(piece, 0, equals)), SLICE("boundary"))) {
			continue;
		}
		if (slice_starts(value, SLICE("\""))) {
			value = slice_sub(value, 1, slice_find(value, '"', 1));
		}
		return value.len <= BOUNDARY_MAX ? value : SLICE_EMPTY;
	}
	return SLICE_EMPTY;
}

static bool is_boundary(struct slice line, struct slice boundary)
{
	return slice_starts(line, SLICE("--")) &&
	       slice_starts(slice_sub(line, 2, line.len), boundary);
}

/* The part message/delivery-status of a body; empty if there is none. */
static struct slice status_part(struct slice body, struct slice boundary)
{
	struct slice rest = body, line;

	for (unsigned n = 0; n < PARTS_MAX && next_line(&rest, &line);) {
		if (!is_boundary(line, boundary)) {
			continue;
		}
		n++;
		struct slice part = rest, head = next_block(&part);
		struct slice type = field(head, SLICE("Content-Type"), 0);
		if (has_type(type, SLICE("message/delivery-status")) ||
		    has_type(type, SLICE("message/global-delivery-status"))) {
			struct slice end = part;
			while (next_line(&end, &line) && !is_boundary(line, boundary)) {
			}
			return slice_sub(part, 0, part.len - end.len);
		}
	}
	return SLICE_EMPTY;
}

/* ---- what it says ---- */

/* One line of at most size - 1 bytes of ASCII, without control characters and runs of space. */
static void keep_line(struct slice text, char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len && len + 1 < size; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		bool is_blank = c <= ' ' || c == 0x7f;
		if (!is_blank) {
			out[len++] = c < 0x80 ? (char)c : '?';
		} else if (len > 0 && out[len - 1] != ' ') {
			out[len++] = ' ';
		}
	}
	while (len > 0 && out[len - 1] == ' ') {
		len--;
	}
	out[len] = '\0';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Length of X.Y.Z at the start of s, X 2, 4 or 5, others of one to three digits; 0: it is none. */
static size_t status_length(struct slice s)
{
	size_t at = 1;

	if (s.len < 5 || (s.ptr[0] != '2' && s.ptr[0] != '4' && s.ptr[0] != '5')) {
		return 0;
	}
	for (int part = 0; part < 2; part++) {
		size_t digits = 0;
		if (at >= s.len || s.ptr[at++] != '.') {
			return 0;
		}
		while (at < s.len && is_digit(s.ptr[at])) {
			at++;
			digits++;
		}
		if (digits < 1 || digits > 3) {
			return 0;
		}
	}
	return at;
}

void bounce_set_status(struct bounce *b, struct slice status)
{
	size_t len = status_length(status);
	struct slice used =
	    len > 0 && status.ptr[0] != '2' ? slice_sub(status, 0, len) : SLICE("5.0.0");

	keep_line(used, b->status, sizeof(b->status));
	b->is_permanent = b->status[0] == '5' && strncmp(b->status, "5.7.", 4) != 0;
}

void bounce_from_reply(struct slice reply, struct bounce *ret)
{
	struct slice words = reply;
	bool has_code =
	    reply.len > 4 && is_digit(reply.ptr[0]) && (reply.ptr[3] == ' ' || reply.ptr[3] == '-');

	if (has_code) {
		words = slice_sub(reply, 4, reply.len);
	}
	bounce_set_status(ret, words);
	/* Without a status of its own, 552 and 554 may be about the message. */
	if (status_length(words) == 0 && has_code && (reply.ptr[2] == '2' || reply.ptr[2] == '4')) {
		ret->is_permanent = false;
	}
	keep_line(reply, ret->told, sizeof(ret->told));
}

static bool is_verp_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
}

/* Finds bounce+TOKEN@ in the text of an address, in any case. */
static bool find_verp(struct slice text, char out[VERP_LEN + 1])
{
	static const struct slice mark = { "bounce+", 7 };

	for (size_t at = 0; at + mark.len + VERP_LEN < text.len; at++) {
		struct slice here = slice_sub(text, at, text.len);
		struct slice token = slice_sub(here, mark.len, mark.len + VERP_LEN);
		bool good = slice_eq_nocase(slice_sub(here, 0, mark.len), mark) &&
			    here.ptr[mark.len + VERP_LEN] == '@';
		for (size_t i = 0; good && i < VERP_LEN; i++) {
			char c = token.ptr[i];
			out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
			good = is_verp_letter(out[i]);
		}
		if (good) {
			out[VERP_LEN] = '\0';
			return true;
		}
	}
	out[0] = '\0';
	return false;
}

static bool find_return_path(struct slice head, char out[VERP_LEN + 1])
{
	static const struct slice names[] = { { "To", 2 }, { "Delivered-To", 12 },
		{ "X-Original-To", 13 } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct slice value;
		for (unsigned n = 0; (value = field(head, names[i], n)).len > 0; n++) {
			if (find_verp(value, out)) {
				return true;
			}
		}
	}
	return false;
}

/* The first group that is about a recipient. */
static enum err take_status(struct slice part, struct bounce *b, struct err_note *note)
{
	struct slice action = SLICE_EMPTY, group = SLICE_EMPTY;

	for (unsigned n = 0; n < GROUPS_MAX && part.len > 0 && action.len == 0; n++) {
		group = next_block(&part);
		action = field(group, SLICE("Action"), 0);
	}
	struct slice words = typed_value(field(group, SLICE("Diagnostic-Code"), 0));
	struct slice status = field(group, SLICE("Status"), 0);
	if (slice_eq_nocase(action, SLICE("delayed"))) {
		status =
		    status_length(status) > 0 && status.ptr[0] == '4' ? status : SLICE("4.0.0");
	} else if (!slice_eq_nocase(action, SLICE("failed"))) {
		return err_note_set(note, ERR_UNSUPPORTED, "a report, but of no failure");
	}
	bounce_set_status(b, status);
	keep_line(words, b->told, sizeof(b->told));
	return ERR_OK;
}

enum err bounce_parse(
    struct slice message, struct slice return_path, struct bounce *ret, struct err_note *note)
{
	struct bounce b = { .is_permanent = false };
	struct slice body = message, head = next_block(&body);
	struct slice type = field(head, SLICE("Content-Type"), 0);
	struct slice boundary = boundary_of(type);

	if (!find_verp(return_path, b.verp) && !find_return_path(head, b.verp)) {
		return err_note_set(note, ERR_NOT_FOUND, "not to a return path of this server");
	}
	bool may_report =
	    has_type(type, SLICE("multipart/report")) || has_type(type, SLICE("multipart/mixed"));
	struct slice part =
	    may_report && boundary.len > 0 ? status_part(body, boundary) : SLICE_EMPTY;
	if (part.len == 0) {
		return err_note_set(note, ERR_UNSUPPORTED, "no delivery report");
	}
	enum err e = take_status(part, &b, note);
	if (e == ERR_OK) {
		*ret = b;
	}
	return e;
}

enum err bounce_from_json(const struct json *v, struct bounce *ret, struct err_note *note)
{
	struct bounce b = { .is_permanent = false };
	struct slice path = SLICE_EMPTY, address = SLICE_EMPTY, status = SLICE_EMPTY,
		     words = SLICE_EMPTY;

	bool has_path = json_get_string(json_member(v, "return_path"), &path);
	bool has_address = json_get_string(json_member(v, "address"), &address);
	if (has_path == has_address) {
		return err_note_set(note, ERR_SYNTAX, "one of return_path and address is needed");
	}
	if (has_path && !find_verp(path, b.verp)) {
		return err_note_set(
		    note, ERR_SYNTAX, "return_path is no bounce+TOKEN@domain of this server");
	}
	if (slice_to_cstr(address, b.address, sizeof(b.address)) != ERR_OK) {
		return err_note_set(note, ERR_SYNTAX, "address is too long");
	}
	if (!json_get_string(json_member(v, "status"), &status) || status_length(status) == 0 ||
	    status.ptr[0] == '2') {
		return err_note_set(
		    note, ERR_SYNTAX, "status must be as in RFC 3463, such as 5.1.1 or 4.2.2");
	}
	(void)json_get_string(json_member(v, "diagnostic"), &words);
	bounce_set_status(&b, status);
	keep_line(words, b.told, sizeof(b.told));
	*ret = b;
	return ERR_OK;
}
