/*
 * The pages of the service as they are sent: the embedded files, their references turned to where
 * scripts and styles are kept for ever ([identity] asset_url), and the operator's own texts.
 */
#ifndef PLIMSOLL_IDENTITY_PAGE_H
#define PLIMSOLL_IDENTITY_PAGE_H

#include <stdbool.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/conf/conf.h"
#include "core/http/asset.h"
#include "services/identity/language.h"

struct pages;

enum {
	PAGE_TEXTS = 2 /* of the operator */
};

enum page_frames {
	FRAMES_NONE,	  /* a page holds none and is none */
	FRAMES_PROVIDERS, /* it holds one of an identity provider */
	FRAMES_SITES,	  /* it may stand in one of any site */
	FRAMES_KINDS
};

/* Cache-Control of what may change with the next version. */
#define PAGE_REVALIDATE SLICE("public, max-age=0, must-revalidate")

/*
 * Makes all pages, for a web process. ERR_CONFIG with the reason in note: asset_url is no address
 * of a server, or a text cannot be read.
 */
NODISCARD enum err pages_load(const struct conf *conf, struct pages **ret, struct err_note *note);
void pages_free(struct pages **pages);

/* The Content-Security-Policy of such pages. pages may be NULL: that of a page by itself. */
struct slice pages_policy(const struct pages *pages, enum page_frames frames);

/* The i-th text of the operator, or ours in a language. */
const struct asset *pages_text(const struct pages *pages, unsigned i, enum language l);

/* An embedded file that has to be there ("identity/about.html"). */
const struct asset *page_embedded(const char *path);
/* The same in a language ("identity/about.de.html"), or the English one where it has no other. */
const struct asset *page_embedded_in(const char *path, enum language l);

/* ---- page_text.c ---- */

/*
 * Makes the pages of the operator's texts, which are the same in every language, or of ours.
 * ERR_CONFIG: a file cannot be read, or is too long.
 */
NODISCARD enum err page_texts_make(struct arena *arena, const struct conf *conf, struct slice base,
    enum language l, struct asset ret[PAGE_TEXTS], struct err_note *note);

/* ---- page_make.c ---- */

/* A page out of an embedded one: "/identity/..." becomes "BASE/identity/...". ERR_MEMORY. */
NODISCARD enum err page_make(
    struct arena *arena, const struct asset *from, struct slice base, struct asset *ret);

/*
 * A page out of a text: paragraphs between empty lines, "# " before the title and "## " before
 * headings; put into the template at {title} and {text}. A text without title gets the one given.
 * language: as in HTML's lang, for {language}.
 */
struct page_words {
	struct slice text, title, language;
};
NODISCARD enum err page_make_text(struct arena *arena, const struct asset *template,
    struct slice base, const struct page_words *words, struct asset *ret);

#endif
