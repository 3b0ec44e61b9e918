/*
 * Records in the order of the file; a look-up goes through all of them.
 */
#include "services/symbols/sym_slow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORDS_MAX = 8192 /* of a line */
};

struct slow_func {
	uint64_t start, end;
	const char *name;
	size_t first, n; /* its records */
	bool is_public, is_dropped;
};

struct slow_record {
	bool is_line;
	unsigned long depth, line, file, origin;
	bool has_file;
	uint64_t *start, *end;
	size_t n_ranges;
	bool is_dropped;
};

struct slow_name {
	bool is_origin;
	unsigned long id;
	const char *name;
};

struct slow_sym {
	char *text;
	struct slow_func *funcs;
	struct slow_record *records;
	struct slow_name *names;
	uint64_t *pool; /* that ranges are taken from */
	size_t n_funcs, n_records, n_names, n_pool;
	long depth;
	bool in_func;
};

/* The next word of a line, NULL at its end. */
static char *word(char **rest)
{
	*rest += strspn(*rest, " ");
	if (**rest == '\0') {
		return NULL;
	}
	char *start = *rest;
	*rest += strcspn(*rest, " ");
	if (**rest == ' ') {
		*(*rest)++ = '\0';
	}
	*rest += strspn(*rest, " ");
	return start;
}

static bool number(char **rest, int base, uint64_t *ret)
{
	char *text = word(rest), *end = NULL;

	if (text == NULL) {
		return false;
	}
	*ret = strtoull(text, &end, base);
	return *end == '\0';
}

static void take_name(struct slow_sym *s, char *rest, bool is_origin)
{
	uint64_t id;

	if (number(&rest, 10, &id)) {
		s->names[s->n_names++] = (struct slow_name){ is_origin, id, rest };
	}
}

static void take_func(struct slow_sym *s, char *rest, bool is_public)
{
	struct slow_func *f = &s->funcs[s->n_funcs];
	uint64_t size = 0, params;

	s->in_func = false;
	if (strncmp(rest, "m ", 2) == 0) {
		rest += 2;
	}
	if (!number(&rest, 16, &f->start) || (!is_public && !number(&rest, 16, &size)) ||
	    !number(&rest, 16, &params)) {
		return;
	}
	f->end = f->start + size;
	f->name = *rest == '\0' ? "<unknown>" : rest;
	f->first = s->n_records;
	f->is_public = is_public;
	s->n_funcs++;
	s->in_func = !is_public;
	s->depth = -1;
}

static struct slow_record *add_record(struct slow_sym *s, size_t n_ranges)
{
	struct slow_record *r = &s->records[s->n_records++];

	r->n_ranges = n_ranges;
	r->start = s->pool + s->n_pool;
	r->end = r->start + n_ranges;
	s->n_pool += 2 * n_ranges;
	s->funcs[s->n_funcs - 1].n++;
	return r;
}

static void take_line(struct slow_sym *s, char *rest)
{
	uint64_t start, size, line, file;

	if (!s->in_func || !number(&rest, 16, &start) || !number(&rest, 16, &size) ||
	    !number(&rest, 10, &line) || !number(&rest, 10, &file) || size == 0) {
		return;
	}
	struct slow_record *r = add_record(s, 1);
	r->is_line = r->has_file = true;
	r->line = line;
	r->file = file;
	r->start[0] = start;
	r->end[0] = start + size;
}

static void take_inline(struct slow_sym *s, char *rest)
{
	static uint64_t n[WORDS_MAX];
	static char *words[WORDS_MAX];
	size_t count = 0;

	while ((words[count] = word(&rest)) != NULL) {
		count++;
		assert(count < WORDS_MAX);
	}
	size_t fixed = count % 2 == 0 ? 4 : 3;
	for (size_t i = 0; i < count; i++) {
		n[i] = strtoull(words[i], NULL, i < fixed ? 10 : 16);
	}
	if (!s->in_func || count <= fixed || (long)n[0] > s->depth + 1) {
		return;
	}
	struct slow_record *r = add_record(s, (count - fixed) / 2);
	s->depth = (long)n[0];
	r->depth = n[0];
	r->line = n[1];
	r->has_file = fixed == 4;
	r->file = fixed == 4 ? n[2] : 0;
	r->origin = n[fixed - 1];
	for (size_t i = 0; i < r->n_ranges; i++) {
		r->start[i] = n[fixed + 2 * i];
		r->end[i] = r->start[i] + n[fixed + 2 * i + 1];
	}
}

static void take(struct slow_sym *s, char *line)
{
	char *rest = line;

	if (strncmp(line, "FUNC ", 5) == 0 || strncmp(line, "PUBLIC ", 7) == 0) {
		rest += strcspn(rest, " ") + 1;
		take_func(s, rest, line[0] == 'P');
	} else if (strncmp(line, "FILE ", 5) == 0) {
		take_name(s, rest + 5, false);
	} else if (strncmp(line, "INLINE_ORIGIN ", 14) == 0) {
		take_name(s, rest + 14, true);
	} else if (strncmp(line, "INLINE ", 7) == 0) {
		take_inline(s, rest + 7);
	} else if (strncmp(line, "MODULE ", 7) != 0 && strncmp(line, "INFO ", 5) != 0 &&
		   strncmp(line, "STACK ", 6) != 0) {
		take_line(s, rest);
	}
}

static bool ranges_meet(uint64_t a, uint64_t a_end, uint64_t b, uint64_t b_end)
{
	return a < b_end && b < a_end;
}

/* Of a function's lines, too; what lies outside of the function is as if it were not there. */
static void drop_lines(struct slow_sym *s, const struct slow_func *f)
{
	for (size_t a = f->first; a < f->first + f->n; a++) {
		struct slow_record *r = &s->records[a];
		if (!r->is_line) {
			continue;
		}
		r->start[0] = r->start[0] < f->start ? f->start : r->start[0];
		r->end[0] = r->end[0] > f->end ? f->end : r->end[0];
		r->is_dropped = r->start[0] >= r->end[0];
		for (size_t b = f->first; b < a && !r->is_dropped; b++) {
			const struct slow_record *q = &s->records[b];
			r->is_dropped = q->is_line && !q->is_dropped &&
					ranges_meet(r->start[0], r->end[0], q->start[0], q->end[0]);
		}
	}
}

/* What overlaps something before it is dropped. */
static void drop_overlaps(struct slow_sym *s)
{
	for (size_t i = 0; i < s->n_funcs; i++) {
		struct slow_func *f = &s->funcs[i];
		f->is_dropped = !f->is_public && f->start == f->end;
		for (size_t k = 0; k < i && !f->is_public && !f->is_dropped; k++) {
			const struct slow_func *g = &s->funcs[k];
			f->is_dropped = !g->is_public && !g->is_dropped &&
					ranges_meet(f->start, f->end, g->start, g->end);
		}
		drop_lines(s, f);
	}
}

struct slow_sym *slow_sym_new(const char *text, size_t len)
{
	struct slow_sym *s = calloc(1, sizeof(*s));
	size_t lines = 2, words = 2;

	for (size_t i = 0; i < len; i++) {
		lines += text[i] == '\n';
		words += text[i] == ' ' || text[i] == '\n';
	}
	assert(s != NULL);
	s->text = calloc(1, len + 1);
	s->funcs = calloc(lines, sizeof(*s->funcs));
	s->records = calloc(lines, sizeof(*s->records));
	s->names = calloc(lines, sizeof(*s->names));
	s->pool = calloc(2 * words, sizeof(*s->pool));
	assert(s->pool != NULL && s->text != NULL && s->funcs != NULL && s->records != NULL &&
	       s->names != NULL);
	memcpy(s->text, text, len);
	for (char *line = s->text, *next; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL) {
			*next++ = '\0';
		}
		line[strcspn(line, "\r")] = '\0';
		take(s, line);
	}
	drop_overlaps(s);
	return s;
}

void slow_sym_free(struct slow_sym *s)
{
	free(s->text);
	free(s->funcs);
	free(s->records);
	free(s->names);
	free(s->pool);
	free(s);
}

static const char *name_of(const struct slow_sym *s, bool is_origin, unsigned long id)
{
	for (size_t i = 0; i < s->n_names; i++) {
		if (s->names[i].is_origin == is_origin && s->names[i].id == id) {
			return s->names[i].name;
		}
	}
	return NULL;
}

static bool holds(const struct slow_record *r, uint64_t at)
{
	for (size_t i = 0; i < r->n_ranges; i++) {
		if (r->start[i] <= at && at < r->end[i]) {
			return true;
		}
	}
	return false;
}

static const struct slow_record *find_record(const struct slow_sym *s, const struct slow_func *f,
    bool is_line, unsigned long depth, uint64_t at)
{
	for (size_t i = f->first; i < f->first + f->n; i++) {
		const struct slow_record *r = &s->records[i];
		if (r->is_line == is_line && !r->is_dropped && (is_line || r->depth == depth) &&
		    holds(r, at)) {
			return r;
		}
	}
	return NULL;
}

static void set_place(const struct slow_sym *s, struct slow_call *c, const struct slow_record *r)
{
	c->file = r == NULL || !r->has_file ? NULL : name_of(s, false, r->file);
	c->line = c->file == NULL ? 0 : (uint32_t)r->line;
}

static void in_func(
    const struct slow_sym *s, const struct slow_func *f, uint64_t at, struct slow_found *ret)
{
	const struct slow_record *r;
	size_t n = 0;

	ret->calls[0].function = f->name;
	while (n < SLOW_CALLS_MAX - 1 && (r = find_record(s, f, false, n, at)) != NULL) {
		set_place(s, &ret->calls[n], r);
		ret->calls[++n].function = name_of(s, true, r->origin);
	}
	set_place(s, &ret->calls[n], find_record(s, f, true, 0, at));
	ret->n_calls = n + 1;
	ret->start = f->start;
	ret->size = f->end - f->start;
}

void slow_sym_find(const struct slow_sym *s, uint64_t at, struct slow_found *ret)
{
	const struct slow_func *before = NULL, *symbol = NULL;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < s->n_funcs; i++) {
		const struct slow_func *f = &s->funcs[i];
		if (f->is_dropped || f->start > at) {
			continue;
		}
		if (f->is_public) {
			symbol = f->start != 0 && (symbol == NULL || f->start > symbol->start)
				     ? f
				     : symbol;
		} else {
			before = before == NULL || f->start > before->start ? f : before;
		}
	}
	if (before != NULL && at < before->end) {
		in_func(s, before, at, ret);
	} else if (symbol != NULL && (before == NULL || symbol->start > before->start)) {
		ret->calls[0].function = symbol->name;
		ret->n_calls = 1;
		ret->start = symbol->start;
	}
}

size_t slow_sym_edges(const struct slow_sym *s, uint64_t *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_funcs && n + 2 < max; i++) {
		out[n++] = s->funcs[i].start;
		out[n++] = s->funcs[i].end;
	}
	for (size_t i = 0; i < s->n_records; i++) {
		for (size_t k = 0; k < s->records[i].n_ranges && n + 2 < max; k++) {
			out[n++] = s->records[i].start[k];
			out[n++] = s->records[i].end[k];
		}
	}
	return n;
}
