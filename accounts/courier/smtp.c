/*
 * SMTP by libcurl. What it does not tell is whether a 5xx was about this recipient or about us (a
 * refused login or sender must not destroy the mail): so the command that the last reply answers is
 * read off its trace, and only a refused RCPT or message text counts as final.
 */
#include "accounts/courier/smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/courier/curl_loop.h"

enum {
	SMTP_ADDRESS_BYTES = 330
};

struct smtp_client {
	struct curl_loop *curl;
	char *url, *user, *password; /* owned; user and password may be NULL */
	struct buf ca;		     /* PEM; empty: the system's authorities */
	enum mail_tls tls;
	int64_t timeout_ms;
};

/* One message on its way. */
struct sending {
	struct slice rest;    /* of the message */
	bool about_this_mail; /* the last command was RCPT, or the message text */
	bool quitting;	      /* what follows is the farewell and says nothing about the mail */
	char error[CURL_ERROR_SIZE]; /* libcurl's own words */
	struct smtp_outcome *outcome;
};

static void wipe_free(char **secret)
{
	if (*secret != NULL) {
		explicit_bzero(*secret, strlen(*secret));
		free(*secret);
		*secret = NULL;
	}
}

static bool copy_string(struct slice s, char **ret)
{
	if (s.len == 0) {
		return true;
	}
	*ret = strndup(s.ptr, s.len);
	return *ret != NULL;
}

enum err smtp_client_new(struct loop *l, const struct smtp_options *o, struct smtp_client **ret)
{
	struct smtp_client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return ERR_MEMORY;
	}
	c->tls = o->tls;
	c->timeout_ms = o->timeout_ms;
	c->ca = buf_new(MAIL_CA_MAX);
	buf_append_slice(&c->ca, o->ca);
	enum err e = curl_loop_new(l, o->max_connections, &c->curl);
	if (e == ERR_OK && !(copy_string(slice_str(o->url), &c->url) &&
			       copy_string(slice_str(o->user), &c->user) &&
			       copy_string(o->password, &c->password) && !c->ca.failed)) {
		e = ERR_MEMORY;
	}
	if (e != ERR_OK) {
		smtp_client_free(&c);
		return e;
	}
	*ret = c;
	return ERR_OK;
}

void smtp_client_free(struct smtp_client **c)
{
	if (*c == NULL) {
		return;
	}
	curl_loop_free(&(*c)->curl);
	free((*c)->url);
	wipe_free(&(*c)->user);
	wipe_free(&(*c)->password);
	buf_free(&(*c)->ca);
	free(*c);
	*c = NULL;
}

static size_t read_message(char *out, size_t size, size_t count, void *arg)
{
	struct sending *s = arg;
	size_t len = size * count < s->rest.len ? size * count : s->rest.len;

	memcpy(out, s->rest.ptr, len);
	s->rest = slice_sub(s->rest, len, s->rest.len);
	return len;
}

/* Keeps the last reply line, with anything that could break a log line or a page made a space. */
static void keep_reply(struct smtp_outcome *o, struct slice line)
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

static int on_trace(CURL *easy, curl_infotype type, char *data, size_t len, void *arg)
{
	struct sending *s = arg;

	(void)easy;
	if (type == CURLINFO_HEADER_OUT && slice_starts(SLICE_OF(data, len), SLICE("QUIT"))) {
		s->quitting = true;
	}
	if (s->quitting) {
		return 0;
	}
	if (type == CURLINFO_HEADER_OUT) {
		s->about_this_mail = slice_starts(SLICE_OF(data, len), SLICE("RCPT "));
	} else if (type == CURLINFO_DATA_OUT) {
		s->about_this_mail = true;
	} else if (type == CURLINFO_HEADER_IN) {
		keep_reply(s->outcome, SLICE_OF(data, len));
	}
	return 0;
}

static void prepare_tls(struct smtp_client *c, CURL *easy)
{
	static const long use[] = {
		[MAIL_TLS_OFF] = CURLUSESSL_NONE,
		[MAIL_TLS_OPPORTUNISTIC] = CURLUSESSL_TRY,
		[MAIL_TLS_REQUIRED] = CURLUSESSL_ALL,
	};
	struct curl_blob ca = { c->ca.data, c->ca.len, CURL_BLOB_NOCOPY };
	/* Who could take STARTTLS away gains nothing by answering it: no check without need. */
	bool verify = c->tls == MAIL_TLS_REQUIRED || ca.len > 0;

	curl_easy_setopt(easy, CURLOPT_USE_SSL, use[c->tls]);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	if (ca.len > 0) {
		curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca);
	}
}

static void prepare(struct smtp_client *c, CURL *easy, struct sending *s, const char *from,
    struct curl_slist *recipients)
{
	curl_easy_setopt(easy, CURLOPT_URL, c->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(easy, CURLOPT_MAIL_FROM, from);
	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients);
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_message);
	curl_easy_setopt(easy, CURLOPT_READDATA, s);
	curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)s->rest.len);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)c->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, s->error);
	/* The trace is read, never printed: it would show the login. */
	curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_trace);
	curl_easy_setopt(easy, CURLOPT_DEBUGDATA, s);
	prepare_tls(c, easy);
	if (c->user != NULL) {
		curl_easy_setopt(easy, CURLOPT_USERNAME, c->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, c->password == NULL ? "" : c->password);
		/* Not what libcurl would prefer: GSSAPI and NTLM want files and another secret. */
		curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
	}
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
	return NULL;
}

/* The line for people: what went wrong, and the words of the server or of libcurl. */
static void explain(struct sending *s, CURLcode code, long reply)
{
	char line[2 * CURL_ERROR_SIZE];
	bool has_reply = reply >= 400;
	const char *what = explanation(code, has_reply);
	const char *words = has_reply	       ? s->outcome->text
			    : s->error[0] != 0 ? s->error
					       : curl_easy_strerror(code);
	bool is_all = what != NULL && !has_reply && code == CURLE_USE_SSL_FAILED;

	if (what == NULL && has_reply) {
		return;
	}
	(void)snprintf(line, sizeof(line), "%s%s%s", what == NULL ? "" : what,
	    what == NULL || is_all ? "" : ": ", is_all ? "" : words);
	keep_reply(s->outcome, slice_str(line));
}

static enum err judge(CURL *easy, CURLcode code, struct sending *s)
{
	struct smtp_outcome *o = s->outcome;
	long reply = 0;

	if (code == CURLE_OK) {
		return ERR_OK;
	}
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply);
	o->code = (int)reply;
	o->final = reply >= 500 && reply <= 599 && s->about_this_mail;
	explain(s, code, reply);
	return ERR_IO;
}

/*
 * A kept connection that the server has ended meanwhile, or ends with 421 when it is spoken to,
 * says nothing about the mail, of which nothing was sent.
 */
static bool was_stale(CURL *easy, CURLcode code, const struct sending *s, size_t message_bytes)
{
	long made = 1, reply = 0;

	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &made);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply);
	return code != CURLE_OK && made == 0 && (reply == 0 || reply == 421) &&
	       s->rest.len == message_bytes;
}

/* On a kept connection; if that one turns out to be dead, at once on a new one. */
static enum err perform(struct smtp_client *c, CURL *easy, struct sending *s, CURLcode *ret)
{
	size_t message_bytes = s->rest.len;
	enum err e = curl_loop_perform(c->curl, easy, ret);

	if (e == ERR_OK && was_stale(easy, *ret, s, message_bytes)) {
		s->about_this_mail = s->quitting = false;
		s->outcome->text[0] = '\0';
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
		e = curl_loop_perform(c->curl, easy, ret);
	}
	return e;
}

enum err smtp_send(struct smtp_client *c, struct slice from, struct slice recipient,
    struct slice message, struct smtp_outcome *ret_outcome)
{
	struct sending s = { .rest = message, .outcome = ret_outcome };
	char from_text[SMTP_ADDRESS_BYTES], recipient_text[SMTP_ADDRESS_BYTES];
	CURLcode code = CURLE_OK;

	*ret_outcome = (struct smtp_outcome){ 0 };
	if (slice_to_cstr(from, from_text, sizeof(from_text)) != ERR_OK ||
	    slice_to_cstr(recipient, recipient_text, sizeof(recipient_text)) != ERR_OK) {
		keep_reply(ret_outcome, SLICE("the address is too long"));
		ret_outcome->final = true;
		return ERR_INVALID;
	}
	CURL *easy = curl_easy_init();
	struct curl_slist *recipients = curl_slist_append(NULL, recipient_text);
	enum err e = ERR_MEMORY;
	if (easy != NULL && recipients != NULL) {
		prepare(c, easy, &s, from_text, recipients);
		e = perform(c, easy, &s, &code);
		if (e == ERR_OK) {
			e = judge(easy, code, &s);
		}
	}
	curl_slist_free_all(recipients);
	curl_easy_cleanup(easy);
	return e;
}
