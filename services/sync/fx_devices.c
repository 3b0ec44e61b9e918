/*
 * Devices of an account: what each tells about itself, the lists of them, signing one out.
 */
#include "core/base/enc.h"
#include "core/base/rng.h"
#include "services/sync/fx.h"

enum {
	NAME_MAX_BYTES = 255,
	TYPE_MAX = 16,
	INFO_MAX = 8 * 1024
};

/* What is kept as JSON and given back as it came. */
static const char *const info_names[] = { "pushCallback", "pushPublicKey", "pushAuthKey",
	"availableCommands" };

static enum err put_info(
    struct op_call *c, const struct json *body, const struct json *before, struct slice *ret)
{
	struct buf *text = fx_buf(c, INFO_MAX);

	if (text == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(text);
	json_begin_object(&w);
	for (size_t i = 0; i < sizeof(info_names) / sizeof(info_names[0]); i++) {
		const struct json *v = json_member(body, info_names[i]);
		v = v != NULL ? v : json_member(before, info_names[i]);
		if (v != NULL) {
			json_put_name(&w, slice_str(info_names[i]));
			json_put_value(&w, v);
		}
	}
	json_end_object(&w);
	return buf_finish(text, ret);
}

static const struct json *parse_info(struct op_call *c, struct slice text)
{
	const struct json *v = NULL;

	return text.len > 0 && json_parse(c->arena, text, &v, NULL) == ERR_OK ? v : NULL;
}

static void put_device(struct fx_answer *a, const struct firefox_client *d, const struct json *info)
{
	fx_put_text(a, "id", d->device_id);
	fx_put_text(a, "name", d->device_name);
	fx_put_text(a, "type", d->device_type);
	for (size_t i = 0; i < sizeof(info_names) / sizeof(info_names[0]); i++) {
		const struct json *v = json_member(info, info_names[i]);
		json_put_name(&a->json, slice_str(info_names[i]));
		if (v != NULL) {
			json_put_value(&a->json, v);
		} else if (i == 3) {
			json_begin_object(&a->json);
			json_end_object(&a->json);
		} else {
			json_put_null(&a->json);
		}
	}
	fx_put_flag(a, "pushEndpointExpired", false);
}

static enum err new_device_id(struct op_call *c, struct slice *ret)
{
	uint8_t bytes[FIREFOX_UID_HEX / 2];
	struct buf *hex = fx_buf(c, FIREFOX_UID_HEX);

	if (hex == NULL) {
		return ERR_MEMORY;
	}
	rng_bytes(bytes, sizeof(bytes));
	enc_hex(hex, SLICE_OF(bytes, sizeof(bytes)));
	return buf_finish(hex, ret);
}

/* Names are shown to people: no control characters. */
static bool is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f) {
			return false;
		}
	}
	return true;
}

static enum err take_device(
    struct op_call *c, const struct json *body, struct firefox_client *d, const char **ret_problem)
{
	struct slice id;

	*ret_problem = NULL;
	if (json_member(body, "id") != NULL &&
	    (!fx_take_hex(body, "id", FIREFOX_UID_HEX, &id) || !slice_eq(id, d->device_id))) {
		*ret_problem = "Unknown device";
		return ERR_OK;
	}
	if (json_member(body, "name") != NULL &&
	    (!fx_take_text(body, "name", NAME_MAX_BYTES, &d->device_name) ||
		!is_name(d->device_name))) {
		*ret_problem = "Bad name";
		return ERR_OK;
	}
	(void)fx_take_text(body, "type", TYPE_MAX, &d->device_type);
	enum err e = d->device_id.len > 0 ? ERR_OK : new_device_id(c, &d->device_id);
	return e == ERR_OK ? put_info(c, body, parse_info(c, d->device_info), &d->device_info) : e;
}

/* POST /v1/account/device */
enum err fx_set_device(struct op_call *c)
{
	const struct json *body = NULL;
	const char *problem = NULL;
	struct fx_who who;
	struct fx_changed changed;
	struct fx_answer a;
	enum err e = ERR_OK;

	if (!fx_who(c, &who, &e) || !fx_take_body(c, &body, &e)) {
		return e;
	}
	e = take_device(c, body, &who.client, &problem);
	if (e == ERR_LIMIT) {
		return fx_refuse(c, 400, FX_ERRNO_PARAMETER, "Too much is told of the device");
	}
	if (e == ERR_OK && problem != NULL) {
		return fx_refuse(c, 400,
		    problem[0] == 'U' ? FX_ERRNO_UNKNOWN_DEVICE : FX_ERRNO_PARAMETER, problem);
	}
	if (e == ERR_OK) {
		const struct fx_change change = { .kind = FX_SET_DEVICE, .client = who.client };
		e = fx_change(c, &change, &changed);
	}
	if (e == ERR_OK) {
		e = fx_begin(c, &a);
	}
	if (e != ERR_OK) {
		return e;
	}
	put_device(&a, &who.client, parse_info(c, who.client.device_info));
	fx_put_number(&a, "createdAt", who.client.created_ms);
	return fx_send(&a);
}

/* ---- lists ---- */

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

static bool is_current(const struct fx_who *who, const struct firefox_client *d)
{
	return slice_eq(who->client.id, d->id);
}

/* GET /v1/account/devices */
enum err fx_list_devices(struct op_call *c)
{
	struct fx_who who;
	struct firefox_client *all = NULL;
	struct fx_answer a;
	unsigned n = 0;
	enum err e = ERR_OK;

	if (!fx_who(c, &who, &e)) {
		return e;
	}
	e = fx_list_clients(c, &who, &all, &n);
	if (e == ERR_OK) {
		e = fx_begin_array(c, &a);
	}
	if (e != ERR_OK) {
		return e;
	}
	for (unsigned i = 0; i < n; i++) {
		if (all[i].device_id.len == 0) {
			continue;
		}
		json_begin_object(&a.json);
		put_device(&a, &all[i], parse_info(c, all[i].device_info));
		fx_put_flag(&a, "isCurrentDevice", is_current(&who, &all[i]));
		fx_put_number(&a, "lastAccessTime", all[i].last_ms);
		fx_put_number(&a, "createdAt", all[i].created_ms);
		json_put_name(&a.json, SLICE("location"));
		json_begin_object(&a.json);
		json_end_object(&a.json);
		json_end_object(&a.json);
	}
	return fx_send_array(&a);
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
	fx_put_flag(a, "isCurrentSession", is_current(who, d));
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
	struct fx_who who;
	struct firefox_client *all = NULL;
	struct fx_answer a;
	unsigned n = 0;
	enum err e = ERR_OK;

	if (!fx_who(c, &who, &e)) {
		return e;
	}
	e = fx_list_clients(c, &who, &all, &n);
	if (e == ERR_OK) {
		e = fx_begin_array(c, &a);
	}
	if (e != ERR_OK) {
		return e;
	}
	for (unsigned i = 0; i < n; i++) {
		put_attached(&a, &who, &all[i]);
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
