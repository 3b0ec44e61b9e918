/*
 * See mail_admin.h.
 */
#include "accounts/mail_admin.h"

#include "accounts/mail_address.h"
#include "core/base/check.h"
#include "core/base/json.h"
#include "core/service.h"

enum {
	JSON_MAX = 16 * 1024,
	CALL_BYTES = 1024
};

static enum err reply_effect(struct op_call *c, const char *effect)
{
	const char *body = arena_printf(c->arena, "{\"effect\":\"%s\"}", effect);

	if (body == NULL) {
		return ERR_MEMORY;
	}
	http_reply(c->req, 200, SLICE("application/json"), slice_str(body));
	return ERR_OK;
}

static enum err refuse(struct op_call *c, int status, const char *why)
{
	http_reply_text(c->req, status, why);
	return ERR_OK;
}

static enum err tell_store(struct op_call *c, const struct bounce *b)
{
	static const char *const effects[BOUNCE_EFFECTS] = { [BOUNCE_UNKNOWN] = "unknown",
		[BOUNCE_COUNTED] = "counted",
		[BOUNCE_MARKED] = "marked" };
	struct svc_env *env = c->env;
	struct buf message = buf_new(CALL_BYTES);
	struct slice reply = SLICE_EMPTY;
	enum bounce_effect effect = BOUNCE_UNKNOWN;
	enum err e = ERR_MEMORY;

	mail_bounced_put(&message, b);
	if (!message.failed) {
		e = rpc_call(env->peer[ROLE_STORE], &accounts_mail_bounced, buf_slice(&message),
		    c->deadline_us, c->trace, c->arena, &reply, &c->note);
	}
	buf_free(&message);
	if (e != ERR_OK) {
		return e;
	}
	CHECK(mail_bounced_take_reply(reply, &effect));
	return reply_effect(c, effects[effect]);
}

static enum err take_json(struct op_call *c, struct bounce *ret)
{
	const struct json *v = NULL;
	struct slice body = http_body(c->req);
	enum err e = body.len > JSON_MAX ? err_note_set(&c->note, ERR_SYNTAX, "too long")
					 : json_parse(c->arena, body, &v, &c->note);

	return e == ERR_OK ? bounce_from_json(v, ret, &c->note) : e;
}

enum err mail_admin_bounce(struct op_call *c)
{
	struct slice type = http_header_get(c->req, SLICE("Content-Type"));
	struct bounce b;
	enum err e;

	type = slice_trim(slice_sub(type, 0, slice_find(type, ';', 0)));
	if (slice_eq_nocase(type, SLICE("message/rfc822"))) {
		e = bounce_parse(http_body(c->req), SLICE_EMPTY, &b, &c->note);
		if (e == ERR_NOT_FOUND || e == ERR_UNSUPPORTED) {
			return reply_effect(c, "ignored");
		}
	} else if (slice_eq_nocase(type, SLICE("application/json"))) {
		e = take_json(c, &b);
	} else {
		return refuse(c, 415, "application/json or message/rfc822 is needed");
	}
	if (e == ERR_SYNTAX || e == ERR_LIMIT) {
		return refuse(c, 400, c->note.text);
	}
	return e == ERR_OK ? tell_store(c, &b) : e;
}
