/*
 * Providers from the configuration.
 */
#include "services/identity/provider.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "services/identity/param_type.h"

enum {
	FILE_MAX = 64 * 1024,
	ARENA_MAX = 1024 * 1024,
	PATH_SIZE = 1024
};

struct entry {
	struct slice domain;
	bool is_shim;
	struct support_document document; /* a shim's */
	struct slice origin;		  /* a shim's */
	struct slice bridge;		  /* host, of one that is no shim */
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

static enum err add_shimmed(struct providers *p, struct slice row, struct err_note *note)
{
	struct slice rest = row, domain, origin, path, text;

	if (!slice_split(&rest, '|', &domain) || !slice_split(&rest, '|', &origin) ||
	    !slice_split(&rest, '|', &path) || !hostname_is_valid(domain) || !is_origin(origin)) {
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
	entry->is_shim = true;
	if (arena_copy(&p->arena, origin, &entry->origin) != ERR_OK ||
	    support_document_parse(&p->arena, text, &entry->document) != ERR_OK) {
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

	if (!hostname_is_valid(domain) || !hostname_is_valid(host)) {
		return err_note_set(note, ERR_CONFIG,
		    "[identity] proxy_idps: \"%.*s\" is not domain=host", SLICE_ARG(row));
	}
	struct entry *entry = add(p, domain);
	if (entry == NULL || host_key(&p->arena, host, &entry->bridge) != ERR_OK) {
		return err_note_set(note, ERR_CONFIG, "[identity] proxy_idps: too many");
	}
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

static const struct entry *find(const struct providers *p, struct slice domain, bool is_shim)
{
	for (unsigned i = 0; i < p->n; i++) {
		const struct entry *e = &p->entries[i];
		if (e->is_shim == is_shim && slice_eq_nocase(e->domain, domain)) {
			return e;
		}
	}
	return NULL;
}

bool providers_shim(const struct providers *p, struct slice domain, struct support_document *ret,
    struct slice *ret_origin)
{
	const struct entry *e = find(p, domain, true);

	if (e != NULL) {
		*ret = e->document;
		*ret_origin = e->origin;
	}
	return e != NULL;
}

bool providers_bridge(const struct providers *p, struct slice domain, struct slice *ret_host)
{
	const struct entry *e = find(p, domain, false);

	if (e != NULL) {
		*ret_host = e->bridge;
	}
	return e != NULL;
}
