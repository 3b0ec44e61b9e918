/*
 * Role: admin. The outbox on the admin listener: a page for people, who in development read their
 * mail there, and the same as JSON. Loopback only by default; never on the public listener.
 */
#ifndef PLIMSOLL_ACCOUNTS_OUTBOX_ADMIN_H
#define PLIMSOLL_ACCOUNTS_OUTBOX_ADMIN_H

#include "core/http/http.h"

/* GET /outbox */
op_fn outbox_admin_page;

/* GET /outbox.json: [{id, to, kind, subject, link, text, state, tries, error, created, sent}] */
op_fn outbox_admin_json;

#endif
