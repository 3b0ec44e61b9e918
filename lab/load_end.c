/*
 * How a run is ended from outside: by a signal, or by whoever leads the generators.
 */
#include <signal.h>

#include "core/base/check.h"
#include "lab/load_priv.h"

static void on_signal(void *arg)
{
	struct load *l = arg;

	l->ends.now(l->ends.arg);
}

static void on_stop(uv_poll_t *handle, int status, int events)
{
	struct load *l = handle->data;

	(void)status;
	(void)events;
	switch (l->plan.on_stop(l->plan.stop_arg)) {
	case LOAD_GO_ON:
		return;
	case LOAD_STOP_SOFTLY:
		l->ends.softly(l->ends.arg);
		return;
	case LOAD_STOP_NOW:
		uv_poll_stop(handle);
		l->ends.now(l->ends.arg);
		return;
	}
}

enum err load_watch_end(struct load *l, const struct load_ends *ends)
{
	l->ends = *ends;
	if (l->plan.stop_fd > 0) {
		CHECK(uv_poll_init(loop_uv(l->loop), &l->stop, l->plan.stop_fd) == 0);
		l->stop.data = l;
		CHECK(uv_poll_start(&l->stop, UV_READABLE, on_stop) == 0);
		return ERR_OK;
	}
	enum err e = loop_on_signal(l->loop, SIGINT, on_signal, l);
	return e == ERR_OK ? loop_on_signal(l->loop, SIGTERM, on_signal, l) : e;
}

void load_forget_end(struct load *l)
{
	if (l->stop.data != NULL) {
		uv_poll_stop(&l->stop);
		uv_close((uv_handle_t *)&l->stop, NULL);
		l->stop.data = NULL;
	}
}
