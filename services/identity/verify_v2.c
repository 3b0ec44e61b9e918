/*
 * POST /v2, the verifier of version 2 (persona.md 2.5), as the stand-alone one had it: JSON only,
 * the site names further issuers that it trusts, the answer shows what else certificate and
 * assertion claim.
 */
#include "core/base/json.h"
#include "services/identity/audience.h"
#include "services/identity/identity_priv.h"
#include "services/identity/verify.h"
#include "services/identity/wsapi.h"

/* A string that is there; *ret_text ptr NULL: there, but no string. */
static bool find(const struct json *object, const char *name, struct slice *ret_text)
{
	const struct json *v = json_member(object, name);

	if (v == NULL || json_kind(v) == JSON_KIND_NULL) {
		return false;
	}
	if (!json_get_string(v, ret_text)) {
		*ret_text = (struct slice){ NULL, 0 };
		return true;
	}
	return ret_text->len > 0;
}

/* NULL, or what is wrong with the list. *ret_trusted: issuer is in it. */
static const char *look_in_issuers(const struct json *list, struct slice issuer, bool *ret_trusted)
{
	struct slice name;

	*ret_trusted = false;
	if (list == NULL) {
		return NULL;
	}
	if (json_kind(list) != JSON_KIND_ARRAY) {
		return "trusted issuers must be an array";
	}
	for (size_t i = 0; i < json_count(list); i++) {
		if (!json_get_string(json_element(list, i), &name)) {
			return "trusted issuers must be an array of strings";
		}
		*ret_trusted = *ret_trusted || (issuer.len > 0 && slice_eq_nocase(name, issuer));
	}
	return NULL;
}

static enum err fail_type(struct op_call *c, struct slice type)
{
	const char *text =
	    arena_printf(c->arena, "Unsupported Content-Type: %.*s (expected application/json)",
		SLICE_ARG(slice_sub(type, 0, 255)));

	return text == NULL ? ERR_MEMORY : verify_fail(c, 415, text);
}

/* What the question is, or the answer to what is none. */
static enum err read_question(struct op_call *c, struct bundle_query *q, const char **ret_problem)
{
	const struct json *object = NULL;
	struct slice issuer = SLICE_EMPTY, domain = SLICE_EMPTY;
	enum err e = json_parse(c->arena, http_body(c->req), &object, &c->note);

	*ret_problem = NULL;
	if (e != ERR_OK) {
		*ret_problem = e == ERR_MEMORY ? NULL : "malformed JSON";
		return e == ERR_MEMORY ? e : ERR_OK;
	}
	if (!find(object, "assertion", &q->bundle)) {
		*ret_problem = "missing assertion parameter";
	} else if (!find(object, "audience", &q->audience) || q->audience.ptr == NULL) {
		*ret_problem = "missing audience parameter";
	} else if (q->bundle.ptr != NULL) {
		e = bundle_outline(c->arena, q->bundle, &issuer, &domain);
	}
	if (e == ERR_OK && *ret_problem == NULL) {
		*ret_problem = look_in_issuers(
		    json_member(object, "trustedIssuers"), issuer, &q->trusts_issuer);
		q->allow_unverified =
		    q->trusts_issuer; /* which is what it says, so the site knows */
	}
	return e;
}

enum err identity_verify_v2(struct op_call *c)
{
	struct slice type = http_header_get(c->req, SLICE("Content-Type"));
	struct bundle_query q = { .wants_claims = true };
	struct bundle_result result = { .reason = NULL };
	const char *problem = NULL;

	if (type.ptr == NULL || !verify_has_type(type, SLICE("application/json"))) {
		return fail_type(c, type.ptr == NULL ? SLICE("none") : type);
	}
	enum err e = read_question(c, &q, &problem);
	if (e != ERR_OK) {
		return e;
	}
	if (problem != NULL) {
		return verify_fail(c, 400, problem);
	}
	if (q.bundle.ptr == NULL) {
		return verify_fail(c, 200, "malformed backed assertion");
	}
	e = identity_verify_query(c, &q, &result);
	if (wsapi_is_overload(e)) {
		http_mark_refused(c->req);
		return verify_fail(c, 503, "service unavailable");
	}
	if (e != ERR_OK) {
		return e;
	}
	if (result.reason == NULL && audience_has_path(q.audience)) {
		return verify_fail(c, 200, "audience mismatch: has non-empty path");
	}
	return result.reason != NULL ? verify_fail(c, 200, result.reason)
				     : verify_okay(c, result.audience, &result);
}
