/*
 * Role: web. A question that people can answer and scripts of the most simple kind cannot, and the
 * shared secret that passes it (X-Weave-Secret). What was asked is not kept: it follows from the
 * challenge and a key of this server. Each challenge is taken once, within ten minutes.
 */
#include <stdio.h>
#include <string.h>

#include "accounts/keys.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/base/rng.h"
#include "services/sync/weave.h"

enum {
	LIFETIME_S = 600,
	NONCE_BYTES = 8,
	TIME_CHARS = 10,
	MAC_CHARS = 32,
	PLAIN_CHARS = TIME_CHARS + 2 * NONCE_BYTES,
	CHALLENGE_CHARS = PLAIN_CHARS + MAC_CHARS
};

static const char *const number_words[] = { "one", "two", "three", "four", "five", "six", "seven",
	"eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen" };

/* What follows from the plain part: the mac in hex, and the two numbers (1..16). */
struct follows {
	char mac[MAC_CHARS + 1];
	unsigned a, b;
};

static enum err follow(const struct op_call *c, struct slice plain, struct follows *ret)
{
	uint8_t bytes[DERIVED_KEY_BYTES];
	struct buf hex = buf_new(MAC_CHARS);

	symmetric_derive(accounts_keys(c->env)->current, SLICE("weave-captcha"), plain, bytes);
	enc_hex(&hex, SLICE_OF(bytes, MAC_CHARS / 2));
	enum err e = slice_to_cstr(buf_slice(&hex), ret->mac, sizeof(ret->mac));
	ret->a = 1 + bytes[MAC_CHARS / 2] % 16u;
	ret->b = 1 + bytes[MAC_CHARS / 2 + 1] % 16u;
	buf_free(&hex);
	return e;
}

enum err weave_captcha_ask(struct op_call *c, const char **ret_question, const char **ret_challenge)
{
	uint8_t nonce[NONCE_BYTES];
	struct buf hex = buf_new(2 * NONCE_BYTES);
	struct follows f;

	rng_bytes(nonce, sizeof(nonce));
	enc_hex(&hex, SLICE_OF(nonce, sizeof(nonce)));
	const char *plain = arena_printf(c->arena, "%010lld%.*s",
	    (long long)(clock_wall_ms() / 1000 + LIFETIME_S), SLICE_ARG(buf_slice(&hex)));
	buf_free(&hex);
	enum err e = plain == NULL ? ERR_MEMORY : follow(c, slice_str(plain), &f);
	if (e != ERR_OK) {
		return e;
	}
	*ret_challenge = arena_printf(c->arena, "%s%s", plain, f.mac);
	*ret_question = arena_printf(c->arena, "How much is %s and %s, in digits?",
	    number_words[f.a - 1], number_words[f.b - 1]);
	return *ret_challenge == NULL || *ret_question == NULL ? ERR_MEMORY : ERR_OK;
}

bool weave_captcha_is_good(struct op_call *c, struct slice challenge, struct slice response)
{
	struct sync_state *state = c->state;
	struct slice plain = slice_sub(challenge, 0, PLAIN_CHARS);
	struct slice time = slice_sub(plain, 0, TIME_CHARS);
	int64_t now_s = clock_wall_ms() / 1000;
	uint64_t until_s = 0, answer = 0;
	struct follows f;

	if (challenge.len != CHALLENGE_CHARS ||
	    slice_to_u64(time, UINT32_MAX, &until_s) != ERR_OK ||
	    slice_to_u64(slice_trim(response), 100, &answer) != ERR_OK ||
	    follow(c, plain, &f) != ERR_OK) {
		return false;
	}
	bool is_ours =
	    slice_eq_secret(slice_sub(challenge, PLAIN_CHARS, CHALLENGE_CHARS), slice_str(f.mac));
	return is_ours && (int64_t)until_s > now_s && answer == f.a + f.b &&
	       hawk_nonces_use(state->nonces, SLICE("weave-captcha"), time,
		   slice_sub(plain, TIME_CHARS, PLAIN_CHARS), now_s);
}

/* ---- the secret ---- */

/* Role: signer. */
static enum err handle_secret(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct svc_env *env = role_state;
	struct slice secret = slice_str(conf_str(env->conf, "sync", "old_api_secret"));

	(void)info;
	(void)note;
	buf_append_char(reply, secret.len > 0 && slice_eq_secret(req, secret) ? 1 : 0);
	return ERR_OK;
}

const struct rpc_def sync_weave_secret = {
	.name = "sync.weave_secret",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_SIGNER,
	.max_req = 256,
	.max_rep = 1,
	.deadline_ms = 10000,
	.cost_us = 10,
	.flags = RPC_IDEMPOTENT,
	.handle = handle_secret,
};
