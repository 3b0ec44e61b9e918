/*
 * plimsoll sync: what an operator does with the stores of users. It works on the database itself,
 * beside a server that runs or without one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd_user.h"
#include "cmd/sync_import.h"
#include "core/base/clock.h"
#include "services/sync/admin.h"
#include "services/sync/purge.h"
#include "services/sync/stamp.h"

/* ---- looking ---- */

static enum err load(struct user_run *r, int64_t uid, struct sync_meta **ret)
{
	*ret = sync_meta_new(&r->arena, uid);
	return *ret == NULL ? ERR_MEMORY : sync_meta_load(r->db, *ret, false, &r->note);
}

/* The store of the user that the first word names. */
static enum err load_named(struct user_run *r, struct sync_meta **ret)
{
	uint64_t uid;

	if (slice_to_u64(slice_str(r->words[0]), INT64_C(9999999999), &uid) != ERR_OK) {
		return err_note_set(
		    &r->note, ERR_INVALID, "\"%s\" is no uid: up to ten digits", r->words[0]);
	}
	return load(r, (int64_t)uid, ret);
}

static int64_t count_of(const struct sync_meta *m)
{
	int64_t n = 0;

	for (unsigned i = 0; i < m->n; i++) {
		n += m->list[i].count;
	}
	return n;
}

static enum err sync_usage(struct user_run *r)
{
	int64_t uid = -1, users = 0, records = 0, bytes = 0;
	char text[SYNC_TIME_SIZE];
	enum err e;

	printf("%10s %12s %16s  %s\n", "uid", "records", "bytes", "last write");
	while ((e = sync_user_after(r->db, uid, &uid, &r->note)) == ERR_OK) {
		struct sync_meta *m;
		e = load(r, uid, &m);
		if (e != ERR_OK) {
			return e;
		}
		printf("%10lld %12lld %16lld  %.*s\n", (long long)uid, (long long)count_of(m),
		    (long long)sync_meta_bytes(m), SLICE_ARG(sync_time_text(m->last_ms, text)));
		users++;
		records += count_of(m);
		bytes += sync_meta_bytes(m);
		arena_reset(&r->arena);
	}
	printf("%lld users, %lld records, %lld bytes\n", (long long)users, (long long)records,
	    (long long)bytes);
	return e == ERR_END ? ERR_OK : e;
}

static enum err sync_user(struct user_run *r)
{
	char text[SYNC_TIME_SIZE];
	struct sync_meta *m;
	enum err e = load_named(r, &m);

	if (e != ERR_OK) {
		return e;
	}
	if (!m->is_there) {
		return err_note_set(
		    &r->note, ERR_NOT_FOUND, "user %s has never written anything", r->words[0]);
	}
	printf("%-32s %12s %16s  %s\n", "collection", "records", "bytes", "modified");
	for (unsigned i = 0; i < m->n; i++) {
		const struct sync_collection *c = &m->list[i];
		printf("%-32.*s %12lld %16lld  %.*s\n", SLICE_ARG(sync_collection_name(c)),
		    (long long)c->count, (long long)c->bytes,
		    SLICE_ARG(sync_time_text(c->modified_ms, text)));
	}
	printf("last write: %.*s\n", SLICE_ARG(sync_time_text(m->last_ms, text)));
	return ERR_OK;
}

/* ---- changing ---- */

/* Steps as the server takes them, each committed for itself, so that it may run meanwhile. */
static enum err sync_do_purge(struct user_run *r)
{
	struct sync_purged done = { .has_more = true };
	int64_t rows = 0;
	enum err e = ERR_OK;

	while (e == ERR_OK && done.has_more) {
		e = user_begin(r);
		if (e == ERR_OK) {
			e = sync_purge_step(
			    r->db, &r->arena, clock_wall_ms(), 0, SYNC_PURGE_ROWS, &done, &r->note);
			e = user_finish(r, e);
		}
		rows += e == ERR_OK ? done.rows : 0;
		arena_reset(&r->arena);
	}
	printf("%lld rows removed\n", (long long)rows);
	return e;
}

static enum err print_line(void *arg, struct slice line)
{
	(void)arg;
	return fwrite(line.ptr, 1, line.len, stdout) == line.len ? ERR_OK : ERR_IO;
}

static enum err sync_do_export(struct user_run *r)
{
	struct sync_meta *m;
	enum err e = load_named(r, &m);

	return e == ERR_OK ? sync_export(r->db, m, clock_wall_ms(), print_line, NULL, &r->note) : e;
}

/* All of it or nothing. */
static enum err sync_do_import(struct user_run *r)
{
	struct sync_import in;
	struct sync_meta *m;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	enum err e = load_named(r, &m);

	if (e == ERR_OK) {
		e = user_begin(r);
	}
	if (e != ERR_OK) {
		return e;
	}
	sync_import_init(&in, r->conf, m->uid);
	struct txn t = user_txn(r);
	for (int64_t n = 1; e == ERR_OK && (len = getline(&line, &size, stdin)) > 0; n++) {
		struct slice text =
		    slice_trim(SLICE_OF(line, (size_t)len - (line[len - 1] == '\n')));
		e = text.len == 0 ? ERR_OK : sync_import_line(&in, &t, text, &r->note);
		if (e != ERR_OK) {
			fprintf(stderr, "plimsoll sync import: up to line %lld\n", (long long)n);
		}
		arena_reset(&r->arena);
	}
	e = e == ERR_OK ? sync_import_flush(&in, &t, &r->note) : e;
	e = user_finish(r, e);
	if (e == ERR_OK) {
		printf("%lld records\n", (long long)in.records);
	}
	sync_import_fini(&in);
	free(line);
	return e;
}

/* clang-format off */
static const struct user_verb verbs[] = {
	{ "usage",  "",           0, false, sync_usage },
	{ "user",   "UID",        1, false, sync_user },
	{ "purge",  "",           0, true, sync_do_purge },
	{ "export", "UID > FILE", 1, false, sync_do_export },
	{ "import", "UID < FILE", 1, true, sync_do_import },
	{ "import-from", "FILE [--dry-run]", 1, true, sync_import_from },
};
/* clang-format on */

int cmd_sync(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	return user_command("sync", verbs, sizeof(verbs) / sizeof(verbs[0]), app, conf, o);
}
