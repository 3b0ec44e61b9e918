/*
 * The records of a .sym. Where tools and readers disagree, this follows the readers: runs of blanks
 * are one, a line number below zero is none, a PUBLIC ends the FUNC above, both forms of
 * INLINE_ORIGIN and INLINE are taken. STACK records are for unwinding and are passed over.
 */
#include "services/symbols/sym_parse.h"

#include <stdlib.h>
#include <string.h>

#include "services/symbols/sym_fields.h"

enum {
	FIRST_RANGES = 64
};

/* A record whose line is malformed; no error of the file. */
static enum err bad_line(struct sym_parser *p)
{
	p->counts.bad_lines++;
	return ERR_OK;
}

static enum err take_module(struct sym_parser *p, struct slice rest)
{
	struct sym_module m = { .os = sym_take_word(&rest) };

	m.cpu = sym_take_word(&rest);
	m.id = sym_take_word(&rest);
	m.name = rest;
	if (p->has_module || m.id.len == 0) {
		return p->has_module ? bad_line(p) : ERR_SYNTAX;
	}
	p->has_module = true;
	return p->sink.module == NULL ? ERR_OK : p->sink.module(p->sink.arg, &m);
}

static enum err take_info(struct sym_parser *p, struct slice rest)
{
	struct slice key = sym_take_word(&rest);

	if (slice_eq(key, SLICE("CODE_ID"))) {
		struct slice id = sym_take_word(&rest);
		return p->sink.code_id == NULL ? ERR_OK : p->sink.code_id(p->sink.arg, id, rest);
	}
	return p->sink.info == NULL ? ERR_OK : p->sink.info(p->sink.arg, key, rest);
}

static enum err take_file(struct sym_parser *p, struct slice rest)
{
	uint64_t id;

	if (!sym_take_decimal(&rest, &id)) {
		return bad_line(p);
	}
	return p->sink.file == NULL ? ERR_OK : p->sink.file(p->sink.arg, id, rest);
}

/* The first form has the number of a file, or -1, before the name. */
static struct slice origin_name(struct slice rest)
{
	struct slice after = rest;
	uint64_t file;

	if (slice_starts(after, SLICE("-1 "))) {
		(void)sym_take_word(&after);
		return after;
	}
	return sym_take_decimal(&after, &file) && after.len > 0 ? after : rest;
}

static enum err take_origin(struct sym_parser *p, struct slice rest)
{
	uint64_t id;

	if (!sym_take_decimal(&rest, &id)) {
		return bad_line(p);
	}
	return p->sink.origin == NULL ? ERR_OK : p->sink.origin(p->sink.arg, id, origin_name(rest));
}

/* Several symbols share the code: the one that is named is as good as the others. */
static void skip_multiple(struct slice *rest)
{
	if (slice_starts(*rest, SLICE("m "))) {
		(void)sym_take_word(rest);
	}
}

static enum err take_func(struct sym_parser *p, struct slice rest)
{
	uint64_t address, size, params;

	p->in_func = false;
	skip_multiple(&rest);
	if (!sym_take_hex(&rest, &address) || !sym_take_hex(&rest, &size) ||
	    !sym_take_hex(&rest, &params)) {
		return bad_line(p);
	}
	p->in_func = true;
	p->depth = -1;
	return p->sink.func == NULL ? ERR_OK
				    : p->sink.func(p->sink.arg, address, size,
					  rest.len == 0 ? SLICE("<unknown>") : rest);
}

static enum err take_public(struct sym_parser *p, struct slice rest)
{
	uint64_t address, params;

	p->in_func = false;
	skip_multiple(&rest);
	if (!sym_take_hex(&rest, &address) || !sym_take_hex(&rest, &params)) {
		return bad_line(p);
	}
	return p->sink.public_symbol == NULL ? ERR_OK
					     : p->sink.public_symbol(p->sink.arg, address,
						   rest.len == 0 ? SLICE("<unknown>") : rest);
}

/* Numbers of lines that are negative, or larger than any file, are not known. */
static bool take_line_number(struct slice *rest, uint32_t *ret)
{
	bool is_negative = rest->len > 0 && rest->ptr[0] == '-';
	uint64_t n;

	*rest = slice_sub(*rest, is_negative, rest->len);
	if (!sym_take_decimal(rest, &n)) {
		return false;
	}
	*ret = is_negative || n > INT32_MAX ? 0 : (uint32_t)n;
	return true;
}

static enum err take_line(struct sym_parser *p, struct slice rest)
{
	struct sym_range at;
	uint32_t line;
	uint64_t file;

	if (!p->in_func || !sym_take_hex(&rest, &at.address) || !sym_take_hex(&rest, &at.size) ||
	    !take_line_number(&rest, &line) || !sym_take_decimal(&rest, &file)) {
		return bad_line(p);
	}
	return p->sink.line == NULL ? ERR_OK : p->sink.line(p->sink.arg, at, line, file);
}

/* Words of a line, of which the first form of INLINE has an odd number. */
static size_t count_words(struct slice rest)
{
	size_t n = 0;

	while (rest.len > 0) {
		(void)sym_take_word(&rest);
		n++;
	}
	return n;
}

/* Room for one more; ranges are pairs of words, so their number is bounded by the line's length. */
static bool room_for_range(struct sym_parser *p, unsigned n)
{
	if (n < p->cap_ranges) {
		return true;
	}
	unsigned cap = p->cap_ranges == 0 ? FIRST_RANGES : 2 * p->cap_ranges;
	struct sym_range *ranges = realloc(p->ranges, cap * sizeof(*ranges));
	if (ranges != NULL) {
		p->ranges = ranges;
		p->cap_ranges = cap;
	}
	return ranges != NULL;
}

/* ERR_SYNTAX: a bad line. */
static enum err take_ranges(struct sym_parser *p, struct slice rest, struct sym_inline *record)
{
	unsigned n = 0;

	for (; rest.len > 0; n++) {
		if (!room_for_range(p, n)) {
			return ERR_MEMORY;
		}
		if (!sym_take_hex(&rest, &p->ranges[n].address) ||
		    !sym_take_hex(&rest, &p->ranges[n].size)) {
			return ERR_SYNTAX;
		}
	}
	record->ranges = p->ranges;
	record->n_ranges = n;
	return n > 0 ? ERR_OK : ERR_SYNTAX;
}

static enum err take_inline(struct sym_parser *p, struct slice rest)
{
	struct sym_inline record = { .call_file = SYM_NO_FILE };
	bool has_file = count_words(rest) % 2 == 0;
	uint64_t depth;

	if (!p->in_func || !sym_take_decimal(&rest, &depth) || depth >= SYM_INLINE_DEPTH_MAX ||
	    (int64_t)depth > p->depth + 1 || !take_line_number(&rest, &record.call_line) ||
	    (has_file && !sym_take_decimal(&rest, &record.call_file)) ||
	    !sym_take_decimal(&rest, &record.origin)) {
		return bad_line(p);
	}
	enum err e = take_ranges(p, rest, &record);
	if (e != ERR_OK) {
		return e == ERR_SYNTAX ? bad_line(p) : e;
	}
	record.depth = (uint32_t)depth;
	p->depth = (int)depth;
	return p->sink.inlined == NULL ? ERR_OK : p->sink.inlined(p->sink.arg, &record);
}

typedef enum err take_fn(struct sym_parser *p, struct slice rest);

/* clang-format off */
static const struct {
	struct slice word; /* with the blank behind it */
	take_fn *take;
} kinds[] = {
	{ { "FUNC ", 5 },          take_func },
	{ { "INLINE ", 7 },        take_inline },
	{ { "INLINE_ORIGIN ", 14 }, take_origin },
	{ { "FILE ", 5 },          take_file },
	{ { "PUBLIC ", 7 },        take_public },
	{ { "INFO ", 5 },          take_info },
	{ { "MODULE ", 7 },        take_module },
};
/* clang-format on */

static enum err take_record(struct sym_parser *p, struct slice line)
{
	char first = line.ptr[0];

	if (first < 'A' || first > 'Z' || slice_find(line, ' ', 0) == line.len) {
		return sym_hex_digit(first) >= 0 ? take_line(p, line) : ERR_OK;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (slice_starts(line, kinds[i].word)) {
			struct slice rest = slice_sub(line, kinds[i].word.len, line.len);
			sym_skip_blanks(&rest);
			return kinds[i].take(p, rest);
		}
	}
	/* A line in capitals, or a record that is none of ours. */
	return sym_hex_digit(first) >= 0 ? take_line(p, line) : ERR_OK;
}

/* One line without its newline. */
static enum err take_text(struct sym_parser *p, struct slice line)
{
	p->counts.lines++;
	if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
		line.len--;
	}
	if (line.len > SYM_LINE_MAX) {
		p->counts.long_lines++;
		return p->has_module ? ERR_OK : ERR_SYNTAX;
	}
	if (!p->has_module && !slice_starts(line, SLICE("MODULE "))) {
		return ERR_SYNTAX;
	}
	return line.len == 0 ? ERR_OK : take_record(p, line);
}

/* The end of a line whose beginning waits in the tail. */
static enum err finish_tail(struct sym_parser *p, struct slice rest)
{
	enum err e = ERR_OK;

	if (p->skips_line) {
		p->skips_line = false;
		p->counts.lines++;
		p->counts.long_lines++;
		return ERR_OK;
	}
	buf_append_slice(&p->tail, rest);
	e = p->tail.failed ? ERR_MEMORY : take_text(p, buf_slice(&p->tail));
	buf_clear(&p->tail);
	return e;
}

/* Keeps the beginning of a line, as long as it may still be one. */
static enum err keep_tail(struct sym_parser *p, struct slice rest)
{
	if (p->skips_line || rest.len == 0) {
		return ERR_OK;
	}
	if (p->tail.len + rest.len > SYM_LINE_MAX + 1) {
		buf_clear(&p->tail);
		p->skips_line = true;
		return p->has_module ? ERR_OK : ERR_SYNTAX;
	}
	buf_append_slice(&p->tail, rest);
	return p->tail.failed ? ERR_MEMORY : ERR_OK;
}

void sym_parser_init(struct sym_parser *p, const struct sym_sink *sink)
{
	*p = (struct sym_parser){ .sink = *sink,
		/* With the newline's carriage return, and what one piece may bring at its end. */
		.tail = buf_new(4 * SYM_LINE_MAX),
		.depth = -1 };
}

void sym_parser_fini(struct sym_parser *p)
{
	buf_free(&p->tail);
	free(p->ranges);
	p->ranges = NULL;
}

/* Bytes that end the line in the tail are cut too, where they alone make it too long. */
static enum err take_first(struct sym_parser *p, struct slice piece)
{
	if (!p->skips_line && p->tail.len + piece.len > SYM_LINE_MAX + 1) {
		buf_clear(&p->tail);
		p->skips_line = true;
		if (!p->has_module) {
			return ERR_SYNTAX;
		}
	}
	return finish_tail(p, piece);
}

enum err sym_parser_feed(struct sym_parser *p, struct slice bytes)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && bytes.len > 0) {
		const char *newline = memchr(bytes.ptr, '\n', bytes.len);
		if (newline == NULL) {
			return keep_tail(p, bytes);
		}
		size_t n = (size_t)(newline - bytes.ptr);
		struct slice piece = { bytes.ptr, n };
		e = p->tail.len > 0 || p->skips_line ? take_first(p, piece) : take_text(p, piece);
		bytes = slice_sub(bytes, n + 1, bytes.len);
	}
	return e;
}

enum err sym_parser_end(struct sym_parser *p)
{
	enum err e = p->tail.len > 0 || p->skips_line ? finish_tail(p, SLICE_EMPTY) : ERR_OK;

	return e == ERR_OK && !p->has_module ? ERR_SYNTAX : e;
}
