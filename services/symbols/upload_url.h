/*
 * Upload by download (symbols.md 1.3): a form names the address of an archive, and the courier
 * fetches it into a draft. It may only come from hosts of a list, redirects included.
 */
#ifndef PLIMSOLL_SYMBOLS_UPLOAD_URL_H
#define PLIMSOLL_SYMBOLS_UPLOAD_URL_H

#include "core/rpc/rpc.h"
#include "services/symbols/upload.h"

/* symbols.upload_url: web -> courier */
extern const struct rpc_def symbols_upload_url;

/*
 * Fetches url, stores the archive and answers the request, with the refusals of the protocol's
 * words.
 */
NODISCARD enum err upload_from_url(struct upload *u, struct slice url);

#endif
