/*
 * What devices of an account ask each other to do, such as to open a tab. There is no push server
 * here: a device sees what is for it when it syncs next.
 */
#include "core/base/clock.h"
#include "services/sync/fx.h"

enum {
	COMMAND_MAX = 255,
	PAYLOAD_MAX = 16 * 1024,
	COMMANDS_PER_ANSWER = 100,
	COMMAND_LIFE_S = 30 * 24 * 3600,
	COMMAND_LIFE_MAX_S = 60 * 24 * 3600
};

/* POST /v1/account/devices/notify: devices ask for news by themselves, so nobody is woken. */
enum err fx_notify(struct op_call *c)
{
	struct fx_who who;
	enum err e = ERR_OK;

	return fx_who(c, &who, &e) ? fx_send_empty(c) : e;
}

static const char *take_command(
    struct op_call *c, const struct json *body, struct firefox_command *ret)
{
	const struct json *payload = json_member(body, "payload");
	struct buf *text = fx_buf(c, PAYLOAD_MAX);
	int64_t ttl_s = COMMAND_LIFE_S;

	if (!fx_take_hex(body, "target", FIREFOX_UID_HEX, &ret->device_id) ||
	    !fx_take_text(body, "command", COMMAND_MAX, &ret->command) || payload == NULL) {
		return "target, command or payload is missing";
	}
	(void)json_get_i64(json_member(body, "ttl"), &ttl_s);
	ttl_s = ttl_s < 1 || ttl_s > COMMAND_LIFE_MAX_S ? COMMAND_LIFE_S : ttl_s;
	ret->expires_ms = clock_wall_ms() + ttl_s * 1000;
	if (text == NULL) {
		return "no memory";
	}
	struct json_writer w = json_writer_new(text);
	json_put_value(&w, payload);
	ret->payload = buf_slice(text);
	return text->failed ? "payload is too long" : NULL;
}

/* POST /v1/account/devices/invoke_command */
enum err fx_invoke_command(struct op_call *c)
{
	const struct json *body = NULL;
	struct fx_who who;
	struct firefox_client *all = NULL;
	struct fx_change change = { .kind = FX_PUT_COMMAND };
	struct fx_changed changed;
	struct fx_answer a;
	unsigned n = 0, i = 0;
	enum err e = ERR_OK;

	if (!fx_who(c, &who, &e) || !fx_take_body(c, &body, &e)) {
		return e;
	}
	const char *problem = take_command(c, body, &change.command);
	if (problem != NULL) {
		return fx_refuse(c, 400, FX_ERRNO_PARAMETER, problem);
	}
	e = fx_list_clients(c, &who, &all, &n);
	while (e == ERR_OK && i < n && !slice_eq(all[i].device_id, change.command.device_id)) {
		i++;
	}
	if (e == ERR_OK && i == n) {
		return fx_refuse(c, 400, FX_ERRNO_UNKNOWN_DEVICE, "Unknown device");
	}
	change.account_id = who.account.id;
	change.command.sender = who.client.device_id;
	if (e == ERR_OK) {
		e = fx_change(c, &change, &changed);
	}
	if (e == ERR_OK) {
		e = fx_begin(c, &a);
	}
	if (e != ERR_OK) {
		return e;
	}
	fx_put_flag(&a, "enqueued", true);
	fx_put_flag(&a, "notified", false);
	return fx_send(&a);
}

static uint64_t query_number(
    const struct op_call *c, struct slice name, uint64_t most, uint64_t otherwise)
{
	struct slice text;
	uint64_t n = otherwise;

	return http_query_get(c->req, name, &text) && slice_to_u64(text, most, &n) == ERR_OK
		   ? n
		   : otherwise;
}

static void put_command(struct fx_answer *a, const struct firefox_command *m)
{
	json_begin_object(&a->json);
	fx_put_number(a, "index", m->number);
	json_put_name(&a->json, SLICE("data"));
	json_begin_object(&a->json);
	fx_put_text(a, "command", m->command);
	json_put_name(&a->json, SLICE("payload"));
	json_put_raw(&a->json, m->payload);
	fx_put_text(a, "sender", m->sender);
	json_end_object(&a->json);
	json_end_object(&a->json);
}

/* GET /v1/account/device/commands?index=&limit=: from that number on, it included. */
enum err fx_commands(struct op_call *c)
{
	const struct svc_env *env = c->env;
	struct fx_who who;
	struct firefox_command *all = NULL;
	struct fx_answer a;
	unsigned n = 0;
	enum err e = ERR_OK;

	if (!fx_who(c, &who, &e)) {
		return e;
	}
	int64_t from = (int64_t)query_number(c, SLICE("index"), INT64_MAX, 0);
	unsigned most =
	    (unsigned)query_number(c, SLICE("limit"), COMMANDS_PER_ANSWER, COMMANDS_PER_ANSWER);
	int64_t last = from > 0 ? from - 1 : 0;
	all = arena_alloc(c->arena, (COMMANDS_PER_ANSWER + 1) * sizeof(*all));
	if (all == NULL) {
		return ERR_MEMORY;
	}
	e = firefox_commands_after(env->db, c->arena, who.account.id, who.client.device_id, last,
	    most + 1, all, &n, &c->note);
	if (e == ERR_OK) {
		e = fx_begin(c, &a);
	}
	if (e != ERR_OK) {
		return e;
	}
	bool is_all = n <= most;
	n = is_all ? n : most;
	json_put_name(&a.json, SLICE("messages"));
	json_begin_array(&a.json);
	for (unsigned i = 0; i < n; i++) {
		put_command(&a, &all[i]);
		last = all[i].number;
	}
	json_end_array(&a.json);
	fx_put_number(&a, "index", last);
	fx_put_flag(&a, "last", is_all);
	return fx_send(&a);
}
