/*
 * Writing and taking stand beside each other: they must name the same fields in the same order.
 */
#include "lab/load_wire_priv.h"

#include <stdlib.h>
#include <string.h>

static void put_hdr(struct buf *out, const struct hdr *h)
{
	struct buf text = buf_new(HDR_TEXT_BYTES);

	hdr_write(h, &text);
	wire_put_bytes(out, buf_slice(&text));
	buf_free(&text);
}

static void add_hdr(struct wire_reader *in, struct hdr *to)
{
	struct hdr h = { 0 };

	if (hdr_read(&h, wire_take_bytes(in)) != ERR_OK) {
		in->bad = true;
	}
	hdr_merge(to, &h);
	hdr_fini(&h);
}

/* ---- the result ---- */

static void put_counts(struct buf *out, const uint64_t *const *counts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		wire_put_u64(out, *counts[i]);
	}
}

static void add_counts(struct wire_reader *in, uint64_t *const *counts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		*counts[i] += wire_take_u64(in);
	}
}

/* clang-format off */
#define STEP_COUNTS(s) { &(s)->sent, &(s)->done, &(s)->refused, &(s)->failed, &(s)->gave_up, &(s)->retried }
#define ACTIVITY_COUNTS(a) { &(a)->due, &(a)->begun, &(a)->done, &(a)->refused, &(a)->failed, \
	&(a)->gave_up, &(a)->no_user, &(a)->no_room, &(a)->away, &(a)->unfinished }
#define RESULT_COUNTS(r) { &(r)->connections, &(r)->handshakes, &(r)->resumed, &(r)->bytes_in, &(r)->bytes_out, &(r)->own_faults, \
	&(r)->no_descriptor, &(r)->no_port, &(r)->warmed, &(r)->warm_failed }
#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))
/* clang-format on */

static void put_activity(const struct load_activity *a, struct buf *out)
{
	const uint64_t *const counts[] = ACTIVITY_COUNTS(a);

	put_counts(out, counts, COUNT_OF(counts));
	put_hdr(out, &a->latency);
	wire_put_u32(out, a->n_steps);
	for (unsigned i = 0; i < a->n_steps; i++) {
		const struct load_step *s = &a->steps[i];
		const uint64_t *const of_step[] = STEP_COUNTS(s);
		load_wire_put_text(out, s->name);
		put_counts(out, of_step, COUNT_OF(of_step));
		put_hdr(out, &s->latency);
		put_hdr(out, &s->service);
	}
}

/* The step of that name; the last one stands for all when there are too many. */
static struct load_step *step_called(struct load_activity *a, const char *name)
{
	for (unsigned i = 0; i < a->n_steps; i++) {
		if (strcmp(a->steps[i].name, name) == 0) {
			return &a->steps[i];
		}
	}
	if (a->n_steps == LOAD_STEPS_MAX) {
		return &a->steps[LOAD_STEPS_MAX - 1];
	}
	struct load_step *s = &a->steps[a->n_steps++];
	memcpy(s->name, name, strlen(name) + 1);
	return s;
}

static void add_activity(struct wire_reader *in, struct load_activity *a)
{
	uint64_t *const counts[] = ACTIVITY_COUNTS(a);

	add_counts(in, counts, COUNT_OF(counts));
	add_hdr(in, &a->latency);
	uint32_t n = wire_take_u32(in);
	in->bad = in->bad || n > LOAD_STEPS_MAX;
	for (uint32_t i = 0; i < n && !in->bad; i++) {
		const char *name = load_wire_take_text(in);
		if (name == NULL || strlen(name) >= STEP_NAME_BYTES) {
			in->bad = true;
			return;
		}
		struct load_step *s = step_called(a, name);
		uint64_t *const of_step[] = STEP_COUNTS(s);
		add_counts(in, of_step, COUNT_OF(of_step));
		add_hdr(in, &s->latency);
		add_hdr(in, &s->service);
	}
}

static void put_generator(const struct load_result *r, struct buf *out)
{
	const uint64_t *const counts[] = RESULT_COUNTS(r);

	put_counts(out, counts, COUNT_OF(counts));
	put_hdr(out, &r->lateness);
	put_hdr(out, &r->first_lateness);
	put_hdr(out, &r->service);
	wire_put_u64(out, r->gaps.n);
	for (int i = 0; i < GAPS_BINS; i++) {
		wire_put_u32(out, r->gaps.bins[i]);
	}
	load_wire_put_real(out, r->cpu_s);
	load_wire_put_real(out, r->kept_waiting_s);
	load_wire_put_real(out, r->elapsed_s);
	load_wire_put_real(out, r->watched_s);
	load_wire_put_real(out, r->warm_s);
	wire_put_u64(out, r->script_bytes);
	wire_put_u32(out, r->running_max);
	wire_put_u8(out, r->interrupted);
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static void add_generator(struct wire_reader *in, struct load_result *r)
{
	uint64_t *const counts[] = RESULT_COUNTS(r);

	add_counts(in, counts, COUNT_OF(counts));
	add_hdr(in, &r->lateness);
	add_hdr(in, &r->first_lateness);
	add_hdr(in, &r->service);
	r->gaps.n += wire_take_u64(in);
	for (int i = 0; i < GAPS_BINS; i++) {
		r->gaps.bins[i] += wire_take_u32(in);
	}
	r->cpu_s += load_wire_take_real(in);
	r->kept_waiting_s += load_wire_take_real(in);
	r->elapsed_s = larger(r->elapsed_s, load_wire_take_real(in));
	r->watched_s = larger(r->watched_s, load_wire_take_real(in));
	r->warm_s = larger(r->warm_s, load_wire_take_real(in));
	r->script_bytes += wire_take_u64(in);
	r->running_max += wire_take_u32(in);
	r->interrupted = wire_take_u8(in) != 0 || r->interrupted;
}

void load_wire_put_result(const struct load_result *r, struct buf *out)
{
	put_generator(r, out);
	wire_put_u32(out, r->n_activities);
	for (unsigned i = 0; i < r->n_activities; i++) {
		put_activity(&r->activities[i], out);
	}
	wire_put_u32(out, r->n_failures);
	for (unsigned i = 0; i < r->n_failures; i++) {
		load_wire_put_text(out, r->failures[i].text);
		wire_put_u64(out, r->failures[i].count);
	}
	wire_put_u32(out, r->n_void);
	for (unsigned i = 0; i < r->n_void; i++) {
		load_wire_put_text(out, r->causes[i]);
	}
}

enum err load_wire_merge(struct wire_reader *in, unsigned number, struct load_result *to)
{
	add_generator(in, to);
	in->bad = in->bad || wire_take_u32(in) != to->n_activities;
	for (unsigned i = 0; i < to->n_activities && !in->bad; i++) {
		add_activity(in, &to->activities[i]);
	}
	uint32_t failures = wire_take_u32(in);
	for (uint32_t i = 0; i < failures && !in->bad; i++) {
		const char *text = load_wire_take_text(in);
		load_result_add_failure(to, text == NULL ? "" : text, wire_take_u64(in));
	}
	uint32_t causes = wire_take_u32(in);
	for (uint32_t i = 0; i < causes && !in->bad; i++) {
		const char *text = load_wire_take_text(in);
		load_result_add_cause(to, "generator %u: %s", number, text == NULL ? "" : text);
	}
	return wire_done(in) ? ERR_OK : ERR_SYNTAX;
}

/* ---- a tick ---- */

/* clang-format off */
#define TICK_COUNTS(c) { &(c)->due, &(c)->away, &(c)->begun, &(c)->done, &(c)->refused, &(c)->failed, &(c)->gave_up }
/* clang-format on */

void load_wire_put_tick(const struct load_tick *t, struct buf *out)
{
	load_wire_put_real(out, t->at_s);
	wire_put_u32(out, t->running);
	wire_put_u32(out, t->n_activities);
	for (unsigned i = 0; i < t->n_activities; i++) {
		const uint64_t *const counts[] = TICK_COUNTS(&t->activities[i]);
		put_counts(out, counts, COUNT_OF(counts));
	}
	for (unsigned k = 0; k < LOAD_LIMITS_MAX; k++) {
		wire_put_u64(out, t->slow[k]);
	}
}

enum err load_wire_take_tick(struct wire_reader *in, struct load_tick *ret)
{
	struct load_tick t = { .at_s = load_wire_take_real(in) };

	t.running = wire_take_u32(in);
	t.n_activities = load_wire_take_count(in, MODEL_ACTIVITIES_MAX);
	for (unsigned i = 0; i < t.n_activities; i++) {
		uint64_t *const counts[] = TICK_COUNTS(&t.activities[i]);
		add_counts(in, counts, COUNT_OF(counts));
	}
	for (unsigned k = 0; k < LOAD_LIMITS_MAX; k++) {
		t.slow[k] = wire_take_u64(in);
	}
	*ret = t;
	return wire_done(in) ? ERR_OK : ERR_SYNTAX;
}

void load_tick_add(struct load_tick *to, const struct load_tick *from)
{
	to->at_s = larger(to->at_s, from->at_s);
	to->running += from->running;
	to->n_activities = from->n_activities;
	for (unsigned i = 0; i < from->n_activities; i++) {
		uint64_t *const sums[] = TICK_COUNTS(&to->activities[i]);
		const uint64_t *const counts[] = TICK_COUNTS(&from->activities[i]);
		for (size_t k = 0; k < COUNT_OF(sums); k++) {
			*sums[k] += *counts[k];
		}
	}
	for (unsigned k = 0; k < LOAD_LIMITS_MAX; k++) {
		to->slow[k] += from->slow[k];
	}
}

/* ---- a second ---- */

void load_wire_put_now(const struct load_now *now, struct buf *out)
{
	const struct load_second *s = &now->second;
	const uint32_t counts[] = { s->begun, s->done, s->refused, s->failed, s->gave_up,
		now->running };

	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		wire_put_u32(out, counts[i]);
	}
	load_wire_put_real(out, s->length_s);
	load_wire_put_real(out, now->at_s);
	load_wire_put_real(out, now->left_s);
	wire_put_u64(out, now->warmed);
	wire_put_u64(out, now->to_warm);
	wire_put_u8(out, now->warming_up);
	wire_put_u8(out, now->kept);
	put_hdr(out, now->latency);
}

enum err load_wire_take_now(struct wire_reader *in, struct load_now *ret, struct hdr *latency)
{
	struct load_now now = { .latency = latency };
	struct load_second *s = &now.second;
	uint32_t *const counts[] = { &s->begun, &s->done, &s->refused, &s->failed, &s->gave_up,
		&now.running };

	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		*counts[i] = wire_take_u32(in);
	}
	s->length_s = load_wire_take_real(in);
	now.at_s = load_wire_take_real(in);
	now.left_s = load_wire_take_real(in);
	now.warmed = wire_take_u64(in);
	now.to_warm = wire_take_u64(in);
	now.warming_up = wire_take_u8(in) != 0;
	now.kept = wire_take_u8(in) != 0;
	add_hdr(in, latency);
	*ret = now;
	return wire_done(in) ? ERR_OK : ERR_SYNTAX;
}
