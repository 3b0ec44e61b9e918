/*
 * What comes by NATS from machines that say they are helpers: the words and the subjects of both
 * kinds. A word that is taken comes out the same when it is said again; a name and a run that are
 * taken make the subject they came from.
 */
#include "test/fuzz/fuzz.h"

#include <stdio.h>

#include "core/base/check.h"
#include "core/offload/announce.h"

static void check_word(struct slice in)
{
	struct announce a;
	struct buf again = buf_new(ANNOUNCE_BYTES);

	if (announce_take(in, &a)) {
		CHECK(a.wait_us >= 0);
		announce_put(&again, &a);
		/* "Leaving" is any number but 0. */
		CHECK(again.len == in.len && !again.failed);
		struct announce back;
		CHECK(announce_take(buf_slice(&again), &back));
		CHECK(back.kind == a.kind && back.leaving == a.leaving &&
		      back.processes == a.processes && back.jobs == a.jobs &&
		      back.jobs_max == a.jobs_max && back.wait_us == a.wait_us);
	}
	buf_free(&again);
}

static void check_subject(struct slice in)
{
	char name[NATS_NAME_BYTES], run[RUN_BYTES], again[SUBJECT_BYTES];

	if (announce_whose(in, "plimsoll", name, run)) {
		int n = snprintf(again, sizeof(again), "plimsoll.helper.%s.%s", name, run);
		CHECK(n > 0 && slice_eq(in, SLICE_OF(again, (size_t)n)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice in = SLICE_OF(data, size);

	check_word(in);
	check_subject(in);
	return 0;
}
