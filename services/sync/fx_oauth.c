/*
 * What the endpoints of OAuth share: the fields of their requests, and the tokens that belong to a
 * browser (sync.md 6.3, 6.4).
 */
#include "services/sync/fx_oauth.h"

#include "accounts/staged.h"
#include "core/base/enc.h"
#include "core/base/rng.h"

enum {
	ACCESS_DEFAULT_S = 3600,
	ACCESS_MAX_S = 6 * 3600,
	CLIENT_ID_HEX = 16,
};

/* Words of printable ASCII without quotes, one space between them. */
static bool is_scope(struct slice scope)
{
	for (size_t i = 0; i < scope.len; i++) {
		char c = scope.ptr[i];
		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
			return false;
		}
	}
	return scope.len > 0 && scope.len <= ACCESS_SCOPE_MAX;
}

static bool has_word(struct slice scope, struct slice word)
{
	struct slice rest = scope, piece;

	while (slice_split(&rest, ' ', &piece)) {
		if (slice_eq(piece, word)) {
			return true;
		}
	}
	return false;
}

bool fx_scope_is_part(struct slice part, struct slice whole)
{
	struct slice rest = part, piece;

	while (slice_split(&rest, ' ', &piece)) {
		if (piece.len > 0 && !has_word(whole, piece)) {
			return false;
		}
	}
	return true;
}

bool fx_take_scope(const struct json *body, struct slice *ret)
{
	return fx_take_text(body, "scope", ACCESS_SCOPE_MAX, ret) && is_scope(*ret);
}

bool fx_take_client(const struct json *body, struct slice *ret)
{
	return fx_take_hex(body, "client_id", CLIENT_ID_HEX, ret);
}

int64_t fx_take_ttl_s(const struct json *body)
{
	int64_t ttl = ACCESS_DEFAULT_S;

	if (!json_get_i64(json_member(body, "ttl"), &ttl) || ttl < 1) {
		return ACCESS_DEFAULT_S;
	}
	return ttl > ACCESS_MAX_S ? ACCESS_MAX_S : ttl;
}

enum err fx_random_hex(struct op_call *c, struct slice *ret)
{
	uint8_t bytes[FX_TOKEN_BYTES];
	struct buf *hex = fx_buf(c, FX_TOKEN_HEX);

	if (hex == NULL) {
		return ERR_MEMORY;
	}
	rng_bytes(bytes, sizeof(bytes));
	enc_hex(hex, SLICE_OF(bytes, sizeof(bytes)));
	return buf_finish(hex, ret);
}

enum err fx_find_refresh(struct op_call *c, struct slice token, struct fx_who *who)
{
	const struct svc_env *env = c->env;
	char hash[TOKEN_HASH_HEX + 1];
	enum err e = token_hash(token, hash);

	if (e == ERR_OK) {
		e = firefox_client_find(env->db, c->arena, slice_str(hash), &who->client, &c->note);
	}
	if (e == ERR_OK && who->client.is_session) {
		e = ERR_NOT_FOUND;
	}
	if (e == ERR_OK) {
		e = account_by_id(
		    env->db, c->arena, who->client.account_id, &who->account, &c->note);
	}
	if (e == ERR_OK) {
		e = firefox_account_find(
		    env->db, c->arena, who->client.account_id, &who->fx, &c->note);
	}
	return e;
}
