/*
 * A web role without sockets.
 */
#include "services/identity/web_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "accounts/accounts.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/rpc/rpc.h"
#include "core/store/pg_rig.h"
#include "core/store/store.h"
#include "services/identity/identity.h"

enum {
	REQUEST_ARENA = 4 * 1024 * 1024,
	MAX_TABLES = 4
};

static const struct service *const services[] = { &accounts_service, &identity_service };
enum {
	N_SERVICES = 2,
	IDENTITY = 1
};

/* Keys of the runtime that the services read. */
static const struct conf_key runtime_keys[] = {
	{ .section = "plimsoll",
	    .name = "public_url",
	    .type = CONF_URL,
	    .def = "http://127.0.0.1:8000",
	    .help = "URL." },
	{ .section = "store",
	    .name = "read_only",
	    .type = CONF_BOOL,
	    .def = "no",
	    .help = "Read-only." },
	{ .section = "admin",
	    .name = "listen",
	    .type = CONF_ADDRESS,
	    .def = "127.0.0.1:8001",
	    .help = "Address." },
};

static struct {
	char dir[64], db_path[128];
	struct conf *conf;
	struct sql_db *store_db;
	struct svc_env env[ROLE_COUNT];
	struct arena texts;
	const struct rpc_def *failing;
	enum err failure;
} rig;

/* ---- in the place of core/rpc/call.c ---- */

/* What a pool is here: nothing but not NULL. */
static char any_pool;

int64_t rpc_pool_expected_wait_us(const struct rpc_pool *p)
{
	(void)p;
	return 0;
}

/* A transaction as the store runs it: all or nothing. */
static enum err run_in_store(const struct rpc_def *def, const struct rpc_call_info *info,
    struct slice req, struct buf *reply, struct err_note *note)
{
	struct arena arena = arena_new(REQUEST_ARENA);
	struct txn t = { .db = rig.store_db,
		.arena = &arena,
		.now_ms = clock_wall_ms(),
		.env = &rig.env[ROLE_STORE] };

	assert_int_equal(sql_run(rig.store_db, "BEGIN", NULL), ERR_OK);
	enum err e = def->handle(&t, info, req, reply, note);
	assert_int_equal(sql_run(rig.store_db, e == ERR_OK ? "COMMIT" : "ROLLBACK", NULL), ERR_OK);
	arena_reset(&arena);
	return e;
}

enum err rpc_call(struct rpc_pool *p, const struct rpc_def *def, struct slice req,
    int64_t deadline_us, uint64_t trace, struct arena *arena, struct slice *ret_reply,
    struct err_note *note)
{
	const struct rpc_call_info info = { ROLE_WEB, deadline_us, trace };
	struct buf reply = buf_new(def->max_rep);
	enum err e = ERR_OK;

	assert_non_null(p);
	assert_true((def->from & ROLE_BIT(ROLE_WEB)) != 0);
	assert_true(req.len <= def->max_req);
	if (def == rig.failing) {
		return rig.failure;
	}
	if (def->to == ROLE_STORE) {
		e = run_in_store(def, &info, req, &reply, note);
	} else {
		e = def->handle(&rig.env[def->to], &info, req, &reply, note);
	}
	assert_false(reply.failed);
	if (e == ERR_OK && ret_reply != NULL) {
		e = arena_copy(arena, buf_slice(&reply), ret_reply);
	}
	buf_free(&reply);
	return e;
}

/* ---- in the place of core/http/request.c and respond.c ---- */

struct http_req {
	struct browser *browser;
	struct arena *arena;
	enum http_method method;
	struct slice path, query, body, rest;
	struct op_call call;
	bool replied;
};

enum http_method http_method(const struct http_req *r)
{
	return r->method;
}

struct slice http_path(const struct http_req *r)
{
	return r->path;
}

struct slice http_query(const struct http_req *r)
{
	return r->query;
}

struct slice http_host(const struct http_req *r)
{
	(void)r;
	return SLICE("localhost:8000");
}

struct slice http_body(const struct http_req *r)
{
	return r->body;
}

struct slice http_header_get(const struct http_req *r, struct slice name)
{
	const struct browser *b = r->browser;
	const char *value = slice_eq_nocase(name, SLICE("origin"))	   ? b->origin
			    : slice_eq_nocase(name, SLICE("user-agent"))   ? b->user_agent
			    : slice_eq_nocase(name, SLICE("content-type")) ? b->content_type
									   : NULL;

	return value == NULL ? (struct slice){ NULL, 0 } : slice_str(value);
}

struct slice http_param(const struct http_req *r, const char *name)
{
	(void)name;
	return r->rest;
}

struct slice http_cookie(const struct http_req *r, struct slice name)
{
	struct slice rest = slice_str(r->browser->cookies), piece;

	while (slice_split(&rest, ';', &piece)) {
		piece = slice_trim(piece);
		size_t equals = slice_find(piece, '=', 0);
		if (slice_eq(slice_sub(piece, 0, equals), name)) {
			return slice_sub(piece, equals + 1, piece.len);
		}
	}
	return (struct slice){ NULL, 0 };
}

struct slice http_client_address(const struct http_req *r)
{
	return r->browser->address == NULL ? SLICE("192.0.2.1") : slice_str(r->browser->address);
}

bool http_query_get(const struct http_req *r, struct slice name, struct slice *ret)
{
	return http_form_get(r->arena, r->query, name, ret);
}

void http_add_header(struct http_req *r, struct slice name, struct slice value)
{
	struct browser *b = r->browser;

	assert_true(b->n_headers < RIG_HEADERS);
	assert_int_equal(arena_copy(&b->arena, name, &b->headers[b->n_headers].name), ERR_OK);
	assert_int_equal(arena_copy(&b->arena, value, &b->headers[b->n_headers].value), ERR_OK);
	b->n_headers++;
}

/* Keeps a cookie in the jar in the place of an older one. */
static void keep_cookie(struct browser *b, struct slice set_cookie)
{
	struct slice pair = slice_sub(set_cookie, 0, slice_find(set_cookie, ';', 0));

	(void)snprintf(b->cookies, sizeof(b->cookies), "%.*s", SLICE_ARG(pair));
}

void http_reply(struct http_req *r, int status, struct slice content_type, struct slice body)
{
	struct browser *b = r->browser;

	assert_false(r->replied);
	r->replied = true;
	identity_service.decorate(&r->call);
	b->status = status;
	assert_int_equal(arena_copy(&b->arena, content_type, &b->content_type_got), ERR_OK);
	assert_int_equal(arena_copy(&b->arena, body, &b->body), ERR_OK);
	const char *cookie = browser_header(b, "Set-Cookie");
	if (cookie != NULL) {
		keep_cookie(b, slice_str(cookie));
	}
}

void http_reply_text(struct http_req *r, int status, const char *detail)
{
	const char *text = arena_printf(r->arena, "%s: %s", http_status_phrase(status), detail);

	http_reply(r, status, SLICE("text/plain; charset=utf-8"), slice_str(text));
}

void http_reply_busy(struct http_req *r, unsigned retry_after_s)
{
	(void)retry_after_s;
	http_reply_text(r, 503, "busy");
}

void http_mark_refused(struct http_req *r)
{
	r->browser->refused = true;
}

bool http_has_replied(const struct http_req *r)
{
	return r->replied;
}

/* ---- the service ---- */

void rig_set(const char *setting)
{
	struct slice s = slice_str(setting);
	struct buf problems = buf_new(1000);
	size_t dot = slice_find(s, '.', 0), equals = slice_find(s, '=', 0);

	enum err e = conf_set(rig.conf, "test", slice_sub(s, 0, dot), slice_sub(s, dot + 1, equals),
	    slice_sub(s, equals + 1, s.len), &problems);
	if (e != ERR_OK) {
		fail_msg("%.*s", SLICE_ARG(buf_slice(&problems)));
	}
	buf_free(&problems);
}

static void make_conf(const char *const *settings)
{
	const struct conf_table tables[MAX_TABLES] = {
		{ runtime_keys, sizeof(runtime_keys) / sizeof(runtime_keys[0]) },
		accounts_service.conf, identity_service.conf
	};

	assert_int_equal(conf_new(tables, 3, &rig.conf), ERR_OK);
	rig_set("accounts.bcrypt_cost=4");
	for (; settings != NULL && *settings != NULL; settings++) {
		rig_set(*settings);
	}
}

static void open_databases(void)
{
	struct err_note note = { 0 };

	(void)snprintf(rig.db_path, sizeof(rig.db_path), "%s/plimsoll.db", rig.dir);
	if (pg_rig_is_wanted()) {
		pg_rig_reset(pg_rig_shared());
		rig.store_db = pg_rig_session(pg_rig_shared(), SQL_READ_WRITE);
	} else {
		assert_int_equal(
		    sql_open(rig.db_path, SQL_READ_WRITE, &rig.store_db, &note), ERR_OK);
	}
	for (size_t i = 0; i < N_SERVICES; i++) {
		assert_int_equal(sql_migrate(rig.store_db, services[i]->name,
				     services[i]->migrations, services[i]->n_migrations, &note),
		    ERR_OK);
	}
	if (pg_rig_is_wanted()) {
		rig.env[ROLE_WEB].db = pg_rig_session(pg_rig_shared(), SQL_READ_ONLY);
		return;
	}
	assert_int_equal(
	    sql_open(rig.db_path, SQL_READ_ONLY, &rig.env[ROLE_WEB].db, &note), ERR_OK);
}

static void start_role(enum role_id role)
{
	struct svc_env *env = &rig.env[role];
	struct err_note note = { 0 };

	env->role = role;
	env->conf = rig.conf;
	env->data_dir = rig.dir;
	env->version = "test";
	env->services = services;
	env->n_services = N_SERVICES;
	for (int peer = 0; role == ROLE_WEB && peer < ROLE_COUNT; peer++) {
		env->peer[peer] = (struct rpc_pool *)(void *)&any_pool;
	}
	for (size_t i = 0; i < N_SERVICES; i++) {
		if (services[i]->start(env, &env->state[i], &note) != ERR_OK) {
			fail_msg("%s", note.text);
		}
	}
	for (size_t i = 0; i < N_SERVICES; i++) {
		if (services[i]->ready(env, env->state[i], &note) != ERR_OK) {
			fail_msg("%s", note.text);
		}
	}
}

static const enum role_id roles[] = { ROLE_STORE, ROLE_SIGNER, ROLE_COMPUTE, ROLE_WEB };

void rig_start(const char *const *settings)
{
	memset(&rig, 0, sizeof(rig));
	rig.texts = arena_new(REQUEST_ARENA);
	(void)snprintf(rig.dir, sizeof(rig.dir), "/tmp/identity-test-XXXXXX");
	assert_non_null(mkdtemp(rig.dir));
	make_conf(settings);
	open_databases();
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		start_role(roles[i]);
	}
}

void rig_stop(void)
{
	static const char *const files[] = { "plimsoll.db", "plimsoll.db-wal", "plimsoll.db-shm",
		"keys/symmetric.key", "keys/identity.key", "keys/MADE" };
	char path[128];

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		struct svc_env *env = &rig.env[roles[i]];
		for (size_t k = N_SERVICES; k-- > 0;) {
			services[k]->stop(env, env->state[k]);
		}
	}
	sql_close(&rig.env[ROLE_WEB].db);
	sql_close(&rig.store_db);
	conf_free(&rig.conf);
	arena_reset(&rig.texts);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", rig.dir, files[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/keys", rig.dir);
	(void)rmdir(path);
	assert_int_equal(rmdir(rig.dir), 0);
}

void rig_fail(const struct rpc_def *def, enum err e)
{
	rig.failing = def;
	rig.failure = e;
}

void rig_sql(const char *sql)
{
	assert_int_equal(sql_run(rig.store_db, sql, NULL), ERR_OK);
}

static struct sql_query *ask(const char *sql)
{
	struct sql_stmt *stmt = arena_alloc(&rig.texts, sizeof(*stmt));
	struct sql_query *q = NULL;

	*stmt = (struct sql_stmt){ .name = "test.ask", .text = sql };
	assert_int_equal(sql_begin(rig.store_db, stmt, &q, NULL), ERR_OK);
	assert_int_equal(sql_step(q), ERR_OK);
	return q;
}

int64_t rig_number(const char *sql)
{
	struct sql_query *q = ask(sql);
	int64_t n = sql_col_i64(q, 0);

	sql_end(q);
	return n;
}

const char *rig_text(const char *sql)
{
	struct sql_query *q = ask(sql);
	struct slice text;

	assert_int_equal(arena_copy(&rig.texts, sql_col_text(q, 0), &text), ERR_OK);
	sql_end(q);
	return text.ptr;
}

void rig_audit(void)
{
	struct err_note note = { 0 };

	for (size_t i = 0; i < N_SERVICES; i++) {
		if (services[i]->audit != NULL &&
		    services[i]->audit(rig.store_db, &note) != ERR_OK) {
			fail_msg("%s", note.text);
		}
	}
}

/* ---- browsers ---- */

void browser_init(struct browser *b)
{
	memset(b, 0, sizeof(*b));
	b->arena = arena_new(REQUEST_ARENA);
}

void browser_fini(struct browser *b)
{
	arena_reset(&b->arena);
}

/* The row of a path; what matched "{rest*}" goes to r->rest. */
static const struct op *route(struct http_req *r, const char *method, bool *ret_known)
{
	const struct service *s = &identity_service;

	*ret_known = false;
	for (unsigned i = 0; i < s->n_ops; i++) {
		const struct op *op = &s->ops[i];
		const char *wild = strstr(op->path, "{rest*}");
		struct slice fixed =
		    SLICE_OF(op->path, wild == NULL ? strlen(op->path) : (size_t)(wild - op->path));
		if (wild == NULL ? !slice_eq(r->path, fixed) : !slice_starts(r->path, fixed)) {
			continue;
		}
		*ret_known = true;
		if ((op->method == HTTP_POST) == (strcmp(method, "POST") == 0)) {
			r->rest = slice_sub(r->path, fixed.len, r->path.len);
			return op;
		}
	}
	return NULL;
}

void browser_send(struct browser *b, const char *method, const char *target, const char *body)
{
	static const struct op none = { .name = "http.none", .path = "/" };
	struct arena arena = arena_new(REQUEST_ARENA);
	struct slice t = slice_str(target);
	size_t mark = slice_find(t, '?', 0);
	struct http_req r = {
		.browser = b,
		.arena = &arena,
		.method = strcmp(method, "POST") == 0 ? HTTP_POST : HTTP_GET,
		.path = slice_sub(t, 0, mark),
		.query = slice_sub(t, mark + 1, t.len),
		.body = slice_str(body),
	};
	bool known = false;
	const struct op *op = route(&r, method, &known);

	arena_reset(&b->arena);
	b->n_headers = 0;
	b->refused = false;
	b->json = NULL;
	r.call = (struct op_call){ .req = &r,
		.op = op != NULL ? op : &none,
		.env = &rig.env[ROLE_WEB],
		.state = rig.env[ROLE_WEB].state[IDENTITY],
		.arena = &arena,
		.deadline_us = clock_mono_us() + 60 * 1000 * 1000 };
	op_fn *handle = op != NULL ? op->handle
			: known	   ? identity_service.wrong_method
				   : identity_service.not_found;
	enum err e = handle(&r.call);
	if (e != ERR_OK) {
		identity_service.error(&r.call, e);
	}
	assert_true(r.replied);
	if (slice_starts(b->content_type_got, SLICE("application/json"))) {
		assert_int_equal(json_parse(&b->arena, b->body, &b->json, NULL), ERR_OK);
	}
	arena_reset(&arena);
}

void browser_get(struct browser *b, const char *target)
{
	browser_send(b, "GET", target, NULL);
}

void browser_post(struct browser *b, const char *target, const char *members)
{
	char body[16000];

	(void)snprintf(body, sizeof(body), "{%s%s\"csrf\":\"%s\"}", members,
	    members[0] != '\0' ? "," : "", b->csrf);
	b->content_type = "application/json";
	browser_send(b, "POST", target, body);
}

void browser_context(struct browser *b)
{
	browser_get(b, "/wsapi/session_context");
	assert_int_equal(b->status, 200);
	(void)snprintf(b->csrf, sizeof(b->csrf), "%s", browser_text(b, "csrf_token"));
}

const char *browser_header(struct browser *b, const char *name)
{
	for (unsigned i = 0; i < b->n_headers; i++) {
		if (slice_eq_nocase(b->headers[i].name, slice_str(name))) {
			return b->headers[i].value.ptr;
		}
	}
	return NULL;
}

bool browser_flag(struct browser *b, const char *name)
{
	bool flag = false;

	assert_true(json_get_bool(json_member(b->json, name), &flag));
	return flag;
}

const char *browser_text(struct browser *b, const char *name)
{
	struct slice text, copy;

	if (!json_get_string(json_member(b->json, name), &text)) {
		return NULL;
	}
	assert_int_equal(arena_copy(&b->arena, text, &copy), ERR_OK);
	return copy.ptr;
}

int64_t browser_number(struct browser *b, const char *name)
{
	int64_t n = 0;

	assert_true(json_get_i64(json_member(b->json, name), &n));
	return n;
}

const char *browser_body(struct browser *b)
{
	return b->body.ptr;
}
