/*
 * Composing mails. One row per kind; the texts are the product's words, kept in one place for the
 * day they are translated.
 */
#include "services/identity/mail.h"

#include "core/base/enc.h"
#include "services/identity/param.h"

enum {
	HTML_MAX = OUTBOX_PART_MAX
};

static const char default_color[] = "45505b";

static const struct {
	const char *name, *page, *subject, *action;
} kinds[MAIL_KINDS] = {
	[MAIL_NEW] = { "new", "/verify_email_address", "Complete sign-in", "Confirm my address" },
	[MAIL_CONFIRM] = { "confirm", "/confirm", "Complete sign-in", "Confirm my address" },
	[MAIL_RESET] = { "reset", "/reset_password", "Complete password reset",
	    "Choose a new password" },
	[MAIL_INVITE] = { "invite", "/verify_email_address", "Invitation", "Make my account" },
	[MAIL_TRANSITION] = { "transition", "/complete_transition", "Complete sign-in",
	    "Confirm my address" },
};

static const char ignore_text[] =
    "If that was not you, ignore this mail: nothing will happen without the link.";

static void put_color(struct buf *b, struct slice color)
{
	color = color.len == 0 ? slice_str(default_color) : color;
	if (!slice_starts(color, SLICE("#"))) {
		buf_append_char(b, '#');
	}
	enc_html(b, color);
}

static void put_html(
    struct buf *b, const struct mail_request *r, struct slice request, struct slice link)
{
	buf_append_str(b, "<!doctype html><html><body style=\"margin:0;font-family:sans-serif\">"
			  "<div style=\"padding:16px;color:#fff;background:");
	put_color(b, r->color);
	buf_append_str(b, "\">");
	if (r->logo.len > 0) {
		buf_append_str(b, "<img height=\"48\" alt=\"\" src=\"");
		enc_html(b, r->logo);
		buf_append_str(b, "\">");
	} else {
		enc_html(b, origin_host(r->site));
	}
	buf_append_str(b, "</div><div style=\"padding:16px\"><p>");
	enc_html(b, request);
	buf_append_str(b, "</p><p><a href=\"");
	enc_html(b, link);
	buf_append_str(b, "\">");
	buf_append_str(b, kinds[r->kind].action);
	buf_append_str(b, "</a></p><p style=\"color:#666\">");
	buf_append_str(b, ignore_text);
	buf_append_str(b, "</p></div></body></html>\n");
}

static const char *request_text(struct arena *arena, const struct mail_request *r)
{
	struct slice site = origin_host(r->site);

	switch (r->kind) {
	case MAIL_NEW:
	case MAIL_CONFIRM:
		return arena_printf(arena,
		    "Somebody, probably you, wants to sign in to %.*s with this address.",
		    SLICE_ARG(site));
	case MAIL_INVITE:
		return arena_printf(
		    arena, "You are invited to make an account at %.*s.", SLICE_ARG(site));
	case MAIL_RESET:
		return arena_printf(arena,
		    "Somebody, probably you, has forgotten the password with which this address "
		    "signs in to %.*s.",
		    SLICE_ARG(site));
	case MAIL_TRANSITION:
		return arena_printf(arena,
		    "Somebody, probably you, wants to sign in to %.*s with this address. Your "
		    "mail provider used to confirm it and has trouble doing so, so please do "
		    "it yourself.",
		    SLICE_ARG(site));
	case MAIL_KINDS:
		break;
	}
	return NULL;
}

enum err mail_compose(struct arena *arena, const struct mail_request *r, struct outbox_mail *ret)
{
	const char *link = arena_printf(arena, "%.*s%s?token=%.*s", SLICE_ARG(r->public_origin),
	    kinds[r->kind].page, SLICE_ARG(r->token));
	const char *subject = arena_printf(
	    arena, "%.*s: %s", SLICE_ARG(origin_host(r->site)), kinds[r->kind].subject);
	const char *request = request_text(arena, r);
	struct buf html = buf_new(HTML_MAX);
	struct slice text = SLICE_EMPTY, html_copy = SLICE_EMPTY;

	if (link == NULL || subject == NULL || request == NULL) {
		return ERR_MEMORY;
	}
	const char *body = arena_printf(
	    arena, "%s\n\n%s:\n\n%s\n\n%s\n", request, kinds[r->kind].action, link, ignore_text);
	put_html(&html, r, slice_str(request), slice_str(link));
	enum err e = body == NULL ? ERR_MEMORY : buf_finish(&html, &text);
	if (e == ERR_OK) {
		e = arena_copy(arena, text, &html_copy);
	}
	buf_free(&html);
	if (e != ERR_OK) {
		return e;
	}
	*ret = (struct outbox_mail){
		.recipient = r->recipient,
		.kind = slice_str(kinds[r->kind].name),
		.subject = slice_str(subject),
		.link = slice_str(link),
		.site = r->site,
		.text = slice_str(body),
		.html = html_copy,
	};
	return ERR_OK;
}
