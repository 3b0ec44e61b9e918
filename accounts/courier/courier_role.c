/*
 * Role: courier. Takes mails out of the outbox and gives them to the SMTP server, and fetches what
 * web asks for (fetcher.h). The rows are durable and leased, so what was not confirmed as sent
 * comes up again, whoever died meanwhile.
 *
 * [mail] connections worker tasks do the same thing over and over: lease a few rows, send each, say
 * how it went; when nothing is due they sleep until the next row is, or until the store says that a
 * new one was committed. Without [mail] smtp (development) a mail counts as delivered when it
 * stands in the outbox, where the admin listener's page shows it.
 */
#include "accounts/courier/courier_role.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/courier/fetcher.h"
#include "accounts/courier/mime.h"
#include "accounts/courier/smtp.h"
#include "accounts/outbox.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/ev/task.h"
#include "core/obs/log.h"

enum {
	WORKERS_MAX = 16,
	ROWS_PER_LEASE = 4,
	LEASE_SLACK_MS = 30000,
	IDLE_LOOK_US = 30 * 1000 * 1000, /* look again even if nobody woke us */
	STORE_AWAY_US = 500 * 1000,	 /* pause when the store does not answer */
	MESSAGE_BYTES = 256 * 1024,	 /* two parts of 24 KiB, every byte escaped, and headers */
	CALL_BYTES = 4096,
};

struct courier {
	struct role_ctx *role;
	struct fetcher *fetcher;
	struct smtp_client *smtp;  /* NULL: development, mails are kept */
	struct mime_sender sender; /* slices into the configuration */
	struct task *workers[WORKERS_MAX];
	unsigned n_workers, running;
	int64_t send_timeout_ms;
	uint64_t wakes; /* how often the store said that there is new mail */
	bool stopping;
};

static enum err call_store(struct courier *c, const struct rpc_def *def, const struct buf *request,
    struct arena *arena, struct slice *ret_reply)
{
	struct err_note note = { 0 };
	enum err e = ERR_MEMORY;

	if (!request->failed) {
		e = rpc_call(c->role->env.peer[ROLE_STORE], def, buf_slice(request), DEADLINE_NONE,
		    0, arena, ret_reply, &note);
	}

	if (e != ERR_OK && e != ERR_CANCELLED && e != ERR_READ_ONLY) {
		LOG(LOG_WARN, "mail", "store_call_failed", LOG_C("call", def->name),
		    LOG_C("err", err_text(e)), LOG_C("note", note.text));
	}
	return e;
}

static void report_sent(struct courier *c, const struct outbox_mail *mail, int64_t lease)
{
	struct outbox_sent_req request = { mail->id, lease, .keep = c->smtp == NULL };
	struct arena arena = arena_new(CALL_BYTES);
	struct buf b = buf_new(CALL_BYTES);

	outbox_put_sent_req(&b, &request);
	/* If this fails the lease runs out and the mail goes out again: never lost, same content.
	 */
	enum err e = call_store(c, &accounts_outbox_sent, &b, &arena, NULL);
	LOG(e == ERR_OK ? LOG_INFO : LOG_WARN, "mail", c->smtp == NULL ? "mail_kept" : "mail_sent",
	    LOG_I("id", mail->id), LOG_S("kind", mail->kind), LOG_I("tries", mail->tries),
	    LOG_C("recorded", err_text(e)));
	buf_free(&b);
	arena_reset(&arena);
}

static void report_failed(struct courier *c, const struct outbox_mail *mail, int64_t lease,
    const struct smtp_outcome *outcome)
{
	struct outbox_retry_req request = { mail->id, lease, outcome->final,
		slice_str(outcome->text) };
	struct arena arena = arena_new(CALL_BYTES);
	struct buf b = buf_new(CALL_BYTES);

	outbox_put_retry_req(&b, &request);
	enum err e = call_store(c, &accounts_outbox_retry, &b, &arena, NULL);
	LOG(LOG_WARN, "mail", outcome->final ? "mail_refused" : "mail_delayed",
	    LOG_I("id", mail->id), LOG_S("kind", mail->kind), LOG_I("tries", mail->tries),
	    LOG_I("code", outcome->code), LOG_C("why", outcome->text),
	    LOG_C("recorded", err_text(e)));
	buf_free(&b);
	arena_reset(&arena);
}

/* Sends one leased mail and records the outcome. False: the task was cancelled meanwhile. */
static bool deliver(struct courier *c, const struct outbox_mail *mail, int64_t lease)
{
	struct smtp_outcome outcome = { 0 };
	struct buf b = buf_new(MESSAGE_BYTES);
	struct slice message = SLICE_EMPTY;
	enum err e = ERR_OK;

	if (c->smtp != NULL) {
		mime_compose(&b, &c->sender, mail);
		e = buf_finish(&b, &message);
		if (e != ERR_OK) { /* memory is short: the lease runs out and it is tried again */
			LOG(LOG_ERROR, "mail", "mail_not_composed", LOG_I("id", mail->id),
			    LOG_C("err", err_text(e)));
			buf_free(&b);
			return true;
		}
		e = smtp_send(
		    c->smtp, mime_address(c->sender.from), mail->recipient, message, &outcome);
	}
	buf_free(&b);
	if (e == ERR_CANCELLED) {
		return false;
	}
	if (e == ERR_OK) {
		report_sent(c, mail, lease);
	} else {
		report_failed(c, mail, lease, &outcome);
	}
	return true;
}

/* Leases and sends a few rows. Returns when to look again, monotonic microseconds. */
static int64_t work_once(struct courier *c, struct outbox_leased *leased)
{
	struct outbox_lease_req request = { ROWS_PER_LEASE,
		ROWS_PER_LEASE * c->send_timeout_ms + LEASE_SLACK_MS };
	struct arena arena = arena_new(accounts_outbox_lease.max_rep + CALL_BYTES);
	struct buf b = buf_new(CALL_BYTES);
	struct slice reply = SLICE_EMPTY;
	int64_t now_us = clock_mono_us();
	int64_t again_us = now_us + STORE_AWAY_US;

	outbox_put_lease_req(&b, &request);
	if (call_store(c, &accounts_outbox_lease, &b, &arena, &reply) == ERR_OK) {
		CHECK(outbox_take_leased(reply, leased));
		bool go_on = true;
		for (uint32_t i = 0; go_on && i < leased->n; i++) {
			go_on = deliver(c, &leased->mails[i], leased->lease);
		}
		int64_t idle_us = IDLE_LOOK_US;
		if (leased->next_due_ms != INT64_MAX) {
			int64_t due_us = (leased->next_due_ms - clock_wall_ms()) * 1000;
			idle_us = due_us < idle_us ? due_us : idle_us;
		}
		again_us = leased->n > 0 || idle_us < 0 ? 0 : now_us + idle_us;
	}
	buf_free(&b);
	arena_reset(&arena);
	return again_us;
}

static void run_worker(void *arg)
{
	struct courier *c = arg;
	struct outbox_leased *leased = calloc(1, sizeof(*leased));
	struct task *self = task_current();

	CHECK(leased != NULL);
	while (!c->stopping && !task_is_cancelled(self)) {
		/* A wake that comes during the calls of work_once() would be taken for theirs. */
		uint64_t wakes = c->wakes;
		int64_t again_us = work_once(c, leased);
		if (again_us > 0 && wakes == c->wakes && !c->stopping) {
			enum err e = task_wait(again_us);
			/* Woken, time to look again, or cancelled: the loop's condition tells. */
			(void)e;
		}
	}
	free(leased);
	for (unsigned i = 0; i < c->n_workers; i++) {
		c->workers[i] = c->workers[i] == self ? NULL : c->workers[i];
	}
	if (--c->running == 0 && c->stopping) {
		role_drained(c->role);
	}
}

static void wake_workers(void *arg)
{
	struct courier *c = arg;

	c->wakes++;
	for (unsigned i = 0; i < c->n_workers; i++) {
		if (c->workers[i] != NULL) {
			task_wake(c->workers[i]);
		}
	}
}

static struct slice host_of_url(const char *url)
{
	struct slice s = slice_str(url);

	s = slice_sub(s, slice_starts(s, SLICE("https://")) ? 8 : 7, s.len);
	return slice_sub(s, 0, slice_find(s, ':', 0));
}

static enum err open_smtp(struct courier *c, const struct conf *conf, struct err_note *note)
{
	const struct smtp_options o = {
		.url = conf_str(conf, "mail", "smtp"),
		.user = conf_str(conf, "mail", "user"),
		.password = conf_str(conf, "mail", "password"),
		.starttls = conf_bool(conf, "mail", "starttls"),
		.timeout_ms = conf_ms(conf, "mail", "timeout"),
		.max_connections = (long)conf_int(conf, "mail", "connections"),
	};

	c->send_timeout_ms = o.timeout_ms;
	if (o.url[0] == '\0') {
		return ERR_OK;
	}
	enum err e = smtp_client_new(c->role->env.loop, &o, &c->smtp);
	return e == ERR_OK ? ERR_OK : err_note_set(note, e, "SMTP client: %s", err_text(e));
}

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
	c->role = r;
	r->role_data = c;
	c->sender.from = slice_str(conf_str(r->conf, "mail", "from"));
	c->sender.host = host_of_url(conf_str(r->conf, "plimsoll", "public_url"));
	int64_t workers = conf_int(r->conf, "mail", "connections");
	CHECK(workers > 0 && workers <= WORKERS_MAX);
	c->n_workers = (unsigned)workers;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return err_note_set(note, ERR_SYSTEM, "libcurl does not start");
	}
	enum err e = open_fetcher(c, r, note);
	return e == ERR_OK ? open_smtp(c, r->conf, note) : e;
}

static enum err courier_serve(struct role_ctx *r, struct err_note *note)
{
	struct courier *c = r->role_data;

	for (unsigned i = 0; i < c->n_workers; i++) {
		enum err e = task_spawn(r->env.loop, run_worker, c, DEADLINE_NONE, &c->workers[i]);
		if (e != ERR_OK) {
			return err_note_set(note, e, "courier: %s", err_text(e));
		}
		c->running++;
	}
	accounts_on_courier_wake(wake_workers, c);
	return ERR_OK;
}

static void courier_drain(struct role_ctx *r, int64_t deadline_us)
{
	struct courier *c = r->role_data;

	/* A message on its way is finished: its server may already have taken it. */
	(void)deadline_us;
	c->stopping = true;
	if (c->running == 0) {
		role_drained(r);
	}
	wake_workers(c);
}

static void courier_stop(struct role_ctx *r)
{
	struct courier *c = r->role_data;

	if (c != NULL) {
		smtp_client_free(&c->smtp);
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
