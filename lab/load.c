/*
 * The run as a whole: the target's address, the schedule, users, the end. One timerfd, set to the
 * next thing that is due, because libuv's timers are a millisecond wide.
 */
#include "lab/load.h"

#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/host_port.h"
#include "lab/browserid_key.h"
#include "lab/load_priv.h"

enum {
	RUNNING_MAX = 20000,
	DESCRIPTORS_SPARE = 64,
	DUE_PER_TURN = 64, /* then answers get their turn */
	USERS_TRIED = 64,  /* who are busy, before an arrival is given up */
	WARM_AT_ONCE = 32,
	SECOND_MS = 1000,
	CONNECT_TRY_MS = 5000,
};

static const int64_t second_us = 1000000;

/* ---- users ---- */

static bool is_busy(const struct load *l, uint64_t user)
{
	return (l->busy[user / 64] >> (user % 64) & 1) != 0;
}

static void set_busy(struct load *l, uint64_t user, bool busy)
{
	uint64_t bit = UINT64_C(1) << (user % 64);

	l->busy[user / 64] = busy ? l->busy[user / 64] | bit : l->busy[user / 64] & ~bit;
}

/* Somebody who is at nothing else; false: nobody near. */
static bool find_user(struct load *l, struct chance *c, uint64_t *ret)
{
	uint64_t user = chance_below(c, l->pool);

	for (unsigned i = 0; i < USERS_TRIED; i++, user = (user + 1) % l->pool) {
		if (!is_busy(l, user)) {
			*ret = user;
			return true;
		}
	}
	return false;
}

/* ---- what is due ---- */

static void arrive(struct load *l, struct load_source *source, int64_t at_us)
{
	struct load_activity *a = &l->result->activities[source->activity];
	bool counted = at_us >= l->count_from_us;
	uint64_t user = 0;

	a->due += counted ? 1 : 0;
	if (l->n_running >= l->max_running) {
		a->no_room += counted ? 1 : 0;
	} else if (!find_user(l, &source->users, &user)) {
		a->no_user += counted ? 1 : 0;
	} else {
		a->begun += counted ? 1 : 0;
		l->second.begun += counted ? 1 : 0;
		set_busy(l, user, true);
		load_run_begin(l, (int)source->activity, user, at_us);
	}
}

static bool schedule(struct load *l, struct load_source *source)
{
	int64_t at_ns = arrivals_next_ns(&source->arrivals);
	int64_t at_us = at_ns == INT64_MAX ? INT64_MAX : l->start_us + at_ns / 1000;

	return at_us >= l->end_us || due_add(&l->due, (struct due){ at_us, source }) == ERR_OK;
}

static bool is_source(const struct load *l, const void *who)
{
	uintptr_t at = (uintptr_t)who;

	return at >= (uintptr_t)l->sources && at < (uintptr_t)(l->sources + MODEL_ACTIVITIES_MAX);
}

static void set_timer(struct load *l)
{
	int64_t next_us = due_next_us(&l->due);

	if (next_us == l->timer_us || next_us == INT64_MAX) {
		return;
	}
	l->timer_us = next_us;
	const struct itimerspec spec = { .it_value = { .tv_sec = next_us / second_us,
					     .tv_nsec = next_us % second_us * 1000 } };
	CHECK(timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0);
}

static void begin_warm(struct load *l)
{
	while (l->warming && l->next_warm < l->pool && l->n_running < WARM_AT_ONCE) {
		uint64_t user = l->next_warm++;
		set_busy(l, user, true);
		load_run_begin(l, ACTIVITY_WARM, user, clock_mono_us());
	}
}

static void start_clock(struct load *l)
{
	if (l->plan.at_moment != NULL) {
		l->plan.at_moment(l->plan.moment_arg, LOAD_BEGINS);
	}
	l->start_us = clock_mono_us();
	l->count_from_us = l->start_us + (int64_t)(l->plan.warm_up_s * 1e6);
	l->end_us = l->count_from_us + (int64_t)(l->plan.length_s * 1e6);
	l->give_up_us = l->end_us + (int64_t)(l->plan.timeout_s * 1e6) + second_us;
	l->cpu_from_us = clock_cpu_us();
	l->delay_from_us = load_run_delay_us();
	l->second_us = l->start_us;
	CHECK(due_add(&l->due, (struct due){ l->end_us, l }) == ERR_OK); /* wakes the loop */
	for (unsigned i = 0; i < l->result->n_activities; i++) {
		if (l->result->activities[i].per_second > 0) {
			CHECK(schedule(l, &l->sources[i]));
		}
	}
}

static void stop_if_over(struct load *l)
{
	int64_t now_us = clock_mono_us();

	if (l->warming || l->start_us == 0 || now_us < l->end_us) {
		return;
	}
	l->ending = true;
	if (l->n_running == 0 || now_us >= l->give_up_us) {
		loop_stop(l->loop);
	}
}

/* After each round of the loop: what is due, then the timer for what comes next. */
static void on_round(void *arg)
{
	struct load *l = arg;
	struct due d;

	begin_warm(l);
	if (l->warming && l->n_running == 0) {
		l->warming = false;
		if (l->result->warm_failed > l->pool / 10) {
			loop_stop(l->loop);
			return;
		}
		l->result->warm_s = (double)(clock_mono_us() - l->second_us) / 1e6;
		start_clock(l);
	}
	for (unsigned i = 0; i < DUE_PER_TURN && due_pop(&l->due, clock_mono_us(), &d); i++) {
		if (is_source(l, d.who)) {
			/* The next one first: beginning one may take its time. */
			CHECK(schedule(l, d.who));
			arrive(l, d.who, d.at_us);
		} else if (d.who != l) {
			load_run_go_on(d.who, d.at_us);
		}
	}
	if (due_next_us(&l->due) <= clock_mono_us()) {
		loop_again(l->loop);
	}
	set_timer(l);
	stop_if_over(l);
}

static void on_timer(uv_poll_t *handle, int status, int events)
{
	struct load *l = handle->data;
	uint64_t times = 0;

	(void)status;
	(void)events;
	if (read(l->timer_fd, &times, sizeof(times)) > 0) {
		l->timer_us = 0; /* whatever is due is set anew */
	}
}

void load_ended(struct load *l, uint64_t user, int activity)
{
	set_busy(l, user, false);
	l->n_running--;
	if (activity == ACTIVITY_WARM) {
		l->result->warmed++;
		loop_again(l->loop);
	} else if (l->ending) {
		loop_again(l->loop);
	}
}

static void on_second(void *arg)
{
	struct load *l = arg;

	if (l->start_us != 0) {
		load_second_over(l);
		stop_if_over(l);
	} else {
		fprintf(stderr, "  preparing users: %llu of %llu\n",
		    (unsigned long long)l->result->warmed, (unsigned long long)l->pool);
	}
}

static void on_signal(void *arg)
{
	struct load *l = arg;

	l->result->interrupted = true;
	l->warming = false;
	l->end_us = l->end_us == 0 ? 0 : clock_mono_us();
	loop_stop(l->loop);
}

void load_note_failure(struct load *l, const char *activity, const char *text)
{
	struct load_result *r = l->result;
	char line[LOAD_TEXT_BYTES];

	(void)snprintf(line, sizeof(line), "%s: %s", activity, text);
	for (char *c = line; *c != '\0'; c++) {
		*c = (unsigned char)*c < ' ' ? ' ' : *c;
	}
	for (unsigned i = 0; i < r->n_failures; i++) {
		if (strcmp(r->failures[i].text, line) == 0) {
			r->failures[i].count++;
			return;
		}
	}
	if (r->n_failures == LOAD_FAILURES_MAX) {
		r->failures[LOAD_FAILURES_MAX - 1].count++;
		return;
	}
	struct load_failure *f = &r->failures[r->n_failures++];
	(void)snprintf(f->text, sizeof(f->text), "%s",
	    r->n_failures == LOAD_FAILURES_MAX ? "further ones" : line);
	f->count = 1;
}

/* ---- set-up ---- */

/* "http://host:port" to an address and the text for Host. */
static enum err find_target(
    struct load *l, struct sockaddr_storage *ret, socklen_t *ret_len, struct err_note *note)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	struct slice url = slice_str(l->plan.url);
	char host[HOST_BYTES], port[PORT_BYTES], text[sizeof(l->host) + 4];

	bool tls = slice_starts(url, SLICE("https://"));
	if (!tls && !slice_starts(url, SLICE("http://"))) {
		return err_note_set(
		    note, ERR_INVALID, "\"%s\" is no target: http(s)://HOST:PORT", l->plan.url);
	}
	url = slice_sub(url, tls ? 8 : 7, url.len - (slice_ends(url, SLICE("/")) ? 1 : 0));
	size_t bracket = slice_find(url, ']', 0);
	bool has_port = slice_find(url, ':', bracket < url.len ? bracket : 0) < url.len;
	(void)snprintf(l->host, sizeof(l->host), "%.*s", SLICE_ARG(url));
	(void)snprintf(text, sizeof(text), "%s%s", l->host, has_port ? "" : tls ? ":443" : ":80");
	if (url.len == 0 || slice_find(url, '/', 0) < url.len ||
	    host_port_split(slice_str(text), host, port) != ERR_OK || host[0] == '\0') {
		return err_note_set(
		    note, ERR_INVALID, "\"%s\" is no target: http(s)://HOST:PORT", l->plan.url);
	}
	if (tls) {
		enum err e =
		    client_tls_open(host, l->plan.authorities, l->plan.insecure, &l->tls, note);
		if (e != ERR_OK) {
			return e;
		}
	}
	int failed = getaddrinfo(host, port, &hints, &found);
	if (failed != 0) {
		return err_note_set(note, ERR_NOT_FOUND, "%s: %s", host, gai_strerror(failed));
	}
	memcpy(ret, found->ai_addr, found->ai_addrlen);
	*ret_len = found->ai_addrlen;
	freeaddrinfo(found);
	return ERR_OK;
}

/* One connection, so that a wrong address is said at once and not by thousands of failures. */
static enum err try_target(const struct load *l, const struct sockaddr_storage *address,
    socklen_t len, struct err_note *note)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval patience = { .tv_sec = CONNECT_TRY_MS / 1000 };
	int failed = 0;

	if (fd < 0) {
		return err_note_set(note, ERR_SYSTEM, "no socket: %s", strerror(errno));
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)address, len) != 0) {
		failed = errno == EINPROGRESS ? ETIMEDOUT : errno;
	}
	close(fd);
	return failed == 0 ? ERR_OK
			   : err_note_set(note, ERR_PEER_GONE, "%s does not answer: %s",
				 l->plan.url, strerror(failed));
}

static void raise_limits(struct load *l)
{
	struct rlimit limit = { 0 };

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	rlim_t room = limit.rlim_cur > 2 * DESCRIPTORS_SPARE ? limit.rlim_cur - DESCRIPTORS_SPARE
							     : DESCRIPTORS_SPARE;
	l->max_running = room > RUNNING_MAX ? RUNNING_MAX : (unsigned)room;
}

static enum err set_up_users(struct load *l, struct err_note *note)
{
	l->n_users = (uint64_t)l->plan.users;
	l->pool = l->n_users;
	if (l->plan.warm_users > 0) {
		if (l->model->warm == LUA_NOREF) {
			return err_note_set(note, ERR_INVALID,
			    "%s has no warm = function(user) ... end, which --warm needs",
			    l->model->path);
		}
		l->pool = (uint64_t)fmin(l->plan.warm_users, l->plan.users);
		l->warming = true;
	}
	l->busy = calloc(l->n_users / 64 + 1, sizeof(*l->busy));
	return l->busy != NULL ? ERR_OK : err_note_set(note, ERR_MEMORY, "no memory for the users");
}

static enum err set_up_sources(struct load *l, struct err_note *note)
{
	struct load_result *r = l->result;
	double sum = 0;

	r->n_activities = l->model->n_activities;
	for (unsigned i = 0; i < r->n_activities; i++) {
		double rate = model_rate(l->model, l->plan.preset, i, l->plan.users);
		const struct arrival_plan plan = { .law = l->plan.law,
			.shape = l->plan.shape,
			.per_second = rate > 0 ? rate : 1,
			.length_s = l->plan.warm_up_s + l->plan.length_s,
			.burst_period_s = 1 };
		r->activities[i].name = l->model->activities[i].name;
		r->activities[i].per_second = rate;
		l->sources[i] = (struct load_source){ arrivals_new(&plan, l->plan.seed, i),
			chance_new(l->plan.seed, 1000 + i), i };
		sum += rate;
	}
	return sum > 0 ? ERR_OK : err_note_set(note, ERR_INVALID, "the model does nothing at all");
}

static enum err open_timer(struct load *l, struct err_note *note)
{
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->timer_fd < 0) {
		return err_note_set(note, ERR_SYSTEM, "no timer: %s", strerror(errno));
	}
	CHECK(uv_poll_init(loop_uv(l->loop), &l->timer, l->timer_fd) == 0);
	l->timer.data = l;
	CHECK(uv_poll_start(&l->timer, UV_READABLE, on_timer) == 0);
	return ERR_OK;
}

static enum err open_loop(struct load *l, struct err_note *note)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = 0;

	enum err e = find_target(l, &address, &len, note);
	if (e == ERR_OK) {
		e = try_target(l, &address, len, note);
	}
	if (e == ERR_OK) {
		e = loop_open(1, &l->loop);
	}
	if (e != ERR_OK) {
		return e;
	}
	client_init(&l->client, l->loop, (const struct sockaddr *)&address, len,
	    (int64_t)(l->plan.timeout_s * 1e6));
	client_use_tls(&l->client, l->tls);
	(void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
	loop_on_check(l->loop, on_round, l);
	loop_every(l->loop, SECOND_MS, on_second, l);
	e = open_timer(l, note);
	if (e == ERR_OK) {
		e = loop_on_signal(l->loop, SIGINT, on_signal, l);
	}
	return e == ERR_OK ? loop_on_signal(l->loop, SIGTERM, on_signal, l) : e;
}

static enum err set_up(struct load *l, struct model *m, struct err_note *note)
{
	enum load_retry retry = l->plan.retry;

	l->model = m;
	l->timer_fd = -1;
	l->due.max = RUNNING_MAX + MODEL_ACTIVITIES_MAX + 1;
	l->honours_retry_after =
	    retry == LOAD_RETRY_MODEL ? m->honours_retry_after : retry == LOAD_RETRY_AFTER;
	list_init(&l->runs);
	raise_limits(l);
	enum err e = set_up_users(l, note);
	if (e == ERR_OK) {
		e = set_up_sources(l, note);
	}
	if (e == ERR_OK) {
		e = open_loop(l, note);
	}
	if (e == ERR_OK && browserid_make_keys(m->script, m->n_keys) != ERR_OK) {
		e = err_note_set(note, ERR_CRYPTO, "no RSA keys");
	}
	l->hooks = load_run_hooks;
	l->hooks.host = slice_str(l->host);
	m->script->hooks = &l->hooks;
	return e;
}

static void tear_down(struct load *l)
{
	while (!list_is_empty(&l->runs)) {
		load_run_abort(LIST_OF(l->runs.next, struct load_run, node));
	}
	for (unsigned i = 0; i < l->n_threads; i++) {
		luaL_unref(l->model->script->lua, LUA_REGISTRYINDEX, l->threads[i]);
	}
	if (l->timer_fd >= 0) {
		uv_poll_stop(&l->timer);
		uv_close((uv_handle_t *)&l->timer, NULL);
	}
	loop_close(&l->loop);
	if (l->timer_fd >= 0) {
		close(l->timer_fd);
	}
	client_tls_close(&l->tls);
	due_fini(&l->due);
	hdr_fini(&l->second_latency);
	free(l->busy);
	l->model->script->hooks = NULL;
}

static void sum_up(struct load *l)
{
	struct load_result *r = l->result;
	int64_t now_us = clock_mono_us();
	int64_t until_us = now_us < l->end_us ? now_us : l->end_us;

	if (l->start_us == 0) {
		return;
	}
	load_second_over(l);
	r->cpu_s = (double)(clock_cpu_us() - l->cpu_from_us) / 1e6;
	r->kept_waiting_s = (double)(load_run_delay_us() - l->delay_from_us) / 1e6;
	r->watched_s = (double)(now_us - l->start_us) / 1e6;
	if (l->plan.at_moment != NULL) {
		l->plan.at_moment(l->plan.moment_arg, LOAD_ENDS);
	}
	r->elapsed_s = (double)(until_us - l->count_from_us) / 1e6;
	r->elapsed_s = r->elapsed_s < 0 ? 0 : r->elapsed_s;
	r->connections = l->client.opened;
	r->bytes_in = l->client.bytes_in;
	r->bytes_out = l->client.bytes_out;
	r->script_bytes = l->model->script->memory_bytes;
}

enum err load_run(
    struct model *m, const struct load_plan *plan, struct load_result **ret, struct err_note *note)
{
	struct load *l = calloc(1, sizeof(*l));
	struct load_result *r = calloc(1, sizeof(*r));

	if (r != NULL) {
		r->seconds = calloc(LOAD_SECONDS_MAX, sizeof(*r->seconds));
	}
	if (l == NULL || r == NULL || r->seconds == NULL) {
		free(l);
		load_result_free(&r);
		return err_note_set(note, ERR_MEMORY, "no memory for a run");
	}
	*ret = r;
	l->plan = r->plan = *plan;
	l->result = r;
	r->model = m;
	enum err e = set_up(l, m, note);
	if (e == ERR_OK) {
		l->second_us = clock_mono_us();
		if (!l->warming) {
			start_clock(l);
		}
		set_timer(l);
		loop_run(l->loop);
		sum_up(l);
		if (r->warm_failed > l->pool / 10 && !r->interrupted) {
			e = err_note_set(note, ERR_INVALID,
			    "%llu of %llu users could not be prepared: %s",
			    (unsigned long long)r->warm_failed, (unsigned long long)l->pool,
			    r->failures[0].text);
		}
	}
	tear_down(l);
	if (e == ERR_OK) {
		load_judge(l);
	}
	free(l);
	return e;
}

void load_result_free(struct load_result **rp)
{
	struct load_result *r = *rp;

	if (r == NULL) {
		return;
	}
	for (unsigned i = 0; i < MODEL_ACTIVITIES_MAX; i++) {
		hdr_fini(&r->activities[i].latency);
		for (unsigned k = 0; k < LOAD_STEPS_MAX; k++) {
			hdr_fini(&r->activities[i].steps[k].latency);
			hdr_fini(&r->activities[i].steps[k].service);
		}
	}
	hdr_fini(&r->lateness);
	hdr_fini(&r->first_lateness);
	hdr_fini(&r->service);
	free(r->seconds);
	free(r);
	*rp = NULL;
}

bool load_result_succeeded(const struct load_result *r)
{
	uint64_t done = 0, failed = r->warm_failed;

	for (unsigned i = 0; i < r->n_activities; i++) {
		done += r->activities[i].done;
		failed += r->activities[i].failed;
		failed += r->interrupted ? 0 : r->activities[i].unfinished;
	}
	return done > 0 && failed == 0;
}
