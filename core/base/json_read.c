/*
 * The JSON reader (RFC 8259, strict). A document is one copy of its text and one block of values
 * per array or object, all in the caller's arena: strings are slices of the copy, nothing is freed
 * one by one. The number of elements is known only at the closing bracket, so values wait on a
 * stack until then. Recursion is bounded by JSON_MAX_DEPTH.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/json_priv.h"

static enum err read_value(struct json_reader *r, struct json *ret);

enum err json_refuse(struct json_reader *r, const char *what)
{
	/* In words of our own: the input may be a password, and notes get logged. */
	return err_note_set(r->note, ERR_SYNTAX, "JSON at byte %zu: %s", (size_t)(r->at - r->text),
	    r->at >= r->end ? "ends too early" : what);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void skip_space(struct json_reader *r)
{
	while (is_space(*r->at)) {
		r->at++;
	}
}

/* Takes c, with white space on both sides. */
static bool take(struct json_reader *r, char c)
{
	skip_space(r);
	if (*r->at != c) {
		return false;
	}
	r->at++;
	skip_space(r);
	return true;
}

/* Twice the room. Values that do not fit the arena in the end need no room here either. */
static enum err grow(struct json_reader *r)
{
	size_t cap = r->cap_open * 2;
	bool on_heap = r->cap_open > JSON_FIRST_OPEN;

	if (cap > r->arena->max / sizeof(struct json)) {
		return ERR_MEMORY;
	}
	struct json *open = realloc(on_heap ? r->open : NULL, cap * sizeof(*open));
	if (open == NULL) {
		return ERR_MEMORY;
	}
	if (!on_heap) {
		memcpy(open, r->open, r->n_open * sizeof(*open));
	}
	r->open = open;
	r->cap_open = cap;
	return ERR_OK;
}

static enum err push(struct json_reader *r, const struct json *v)
{
	if (r->n_open == r->cap_open) {
		enum err e = grow(r);
		if (e != ERR_OK) {
			return e;
		}
	}
	r->open[r->n_open++] = *v;
	return ERR_OK;
}

/* A container of what was pushed since the stack held from values. */
static enum err close_container(
    struct json_reader *r, enum json_kind kind, size_t from, struct json *ret)
{
	size_t n_items = r->n_open - from;
	bool is_object = kind == JSON_KIND_OBJECT;
	size_t n = is_object ? n_items / 2 : n_items;
	size_t bytes = n_items * sizeof(struct json);

	*ret = (struct json){ .kind = kind, .len = (uint32_t)n, .items = NULL };
	if (n == 0) {
		return ERR_OK;
	}
	ret->items = arena_alloc(r->arena, bytes + (is_object ? json_index_bytes(n) : 0));
	if (ret->items == NULL) {
		return ERR_MEMORY;
	}
	memcpy(ret->items, r->open + from, bytes);
	r->n_open = from;
	return !is_object || json_seal_object(ret) ? ERR_OK : json_refuse(r, "a name occurs twice");
}

static enum err read_element(struct json_reader *r)
{
	struct json v;
	enum err e = read_value(r, &v);

	return e == ERR_OK ? push(r, &v) : e;
}

static enum err read_member(struct json_reader *r)
{
	struct json name;

	if (*r->at != '"') {
		return json_refuse(r, "no name of a member");
	}
	enum err e = json_read_string(r, &name);
	if (e != ERR_OK) {
		return e;
	}
	if (memchr(name.text, '\0', name.len) != NULL) {
		return json_refuse(r, "NUL in a name");
	}
	if (!take(r, ':')) {
		return json_refuse(r, "no colon behind a name");
	}
	e = push(r, &name);
	return e == ERR_OK ? read_element(r) : e;
}

/* Stands on the opening bracket. */
static enum err read_container(struct json_reader *r, enum json_kind kind, struct json *ret)
{
	bool is_object = kind == JSON_KIND_OBJECT;
	char closing = is_object ? '}' : ']';
	size_t from = r->n_open;

	if (r->depth == JSON_MAX_DEPTH) {
		return err_note_set(
		    r->note, ERR_LIMIT, "JSON is nested deeper than %d levels", JSON_MAX_DEPTH);
	}
	r->depth++;
	r->at++;
	skip_space(r);
	if (*r->at != closing) {
		do {
			enum err e = is_object ? read_member(r) : read_element(r);
			if (e != ERR_OK) {
				return e;
			}
		} while (take(r, ','));
	}
	if (*r->at != closing) {
		return json_refuse(r, "neither comma nor closing bracket");
	}
	enum err e = close_container(r, kind, from, ret);
	r->at++;
	r->depth--;
	return e;
}

static enum err read_word(
    struct json_reader *r, struct slice word, struct json value, struct json *ret)
{
	/* The zeros behind the text make the comparison safe. */
	if (memcmp(r->at, word.ptr, word.len) != 0) {
		return json_refuse(r, "no value");
	}
	r->at += word.len;
	*ret = value;
	return ERR_OK;
}

static enum err read_value(struct json_reader *r, struct json *ret)
{
	const struct json yes = { .kind = JSON_KIND_BOOL, .flag = true };
	const struct json no = { .kind = JSON_KIND_BOOL, .flag = false };
	const struct json null = { .kind = JSON_KIND_NULL };

	switch (*r->at) {
	case '"':
		return json_read_string(r, ret);
	case '{':
		return read_container(r, JSON_KIND_OBJECT, ret);
	case '[':
		return read_container(r, JSON_KIND_ARRAY, ret);
	case 't':
		return read_word(r, SLICE("true"), yes, ret);
	case 'f':
		return read_word(r, SLICE("false"), no, ret);
	case 'n':
		return read_word(r, SLICE("null"), null, ret);
	default:
		return json_read_number(r, ret);
	}
}

static enum err read_document(struct json_reader *r, struct json *ret)
{
	skip_space(r);
	enum err e = read_value(r, ret);

	if (e != ERR_OK) {
		return e;
	}
	skip_space(r);
	return r->at == r->end ? ERR_OK : json_refuse(r, "something follows the value");
}

enum err json_parse(
    struct arena *arena, struct slice text, const struct json **ret, struct err_note *note)
{
	struct json first[JSON_FIRST_OPEN];

	if (text.len > UINT32_MAX) {
		return err_note_set(note, ERR_LIMIT, "JSON of more than 4 GiB");
	}
	char *copy = arena_alloc(arena, text.len + JSON_PAD_BYTES);
	struct json *root = arena_alloc(arena, sizeof(*root));
	if (copy == NULL || root == NULL) {
		return ERR_MEMORY;
	}
	if (text.len > 0) {
		memcpy(copy, text.ptr, text.len);
	}
	struct json_reader r = { .arena = arena,
		.note = note,
		.text = copy,
		.end = copy + text.len,
		.at = copy,
		.open = first,
		.cap_open = JSON_FIRST_OPEN };
	enum err e = read_document(&r, root);
	if (r.open != first) {
		free(r.open);
	}
	if (e == ERR_OK) {
		CHECK(r.n_open == 0 && r.depth == 0);
		*ret = root;
	}
	return e;
}
