/*
 * See delivery.h. One dispatcher task leases rows and starts a task for each, which sends the mail
 * and says how it went. It sleeps until a row is due or the store says that a new one was
 * committed. So a single mail costs one lease and one connection. A long queue uses all of [mail]
 * connections, and leases somewhat more: those mails wait here for a connection, so that none waits
 * for a lease. Without [mail] smtp (development) a mail counts as delivered when it stands in the
 * outbox, where the admin listener's page shows it.
 */
#include <stdlib.h>

#include "accounts/courier/delivery_priv.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/ev/task.h"
#include "core/obs/log.h"

enum {
	LEASE_SLACK_MS = 5000,		/* a lease outlives the sending by so much */
	IDLE_LOOK_US = 5 * 1000 * 1000, /* `plimsoll user invite` has nobody to wake us */
	STORE_AWAY_US = 500 * 1000,	/* pause when the store does not answer */
	CUT_US = 1500 * 1000		/* what is on its way is cut so long before a drain's end */
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

enum err delivery_call_store(struct delivery *d, const struct rpc_def *def,
    const struct buf *request, struct arena *arena, struct slice *ret_reply)
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

/* ---- the task of a mail ---- */

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
	enum err e = delivery_send(d, job->mail, &outcome);

	d->sending--;
	if (d->waits_for_room && has_room(d)) {
		task_wake(d->dispatcher);
	}
	if (e == ERR_OK) {
		delivery_report_sent(d, job->mail, b->leased.lease);
	} else if (e != ERR_CANCELLED) {
		delivery_report_failed(d, job->mail, b->leased.lease, &outcome);
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
	struct buf message = buf_new(DELIVERY_CALL_BYTES);
	struct slice reply = SLICE_EMPTY;

	outbox_put_lease_req(&message, &request);
	enum err e = delivery_call_store(d, &accounts_outbox_lease, &message, &b->arena, &reply);
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
	b->arena = arena_new(accounts_outbox_lease.max_rep + DELIVERY_CALL_BYTES);
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
