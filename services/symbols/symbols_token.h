/*
 * Tokens of uploaders: 32 hex digits, of which the database keeps only the hash. A token belongs to
 * somebody, by e-mail address, may do some things, and ends.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLS_TOKEN_H
#define PLIMSOLL_SYMBOLS_SYMBOLS_TOKEN_H

#include <stdint.h>

#include "core/base/arena.h"
#include "core/http/http.h"
#include "core/store/sql.h"

enum symbols_permission {
	SYMBOLS_UPLOAD = 1,
	SYMBOLS_UPLOAD_TRY = 2,
	SYMBOLS_VIEW_ALL = 4,
	SYMBOLS_MANAGE_TOKENS = 8
};

enum {
	SYMBOLS_KEY_DIGITS = 32,
	SYMBOLS_KEY_START = 6, /* digits that are kept to tell tokens apart */
	SYMBOLS_PERMISSIONS = 4,
	SYMBOLS_TOKEN_DAYS = 365,
	SYMBOLS_TOKEN_DAYS_MAX = 36500
};

struct symbols_token {
	int64_t id;
	struct slice key_start, email, notes;
	uint32_t permissions; /* enum symbols_permission */
	bool is_blocked;
	int64_t created_ms, expires_ms;
};

/* "upload_symbols" and so on, by the number of the bit. */
const char *symbols_permission_name(unsigned bit);

/* From names with commas. ERR_INVALID: an unknown one, none, or the pair that no token has. */
NODISCARD enum err symbols_permissions_parse(
    struct slice names, uint32_t *ret, struct err_note *note);

/* The token of a key, as the header gives it: what follows a '-' is a label. ERR_NOT_FOUND. */
NODISCARD enum err symbols_token_by_key(struct sql_db *db, struct arena *arena, struct slice key,
    struct symbols_token *ret, struct err_note *note);
NODISCARD enum err symbols_token_get(struct sql_db *db, struct arena *arena, int64_t id,
    struct symbols_token *ret, struct err_note *note);

/* Calls fn for each token behind id, of everybody or (email not empty) of one. */
typedef enum err symbols_token_fn(void *arg, const struct symbols_token *t);
NODISCARD enum err symbols_token_each(
    struct sql_db *db, struct slice email, symbols_token_fn *fn, void *arg, struct err_note *note);

/* ---- in a transaction ---- */

/* Makes a token; its key, with NUL, is told here and never again. */
NODISCARD enum err symbols_token_new(struct sql_db *db, const struct symbols_token *t,
    char ret_key[SYMBOLS_KEY_DIGITS + 1], int64_t *ret_id, struct err_note *note);
NODISCARD enum err symbols_token_set_end(
    struct sql_db *db, int64_t id, int64_t expires_ms, struct err_note *note);
NODISCARD enum err symbols_token_delete(struct sql_db *db, int64_t id, struct err_note *note);
/* Blocks or unblocks all tokens of somebody; *ret_n: how many. */
NODISCARD enum err symbols_token_block(
    struct sql_db *db, struct slice email, bool is_blocked, int64_t *ret_n, struct err_note *note);

/* ---- in web ---- */

/*
 * Judges the request's Auth-Token: *ret_refusal is the text of a 403, or NULL. any_of: one of these
 * permissions is needed; 0: no token is, but one that is there must be good.
 */
NODISCARD enum err symbols_token_check(
    struct op_call *c, uint32_t any_of, struct symbols_token *ret, const char **ret_refusal);

/* The same of a key that came some other way, as in a query. */
NODISCARD enum err symbols_token_check_key(struct op_call *c, struct slice key, uint32_t any_of,
    struct symbols_token *ret, const char **ret_refusal);

/*
 * The same, and answers the refusal: *ret_good false with ERR_OK means that 403 has been answered.
 */
NODISCARD enum err symbols_authorize(
    struct op_call *c, uint32_t any_of, struct symbols_token *ret, bool *ret_good);

#endif
