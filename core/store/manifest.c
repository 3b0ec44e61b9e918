/*
 * See manifest.h. The names in a manifest come from outside: only those that a backup can have are
 * taken, so that none leads out of the folder.
 */
#include "core/store/manifest.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/arena.h"
#include "core/base/json.h"
#include "core/store/sql_priv.h"

enum {
	TEXT_MAX = 64 * 1024,
	PARSE_MAX = 2 * 1024 * 1024
};

static const struct sql_stmt schemas_stmt = {
	.name = "store.backup_schemas",
	.text = "SELECT service, MAX(number) FROM schema_migrations GROUP BY service",
	.flags = SQL_SCANS,
};

static bool is_name(struct slice name)
{
	if (slice_eq(name, SLICE(MANIFEST_DB))) {
		return true;
	}
	if (!slice_starts(name, SLICE("keys/")) || name.len == 5 || name.ptr[5] == '.') {
		return false;
	}
	for (size_t i = 5; i < name.len; i++) {
		char c = name.ptr[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
		if (!good) {
			return false;
		}
	}
	return true;
}

static enum err add(struct manifest *m, struct slice name, const struct backup_sum *sum)
{
	struct manifest_file *f = &m->files[m->n_files];

	if (!is_name(name)) {
		return ERR_INVALID;
	}
	if (m->n_files == MANIFEST_FILES_MAX) {
		return ERR_LIMIT;
	}
	enum err e = slice_to_cstr(name, f->name, sizeof(f->name));
	if (e == ERR_OK) {
		f->sum = *sum;
		m->n_files++;
	}
	return e;
}

enum err manifest_add(
    struct manifest *m, const char *name, const struct backup_sum *sum, struct err_note *note)
{
	enum err e = add(m, slice_str(name), sum);

	return e == ERR_OK
		   ? e
		   : err_note_set(note, e, "%s cannot be in a backup: %s", name, err_text(e));
}

bool manifest_has_keys(const struct manifest *m)
{
	return m->n_files > 1;
}

enum err manifest_read_schemas(struct manifest *m, const char *db_path, struct err_note *note)
{
	struct sql_db *db = NULL;
	struct sql_query *q = NULL;
	enum err e = sql_open(db_path, SQL_READ_ONLY, &db, note);

	m->n_schemas = 0;
	if (e == ERR_OK) {
		e = sql_begin(db, &schemas_stmt, &q, note);
	}
	while (e == ERR_OK && (e = sql_step(q)) == ERR_OK) {
		struct manifest_schema *s = &m->schemas[m->n_schemas];
		e = m->n_schemas == MANIFEST_SCHEMAS_MAX ? ERR_LIMIT : ERR_OK;
		if (e == ERR_OK) {
			e = slice_to_cstr(sql_col_text(q, 0), s->service, sizeof(s->service));
		}
		if (e == ERR_OK) {
			s->number = sql_col_i64(q, 1);
			m->n_schemas++;
		}
	}
	if (q != NULL) {
		sql_end(q);
	}
	sql_close(&db);
	return e == ERR_END ? ERR_OK : err_note_set(note, e, "%s: %s", db_path, err_text(e));
}

/* ---- writing ---- */

static void put_text(struct json_writer *w, struct slice name, const char *value)
{
	json_put_name(w, name);
	json_put_string(w, slice_str(value));
}

static void put_number(struct json_writer *w, struct slice name, int64_t value)
{
	json_put_name(w, name);
	json_put_i64(w, value);
}

static void put_all(struct json_writer *w, const struct manifest *m)
{
	json_begin_object(w);
	put_number(w, SLICE("format"), MANIFEST_FORMAT);
	put_text(w, SLICE("plimsoll"), m->version);
	put_number(w, SLICE("made_ms"), m->made_ms);
	json_put_name(w, SLICE("schemas"));
	json_begin_object(w);
	for (unsigned i = 0; i < m->n_schemas; i++) {
		put_number(w, slice_str(m->schemas[i].service), m->schemas[i].number);
	}
	json_end_object(w);
	if (m->blobs >= 0) {
		put_number(w, SLICE("blobs"), m->blobs);
	}
	if (m->pictures >= 0) {
		put_number(w, SLICE("pictures"), m->pictures);
	}
	json_put_name(w, SLICE("files"));
	json_begin_array(w);
	for (unsigned i = 0; i < m->n_files; i++) {
		json_begin_object(w);
		put_text(w, SLICE("name"), m->files[i].name);
		put_number(w, SLICE("size"), m->files[i].sum.size);
		put_text(w, SLICE("sha256"), m->files[i].sum.sha256);
		json_end_object(w);
	}
	json_end_array(w);
	json_end_object(w);
}

static enum err path_in(const char *folder, char out[PATH_MAX], struct err_note *note)
{
	int n = snprintf(out, PATH_MAX, "%s/manifest.json", folder);

	return n > 0 && n < PATH_MAX
		   ? ERR_OK
		   : err_note_set(note, ERR_LIMIT, "the path of the folder is too long");
}

void manifest_print(const struct manifest *m, struct buf *out)
{
	struct json_writer w = json_writer_new(out);

	put_all(&w, m);
	buf_append_char(out, '\n');
}

enum err manifest_write(const struct manifest *m, const char *folder, struct err_note *note)
{
	char path[PATH_MAX];
	struct buf text = buf_new(TEXT_MAX);
	struct slice all = SLICE_EMPTY;
	enum err e = path_in(folder, path, note);

	manifest_print(m, &text);
	if (e == ERR_OK) {
		e = buf_finish(&text, &all);
	}
	if (e == ERR_OK) {
		e = backup_write(path, all, note);
	}
	buf_free(&text);
	return e;
}

/* ---- reading ---- */

static bool take_text(const struct json *object, const char *name, char *out, size_t size)
{
	struct slice text;

	return json_get_string(json_member(object, name), &text) &&
	       slice_to_cstr(text, out, size) == ERR_OK;
}

static bool take_files(struct manifest *m, const struct json *files)
{
	for (size_t i = 0; i < json_count(files); i++) {
		const struct json *v = json_element(files, i);
		struct backup_sum sum = { 0 };
		struct slice name;
		if (!json_get_string(json_member(v, "name"), &name) ||
		    !json_get_i64(json_member(v, "size"), &sum.size) ||
		    !take_text(v, "sha256", sum.sha256, sizeof(sum.sha256)) ||
		    add(m, name, &sum) != ERR_OK) {
			return false;
		}
	}
	/* The database comes first: whoever reads the rest may count on it. */
	return m->n_files > 0 && strcmp(m->files[0].name, MANIFEST_DB) == 0;
}

static bool take_schemas(struct manifest *m, const struct json *schemas)
{
	void *cursor = NULL;
	struct slice name;
	const struct json *value;

	while (json_next(schemas, &cursor, &name, &value)) {
		struct manifest_schema *s = &m->schemas[m->n_schemas];
		if (m->n_schemas == MANIFEST_SCHEMAS_MAX || !json_get_i64(value, &s->number) ||
		    slice_to_cstr(name, s->service, sizeof(s->service)) != ERR_OK) {
			return false;
		}
		m->n_schemas++;
	}
	return true;
}

/* One that need not be there. */
static bool take_count(const struct json *v, int64_t *ret)
{
	return v == NULL || (json_get_i64(v, ret) && *ret >= 0);
}

enum err manifest_parse(
    struct manifest *ret, const char *path, struct slice text, struct err_note *note)
{
	struct arena arena = arena_new(PARSE_MAX);
	struct manifest parsed = { .blobs = -1, .pictures = -1 }, *m = &parsed;
	const struct json *v = NULL;
	int64_t format = 0;
	enum err e = json_parse(&arena, text, &v, NULL);

	if (e != ERR_OK || !json_get_i64(json_member(v, "format"), &format)) {
		e = err_note_set(note, ERR_CORRUPT, "%s is not the manifest of a backup", path);
	} else if (format != MANIFEST_FORMAT) {
		e = err_note_set(note, ERR_CONFIG,
		    "%s has format %lld; this program knows format %d: use the version that made "
		    "it",
		    path, (long long)format, MANIFEST_FORMAT);
	} else if (!take_text(v, "plimsoll", m->version, sizeof(m->version)) ||
		   !json_get_i64(json_member(v, "made_ms"), &m->made_ms) ||
		   !take_schemas(m, json_member(v, "schemas")) ||
		   !take_count(json_member(v, "blobs"), &m->blobs) ||
		   !take_count(json_member(v, "pictures"), &m->pictures) ||
		   !take_files(m, json_member(v, "files"))) {
		e = err_note_set(note, ERR_CORRUPT, "%s is damaged", path);
	}
	if (e == ERR_OK) {
		*ret = parsed;
	}
	arena_reset(&arena);
	return e;
}

enum err manifest_read(struct manifest *ret, const char *folder, struct err_note *note)
{
	char path[PATH_MAX];
	struct buf text = buf_new(TEXT_MAX);
	struct stat st;
	enum err e = path_in(folder, path, note);

	if (e == ERR_OK && stat(path, &st) != 0) {
		e = err_note_set(note, ERR_NOT_FOUND,
		    "%s is not a whole backup: it has no manifest.json", folder);
	}
	if (e == ERR_OK) {
		e = backup_read(path, &text, note);
	}
	if (e == ERR_OK) {
		e = manifest_parse(ret, path, buf_slice(&text), note);
	}
	buf_free(&text);
	return e;
}
