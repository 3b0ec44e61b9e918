/*
 * The server: its parts put together, its rounds and ticks, its end.
 */
#include "core/http/server.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/http/admission.h"
#include "core/http/conn.h"
#include "core/http/conn_priv.h"
#include "core/http/conn_tls.h"
#include "core/http/dispatch.h"
#include "core/http/h2.h"
#include "core/http/listen.h"
#include "core/http/request.h"
#include "core/http/ws_conn.h"

enum {
	SECOND_MS = 1000,
	TICK_MS = WHEEL_TICK_US / 1000
};

static void free_dead(struct http_server *s)
{
	struct list *node;

	while ((node = list_pop(&s->dead)) != NULL) {
		conn_free(LIST_OF(node, struct conn, node));
	}
}

/* Ends all connections; each leaves the list as it is closed. */
static void close_all(struct http_server *s)
{
	while (!list_is_empty(&s->conns)) {
		conn_close(LIST_OF(s->conns.next, struct conn, node), HTTP_CLOSE_DRAINED);
	}
}

/*
 * The grace of idle connections is over. A client that sends its next request in the moment in
 * which we close gets no answer; no server can help that, since HTTP/1.1 has no way to say "no
 * more" but the close itself. Clients who were at work in the grace period are gone by then.
 */
static void end_grace(struct http_server *s)
{
	s->idle_over = true;
	listen_stop(s);
	/* Closing takes a connection out of the list: the next one is known before. */
	for (struct list *node = s->conns.next, *next; node != &s->conns; node = next) {
		next = node->next;
		conn_drain(LIST_OF(node, struct conn, node));
	}
}

static void check_drained(struct http_server *s)
{
	int64_t now_us = loop_now_us(s->loop);

	if (!s->draining || s->drain.done == NULL) {
		return;
	}
	bool is_empty = s->n_conns == 0 && s->n_running == 0;
	if (!s->idle_over && (is_empty || now_us >= s->drain.idle_until_us)) {
		end_grace(s);
		is_empty = s->n_conns == 0 && s->n_running == 0;
	}
	if (!is_empty && now_us < s->drain.deadline_us) {
		return;
	}
	close_all(s);
	void (*done)(void *arg) = s->drain.done;
	s->drain.done = NULL;
	done(s->drain.arg);
}

/* The check hook: after the I/O callbacks of each round. */
static void on_round(void *arg)
{
	struct http_server *s = arg;

	s->in_hook = true;
	s->load_is_known = false;
	metric_set(&s->slot->alive_us, loop_now_us(s->loop));
	listen_round(s);
	conn_tls_round(s);
	dispatch_round(s);
	h2_round(s);
	ws_round(s);
	free_dead(s);
	check_drained(s);
	s->in_hook = false;
}

static void on_clock(struct wheel_timer *t, void *arg)
{
	const struct http_server *s = arg;

	conn_on_clock(LIST_OF(t, struct conn, clock), loop_now_us(s->loop));
}

static void on_tick(void *arg)
{
	struct http_server *s = arg;

	wheel_run(&s->wheel, loop_now_us(s->loop), on_clock, s);
}

static void on_second(void *arg)
{
	struct http_server *s = arg;

	int64_t wait_us = grace_loop_delay_us(s->grace, loop_now_us(s->loop));

	listen_sample(s);
	admission_measure(s, loop_now_us(s->loop));
	metric_add(&s->slot->queue_len, (int64_t)s->queues.n_all - (int64_t)s->queued_told);
	s->queued_told = s->queues.n_all;
	/* One without requests says nothing about the loop that it shares with another. */
	if (wait_us > 0 || s->delay_told) {
		metric_set(&s->slot->queue_wait_us, wait_us);
	}
	s->delay_told = wait_us > 0;
	metric_set(&s->slot->tasks, task_count(s->loop));
}

static enum err check_rows(const struct http_server_options *o, struct err_note *note)
{
	for (unsigned i = 0; i < o->n_sites; i++) {
		for (unsigned k = 0; k < o->sites[i]->n_ops; k++) {
			const struct op *op = &o->sites[i]->ops[k];
			if (op->handle == NULL || op->deadline_ms == 0 ||
			    op->cost >= COST_CLASSES || op->rank >= SHED_RANKS) {
				return err_note_set(note, ERR_CONFIG,
				    "operation %s lacks a handler, a deadline, a cost class or a rank",
				    op->name);
			}
		}
	}
	return ERR_OK;
}

/* Leaves them as they are if they are wrong. */
static enum err read_settings(struct http_server *s, struct err_note *note)
{
	enum err e = http_settings_read(s->o.conf, &s->settings, note);

	s->settings.http2 = s->settings.http2 && !s->o.http1_only;
	return e;
}

static enum err open_grace(struct http_server *s, int64_t now_us)
{
	s->grace = s->o.grace;
	if (s->grace != NULL) {
		return ERR_OK;
	}
	s->grace = s->own_grace = malloc(sizeof(*s->own_grace));
	if (s->grace == NULL) {
		return ERR_MEMORY;
	}
	grace_init(s->grace, rng_u64(), now_us);
	return ERR_OK;
}

enum err http_server_new(struct loop *l, const struct http_server_options *o,
    struct http_server **ret, struct err_note *note)
{
	struct http_server *s = calloc(1, sizeof(*s));
	enum err e;

	if (s == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for a server");
	}
	int64_t now_us = clock_mono_us();
	s->loop = l;
	s->o = *o;
	s->slot = metrics_own_slot(o->metrics);
	s->traces = trace_source_new(rng_u64());
	wheel_init(&s->wheel, now_us);
	list_init(&s->conns);
	list_init(&s->dead);
	list_init(&s->free_requests);
	list_init(&s->ws_touched);
	class_queues_init(&s->queues);
	if ((e = open_grace(s, now_us)) != ERR_OK || (e = check_rows(o, note)) != ERR_OK ||
	    (e = read_settings(s, note)) != ERR_OK ||
	    (e = http_router_new(o->sites, o->n_sites, &s->router, note)) != ERR_OK ||
	    (e = http_cells_open(&s->cells, o->metrics, o->sites, o->n_sites)) != ERR_OK ||
	    (e = address_table_init(&s->addresses, s->settings.max_connections, rng_u64())) !=
		ERR_OK ||
	    (e = conn_tls_open(s)) != ERR_OK || (e = h2_server_init(s)) != ERR_OK ||
	    (e = listen_open(s)) != ERR_OK) {
		http_server_free(&s);
		return e;
	}
	loop_on_check(l, on_round, s);
	loop_every(l, TICK_MS, on_tick, s);
	loop_every(l, SECOND_MS, on_second, s);
	*ret = s;
	return ERR_OK;
}

enum err http_server_listen(struct http_server *s, int fd)
{
	return listen_add(s, fd, false);
}

enum err http_server_listen_tls(struct http_server *s, int fd)
{
	return listen_add(s, fd, true);
}

void http_server_set_tls(struct http_server *s, struct tls_context *context, int64_t handshake_us,
    unsigned max_handshakes)
{
	struct tls_context *before = s->tls.context;

	s->tls.context = tls_context_ref(context);
	s->tls.handshake_us = handshake_us;
	s->tls.max_handshakes = max_handshakes;
	tls_context_unref(&before);
}

void http_server_drain(struct http_server *s, const struct http_drain *d)
{
	s->draining = true;
	s->drain = *d;
	if (!d->accepts) {
		listen_stop(s);
	}
	list_each (node, &s->conns) {
		h2_drain(LIST_OF(node, struct conn, node));
	}
	loop_again(s->loop);
}

void http_server_reload(struct http_server *s, const struct conf *conf)
{
	s->o.conf = conf;
	(void)!read_settings(s, NULL);
}

void http_server_free(struct http_server **sp)
{
	struct http_server *s = *sp;
	struct list *node;

	if (s == NULL || s->n_running > 0) {
		return;
	}
	close_all(s);
	free_dead(s);
	listen_close(s);
	h2_server_fini(s);
	conn_tls_fini(s);
	while ((node = list_pop(&s->free_requests)) != NULL) {
		free(LIST_OF(node, struct http_req, node));
	}
	address_table_fini(&s->addresses);
	http_cells_close(&s->cells);
	http_router_free(&s->router);
	free(s->own_grace);
	free(s);
	*sp = NULL;
}
