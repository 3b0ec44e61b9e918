/*
 * The arrival of pictures: streamed into a draft as they come, told by their first bytes, kept, and
 * then a row, which is answered for. What is made of them comes later (media_jobs.h), so an upload
 * waits for the disk and for nothing else.
 */
#include <openssl/evp.h>
#include <stdlib.h>

#include "accounts/keys.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "services/pairs/api.h"
#include "services/pairs/media_files.h"
#include "services/pairs/media_jobs.h"
#include "services/pairs/media_link.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_media.h"

enum {
	UPLOADS_MAX = 32, /* at once, in a process; each has some hundred KiB */
	SCRATCH_MAX = 1024 * 1024,
	DRAIN_US = 20 * 1000000, /* a refused body is read over for so long, so that the answer is
				    seen */
	DRAIN_PIECE = 8 * 1024,
	SHA256_BYTES = 32,
};

struct upload {
	struct api_call *a;
	struct arena scratch; /* of each call to the role files */
	char draft[BLOB_DRAFT_CHARS + 1];
	struct buf piece; /* what is not written yet */
	uint64_t written, max;
	enum picture_format format; /* PICTURE_NONE: not known yet */
	bool is_kept;		    /* the draft is none any more */
	EVP_MD_CTX *digest;
};

static struct slice draft_of(const struct upload *u)
{
	return SLICE_OF(u->draft, BLOB_DRAFT_CHARS);
}

static struct media_caller files_of(struct upload *u)
{
	return (struct media_caller){ .env = u->a->env,
		.arena = &u->scratch,
		.deadline_us = u->a->c->deadline_us,
		.trace = u->a->c->trace,
		.note = &u->a->c->note };
}

/* ---- the body ---- */

/* Whoever is refused in the middle of sending does not listen before it has sent. */
static void drain(struct op_call *c)
{
	char piece[DRAIN_PIECE];
	int64_t until_us = clock_mono_us() + DRAIN_US;
	size_t n = 0;

	while (clock_mono_us() < until_us &&
	       http_body_read(c->req, piece, sizeof(piece), &n) == ERR_OK) {
	}
}

static enum err refuse(struct upload *u, int status, const char *code, const char *message)
{
	if (http_header_get(u->a->c->req, SLICE("Expect")).ptr == NULL) {
		drain(u->a->c);
	}
	return api_refuse(u->a, status, code, message);
}

static enum err flush(struct upload *u)
{
	struct media_caller files = files_of(u);
	enum err e = media_piece(&files, draft_of(u), u->written, buf_slice(&u->piece));

	if (e == ERR_OK && EVP_DigestUpdate(u->digest, u->piece.data, u->piece.len) != 1) {
		e = ERR_CRYPTO;
	}
	u->written += u->piece.len;
	buf_clear(&u->piece);
	arena_reset(&u->scratch);
	return e;
}

/* Reads up to a piece. ERR_END: the body has ended; what came is in the piece all the same. */
static enum err fill(struct upload *u, size_t want)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && u->piece.len < want) {
		size_t n = 0;
		char *room = buf_room(&u->piece, want - u->piece.len);
		if (room == NULL) {
			return ERR_MEMORY;
		}
		e = http_body_read(u->a->c->req, room, want - u->piece.len, &n);
		if (e == ERR_OK) {
			buf_grew(&u->piece, n);
		}
	}
	return e;
}

static bool is_said_too_large(const struct upload *u)
{
	uint64_t length = 0;
	struct slice text = http_header_get(u->a->c->req, SLICE("Content-Length"));

	return text.ptr != NULL && slice_to_u64(text, UINT64_MAX, &length) == ERR_OK &&
	       length > u->max;
}

/* The rest of the body into the draft. False: refused or failed, and that is the answer. */
static bool receive(struct upload *u, enum err *ret)
{
	enum err e = fill(u, PICTURE_HEAD_BYTES);

	u->format = picture_format_of(buf_slice(&u->piece));
	if ((e == ERR_OK || e == ERR_END) && u->format == PICTURE_NONE) {
		*ret = refuse(u, 415, "unsupported_type",
		    "this is no JPEG, PNG, WebP, GIF, HEIC or AVIF picture");
		return false;
	}
	while (e == ERR_OK) {
		e = fill(u, MEDIA_PIECE_MAX);
		if (u->written + u->piece.len > u->max) {
			*ret = refuse(u, 413, "too_large", "the picture has too many bytes");
			return false;
		}
		if (e == ERR_OK || (e == ERR_END && u->piece.len > 0)) {
			enum err flushed = flush(u);
			e = flushed == ERR_OK ? e : flushed;
		}
	}
	*ret = e == ERR_LIMIT ? refuse(u, 413, "too_large", "the picture has too many bytes") : e;
	return e == ERR_END;
}

/* What the client says it has sent. False: something else has arrived. */
static bool is_as_said(struct upload *u)
{
	unsigned char sum[EVP_MAX_MD_SIZE], said[SHA256_BYTES];
	struct slice text = api_text(u->a, "sha256");
	size_t len = 0;

	return text.len == 0 || (EVP_DigestFinal_ex(u->digest, sum, NULL) == 1 &&
				    dec_hex(text, said, sizeof(said), &len) == ERR_OK &&
				    len == sizeof(said) && memcmp(sum, said, sizeof(said)) == 0);
}

/* ---- the row ---- */

static enum err answer(struct upload *u, const struct pairs_changed *c)
{
	struct api_call *a = u->a;
	enum err e = api_begin(a);

	if (e != ERR_OK) {
		return e;
	}
	buf_append_slice(a->body, c->body);
	return api_send(a, a->row->success);
}

/* The file is there before its row: who finds the row finds the file. */
static enum err keep(struct upload *u, struct pairs_change_req *r)
{
	struct api_call *a = u->a;
	bool is_avatar = r->kind == PAIRS_ADD_AVATAR;
	int64_t owner = is_avatar ? r->user : r->couple;
	const struct pairs_clean_list unneeded = { .n = 1,
		.pictures = { { owner, r->new_id, is_avatar ? PICTURE_AVATAR : PICTURE_PHOTO } } };
	struct media_caller files = files_of(u);
	struct pairs_changed changed = { .outcome = PAIRS_NOTHING };
	char name[BLOB_NAME_SIZE];

	pairs_media_blob(owner, r->new_id, PAIRS_MEDIA_ORIGINAL, name);
	enum err e = media_keep(&files, draft_of(u), name);
	if (e != ERR_OK) {
		return e;
	}
	u->is_kept = true;
	bool is_there = api_change(a, r, &changed, &e);
	if (changed.id != r->new_id && e != ERR_OUTCOME_UNKNOWN) {
		enum err removed = media_remove(&files, &unneeded);
		(void)removed; /* a stray file, then */
	}
	if (!is_there) {
		return e;
	}
	media_jobs_wake(a->env);
	return answer(u, &changed);
}

static enum err run(struct upload *u, struct pairs_change_req *r)
{
	enum err e = ERR_OK;

	if (is_said_too_large(u)) {
		return refuse(u, 413, "too_large", "the picture has too many bytes");
	}
	if (!receive(u, &e)) {
		return e;
	}
	if (!is_as_said(u)) {
		return api_refuse(u->a, 422, "wrong_sha256", "other bytes have arrived");
	}
	r->idem = api_text(u->a, "client_id");
	r->idem = r->idem.len > 0 ? r->idem : draft_of(u);
	r->new_id = pairs_new_id();
	r->name = picture_format_name(u->format);
	r->bytes = (int64_t)u->written;
	r->quota = conf_int(u->a->env->conf, "pairs", "media_quota");
	r->lifetime_ms = conf_ms(u->a->env->conf, "pairs", "signup_lifetime");
	return keep(u, r);
}

/* As many as may wait for their sizes wait already. */
static enum err check_queue(struct api_call *a)
{
	int64_t most = conf_int(a->env->conf, "pairs", "media_waiting"), n = 0;
	enum err e = pairs_number(a->env->db, PAIRS_PICTURE_WAITING, NULL, &n, &a->c->note);

	return e == ERR_OK && n >= most ? ERR_TOO_BUSY : e;
}

static enum err take(struct api_call *a, struct pairs_change_req *r)
{
	struct upload u = { .a = a,
		.scratch = arena_new(SCRATCH_MAX),
		.piece = buf_new(MEDIA_PIECE_MAX),
		.max = (uint64_t)conf_int(a->env->conf, "pairs", "max_upload") };
	enum err e = a->state->uploads < UPLOADS_MAX ? check_queue(a) : ERR_TOO_BUSY;

	if (e != ERR_OK) {
		return e;
	}
	a->state->uploads++;
	u.digest = EVP_MD_CTX_new();
	blob_draft_name(u.draft);
	e = u.digest == NULL || EVP_DigestInit_ex(u.digest, EVP_sha256(), NULL) != 1 ? ERR_MEMORY
										     : run(&u, r);
	if (u.written > 0 && !u.is_kept) {
		media_drop_later(a->env, draft_of(&u));
	}
	EVP_MD_CTX_free(u.digest);
	buf_free(&u.piece);
	arena_reset(&u.scratch);
	a->state->uploads--;
	return e;
}

/* ---- the calls ---- */

enum err api_add_media(struct api_call *a)
{
	struct pairs_change_req r = {
		.kind = PAIRS_ADD_MEDIA, .user = a->user.id, .couple = a->user.couple
	};

	return take(a, &r);
}

enum err api_set_avatar(struct api_call *a)
{
	struct pairs_change_req r = { .kind = PAIRS_ADD_AVATAR, .user = a->user.id };

	return take(a, &r);
}

/* Of somebody who is no member yet, by the token that signing up has given. */
enum err api_set_signup_avatar(struct api_call *a)
{
	struct pairs_change_req r = { .kind = PAIRS_ADD_AVATAR };

	if (!avatar_token_take(accounts_keys(a->env), http_bearer(a->c->req), a->now_ms, &r.user)) {
		http_add_header(a->c->req, SLICE("WWW-Authenticate"), SLICE("Bearer"));
		return api_refuse(
		    a, 401, "unauthorized", "the avatar_token of a sign-up is needed");
	}
	return take(a, &r);
}
