/* Inside of copy: what its files share. See copy.h. */
#ifndef PLIMSOLL_STORE_COPY_PRIV_H
#define PLIMSOLL_STORE_COPY_PRIV_H

#include "core/base/arena.h"
#include "core/store/sql_priv.h"

enum {
	COPY_TABLES_MAX = 64,
	COPY_COLUMNS_MAX = 32,
	COPY_NAME_MAX_BYTES = 64,
};

struct copy_column {
	char name[COPY_NAME_MAX_BYTES];
	enum sql_kind kind;
	bool is_serial; /* numbered by the database */
};

struct copy_table {
	char name[COPY_NAME_MAX_BYTES];
	struct copy_column columns[COPY_COLUMNS_MAX];
	unsigned n;
};

struct copy {
	struct sql_db *from, *to;
	struct arena arena; /* statements: a connection knows them by their address */
	struct arena row_arena;
	struct err_note *note;
};

bool copy_is_postgres(const struct sql_db *db);

/* A statement that lives until the end of the copy; NULL: no memory. */
struct sql_stmt *copy_stmt(struct copy *c, const char *text, uint32_t flags);
/* Begins one that is made of that text. */
NODISCARD enum err copy_begin(
    struct copy *c, struct sql_db *db, const char *text, struct sql_query **ret);

/* What there is to copy: all tables of the SQLite side, into tables[COPY_TABLES_MAX] (zeroed). */
NODISCARD enum err copy_find_tables(
    struct copy *c, struct sql_db *sqlite, struct copy_table *tables, unsigned *ret_n);

/* All rows of a table from one side to the other; *ret_rows: how many. */
NODISCARD enum err copy_rows(struct copy *c, const struct copy_table *t, int64_t *ret_rows);

#endif
