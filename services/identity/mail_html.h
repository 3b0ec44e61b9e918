/*
 * The HTML part of a mail: one card under a bar in the site's colour. Inline styles, because mail
 * programs drop style sheets; what a style sheet adds (dark colours) is not missed where it is
 * dropped. No scripts, no pictures but the site's logo.
 */
#ifndef PLIMSOLL_IDENTITY_MAIL_HTML_H
#define PLIMSOLL_IDENTITY_MAIL_HTML_H

#include "core/base/buf.h"
#include "core/base/slice.h"

/* All are text, not HTML. */
struct mail_html {
	struct slice language, subject, site, request, action, link;
	struct slice by_hand, small; /* before the link as text; the last paragraph */
	struct slice color;	     /* rgb or rrggbb, with or without #; anything else: ours */
	struct slice logo;	     /* https address of a picture, or anything else: the name */
};

/* Appends the document; overflow shows in out. */
void mail_html_put(struct buf *out, const struct mail_html *m);

#endif
