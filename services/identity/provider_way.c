/*
 * From a domain over delegations to the provider that speaks for it: at most six domains, and none
 * twice. A domain without a document of its own may have a bridge in the configuration.
 */
#include <string.h>

#include "services/identity/param_type.h"
#include "services/identity/provider.h"

enum {
	KEEP_USUAL_MS = 10 * 60 * 1000 /* a document that says nothing about it */
};

static const char nobody[] = "this server looks up no other identity providers";
static const char own[] = "this server speaks for it itself";
static const char disabled[] = "the domain has switched its identity provider off";
static const char too_long[] = "too many delegations, or they lead in a circle";

/* Why a fetch brought no document. What lies behind a firewall is not told from what does not
 * exist. */
static const char *const reasons[WELL_KNOWN_OUTCOMES] = {
	[WELL_KNOWN_OK] = "bad support document at",
	[WELL_KNOWN_STATUS] = "non-200 response code to",
	[WELL_KNOWN_UNREACHABLE] = "non-200 response code to",
	[WELL_KNOWN_ADDRESS] = "non-200 response code to",
	[WELL_KNOWN_TIMEOUT] = "timeout trying to load",
	[WELL_KNOWN_TLS] = "no trusted certificate for",
	[WELL_KNOWN_TYPE] = "non 'application/json' response to",
	[WELL_KNOWN_TOO_BIG] = "too long a response to",
};

/* One resolution under way. */
struct way {
	struct arena *arena;
	const struct provider_source *source;
	struct slice domain; /* the first */
	struct slice visited[PROVIDER_CHAIN_MAX];
	unsigned n;
	struct provider_answer answer;
};

/* What a step found at a host. */
struct step {
	struct support_document document;
	struct slice origin;
	const char *why; /* NULL: there is a document */
};

static void end(struct way *w, enum provider_kind kind, const char *why)
{
	w->answer.kind = kind;
	w->answer.why = slice_str(why);
}

/* A name that stands in the public DNS: two labels or more, and not an address. */
static bool is_public_name(struct slice host)
{
	size_t dot = slice_find(host, '.', 0);

	while (slice_find(host, '.', dot + 1) < host.len) {
		dot = slice_find(host, '.', dot + 1);
	}
	return hostname_is_valid(host) && dot + 1 < host.len &&
	       (host.ptr[dot + 1] < '0' || host.ptr[dot + 1] > '9');
}

static void keep_at_most(struct way *w, int64_t ms)
{
	w->answer.keep_ms = ms < w->answer.keep_ms ? ms : w->answer.keep_ms;
}

static int64_t keep_of(const struct provider_source *s, int64_t max_age_ms)
{
	int64_t ms = max_age_ms < 0 ? KEEP_USUAL_MS : max_age_ms;

	ms = ms > s->keep_max_ms ? s->keep_max_ms : ms;
	return ms < s->keep_min_ms ? s->keep_min_ms : ms;
}

static const char *refusal(struct way *w, struct slice host, enum well_known_outcome outcome)
{
	const char *why =
	    arena_printf(w->arena, "%.*s is not a browserid primary - %s /.well-known/browserid",
		SLICE_ARG(host), reasons[outcome]);

	return why == NULL ? nobody : why;
}

static enum err fetch(struct way *w, struct slice host, struct step *ret)
{
	const struct provider_source *s = w->source;
	struct well_known_reply reply = { .outcome = WELL_KNOWN_UNREACHABLE };
	enum err e = ERR_OK;

	if (is_public_name(host) && is_public_name(w->domain)) {
		e = s->fetch(s->fetch_arg, w->arena, host, w->domain, &reply);
	}
	if (e == ERR_OK && reply.outcome == WELL_KNOWN_OK) {
		e = support_document_parse(w->arena, reply.body, &ret->document);
		if (e == ERR_OK) {
			ret->origin = slice_str(
			    arena_printf(w->arena, "%s://%.*s", s->scheme, SLICE_ARG(host)));
			w->answer.is_seen = true;
			keep_at_most(w, keep_of(s, reply.max_age_ms));
			return ERR_OK;
		}
		e = e == ERR_INVALID ? ERR_OK : e;
	}
	if (e == ERR_OK) {
		ret->why = refusal(w, host, reply.outcome);
		keep_at_most(w, s->keep_failed_ms);
	}
	return e;
}

static enum err look(struct way *w, struct slice host, struct step *ret)
{
	const struct provider_source *s = w->source;
	struct slice bridge;
	enum err e = ERR_OK;

	*ret = (struct step){ .why = NULL };
	if (providers_shim(s->configured, host, &ret->document, &ret->origin)) {
		return ERR_OK;
	}
	if (s->fetch != NULL) {
		e = fetch(w, host, ret);
	} else {
		ret->why = nobody;
	}
	if (e == ERR_OK && ret->why != NULL && providers_bridge(s->configured, host, &bridge)) {
		ret->why = NULL;
		ret->document.kind = SUPPORT_AUTHORITY;
		ret->document.authority = bridge;
	}
	return e;
}

static enum err arrive(struct way *w, struct slice host, const struct step *s)
{
	const struct support_document *d = &s->document;
	const char *auth =
	    arena_printf(w->arena, "%.*s%.*s", SLICE_ARG(s->origin), SLICE_ARG(d->auth_path));
	const char *prov =
	    arena_printf(w->arena, "%.*s%.*s", SLICE_ARG(s->origin), SLICE_ARG(d->prov_path));

	if (auth == NULL || prov == NULL) {
		return ERR_MEMORY;
	}
	w->answer.kind = PROVIDER_LIVE;
	w->answer.provider = (struct provider){ .domain = host,
		.key_json = d->key_json,
		.auth_url = slice_str(auth),
		.prov_url = slice_str(prov) };
	return ERR_OK;
}

static bool was_visited(const struct way *w, struct slice host)
{
	for (unsigned i = 0; i < w->n; i++) {
		if (slice_eq(w->visited[i], host)) {
			return true;
		}
	}
	return false;
}

/* ERR_END: the way goes on at *host. */
static enum err go(struct way *w, struct slice *host)
{
	struct step s;

	if (slice_eq(*host, w->source->own_host)) {
		end(w, PROVIDER_NONE, own);
		return ERR_OK;
	}
	if (w->n == PROVIDER_CHAIN_MAX || was_visited(w, *host)) {
		end(w, PROVIDER_NONE, too_long);
		return ERR_OK;
	}
	w->visited[w->n++] = *host;
	enum err e = look(w, *host, &s);
	if (e != ERR_OK) {
		return e;
	}
	if (s.why != NULL) {
		end(w, PROVIDER_NONE, s.why);
	} else if (s.document.kind == SUPPORT_DISABLED) {
		end(w, PROVIDER_DISABLED, disabled);
	} else if (s.document.kind == SUPPORT_KEY) {
		return arrive(w, *host, &s);
	} else {
		*host = s.document.authority;
		return ERR_END;
	}
	return ERR_OK;
}

enum err provider_resolve(struct arena *arena, const struct provider_source *source,
    struct slice domain, struct provider_answer *ret)
{
	struct way w = { .arena = arena, .source = source, .domain = domain };
	struct slice host = domain;
	enum err e;

	w.answer.keep_ms = source->keep_max_ms;
	while ((e = go(&w, &host)) == ERR_END) {
	}
	if (e == ERR_OK) {
		*ret = w.answer;
	}
	return e;
}
