/*
 * The messages of pairs.change.
 */
#include "core/base/wire.h"
#include "services/pairs/pairs_change.h"

void pairs_change_put(struct buf *out, const struct pairs_change_req *r)
{
	wire_put_u8(out, (uint8_t)r->kind);
#define X(field) wire_put_i64(out, r->field);
	PAIRS_CHANGE_NUMBERS(X)
#undef X
#define X(field) wire_put_bytes(out, r->field);
	PAIRS_CHANGE_TEXTS(X)
#undef X
}

bool pairs_change_take(struct slice message, struct pairs_change_req *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t kind = wire_take_u8(&r);
	struct pairs_change_req q = { .kind = PAIRS_SIGN_UP };

#define X(field) q.field = wire_take_i64(&r);
	PAIRS_CHANGE_NUMBERS(X)
#undef X
#define X(field) q.field = wire_take_bytes(&r);
	PAIRS_CHANGE_TEXTS(X)
#undef X
	if (!wire_done(&r) || kind >= PAIRS_KINDS) {
		return false;
	}
	q.kind = (enum pairs_kind)kind;
	*ret = q;
	return true;
}

void pairs_changed_put(struct buf *out, const struct pairs_changed *c)
{
	wire_put_u8(out, (uint8_t)c->outcome);
#define X(field) wire_put_i64(out, c->field);
	PAIRS_CHANGED_NUMBERS(X)
#undef X
#define X(field) wire_put_bytes(out, c->field);
	PAIRS_CHANGED_TEXTS(X)
#undef X
}

bool pairs_changed_take(struct slice message, struct pairs_changed *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t outcome = wire_take_u8(&r);

#define X(field) ret->field = wire_take_i64(&r);
	PAIRS_CHANGED_NUMBERS(X)
#undef X
#define X(field) ret->field = wire_take_bytes(&r);
	PAIRS_CHANGED_TEXTS(X)
#undef X
	ret->outcome = (enum pairs_outcome)outcome;
	return wire_done(&r) && outcome < PAIRS_OUTCOMES;
}
