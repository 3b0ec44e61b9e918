/*
 * See picture_wire.h.
 */
#include "services/pairs/picture_wire.h"

#include "core/base/wire.h"

void picture_result_put(struct buf *out, const struct picture_result *r)
{
	wire_put_u8(out, (uint8_t)r->outcome);
	wire_put_u8(out, (uint8_t)r->format);
	wire_put_u32(out, r->width);
	wire_put_u32(out, r->height);
	wire_put_u8(out, (uint8_t)r->n);
	for (unsigned i = 0; i < r->n; i++) {
		wire_put_u32(out, r->variants[i].width);
		wire_put_u32(out, r->variants[i].height);
		wire_put_u8(out, (uint8_t)r->variants[i].format);
		wire_put_bytes(out, r->variants[i].bytes);
	}
}

static bool is_variant(const struct picture_variant *v, const struct picture_size *size)
{
	bool is_written = v->format == PICTURE_JPEG || v->format == PICTURE_WEBP;

	return is_written && v->width > 0 && v->height > 0 && v->width <= size->edge &&
	       v->height <= size->edge && v->bytes.len <= PICTURE_VARIANT_MAX &&
	       picture_format_of(v->bytes) == v->format;
}

bool picture_result_take(struct slice message, enum picture_use use, struct picture_result *ret)
{
	struct wire_reader r = wire_reader_new(message);
	unsigned outcome = wire_take_u8(&r), format = wire_take_u8(&r), wanted = 0;
	const struct picture_size *sizes = picture_sizes(use, &wanted);
	struct picture_result p = { .outcome = PICTURE_BAD };

	p.width = wire_take_u32(&r);
	p.height = wire_take_u32(&r);
	p.n = wire_take_u8(&r);
	if (r.bad || outcome >= PICTURE_OUTCOMES || format >= PICTURE_FORMATS ||
	    p.width > PICTURE_EDGE_MAX || p.height > PICTURE_EDGE_MAX ||
	    p.n != (outcome == PICTURE_MADE ? wanted : 0)) {
		return false;
	}
	p.outcome = (enum picture_outcome)outcome;
	p.format = (enum picture_format)format;
	for (unsigned i = 0; i < p.n; i++) {
		struct picture_variant *v = &p.variants[i];
		v->width = wire_take_u32(&r);
		v->height = wire_take_u32(&r);
		unsigned written = wire_take_u8(&r);
		v->format = written < PICTURE_FORMATS ? (enum picture_format)written : PICTURE_NONE;
		v->bytes = wire_take_bytes(&r);
		if (r.bad || !is_variant(v, &sizes[i])) {
			return false;
		}
	}
	*ret = p;
	return wire_done(&r);
}
