/*
 * See posting.h. One dispatcher task leases what is due and starts a task for each; when all have
 * ended it looks again. Posts are notices to an app's own server, so looking twice a second is soon
 * enough, and nobody has to wake us.
 */
#include "accounts/courier/posting.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "accounts/courier/curl_loop.h"
#include "accounts/posts.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/ev/task.h"
#include "core/obs/log.h"

enum {
	LOOK_US = 500 * 1000,
	SEND_MS = 10 * 1000,
	LEASE_MS = SEND_MS + 5000,
	HEADER_BYTES = 128,
};

struct posting {
	struct svc_env *env;
	struct curl_loop *curl;
	struct task *dispatcher;
	unsigned running; /* tasks of posts */
	bool stopping;
};

struct job {
	struct posting *p;
	const struct post *post; /* lives until all jobs of a lease have ended */
};

static enum err call_store(struct posting *p, const struct rpc_def *def, const struct buf *request,
    struct arena *arena, struct slice *ret_reply)
{
	struct err_note note = { 0 };

	return request->failed ? ERR_MEMORY
			       : rpc_call(p->env->peer[ROLE_STORE], def, buf_slice(request),
				     DEADLINE_NONE, 0, arena, ret_reply, &note);
}

/* ---- one post ---- */

/* Both headers of the signature. False: no memory. */
static bool sign(const struct posting *p, struct slice body, struct curl_slist **headers)
{
	const char *secret = posts_secret(p->env);
	long long now_s = clock_wall_ms() / 1000;
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned mac_len = 0;
	char stamp[HEADER_BYTES], signature[HEADER_BYTES];
	struct buf text = buf_new(body.len + HEADER_BYTES), hex = buf_new(HEADER_BYTES);

	buf_printf(&text, "%lld.", now_s);
	buf_append_slice(&text, body);
	bool good =
	    !text.failed && HMAC(EVP_sha256(), secret, (int)strlen(secret),
				(const unsigned char *)text.data, text.len, mac, &mac_len) != NULL;
	if (good) {
		enc_hex(&hex, SLICE_OF(mac, mac_len));
		(void)snprintf(stamp, sizeof(stamp), "Plimsoll-Timestamp: %lld", now_s);
		(void)snprintf(signature, sizeof(signature), "Plimsoll-Signature: sha256=%.*s",
		    SLICE_ARG(buf_slice(&hex)));
		struct curl_slist *more = curl_slist_append(*headers, stamp);
		*headers = more == NULL ? *headers : more;
		struct curl_slist *both = more == NULL ? NULL : curl_slist_append(more, signature);
		good = both != NULL;
	}
	buf_free(&text);
	buf_free(&hex);
	return good;
}

/* What the other side says is not read. */
static size_t drop(char *bytes, size_t size, size_t count, void *arg)
{
	(void)bytes;
	(void)arg;
	return size * count;
}

static void prepare(
    CURL *easy, const char *url, struct slice body, const struct curl_slist *headers)
{
	bool is_plain = slice_starts(slice_str(url), SLICE("http://"));

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, is_plain ? "http" : "https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "Plimsoll");
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)SEND_MS);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not what the environment says */
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.ptr);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body.len);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
}

/* The status, 0: it cannot be reached. */
static long perform(struct posting *p, struct slice body)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CURL *easy = curl_easy_init();
	CURLcode code = CURLE_OK;
	long status = 0;

	if (easy != NULL && headers != NULL && sign(p, body, &headers)) {
		prepare(easy, posts_url(p->env), body, headers);
		if (curl_loop_perform(p->curl, easy, &code) == ERR_OK && code == CURLE_OK) {
			curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		}
	}
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	return status;
}

/* The body has the count behind what it had: {"...":...,"count":n}. */
static void put_body(struct buf *out, const struct post *post)
{
	buf_append_slice(out, slice_sub(post->body, 0, post->body.len - 1));
	buf_printf(out, ",\"count\":%lld}", (long long)post->n);
}

static enum post_outcome outcome_of(long status)
{
	if (status >= 200 && status < 300) {
		return POST_TAKEN;
	}
	bool is_final = status >= 400 && status < 500 && status != 408 && status != 429;
	return is_final ? POST_REFUSED : POST_RETRY;
}

static void run_job(void *arg)
{
	struct job *job = arg;
	struct posting *p = job->p;
	struct buf body = buf_new(POST_BODY_MAX + HEADER_BYTES), done = buf_new(512);

	put_body(&body, job->post);
	long status = body.failed ? 0 : perform(p, buf_slice(&body));
	enum post_outcome outcome = outcome_of(status);
	if (outcome != POST_TAKEN) {
		LOG(outcome == POST_RETRY ? LOG_INFO : LOG_WARN, "posts", "not_taken",
		    LOG_I("status", status), LOG_S("key", job->post->key));
	}
	post_put_done(&done, job->post, outcome);
	if (call_store(p, &accounts_post_done, &done, NULL, NULL) != ERR_OK) {
		LOG(LOG_DEBUG, "posts", "outcome_lost", LOG_S("key", job->post->key));
	}
	buf_free(&body);
	buf_free(&done);
	if (--p->running == 0 && p->dispatcher != NULL) {
		task_wake(p->dispatcher);
	}
}

/* ---- the dispatcher ---- */

/* Sends what is due and waits for the end of all; *ret_n: how many. */
static enum err send_due(struct posting *p, struct arena *arena, unsigned *ret_n)
{
	struct buf request = buf_new(64);
	struct slice reply = SLICE_EMPTY;
	struct posts_leased *leased = arena_alloc(arena, sizeof(*leased));
	struct job *jobs = arena_alloc(arena, sizeof(*jobs) * POST_LEASE_MAX);

	post_put_lease_req(&request, LEASE_MS);
	enum err e = leased == NULL || jobs == NULL
			 ? ERR_MEMORY
			 : call_store(p, &accounts_post_lease, &request, arena, &reply);
	buf_free(&request);
	if (e != ERR_OK) {
		return e;
	}
	if (p->stopping) {
		return ERR_CANCELLED; /* their leases run out */
	}
	CHECK(posts_take_leased(reply, leased));
	for (unsigned i = 0; i < leased->n; i++) {
		jobs[i] = (struct job){ .p = p, .post = &leased->posts[i] };
		if (task_spawn(p->env->loop, run_job, &jobs[i], DEADLINE_NONE, NULL) == ERR_OK) {
			p->running++;
		}
	}
	while (p->running > 0 && (e = task_wait(DEADLINE_NONE)) == ERR_OK) {
	}
	*ret_n = leased->n;
	return e;
}

static void dispatch(void *arg)
{
	struct posting *p = arg;
	struct arena arena = arena_new(2 * POST_REPLY_MAX);

	while (!p->stopping) {
		unsigned n = 0;
		enum err e = send_due(p, &arena, &n);
		arena_reset(&arena);
		if (e == ERR_CANCELLED ||
		    ((e != ERR_OK || n < POST_LEASE_MAX) && task_sleep(LOOK_US) != ERR_OK)) {
			break;
		}
	}
	p->dispatcher = NULL;
}

enum err posting_start(struct svc_env *env, struct posting **ret, struct err_note *note)
{
	*ret = NULL;
	if (*posts_url(env) == '\0') {
		return ERR_OK;
	}
	struct posting *p = calloc(1, sizeof(*p));
	if (p == NULL) {
		return err_note_set(note, ERR_MEMORY, "posts: no memory");
	}
	p->env = env;
	enum err e = curl_loop_new(env->loop, POST_LEASE_MAX, &p->curl);
	if (e == ERR_OK) {
		e = task_spawn(env->loop, dispatch, p, DEADLINE_NONE, &p->dispatcher);
	}
	if (e != ERR_OK) {
		curl_loop_free(&p->curl);
		free(p);
		return err_note_set(note, e, "posts: %s", err_text(e));
	}
	*ret = p;
	return ERR_OK;
}

void posting_drain(struct posting *p)
{
	if (p != NULL) {
		p->stopping = true;
		if (p->dispatcher != NULL && p->running == 0) {
			task_cancel(p->dispatcher);
		}
	}
}

void posting_free(struct posting **p)
{
	if (*p != NULL && (*p)->dispatcher == NULL && (*p)->running == 0) {
		curl_loop_free(&(*p)->curl);
		free(*p);
	}
	*p = NULL;
}
