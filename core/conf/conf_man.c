/*
 * The table of keys as a manual page, plimsoll.ini(5), in mdoc(7). Made from the same rows as the
 * reference page, and checked against the file in doc/man by `make check`.
 */
#include "core/conf/conf.h"

#include "core/conf/conf_priv.h"

enum {
	LINE_BYTES = 78
};

/* A word at the column of its line; a new line when it does not fit. */
static void put_word(struct buf *out, struct slice word, size_t *column)
{
	if (*column > 0 && *column + 1 + word.len > LINE_BYTES) {
		buf_append_str(out, "\n");
		*column = 0;
	} else if (*column > 0) {
		buf_append_str(out, " ");
		*column += 1;
	}
	/* To roff a dot or quote in front is a request, and a backslash an escape. */
	if (*column == 0 && word.len > 0 && (word.ptr[0] == '.' || word.ptr[0] == '\'')) {
		buf_append_str(out, "\\&");
	}
	for (size_t i = 0; i < word.len; i++) {
		struct slice one = slice_sub(word, i, i + 1);
		buf_append_slice(out, word.ptr[i] == '\\' ? SLICE("\\e") : one);
	}
	*column += word.len;
}

/* Text in lines that are not too long, with a new one behind each sentence, as mdoc wants it. */
static void put_text(struct buf *out, struct slice text)
{
	size_t column = 0;

	for (struct slice word, rest = text; slice_split(&rest, ' ', &word);) {
		put_word(out, word, &column);
		if (slice_ends(word, SLICE(".")) && rest.ptr != NULL) {
			buf_append_str(out, "\n");
			column = 0;
		}
	}
	buf_append_str(out, "\n");
}

/* "Allowed: ... . Default: ... ." */
static void put_values(struct buf *out, const struct conf_key *key)
{
	struct buf allowed = buf_new(CONF_VALUE_BYTES), line = buf_new(CONF_VALUE_BYTES * 2);
	bool has_default = key->def != NULL && key->def[0] != '\0';

	conf_value_allowed(key, &allowed);
	buf_append_str(&line, "Allowed: ");
	for (struct slice piece, rest = buf_slice(&allowed); slice_split(&rest, '|', &piece);) {
		buf_append_slice(&line, piece);
		buf_append_str(&line, rest.ptr == NULL ? "" : ", ");
	}
	buf_printf(&line, ". Default: %s.", has_default ? key->def : "empty");
	put_text(out, buf_slice(&line));
	buf_free(&line);
	buf_free(&allowed);
}

static void put_env(struct buf *out, const struct conf_key *key)
{
	if (key->env == NULL) {
		return;
	}
	for (struct slice piece, rest = slice_str(key->env); slice_split(&rest, '|', &piece);) {
		for (struct slice one; slice_split(&piece, '+', &one);) {
			buf_printf(out, "Environment:\n.Ev %.*s .\n",
			    SLICE_ARG(slice_sub(one, 0, slice_find(one, ':', 0))));
		}
	}
}

static void put_key(struct buf *out, const struct conf_key *key)
{
	bool has_unit = key->unit != NULL;

	buf_printf(out, ".It Ic %s No = Ar %s%s%s\n", key->name, conf_type_name(key->type),
	    has_unit ? " Pq " : "", has_unit ? key->unit : "");
	put_text(out, slice_str(key->help));
	put_values(out, key);
	buf_append_str(out, key->reloadable ? "Reloadable.\n" : "");
	buf_append_str(out, key->secret ? "Secret: never printed.\n" : "");
	put_env(out, key);
}

void conf_print_man(const struct conf_table *tables, size_t n, struct buf *out)
{
	const char *section = NULL;

	for (size_t t = 0; t < n; t++) {
		for (size_t k = 0; k < tables[t].n; k++) {
			const struct conf_key *key = &tables[t].keys[k];
			if (section == NULL || strcmp(section, key->section) != 0) {
				buf_printf(out, "%s.Ss Section %s\n.Bl -tag -width Ds\n",
				    section == NULL ? "" : ".El\n", key->section);
				section = key->section;
			}
			put_key(out, key);
		}
	}
	buf_append_str(out, section == NULL ? "" : ".El\n");
}
