/*
 * See tls_web.h. Asking once a second, with the answer "nothing new" in almost all cases, costs
 * some 50 us of CPU and needs no second kind of message: it notices a reload, a rotation and a
 * restarted signer alike.
 */
#include "core/role/tls_web.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/wire.h"
#include "core/ev/task.h"
#include "core/obs/log.h"
#include "core/role/tls_keys.h"
#include "core/tls/context.h"
#include "core/tls/tls_conf.h"

enum {
	LOOK_MS = 1000,
	FETCH_MAX_BYTES = TLS_CHAINS_MAX_BYTES + 4096,
	REPLY_BYTES = 4096,
};

/* One that has TLS connections. */
struct secured {
	struct http_server *server;
	bool h2;
};

struct tls_web {
	struct role_ctx *r;
	struct secured servers[SERVICE_MAX + 1];
	unsigned n_servers;
	struct tls_library library;
	struct tls_signer signer;
	struct tls_tickets tickets;
	uint8_t hash[TLS_HASH_BYTES]; /* of the certificates in use */
	bool has_hash;
	bool looking; /* a task asks */
	bool failing; /* the last one got no answer */
};

/* For a remote key, from the task of a handshake. */
static enum err ask_signer(void *arg, const struct tls_id *id, uint16_t scheme,
    struct slice message, unsigned char *out, size_t *ret_len)
{
	const struct tls_web *w = arg;
	const struct tls_sign_request q = { .id = *id, .scheme = scheme, .message = message };
	struct arena arena = arena_new(REPLY_BYTES);
	struct buf request = buf_new(TLS_MESSAGE_MAX + 64);
	struct slice reply = SLICE_EMPTY, wire = SLICE_EMPTY;
	struct err_note note = { 0 };

	CHECK(task_current() != NULL);
	tls_put_sign_request(&request, &q);
	enum err e = buf_finish(&request, &wire);
	if (e == ERR_OK) {
		e = rpc_call(w->r->env.peer[ROLE_SIGNER], &tls_sign_row, wire, DEADLINE_NONE, 0,
		    &arena, &reply, &note);
	}
	if (e == ERR_OK) {
		memcpy(out, reply.ptr, reply.len);
		*ret_len = reply.len;
	}
	buf_free(&request);
	arena_reset(&arena);
	return e;
}

enum err tls_web_open(struct role_ctx *r, struct tls_web **ret, struct err_note *note)
{
	struct tls_web *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory");
	}
	w->r = r;
	w->signer = (struct tls_signer){ ask_signer, w };
	/* Reads the library's configuration and tables, which the sandbox would not let it. */
	if (OPENSSL_init_ssl(0, NULL) != 1 || tls_library_open(&w->library) != ERR_OK) {
		free(w);
		return err_note_set(note, ERR_CRYPTO, "OpenSSL cannot be set up");
	}
	*ret = w;
	return ERR_OK;
}

void tls_web_add(struct tls_web *w, struct http_server *server, bool h2)
{
	CHECK(w->n_servers < sizeof(w->servers) / sizeof(w->servers[0]));
	w->servers[w->n_servers++] = (struct secured){ server, h2 };
}

static enum err use_chains_of(
    struct tls_web *w, const struct secured *to, struct slice chains, struct err_note *note)
{
	const struct tls_settings s = tls_settings_read(w->r->conf);
	const struct tls_options options = { .library = w->library.ctx,
		.signer = &w->signer,
		.tickets = &w->tickets,
		.only_13 = s.only_13,
		.h2 = to->h2 && conf_bool(w->r->conf, "http", "http2"),
		.ticket_lifetime_s = s.ticket_period_us / 1000000 };
	struct tls_context *context = NULL;
	enum err e = tls_context_new(&options, chains, &context, note);

	if (e == ERR_OK) {
		http_server_set_tls(to->server, context, s.handshake_us, s.max_handshakes);
		tls_context_unref(&context);
	}
	return e;
}

static enum err use_chains(struct tls_web *w, struct slice chains, struct err_note *note)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && i < w->n_servers; i++) {
		e = use_chains_of(w, &w->servers[i], chains, note);
	}
	return e;
}

static enum err take_state(struct tls_web *w, struct slice reply, struct err_note *note)
{
	struct wire_reader r = wire_reader_new(reply);
	struct slice hash = wire_take_bytes(&r), keys = wire_take_bytes(&r);
	struct slice chains = wire_take_bytes(&r);
	struct tls_tickets tickets = { 0 };

	CHECK(wire_done(&r) && hash.len == TLS_HASH_BYTES);
	CHECK(tls_tickets_take_wire(keys, &tickets));
	tls_tickets_take(&w->tickets, &tickets);
	tls_tickets_wipe(&tickets);
	if (chains.len == 0) {
		return ERR_OK;
	}
	enum err e = use_chains(w, chains, note);
	/* Also when they are no good: the same ones will not be better in a second. */
	memcpy(w->hash, hash.ptr, TLS_HASH_BYTES);
	w->has_hash = true;
	return e;
}

static enum err fetch(struct tls_web *w, struct err_note *note)
{
	struct arena arena = arena_new(FETCH_MAX_BYTES);
	struct slice known = w->has_hash ? SLICE_OF(w->hash, TLS_HASH_BYTES) : SLICE_EMPTY;
	struct slice reply = SLICE_EMPTY;
	enum err e = rpc_call(w->r->env.peer[ROLE_SIGNER], &tls_state_row, known, DEADLINE_NONE, 0,
	    &arena, &reply, note);

	if (e == ERR_OK) {
		e = take_state(w, reply, note);
		OPENSSL_cleanse((void *)(uintptr_t)reply.ptr, reply.len);
	}
	arena_reset(&arena);
	return e;
}

static void look(void *arg)
{
	struct tls_web *w = arg;
	struct err_note note = { 0 };
	enum err e = fetch(w, &note);

	w->looking = false;
	if (e != ERR_OK && !w->failing && !w->r->draining) {
		LOG(LOG_WARN, "tls", "signer_does_not_answer",
		    LOG_C("reason", note.text[0] == '\0' ? err_text(e) : note.text));
	}
	w->failing = e != ERR_OK;
}

static void on_second(void *arg)
{
	struct tls_web *w = arg;

	if (!w->looking) {
		w->looking = task_spawn(w->r->env.loop, look, w, DEADLINE_NONE, NULL) == ERR_OK;
	}
}

enum err tls_web_begin(struct tls_web *w, struct err_note *note)
{
	enum err e = fetch(w, note);

	if (e == ERR_OK) {
		loop_every(w->r->env.loop, LOOK_MS, on_second, w);
	}
	return e;
}

void tls_web_reload(struct tls_web *w)
{
	w->has_hash = false; /* whatever has changed, the next answer builds a context with it */
}

void tls_web_close(struct tls_web **wp)
{
	struct tls_web *w = *wp;

	*wp = NULL;
	if (w == NULL) {
		return;
	}
	tls_tickets_wipe(&w->tickets);
	tls_library_close(&w->library);
	free(w);
}
