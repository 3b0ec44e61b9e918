/*
 * The run itself is load.c's; here are its hooks and the messages.
 */
#include "lab/fleet_worker.h"

#include <sys/socket.h>

#include "lab/fleet_frame.h"
#include "lab/load_wire.h"

enum {
	SECOND_BYTES = 1 << 20,
};

struct fleet_worker {
	int fd;
	const char *from;
	/* Of the last job: users of the same model stay who they are, in the next one too. */
	struct buf name, text; /* owned */
	struct model *model;   /* owned */
};

/* Users are prepared: the leader says when it begins. */
static void on_moment(void *arg, enum load_moment moment)
{
	struct fleet_worker *w = arg;
	struct buf message = buf_new(FLEET_JOB_BYTES);
	enum fleet_kind kind = FLEET_STOP;

	if (moment != LOAD_BEGINS) {
		return;
	}
	if (fleet_send(w->fd, FLEET_READY, SLICE_EMPTY) != ERR_OK ||
	    fleet_receive(w->fd, FLEET_JOB_BYTES, &message, &kind) != ERR_OK || kind != FLEET_GO) {
		(void)shutdown(w->fd, SHUT_RD); /* readable from now on: the run ends at once */
	}
	buf_free(&message);
}

/* Where nobody listens any more, the end of fd ends the run. */
static void tell(struct fleet_worker *w, enum fleet_kind kind, const struct buf *message)
{
	if (!message->failed) {
		(void)!fleet_send(w->fd, kind, buf_slice(message));
	}
}

static bool on_tick(void *arg, const struct load_tick *now)
{
	struct buf message = buf_new(SECOND_BYTES);

	load_wire_put_tick(now, &message);
	tell(arg, FLEET_TICK, &message);
	buf_free(&message);
	return true;
}

/* The leader says something while the run lasts. */
static enum load_stop on_stop(void *arg)
{
	struct fleet_worker *w = arg;
	struct buf message = buf_new(FLEET_JOB_BYTES);
	enum fleet_kind kind = FLEET_STOP;
	enum err e = fleet_receive(w->fd, FLEET_JOB_BYTES, &message, &kind);

	buf_free(&message);
	return e == ERR_OK && kind == FLEET_END ? LOAD_STOP_SOFTLY : LOAD_STOP_NOW;
}

static void on_second(void *arg, const struct load_now *now)
{
	struct buf message = buf_new(SECOND_BYTES);

	load_wire_put_now(now, &message);
	tell(arg, FLEET_SECOND, &message);
	buf_free(&message);
}

void fleet_worker_hook(struct fleet_worker *w, struct load_plan *plan)
{
	plan->at_moment = on_moment;
	plan->at_second = on_second;
	plan->at_tick = plan->tick_ms > 0 ? on_tick : NULL;
	plan->on_stop = on_stop;
	plan->moment_arg = plan->second_arg = plan->tick_arg = plan->stop_arg = w;
	plan->stop_fd = w->fd;
}

enum err fleet_worker_result(struct fleet_worker *w, const struct load_result *r, struct slice own)
{
	struct buf message = buf_new(LOAD_WIRE_BYTES);
	struct slice all = SLICE_EMPTY;

	load_wire_put_result(r, &message);
	enum err e = buf_finish(&message, &all);
	if (e == ERR_OK && own.len > 0) {
		e = fleet_send(w->fd, FLEET_OWN, own);
	}
	if (e == ERR_OK) {
		e = fleet_send(w->fd, FLEET_RESULT, all);
	}
	buf_free(&message);
	return e;
}

/* The plan and the model of a job; texts borrowed from it. */
static enum err read_job(struct slice job, struct load_plan *plan, const char **ret_preset,
    struct slice *ret_name, struct slice *ret_text, struct err_note *note)
{
	struct wire_reader in = wire_reader_new(job);
	bool good = load_wire_take_plan(&in, plan, ret_preset);

	*ret_name = wire_take_bytes(&in); /* ends with NUL */
	*ret_text = wire_take_bytes(&in);
	good =
	    good && wire_done(&in) && ret_name->len > 0 && ret_name->ptr[ret_name->len - 1] == '\0';
	return good ? ERR_OK : err_note_set(note, ERR_SYNTAX, "the leader sent no job");
}

/* The model of a job; the one of the last job if it is the same. */
static enum err need_model(struct fleet_worker *w, struct slice name, struct slice text,
    uint64_t seed, struct err_note *note)
{
	if (w->model != NULL && slice_eq(name, buf_slice(&w->name)) &&
	    slice_eq(text, buf_slice(&w->text))) {
		return ERR_OK;
	}
	model_close(&w->model);
	buf_clear(&w->name);
	buf_clear(&w->text);
	buf_append_slice(&w->name, name);
	buf_append_slice(&w->text, text);
	return w->name.failed || w->text.failed
		   ? ERR_LIMIT
		   : model_open_text(w->name.data, buf_slice(&w->text), seed, &w->model, note);
}

static enum err do_job(struct fleet_worker *w, struct slice job, struct err_note *note)
{
	struct load_plan plan;
	const char *preset = NULL;
	struct slice name = SLICE_EMPTY, text = SLICE_EMPTY;
	struct load_result *r = NULL;

	enum err e = read_job(job, &plan, &preset, &name, &text, note);
	if (e == ERR_OK) {
		/* What models draw is of each generator. */
		e = need_model(w, name, text, plan.seed + plan.share, note);
	}
	if (e == ERR_OK) {
		e = model_find_preset(w->model, preset, &plan.preset, note);
	}
	if (e == ERR_OK) {
		plan.from = w->from == NULL ? plan.from : w->from;
		fleet_worker_hook(w, &plan);
		e = load_run(w->model, &plan, &r, note);
	}
	if (e == ERR_OK) {
		e = fleet_worker_result(w, r, SLICE_EMPTY);
	}
	load_result_free(&r);
	return e;
}

/* The next job; a word to end one may still come when that has ended. ERR_PEER_GONE: no more. */
static enum err next_job(struct fleet_worker *w, struct buf *job)
{
	enum fleet_kind kind = FLEET_STOP;
	enum err e = ERR_OK;

	do {
		e = fleet_receive(w->fd, FLEET_JOB_BYTES, job, &kind);
	} while (e == ERR_OK && (kind == FLEET_END || kind == FLEET_STOP));
	return e == ERR_OK && kind != FLEET_JOB ? ERR_SYNTAX : e;
}

static void tell_error(struct fleet_worker *w, enum err e, struct err_note *note)
{
	if (note->text[0] == '\0') {
		(void)!err_note_set(
		    note, e, "%s", e == ERR_PEER_GONE ? "the leader is gone" : err_text(e));
	}
	(void)!fleet_send(w->fd, FLEET_ERROR, slice_str(note->text));
}

enum err fleet_work_on(int fd, fleet_work_fn *fn, void *arg, unsigned number, struct err_note *note)
{
	struct fleet_worker w = { .fd = fd };
	enum err e = fn(arg, &w, number, note);

	if (e != ERR_OK) {
		tell_error(&w, e, note);
	}
	return e;
}

enum err fleet_work(int fd, const char *from, struct err_note *note)
{
	struct fleet_worker w = { .fd = fd,
		.from = from,
		.name = buf_new(FLEET_JOB_BYTES),
		.text = buf_new(FLEET_JOB_BYTES) };
	struct buf job = buf_new(FLEET_JOB_BYTES);
	unsigned n = 0;
	enum err e = ERR_OK;

	for (bool more = true; more; n++) {
		e = next_job(&w, &job);
		if (e == ERR_PEER_GONE && n > 0) {
			e = ERR_OK; /* the leader has had all it wanted */
			break;
		}
		e = e == ERR_OK ? do_job(&w, buf_slice(&job), note) : e;
		more = e == ERR_OK;
	}
	if (e != ERR_OK) {
		tell_error(&w, e, note);
	}
	model_close(&w.model);
	buf_free(&w.name);
	buf_free(&w.text);
	buf_free(&job);
	return e;
}
