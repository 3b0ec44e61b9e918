/*
 * See post_http.h.
 */
#include "accounts/courier/post_http.h"

#include <sys/socket.h>

#include "accounts/public_address.h"

enum {
	CONNECT_TIMEOUT_MS = 4000,
	ANSWER_MAX = 64 * 1024, /* bytes of a body that nobody reads; then it is cut */
};

struct sending {
	const struct post_http *request;
	size_t answered; /* bytes */
	bool is_forbidden;
};

static size_t drop(char *bytes, size_t size, size_t count, void *arg)
{
	struct sending *s = arg;

	(void)bytes;
	s->answered += size * count;
	return s->answered > ANSWER_MAX ? 0 : size * count; /* 0: libcurl gives up */
}

/* Instead of socket(): sa is where libcurl connects to next, whatever it came from. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct sending *s = arg;

	if (purpose != CURLSOCKTYPE_IPCXN ||
	    (!s->request->may_go_anywhere && !address_is_public(&a->addr))) {
		s->is_forbidden = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
}

static void prepare(CURL *easy, struct sending *s)
{
	const struct post_http *r = s->request;
	bool is_plain = r->may_go_anywhere && slice_starts(slice_str(r->url), SLICE("http://"));

	curl_easy_setopt(easy, CURLOPT_URL, r->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, is_plain ? "http" : "https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, r->headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "Plimsoll");
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)POST_HTTP_MS);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not what the environment says */
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, s);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body.ptr);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)r->body.len);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, s);
}

void post_http_send(struct curl_loop *curl, const struct post_http *r, struct post_answer *ret)
{
	struct sending s = { .request = r };
	CURL *easy = curl_easy_init();
	CURLcode code = CURLE_OK;
	curl_off_t seconds = 0;

	*ret = (struct post_answer){ .status = 0 };
	if (easy != NULL) {
		prepare(easy, &s);
		if (curl_loop_perform(curl, easy, &code) == ERR_OK &&
		    (code == CURLE_OK || code == CURLE_WRITE_ERROR)) {
			curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &ret->status);
			curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
			ret->retry_after_ms = (int64_t)seconds * 1000;
		}
	}
	ret->is_forbidden = ret->status == 0 && s.is_forbidden;
	curl_easy_cleanup(easy);
}

bool post_http_add(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	if (more != NULL) {
		*list = more;
	}
	return more != NULL;
}
