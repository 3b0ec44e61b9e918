/*
 * The operator's texts, terms of service and privacy: read from their files when a process starts,
 * or the program's own where there are none.
 */
#include <errno.h>
#include <stdio.h>

#include "core/base/check.h"
#include "services/identity/identity_priv.h"
#include "services/identity/page.h"

enum {
	TEXT_MAX = 128 * 1024, /* bytes of a file */
	LANGUAGE_MAX = 35      /* letters of a language tag (RFC 5646 4.4.1) */
};

/* The texts that an operator may give. */
static const struct {
	const char *end; /* of the path */
	const char *key, *title, *asset;
} texts[PAGE_TEXTS] = {
	{ "tos", "terms_file", "Terms of service", "identity/default_terms.txt" },
	{ "privacy", "privacy_file", "Privacy", "identity/default_privacy.txt" },
};

static enum err read_text(struct arena *arena, const struct conf *conf, const char *key,
    struct slice *ret, struct err_note *note)
{
	const char *name = conf_str(conf, "identity", key);
	char *text = arena_alloc(arena, TEXT_MAX);

	if (text == NULL) {
		return ERR_MEMORY;
	}
	FILE *f = fopen(name, "re");
	if (f == NULL) {
		return err_note_set(
		    note, ERR_CONFIG, "[identity] %s: %s: %s", key, name, strerror(errno));
	}
	size_t n = fread(text, 1, TEXT_MAX, f);
	bool failed = ferror(f) != 0;
	(void)fclose(f);
	if (failed || n == TEXT_MAX) {
		return err_note_set(note, ERR_CONFIG,
		    "[identity] %s: %s: cannot be read, or is longer than %d bytes", key, name,
		    TEXT_MAX - 1);
	}
	*ret = SLICE_OF(text, n);
	return ERR_OK;
}

static enum err make_text(struct arena *arena, const struct conf *conf, size_t i, struct slice base,
    enum language l, struct asset *ret, struct err_note *note)
{
	struct page_words words = {
		.text = page_embedded_in(texts[i].asset, l)->bytes,
		.title = slice_str(texts[i].title),
		.language = slice_str(language_tag(l)),
	};
	enum err e = ERR_OK;

	if (conf_str(conf, "identity", texts[i].key)[0] != '\0') {
		words.language = slice_str(language_tag(LANGUAGE_EN)); /* nobody says which */
		e = read_text(arena, conf, texts[i].key, &words.text, note);
	}
	return e == ERR_OK ? page_make_text(
				 arena, page_embedded("identity/text_page.html"), base, &words, ret)
			   : e;
}

enum err page_texts_make(struct arena *arena, const struct conf *conf, struct slice base,
    enum language l, struct asset ret[PAGE_TEXTS], struct err_note *note)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < PAGE_TEXTS; i++) {
		e = make_text(arena, conf, i, base, l, &ret[i], note);
	}
	return e;
}

/* "en", "pt-BR": two or three letters, then letters, digits and hyphens (RFC 5646, loosely). */
static bool is_language(struct slice s)
{
	size_t primary = slice_find(s, '-', 0);

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool is_inner = i >= primary && ((c >= '0' && c <= '9') || c == '-');
		if (!is_letter && !is_inner) {
			return false;
		}
	}
	return (primary == 2 || primary == 3) && s.len <= LANGUAGE_MAX && s.ptr[s.len - 1] != '-';
}

/*
 * /LANG/tos and the like: the operator's text is there in one language, whichever is asked for;
 * ours in those that there are, else in English.
 */
enum err identity_text(struct op_call *c)
{
	const struct identity_state *state = c->state;
	struct slice tag = http_param(c->req, "lang");
	enum language l = LANGUAGE_EN;
	unsigned i = 0;

	if (!is_language(tag)) {
		return identity_not_found(c);
	}
	(void)language_find(tag, &l);
	while (i < PAGE_TEXTS && !slice_ends(slice_str(c->op->path), slice_str(texts[i].end))) {
		i++;
	}
	CHECK(i < PAGE_TEXTS);
	asset_reply(c, pages_text(state->pages, i, l), PAGE_REVALIDATE);
	return ERR_OK;
}

/* The same for frames of sites: another row because its headers are others. */
enum err identity_embedded_text(struct op_call *c)
{
	return identity_text(c);
}
