/*
 * The pull reader: the scanners of the tree reader, and instead of its recursion a bit a level.
 */
#include "core/base/json_pull.h"

#include <string.h>

#include "core/base/json_priv.h"

enum expects {
	EXPECTS_VALUE,
	EXPECTS_FIRST, /* a value, or the end of an array that has just begun */
	EXPECTS_FIRST_NAME,
	EXPECTS_MORE /* a comma or the end of a container, or of the document */
};

struct json_pull {
	struct json_reader r;
	enum expects expects;
	uint32_t objects; /* bit depth - 1: that container is an object */
};

_Static_assert(JSON_MAX_DEPTH <= 32, "a bit for each level");

enum err json_pull_new(
    struct arena *arena, struct slice text, struct json_pull **ret, struct err_note *note)
{
	if (text.len > UINT32_MAX) {
		return err_note_set(note, ERR_LIMIT, "JSON of more than 4 GiB");
	}
	struct json_pull *p = arena_alloc(arena, sizeof(*p));
	char *copy = arena_alloc(arena, text.len + JSON_PAD_BYTES);
	if (p == NULL || copy == NULL) {
		return ERR_MEMORY;
	}
	if (text.len > 0) {
		memcpy(copy, text.ptr, text.len);
	}
	p->r = (struct json_reader){
		.arena = arena, .note = note, .text = copy, .end = copy + text.len, .at = copy
	};
	p->expects = EXPECTS_VALUE;
	*ret = p;
	return ERR_OK;
}

static void skip_space(struct json_reader *r)
{
	while (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t') {
		r->at++;
	}
}

static bool in_object(const struct json_pull *p)
{
	return p->r.depth > 0 && (p->objects >> (p->r.depth - 1) & 1) != 0;
}

static enum err begin(struct json_pull *p, bool is_object, struct json_item *ret)
{
	struct json_reader *r = &p->r;

	if (r->depth == JSON_MAX_DEPTH) {
		return err_note_set(
		    r->note, ERR_LIMIT, "JSON is nested deeper than %d levels", JSON_MAX_DEPTH);
	}
	uint32_t bit = UINT32_C(1) << r->depth++;
	p->objects = is_object ? p->objects | bit : p->objects & ~bit;
	p->expects = is_object ? EXPECTS_FIRST_NAME : EXPECTS_FIRST;
	r->at++;
	ret->event = is_object ? JSON_BEGIN_OBJECT : JSON_BEGIN_ARRAY;
	return ERR_OK;
}

static enum err end(struct json_pull *p, struct json_item *ret)
{
	ret->event = in_object(p) ? JSON_END_OBJECT : JSON_END_ARRAY;
	p->r.depth--;
	p->r.at++;
	p->expects = EXPECTS_MORE;
	return ERR_OK;
}

static enum err take_word(
    struct json_pull *p, struct slice word, enum json_event event, struct json_item *ret)
{
	/* The zeros behind the text make the comparison safe. */
	if (memcmp(p->r.at, word.ptr, word.len) != 0) {
		return json_refuse(&p->r, "no value");
	}
	ret->event = event;
	ret->integer = *p->r.at == 't';
	p->r.at += word.len;
	return ERR_OK;
}

/* The end of an integer that begins at p, or NULL where it is none or something else. */
static char *integer_end(char *p)
{
	p += *p == '-';
	if (*p < '0' || *p > '9') {
		return NULL;
	}
	char *first = p;
	while (*p >= '0' && *p <= '9') {
		p++;
	}
	return *p == '.' || *p == 'e' || *p == 'E' || (*first == '0' && p - first > 1) ? NULL : p;
}

static bool fits(struct slice text, int64_t *ret)
{
	bool is_negative = text.ptr[0] == '-';
	int64_t n = 0;

	for (size_t i = is_negative; i < text.len; i++) {
		int64_t digit = text.ptr[i] - '0';
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, is_negative ? -digit : digit, &n)) {
			return false;
		}
	}
	*ret = n;
	return true;
}

static enum err take_number(struct json_pull *p, struct json_item *ret)
{
	struct json v;
	char *behind = integer_end(p->r.at);

	if (behind != NULL) {
		ret->text = SLICE_OF(p->r.at, (size_t)(behind - p->r.at));
		ret->event = fits(ret->text, &ret->integer) ? JSON_INT : JSON_LARGE_INT;
		p->r.at = behind;
		return ERR_OK;
	}
	enum err e = json_read_number(&p->r, &v);
	if (e == ERR_OK) {
		/* "-0" and "0" are taken above, so what is left has a point or an exponent. */
		ret->event = JSON_REAL;
		ret->real = v.kind == JSON_KIND_REAL ? v.real : (double)v.integer;
	}
	return e;
}

static enum err take_string(struct json_pull *p, enum json_event event, struct json_item *ret)
{
	struct json v;
	enum err e = json_read_string(&p->r, &v);

	if (e == ERR_OK) {
		ret->event = event;
		ret->text = SLICE_OF(v.text, v.len);
	}
	return e;
}

static enum err take_value(struct json_pull *p, struct json_item *ret)
{
	p->expects = EXPECTS_MORE;
	switch (*p->r.at) {
	case '{':
		return begin(p, true, ret);
	case '[':
		return begin(p, false, ret);
	case '"':
		return take_string(p, JSON_STRING, ret);
	case 't':
		return take_word(p, SLICE("true"), JSON_BOOL, ret);
	case 'f':
		return take_word(p, SLICE("false"), JSON_BOOL, ret);
	case 'n':
		return take_word(p, SLICE("null"), JSON_NULL, ret);
	default:
		return take_number(p, ret);
	}
}

static enum err take_name(struct json_pull *p, struct json_item *ret)
{
	if (*p->r.at != '"') {
		return json_refuse(&p->r, "no name of a member");
	}
	enum err e = take_string(p, JSON_NAME, ret);
	if (e != ERR_OK) {
		return e;
	}
	skip_space(&p->r);
	if (*p->r.at != ':') {
		return json_refuse(&p->r, "no colon behind a name");
	}
	p->r.at++;
	p->expects = EXPECTS_VALUE;
	return ERR_OK;
}

/* Behind a value. */
static enum err take_more(struct json_pull *p, struct json_item *ret)
{
	struct json_reader *r = &p->r;

	if (r->depth == 0) {
		ret->event = JSON_END;
		return r->at == r->end ? ERR_OK : json_refuse(r, "something follows the value");
	}
	if (*r->at == (in_object(p) ? '}' : ']')) {
		return end(p, ret);
	}
	if (*r->at != ',') {
		return json_refuse(r, "neither comma nor closing bracket");
	}
	r->at++;
	skip_space(r);
	return in_object(p) ? take_name(p, ret) : take_value(p, ret);
}

enum err json_pull_next(struct json_pull *p, struct json_item *ret)
{
	skip_space(&p->r);
	switch (p->expects) {
	case EXPECTS_FIRST:
		return *p->r.at == ']' ? end(p, ret) : take_value(p, ret);
	case EXPECTS_FIRST_NAME:
		return *p->r.at == '}' ? end(p, ret) : take_name(p, ret);
	case EXPECTS_MORE:
		return take_more(p, ret);
	case EXPECTS_VALUE:
	default:
		return take_value(p, ret);
	}
}

enum err json_pull_skip(struct json_pull *p, const struct json_item *item)
{
	struct json_item inner = *item;
	enum err e = ERR_OK;

	if (item->event != JSON_BEGIN_ARRAY && item->event != JSON_BEGIN_OBJECT) {
		return ERR_OK;
	}
	unsigned outside = p->r.depth - 1;
	while (e == ERR_OK && p->r.depth > outside) {
		e = json_pull_next(p, &inner);
	}
	return e;
}
