/*
 * See nats_check.h. Run by the command in a process of its own, because of libnats.
 */
#include "core/offload/nats/nats_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/offload/helpers.h"
#include "core/offload/job_rows.h"
#include "core/offload/nats/nats_link.h"
#include "core/role/app.h"

enum {
	CONF_MAX = 1024 * 1024,
	TASKS = 1, /* none is used */
	CONNECT_MS = 6000,
	LISTEN_MS = 4 * ANNOUNCE_EVERY_MS
};

struct check {
	struct loop *loop;
	struct nats_settings settings;
	struct nats_files files;
	struct job_rows rows;
	struct helpers helpers;
	char subject[SUBJECT_BYTES], why[200];
	bool is_connected;
	uv_timer_t timer;
};

static void on_timer(uv_timer_t *timer)
{
	const struct check *c = timer->data;

	loop_stop(c->loop);
}

static void on_message(
    void *arg, struct slice subject, struct slice reply, struct slice payload, bool nobody)
{
	struct check *c = arg;
	char name[NATS_NAME_BYTES], run[RUN_BYTES];
	struct announce a;
	unsigned i = 0;

	(void)reply;
	(void)nobody;
	if (announce_whose(subject, c->settings.prefix, name, run) && announce_take(payload, &a)) {
		(void)helpers_heard(&c->helpers, name, run, &a, loop_now_us(c->loop), &i);
	}
}

static void on_state(void *arg, bool is_connected, const char *why)
{
	struct check *c = arg;

	if (is_connected) {
		c->is_connected = true;
		uv_timer_start(&c->timer, on_timer, LISTEN_MS, 0);
	} else {
		snprintf(c->why, sizeof(c->why), "%s", why);
		loop_stop(c->loop);
	}
}

static void tell(const struct check *c)
{
	const struct helpers_count n = helpers_count(&c->helpers);

	if (!c->is_connected) {
		printf("warning: [nats] url %s: %s; until that is mended all is computed on this "
		       "machine\n",
		    c->settings.url[0], c->why[0] == '\0' ? "it does not answer" : c->why);
		return;
	}
	printf("[nats] url %s: connected; %u helpers with %u processes\n", c->settings.url[0],
	    n.usable, n.processes);
	if (n.strangers > 0) {
		printf("warning: %u helpers are of another version than this program and get no "
		       "jobs\n",
		    n.strangers);
	}
}

static enum err prepare(
    struct check *c, const struct app *app, struct conf *conf, struct err_note *note)
{
	const struct rpc_def **defs = NULL;
	struct rpc_registry registry = { 0 };
	struct buf text = buf_new(CONF_MAX);
	enum err e = buf_read_all(&text, STDIN_FILENO);

	e = e == ERR_OK ? conf_import(conf, buf_slice(&text)) : e;
	e = e == ERR_OK ? nats_settings_read(conf, &c->settings, note) : e;
	e = e == ERR_OK ? nats_files_read(conf, &c->files, note) : e;
	e = e == ERR_OK ? app_registry(app, &defs, &registry.n) : e;
	buf_free(&text);
	if (e == ERR_OK) {
		registry.defs = (const struct rpc_def *const *)defs;
		job_rows_init(&c->rows, &registry, app->version);
		helpers_init(&c->helpers, c->rows.kind);
		(void)snprintf(c->subject, sizeof(c->subject), "%s.helper.*.*", c->settings.prefix);
		e = loop_open(TASKS, &c->loop);
	}
	free(defs);
	return e;
}

static enum err ask(struct check *c)
{
	static const struct nats_link_ops ops = { .message = on_message, .state = on_state };
	const struct nats_link_setup setup = { .loop = c->loop,
		.settings = &c->settings,
		.files = &c->files,
		.name = "plimsoll check",
		.subject = { c->subject },
		.message_max = c->rows.frame_max,
		.ops = &ops,
		.arg = c };
	struct nats_link *link = NULL;

	if (uv_timer_init(loop_uv(c->loop), &c->timer) != 0) {
		return ERR_SYSTEM;
	}
	c->timer.data = c;
	enum err e = nats_link_open(&setup, &link);
	if (e == ERR_OK) {
		uv_timer_start(&c->timer, on_timer, CONNECT_MS, 0);
		loop_run(c->loop);
		tell(c);
	}
	/* The end of the process closes the link. */
	return e;
}

int nats_check(const struct app *app)
{
	struct check *c = calloc(1, sizeof(*c));
	struct conf *conf = NULL;
	struct err_note note = { 0 };
	enum err e = c == NULL ? ERR_MEMORY : app_conf_new(app, &conf);

	if (e == ERR_OK) {
		e = prepare(c, app, conf, &note);
	}
	if (e == ERR_OK) {
		e = ask(c);
	}
	if (e != ERR_OK) {
		fprintf(stderr, "%s\n", note.text[0] == '\0' ? err_text(e) : note.text);
		return e == ERR_CONFIG ? EXIT_CONFIG : EXIT_FAILED;
	}
	fflush(stdout);
	_exit(c->is_connected ? EXIT_OK : EXIT_FAILED); /* threads of libnats may be at work */
}
