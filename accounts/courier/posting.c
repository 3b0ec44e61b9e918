/*
 * See posting.h. One dispatcher task leases what is due and starts a task for each, as long as
 * there is room; it sleeps until the next one is due or the store says that a new one was
 * committed. A server that is slow holds up its own posts only: those of the app's own server are
 * few (one for each member), those to push services have their turns (post_hosts.h).
 */
#include "accounts/courier/posting.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "accounts/courier/post_http.h"
#include "accounts/courier/push_send.h"
#include "accounts/outbox.h"
#include "accounts/posts.h"
#include "accounts/push.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/ev/task.h"
#include "core/obs/log.h"

enum {
	PARALLEL_MAX = 64, /* posts on their way */
	LEASE_MS = POST_HTTP_MS + 20 * 1000,
	STORE_AWAY_US = 500 * 1000, /* pause when the store does not answer */
	HEADER_BYTES = 128,
};

struct posting {
	struct svc_env *env;
	struct curl_loop *curl;
	struct task *dispatcher;
	unsigned running; /* tasks of posts */
	uint64_t wakes;
	bool stopping;
	struct push_sender push;
};

struct job {
	struct batch *batch;
	const struct post *post;
};

/* The posts of one lease; freed with the last of them. */
struct batch {
	struct posting *p;
	struct arena arena; /* of the reply that they lie in */
	struct posts_leased leased;
	struct job jobs[POST_LEASE_MAX];
	unsigned left;
};

static enum err call_store(struct posting *p, const struct rpc_def *def, const struct buf *request,
    struct arena *arena, struct slice *ret_reply)
{
	struct err_note note = { 0 };

	return request->failed ? ERR_MEMORY
			       : rpc_call(p->env->peer[ROLE_STORE], def, buf_slice(request),
				     DEADLINE_NONE, 0, arena, ret_reply, &note);
}

/* ---- a post to the app's own server ---- */

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
		good = post_http_add(headers, stamp) && post_http_add(headers, signature);
	}
	buf_free(&text);
	buf_free(&hex);
	return good;
}

static struct post_result result_of(const struct post_answer *a)
{
	if (a->status >= 200 && a->status < 300) {
		return (struct post_result){ .outcome = POST_TAKEN };
	}
	bool is_final = a->status >= 400 && a->status < 500 && a->status != 408 && a->status != 429;
	return (struct post_result){ .outcome = is_final ? POST_REFUSED : POST_RETRY,
		.pause_ms = a->retry_after_ms };
}

static struct post_result tell_server(struct posting *p, const struct post *post, struct slice body)
{
	struct post_answer answer = { .status = 0 };
	struct post_http request = {
		.url = posts_url(p->env), .body = body, .may_go_anywhere = true
	}; /* the operator has named it */

	if (*request.url == '\0') { /* it was named once */
		return (struct post_result){ .outcome = POST_REFUSED };
	}
	if (post_http_add(&request.headers, "Content-Type: application/json") &&
	    sign(p, body, &request.headers)) {
		post_http_send(p->curl, &request, &answer);
	}
	curl_slist_free_all(request.headers);
	const struct post_result r = result_of(&answer);
	if (r.outcome != POST_TAKEN) {
		LOG(r.outcome == POST_RETRY ? LOG_INFO : LOG_WARN, "posts", "not_taken",
		    LOG_I("status", answer.status), LOG_S("key", post->key));
	}
	return r;
}

/* ---- the task of a post ---- */

/* The body has the count behind what it had: {"...":...,"count":n}. */
static void put_body(struct buf *out, const struct post *post)
{
	buf_append_slice(out, slice_sub(post->body, 0, post->body.len - 1));
	buf_printf(out, ",\"count\":%lld}", (long long)post->n);
}

static void free_batch(struct batch *b)
{
	arena_reset(&b->arena);
	free(b);
}

static void run_job(void *arg)
{
	struct job *job = arg;
	struct batch *b = job->batch;
	struct posting *p = b->p;
	const struct post *post = job->post;
	struct buf body = buf_new(POST_BODY_MAX + HEADER_BYTES), done = buf_new(512);
	struct post_result r = { .outcome = POST_RETRY };

	put_body(&body, post);
	if (!body.failed) {
		r = post->target.len > 0 ? push_send(&p->push, post, buf_slice(&body))
					 : tell_server(p, post, buf_slice(&body));
	}
	posts_count(p->env, post, r.outcome);
	post_put_done(&done, post, &r);
	if (call_store(p, &accounts_post_done, &done, NULL, NULL) != ERR_OK) {
		LOG(LOG_DEBUG, "posts", "outcome_lost", LOG_S("key", post->key));
	}
	buf_free(&body);
	buf_free(&done);
	if (--b->left == 0) {
		free_batch(b);
	}
	p->running--;
	p->wakes++; /* there is room, and perhaps a newer one */
	if (p->dispatcher != NULL) {
		task_wake(p->dispatcher);
	}
}

/* ---- the dispatcher ---- */

/* One that cannot be started comes up again when its lease runs out. */
static void start_jobs(struct posting *p, struct batch *b)
{
	b->p = p;
	b->left = 1; /* us */
	for (uint32_t i = 0; i < b->leased.n; i++) {
		b->jobs[i] = (struct job){ b, &b->leased.posts[i] };
		if (task_spawn(p->env->loop, run_job, &b->jobs[i], DEADLINE_NONE, NULL) == ERR_OK) {
			b->left++;
			p->running++;
		}
	}
	if (--b->left == 0) {
		free_batch(b);
	}
}

/* Leases into b, which is freed by whoever ends last. When to look again; 0: at once. */
static int64_t lease_some(struct posting *p, unsigned room, struct batch *b)
{
	struct buf request = buf_new(64);
	struct slice reply = SLICE_EMPTY;

	post_put_lease_req(&request, LEASE_MS, room < POST_LEASE_MAX ? room : POST_LEASE_MAX);
	enum err e = call_store(p, &accounts_post_lease, &request, &b->arena, &reply);
	buf_free(&request);
	if (e != ERR_OK || p->stopping) { /* leases run out */
		free_batch(b);
		return clock_mono_us() + STORE_AWAY_US;
	}
	CHECK(posts_take_leased(reply, &b->leased));
	int64_t wait_ms = b->leased.wait_ms;
	start_jobs(p, b);
	return wait_ms == 0 ? 0 : clock_mono_us() + wait_ms * 1000;
}

static int64_t work_once(struct posting *p)
{
	unsigned room = PARALLEL_MAX - p->running;
	struct batch *b = room > 0 ? calloc(1, sizeof(*b)) : NULL;

	if (room == 0) {
		return DEADLINE_NONE; /* the next that ends wakes us */
	}
	if (b == NULL) {
		return clock_mono_us() + STORE_AWAY_US;
	}
	b->arena = arena_new(2 * POST_REPLY_MAX);
	return lease_some(p, room, b);
}

static void dispatch(void *arg)
{
	struct posting *p = arg;

	while (!p->stopping && !task_is_cancelled(task_current())) {
		/* A wake that comes during the calls of work_once() would be taken for theirs. */
		uint64_t wakes = p->wakes;
		int64_t again_us = work_once(p);
		if (again_us > 0 && wakes == p->wakes && !p->stopping) {
			enum err e = task_wait(again_us);
			/* Woken, time to look again, or cancelled: the loop's condition tells. */
			(void)e;
		}
	}
	p->dispatcher = NULL;
}

static void wake(void *arg)
{
	struct posting *p = arg;

	p->wakes++;
	if (p->dispatcher != NULL) {
		task_wake(p->dispatcher);
	}
}

enum err posting_start(struct svc_env *env, struct posting **ret, struct err_note *note)
{
	*ret = NULL;
	if (*posts_url(env) == '\0' && !push_is_on(env)) {
		return ERR_OK;
	}
	struct posting *p = calloc(1, sizeof(*p));
	if (p == NULL) {
		return err_note_set(note, ERR_MEMORY, "posts: no memory");
	}
	p->env = env;
	enum err e = curl_loop_new(env->loop, PARALLEL_MAX, &p->curl);
	p->push.env = env;
	p->push.curl = p->curl;
	if (e == ERR_OK) {
		e = task_spawn(env->loop, dispatch, p, DEADLINE_NONE, &p->dispatcher);
	}
	if (e != ERR_OK) {
		curl_loop_free(&p->curl);
		free(p);
		return err_note_set(note, e, "posts: %s", err_text(e));
	}
	accounts_on_courier_wake(wake, p);
	*ret = p;
	return ERR_OK;
}

void posting_drain(struct posting *p)
{
	if (p != NULL) {
		p->stopping = true;
		wake(p);
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
