/*
 * See media_link.h.
 */
#include "services/pairs/media_link.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/enc.h"

enum {
	TEXT_MAX = 128,
	SIG_CHARS = 43 /* 32 bytes in base64url */
};

static const struct slice link_label = { "pairs media link", 16 };
static const struct slice avatar_label = { "pairs avatar token", 18 };

static void sign(const uint8_t *key, struct slice label, const char *text, char out[SIG_CHARS + 1])
{
	uint8_t mac[DERIVED_KEY_BYTES];
	struct buf encoded = buf_new(SIG_CHARS);

	symmetric_derive(key, label, slice_str(text), mac);
	enc_base64url(&encoded, SLICE_OF(mac, sizeof(mac)));
	(void)snprintf(out, SIG_CHARS + 1, "%.*s", SLICE_ARG(buf_slice(&encoded)));
	buf_free(&encoded);
}

static bool is_signed(
    const struct symmetric_keys *keys, struct slice label, const char *text, struct slice sig)
{
	char current[SIG_CHARS + 1], previous[SIG_CHARS + 1];

	sign(keys->current, label, text, current);
	sign(keys->previous, label, text, previous);
	return slice_eq_secret(slice_str(current), sig) ||
	       slice_eq_secret(slice_str(previous), sig);
}

/* ---- addresses ---- */

static void link_text(
    char out[TEXT_MAX], int64_t owner, int64_t id, struct slice size, int64_t until)
{
	(void)snprintf(out, TEXT_MAX, "%" PRId64 "/%" PRId64 "/%.*s/%" PRId64, owner, id,
	    size.len < 16 ? (int)size.len : 16, size.ptr, until);
}

void media_link_put(struct buf *out, struct slice base, const struct symmetric_keys *keys,
    int64_t owner, int64_t id, struct slice size, int64_t now_ms)
{
	int64_t until = (now_ms / 1000 / MEDIA_LINK_S + 2) * MEDIA_LINK_S;
	char text[TEXT_MAX], sig[SIG_CHARS + 1];

	link_text(text, owner, id, size, until);
	sign(keys->current, link_label, text, sig);
	buf_printf(out, "%.*s/media/%" PRId64 "/%" PRId64 "/%.*s?until=%" PRId64 "&sig=%s",
	    SLICE_ARG(base), owner, id, SLICE_ARG(size), until, sig);
}

bool media_link_is_good(const struct symmetric_keys *keys, int64_t owner, int64_t id,
    struct slice size, struct slice until, struct slice sig, int64_t now_ms)
{
	char text[TEXT_MAX];
	uint64_t end = 0;

	if (slice_to_u64(until, INT64_MAX / 1000, &end) != ERR_OK || now_ms > (int64_t)end * 1000) {
		return false;
	}
	link_text(text, owner, id, size, (int64_t)end);
	return is_signed(keys, link_label, text, sig);
}

/* ---- tokens: "USER.UNTIL.SIG" ---- */

static void avatar_text(char out[TEXT_MAX], int64_t user, int64_t until)
{
	(void)snprintf(out, TEXT_MAX, "%" PRId64 ".%" PRId64, user, until);
}

void avatar_token_put(
    struct buf *out, const struct symmetric_keys *keys, int64_t user, int64_t now_ms)
{
	char text[TEXT_MAX], sig[SIG_CHARS + 1];

	avatar_text(text, user, now_ms / 1000 + AVATAR_TOKEN_S);
	sign(keys->current, avatar_label, text, sig);
	buf_printf(out, "%s.%s", text, sig);
}

bool avatar_token_take(
    const struct symmetric_keys *keys, struct slice token, int64_t now_ms, int64_t *ret_user)
{
	struct slice user_text = SLICE_EMPTY, until_text = SLICE_EMPTY, rest = token;
	uint64_t user = 0, until = 0;
	char text[TEXT_MAX];

	if (!slice_split(&rest, '.', &user_text) || !slice_split(&rest, '.', &until_text) ||
	    slice_to_u64(user_text, INT64_MAX, &user) != ERR_OK ||
	    slice_to_u64(until_text, INT64_MAX / 1000, &until) != ERR_OK) {
		return false;
	}
	avatar_text(text, (int64_t)user, (int64_t)until);
	if (now_ms > (int64_t)until * 1000 || !is_signed(keys, avatar_label, text, rest)) {
		return false;
	}
	*ret_user = (int64_t)user;
	return true;
}
