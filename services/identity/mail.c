/*
 * Composing mails: the landing page of each kind, and the words of its language put together.
 */
#include "services/identity/mail.h"

#include "services/identity/mail_html.h"
#include "services/identity/mail_texts.h"
#include "services/identity/param.h"

enum {
	TEXT_MAX = 4096 /* of a piece with its placeholder filled in */
};

#define MINUTE_MS 60000LL
#define HOUR_MS	  (60 * MINUTE_MS)
#define DAY_MS	  (24 * HOUR_MS)

static const struct {
	const char *name, *page;
} kinds[MAIL_KINDS] = {
	[MAIL_NEW] = { "new", "/verify_email_address" },
	[MAIL_CONFIRM] = { "confirm", "/confirm" },
	[MAIL_RESET] = { "reset", "/reset_password" },
	[MAIL_INVITE] = { "invite", "/verify_email_address" },
	[MAIL_TRANSITION] = { "transition", "/complete_transition" },
	[MAIL_TEST] = { "test", "/" },
};

static const struct mail_texts *const texts[LANGUAGES] = {
	[LANGUAGE_EN] = &mail_texts_en,
	[LANGUAGE_DE] = &mail_texts_de,
};

/* The text with every mark replaced; empty when memory is short. */
static struct slice fill(
    struct arena *arena, const char *text, struct slice mark, struct slice value)
{
	struct buf b = buf_new(TEXT_MAX);
	struct slice rest = slice_str(text), done = SLICE_EMPTY, ret = SLICE_EMPTY;

	for (size_t at = slice_find(rest, '{', 0); at < rest.len; at = slice_find(rest, '{', 0)) {
		buf_append_slice(&b, slice_sub(rest, 0, at));
		rest = slice_sub(rest, at, rest.len);
		if (slice_starts(rest, mark)) {
			buf_append_slice(&b, value);
			rest = slice_sub(rest, mark.len, rest.len);
		} else {
			buf_append_char(&b, '{');
			rest = slice_sub(rest, 1, rest.len);
		}
	}
	buf_append_slice(&b, rest);
	if (buf_finish(&b, &done) != ERR_OK || arena_copy(arena, done, &ret) != ERR_OK) {
		ret = SLICE_EMPTY;
	}
	buf_free(&b);
	return ret;
}

/* "24 hours": in the largest unit that it is a whole number of, days from two on. */
static struct slice time_text(struct arena *arena, const struct mail_texts *t, int64_t ms)
{
	bool in_days = ms >= 2 * DAY_MS && ms % DAY_MS == 0;
	bool in_hours = !in_days && ms >= HOUR_MS && ms % HOUR_MS == 0;
	const struct mail_time *unit = in_days ? &t->days : in_hours ? &t->hours : &t->minutes;
	int64_t n = ms / (in_days ? DAY_MS : in_hours ? HOUR_MS : MINUTE_MS);
	const char *number = arena_printf(arena, "%lld", (long long)n);

	return fill(arena, n == 1 ? unit->one : unit->many, SLICE("{n}"), slice_str(number));
}

/* What is said about the link: who may ignore it, and until when it works. */
static struct slice small_text(
    struct arena *arena, const struct mail_texts *t, const struct mail_request *r)
{
	if (r->token.len == 0) {
		return SLICE_EMPTY;
	}
	struct slice expires =
	    fill(arena, t->expires, SLICE("{time}"), time_text(arena, t, r->lifetime_ms));
	const char *all = arena_printf(arena, "%s %.*s", t->ignore, SLICE_ARG(expires));

	return slice_str(all);
}

static enum err put_html(struct arena *arena, const struct mail_html *m, struct slice *ret)
{
	struct buf html = buf_new(OUTBOX_PART_MAX);
	struct slice text = SLICE_EMPTY;

	mail_html_put(&html, m);
	enum err e = buf_finish(&html, &text);
	if (e == ERR_OK) {
		e = arena_copy(arena, text, ret);
	}
	buf_free(&html);
	return e;
}

static const char *link_of(struct arena *arena, const struct mail_request *r)
{
	return arena_printf(arena, "%.*s%s%s%.*s", SLICE_ARG(r->public_origin), kinds[r->kind].page,
	    r->token.len > 0 ? "?token=" : "", SLICE_ARG(r->token));
}

enum err mail_compose(struct arena *arena, const struct mail_request *r, struct outbox_mail *ret)
{
	const struct mail_texts *t = texts[r->language];
	const struct mail_words *words = &t->kinds[r->kind];
	struct slice site = origin_host(r->site), html = SLICE_EMPTY;
	const struct mail_html m = {
		.language = slice_str(language_tag(r->language)),
		.subject = fill(arena, words->subject, SLICE("{site}"), site),
		.site = site,
		.request = fill(arena, words->request, SLICE("{site}"), site),
		.action = fill(arena, words->action, SLICE("{site}"), site),
		.link = slice_str(link_of(arena, r)),
		.by_hand = slice_str(t->by_hand),
		.small = small_text(arena, t, r),
		.color = r->color,
		.logo = r->logo,
	};
	const char *text = arena_printf(arena, "%.*s\n\n%.*s:\n\n%.*s\n%s%.*s%s",
	    SLICE_ARG(m.request), SLICE_ARG(m.action), SLICE_ARG(m.link),
	    m.small.len > 0 ? "\n" : "", SLICE_ARG(m.small), m.small.len > 0 ? "\n" : "");

	if (text == NULL || m.subject.len == 0 || m.request.len == 0 || m.action.len == 0 ||
	    m.link.len == 0 || (r->token.len > 0 && m.small.len == 0)) {
		return ERR_MEMORY;
	}
	enum err e = put_html(arena, &m, &html);
	if (e != ERR_OK) {
		return e;
	}
	*ret = (struct outbox_mail){
		.recipient = r->recipient,
		.kind = slice_str(kinds[r->kind].name),
		.subject = m.subject,
		.link = m.link,
		.site = r->site,
		.text = slice_str(text),
		.html = html,
	};
	return ERR_OK;
}
