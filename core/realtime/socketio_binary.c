/*
 * Packets whose bytes come in messages of their own. Text and bytes are kept until the last one is
 * here; their number is bounded by the settings and the length of each by Engine.IO.
 */
#include <stdlib.h>

#include "core/realtime/socketio_priv.h"

void socketio_begin_partial(struct socketio_client *c, struct slice text, unsigned n)
{
	size_t longest = c->io->set.engine.max_payload;

	if (n > c->io->set.max_attachments || n > SOCKETIO_ATTACHMENTS_MAX) {
		engineio_abort(c->session, "too many attachments");
		return;
	}
	struct socketio_partial *p = calloc(1, sizeof(*p));
	if (p != NULL) {
		p->text = buf_new(longest);
		p->bytes = buf_new(longest * n);
		p->wanted = n;
		buf_append_slice(&p->text, text);
	}
	c->partial = p;
	if (p == NULL || p->text.failed) {
		engineio_abort(c->session, "memory");
	}
}

void socketio_drop_partial(struct socketio_client *c)
{
	if (c->partial != NULL) {
		buf_free(&c->partial->text);
		buf_free(&c->partial->bytes);
	}
	free(c->partial);
	c->partial = NULL;
}

void socketio_take_attachment(struct socketio_client *c, struct slice bytes)
{
	struct socketio_partial *p = c->partial;
	struct slice attachments[SOCKETIO_ATTACHMENTS_MAX];
	size_t from = 0;

	buf_append_slice(&p->bytes, bytes);
	if (p->bytes.failed) {
		engineio_abort(c->session, "memory");
		return;
	}
	p->ends[p->n++] = p->bytes.len;
	if (p->n < p->wanted) {
		return;
	}
	for (unsigned i = 0; i < p->n; i++) {
		attachments[i] = slice_sub(buf_slice(&p->bytes), from, p->ends[i]);
		from = p->ends[i];
	}
	/* Whatever the packet leads to, it is nobody's partial any more. */
	struct socketio_partial whole = *p;
	free(p);
	c->partial = NULL;
	socketio_take(c, buf_slice(&whole.text), attachments, whole.n);
	buf_free(&whole.text);
	buf_free(&whole.bytes);
}
