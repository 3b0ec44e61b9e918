/*
 * See delivery.h. One dispatcher task leases rows and starts a task for each, which sends the mail
 * and says how it went. It sleeps until a row is due or the store says that a new one was
 * committed. So a single mail costs one lease and one connection. A long queue uses all of [mail]
 * connections, and leases somewhat more: those mails wait here for a connection, so that none waits
 * for a lease. Without [mail] smtp (development) a mail counts as delivered when it stands in the
 * outbox, where the admin listener's page shows it.
 */
#include "accounts/courier/delivery.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/courier/mime.h"
#include "accounts/courier/smtp.h"
#include "accounts/mail_conf.h"
#include "accounts/outbox.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/ev/task.h"
#include "core/obs/log.h"

enum {
	LEASE_SLACK_MS = 5000,		/* a lease outlives the sending by so much */
	IDLE_LOOK_US = 5 * 1000 * 1000, /* `plimsoll user invite` has nobody to wake us */
	STORE_AWAY_US = 500 * 1000,	/* pause when the store does not answer */
	MESSAGE_BYTES = 256 * 1024,	/* two parts of 24 KiB, every byte escaped, and headers */
	CALL_BYTES = 4096,
	CUT_US = 1500 * 1000, /* what is on its way is cut so long before a drain's end */
	REFILL_PART = 4, /* a lease is for a quarter of the connections at least, if so many wait */
	REFILLS_AHEAD = 2 /* so many quarters are leased beyond what the connections take */
};

struct delivery {
	struct svc_env *env;
	struct smtp_client *smtp;   /* NULL: development, mails are kept */
	struct mime_sender sender;  /* slices into the configuration */
	struct slice bounce_domain; /* empty: mails come back to the sender's address */
	struct task *dispatcher;    /* NULL: not running */
	unsigned refill, window;    /* mails of a lease at least; of all leases at most */
	unsigned sending, running;  /* mails given to SMTP; tasks, which also say how it went */
	int64_t send_timeout_ms;
	uint64_t wakes; /* how often the store said that there is new mail */
	bool stopping, waits_for_room;
	void (*drained)(void *arg);
	void *drained_arg;
};

struct job {
	struct batch *batch;
	const struct outbox_mail *mail;
};

/* The rows of one lease; freed with its last mail. */
struct batch {
	struct delivery *d;
	struct arena arena; /* of the reply that the rows lie in */
	struct outbox_leased leased;
	struct job jobs[OUTBOX_LEASE_MAX];
	unsigned left;
};

static enum err call_store(struct delivery *d, const struct rpc_def *def, const struct buf *request,
    struct arena *arena, struct slice *ret_reply)
{
	struct err_note note = { 0 };
	enum err e = ERR_MEMORY;

	if (!request->failed) {
		e = rpc_call(d->env->peer[ROLE_STORE], def, buf_slice(request), DEADLINE_NONE, 0,
		    arena, ret_reply, &note);
	}
	if (e != ERR_OK && e != ERR_CANCELLED && e != ERR_READ_ONLY) {
		LOG(LOG_WARN, "mail", "store_call_failed", LOG_C("call", def->name),
		    LOG_C("err", err_text(e)), LOG_C("note", note.text));
	}
	return e;
}

/* ---- one mail ---- */

static void report_sent(struct delivery *d, const struct outbox_mail *mail, int64_t lease)
{
	struct outbox_sent_req request = { mail->id, lease, .keep = d->smtp == NULL };
	struct arena arena = arena_new(CALL_BYTES);
	struct buf b = buf_new(CALL_BYTES);

	outbox_put_sent_req(&b, &request);
	/* If this fails the lease runs out and the mail goes out again: never lost, same content.
	 */
	enum err e = call_store(d, &accounts_outbox_sent, &b, &arena, NULL);
	LOG(e == ERR_OK ? LOG_INFO : LOG_WARN, "mail", d->smtp == NULL ? "mail_kept" : "mail_sent",
	    LOG_I("id", mail->id), LOG_S("kind", mail->kind), LOG_I("tries", mail->tries),
	    LOG_C("recorded", err_text(e)));
	buf_free(&b);
	arena_reset(&arena);
}

static void report_failed(struct delivery *d, const struct outbox_mail *mail, int64_t lease,
    const struct smtp_outcome *outcome)
{
	struct outbox_retry_req request = { mail->id, lease, outcome->final,
		slice_str(outcome->text) };
	struct arena arena = arena_new(CALL_BYTES);
	struct buf b = buf_new(CALL_BYTES);

	outbox_put_retry_req(&b, &request);
	enum err e = call_store(d, &accounts_outbox_retry, &b, &arena, NULL);
	LOG(LOG_WARN, "mail", outcome->final ? "mail_refused" : "mail_delayed",
	    LOG_I("id", mail->id), LOG_S("kind", mail->kind), LOG_I("tries", mail->tries),
	    LOG_I("code", outcome->code), LOG_C("why", outcome->text),
	    LOG_C("recorded", err_text(e)));
	buf_free(&b);
	arena_reset(&arena);
}

/* Where the mail comes back to (VERP: an address for each recipient, see mail_address.h). */
static void return_path(const struct delivery *d, const struct outbox_mail *mail, struct buf *out)
{
	if (mail->verp.len == 0 || d->bounce_domain.len == 0) {
		buf_append_slice(out, mime_address(d->sender.from));
	} else {
		buf_printf(
		    out, "bounce+%.*s@%.*s", SLICE_ARG(mail->verp), SLICE_ARG(d->bounce_domain));
	}
}

static enum err send_mail(
    struct delivery *d, const struct outbox_mail *mail, struct smtp_outcome *ret_outcome)
{
	struct buf b = buf_new(MESSAGE_BYTES);
	struct buf path = buf_new(CALL_BYTES);
	struct slice message = SLICE_EMPTY;

	if (d->smtp == NULL) {
		return ERR_OK;
	}
	mime_compose(&b, &d->sender, mail);
	return_path(d, mail, &path);
	enum err e = buf_finish(&b, &message);
	if (e == ERR_OK) {
		e = smtp_send(d->smtp, buf_slice(&path), mail->recipient, message, ret_outcome);
	} else { /* memory is short: tried again */
		(void)snprintf(ret_outcome->text, sizeof(ret_outcome->text), "no memory");
	}
	buf_free(&b);
	buf_free(&path);
	return e;
}

static void free_batch(struct batch *b)
{
	arena_reset(&b->arena);
	free(b);
}

static void is_done(struct delivery *d)
{
	if (d->stopping && d->running == 0 && d->dispatcher == NULL && d->drained != NULL) {
		d->drained(d->drained_arg);
		d->drained = NULL;
	}
}

static bool has_room(const struct delivery *d)
{
	return d->window - d->sending >= d->refill;
}

static void run_job(void *arg)
{
	const struct job *job = arg;
	struct batch *b = job->batch;
	struct delivery *d = b->d;
	struct smtp_outcome outcome = { 0 };
	enum err e = send_mail(d, job->mail, &outcome);

	d->sending--;
	if (d->waits_for_room && has_room(d)) {
		task_wake(d->dispatcher);
	}
	if (e == ERR_OK) {
		report_sent(d, job->mail, b->leased.lease);
	} else if (e != ERR_CANCELLED) {
		report_failed(d, job->mail, b->leased.lease, &outcome);
	}
	if (--b->left == 0) {
		free_batch(b);
	}
	d->running--;
	is_done(d);
}

/* ---- the dispatcher ---- */

/* A task for each row. One that cannot be started comes up again when its lease runs out. */
static void start_jobs(struct delivery *d, struct batch *b)
{
	b->d = d;
	b->left = 1; /* us */
	for (uint32_t i = 0; i < b->leased.n; i++) {
		b->jobs[i] = (struct job){ b, &b->leased.mails[i] };
		enum err e = task_spawn(d->env->loop, run_job, &b->jobs[i], DEADLINE_NONE, NULL);
		if (e != ERR_OK) {
			LOG(LOG_WARN, "mail", "mail_not_started",
			    LOG_I("id", b->leased.mails[i].id), LOG_C("err", err_text(e)));
			continue;
		}
		b->left++;
		d->sending++;
		d->running++;
	}
	if (--b->left == 0) {
		free_batch(b);
	}
}

/* Leases up to n rows into b, which is freed by whoever ends last. When to look again. */
static int64_t lease_some(struct delivery *d, unsigned n, struct batch *b)
{
	const struct outbox_lease_req request = { n < OUTBOX_LEASE_MAX ? n : OUTBOX_LEASE_MAX,
		d->send_timeout_ms + LEASE_SLACK_MS };
	struct buf message = buf_new(CALL_BYTES);
	struct slice reply = SLICE_EMPTY;

	outbox_put_lease_req(&message, &request);
	enum err e = call_store(d, &accounts_outbox_lease, &message, &b->arena, &reply);
	buf_free(&message);
	if (e != ERR_OK) {
		free_batch(b);
		return clock_mono_us() + STORE_AWAY_US;
	}
	CHECK(outbox_take_leased(reply, &b->leased));
	int64_t idle_us = IDLE_LOOK_US;
	if (b->leased.next_due_ms != INT64_MAX) {
		int64_t due_us = (b->leased.next_due_ms - clock_wall_ms()) * 1000;
		idle_us = due_us < idle_us ? due_us : idle_us;
	}
	start_jobs(d, b);
	return idle_us <= 0 ? 0 : clock_mono_us() + idle_us;
}

static int64_t work_once(struct delivery *d)
{
	unsigned room = d->window - d->sending;
	struct batch *b = has_room(d) ? calloc(1, sizeof(*b)) : NULL;

	d->waits_for_room = !has_room(d);
	if (d->waits_for_room) {
		return DEADLINE_NONE;
	}
	if (b == NULL) {
		return clock_mono_us() + STORE_AWAY_US;
	}
	b->arena = arena_new(accounts_outbox_lease.max_rep + CALL_BYTES);
	return lease_some(d, room, b);
}

static void run_dispatcher(void *arg)
{
	struct delivery *d = arg;

	while (!d->stopping && !task_is_cancelled(task_current())) {
		/* A wake that comes during the calls of work_once() would be taken for theirs. */
		uint64_t wakes = d->wakes;
		int64_t again_us = work_once(d);
		bool look = wakes != d->wakes && !d->waits_for_room;
		if (again_us > 0 && !look && !d->stopping) {
			enum err e = task_wait(again_us);
			/* Woken, time to look again, or cancelled: the loop's condition tells. */
			(void)e;
		}
	}
	d->waits_for_room = false;
	d->dispatcher = NULL;
	is_done(d);
}

static void wake(void *arg)
{
	struct delivery *d = arg;

	d->wakes++;
	if (d->dispatcher != NULL) {
		task_wake(d->dispatcher);
	}
}

/* ---- life ---- */

static struct slice host_of_url(const char *url)
{
	struct slice s = slice_str(url);

	s = slice_sub(s, slice_starts(s, SLICE("https://")) ? 8 : 7, s.len);
	return slice_sub(s, 0, slice_find(s, ':', 0));
}

static unsigned connections_of(const struct conf *conf)
{
	return (unsigned)conf_int(conf, "mail", "connections");
}

static enum err open_smtp(struct delivery *d, const struct conf *conf, struct buf *password,
    struct buf *ca, struct err_note *note)
{
	struct mail_server server;
	enum err e = mail_server_of(conf, &server, note);

	if (e != ERR_OK || server.host.len == 0) {
		return e;
	}
	e = mail_password_read(conf, password, note);
	if (e == ERR_OK) {
		e = mail_ca_read(conf, ca, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	const struct smtp_options o = {
		.url = conf_str(conf, "mail", "smtp"),
		.user = conf_str(conf, "mail", "user"),
		.password = buf_slice(password),
		.tls = server.tls,
		.ca = buf_slice(ca),
		.timeout_ms = d->send_timeout_ms,
		.max_connections = connections_of(conf),
	};
	e = smtp_client_new(d->env->loop, &o, &d->smtp);
	return e == ERR_OK ? ERR_OK : err_note_set(note, e, "SMTP client: %s", err_text(e));
}

static enum err open_client(struct delivery *d, const struct conf *conf, struct err_note *note)
{
	struct buf password = buf_new(MAIL_SECRET_MAX), ca = buf_new(MAIL_CA_MAX);
	enum err e = open_smtp(d, conf, &password, &ca, note);

	if (password.data != NULL) {
		OPENSSL_cleanse(password.data, password.cap);
	}
	buf_free(&password);
	buf_free(&ca);
	return e;
}

enum err delivery_new(struct svc_env *env, struct delivery **ret, struct err_note *note)
{
	struct delivery *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		return err_note_set(note, ERR_MEMORY, "courier: out of memory");
	}
	d->env = env;
	d->sender.from = slice_str(conf_str(env->conf, "mail", "from"));
	d->sender.host = host_of_url(conf_str(env->conf, "plimsoll", "public_url"));
	d->bounce_domain = slice_str(conf_str(env->conf, "mail", "bounce_domain"));
	unsigned connections = connections_of(env->conf);
	d->refill = connections < REFILL_PART ? 1 : connections / REFILL_PART;
	d->window = connections + REFILLS_AHEAD * d->refill;
	d->send_timeout_ms = conf_ms(env->conf, "mail", "timeout");
	enum err e = open_client(d, env->conf, note);
	if (e != ERR_OK) {
		free(d);
		return e;
	}
	*ret = d;
	return ERR_OK;
}

enum err delivery_start(struct delivery *d, struct err_note *note)
{
	enum err e = task_spawn(d->env->loop, run_dispatcher, d, DEADLINE_NONE, &d->dispatcher);

	if (e != ERR_OK) {
		return err_note_set(note, e, "courier: %s", err_text(e));
	}
	accounts_on_courier_wake(wake, d);
	return ERR_OK;
}

/* Cutting takes up to a second, and what became of the mails is told to the store afterwards. */
static void cut_late(void *arg)
{
	struct delivery *d = arg;
	enum err e = ERR_OK;

	while (e == ERR_OK) { /* until the time has come: nobody wakes or cancels us */
		e = task_wait(DEADLINE_NONE);
	}
	if (d->smtp != NULL) {
		smtp_abandon(d->smtp);
	}
}

void delivery_drain(struct delivery *d, int64_t deadline_us, void (*done)(void *arg), void *arg)
{
	enum err e = task_spawn(d->env->loop, cut_late, d, deadline_us - CUT_US, NULL);

	(void)e; /* without it the process ends a little later: delivery_free() cuts, too */
	d->stopping = true;
	d->drained = done;
	d->drained_arg = arg;
	wake(d);
	is_done(d);
}

void delivery_free(struct delivery **d)
{
	if (*d != NULL) {
		smtp_client_free(&(*d)->smtp);
		free(*d);
		*d = NULL;
	}
}
