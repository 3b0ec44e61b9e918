/*
 * The one handler of the REST API: who calls, with what, and then the row's function.
 */
#include "core/base/check.h"
#include "core/base/clock.h"
#include "services/pairs/api.h"

const struct api_value *api_value(const struct api_call *a, const char *name)
{
	const struct api_field *f = a->row->fields;
	size_t i = 0;

	while (f[i].name != NULL && strcmp(f[i].name, name) != 0) {
		i++;
	}
	CHECK(f[i].name != NULL && i < API_FIELDS_MAX);
	return &a->values[i];
}

struct slice api_text(const struct api_call *a, const char *name)
{
	const struct api_value *v = api_value(a, name);

	return v->given ? v->text : SLICE_EMPTY;
}

int64_t api_number(const struct api_call *a, const char *name, int64_t def)
{
	const struct api_value *v = api_value(a, name);

	return v->given ? v->number : def;
}

int64_t api_given(const struct api_call *a, const char *name, enum pairs_given bit)
{
	return api_value(a, name)->given ? (int64_t)bit : 0;
}

bool api_path_id(const struct api_call *a, const char *name, int64_t *ret)
{
	uint64_t n = 0;

	if (slice_to_u64(http_param(a->c->req, name), INT64_MAX, &n) != ERR_OK) {
		return false;
	}
	*ret = (int64_t)n;
	return true;
}

enum err pairs_api(struct op_call *c)
{
	struct api_call *a = arena_alloc(c->arena, sizeof(*a));
	size_t number = (size_t)(c->op - pairs_ops - PAIRS_SOCKET_OPS);
	enum err e = ERR_OK;

	if (a == NULL) {
		return ERR_MEMORY;
	}
	CHECK(number < API_ROWS);
	*a = (struct api_call){ .c = c,
		.env = c->env,
		.state = c->state,
		.row = &api_rows[number],
		.now_ms = clock_wall_ms() };
	if (!api_authorise(a, &e) || !api_take_fields(a, &e)) {
		return e;
	}
	return a->row->handle(a);
}
