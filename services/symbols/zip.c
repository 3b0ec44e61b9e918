/*
 * See zip.h. Every number that is read is compared with what is there before it is used.
 */
#include "services/symbols/zip.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	END_BYTES = 22,
	END_SEARCH = END_BYTES + 65535, /* the comment behind it may be so long */
	LOCATOR64_BYTES = 20,
	END64_BYTES = 56,
	ENTRY_BYTES = 46,
	LOCAL_BYTES = 30,
	EXTRA_64 = 1,
	FLAG_ENCRYPTED = 1,
	FLAG_SIZES_BEHIND = 8, /* the local header has no sizes: they stand behind the bytes */
};

#define SIGNATURE_END	  0x06054b50u
#define SIGNATURE_END64	  0x06064b50u
#define SIGNATURE_LOCATOR 0x07064b50u
#define SIGNATURE_ENTRY	  0x02014b50u
#define SIGNATURE_LOCAL	  0x04034b50u

static uint64_t number(const unsigned char *p, unsigned bytes)
{
	uint64_t n = 0;

	for (unsigned i = bytes; i > 0; i--) {
		n = n << 8 | p[i - 1];
	}
	return n;
}

static enum err not_a_zip(struct err_note *note, const char *why)
{
	return err_note_set(note, ERR_SYNTAX, "%s", why);
}

/* All of the bytes, or an error. */
static enum err read_at(int fd, uint64_t offset, void *out, size_t len, struct err_note *note)
{
	char *to = out;

	while (len > 0) {
		ssize_t n = pread(fd, to, len, (off_t)offset);
		if (n <= 0) {
			return err_note_set(note, ERR_IO, "the archive cannot be read");
		}
		to += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

/* ---- the end of the archive ---- */

/* Where the directory is. */
struct directory {
	uint64_t entries, size, offset;
	uint64_t end; /* it must lie before this place */
};

/* The last record whose comment ends with the file; ERR_SYNTAX: there is none. */
static enum err find_end(
    int fd, uint64_t size, unsigned char end[END_BYTES], uint64_t *ret_at, struct err_note *note)
{
	size_t len = size < END_SEARCH ? (size_t)size : END_SEARCH;
	unsigned char *tail = malloc(len == 0 ? 1 : len);

	if (tail == NULL) {
		return ERR_MEMORY;
	}
	enum err e = read_at(fd, size - len, tail, len, note);
	bool found = false;
	for (size_t at = len - (len < END_BYTES ? len : END_BYTES);
	     e == ERR_OK && len >= END_BYTES && !found; at--) {
		found = number(tail + at, 4) == SIGNATURE_END &&
			number(tail + at + 20, 2) == len - at - END_BYTES;
		if (found) {
			memcpy(end, tail + at, END_BYTES);
			*ret_at = size - len + at;
		}
		if (at == 0) {
			break;
		}
	}
	free(tail);
	return e != ERR_OK ? e : found ? ERR_OK : not_a_zip(note, "it has no end of a directory");
}

/* The record of ZIP64, if the archive has one. */
static enum err read_end64(int fd, uint64_t end_at, struct directory *d, struct err_note *note)
{
	unsigned char locator[LOCATOR64_BYTES], end[END64_BYTES];

	if (end_at < LOCATOR64_BYTES) {
		return not_a_zip(note, "its directory cannot be so large");
	}
	enum err e = read_at(fd, end_at - LOCATOR64_BYTES, locator, sizeof(locator), note);
	if (e != ERR_OK) {
		return e;
	}
	uint64_t at = number(locator + 8, 8), limit = end_at - LOCATOR64_BYTES;
	if (number(locator, 4) != SIGNATURE_LOCATOR || limit < END64_BYTES ||
	    at > limit - END64_BYTES) {
		return not_a_zip(note, "its 64-bit directory is not found");
	}
	e = read_at(fd, at, end, sizeof(end), note);
	if (e == ERR_OK && (number(end, 4) != SIGNATURE_END64 || number(end + 16, 4) != 0)) {
		e = not_a_zip(note, "its 64-bit directory is damaged");
	}
	if (e == ERR_OK) {
		*d = (struct directory){ number(end + 32, 8), number(end + 40, 8),
			number(end + 48, 8), at };
	}
	return e;
}

static enum err find_directory(int fd, uint64_t size, struct directory *ret, struct err_note *note)
{
	unsigned char end[END_BYTES];
	uint64_t at = 0;
	enum err e = find_end(fd, size, end, &at, note);

	if (e != ERR_OK) {
		return e;
	}
	struct directory d = { number(end + 10, 2), number(end + 12, 4), number(end + 16, 4), at };
	if (d.entries == 0xffff || d.size == 0xffffffff || d.offset == 0xffffffff) {
		e = read_end64(fd, at, &d, note);
	} else if (number(end + 4, 2) != 0 || number(end + 8, 2) != d.entries) {
		e = err_note_set(note, ERR_UNSUPPORTED, "it is one of several disks");
	}
	if (e == ERR_OK && (d.offset > d.end || d.size > d.end - d.offset)) {
		e = not_a_zip(note, "its directory is cut off");
	}
	if (e == ERR_OK && d.size > ZIP_DIRECTORY_MAX) {
		e = err_note_set(note, ERR_LIMIT, "its directory is too large");
	}
	if (e == ERR_OK) {
		*ret = d;
	}
	return e;
}

/* ---- entries ---- */

/* The whole directory while it is read. */
struct reading {
	const unsigned char *at; /* the next entry */
	size_t left;
	struct directory d;
	uint64_t max_unpacked, unpacked;
	struct err_note *note;
};

/* Numbers that do not fit stand in an extra field, in this order, as far as they are needed. */
static enum err read_extra64(
    struct zip_member *m, const unsigned char *extra, size_t left, struct err_note *note)
{
	uint64_t *const wide[] = { &m->size, &m->packed, &m->header };

	if (m->size != 0xffffffff && m->packed != 0xffffffff && m->header != 0xffffffff) {
		return ERR_OK;
	}
	while (left >= 4) {
		size_t id = number(extra, 2), len = number(extra + 2, 2);
		extra += 4;
		left -= 4;
		if (len > left) {
			break;
		}
		if (id != EXTRA_64) {
			extra += len;
			left -= len;
			continue;
		}
		for (size_t i = 0; i < 3; i++) {
			if (*wide[i] == 0xffffffff) {
				if (len < 8) {
					return not_a_zip(note, "a large number is missing");
				}
				*wide[i] = number(extra, 8);
				extra += 8;
				len -= 8;
			}
		}
		return ERR_OK;
	}
	return not_a_zip(note, "a large number is missing");
}

static enum err check_member(
    struct reading *r, const struct zip_member *m, unsigned flags, unsigned disk)
{
	bool is_known = m->method == ZIP_STORED || m->method == ZIP_DEFLATED;

	if ((flags & FLAG_ENCRYPTED) != 0 || !is_known || disk != 0) {
		return err_note_set(r->note, ERR_UNSUPPORTED,
		    "a member is encrypted, or packed by another method than deflate");
	}
	if (m->name.len > ZIP_NAME_MAX || memchr(m->name.ptr, '\0', m->name.len) != NULL) {
		return not_a_zip(r->note, "a member has an impossible name");
	}
	if (m->method == ZIP_STORED && m->packed != m->size) {
		return not_a_zip(r->note, "a stored member has two sizes");
	}
	if (m->header > r->d.offset || m->packed > r->d.offset - m->header) {
		return not_a_zip(r->note, "a member lies outside of it");
	}
	if (m->size > r->max_unpacked - r->unpacked) {
		return err_note_set(r->note, ERR_LIMIT, "its members are too large, unpacked");
	}
	r->unpacked += m->size;
	return ERR_OK;
}

static enum err read_entry(struct reading *r, struct zip_member *ret)
{
	const unsigned char *p = r->at;

	if (r->left < ENTRY_BYTES || number(p, 4) != SIGNATURE_ENTRY) {
		return not_a_zip(r->note, "its directory is damaged");
	}
	size_t name = number(p + 28, 2), extra = number(p + 30, 2), comment = number(p + 32, 2);
	size_t len = ENTRY_BYTES + name + extra + comment;
	if (len > r->left) {
		return not_a_zip(r->note, "its directory is damaged");
	}
	struct zip_member m = { .name = SLICE_OF(p + ENTRY_BYTES, name),
		.method = (enum zip_method)number(p + 10, 2),
		.crc = (uint32_t)number(p + 16, 4),
		.packed = number(p + 20, 4),
		.size = number(p + 24, 4),
		.header = number(p + 42, 4) };
	enum err e = read_extra64(&m, p + ENTRY_BYTES + name, extra, r->note);
	if (e == ERR_OK) {
		e = check_member(r, &m, (unsigned)number(p + 8, 2), (unsigned)number(p + 34, 2));
	}
	if (e == ERR_OK) {
		r->at += len;
		r->left -= len;
		*ret = m;
	}
	return e;
}

/* ---- overlaps ---- */

struct extent {
	uint64_t from, to;
};

static int by_place(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from ? 1 : 0;
}

/* A bomb made of one member under many names, or of members inside each other. */
static enum err check_overlaps(struct extent *extents, size_t n, struct err_note *note)
{
	if (n > 0) {
		qsort(extents, n, sizeof(extents[0]), by_place);
	}
	for (size_t i = 1; i < n; i++) {
		if (extents[i].from < extents[i - 1].to) {
			return not_a_zip(note, "two members share their bytes");
		}
	}
	return ERR_OK;
}

static enum err read_all(struct reading *r, struct extent *extents)
{
	enum err e = ERR_OK;

	for (uint64_t i = 0; e == ERR_OK && i < r->d.entries; i++) {
		struct zip_member m;
		e = read_entry(r, &m);
		if (e == ERR_OK) {
			extents[i] = (struct extent){ m.header,
				m.header + LOCAL_BYTES + m.name.len + m.packed };
		}
	}
	return e == ERR_OK ? check_overlaps(extents, (size_t)r->d.entries, r->note) : e;
}

/* All is checked before the first is told of. */
static enum err tell_all(struct reading *r, zip_member_fn *fn, void *arg)
{
	enum err e = ERR_OK;

	for (uint64_t i = 0; e == ERR_OK && i < r->d.entries; i++) {
		struct zip_member m;
		e = read_entry(r, &m);
		if (e == ERR_OK) {
			e = fn(arg, &m);
		}
	}
	return e;
}

enum err zip_list(int fd, uint64_t archive_size, uint64_t max_members, uint64_t max_unpacked,
    zip_member_fn *fn, void *arg, struct err_note *note)
{
	struct directory d;
	enum err e = find_directory(fd, archive_size, &d, note);

	if (e != ERR_OK) {
		return e;
	}
	if (d.entries > max_members) {
		return err_note_set(note, ERR_LIMIT, "it has too many members");
	}
	if (d.entries * ENTRY_BYTES > d.size) {
		return not_a_zip(note, "its directory is damaged");
	}
	unsigned char *bytes = malloc(d.size == 0 ? 1 : (size_t)d.size);
	struct extent *extents = calloc(d.entries == 0 ? 1 : (size_t)d.entries, sizeof(*extents));
	if (bytes == NULL || extents == NULL) {
		e = err_note_set(note, ERR_MEMORY, "no memory for its directory");
	} else {
		e = read_at(fd, d.offset, bytes, (size_t)d.size, note);
	}
	struct reading r = { .at = bytes,
		.left = (size_t)d.size,
		.d = d,
		.max_unpacked = max_unpacked,
		.note = note };
	if (e == ERR_OK) {
		e = read_all(&r, extents);
	}
	r.at = bytes;
	r.left = (size_t)d.size;
	r.unpacked = 0;
	if (e == ERR_OK) {
		e = tell_all(&r, fn, arg);
	}
	free(extents);
	free(bytes);
	return e;
}

enum err zip_data(int fd, uint64_t archive_size, const struct zip_member *m, uint64_t *ret_offset,
    struct err_note *note)
{
	unsigned char local[LOCAL_BYTES];
	char name[ZIP_NAME_MAX];

	if (m->header > archive_size || archive_size - m->header < LOCAL_BYTES) {
		return not_a_zip(note, "a member is cut off");
	}
	enum err e = read_at(fd, m->header, local, sizeof(local), note);
	if (e != ERR_OK) {
		return e;
	}
	size_t name_len = number(local + 26, 2), extra = number(local + 28, 2);
	uint64_t at = m->header + LOCAL_BYTES + name_len + extra;
	if (number(local, 4) != SIGNATURE_LOCAL || name_len != m->name.len ||
	    number(local + 8, 2) != (uint64_t)m->method || at > archive_size ||
	    m->packed > archive_size - at) {
		return not_a_zip(note, "a member's header is not as the directory says");
	}
	e = read_at(fd, m->header + LOCAL_BYTES, name, name_len, note);
	if (e == ERR_OK && !slice_eq(SLICE_OF(name, name_len), m->name)) {
		e = not_a_zip(note, "a member has two names");
	}
	uint64_t packed = number(local + 18, 4), size = number(local + 22, 4);
	bool tells = (number(local + 6, 2) & FLAG_SIZES_BEHIND) == 0;
	if (e == ERR_OK && tells &&
	    ((packed != 0xffffffff && packed != m->packed) ||
		(size != 0xffffffff && size != m->size))) {
		e = not_a_zip(note, "a member has two sizes");
	}
	if (e == ERR_OK) {
		*ret_offset = at;
	}
	return e;
}
