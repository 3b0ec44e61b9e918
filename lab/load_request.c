/*
 * One request of an activity: on which connection it goes, and what becomes of it: a right answer,
 * which goes to the model, a wrong one, a refusal, none.
 */
#include "core/base/clock.h"
#include "lab/load_priv.h"

enum {
	RETRY_AFTER_MAX_S = 60
};

static void on_answer(void *arg, enum err e, const char *what);

/* The connection of the browser, an open one if the activity has one. NULL: the run has failed. */
static struct client_conn *connection(struct load_run *run)
{
	struct err_note note = { 0 };
	unsigned i = 0;

	while (i < run->n_conns && run->browsers[i] != run->browser) {
		i++;
	}
	if (i == run->n_conns && i < RUN_CONNS_MAX) {
		run->conns[run->n_conns++] = NULL;
	} else if (i == RUN_CONNS_MAX) {
		i--; /* the newest gives its place */
	} else if (run->conns[i] != NULL && client_conn_is_usable(run->conns[i])) {
		return run->conns[i];
	}
	client_conn_close(&run->conns[i]);
	enum err e = client_conn_open(&run->load->client, &run->conns[i], &note);
	if (e != ERR_OK) {
		run->load->result->own_faults += e == ERR_PEER_GONE ? 0 : 1;
		load_run_fail(run, "%s", note.text);
		return NULL;
	}
	run->browsers[i] = run->browser;
	return run->conns[i];
}

void load_run_send(struct load_run *run)
{
	struct slice text = SLICE_EMPTY;

	if (buf_finish(&run->text, &text) != ERR_OK) {
		run->load->result->own_faults++;
		load_run_fail(run, "no memory for the request");
		return;
	}
	run->sent_us = clock_mono_us();
	struct client_conn *conn = connection(run);
	if (conn == NULL) {
		return;
	}
	struct load_step *step = load_run_step(run);
	if (step != NULL) {
		step->sent++;
		hdr_record(&run->load->result->lateness, run->sent_us - run->step_intended_us);
		if (!run->has_sent) {
			hdr_record(&run->load->result->first_lateness,
			    run->sent_us - run->step_intended_us);
		}
		run->has_sent = true;
	}
	run->conn = conn;
	client_conn_send(conn, text, on_answer, run);
}

/* Seconds that a refusal asks to wait: Retry-After as a number, else one. */
static double retry_after(const struct answer *a)
{
	uint64_t seconds = 1;
	struct slice value = answer_find(a, SLICE("retry-after"));

	if (value.ptr != NULL && slice_to_u64(value, RETRY_AFTER_MAX_S, &seconds) != ERR_OK) {
		seconds = 1;
	}
	return (double)seconds;
}

/* False: it is not to be tried again. */
static bool retry_later(struct load_run *run, double seconds)
{
	struct load *l = run->load;
	struct load_step *step = load_run_step(run);

	if (!l->honours_retry_after || run->tries >= LOAD_RETRIES || l->ending) {
		return false;
	}
	run->tries++;
	run->waits_to_retry = true;
	if (due_add(&l->due, (struct due){ clock_mono_us() + (int64_t)(seconds * 1e6), run }) !=
	    ERR_OK) {
		return false;
	}
	if (step != NULL) {
		step->retried++;
	}
	return true;
}

/* Method and path without the query, which differs from user to user. */
static struct slice request_name(const struct load_run *run)
{
	struct slice line = slice_sub(buf_slice(&run->text), 0, 80);

	line = slice_sub(line, 0, slice_find(line, ' ', slice_find(line, ' ', 0) + 1));
	return slice_sub(line, 0, slice_find(line, '?', 0));
}

static void answered(struct load_run *run, const struct answer *a)
{
	struct load_step *step = load_run_step(run);
	int64_t now_us = client_conn_answered_us(run->conn);

	if (a->status == 503) {
		if (step != NULL) {
			step->refused++;
		}
		if (!retry_later(run, retry_after(a))) {
			load_run_end(run, RUN_REFUSED);
		}
		return;
	}
	bool right = run->expect == EXPECT_ANY || a->status == run->expect;
	if (step != NULL) {
		step->done += right ? 1 : 0;
		step->failed += right ? 0 : 1;
		hdr_record(&step->latency, now_us - run->step_intended_us);
		hdr_record(&step->service, now_us - run->sent_us);
		hdr_record(&run->load->result->service, now_us - run->sent_us);
	}
	if (!right) {
		load_run_fail(run, "%.*s answered %d: %.*s", SLICE_ARG(request_name(run)),
		    a->status, SLICE_ARG(slice_sub(buf_slice(&a->body), 0, 100)));
		return;
	}
	run->step_intended_us = now_us; /* of the next request, unless it thinks before */
	load_run_hand_over(run, a);
}

static void on_answer(void *arg, enum err e, const char *what)
{
	struct load_run *run = arg;
	struct load_step *step = load_run_step(run);

	if (e == ERR_OK) {
		answered(run, client_conn_answer(run->conn));
		return;
	}
	/* A server may close a kept connection at any time; browsers then try once on a new one. */
	if (e == ERR_PEER_GONE && !run->repeated && client_conn_was_used(run->conn) &&
	    !answer_has_begun(client_conn_answer(run->conn))) {
		run->repeated = true;
		if (step != NULL) {
			step->sent--;
		}
		load_run_send(run);
		return;
	}
	if (step != NULL) {
		step->failed++;
	}
	load_run_fail(run, "%s: %s", step == NULL ? "request" : step->name, what);
}
