/*
 * One request of a replay: its text, which the log names, and what becomes of it beside what the
 * log says became of it then.
 */
#include <stdio.h>

#include "core/base/clock.h"
#include "lab/replay_priv.h"
#include "lab/route.h"

/* ---- what is sent ---- */

/* The step of a route; all beyond the most there may be count together. */
static struct load_step *find_step(struct replay *r, struct slice path)
{
	struct load_activity *a = replay_figures(r);
	char room[ROUTE_BYTES + 8];
	struct buf name = buf_new(sizeof(room));

	route_put(path, &name);
	struct slice text = slice_sub(buf_slice(&name), 0, STEP_NAME_BYTES - 1);
	unsigned i = 0;
	while (i < a->n_steps && !slice_eq(slice_str(a->steps[i].name), text)) {
		i++;
	}
	if (i == a->n_steps) {
		if (a->n_steps == LOAD_STEPS_MAX - 1) {
			text = SLICE("more");
		}
		if (a->n_steps < LOAD_STEPS_MAX) {
			memcpy(a->steps[a->n_steps++].name, text.ptr, text.len);
		} else {
			i = LOAD_STEPS_MAX - 1;
		}
	}
	buf_free(&name);
	return &a->steps[i];
}

static void make_text(struct replay_slot *s)
{
	struct replay *r = s->replay;
	const struct access_record *record = replay_record_at(r, s->place);
	struct slice method = names_text(&r->log->methods, record->method);

	buf_clear(&s->text);
	buf_append_slice(&s->text, method);
	buf_append_char(&s->text, ' ');
	buf_append_slice(&s->text, names_text(&r->log->paths, record->path));
	buf_printf(&s->text, " HTTP/1.1\r\nUser-Agent: plimsoll-lab\r\nHost: %s\r\n", r->l.host);
	struct slice body = SLICE_EMPTY;
	if (record->body != ACCESS_NO_BODY) {
		body = names_text(&r->log->bodies, record->body);
		buf_printf(&s->text, "Content-Type: %.*s\r\n",
		    SLICE_ARG(names_text(&r->log->bodies, record->type)));
	}
	if (body.len > 0 || slice_eq(method, SLICE("POST")) || slice_eq(method, SLICE("PUT"))) {
		buf_printf(&s->text, "Content-Length: %zu\r\n", body.len);
	}
	buf_append_str(&s->text, "\r\n");
	buf_append_slice(&s->text, body);
}

/* ---- what comes ---- */

enum kind {
	KIND_HIT,
	KIND_MISS,
	KIND_OTHER,
};

static enum kind kind_of(int status)
{
	return status >= 200 && status < 400			 ? KIND_HIT
	       : status == 403 || status == 404 || status == 410 ? KIND_MISS
								 : KIND_OTHER;
}

static void count_kind(struct replay *r, int log_status, int status)
{
	struct replay_counts *c = &r->result->counts;
	enum kind now = kind_of(status);

	c->hits += now == KIND_HIT;
	c->misses += now == KIND_MISS;
	c->others += now == KIND_OTHER;
	if (log_status != 0) {
		enum kind then = kind_of(log_status);
		c->log_hits += then == KIND_HIT;
		c->log_misses += then == KIND_MISS;
		c->log_others += then == KIND_OTHER;
		c->changed += then != now;
	}
}

static void fail(struct replay_slot *s, const char *what)
{
	struct replay *r = s->replay;

	s->step->failed++;
	replay_figures(r)->failed++;
	r->l.second.failed++;
	r->result->counts.none++;
	load_note_failure(&r->l, s->step->name, what);
	replay_over(s);
}

static void answered(struct replay_slot *s, const struct answer *a)
{
	struct replay *r = s->replay;
	struct load_activity *f = replay_figures(r);
	int64_t now_us = client_conn_answered_us(s->conn);
	char text[40];

	count_kind(r, replay_record_at(r, s->place)->status, a->status);
	if (a->status == 503) {
		s->step->refused++;
		f->refused++;
		r->l.second.refused++;
		replay_over(s);
		return;
	}
	hdr_record(&s->step->latency, now_us - s->due_us);
	hdr_record(&s->step->service, now_us - s->sent_us);
	hdr_record(&r->l.result->service, now_us - s->sent_us);
	hdr_record(&f->latency, now_us - s->due_us);
	hdr_record(&r->l.second_latency, now_us - s->due_us);
	/* An error that the log has too is what it is to be. */
	if (a->status >= 500 && replay_record_at(r, s->place)->status < 500) {
		(void)snprintf(text, sizeof(text), "answered %d", a->status);
		s->step->failed++;
		f->failed++;
		r->l.second.failed++;
		load_note_failure(&r->l, s->step->name, text);
	} else {
		s->step->done++;
		f->done++;
		r->l.second.done++;
	}
	replay_over(s);
}

static void send_slot(struct replay_slot *s);

static void on_answer(void *arg, enum err e, const char *what)
{
	struct replay_slot *s = arg;

	if (e == ERR_OK) {
		answered(s, client_conn_answer(s->conn));
		return;
	}
	if (e == ERR_PEER_GONE && !s->repeated && client_conn_was_used(s->conn) &&
	    !answer_has_begun(client_conn_answer(s->conn))) {
		s->repeated = true; /* the server closed a kept connection: as browsers do */
		send_slot(s);
		return;
	}
	fail(s, what);
}

static void send_slot(struct replay_slot *s)
{
	struct replay *r = s->replay;
	struct err_note note = { 0 };

	if (s->conn == NULL || !client_conn_is_usable(s->conn)) {
		client_conn_close(&s->conn);
		enum err e = client_conn_open(&r->l.client, &s->conn, &note);
		if (e == ERR_LIMIT && !list_is_empty(&r->idle)) {
			replay_drop_idle(r, 0, 1);
			e = client_conn_open(&r->l.client, &s->conn, &note);
		}
		if (e != ERR_OK) {
			r->l.result->own_faults += e == ERR_PEER_GONE ? 0 : 1;
			fail(s, note.text);
			return;
		}
	}
	client_conn_send(s->conn, buf_slice(&s->text),
	    s->sent_us + (int64_t)(r->plan->load.timeout_s * 1e6), on_answer, s);
}

void replay_begin(struct replay_slot *s, size_t place)
{
	struct replay *r = s->replay;
	const struct access_record *record = replay_record_at(r, place);
	bool fast = r->plan->times == REPLAY_FAST;

	s->place = place;
	s->sent_us = clock_mono_us();
	s->due_us = fast ? s->sent_us : r->l.start_us + r->schedule->due_us[place];
	s->repeated = false;
	s->step = find_step(r, names_text(&r->log->paths, record->path));
	s->step->sent++;
	make_text(s);
	r->clients[s->client].n_busy++;
	r->l.n_running++;
	if (r->l.n_running > r->l.result->running_max) {
		r->l.result->running_max = r->l.n_running;
	}
	replay_figures(r)->begun++;
	r->l.second.begun++;
	send_slot(s);
}
