/*
 * A plan as bytes. Writing and taking stand beside each other, as in load_wire.c.
 */
#include "lab/load_wire_priv.h"

#include <string.h>

/* ---- parts of messages ---- */

void load_wire_put_real(struct buf *out, double n)
{
	uint64_t bits = 0;

	memcpy(&bits, &n, sizeof(bits));
	wire_put_u64(out, bits);
}

double load_wire_take_real(struct wire_reader *in)
{
	uint64_t bits = wire_take_u64(in);
	double n = 0;

	memcpy(&n, &bits, sizeof(n));
	return n;
}

/* NULL and texts, with their NUL. */
void load_wire_put_text(struct buf *out, const char *text)
{
	wire_put_bytes(out, text == NULL ? SLICE_EMPTY : (struct slice){ text, strlen(text) + 1 });
}

const char *load_wire_take_text(struct wire_reader *in)
{
	struct slice text = wire_take_bytes(in);

	if (text.len == 0) {
		return NULL;
	}
	in->bad = in->bad || text.ptr[text.len - 1] != '\0';
	return in->bad ? NULL : text.ptr;
}

/* A count that is at most max, else the message is bad. */
unsigned load_wire_take_count(struct wire_reader *in, unsigned max)
{
	uint32_t n = wire_take_u32(in);

	in->bad = in->bad || n > max;
	return in->bad ? 0 : n;
}

/* ---- the plan ---- */

static void put_behaviour(const struct load_plan *p, struct buf *out)
{
	wire_put_u8(out, p->has_retry);
	wire_put_u8(out, p->has_connection);
	wire_put_u8(out, p->has_patience);
	wire_put_u8(out, (uint8_t)p->behaviour.retry);
	wire_put_u8(out, (uint8_t)p->behaviour.connection);
	load_wire_put_real(out, p->behaviour.patience_s);
	wire_put_u8(out, p->has_resume);
	load_wire_put_real(out, p->behaviour.resume);
}

static void take_behaviour(struct wire_reader *in, struct load_plan *p)
{
	p->has_retry = wire_take_u8(in) != 0;
	p->has_connection = wire_take_u8(in) != 0;
	p->has_patience = wire_take_u8(in) != 0;
	uint8_t retry = wire_take_u8(in), connection = wire_take_u8(in);
	in->bad = in->bad || retry > RETRY_HALF || connection > CONNECTION_SESSION;
	p->behaviour.retry = (enum behaviour_retry)retry;
	p->behaviour.connection = (enum behaviour_connection)connection;
	p->behaviour.patience_s = load_wire_take_real(in);
	p->has_resume = wire_take_u8(in) != 0;
	p->behaviour.resume = load_wire_take_real(in);
	in->bad = in->bad || !(p->behaviour.resume >= 0 && p->behaviour.resume <= 1);
}

/* Ticks, weights and parts: what plimsoll line asks for. */
static void put_question(const struct load_plan *p, struct buf *out)
{
	wire_put_u32(out, p->at_tick == NULL ? 0 : p->tick_ms);
	wire_put_u32(out, p->n_limits);
	for (unsigned i = 0; i < p->n_limits; i++) {
		wire_put_i64(out, p->limits[i].activity);
		wire_put_i64(out, p->limits[i].us);
	}
	wire_put_u8(out, p->has_weights);
	for (unsigned i = 0; p->has_weights && i < MODEL_ACTIVITIES_MAX; i++) {
		load_wire_put_real(out, p->weights[i]);
	}
	wire_put_u32(out, p->n_parts);
	for (unsigned i = 0; i < p->n_parts; i++) {
		load_wire_put_real(out, p->parts[i].seconds);
		load_wire_put_real(out, p->parts[i].factor);
	}
}

static void take_question(struct wire_reader *in, struct load_plan *p)
{
	p->tick_ms = wire_take_u32(in);
	p->n_limits = load_wire_take_count(in, LOAD_LIMITS_MAX);
	for (unsigned i = 0; i < p->n_limits; i++) {
		int64_t activity = wire_take_i64(in);
		in->bad = in->bad || activity < -1 || activity >= MODEL_ACTIVITIES_MAX;
		p->limits[i] = (struct load_limit){ (int)activity, wire_take_i64(in) };
	}
	p->has_weights = wire_take_u8(in) != 0;
	for (unsigned i = 0; p->has_weights && i < MODEL_ACTIVITIES_MAX; i++) {
		p->weights[i] = load_wire_take_real(in);
		in->bad = in->bad || !(p->weights[i] >= 0);
	}
	p->n_parts = load_wire_take_count(in, LOAD_PARTS_MAX);
	for (unsigned i = 0; i < p->n_parts; i++) {
		p->parts[i].seconds = load_wire_take_real(in);
		p->parts[i].factor = load_wire_take_real(in);
		in->bad = in->bad || !(p->parts[i].seconds > 0) || !(p->parts[i].factor > 0);
	}
}

void load_wire_put_plan(const struct load_plan *p, struct buf *out)
{
	load_wire_put_text(out, p->url);
	load_wire_put_text(out, p->authorities);
	load_wire_put_text(out, p->from);
	load_wire_put_text(out, p->preset == NULL ? NULL : p->preset->name);
	wire_put_u8(out, p->insecure);
	const double reals[] = { p->users, p->warm_users, p->length_s, p->warm_up_s, p->timeout_s,
		p->spike, p->burst_s };
	for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
		load_wire_put_real(out, reals[i]);
	}
	wire_put_u64(out, p->seed);
	wire_put_u8(out, (uint8_t)p->law);
	wire_put_u8(out, (uint8_t)p->shape);
	put_behaviour(p, out);
	put_question(p, out);
	wire_put_u32(out, p->share);
	wire_put_u32(out, p->of);
}

bool load_wire_take_plan(struct wire_reader *in, struct load_plan *ret, const char **ret_preset)
{
	struct load_plan p = LOAD_PLAN_DEFAULT;

	p.url = load_wire_take_text(in);
	p.authorities = load_wire_take_text(in);
	p.from = load_wire_take_text(in);
	*ret_preset = load_wire_take_text(in);
	p.insecure = wire_take_u8(in) != 0;
	double *const reals[] = { &p.users, &p.warm_users, &p.length_s, &p.warm_up_s, &p.timeout_s,
		&p.spike, &p.burst_s };
	for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
		*reals[i] = load_wire_take_real(in);
	}
	p.seed = wire_take_u64(in);
	uint8_t law = wire_take_u8(in), shape = wire_take_u8(in);
	in->bad = in->bad || law > ARRIVAL_BURST || shape > SHAPE_PARTS;
	p.law = (enum arrival_law)law;
	p.shape = (enum arrival_shape)shape;
	take_behaviour(in, &p);
	take_question(in, &p);
	in->bad = in->bad || (p.shape == SHAPE_PARTS && p.n_parts == 0);
	p.share = wire_take_u32(in);
	p.of = wire_take_u32(in);
	*ret = p;
	return !in->bad && p.url != NULL && p.share < p.of && p.users >= 1 && p.length_s > 0;
}
