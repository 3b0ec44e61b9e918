/*
 * Opening an index, and its names.
 */
#include "services/symbols/sym_index.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <zlib.h>

#include "services/symbols/index_cursor.h"
#include "services/symbols/sym_parse.h"

static uint32_t blocks_of(const struct index_header *h)
{
	return (h->sums - INDEX_HEADER_BYTES + INDEX_SUM_BYTES - 1) / INDEX_SUM_BYTES;
}

static bool table_fits(const struct index_header *h, uint32_t at, uint32_t n, uint32_t row_bytes)
{
	return at >= INDEX_HEADER_BYTES && at % 4 == 0 && at + (uint64_t)n * row_bytes <= h->sums;
}

static bool is_whole(const struct index_header *h, uint64_t file_bytes)
{
	struct index_header bare = *h;

	bare.sum = 0;
	return memcmp(h->magic, INDEX_MAGIC, sizeof(h->magic)) == 0 &&
	       h->version == INDEX_VERSION &&
	       h->sum == (uint32_t)crc32(0, (const Bytef *)&bare, sizeof(bare)) &&
	       h->file_bytes == file_bytes && h->sums >= INDEX_HEADER_BYTES && h->sums % 4 == 0 &&
	       h->sums + (uint64_t)blocks_of(h) * sizeof(uint32_t) == file_bytes &&
	       table_fits(h, h->functions, h->n_functions, sizeof(struct index_function)) &&
	       table_fits(h, h->publics, h->n_publics, sizeof(struct index_public)) &&
	       table_fits(h, h->files, h->n_files, sizeof(uint32_t)) &&
	       table_fits(h, h->origins, h->n_origins, sizeof(uint32_t));
}

static enum err check(struct sym_index *ix, const unsigned char *hash)
{
	struct index_header *h = &ix->header;

	memcpy(h, ix->map, sizeof(*h));
	if (!is_whole(h, ix->map_bytes) ||
	    (hash != NULL && memcmp(hash, h->source_hash, INDEX_HASH_BYTES) != 0)) {
		return ERR_CORRUPT;
	}
	uint32_t n = blocks_of(h);
	if (h->sums_sum != (uint32_t)crc32(0, ix->map + h->sums, n * (uInt)sizeof(uint32_t))) {
		return ERR_CORRUPT;
	}
	ix->checked = calloc((size_t)n / 64 + 1, sizeof(*ix->checked));
	return ix->checked == NULL ? ERR_MEMORY : ERR_OK;
}

enum err sym_index_open(int fd, const unsigned char hash[INDEX_HASH_BYTES], struct sym_index **ret,
    struct err_note *note)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		return err_note_set(note, ERR_IO, "cannot look at an index");
	}
	if (st.st_size < INDEX_HEADER_BYTES || st.st_size > UINT32_MAX) {
		return err_note_set(
		    note, ERR_CORRUPT, "an index of %lld bytes is none", (long long)st.st_size);
	}
	struct sym_index *ix = calloc(1, sizeof(*ix));
	if (ix == NULL) {
		return ERR_MEMORY;
	}
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		free(ix);
		return err_note_set(note, ERR_IO, "cannot map an index");
	}
	ix->map = map;
	ix->map_bytes = (size_t)st.st_size;
	enum err e = check(ix, hash);
	if (e != ERR_OK) {
		sym_index_close(&ix);
		return err_note_set(note, e, "index: %s", err_text(e));
	}
	*ret = ix;
	return ERR_OK;
}

void sym_index_close(struct sym_index **ix)
{
	if (*ix != NULL) {
		/* Nobody but this maps it, so unmapping cannot fail. */
		(void)munmap((void *)(uintptr_t)(*ix)->map, (*ix)->map_bytes);
		free((*ix)->checked);
		free(*ix);
		*ix = NULL;
	}
}

uint32_t sym_index_bytes(const struct sym_index *ix)
{
	return ix->header.file_bytes;
}

bool sym_index_is_damaged(const struct sym_index *ix)
{
	return ix->damaged;
}

void sym_index_set_owner(struct sym_index *ix, void *owner)
{
	ix->owner = owner;
}

void *sym_index_owner(const struct sym_index *ix)
{
	return ix->owner;
}

struct sym_identity sym_index_identity(const struct sym_index *ix)
{
	const struct index_header *h = &ix->header;

	return (struct sym_identity){ h->module_name, h->module_id, h->code_id, h->code_file };
}

/* One piece of a name: bytes that stand here, or somewhere before. */
static bool take_piece(struct index_cursor *c, uint64_t left, struct buf *out, uint64_t *ret_len)
{
	uint64_t head = index_cursor_varint(c, left << 1 | 1), len = head >> 1;
	char *room = len == 0 ? NULL : buf_room(out, len);

	if (room == NULL) {
		index_cursor_fail(c);
		return false;
	}
	*ret_len = len;
	if ((head & 1) == 0) {
		return index_cursor_copy(c, room, (uint32_t)len);
	}
	uint32_t at = c->at, back = index_cursor_u32(c);
	if (c->bad || back > at || at - back < INDEX_HEADER_BYTES) {
		index_cursor_fail(c);
		return false;
	}
	struct index_cursor from = index_cursor_new(c->ix, at - back, c->ix->header.sums);
	return index_cursor_copy(&from, room, (uint32_t)len);
}

bool sym_index_text(struct sym_index *ix, uint32_t name, struct buf *out)
{
	if (name == 0) {
		return true;
	}
	struct index_cursor c = index_cursor_new(ix, name, ix->header.sums);
	uint64_t left = index_cursor_varint(&c, SYM_LINE_MAX), len = 0;
	while (left > 0 && !c.bad) {
		if (!take_piece(&c, left, out, &len)) {
			return false;
		}
		buf_grew(out, len);
		left -= len;
	}
	return !c.bad;
}
