/*
 * Accounts as lines of JSON: out to take them elsewhere, in from another server.
 */
#include "accounts/password.h"
#include "core/base/json.h"
#include "services/identity/param_type.h"
#include "services/identity/users.h"

enum {
	LINE_MAX_BYTES = 256 * 1024
};

static void put_email(void *arg, const struct email_row *row)
{
	struct json_writer *w = arg;

	json_begin_object(w);
	json_put_name(w, SLICE("address"));
	json_put_string(w, row->address);
	json_put_name(w, SLICE("kind"));
	json_put_string(w, row->is_primary ? SLICE("primary") : SLICE("secondary"));
	json_put_name(w, SLICE("verified"));
	json_put_bool(w, row->is_verified);
	json_end_object(w);
}

static void put_account(struct json_writer *w, const struct account *a)
{
	json_put_name(w, SLICE("password_hash"));
	if (a->has_password) {
		json_put_string(w, a->password_hash);
	} else {
		json_put_null(w);
	}
	json_put_name(w, SLICE("kdf"));
	json_put_string(w, slice_str(kdf_name(a->kdf.kind)));
	json_put_name(w, SLICE("salt"));
	json_put_string(w, slice_str(a->kdf.salt));
	json_put_name(w, SLICE("locked"));
	json_put_bool(w, a->is_locked);
	json_put_name(w, SLICE("created_ms"));
	json_put_i64(w, a->created_ms);
}

enum err user_write(struct sql_db *db, const struct account *a, FILE *out, struct err_note *note)
{
	struct buf text = buf_new(LINE_MAX_BYTES);
	struct json_writer w = json_writer_new(&text);
	struct slice line = SLICE_EMPTY;

	json_begin_object(&w);
	json_put_name(&w, SLICE("emails"));
	json_begin_array(&w);
	enum err e = account_each_email_row(db, a->id, put_email, &w, note);
	json_end_array(&w);
	put_account(&w, a);
	json_end_object(&w);
	if (e == ERR_OK) {
		e = buf_finish(&text, &line);
	}
	if (e == ERR_OK) {
		bool good =
		    fwrite(line.ptr, 1, line.len, out) == line.len && fputc('\n', out) != EOF;
		e = good ? ERR_OK : err_note_set(note, ERR_IO, "cannot write");
	}
	buf_free(&text);
	return e;
}

/* ---- reading ---- */

/* One address of a line: a string, or an object. */
static bool take_email(const struct json *v, struct email_row *ret)
{
	struct slice kind;
	bool verified = true;

	*ret = (struct email_row){ .is_verified = true };
	if (json_get_string(v, &ret->address)) {
		return email_is_valid(ret->address);
	}
	if (!json_get_string(json_member(v, "address"), &ret->address) ||
	    !email_is_valid(ret->address)) {
		return false;
	}
	if (json_get_bool(json_member(v, "verified"), &verified)) {
		ret->is_verified = verified;
	}
	ret->is_primary =
	    json_get_string(json_member(v, "kind"), &kind) && slice_eq(kind, SLICE("primary"));
	return true;
}

/* False: no hash that a login could be compared with. */
static bool take_password(const struct json *o, struct slice *ret_hash, struct kdf *ret_kdf)
{
	const struct json *hash = json_member(o, "password_hash");
	struct slice kdf = SLICE("plain"), salt = SLICE_EMPTY;

	*ret_hash = SLICE_EMPTY;
	(void)json_get_string(json_member(o, "kdf"), &kdf);
	(void)json_get_string(json_member(o, "salt"), &salt);
	if (kdf_from_text(kdf, salt, ret_kdf) != ERR_OK) {
		return false;
	}
	if (hash == NULL || json_kind(hash) == JSON_KIND_NULL) {
		return true;
	}
	return json_get_string(hash, ret_hash) && password_cost(*ret_hash) > 0;
}

static enum err give(struct txn *t, int64_t id, const struct email_row *row, struct err_note *note)
{
	struct slice key;
	int64_t owner = 0;
	enum err e = email_key(t->arena, row->address, &key);

	if (e == ERR_OK) {
		e = email_owner(t->db, key, &owner, note);
	}
	if (e == ERR_OK) {
		return err_note_set(note, ERR_EXISTS, "account %lld has the address %.*s",
		    (long long)owner, SLICE_ARG(row->address));
	}
	if (e != ERR_NOT_FOUND) {
		return e;
	}
	return row->is_verified ? account_give_email(t, id, row->address, row->is_primary, note)
				: account_give_unverified(t, id, row->address, note);
}

static enum err lock_if_asked(
    struct txn *t, const struct json *o, int64_t id, struct err_note *note)
{
	struct account a;
	bool locked = false;

	if (!json_get_bool(json_member(o, "locked"), &locked) || !locked) {
		return ERR_OK;
	}
	enum err e = account_by_id(t->db, t->arena, id, &a, note);
	return e == ERR_OK ? account_lock(t, &a, true, note) : e;
}

enum err user_read(struct txn *t, struct slice line, struct err_note *note)
{
	const struct json *o = NULL;
	struct email_row row;
	struct slice hash;
	struct kdf kdf;
	int64_t id = 0;
	bool has_primary = false;
	enum err e = json_parse(t->arena, line, &o, note);

	if (e == ERR_MEMORY) {
		return e;
	}
	const struct json *emails = e == ERR_OK ? json_member(o, "emails") : NULL;
	size_t n = emails != NULL && json_kind(emails) == JSON_KIND_ARRAY ? json_count(emails) : 0;
	if (n == 0 || n > ACCOUNT_EMAILS_MAX) {
		return err_note_set(note, ERR_INVALID, "\"emails\" must hold 1 to %d addresses",
		    ACCOUNT_EMAILS_MAX);
	}
	if (!take_password(o, &hash, &kdf)) {
		return err_note_set(note, ERR_INVALID,
		    "\"password_hash\" must be a bcrypt hash ($2a$, $2b$, $2y$), kdf and salt as "
		    "exported");
	}
	e = account_create(t, hash, &kdf, &id, note);
	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		if (!take_email(json_element(emails, i), &row)) {
			return err_note_set(
			    note, ERR_INVALID, "\"emails\": number %zu is none", i + 1);
		}
		has_primary = has_primary || row.is_primary;
		e = give(t, id, &row, note);
	}
	if (e == ERR_OK && hash.len == 0 && !has_primary) {
		return err_note_set(note, ERR_INVALID,
		    "without a password there must be an address of kind primary");
	}
	return e == ERR_OK ? lock_if_asked(t, o, id, note) : e;
}
