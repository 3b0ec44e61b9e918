/*
 * Lines are sorted and cut into chunks, inlined calls stay in the order of the file and are put
 * into groups: a look-up decodes one chunk, and the groups whose ranges surround its address.
 */
#include "services/symbols/index_block.h"

#include <stdlib.h>

#include "services/symbols/index_format.h"

enum {
	FIRST_CAP = 64,
	SCRATCH_MAX = 1 << 28 /* above what the limits of a block allow */
};

struct index_block index_block_new(void)
{
	return (struct index_block){ .scratch = buf_new(SCRATCH_MAX) };
}

void index_block_free(struct index_block *b)
{
	free(b->lines);
	free(b->texts);
	free(b->inlines);
	free(b->ranges);
	buf_free(&b->scratch);
	*b = index_block_new();
}

void index_block_begin(struct index_block *b, uint32_t start, uint32_t last)
{
	b->start = start;
	b->last = last;
	b->n_lines = b->n_inlines = b->n_ranges = 0;
}

/* Room for one more element of an array; NULL without memory. */
static void *room_for(void *array, size_t size, size_t n, size_t *cap)
{
	if (n < *cap) {
		return array;
	}
	size_t more = *cap == 0 ? (size_t)FIRST_CAP : 2 * *cap;
	void *grown = realloc(array, more * size);
	if (grown != NULL) {
		*cap = more;
	}
	return grown;
}

/* The part of a range that lies in the function; false: none. */
static bool cut(const struct index_block *b, struct sym_range r, struct block_range *ret)
{
	if (r.size == 0 || r.address > b->last) {
		return false;
	}
	uint64_t last = r.size - 1 > UINT64_MAX - r.address ? UINT64_MAX : r.address + (r.size - 1);
	if (last < b->start) {
		return false;
	}
	ret->start = r.address < b->start ? b->start : (uint32_t)r.address;
	ret->last = last > b->last ? b->last : (uint32_t)last;
	return true;
}

enum err index_block_line(struct index_block *b, struct sym_range at, uint32_t line, uint32_t file)
{
	struct block_range r;

	if (!cut(b, at, &r)) {
		return ERR_OK;
	}
	if (b->n_lines == INDEX_LINES_MAX) {
		b->dropped++;
		return ERR_OK;
	}
	struct first_wins *lines = room_for(b->lines, sizeof(*lines), b->n_lines, &b->cap_lines);
	if (lines == NULL) {
		return ERR_MEMORY;
	}
	b->lines = lines;
	struct block_line *texts = room_for(b->texts, sizeof(*texts), b->n_lines, &b->cap_texts);
	if (texts == NULL) {
		return ERR_MEMORY;
	}
	b->texts = texts;
	uint32_t n = (uint32_t)b->n_lines++;
	lines[n] = (struct first_wins){ r.start, r.last, n, n };
	texts[n] = (struct block_line){ line, file };
	return ERR_OK;
}

static enum err add_range(struct index_block *b, const struct block_range *r)
{
	struct block_range *ranges =
	    room_for(b->ranges, sizeof(*ranges), b->n_ranges, &b->cap_ranges);

	if (ranges == NULL) {
		return ERR_MEMORY;
	}
	b->ranges = ranges;
	ranges[b->n_ranges++] = *r;
	return ERR_OK;
}

/* Of a call without ranges nothing is kept. */
static enum err add_ranges(struct index_block *b, const struct sym_inline *record)
{
	struct block_range r;
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && i < record->n_ranges; i++) {
		if (cut(b, record->ranges[i], &r)) {
			e = add_range(b, &r);
		}
	}
	return e;
}

enum err index_block_inline(
    struct index_block *b, const struct sym_inline *record, uint32_t call_file, uint32_t origin)
{
	size_t from = b->n_ranges;

	if (b->n_inlines == INDEX_INLINES_MAX ||
	    b->n_ranges + record->n_ranges > INDEX_INLINE_RANGES_MAX) {
		b->dropped++;
		return ERR_OK;
	}
	enum err e = add_ranges(b, record);
	if (e != ERR_OK || b->n_ranges == from) {
		return e;
	}
	struct block_inline *inlines =
	    room_for(b->inlines, sizeof(*inlines), b->n_inlines, &b->cap_inlines);
	if (inlines == NULL) {
		return ERR_MEMORY;
	}
	b->inlines = inlines;
	inlines[b->n_inlines++] = (struct block_inline){ .depth = record->depth,
		.call_line = record->call_line,
		.call_file = call_file,
		.origin = origin,
		.ranges = (uint32_t)from,
		.n_ranges = (uint32_t)(b->n_ranges - from) };
	return ERR_OK;
}

/* ---- writing ---- */

static void put_call(
    struct buf *out, const struct block_inline *call, const struct block_inline *before)
{
	int64_t line_step = (int64_t)call->call_line - (before == NULL ? 0 : before->call_line);
	bool other_file = call->call_file != (before == NULL ? 0 : before->call_file);

	index_put_varint(out, call->depth);
	index_put_varint(out, index_zigzag(line_step) << 1 | (uint64_t)other_file);
	if (other_file) {
		index_put_varint(out, call->call_file);
	}
	index_put_varint(out, call->origin);
	index_put_varint(out, call->n_ranges);
}

/* The inlined calls [from, to) as one group. */
static void write_group(struct index_block *b, struct index_writer *w, size_t from, size_t to)
{
	uint32_t lowest = UINT32_MAX, highest = 0, at;
	const struct block_inline *before = NULL;
	const struct block_range *r = b->ranges + b->inlines[from].ranges;
	const struct block_range *end =
	    b->ranges + b->inlines[to - 1].ranges + b->inlines[to - 1].n_ranges;

	for (const struct block_range *p = r; p < end; p++) {
		lowest = p->start < lowest ? p->start : lowest;
		highest = p->last > highest ? p->last : highest;
	}
	at = lowest;
	buf_clear(&b->scratch);
	for (size_t i = from; i < to; i++) {
		const struct block_inline *call = &b->inlines[i];
		put_call(&b->scratch, call, before);
		for (uint32_t n = 0; n < call->n_ranges; n++, r++) {
			index_put_varint(&b->scratch, index_zigzag((int64_t)r->start - at));
			index_put_varint(&b->scratch, (uint64_t)r->last - r->start + 1);
			at = r->start;
		}
		before = call;
	}
	index_writer_varint(w, lowest - b->start);
	index_writer_varint(w, highest - lowest);
	index_writer_varint(w, to - from);
	index_writer_varint(w, b->scratch.len);
	index_writer_bytes(w, buf_slice(&b->scratch).ptr, b->scratch.len);
}

static void put_line(struct buf *out, const struct first_wins *at, const struct block_line *text,
    uint64_t gap, uint32_t *line, uint32_t *file)
{
	int64_t step = (int64_t)text->line - *line;
	uint64_t code = text->line == 0 ? 0 : index_zigzag(step) + 1;
	bool other_file = text->file != *file;

	index_put_varint(out, code << 2 | (uint64_t)other_file << 1 | (uint64_t)(gap != 0));
	if (gap != 0) {
		index_put_varint(out, gap);
	}
	index_put_varint(out, (uint64_t)at->last - at->start + 1);
	if (other_file) {
		index_put_varint(out, text->file);
		*file = text->file;
	}
	*line = text->line == 0 ? *line : text->line;
}

static void put_chunk(struct index_block *b, size_t from, size_t to)
{
	uint32_t line = 0, file = 0;
	/* The first chunk begins with the function, the others where the table says. */
	uint64_t at = from == 0 ? b->start : b->lines[from].start;

	for (size_t i = from; i < to; i++) {
		const struct first_wins *l = &b->lines[i];
		put_line(&b->scratch, l, &b->texts[l->data], l->start - at, &line, &file);
		at = (uint64_t)l->last + 1;
	}
}

static void write_lines(struct index_block *b, struct index_writer *w)
{
	buf_clear(&b->scratch);
	for (size_t from = 0; from < b->n_lines; from += INDEX_CHUNK_LINES) {
		size_t to = from + INDEX_CHUNK_LINES;
		if (from > 0) {
			const uint32_t entry[2] = { b->lines[from].start - b->start,
				(uint32_t)b->scratch.len };
			index_writer_bytes(w, entry, sizeof(entry));
		}
		put_chunk(b, from, to < b->n_lines ? to : b->n_lines);
	}
	index_writer_bytes(w, buf_slice(&b->scratch).ptr, b->scratch.len);
}

enum err index_block_write(struct index_block *b, struct index_writer *w)
{
	size_t groups = (b->n_inlines + INDEX_GROUP_INLINES - 1) / INDEX_GROUP_INLINES;
	enum err e = first_wins_keep(b->lines, &b->n_lines);

	if (e != ERR_OK) {
		return e;
	}
	index_writer_varint(w, b->n_lines);
	index_writer_varint(w, groups);
	for (size_t from = 0; from < b->n_inlines; from += INDEX_GROUP_INLINES) {
		size_t to = from + INDEX_GROUP_INLINES;
		write_group(b, w, from, to < b->n_inlines ? to : b->n_inlines);
	}
	write_lines(b, w);
	return b->scratch.failed ? ERR_MEMORY : ERR_OK;
}
