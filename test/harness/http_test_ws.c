/*
 * See http_test_ws.h. A message that says "close" is answered with a close frame.
 */
#include "test/harness/http_test_ws.h"

#include <stdlib.h>

#include "core/http/ws.h"

enum {
	MESSAGE_MAX = 4 << 20
};

struct echo {
	struct ws *ws;
};

static void on_message(void *arg, enum ws_opcode opcode, struct slice payload)
{
	struct echo *echo = arg;
	struct ws_out *o = ws_out_new(opcode, &payload, 1);

	if (o != NULL && ws_queue_push(ws_queue_of(echo->ws), o, false) == ERR_OK) {
		ws_touch(echo->ws);
	}
	ws_out_unref(&o);
	if (opcode == WS_TEXT && slice_eq(payload, SLICE("close"))) {
		ws_close(echo->ws, WS_CLOSE_NORMAL, SLICE("as you like"));
		free(echo);
	}
}

static void on_gone(void *arg, enum ws_end why)
{
	(void)why;
	free(arg);
}

static const struct ws_ops ops = { .message = on_message, .gone = on_gone };

enum err ws_echo(struct op_call *c)
{
	struct echo *echo = calloc(1, sizeof(*echo));

	if (!ws_is_asked(c->req) || ws_handshake_fault(c->req) != 0 || echo == NULL) {
		free(echo);
		return ERR_INVALID;
	}
	enum err e = ws_accept(c->req, MESSAGE_MAX, &ops, echo, &echo->ws);
	if (e != ERR_OK) {
		free(echo);
	}
	return e == ERR_PEER_GONE ? ERR_OK : e;
}
