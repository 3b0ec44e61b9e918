/*
 * The language of an answer: of mails, and of pages without scripts, which cannot choose it in the
 * browser. English, and those that there are texts in.
 */
#ifndef PLIMSOLL_IDENTITY_LANGUAGE_H
#define PLIMSOLL_IDENTITY_LANGUAGE_H

#include <stdbool.h>

#include "core/base/slice.h"

enum language {
	LANGUAGE_EN, /* for whoever has no other */
	LANGUAGE_DE,
	LANGUAGES
};

/* "en": as in HTML's lang and in names of files. */
const char *language_tag(enum language l);

/* The language that a tag means: "de" and "de-AT" are German. False: none that there is. */
bool language_find(struct slice tag, enum language *ret);

/*
 * The one that an Accept-Language likes best (RFC 9110 12.5.4), of equal ones the first; English
 * where it says nothing or likes none. What is malformed in it is passed over.
 */
enum language language_accepted(struct slice header);

#endif
