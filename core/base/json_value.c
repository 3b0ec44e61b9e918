/*
 * Reading from a parsed document. Few members are looked up one by one; more have an index sorted
 * by name, in which equal names stand side by side, so that neither finding duplicates nor look-up
 * is slow for any input. (Sorting has no worst case to aim at; hashing without a secret has.)
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/json_priv.h"

/* Shorter ones first: any total order will do. */
static int compare_names(const struct json *a, const struct json *b)
{
	if (a->len != b->len) {
		return a->len < b->len ? -1 : 1;
	}
	return memcmp(a->text, b->text, a->len);
}

static int compare_indexed(const void *a, const void *b)
{
	return compare_names(*(struct json *const *)a, *(struct json *const *)b);
}

size_t json_index_bytes(size_t n)
{
	return n > JSON_FEW_MEMBERS ? n * sizeof(struct json *) : 0;
}

static struct json **index_of(const struct json *object)
{
	return (struct json **)(void *)(object->items + 2 * (size_t)object->len);
}

static bool seal_few(const struct json *object)
{
	const struct json *end = object->items + 2 * (size_t)object->len;

	for (const struct json *a = object->items; a < end; a += 2) {
		for (const struct json *b = object->items; b < a; b += 2) {
			if (compare_names(a, b) == 0) {
				return false;
			}
		}
	}
	return true;
}

bool json_seal_object(struct json *object)
{
	size_t n = object->len;

	if (n <= JSON_FEW_MEMBERS) {
		return seal_few(object);
	}
	struct json **index = index_of(object);
	for (size_t i = 0; i < n; i++) {
		index[i] = object->items + 2 * i;
	}
	qsort(index, n, sizeof(*index), compare_indexed);
	for (size_t i = 1; i < n; i++) {
		if (compare_names(index[i - 1], index[i]) == 0) {
			return false;
		}
	}
	return true;
}

enum json_kind json_kind(const struct json *v)
{
	return v->kind;
}

static bool is(const struct json *v, enum json_kind kind)
{
	return v != NULL && v->kind == kind;
}

const struct json *json_member(const struct json *v, const char *key)
{
	if (!is(v, JSON_KIND_OBJECT)) {
		return NULL;
	}
	struct json wanted = { .len = (uint32_t)strlen(key), .text = key };
	if (v->len > JSON_FEW_MEMBERS) {
		struct json *p = &wanted;
		struct json **found =
		    bsearch(&p, index_of(v), v->len, sizeof(*found), compare_indexed);
		return found == NULL ? NULL : *found + 1;
	}
	for (uint32_t i = 0; i < v->len; i++) {
		const struct json *name = v->items + 2 * (size_t)i;
		if (compare_names(name, &wanted) == 0) {
			return name + 1;
		}
	}
	return NULL;
}

const struct json *json_element(const struct json *v, size_t i)
{
	return is(v, JSON_KIND_ARRAY) && i < v->len ? v->items + i : NULL;
}

size_t json_count(const struct json *v)
{
	return is(v, JSON_KIND_ARRAY) || is(v, JSON_KIND_OBJECT) ? v->len : 0;
}

/* The cursor is the name given last. */
bool json_next(
    const struct json *object, void **cursor, struct slice *ret_key, const struct json **ret_value)
{
	if (json_count(object) == 0 || !is(object, JSON_KIND_OBJECT)) {
		return false;
	}
	struct json *last = *cursor;
	struct json *name = last == NULL ? object->items : last + 2;
	if (name == object->items + 2 * (size_t)object->len) {
		return false;
	}
	*cursor = name;
	*ret_key = (struct slice){ name->text, name->len };
	*ret_value = name + 1;
	return true;
}

bool json_get_string(const struct json *v, struct slice *ret)
{
	if (!is(v, JSON_KIND_STRING)) {
		return false;
	}
	*ret = (struct slice){ v->text, v->len };
	return true;
}

bool json_get_i64(const struct json *v, int64_t *ret)
{
	if (!is(v, JSON_KIND_INT)) {
		return false;
	}
	*ret = v->integer;
	return true;
}

bool json_get_bool(const struct json *v, bool *ret)
{
	if (!is(v, JSON_KIND_BOOL)) {
		return false;
	}
	*ret = v->flag;
	return true;
}

bool json_get_real(const struct json *v, double *ret)
{
	int64_t whole = 0;

	if (json_get_i64(v, &whole)) {
		*ret = (double)whole;
		return true;
	}
	if (!is(v, JSON_KIND_REAL)) {
		return false;
	}
	*ret = v->real;
	return true;
}
