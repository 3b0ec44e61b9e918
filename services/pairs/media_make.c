/*
 * Roles: web, which calls, and media, whose worker thread waits for the program. What the program
 * says is looked at here before anybody believes it: it has decoded what a stranger sent.
 */
#include "services/pairs/media_make.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/wire.h"
#include "core/ev/task.h"
#include "core/helper/helper.h"
#include "services/pairs/pairs_media.h"
#include "services/pairs/pairs_priv.h"

enum {
	MESSAGE_MAX = 256
};

/* ---- web ---- */

enum err media_make(const struct media_caller *c, int64_t owner, int64_t id, enum picture_use use,
    uint64_t max_pixels, struct picture_result *ret)
{
	struct buf message = buf_new(MESSAGE_MAX);
	struct slice reply = SLICE_EMPTY;
	char name[BLOB_NAME_SIZE];

	pairs_media_blob(owner, id, PAIRS_MEDIA_ORIGINAL, name);
	wire_put_bytes(&message, slice_str(name));
	wire_put_u8(&message, (uint8_t)use);
	wire_put_u64(&message, max_pixels);
	enum err e = rpc_call(c->env->peer[ROLE_MEDIA], &pairs_media_make, buf_slice(&message),
	    c->deadline_us, c->trace, c->arena, &reply, c->note);
	buf_free(&message);
	if (e == ERR_OK && !picture_result_take(reply, use, ret)) {
		e = err_note_set(c->note, ERR_CORRUPT, "the answer is none");
	}
	return e;
}

/* ---- media ---- */

static enum err run_program(const struct svc_env *env, int input, enum picture_use use,
    uint64_t max_pixels, struct buf *out, struct err_note *note)
{
	char pixels[24], bytes[24];
	char *const argv[] = { (char[]){ "plimsoll-media" },
		use == PICTURE_AVATAR ? (char[]){ "avatar" } : (char[]){ "photo" }, pixels, bytes,
		NULL };
	/* One arena for all threads, so that memory is what the limit counts. */
	char *const environment[] = { (char[]){ "MALLOC_ARENA_MAX=1" },
		(char[]){ "ASAN_OPTIONS=detect_leaks=0" }, NULL };
	const struct helper_job job = { .program_fd = env->helper_fd,
		.argv = argv,
		.env = environment,
		.input_fd = input,
		.wall_ms = MEDIA_WALL_MS,
		.cpu_s = MEDIA_CPU_S };
	enum helper_end end = HELPER_EXITED;
	int code = 0;

	(void)snprintf(pixels, sizeof(pixels), "%" PRIu64, max_pixels);
	(void)snprintf(bytes, sizeof(bytes), "%d", PAIRS_UPLOAD_MAX);
	enum err e = helper_run(&job, out, &end, &code, note);
	if (e != ERR_OK) {
		return e;
	}
	switch (end) {
	case HELPER_KILLED:
		return err_note_set(note, ERR_CORRUPT, "killed by signal %d", code);
	case HELPER_OVERDUE:
		return code == SIGXCPU
			   ? err_note_set(note, ERR_CORRUPT, "took too much processor time")
			   : err_note_set(note, ERR_DEADLINE, "took too long");
	case HELPER_TALKED:
		return err_note_set(note, ERR_CORRUPT, "its answer is too long");
	case HELPER_EXITED:
	default:
		break;
	}
	return code == 0 ? ERR_OK
			 : err_note_set(note, ERR_SYSTEM, "plimsoll-media ends with %d", code);
}

static enum err handle_make(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct svc_env *env = role_state;
	struct wire_reader r = wire_reader_new(req);
	struct slice name = wire_take_bytes(&r);
	enum picture_use use = wire_take_u8(&r) == PICTURE_AVATAR ? PICTURE_AVATAR : PICTURE_PHOTO;
	uint64_t max_pixels = wire_take_u64(&r), size = 0;
	struct picture_result result;
	int fd = -1;

	(void)info;
	CHECK(wire_done(&r));
	enum err e = blob_get(pairs_state(env)->blobs, name, &fd, &size, note);
	if (e != ERR_OK) {
		return e;
	}
	e = run_program(env, fd, use, max_pixels, reply, note);
	(void)close(fd);
	if (e == ERR_OK && !picture_result_take(buf_slice(reply), use, &result)) {
		e = err_note_set(note, ERR_CORRUPT, "its answer is none");
	}
	return e;
}

/* Queued behind others it may wait as long as some pictures take. */
const struct rpc_def pairs_media_make = {
	.name = "pairs.media_make",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_MEDIA,
	.max_req = MESSAGE_MAX,
	.max_rep = PICTURE_RESULT_MAX,
	.deadline_ms = 60000,
	.cost_us = 200000,
	.handle = handle_make,
};
