/*
 * Members as the database has them, and how an answer shows one.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_USER_H
#define PLIMSOLL_PAIRS_PAIRS_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/json.h"
#include "core/store/sql.h"

/* Text is in the caller's arena. */
struct pairs_user {
	int64_t id, account, couple; /* couple 0: alone */
	struct slice first_name, avatar, options;
	int64_t read_seq, not_before_ms, present_ms;
	bool away;
};

enum pairs_presence {
	PAIRS_OFFLINE,
	PAIRS_AWAY, /* there, but not looking */
	PAIRS_ONLINE,
};
struct slice pairs_presence_name(enum pairs_presence p);

/* By the leases that the database knows of. */
static inline enum pairs_presence pairs_presence_of(const struct pairs_user *u, int64_t now_ms)
{
	return u->present_ms <= now_ms ? PAIRS_OFFLINE : u->away ? PAIRS_AWAY : PAIRS_ONLINE;
}

/* A random number for something that is made: below 2^62, never 0. */
int64_t pairs_new_id(void);

/* ERR_NOT_FOUND. */
NODISCARD enum err pairs_user_get(struct sql_db *db, struct arena *arena, int64_t id,
    struct pairs_user *ret, struct err_note *note);
NODISCARD enum err pairs_user_by_account(struct sql_db *db, struct arena *arena, int64_t account,
    struct pairs_user *ret, struct err_note *note);

/* Columns from the number of the member on, in the order of struct pairs_user. */
NODISCARD enum err pairs_user_take(
    struct sql_query *q, int column, struct arena *arena, struct pairs_user *ret);

/* What the partner sees, too: an object. */
void pairs_user_put(struct json_writer *json, const struct pairs_user *u, int64_t now_ms);

/* Numbers leave as strings, because JavaScript has none that long. */
void pairs_put_id(struct json_writer *json, const char *name, int64_t id);
void pairs_put_id_or_null(struct json_writer *json, const char *name, int64_t id); /* 0: null */

#endif
