/*
 * What the coroutine of a run asks for, kept until whoever resumed it looks.
 */
#include <string.h>

#include "lab/load_priv.h"

static unsigned find_step(struct load_activity *a, struct slice name)
{
	name = slice_sub(name, 0, STEP_NAME_BYTES - 1);
	for (unsigned i = 0; i < a->n_steps; i++) {
		if (slice_eq(slice_str(a->steps[i].name), name)) {
			return i;
		}
	}
	if (a->n_steps == LOAD_STEPS_MAX) {
		return LOAD_STEPS_MAX - 1;
	}
	if (a->n_steps == LOAD_STEPS_MAX - 1) {
		name = SLICE("more");
	}
	memcpy(a->steps[a->n_steps].name, name.ptr, name.len);
	return a->n_steps++;
}

void load_run_set_step(struct load_run *run, struct slice name)
{
	if (run->activity >= 0) {
		run->step = find_step(load_run_activity(run), name);
	}
}

static void ask_request(void *arg, const struct user_request *r)
{
	struct load_run *run = arg;
	bool close = run->load->behaviour.connection == CONNECTION_REQUEST;

	run->asked = RUN_REQUEST;
	buf_clear(&run->text);
	buf_append(&run->text, r->text.ptr, r->head_bytes - 2);
	buf_append_str(&run->text, close ? "Connection: close\r\n\r\n" : "\r\n");
	buf_append_slice(&run->text, slice_sub(r->text, r->head_bytes, r->text.len));
	run->browser = r->browser;
	run->expect = r->expect;
	run->sees_refusals = r->sees_refusals;
	load_run_begin_request(run);
	load_run_set_step(run, r->step);
}

void load_run_begin_request(struct load_run *run)
{
	run->tries = 0;
	run->repeated = false;
	run->give_up_us = INT64_MAX;
	if (run->activity >= 0 && run->load->behaviour.patience_s > 0) {
		double s = behaviour_patience_s(&run->load->behaviour, &run->load->mood);
		run->give_up_us = run->step_intended_us + (int64_t)(s * 1e6);
	}
}

static void ask_think(void *arg, double seconds)
{
	struct load_run *run = arg;

	run->asked = RUN_THINK;
	run->think_s = seconds;
}

const struct user_hooks load_run_hooks = { .request = ask_request,
	.think = ask_think,
	.open_socket = load_socket_open,
	.socket = load_socket_ask };
