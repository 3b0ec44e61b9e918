/*
 * One file of upload v2: packed if the server asks for that, sent in pieces, taken up where a
 * broken one ended; and how patient the sender is.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "cmd/symbol_sender_priv.h"
#include "core/base/json.h"
#include "core/base/rng.h"

enum {
	ANSWER_MAX = 64 * 1024,
	HEADERS_MAX = 512,
	PIECE_BYTES = 16 * 1024 * 1024, /* of a PUT; of 256 KiB a multiple */
	WAIT_MAX_S = 600,
	GZIP_WINDOW = 15 + 16,
	GZIP_LEVEL = 6,
	GZIP_MEMORY = 8,
	COPY_BYTES = 4 * 1024
};

/* ---- patience ---- */

bool symbol_sender_is_later(int status)
{
	return status == 429 || status == 500 || (status >= 502 && status <= 504);
}

/* How long to wait before a try: what the server asks for, else longer each time. */
unsigned symbol_sender_wait_of(const struct http_call_answer *a, unsigned attempt)
{
	struct slice said = a == NULL ? SLICE_EMPTY : probe_header(&a->head, "Retry-After");
	uint64_t seconds = 0;

	if (said.ptr != NULL && slice_to_u64(said, WAIT_MAX_S, &seconds) == ERR_OK) {
		return (unsigned)seconds;
	}
	unsigned most = 1u << (attempt < 6 ? attempt : 6);
	return 1 + (unsigned)rng_below(most);
}

void symbol_sender_wait(struct symbol_sender *s, unsigned seconds, const char *why)
{
	s->waits(s->arg, seconds, why);
	(void)poll(NULL, 0, (int)seconds * 1000);
}

/* The words of a refusal: {"error": "..."}. */
enum err symbol_sender_refused(
    const char *what, const struct http_call_answer *a, struct err_note *note)
{
	struct arena arena = arena_new(SYMBOL_SENDER_JSON);
	const struct json *doc = NULL;
	struct slice text = SLICE("no reason given");
	int status = a->head.status;

	if (json_parse(&arena, a->body, &doc, NULL) == ERR_OK) {
		(void)json_get_string(json_member(doc, "error"), &text);
	}
	enum err e = err_note_set(note,
	    status == 401 || status == 403   ? ERR_DENIED
	    : symbol_sender_is_later(status) ? ERR_TOO_BUSY
					     : ERR_INVALID,
	    "%s: %d: %.*s", what, status, SLICE_ARG(slice_sub(text, 0, 120)));
	arena_reset(&arena);
	return e;
}

/* ---- the bytes ---- */

/* A file without a name, which goes with its descriptor. */
static enum err open_temporary(int *ret_fd, struct err_note *note)
{
	const char *folder = getenv("TMPDIR");

	*ret_fd = open(folder == NULL || folder[0] == '\0' ? "/tmp" : folder,
	    O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return *ret_fd >= 0 ? ERR_OK
			    : err_note_set(note, err_from_errno(errno),
				  "no temporary file can be made: %s", strerror(errno));
}

static bool write_all(int fd, const unsigned char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n <= 0) {
			return false;
		}
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static bool pack(z_stream *z, int from, int to)
{
	unsigned char in[COPY_BYTES], packed[COPY_BYTES];
	ssize_t n = 1;

	while (n > 0) {
		n = read(from, in, sizeof(in));
		if (n < 0) {
			return false;
		}
		z->next_in = in;
		z->avail_in = (unsigned)n;
		do {
			z->next_out = packed;
			z->avail_out = sizeof(packed);
			if (deflate(z, n == 0 ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR ||
			    !write_all(to, packed, sizeof(packed) - z->avail_out)) {
				return false;
			}
		} while (z->avail_out == 0);
	}
	return true;
}

/* What is to be sent: the file as it is, or packed. */
static enum err open_body(const struct found_symbol *f, bool as_gzip, int *ret_fd,
    uint64_t *ret_size, struct err_note *note)
{
	z_stream z = { .zalloc = NULL };
	int plain = open(f->path, O_RDONLY | O_CLOEXEC), packed = -1;
	enum err e =
	    plain >= 0 ? ERR_OK : err_note_set(note, err_from_errno(errno), "%s", strerror(errno));

	if (e == ERR_OK && as_gzip) {
		e = open_temporary(&packed, note);
		if (e == ERR_OK && deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW,
				       GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
			e = ERR_MEMORY;
		} else if (e == ERR_OK) {
			e = pack(&z, plain, packed)
				? ERR_OK
				: err_note_set(
				      note, ERR_IO, "it cannot be packed: %s", strerror(errno));
			(void)deflateEnd(&z);
		}
		(void)close(plain);
		plain = packed;
	}
	off_t size = e == ERR_OK ? lseek(plain, 0, SEEK_END) : 0;
	if (e != ERR_OK || size < 0) {
		if (plain >= 0) {
			(void)close(plain);
		}
		return e == ERR_OK ? ERR_IO : e;
	}
	*ret_fd = plain;
	*ret_size = (uint64_t)size;
	return ERR_OK;
}

/* "bytes=0-N": the next byte is N+1; without the header nothing is there. */
static uint64_t next_byte(const struct http_call_answer *a)
{
	struct slice range = probe_header(&a->head, "Range");
	uint64_t last = 0;

	if (range.ptr == NULL || !slice_starts(range, SLICE("bytes=0-")) ||
	    slice_to_u64(slice_sub(range, 8, range.len), UINT64_MAX - 1, &last) != ERR_OK) {
		return 0;
	}
	return last + 1;
}

/* One PUT: of a piece from at on, or (len 0 and is_question) of nothing, which asks. */
static enum err put_piece(const char *url, int fd, uint64_t at, uint64_t len, uint64_t size,
    bool is_question, struct buf *out, struct http_call_answer *ret, struct err_note *note)
{
	char headers[HEADERS_MAX];

	if (is_question) {
		(void)snprintf(
		    headers, sizeof(headers), "Content-Range: bytes */%" PRIu64 "\r\n", size);
	} else {
		(void)snprintf(headers, sizeof(headers),
		    "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", at,
		    len == 0 ? at : at + len - 1, size);
	}
	const struct http_call call = { .method = "PUT",
		.url = url,
		.headers = headers,
		.body = SLICE_EMPTY,
		.fd = fd,
		.body_at = at,
		.body_len = is_question ? 0 : len };
	return http_call(&call, out, ret, note);
}

/* Piece after piece; behind a broken one the server is asked how much of it there is. */
static enum err put_all(struct symbol_sender *s, const char *url, int fd, uint64_t size,
    struct buf *out, struct err_note *note)
{
	struct http_call_answer a = { .body = SLICE_EMPTY };
	uint64_t at = 0;
	bool asks = false;

	for (unsigned attempt = 0; attempt < s->tries;) {
		uint64_t len = size - at < PIECE_BYTES ? size - at : PIECE_BYTES;
		char why[64];
		*note = (struct err_note){ 0 };
		enum err e = put_piece(url, fd, at, len, size, asks, out, &a, note);
		int status = e == ERR_OK ? a.head.status : 0;
		if (status == 200 || status == 201) {
			return ERR_OK;
		}
		if (status == 308) {
			uint64_t next = next_byte(&a);
			bool moved = next > at;
			attempt = moved ? 0 : attempt + 1;
			s->goes_on(s->arg, moved ? next - at : 0, 0);
			/* All is there, but not stored: its last byte begins that anew. */
			at = next < size ? next : size > 0 ? size - 1 : 0;
			asks = false;
			continue;
		}
		if (e == ERR_OK && !symbol_sender_is_later(status)) {
			return symbol_sender_refused("the file is not taken", &a, note);
		}
		if (e != ERR_OK && e != ERR_IO && e != ERR_NOT_FOUND) {
			return e;
		}
		asks = size > 0;
		if (++attempt < s->tries) {
			(void)snprintf(why, sizeof(why), "the server answered %d", status);
			symbol_sender_wait(s,
			    symbol_sender_wait_of(e == ERR_OK ? &a : NULL, attempt),
			    e == ERR_OK ? why : note->text);
		}
	}
	return note->text[0] != '\0'
		   ? ERR_IO
		   : err_note_set(note, ERR_TOO_BUSY, "the server does not take it");
}

enum err symbol_sender_put(struct symbol_sender *s, const struct found_symbol *f, const char *url,
    bool as_gzip, struct err_note *note)
{
	struct buf out = buf_new(ANSWER_MAX);
	uint64_t size = 0;
	int fd = -1;
	enum err e = open_body(f, as_gzip, &fd, &size, note);

	if (e == ERR_OK) {
		e = put_all(s, url, fd, size, &out, note);
		(void)close(fd);
	}
	buf_free(&out);
	return e;
}
