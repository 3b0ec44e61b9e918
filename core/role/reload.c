/*
 * SIGHUP: the configuration file is read afresh. What does not pass leaves everything as it was.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/obs/log.h"
#include "core/role/app.h"
#include "core/role/supervisor.h"

enum {
	PROBLEMS_BYTES = 64 * 1024
};

static void log_lines(enum log_level level, const char *event, const struct buf *lines)
{
	struct slice rest = buf_slice(lines);

	for (struct slice line; slice_split(&rest, '\n', &line);) {
		if (line.len > 0) {
			LOG(level, "supervisor", event, LOG_S("text", line));
		}
	}
}

/* What the runtime and the services refuse, a line each. */
static enum err check(const struct supervisor *s, const struct conf *conf, struct buf *problems)
{
	struct err_note note = { 0 };
	enum err e = app_conf_check(s->app, conf, &note);

	if (e != ERR_OK) {
		buf_printf(problems, "%s\n", note.text);
	}
	for (size_t i = 0; i < s->app->n_services; i++) {
		const struct service *service = s->app->services[i];
		struct err_note why = { 0 };
		if ((s->services & (1u << i)) != 0 && service->check != NULL &&
		    service->check(conf, &why) != ERR_OK) {
			buf_printf(problems, "%s: %s\n", service->name, why.text);
			e = ERR_CONFIG;
		}
	}
	return e;
}

static enum err read_conf(const struct supervisor *s, struct conf **ret, struct buf *problems)
{
	struct conf *next = NULL;
	enum err e = app_conf_new(s->app, &next);

	if (e != ERR_OK) {
		return e;
	}
	/* Without a file there is only what does not stand in it: keys and certificates. */
	e = s->conf_path == NULL ? ERR_OK : conf_load(next, s->conf_path, problems);
	if (e == ERR_OK) {
		e = conf_load_env(next, problems);
	}
	if (e == ERR_OK) {
		e = conf_copy_origin(next, s->conf, "command line");
	}
	if (e == ERR_OK) {
		e = check(s, next, problems);
	}
	if (e != ERR_OK) {
		conf_free(&next);
		return e;
	}
	*ret = next;
	return ERR_OK;
}

/* The listener does not come or go with a reload, and with it the keys. */
static enum err open_tls_files(const struct supervisor *s, const struct conf *conf,
    struct tls_files *ret, struct err_note *note)
{
	return s->tls_files.n == 0 || !tls_is_on(conf) ? ERR_OK : tls_files_open(conf, ret, note);
}

static void tell_roles(struct supervisor *s)
{
	for (unsigned i = 0; i < s->n_children; i++) {
		struct child *c = &s->children[i];
		struct buf conf = buf_new(CONTROL_MAX_BYTES);
		struct slice text = SLICE_EMPTY;
		conf_export(s->conf, c->role, &conf);
		if (c->pid > 0 && buf_finish(&conf, &text) == ERR_OK) {
			child_send(c, CONTROL_RELOAD, text);
		}
		buf_free(&conf);
	}
}

void reload_conf(struct supervisor *s)
{
	struct buf problems = buf_new(PROBLEMS_BYTES), kept = buf_new(PROBLEMS_BYTES);
	struct conf *next = NULL;
	struct tls_files files = { 0 };
	struct err_note note = { 0 };

	if (upgrade_is_under_way(&s->upgrade) || s->stopping) {
		LOG(LOG_WARN, "supervisor", "reload_refused",
		    LOG_C("err", s->stopping ? "the server stops" : "an upgrade is under way"));
		return;
	}
	notify_send(&s->notify, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_us());
	enum err e = read_conf(s, &next, &problems);
	if (e == ERR_OK && (e = open_tls_files(s, next, &files, &note)) != ERR_OK) {
		buf_printf(&problems, "%s\n", note.text);
		conf_free(&next);
	}
	if (e != ERR_OK) {
		log_lines(LOG_ERROR, "reload_problem", &problems);
		LOG(LOG_ERROR, "supervisor", "reload_refused", LOG_C("err", err_text(e)));
		goto done;
	}
	if (conf_needs_restart(s->conf, next, &kept)) {
		log_lines(LOG_WARN, "reload_incomplete", &kept);
		LOG(LOG_WARN, "supervisor", "reload_incomplete",
		    LOG_C("text", "an upgrade applies these, also to the same program"));
	}
	conf_free(&s->reloaded);
	s->reloaded = next;
	s->conf = next;
	tell_roles(s);
	child_offer_tls(s, &files);
	LOG(LOG_INFO, "supervisor", "reloaded",
	    LOG_C("file", s->conf_path == NULL ? "none" : s->conf_path));
done:
	notify_send(&s->notify, "READY=1\nSTATUS=Process %d serves (%s)%s", (int)getpid(),
	    s->app->version, e == ERR_OK ? "" : "; the last reload was refused, see the log");
	buf_free(&problems);
	buf_free(&kept);
}
