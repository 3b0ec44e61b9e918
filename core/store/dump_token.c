/*
 * See dump_token.h.
 */
#include "core/store/dump_token.h"

#include <ctype.h>
#include <string.h>

#include "core/base/enc.h"

void dump_reader_init(struct dump_reader *d, FILE *file, const char *path, struct err_note *note)
{
	*d = (struct dump_reader){ .file = file,
		.path = path,
		.note = note,
		.line = 1,
		.backslashes = true,
		.text = buf_new(DUMP_TOKEN_MAX) };
}

void dump_reader_fini(struct dump_reader *d)
{
	buf_free(&d->text);
}

enum err dump_fault(struct dump_reader *d, enum err e, const char *what)
{
	return err_note_set(d->note, e, "%s:%u: %s", d->path, d->line, what);
}

static int get(struct dump_reader *d)
{
	int c = getc_unlocked(d->file);

	d->line += c == '\n' ? 1 : 0;
	return c;
}

static void put_back(struct dump_reader *d, int c)
{
	if (c != EOF) {
		(void)ungetc(c, d->file);
		d->line -= c == '\n' ? 1 : 0;
	}
}

static int peek(struct dump_reader *d)
{
	int c = get(d);

	put_back(d, c);
	return c;
}

/* ---- comments ---- */

/* What the program writes last says that the file is whole. */
static void read_line_comment(struct dump_reader *d)
{
	static const char last[] = " Dump completed";
	size_t matched = 0;
	int c;

	while ((c = get(d)) != EOF && c != '\n') {
		if (matched < sizeof(last) - 1) {
			matched = c == last[matched] ? matched + 1 : sizeof(last);
		}
	}
	d->is_dump_complete = d->is_dump_complete || matched == sizeof(last) - 1;
}

static enum err read_block_comment(struct dump_reader *d)
{
	int before = 0, c;

	while ((c = get(d)) != EOF) {
		if (before == '*' && c == '/') {
			return ERR_OK;
		}
		before = c;
	}
	return dump_fault(d, ERR_CORRUPT, "the file ends in a comment");
}

/* The first character of the next token, or EOF. */
static enum err skip_blanks(struct dump_reader *d, int *ret)
{
	for (;;) {
		int c = get(d);
		if (c == '#' || (c == '-' && peek(d) == '-')) {
			if (c == '-') {
				(void)get(d);
			}
			read_line_comment(d);
		} else if (c == '/' && peek(d) == '*') {
			enum err e = read_block_comment(d);
			if (e != ERR_OK) {
				return e;
			}
		} else if (c == EOF || !isspace(c)) {
			*ret = c;
			return ERR_OK;
		}
	}
}

/* ---- tokens ---- */

static char unescape(int c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	case 'b':
		return '\b';
	case '0':
		return '\0';
	case 'Z':
		return 0x1a;
	default:
		return (char)c;
	}
}

/* Up to the closing quote, which stands for itself if it is doubled. */
static enum err read_quoted(struct dump_reader *d, int quote)
{
	int c;

	while ((c = get(d)) != EOF) {
		if (c == quote) {
			if (peek(d) != quote) {
				return ERR_OK;
			}
			(void)get(d);
		} else if (c == '\\' && quote == '\'' && d->backslashes) {
			c = get(d);
			if (c == EOF) {
				break;
			}
			c = (unsigned char)unescape(c);
		}
		buf_append_char(&d->text, (char)c);
	}
	return dump_fault(d, ERR_CORRUPT, "the file ends in the middle of a value");
}

static enum err decode_hex(struct dump_reader *d)
{
	struct buf hex = d->text;
	size_t len = 0;

	if (hex.failed) {
		return dump_fault(d, ERR_LIMIT, "a value is too long");
	}
	d->text = buf_new(DUMP_TOKEN_MAX);
	d->kind = DUMP_BLOB;
	char *room = buf_room(&d->text, hex.len / 2 + 1);
	enum err e =
	    room == NULL ? ERR_MEMORY : dec_hex(buf_slice(&hex), room, hex.len / 2 + 1, &len);
	if (e == ERR_OK) {
		buf_grew(&d->text, len);
	}
	buf_free(&hex);
	return e == ERR_SYNTAX ? dump_fault(d, e, "a blob that is no hex") : e;
}

static bool is_word_char(int c)
{
	return isalnum(c) || c == '_' || c == '$' || c > 0x7f;
}

static void read_word(struct dump_reader *d, int first, bool is_number)
{
	int c = first;

	while (c != EOF && (is_word_char(c) || (is_number && c == '.'))) {
		buf_append_char(&d->text, (char)c);
		c = get(d);
	}
	put_back(d, c);
}

static enum err read_word_token(struct dump_reader *d, int first)
{
	bool is_number = isdigit(first) != 0;

	d->kind = is_number ? DUMP_NUMBER : DUMP_WORD;
	read_word(d, first, is_number);
	struct slice text = buf_slice(&d->text);
	if (is_number && slice_starts(text, SLICE("0x"))) {
		buf_consume(&d->text, 2);
		return decode_hex(d);
	}
	if (!is_number && slice_eq_nocase(text, SLICE("x")) && peek(d) == '\'') {
		(void)get(d);
		buf_clear(&d->text);
		enum err e = read_quoted(d, '\'');
		return e == ERR_OK ? decode_hex(d) : e;
	}
	return ERR_OK;
}

enum err dump_next(struct dump_reader *d)
{
	int c = EOF;
	enum err e = skip_blanks(d, &c);

	buf_clear(&d->text);
	if (e != ERR_OK || c == EOF) {
		d->kind = DUMP_END;
		return e;
	}
	d->is_dump_complete = false;
	if (c == '\'' || c == '`' || c == '"') {
		d->kind = c == '\'' ? DUMP_STRING : DUMP_NAME;
		e = read_quoted(d, c);
	} else if (is_word_char(c)) {
		e = read_word_token(d, c);
	} else {
		d->kind = DUMP_SIGN;
		buf_append_char(&d->text, (char)c);
	}
	return e == ERR_OK && d->text.failed ? dump_fault(d, ERR_LIMIT, "a value is too long") : e;
}

bool dump_is_word(const struct dump_reader *d, const char *word)
{
	return d->kind == DUMP_WORD && slice_eq_nocase(buf_slice(&d->text), slice_str(word));
}

bool dump_is_sign(const struct dump_reader *d, char sign)
{
	return d->kind == DUMP_SIGN && d->text.data[0] == sign;
}
