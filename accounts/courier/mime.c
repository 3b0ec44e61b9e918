/*
 * Mail composition. Bodies are quoted-printable: our texts are mostly ASCII, stay readable in a
 * mail server's queue, and lines never pass the 76 characters that RFC 2045 allows.
 */
#include "accounts/courier/mime.h"

#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/enc.h"

enum {
	QP_LINE = 75, /* characters before a soft break */
	ENCODED_WORD_BYTES =
	    42, /* of text per encoded word: 56 letters of base64, under 75 in all */
};

static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c < 0x20 || c > 0x7e) {
			return false;
		}
	}
	return true;
}

/* Length of the next piece of at most max bytes that does not cut a UTF-8 sequence. */
static size_t utf8_piece(struct slice s, size_t max)
{
	size_t len = s.len < max ? s.len : max;

	while (len > 1 && len < s.len && ((unsigned char)s.ptr[len] & 0xc0) == 0x80) {
		len--;
	}
	return len;
}

/* A header value: as it is, or as RFC 2047 encoded words on folded lines. */
static void put_value(struct buf *out, struct slice value)
{
	if (is_plain(value)) {
		buf_append_slice(out, value);
		return;
	}
	for (bool first = true; value.len > 0; first = false) {
		size_t len = utf8_piece(value, ENCODED_WORD_BYTES);
		buf_append_str(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
		enc_base64(out, slice_sub(value, 0, len));
		buf_append_str(out, "?=");
		value = slice_sub(value, len, value.len);
	}
}

static void put_header(struct buf *out, const char *name, struct slice value)
{
	if (value.len == 0) {
		return;
	}
	buf_append_str(out, name);
	buf_append_str(out, ": ");
	put_value(out, value);
	buf_append_str(out, "\r\n");
}

/* "Name <address>": only the name may need encoding. */
static void put_from(struct buf *out, struct slice from)
{
	size_t angle = slice_find(from, '<', 0);

	buf_append_str(out, "From: ");
	if (angle == from.len) {
		buf_append_slice(out, from);
	} else {
		put_value(out, slice_trim(slice_sub(from, 0, angle)));
		buf_append_char(out, ' ');
		buf_append_slice(out, slice_sub(from, angle, from.len));
	}
	buf_append_str(out, "\r\n");
}

/* One byte of a line; spaces at a line's end must be escaped or mail servers strip them. */
static void put_quoted_byte(struct buf *out, unsigned char c, bool at_end, size_t *column)
{
	static const char hex[] = "0123456789ABCDEF";
	bool literal = c >= 0x20 && c <= 0x7e && c != '=' && !(c == ' ' && at_end);
	size_t width = literal ? 1 : 3;

	if (*column + width > QP_LINE) {
		buf_append_str(out, "=\r\n");
		*column = 0;
	}
	/* A dot at the start of a line would have to be stuffed; encoded it cannot be misread. */
	if (literal && !(c == '.' && *column == 0)) {
		buf_append_char(out, (char)c);
		*column += 1;
	} else {
		const char escape[3] = { '=', hex[c >> 4], hex[c & 15] };
		buf_append(out, escape, sizeof(escape));
		*column += 3;
	}
}

/* Quoted-printable (RFC 2045 6.7); any line end in the text becomes CRLF. */
static void put_quoted_printable(struct buf *out, struct slice text)
{
	for (struct slice line, rest = text; slice_split(&rest, '\n', &line);) {
		size_t column = 0;
		if (slice_ends(line, SLICE("\r"))) {
			line = slice_sub(line, 0, line.len - 1);
		}
		for (size_t i = 0; i < line.len; i++) {
			put_quoted_byte(
			    out, (unsigned char)line.ptr[i], i + 1 == line.len, &column);
		}
		buf_append_str(out, "\r\n");
	}
}

static void put_part(struct buf *out, const char *type, struct slice text)
{
	buf_printf(out,
	    "Content-Type: %s; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
	    type);
	put_quoted_printable(out, text);
}

static void put_date(struct buf *out, int64_t wall_ms)
{
	char date[CLOCK_HTTP_DATE_SIZE];

	clock_http_date(wall_ms / 1000, date);
	/* Mail wants a numeric zone where HTTP says GMT. */
	buf_printf(out, "Date: %.*s+0000\r\n", CLOCK_HTTP_DATE_SIZE - 4, date);
}

struct slice mime_address(struct slice from)
{
	size_t open = slice_find(from, '<', 0);
	size_t shut = slice_find(from, '>', open);

	return open == from.len ? slice_trim(from) : slice_sub(from, open + 1, shut);
}

void mime_compose(struct buf *out, const struct mime_sender *sender, const struct outbox_mail *mail)
{
	/* Unique by row and time; the same at every try, so that receivers can drop a second copy.
	 */
	char boundary[64];
	snprintf(boundary, sizeof(boundary), "plimsoll-%lld-%lld", (long long)mail->id,
	    (long long)mail->created_ms);

	put_date(out, mail->created_ms);
	put_from(out, sender->from);
	put_header(out, "To", mail->recipient);
	put_header(out, "Subject", mail->subject);
	buf_printf(out, "Message-ID: <%s@%.*s>\r\n", boundary, SLICE_ARG(sender->host));
	put_header(out, "X-BrowserID-VerificationURL", mail->link);
	put_header(out, "X-BrowserID-RelyingParty", mail->site);
	buf_append_str(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
	if (mail->html.len == 0) {
		put_part(out, "text/plain", mail->text);
		return;
	}
	buf_printf(out, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n--%s\r\n",
	    boundary, boundary);
	put_part(out, "text/plain", mail->text);
	buf_printf(out, "\r\n--%s\r\n", boundary);
	put_part(out, "text/html", mail->html);
	buf_printf(out, "\r\n--%s--\r\n", boundary);
}
