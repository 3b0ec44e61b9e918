/*
 * Identity providers of other domains: which issuer may speak for the addresses of a domain, with
 * which key, and where its users are sent. Callers ask by domain and do not know where the answer
 * comes from. Today it is the configuration: [identity] shimmed_primaries (documents in files) and
 * proxy_idps (domains that a bridge speaks for); nothing is looked up in the network.
 */
#ifndef PLIMSOLL_IDENTITY_PROVIDER_H
#define PLIMSOLL_IDENTITY_PROVIDER_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/conf/conf.h"

enum {
	PROVIDERS_MAX = 64,
	PROVIDER_CHAIN_MAX = 6 /* domains of one delegation, the first included */
};

/* Text lives as long as the table. */
struct provider {
	struct slice domain;   /* the authoritative one: issuer of its certificates */
	struct slice key_json; /* its public key as in its document */
	struct slice auth_url, prov_url;
};

struct providers;

/* Reads the configuration and the files it names. ERR_CONFIG with the key and the reason in note.
 */
NODISCARD enum err providers_load(
    const struct conf *conf, struct providers **ret, struct err_note *note);
void providers_free(struct providers **p);

/* Has the domain said that it has no provider any more? */
bool provider_is_disabled(const struct providers *p, struct slice domain);

/*
 * Who speaks for the addresses of a domain? False: nobody but this server may, and *ret_why says
 * so in words, for "can't get public key for D: WHY".
 */
bool provider_find(
    const struct providers *p, struct slice domain, struct provider *ret, const char **ret_why);

#endif
