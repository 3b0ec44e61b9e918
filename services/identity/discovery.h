/*
 * Role: web. Who speaks for the addresses of a domain: asked of the configuration, of what this
 * process remembers, and of the network through the courier. A domain that is known costs a look
 * into a table; for another the running task waits, together with all who ask for the same one.
 */
#ifndef PLIMSOLL_IDENTITY_DISCOVERY_H
#define PLIMSOLL_IDENTITY_DISCOVERY_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/service.h"
#include "services/identity/provider.h"

struct discovery;

/* own_host, which may be empty, lives as long. ERR_CONFIG with the reason in note. */
NODISCARD enum err discovery_new(
    struct svc_env *env, const char *own_host, struct discovery **ret, struct err_note *note);
/* No task may be inside discovery_find(). */
void discovery_free(struct discovery **d);

/* The providers that the configuration names. */
const struct providers *discovery_configured(const struct discovery *d);

/*
 * Finds the provider of a domain, in any case of letters; texts in arena or of the configuration.
 * That there is none, or that it cannot be reached, is an answer. Errors, when that could not be
 * found out: ERR_TOO_BUSY, ERR_DEADLINE, ERR_CANCELLED, ERR_PEER_GONE, ERR_MEMORY.
 */
NODISCARD enum err discovery_find(struct discovery *d, struct arena *arena, struct slice domain,
    int64_t deadline_us, struct provider_answer *ret);

/*
 * Was a provider of the domain, which is not there now, seen at work lately (persona.md 2.4)?
 * Forgets one that was not, or that is disabled. ERR_IO and the like: the database.
 */
NODISCARD enum err discovery_is_offline(struct discovery *d, struct arena *arena,
    struct slice domain, bool is_disabled, bool *ret, struct err_note *note);

/* When a provider of the domain was last seen at work; 0: never, or long ago. For test doors. */
NODISCARD enum err discovery_last_seen(struct discovery *d, struct arena *arena,
    struct slice domain, int64_t *ret_ms, struct err_note *note);
/* Records that it was seen at that time, 0: forgets it; in a task. */
NODISCARD enum err discovery_mark_seen(struct discovery *d, struct arena *arena,
    struct slice domain, int64_t seen_ms, struct err_note *note);

/* ---- the courier's process ---- */

/* [identity] primaries: does a server with this public URL look other domains up? */
struct public_url;
bool discovery_is_on(const struct conf *conf, const struct public_url *url);

/*
 * Gives the courier its policy from the configuration; reads the file of authorities. Keeps texts
 * until the process ends. ERR_CONFIG with the reason in note.
 */
NODISCARD enum err discovery_allow(struct svc_env *env, struct err_note *note);

/* At the end. */
void discovery_forbid(struct svc_env *env);

/* What of these keys cannot work. ERR_CONFIG with the reason in note. */
NODISCARD enum err discovery_conf_check(const struct conf *conf, struct err_note *note);

#endif
