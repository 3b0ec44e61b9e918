/*
 * From records to an index. Names and blocks go to the file as they come; tables of functions,
 * publics, files and origins are kept and follow at the end.
 */
#include "services/symbols/index_build.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "services/symbols/sym_ids.h"
#include "services/symbols/index_block.h"
#include "services/symbols/index_write.h"
#include "services/symbols/sym_read.h"

enum {
	FUNCTIONS_MAX = 1 << 22,
	FILES_MAX = 1 << 20,
	ORIGINS_MAX = 1 << 22,
	FIRST_CAP = 1024
};

/* Functions or publics; data is the place of the block or name. */
struct table {
	struct first_wins *rows;
	size_t n, cap;
};

struct build {
	struct index_header header;
	struct index_writer *w;
	struct index_block block;
	struct table functions, publics;
	struct sym_ids files, origins;
	bool in_func;		/* a block is being collected */
	struct slice func_name; /* in func_text */
	char func_text[SYM_LINE_MAX];
	char name[SYM_LINE_MAX]; /* one without NULs */
};

static enum err table_add(struct table *t, uint32_t start, uint32_t last, uint32_t data)
{
	if (t->n == FUNCTIONS_MAX) {
		return ERR_LIMIT;
	}
	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? (size_t)FIRST_CAP : 2 * t->cap;
		struct first_wins *rows = realloc(t->rows, cap * sizeof(*rows));
		if (rows == NULL) {
			return ERR_MEMORY;
		}
		t->rows = rows;
		t->cap = cap;
	}
	t->rows[t->n] = (struct first_wins){ start, last, (uint32_t)t->n, data };
	t->n++;
	return ERR_OK;
}

/* A name never holds NUL: it goes into JSON and into text. */
static struct slice without_nul(char *room, struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		room[i] = name.ptr[i] == '\0' ? '?' : name.ptr[i];
	}
	return SLICE_OF(room, name.len);
}

static uint32_t put_name(struct build *b, struct slice name)
{
	const bool is_clean = name.len == 0 || memchr(name.ptr, '\0', name.len) == NULL;

	return index_writer_name(b->w, is_clean ? name : without_nul(b->name, name));
}

static enum err take_module(void *arg, const struct sym_module *m)
{
	struct build *b = arg;

	b->header.module_id = put_name(b, m->id);
	b->header.module_name = put_name(b, m->name);
	return ERR_OK;
}

static enum err take_code_id(void *arg, struct slice id, struct slice file)
{
	struct build *b = arg;

	if (b->header.code_id == 0) {
		b->header.code_id = put_name(b, id);
		b->header.code_file = file.len == 0 ? 0 : put_name(b, file);
	}
	return ERR_OK;
}

/* The first record of a number names it. */
static enum err name_place(struct build *b, struct sym_ids *map, uint64_t id, struct slice name)
{
	uint32_t place;
	enum err e = sym_ids_place(map, id, &place);

	if (e == ERR_OK && map->names[place] == 0) {
		map->names[place] = put_name(b, name);
	}
	return e;
}

/* Ends the function whose records have been coming: now its block can be written. */
static enum err end_func(struct build *b)
{
	uint32_t at = index_writer_at(b->w);

	if (!b->in_func) {
		return ERR_OK;
	}
	b->in_func = false;
	(void)index_writer_name(b->w, b->func_name);
	enum err e = index_block_write(&b->block, b->w);
	return e == ERR_OK ? table_add(&b->functions, b->block.start, b->block.last, at) : e;
}

static enum err take_file(void *arg, uint64_t id, struct slice name)
{
	struct build *b = arg;

	return name_place(b, &b->files, id, name);
}

static enum err take_origin(void *arg, uint64_t id, struct slice name)
{
	struct build *b = arg;

	return name_place(b, &b->origins, id, name);
}

static enum err take_func(void *arg, uint64_t address, uint64_t size, struct slice name)
{
	struct build *b = arg;
	enum err e = end_func(b);

	/* One less, so that the size of any range fits. */
	if (e != ERR_OK || size == 0 || address >= UINT32_MAX) {
		return e;
	}
	uint64_t room = UINT32_MAX - 1 - address;
	uint32_t last = (uint32_t)(address + (size - 1 > room ? room : size - 1));
	index_block_begin(&b->block, (uint32_t)address, last);
	b->func_name = without_nul(b->func_text, name);
	b->in_func = true;
	return index_writer_state(b->w);
}

static enum err take_line(void *arg, struct sym_range at, uint32_t line, uint64_t file)
{
	struct build *b = arg;
	uint32_t place;

	if (!b->in_func) {
		return ERR_OK;
	}
	enum err e = sym_ids_place(&b->files, file, &place);
	return e == ERR_OK ? index_block_line(&b->block, at, line, place + 1) : e;
}

static enum err take_inline(void *arg, const struct sym_inline *record)
{
	struct build *b = arg;
	uint32_t file = 0, origin;

	if (!b->in_func) {
		return ERR_OK;
	}
	enum err e = sym_ids_place(&b->origins, record->origin, &origin);
	if (e == ERR_OK && record->call_file != SYM_NO_FILE) {
		e = sym_ids_place(&b->files, record->call_file, &file);
		file++;
	}
	return e == ERR_OK ? index_block_inline(&b->block, record, file, origin) : e;
}

/* Address 0 is what a linker leaves of a symbol that is not there. */
static enum err take_public(void *arg, uint64_t address, struct slice name)
{
	struct build *b = arg;
	enum err e = end_func(b);

	if (e != ERR_OK || address == 0 || address > UINT32_MAX) {
		return e;
	}
	uint32_t at = (uint32_t)address;
	e = table_add(&b->publics, at, at, put_name(b, name));
	return e == ERR_OK ? index_writer_state(b->w) : e;
}

/* ---- the end ---- */

static uint32_t put_functions(struct build *b)
{
	uint32_t at = index_writer_at(b->w);

	for (size_t i = 0; i < b->functions.n; i++) {
		const struct first_wins *f = &b->functions.rows[i];
		const struct index_function row = { f->start, f->last, f->data };
		index_writer_bytes(b->w, &row, sizeof(row));
	}
	return at;
}

static uint32_t put_publics(struct build *b)
{
	uint32_t at = index_writer_at(b->w);

	for (size_t i = 0; i < b->publics.n; i++) {
		const struct first_wins *p = &b->publics.rows[i];
		const struct index_public row = { p->start, p->data };
		index_writer_bytes(b->w, &row, sizeof(row));
	}
	return at;
}

static uint32_t put_map(struct build *b, const struct sym_ids *map)
{
	uint32_t at = index_writer_at(b->w);

	for (size_t i = 0; i < map->n; i++) {
		index_writer_bytes(b->w, &map->names[i], sizeof(map->names[i]));
	}
	return at;
}

static enum err write_header(struct build *b, int fd, struct err_note *note)
{
	struct index_header *h = &b->header;

	memcpy(h->magic, INDEX_MAGIC, sizeof(h->magic));
	h->version = INDEX_VERSION;
	h->sum = (uint32_t)crc32(0, (const Bytef *)h, sizeof(*h));
	if (pwrite(fd, h, sizeof(*h), 0) != (ssize_t)sizeof(*h)) {
		return err_note_set(note, ERR_IO, "cannot write an index");
	}
	return ERR_OK;
}

static enum err finish(struct build *b, int fd, struct err_note *note)
{
	struct index_header *h = &b->header;
	enum err e = end_func(b);

	if (e == ERR_OK) {
		e = first_wins_keep(b->functions.rows, &b->functions.n);
	}
	if (e == ERR_OK) {
		e = first_wins_keep(b->publics.rows, &b->publics.n);
	}
	if (e != ERR_OK) {
		return e;
	}
	index_writer_align(b->w);
	h->functions = put_functions(b);
	h->n_functions = (uint32_t)b->functions.n;
	h->publics = put_publics(b);
	h->n_publics = (uint32_t)b->publics.n;
	h->files = put_map(b, &b->files);
	h->n_files = (uint32_t)b->files.n;
	h->origins = put_map(b, &b->origins);
	h->n_origins = (uint32_t)b->origins.n;
	e = index_writer_end(b->w, &h->sums, &h->file_bytes, &h->sums_sum, note);
	return e == ERR_OK ? write_header(b, fd, note) : e;
}

static enum err read_sym(
    struct build *b, int fd, uint64_t max_bytes, struct index_built *ret, struct err_note *note)
{
	const struct sym_sink sink = { .module = take_module,
		.code_id = take_code_id,
		.file = take_file,
		.origin = take_origin,
		.func = take_func,
		.line = take_line,
		.inlined = take_inline,
		.public_symbol = take_public,
		.arg = b };
	struct sym_parser parser;

	sym_parser_init(&parser, &sink);
	enum err e = sym_read(&parser, fd, max_bytes, &ret->sym_bytes, note);
	ret->lines = parser.counts.lines;
	ret->bad_lines = parser.counts.bad_lines + parser.counts.long_lines + b->block.dropped;
	sym_parser_fini(&parser);
	return e;
}

static void build_free(struct build *b)
{
	index_writer_free(&b->w);
	index_block_free(&b->block);
	free(b->functions.rows);
	free(b->publics.rows);
	sym_ids_free(&b->files);
	sym_ids_free(&b->origins);
	free(b);
}

enum err index_build(int sym_fd, int index_fd, const unsigned char hash[INDEX_HASH_BYTES],
    const struct index_limits *limits, struct index_built *ret, struct err_note *note)
{
	struct build *b = calloc(1, sizeof(*b));
	struct index_built built = { 0 };

	if (b == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for an index");
	}
	b->block = index_block_new();
	b->files = sym_ids_new(FILES_MAX);
	b->origins = sym_ids_new(ORIGINS_MAX);
	enum err e = index_writer_new(index_fd, limits->index_bytes, &b->w);
	if (e == ERR_OK) {
		e = read_sym(b, sym_fd, limits->sym_bytes, &built, note);
	}
	if (e == ERR_OK) {
		if (hash != NULL) {
			memcpy(b->header.source_hash, hash, INDEX_HASH_BYTES);
		}
		b->header.source_bytes = built.sym_bytes;
		e = finish(b, index_fd, note);
	}
	if (e == ERR_OK) {
		built.index_bytes = b->header.file_bytes;
		built.functions = b->header.n_functions;
		built.publics = b->header.n_publics;
		*ret = built;
	}
	build_free(b);
	return e == ERR_OK ? e : err_note_set(note, e, "cannot build an index: %s", err_text(e));
}
