/*
 * One fetch by libcurl.
 */
#include "accounts/courier/fetch_document.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accounts/public_address.h"

enum {
	URL_SIZE = 700,
	CONNECT_SIZE = 400,
	CONNECT_TIMEOUT_MS =
	    4000, /* of one address, where nobody says no: a network that is cut off */
	AGE_MAX_S = 365 * 24 * 3600
};

static bool is_proxied(const struct fetch *f)
{
	return f->policy->proxy != NULL && f->policy->proxy[0] != '\0';
}

/* With a proxy it is the proxy's address, which the operator chose. */
static bool may_connect(const struct fetch *f, const struct sockaddr *sa)
{
	if (f->policy->plain_http) {
		return address_is_loopback(sa);
	}
	return is_proxied(f) || f->policy->allow_private || address_is_public(sa);
}

/* Instead of socket(): sa is where libcurl connects to next, whatever it came from. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct fetch *f = arg;

	if (purpose != CURLSOCKTYPE_IPCXN || !may_connect(f, &a->addr)) {
		f->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct fetch *f = arg;

	buf_append(&f->body, bytes, size * count);
	return f->body.failed ? 0 : size * count; /* 0: libcurl gives up */
}

/* "name:port:address:port" of the row of policy->hosts for the host, in libcurl's form. */
static struct curl_slist *find_detour(const struct fetch *f)
{
	struct slice rest = slice_str(f->policy->hosts), row;
	char text[CONNECT_SIZE];

	while (slice_split(&rest, ',', &row)) {
		row = slice_trim(row);
		size_t equals = slice_find(row, '=', 0);
		if (row.len > 0 && slice_eq_nocase(slice_sub(row, 0, equals), f->request->host)) {
			struct slice to = slice_sub(row, equals + 1, row.len);
			(void)snprintf(text, sizeof(text), "::%.*s", SLICE_ARG(to));
			return curl_slist_append(NULL, text);
		}
	}
	return NULL;
}

static bool make_url(const struct fetch *f, char url[URL_SIZE])
{
	int n = snprintf(url, URL_SIZE, "%s://%.*s/.well-known/browserid?domain=%.*s",
	    f->policy->plain_http ? "http" : "https", SLICE_ARG(f->request->host),
	    SLICE_ARG(f->request->domain));

	return n > 0 && n < URL_SIZE;
}

static void set_tls(CURL *easy, const struct fetch *f)
{
	struct curl_blob ca = { .data = (void *)(uintptr_t)f->policy->ca.ptr,
		.len = f->policy->ca.len,
		.flags = CURL_BLOB_NOCOPY };

	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (f->policy->ca.len > 0) {
		curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca);
	}
}

static void prepare(CURL *easy, struct fetch *f, const char *url, struct curl_slist *headers,
    struct curl_slist *detour)
{
	long connect_ms =
	    f->timeout_ms < CONNECT_TIMEOUT_MS ? (long)f->timeout_ms : (long)CONNECT_TIMEOUT_MS;

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, f->policy->plain_http ? "http" : "https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "Plimsoll");
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)f->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* A domain is asked again after minutes at the earliest. */
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	/* Empty: none, not what the environment says. */
	curl_easy_setopt(easy, CURLOPT_PROXY, is_proxied(f) ? f->policy->proxy : "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, detour);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, f);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, f);
	set_tls(easy, f);
}

static enum well_known_outcome outcome_of(const struct fetch *f, CURLcode code, bool is_json)
{
	if (code == CURLE_WRITE_ERROR) {
		return WELL_KNOWN_TOO_BIG;
	}
	if (code == CURLE_OPERATION_TIMEDOUT) {
		return WELL_KNOWN_TIMEOUT;
	}
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR) {
		return WELL_KNOWN_TLS;
	}
	if (code != CURLE_OK) {
		return f->refused ? WELL_KNOWN_ADDRESS : WELL_KNOWN_UNREACHABLE;
	}
	return f->reply.status != 200 ? WELL_KNOWN_STATUS
	       : !is_json	      ? WELL_KNOWN_TYPE
				      : WELL_KNOWN_OK;
}

/* max-age of the Cache-Control field; 0 where it forbids keeping; -1 where it says nothing. */
static int64_t max_age_ms(CURL *easy)
{
	struct curl_header *h = NULL;
	struct slice piece;
	int64_t found = -1;

	if (curl_easy_header(easy, "Cache-Control", 0, CURLH_HEADER, -1, &h) != CURLHE_OK) {
		return -1;
	}
	struct slice rest = slice_str(h->value);
	while (slice_split(&rest, ',', &piece)) {
		uint64_t seconds = 0;
		piece = slice_trim(piece);
		size_t equals = slice_find(piece, '=', 0);
		struct slice name = slice_sub(piece, 0, equals);
		if (slice_eq_nocase(name, SLICE("no-store")) ||
		    slice_eq_nocase(name, SLICE("no-cache"))) {
			return 0;
		}
		if (slice_eq_nocase(name, SLICE("max-age")) &&
		    slice_to_u64(slice_sub(piece, equals + 1, piece.len), AGE_MAX_S, &seconds) ==
			ERR_OK) {
			found = (int64_t)seconds * 1000;
		}
	}
	return found;
}

static void judge(CURL *easy, CURLcode code, struct fetch *f)
{
	static const struct slice json = { "application/json", 16 };
	char *type = NULL;
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
	struct slice start = slice_sub(slice_str(type), 0, json.len);
	f->reply.status = status;
	f->reply.outcome = outcome_of(f, code, slice_eq_nocase(start, json));
	f->reply.max_age_ms = max_age_ms(easy);
	f->details = code == CURLE_OK ? NULL : curl_easy_strerror(code);
	if (f->reply.outcome == WELL_KNOWN_OK) {
		f->reply.body = buf_slice(&f->body);
	}
}

enum err fetch_run(struct curl_loop *curl, struct fetch *f)
{
	char url[URL_SIZE];
	CURLcode code = CURLE_OK;
	CURL *easy = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
	struct curl_slist *detour = find_detour(f);
	enum err e = ERR_MEMORY;

	f->body = buf_new(WELL_KNOWN_MAX_BYTES);
	f->reply = (struct well_known_reply){ .max_age_ms = -1, .body = SLICE_EMPTY };
	if (easy != NULL && headers != NULL && make_url(f, url)) {
		prepare(easy, f, url, headers, detour);
		e = curl_loop_perform(curl, easy, &code);
		if (e == ERR_OK) {
			judge(easy, code, f);
		}
	}
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	curl_slist_free_all(detour);
	return e;
}
