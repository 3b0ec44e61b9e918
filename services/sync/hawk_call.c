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

static bool is_signed_for(struct slice key, const struct hawk *h, struct hawk_request *r,
    struct slice host, uint16_t port)
{
	r->host = host;
	r->port = port;
	return hawk_check(key, h, r) == ERR_OK;
}

/*
 * Which of the usual mistakes it was. The token was good, and its key with it: so the sender saw
 * another scheme, port or host than we do.
 */
static enum hawk_cause explain(struct op_call *c, const struct sync_state *state, struct slice key,
    const struct hawk *h, struct hawk_request *r)
{
	static const uint16_t ports[] = { PORT_HTTPS, PORT_HTTP, 8000, 8443 };
	const struct slice hosts[] = { http_host_name(http_host(c->req)),
		slice_str(state->url.host) };
	const char *came = http_is_https(c->req) ? "https" : "http";

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		for (size_t k = 0; k < sizeof(ports) / sizeof(ports[0]); k++) {
			if (is_signed_for(key, h, r, hosts[i], ports[k])) {
				(void)!err_note_set(&c->note, ERR_UNAUTHENTICATED,
				    "signed for %.*s port %u, but it came as %s with Host %.*s: a "
				    "proxy in [http] trusted_proxies should leave Host as it is "
				    "and send X-Forwarded-Proto",
				    SLICE_ARG(slice_sub(hosts[i], 0, 60)), ports[k], came,
				    SLICE_ARG(slice_sub(http_host(c->req), 0, 60)));
				return HAWK_CAUSE_PROXY;
			}
		}
	}
	(void)!err_note_set(&c->note, ERR_UNAUTHENTICATED,
	    "signed for another address than %.*s of Host %.*s (%s) or of %s: [plimsoll] "
	    "public_url, or a proxy that changes Host or path",
	    SLICE_ARG(slice_sub(r->target, 0, 40)), SLICE_ARG(slice_sub(http_host(c->req), 0, 60)),
	    came, state->url.origin);
	return HAWK_CAUSE_NODE_URL;
}

static enum err check_mac(struct op_call *c, const struct sync_state *state, struct slice key,
    const struct hawk *h, enum hawk_cause *ret_cause)
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
		if (ret_cause == NULL) {
			return err_note_set(
			    &c->note, ERR_UNAUTHENTICATED, "not signed with this key");
		}
		*ret_cause = explain(c, state, key, h, &r);
		return ERR_UNAUTHENTICATED;
	}
	return e == ERR_LIMIT ? err_note_set(&c->note, ERR_UNAUTHENTICATED, "too long to sign") : e;
}

static void set_cause(enum hawk_cause *ret, enum hawk_cause cause)
{
	if (ret != NULL) {
		*ret = cause;
	}
}

enum err hawk_check_call(struct op_call *c, struct sync_state *state, struct slice key,
    const struct hawk *h, enum hawk_cause *ret_cause)
{
	set_cause(ret_cause, HAWK_CAUSE_HEADER);
	enum err e = check_mac(c, state, key, h, ret_cause);

	if (e != ERR_OK) {
		return e;
	}
	/* A body that is read while it comes is not there yet; Firefox sends no hash with those. */
	if ((c->op->flags & OP_STREAM) == 0 &&
	    !hawk_payload_is_good(
		h, http_header_get(c->req, SLICE("Content-Type")), http_body(c->req))) {
		set_cause(ret_cause, HAWK_CAUSE_BODY);
		return err_note_set(
		    &c->note, ERR_UNAUTHENTICATED, "the body is not the one that was signed");
	}
	if (!hawk_nonces_use(state->nonces, key, h->ts, h->nonce, clock_wall_ms() / 1000)) {
		set_cause(ret_cause, HAWK_CAUSE_REPLAY);
		return err_note_set(
		    &c->note, ERR_UNAUTHENTICATED, "a request with this nonce came before");
	}
	set_cause(ret_cause, HAWK_CAUSE_NONE);
	return ERR_OK;
}

const char *hawk_cause_name(enum hawk_cause cause)
{
	static const char *const names[] = { [HAWK_CAUSE_NONE] = "none",
		[HAWK_CAUSE_HEADER] = "header",
		[HAWK_CAUSE_SECRET] = "secret",
		[HAWK_CAUSE_EXPIRED] = "expired",
		[HAWK_CAUSE_CLOCK] = "clock",
		[HAWK_CAUSE_PROXY] = "proxy",
		[HAWK_CAUSE_NODE_URL] = "node_url",
		[HAWK_CAUSE_BODY] = "body",
		[HAWK_CAUSE_REPLAY] = "replay",
		[HAWK_CAUSE_USER] = "user" };

	return names[cause];
}
