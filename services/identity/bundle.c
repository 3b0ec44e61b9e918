/*
 * The chain from a trusted key over certificates to the assertion, step by step as in persona.md
 * 4.5. Stricter than the first implementation where that costs no compatibility: an expiry must be
 * there, and r and s of DSA lie in their range.
 */
#include "services/identity/bundle.h"

#include "core/base/enc.h"
#include "services/identity/audience.h"
#include "services/identity/bundle_claims.h"
#include "services/identity/jws.h"
#include "services/identity/param_type.h"

static const char malformed[] = "malformed signature";
static const char too_early[] = "assertion issued later than verification date";
static const char expired[] = "assertion has expired";
static const char bad_chain[] = "bad signature in chain";
static const char not_valid[] = "invalid signature";

/* The bundle cut at its tildes. */
struct parts {
	struct slice certificates[BUNDLE_MAX_CERTIFICATES];
	unsigned n;
	struct slice assertion;
};

static const char *split(struct slice bundle, struct parts *ret)
{
	struct slice rest = bundle, piece;
	struct parts p = { .n = 0 };
	bool first = true;

	while (slice_split(&rest, '~', &piece)) {
		if (!first) {
			if (p.n == BUNDLE_MAX_CERTIFICATES) {
				return "certificate chaining is not yet allowed";
			}
			p.certificates[p.n++] = p.assertion;
		}
		p.assertion = piece;
		first = false;
	}
	if (p.n == 0) {
		return "no certificates provided";
	}
	*ret = p;
	return NULL;
}

/* Times of a payload against the clock. */
static const char *check_times(const struct json *payload, const struct bundle_query *q)
{
	const struct json *issued = json_member(payload, "iat");
	int64_t iat = 0, exp = 0;

	if (issued != NULL && (!json_get_i64(issued, &iat) || iat > q->now_ms + q->clock_skew_ms)) {
		return too_early;
	}
	if (!json_get_i64(json_member(payload, "exp"), &exp) ||
	    exp < q->now_ms - q->clock_skew_ms) {
		return expired;
	}
	return NULL;
}

/* One signed object against the key above it. */
static enum err check_link(const struct jws *j, const struct pubkey *key,
    const struct bundle_query *q, const char **ret_reason)
{
	enum err e = jws_verify(j, key);

	if (e == ERR_DENIED) {
		*ret_reason = not_valid;
	} else if (e == ERR_SYNTAX) {
		*ret_reason = malformed;
	} else if (e != ERR_OK) {
		return e;
	} else {
		*ret_reason = check_times(j->payload, q);
	}
	return ERR_OK;
}

/* The texts that are not folded into bad_chain. */
static bool is_plain(const char *reason)
{
	return reason == malformed || reason == too_early || reason == expired;
}

/* What verification has found so far. */
struct chain {
	struct arena *arena;
	const struct bundle_query *q;
	struct pubkey own_found;	   /* key of another issuer, freed at the end */
	struct pubkey key;		   /* of the last certificate, freed at the end */
	const struct pubkey *above;	   /* what the next object must be signed with */
	struct jws first, last, assertion; /* parsed: first and last certificate, assertion */
	struct slice issuer;
	bool is_own; /* the first certificate is one of own_host's */
};

/* The key of an issuer that the caller knows. */
static bool find_trusted(struct chain *c)
{
	const struct json *v = NULL;

	for (unsigned i = 0; i < c->q->n_trust; i++) {
		const struct bundle_trust *t = &c->q->trust[i];
		if (slice_eq_nocase(t->issuer, c->issuer)) {
			return json_parse(c->arena, t->key_json, &v, NULL) == ERR_OK &&
			       pubkey_parse(v, &c->own_found, NULL) == ERR_OK;
		}
	}
	return false;
}

static bool is_own_name(const struct bundle_query *q, struct slice issuer)
{
	return slice_eq_nocase(issuer, q->own_host) ||
	       (q->forced_issuer.len > 0 && slice_eq_nocase(issuer, q->forced_issuer));
}

static const char *find_root(struct chain *c)
{
	const char *why = c->q->why_not != NULL
			      ? c->q->why_not
			      : "this server looks up no other identity providers";

	if (!json_get_string(json_member(c->first.payload, "iss"), &c->issuer)) {
		return bad_chain;
	}
	if (c->q->own_key != NULL && is_own_name(c->q, c->issuer)) {
		c->above = c->q->own_key;
		c->is_own = true;
		return NULL;
	}
	if (find_trusted(c)) {
		c->above = &c->own_found;
		return NULL;
	}
	if (c->q->find_key != NULL &&
	    c->q->find_key(c->q->find_key_arg, c->arena, c->issuer, &c->own_found, &why)) {
		c->above = &c->own_found;
		return NULL;
	}
	const char *reason = arena_printf(c->arena, "can't get public key for %.*s: %s",
	    SLICE_ARG(slice_sub(c->issuer, 0, 255)), why);
	return reason != NULL ? reason : bad_chain;
}

/* The same of a first certificate of ours, which one of several keys may have signed. */
static enum err check_own(struct chain *c, const struct jws *cert, const char **ret_reason)
{
	enum err e = check_link(cert, c->above, c->q, ret_reason);

	for (unsigned i = 0; i < c->q->n_more_keys && e == ERR_OK && *ret_reason == not_valid;
	     i++) {
		*ret_reason = NULL;
		e = check_link(cert, &c->q->more_keys[i], c->q, ret_reason);
	}
	return e;
}

/* Verifies a certificate and goes down to the key it certifies. */
static enum err descend(struct chain *c, const struct jws *cert, const char **ret_reason)
{
	bool is_own = c->is_own && c->above == c->q->own_key;
	enum err e =
	    is_own ? check_own(c, cert, ret_reason) : check_link(cert, c->above, c->q, ret_reason);

	if (e != ERR_OK) {
		return e;
	}
	if (*ret_reason != NULL) {
		*ret_reason = is_plain(*ret_reason) ? *ret_reason : bad_chain;
		return ERR_OK;
	}
	const struct json *key = json_member(cert->payload, "public-key");
	struct pubkey next = { .verifier = NULL };
	e = pubkey_parse(key, &next, NULL);
	if (e == ERR_INVALID) {
		*ret_reason = bad_chain;
		return ERR_OK;
	}
	if (e == ERR_OK) {
		pubkey_free(&c->key);
		c->key = next;
		c->above = &c->key;
		c->last = *cert;
	}
	return e;
}

static enum err check_chain(struct chain *c, const struct parts *p, const char **ret_reason)
{
	enum err e = jws_parse(c->arena, p->certificates[0], &c->first);

	if (e == ERR_OK) {
		e = jws_parse(c->arena, p->assertion, &c->assertion);
	}
	if (e != ERR_OK) {
		*ret_reason = malformed;
		return e == ERR_SYNTAX ? ERR_OK : e;
	}
	*ret_reason = find_root(c);
	for (unsigned i = 0; i < p->n && *ret_reason == NULL; i++) {
		struct jws cert = c->first;
		if (i > 0) {
			e = jws_parse(c->arena, p->certificates[i], &cert);
			*ret_reason = malformed;
		}
		if (e == ERR_OK) {
			e = descend(c, &cert, ret_reason);
		}
		if (e != ERR_OK) {
			return e == ERR_SYNTAX ? ERR_OK : e;
		}
	}
	if (*ret_reason != NULL) {
		return ERR_OK;
	}
	e = check_link(&c->assertion, c->above, c->q, ret_reason);
	if (e == ERR_OK && *ret_reason == NULL && p->n > 1) {
		*ret_reason = "certificate chaining is not yet allowed";
	}
	return e;
}

static const char *check_audience(struct chain *c, struct bundle_result *r)
{
	struct slice got;

	if (!json_get_string(json_member(c->assertion.payload, "aud"), &got)) {
		got = SLICE_EMPTY;
	}
	r->audience = got;
	const char *mismatch = audience_mismatch(c->q->audience, got);
	if (mismatch == NULL) {
		return NULL;
	}
	const char *reason = arena_printf(c->arena, "audience mismatch: %s", mismatch);
	return reason != NULL ? reason : "audience mismatch";
}

static const char *take_principal(struct chain *c, struct bundle_result *r)
{
	const struct json *principal = json_member(c->last.payload, "principal");
	const struct json *email = json_member(principal, "email");

	if (email == NULL) {
		email = json_member(principal, "unverified-email");
		if (email == NULL) {
			return "missing email";
		}
		if (!c->q->allow_unverified) {
			return "unverified email";
		}
		r->is_unverified = true;
	}
	return json_get_string(email, &r->email) && email_is_valid(r->email) ? NULL
									     : "invalid email";
}

/* Who alone may speak for the addresses of a domain, if it has a provider that is known. */
static const struct bundle_trust *authority_of(const struct bundle_query *q, struct slice domain)
{
	for (unsigned i = 0; i < q->n_trust; i++) {
		if (slice_eq_nocase(q->trust[i].domain, domain)) {
			return &q->trust[i];
		}
	}
	return NULL;
}

/*
 * Who may speak for an address: the provider of its domain, and where there is none, this server.
 * A domain with a provider takes that right from us (persona.md 10.7).
 */
static const char *check_authority(struct chain *c, const struct bundle_result *r)
{
	struct slice domain = slice_sub(r->email, slice_find(r->email, '@', 0) + 1, r->email.len);
	const struct bundle_trust *authority = authority_of(c->q, domain);

	if (c->q->trusts_issuer ||
	    (c->q->forced_issuer.len > 0 && slice_eq_nocase(c->issuer, c->q->forced_issuer))) {
		return NULL;
	}
	if (authority != NULL ? slice_eq_nocase(c->issuer, authority->issuer)
			      : slice_eq_nocase(c->issuer, c->q->own_host) ||
				    slice_eq_nocase(c->issuer, domain)) {
		return NULL;
	}
	const char *reason =
	    arena_printf(c->arena, "issuer '%.*s' may not speak for emails from '%.*s'",
		SLICE_ARG(slice_sub(c->issuer, 0, 255)), SLICE_ARG(domain));
	return reason != NULL ? reason : "issuer may not speak for this email";
}

static enum err take_claims(struct chain *c, struct bundle_result *r)
{
	enum err e = bundle_claims(c->arena, c->last.payload, &r->idp_claims);

	return e == ERR_OK ? bundle_claims(c->arena, c->assertion.payload, &r->user_claims) : e;
}

enum err bundle_verify(struct arena *arena, const struct bundle_query *q, struct bundle_result *ret)
{
	struct chain c = { .arena = arena, .q = q };
	struct bundle_result r = { .reason = NULL };
	struct parts parts = { .n = 0 };
	enum err e = ERR_OK;

	r.reason = split(q->bundle, &parts);
	if (r.reason == NULL) {
		e = check_chain(&c, &parts, &r.reason);
	}
	if (e == ERR_OK && r.reason == NULL) {
		r.reason = check_audience(&c, &r);
	}
	if (e == ERR_OK && r.reason == NULL) {
		r.reason = take_principal(&c, &r);
	}
	if (e == ERR_OK && r.reason == NULL) {
		r.reason = check_authority(&c, &r);
	}
	if (e == ERR_OK && r.reason == NULL) {
		r.issuer = c.issuer;
		(void)json_get_i64(json_member(c.assertion.payload, "exp"), &r.expires_ms);
		e = q->wants_claims ? take_claims(&c, &r) : ERR_OK;
	}
	pubkey_free(&c.key);
	pubkey_free(&c.own_found);
	if (e == ERR_OK) {
		*ret = r;
	}
	return e;
}

static struct slice email_of(const struct jws *cert)
{
	const struct json *principal = json_member(cert->payload, "principal");
	struct slice email = SLICE_EMPTY;

	if (!json_get_string(json_member(principal, "email"), &email)) {
		(void)json_get_string(json_member(principal, "unverified-email"), &email);
	}
	return email;
}

enum err bundle_outline(
    struct arena *arena, struct slice bundle, struct slice *ret_issuer, struct slice *ret_domain)
{
	struct parts parts = { .n = 0 };
	struct jws first = { .payload = NULL }, last = { .payload = NULL };

	*ret_issuer = *ret_domain = SLICE_EMPTY;
	if (split(bundle, &parts) != NULL) {
		return ERR_OK;
	}
	enum err e = jws_parse(arena, parts.certificates[0], &first);
	if (e == ERR_OK) {
		(void)json_get_string(json_member(first.payload, "iss"), ret_issuer);
		last = first;
	}
	if (e == ERR_OK && parts.n > 1) {
		e = jws_parse(arena, parts.certificates[parts.n - 1], &last);
	}
	if (e == ERR_OK) {
		struct slice email = email_of(&last);
		*ret_domain = slice_sub(email, slice_find(email, '@', 0) + 1, email.len);
	}
	return e == ERR_SYNTAX ? ERR_OK : e;
}

bool bundle_needs_compute(struct slice bundle)
{
	struct slice rest = bundle, piece;

	while (slice_split(&rest, '~', &piece)) {
		char header[64];
		size_t len = 0;
		struct slice first = slice_sub(piece, 0, slice_find(piece, '.', 0));
		if (dec_base64url(first, header, sizeof(header), &len) != ERR_OK) {
			continue; /* long or malformed: parsing will tell, cheaply or in RSA time */
		}
		if (memmem(header, len, "\"DS", 3) != NULL) {
			return true;
		}
	}
	return false;
}
