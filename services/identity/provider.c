/*
 * Providers from the configuration. A document is a support document as /.well-known/browserid
 * serves it (persona.md 4.8): disabled, or a delegation to another domain, or key and two paths.
 */
#include "services/identity/provider.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/json.h"
#include "services/identity/param_type.h"
#include "services/identity/pubkey.h"

enum {
	FILE_MAX = 64 * 1024,
	ARENA_MAX = 1024 * 1024,
	PATH_SIZE = 1024
};

static const char nobody[] = "this server looks up no other identity providers";
static const char disabled[] = "the domain has switched its identity provider off";
static const char too_long[] = "too many delegations, or they lead in a circle";

enum entry_kind {
	ENTRY_KEY,
	ENTRY_AUTHORITY, /* another domain speaks for it */
	ENTRY_DISABLED
};

struct entry {
	enum entry_kind kind;
	struct slice domain, authority;
	struct provider provider;
};

struct providers {
	struct arena arena;
	struct entry entries[PROVIDERS_MAX];
	unsigned n;
};

static struct entry *add(struct providers *p, struct slice domain)
{
	struct slice copy;

	if (p->n == PROVIDERS_MAX || arena_copy(&p->arena, domain, &copy) != ERR_OK) {
		return NULL;
	}
	struct entry *e = &p->entries[p->n++];
	*e = (struct entry){ .domain = copy };
	e->provider.domain = copy;
	return e;
}

/* ---- shimmed_primaries: domain|origin|path, ... ---- */

static enum err read_file(
    struct providers *p, struct slice path, struct slice *ret, struct err_note *note)
{
	char name[PATH_SIZE];
	char *text = arena_alloc(&p->arena, FILE_MAX);
	enum err e = text == NULL ? ERR_MEMORY : slice_to_cstr(path, name, sizeof(name));

	if (e != ERR_OK) {
		return e;
	}
	FILE *f = fopen(name, "re");
	if (f == NULL) {
		return err_note_set(note, ERR_CONFIG,
		    "[identity] shimmed_primaries, proxy_idps: %s: %s", name, strerror(errno));
	}
	size_t n = fread(text, 1, FILE_MAX, f);
	bool failed = ferror(f) != 0 || n == FILE_MAX;
	(void)fclose(f);
	if (failed) {
		return err_note_set(note, ERR_CONFIG,
		    "[identity] shimmed_primaries, proxy_idps: %s: cannot be read, or is longer "
		    "than %d bytes",
		    name, FILE_MAX);
	}
	*ret = SLICE_OF(text, n);
	return ERR_OK;
}

static bool put_url(struct providers *p, const struct json *document, const char *member,
    struct slice origin, struct slice *ret)
{
	struct slice path;

	if (!json_get_string(json_member(document, member), &path) ||
	    !slice_starts(path, SLICE("/"))) {
		return false;
	}
	*ret = slice_str(arena_printf(&p->arena, "%.*s%.*s", SLICE_ARG(origin), SLICE_ARG(path)));
	return ret->len > 0;
}

/* The key's text in the form that verifying reads (its members are strings); checked once here. */
static bool put_key(struct providers *p, const struct json *document, struct slice *ret)
{
	struct pubkey key = { .verifier = NULL };
	struct buf text = buf_new(FILE_MAX);
	struct json_writer w = json_writer_new(&text);
	const struct json *v = json_member(document, "public-key"), *value;
	struct slice name, member;
	void *cursor = NULL;
	bool good = v != NULL && pubkey_parse(v, &key, NULL) == ERR_OK;

	json_begin_object(&w);
	while (good && json_next(v, &cursor, &name, &value)) {
		if (json_get_string(value, &member)) {
			json_put_name(&w, name);
			json_put_string(&w, member);
		}
	}
	json_end_object(&w);
	good = good && !text.failed && arena_copy(&p->arena, buf_slice(&text), ret) == ERR_OK;
	pubkey_free(&key);
	buf_free(&text);
	return good;
}

/* False: the document is none. */
static bool take_document(
    struct providers *p, struct entry *e, const struct json *document, struct slice origin)
{
	bool is_disabled = false;

	if (json_get_bool(json_member(document, "disabled"), &is_disabled) && is_disabled) {
		e->kind = ENTRY_DISABLED;
		return true;
	}
	if (json_get_string(json_member(document, "authority"), &e->authority)) {
		e->kind = ENTRY_AUTHORITY;
		return is_hostname(e->authority);
	}
	e->kind = ENTRY_KEY;
	return put_url(p, document, "authentication", origin, &e->provider.auth_url) &&
	       put_url(p, document, "provisioning", origin, &e->provider.prov_url) &&
	       put_key(p, document, &e->provider.key_json);
}

static enum err add_shimmed(struct providers *p, struct slice row, struct err_note *note)
{
	struct slice rest = row, domain, origin, path, text;
	const struct json *document = NULL;

	if (!slice_split(&rest, '|', &domain) || !slice_split(&rest, '|', &origin) ||
	    !slice_split(&rest, '|', &path) || !is_hostname(domain) || !is_origin(origin)) {
		return err_note_set(note, ERR_CONFIG,
		    "[identity] shimmed_primaries: \"%.*s\" is not domain|origin|path-to-document",
		    SLICE_ARG(row));
	}
	struct entry *entry = add(p, domain);
	if (entry == NULL) {
		return err_note_set(note, ERR_CONFIG, "[identity] shimmed_primaries: too many");
	}
	enum err e = read_file(p, path, &text, note);
	if (e != ERR_OK) {
		return e;
	}
	if (json_parse(&p->arena, text, &document, NULL) != ERR_OK ||
	    json_kind(document) != JSON_KIND_OBJECT || !take_document(p, entry, document, origin)) {
		return err_note_set(note, ERR_CONFIG,
		    "[identity] shimmed_primaries: %.*s is no support document: it needs "
		    "public-key, authentication and provisioning, or authority, or disabled",
		    SLICE_ARG(path));
	}
	return ERR_OK;
}

/* ---- proxy_idps: domain=host, ... ---- */

static enum err add_proxied(struct providers *p, struct slice row, struct err_note *note)
{
	size_t equals = slice_find(row, '=', 0);
	struct slice domain = slice_trim(slice_sub(row, 0, equals));
	struct slice host = slice_trim(slice_sub(row, equals + 1, row.len));

	if (!is_hostname(domain) || !is_hostname(host)) {
		return err_note_set(note, ERR_CONFIG,
		    "[identity] proxy_idps: \"%.*s\" is not domain=host", SLICE_ARG(row));
	}
	struct entry *entry = add(p, domain);
	if (entry == NULL || arena_copy(&p->arena, host, &entry->authority) != ERR_OK) {
		return err_note_set(note, ERR_CONFIG, "[identity] proxy_idps: too many");
	}
	entry->kind = ENTRY_AUTHORITY;
	return ERR_OK;
}

/* Rows with commas between; "@FILE": rows of a file, one a line, for lists that need more room. */
static enum err each(struct providers *p, const char *list,
    enum err (*fn)(struct providers *p, struct slice row, struct err_note *note),
    struct err_note *note)
{
	struct slice rest = slice_str(list), row;
	char separator = ',';
	enum err e = ERR_OK;

	if (slice_starts(rest, SLICE("@"))) {
		separator = '\n';
		e = read_file(p, slice_sub(rest, 1, rest.len), &rest, note);
	}
	while (e == ERR_OK && slice_split(&rest, separator, &row)) {
		row = slice_trim(row);
		e = row.len > 0 ? fn(p, row, note) : ERR_OK;
	}
	return e;
}

enum err providers_load(const struct conf *conf, struct providers **ret, struct err_note *note)
{
	struct providers *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		return ERR_MEMORY;
	}
	p->arena = arena_new(ARENA_MAX + (size_t)PROVIDERS_MAX * FILE_MAX);
	/* Those in files first: a domain of both speaks for itself. */
	enum err e = each(p, conf_str(conf, "identity", "shimmed_primaries"), add_shimmed, note);
	if (e == ERR_OK) {
		e = each(p, conf_str(conf, "identity", "proxy_idps"), add_proxied, note);
	}
	if (e != ERR_OK) {
		providers_free(&p);
		return e;
	}
	*ret = p;
	return ERR_OK;
}

void providers_free(struct providers **p)
{
	if (*p != NULL) {
		arena_reset(&(*p)->arena);
		free(*p);
		*p = NULL;
	}
}

static const struct entry *find(const struct providers *p, struct slice domain)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (slice_eq_nocase(p->entries[i].domain, domain)) {
			return &p->entries[i];
		}
	}
	return NULL;
}

bool provider_is_disabled(const struct providers *p, struct slice domain)
{
	struct provider unused;
	const char *why = NULL;

	return !provider_find(p, domain, &unused, &why) && why == disabled;
}

bool provider_find(
    const struct providers *p, struct slice domain, struct provider *ret, const char **ret_why)
{
	for (unsigned i = 0; i < PROVIDER_CHAIN_MAX; i++) {
		const struct entry *e = find(p, domain);

		if (e == NULL || e->kind == ENTRY_DISABLED) {
			*ret_why = e == NULL ? nobody : disabled;
			return false;
		}
		if (e->kind == ENTRY_KEY) {
			*ret = e->provider;
			return true;
		}
		domain = e->authority;
	}
	*ret_why = too_long;
	return false;
}
