/*
 * A received archive: its members are judged before anything is stored, and then stored one after
 * the other. What was stored before a failure stays; whoever sends the archive again finds it
 * skipped.
 */
#include <openssl/evp.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/enc.h"
#include "core/base/json.h"
#include "core/ev/task.h"
#include "services/symbols/symbols_json.h"
#include "services/symbols/upload.h"

enum {
	LIST_ARENA_MAX = 3 * FILE_LIST_MAX,
	ANSWER_MAX = 2 * UPLOAD_KEYS_MAX,
	TEXT_NAME_MAX = 100, /* bytes of a member's name in an error's text */
	HASH_HEX = 64,
};

struct member {
	struct zip_member zip;
	struct symbol_key key; /* if it is stored */
	bool is_ignored, is_stored;
};

struct work {
	struct upload *u;
	const struct archive *a;
	struct arena list; /* of the members */
	struct member *members;
	size_t n;
	struct buf skipped, ignored; /* JSON arrays */
	struct json_writer skipped_w, ignored_w;
	int64_t stored;
	const char *refusal; /* text of a 400; NULL: none */
	char out[BLOB_DRAFT_CHARS + 1];
};

/* ---- judging ---- */

static enum err list_members(struct work *w)
{
	const struct symbols_settings *settings = &w->u->state->settings;
	struct file_caller files = upload_files(w->u);
	struct slice list = SLICE_EMPTY, rest;
	struct zip_member m;

	files.arena = &w->list;
	enum err e = file_list(&files, w->a->draft, (uint64_t)settings->max_members,
	    (uint64_t)settings->max_unpacked, &list);
	if (e == ERR_SYNTAX) {
		w->refusal = "File is not a zip file";
		return ERR_OK;
	}
	if (e != ERR_OK) {
		return e;
	}
	for (rest = list; file_list_next(&rest, &m);) {
		w->n++;
	}
	w->members = arena_alloc(&w->list, (w->n + 1) * sizeof(*w->members));
	if (w->members == NULL) {
		return ERR_MEMORY;
	}
	rest = list;
	for (size_t i = 0; file_list_next(&rest, &w->members[i].zip);) {
		i++;
	}
	return ERR_OK;
}

static bool is_list_of_symbols(struct slice name)
{
	struct slice end = SLICE("-symbols.txt");

	return name.len >= end.len &&
	       slice_eq_nocase(slice_sub(name, name.len - end.len, name.len), end);
}

static bool is_ds_store(struct slice name)
{
	return slice_eq(name, SLICE(".DS_Store")) || slice_ends(name, SLICE("/.DS_Store"));
}

static const char *refuse_forbidden(struct work *w, struct slice name)
{
	struct slice list = w->u->state->settings.forbidden, piece;

	while (slice_split(&list, ',', &piece)) {
		struct slice text = slice_trim(piece);
		if (text.len > 0 && memmem(name.ptr, name.len, text.ptr, text.len) != NULL) {
			return arena_printf(&w->list,
			    "Content of archive file contains the snippet '%.*s' which is not "
			    "allowed",
			    SLICE_ARG(text));
		}
	}
	return NULL;
}

static const char *refuse_pattern(struct work *w, struct slice name)
{
	return arena_printf(&w->list,
	    "Unrecognized file pattern. Should only be <module>/<hex>/<file> or "
	    "<name>-symbols.txt and nothing else. (First unrecognized pattern was '%.*s')",
	    SLICE_ARG(slice_sub(name, 0, TEXT_NAME_MAX)));
}

/* Is it stored, ignored, or a reason to refuse all? */
static enum err judge(struct work *w, struct member *m)
{
	struct slice name = m->zip.name;

	if (slice_ends(name, SLICE("/"))) {
		return ERR_OK; /* a folder */
	}
	w->refusal = refuse_forbidden(w, name);
	if (w->refusal != NULL) {
		return ERR_OK;
	}
	m->is_ignored = is_list_of_symbols(name) || is_ds_store(name);
	if (m->is_ignored) {
		return ERR_OK;
	}
	enum err e = symbol_key_parse(&w->list, name, &m->key);
	if (e == ERR_SYNTAX) {
		w->refusal = refuse_pattern(w, name);
		return w->refusal == NULL ? ERR_MEMORY : ERR_OK;
	}
	m->is_stored = e == ERR_OK;
	return e;
}

/* By name, and the later behind the earlier. */
static int by_name(const void *a, const void *b)
{
	const struct member *x = *(const struct member *const *)a;
	const struct member *y = *(const struct member *const *)b;
	size_t len = x->zip.name.len < y->zip.name.len ? x->zip.name.len : y->zip.name.len;
	int order = memcmp(x->zip.name.ptr, y->zip.name.ptr, len);

	if (order != 0 || x->zip.name.len != y->zip.name.len) {
		return order != 0 ? order : x->zip.name.len < y->zip.name.len ? -1 : 1;
	}
	return x < y ? -1 : x > y ? 1 : 0;
}

/* Of members with one name the last is stored, if they have one size. */
static enum err judge_doubles(struct work *w)
{
	struct member **sorted = arena_alloc(&w->list, (w->n + 1) * sizeof(struct member *));

	if (sorted == NULL) {
		return ERR_MEMORY;
	}
	for (size_t i = 0; i < w->n; i++) {
		sorted[i] = &w->members[i];
	}
	qsort(sorted, w->n, sizeof(struct member *), by_name);
	for (size_t i = 1; i < w->n; i++) {
		const struct zip_member *a = &sorted[i - 1]->zip, *b = &sorted[i]->zip;
		if (!slice_eq(a->name, b->name)) {
			continue;
		}
		if (a->size != b->size) {
			w->refusal = arena_printf(&w->list,
			    "The zipfile buffer contains two files both called %.*s and they have "
			    "different sizes (%llu != %llu)",
			    SLICE_ARG(slice_sub(a->name, 0, TEXT_NAME_MAX)),
			    (unsigned long long)a->size, (unsigned long long)b->size);
			return w->refusal == NULL ? ERR_MEMORY : ERR_OK;
		}
		sorted[i - 1]->is_stored = sorted[i - 1]->is_ignored = false;
	}
	return ERR_OK;
}

static enum err judge_all(struct work *w)
{
	enum err e = list_members(w);

	for (size_t i = 0; e == ERR_OK && w->refusal == NULL && i < w->n; i++) {
		e = judge(w, &w->members[i]);
	}
	return e == ERR_OK && w->refusal == NULL ? judge_doubles(w) : e;
}

/* ---- storing ---- */

/* Archives with equal members are related, whatever packed them. */
static enum err hash_members(const struct work *w, char out[HASH_HEX + 1])
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	bool good = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;

	for (size_t i = 0; good && i < w->n; i++) {
		const struct zip_member *m = &w->members[i].zip;
		good = EVP_DigestUpdate(hash, m->name.ptr, m->name.len) == 1 &&
		       EVP_DigestUpdate(hash, &m->size, sizeof(m->size)) == 1 &&
		       EVP_DigestUpdate(hash, &m->crc, sizeof(m->crc)) == 1;
	}
	good = good && EVP_DigestFinal_ex(hash, digest, NULL) == 1;
	EVP_MD_CTX_free(hash);
	if (good) {
		enc_hex_text(SLICE_OF(digest, HASH_HEX / 2), out);
	}
	return good ? ERR_OK : ERR_CRYPTO;
}

static enum err begin(struct work *w)
{
	char hash[HASH_HEX + 1];
	struct store_caller rows = upload_rows(w->u);
	enum err e = hash_members(w, hash);

	if (e != ERR_OK) {
		return e;
	}
	return upload_begin(&rows,
	    &(struct upload_begun){ .email = w->u->token->email,
		.is_try = w->u->is_try,
		.filename = w->a->filename,
		.download_url = w->a->download_url,
		.redirect_urls = w->a->redirect_urls,
		.content_hash = slice_str(hash),
		.size = (int64_t)w->a->size },
	    &w->u->id, &w->u->created_ms);
}

static enum err store_member(struct work *w, const struct member *m)
{
	enum upload_outcome outcome = UPLOAD_STORED;

	blob_draft_name(w->out);
	const struct upload_item item = { .key = m->key,
		.unpack = { .source = w->a->draft,
		    .member = &m->zip,
		    .as_gzip = symbol_name_ends(m->key.file, w->u->state->settings.compress),
		    .out = SLICE_OF(w->out, BLOB_DRAFT_CHARS) },
		.size = -1 };
	enum err e = upload_store_file(w->u, &item, &outcome);
	if (e == ERR_OK && outcome == UPLOAD_SKIPPED) {
		json_put_string(&w->skipped_w, m->zip.name);
	}
	w->stored += e == ERR_OK && outcome == UPLOAD_STORED ? 1 : 0;
	return e;
}

static enum err store_all(struct work *w)
{
	struct store_caller rows = upload_rows(w->u);
	enum err e = begin(w);

	json_begin_array(&w->skipped_w);
	json_begin_array(&w->ignored_w);
	for (size_t i = 0; e == ERR_OK && i < w->n; i++) {
		const struct member *m = &w->members[i];
		if (m->is_ignored) {
			json_put_string(&w->ignored_w, m->zip.name);
		} else if (m->is_stored) {
			e = store_member(w, m);
		}
	}
	json_end_array(&w->skipped_w);
	json_end_array(&w->ignored_w);
	if (e == ERR_OK && (w->skipped.failed || w->ignored.failed)) {
		e = ERR_LIMIT;
	}
	return e != ERR_OK ? e
			   : upload_end(&rows, w->u->id, w->stored, buf_slice(&w->skipped),
				 buf_slice(&w->ignored), &w->u->completed_ms);
}

/* ---- answering ---- */

static void put_upload(struct json_writer *j, const struct work *w)
{
	const struct archive *a = w->a;
	const struct upload *u = w->u;

	symbols_put_number(j, SLICE("id"), u->id);
	symbols_put_number(j, SLICE("size"), (int64_t)a->size);
	symbols_put_text(j, SLICE("filename"), a->filename);
	symbols_put_text(j, SLICE("bucket"), symbols_bucket(u->is_try));
	symbols_put_text_or_null(j, SLICE("download_url"), a->download_url);
	symbols_put_flag(j, SLICE("try_symbols"), u->is_try);
	symbols_put_raw(j, SLICE("redirect_urls"), a->redirect_urls);
	symbols_put_time(j, SLICE("created_at"), u->created_ms);
	symbols_put_time(j, SLICE("completed_at"), u->completed_ms);
	symbols_put_text(j, SLICE("user"), u->token->email);
	symbols_put_raw(j, SLICE("skipped_keys"), buf_slice(&w->skipped));
}

static enum err answer(struct work *w)
{
	struct buf out = buf_new(ANSWER_MAX);
	struct json_writer j = json_writer_new(&out);

	json_begin_object(&j);
	json_put_name(&j, SLICE("upload"));
	json_begin_object(&j);
	put_upload(&j, w);
	json_end_object(&j);
	json_end_object(&j);
	enum err e = symbols_reply(w->u->c, 201, &out);
	buf_free(&out);
	return e;
}

enum err archive_store(struct upload *u, const struct archive *a)
{
	struct work w = { .u = u,
		.a = a,
		.list = arena_new(LIST_ARENA_MAX),
		.skipped = buf_new(UPLOAD_KEYS_MAX),
		.ignored = buf_new(UPLOAD_KEYS_MAX) };

	w.skipped_w = json_writer_new(&w.skipped);
	w.ignored_w = json_writer_new(&w.ignored);
	enum err e = judge_all(&w);
	if (e == ERR_OK && w.refusal != NULL) {
		e = symbols_refuse(u->c, 400, w.refusal);
	} else if (e == ERR_OK) {
		e = store_all(&w);
		e = e == ERR_OK ? answer(&w) : e;
	}
	if (e != ERR_OK && !http_has_replied(u->c->req)) {
		e = upload_failed(u->c, e);
	}
	buf_free(&w.skipped);
	buf_free(&w.ignored);
	arena_reset(&w.list);
	return e;
}
