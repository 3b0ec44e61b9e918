/*
 * Sends embedded files.
 */
#include "core/http/asset.h"

#include <inttypes.h>

#include "core/http/asset_choice.h"

#define CACHE_FOR_EVER	 SLICE("public, max-age=31536000, immutable")
#define CACHE_REVALIDATE SLICE("public, max-age=0, must-revalidate")

static struct asset_wish wish_of(const struct http_req *r)
{
	return (struct asset_wish){
		.method = http_method(r),
		.if_match = http_header_get(r, SLICE("If-Match")),
		.if_none_match = http_header_get(r, SLICE("If-None-Match")),
		.if_range = http_header_get(r, SLICE("If-Range")),
		.range = http_header_get(r, SLICE("Range")),
		.accept_encoding = http_header_get(r, SLICE("Accept-Encoding")),
	};
}

/* Headers that every answer about the file has, 304 included (RFC 9110 15.4.5). */
static enum err add_headers(
    struct op_call *c, const struct asset *a, const struct asset_choice *choice, struct slice cache)
{
	char tag_bytes[ASSET_TAG_BYTES];
	struct slice tag;
	enum err e = arena_copy(c->arena, asset_tag(a, choice->gzip, tag_bytes), &tag);

	if (e != ERR_OK) {
		return e;
	}
	http_add_header(c->req, SLICE("ETag"), tag);
	http_add_header(c->req, SLICE("Cache-Control"), cache);
	if (a->vary != NULL) {
		http_add_header(c->req, SLICE("Vary"), slice_str(a->vary));
	} else if (a->gzip.len > 0) {
		http_add_header(c->req, SLICE("Vary"), SLICE("Accept-Encoding"));
	}
	return ERR_OK;
}

/* The part and the whole, "bytes 0-99/1234", or for 416 the whole only. */
static enum err add_content_range(
    struct op_call *c, const struct asset *a, const struct asset_choice *choice)
{
	uint64_t last = choice->first + choice->body.len - 1;
	const char *text = choice->status == 416
			       ? arena_printf(c->arena, "bytes */%zu", a->bytes.len)
			       : arena_printf(c->arena, "bytes %" PRIu64 "-%" PRIu64 "/%zu",
				     choice->first, last, a->bytes.len);

	if (text == NULL) {
		return ERR_MEMORY;
	}
	http_add_header(c->req, SLICE("Content-Range"), slice_str(text));
	return ERR_OK;
}

static void send_choice(struct op_call *c, const struct asset *a, const struct asset_choice *choice)
{
	if (choice->status == 304) {
		http_reply(c->req, 304, SLICE_EMPTY, SLICE_EMPTY);
		return;
	}
	if (choice->status == 412) {
		http_reply_text(c->req, 412, "the file has changed");
		return;
	}
	if (choice->status == 416) {
		http_reply_text(c->req, 416, "the file is shorter");
		return;
	}
	if (choice->gzip) {
		http_add_header(c->req, SLICE("Content-Encoding"), SLICE("gzip"));
	}
	http_add_header(c->req, SLICE("Accept-Ranges"), SLICE("bytes"));
	http_reply(c->req, choice->status, slice_str(a->content_type), choice->body);
}

void asset_reply(struct op_call *c, const struct asset *a, struct slice cache_control)
{
	struct asset_wish wish = wish_of(c->req);
	struct asset_choice choice = asset_choose(a, &wish);
	bool partial = choice.status == 206 || choice.status == 416;

	/* An error is not to be kept as if it were the file. */
	struct slice cache = choice.status >= 400 ? SLICE("no-store") : cache_control;
	if (add_headers(c, a, &choice, cache) != ERR_OK ||
	    (partial && add_content_range(c, a, &choice) != ERR_OK)) {
		http_reply_busy(c->req, 1);
		return;
	}
	send_choice(c, a, &choice);
}

void asset_reply_hashed(
    struct op_call *c, const struct asset_set *set, struct slice hash, struct slice path)
{
	const struct asset *a = asset_find(set, path);

	if (a == NULL) {
		http_reply_text(c->req, 404, "no such file");
		return;
	}
	/* An old page asks for an old hash: it gets today's file, but must not keep it. */
	bool current = hash.len > 0 &&
		       (slice_eq(slice_str(a->hash), hash) || slice_eq(slice_str(set->hash), hash));
	asset_reply(c, a, current ? CACHE_FOR_EVER : CACHE_REVALIDATE);
}
