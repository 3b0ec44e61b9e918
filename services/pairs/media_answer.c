/*
 * See media_answer.h. Headers that all answers with pictures have are the site's (api_site.c).
 */
#include "services/pairs/media_answer.h"

#include <inttypes.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/http/conditional.h"
#include "services/pairs/media_link.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_priv.h"

/* What is to be sent of a file. */
struct part {
	int status;
	uint64_t first, len;
};

static struct part choose(const struct http_req *r, uint64_t size, struct slice tag)
{
	struct slice range = http_header_get(r, SLICE("Range"));
	struct part p = { .status = 200, .len = size };

	if (range.ptr == NULL || !http_if_range_holds(http_header_get(r, SLICE("If-Range")), tag)) {
		return p;
	}
	enum http_range_result result = http_range_parse(range, size, &p.first, &p.len);
	if (result == HTTP_RANGE_WHOLE) {
		return (struct part){ .status = 200, .len = size };
	}
	p.status = result == HTTP_RANGE_PART ? 206 : 416;
	return p;
}

static enum err add_range(struct op_call *c, const struct part *p, uint64_t size)
{
	const char *text = p->status == 416
			       ? arena_printf(c->arena, "bytes */%" PRIu64, size)
			       : arena_printf(c->arena, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
				     p->first, p->first + p->len - 1, size);

	if (text == NULL) {
		return ERR_MEMORY;
	}
	http_add_header(c->req, SLICE("Content-Range"), slice_str(text));
	return ERR_OK;
}

static enum err send_file(
    struct op_call *c, int fd, uint64_t size, const struct pairs_media_size *s, struct slice tag)
{
	struct part p = choose(c->req, size, tag);
	enum err e = p.status == 200 ? ERR_OK : add_range(c, &p, size);

	http_add_header(c->req, SLICE("Accept-Ranges"), SLICE("bytes"));
	http_add_header(c->req, SLICE("Content-Disposition"), SLICE("inline"));
	if (p.status == 416 || e != ERR_OK) {
		http_reply(c->req, 416, SLICE_EMPTY, SLICE_EMPTY);
		return e;
	}
	return http_answer_file(
	    c->req, p.status, picture_media_type(s->format), fd, p.first, p.len);
}

static enum err answer(
    struct op_call *c, int fd, uint64_t size, const struct pairs_media_size *s, struct slice tag)
{
	enum http_condition condition =
	    http_condition_check(http_method(c->req), http_header_get(c->req, SLICE("If-Match")),
		http_header_get(c->req, SLICE("If-None-Match")), tag);

	if (condition == HTTP_CONDITION_PASS) {
		return send_file(c, fd, size, s, tag);
	}
	http_reply(
	    c->req, condition == HTTP_CONDITION_NOT_MODIFIED ? 304 : 412, SLICE_EMPTY, SLICE_EMPTY);
	return ERR_OK;
}

static bool find_size(const struct pairs_media *m, struct slice name, struct pairs_media_size *ret)
{
	unsigned i = 0;

	return picture_size_find(m->use, name, &i) && pairs_media_size(m, i, ret);
}

enum err media_answer(struct op_call *c, const struct blob_store *blobs,
    const struct pairs_media *m, struct slice size)
{
	struct pairs_media_size s;
	char name[BLOB_NAME_SIZE];
	uint64_t bytes = 0;
	int fd = -1;

	if (!find_size(m, size, &s)) {
		return ERR_NOT_FOUND;
	}
	pairs_media_blob(m->owner, m->id, s.name, name);
	const char *text = arena_printf(c->arena, "\"%" PRId64 "-%s\"", m->id, s.name);
	if (text == NULL) {
		return ERR_MEMORY;
	}
	enum err e = blob_get(blobs, slice_str(name), &fd, &bytes, &c->note);
	if (e == ERR_NOT_FOUND || (e == ERR_OK && bytes != s.bytes)) {
		e = err_note_set(&c->note, ERR_CORRUPT, "file %s is not there, or not whole", name);
	}
	if (e == ERR_OK) {
		struct slice tag = slice_str(text);
		http_add_header(c->req, SLICE("ETag"), tag);
		e = answer(c, fd, bytes, &s, tag);
	}
	if (fd >= 0) {
		(void)close(fd);
	}
	return e;
}

/* ---- the host of pictures ---- */

struct slice media_base(const struct conf *conf)
{
	struct slice base = slice_str(conf_str(conf, "pairs", "media_url"));

	return slice_ends(base, SLICE("/")) ? slice_sub(base, 0, base.len - 1) : base;
}

bool media_is_own_host(const struct op_call *c)
{
	const struct svc_env *env = c->env;
	struct slice base = media_base(env->conf);
	size_t slash = slice_find(base, '/', 0);

	return base.len > 0 &&
	       slice_eq_nocase(http_host(c->req), slice_sub(base, slash + 2, base.len));
}

static bool path_number(const struct op_call *c, const char *name, int64_t *ret)
{
	uint64_t n = 0;
	bool is_good = slice_to_u64(http_param(c->req, name), INT64_MAX, &n) == ERR_OK;

	*ret = (int64_t)n;
	return is_good;
}

/* A couple that has ended has no pictures any more, also while their rows are still there. */
static enum err check_owner(struct svc_env *env, const struct pairs_media *m, struct err_note *note)
{
	int64_t unused = 0;

	return m->use == PICTURE_AVATAR ? ERR_OK
					: pairs_number(env->db, PAIRS_COUPLE_GET,
					      PAIRS_VALUES(PAIRS_N("id", m->owner)), &unused, note);
}

enum err media_linked(struct op_call *c)
{
	struct svc_env *env = c->env;
	struct slice until = SLICE_EMPTY, sig = SLICE_EMPTY, size = http_param(c->req, "size");
	struct pairs_media m;
	int64_t owner = 0, id = 0;
	bool is_good =
	    media_is_own_host(c) && path_number(c, "owner", &owner) && path_number(c, "id", &id) &&
	    http_query_get(c->req, SLICE("until"), &until) &&
	    http_query_get(c->req, SLICE("sig"), &sig) &&
	    media_link_is_good(accounts_keys(env), owner, id, size, until, sig, clock_wall_ms());

	enum err e =
	    is_good ? pairs_media_get(env->db, c->arena, owner, id, &m, &c->note) : ERR_NOT_FOUND;
	if (e == ERR_OK) {
		e = check_owner(env, &m, &c->note);
	}
	return e == ERR_OK ? media_answer(c, pairs_state(env)->blobs, &m, size) : e;
}
