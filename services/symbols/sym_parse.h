/*
 * Breakpad's text symbol files (.sym): lines in, records out. The parser takes the file in pieces
 * of any size and hands each record to the caller as it comes; it holds one unfinished line and
 * nothing else. Whatever the bytes are, it neither fails nor grows: a bad line costs that line.
 * Only a file that does not begin with a MODULE line is none.
 */
#ifndef PLIMSOLL_SYMBOLS_SYM_PARSE_H
#define PLIMSOLL_SYMBOLS_SYM_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	/* Longer lines are dropped: names of 82 KB have been met. */
	SYM_LINE_MAX = 160 * 1024,
	SYM_INLINE_DEPTH_MAX = 1024,
	/* Of one INLINE record; a line cannot hold more. */
	SYM_RANGES_MAX = SYM_LINE_MAX / 4
};

/* "No such file" of an INLINE record of the first form, which names none. */
#define SYM_NO_FILE UINT64_MAX

struct sym_module {
	struct slice os, cpu, id, name;
};

struct sym_range {
	uint64_t address, size;
};

struct sym_inline {
	uint32_t depth, call_line; /* line 0: not known */
	uint64_t call_file, origin;
	const struct sym_range *ranges; /* some may have size 0 */
	unsigned n_ranges;
};

/*
 * What the records go to; all slices are valid during the call. Any may be NULL. An error ends the
 * parse and is what sym_parser_feed() returns.
 */
struct sym_sink {
	enum err (*module)(void *arg, const struct sym_module *m);
	/* INFO CODE_ID; file is empty where there is none. */
	enum err (*code_id)(void *arg, struct slice id, struct slice file);
	/* Other INFO records: key and the rest of the line. */
	enum err (*info)(void *arg, struct slice key, struct slice text);
	enum err (*file)(void *arg, uint64_t id, struct slice name);
	enum err (*origin)(void *arg, uint64_t id, struct slice name);
	enum err (*func)(void *arg, uint64_t address, uint64_t size, struct slice name);
	/* Both belong to the last func; line 0: not known. */
	enum err (*line)(void *arg, struct sym_range at, uint32_t line, uint64_t file);
	enum err (*inlined)(void *arg, const struct sym_inline *record);
	enum err (*public_symbol)(void *arg, uint64_t address, struct slice name);
	void *arg;
};

struct sym_counts {
	uint64_t lines;	    /* of the text */
	uint64_t bad_lines; /* malformed or out of place, and so dropped */
	uint64_t long_lines;
};

struct sym_parser {
	struct sym_sink sink;
	struct buf tail;	  /* a line that is not complete yet */
	struct sym_range *ranges; /* room for those of one INLINE, owned */
	unsigned cap_ranges;
	struct sym_counts counts;
	bool has_module, skips_line, in_func;
	int depth; /* of the INLINE before in this FUNC; -1: none */
};

/* Takes memory when it needs some. */
void sym_parser_init(struct sym_parser *p, const struct sym_sink *sink);
void sym_parser_fini(struct sym_parser *p);

/* The next bytes. ERR_SYNTAX: no .sym; else what the sink returned. */
NODISCARD enum err sym_parser_feed(struct sym_parser *p, struct slice bytes);

/* The file has ended; takes a last line without newline. ERR_SYNTAX: there was no MODULE line. */
NODISCARD enum err sym_parser_end(struct sym_parser *p);

#endif
