/*
 * SMTP by libcurl, on a thread. What it does not tell is whether a 5xx was about this recipient or
 * about us (a refused login or sender must not destroy the mail): so the command that the last
 * reply answers is read off its trace, and only a refused RCPT or message text counts as final.
 *
 * Nothing may take longer than the message's time, and libcurl's own limit does not hold for the
 * farewell: it waits two minutes for a server that does not answer QUIT. So the line is closed for
 * reading as soon as QUIT has been said.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accounts/courier/smtp_priv.h"
#include "core/base/check.h"
#include "core/base/clock.h"

enum {
	UPLOAD_BYTES = 16 * 1024, /* libcurl's least; it takes three times as much in all */
	SOCKETS_MAX = 8		  /* while both kinds of IP are tried there are several */
};

/* What a thread keeps: libcurl's handle, whose pool has one connection. */
struct line {
	CURL *easy;
	curl_socket_t open[SOCKETS_MAX];
	unsigned n_open;
};

/* One message on its way. */
struct sending {
	struct smtp_client *client;
	struct line *line;
	struct slice rest;    /* of the message */
	bool about_this_mail; /* the last command was RCPT, or the message text */
	bool quitting;	      /* what follows is the farewell and says nothing about the mail */
	char error[CURL_ERROR_SIZE]; /* libcurl's own words */
	struct smtp_outcome *outcome;
};

/* ---- sockets ---- */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct line *l = arg;

	(void)purpose;
	if (l->n_open == SOCKETS_MAX) {
		return CURL_SOCKET_BAD;
	}
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	if (fd < 0) {
		return CURL_SOCKET_BAD;
	}
	l->open[l->n_open++] = fd;
	return fd;
}

static int close_socket(void *arg, curl_socket_t fd)
{
	struct line *l = arg;

	for (unsigned i = 0; i < l->n_open; i++) {
		if (l->open[i] == fd) {
			l->open[i] = l->open[--l->n_open];
			break;
		}
	}
	return close(fd);
}

/* What we say from now on still goes out; what the server says is not waited for. */
static void stop_listening(struct line *l)
{
	for (unsigned i = 0; i < l->n_open; i++) {
		(void)shutdown(l->open[i], SHUT_RD);
	}
}

/* ---- what libcurl calls ---- */

static size_t read_message(char *out, size_t size, size_t count, void *arg)
{
	struct sending *s = arg;
	size_t len = size * count < s->rest.len ? size * count : s->rest.len;

	memcpy(out, s->rest.ptr, len);
	s->rest = slice_sub(s->rest, len, s->rest.len);
	return len;
}

static int on_trace(CURL *easy, curl_infotype type, char *data, size_t len, void *arg)
{
	struct sending *s = arg;

	(void)easy;
	if (type == CURLINFO_HEADER_OUT && slice_starts(SLICE_OF(data, len), SLICE("QUIT"))) {
		s->quitting = true;
		stop_listening(s->line);
	}
	if (s->quitting) {
		return 0;
	}
	if (type == CURLINFO_HEADER_OUT) {
		s->about_this_mail = slice_starts(SLICE_OF(data, len), SLICE("RCPT "));
	} else if (type == CURLINFO_DATA_OUT) {
		s->about_this_mail = true;
	} else if (type == CURLINFO_HEADER_IN) {
		smtp_keep_line(s->outcome, SLICE_OF(data, len));
	}
	return 0;
}

static int on_progress(
    void *arg, curl_off_t in_all, curl_off_t in, curl_off_t out_all, curl_off_t out)
{
	const struct sending *s = arg;

	(void)in_all, (void)in, (void)out_all, (void)out;
	return atomic_load(&s->client->abandoned) ? 1 : 0;
}

/* ---- one message ---- */

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
	} else if (curl_version_info(CURLVERSION_NOW)->capath != NULL) {
		/* The folder, where one is looked up; the file has all, for every connection. */
		curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	}
}

static void prepare_line(struct line *l)
{
	curl_easy_setopt(l->easy, CURLOPT_MAXCONNECTS, 1L);
	curl_easy_setopt(l->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BYTES);
	curl_easy_setopt(l->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(l->easy, CURLOPT_OPENSOCKETDATA, l);
	curl_easy_setopt(l->easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(l->easy, CURLOPT_CLOSESOCKETDATA, l);
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
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, s->error);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, s);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
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
	smtp_explain(o, code, s->error, reply);
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

static CURLcode perform_until(CURL *easy, struct sending *s, int64_t deadline_us)
{
	int64_t left_ms = (deadline_us - clock_mono_us()) / 1000;

	if (atomic_load(&s->client->abandoned)) {
		return CURLE_ABORTED_BY_CALLBACK;
	}
	if (left_ms <= 0) {
		(void)snprintf(s->error, sizeof(s->error),
		    "no connection was free before the time for this mail was over");
		return CURLE_OPERATION_TIMEDOUT;
	}
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
	curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)(left_ms / 1000 + 1));
	return curl_easy_perform(easy);
}

/* On the kept connection; if that one turns out to be dead, at once on a new one. */
static CURLcode perform(CURL *easy, struct sending *s, int64_t deadline_us)
{
	size_t message_bytes = s->rest.len;
	CURLcode code = perform_until(easy, s, deadline_us);

	if (was_stale(easy, code, s, message_bytes)) {
		s->about_this_mail = s->quitting = false;
		s->outcome->text[0] = '\0';
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
		code = perform_until(easy, s, deadline_us);
	}
	return code;
}

/* The thread's connection, made on first use; NULL: no memory. */
static struct line *line_of(void **state)
{
	struct line *l = *state;

	if (l == NULL) {
		*state = l = calloc(1, sizeof(*l));
	}
	if (l != NULL && l->easy == NULL) {
		l->easy = curl_easy_init();
	}
	return l != NULL && l->easy != NULL ? l : NULL;
}

void smtp_talk(void *arg, void **state, struct crew_job *job)
{
	struct smtp_client *c = arg;
	struct smtp_job *j = (struct smtp_job *)(void *)job;
	struct line *l = line_of(state);
	struct curl_slist *recipients = curl_slist_append(NULL, j->recipient);

	if (l == NULL || recipients == NULL) {
		smtp_keep_line(&j->outcome, SLICE("no memory"));
		j->result = ERR_MEMORY;
	} else {
		struct sending s = { .client = c,
			.line = l,
			.rest = SLICE_OF(j->message, j->len),
			.outcome = &j->outcome };
		prepare_line(l);
		prepare(c, l->easy, &s, j->from, recipients);
		j->result = judge(l->easy, perform(l->easy, &s, j->deadline_us), &s);
		/* Forgets what points to this message; the connection stays. */
		curl_easy_reset(l->easy);
	}
	curl_slist_free_all(recipients);
}

void smtp_hang_up(void *state)
{
	struct line *l = state;

	if (l != NULL) {
		stop_listening(l);
		curl_easy_cleanup(l->easy);
		CHECK(l->n_open == 0);
		free(l);
	}
}
