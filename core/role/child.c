/*
 * Role processes as the supervisor sees them: each is a row of children[] for the whole run; the
 * process behind the row comes and goes. Whenever one is started, it gets a fresh socket to each
 * running process that it calls or that calls it, and the other side gets the other end.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/obs/log.h"
#include "core/role/spawn.h"
#include "core/role/supervisor.h"

const char *child_label(const struct child *c, char out[24])
{
	if (role_table[c->role].instances_key == NULL) {
		snprintf(out, 24, "%s", role_name(c->role));
	} else {
		snprintf(out, 24, "%s/%u", role_name(c->role), c->instance % 1000);
	}
	return out;
}

enum err child_add(struct supervisor *s, enum role_id role, unsigned instances)
{
	for (unsigned i = 0; i < instances; i++) {
		if (s->n_children == SUPERVISOR_MAX_CHILDREN) {
			return ERR_LIMIT;
		}
		s->children[s->n_children] = (struct child){ .s = s,
			.role = role,
			.instance = i,
			.slot = s->n_children,
			.state = CHILD_WAITING,
			.control.fd = -1,
			.backoff_ms = BACKOFF_FIRST_MS };
		s->n_children++;
	}
	return ERR_OK;
}

static void on_control(uv_poll_t *poll, int status, int events);

/* Polls for what can be done with the control socket now. */
static void watch(struct child *c)
{
	int events = UV_READABLE | (c->control.n_pending > 0 ? UV_WRITABLE : 0);

	if (c->poll != NULL) {
		CHECK(uv_poll_start(c->poll, events, on_control) == 0);
	}
}

/* A child that cannot be talked to is as good as dead; its end is noticed like any other. */
static void give_up(struct child *c, enum err e)
{
	char label[24];

	if (e != ERR_PEER_GONE && c->pid > 0) {
		LOG(LOG_ERROR, "supervisor", "control_failed",
		    LOG_C("process", child_label(c, label)), LOG_C("err", err_text(e)));
		kill(c->pid, SIGKILL);
	}
}

static void send_with(
    struct child *c, enum control_kind kind, struct slice body, const int *fds, unsigned n_fds)
{
	if (c->control.fd < 0) {
		return;
	}
	enum err e = control_send(&c->control, kind, body, fds, n_fds);
	if (e != ERR_OK) {
		give_up(c, e);
	} else {
		watch(c);
	}
}

void child_send(struct child *c, enum control_kind kind, struct slice body)
{
	send_with(c, kind, body, NULL, 0);
}

static void note_failure(struct child *c, struct slice body)
{
	struct control_failed f;

	CHECK(control_take_failed(body, &f));
	c->failed = true;
	c->failed_code = f.exit_code;
	snprintf(c->failed_text, sizeof(c->failed_text), "%.*s", SLICE_ARG(f.text));
}

static void send_tls(struct child *c, const struct tls_files *f)
{
	if (f->n > 0) {
		send_with(c, CONTROL_TLS, buf_slice(&f->names), f->fd, f->n);
	}
}

void child_offer_tls(struct supervisor *s, struct tls_files *files)
{
	tls_files_close(&s->tls_offered);
	s->tls_offered = *files;
	*files = (struct tls_files){ 0 };
	for (unsigned i = 0; i < s->n_children; i++) {
		if (s->children[i].role == ROLE_SIGNER && s->children[i].pid > 0) {
			send_tls(&s->children[i], &s->tls_offered);
		}
	}
}

/* The signer has looked at the files that it got last. */
static void on_tls(struct supervisor *s, struct slice body)
{
	if (s->tls_offered.n == 0) {
		return; /* the ones of its start */
	}
	if (body.len == 1 && body.ptr[0] == 1) {
		tls_files_close(&s->tls_files);
		s->tls_files = s->tls_offered;
		s->tls_offered = (struct tls_files){ 0 };
	} else {
		tls_files_close(&s->tls_offered);
	}
}

static void on_message(struct child *c, const struct control_message *m)
{
	CHECK(m->n_fds == 0);
	if (m->kind == CONTROL_READY && c->state == CHILD_STARTING) {
		c->state = CHILD_READY;
		supervisor_check_ready(c->s);
	} else if (m->kind == CONTROL_TLS) {
		on_tls(c->s, m->body);
	} else if (m->kind == CONTROL_FAILED) {
		note_failure(c, m->body);
	}
}

/* Takes all messages that are there. False at the end of the stream. */
static bool receive_all(struct child *c)
{
	struct control_message m;
	enum err e;

	while ((e = control_receive(&c->control, &m)) == ERR_OK) {
		on_message(c, &m);
	}
	return e == ERR_AGAIN;
}

static void free_poll(uv_handle_t *handle)
{
	free(handle);
}

static void close_control(struct child *c)
{
	if (c->poll != NULL) {
		uv_close((uv_handle_t *)c->poll, free_poll);
		c->poll = NULL;
	}
	control_fini(&c->control);
}

static void on_control(uv_poll_t *poll, int status, int events)
{
	struct child *c = poll->data;

	(void)events;
	enum err e = control_flush(&c->control);
	if (e != ERR_OK && e != ERR_AGAIN) {
		give_up(c, e);
	}
	/* Also after an error: the last messages tell why. */
	if (receive_all(c) && status == 0) {
		watch(c);
	} else {
		close_control(c);
	}
}

static void send_start(struct child *c)
{
	struct supervisor *s = c->s;
	struct buf body = buf_new(CONTROL_MAX_BYTES), conf = buf_new(CONTROL_MAX_BYTES);
	struct slice text = SLICE_EMPTY;
	int fds[CONTROL_MAX_FDS] = { s->block_fd };
	unsigned n_fds = 1;
	struct control_start start = { .role = c->role,
		.instance = c->instance,
		.slot = c->slot,
		.n_slots = s->n_children,
		.sandbox = s->sandbox,
		.hold = predecessor_waits(&s->predecessor),
		.services = s->services,
		.roles = s->roles,
		.data_dir = slice_str(s->data_dir) };

	for (unsigned i = 0; i < n_listeners; i++) {
		if (listeners[i].role == c->role && s->listen_fd[i] >= 0) {
			start.listeners |= 1u << i;
			fds[n_fds++] = s->listen_fd[i];
		}
	}
	conf_export(s->conf, c->role, &conf);
	if (buf_finish(&conf, &start.conf) == ERR_OK) {
		control_put_start(&body, &start);
	}
	if (buf_finish(&body, &text) == ERR_OK && text.len > 0) {
		send_with(c, CONTROL_START, text, fds, n_fds);
	} else {
		give_up(c, ERR_LIMIT);
	}
	buf_free(&conf);
	buf_free(&body);
}

/* False: no memory. A message cut short would end its reader. */
static bool send_peer(struct child *to, const struct child *peer, bool callee, int fd)
{
	const struct control_peer p = { callee, role_as(peer->role),
		peer->role == ROLE_OFFLOAD ? (unsigned)RPC_ELSEWHERE : peer->instance };
	struct buf body = buf_new(64);
	struct slice whole = SLICE_EMPTY;

	control_put_peer(&body, &p);
	enum err e = buf_finish(&body, &whole);
	if (e == ERR_OK) {
		send_with(to, CONTROL_PEER, whole, &fd, 1);
	}
	buf_free(&body);
	return e == ERR_OK;
}

/* Gives each of them an end of a new socket. False: cannot. */
static bool give_ends(struct child *caller, struct child *callee, int type)
{
	int pair[2];

	if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
		LOG(LOG_ERROR, "supervisor", "socketpair", LOG_C("err", strerror(errno)));
		return false;
	}
	bool good =
	    send_peer(caller, callee, false, pair[0]) && send_peer(callee, caller, true, pair[1]);
	close(pair[0]);
	close(pair[1]);
	return good;
}

/* Gives a socket to caller and callee, if the table lets the one call the other. False: cannot. */
static bool connect_pair(struct child *caller, struct child *callee)
{
	return (role_table[caller->role].calls & ROLE_BIT(role_as(callee->role))) == 0 ||
	       give_ends(caller, callee, SOCK_STREAM);
}

/* Processes of one role hand each other connections, if the table says so: packets. */
static bool connect_siblings(struct child *a, struct child *b)
{
	return a->role != b->role || !role_table[a->role].siblings ||
	       give_ends(a, b, SOCK_SEQPACKET);
}

static bool open_poll(struct child *c)
{
	c->poll = calloc(1, sizeof(*c->poll));
	if (c->poll == NULL || uv_poll_init(loop_uv(c->s->loop), c->poll, c->control.fd) != 0) {
		free(c->poll);
		c->poll = NULL;
		return false;
	}
	c->poll->data = c;
	watch(c);
	return true;
}

/* Tells it who it is and connects it with the others that run. */
static bool introduce(struct child *c)
{
	struct supervisor *s = c->s;
	bool good = open_poll(c);

	if (good) {
		send_start(c);
		if (c->role == ROLE_SIGNER) {
			/* One that died over an offer is not asked again. */
			tls_files_close(&s->tls_offered);
			send_tls(c, &s->tls_files);
		}
	}
	for (unsigned i = 0; good && i < s->n_children; i++) {
		struct child *other = &s->children[i];
		if (other != c && other->pid > 0) {
			good = connect_pair(c, other) && connect_pair(other, c) &&
			       connect_siblings(c, other);
		}
	}
	return good;
}

static void schedule_restart(struct child *c, int64_t now_us)
{
	c->state = CHILD_WAITING;
	c->restart_us = now_us + c->backoff_ms * 1000;
	c->backoff_ms = c->backoff_ms * 2 < BACKOFF_LAST_MS ? c->backoff_ms * 2 : BACKOFF_LAST_MS;
}

void child_start(struct child *c)
{
	struct supervisor *s = c->s;
	const struct role_def *def = &role_table[c->role];
	const struct spawn spawn = { s->program_fd[c->role], def->program, c->role, c->instance,
		def->nice };
	struct err_note note = { 0 };
	char label[24];
	int control = -1;

	c->started_us = clock_mono_us();
	if (spawn_role(&spawn, &c->pid, &control, &note) != ERR_OK) {
		LOG(LOG_ERROR, "supervisor", "spawn_failed",
		    LOG_C("process", child_label(c, label)), LOG_C("err", note.text));
		schedule_restart(c, c->started_us);
		return;
	}
	c->state = CHILD_STARTING;
	c->failed = c->hangs = false;
	control_init(&c->control, control);
	if (!introduce(c)) {
		/* It would wait for ever for what is missing; its end brings the next try. */
		LOG(LOG_ERROR, "supervisor", "not_connected",
		    LOG_C("process", child_label(c, label)));
		kill(c->pid, SIGKILL);
	}
}

static void describe_end(int status, char *out, size_t size)
{
	if (WIFSIGNALED(status)) {
		snprintf(out, size, "killed by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	} else {
		snprintf(out, size, "exit code %d", WEXITSTATUS(status));
	}
}

/*
 * Nobody must take the numbers of a dead process for current ones. Its pid stays: a slot without
 * one is not shown, and that a role is down is what people and alarms look for.
 */
static void clear_slot(struct child *c)
{
	struct metric_slot *slot = metrics_slot(c->s->metrics, c->slot);

	slot->state = SLOT_EMPTY;
	slot->connections = slot->queue_len = slot->queue_wait_us = 0;
	slot->loop_lag_us = slot->tasks = slot->busy = 0;
}

/* Says why the start cannot go on, once, and ends the rest. */
static void fail_start(struct child *c, int code, const char *reason)
{
	char label[24], text[sizeof(c->failed_text) + 32];

	snprintf(text, sizeof(text), "%s: %s", child_label(c, label),
	    c->failed ? c->failed_text : reason);
	fprintf(stderr, "plimsoll: %s\n", text);
	predecessor_complain(&c->s->predecessor, code, text);
	stop_at_once(c->s, code);
}

static void on_end(struct child *c, int status)
{
	struct supervisor *s = c->s;
	int64_t now_us = clock_mono_us();
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	char label[24], reason[80];

	if (c->control.fd >= 0) {
		(void)receive_all(c);
	}
	close_control(c);
	c->pid = 0;
	clear_slot(c);
	describe_end(status, reason, sizeof(reason));
	if (s->stopping) {
		c->state = CHILD_GONE;
		if (code != 0 && !s->killing) {
			LOG(LOG_WARN, "supervisor", "process_ended",
			    LOG_C("process", child_label(c, label)), LOG_C("reason", reason));
		}
		return;
	}
	/* While an upgrade can still fail no second try is needed: the old server goes on. */
	bool is_final = c->failed || code == EXIT_CONFIG || code == EXIT_SANDBOX ||
			(predecessor_waits(&s->predecessor) && !s->predecessor.told_ready);
	if (!s->announced && is_final && !s->predecessor.told_ready) {
		c->state = CHILD_GONE;
		fail_start(c, c->failed ? c->failed_code : code < 0 ? EXIT_FAILED : code, reason);
		return;
	}
	if (now_us - c->started_us >= STEADY_US) {
		c->backoff_ms = BACKOFF_FIRST_MS;
	}
	LOG(LOG_WARN, "supervisor", "process_ended", LOG_C("process", child_label(c, label)),
	    LOG_C("reason", reason), LOG_C("detail", c->failed ? c->failed_text : ""),
	    LOG_I("restart_in_ms", c->backoff_ms));
	schedule_restart(c, now_us);
}

void child_reap(struct supervisor *s)
{
	for (unsigned i = 0; i < s->n_children; i++) {
		struct child *c = &s->children[i];
		int status = 0;
		if (c->pid > 0 && waitpid(c->pid, &status, WNOHANG) == c->pid) {
			on_end(c, status);
		}
	}
}

void child_restart_due(struct supervisor *s, int64_t now_us)
{
	for (unsigned i = 0; i < s->n_children && !s->stopping; i++) {
		struct child *c = &s->children[i];
		bool is_held = s->predecessor.store_held && c->role == ROLE_STORE;
		if (c->state == CHILD_WAITING && c->restart_us <= now_us && !is_held) {
			struct metric_slot *slot = metrics_slot(s->metrics, c->slot);
			slot->restarts += c->restart_us > 0; /* 0: the first start */
			child_start(c);
		}
	}
}
