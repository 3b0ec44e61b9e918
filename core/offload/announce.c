/*
 * See announce.h. Everything taken apart here comes from the network.
 */
#include "core/offload/announce.h"

#include "core/base/enc.h"
#include "core/base/rng.h"
#include "core/base/wire.h"

enum {
	PROCESSES_MAX = 4096,
	JOBS_MAX = 1024 * 1024,
};

void announce_put(struct buf *out, const struct announce *a)
{
	wire_put_u64(out, a->kind);
	wire_put_u8(out, a->leaving ? 1 : 0);
	wire_put_u32(out, a->processes);
	wire_put_u32(out, a->jobs);
	wire_put_u32(out, a->jobs_max);
	wire_put_i64(out, a->wait_us);
}

bool announce_take(struct slice message, struct announce *ret)
{
	struct wire_reader r = wire_reader_new(message);
	struct announce a = { .kind = wire_take_u64(&r) };

	a.leaving = wire_take_u8(&r) != 0;
	a.processes = wire_take_u32(&r);
	a.jobs = wire_take_u32(&r);
	a.jobs_max = wire_take_u32(&r);
	a.wait_us = wire_take_i64(&r);
	if (!wire_done(&r) || a.processes > PROCESSES_MAX || a.jobs > JOBS_MAX ||
	    a.jobs_max > JOBS_MAX || a.wait_us < 0) {
		return false;
	}
	*ret = a;
	return true;
}

void announce_run(char out[RUN_BYTES])
{
	const uint64_t random = rng_u64();

	enc_hex_text(SLICE_OF(&random, sizeof(random)), out);
}

bool announce_whose(
    struct slice subject, const char *prefix, char name[NATS_NAME_BYTES], char run[RUN_BYTES])
{
	struct slice rest = subject, part[4], more;

	for (unsigned i = 0; i < 4; i++) {
		if (!slice_split(&rest, '.', &part[i])) {
			return false;
		}
	}
	return !slice_split(&rest, '.', &more) && slice_eq(part[0], slice_str(prefix)) &&
	       slice_eq(part[1], SLICE("helper")) && part[2].len > 0 &&
	       slice_to_cstr(part[2], name, NATS_NAME_BYTES) == ERR_OK &&
	       part[3].len == RUN_BYTES - 1 && slice_to_cstr(part[3], run, RUN_BYTES) == ERR_OK;
}
