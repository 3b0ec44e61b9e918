/*
 * Role: signer, and `plimsoll identity key`. The files of the domain keys. What has to survive a
 * crash between two of them: the retired key is written down before the next one takes its file, so
 * a second try finds it there already.
 */
#include "services/identity/domain_keys.h"

#include <stdlib.h>
#include <string.h>

#include "accounts/keyfile.h"
#include "core/base/json.h"

enum {
	RETIRED_FILE_BYTES = 16 * 4096,
	ARENA_MAX = 64 * 1024
};

#define CURRENT "identity.key"
#define NEXT	"identity-next.key"
#define RETIRED "identity.retired"

int64_t domain_keys_lifetime_ms(const struct conf *conf)
{
	int64_t usual = conf_ms(conf, "identity", "certificate_lifetime");
	int64_t ephemeral = conf_ms(conf, "identity", "certificate_lifetime_ephemeral");

	return (usual > ephemeral ? usual : ephemeral) + conf_ms(conf, "identity", "clock_skew");
}

/* ---- the file of retired keys: a JSON object a line ---- */

static enum err take_line(struct slice line, struct retired_key *ret)
{
	struct arena arena = arena_new(ARENA_MAX);
	struct buf text = buf_new(DOMAIN_KEY_JSON_BYTES);
	struct json_writer w = json_writer_new(&text);
	const struct json *v = NULL, *key = NULL;
	enum err e = json_parse(&arena, line, &v, NULL);

	if (e == ERR_OK) {
		key = json_member(v, "public-key");
		e = key != NULL && json_get_i64(json_member(v, "created_ms"), &ret->created_ms) &&
			    json_get_i64(json_member(v, "retired_ms"), &ret->retired_ms) &&
			    json_get_i64(json_member(v, "until_ms"), &ret->until_ms)
			? ERR_OK
			: ERR_SYNTAX;
	}
	if (e == ERR_OK) {
		json_put_value(&w, key);
		e = slice_to_cstr(buf_slice(&text), ret->json, sizeof(ret->json));
	}
	buf_free(&text);
	arena_reset(&arena);
	return e;
}

static enum err read_retired(const char *data_dir, struct domain_keys *k, struct err_note *note)
{
	struct buf text = buf_new(RETIRED_FILE_BYTES);
	enum err e = keyfile_read(data_dir, RETIRED, &text, note);
	struct slice rest = buf_slice(&text), line;

	k->n_retired = 0;
	while (e == ERR_OK && slice_split(&rest, '\n', &line)) {
		if (line.len == 0) {
			continue;
		}
		if (k->n_retired == RETIRED_MAX ||
		    take_line(line, &k->retired[k->n_retired]) != ERR_OK) {
			e = err_note_set(note, ERR_CONFIG,
			    "%s/keys/" RETIRED
			    " is damaged: without it, certificates of retired keys "
			    "are not taken any more",
			    data_dir);
		} else {
			k->n_retired++;
		}
	}
	buf_free(&text);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err write_retired(
    const char *data_dir, const struct domain_keys *k, struct err_note *note)
{
	struct buf text = buf_new(RETIRED_FILE_BYTES);
	struct slice all = SLICE_EMPTY;

	for (unsigned i = 0; i < k->n_retired; i++) {
		struct json_writer w = json_writer_new(&text);
		json_begin_object(&w);
		json_put_name(&w, SLICE("public-key"));
		json_put_raw(&w, slice_str(k->retired[i].json));
		json_put_name(&w, SLICE("created_ms"));
		json_put_i64(&w, k->retired[i].created_ms);
		json_put_name(&w, SLICE("retired_ms"));
		json_put_i64(&w, k->retired[i].retired_ms);
		json_put_name(&w, SLICE("until_ms"));
		json_put_i64(&w, k->retired[i].until_ms);
		json_end_object(&w);
		buf_append_char(&text, '\n');
	}
	enum err e = buf_finish(&text, &all);
	if (e == ERR_OK) {
		e = keyfile_write(data_dir, RETIRED, all, note);
	}
	buf_free(&text);
	return e;
}

static void drop(struct domain_keys *k, unsigned i)
{
	k->n_retired--;
	memmove(
	    &k->retired[i], &k->retired[i + 1], (size_t)(k->n_retired - i) * sizeof(k->retired[0]));
}

static void drop_expired(struct domain_keys *k, int64_t now_ms)
{
	for (unsigned i = k->n_retired; i-- > 0;) {
		if (k->retired[i].until_ms < now_ms) {
			drop(k, i);
		}
	}
}

/* ---- all of them ---- */

void domain_keys_free(struct domain_keys *k)
{
	domain_key_free(&k->current);
	domain_key_free(&k->next);
	k->n_retired = 0;
}

enum err domain_keys_load(const char *data_dir, struct domain_keys *ret, struct err_note *note)
{
	enum err e = domain_key_load(data_dir, &ret->current, note);

	if (e == ERR_OK) {
		e = domain_key_read(data_dir, NEXT, &ret->next, note);
		e = e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	if (e == ERR_OK) {
		e = read_retired(data_dir, ret, note);
	}
	if (e != ERR_OK) {
		domain_keys_free(ret);
	}
	return e;
}

/* Writes down that the current key is retired, unless a try before this one has. */
static enum err retire_current(const char *data_dir, struct domain_keys *k, int64_t now_ms,
    int64_t lifetime_ms, struct err_note *note)
{
	struct retired_key old = { .created_ms = k->current.created_ms,
		.retired_ms = k->next.created_ms,
		.until_ms = k->next.created_ms + lifetime_ms };
	enum err e = domain_key_json(&k->current, old.json);

	drop_expired(k, now_ms);
	for (unsigned i = 0; e == ERR_OK && i < k->n_retired; i++) {
		if (strcmp(k->retired[i].json, old.json) == 0) {
			return ERR_OK;
		}
	}
	if (e == ERR_OK && k->n_retired == RETIRED_MAX) {
		drop(k, 0);
	}
	if (e == ERR_OK) {
		k->retired[k->n_retired++] = old;
		e = write_retired(data_dir, k, note);
	}
	return e;
}

/* The next key is the current one from now on. */
static enum err promote(const char *data_dir, struct domain_keys *k, struct err_note *note)
{
	enum err e = keyfile_rename(data_dir, NEXT, CURRENT, note);

	if (e == ERR_OK) {
		domain_key_free(&k->current);
		k->current = k->next;
		k->next = (struct domain_key){ .key = NULL };
	}
	return e;
}

enum err domain_keys_settle(const char *data_dir, struct domain_keys *k, int64_t now_ms,
    int64_t lifetime_ms, struct err_note *note)
{
	if (k->next.key == NULL || now_ms < k->next.created_ms) {
		return ERR_OK;
	}
	enum err e = retire_current(data_dir, k, now_ms, lifetime_ms, note);
	return e == ERR_OK ? promote(data_dir, k, note) : e;
}

enum err domain_keys_new(
    const char *data_dir, struct domain_keys *k, int64_t from_ms, struct err_note *note)
{
	if (k->next.key != NULL) {
		return err_note_set(note, ERR_EXISTS, "a new key waits for its turn already");
	}
	drop_expired(k, from_ms);
	if (k->n_retired == RETIRED_MAX) {
		return err_note_set(note, ERR_LIMIT,
		    "%d retired keys have certificates that still run: retire one of them first",
		    RETIRED_MAX);
	}
	enum err e = domain_key_make(&k->next, note);
	if (e == ERR_OK) {
		k->next.created_ms = from_ms;
		e = domain_key_write(data_dir, NEXT, &k->next, note);
	}
	return e;
}

static bool has_id(const struct domain_key *key, struct slice id)
{
	char json[DOMAIN_KEY_JSON_BYTES], own[DOMAIN_KEY_ID_SIZE];

	if (key->key == NULL || domain_key_json(key, json) != ERR_OK) {
		return false;
	}
	domain_key_id(slice_str(json), own);
	return slice_eq(id, slice_str(own));
}

static enum err retire_the_current(
    const char *data_dir, struct domain_keys *k, int64_t now_ms, struct err_note *note)
{
	if (k->next.key == NULL) {
		return err_note_set(note, ERR_CONFLICT,
		    "it signs, and no other key waits: make one with `plimsoll identity key new`, "
		    "then retire this one");
	}
	k->next.created_ms = now_ms;
	enum err e = domain_key_write(data_dir, NEXT, &k->next, note);
	return e == ERR_OK ? promote(data_dir, k, note) : e;
}

enum err domain_keys_retire(const char *data_dir, struct domain_keys *k, struct slice id,
    int64_t now_ms, struct err_note *note)
{
	char own[DOMAIN_KEY_ID_SIZE];

	if (has_id(&k->current, id)) {
		return retire_the_current(data_dir, k, now_ms, note);
	}
	if (has_id(&k->next, id)) {
		domain_key_free(&k->next);
		return keyfile_remove(data_dir, NEXT, note);
	}
	for (unsigned i = 0; i < k->n_retired; i++) {
		domain_key_id(slice_str(k->retired[i].json), own);
		if (slice_eq(id, slice_str(own))) {
			drop(k, i);
			return write_retired(data_dir, k, note);
		}
	}
	return err_note_set(note, ERR_NOT_FOUND, "there is no key %.*s", SLICE_ARG(id));
}
