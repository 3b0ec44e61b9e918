/*
 * A configuration in memory: one entry per row of the tables, found by section and name. Look-ups
 * are linear: they happen at start and at a reload, never per request.
 */
#include "core/conf/conf.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/conf/conf_priv.h"

static char *copy_text(struct slice s)
{
	char *p = malloc(s.len + 1);

	if (p != NULL) {
		memcpy(p, s.ptr, s.len);
		p[s.len] = '\0';
	}
	return p;
}

enum err conf_entry_set(struct conf_entry *e, struct slice text, int64_t number, const char *origin)
{
	char *new_text = copy_text(text);
	char *new_origin = origin == NULL ? NULL : copy_text(slice_str(origin));

	if (new_text == NULL || (origin != NULL && new_origin == NULL)) {
		free(new_text);
		free(new_origin);
		return ERR_MEMORY;
	}
	free(e->text);
	free(e->origin);
	*e = (struct conf_entry){ e->key, new_text, number, new_origin };
	return ERR_OK;
}

struct conf_entry *conf_entry_find(const struct conf *c, struct slice section, struct slice name)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct conf_key *key = c->entries[i].key;
		if (slice_eq(slice_str(key->name), name) &&
		    slice_eq(slice_str(key->section), section)) {
			return &c->entries[i];
		}
	}
	return NULL;
}

/* Takes one row in with its default. A row that cannot be is a mistake in our own tables. */
static enum err add_key(struct conf *c, const struct conf_key *key)
{
	struct buf why = buf_new(CONF_VALUE_BYTES);
	struct slice def = slice_str(key->def);
	int64_t number = 0;

	CHECK(c->n < CONF_MAX_KEYS);
	CHECK(key->help != NULL && (key->type != CONF_ENUM || key->choices != NULL));
	CHECK(conf_entry_find(c, slice_str(key->section), slice_str(key->name)) == NULL);
	bool good = conf_value_parse(key, def, &number, &why) == ERR_OK;
	buf_free(&why);
	CHECK(good);
	c->entries[c->n] = (struct conf_entry){ .key = key };
	enum err e = conf_entry_set(&c->entries[c->n], def, number, NULL);
	c->n += e == ERR_OK;
	return e;
}

enum err conf_new(const struct conf_table *tables, size_t n, struct conf **ret)
{
	struct conf *c = calloc(1, sizeof(*c));
	enum err e = ERR_OK;

	if (c == NULL) {
		return ERR_MEMORY;
	}
	c->entries = calloc(CONF_MAX_KEYS, sizeof(*c->entries));
	if (c->entries == NULL) {
		conf_free(&c);
		return ERR_MEMORY;
	}
	for (size_t t = 0; t < n; t++) {
		for (size_t k = 0; e == ERR_OK && k < tables[t].n; k++) {
			e = add_key(c, &tables[t].keys[k]);
		}
	}
	if (e != ERR_OK) {
		conf_free(&c);
		return e;
	}
	*ret = c;
	return ERR_OK;
}

void conf_free(struct conf **c)
{
	if (*c == NULL) {
		return;
	}
	for (size_t i = 0; i < (*c)->n; i++) {
		struct conf_entry *e = &(*c)->entries[i];
		if (e->key->secret) {
			explicit_bzero(e->text, strlen(e->text));
		}
		free(e->text);
		free(e->origin);
	}
	free((*c)->entries);
	free(*c);
	*c = NULL;
}

static const struct conf_entry *must_find(
    const struct conf *c, const char *section, const char *name)
{
	const struct conf_entry *e = conf_entry_find(c, slice_str(section), slice_str(name));

	CHECK(e != NULL);
	return e;
}

bool conf_bool(const struct conf *c, const char *section, const char *name)
{
	const struct conf_entry *e = must_find(c, section, name);

	CHECK(e->key->type == CONF_BOOL);
	return e->number != 0;
}

int64_t conf_int(const struct conf *c, const char *section, const char *name)
{
	const struct conf_entry *e = must_find(c, section, name);

	CHECK(e->key->type == CONF_INT || e->key->type == CONF_SIZE);
	return e->number;
}

int64_t conf_ms(const struct conf *c, const char *section, const char *name)
{
	const struct conf_entry *e = must_find(c, section, name);

	CHECK(e->key->type == CONF_DURATION);
	return e->number;
}

const char *conf_str(const struct conf *c, const char *section, const char *name)
{
	const struct conf_entry *e = must_find(c, section, name);

	CHECK(e->key->type >= CONF_STRING);
	return e->text;
}

bool conf_is_set(const struct conf *c, const char *section, const char *name)
{
	return must_find(c, section, name)->origin != NULL;
}

enum err conf_copy_origin(struct conf *to, const struct conf *from, const char *origin)
{
	enum err e = ERR_OK;

	CHECK(to->n == from->n);
	for (size_t i = 0; e == ERR_OK && i < from->n; i++) {
		const struct conf_entry *given = &from->entries[i];
		if (given->origin != NULL && strcmp(given->origin, origin) == 0) {
			e = conf_entry_set(
			    &to->entries[i], slice_str(given->text), given->number, origin);
		}
	}
	return e;
}
