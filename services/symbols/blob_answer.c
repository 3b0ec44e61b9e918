/*
 * See blob_answer.h. Small files are read and sent by one write with the head; larger ones go by
 * sendfile.
 */
#include "services/symbols/blob_answer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "core/ev/task.h"
#include "core/http/conditional.h"

enum {
	SMALL_BYTES = 48 * 1024,
	IN_BYTES = 32 * 1024,
	OUT_BYTES = 128 * 1024,
	GZIP_WINDOW = 15 + 16, /* zlib's way to ask for a gzip wrapper */
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

/* ---- bytes ---- */

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
	struct unpacking *u = calloc(1, sizeof(*u));

	if (u == NULL || inflateInit2(&u->z, GZIP_WINDOW) != Z_OK) {
		free(u);
		return ERR_MEMORY;
	}
	u->fd = fd;
	enum err e = send_unpacked(c, u, first, len);
	(void)inflateEnd(&u->z);
	free(u);
	return e;
}

static enum err stream(
    struct op_call *c, const struct blob_content *f, const struct choice *choice, int fd)
{
	bool unpacks = f->is_gzip && !choice->as_gzip;
	enum err e = http_stream_begin(c->req, choice->status, f->type, (int64_t)choice->len);

	if (e == ERR_OK && http_method(c->req) != HTTP_HEAD && choice->len > 0) {
		e = unpacks ? stream_unpacked(c, fd, choice->first, choice->len)
			    : http_stream_file(c->req, fd, choice->first, choice->len);
	}
	return e == ERR_OK ? http_stream_end(c->req) : e;
}

/* Head and bytes by one write. */
static enum err reply_small(
    struct op_call *c, const struct blob_content *f, const struct choice *choice, int fd)
{
	char *bytes = arena_alloc(c->arena, (size_t)choice->len);

	if (bytes == NULL) {
		return ERR_MEMORY;
	}
	ssize_t n = pread(fd, bytes, (size_t)choice->len, (off_t)choice->first);
	if (n < 0 || (uint64_t)n != choice->len) {
		return err_note_set(&c->note, ERR_CORRUPT, "blob %.*s is shorter than its row says",
		    SLICE_ARG(f->blob));
	}
	http_reply(c->req, choice->status, f->type, SLICE_OF(bytes, (size_t)n));
	return ERR_OK;
}

static enum err send_content(struct op_call *c, const struct blob_store *blobs,
    const struct blob_content *f, const struct choice *choice)
{
	bool is_whole = choice->as_gzip || !f->is_gzip;
	uint64_t stored = 0;
	int fd = -1;
	enum err e = blob_get(blobs, f->blob, &fd, &stored, &c->note);

	if (e == ERR_NOT_FOUND || (e == ERR_OK && stored != (uint64_t)f->stored_size)) {
		e = err_note_set(&c->note, ERR_CORRUPT, "blob %.*s is not there, or not whole",
		    SLICE_ARG(f->blob));
	}
	if (e == ERR_OK) {
		e = add_content_headers(c, f, choice);
	}
	if (e == ERR_OK && is_whole && choice->len <= SMALL_BYTES &&
	    http_method(c->req) == HTTP_GET) {
		e = reply_small(c, f, choice, fd);
	} else if (e == ERR_OK) {
		e = stream(c, f, choice, fd);
	}
	if (fd >= 0) {
		(void)close(fd);
	}
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
	add_headers(c, f, tag);
	return send_content(c, blobs, f, &choice);
}
