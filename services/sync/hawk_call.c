/*
 * Hawk on a request that came in.
 */
#include "services/sync/hawk_call.h"

#include "core/base/clock.h"
#include "core/http/parse.h"
#include "services/sync/hawk_nonces.h"
#include "services/sync/sync_priv.h"

enum {
	PORT_HTTP = 80,
	PORT_HTTPS = 443
};

enum err hawk_of_call(struct op_call *c, struct hawk *ret)
{
	struct slice value = http_header_get(c->req, SLICE("Authorization"));

	if (value.ptr == NULL) {
		return err_note_set(&c->note, ERR_UNAUTHENTICATED, "no Authorization header");
	}
	enum err e = hawk_parse(value, ret);
	if (e == ERR_UNSUPPORTED) {
		return err_note_set(
		    &c->note, ERR_UNAUTHENTICATED, "the Authorization header is not Hawk's");
	}
	return e == ERR_OK ? ERR_OK
			   : err_note_set(&c->note, ERR_UNAUTHENTICATED, "malformed Hawk header");
}

int64_t hawk_skew_s(const struct hawk *h)
{
	return h->ts_s - clock_wall_ms() / 1000;
}

/* authority is host[:port]. */
static void see_as(struct hawk_request *r, struct slice authority, bool is_https)
{
	uint64_t port = 0;

	r->host = http_host_name(authority);
	if (slice_to_u64(slice_sub(authority, r->host.len + 1, authority.len), UINT16_MAX, &port) !=
	    ERR_OK) {
		port = is_https ? PORT_HTTPS : PORT_HTTP;
	}
	r->port = (uint16_t)port;
}

static enum err check_mac(
    struct op_call *c, const struct sync_state *state, struct slice key, const struct hawk *h)
{
	const struct public_url *url = &state->url;
	struct hawk_request r = { .method = http_method_text(c->req),
		.target = http_target(c->req) };
	struct slice origin = slice_str(url->origin);

	see_as(&r, http_host(c->req), http_is_https(c->req));
	enum err e = hawk_check(key, h, &r);
	if (e == ERR_DENIED) {
		see_as(&r, slice_sub(origin, url->is_https ? 8 : 7, origin.len), url->is_https);
		e = hawk_check(key, h, &r);
	}
	if (e == ERR_DENIED) {
		return err_note_set(&c->note, ERR_UNAUTHENTICATED,
		    "wrong mac: not signed for %.*s as it came here (Host %.*s, %s), nor for %s",
		    SLICE_ARG(slice_sub(r.target, 0, 60)),
		    SLICE_ARG(slice_sub(http_host(c->req), 0, 60)),
		    http_is_https(c->req) ? "https" : "http", url->origin);
	}
	return e == ERR_LIMIT ? err_note_set(&c->note, ERR_UNAUTHENTICATED, "too long to sign") : e;
}

enum err hawk_check_call(
    struct op_call *c, struct sync_state *state, struct slice key, const struct hawk *h)
{
	enum err e = check_mac(c, state, key, h);

	if (e != ERR_OK) {
		return e;
	}
	/* A body that is read while it comes is not there yet; Firefox sends no hash with those. */
	if ((c->op->flags & OP_STREAM) == 0 &&
	    !hawk_payload_is_good(
		h, http_header_get(c->req, SLICE("Content-Type")), http_body(c->req))) {
		return err_note_set(
		    &c->note, ERR_UNAUTHENTICATED, "the body is not the one that was signed");
	}
	if (!hawk_nonces_use(state->nonces, key, h->ts, h->nonce, clock_wall_ms() / 1000)) {
		return err_note_set(
		    &c->note, ERR_UNAUTHENTICATED, "a request with this nonce came before");
	}
	return ERR_OK;
}
