/*
 * One request of an activity: on which connection it goes, and what becomes of it: a right answer,
 * which goes to the model, a wrong one, a refusal, none.
 */
#include "core/base/clock.h"
#include "lab/load_priv.h"

static void on_answer(void *arg, enum err e, const char *what);

static void first_sent(struct load_run *run)
{
	struct load *l = run->load;

	hdr_record(&l->result->first_lateness, run->sent_us - run->step_intended_us);
	if (!run->has_thought) {
		gap_stream_sent(&l->sources[run->activity].gaps, &l->result->gaps,
		    (double)(run->sent_us - l->start_us) / 1e6);
	}
}

void load_run_send(struct load_run *run)
{
	if (run->n_plain == 0 && buf_finish(&run->text, &run->out) != ERR_OK) {
		run->load->result->own_faults++;
		load_run_fail(run, "no memory for the request");
		return;
	}
	run->sent_us = clock_mono_us();
	struct client_conn *conn = load_run_connection(run);
	if (conn == NULL) {
		return;
	}
	struct load_step *step = load_run_step(run);
	if (step != NULL) {
		step->sent++;
		hdr_record(&run->load->result->lateness, run->sent_us - run->step_intended_us);
		if (!run->has_sent) {
			first_sent(run);
		}
		run->has_sent = true;
	}
	run->conn = conn;
	int64_t deadline_us = run->sent_us + (int64_t)(run->load->plan.timeout_s * 1e6);
	client_conn_send(conn, run->out,
	    deadline_us < run->give_up_us ? deadline_us : run->give_up_us, on_answer, run);
}

/* Method and path without the query, which differs from user to user. */
static struct slice request_name(const struct load_run *run)
{
	struct slice line = slice_sub(run->out, 0, 80);

	line = slice_sub(line, 0, slice_find(line, ' ', slice_find(line, ' ', 0) + 1));
	return slice_sub(line, 0, slice_find(line, '?', 0));
}

/* Neither right nor refused: tried again, or the end. */
static void wrong(struct load_run *run, const struct answer *a)
{
	if (!load_run_retry(run, a)) {
		load_run_fail(run, "%.*s answered %d: %.*s", SLICE_ARG(request_name(run)),
		    a->status, SLICE_ARG(slice_sub(buf_slice(&a->body), 0, 100)));
	}
}

static void answered(struct load_run *run, const struct answer *a)
{
	struct load_step *step = load_run_step(run);
	int64_t now_us = client_conn_answered_us(run->conn);
	bool right = a->status == run->expect || (run->expect == EXPECT_ANY && a->status != 503);

	load_run_heed(run, a);
	if (a->status == 503 && !right) {
		if (step != NULL) {
			step->refused++;
			load_tell_refusal(run, now_us);
		}
		if (run->sees_refusals) {
			run->step_intended_us = now_us;
			load_run_hand_over(run, a);
		} else if (!load_run_retry(run, a)) {
			load_run_end(run, RUN_REFUSED);
		}
		return;
	}
	if (step != NULL) {
		step->done += right ? 1 : 0;
		step->failed += right ? 0 : 1;
		hdr_record(&step->latency, now_us - run->step_intended_us);
		hdr_record(&step->service, now_us - run->sent_us);
		hdr_record(&run->load->result->service, now_us - run->sent_us);
	}
	if (!right) {
		wrong(run, a);
		return;
	}
	load_run_note_right(run, now_us);
	run->step_intended_us = now_us; /* of the next request, unless it thinks before */
	load_run_hand_over(run, a);
}

/* The person has waited long enough, and closes the page. */
static void give_up(struct load_run *run)
{
	struct load_step *step = load_run_step(run);

	if (step != NULL) {
		step->gave_up++;
	}
	load_run_end(run, RUN_GAVE_UP);
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
	if (e == ERR_DEADLINE && clock_mono_us() >= run->give_up_us) {
		give_up(run);
		return;
	}
	if (step != NULL) {
		step->failed++;
	}
	if (!load_run_retry(run, NULL)) {
		load_run_fail(run, "%s: %s", step == NULL ? "request" : step->name, what);
	}
}
