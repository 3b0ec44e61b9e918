/*
 * Composing mails (persona.md 7): plain text and HTML around one link. Everything that comes from a
 * request is escaped here; the words are in mail_texts_en.c
 * and its siblings.
 */
#ifndef PLIMSOLL_IDENTITY_MAIL_H
#define PLIMSOLL_IDENTITY_MAIL_H

#include "accounts/outbox.h"
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "services/identity/language.h"

enum mail_kind {
	MAIL_NEW,	 /* an account is about to be made */
	MAIL_CONFIRM,	 /* an address is to be verified, for an account that is there */
	MAIL_RESET,	 /* a new password is to be chosen */
	MAIL_INVITE,	 /* whoever gets it may make an account */
	MAIL_TRANSITION, /* the provider of the address has gone */
	MAIL_TEST,	 /* the operator tries whether mail arrives */
	MAIL_KINDS
};

struct mail_request {
	enum mail_kind kind;
	enum language language;
	struct slice recipient;
	struct slice token;	    /* empty: the link is the page alone, and works for ever */
	struct slice public_origin; /* of this server; the link begins with it */
	struct slice site;	    /* origin of the asking site */
	struct slice color, logo;   /* its branding; empty, or no colour and no https: none */
	int64_t lifetime_ms;	    /* of the token */
};

/* Texts lie in the arena. ERR_MEMORY. */
NODISCARD enum err mail_compose(
    struct arena *arena, const struct mail_request *r, struct outbox_mail *ret);

#endif
