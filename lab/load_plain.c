/*
 * Activities that are plain requests, one behind the other: their texts are made once, and no
 * coroutine runs. What a device is, cookies and checks they do without, and cost a fraction.
 */
#include <stdlib.h>

#include "lab/load_priv.h"
#include "lab/user_api.h"

enum {
	TEXTS_BYTES = 1 << 20,
	/* Of the only device of a user; numbers of browsers that models make come from below. */
	DEVICE_OF_PLAIN = 1 << 30,
};

enum err load_plain_set_up(struct load *l, struct err_note *note)
{
	bool close = l->behaviour.connection == CONNECTION_REQUEST;
	struct buf text = buf_new(TEXTS_BYTES);
	enum err e = ERR_OK;

	for (unsigned i = 0; i < l->model->n_activities && e == ERR_OK; i++) {
		const struct model_activity *a = &l->model->activities[i];
		for (unsigned k = 0; k < a->n_gets && e == ERR_OK; k++) {
			buf_clear(&text);
			buf_printf(&text,
			    "GET %s HTTP/1.1\r\nUser-Agent: plimsoll-lab\r\nHost: %s\r\n%s\r\n",
			    a->gets[k], l->host, close ? "Connection: close\r\n" : "");
			e = text.failed ? ERR_MEMORY
					: arena_copy(&l->plain_texts, buf_slice(&text),
					      &l->sources[i].gets[k]);
		}
	}
	buf_free(&text);
	return e == ERR_OK ? ERR_OK : err_note_set(note, e, "no memory for the requests");
}

void load_plain_next(struct load_run *run)
{
	const struct load_source *source = &run->load->sources[run->activity];
	const struct model_activity *a = &run->load->model->activities[run->activity];
	unsigned k = run->n_plain++;

	if (k == a->n_gets) {
		load_run_end(run, RUN_DONE);
		return;
	}
	run->out = source->gets[k];
	run->browser = (unsigned)(DEVICE_OF_PLAIN + run->user % DEVICE_OF_PLAIN);
	run->expect = 200;
	run->sees_refusals = false;
	load_run_set_step(run, user_step_of_path(slice_str(a->gets[k])));
	load_run_begin_request(run);
	load_run_send(run);
}
