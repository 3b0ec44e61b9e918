/*
 * The database of another program, to be read once and left as it is: a SQLite file, or the text
 * that mysqldump, mariadb-dump or sqlite3's .dump have made of one, which is loaded into a
 * temporary database first. A file that is not whole is refused before anything of it is used. For
 * commands: it blocks, and takes as much of the disk as the dump.
 */
#ifndef PLIMSOLL_STORE_FOREIGN_H
#define PLIMSOLL_STORE_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	FOREIGN_NAME_MAX = 64, /* bytes of a table's or column's name, with NUL */
	FOREIGN_COLUMNS_MAX = 64,
	FOREIGN_PARAMS_MAX = 4
};

struct foreign;

/*
 * Opens it and makes sure that it is whole: of a SQLite file every page is looked at, a dump must
 * have the last line that its program writes. is_wanted says which tables of a dump are kept.
 * ERR_NOT_FOUND, ERR_DENIED, ERR_IO; ERR_CORRUPT: not whole; ERR_SYNTAX: a dump that holds what is
 * not understood, with the line. The reason is in note.
 */
NODISCARD enum err foreign_open(const char *path, bool (*is_wanted)(struct slice table),
    struct foreign **ret, struct err_note *note);
void foreign_close(struct foreign **f);

/* Is there such a table, and (column not NULL) does it have that column? */
bool foreign_has(struct foreign *f, const char *table, const char *column);

/* Calls fn for the name of each table. */
NODISCARD enum err foreign_tables(
    struct foreign *f, void (*fn)(void *arg, const char *table), void *arg, struct err_note *note);

/* For dumps, which have none: makes look-ups by these columns cheap. Nothing for files. */
NODISCARD enum err foreign_index(
    struct foreign *f, const char *table, const char *columns, struct err_note *note);

/* ---- rows ---- */

struct foreign_rows;

/* Starts a query whose ?1, ?2 are params; end it once this returned ERR_OK. */
NODISCARD enum err foreign_select(struct foreign *f, const char *sql, const int64_t *params,
    unsigned n, struct foreign_rows **ret, struct err_note *note);
/* ERR_END: no more rows; ERR_CORRUPT, ERR_IO. */
NODISCARD enum err foreign_step(struct foreign_rows *rows);
void foreign_end(struct foreign_rows **rows);

/* Of the current row; slices are valid until the next step. */
bool foreign_is_null(struct foreign_rows *rows, int column);
int64_t foreign_i64(struct foreign_rows *rows, int column);
struct slice foreign_text(struct foreign_rows *rows, int column);

#endif
