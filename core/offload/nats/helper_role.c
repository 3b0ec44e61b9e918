/*
 * Role: helper. On a machine that computes for servers (`plimsoll helper`): takes jobs from NATS
 * and gives them to the compute processes here, as a server's web processes give theirs. It listens
 * nowhere and holds no data; of secrets it has what lets it in at the NATS server.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/obs/log.h"
#include "core/offload/lend.h"
#include "core/offload/nats/nats_roles.h"
#include "core/offload/nats/nats_session.h"

enum {
	TITLE_BYTES = NATS_NAME_BYTES + 32
};

struct helper_role {
	struct role_ctx *r;
	struct nats_session nats;
	struct lend *lend;
	char subject[SUBJECT_BYTES], title[TITLE_BYTES];
};

static enum err publish(void *arg, const char *subject, const char *reply, struct slice payload)
{
	struct helper_role *h = arg;

	return nats_session_publish(&h->nats, subject, reply, payload);
}

static void on_message(
    void *arg, struct slice subject, struct slice reply, struct slice payload, bool nobody)
{
	struct helper_role *h = arg;

	(void)subject;
	if (!nobody) {
		lend_message(h->lend, reply, payload);
	}
}

static void on_state(void *arg, bool is_connected, const char *why)
{
	struct helper_role *h = arg;

	nats_session_log(&h->nats, is_connected, why);
	if (is_connected) {
		lend_announce(h->lend);
	}
}

static const struct nats_link_ops link_ops = { .message = on_message, .state = on_state };

static unsigned jobs_per_process(const struct role_ctx *r)
{
	const unsigned queue = (unsigned)conf_int(r->env.conf, "compute", "queue_max") + 1;
	const unsigned credits = role_table[ROLE_COMPUTE].max_credits;

	return queue < credits ? queue : credits;
}

static enum err helper_start(struct role_ctx *r, struct err_note *note)
{
	struct helper_role *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory");
	}
	r->role_data = h;
	h->r = r;
	enum err e = nats_session_start(&h->nats, r, note);
	if (e != ERR_OK) {
		return e;
	}
	const struct lend_setup setup = { .loop = r->env.loop,
		.rows = &h->nats.rows,
		.compute = r->env.peer[ROLE_COMPUTE],
		.prefix = h->nats.settings.prefix,
		.name = h->nats.settings.helper_name,
		.jobs_per_process = jobs_per_process(r),
		.publish = publish,
		.arg = h };
	e = lend_new(&setup, &h->lend);
	if (e != ERR_OK) {
		return err_note_set(note, e, "no memory");
	}
	lend_subject(h->lend, h->subject);
	snprintf(h->title, sizeof(h->title), "plimsoll helper %s", h->nats.settings.helper_name);
	return ERR_OK;
}

static void on_announce(void *arg)
{
	struct helper_role *h = arg;

	lend_announce(h->lend);
	nats_session_watch(&h->nats);
}

/* Also without a connection it is ready: it makes one when it can. */
static enum err helper_serve(struct role_ctx *r, struct err_note *note)
{
	struct helper_role *h = r->role_data;
	const struct nats_link_setup setup = {
		.name = h->title, .subject = { h->subject }, .ops = &link_ops, .arg = h
	};

	loop_every(r->env.loop, ANNOUNCE_EVERY_MS, on_announce, h);
	return nats_session_open(&h->nats, r, &setup, note);
}

static void on_drained(void *arg)
{
	struct helper_role *h = arg;
	const struct lend_counts n = lend_counts(h->lend);

	LOG(LOG_INFO, "helper", "left", LOG_I("jobs", (int64_t)n.jobs),
	    LOG_I("refused", (int64_t)n.refused), LOG_I("bad", (int64_t)n.bad));
	role_drained(h->r);
}

static void helper_drain(struct role_ctx *r, int64_t deadline_us)
{
	struct helper_role *h = r->role_data;

	(void)deadline_us;
	lend_drain(h->lend, on_drained, h);
}

static void helper_stop(struct role_ctx *r)
{
	struct helper_role *h = r->role_data;

	if (h != NULL) {
		nats_session_close(&h->nats);
	}
}

const struct role_ops helper_role_ops = {
	.start = helper_start,
	.serve = helper_serve,
	.drain = helper_drain,
	.stop = helper_stop,
};
