/*
 * See unpack.h.
 */
#include "services/symbols/unpack.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
	PIECE = 128 * 1024,
	GZIP_HEAD = 10,
	GZIP_TAIL = 8,
	RAW_WINDOW = -15,
	GZIP_WINDOW = 15 + 16,
	LEVEL = 6, /* packed once, sent often */
	MEMORY_LEVEL = 8,
};

struct work {
	const struct unpack_source *source;
	int out;	      /* -1: nothing is written */
	bool as_gzip, copies; /* copies: the packed bytes are what is written */
	uint64_t taken;	      /* bytes of the source */
	uint64_t written;
	uint32_t crc;
	EVP_MD_CTX *sha256, *md5;
	z_stream in, packer;
	bool has_in, has_packer;
	struct unpacked *u;
	struct err_note *note;
	unsigned char packed[PIECE], plain[PIECE];
};

static enum err damaged(struct work *w, const char *why)
{
	return err_note_set(w->note, ERR_INVALID, "%s", why);
}

/* ---- writing ---- */

static enum err write_out(struct work *w, const void *bytes, size_t len)
{
	const char *from = bytes;

	while (w->out >= 0 && len > 0) {
		ssize_t n = pwrite(w->out, from, len, (off_t)w->written);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return err_note_set(w->note, n == 0 ? ERR_IO : err_from_errno(errno),
			    "an unpacked file cannot be written: %s", strerror(errno));
		}
		from += n;
		len -= (size_t)n;
		w->written += (uint64_t)n;
	}
	return ERR_OK;
}

/* Packs plain bytes; flush Z_FINISH: and ends. */
static enum err pack(struct work *w, const unsigned char *bytes, size_t len, int flush)
{
	unsigned char *out = w->packed;
	enum err e = ERR_OK;
	int code = Z_OK;

	w->packer.next_in = (unsigned char *)(uintptr_t)bytes;
	w->packer.avail_in = (unsigned)len;
	do {
		w->packer.next_out = out;
		w->packer.avail_out = PIECE;
		code = deflate(&w->packer, flush);
		e = write_out(w, out, PIECE - w->packer.avail_out);
	} while (e == ERR_OK && (w->packer.avail_out == 0 || w->packer.avail_in > 0) &&
		 code != Z_STREAM_END);
	return e;
}

/* ---- what is unpacked ---- */

static enum err take_plain(struct work *w, const unsigned char *bytes, size_t len)
{
	struct unpacked *u = w->u;

	if (len > w->source->size - u->size) {
		return w->source->knows_size
			   ? damaged(w, "a file is larger than it says")
			   : err_note_set(w->note, ERR_LIMIT, "a file is too large, unpacked");
	}
	size_t head = SYM_HEAD_BYTES - u->head_len;
	head = head < len ? head : len;
	memcpy(u->head + u->head_len, bytes, head);
	u->head_len += head;
	u->size += len;
	w->crc = (uint32_t)crc32(w->crc, bytes, (unsigned)len);
	if (EVP_DigestUpdate(w->sha256, bytes, len) != 1 ||
	    EVP_DigestUpdate(w->md5, bytes, len) != 1) {
		return ERR_CRYPTO;
	}
	if (w->copies) {
		return ERR_OK;
	}
	return w->as_gzip ? pack(w, bytes, len, Z_NO_FLUSH) : write_out(w, bytes, len);
}

/* ---- reading ---- */

/* The next bytes of the source into place; *ret_len 0: it has ended. */
static enum err read_source(struct work *w, unsigned char *place, size_t *ret_len)
{
	uint64_t left = w->source->len - w->taken;
	size_t len = left < PIECE ? (size_t)left : PIECE;
	ssize_t n;

	if (len == 0) {
		*ret_len = 0;
		return ERR_OK;
	}
	do {
		n = pread(w->source->fd, place, len, (off_t)(w->source->at + w->taken));
	} while (n < 0 && errno == EINTR);
	if (n <= 0) {
		return err_note_set(w->note, ERR_IO, "an upload cannot be read");
	}
	w->taken += (uint64_t)n;
	*ret_len = (size_t)n;
	return ERR_OK;
}

static enum err run_plain(struct work *w)
{
	size_t n = 0;
	enum err e;

	do {
		e = read_source(w, w->plain, &n);
		if (e == ERR_OK) {
			e = take_plain(w, w->plain, n);
		}
	} while (e == ERR_OK && n > 0);
	return e;
}

/* One piece of packed bytes, which may end the stream. */
static enum err inflate_piece(struct work *w, size_t len, bool *ended)
{
	enum err e = ERR_OK;

	w->in.next_in = w->packed;
	w->in.avail_in = (unsigned)len;
	while (e == ERR_OK && !*ended) {
		w->in.next_out = w->plain;
		w->in.avail_out = PIECE;
		int code = inflate(&w->in, Z_NO_FLUSH);
		if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
			return code == Z_MEM_ERROR ? ERR_MEMORY : damaged(w, "a file is damaged");
		}
		size_t made = PIECE - w->in.avail_out;
		e = take_plain(w, w->plain, made);
		*ended = code == Z_STREAM_END;
		if (!*ended && made == 0 && w->in.avail_in == 0) {
			break;
		}
	}
	if (e == ERR_OK && *ended && w->in.avail_in > 0) {
		e = damaged(w, "there is something behind the end of a file");
	}
	return e;
}

static enum err run_packed(struct work *w)
{
	bool ended = false;
	enum err e = ERR_OK;

	while (e == ERR_OK) {
		size_t n = 0;
		e = read_source(w, w->packed, &n);
		if (e != ERR_OK) {
			break;
		}
		if (n == 0) {
			return ended ? ERR_OK : damaged(w, "a file is cut off");
		}
		if (ended) {
			return damaged(w, "there is something behind the end of a file");
		}
		if (w->copies) {
			e = write_out(w, w->packed, n);
		}
		if (e == ERR_OK) {
			e = inflate_piece(w, n, &ended);
		}
	}
	return e;
}

/* ---- beginning and end ---- */

static enum err begin(struct work *w)
{
	static const unsigned char gzip_head[GZIP_HEAD] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
	const struct unpack_source *s = w->source;

	w->sha256 = EVP_MD_CTX_new();
	w->md5 = EVP_MD_CTX_new();
	if (w->sha256 == NULL || w->md5 == NULL ||
	    EVP_DigestInit_ex(w->sha256, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestInit_ex(w->md5, EVP_md5(), NULL) != 1) {
		return err_note_set(w->note, ERR_MEMORY, "no memory");
	}
	if (s->form != UNPACK_PLAIN) {
		w->has_in =
		    inflateInit2(&w->in, s->form == UNPACK_GZIP ? GZIP_WINDOW : RAW_WINDOW) == Z_OK;
		if (!w->has_in) {
			return err_note_set(w->note, ERR_MEMORY, "no memory");
		}
	}
	w->copies = w->out < 0 || (w->as_gzip && s->form != UNPACK_PLAIN);
	if (w->as_gzip && !w->copies) {
		w->has_packer = deflateInit2(&w->packer, LEVEL, Z_DEFLATED, GZIP_WINDOW,
				    MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
		return w->has_packer ? ERR_OK : err_note_set(w->note, ERR_MEMORY, "no memory");
	}
	return w->as_gzip && s->form == UNPACK_DEFLATE ? write_out(w, gzip_head, GZIP_HEAD)
						       : ERR_OK;
}

static enum err write_tail(struct work *w)
{
	unsigned char tail[GZIP_TAIL];

	for (unsigned i = 0; i < 4; i++) {
		tail[i] = (unsigned char)(w->crc >> (8 * i));
		tail[4 + i] = (unsigned char)(w->u->size >> (8 * i));
	}
	return write_out(w, tail, sizeof(tail));
}

static enum err finish(struct work *w)
{
	const struct unpack_source *s = w->source;
	enum err e = ERR_OK;

	if (s->knows_size && (w->u->size != s->size || w->crc != s->crc)) {
		return damaged(w, "a file is not what its archive says of it");
	}
	if (w->has_packer) {
		e = pack(w, w->plain, 0, Z_FINISH);
	} else if (w->as_gzip && s->form == UNPACK_DEFLATE) {
		e = write_tail(w);
	}
	w->u->stored_size = w->out < 0 ? s->len : w->written;
	if (e == ERR_OK && (EVP_DigestFinal_ex(w->sha256, w->u->sha256, NULL) != 1 ||
			       EVP_DigestFinal_ex(w->md5, w->u->md5, NULL) != 1)) {
		e = ERR_CRYPTO;
	}
	return e;
}

enum err unpack(const struct unpack_source *source, int out, bool as_gzip, struct unpacked *ret,
    struct err_note *note)
{
	struct work *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory");
	}
	w->source = source;
	w->out = out;
	w->as_gzip = as_gzip;
	w->u = ret;
	w->note = note;
	ret->size = ret->stored_size = 0;
	ret->head_len = 0;
	enum err e = begin(w);
	if (e == ERR_OK) {
		e = source->form == UNPACK_PLAIN ? run_plain(w) : run_packed(w);
	}
	if (e == ERR_OK) {
		e = finish(w);
	}
	if (w->has_in) {
		(void)inflateEnd(&w->in);
	}
	if (w->has_packer) {
		(void)deflateEnd(&w->packer);
	}
	EVP_MD_CTX_free(w->sha256);
	EVP_MD_CTX_free(w->md5);
	free(w);
	return e;
}
