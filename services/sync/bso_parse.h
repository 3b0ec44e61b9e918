/*
 * Role: web. One record as clients write it: a JSON object (sync.md 1.3).
 */
#ifndef PLIMSOLL_SYNC_BSO_PARSE_H
#define PLIMSOLL_SYNC_BSO_PARSE_H

#include "core/base/json.h"
#include "services/sync/bso_record.h"
#include "services/sync/sync_priv.h"

/*
 * Reads the members of an object; r->id is the caller's. What is wrong with it as a record, or
 * NULL; *key is then the member that it is about, or empty. r lasts as long as the document.
 */
const char *sync_bso_parse(const struct json *object, const struct sync_limits *l,
    struct sync_record *r, struct slice *key);

/*
 * A guard against a broken client, which once encrypted everybody's keys with an initialisation
 * vector of zeros: such a record must not be stored.
 */
bool sync_bso_is_broken_key(struct slice collection, const struct sync_record *r);

#endif
