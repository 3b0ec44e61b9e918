/*
 * For tests of the store: a folder below /tmp that lasts as long as a test.
 */
#ifndef PLIMSOLL_STORE_TEST_DIR_H
#define PLIMSOLL_STORE_TEST_DIR_H

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"

struct test_dir {
	char path[64];	/* data_dir */
	char file[128]; /* path of the database inside */
};

static inline void test_dir_make(struct test_dir *d)
{
	char folder[80];

	snprintf(d->path, sizeof(d->path), "/tmp/plimsoll-store-XXXXXX");
	CHECK(mkdtemp(d->path) != NULL);
	snprintf(folder, sizeof(folder), "%s/db", d->path);
	CHECK(mkdir(folder, 0700) == 0);
	snprintf(d->file, sizeof(d->file), "%s/plimsoll.db", folder);
}

static inline void test_dir_remove(struct test_dir *d)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	char name[160];

	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", d->file, ends[i]);
		unlink(name);
	}
	snprintf(name, sizeof(name), "%s/db", d->path);
	CHECK(rmdir(name) == 0);
	CHECK(rmdir(d->path) == 0);
}

/* The first column of a query's first row, asked over a connection of its own; -1: it failed. */
static inline int64_t test_number(const struct test_dir *d, const char *text)
{
	sqlite3 *probe = NULL;
	sqlite3_stmt *stmt = NULL;
	int64_t n = -1;

	if (sqlite3_open_v2(d->file, &probe, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(probe, text, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW) {
		n = sqlite3_column_int64(stmt, 0);
	}
	sqlite3_finalize(stmt);
	sqlite3_close(probe);
	return n;
}

#endif
