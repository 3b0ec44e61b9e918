/*
 * Shared messages and the lists of them.
 */
#include "core/http/ws_out.h"

#include <stdlib.h>

#include "core/base/check.h"

struct ws_out {
	unsigned refs;
	uint8_t head_bytes;
	uint8_t opcode;
	size_t len; /* of bytes */
	char bytes[];
};

struct ws_queue_entry {
	struct ws_queue_entry *next;
	struct ws_out *out; /* a reference */
	bool droppable;
};

struct ws_out *ws_out_new(enum ws_opcode opcode, const struct slice *parts, unsigned n_parts)
{
	unsigned char head[WS_HEAD_BYTES];
	size_t payload = 0;

	for (unsigned i = 0; i < n_parts; i++) {
		payload += parts[i].len;
	}
	size_t head_bytes = ws_put_head(head, opcode, payload);
	struct ws_out *o = malloc(sizeof(*o) + head_bytes + payload);
	if (o == NULL) {
		return NULL;
	}
	o->refs = 1;
	o->head_bytes = (uint8_t)head_bytes;
	o->opcode = (uint8_t)opcode;
	o->len = head_bytes + payload;
	memcpy(o->bytes, head, head_bytes);
	char *at = o->bytes + head_bytes;
	for (unsigned i = 0; i < n_parts; i++) {
		memcpy(at, parts[i].ptr, parts[i].len);
		at += parts[i].len;
	}
	return o;
}

struct ws_out *ws_out_ref(struct ws_out *o)
{
	o->refs++;
	return o;
}

void ws_out_unref(struct ws_out **op)
{
	struct ws_out *o = *op;

	*op = NULL;
	if (o != NULL && --o->refs == 0) {
		free(o);
	}
}

struct slice ws_out_payload(const struct ws_out *o)
{
	return SLICE_OF(o->bytes + o->head_bytes, o->len - o->head_bytes);
}

bool ws_out_is_binary(const struct ws_out *o)
{
	return o->opcode == WS_BINARY;
}

/* ---- lists ---- */

enum err ws_queue_push(struct ws_queue *b, struct ws_out *o, bool droppable)
{
	struct ws_queue_entry *entry = malloc(sizeof(*entry));

	if (entry == NULL) {
		return ERR_MEMORY;
	}
	*entry = (struct ws_queue_entry){ .out = ws_out_ref(o), .droppable = droppable };
	if (b->last == NULL) {
		b->first = entry;
	} else {
		b->last->next = entry;
	}
	b->last = entry;
	b->n++;
	b->bytes += o->len + WS_QUEUE_ENTRY_BYTES;
	return ERR_OK;
}

static void forget(struct ws_queue *b, struct ws_queue_entry *entry)
{
	b->n--;
	b->bytes -= entry->out->len + WS_QUEUE_ENTRY_BYTES;
	ws_out_unref(&entry->out);
	free(entry);
}

static unsigned drop(struct ws_queue *b, bool all)
{
	unsigned before = b->n, i = 0;
	struct ws_queue_entry **link = &b->first, *last = NULL;

	while (*link != NULL) {
		struct ws_queue_entry *entry = *link;
		if ((all || entry->droppable) && i >= b->offered) {
			*link = entry->next;
			forget(b, entry);
		} else {
			last = entry;
			link = &entry->next;
			i++;
		}
	}
	b->last = last;
	return before - b->n;
}

unsigned ws_queue_drop(struct ws_queue *b)
{
	return drop(b, false);
}

void ws_queue_forget(struct ws_queue *b)
{
	(void)drop(b, true);
}

unsigned ws_queue_parts(struct ws_queue *b, struct iovec *parts, unsigned max)
{
	unsigned n = 0;
	size_t sent = b->sent;

	for (struct ws_queue_entry *e = b->first; e != NULL && n < max; e = e->next) {
		/* iovec has no const; whoever writes them does not write there. */
		parts[n++] = (struct iovec){ e->out->bytes + sent, e->out->len - sent };
		sent = 0;
	}
	b->offered = n > b->offered ? n : b->offered;
	return n;
}

void ws_queue_wrote(struct ws_queue *b, size_t n)
{
	n += b->sent;
	b->sent = 0;
	while (b->first != NULL && n >= b->first->out->len) {
		n -= b->first->out->len;
		ws_queue_pop(b);
	}
	CHECK(n == 0 || b->first != NULL);
	b->sent = n;
}

struct ws_out *ws_queue_first(const struct ws_queue *b)
{
	return b->first == NULL ? NULL : b->first->out;
}

void ws_queue_pop(struct ws_queue *b)
{
	struct ws_queue_entry *entry = b->first;

	CHECK(entry != NULL);
	b->first = entry->next;
	b->last = b->first == NULL ? NULL : b->last;
	b->offered -= b->offered > 0;
	b->sent = 0;
	forget(b, entry);
}

void ws_queue_move(struct ws_queue *b, struct ws_queue *from)
{
	CHECK(from->sent == 0 && from->offered == 0);
	if (from->first == NULL) {
		return;
	}
	if (b->last == NULL) {
		b->first = from->first;
	} else {
		b->last->next = from->first;
	}
	b->last = from->last;
	b->n += from->n;
	b->bytes += from->bytes;
	*from = (struct ws_queue){ .first = NULL };
}

void ws_queue_clear(struct ws_queue *b)
{
	while (b->first != NULL) {
		ws_queue_pop(b);
	}
}
