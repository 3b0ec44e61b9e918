/*
 * See push_send.h. A token is good for all subscriptions of one push service, so the signer is
 * asked once in some hours for each.
 */
#include "accounts/courier/push_send.h"

#include <openssl/crypto.h>
#include <stdio.h>

#include "accounts/push.h"
#include "accounts/push_crypt.h"
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/ev/task.h"
#include "core/obs/log.h"

/* How long a token is used; it is good for twice as long. */
static const int64_t token_us = INT64_C(1000000) * VAPID_LIFE_S / 2;

enum {
	BUSY_MS = 500, /* until one that had no turn is looked at again */
	LINE_SIZE = 128,
};

static const struct post_result refused = { .outcome = POST_REFUSED };
static const struct post_result later = { .outcome = POST_RETRY };

/* ---- who we are ---- */

static struct push_token *token_row(struct push_sender *s, struct slice origin)
{
	struct push_token *oldest = &s->tokens[0];

	for (unsigned i = 0; i < PUSH_TOKENS_MAX; i++) {
		if (slice_eq(slice_str(s->tokens[i].origin), origin)) {
			return &s->tokens[i];
		}
		if (s->tokens[i].until_us < oldest->until_us) {
			oldest = &s->tokens[i];
		}
	}
	return oldest;
}

/* The header for an origin; NULL: the signer does not answer. Good until the next wait. */
static const char *token_for(struct push_sender *s, struct slice origin)
{
	struct arena arena = arena_new(64 * 1024);
	struct err_note note = { 0 };
	struct slice value = SLICE_EMPTY;
	struct push_token *t = token_row(s, origin);
	enum err e = ERR_OK;

	if (slice_eq(slice_str(t->origin), origin) && t->until_us > clock_mono_us()) {
		return t->line;
	}
	e = rpc_call(s->env->peer[ROLE_SIGNER], &accounts_vapid_sign, origin, DEADLINE_NONE, 0,
	    &arena, &value, &note);
	t = token_row(s, origin); /* another task may have been here meanwhile */
	if (e == ERR_OK) {
		e = slice_to_cstr(origin, t->origin, sizeof(t->origin));
	}
	if (e == ERR_OK) {
		(void)snprintf(t->line, sizeof(t->line), "Authorization: %.*s", SLICE_ARG(value));
		t->until_us = clock_mono_us() + token_us;
	} else {
		LOG(LOG_WARN, "push", "not_signed", LOG_S("origin", origin),
		    LOG_C("err", err_text(e)));
	}
	arena_reset(&arena);
	return e == ERR_OK ? t->line : NULL;
}

static void forget_token(struct push_sender *s, struct slice origin)
{
	struct push_token *t = token_row(s, origin);

	if (slice_eq(slice_str(t->origin), origin)) {
		*t = (struct push_token){ .until_us = 0 };
	}
}

/* ---- one push ---- */

static struct curl_slist *headers_of(const struct push_target *t, const char *token)
{
	static const char *const fixed[] = { "Content-Encoding: aes128gcm",
		"Content-Type: application/octet-stream",
		/* A newer one takes the place of one that the service still has. */
		"Topic: missed" };
	struct curl_slist *list = NULL;
	char ttl[LINE_SIZE], urgency[LINE_SIZE];
	bool good = post_http_add(&list, token);

	(void)snprintf(ttl, sizeof(ttl), "TTL: %.*s", SLICE_ARG(t->ttl));
	(void)snprintf(urgency, sizeof(urgency), "Urgency: %.*s", SLICE_ARG(t->urgency));
	good = good && post_http_add(&list, ttl) && post_http_add(&list, urgency);
	for (size_t i = 0; good && i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		good = post_http_add(&list, fixed[i]);
	}
	if (!good) {
		curl_slist_free_all(list);
		list = NULL;
	}
	return list;
}

static enum err encrypt(const struct push_target *t, struct slice text, struct buf *out)
{
	struct push_keys keys;
	struct p256_pair own;
	uint8_t salt[PUSH_SALT_BYTES];
	enum err e = ERR_INVALID;

	if (push_keys_take(t->p256dh, t->auth, &keys)) {
		rng_bytes(salt, sizeof(salt));
		e = p256_generate(&own);
	}
	if (e == ERR_OK) {
		e = push_encrypt(&keys, &own, salt, text, out);
		OPENSSL_cleanse(&own, sizeof(own));
	}
	return e;
}

static struct post_result result_of(const struct post_answer *a)
{
	long n = a->status;

	if (n >= 200 && n < 300) {
		return (struct post_result){ .outcome = POST_TAKEN };
	}
	if (n == 404 || n == 410) {
		return (struct post_result){ .outcome = POST_GONE };
	}
	bool is_final =
	    a->is_forbidden || (n >= 300 && n < 500 && n != 401 && n != 408 && n != 429);
	return (struct post_result){ .outcome = is_final ? POST_REFUSED : POST_RETRY,
		.pause_ms = a->retry_after_ms };
}

static struct post_result perform(struct push_sender *s, const struct push_target *t,
    const struct push_endpoint *endpoint, struct slice message, struct post_host *host)
{
	char url[PUSH_ENDPOINT_MAX + 1];
	struct post_answer answer = { .status = 0 };
	struct post_http request = {
		.url = url, .body = message, .may_go_anywhere = push_policy(s->env)->allow_private
	};
	const char *token = token_for(s, endpoint->origin);

	request.headers = token == NULL ? NULL : headers_of(t, token);
	if (request.headers == NULL || slice_to_cstr(t->endpoint, url, sizeof(url)) != ERR_OK) {
		post_hosts_end(host, true, clock_mono_us()); /* it is not to blame */
		curl_slist_free_all(request.headers);
		return later;
	}
	post_http_send(s->curl, &request, &answer);
	curl_slist_free_all(request.headers);
	post_hosts_end(host, answer.status != 0, clock_mono_us());
	if (answer.status == 401) {
		forget_token(s, endpoint->origin); /* the next one is signed anew */
	}
	const struct post_result r = result_of(&answer);
	if (r.outcome != POST_TAKEN) {
		LOG(r.outcome == POST_REFUSED ? LOG_WARN : LOG_INFO, "push", "not_taken",
		    LOG_S("host", endpoint->host), LOG_I("status", answer.status),
		    LOG_C("why", answer.is_forbidden ? "the address is not public" : ""));
	}
	return r;
}

struct post_result push_send(struct push_sender *s, const struct post *post, struct slice body)
{
	struct push_target target;
	struct push_endpoint endpoint;
	struct post_host *host = NULL;
	struct buf message = buf_new(PUSH_RECORD_BYTES);
	struct post_result r = refused;

	if (!push_target_take(post->target, &target) ||
	    !push_endpoint_take(push_policy(s->env), target.endpoint, &endpoint)) {
		LOG(LOG_WARN, "push", "not_allowed", LOG_S("key", post->key));
		return refused;
	}
	switch (post_hosts_begin(&s->hosts, endpoint.host, clock_mono_us(), &host)) {
	case POST_TURN_BUSY:
		return (struct post_result){ .outcome = POST_PUT_OFF, .pause_ms = BUSY_MS };
	case POST_TURN_DOWN:
		return later;
	case POST_TURN_GO:
		break;
	}
	enum err e = encrypt(&target, body, &message);
	if (e == ERR_OK) {
		r = perform(s, &target, &endpoint, buf_slice(&message), host);
	} else {
		post_hosts_end(host, true, clock_mono_us());
		LOG(LOG_WARN, "push", "not_encrypted", LOG_S("key", post->key),
		    LOG_C("err", err_text(e)));
	}
	buf_free(&message);
	return r;
}
