/*
 * SMTP, the lines for people: what an operator reads in the outbox about a mail that was not sent.
 */
#include <stdio.h>

#include "accounts/courier/smtp_priv.h"

void smtp_keep_line(struct smtp_outcome *o, struct slice line)
{
	size_t len = line.len < sizeof(o->text) - 1 ? line.len : sizeof(o->text) - 1;

	for (size_t i = 0; i < len; i++) {
		char c = line.ptr[i];
		o->text[i] = c >= 0x20 && c != 0x7f ? c : ' ';
	}
	while (len > 0 && o->text[len - 1] == ' ') {
		len--;
	}
	o->text[len] = '\0';
}

/* What went wrong before the mail itself was spoken of, for the person who configures it. */
static const char *explanation(CURLcode code, bool has_reply)
{
	if (code == CURLE_USE_SSL_FAILED) {
		return has_reply ? "the mail server refuses STARTTLS"
				 : "the mail server does not offer STARTTLS, and [mail] tls = "
				   "required (auto is required for a server elsewhere)";
	}
	if (code == CURLE_PEER_FAILED_VERIFICATION) {
		return "the mail server's certificate is not trusted; see [mail] ca_file";
	}
	if (code == CURLE_SSL_CONNECT_ERROR) {
		return "no TLS with the mail server";
	}
	if (code == CURLE_LOGIN_DENIED) {
		return has_reply ? "the mail server refuses the login"
				 : "the mail server takes no login by PLAIN or LOGIN";
	}
	if (code == CURLE_ABORTED_BY_CALLBACK) {
		return "the courier had to end before the mail server's last answer";
	}
	return NULL;
}

void smtp_explain(struct smtp_outcome *o, CURLcode code, const char *detail, long reply)
{
	char line[2 * CURL_ERROR_SIZE];
	bool has_reply = reply >= 400;
	const char *what = explanation(code, has_reply);
	const char *words = has_reply	     ? o->text
			    : detail[0] != 0 ? detail
					     : curl_easy_strerror(code);
	bool is_all = what != NULL && ((!has_reply && code == CURLE_USE_SSL_FAILED) ||
					  code == CURLE_ABORTED_BY_CALLBACK);

	if (what == NULL && has_reply) {
		return;
	}
	(void)snprintf(line, sizeof(line), "%s%s%s", what == NULL ? "" : what,
	    what == NULL || is_all ? "" : ": ", is_all ? "" : words);
	smtp_keep_line(o, slice_str(line));
}
