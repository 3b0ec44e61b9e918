/*
 * The words of mails, a file per language (mail_texts_en.c and so on), each named in mail.c: the
 * only places to change or translate them. "{site}" stands for the host of the asking site, "{n}"
 * for a number.
 */
#ifndef PLIMSOLL_IDENTITY_MAIL_TEXTS_H
#define PLIMSOLL_IDENTITY_MAIL_TEXTS_H

#include "services/identity/mail.h"

struct mail_words {
	const char *subject, *request, *action; /* action: what the link does */
};

/* "1 hour" and "{n} hours". */
struct mail_time {
	const char *one, *many;
};

struct mail_texts {
	struct mail_words kinds[MAIL_KINDS];
	const char *ignore;  /* for who did not ask for the mail */
	const char *expires; /* how long the link works; "{time}" is one of the times */
	const char *by_hand; /* before the link as text */
	struct mail_time minutes, hours, days;
};

extern const struct mail_texts mail_texts_en, mail_texts_de;

#endif
