/*
 * See upload_body.h.
 */
#include "services/sync/upload_body.h"

enum {
	FIRST_ROOM = 4096
};

void sync_body_end(struct sync_body *b)
{
	b->state->upload_bytes -= b->counted;
	b->counted = 0;
	buf_free(&b->bytes);
}

static void end_deferred(void *arg)
{
	sync_body_end(arg);
}

/* Room that grows with what has come; ERR_TOO_BUSY: too much is on its way in this process. */
static enum err make_room(struct sync_body *b, char **ret, size_t *ret_size)
{
	size_t left = (size_t)b->most + 1 - b->bytes.len;
	size_t want = b->bytes.len < FIRST_ROOM ? FIRST_ROOM : b->bytes.len;
	size_t before = b->bytes.cap;

	want = want < left ? want : left;
	if (b->state->upload_bytes + (int64_t)want > b->state->limits.upload_memory) {
		return ERR_TOO_BUSY;
	}
	*ret = buf_room(&b->bytes, want);
	if (*ret == NULL) {
		return ERR_MEMORY;
	}
	b->counted += (int64_t)(b->bytes.cap - before);
	b->state->upload_bytes += (int64_t)(b->bytes.cap - before);
	*ret_size = want;
	return ERR_OK;
}

enum err sync_body_read(struct op_call *c, int64_t most, struct sync_body **ret)
{
	struct sync_body *b = arena_alloc(c->arena, sizeof(*b));
	char *room = NULL;
	size_t size = 0, n = 0;

	if (b == NULL) {
		return ERR_MEMORY;
	}
	*b = (struct sync_body){
		.state = c->state, .bytes = buf_new(2 * (size_t)most + FIRST_ROOM), .most = most
	};
	enum err e = arena_defer(c->arena, end_deferred, b);
	while (e == ERR_OK) {
		e = make_room(b, &room, &size);
		if (e == ERR_OK) {
			e = http_body_read(c->req, room, size, &n);
		}
		if (e == ERR_OK) {
			buf_grew(&b->bytes, n);
			e = (int64_t)b->bytes.len > most ? ERR_LIMIT : ERR_OK;
		}
	}
	*ret = b;
	return e == ERR_END ? ERR_OK : e;
}
