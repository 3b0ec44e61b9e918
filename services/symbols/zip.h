/*
 * Reading strangers' zip archives (APPNOTE.TXT 6.3): the central directory, checked, and where the
 * bytes of a member begin. Nothing is unpacked here. Our own, and not libarchive's, for two
 * reasons: what is deflated in an archive is what gzip has inside, so that a member can be stored
 * in gzip form without being packed again; and a stranger's file meets some hundred lines that know
 * two methods instead of a library that knows thirty formats.
 *
 * Refused are, beside what is no zip: encrypted members, other methods than stored and deflated,
 * several disks, members that share bytes with others or with the directory, directories larger
 * than the limits, names with NUL.
 */
#ifndef PLIMSOLL_SYMBOLS_ZIP_H
#define PLIMSOLL_SYMBOLS_ZIP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	ZIP_NAME_MAX = 1000,		     /* bytes; longer ones are no keys anyway */
	ZIP_DIRECTORY_MAX = 32 * 1024 * 1024 /* bytes */
};

enum zip_method {
	ZIP_STORED = 0,
	ZIP_DEFLATED = 8
};

struct zip_member {
	struct slice name; /* as it stands there; folders end with '/' */
	enum zip_method method;
	uint32_t crc;
	uint64_t packed, size; /* bytes in the archive, and unpacked, as the directory says */
	uint64_t header;       /* where its local header is */
};

/*
 * Calls fn for each member, in the order of the directory; the member lives until fn returns.
 * Errors: ERR_SYNTAX: no zip, or a damaged one; ERR_UNSUPPORTED; ERR_LIMIT: more than max_members,
 * or together larger than max_unpacked; ERR_IO, ERR_MEMORY; with text in note. What fn returns.
 */
typedef enum err zip_member_fn(void *arg, const struct zip_member *m);
NODISCARD enum err zip_list(int fd, uint64_t archive_size, uint64_t max_members,
    uint64_t max_unpacked, zip_member_fn *fn, void *arg, struct err_note *note);

/*
 * Where the member's bytes begin. ERR_SYNTAX: its local header says something else than the
 * directory, or the bytes are not all there.
 */
NODISCARD enum err zip_data(int fd, uint64_t archive_size, const struct zip_member *m,
    uint64_t *ret_offset, struct err_note *note);

#endif
