/*
 * Reading configuration files. inih takes the lines apart; our reader in front of it counts lines,
 * joins nothing (an indented line is a line of its own) and reports what inih would pass over in
 * silence, so that every problem of a file is told at once and with its place.
 */
#include "core/conf/conf.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>

#include "core/base/check.h"
#include "core/conf/conf_priv.h"

struct load {
	struct conf *conf;
	struct buf *problems;
	const char *path;
	FILE *file;
	int line;
	bool failed;
};

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein distance of two short words; words beyond 40 letters are cut. */
static unsigned distance(struct slice a, struct slice b)
{
	unsigned row[41];

	a = slice_sub(a, 0, 40);
	b = slice_sub(b, 0, 40);
	for (unsigned j = 0; j <= b.len; j++) {
		row[j] = j;
	}
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			unsigned above = row[j];
			unsigned change = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
			row[j] = min3(above + 1, row[j - 1] + 1, change);
			diagonal = above;
		}
	}
	return row[b.len];
}

/* The known key that looks most like the unknown one; a wrong section counts like two letters. */
static const struct conf_key *nearest_key(
    const struct conf *c, struct slice section, struct slice name)
{
	const struct conf_key *best = NULL;
	unsigned least = 5 + (unsigned)name.len / 4;

	for (size_t i = 0; i < c->n; i++) {
		const struct conf_key *key = c->entries[i].key;
		unsigned d = distance(name, slice_str(key->name)) +
			     (slice_eq(section, slice_str(key->section)) ? 0 : 2);
		if (d < least) {
			least = d;
			best = key;
		}
	}
	return best;
}

static bool section_exists(const struct conf *c, struct slice section)
{
	for (size_t i = 0; i < c->n; i++) {
		if (slice_eq(section, slice_str(c->entries[i].key->section))) {
			return true;
		}
	}
	return false;
}

static void report_unknown(const struct conf *c, const char *origin, struct slice section,
    struct slice name, struct buf *problems)
{
	const struct conf_key *nearest = nearest_key(c, section, name);

	buf_printf(problems, "%s: [%.*s] %.*s: unknown %s", origin, SLICE_ARG(section),
	    SLICE_ARG(name), section_exists(c, section) ? "key" : "section");
	if (nearest != NULL) {
		buf_printf(problems, "; did you mean [%s] %s?", nearest->section, nearest->name);
	} else {
		buf_append_str(problems, "; `plimsoll config` lists the known keys");
	}
	buf_append_char(problems, '\n');
}

enum err conf_set(struct conf *c, const char *origin, struct slice section, struct slice name,
    struct slice value, struct buf *problems)
{
	struct conf_entry *entry = conf_entry_find(c, section, name);
	struct buf why = buf_new(2 * CONF_VALUE_BYTES);
	int64_t number = 0;

	if (entry == NULL) {
		report_unknown(c, origin, section, name, problems);
		return ERR_CONFIG;
	}
	enum err e = conf_value_parse(entry->key, value, &number, &why);
	if (e == ERR_OK) {
		e = conf_entry_set(entry, value, number, origin);
	} else {
		buf_printf(problems, "%s: [%s] %s: %.*s\n", origin, entry->key->section,
		    entry->key->name, SLICE_ARG(buf_slice(&why)));
		e = ERR_CONFIG;
	}
	buf_free(&why);
	return e;
}

static void report_line(struct load *l, const char *what)
{
	buf_printf(l->problems, "%s:%d: %s\n", l->path, l->line, what);
	l->failed = true;
}

/* What is wrong with the form of a line, or NULL. */
static const char *line_fault(struct slice line)
{
	if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';') {
		return NULL;
	}
	if (line.ptr[0] == '[') {
		return slice_find(line, ']', 0) == line.len ? "a section must look like [name]"
							    : NULL;
	}
	if (slice_find(line, '=', 0) == line.len || line.ptr[0] == '=') {
		return "a line must look like key = value, [section] or # comment";
	}
	return NULL;
}

/* ini_reader: the next line without indentation into str (num bytes), or NULL at the end. */
static char *read_line(char *str, int num, void *stream)
{
	struct load *l = stream;
	size_t room = (size_t)num;

	if (fgets(str, num, l->file) == NULL) {
		return NULL;
	}
	l->line++;
	size_t len = strlen(str);
	if (len + 1 == room && str[len - 1] != '\n') {
		int c;
		report_line(l, "the line is too long; at most 198 characters");
		while ((c = fgetc(l->file)) != EOF && c != '\n') {
		}
		str[0] = '\0';
		return str;
	}
	struct slice line = slice_trim(SLICE_OF(str, strcspn(str, "\r\n")));
	const char *fault = line_fault(line);
	if (fault != NULL) {
		report_line(l, fault);
		line = SLICE_EMPTY;
	}
	memmove(str, line.ptr, line.len);
	str[line.len] = '\0';
	return str;
}

/* A list that an earlier line of the file has begun goes on; a line has room for few paths. */
static bool goes_on(const struct load *l, const struct conf_entry *e)
{
	size_t len = strlen(l->path);

	return e != NULL && e->key->list && e->origin != NULL &&
	       strncmp(e->origin, l->path, len) == 0 && e->origin[len] == ':';
}

static int take_value(void *user, const char *section, const char *name, const char *value)
{
	struct load *l = user;
	const struct conf_entry *e = conf_entry_find(l->conf, slice_str(section), slice_str(name));
	struct buf text = buf_new(2 * CONF_VALUE_BYTES);
	char origin[512];

	snprintf(origin, sizeof(origin), "%s:%d", l->path, l->line);
	if (goes_on(l, e)) {
		buf_printf(&text, "%s, ", e->text);
	}
	buf_append_str(&text, value);
	if (conf_set(l->conf, origin, slice_str(section), slice_str(name), buf_slice(&text),
		l->problems) != ERR_OK) {
		l->failed = true;
	}
	buf_free(&text);
	return 1;
}

enum err conf_load(struct conf *c, const char *path, struct buf *problems)
{
	struct load l = { .conf = c, .problems = problems, .path = path };

	l.file = fopen(path, "re");
	if (l.file == NULL) {
		buf_printf(problems, "%s: cannot be read: %s\n", path, strerror(errno));
		return err_from_errno(errno);
	}
	int result = ini_parse_stream(read_line, &l, take_value, &l);
	bool io_failed = ferror(l.file) != 0;
	fclose(l.file);
	if (io_failed) {
		buf_printf(problems, "%s: cannot be read to its end\n", path);
		return ERR_IO;
	}
	return l.failed || result != 0 ? ERR_CONFIG : ERR_OK;
}
