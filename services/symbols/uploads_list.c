/*
 * GET /api/uploads/: the log of uploads for their senders and for those who may see all (symbols.md
 * 1.6).
 */
#include "services/symbols/listing.h"
#include "services/symbols/symbols_db.h"
#include "services/symbols/symbols_json.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/symbols_who.h"
#include "services/symbols/upload_row.h"

enum {
	PAGE_ROWS = 20
};

/* One page while it is made. */
struct uploads_page {
	struct slice user; /* filter; empty: none */
	bool not_user;
	struct listing l;
};

static bool has_user(const struct uploads_page *p, struct slice email)
{
	return p->user.len == 0 ||
	       (memmem(email.ptr, email.len, p->user.ptr, p->user.len) != NULL) != p->not_user;
}

static enum err take_row(void *arg, const struct upload_row *r)
{
	struct uploads_page *p = arg;

	p->l.scanned++;
	if (has_user(p, r->email) &&
	    listing_takes(&p->l, r->size, r->created_ms, r->completed_ms)) {
		listing_add(&p->l, r->id, r->size);
	}
	return ERR_OK;
}

static enum err walk(struct op_call *c, const struct symbols_who *who, struct uploads_page *p)
{
	const struct svc_env *env = c->env;
	bool all = (who->permissions & SYMBOLS_VIEW_ALL) != 0, is_full = false;
	int64_t before = INT64_MAX, n = LISTING_BATCH;
	enum err e = ERR_OK;

	while (e == ERR_OK && n == LISTING_BATCH && !is_full) {
		e = upload_rows_before(env->db, all ? SLICE_EMPTY : who->email, &before,
		    LISTING_BATCH, take_row, p, &n, &c->note);
		e = e == ERR_OK ? listing_is_full(&p->l, &is_full) : e;
	}
	return e;
}

static enum err put_page(struct op_call *c, struct uploads_page *p, struct json_writer *w)
{
	const struct svc_env *env = c->env;
	const struct listing_place *places = NULL;
	size_t n = listing_cut(&p->l, &places);
	enum err e = ERR_OK;

	json_put_name(w, SLICE("uploads"));
	json_begin_array(w);
	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		json_begin_object(w);
		e = upload_row_show(env->db, places[i].id, w, &c->note);
		json_end_object(w);
	}
	json_end_array(w);
	return e;
}

static void read_user(struct op_call *c, struct uploads_page *p)
{
	p->user = SLICE_EMPTY;
	if (http_query_get(c->req, SLICE("user"), &p->user)) {
		p->not_user = slice_starts(p->user, SLICE("!"));
		p->user = slice_sub(p->user, p->not_user ? 1 : 0, p->user.len);
		p->l.is_filtered = p->l.is_filtered || p->user.len > 0;
	}
}

enum err symbols_uploads(struct op_call *c)
{
	struct symbols_who who;
	struct uploads_page p = { .not_user = false };
	bool good = false;
	enum err e = symbols_who_may(c, 0, SYMBOLS_LOOK, &who, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	e = listing_begin(c, PAGE_ROWS, &p.l, &good);
	if (e != ERR_OK || !good) {
		return e;
	}
	read_user(c, &p);
	e = walk(c, &who, &p);
	if (e != ERR_OK) {
		return e;
	}
	struct buf out = buf_new(UPLOADS_ANSWER_MAX);
	struct json_writer w = json_writer_new(&out);
	json_begin_object(&w);
	e = put_page(c, &p, &w);
	symbols_put_flag(&w, SLICE("can_view_all"), (who.permissions & SYMBOLS_VIEW_ALL) != 0);
	listing_put(&p.l, &w);
	json_end_object(&w);
	return uploads_reply(c, &out, e);
}
