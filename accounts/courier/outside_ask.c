/*
 * One question by libcurl, in a task of its own.
 */
#include "accounts/courier/outside_ask.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "accounts/outside.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/ev/task.h"
#include "core/obs/log.h"

enum {
	URL_SIZE = 512,
	CONNECT_TIMEOUT_MS = 4000,
	SLACK_MS = 500 /* for the way back */
};

struct question {
	struct svc_env *env;
	struct curl_loop *curl;
	unsigned *n_running;
	struct rpc_request *q; /* NULL: nobody waits for it */
	char url[URL_SIZE];
	struct slice body; /* behind the struct */
	long timeout_ms;
	struct buf answer;
};

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct question *w = arg;

	buf_append(&w->answer, bytes, size * count);
	return w->answer.failed ? 0 : size * count; /* 0: libcurl gives up */
}

static void prepare(CURL *easy, struct question *w, struct curl_slist *headers)
{
	bool is_plain = slice_starts(slice_str(w->url), SLICE("http://"));

	curl_easy_setopt(easy, CURLOPT_URL, w->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, is_plain ? "http" : "https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "Plimsoll");
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, w->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not what the environment says */
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, w->body.ptr);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)w->body.len);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, w);
}

static enum err perform(struct question *w, struct outside_reply *ret)
{
	CURLcode code = CURLE_OK;
	CURL *easy = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	long status = 0;
	enum err e = ERR_MEMORY;

	if (easy != NULL && headers != NULL) {
		prepare(easy, w, headers);
		e = curl_loop_perform(w->curl, easy, &code);
	}
	if (e == ERR_OK && code == CURLE_OK) {
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	} else if (e == ERR_OK) {
		LOG(LOG_WARN, "outside", "no_answer", LOG_C("url", w->url),
		    LOG_C("detail", curl_easy_strerror(code)));
	}
	*ret = (struct outside_reply){ .status = status,
		.body = status == 0 ? SLICE_EMPTY : buf_slice(&w->answer) };
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	return e;
}

static void run(void *arg)
{
	struct question *w = arg;
	struct outside_reply reply = { .status = 0, .body = SLICE_EMPTY };
	struct buf message = buf_new(accounts_outside.max_rep);
	enum err e = perform(w, &reply);

	if (e == ERR_OK) {
		outside_put_reply(&message, &reply);
		e = message.failed ? ERR_LIMIT : ERR_OK;
	}
	if (w->q != NULL) {
		rpc_reply(w->q, e, e == ERR_OK ? buf_slice(&message) : SLICE_EMPTY, NULL);
	}
	(*w->n_running)--;
	buf_free(&message);
	buf_free(&w->answer);
	free(w);
}

void outside_ask(
    struct svc_env *env, struct curl_loop *curl, unsigned *n_running, struct rpc_request *q)
{
	const struct rpc_request_view v = rpc_request_view(q);
	const char *server = outside_server(env);
	struct outside_request r;
	int64_t left_ms = (v.info.deadline_us - clock_mono_us()) / 1000 - SLACK_MS;

	CHECK(outside_take_request(v.payload, &r));
	if (*server == '\0') {
		rpc_reply(q, ERR_UNSUPPORTED, SLICE_EMPTY, NULL);
		return;
	}
	struct question *w = *n_running < OUTSIDE_PARALLEL && left_ms > 0
				 ? calloc(1, sizeof(*w) + r.body.len + 1)
				 : NULL;
	if (w == NULL) {
		rpc_reply(q, ERR_TOO_BUSY, SLICE_EMPTY, NULL);
		return;
	}
	w->env = env;
	w->curl = curl;
	w->n_running = n_running;
	w->q = q;
	w->timeout_ms = (long)left_ms;
	w->answer = buf_new(OUTSIDE_MAX_BYTES);
	memcpy(w + 1, r.body.ptr, r.body.len);
	w->body = SLICE_OF(w + 1, r.body.len);
	(void)snprintf(w->url, sizeof(w->url), "%s%.*s", server, SLICE_ARG(r.path));
	rpc_request_set_data(q, w);
	if (task_spawn(env->loop, run, w, DEADLINE_NONE, NULL) != ERR_OK) {
		rpc_reply(q, ERR_TOO_BUSY, SLICE_EMPTY, NULL);
		free(w);
		return;
	}
	(*n_running)++;
}

void outside_cancel(struct rpc_request *q)
{
	struct question *w = rpc_request_data(q);

	w->q = NULL;
	rpc_reply(q, ERR_CANCELLED, SLICE_EMPTY, NULL);
}
