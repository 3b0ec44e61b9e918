/*
 * Role: admin. Shows the last mails of the outbox. The rows come from the store by message: this
 * role opens no database. Everything shown is escaped; links are made only from our own links.
 */
#include "accounts/outbox_admin.h"

#include <stdlib.h>

#include "accounts/outbox.h"
#include "core/base/check.h"
#include "core/base/enc.h"
#include "core/base/json.h"
#include "core/service.h"

enum {
	PAGE_BYTES = 4 * 1024 * 1024
};

/* Asks the store; *ret lives in the call's arena. */
static enum err fetch(struct op_call *c, struct outbox_recent **ret)
{
	struct svc_env *env = c->env;
	struct slice reply = SLICE_EMPTY;
	struct outbox_recent *recent = arena_alloc(c->arena, sizeof(*recent));

	if (recent == NULL) {
		return ERR_MEMORY;
	}
	enum err e = rpc_call(env->peer[ROLE_STORE], &accounts_outbox_recent, SLICE_EMPTY,
	    c->deadline_us, c->trace, c->arena, &reply, &c->note);
	if (e == ERR_OK) {
		CHECK(outbox_take_recent(reply, recent));
		*ret = recent;
	}
	return e;
}

static const char *state_name(uint32_t state)
{
	static const char *const names[] = { "queued", "sent", "kept", "failed" };

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

/* Sends what was built; the buffer is freed with the request. */
static void free_buf(void *arg)
{
	buf_free(arg);
}

static enum err new_body(struct op_call *c, struct buf **ret)
{
	struct buf *b = arena_alloc(c->arena, sizeof(*b));

	if (b == NULL) {
		return ERR_MEMORY;
	}
	*b = buf_new(PAGE_BYTES);
	enum err e = arena_defer(c->arena, free_buf, b);
	if (e == ERR_OK) {
		*ret = b;
	}
	return e;
}

static enum err reply_body(struct op_call *c, const struct buf *b, struct slice content_type)
{
	struct slice body = SLICE_EMPTY;
	enum err e = buf_finish(b, &body);

	if (e == ERR_OK) {
		http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-store"));
		http_reply(c->req, 200, content_type, body);
	}
	return e;
}

static void put_pair(struct json_writer *w, struct slice name, struct slice value)
{
	json_put_name(w, name);
	json_put_string(w, value);
}

static void put_mail_json(struct json_writer *w, const struct outbox_mail *m)
{
	json_begin_object(w);
	json_put_name(w, SLICE("id"));
	json_put_i64(w, m->id);
	put_pair(w, SLICE("to"), m->recipient);
	put_pair(w, SLICE("kind"), m->kind);
	put_pair(w, SLICE("subject"), m->subject);
	put_pair(w, SLICE("site"), m->site);
	put_pair(w, SLICE("link"), m->link);
	put_pair(w, SLICE("text"), m->text);
	put_pair(w, SLICE("state"), slice_str(state_name(m->state)));
	put_pair(w, SLICE("error"), m->error);
	json_put_name(w, SLICE("tries"));
	json_put_i64(w, m->tries);
	json_put_name(w, SLICE("created"));
	json_put_i64(w, m->created_ms);
	json_put_name(w, SLICE("sent"));
	json_put_i64(w, m->sent_ms);
	json_end_object(w);
}

enum err outbox_admin_json(struct op_call *c)
{
	struct outbox_recent *recent = NULL;
	struct buf *b = NULL;
	enum err e = fetch(c, &recent);

	if (e == ERR_OK) {
		e = new_body(c, &b);
	}
	if (e != ERR_OK) {
		return e;
	}
	struct json_writer w = json_writer_new(b);
	json_begin_array(&w);
	for (uint32_t i = 0; i < recent->n; i++) {
		put_mail_json(&w, &recent->mails[i]);
	}
	json_end_array(&w);
	return reply_body(c, b, SLICE("application/json"));
}

static void put_mail_html(struct buf *b, const struct outbox_mail *m)
{
	buf_append_str(b, "<article><h2>");
	enc_html(b, m->subject);
	buf_append_str(b, "</h2><p>To <b>");
	enc_html(b, m->recipient);
	buf_printf(b, "</b> &middot; %s", state_name(m->state));
	if (m->error.len > 0) {
		buf_append_str(b, " &middot; ");
		enc_html(b, m->error);
	}
	buf_append_str(b, "</p>");
	if (m->link.len > 0) {
		buf_append_str(b, "<p><a href=\"");
		enc_html(b, m->link);
		buf_append_str(b, "\">Open the link of this mail</a></p>");
	}
	buf_append_str(b, "<pre>");
	enc_html(b, m->text);
	buf_append_str(b, "</pre></article>\n");
}

static const char page_head[] =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width\"><title>Outbox</title>"
    "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;"
    "padding:0 1rem;color-scheme:light dark}article{border-top:1px solid #8886}"
    "h2{font-size:1rem}pre{white-space:pre-wrap;overflow-wrap:anywhere}</style>"
    "<h1>Outbox</h1><p>The newest mails, newest first. In development they stay here; with "
    "<code>[mail] smtp</code> set they go out and only their headings remain.</p>\n";

enum err outbox_admin_page(struct op_call *c)
{
	struct outbox_recent *recent = NULL;
	struct buf *b = NULL;
	enum err e = fetch(c, &recent);

	if (e == ERR_OK) {
		e = new_body(c, &b);
	}
	if (e != ERR_OK) {
		return e;
	}
	buf_append_str(b, page_head);
	if (recent->n == 0) {
		buf_append_str(b, "<p>No mail yet.</p>\n");
	}
	for (uint32_t i = 0; i < recent->n; i++) {
		put_mail_html(b, &recent->mails[i]);
	}
	buf_append_str(b, "</html>\n");
	return reply_body(c, b, SLICE("text/html; charset=utf-8"));
}
