/*
 * See blob_answer.h. Small files are sent by one write with the head; larger ones go by sendfile,
 * which copies nothing, or are unpacked piece by piece.
 */
#include "services/symbols/blob_answer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "core/http/conditional.h"
#include "services/symbols/blob_small.h"
#include "services/symbols/blob_unpack.h"
#include "services/symbols/hot_files.h"

enum {
	TAG_DIGITS = 32
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

static bool unpacks(const struct blob_content *f, const struct choice *choice)
{
	return f->is_gzip && !choice->as_gzip;
}

/* Whether it can be answered in one piece: nobody has to wait for it, and no memory for him. */
static bool is_small(struct op_call *c, const struct blob_content *f, const struct choice *choice)
{
	if (http_method(c->req) != HTTP_GET) {
		return false;
	}
	return unpacks(f, choice) ? f->size > 0 && f->size <= BLOB_SMALL && f->stored_size > 0 &&
					f->stored_size <= BLOB_SMALL
				  : choice->len <= HOT_FILE_MAX;
}

/* Head and bytes by one write. */
static enum err reply_at_hand(
    struct op_call *c, const struct blob_content *f, const struct choice *choice, struct slice tag)
{
	struct slice body = f->bytes;
	enum err e = unpacks(f, choice) ? blob_unpack_small(c, f, body, &body) : ERR_OK;

	if (e == ERR_OK) {
		body =
		    slice_sub(body, (size_t)choice->first, (size_t)(choice->first + choice->len));
	}
	if (e == ERR_OK) {
		add_headers(c, f, tag);
		e = add_content_headers(c, f, choice);
	}
	if (e == ERR_OK) {
		http_reply_lent(c->req, choice->status, f->type, body);
	}
	return e;
}

/* Reads what is needed of it first. */
static enum err reply_small(
    struct op_call *c, const struct blob_content *f, const struct choice *choice, int fd)
{
	struct slice body = SLICE_EMPTY;
	enum err e;

	if (!unpacks(f, choice)) {
		e = blob_read_part(c, f, fd, choice->first, (size_t)choice->len, &body);
	} else {
		e = blob_read_part(c, f, fd, 0, (size_t)f->stored_size, &body);
		e = e == ERR_OK ? blob_unpack_small(c, f, body, &body) : e;
		body =
		    slice_sub(body, (size_t)choice->first, (size_t)(choice->first + choice->len));
	}
	if (e == ERR_OK) {
		http_reply(c->req, choice->status, f->type, body);
	}
	return e;
}

/* ---- larger ones ---- */

static enum err stream(
    struct op_call *c, const struct blob_content *f, const struct choice *choice, int fd)
{
	if (!unpacks(f, choice)) {
		return http_answer_file(
		    c->req, choice->status, f->type, fd, choice->first, choice->len);
	}
	enum err e = http_stream_begin(c->req, choice->status, f->type, (int64_t)choice->len);
	if (e == ERR_OK && http_method(c->req) != HTTP_HEAD && choice->len > 0) {
		e = blob_send_unpacked(c, fd, choice->first, choice->len);
	}
	return e == ERR_OK ? http_stream_end(c->req) : e;
}

/* A descriptor of this request's own: what is at hand may be closed while it waits. */
static enum err open_own(
    struct op_call *c, const struct blob_store *blobs, const struct blob_content *f, int *ret)
{
	if (!f->is_open) {
		return blob_open_whole(c, blobs, f, ret);
	}
	*ret = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
	return *ret >= 0 ? ERR_OK
			 : err_note_set(&c->note, err_from_errno(errno), "no descriptor for %.*s",
			       SLICE_ARG(f->blob));
}

static enum err send_content(struct op_call *c, const struct blob_store *blobs,
    const struct blob_content *f, const struct choice *choice, struct slice tag)
{
	int fd = -1;

	if (f->bytes.len > 0 && is_small(c, f, choice)) {
		return reply_at_hand(c, f, choice, tag);
	}
	enum err e = open_own(c, blobs, f, &fd);
	if (e != ERR_OK) {
		return e; /* nothing has been said yet */
	}
	add_headers(c, f, tag);
	e = add_content_headers(c, f, choice);
	if (e == ERR_OK) {
		e = is_small(c, f, choice) ? reply_small(c, f, choice, fd)
					   : stream(c, f, choice, fd);
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
