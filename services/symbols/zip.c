/*
 * See zip.h. Every number that is read is compared with what is there before it is used.
 */
#include "services/symbols/zip.h"

#include <stdlib.h>

#include "services/symbols/little.h"
#include "services/symbols/zip_priv.h"

enum {
	ENTRY_BYTES = 46,
	LOCAL_BYTES = 30,
	EXTRA_64 = 1,
	FLAG_ENCRYPTED = 1,
	FLAG_SIZES_BEHIND = 8, /* the local header has no sizes: they stand behind the bytes */
};

#define SIGNATURE_ENTRY 0x02014b50u
#define SIGNATURE_LOCAL 0x04034b50u

/* ---- entries ---- */

/* The whole directory while it is read. */
struct reading {
	const unsigned char *at; /* the next entry */
	size_t left;
	struct zip_directory d;
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
		size_t id = little_number(extra, 2), len = little_number(extra + 2, 2);
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
					return zip_refuse(note, "a large number is missing");
				}
				*wide[i] = little_number(extra, 8);
				extra += 8;
				len -= 8;
			}
		}
		return ERR_OK;
	}
	return zip_refuse(note, "a large number is missing");
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
		return zip_refuse(r->note, "a member has an impossible name");
	}
	if (m->method == ZIP_STORED && m->packed != m->size) {
		return zip_refuse(r->note, "a stored member has two sizes");
	}
	if (m->header > r->d.offset || m->packed > r->d.offset - m->header) {
		return zip_refuse(r->note, "a member lies outside of it");
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

	if (r->left < ENTRY_BYTES || little_number(p, 4) != SIGNATURE_ENTRY) {
		return zip_refuse(r->note, "its directory is damaged");
	}
	size_t name = little_number(p + 28, 2), extra = little_number(p + 30, 2),
	       comment = little_number(p + 32, 2);
	size_t len = ENTRY_BYTES + name + extra + comment;
	if (len > r->left) {
		return zip_refuse(r->note, "its directory is damaged");
	}
	struct zip_member m = { .name = SLICE_OF(p + ENTRY_BYTES, name),
		.method = (enum zip_method)little_number(p + 10, 2),
		.crc = (uint32_t)little_number(p + 16, 4),
		.packed = little_number(p + 20, 4),
		.size = little_number(p + 24, 4),
		.header = little_number(p + 42, 4) };
	enum err e = read_extra64(&m, p + ENTRY_BYTES + name, extra, r->note);
	if (e == ERR_OK) {
		e = check_member(
		    r, &m, (unsigned)little_number(p + 8, 2), (unsigned)little_number(p + 34, 2));
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
			return zip_refuse(note, "two members share their bytes");
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
	struct zip_directory d;
	enum err e = zip_find_directory(fd, archive_size, &d, note);

	if (e != ERR_OK) {
		return e;
	}
	if (d.entries > max_members) {
		return err_note_set(note, ERR_LIMIT, "it has too many members");
	}
	if (d.entries * ENTRY_BYTES > d.size) {
		return zip_refuse(note, "its directory is damaged");
	}
	unsigned char *bytes = malloc(d.size == 0 ? 1 : (size_t)d.size);
	struct extent *extents = calloc(d.entries == 0 ? 1 : (size_t)d.entries, sizeof(*extents));
	if (bytes == NULL || extents == NULL) {
		e = err_note_set(note, ERR_MEMORY, "no memory for its directory");
	} else {
		e = zip_read_at(fd, d.offset, bytes, (size_t)d.size, note);
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
		return zip_refuse(note, "a member is cut off");
	}
	enum err e = zip_read_at(fd, m->header, local, sizeof(local), note);
	if (e != ERR_OK) {
		return e;
	}
	size_t name_len = little_number(local + 26, 2), extra = little_number(local + 28, 2);
	uint64_t at = m->header + LOCAL_BYTES + name_len + extra;
	if (little_number(local, 4) != SIGNATURE_LOCAL || name_len != m->name.len ||
	    little_number(local + 8, 2) != (uint64_t)m->method || at > archive_size ||
	    m->packed > archive_size - at) {
		return zip_refuse(note, "a member's header is not as the directory says");
	}
	e = zip_read_at(fd, m->header + LOCAL_BYTES, name, name_len, note);
	if (e == ERR_OK && !slice_eq(SLICE_OF(name, name_len), m->name)) {
		e = zip_refuse(note, "a member has two names");
	}
	uint64_t packed = little_number(local + 18, 4), size = little_number(local + 22, 4);
	bool tells = (little_number(local + 6, 2) & FLAG_SIZES_BEHIND) == 0;
	if (e == ERR_OK && tells &&
	    ((packed != 0xffffffff && packed != m->packed) ||
		(size != 0xffffffff && size != m->size))) {
		e = zip_refuse(note, "a member has two sizes");
	}
	if (e == ERR_OK) {
		*ret_offset = at;
	}
	return e;
}
