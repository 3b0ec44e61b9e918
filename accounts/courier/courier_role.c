/*
 * Role: courier. The only role that dials out: it sends mails (delivery.c), fetches what web asks
 * for (fetcher.c), and downloads files for the services of its process (downloader.c).
 */
#include "accounts/courier/courier_role.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "accounts/courier/delivery.h"
#include "accounts/courier/downloader.h"
#include "accounts/courier/fetcher.h"
#include "accounts/courier/posting.h"

struct courier {
	struct delivery *delivery;
	struct fetcher *fetcher;
	struct posting *posting;
	struct downloader *downloader;
};

/* Documents of other domains: asked for by web, answered from tasks. */
static enum err open_fetcher(struct courier *c, struct role_ctx *r, struct err_note *note)
{
	enum err e = fetcher_new(&r->env, &c->fetcher);

	if (e == ERR_OK) {
		const struct rpc_executor executor = fetcher_executor(c->fetcher);
		e = rpc_server_new(r->env.loop, &r->registry, ROLE_COURIER, &executor, &r->server);
	}
	return e == ERR_OK ? e : err_note_set(note, e, "fetcher: %s", err_text(e));
}

static enum err courier_start(struct role_ctx *r, struct err_note *note)
{
	struct courier *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return err_note_set(note, ERR_MEMORY, "courier: out of memory");
	}
	r->role_data = c;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return err_note_set(note, ERR_SYSTEM, "libcurl does not start");
	}
	enum err e = open_fetcher(c, r, note);
	/* A server without a store (a verifier for sites) has no mails. */
	bool has_mails = r->env.peer[ROLE_STORE] != NULL;
	return e == ERR_OK && has_mails ? delivery_new(&r->env, &c->delivery, note) : e;
}

static enum err courier_serve(struct role_ctx *r, struct err_note *note)
{
	struct courier *c = r->role_data;

	enum err e = c->delivery == NULL ? ERR_OK : delivery_start(c->delivery, note);
	e = e == ERR_OK && c->delivery != NULL ? posting_start(&r->env, &c->posting, note) : e;
	/* Whoever has no store has no files either. */
	return e == ERR_OK && c->delivery != NULL ? downloader_start(&r->env, &c->downloader) : e;
}

static void on_drained(void *arg)
{
	role_drained(arg);
}

static void courier_drain(struct role_ctx *r, int64_t deadline_us)
{
	struct courier *c = r->role_data;

	posting_drain(c->posting);
	if (c->delivery == NULL) {
		role_drained(r);
	} else {
		delivery_drain(c->delivery, deadline_us, on_drained, r);
	}
}

static void courier_stop(struct role_ctx *r)
{
	struct courier *c = r->role_data;

	if (c != NULL) {
		delivery_free(&c->delivery);
		posting_free(&c->posting);
		downloader_free(&c->downloader);
		fetcher_free(&c->fetcher);
		free(c);
		r->role_data = NULL;
	}
}

const struct role_ops courier_role_ops = {
	.start = courier_start,
	.serve = courier_serve,
	.drain = courier_drain,
	.stop = courier_stop,
};
