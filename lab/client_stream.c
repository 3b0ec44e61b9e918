/*
 * A connection that has stopped to be HTTP: bytes both ways, in their order.
 */
#include "core/base/check.h"
#include "lab/client_priv.h"

void client_conn_upgrade(
    struct client_conn *conn, struct slice text, int64_t deadline_us, client_fn *done, void *arg)
{
	client_conn_send(conn, text, deadline_us, done, arg);
	conn->answer.may_switch = true; /* no answer has been read yet */
}

void client_conn_stream(struct client_conn *conn, client_stream_fn *fn, void *arg)
{
	CHECK(conn->state == CONN_STREAM);
	conn->stream = fn;
	conn->stream_arg = arg;
}

enum err client_conn_write(struct client_conn *conn, struct slice bytes)
{
	if (conn->state != CONN_STREAM) {
		return ERR_PEER_GONE;
	}
	buf_consume(&conn->stream_out, conn->stream_out.len - conn->out.len);
	buf_append_slice(&conn->stream_out, bytes);
	conn->out = buf_slice(&conn->stream_out);
	if (conn->stream_out.failed) {
		return ERR_LIMIT;
	}
	client_conn_push(conn);
	return ERR_OK;
}
