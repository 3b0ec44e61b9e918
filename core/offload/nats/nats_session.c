/*
 * See nats_session.h.
 */
#include "core/offload/nats/nats_session.h"

#include <stdio.h>
#include <string.h>

#include "core/obs/log.h"

enum err nats_session_start(struct nats_session *s, struct role_ctx *r, struct err_note *note)
{
	enum err e = nats_settings_read(r->env.conf, &s->settings, note);

	if (e == ERR_OK) {
		e = nats_files_read(r->env.conf, &s->files, note);
	}
	job_rows_init(&s->rows, &r->registry, r->env.version);
	return e;
}

enum err nats_session_open(struct nats_session *s, struct role_ctx *r,
    const struct nats_link_setup *what, struct err_note *note)
{
	struct nats_link_setup setup = *what;

	setup.loop = r->env.loop;
	setup.settings = &s->settings;
	setup.files = &s->files;
	setup.message_max = s->rows.frame_max;
	enum err e = nats_link_open(&setup, &s->link);
	return e == ERR_OK ? e : err_note_set(note, e, "NATS: %s", err_text(e));
}

void nats_session_close(struct nats_session *s)
{
	nats_link_close(&s->link);
}

enum err nats_session_publish(
    struct nats_session *s, const char *subject, const char *reply, struct slice payload)
{
	return s->link == NULL ? ERR_PEER_GONE
			       : nats_link_publish(s->link, subject, reply, payload);
}

void nats_session_watch(struct nats_session *s)
{
	const uint64_t dropped = s->link == NULL ? s->dropped : nats_link_dropped(s->link);

	if (dropped != s->dropped) {
		LOG(LOG_WARN, "nats", "dropped",
		    LOG_I("messages", (int64_t)(dropped - s->dropped)));
		s->dropped = dropped;
	}
}

void nats_session_log(struct nats_session *s, bool is_connected, const char *why)
{
	if (is_connected) {
		LOG(LOG_INFO, "nats", "connected", LOG_C("url", s->settings.url[0]));
		s->said[0] = '\0';
	} else if (strncmp(s->said, why, sizeof(s->said) - 1) != 0) {
		LOG(LOG_WARN, "nats", "no_connection", LOG_C("url", s->settings.url[0]),
		    LOG_C("err", why));
		snprintf(s->said, sizeof(s->said), "%s", why);
	}
}
