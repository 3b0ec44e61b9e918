/*
 * Devices of an account: what each tells about itself, the list of them.
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

/* GET /v1/account/devices */
enum err fx_list_devices(struct op_call *c)
{
	struct fx_clients of;
	struct fx_answer a;
	enum err e = ERR_OK;

	if (!fx_begin_clients(c, &of, &a, &e)) {
		return e;
	}
	for (unsigned i = 0; i < of.n; i++) {
		const struct firefox_client *d = &of.all[i];
		if (d->device_id.len == 0) {
			continue;
		}
		json_begin_object(&a.json);
		put_device(&a, d, parse_info(c, d->device_info));
		fx_put_flag(&a, "isCurrentDevice", fx_is_current(&of.who, d));
		fx_put_number(&a, "lastAccessTime", d->last_ms);
		fx_put_number(&a, "createdAt", d->created_ms);
		json_put_name(&a.json, SLICE("location"));
		json_begin_object(&a.json);
		json_end_object(&a.json);
		json_end_object(&a.json);
	}
	return fx_send_array(&a);
}
