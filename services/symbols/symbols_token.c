/*
 * See symbols_token.h.
 */
#include "services/symbols/symbols_token.h"

#include <openssl/evp.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/base/rng.h"
#include "core/service.h"
#include "services/symbols/symbols_db.h"

enum {
	HASH_HEX = 64,
	EACH_MAX = 100
};

static const char *const permissions[SYMBOLS_PERMISSIONS] = { "upload_symbols",
	"upload_try_symbols", "view_all_uploads", "manage_tokens" };

const char *symbols_permission_name(unsigned bit)
{
	CHECK(bit < SYMBOLS_PERMISSIONS);
	return permissions[bit];
}

enum err symbols_permissions_parse(struct slice names, uint32_t *ret, struct err_note *note)
{
	const uint32_t both = SYMBOLS_UPLOAD | SYMBOLS_UPLOAD_TRY;
	uint32_t mask = 0;

	for (struct slice piece; slice_split(&names, ',', &piece);) {
		struct slice name = slice_trim(piece);
		unsigned bit = 0;
		while (bit < SYMBOLS_PERMISSIONS && !slice_eq(name, slice_str(permissions[bit]))) {
			bit++;
		}
		if (bit == SYMBOLS_PERMISSIONS) {
			return err_note_set(note, ERR_INVALID,
			    "there is no permission \"%.*s\"; there are upload_symbols, "
			    "upload_try_symbols, view_all_uploads, manage_tokens",
			    SLICE_ARG(slice_sub(name, 0, 40)));
		}
		mask |= 1u << bit;
	}
	if (mask == 0) {
		return err_note_set(note, ERR_INVALID, "a token needs a permission");
	}
	if ((mask & both) == both) {
		return err_note_set(note, ERR_INVALID,
		    "a token uploads either to the regular storage or to that of try builds");
	}
	*ret = mask;
	return ERR_OK;
}

/* ---- reading ---- */

static void hash_key(struct slice key, char out[HASH_HEX + 1])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	CHECK(EVP_Digest(key.ptr, key.len, digest, &len, EVP_sha256(), NULL) == 1 &&
	      len * 2 == HASH_HEX);
	enc_hex_text(SLICE_OF(digest, len), out);
}

static struct symbols_token row_of(struct sql_query *q)
{
	return (struct symbols_token){ .id = sql_col_i64(q, 0),
		.key_start = sql_col_text(q, 1),
		.email = sql_col_text(q, 2),
		.permissions = (uint32_t)sql_col_i64(q, 3),
		.notes = sql_col_text(q, 4),
		.is_blocked = sql_col_i64(q, 5) != 0,
		.created_ms = sql_col_i64(q, 6),
		.expires_ms = sql_col_i64(q, 7) };
}

static enum err read_one(struct sql_query *q, struct arena *arena, struct symbols_token *ret)
{
	enum err e = sql_step(q);

	if (e == ERR_OK) {
		struct symbols_token t = row_of(q);
		e = arena_copy(arena, t.key_start, &t.key_start);
		e = e == ERR_OK ? arena_copy(arena, t.email, &t.email) : e;
		e = e == ERR_OK ? arena_copy(arena, t.notes, &t.notes) : e;
		if (e == ERR_OK) {
			*ret = t;
		}
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err symbols_token_by_key(struct sql_db *db, struct arena *arena, struct slice key,
    struct symbols_token *ret, struct err_note *note)
{
	struct sql_query *q;
	char hash[HASH_HEX + 1];

	key = slice_sub(key, 0, slice_find(key, '-', 0));
	if (key.len != SYMBOLS_KEY_DIGITS) {
		return ERR_NOT_FOUND;
	}
	hash_key(key, hash);
	enum err e = symbols_begin(db, SYMBOLS_TOKEN_BY_KEY, &q, note);
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "key_hash", slice_str(hash));
	return read_one(q, arena, ret);
}

enum err symbols_token_get(struct sql_db *db, struct arena *arena, int64_t id,
    struct symbols_token *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_TOKEN_GET, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", id);
	return read_one(q, arena, ret);
}

/* The next ones behind *id, which moves on. *ret_n: how many. */
static enum err each_some(struct sql_db *db, struct slice email, int64_t *id, symbols_token_fn *fn,
    void *arg, int64_t *ret_n, struct err_note *note)
{
	struct sql_query *q;
	int64_t behind = *id;
	enum err e =
	    symbols_begin(db, email.len > 0 ? SYMBOLS_TOKENS_OF : SYMBOLS_TOKENS_AFTER, &q, note);
	enum err given = ERR_OK;

	*ret_n = 0;
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", behind);
	sql_bind_i64(q, "most", EACH_MAX);
	if (email.len > 0) {
		sql_bind_text(q, "email", email);
	}
	while (given == ERR_OK && (e = sql_step(q)) == ERR_OK) {
		struct symbols_token t = row_of(q);
		*id = t.id;
		*ret_n += 1;
		given = fn(arg, &t);
	}
	sql_end(q);
	return given != ERR_OK ? given : e == ERR_END ? ERR_OK : e;
}

enum err symbols_token_each(
    struct sql_db *db, struct slice email, symbols_token_fn *fn, void *arg, struct err_note *note)
{
	int64_t id = 0, n = EACH_MAX;
	enum err e = ERR_OK;

	while (e == ERR_OK && n == EACH_MAX) {
		e = each_some(db, email, &id, fn, arg, &n, note);
	}
	return e;
}

/* ---- changing ---- */

static void make_key(char out[SYMBOLS_KEY_DIGITS + 1])
{
	unsigned char bytes[SYMBOLS_KEY_DIGITS / 2];

	rng_bytes(bytes, sizeof(bytes));
	enc_hex_text(SLICE_OF(bytes, sizeof(bytes)), out);
}

enum err symbols_token_new(struct sql_db *db, const struct symbols_token *t,
    char ret_key[SYMBOLS_KEY_DIGITS + 1], int64_t *ret_id, struct err_note *note)
{
	struct sql_query *q;
	char hash[HASH_HEX + 1];
	enum err e = symbols_begin(db, SYMBOLS_TOKEN_NEW, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	make_key(ret_key);
	hash_key(slice_str(ret_key), hash);
	sql_bind_text(q, "key_hash", slice_str(hash));
	sql_bind_text(q, "key_start", SLICE_OF(ret_key, SYMBOLS_KEY_START));
	sql_bind_text(q, "email", t->email);
	sql_bind_i64(q, "permissions", t->permissions);
	sql_bind_text(q, "notes", t->notes);
	sql_bind_i64(q, "created_ms", t->created_ms);
	sql_bind_i64(q, "expires_ms", t->expires_ms);
	e = sql_finish_number(q, ret_id);
	return e == ERR_END ? ERR_CONFLICT : e;
}

enum err symbols_token_set_end(
    struct sql_db *db, int64_t id, int64_t expires_ms, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_TOKEN_EXTEND, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", id);
	sql_bind_i64(q, "expires_ms", expires_ms);
	return sql_finish(q);
}

enum err symbols_token_delete(struct sql_db *db, int64_t id, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_TOKEN_DELETE, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", id);
	return sql_finish(q);
}

enum err symbols_token_block(
    struct sql_db *db, struct slice email, bool is_blocked, int64_t *ret_n, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_TOKEN_BLOCK, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "email", email);
	sql_bind_i64(q, "is_blocked", is_blocked ? 1 : 0);
	e = sql_finish(q);
	*ret_n = e == ERR_OK ? sql_changes(db) : 0;
	return e;
}

/* ---- in web ---- */

enum err symbols_token_check_key(struct op_call *c, struct slice key, uint32_t any_of,
    struct symbols_token *ret, const char **ret_refusal)
{
	const struct svc_env *env = c->env;
	enum err e = symbols_token_by_key(env->db, c->arena, slice_trim(key), ret, &c->note);

	*ret_refusal = NULL;
	if (e == ERR_NOT_FOUND) {
		*ret_refusal = "API Token not matched";
		return ERR_OK;
	}
	if (e != ERR_OK) {
		return e;
	}
	if (ret->expires_ms <= clock_wall_ms()) {
		*ret_refusal = "API Token found but expired";
	} else if (ret->is_blocked) {
		*ret_refusal = "API Token matched but user not active";
	} else if (any_of != 0 && (ret->permissions & any_of) == 0) {
		*ret_refusal = "Forbidden";
	}
	return ERR_OK;
}

enum err symbols_token_check(
    struct op_call *c, uint32_t any_of, struct symbols_token *ret, const char **ret_refusal)
{
	struct slice key = http_header_get(c->req, SLICE("Auth-Token"));

	if (key.ptr == NULL) {
		*ret_refusal =
		    any_of == 0 ? NULL : "This requires an Auth-Token to authenticate the request";
		return ERR_OK;
	}
	return symbols_token_check_key(c, key, any_of, ret, ret_refusal);
}
