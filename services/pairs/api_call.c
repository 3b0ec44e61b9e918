/*
 * The one handler of all requests: who calls, with what, and then the row's function. What the
 * functions of rows ask for stands here, too, and which of them events lead to.
 */
#include "core/base/check.h"
#include "core/base/clock.h"
#include "services/pairs/api.h"
#include "services/pairs/media_answer.h"

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
	struct slice text = SLICE_EMPTY;
	uint64_t n = 0;

	if (api_is_request(a)) {
		text = http_param(a->c->req, name);
	} else if (!json_get_string(json_member(a->json, name), &text)) {
		return false;
	}
	if (slice_to_u64(text, INT64_MAX, &n) != ERR_OK) {
		return false;
	}
	*ret = (int64_t)n;
	return true;
}

void api_set_session(struct api_call *a, const struct pairs_session *s)
{
	a->user = s->user;
	a->partner = s->partner;
	a->head = s->head;
	memcpy(a->token_hash, s->token_hash, sizeof(a->token_hash));
}

/* ---- events ---- */

static const char *const events[API_ROWS] = {
#define PAIRS_EVENT(row, name) [API_##row] = (name),
#include "services/pairs/api_events.def"
#undef PAIRS_EVENT
};

const char *api_event_name(enum api_number row)
{
	return events[row];
}

enum api_number api_event_row(struct slice name)
{
	unsigned i = 0;

	while (i < API_ROWS && (events[i] == NULL || !slice_eq(slice_str(events[i]), name))) {
		i++;
	}
	return (enum api_number)i;
}

/* ---- requests ---- */

enum err pairs_api(struct op_call *c)
{
	struct api_call *a = arena_alloc(c->arena, sizeof(*a));
	size_t number = (size_t)(c->op - pairs_ops - PAIRS_SOCKET_OPS);
	enum err e = ERR_OK;

	if (a == NULL) {
		return ERR_MEMORY;
	}
	CHECK(number < API_ROWS);
	if (media_is_own_host(c)) {
		return ERR_NOT_FOUND;
	}
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
