/*
 * See predecessor.h, and upgrade.c for the order of events.
 */
#include "core/role/predecessor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/obs/log.h"
#include "core/role/spawn.h"
#include "core/role/supervisor.h"
#include "core/store/store.h"
#include "core/store/store_conf.h"

enum {
	HANDOVER_WAIT_MS = 10000,
	COMPLAINT_MAX = 1024, /* bytes of what is told to the old one */
};

/* ---- start ---- */

/* The control socket that the environment announces, or -1. */
static int announced_fd(void)
{
	const char *text = getenv(SPAWN_HANDOVER_ENV);
	uint64_t fd = 0;
	int type = 0;
	socklen_t len = sizeof(type);

	if (text == NULL || slice_to_u64(slice_str(text), INT32_MAX, &fd) != ERR_OK ||
	    getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_SEQPACKET) {
		return -1;
	}
	return (int)fd;
}

static enum err take_handover(struct predecessor *p, const struct control_message *m,
    struct given *given, struct err_note *note)
{
	struct control_handover h;
	bool is_good = m->kind == CONTROL_HANDOVER && control_take_handover(m->body, &h);

	if (!is_good || m->n_fds != h.n + 1) {
		for (unsigned i = 0; i < m->n_fds; i++) {
			close(m->fds[i]);
		}
		return err_note_set(
		    note, ERR_CORRUPT, "the running server hands over nothing usable");
	}
	p->lock_fd = m->fds[0];
	for (unsigned i = 0; i < h.n; i++) {
		/* There is room: a message holds fewer than GIVEN_MAX. */
		(void)given_add(given, m->fds[i + 1], h.listener[i].section, h.listener[i].address);
	}
	if (h.version != CONTROL_HANDOVER_VERSION) {
		return err_note_set(note, ERR_UNSUPPORTED,
		    "the running server is too different from this one for an upgrade while it serves");
	}
	return ERR_OK;
}

enum err predecessor_open(struct predecessor *p, struct given *given, struct err_note *note)
{
	struct control_message m;
	int fd = announced_fd();

	*p = (struct predecessor){ .lock_fd = -1 };
	control_poll_init(&p->link, -1);
	unsetenv(SPAWN_HANDOVER_ENV);
	if (fd < 0) {
		return given_by_manager(given, note);
	}
	*given = (struct given){ 0 };
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	control_poll_init(&p->link, fd);
	p->state = PREDECESSOR_SERVES;
	enum err e = control_wait(&p->link.control, HANDOVER_WAIT_MS);
	if (e == ERR_OK) {
		e = control_receive(&p->link.control, &m);
	}
	if (e != ERR_OK) {
		return err_note_set(
		    note, e, "the running server hands over nothing: %s", err_text(e));
	}
	return take_handover(p, &m, given, note);
}

void predecessor_close(struct predecessor *p)
{
	control_poll_fini(&p->link);
	if (p->lock_fd >= 0) {
		close(p->lock_fd);
		p->lock_fd = -1;
	}
	p->state = PREDECESSOR_NONE;
}

void predecessor_complain(struct predecessor *p, int exit_code, const char *text)
{
	struct buf body = buf_new(2 * COMPLAINT_MAX);
	struct control before = { .fd = p == NULL ? announced_fd() : -1 };
	struct control *control = p == NULL ? &before : &p->link.control;
	struct slice s = slice_str(text);

	list_init(&before.pending);
	if (control->fd >= 0 && (p == NULL || predecessor_waits(p))) {
		control_put_failed(
		    &body, &(struct control_failed){ exit_code, slice_sub(s, 0, COMPLAINT_MAX) });
		if (control_send(control, CONTROL_FAILED, buf_slice(&body), NULL, 0) != ERR_OK) {
			/* Then it learns that we ended, and the line is in our log. */
			LOG(LOG_WARN, "supervisor", "complaint_not_heard", LOG_C("text", text));
		}
	}
	buf_free(&body);
}

/* ---- the database ---- */

/*
 * Looked at by the supervisor itself, because it decides in which order processes are started. A
 * database that is newer than we are is left for the store to refuse.
 */
enum err predecessor_compare_schema(struct supervisor *s, struct err_note *note)
{
	char path[STORE_PATH_MAX];
	struct sql_db *db = NULL;
	enum err e = store_db_path(s->data_dir, path, sizeof(path));

	/* On PostgreSQL `plimsoll migrate` changes tables; a store only looks and refuses. */
	if (!predecessor_waits(&s->predecessor) || store_is_postgres(s->conf)) {
		return ERR_OK;
	}
	if (e == ERR_OK) {
		e = sql_open(path, SQL_READ_ONLY, &db, note);
	}
	for (size_t i = 0; e == ERR_OK && i < s->app->n_services; i++) {
		const struct service *service = s->app->services[i];
		struct err_note why = { 0 };
		if ((s->services & (1u << i)) != 0) {
			e = sql_migrated(db, service->name, service->n_migrations, &why);
		}
		if (e == ERR_NOT_FOUND) {
			s->predecessor.store_held = true;
			e = ERR_OK;
		}
	}
	sql_close(&db);
	return e == ERR_OK ? e : err_note_set(note, e, "%s: %s", path, err_text(e));
}

/* ---- in the loop ---- */

static void take_over(struct supervisor *s)
{
	struct err_note note = { 0 };
	char text[96];

	s->predecessor.state = PREDECESSOR_DRAINS;
	if (data_dir_sign(s->lock_fd, &note) != ERR_OK) {
		LOG(LOG_ERROR, "supervisor", "lock_not_signed", LOG_C("err", note.text));
	}
	for (unsigned i = 0; i < s->n_children; i++) {
		child_send(&s->children[i], CONTROL_SERVE, SLICE_EMPTY);
	}
	snprintf(text, sizeof(text), "process %d serves; it got ready in %lld ms", (int)getpid(),
	    (long long)((clock_mono_us() - s->begun_us) / 1000));
	upgrade_write_outcome(s, true, text);
	supervisor_check_ready(s);
}

static void on_message(void *arg, const struct control_message *m)
{
	struct supervisor *s = arg;
	struct predecessor *p = &s->predecessor;

	if (m->kind == CONTROL_TAKE_OVER && predecessor_waits(p) && p->told_ready) {
		take_over(s);
	} else if (m->kind == CONTROL_STORE_FREE && p->store_held) {
		p->store_held = false;
		child_restart_due(s, clock_mono_us());
	}
}

static void on_end(void *arg)
{
	struct supervisor *s = arg;

	if (predecessor_waits(&s->predecessor)) {
		LOG(LOG_ERROR, "supervisor", "upgrade_failed",
		    LOG_C("err", "the running server is gone or does not want us any more"));
		stop_at_once(s, EXIT_FAILED);
		return;
	}
	s->predecessor.state = PREDECESSOR_NONE;
	LOG(LOG_INFO, "supervisor", "predecessor_ended", LOG_I("pid", getpid()));
	upgrade_predecessor_ended(s);
}

void predecessor_listen(struct supervisor *s)
{
	struct control_poll *link = &s->predecessor.link;

	if (s->predecessor.state == PREDECESSOR_NONE) {
		return;
	}
	link->on_message = on_message;
	link->on_end = on_end;
	link->arg = s;
	control_poll_start(link, s->loop);
}

/* Everybody who does not need the store first: what can fail has shown itself by then. */
static bool is_ready_but_for_store(const struct supervisor *s)
{
	for (unsigned i = 0; i < s->n_children; i++) {
		const struct child *c = &s->children[i];
		bool needs_store = (role_table[c->role].calls & ROLE_BIT(ROLE_STORE)) != 0;
		if (c->role != ROLE_STORE && c->state != CHILD_READY &&
		    !(needs_store && c->state == CHILD_STARTING)) {
			return false;
		}
	}
	return true;
}

void predecessor_step(struct supervisor *s)
{
	struct predecessor *p = &s->predecessor;

	if (p->store_held && !p->asked && is_ready_but_for_store(s)) {
		p->asked = true;
		control_poll_send(&p->link, CONTROL_NEED_STORE, SLICE_EMPTY, NULL, 0);
	}
	for (unsigned i = 0; i < s->n_children; i++) {
		if (s->children[i].state != CHILD_READY) {
			return;
		}
	}
	if (!p->told_ready) {
		p->told_ready = true;
		control_poll_send(&p->link, CONTROL_READY, SLICE_EMPTY, NULL, 0);
	}
}
