/*
 * Clients of an account, sessions and refresh tokens alike: the list of them, signing one out.
 */
#include "services/sync/fx.h"

enum err fx_list_clients(
    struct op_call *c, const struct fx_who *who, struct firefox_client **ret, unsigned *ret_n)
{
	const struct svc_env *env = c->env;
	struct firefox_client *all = arena_alloc(c->arena, FIREFOX_CLIENTS_MAX * sizeof(*all));
	unsigned n = 0, kept = 0;

	if (all == NULL) {
		return ERR_MEMORY;
	}
	enum err e = firefox_clients_of(env->db, c->arena, who->account.id, all, &n, &c->note);
	for (unsigned i = 0; e == ERR_OK && i < n; i++) {
		if (all[i].reset_ms == who->account.password_reset_ms) {
			all[kept++] = all[i];
		}
	}
	*ret = all;
	*ret_n = kept;
	return e;
}

bool fx_begin_clients(
    struct op_call *c, struct fx_clients *ret_clients, struct fx_answer *ret_answer, enum err *ret)
{
	struct fx_clients *of = ret_clients;

	if (!fx_who(c, &of->who, ret)) {
		return false;
	}
	*ret = fx_list_clients(c, &of->who, &of->all, &of->n);
	if (*ret == ERR_OK) {
		*ret = fx_begin_array(c, ret_answer);
	}
	return *ret == ERR_OK;
}

bool fx_is_current(const struct fx_who *who, const struct firefox_client *d)
{
	return slice_eq(who->client.id, d->id);
}

static void put_or_null(struct fx_answer *a, const char *name, struct slice text)
{
	json_put_name(&a->json, slice_str(name));
	if (text.len > 0) {
		json_put_string(&a->json, text);
	} else {
		json_put_null(&a->json);
	}
}

static void put_attached(
    struct fx_answer *a, const struct fx_who *who, const struct firefox_client *d)
{
	struct slice rest = d->scope, word;

	json_begin_object(&a->json);
	put_or_null(a, "clientId", d->is_session ? SLICE_EMPTY : d->client_id);
	put_or_null(a, "sessionTokenId", d->is_session ? d->id : SLICE_EMPTY);
	put_or_null(a, "refreshTokenId", d->is_session ? SLICE_EMPTY : d->id);
	put_or_null(a, "deviceId", d->device_id);
	put_or_null(a, "deviceType", d->device_type);
	put_or_null(a, "name", d->device_name.len > 0 ? d->device_name : d->agent);
	fx_put_flag(a, "isCurrentSession", fx_is_current(who, d));
	fx_put_number(a, "createdTime", d->created_ms);
	fx_put_number(a, "lastAccessTime", d->last_ms);
	fx_put_text(a, "userAgent", d->agent);
	json_put_name(&a->json, SLICE("scope"));
	json_begin_array(&a->json);
	while (slice_split(&rest, ' ', &word)) {
		json_put_string(&a->json, word);
	}
	json_end_array(&a->json);
	json_put_name(&a->json, SLICE("location"));
	json_begin_object(&a->json);
	json_end_object(&a->json);
	json_end_object(&a->json);
}

/* GET /v1/account/attached_clients */
enum err fx_attached_clients(struct op_call *c)
{
	struct fx_clients of;
	struct fx_answer a;
	enum err e = ERR_OK;

	if (!fx_begin_clients(c, &of, &a, &e)) {
		return e;
	}
	for (unsigned i = 0; i < of.n; i++) {
		put_attached(&a, &of.who, &of.all[i]);
	}
	return fx_send_array(&a);
}

/* ---- signing out ---- */

/* The one of these that a request names, by device, session or refresh token. */
static const struct firefox_client *named(
    const struct json *body, const struct firefox_client *all, unsigned n)
{
	struct slice device = SLICE_EMPTY, id = SLICE_EMPTY;

	if (!fx_take_hex(body, "sessionTokenId", FIREFOX_ID_HEX, &id)) {
		(void)fx_take_hex(body, "refreshTokenId", FIREFOX_ID_HEX, &id);
	}
	if (!fx_take_hex(body, "deviceId", FIREFOX_UID_HEX, &device)) {
		(void)fx_take_hex(body, "id", FIREFOX_UID_HEX, &device);
	}
	for (unsigned i = 0; i < n; i++) {
		if ((id.len > 0 && slice_eq(all[i].id, id)) ||
		    (device.len > 0 && slice_eq(all[i].device_id, device))) {
			return &all[i];
		}
	}
	return NULL;
}

/* POST /v1/account/device/destroy, /v1/account/attached_client/destroy */
enum err fx_destroy_device(struct op_call *c)
{
	const struct json *body = NULL;
	struct fx_who who;
	struct firefox_client *all = NULL;
	struct fx_changed changed;
	unsigned n = 0;
	enum err e = ERR_OK;

	if (!fx_who(c, &who, &e) || !fx_take_body(c, &body, &e)) {
		return e;
	}
	e = fx_list_clients(c, &who, &all, &n);
	const struct firefox_client *d = e == ERR_OK ? named(body, all, n) : NULL;
	if (e == ERR_OK && d == NULL) {
		return fx_refuse(c, 400, FX_ERRNO_UNKNOWN_DEVICE, "Unknown device");
	}
	if (e == ERR_OK) {
		const struct fx_change change = {
			.kind = FX_END_CLIENT, .account_id = who.account.id, .client = *d
		};
		e = fx_change(c, &change, &changed);
	}
	return e == ERR_OK ? fx_send_empty(c) : e;
}
