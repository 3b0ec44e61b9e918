/*
 * Configurations on their way out: for people (what is in effect and why), for the reference page,
 * and for the role processes (a copy without the secrets of others).
 */
#include "core/conf/conf.h"

#include "core/base/check.h"
#include "core/base/wire.h"
#include "core/conf/conf_priv.h"

static bool starts_section(const struct conf *c, size_t i)
{
	return i == 0 || strcmp(c->entries[i - 1].key->section, c->entries[i].key->section) != 0;
}

void conf_print(const struct conf *c, struct buf *out)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct conf_entry *e = &c->entries[i];
		if (starts_section(c, i)) {
			buf_printf(out, "%s[%s]\n", i == 0 ? "" : "\n", e->key->section);
		}
		bool hide = e->key->secret && e->text[0] != '\0';
		buf_printf(out, "%s = %s  # %s\n", e->key->name, hide ? "(hidden)" : e->text,
		    e->origin == NULL ? "default" : e->origin);
	}
}

/* " Environment: `A`, `B`." */
static void print_env(const struct conf_key *key, struct buf *out)
{
	const char *between = " Environment: ";

	if (key->env == NULL) {
		return;
	}
	for (struct slice piece, rest = slice_str(key->env); slice_split(&rest, '|', &piece);) {
		for (struct slice one; slice_split(&piece, '+', &one);) {
			struct slice name = slice_sub(one, 0, slice_find(one, ':', 0));
			buf_printf(out, "%s`%.*s`", between, SLICE_ARG(name));
			between = ", ";
		}
	}
	buf_append_str(out, ".");
}

static void print_row(const struct conf_key *key, struct buf *out)
{
	buf_printf(out, "| `%s` | %s%s%s%s | `%s` | ", key->name, conf_type_name(key->type),
	    key->unit != NULL ? " (" : "", key->unit != NULL ? key->unit : "",
	    key->unit != NULL ? ")" : "", key->def == NULL ? "" : key->def);
	struct buf allowed = buf_new(CONF_VALUE_BYTES);
	conf_value_allowed(key, &allowed);
	for (struct slice piece, rest = buf_slice(&allowed); slice_split(&rest, '|', &piece);) {
		buf_append_slice(out, piece);
		buf_append_str(out, rest.ptr == NULL ? "" : ", ");
	}
	buf_free(&allowed);
	buf_printf(out, " | %s%s%s", key->help, key->reloadable ? " Reloadable." : "",
	    key->secret ? " Secret." : "");
	print_env(key, out);
	buf_append_str(out, " |\n");
}

void conf_print_reference(const struct conf_table *tables, size_t n, struct buf *out)
{
	const char *section = "";

	for (size_t t = 0; t < n; t++) {
		for (size_t k = 0; k < tables[t].n; k++) {
			const struct conf_key *key = &tables[t].keys[k];
			if (strcmp(section, key->section) != 0) {
				section = key->section;
				buf_printf(out,
				    "\n## [%s]\n\n| key | type | default | allowed | what it does |\n"
				    "|---|---|---|---|---|\n",
				    section);
			}
			print_row(key, out);
		}
	}
}

void conf_export(const struct conf *c, enum role_id role, struct buf *out)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct conf_entry *e = &c->entries[i];
		bool foreign = e->key->secret && (e->key->roles & ROLE_BIT(role)) == 0;
		if (e->origin == NULL || foreign) {
			continue;
		}
		wire_put_bytes(out, slice_str(e->key->section));
		wire_put_bytes(out, slice_str(e->key->name));
		wire_put_bytes(out, slice_str(e->text));
		wire_put_bytes(out, slice_str(e->origin));
	}
}

enum err conf_import(struct conf *c, struct slice exported)
{
	struct wire_reader r = wire_reader_new(exported);
	struct buf why = buf_new(CONF_VALUE_BYTES);
	enum err e = ERR_OK;

	while (e == ERR_OK && r.rest.len > 0 && !r.bad) {
		struct slice section = wire_take_bytes(&r);
		struct slice name = wire_take_bytes(&r);
		struct slice text = wire_take_bytes(&r);
		struct slice origin = wire_take_bytes(&r);
		struct conf_entry *entry = conf_entry_find(c, section, name);
		int64_t number = 0;
		char origin_text[512];
		if (r.bad || entry == NULL ||
		    slice_to_cstr(origin, origin_text, sizeof(origin_text)) != ERR_OK) {
			e = ERR_CORRUPT;
			break;
		}
		e = conf_value_parse(entry->key, text, &number, &why);
		if (e == ERR_OK) {
			e = conf_entry_set(entry, text, number, origin_text);
		}
	}
	buf_free(&why);
	return e == ERR_OK && !wire_done(&r) ? ERR_CORRUPT : e;
}

bool conf_needs_restart(const struct conf *now, const struct conf *next, struct buf *out)
{
	bool needed = false;

	CHECK(now->n == next->n);
	for (size_t i = 0; i < now->n; i++) {
		const struct conf_key *key = now->entries[i].key;
		if (!key->reloadable && strcmp(now->entries[i].text, next->entries[i].text) != 0) {
			buf_printf(out, "[%s] %s takes effect only after a restart\n", key->section,
			    key->name);
			needed = true;
		}
	}
	return needed;
}
