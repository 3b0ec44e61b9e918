/*
 * Role: store. The outbox table: putting mails, and reading rows for the courier (leased) and for
 * the development page.
 */
#include "accounts/outbox.h"

#include "accounts/accounts_priv.h"
#include "accounts/mail_address.h"
#include "core/base/check.h"
#include "core/base/rng.h"

/* Fixed bytes of a mail in a message: numbers and the lengths of its texts. */
enum {
	MAIL_OVERHEAD = 128,
	REPLY_HEAD = 64
};

static bool is_too_long(const struct outbox_mail *m)
{
	return m->text.len > OUTBOX_PART_MAX || m->html.len > OUTBOX_PART_MAX ||
	       m->recipient.len > 512 || m->subject.len > 1024 || m->link.len > 4096 ||
	       m->site.len > 1024;
}

static enum err is_full(struct txn *t, bool *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_OUTBOX_IS_FULL], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "most", OUTBOX_QUEUE_MAX - 1);
	e = sql_step(q);
	sql_end(q);
	*ret = e == ERR_OK;
	return e == ERR_END ? ERR_OK : e;
}

enum err outbox_put(
    struct txn *t, const struct outbox_mail *mail, int64_t *ret_id, struct err_note *note)
{
	bool full = false;
	char verp[VERP_LEN + 1];
	struct sql_query *q = NULL;

	if (is_too_long(mail)) {
		return err_note_set(note, ERR_LIMIT, "a mail is too long");
	}
	enum err e = is_full(t, &full, note);
	if (e != ERR_OK) {
		return e;
	}
	if (full) {
		return err_note_set(
		    note, ERR_TOO_BUSY, "%d mails wait in the outbox", OUTBOX_QUEUE_MAX);
	}
	e = mail_address_note(t, mail->recipient, verp, note);
	if (e == ERR_OK) {
		e = sql_begin(t->db, &accounts_stmts[STMT_OUTBOX_PUT], &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "recipient", mail->recipient);
	sql_bind_text(q, "kind", mail->kind);
	sql_bind_text(q, "subject", mail->subject);
	sql_bind_text(q, "link", mail->link);
	sql_bind_text(q, "site", mail->site);
	sql_bind_text(q, "body_text", mail->text);
	sql_bind_text(q, "body_html", mail->html);
	sql_bind_text(q, "verp", slice_str(verp));
	sql_bind_i64(q, "now_ms", t->now_ms);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret_id = sql_col_i64(q, 0);
		e = sql_step(q);
	}
	sql_end(q);
	return e == ERR_END ? accounts_wake_after_commit(t) : e;
}

/* Copies the current row; column order of OUTBOX_DUE and OUTBOX_RECENT. */
static enum err take_row(struct sql_query *q, struct arena *arena, struct outbox_mail *m)
{
	struct slice *const texts[] = { &m->recipient, &m->kind, &m->subject, &m->link, &m->site,
		&m->text, &m->html };

	m->id = sql_col_i64(q, 0);
	for (int i = 0; i < (int)(sizeof(texts) / sizeof(texts[0])); i++) {
		if (arena_copy(arena, sql_col_text(q, i + 1), texts[i]) != ERR_OK) {
			return ERR_MEMORY;
		}
	}
	m->created_ms = sql_col_i64(q, 8);
	m->tries = (uint32_t)sql_col_i64(q, 9);
	m->state = (uint32_t)sql_col_i64(q, 10);
	m->sent_ms = sql_col_i64(q, 11);
	if (arena_copy(arena, sql_col_text(q, 12), &m->error) != ERR_OK) {
		return ERR_MEMORY;
	}
	return arena_copy(arena, sql_col_text(q, 13), &m->verp);
}

static size_t mail_bytes(const struct outbox_mail *m)
{
	return MAIL_OVERHEAD + m->recipient.len + m->kind.len + m->subject.len + m->link.len +
	       m->site.len + m->text.len + m->html.len + m->error.len + m->verp.len;
}

/* Rows of a query that has been bound, as many as fit a reply; ends it. */
static enum err take_rows(struct sql_query *q, struct arena *arena, struct outbox_mail *mails,
    uint32_t max, uint32_t *ret_n)
{
	size_t bytes = REPLY_HEAD;
	uint32_t n = 0;
	enum err e = ERR_OK;

	while (n < max && (e = sql_step(q)) == ERR_OK) {
		e = take_row(q, arena, &mails[n]);
		if (e != ERR_OK) {
			/* Out of memory after some rows: those few are a good answer too. */
			e = n > 0 && e == ERR_MEMORY ? ERR_END : e;
			break;
		}
		bytes += mail_bytes(&mails[n]);
		if (bytes > OUTBOX_REPLY_MAX) {
			break;
		}
		n++;
	}
	sql_end(q);
	*ret_n = n;
	return e == ERR_END ? ERR_OK : e;
}

static enum err lease_row(
    struct txn *t, struct outbox_mail *m, int64_t lease, int64_t until_ms, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_OUTBOX_LEASE], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", m->id);
	sql_bind_i64(q, "lease", lease);
	sql_bind_i64(q, "until_ms", until_ms);
	e = sql_step(q);
	sql_end(q);
	m->tries++;
	return e == ERR_END ? ERR_OK : e;
}

static enum err next_due(struct txn *t, int64_t *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_OUTBOX_NEXT], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	e = sql_step(q);
	*ret = e == ERR_OK ? sql_col_i64(q, 0) : INT64_MAX;
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err handle_lease(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct outbox_lease_req r;
	struct sql_query *q;

	(void)info;
	CHECK(outbox_take_lease_req(req, &r));
	struct outbox_leased *leased = arena_alloc(t->arena, sizeof(*leased));
	if (leased == NULL) {
		return ERR_MEMORY;
	}
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_OUTBOX_DUE], &q, note);
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "now_ms", t->now_ms);
	sql_bind_i64(q, "most", r.max_rows);
	e = take_rows(q, t->arena, leased->mails, r.max_rows, &leased->n);
	leased->lease = (int64_t)(rng_u64() >> 1) | 1;
	for (uint32_t i = 0; e == ERR_OK && i < leased->n; i++) {
		e = lease_row(t, &leased->mails[i], leased->lease, t->now_ms + r.lease_ms, note);
	}
	if (e == ERR_OK) {
		e = next_due(t, &leased->next_due_ms, note);
	}
	if (e == ERR_OK) {
		outbox_put_leased(reply, leased);
	}
	return e;
}

static enum err handle_recent(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct sql_query *q;

	(void)info;
	CHECK(req.len == 0);
	struct outbox_recent *recent = arena_alloc(t->arena, sizeof(*recent));
	if (recent == NULL) {
		return ERR_MEMORY;
	}
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_OUTBOX_RECENT], &q, note);
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "before", INT64_MAX);
	sql_bind_i64(q, "most", OUTBOX_RECENT_MAX);
	e = take_rows(q, t->arena, recent->mails, OUTBOX_RECENT_MAX, &recent->n);
	if (e == ERR_OK) {
		outbox_put_recent(reply, recent);
	}
	return e;
}

const struct rpc_def accounts_outbox_lease = {
	.name = "accounts.outbox_lease",
	.from = ROLE_BIT(ROLE_COURIER),
	.to = ROLE_STORE,
	.max_req = 64,
	.max_rep = OUTBOX_REPLY_MAX,
	.deadline_ms = 10000,
	.cost_us = 500,
	.flags = RPC_TXN, /* asking again would lease other rows, and these run out first */
	.handle = handle_lease,
};

const struct rpc_def accounts_outbox_recent = {
	.name = "accounts.outbox_recent",
	.from = ROLE_BIT(ROLE_ADMIN),
	.to = ROLE_STORE,
	.max_req = 0,
	.max_rep = OUTBOX_REPLY_MAX,
	.deadline_ms = 5000,
	.cost_us = 500,
	.flags = RPC_IDEMPOTENT,
	.handle = handle_recent,
};
