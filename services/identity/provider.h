/*
 * Identity providers of other domains: which issuer may speak for the addresses of a domain, with
 * which key, and where its users are sent. This is what the configuration says of them, [identity]
 * shimmed_primaries (documents in files) and proxy_idps (domains that a bridge speaks for), and how
 * documents lead from a domain to its provider (persona.md 4.8). Callers ask discovery.h.
 */
#ifndef PLIMSOLL_IDENTITY_PROVIDER_H
#define PLIMSOLL_IDENTITY_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/well_known.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/conf/conf.h"
#include "services/identity/support_document.h"

enum {
	PROVIDERS_MAX = 64,
	PROVIDER_CHAIN_MAX = 6 /* domains of one delegation, the first included */
};

/* ---- from the configuration ---- */

struct providers;

/* Reads the configuration and the files it names. ERR_CONFIG with the key and the reason in note.
 */
NODISCARD enum err providers_load(
    const struct conf *conf, struct providers **ret, struct err_note *note);
void providers_free(struct providers **p);

/* The document that takes the place of the domain's own, and the origin of its pages. */
bool providers_shim(const struct providers *p, struct slice domain, struct support_document *ret,
    struct slice *ret_origin);

/* The host that speaks for a domain which has no document of its own. */
bool providers_bridge(const struct providers *p, struct slice domain, struct slice *ret_host);

/* ---- the way to a provider ---- */

struct provider {
	struct slice domain;   /* the authoritative one: issuer of its certificates */
	struct slice key_json; /* its public key */
	struct slice auth_url, prov_url;
};

enum provider_kind {
	PROVIDER_NONE, /* nobody but this server speaks for the domain's addresses */
	PROVIDER_LIVE,
	PROVIDER_DISABLED /* none, and the domain says so itself */
};

struct provider_answer {
	enum provider_kind kind;
	struct provider provider; /* PROVIDER_LIVE */
	/* Else: why not, in words for "can't get public key for D: WHY". */
	struct slice why;
	bool is_seen;	 /* a document of it came over the network */
	int64_t keep_ms; /* how long the answer may be used */
};

/* What the way depends on. */
struct provider_source {
	const struct providers *configured;
	struct slice own_host; /* this server: speaks for whom nobody else does */
	const char *scheme;    /* of providers' pages: "https" */
	/* How long documents and failures are kept, whatever their servers say. */
	int64_t keep_min_ms, keep_max_ms, keep_failed_ms;
	/*
	 * Fetches a document: reply in the arena. NULL: nothing is looked up. Errors end the way
	 * (ERR_TOO_BUSY, ERR_AGAIN: not now).
	 */
	enum err (*fetch)(void *arg, struct arena *arena, struct slice host, struct slice domain,
	    struct well_known_reply *ret);
	void *fetch_arg;
};

/*
 * Who speaks for the addresses of a domain (lower case)? Texts in the arena or of source.
 * ERR_MEMORY; what fetch returned.
 */
NODISCARD enum err provider_resolve(struct arena *arena, const struct provider_source *source,
    struct slice domain, struct provider_answer *ret);

#endif
