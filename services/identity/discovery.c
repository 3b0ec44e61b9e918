/*
 * Lookups in web. One that needs the network runs in a task of its own, so that it goes on when the
 * client that caused it has gone; whoever asks for its domain meanwhile waits for it.
 */
#include <stdlib.h>
#include <string.h>

#include "accounts/public_url.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/ev/task.h"
#include "core/obs/log.h"
#include "services/identity/discovery_priv.h"
#include "services/identity/param_type.h"

enum {
	KEPT_MAX = 4096,    /* domains */
	LOOKUPS_MAX = 256,  /* at a time */
	ARENA_MAX = 1 << 20 /* of a lookup: six documents and what is made of them */
};

/* Freed by the last of its task and those who wait. */
struct lookup {
	struct discovery *owner;
	struct list node;
	struct list waiters; /* struct waiter.node */
	struct arena arena;
	struct slice domain;
	int64_t deadline_us;
	unsigned users;
	bool done;
	enum err e; /* once done */
	struct provider_answer answer;
};

struct waiter {
	struct list node;
	struct task *task;
};

static void leave(struct lookup *l)
{
	if (--l->users == 0) {
		arena_reset(&l->arena);
		free(l);
	}
}

/* ---- the network ---- */

/*
 * In a lookup's task. That the domain's servers took too long is an answer, which the courier gives
 * in time; when it does not, it is the courier that could not be asked.
 */
static enum err fetch_by_courier(void *arg, struct arena *arena, struct slice host,
    struct slice domain, struct well_known_reply *ret)
{
	const struct lookup *l = arg;
	const struct well_known_request r = { host, domain };
	struct buf message = buf_new(well_known_fetch.max_req);
	struct slice reply = SLICE_EMPTY;
	struct err_note note = { 0 };
	enum err e = ERR_LIMIT;

	if (clock_mono_us() >= l->deadline_us) {
		*ret = (struct well_known_reply){ .outcome = WELL_KNOWN_TIMEOUT };
		return ERR_OK;
	}
	well_known_put_request(&message, &r);
	if (!message.failed) {
		e = rpc_call(l->owner->env->peer[ROLE_COURIER], &well_known_fetch,
		    buf_slice(&message), l->deadline_us + WELL_KNOWN_SLACK_US, 0, arena, &reply,
		    &note);
	}
	buf_free(&message);
	if (e == ERR_OK) {
		CHECK(well_known_take_reply(reply, ret));
	} else {
		LOG(LOG_WARN, "discovery", "not_asked", LOG_S("host", host),
		    LOG_C("err", err_text(e)), LOG_C("detail", note.text));
	}
	return e;
}

/* For finding out whether the network is needed at all. */
static enum err fetch_later(void *arg, struct arena *arena, struct slice host, struct slice domain,
    struct well_known_reply *ret)
{
	(void)arg;
	(void)arena;
	(void)host;
	(void)domain;
	(void)ret;
	return ERR_AGAIN;
}

static struct provider_source source_of(const struct discovery *d)
{
	const struct conf *conf = d->env->conf;

	return (struct provider_source){
		.configured = d->configured,
		.own_host = slice_str(d->own_host),
		.scheme = conf_bool(conf, "identity", "provider_plain_http") ? "http" : "https",
		.keep_min_ms = conf_ms(conf, "identity", "provider_cache_min"),
		.keep_max_ms = conf_ms(conf, "identity", "provider_cache_max"),
		.keep_failed_ms = conf_ms(conf, "identity", "provider_cache_failed"),
	};
}

/* ---- lookups ---- */

static void run_lookup(void *arg)
{
	struct lookup *l = arg;
	struct discovery *d = l->owner;
	struct provider_source source = source_of(d);

	source.fetch = fetch_by_courier;
	source.fetch_arg = l;
	l->e = provider_resolve(&l->arena, &source, l->domain, &l->answer);
	if (l->e == ERR_OK) {
		if (l->answer.kind == PROVIDER_LIVE && l->answer.is_seen) {
			discovery_record_seen(d, l->domain);
		}
		provider_cache_put(d->known, l->domain, clock_mono_us(), &l->answer);
		LOG(LOG_INFO, "discovery", "looked_up", LOG_S("domain", l->domain),
		    LOG_S("provider", l->answer.provider.domain), LOG_S("why_not", l->answer.why));
	}
	l->done = true;
	list_remove(&l->node);
	d->n_lookups--;
	list_each (node, &l->waiters) {
		task_wake(LIST_OF(node, struct waiter, node)->task);
	}
	leave(l);
}

static struct lookup *find_lookup(struct discovery *d, struct slice domain)
{
	list_each (node, &d->lookups) {
		struct lookup *l = LIST_OF(node, struct lookup, node);
		if (slice_eq(l->domain, domain)) {
			return l;
		}
	}
	return NULL;
}

static enum err start_lookup(struct discovery *d, struct slice domain, struct lookup **ret)
{
	if (d->n_lookups == LOOKUPS_MAX) {
		return ERR_TOO_BUSY;
	}
	struct lookup *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		return ERR_MEMORY;
	}
	l->owner = d;
	l->arena = arena_new(ARENA_MAX);
	l->users = 1; /* its task */
	l->deadline_us =
	    clock_mono_us() + conf_ms(d->env->conf, "identity", "provider_timeout") * 1000;
	list_init(&l->waiters);
	list_init(&l->node);
	enum err e = arena_copy(&l->arena, domain, &l->domain);
	if (e == ERR_OK) {
		e = task_spawn(d->env->loop, run_lookup, l, DEADLINE_NONE, NULL);
	}
	if (e != ERR_OK) {
		leave(l);
		return e;
	}
	list_push(&d->lookups, &l->node);
	d->n_lookups++;
	*ret = l;
	return ERR_OK;
}

static enum err wait_for(
    struct lookup *l, struct arena *arena, int64_t deadline_us, struct provider_answer *ret)
{
	struct waiter w = { .task = task_current() };
	enum err e = ERR_OK;

	CHECK(w.task != NULL);
	l->users++;
	list_init(&w.node);
	list_push(&l->waiters, &w.node);
	while (e == ERR_OK && !l->done) {
		e = task_wait(deadline_us);
	}
	list_remove(&w.node);
	if (l->done) {
		e = l->e == ERR_OK ? provider_answer_copy(arena, &l->answer, ret) : l->e;
	}
	leave(l);
	return e;
}

enum err discovery_find(struct discovery *d, struct arena *arena, struct slice domain,
    int64_t deadline_us, struct provider_answer *ret)
{
	/* Without the network nothing more of a source counts. */
	struct provider_source source = { .configured = d->configured,
		.own_host = slice_str(d->own_host) };
	struct lookup *l = NULL;
	struct slice key;
	enum err e = host_key(arena, domain, &key);

	if (e == ERR_LIMIT || d->reach == LOOK_NOWHERE) {
		*ret = (struct provider_answer){ .kind = PROVIDER_NONE,
			.why = SLICE("this server looks up no other identity providers") };
		return ERR_OK;
	}
	if (e != ERR_OK) {
		return e;
	}
	source.fetch = d->reach == LOOK_EVERYWHERE ? fetch_later : NULL;
	e = provider_resolve(arena, &source, key, ret);
	if (e != ERR_AGAIN) {
		return e;
	}
	e = provider_cache_get(d->known, key, clock_mono_us(), arena, ret);
	if (e != ERR_NOT_FOUND) {
		return e;
	}
	l = find_lookup(d, key);
	e = l != NULL ? ERR_OK : start_lookup(d, key, &l);
	return e == ERR_OK ? wait_for(l, arena, deadline_us, ret) : e;
}

/* ---- life ---- */

enum err discovery_new(
    struct svc_env *env, const char *own_host, struct discovery **ret, struct err_note *note)
{
	struct discovery *d = calloc(1, sizeof(*d));
	struct public_url url;
	bool is_off = strcmp(conf_str(env->conf, "identity", "primaries"), "no") == 0;

	if (d == NULL) {
		return ERR_MEMORY;
	}
	d->env = env;
	d->own_host = own_host;
	list_init(&d->lookups);
	enum err e =
	    public_url_parse(slice_str(conf_str(env->conf, "plimsoll", "public_url")), &url, note);
	if (e == ERR_OK) {
		bool is_on = discovery_is_on(env->conf, &url) && env->peer[ROLE_COURIER] != NULL;
		d->reach = is_off ? LOOK_NOWHERE : is_on ? LOOK_EVERYWHERE : LOOK_HERE;
		e = providers_load(env->conf, &d->configured, note);
	}
	if (e == ERR_OK) {
		e = provider_cache_new(KEPT_MAX, &d->known);
	}
	if (e != ERR_OK) {
		discovery_free(&d);
		return e;
	}
	*ret = d;
	return ERR_OK;
}

void discovery_free(struct discovery **d)
{
	if (*d == NULL || (*d)->n_lookups > 0) {
		return; /* with lookups the process ends: their tasks hold it */
	}
	provider_cache_free(&(*d)->known);
	providers_free(&(*d)->configured);
	free(*d);
	*d = NULL;
}

const struct providers *discovery_configured(const struct discovery *d)
{
	return d->configured;
}
