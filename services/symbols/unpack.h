/*
 * From the bytes of an upload to what is stored: unpacks (in every case, because only so the
 * content's hashes are known and a damaged or lying one is found out), and writes it in the form in
 * which it is kept. What came deflated is kept in gzip form without being packed again: a gzip
 * header in front, checksum and size behind.
 *
 * Streams in pieces; memory does not depend on sizes.
 */
#ifndef PLIMSOLL_SYMBOLS_UNPACK_H
#define PLIMSOLL_SYMBOLS_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "services/symbols/sym_head.h"

enum unpack_form {
	UNPACK_PLAIN,
	UNPACK_DEFLATE, /* as in a zip: no header */
	UNPACK_GZIP,
	UNPACK_FORMS
};

struct unpack_source {
	int fd;
	uint64_t at, len; /* its bytes in the file */
	enum unpack_form form;
	bool knows_size; /* size and crc below are what it must be; else at most size */
	uint64_t size;
	uint32_t crc;
};

struct unpacked {
	unsigned char sha256[32], md5[16]; /* of the content */
	uint64_t size, stored_size;	   /* of the content, of what was written */
	size_t head_len;
	char head[SYM_HEAD_BYTES]; /* the first bytes of the content */
};

/*
 * Unpacks into out (from its beginning on), in gzip form or plain; out -1: nothing is written,
 * stored_size is the source's. ERR_INVALID: it is damaged, or not as large as it says; ERR_LIMIT:
 * larger than size; ERR_IO, ERR_DISK_FULL, ERR_MEMORY; with text in note.
 */
NODISCARD enum err unpack(const struct unpack_source *source, int out, bool as_gzip,
    struct unpacked *ret, struct err_note *note);

#endif
