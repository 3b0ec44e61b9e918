/*
 * The words of SQL dumps: names, strings, numbers and signs, with comments left out. Enough for
 * what mysqldump, mariadb-dump and sqlite3 write; what is beyond that is an error, never guessed
 * at.
 */
#ifndef PLIMSOLL_STORE_DUMP_TOKEN_H
#define PLIMSOLL_STORE_DUMP_TOKEN_H

#include <stdbool.h>
#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/err.h"

enum {
	DUMP_TOKEN_MAX = 64 * 1024 * 1024 /* bytes of one value */
};

enum dump_kind {
	DUMP_END,
	DUMP_WORD,   /* bare: a keyword, or a name without quotes */
	DUMP_NAME,   /* quoted with ` or " */
	DUMP_STRING, /* 'text' */
	DUMP_BLOB,   /* X'00ff' or 0x00ff, decoded */
	DUMP_NUMBER, /* digits, perhaps with a point or exponent; a sign stands before it */
	DUMP_SIGN    /* one character */
};

struct dump_reader {
	FILE *file;
	const char *path; /* for messages */
	struct err_note *note;
	unsigned line;
	bool backslashes;      /* they escape in strings: MySQL, not SQLite */
	bool is_dump_complete; /* "-- Dump completed" was the last that was read */
	enum dump_kind kind;
	struct buf text; /* of the token */
};

void dump_reader_init(struct dump_reader *d, FILE *file, const char *path, struct err_note *note);
void dump_reader_fini(struct dump_reader *d);

/* Reads the next token into kind and text. ERR_CORRUPT: the file ends in the middle of it. */
NODISCARD enum err dump_next(struct dump_reader *d);

/* Is the token this bare word (upper case), or this sign? */
bool dump_is_word(const struct dump_reader *d, const char *word);
bool dump_is_sign(const struct dump_reader *d, char sign);

/* An error at this place; returns e. */
NODISCARD enum err dump_fault(struct dump_reader *d, enum err e, const char *what);

#endif
