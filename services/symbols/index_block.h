/*
 * The block of one function in an index (index_format.h): collected while its records come, written
 * when the next function begins.
 */
#ifndef PLIMSOLL_SYMBOLS_INDEX_BLOCK_H
#define PLIMSOLL_SYMBOLS_INDEX_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "services/symbols/first_wins.h"
#include "services/symbols/index_write.h"
#include "services/symbols/sym_parse.h"

enum {
	/*
	 * Of one function; more are dropped. The largest functions of real programs have a tenth. A
	 * look-up goes through all inlined calls at worst: some milliseconds.
	 */
	INDEX_LINES_MAX = 1 << 20,
	INDEX_INLINES_MAX = 1 << 16,
	INDEX_INLINE_RANGES_MAX = 1 << 18
};

/* A line's number and its file's place + 1. */
struct block_line {
	uint32_t line, file;
};

struct block_inline {
	uint32_t depth, call_line;
	uint32_t call_file; /* place + 1; 0: none */
	uint32_t origin;
	uint32_t ranges, n_ranges; /* in the block's ranges */
};

struct block_range {
	uint32_t start, last;
};

struct index_block {
	uint32_t start, last; /* the function's addresses, inclusive */
	/* Arrays that keep their memory from function to function. */
	struct first_wins *lines; /* data: in texts */
	struct block_line *texts;
	struct block_inline *inlines;
	struct block_range *ranges;
	size_t n_lines, cap_lines, cap_texts;
	size_t n_inlines, cap_inlines, n_ranges, cap_ranges;
	struct buf scratch;
	uint64_t dropped; /* lines and inlined calls beyond the limits, of all functions */
};

struct index_block index_block_new(void);
void index_block_free(struct index_block *b);

/* Begins a function. */
void index_block_begin(struct index_block *b, uint32_t start, uint32_t last);

/* file is a place + 1. What lies outside the function is dropped. ERR_MEMORY. */
NODISCARD enum err index_block_line(
    struct index_block *b, struct sym_range at, uint32_t line, uint32_t file);

/* call_file as above, 0: none; origin is a place. ERR_MEMORY. */
NODISCARD enum err index_block_inline(
    struct index_block *b, const struct sym_inline *record, uint32_t call_file, uint32_t origin);

/* Writes all but the name, which the caller has written. ERR_MEMORY. */
NODISCARD enum err index_block_write(struct index_block *b, struct index_writer *w);

#endif
