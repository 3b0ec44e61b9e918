/*
 * See tls_keys.h. After a reload the keys before it stay for a while: web processes learn of the
 * new certificates a second later, and handshakes that began with the old ones go on.
 */
#include "core/role/tls_keys.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/wire.h"
#include "core/ev/task.h"
#include "core/obs/log.h"
#include "core/role/role_proc.h"
#include "core/role/tls_files.h"
#include "core/tls/ticket.h"

enum {
	TICK_MS = 1000,
	FILES_POLL_US = 2000,
	EXPIRES_SOON_S = 14 * 86400,
	OLD_SETS = 16,
	OLD_US = 60 * 1000000,
};

/* What a reload has replaced. */
struct old_set {
	struct tls_keyset set;
	int64_t until_us; /* kept */
};

struct tls_keys {
	struct role_ctx *r;
	struct tls_keyset set;
	struct old_set old[OLD_SETS]; /* newest first */
	unsigned n_old;
	struct buf chains;
	uint8_t hash[TLS_HASH_BYTES]; /* of chains */
	struct tls_tickets tickets;
	int64_t period_us; /* of the tickets */
	_Atomic int64_t *expiry;
	bool came;		 /* the first files */
	struct err_note refusal; /* of them */
};

const struct metric_def tls_expiry_metric = { "tls_certificate_expiry_seconds", METRIC_GAUGE, NULL,
	"Seconds until the first of the TLS certificates expires; 0 without TLS." };

static void note_expiry(struct tls_keys *k)
{
	int64_t now_s = clock_wall_ms() / 1000, least = INT64_MAX;

	for (unsigned i = 0; i < k->set.n; i++) {
		int64_t left = tls_pair_seconds_left(&k->set.pair[i], now_s);
		least = left < least ? left : least;
	}
	metric_set(k->expiry, k->set.n == 0 ? 0 : least);
}

static void drop_oldest(struct tls_keys *k)
{
	tls_keyset_fini(&k->old[--k->n_old].set);
}

static void on_tick(void *arg)
{
	struct tls_keys *k = arg;
	int64_t now_us = clock_mono_us();

	while (k->n_old > 0 && k->old[k->n_old - 1].until_us < now_us) {
		drop_oldest(k);
	}
	tls_tickets_rotate(&k->tickets, k->period_us, now_us);
	note_expiry(k);
}

enum err tls_keys_start(struct role_ctx *r)
{
	if (!tls_is_on(r->conf)) {
		return ERR_OK;
	}
	struct tls_keys *k = calloc(1, sizeof(*k));
	if (k == NULL) {
		return ERR_MEMORY;
	}
	k->r = r;
	k->chains = buf_new(TLS_CHAINS_MAX_BYTES);
	k->expiry = metric_cell(r->env.metrics, &tls_expiry_metric, NULL);
	k->period_us = tls_settings_read(r->conf).ticket_period_us;
	tls_tickets_rotate(&k->tickets, k->period_us, clock_mono_us());
	loop_every(r->env.loop, TICK_MS, on_tick, k);
	r->env.tls_keys = k;
	return ERR_OK;
}

void tls_keys_reload(struct role_ctx *r)
{
	if (r->env.tls_keys != NULL) {
		r->env.tls_keys->period_us = tls_settings_read(r->conf).ticket_period_us;
	}
}

void tls_keys_stop(struct role_ctx *r)
{
	struct tls_keys *k = r->env.tls_keys;

	if (k == NULL) {
		return;
	}
	tls_keyset_fini(&k->set);
	while (k->n_old > 0) {
		drop_oldest(k);
	}
	tls_tickets_wipe(&k->tickets);
	buf_free(&k->chains);
	free(k);
	r->env.tls_keys = NULL;
}

/* ---- files ---- */

static void use(struct tls_keys *k, const struct tls_keyset *set)
{
	struct slice chains = SLICE_EMPTY;

	if (k->n_old == OLD_SETS) {
		drop_oldest(k);
	}
	memmove(&k->old[1], &k->old[0], sizeof(k->old[0]) * k->n_old);
	k->old[0] = (struct old_set){ k->set, clock_mono_us() + OLD_US };
	k->n_old++;
	k->set = *set;
	buf_clear(&k->chains);
	tls_keyset_write_chains(&k->set, &k->chains);
	CHECK(
	    buf_finish(&k->chains, &chains) == ERR_OK); /* its files are smaller than its maximum */
	(void)SHA256((const unsigned char *)chains.ptr, chains.len, k->hash);
	note_expiry(k);
}

/* Dates that speak against a renewal are only worth a warning when there is nothing better. */
static void warn_of_dates(const struct tls_keyset *set, const struct tls_pair_files *files)
{
	int64_t now_s = clock_wall_ms() / 1000;

	for (unsigned i = 0; i < set->n; i++) {
		struct err_note why = { 0 };
		int64_t left = tls_pair_seconds_left(&set->pair[i], now_s);
		if (tls_pair_check_dates(&set->pair[i], files[i].certificate, now_s, &why) !=
		    ERR_OK) {
			LOG(LOG_ERROR, "tls", "certificate_useless", LOG_C("reason", why.text));
		} else if (left < EXPIRES_SOON_S) {
			LOG(LOG_WARN, "tls", "certificate_expires",
			    LOG_C("file", files[i].certificate), LOG_I("days", left / 86400));
		}
	}
}

static enum err read_files(
    struct tls_keys *k, const struct control_message *m, struct err_note *note)
{
	struct tls_pair_files files[TLS_PAIRS_MAX];
	struct tls_keyset set = { 0 };
	char text[2 * (TLS_LIST_MAX + 1)];
	bool is_renewal = k->set.n > 0;

	CHECK(tls_files_take(m->body, m->fds, m->n_fds, files, text));
	enum err e =
	    tls_keyset_read(files, m->n_fds / 2, is_renewal, clock_wall_ms() / 1000, &set, note);
	if (e != ERR_OK) {
		return e;
	}
	warn_of_dates(&set, files);
	use(k, &set);
	if (is_renewal) {
		LOG(LOG_INFO, "tls", "certificates_taken", LOG_I("certificates", k->set.n));
	}
	return ERR_OK;
}

void tls_keys_take(struct role_ctx *r, const struct control_message *m)
{
	struct tls_keys *k = r->env.tls_keys;
	struct err_note note = { 0 };
	enum err e = k == NULL ? ERR_INVALID : read_files(k, m, &note);
	char taken = e == ERR_OK;

	for (unsigned i = 0; i < m->n_fds; i++) {
		close(m->fds[i]);
	}
	if (k == NULL) {
		return;
	}
	if (e != ERR_OK && k->set.n > 0) {
		LOG(LOG_ERROR, "tls", "certificates_refused", LOG_C("reason", note.text),
		    LOG_C("effect", "those before stay in use"));
	} else if (e != ERR_OK) {
		k->refusal = note;
	}
	k->came = true;
	/* If it does not leave, the supervisor is gone and we are about to be. */
	(void)!control_send(&role_proc_of(r)->control, CONTROL_TLS, SLICE_OF(&taken, 1), NULL, 0);
}

enum err tls_keys_await(struct role_ctx *r, struct err_note *note)
{
	struct tls_keys *k = r->env.tls_keys;
	enum err e = ERR_OK;

	while (e == ERR_OK && k != NULL && !k->came) {
		e = task_sleep(FILES_POLL_US);
	}
	if (e == ERR_OK && k != NULL && k->refusal.code != ERR_OK) {
		e = err_note_set(note, ERR_CONFIG, "[tls] %s", k->refusal.text);
	}
	return e;
}

/* ---- requests of web ---- */

static enum err handle_sign(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct svc_env *env = role_state;
	const struct tls_keys *k = env->tls_keys;
	struct tls_sign_request q;

	(void)info;
	if (k == NULL || !tls_take_sign_request(req, &q)) {
		return err_note_set(note, ERR_DENIED, "nothing that TLS has a server sign");
	}
	enum err e = tls_keyset_sign(&k->set, &q.id, q.scheme, q.message, reply, note);
	for (unsigned i = 0; e == ERR_NOT_FOUND && i < k->n_old; i++) {
		struct err_note why = { 0 };
		e = tls_keyset_sign(&k->old[i].set, &q.id, q.scheme, q.message, reply, &why);
	}
	return e;
}

static enum err handle_state(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct svc_env *env = role_state;
	const struct tls_keys *k = env->tls_keys;
	struct buf tickets = buf_new(1024);

	(void)info;
	if (k == NULL || k->set.n == 0) {
		return err_note_set(note, ERR_DRAINING, "the TLS keys are not there yet");
	}
	struct slice hash = SLICE_OF(k->hash, TLS_HASH_BYTES);
	tls_tickets_put_wire(&k->tickets, &tickets);
	wire_put_bytes(reply, hash);
	wire_put_bytes(reply, buf_slice(&tickets));
	wire_put_bytes(reply, slice_eq(req, hash) ? SLICE_EMPTY : buf_slice(&k->chains));
	OPENSSL_cleanse(tickets.data, tickets.cap);
	buf_free(&tickets);
	return ERR_OK;
}

const struct rpc_def tls_sign_row = {
	.name = "tls.sign",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_SIGNER,
	.max_req = TLS_MESSAGE_MAX + 64,
	.max_rep = TLS_SIGNATURE_MAX,
	.deadline_ms = 5000,
	.cost_us = 100,
	.flags = RPC_IDEMPOTENT,
	.handle = handle_sign,
};

const struct rpc_def tls_state_row = {
	.name = "tls.state",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_SIGNER,
	.max_req = TLS_HASH_BYTES,
	.max_rep = TLS_CHAINS_MAX_BYTES + 1024,
	.deadline_ms = 5000,
	.cost_us = 20,
	.flags = RPC_IDEMPOTENT,
	.handle = handle_state,
};
