/*
 * See push.h.
 */
#include "accounts/push.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "accounts/accounts_priv.h"
#include "core/base/check.h"
#include "core/base/enc.h"

enum {
	HASH_BYTES = 32,
	HASH_HEX = 2 * HASH_BYTES,
	KEY_SIZE = 100, /* of a post */
	TARGET_MAX = PUSH_ENDPOINT_MAX + 2 * PUSH_KEY_TEXT_MAX + 100
};

/* ---- statements ---- */

static enum err begin(struct sql_db *db, enum accounts_stmt stmt, struct slice owner,
    struct sql_query **ret, struct err_note *note)
{
	enum err e = sql_begin(db, &accounts_stmts[stmt], ret, note);

	if (e == ERR_OK) {
		sql_bind_text(*ret, "owner", owner);
	}
	return e;
}

/* Endpoints are long; what they are found by is not. */
static enum err hash_of(struct slice endpoint, struct buf *out)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_Digest(endpoint.ptr, endpoint.len, hash, &len, EVP_sha256(), NULL) != 1 ||
	    len != HASH_BYTES) {
		return ERR_CRYPTO;
	}
	enc_hex(out, SLICE_OF(hash, len));
	return out->failed ? ERR_MEMORY : ERR_OK;
}

/* The one that has the endpoint, if it is another session's, with what waits for it. */
static enum err drop_other(struct txn *t, struct slice owner, struct slice session,
    struct slice hash, struct err_note *note)
{
	struct sql_query *q;
	struct slice of = SLICE_EMPTY, by = SLICE_EMPTY;
	int64_t id = 0;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_PUSH_OF_ENDPOINT], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "endpoint_hash", hash);
	e = sql_step(q);
	if (e == ERR_OK) {
		id = sql_col_i64(q, 2);
		e = arena_copy(t->arena, sql_col_text(q, 0), &of);
		if (e == ERR_OK) {
			e = arena_copy(t->arena, sql_col_text(q, 1), &by);
		}
	}
	sql_end(q);
	if (e != ERR_OK) {
		return e == ERR_END ? ERR_OK : e;
	}
	return slice_eq(of, owner) && slice_eq(by, session) ? ERR_OK
							    : push_unsubscribe(t, of, id, note);
}

static enum err trim(struct txn *t, struct slice owner, struct err_note *note)
{
	struct sql_query *q;
	enum err e = begin(t->db, STMT_PUSH_TRIM, owner, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "most", PUSH_SUBSCRIPTIONS_MAX);
	return sql_finish(q);
}

/* The number of one that the session has already stays. */
static enum err insert(struct txn *t, struct slice owner, const struct push_subscription *s,
    struct slice hash, int64_t *ret_id, struct err_note *note)
{
	struct sql_query *q;
	enum err e = begin(t->db, STMT_PUSH_PUT, owner, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "session", s->session);
	sql_bind_i64(q, "id", s->id);
	sql_bind_text(q, "endpoint_hash", hash);
	sql_bind_text(q, "endpoint", s->endpoint);
	sql_bind_text(q, "p256dh", s->p256dh);
	sql_bind_text(q, "auth", s->auth);
	sql_bind_i64(q, "with_text", s->text ? 1 : 0);
	sql_bind_i64(q, "created_ms", t->now_ms);
	return sql_finish_number(q, ret_id);
}

enum err push_subscribe(struct txn *t, struct slice owner, const struct push_subscription *s,
    int64_t *ret_id, struct err_note *note)
{
	struct buf hash = buf_new(HASH_HEX);
	enum err e = hash_of(s->endpoint, &hash);

	if (owner.len > PUSH_OWNER_MAX || s->session.len > PUSH_SESSION_MAX ||
	    s->endpoint.len > PUSH_ENDPOINT_MAX || s->p256dh.len > PUSH_KEY_TEXT_MAX ||
	    s->auth.len > PUSH_KEY_TEXT_MAX) {
		e = ERR_LIMIT;
	}
	if (e == ERR_OK) {
		e = drop_other(t, owner, s->session, buf_slice(&hash), note);
	}
	if (e == ERR_OK) {
		e = insert(t, owner, s, buf_slice(&hash), ret_id, note);
	}
	buf_free(&hash);
	return e == ERR_OK ? trim(t, owner, note) : e;
}

static struct slice post_key(struct slice owner, int64_t id, char text[KEY_SIZE])
{
	int n = snprintf(text, KEY_SIZE, "push:%.*s:%lld", SLICE_ARG(owner), (long long)id);

	CHECK(n > 0 && n < KEY_SIZE);
	return SLICE_OF(text, (size_t)n);
}

enum err push_unsubscribe(struct txn *t, struct slice owner, int64_t id, struct err_note *note)
{
	char text[KEY_SIZE];
	struct sql_query *q;
	enum err e = begin(t->db, STMT_PUSH_DROP, owner, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", id);
	e = sql_finish(q);
	bool was_there = e == ERR_OK && sql_changes(t->db) > 0;
	if (e == ERR_OK) {
		e = post_drop(t, post_key(owner, id, text), note);
	}
	return e == ERR_OK && !was_there ? ERR_NOT_FOUND : e;
}

static enum err take(struct sql_query *q, struct arena *arena, struct push_subscription *ret)
{
	struct push_subscription s = { .id = sql_col_i64(q, 0),
		.text = sql_col_i64(q, 5) != 0,
		.created_ms = sql_col_i64(q, 6) };
	struct slice *const texts[] = { &s.session, &s.endpoint, &s.p256dh, &s.auth };
	enum err e = ERR_OK;

	for (int i = 0; e == ERR_OK && i < 4; i++) {
		e = arena_copy(arena, sql_col_text(q, i + 1), texts[i]);
	}
	*ret = s;
	return e;
}

enum err push_list(struct sql_db *db, struct arena *arena, struct slice owner,
    struct push_subscription ret[PUSH_SUBSCRIPTIONS_MAX], unsigned *ret_n, struct err_note *note)
{
	struct sql_query *q;
	unsigned n = 0;
	enum err e = begin(db, STMT_PUSH_ALL, owner, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "most", PUSH_SUBSCRIPTIONS_MAX);
	while (n < PUSH_SUBSCRIPTIONS_MAX && (e = sql_step(q)) == ERR_OK) {
		e = take(q, arena, &ret[n]);
		if (e != ERR_OK) {
			break;
		}
		n++;
	}
	sql_end(q);
	*ret_n = n;
	return e == ERR_END ? ERR_OK : e;
}

/* ---- pushes ---- */

enum err push_put(struct txn *t, struct slice owner, const struct push_subscription *s,
    const struct push *p, struct err_note *note)
{
	char text[KEY_SIZE];
	struct buf *target = arena_buf(t->arena, TARGET_MAX);

	if (p->body.len > PUSH_BODY_MAX) {
		return ERR_LIMIT;
	}
	if (target == NULL) {
		return ERR_MEMORY;
	}
	/* None of these has a space in it. */
	buf_printf(target, "%.*s %.*s %.*s %s %lld", SLICE_ARG(s->endpoint), SLICE_ARG(s->p256dh),
	    SLICE_ARG(s->auth), p->urgency == PUSH_HIGH ? "high" : "normal", (long long)p->ttl_s);
	if (target->failed) {
		return ERR_MEMORY;
	}
	const struct post post = { .key = post_key(owner, s->id, text),
		.seq = p->seq,
		.body = p->body,
		.target = buf_slice(target) };
	return post_put(t, &post, note);
}

bool push_target_take(struct slice text, struct push_target *ret)
{
	struct slice *const parts[] = { &ret->endpoint, &ret->p256dh, &ret->auth, &ret->urgency,
		&ret->ttl };
	const unsigned n = sizeof(parts) / sizeof(parts[0]);
	unsigned i = 0;

	while (i < n && slice_split(&text, ' ', parts[i]) && parts[i]->len > 0) {
		i++;
	}
	return i == n && text.len == 0;
}

bool push_key_take(struct slice key, struct slice *ret_owner, int64_t *ret_id)
{
	static const struct slice prefix = { "push:", 5 };
	size_t colon = key.len;
	uint64_t id = 0;

	while (colon > prefix.len && key.ptr[colon - 1] != ':') {
		colon--;
	}
	if (!slice_starts(key, prefix) || colon <= prefix.len + 1 ||
	    slice_to_u64(slice_sub(key, colon, key.len), INT64_MAX, &id) != ERR_OK) {
		return false;
	}
	*ret_owner = slice_sub(key, prefix.len, colon - 1);
	*ret_id = (int64_t)id;
	return true;
}

/* ---- where they may go ---- */

void push_set_policy(struct svc_env *env, const struct push_policy *policy, bool is_on)
{
	accounts_state(env)->push_policy = *policy;
	accounts_state(env)->push_is_on = is_on;
}

const struct push_policy *push_policy(const struct svc_env *env)
{
	return &accounts_state(env)->push_policy;
}

bool push_is_on(const struct svc_env *env)
{
	return accounts_state(env)->push_is_on;
}
