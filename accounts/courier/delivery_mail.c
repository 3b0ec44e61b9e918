/*
 * Role: courier. One mail of the outbox: made into a message, given to the mail server, and how it
 * went told to the store.
 */
#include <stdio.h>

#include "accounts/courier/delivery_priv.h"
#include "core/obs/log.h"

enum {
	MESSAGE_BYTES = 256 * 1024 /* two parts of 24 KiB, every byte escaped, and headers */
};

void delivery_report_sent(struct delivery *d, const struct outbox_mail *mail, int64_t lease)
{
	struct outbox_sent_req request = { mail->id, lease, .keep = d->smtp == NULL };
	struct arena arena = arena_new(DELIVERY_CALL_BYTES);
	struct buf b = buf_new(DELIVERY_CALL_BYTES);

	outbox_put_sent_req(&b, &request);
	/* If this fails the lease runs out and the mail goes out again: never lost, same content.
	 */
	enum err e = delivery_call_store(d, &accounts_outbox_sent, &b, &arena, NULL);
	LOG(e == ERR_OK ? LOG_INFO : LOG_WARN, "mail", d->smtp == NULL ? "mail_kept" : "mail_sent",
	    LOG_I("id", mail->id), LOG_S("kind", mail->kind), LOG_I("tries", mail->tries),
	    LOG_C("recorded", err_text(e)));
	buf_free(&b);
	arena_reset(&arena);
}

void delivery_report_failed(struct delivery *d, const struct outbox_mail *mail, int64_t lease,
    const struct smtp_outcome *outcome)
{
	struct outbox_retry_req request = { mail->id, lease, outcome->final,
		slice_str(outcome->text) };
	struct arena arena = arena_new(DELIVERY_CALL_BYTES);
	struct buf b = buf_new(DELIVERY_CALL_BYTES);

	outbox_put_retry_req(&b, &request);
	enum err e = delivery_call_store(d, &accounts_outbox_retry, &b, &arena, NULL);
	LOG(LOG_WARN, "mail", outcome->final ? "mail_refused" : "mail_delayed",
	    LOG_I("id", mail->id), LOG_S("kind", mail->kind), LOG_I("tries", mail->tries),
	    LOG_I("code", outcome->code), LOG_C("why", outcome->text),
	    LOG_C("recorded", err_text(e)));
	buf_free(&b);
	arena_reset(&arena);
}

/* Where the mail comes back to (VERP: an address for each recipient, see mail_address.h). */
static void return_path(const struct delivery *d, const struct outbox_mail *mail, struct buf *out)
{
	if (mail->verp.len == 0 || d->bounce_domain.len == 0) {
		buf_append_slice(out, mime_address(d->sender.from));
	} else {
		buf_printf(
		    out, "bounce+%.*s@%.*s", SLICE_ARG(mail->verp), SLICE_ARG(d->bounce_domain));
	}
}

enum err delivery_send(
    struct delivery *d, const struct outbox_mail *mail, struct smtp_outcome *ret_outcome)
{
	struct buf b = buf_new(MESSAGE_BYTES);
	struct buf path = buf_new(DELIVERY_CALL_BYTES);
	struct slice message = SLICE_EMPTY;

	if (d->smtp == NULL) {
		return ERR_OK;
	}
	mime_compose(&b, &d->sender, mail);
	return_path(d, mail, &path);
	enum err e = buf_finish(&b, &message);
	if (e == ERR_OK) {
		e = smtp_send(d->smtp, buf_slice(&path), mail->recipient, message, ret_outcome);
	} else { /* memory is short: tried again */
		(void)snprintf(ret_outcome->text, sizeof(ret_outcome->text), "no memory");
	}
	buf_free(&b);
	buf_free(&path);
	return e;
}
