/*
 * The run itself is load.c's; here are its hooks and the messages.
 */
#include "lab/fleet_worker.h"

#include <sys/socket.h>

#include "lab/fleet_frame.h"
#include "lab/load_wire.h"

enum {
	JOB_BYTES = 2 << 20,
	SECOND_BYTES = 1 << 20,
};

struct worker {
	int fd;
};

/* Users are prepared: the leader says when it begins. */
static void on_moment(void *arg, enum load_moment moment)
{
	struct worker *w = arg;
	struct buf message = buf_new(JOB_BYTES);
	enum fleet_kind kind = FLEET_STOP;

	if (moment != LOAD_BEGINS) {
		return;
	}
	if (fleet_send(w->fd, FLEET_READY, SLICE_EMPTY) != ERR_OK ||
	    fleet_receive(w->fd, JOB_BYTES, &message, &kind) != ERR_OK || kind != FLEET_GO) {
		(void)shutdown(w->fd, SHUT_RD); /* readable from now on: the run ends at once */
	}
	buf_free(&message);
}

static void on_second(void *arg, const struct load_now *now)
{
	struct worker *w = arg;
	struct buf message = buf_new(SECOND_BYTES);

	load_wire_put_now(now, &message);
	/* Where nobody listens any more, the end of fd ends the run. */
	if (!message.failed) {
		enum err ignored = fleet_send(w->fd, FLEET_SECOND, buf_slice(&message));
		(void)ignored;
	}
	buf_free(&message);
}

static enum err send_result(struct worker *w, const struct load_result *r)
{
	struct buf message = buf_new(LOAD_WIRE_BYTES);
	struct slice all = SLICE_EMPTY;

	load_wire_put_result(r, &message);
	enum err e = buf_finish(&message, &all);
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

static enum err do_job(struct worker *w, struct slice job, const char *from, struct err_note *note)
{
	struct load_plan plan;
	const char *preset = NULL;
	struct slice name = SLICE_EMPTY, text = SLICE_EMPTY;
	struct model *m = NULL;
	struct load_result *r = NULL;

	enum err e = read_job(job, &plan, &preset, &name, &text, note);
	if (e == ERR_OK) {
		/* What models draw is of each generator. */
		e = model_open_text(name.ptr, text, plan.seed + plan.share, &m, note);
	}
	if (e == ERR_OK) {
		e = model_find_preset(m, preset, &plan.preset, note);
	}
	if (e == ERR_OK) {
		plan.from = from == NULL ? plan.from : from;
		plan.at_moment = on_moment;
		plan.at_second = on_second;
		plan.moment_arg = plan.second_arg = w;
		plan.stop_fd = w->fd;
		e = load_run(m, &plan, &r, note);
	}
	if (e == ERR_OK) {
		e = send_result(w, r);
	}
	load_result_free(&r);
	model_close(&m);
	return e;
}

enum err fleet_work(int fd, const char *from, struct err_note *note)
{
	struct worker w = { .fd = fd };
	struct buf job = buf_new(JOB_BYTES);
	enum fleet_kind kind = FLEET_STOP;

	enum err e = fleet_receive(fd, JOB_BYTES, &job, &kind);
	if (e == ERR_OK && kind != FLEET_JOB) {
		e = ERR_SYNTAX;
	}
	if (e != ERR_OK) {
		e = err_note_set(note, e, "the leader is gone");
	} else {
		e = do_job(&w, buf_slice(&job), from, note);
	}
	if (e != ERR_OK) {
		enum err ignored = fleet_send(fd, FLEET_ERROR, slice_str(note->text));
		(void)ignored;
	}
	buf_free(&job);
	return e;
}
