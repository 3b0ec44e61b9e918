/*
 * Role: admin. POST /mail/bounce: what did not arrive, from a provider's webhook or a mail server.
 */
#ifndef PLIMSOLL_ACCOUNTS_MAIL_ADMIN_H
#define PLIMSOLL_ACCOUNTS_MAIL_ADMIN_H

#include "core/http/http.h"

/*
 * Body: application/json (bounce_from_json) or message/rfc822 (bounce_parse). Other types are
 * refused, so that no page in a browser on this machine can send one without being asked first
 * (CORS). Answers {"effect": "marked" | "counted" | "unknown" | "ignored"}.
 */
op_fn mail_admin_bounce;

#endif
