/*
 * Look-ups: two binary searches, then one function's block.
 */
#include <string.h>

#include "services/symbols/index_cursor.h"

/* A function's block while it is read. */
struct look {
	struct index_cursor c;
	uint32_t start; /* of the function */
	uint32_t at;	/* the address */
	/* Chain of inlined calls by depth; callers' lines and files as they stand in the block. */
	struct {
		uint32_t origin, call_line, call_file;
		bool is_set;
	} chain[SYM_CALLS_MAX];
};

/* The last row of a table that begins at or before address; false: none. */
static bool last_before(struct sym_index *ix, uint32_t table, uint32_t n, uint32_t size,
    uint32_t address, uint32_t *ret)
{
	uint32_t low = 0, high = n, start = 0;

	while (low < high && !ix->damaged) {
		uint32_t middle = low + (high - low) / 2;
		/* Both kinds of rows begin with their address. */
		if (!index_word(ix, table + (uint64_t)middle * size, &start)) {
			return false;
		}
		if (start <= address) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	*ret = low == 0 ? 0 : low - 1;
	return low > 0 && !ix->damaged;
}

static uint32_t name_in(struct sym_index *ix, uint32_t table, uint32_t n, uint32_t place)
{
	uint32_t name = 0;

	if (place >= n) {
		ix->damaged = true;
		return 0;
	}
	return index_word(ix, table + (uint64_t)place * sizeof(name), &name) ? name : 0;
}

/* file is a place + 1, 0: none. */
static uint32_t file_name(struct sym_index *ix, uint32_t file)
{
	return file == 0 ? 0 : name_in(ix, ix->header.files, ix->header.n_files, file - 1);
}

/* ---- inlined calls ---- */

static bool take_ranges(struct look *l, uint32_t *at)
{
	uint32_t n = index_cursor_u32(&l->c);
	bool holds = false;

	for (uint32_t i = 0; i < n && !l->c.bad; i++) {
		*at += (uint32_t)index_unzigzag(index_cursor_varint(&l->c, UINT64_MAX));
		uint32_t size = index_cursor_u32(&l->c);
		holds |= l->at - *at < size;
	}
	return holds;
}

/* The first call of a depth that holds the address counts. */
static void take_call(struct look *l, uint32_t *at, uint32_t *line, uint32_t *file)
{
	uint32_t depth = index_cursor_u32(&l->c);
	uint64_t head = index_cursor_varint(&l->c, UINT64_MAX);

	*line += (uint32_t)index_unzigzag(head >> 1);
	if ((head & 1) != 0) {
		*file = index_cursor_u32(&l->c);
	}
	uint32_t origin = index_cursor_u32(&l->c);
	if (take_ranges(l, at) && depth < SYM_CALLS_MAX && !l->chain[depth].is_set) {
		l->chain[depth].origin = origin;
		l->chain[depth].call_line = *line;
		l->chain[depth].call_file = *file;
		l->chain[depth].is_set = true;
	}
}

static void take_group(struct look *l)
{
	uint32_t lowest = l->start + index_cursor_u32(&l->c), span = index_cursor_u32(&l->c);
	uint32_t n = index_cursor_u32(&l->c);
	uint32_t bytes = index_cursor_u32(&l->c), line = 0, file = 0, at = lowest;

	if (l->at - lowest > span) {
		index_cursor_skip(&l->c, bytes);
		return;
	}
	for (uint32_t i = 0; i < n && !l->c.bad; i++) {
		take_call(l, &at, &line, &file);
	}
}

/* ---- lines ---- */

/* One line; true: it holds the address. */
static bool take_line(struct look *l, uint32_t *at, uint32_t *line, uint32_t *file, bool *is_known)
{
	uint64_t head = index_cursor_varint(&l->c, UINT64_MAX), code = head >> 2;

	if ((head & 1) != 0) {
		*at += index_cursor_u32(&l->c);
	}
	uint32_t size = index_cursor_u32(&l->c), from = *at;
	if ((head & 2) != 0) {
		*file = index_cursor_u32(&l->c);
	}
	*is_known = code != 0;
	if (code != 0) {
		*line += (uint32_t)index_unzigzag(code - 1);
	}
	*at += size;
	return l->at - from < size;
}

static uint32_t chunk_of(struct look *l, uint32_t n, uint32_t *ret_start, uint32_t *ret_place)
{
	uint32_t table = l->c.at, low = 0, high = n, row[2] = { 0, 0 };

	/* Chunk 0 has no row: it begins with the function. */
	while (low < high && !l->c.ix->damaged) {
		uint32_t middle = low + (high - low) / 2;
		if (!index_row(l->c.ix, table, middle, row, sizeof(row))) {
			return 0;
		}
		if (row[0] <= l->at - l->start) {
			low = middle + 1;
			*ret_start = l->start + row[0];
			*ret_place = row[1];
		} else {
			high = middle;
		}
	}
	return low;
}

/* The line at the address; file 0: there is none. */
static void find_line(struct look *l, uint32_t n_lines, uint32_t *ret_line, uint32_t *ret_file)
{
	uint32_t rows = n_lines == 0 ? 0 : (n_lines - 1) / INDEX_CHUNK_LINES;
	uint32_t at = l->start, place = 0, line = 0, file = 0;
	uint32_t chunk = chunk_of(l, rows, &at, &place);
	bool is_known = false;

	index_cursor_skip(&l->c, (uint64_t)rows * 8 + place);
	uint32_t left = n_lines - chunk * INDEX_CHUNK_LINES;
	left = left < INDEX_CHUNK_LINES ? left : (uint32_t)INDEX_CHUNK_LINES;
	for (uint32_t i = 0; i < left && !l->c.bad && at <= l->at; i++) {
		if (take_line(l, &at, &line, &file, &is_known)) {
			*ret_line = is_known ? line : 0;
			*ret_file = file;
			return;
		}
	}
}

/* ---- a function ---- */

/* Passes over the name at the beginning of a block. */
static void skip_name(struct index_cursor *c)
{
	uint64_t left = index_cursor_u32(c);

	while (left > 0 && !c->bad) {
		uint64_t head = index_cursor_varint(c, left << 1 | 1);
		if (head >> 1 == 0) {
			index_cursor_fail(c);
		}
		if ((head & 1) != 0) {
			(void)index_cursor_u32(c);
		} else {
			index_cursor_skip(c, head >> 1);
		}
		left -= head >> 1;
	}
}

/* A place in a call's frame: where the next deeper one was called from. */
static void set_place(struct sym_index *ix, struct sym_call *call, uint32_t line, uint32_t file)
{
	call->file = file_name(ix, file);
	call->line = call->file == 0 ? 0 : line;
}

static void fill_calls(struct look *l, struct sym_found *f, uint32_t line, uint32_t file)
{
	struct sym_index *ix = l->c.ix;
	unsigned n = 0;

	for (; n < SYM_CALLS_MAX && l->chain[n].is_set; n++) {
		set_place(ix, &f->calls[n], l->chain[n].call_line, l->chain[n].call_file);
		f->calls[n + 1].function =
		    name_in(ix, ix->header.origins, ix->header.n_origins, l->chain[n].origin);
	}
	set_place(ix, &f->calls[n], line, file);
	f->n_calls = n + 1;
}

static bool look_in(
    struct sym_index *ix, const struct index_function *row, uint32_t at, struct sym_found *f)
{
	struct look l = { .c = index_cursor_new(ix, row->block, ix->header.sums),
		.start = row->start,
		.at = at };
	uint32_t line = 0, file = 0;

	skip_name(&l.c);
	uint32_t n_lines = index_cursor_u32(&l.c), n_groups = index_cursor_u32(&l.c);
	for (uint32_t i = 0; i < n_groups && !l.c.bad; i++) {
		take_group(&l);
	}
	if (!l.c.bad) {
		find_line(&l, n_lines, &line, &file);
	}
	f->start = row->start;
	f->size = row->last - row->start + 1;
	f->calls[0].function = row->block;
	fill_calls(&l, f, line, file);
	return !ix->damaged;
}

static void found_public(const struct index_public *row, struct sym_found *f)
{
	f->start = row->address;
	f->size = 0;
	f->calls[0] = (struct sym_call){ .function = row->name };
	f->n_calls = 1;
}

bool sym_index_find(struct sym_index *ix, uint64_t offset, struct sym_found *ret)
{
	const struct index_header *h = &ix->header;
	struct index_function f = { 0 };
	struct index_public p = { 0 };
	uint32_t at = (uint32_t)offset, i = 0;

	if (offset > UINT32_MAX || ix->damaged) {
		return false;
	}
	bool after_function = last_before(ix, h->functions, h->n_functions, sizeof(f), at, &i);
	if (after_function && !index_row(ix, h->functions, i, &f, sizeof(f))) {
		return false;
	}
	if (after_function && at <= f.last) {
		return look_in(ix, &f, at, ret);
	}
	if (!last_before(ix, h->publics, h->n_publics, sizeof(p), at, &i) ||
	    !index_row(ix, h->publics, i, &p, sizeof(p)) ||
	    (after_function && p.address <= f.start)) {
		return false;
	}
	found_public(&p, ret);
	return true;
}
