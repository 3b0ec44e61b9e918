/*
 * What the files of services/identity share: the service's state per process, and its tables.
 */
#ifndef PLIMSOLL_IDENTITY_IDENTITY_PRIV_H
#define PLIMSOLL_IDENTITY_IDENTITY_PRIV_H

#include "accounts/assertion.h"
#include "accounts/public_url.h"
#include "accounts/session.h"
#include "core/base/shared_words.h"
#include "core/service.h"
#include "services/identity/bundle.h"
#include "services/identity/discovery.h"
#include "services/identity/domain_keys.h"
#include "services/identity/own_keys.h"
#include "services/identity/page.h"
#include "services/identity/pubkey.h"
#include "services/identity/served_keys.h"

enum {
	DOCUMENT_MAX = 4096 + OWN_KEYS_BYTES,
	COOKIE_NAME_SIZE = 32
};

/* The last cookie that admission looked at. */
struct cookie_seen {
	char value[SESSION_COOKIE_MAX];
	size_t len; /* 0: none */
	struct session session;
};

struct identity_state {
	struct svc_env *env;
	struct public_url url;
	bool is_verifier;		  /* of the stand-alone verifier, which has no keys */
	const struct rpc_def *verify_row; /* the message to compute */

	/* web; filled when ready */
	struct session_codec *cookies;
	struct cookie_seen seen;
	struct shared_words tickets; /* of browsers, see identity_rank.c and core/grace/begun.h */
	struct own_keys own;	     /* that verify; compute too */
	struct buf public_key_json;  /* as in /pk: of the key that signs */
	int64_t key_created_ms;
	struct discovery *discovery; /* providers of other domains */
	struct buf well_known;	     /* the document /.well-known/browserid */
	struct pages *pages;
	struct served_keys served; /* what the key, its text and the document come from */

	/* signer */
	struct domain_keys domain_keys;
};

/* identity_rank.c: for admission, by the proved session: whose it is (0: pages are anybody's), and
 * its rank. */
uint64_t identity_user(struct op_call *c);
enum shed_rank identity_rank(struct op_call *c, const struct grace_load *load);

/* The state in this process. */
struct identity_state *identity_state(const struct svc_env *env);

/* served_keys.c: puts web's keys in order if the clock has passed a change. Never waits. */
void identity_keys_settle(struct identity_state *state, int64_t now_ms);

/* identity.c: signer: reads the key files again; those that are bad change nothing. */
void identity_keys_reload(struct identity_state *state);

/* ops.c: the rows of the service; those of /wsapi come first, in the order of wsapi.def. */
enum identity_op {
#define WSAPI(id, ...) IDENTITY_OP_##id,
#include "services/identity/wsapi.def"
#undef WSAPI
	IDENTITY_WSAPI_OPS,
	IDENTITY_OPS = IDENTITY_WSAPI_OPS + 46
};
extern const struct op identity_ops[IDENTITY_OPS];

/* ops.c: what users do, made of those. */
enum {
	IDENTITY_ACTIVITIES = 7
};
extern const struct activity identity_activities[IDENTITY_ACTIVITIES];

/* identity_conf.c */
enum {
	IDENTITY_CONF_KEYS = 28
};
extern const struct conf_key identity_conf_keys[IDENTITY_CONF_KEYS];
NODISCARD enum err identity_conf_check(const struct conf *conf, struct err_note *note);
/* Doors for tests are for a server on this machine only. ERR_CONFIG with the reason in note. */
NODISCARD enum err identity_doors_check(
    const struct conf *conf, const struct public_url *url, struct err_note *note);

/* site.c: what is common to all answers. */
void identity_decorate(struct op_call *c);
void identity_add_hsts(struct op_call *c); /* where public_url is https and it is configured */
void identity_error(struct op_call *c, enum err e);
op_fn identity_not_found, identity_wrong_method;

/* An answer in words, "<phrase>: <detail>" and nothing behind it (persona.md 2.1, rule 8). */
void identity_reply_text(struct op_call *c, int status, const char *detail);

/* Seconds that a refused client is told to wait, from the expected wait at compute. */
unsigned identity_retry_after_s(const struct svc_env *env);

/*
 * Until when to wait for another role of this server: rows that look domains up have long deadlines
 * for strangers' servers, not for ours.
 */
int64_t identity_soon_us(const struct op_call *c);

/* A buffer that is freed with the request; NULL beyond its memory. */
struct buf *identity_body(struct op_call *c, size_t max);

/*
 * Verifies a bundle with the keys of its issuer and of the address's domain, looking these up where
 * needed; here or in compute (so in a task). Errors: as bundle_verify, discovery_find and rpc_call.
 */
NODISCARD enum err identity_verify_bundle(struct op_call *c, struct slice bundle,
    struct slice audience, bool allow_unverified, struct bundle_result *ret);
/* The same for a question with more to it: q without keys, clock and trust, which are filled in. */
NODISCARD enum err identity_verify_query(
    struct op_call *c, struct bundle_query *q, struct bundle_result *ret);

/* The same for a request of another service: accounts/assertion.h. */
assertion_verify_fn identity_verify_for;

/* Is it a name in [identity] forcible_issuers, under which this server may certify addresses? */
bool identity_may_force(const struct conf *conf, struct slice issuer);

/* wsapi.c */
op_fn wsapi_front;

/* verify.c, verify_v2.c, document.c, page.c, page_plain.c, page_text.c */
op_fn identity_verify, identity_verify_v2, identity_well_known, identity_pk, identity_about_json,
    identity_page, identity_file, identity_hashed, identity_robots, identity_text,
    identity_embedded_text, identity_redirect, identity_version;

#endif
