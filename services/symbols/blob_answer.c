/*
 * See blob_answer.h. Small files are sent by one write with the head; larger ones go by sendfile,
 * or are unpacked piece by piece.
 */
#include "services/symbols/blob_answer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "core/ev/task.h"
#include "core/http/conditional.h"
#include "services/symbols/blob_small.h"

enum {
	IN_BYTES = 32 * 1024,
	OUT_BYTES = 128 * 1024,
	TAG_DIGITS = 32,
	BREATH_US = 1, /* others are next after each piece that was unpacked */
};

/* What is to be sent of a file. */
struct choice {
	bool as_gzip; /* as it is stored */
	int status;
	uint64_t first, len;
};

struct blob_content blob_content_of(const struct symbol_file *f, struct slice cache_control)
{
	return (struct blob_content){ .blob = f->blob,
		.is_gzip = symbol_file_is_gzip(f),
		.size = f->size,
		.stored_size = f->stored_size,
		.type = symbol_is_sym(f->key.file) ? SLICE("text/plain; charset=utf-8")
						   : SLICE("application/octet-stream"),
		.cache_control = cache_control };
}

static struct choice choose(struct op_call *c, const struct blob_content *f, struct slice tag)
{
	struct http_req *r = c->req;
	struct slice accept = http_header_get(r, SLICE("Accept-Encoding"));
	struct choice choice = { .status = 200, .len = (uint64_t)f->size };

	if (f->is_gzip && http_accepts_coding(accept, SLICE("gzip"))) {
		choice.as_gzip = true;
		choice.len = (uint64_t)f->stored_size;
		return choice;
	}
	struct slice range = http_header_get(r, SLICE("Range"));
	if (range.ptr == NULL || !http_if_range_holds(http_header_get(r, SLICE("If-Range")), tag)) {
		return choice;
	}
	switch (http_range_parse(range, (uint64_t)f->size, &choice.first, &choice.len)) {
	case HTTP_RANGE_PART:
		choice.status = 206;
		return choice;
	case HTTP_RANGE_UNSATISFIABLE:
		choice.status = 416;
		return choice;
	case HTTP_RANGE_WHOLE:
	default:
		return (struct choice){ .status = 200, .len = (uint64_t)f->size };
	}
}

static enum http_condition check_condition(struct op_call *c, struct slice tag)
{
	return http_condition_check(http_method(c->req), http_header_get(c->req, SLICE("If-Match")),
	    http_header_get(c->req, SLICE("If-None-Match")), tag);
}

/* Headers that every answer about the file has, 304 included (RFC 9110 15.4.5). */
static void add_headers(struct op_call *c, const struct blob_content *f, struct slice tag)
{
	bool has_token = http_header_get(c->req, SLICE("Auth-Token")).ptr != NULL;

	http_add_header(c->req, SLICE("ETag"), tag);
	http_add_header(c->req, SLICE("Cache-Control"), f->cache_control);
	if (f->is_gzip) {
		http_add_header(c->req, SLICE("Vary"),
		    has_token ? SLICE("Accept-Encoding, Auth-Token") : SLICE("Accept-Encoding"));
	} else if (has_token) {
		http_add_header(c->req, SLICE("Vary"), SLICE("Auth-Token"));
	}
}

static enum err add_content_headers(
    struct op_call *c, const struct blob_content *f, const struct choice *choice)
{
	if (choice->status == 206) {
		const char *text = arena_printf(c->arena, "bytes %" PRIu64 "-%" PRIu64 "/%" PRId64,
		    choice->first, choice->first + choice->len - 1, f->size);
		if (text == NULL) {
			return ERR_MEMORY;
		}
		http_add_header(c->req, SLICE("Content-Range"), slice_str(text));
	}
	if (choice->as_gzip) {
		http_add_header(c->req, SLICE("Content-Encoding"), SLICE("gzip"));
	} else {
		http_add_header(c->req, SLICE("Accept-Ranges"), SLICE("bytes"));
	}
	/* Strangers' files: nothing of them is to run in a browser under this address. */
	http_add_header(c->req, SLICE("Content-Disposition"), SLICE("attachment"));
	http_add_header(
	    c->req, SLICE("Content-Security-Policy"), SLICE("sandbox; default-src 'none'"));
	return ERR_OK;
}

/* ---- small files ---- */

/* Whether the bytes at hand are enough to answer at once. */
static bool is_at_hand(struct op_call *c, const struct blob_content *f, const struct choice *choice)
{
	return f->bytes.len > 0 && http_method(c->req) == HTTP_GET && choice->len <= BLOB_SMALL &&
	       (choice->as_gzip || !f->is_gzip || (f->size > 0 && f->size <= BLOB_SMALL));
}

static enum err reply_at_hand(
    struct op_call *c, const struct blob_content *f, const struct choice *choice, struct slice tag)
{
	bool unpacks = f->is_gzip && !choice->as_gzip;
	struct slice body = f->bytes;
	enum err e = unpacks ? blob_unpack_small(c, f, &body) : ERR_OK;

	if (e == ERR_OK) {
		body =
		    slice_sub(body, (size_t)choice->first, (size_t)(choice->first + choice->len));
		/* What the socket does not take now is needed until it does. */
		e = unpacks ? ERR_OK : arena_copy(c->arena, body, &body);
	}
	if (e == ERR_OK) {
		add_headers(c, f, tag);
		e = add_content_headers(c, f, choice);
	}
	if (e == ERR_OK) {
		http_reply(c->req, choice->status, f->type, body);
	}
	return e;
}

/* ---- larger ones ---- */

/* A file of the blob store that is unpacked piece by piece. */
struct unpacking {
	z_stream z;
	int fd;
	off_t at; /* in the file */
	char in[IN_BYTES];
	char out[OUT_BYTES];
};

/* Fills out as far as the content goes. *ret_len 0: it has ended. */
static enum err unpack_piece(struct unpacking *u, size_t *ret_len)
{
	u->z.next_out = (unsigned char *)u->out;
	u->z.avail_out = sizeof(u->out);
	while (u->z.avail_out > 0) {
		if (u->z.avail_in == 0) {
			ssize_t n = pread(u->fd, u->in, sizeof(u->in), u->at);
			if (n <= 0) {
				return ERR_CORRUPT;
			}
			u->at += n;
			u->z.next_in = (unsigned char *)u->in;
			u->z.avail_in = (unsigned)n;
		}
		int code = inflate(&u->z, Z_NO_FLUSH);
		if (code == Z_STREAM_END) {
			break;
		}
		if (code != Z_OK && code != Z_BUF_ERROR) {
			return ERR_CORRUPT;
		}
	}
	*ret_len = sizeof(u->out) - u->z.avail_out;
	return ERR_OK;
}

static enum err send_unpacked(struct op_call *c, struct unpacking *u, uint64_t first, uint64_t len)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && len > 0) {
		size_t n = 0;
		e = unpack_piece(u, &n);
		if (e == ERR_OK && n == 0) {
			e = ERR_CORRUPT;
		}
		size_t skip = first < n ? (size_t)first : n;
		size_t take = n - skip < len ? n - skip : (size_t)len;
		first -= skip;
		len -= take;
		if (e == ERR_OK && take > 0) {
			e = http_stream_write(c->req, SLICE_OF(u->out + skip, take));
		}
		if (e == ERR_OK && len > 0) {
			e = task_sleep(BREATH_US);
		}
	}
	return e;
}

static enum err stream_unpacked(struct op_call *c, int fd, uint64_t first, uint64_t len)
{
	struct unpacking *u = malloc(sizeof(*u));

	if (u == NULL) {
		return ERR_MEMORY;
	}
	u->z = (z_stream){ .next_in = NULL };
	u->fd = fd;
	u->at = 0;
	if (inflateInit2(&u->z, BLOB_GZIP_WINDOW) != Z_OK) {
		free(u);
		return ERR_MEMORY;
	}
	enum err e = send_unpacked(c, u, first, len);
	(void)inflateEnd(&u->z);
	free(u);
	return e;
}

static enum err stream(
    struct op_call *c, const struct blob_content *f, const struct choice *choice, int fd)
{
	if (choice->as_gzip || !f->is_gzip) {
		return http_answer_file(
		    c->req, choice->status, f->type, fd, choice->first, choice->len);
	}
	enum err e = http_stream_begin(c->req, choice->status, f->type, (int64_t)choice->len);
	if (e == ERR_OK && http_method(c->req) != HTTP_HEAD && choice->len > 0) {
		e = stream_unpacked(c, fd, choice->first, choice->len);
	}
	return e == ERR_OK ? http_stream_end(c->req) : e;
}

/* Head and bytes by one write. */
static enum err reply_small(
    struct op_call *c, const struct blob_content *f, const struct choice *choice, int fd)
{
	struct slice body = SLICE_EMPTY;
	enum err e = blob_read_part(c, f, fd, choice->first, (size_t)choice->len, &body);

	if (e == ERR_OK) {
		http_reply(c->req, choice->status, f->type, body);
	}
	return e;
}

static enum err send_content(struct op_call *c, const struct blob_store *blobs,
    const struct blob_content *f, const struct choice *choice, struct slice tag)
{
	bool is_whole = choice->as_gzip || !f->is_gzip;
	int fd = -1;

	if (is_at_hand(c, f, choice)) {
		return reply_at_hand(c, f, choice, tag);
	}
	enum err e = blob_open_whole(c, blobs, f, &fd);
	if (e != ERR_OK) {
		return e; /* nothing has been said yet */
	}
	add_headers(c, f, tag);
	e = add_content_headers(c, f, choice);
	if (e == ERR_OK && is_whole && choice->len <= BLOB_SMALL &&
	    http_method(c->req) == HTTP_GET) {
		e = reply_small(c, f, choice, fd);
	} else if (e == ERR_OK) {
		e = stream(c, f, choice, fd);
	}
	(void)close(fd);
	return e;
}

enum err blob_answer(
    struct op_call *c, const struct blob_store *blobs, const struct blob_content *f)
{
	struct slice hash = slice_sub(f->blob, 0, TAG_DIGITS);
	bool may_be_gzip =
	    f->is_gzip &&
	    http_accepts_coding(http_header_get(c->req, SLICE("Accept-Encoding")), SLICE("gzip"));
	const char *text =
	    arena_printf(c->arena, "\"%.*s%s\"", SLICE_ARG(hash), may_be_gzip ? "-gz" : "");

	if (text == NULL) {
		return ERR_MEMORY;
	}
	struct slice tag = slice_str(text);
	enum http_condition condition = check_condition(c, tag);
	if (condition == HTTP_CONDITION_FAILED) {
		http_reply_text(c->req, 412, "the file has changed");
		return ERR_OK;
	}
	struct choice choice = choose(c, f, tag);
	if (condition == HTTP_CONDITION_NOT_MODIFIED) {
		add_headers(c, f, tag);
		http_reply(c->req, 304, SLICE_EMPTY, SLICE_EMPTY);
		return ERR_OK;
	}
	if (choice.status == 416) {
		const char *size = arena_printf(c->arena, "bytes */%" PRId64, f->size);
		if (size == NULL) {
			return ERR_MEMORY;
		}
		http_add_header(c->req, SLICE("Content-Range"), slice_str(size));
		http_reply_text(c->req, 416, "the file is shorter");
		return ERR_OK;
	}
	return send_content(c, blobs, f, &choice, tag);
}
