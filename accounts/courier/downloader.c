/*
 * See downloader.h. One hop of a download is one handle of libcurl; redirects are followed by hand,
 * because each address has to be judged and kept. Bytes collect in a piece; when it is full libcurl
 * pauses until the task has handed it on, so a slow disk slows the other server and memory stays
 * what it is.
 */
#include "accounts/courier/downloader.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "accounts/courier/curl_loop.h"
#include "accounts/downloading.h"
#include "accounts/public_address.h"
#include "core/base/clock.h"
#include "core/ev/task.h"

enum {
	CONNECTIONS_MAX = 256,
	SLOW_BYTES = 512,	     /* a second: less is as good as nothing */
	OTHER_BYTES_MAX = 64 * 1024, /* read of an answer that is not 200, to keep its connection */
};

struct downloader {
	struct svc_env *env;
	struct curl_loop *curl;
	unsigned running;
};

/* One request and its answer. */
struct hop {
	struct download *d;
	CURL *easy;
	struct task *task;
	char *piece; /* DOWNLOAD_PIECE */
	size_t len;
	int64_t come; /* bytes of the body, handed on or not */
	bool is_paused, is_refused, is_too_big, has_no_length, has_begun;
};

/* Instead of socket(): what libcurl connects to next, whatever name it came from. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct hop *h = arg;

	if (purpose != CURLSOCKTYPE_IPCXN ||
	    (!h->d->rules.allow_private && !address_is_public(&a->addr))) {
		h->is_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
}

/* ---- the body ---- */

static bool has_header(CURL *easy, const char *name)
{
	struct curl_header *h = NULL;

	return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK;
}

/* Before the first byte. False: there will be none. */
static bool is_wanted(struct hop *h)
{
	curl_off_t length = -1;

	curl_easy_getinfo(h->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	h->is_too_big = length > h->d->rules.max_bytes;
	/* Without either nobody could tell a whole body from one that broke off. */
	h->has_no_length =
	    length < 0 && (h->d->rules.needs_length || !has_header(h->easy, "Transfer-Encoding"));
	return !h->is_too_big && !h->has_no_length;
}

/* On the loop, or inside of curl_easy_pause(). Another count than was given ends the transfer. */
static size_t take_bytes(char *bytes, size_t size, size_t count, void *arg)
{
	struct hop *h = arg;
	size_t n = size * count;
	long status = 0;

	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		h->come += (int64_t)n;
		return h->come > OTHER_BYTES_MAX ? 0 : n;
	}
	if (!h->has_begun && !is_wanted(h)) {
		return 0;
	}
	h->has_begun = true;
	if (n > DOWNLOAD_PIECE - h->len) {
		h->is_paused = true;
		task_wake(h->task);
		return CURL_WRITEFUNC_PAUSE;
	}
	h->come += (int64_t)n;
	if (h->come > h->d->rules.max_bytes) {
		h->is_too_big = true;
		return 0;
	}
	memcpy(h->piece + h->len, bytes, n);
	h->len += n;
	return n;
}

static enum err hand_on(struct hop *h)
{
	enum err e = h->d->take(h->d->arg, SLICE_OF(h->piece, h->len));

	h->d->bytes += e == ERR_OK ? (int64_t)h->len : 0;
	h->len = 0;
	return e;
}

/* In the task. Going on may call take_bytes() at once, and that may pause again. */
static enum err step(void *arg)
{
	struct hop *h = arg;
	enum err e = ERR_OK;

	while (e == ERR_OK && h->is_paused) {
		e = hand_on(h);
		h->is_paused = false;
		if (e == ERR_OK) {
			/* It refuses when the transfer has just ended, which is seen then. */
			(void)curl_easy_pause(h->easy, CURLPAUSE_CONT);
		}
	}
	return e;
}

/* ---- one hop ---- */

static void prepare(
    struct hop *h, const char *url, const struct curl_slist *headers, int64_t left_ms)
{
	const struct download_rules *rules = &h->d->rules;
	CURL *easy = h->easy;

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, rules->allow_http ? "http,https" : "https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, h->d->user_agent);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)rules->connect_ms);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)(rules->idle_ms / 1000));
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, rules->alone ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, rules->alone ? 1L : 0L);
	/* Empty: none, not what the environment says. */
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, h);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, h);
}

static enum download_outcome outcome_of(const struct hop *h, CURLcode code)
{
	if (h->is_too_big) {
		return DOWNLOAD_TOO_BIG;
	}
	if (h->has_no_length) {
		return DOWNLOAD_NO_LENGTH;
	}
	/* Of an answer that is not wanted the end does not matter. */
	if (h->d->status != 0 && h->d->status != 200 &&
	    (code == CURLE_OK || code == CURLE_WRITE_ERROR)) {
		return DOWNLOAD_STATUS;
	}
	switch ((int)code) {
	case CURLE_OK:
		return DOWNLOAD_OK;
	case CURLE_OPERATION_TIMEDOUT:
		return DOWNLOAD_TIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
		return DOWNLOAD_TLS;
	case CURLE_UNSUPPORTED_PROTOCOL:
		return DOWNLOAD_FORBIDDEN;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return h->is_refused ? DOWNLOAD_ADDRESS : DOWNLOAD_UNREACHABLE;
	default:
		return h->is_refused ? DOWNLOAD_ADDRESS : DOWNLOAD_BROKEN;
	}
}

static void read_headers(struct hop *h)
{
	struct curl_header *found = NULL;
	struct download *d = h->d;

	if (curl_easy_header(h->easy, "Content-Encoding", 0, CURLH_HEADER, -1, &found) ==
	    CURLHE_OK) {
		/* One that is too long is none that anybody knows. */
		struct slice text =
		    slice_sub(slice_trim(slice_str(found->value)), 0, DOWNLOAD_ENCODING_SIZE - 1);
		for (size_t i = 0; i < text.len; i++) {
			char c = text.ptr[i];
			d->encoding[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
		}
		d->encoding[text.len] = '\0';
	}
	if (curl_easy_header(h->easy, "Cache-Control", 0, CURLH_HEADER, -1, &found) == CURLHE_OK) {
		d->may_change = strcasestr(found->value, "no-store") != NULL;
	}
}

/* Asks url. *ret_next: where it sends on to, for the caller to free; NULL: this was the answer. */
static enum err ask(
    struct downloader *owner, struct hop *h, const char *url, int64_t left_ms, char **ret_next)
{
	struct curl_slist *headers = NULL;
	CURLcode code = CURLE_OK;
	char *next = NULL;
	long status = 0;
	enum err e = ERR_OK;

	h->easy = curl_easy_init();
	for (unsigned i = 0; i < DOWNLOAD_HEADERS_MAX && h->d->headers[i] != NULL; i++) {
		struct curl_slist *more = curl_slist_append(headers, h->d->headers[i]);
		e = more == NULL ? ERR_MEMORY : e;
		headers = more == NULL ? headers : more;
	}
	if (h->easy == NULL || e != ERR_OK) {
		curl_slist_free_all(headers);
		curl_easy_cleanup(h->easy);
		return ERR_MEMORY;
	}
	prepare(h, url, headers, left_ms);
	e = curl_loop_stream(owner->curl, h->easy, step, h, &code);
	if (e == ERR_OK) {
		curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(h->easy, CURLINFO_REDIRECT_URL, &next);
		h->d->status = status;
		h->d->outcome = outcome_of(h, code);
		h->d->details = code == CURLE_OK ? NULL : curl_easy_strerror(code);
		read_headers(h);
		if (h->d->outcome == DOWNLOAD_STATUS && next != NULL) {
			*ret_next = strdup(next);
			e = *ret_next == NULL ? ERR_MEMORY : ERR_OK;
		}
	}
	if (e == ERR_OK && h->d->outcome == DOWNLOAD_OK && h->len > 0) {
		e = hand_on(h);
	}
	curl_easy_cleanup(h->easy);
	curl_slist_free_all(headers);
	return e;
}

/* ---- all of them ---- */

static bool may_ask(const struct download *d, const char *url)
{
	struct download_address a;

	return download_address(slice_str(url), &a) && (a.is_https || d->rules.allow_http) &&
	       (d->rules.may_ask == NULL || d->rules.may_ask(d->arg, slice_str(url)));
}

static enum err follow(struct downloader *owner, struct download *d, char *piece)
{
	int64_t until_us = clock_mono_us() + d->rules.timeout_ms * 1000;
	const char *url = d->url;
	enum err e = ERR_OK;

	for (;;) {
		struct hop h = { .d = d, .task = task_current(), .piece = piece };
		int64_t left_ms = (until_us - clock_mono_us()) / 1000;
		char *next = NULL;
		if (!may_ask(d, url)) {
			d->outcome = DOWNLOAD_FORBIDDEN;
			return ERR_OK;
		}
		if (left_ms <= 0) {
			d->outcome = DOWNLOAD_TIMEOUT;
			return ERR_OK;
		}
		e = ask(owner, &h, url, left_ms, &next);
		if (e != ERR_OK || next == NULL) {
			return e;
		}
		if (d->n_redirects == DOWNLOAD_REDIRECTS_MAX) {
			free(next);
			d->outcome = DOWNLOAD_REDIRECTS;
			return ERR_OK;
		}
		url = d->redirects[d->n_redirects++] = next;
	}
}

static enum err run(void *arg, struct download *d)
{
	struct downloader *owner = arg;
	char *piece = malloc(DOWNLOAD_PIECE);

	if (piece == NULL) {
		return ERR_MEMORY;
	}
	owner->running++;
	enum err e = follow(owner, d, piece);
	owner->running--;
	free(piece);
	return e;
}

enum err downloader_start(struct svc_env *env, struct downloader **ret)
{
	struct downloader *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		return ERR_MEMORY;
	}
	d->env = env;
	enum err e = curl_loop_new(env->loop, CONNECTIONS_MAX, &d->curl);
	if (e != ERR_OK) {
		free(d);
		return e;
	}
	download_set(env, run, d);
	*ret = d;
	return ERR_OK;
}

void downloader_free(struct downloader **d)
{
	if (*d != NULL && (*d)->running == 0) {
		curl_loop_free(&(*d)->curl);
		free(*d);
	}
	*d = NULL;
}
