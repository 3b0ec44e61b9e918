/*
 * Reading a stored .sym in pieces. Memory is two buffers and zlib's window, whatever the file.
 */
#include "services/symbols/sym_read.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

enum {
	PIECE_BYTES = 256 * 1024,
	GZIP_WINDOW = 15 + 16 /* zlib's way to say: gzip and nothing else */
};

struct reading {
	struct sym_parser *parser;
	struct err_note *note;
	int fd;
	off_t at;
	uint64_t max_bytes, bytes;
	char *in, *out; /* PIECE_BYTES each */
};

/* *ret_len 0: the end. */
static enum err read_piece(struct reading *r, size_t *ret_len)
{
	ssize_t n;

	do {
		n = pread(r->fd, r->in, PIECE_BYTES, r->at);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		return err_note_set(r->note, ERR_IO, "cannot read a symbol file");
	}
	r->at += n;
	*ret_len = (size_t)n;
	return ERR_OK;
}

static enum err feed(struct reading *r, const char *bytes, size_t len)
{
	r->bytes += len;
	if (r->bytes > r->max_bytes) {
		return err_note_set(r->note, ERR_LIMIT, "a symbol file of more than %llu bytes",
		    (unsigned long long)r->max_bytes);
	}
	enum err e = sym_parser_feed(r->parser, SLICE_OF(bytes, len));
	return e == ERR_SYNTAX ? err_note_set(r->note, e, "no Breakpad symbol file") : e;
}

static enum err read_plain(struct reading *r, size_t len)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && len > 0) {
		e = feed(r, r->in, len);
		if (e == ERR_OK) {
			e = read_piece(r, &len);
		}
	}
	return e;
}

static enum err damaged(struct reading *r)
{
	return err_note_set(r->note, ERR_CORRUPT, "gzip of a symbol file is damaged or cut short");
}

/* Inflates what is in z's input; *in_member: a member has begun and not ended. */
static enum err inflate_piece(struct reading *r, z_stream *z, bool *in_member)
{
	enum err e = ERR_OK;
	bool more = true;

	while (e == ERR_OK && more) {
		if (!*in_member) {
			if (z->avail_in == 0) {
				return ERR_OK;
			}
			if (inflateReset(z) != Z_OK) {
				return damaged(r);
			}
			*in_member = true;
		}
		z->next_out = (Bytef *)r->out;
		z->avail_out = PIECE_BYTES;
		int outcome = inflate(z, Z_NO_FLUSH);
		if (outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR) {
			return damaged(r);
		}
		e = feed(r, r->out, PIECE_BYTES - z->avail_out);
		*in_member = outcome != Z_STREAM_END;
		more = z->avail_in > 0 || z->avail_out == 0;
	}
	return e;
}

static enum err read_gzip(struct reading *r, size_t len)
{
	z_stream z = { .next_in = (Bytef *)r->in, .avail_in = (uInt)len };
	bool in_member = true;

	r->out = malloc(PIECE_BYTES);
	if (r->out == NULL || inflateInit2(&z, GZIP_WINDOW) != Z_OK) {
		return ERR_MEMORY;
	}
	enum err e = ERR_OK;
	while (e == ERR_OK && len > 0) {
		z.next_in = (Bytef *)r->in;
		z.avail_in = (uInt)len;
		e = inflate_piece(r, &z, &in_member);
		if (e == ERR_OK) {
			e = read_piece(r, &len);
		}
	}
	(void)inflateEnd(&z);
	return e == ERR_OK && in_member ? damaged(r) : e;
}

static enum err read_all(struct reading *r)
{
	size_t len = 0;
	enum err e = read_piece(r, &len);

	if (e != ERR_OK) {
		return e;
	}
	bool is_gzip =
	    len >= 2 && (unsigned char)r->in[0] == 0x1f && (unsigned char)r->in[1] == 0x8b;
	e = is_gzip ? read_gzip(r, len) : read_plain(r, len);
	if (e == ERR_OK) {
		e = sym_parser_end(r->parser);
		e = e == ERR_SYNTAX ? err_note_set(r->note, e, "no Breakpad symbol file") : e;
	}
	return e;
}

enum err sym_read(
    struct sym_parser *p, int fd, uint64_t max_bytes, uint64_t *ret_bytes, struct err_note *note)
{
	struct reading r = { .parser = p, .note = note, .fd = fd, .max_bytes = max_bytes };

	r.in = malloc(PIECE_BYTES);
	enum err e = r.in == NULL ? ERR_MEMORY : read_all(&r);
	free(r.in);
	free(r.out);
	if (e == ERR_OK && ret_bytes != NULL) {
		*ret_bytes = r.bytes;
	}
	return e;
}
