/*
 * The run of a replay. It stands on the parts of a load run (lab/load_priv.h): network, clock,
 * figures, the judgement of the generator. In place of activities there are clients, each with a
 * queue of requests that are due, and connections that take from it.
 */
#include <lauxlib.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "lab/load_priv.h"
#include "lab/replay.h"
#include "lab/route.h"

enum {
	SECOND_MS = 1000,
	TURN_MOST = 64,	   /* requests begun before answers get their turn */
	IDLE_US = 5000000, /* a connection without a request is kept */
	TEXT_BYTES = 2 << 20,
};

static const int64_t second_us = 1000000;
static const uint32_t nobody = UINT32_MAX; /* more than an enum may hold */

/* One connection of a client; it lives while it has something to do, and a little longer. */
struct slot {
	struct list node; /* idle ones, the longest first; else by itself */
	struct replay *replay;
	uint32_t client;
	struct client_conn *conn;
	struct buf text;
	size_t place; /* in the schedule */
	int64_t due_us, sent_us, idle_us;
	struct load_step *step;
	bool repeated;
};

struct client_state {
	uint32_t first,
	    last; /* places in the schedule that are due, linked by next; nobody: none */
	struct slot *slots[REPLAY_PARALLEL_MOST];
	unsigned n_slots, n_busy;
	uint32_t next_waiting; /* client; see replay.waiting */
	bool waits, asked;
};

struct replay {
	struct load l;
	const struct access_log *log;
	const struct replay_schedule *schedule;
	const struct replay_plan *plan;
	struct replay_result *result;
	struct client_state *clients; /* owned */
	uint32_t *next;		      /* owned; of each place, the client's next one that is due */
	uint32_t n_clients;
	size_t begun; /* places that were due */
	uint64_t over;
	struct list idle;
	uint32_t waiting, last_waiting; /* clients that found no room; nobody: none */
};

static void pull(struct replay *r, uint32_t client);

static struct load_activity *figures(struct replay *r)
{
	return &r->l.result->activities[0];
}

/* ---- what is sent ---- */

static const struct access_record *record_at(const struct replay *r, size_t place)
{
	return &r->log->records[r->schedule->records[place]];
}

/* The step of a route; all beyond the most there may be count together. */
static struct load_step *find_step(struct replay *r, struct slice path)
{
	struct load_activity *a = figures(r);
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

static void make_text(struct slot *s)
{
	struct replay *r = s->replay;
	const struct access_record *record = record_at(r, s->place);
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

/* ---- connections ---- */

static void drop_slot(struct slot *s)
{
	struct client_state *c = &s->replay->clients[s->client];
	unsigned i = 0;

	while (c->slots[i] != s) {
		i++;
	}
	c->slots[i] = c->slots[--c->n_slots];
	client_conn_close(&s->conn);
	list_remove(&s->node);
	buf_free(&s->text);
	free(s);
}

/* Those that have been idle since before that, and as many more as are needed. */
static void drop_idle(struct replay *r, int64_t before_us, unsigned need)
{
	while (!list_is_empty(&r->idle)) {
		struct slot *s = LIST_OF(r->idle.next, struct slot, node);
		if (s->idle_us >= before_us && need == 0) {
			return;
		}
		need -= need > 0 ? 1 : 0;
		drop_slot(s);
	}
}

static struct slot *take_slot(struct replay *r, uint32_t client)
{
	struct client_state *c = &r->clients[client];

	for (unsigned i = 0; i < c->n_slots; i++) {
		if (!list_is_empty(&c->slots[i]->node)) {
			list_remove(&c->slots[i]->node);
			return c->slots[i];
		}
	}
	if (c->n_slots == r->plan->parallel) {
		return NULL;
	}
	struct slot *s = calloc(1, sizeof(*s));
	CHECK(s != NULL); /* a hundred bytes */
	s->replay = r;
	s->client = client;
	s->text = buf_new(TEXT_BYTES);
	list_init(&s->node);
	c->slots[c->n_slots++] = s;
	return s;
}

/* ---- one request ---- */

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

/* The client cannot begin what is due: this process runs as many requests as it may. */
static void wait_for_room(struct replay *r, uint32_t client)
{
	struct client_state *c = &r->clients[client];

	if (c->waits) {
		return;
	}
	c->waits = true;
	c->next_waiting = nobody;
	if (r->waiting == nobody) {
		r->waiting = client;
	} else {
		r->clients[r->last_waiting].next_waiting = client;
	}
	r->last_waiting = client;
}

static void give_room(struct replay *r)
{
	uint32_t client = r->waiting;

	if (client != nobody) {
		r->waiting = r->clients[client].next_waiting;
		r->clients[client].waits = false;
		pull(r, client);
	}
}

/* The request of the slot is over; the client goes on, or one that waits. */
static void over(struct slot *s)
{
	struct replay *r = s->replay;
	struct client_state *c = &r->clients[s->client];

	r->over++;
	r->l.n_running--;
	c->n_busy--;
	s->idle_us = clock_mono_us();
	list_push(&r->idle, &s->node);
	pull(r, s->client);
	give_room(r);
	loop_again(r->l.loop);
}

static void fail(struct slot *s, const char *what)
{
	struct replay *r = s->replay;

	s->step->failed++;
	figures(r)->failed++;
	r->l.second.failed++;
	r->result->counts.none++;
	load_note_failure(&r->l, s->step->name, what);
	over(s);
}

static void answered(struct slot *s, const struct answer *a)
{
	struct replay *r = s->replay;
	struct load_activity *f = figures(r);
	int64_t now_us = client_conn_answered_us(s->conn);
	char text[40];

	count_kind(r, record_at(r, s->place)->status, a->status);
	if (a->status == 503) {
		s->step->refused++;
		f->refused++;
		r->l.second.refused++;
		over(s);
		return;
	}
	hdr_record(&s->step->latency, now_us - s->due_us);
	hdr_record(&s->step->service, now_us - s->sent_us);
	hdr_record(&r->l.result->service, now_us - s->sent_us);
	hdr_record(&f->latency, now_us - s->due_us);
	hdr_record(&r->l.second_latency, now_us - s->due_us);
	/* An error that the log has too is what it is to be. */
	if (a->status >= 500 && record_at(r, s->place)->status < 500) {
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
	over(s);
}

static void send_slot(struct slot *s);

static void on_answer(void *arg, enum err e, const char *what)
{
	struct slot *s = arg;

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

static void send_slot(struct slot *s)
{
	struct replay *r = s->replay;
	struct err_note note = { 0 };

	if (s->conn == NULL || !client_conn_is_usable(s->conn)) {
		client_conn_close(&s->conn);
		enum err e = client_conn_open(&r->l.client, &s->conn, &note);
		if (e == ERR_LIMIT && !list_is_empty(&r->idle)) {
			drop_idle(r, 0, 1);
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

static void begin(struct slot *s, size_t place)
{
	struct replay *r = s->replay;
	const struct access_record *record = record_at(r, place);
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
	figures(r)->begun++;
	r->l.second.begun++;
	send_slot(s);
}

/* Begins what of a client is due, as far as it has connections. */
static void pull(struct replay *r, uint32_t client)
{
	struct client_state *c = &r->clients[client];

	while (c->first != nobody && !r->l.ending) {
		if (r->l.n_running >= r->l.max_running) {
			wait_for_room(r, client);
			return;
		}
		struct slot *s = take_slot(r, client);
		if (s == NULL) {
			return;
		}
		uint32_t place = c->first;
		bool waited =
		    c->n_busy > 0 || s->idle_us > r->l.start_us + r->schedule->due_us[place];
		c->first = r->next[place];
		if (!waited && r->plan->times != REPLAY_FAST) {
			/* The generator's own: the client was free when it was due. */
			int64_t late_us =
			    clock_mono_us() - r->l.start_us - r->schedule->due_us[place];
			hdr_record(&r->l.result->lateness, late_us);
			hdr_record(&r->l.result->first_lateness, late_us);
		}
		begin(s, place);
	}
}

static void push(struct replay *r, size_t place)
{
	uint32_t number = record_at(r, place)->client;
	uint32_t client =
	    r->log->has_clients ? number % r->n_clients : (uint32_t)(place % r->n_clients);
	struct client_state *c = &r->clients[client];

	c->asked = true;
	r->next[place] = nobody;
	if (c->first == nobody) {
		c->first = c->last = (uint32_t)place;
	} else {
		r->next[c->last] = (uint32_t)place;
		c->last = (uint32_t)place;
	}
	figures(r)->due++;
	pull(r, client);
}

/* ---- the course ---- */

static void stop_if_over(struct replay *r)
{
	int64_t now_us = clock_mono_us();

	if (r->over == r->schedule->n || (r->l.ending && r->l.n_running == 0)) {
		r->l.end_us = now_us;
		loop_stop(r->l.loop);
	}
}

static void set_timer(struct replay *r)
{
	int64_t next_us = r->l.start_us + r->schedule->due_us[r->begun];
	const struct itimerspec spec = { .it_value = { .tv_sec = next_us / second_us,
					     .tv_nsec = next_us % second_us * 1000 } };

	if (next_us != r->l.timer_us) {
		r->l.timer_us = next_us;
		CHECK(timerfd_settime(r->l.timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0);
	}
}

static void on_round(void *arg)
{
	struct replay *r = arg;
	unsigned n = 0;

	while (r->begun < r->schedule->n && !r->l.ending &&
	       r->l.start_us + r->schedule->due_us[r->begun] <= clock_mono_us()) {
		if (n++ == TURN_MOST) {
			loop_again(r->l.loop);
			return;
		}
		push(r, r->begun++);
	}
	if (r->begun < r->schedule->n && !r->l.ending) {
		set_timer(r);
	}
	stop_if_over(r);
}

static void on_second(void *arg)
{
	struct replay *r = arg;

	load_second_over(&r->l);
	drop_idle(r, clock_mono_us() - IDLE_US, 0);
	stop_if_over(r);
}

static void on_signal(void *arg)
{
	struct replay *r = arg;

	r->l.result->interrupted = true;
	r->l.end_us = clock_mono_us();
	loop_stop(r->l.loop);
}

static enum err set_up(struct replay *r, struct err_note *note)
{
	struct load_result *lr = r->l.result;

	r->l.plan = lr->plan = r->plan->load;
	r->l.timer_fd = -1;
	r->waiting = nobody;
	list_init(&r->idle);
	load_raise_limits(&r->l);
	r->n_clients = r->plan->clients > 0  ? r->plan->clients
		       : r->log->has_clients ? r->log->clients.n
					     : REPLAY_CLIENTS_USUAL;
	lr->plan.users = r->n_clients;
	lr->plan.law = r->plan->times == REPLAY_POISSON ? ARRIVAL_POISSON : ARRIVAL_REPLAYED;
	r->clients = calloc(r->n_clients, sizeof(*r->clients));
	r->next = calloc(r->schedule->n, sizeof(*r->next));
	if (r->clients == NULL || r->next == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for the clients");
	}
	for (uint32_t i = 0; i < r->n_clients; i++) {
		r->clients[i].first = nobody;
	}
	lr->n_activities = 1;
	lr->activities[0].name = "replay";
	lr->activities[0].per_second =
	    r->schedule->length_s > 0 ? (double)r->schedule->n / r->schedule->length_s : 0;
	enum err e = load_network_open(&r->l, note);
	if (e != ERR_OK) {
		return e;
	}
	loop_on_check(r->l.loop, on_round, r);
	loop_every(r->l.loop, SECOND_MS, on_second, r);
	e = loop_on_signal(r->l.loop, SIGINT, on_signal, r);
	return e == ERR_OK ? loop_on_signal(r->l.loop, SIGTERM, on_signal, r) : e;
}

static void run(struct replay *r)
{
	struct load_result *lr = r->l.result;
	struct load *l = &r->l;

	if (l->plan.at_moment != NULL) {
		l->plan.at_moment(l->plan.moment_arg, LOAD_BEGINS);
	}
	l->start_us = l->count_from_us = l->second_us = clock_mono_us();
	l->end_us = r->plan->times == REPLAY_FAST
			? INT64_MAX
			: l->start_us + (int64_t)(r->schedule->length_s * 1e6) + second_us;
	l->cpu_from_us = clock_cpu_us();
	l->delay_from_us = load_run_delay_us();
	loop_again(l->loop);
	loop_run(l->loop);
	int64_t now_us = clock_mono_us();
	l->end_us = now_us;
	load_second_over(l);
	lr->cpu_s = (double)(clock_cpu_us() - l->cpu_from_us) / 1e6;
	lr->kept_waiting_s = (double)(load_run_delay_us() - l->delay_from_us) / 1e6;
	lr->watched_s = lr->elapsed_s = (double)(now_us - l->start_us) / 1e6;
	if (l->plan.at_moment != NULL) {
		l->plan.at_moment(l->plan.moment_arg, LOAD_ENDS);
	}
	lr->connections = l->client.opened;
	lr->bytes_in = l->client.bytes_in;
	lr->bytes_out = l->client.bytes_out;
	lr->activities[0].unfinished = lr->activities[0].begun - r->over;
	/* What had to wait for room counts as not begun: the generator was full. */
	lr->activities[0].no_room =
	    lr->interrupted ? 0 : lr->activities[0].due - lr->activities[0].begun;
	for (uint32_t i = 0; i < r->n_clients; i++) {
		r->result->counts.clients += r->clients[i].asked ? 1 : 0;
	}
}

static void tear_down(struct replay *r)
{
	for (uint32_t i = 0; r->clients != NULL && i < r->n_clients; i++) {
		while (r->clients[i].n_slots > 0) {
			drop_slot(r->clients[i].slots[0]);
		}
	}
	load_network_close(&r->l);
	hdr_fini(&r->l.second_latency);
	free(r->clients);
	free(r->next);
}

enum err replay_run(const struct access_log *log, const struct replay_schedule *schedule,
    const struct replay_plan *plan, struct replay_result **ret, struct err_note *note)
{
	struct replay *r = calloc(1, sizeof(*r));
	struct replay_result *result = calloc(1, sizeof(*result));
	struct load_result *lr = calloc(1, sizeof(*lr));

	if (lr != NULL) {
		lr->seconds = calloc(LOAD_SECONDS_MAX, sizeof(*lr->seconds));
	}
	if (r == NULL || result == NULL || lr == NULL || lr->seconds == NULL) {
		free(r);
		free(result);
		load_result_free(&lr);
		return err_note_set(note, ERR_MEMORY, "no memory for a run");
	}
	result->load = lr;
	result->model.name = "replay";
	result->model.about = "an access log";
	result->model.warm = LUA_NOREF;
	lr->model = &result->model;
	*r = (struct replay){ .log = log, .schedule = schedule, .plan = plan, .result = result };
	r->l.result = lr;
	enum err e = set_up(r, note);
	if (e == ERR_OK) {
		run(r);
		load_judge(&r->l);
	}
	tear_down(r);
	free(r);
	if (e != ERR_OK) {
		replay_result_free(&result);
		return e;
	}
	*ret = result;
	return ERR_OK;
}

void replay_result_free(struct replay_result **rp)
{
	struct replay_result *r = *rp;

	if (r != NULL) {
		load_result_free(&r->load);
		free(r);
	}
	*rp = NULL;
}
