/*
 * A dump on its way into a temporary database: what the files that read it share.
 */
#ifndef PLIMSOLL_STORE_DUMP_LOAD_H
#define PLIMSOLL_STORE_DUMP_LOAD_H

#include "core/store/dump_token.h"
#include "core/store/foreign_priv.h"

enum {
	TABLES_MAX = 256
};

struct dump_table {
	char name[FOREIGN_NAME_MAX];
	char columns[FOREIGN_COLUMNS_MAX][FOREIGN_NAME_MAX];
	unsigned n;
	sqlite3_stmt *insert;
};

struct dump_load {
	struct dump_reader d;
	sqlite3 *db;
	bool (*is_wanted)(struct slice table);
	struct dump_table *tables[TABLES_MAX];
	unsigned n;
	bool is_sqlite, is_committed;
};

/* ---- foreign_dump.c ---- */

/* Reads a token, which must be this sign. */
NODISCARD enum err load_expect_sign(struct dump_load *l, char sign);
/* To the end of the statement; the present token is part of it. */
NODISCARD enum err load_skip_statement(struct dump_load *l);
/* The present token as a name. */
NODISCARD enum err load_take_name(struct dump_load *l, char ret[FOREIGN_NAME_MAX]);
/* The table, if the dump has told its columns; else NULL. */
struct dump_table *load_find_table(struct dump_load *l, const char *name);

/* ---- foreign_insert.c ---- */

/* From the word INSERT to the end of the statement. */
NODISCARD enum err load_read_insert(struct dump_load *l);

#endif
