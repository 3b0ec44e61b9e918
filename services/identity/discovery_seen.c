/*
 * When a provider was last seen at work, in the database: that one is offline must be known after a
 * restart, too.
 */
#include "accounts/idp.h"
#include "core/base/clock.h"
#include "core/ev/task.h"
#include "core/obs/log.h"
#include "services/identity/discovery_priv.h"
#include "services/identity/param_type.h"

#define DAY_MS	   INT64_C(86400000)
#define OFFLINE_MS (5 * DAY_MS)

static enum err put_mark(
    struct discovery *d, struct slice key, int64_t seen_ms, struct err_note *note)
{
	struct buf message = buf_new(accounts_idp_mark.max_req);
	enum err e = ERR_LIMIT;

	idp_put_mark(&message, key, seen_ms);
	if (!message.failed) {
		e = rpc_call(d->env->peer[ROLE_STORE], &accounts_idp_mark, buf_slice(&message),
		    DEADLINE_NONE, 0, NULL, NULL, note);
	}
	buf_free(&message);
	return e;
}

static void mark(struct discovery *d, struct slice domain, int64_t seen_ms)
{
	struct err_note note = { 0 };
	enum err e = put_mark(d, domain, seen_ms, &note);

	if (e != ERR_OK) {
		LOG(LOG_WARN, "discovery", "not_recorded", LOG_S("domain", domain),
		    LOG_C("err", err_text(e)), LOG_C("detail", note.text));
	}
}

/*
 * Once a day is enough to tell five days from more. A verifier for sites has no database, nor
 * anybody to tell that a provider is offline.
 */
void discovery_record_seen(struct discovery *d, struct slice domain)
{
	if (d->env->db == NULL) {
		return;
	}
	int64_t last_ms = 0, now_ms = clock_wall_ms();
	struct err_note note = { 0 };
	enum err e = idp_last_seen(d->env->db, domain, &last_ms, &note);

	if (e == ERR_NOT_FOUND || (e == ERR_OK && now_ms - last_ms >= DAY_MS)) {
		mark(d, domain, now_ms);
	}
}

enum err discovery_is_offline(struct discovery *d, struct arena *arena, struct slice domain,
    bool is_disabled, bool *ret, struct err_note *note)
{
	struct slice key;
	int64_t last_ms = 0;
	enum err e = host_key(arena, domain, &key);

	*ret = false;
	if (d->reach == LOOK_NOWHERE) {
		return ERR_OK;
	}
	if (e == ERR_OK) {
		e = idp_last_seen(d->env->db, key, &last_ms, note);
	}
	if (e != ERR_OK) {
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	*ret = !is_disabled && clock_wall_ms() - last_ms < OFFLINE_MS;
	if (!*ret) {
		mark(d, key, 0);
	}
	return ERR_OK;
}

enum err discovery_last_seen(struct discovery *d, struct arena *arena, struct slice domain,
    int64_t *ret_ms, struct err_note *note)
{
	struct slice key;
	enum err e = host_key(arena, domain, &key);

	*ret_ms = 0;
	if (e == ERR_OK) {
		e = idp_last_seen(d->env->db, key, ret_ms, note);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err discovery_mark_seen(struct discovery *d, struct arena *arena, struct slice domain,
    int64_t seen_ms, struct err_note *note)
{
	struct slice key;
	enum err e = host_key(arena, domain, &key);

	return e == ERR_OK ? put_mark(d, key, seen_ms, note) : e;
}
