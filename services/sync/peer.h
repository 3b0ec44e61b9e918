/*
 * Taking over the stores and users of another sync server from its database (sync.md 4.1): of
 * syncserver (Python) and syncstorage-rs. Numbers of users, times, expiry and keys stay as they
 * are, so clients notice nothing. The database is read twice: all of it is looked at before
 * anything is changed.
 */
#ifndef PLIMSOLL_SYNC_PEER_H
#define PLIMSOLL_SYNC_PEER_H

#include <stdint.h>

#include "core/conf/conf.h"
#include "core/store/foreign.h"
#include "core/store/store.h"
#include "services/sync/meta.h"

enum {
	PEER_NAMES_MAX = 20000, /* names of collections that all users of the peer have */
	PEER_TABLES_MAX = 128	/* bso, bso0 .. bsoN */
};

struct peer_name {
	int64_t id;
	char name[SYNC_NAME_MAX + 1];
};

/* What a pass has done, or would do. */
struct peer_report {
	int64_t stores, records, bytes; /* taken over */
	int64_t stores_there;		/* as they are there already */
	int64_t stores_newer;		/* written here since, so left alone */
	int64_t expired;		/* records that nobody sees any more */
	int64_t batches;		/* open ones are left out: clients begin them again */
	int64_t users, users_there;	/* of the token server: new here; known */
};

struct peer {
	struct foreign *f;
	const struct conf *conf;
	char tables[PEER_TABLES_MAX][FOREIGN_NAME_MAX];
	unsigned n_tables;
	bool has_more_tables; /* of records than there is room for */
	bool has_user_collections, has_users, has_keys_changed, has_nodes, has_services;
	struct peer_name *names; /* owned; in the order of their ids */
	unsigned n_names;
	struct peer_report report;
};

/*
 * Opens it and sees what it is. ERR_INVALID: no database of a sync server; else as foreign_open().
 * Close it in any case.
 */
NODISCARD enum err peer_open(
    const char *path, const struct conf *conf, struct peer *ret, struct err_note *note);
void peer_close(struct peer *p);

/* Of a collection by its number; NULL: it has none. */
const char *peer_name_find(const struct peer *p, int64_t id);

/*
 * The store behind uid (-1: the first): inside one transaction, which the caller commits; with
 * dry nothing is written. ERR_END: there is none. *uid is the one it was. ERR_INVALID with the
 * reason: it holds what no store can.
 */
NODISCARD enum err peer_next_store(
    struct peer *p, struct txn *t, bool dry, int64_t *uid, struct err_note *note);

/* The same for up to most users of the token server behind uid. */
NODISCARD enum err peer_next_users(
    struct peer *p, struct txn *t, bool dry, int64_t *uid, unsigned most, struct err_note *note);

#endif
