/*
 * See media_jobs.h. A picture's outcome is a change as any other, made by the process that had it
 * made, so those who are connected hear of it as of all else.
 */
#include "services/pairs/media_jobs.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/ev/task.h"
#include "core/obs/log.h"
#include "services/pairs/media_make.h"
#include "services/pairs/pairs_chores.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_media.h"
#include "services/pairs/pairs_priv.h"
#include "services/pairs/pairs_session.h"

enum {
	LOOK_MS = 3000,	  /* how often what others have left is looked for */
	CLEAN_MS = 45000, /* for one call of those that remove */
	LATER_MS = 2000,  /* when something of ours was in the way */
	ARENA_BYTES = 32 * 1024 * 1024,
	CLEAN_CALLS = 200, /* of one run, then the others have their turn */
	READS_AT_ONCE = 50,
};

static struct media_jobs *jobs_of(const struct svc_env *env)
{
	return &pairs_state(env)->jobs;
}

static int64_t lease_ms(const struct svc_env *env)
{
	return conf_ms(env->conf, "pairs", "media_lease");
}

/* For one picture, with its way through the queues: its lease outlives it. */
static int64_t job_ms(const struct svc_env *env)
{
	return lease_ms(env) * 3 / 4;
}

static struct media_caller caller(
    struct svc_env *env, struct arena *arena, int64_t patience_ms, struct err_note *note)
{
	return (struct media_caller){ .env = env,
		.arena = arena,
		.deadline_us = clock_mono_us() + patience_ms * 1000,
		.trace = rng_u64() | 1,
		.note = note };
}

/* ---- one picture ---- */

/* Why it is given up, as answers say it. */
static const char *reason_of(const struct picture_result *r)
{
	return r->outcome == PICTURE_TOO_LARGE ? "too_large" : "undecodable";
}

static enum err change(const struct media_caller *c, struct pairs_change_req *r)
{
	struct pairs_changed changed;

	return pairs_make_change(c->env, c->arena, c->deadline_us, c->trace, r, &changed, c->note);
}

static struct pairs_change_req about(const struct pairs_picture_job *j, enum pairs_kind kind)
{
	return (struct pairs_change_req){
		.kind = kind, .owner = j->owner, .id = j->id, .lease = j->lease
	};
}

static enum err give_up(
    const struct media_caller *c, const struct pairs_picture_job *j, const char *reason)
{
	struct pairs_change_req r = about(j, PAIRS_MEDIA_DONE);

	r.text = slice_str(reason);
	return change(c, &r);
}

static enum err keep_sizes(const struct media_caller *c, const struct pairs_picture_job *j,
    const struct picture_result *made)
{
	unsigned n = 0;
	const struct picture_size *sizes = picture_sizes(j->use, &n);
	struct pairs_change_req r = about(j, PAIRS_MEDIA_DONE);
	struct buf *text = arena_buf(c->arena, PAIRS_MEDIA_TEXT);
	enum err e = text == NULL ? ERR_MEMORY : ERR_OK;

	for (unsigned i = 0; e == ERR_OK && i < n; i++) {
		char name[BLOB_NAME_SIZE];
		pairs_media_blob(j->owner, j->id, sizes[i].name, name);
		e = media_put(c, name, made->variants[i].bytes);
	}
	if (e != ERR_OK) {
		return e;
	}
	pairs_media_sizes_put(text, made);
	CHECK(!text->failed);
	r.given = 1;
	r.width = made->width;
	r.height = made->height;
	r.text = buf_slice(text);
	return change(c, &r);
}

/*
 * It ended its worker, or something else was in the way: then it is not its fault, and no other
 * picture is tried just now.
 */
static enum err put_off(
    const struct media_caller *c, const struct pairs_picture_job *j, enum err why)
{
	struct pairs_change_req r = about(j, PAIRS_MEDIA_LATER);
	bool has_crashed = why == ERR_CORRUPT || why == ERR_OUTCOME_UNKNOWN;

	LOG(LOG_WARN, "pairs", "picture_not_made", LOG_I("id", j->id), LOG_C("err", err_name(why)),
	    LOG_C("detail", c->note->text));
	if (has_crashed && j->crashes + 1 >= PAIRS_CHORE_CRASHES_MAX) {
		return give_up(c, j, "gave_up");
	}
	r.given = has_crashed		? PAIRS_CHORE_CRASHED | PAIRS_CHORE_TRIED
		  : why == ERR_DEADLINE ? PAIRS_CHORE_TRIED
					: 0;
	r.until_ms = clock_wall_ms() + LATER_MS;
	enum err e = change(c, &r);
	return e == ERR_OK && !has_crashed ? why : e;
}

static enum err make_one(const struct media_caller *c, const struct pairs_picture_job *j)
{
	struct picture_result made;
	uint64_t max_pixels = (uint64_t)conf_int(c->env->conf, "pairs", "max_pixels");

	if (j->tries >= PAIRS_CHORE_TRIES_MAX) {
		return give_up(c, j, "gave_up");
	}
	enum err e = media_make(c, j->owner, j->id, j->use, max_pixels, &made);
	if (e == ERR_OK && made.outcome != PICTURE_MADE) {
		return give_up(c, j, reason_of(&made));
	}
	if (e == ERR_NOT_FOUND) {
		LOG(LOG_WARN, "pairs", "picture_lost", LOG_I("id", j->id),
		    LOG_C("detail", c->note->text));
		return give_up(c, j, "lost");
	}
	if (e == ERR_OK) {
		e = keep_sizes(c, j, &made);
	}
	return e == ERR_OK ? e : put_off(c, j, e);
}

static enum err lease(const struct media_caller *c, struct pairs_picture_job *ret)
{
	struct buf message = buf_new(64);
	struct slice reply = SLICE_EMPTY;

	pairs_lease_put(&message, (int64_t)(rng_u64() >> 1) | 1, lease_ms(c->env));
	enum err e = rpc_call(c->env->peer[ROLE_STORE], &pairs_picture_lease, buf_slice(&message),
	    c->deadline_us, c->trace, c->arena, &reply, c->note);
	buf_free(&message);
	if (e == ERR_OK) {
		CHECK(pairs_lease_take(reply, ret));
	}
	return e;
}

/* Until there is nothing to do, or something does not work: then the next look goes on. */
static void make_task(void *arg)
{
	struct svc_env *env = arg;
	struct arena arena = arena_new(ARENA_BYTES);
	struct pairs_picture_job job = { .is_there = true };
	enum err e = ERR_OK;

	while (e == ERR_OK && (job.is_there || jobs_of(env)->again)) {
		struct err_note note = { 0 };
		const struct media_caller c = caller(env, &arena, job_ms(env), &note);
		jobs_of(env)->again = false;
		e = lease(&c, &job);
		if (e == ERR_OK && job.is_there) {
			e = make_one(&c, &job);
		}
		arena_reset(&arena);
	}
	jobs_of(env)->makes = false;
}

/* ---- removing ---- */

static enum err clean(const struct media_caller *c, struct pairs_clean_list *list)
{
	struct buf message = buf_new(512);
	struct slice reply = SLICE_EMPTY;

	pairs_clean_put(&message, list);
	enum err e = rpc_call(c->env->peer[ROLE_STORE], &pairs_clean, buf_slice(&message),
	    c->deadline_us, c->trace, c->arena, &reply, c->note);
	buf_free(&message);
	if (e == ERR_OK) {
		CHECK(pairs_clean_take(reply, list));
	}
	return e == ERR_OK && list->n > 0 ? media_remove(c, list) : e;
}

/* Adds a picture to the list if no row has it; ERR_OK also if it is there. */
static enum err add_stray(
    const struct media_caller *c, int64_t owner, int64_t id, struct pairs_clean_list *list)
{
	struct sql_query *q;
	enum err e = pairs_find(c->env->db, PAIRS_PICTURE_GET,
	    PAIRS_VALUES(PAIRS_N("owner_id", owner), PAIRS_N("id", id)), &q, c->note);

	if (e == ERR_OK) {
		sql_end(q);
	} else if (e == ERR_NOT_FOUND) {
		/* Which of the two it was nobody knows any more. */
		list->pictures[list->n++] = (struct pairs_picture_key){ owner, id, PICTURE_PHOTO };
		list->pictures[list->n++] = (struct pairs_picture_key){ owner, id, PICTURE_AVATAR };
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/*
 * A web process that dies between keeping a file and having its row made leaves a file that nobody
 * knows. One shard of the store is looked at in each run.
 */
static enum err sweep(const struct media_caller *c)
{
	struct media_jobs *j = jobs_of(c->env);
	struct slice rest = SLICE_EMPTY;
	int64_t owner = 0, id = 0, n = 0;
	enum err e = media_old(c, j->shard++ % BLOB_SHARDS, &rest);

	while (e == ERR_OK && rest.len > 0) {
		struct pairs_clean_list list = { .n = 0 };
		while (e == ERR_OK && list.n + 2 <= PAIRS_CLEAN_MAX &&
		       media_old_next(&rest, &owner, &id)) {
			e = add_stray(c, owner, id, &list);
			if (e == ERR_OK && ++n % READS_AT_ONCE == 0) {
				e = task_sleep(1);
			}
		}
		e = e == ERR_OK && list.n > 0 ? media_remove(c, &list) : e;
	}
	return e;
}

static void clean_task(void *arg)
{
	struct svc_env *env = arg;
	struct arena arena = arena_new(2 * MEDIA_OLD_BYTES);
	struct pairs_clean_list list = { .more = true };
	enum err e = ERR_OK;

	for (int i = 0; e == ERR_OK && i < CLEAN_CALLS && (list.more || list.n > 0); i++) {
		struct err_note note = { 0 };
		const struct media_caller c = caller(env, &arena, CLEAN_MS, &note);
		e = clean(&c, &list);
		if (e != ERR_OK && e != ERR_TOO_BUSY && e != ERR_READ_ONLY && e != ERR_DRAINING) {
			LOG(LOG_WARN, "pairs", "cleaning_failed", LOG_C("err", err_name(e)),
			    LOG_C("detail", note.text));
		}
		arena_reset(&arena);
	}
	if (e == ERR_OK) {
		struct err_note note = { 0 };
		const struct media_caller c = caller(env, &arena, CLEAN_MS, &note);
		e = sweep(&c);
		arena_reset(&arena);
	}
	jobs_of(env)->cleans = false;
}

/* ---- when ---- */

void media_jobs_wake(struct svc_env *env)
{
	struct media_jobs *j = jobs_of(env);

	j->again = true;
	if (!j->makes && task_spawn(env->loop, make_task, env, DEADLINE_NONE, NULL) == ERR_OK) {
		j->makes = true;
	}
}

/* Whether there is one that is due costs a read; only then the store is asked. */
static void look_task(void *arg)
{
	struct svc_env *env = arg;
	struct sql_query *q;
	struct err_note note = { 0 };

	if (pairs_find(env->db, PAIRS_PICTURE_DUE, PAIRS_VALUES(PAIRS_N("now_ms", clock_wall_ms())),
		&q, &note) == ERR_OK) {
		sql_end(q);
		media_jobs_wake(env);
	}
}

static void look(void *arg)
{
	struct svc_env *env = arg;

	if (env->db != NULL && !jobs_of(env)->makes) {
		enum err e = task_spawn(env->loop, look_task, env, DEADLINE_NONE, NULL);
		(void)e;
	}
}

static void begin_cleaning(void *arg)
{
	struct svc_env *env = arg;
	struct media_jobs *j = jobs_of(env);

	if (!j->cleans && task_spawn(env->loop, clean_task, env, DEADLINE_NONE, NULL) == ERR_OK) {
		j->cleans = true;
	}
}

void media_jobs_start(struct svc_env *env)
{
	uint64_t clean_ms = (uint64_t)conf_ms(env->conf, "pairs", "clean_interval");

	loop_every(env->loop, LOOK_MS, look, env);
	if (env->instance == 0) {
		loop_every(env->loop, clean_ms, begin_cleaning, env);
	}
}
