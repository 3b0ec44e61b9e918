/*
 * The bytes of one section to a descriptor, in pieces. Compressed ones (SHF_COMPRESSED) have a
 * header that says how and to how many bytes: those there must be, not one more or less.
 */
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "services/symbols/elf_priv.h"

enum {
	PIECE = ELF_READ_MAX,
	ZSTD_WINDOW_LOG_MAX = 27 /* 128 MiB, which zstd takes by default */
};

struct copying {
	const struct elf *e;
	uint64_t at, left; /* bytes of the file that are to come */
	uint64_t size;	   /* of all that is to be written, at most max */
	uint64_t max;
	uint64_t written;
	int out;
	struct err_note *note;
	unsigned char in[PIECE], plain[PIECE];
};

static enum err damaged(struct copying *c)
{
	return err_note_set(c->note, ERR_INVALID, "a section is not what it says");
}

/* The next piece of the file into c->in; *ret_len 0: that was all. */
static enum err take(struct copying *c, size_t *ret_len)
{
	size_t n = c->left < PIECE ? (size_t)c->left : PIECE;
	enum err err = n == 0 ? ERR_OK : elf_read(c->e, c->at, c->in, n);

	c->at += n;
	c->left -= n;
	*ret_len = n;
	return err;
}

static enum err put(struct copying *c, const unsigned char *bytes, size_t len)
{
	if (len > c->size - c->written) {
		return damaged(c);
	}
	while (len > 0) {
		ssize_t n = pwrite(c->out, bytes, len, (off_t)c->written);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return err_note_set(c->note, n == 0 ? ERR_IO : err_from_errno(errno),
			    "a section cannot be written: %s", strerror(errno));
		}
		bytes += n;
		len -= (size_t)n;
		c->written += (uint64_t)n;
	}
	return ERR_OK;
}

static enum err copy_plain(struct copying *c)
{
	size_t n = 0;
	enum err err;

	do {
		err = take(c, &n);
		if (err == ERR_OK) {
			err = put(c, c->in, n);
		}
	} while (err == ERR_OK && n > 0);
	return err;
}

static enum err inflate_piece(struct copying *c, z_stream *z, bool *ended)
{
	enum err err = ERR_OK;
	unsigned made;

	do {
		z->next_out = c->plain;
		z->avail_out = PIECE;
		int code = inflate(z, Z_NO_FLUSH);
		if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
			return code == Z_MEM_ERROR ? ERR_MEMORY : damaged(c);
		}
		*ended = code == Z_STREAM_END;
		made = PIECE - z->avail_out;
		err = put(c, c->plain, made);
	} while (err == ERR_OK && !*ended && (z->avail_in > 0 || made == PIECE));
	return err;
}

static enum err copy_zlib(struct copying *c)
{
	z_stream z = { .next_in = NULL };
	bool ended = false;
	size_t n = 1;
	enum err err = inflateInit(&z) == Z_OK ? ERR_OK : ERR_MEMORY;

	if (err != ERR_OK) {
		return err;
	}
	while (err == ERR_OK && !ended && n > 0) {
		err = take(c, &n);
		z.next_in = c->in;
		z.avail_in = (unsigned)n;
		if (err == ERR_OK && n > 0) {
			err = inflate_piece(c, &z, &ended);
		}
	}
	(void)inflateEnd(&z);
	return err == ERR_OK && !ended ? damaged(c) : err;
}

static enum err zstd_piece(struct copying *c, ZSTD_DStream *z, size_t len, bool *ended)
{
	ZSTD_inBuffer in = { c->in, len, 0 };
	enum err err = ERR_OK;
	ZSTD_outBuffer out;

	do {
		out = (ZSTD_outBuffer){ c->plain, PIECE, 0 };
		size_t code = ZSTD_decompressStream(z, &out, &in);
		if (ZSTD_isError(code)) {
			return damaged(c);
		}
		*ended = code == 0;
		err = put(c, c->plain, out.pos);
	} while (err == ERR_OK && !*ended && (in.pos < in.size || out.pos == out.size));
	return err;
}

static enum err copy_zstd(struct copying *c)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	bool ended = false;
	size_t n = 1;
	enum err err = ERR_OK;

	if (z == NULL ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX))) {
		err = ERR_MEMORY;
	}
	while (err == ERR_OK && !ended && n > 0) {
		err = take(c, &n);
		if (err == ERR_OK && n > 0) {
			err = zstd_piece(c, z, n, &ended);
		}
	}
	(void)ZSTD_freeDStream(z);
	return err == ERR_OK && !ended ? damaged(c) : err;
}

static enum err copy_packed(struct copying *c)
{
	const struct elf *e = c->e;
	unsigned char p[sizeof(Elf64_Chdr)];
	size_t width = e->is_64 ? sizeof(Elf64_Chdr) : sizeof(Elf32_Chdr);

	if (c->left < width) {
		return damaged(c);
	}
	enum err err = elf_read(e, c->at, p, width);
	if (err != ERR_OK) {
		return err;
	}
	c->at += width;
	c->left -= width;
	c->size = ELF_FIELD(e, p, Chdr, ch_size);
	if (c->size > c->max) {
		return err_note_set(c->note, ERR_LIMIT, "a section is too large, unpacked");
	}
	switch (ELF_FIELD(e, p, Chdr, ch_type)) {
	case ELFCOMPRESS_ZLIB:
		return copy_zlib(c);
	case ELF_COMPRESS_ZSTD:
		return copy_zstd(c);
	default:
		return err_note_set(
		    c->note, ERR_UNSUPPORTED, "a section is packed in a way unknown");
	}
}

enum err elf_section_copy(
    const struct elf *e, const struct elf_section *s, uint64_t max, int out, struct err_note *note)
{
	struct copying *c = calloc(1, sizeof(*c));
	enum err err;

	if (c == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory");
	}
	c->e = e;
	c->at = s->offset;
	c->left = c->size = s->size;
	c->max = max;
	c->out = out;
	c->note = note;
	if (s->size > max || s->offset > UINT64_MAX - s->size) {
		err = err_note_set(note, ERR_LIMIT, "a section is too large");
	} else if ((s->flags & SHF_COMPRESSED) == 0) {
		err = copy_plain(c);
	} else {
		err = copy_packed(c);
	}
	if (err == ERR_OK && c->written != c->size) {
		err = damaged(c);
	}
	free(c);
	return err;
}
