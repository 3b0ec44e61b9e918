/*
 * A job is one document to fetch, with the requests that wait for it; it begins when fewer than
 * policy.parallel run. The services' policy is there only after the role has started, so it is
 * looked up at each job.
 */
#include "accounts/courier/fetcher.h"

#include <stdlib.h>

#include "accounts/courier/errand.h"
#include "accounts/courier/fetch_document.h"
#include "accounts/courier/outside_ask.h"
#include "accounts/outside.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/ev/task.h"
#include "core/obs/log.h"

enum {
	NAME_MAX_BYTES = 254,
	JOBS_MAX = 256, /* waiting and running */
};

struct fetcher {
	struct svc_env *env;
	struct curl_loop *curl;
	struct list waiting, running; /* struct job.node */
	unsigned n_jobs, n_running;
	unsigned n_questions; /* to the server that the operator has named */
	unsigned n_errands;   /* of other rows, in tasks */
};

struct job {
	struct fetcher *owner;
	struct list node;
	struct list requests; /* rpc_request_node() */
	bool is_running;
	int64_t deadline_us;
	struct well_known_request wanted; /* copied behind the struct */
};

static void start_some(struct fetcher *f);

/* ---- jobs ---- */

static struct job *job_new(struct fetcher *f, const struct well_known_request *r, int64_t deadline)
{
	struct job *j = calloc(1, sizeof(*j) + r->host.len + r->domain.len);

	if (j == NULL) {
		return NULL;
	}
	char *text = (char *)(j + 1);
	memcpy(text, r->host.ptr, r->host.len);
	memcpy(text + r->host.len, r->domain.ptr, r->domain.len);
	j->owner = f;
	j->wanted.host = SLICE_OF(text, r->host.len);
	j->wanted.domain = SLICE_OF(text + r->host.len, r->domain.len);
	j->deadline_us = deadline;
	list_init(&j->requests);
	list_init(&j->node);
	list_push(&f->waiting, &j->node);
	f->n_jobs++;
	return j;
}

static void job_free(struct job *j)
{
	CHECK(list_is_empty(&j->requests));
	list_remove(&j->node);
	j->owner->n_jobs--;
	free(j);
}

static struct job *find_in(struct list *jobs, const struct well_known_request *r)
{
	list_each (node, jobs) {
		struct job *j = LIST_OF(node, struct job, node);
		if (slice_eq(j->wanted.host, r->host) && slice_eq(j->wanted.domain, r->domain)) {
			return j;
		}
	}
	return NULL;
}

/* Answers all who wait for it, and the job is no more. */
static void finish(struct job *j, enum err e, const struct well_known_reply *reply)
{
	struct buf message = buf_new(well_known_fetch.max_rep);
	struct list *node;

	if (e == ERR_OK) {
		well_known_put_reply(&message, reply);
		e = message.failed ? ERR_MEMORY : ERR_OK;
	}
	while ((node = list_pop(&j->requests)) != NULL) {
		rpc_reply(
		    rpc_request_of(node), e, e == ERR_OK ? buf_slice(&message) : SLICE_EMPTY, NULL);
	}
	buf_free(&message);
	job_free(j);
}

static void note_end(const struct job *j, const struct fetch *f, int64_t us)
{
	bool is_good = f->reply.outcome == WELL_KNOWN_OK;

	well_known_count(j->owner->env, is_good, us);
	LOG(LOG_INFO, "discovery", is_good ? "document_fetched" : "no_document",
	    LOG_S("host", j->wanted.host),
	    LOG_C("outcome", well_known_outcome_text(f->reply.outcome)),
	    LOG_I("status", f->reply.status), LOG_I("ms", us / 1000),
	    LOG_C("detail", f->details == NULL ? "" : f->details));
}

static void run_job(void *arg)
{
	struct job *j = arg;
	struct fetcher *owner = j->owner;
	struct fetch f = { .policy = well_known_policy_of(owner->env), .request = &j->wanted };
	int64_t begun_us = clock_mono_us();
	int64_t left_ms = (j->deadline_us - WELL_KNOWN_SLACK_US - begun_us) / 1000;
	enum err e = ERR_TOO_BUSY; /* its time has gone while it waited for its turn */

	f.timeout_ms = left_ms < f.policy->timeout_ms ? left_ms : f.policy->timeout_ms;
	if (f.timeout_ms > 0) {
		e = fetch_run(owner->curl, &f);
	}
	if (e == ERR_OK) {
		note_end(j, &f, clock_mono_us() - begun_us);
	}
	finish(j, e, &f.reply);
	buf_free(&f.body);
	owner->n_running--;
	start_some(owner);
}

/* As many of those that wait as may run. */
static void start_some(struct fetcher *f)
{
	const struct well_known_policy *policy = well_known_policy_of(f->env);

	while (f->n_running < policy->parallel && !list_is_empty(&f->waiting)) {
		struct job *j = LIST_OF(list_pop(&f->waiting), struct job, node);
		j->is_running = true;
		list_push(&f->running, &j->node);
		if (task_spawn(f->env->loop, run_job, j, DEADLINE_NONE, NULL) != ERR_OK) {
			finish(j, ERR_TOO_BUSY, NULL);
			continue;
		}
		f->n_running++;
	}
}

/* ---- messages ---- */

/* Web has checked more than that; here it matters that a name stays one inside of a URL. */
static bool is_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (c != '.' && c != '-' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) {
			return false;
		}
	}
	return s.len > 0 && s.len <= NAME_MAX_BYTES;
}

static void want(struct fetcher *f, struct rpc_request *q, const struct rpc_request_view *v)
{
	struct well_known_request r;

	CHECK(well_known_take_request(v->payload, &r));
	if (well_known_policy_of(f->env) == NULL || !is_name(r.host) || !is_name(r.domain)) {
		rpc_reply(q, ERR_UNSUPPORTED, SLICE_EMPTY, NULL);
		return;
	}
	struct job *j = find_in(&f->running, &r);
	if (j == NULL) {
		j = find_in(&f->waiting, &r);
	}
	if (j == NULL && f->n_jobs < JOBS_MAX) {
		j = job_new(f, &r, v->info.deadline_us);
	}
	if (j == NULL) {
		rpc_reply(q, ERR_TOO_BUSY, SLICE_EMPTY, NULL);
		return;
	}
	list_push(&j->requests, rpc_request_node(q));
	rpc_request_set_data(q, j);
	start_some(f);
}

static void run_handler(struct fetcher *f, struct rpc_request *q, const struct rpc_request_view *v)
{
	struct buf reply = buf_new(v->def->max_rep);
	struct err_note note = { 0 };
	enum err e = v->def->handle(f->env, &v->info, v->payload, &reply, &note);

	rpc_reply(q, e, buf_slice(&reply), &note);
	buf_free(&reply);
}

static void execute(void *arg, struct rpc_request *q)
{
	struct fetcher *f = arg;
	const struct rpc_request_view v = rpc_request_view(q);

	if (v.def == &well_known_fetch) {
		want(f, q, &v);
	} else if (v.def == &accounts_outside) {
		outside_ask(f->env, f->curl, &f->n_questions, q);
	} else if ((v.def->flags & RPC_TASK) != 0) {
		errand_begin(f->env, &f->n_errands, q);
	} else {
		run_handler(arg, q, &v);
	}
}

/* Nobody waits for it any more: one that runs is finished, because the next may ask for it. */
static void cancel(void *arg, struct rpc_request *q)
{
	const struct rpc_def *def = rpc_request_view(q).def;
	struct job *j = rpc_request_data(q);

	(void)arg;
	if (def == &accounts_outside) {
		outside_cancel(q);
		return;
	}
	if ((def->flags & RPC_TASK) != 0) {
		errand_cancel(q);
		return;
	}
	list_remove(rpc_request_node(q));
	rpc_reply(q, ERR_CANCELLED, SLICE_EMPTY, NULL);
	if (list_is_empty(&j->requests) && !j->is_running) {
		job_free(j);
	}
}

struct rpc_executor fetcher_executor(struct fetcher *f)
{
	return (struct rpc_executor){ .execute = execute, .cancel = cancel, .arg = f };
}

enum err fetcher_new(struct svc_env *env, struct fetcher **ret)
{
	struct fetcher *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		return ERR_MEMORY;
	}
	f->env = env;
	list_init(&f->waiting);
	list_init(&f->running);
	enum err e = curl_loop_new(env->loop, WELL_KNOWN_PARALLEL_MAX, &f->curl);
	if (e != ERR_OK) {
		free(f);
		return e;
	}
	*ret = f;
	return ERR_OK;
}

void fetcher_free(struct fetcher **f)
{
	if (*f != NULL && (*f)->n_jobs == 0 && (*f)->n_questions == 0 && (*f)->n_errands == 0) {
		curl_loop_free(&(*f)->curl);
		free(*f);
	}
	*f = NULL;
}
