/*
 * What an operator does with the stores of users, on the database itself: `plimsoll sync`.
 */
#ifndef PLIMSOLL_SYNC_ADMIN_H
#define PLIMSOLL_SYNC_ADMIN_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/conf/conf.h"
#include "core/store/store.h"
#include "services/sync/meta.h"

/* The user behind uid, or the first for -1. ERR_END: there is none. */
NODISCARD enum err sync_user_after(
    struct sql_db *db, int64_t uid, int64_t *ret, struct err_note *note);

/*
 * Gives every record of a user to fn as a line of JSON: what a POST takes, with the collection
 * beside it and ttl for the seconds it still has. Memory is bounded; fn's error ends it.
 */
typedef enum err sync_line_fn(void *arg, struct slice line);
NODISCARD enum err sync_export(struct sql_db *db, struct sync_meta *m, int64_t now_ms,
    sync_line_fn *fn, void *arg, struct err_note *note);

/* Puts such lines into a user's store; they get new times. */
struct sync_import {
	const struct conf *conf;
	int64_t uid;
	struct buf lines; /* of one collection, not yet put */
	unsigned n;
	char collection[SYNC_NAME_MAX + 1];
	int64_t records; /* put so far */
};
void sync_import_init(struct sync_import *in, const struct conf *conf, int64_t uid);
void sync_import_fini(struct sync_import *in);
/* ERR_INVALID with the reason in note. Call flush at the end. */
NODISCARD enum err sync_import_line(
    struct sync_import *in, struct txn *t, struct slice line, struct err_note *note);
NODISCARD enum err sync_import_flush(struct sync_import *in, struct txn *t, struct err_note *note);

#endif
