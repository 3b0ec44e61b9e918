/*
 * What the control messages say: see control.h.
 */
#include "core/role/control.h"

#include "core/base/wire.h"

void control_put_start(struct buf *out, const struct control_start *s)
{
	wire_put_u8(out, (uint8_t)s->role);
	wire_put_u32(out, s->instance);
	wire_put_u32(out, s->slot);
	wire_put_u32(out, s->n_slots);
	wire_put_u8(out, s->sandbox);
	wire_put_u8(out, s->hold);
	wire_put_u32(out, s->services);
	wire_put_u32(out, s->roles);
	wire_put_u32(out, s->listeners);
	wire_put_bytes(out, s->data_dir);
	wire_put_bytes(out, s->conf);
}

bool control_take_start(struct slice body, struct control_start *ret)
{
	struct wire_reader r = wire_reader_new(body);

	ret->role = (enum role_id)wire_take_u8(&r);
	ret->instance = wire_take_u32(&r);
	ret->slot = wire_take_u32(&r);
	ret->n_slots = wire_take_u32(&r);
	ret->sandbox = wire_take_u8(&r) != 0;
	ret->hold = wire_take_u8(&r) != 0;
	ret->services = wire_take_u32(&r);
	ret->roles = wire_take_u32(&r);
	ret->listeners = wire_take_u32(&r);
	ret->data_dir = wire_take_bytes(&r);
	ret->conf = wire_take_bytes(&r);
	return wire_done(&r) && ret->role > ROLE_SUPERVISOR && ret->role < ROLE_COUNT;
}

void control_put_peer(struct buf *out, const struct control_peer *p)
{
	wire_put_u8(out, p->callee);
	wire_put_u8(out, (uint8_t)p->role);
	wire_put_u32(out, p->instance);
}

bool control_take_peer(struct slice body, struct control_peer *ret)
{
	struct wire_reader r = wire_reader_new(body);

	ret->callee = wire_take_u8(&r) != 0;
	ret->role = (enum role_id)wire_take_u8(&r);
	ret->instance = wire_take_u32(&r);
	return wire_done(&r) && ret->role > ROLE_SUPERVISOR && ret->role < ROLE_COUNT;
}

void control_put_drain(struct buf *out, const struct control_drain *d)
{
	wire_put_i64(out, d->ms);
	wire_put_i64(out, d->idle_ms);
	wire_put_u8(out, d->accepts);
}

bool control_take_drain(struct slice body, struct control_drain *ret)
{
	struct wire_reader r = wire_reader_new(body);

	ret->ms = wire_take_i64(&r);
	ret->idle_ms = wire_take_i64(&r);
	ret->accepts = wire_take_u8(&r) != 0;
	return wire_done(&r);
}

void control_put_failed(struct buf *out, const struct control_failed *f)
{
	wire_put_u8(out, (uint8_t)f->exit_code);
	wire_put_bytes(out, f->text);
}

bool control_take_failed(struct slice body, struct control_failed *ret)
{
	struct wire_reader r = wire_reader_new(body);

	ret->exit_code = wire_take_u8(&r);
	ret->text = wire_take_bytes(&r);
	return wire_done(&r);
}

void control_put_handover(struct buf *out, const struct control_handover *h)
{
	wire_put_u32(out, h->version);
	wire_put_u32(out, h->n);
	for (unsigned i = 0; i < h->n; i++) {
		wire_put_bytes(out, h->listener[i].section);
		wire_put_bytes(out, h->listener[i].address);
	}
}

bool control_take_handover(struct slice body, struct control_handover *ret)
{
	struct wire_reader r = wire_reader_new(body);

	ret->version = wire_take_u32(&r);
	ret->n = wire_take_u32(&r);
	if (ret->n > CONTROL_HANDOVER_MAX) {
		return false;
	}
	for (unsigned i = 0; i < ret->n; i++) {
		ret->listener[i].section = wire_take_bytes(&r);
		ret->listener[i].address = wire_take_bytes(&r);
	}
	return !r.bad; /* more may follow */
}
