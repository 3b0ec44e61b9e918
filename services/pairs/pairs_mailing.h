/*
 * Mails of pairs: the composing of them (in web), and their way into the outbox (in the store).
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_MAILING_H
#define PLIMSOLL_PAIRS_PAIRS_MAILING_H

#include "services/pairs/pairs_change_priv.h"

/*
 * May the request's address get a mail now? Not so soon after the last one that was not answered,
 * and not when mail to it came back; the answer says so. Whether it has an account plays no part.
 */
NODISCARD enum err pairs_check_mail(struct pairs_write *w);

/* Puts the request's mail with that text. */
NODISCARD enum err pairs_put_mail(struct pairs_write *w, struct slice kind, struct slice text);

/* ---- in web ---- */

enum pairs_mail {
	PAIRS_MAIL_SIGN_UP,
	PAIRS_MAIL_INVITE,
	PAIRS_MAILS
};

/*
 * Fills in the mail of r: link is app_url with the token behind it, who the first name of whoever
 * invites. ERR_MEMORY.
 */
NODISCARD enum err pairs_compose(struct arena *arena, enum pairs_mail mail, const char *app_url,
    const char *token, struct slice who, struct pairs_change_req *r);

#endif
