/*
 * Role: files. Its handlers run on the role's worker thread: they may block, use only their
 * arguments and the blob store, and do not log.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/wire.h"
#include "services/symbols/file_calls.h"
#include "services/symbols/symbols_priv.h"

static const struct blob_store *blobs_of(void *role_state)
{
	return symbols_state(role_state)->blobs;
}

/* A draft's name in a message: a sibling made it. */
static struct slice take_draft(struct wire_reader *r)
{
	struct slice draft = wire_take_bytes(r);

	CHECK(blob_draft_is_good(draft));
	return draft;
}

static enum err handle_write(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct blob_store *blobs = blobs_of(role_state);
	struct wire_reader r = wire_reader_new(req);
	struct slice draft = take_draft(&r);
	uint64_t offset = wire_take_u64(&r);
	struct slice bytes = wire_take_bytes(&r);

	(void)info;
	(void)reply;
	CHECK(wire_done(&r));
	enum err e = offset == 0 ? blob_draft_make(blobs, draft, note) : ERR_OK;
	return e == ERR_OK ? blob_draft_write(blobs, draft, offset, bytes, note) : e;
}

static enum err open_with_size(const struct blob_store *blobs, struct slice draft, int *ret_fd,
    uint64_t *ret_size, struct err_note *note)
{
	struct stat st;
	enum err e = blob_draft_open(blobs, draft, ret_fd, note);

	if (e == ERR_OK && fstat(*ret_fd, &st) != 0) {
		(void)close(*ret_fd);
		return err_note_set(note, ERR_IO, "an upload cannot be looked at");
	}
	if (e == ERR_OK) {
		*ret_size = (uint64_t)st.st_size;
	}
	return e;
}

static enum err handle_size(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct wire_reader r = wire_reader_new(req);
	struct slice draft = take_draft(&r);
	uint64_t size = 0;
	int fd = -1;

	(void)info;
	CHECK(wire_done(&r));
	enum err e = open_with_size(blobs_of(role_state), draft, &fd, &size, note);
	if (e == ERR_OK) {
		(void)close(fd);
		wire_put_u64(reply, size);
	}
	return e;
}

static enum err handle_take(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct wire_reader r = wire_reader_new(req);
	struct slice draft = take_draft(&r), name = take_draft(&r);

	(void)info;
	(void)reply;
	CHECK(wire_done(&r));
	return blob_draft_take(blobs_of(role_state), draft, name, note);
}

static enum err put_member(void *arg, const struct zip_member *m)
{
	struct buf *reply = arg;

	wire_put_bytes(reply, m->name);
	wire_put_u8(reply, (uint8_t)m->method);
	wire_put_u32(reply, m->crc);
	wire_put_u64(reply, m->packed);
	wire_put_u64(reply, m->size);
	wire_put_u64(reply, m->header);
	return reply->failed ? ERR_LIMIT : ERR_OK;
}

static enum err handle_list(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct wire_reader r = wire_reader_new(req);
	struct slice draft = take_draft(&r);
	uint64_t max_members = wire_take_u64(&r), max_unpacked = wire_take_u64(&r), size = 0;
	int fd = -1;

	(void)info;
	CHECK(wire_done(&r));
	enum err e = open_with_size(blobs_of(role_state), draft, &fd, &size, note);
	if (e != ERR_OK) {
		return e;
	}
	e = zip_list(fd, size, max_members, max_unpacked, put_member, reply, note);
	(void)close(fd);
	return e;
}

/* ---- unpacking ---- */

struct request {
	struct slice source, out;
	bool is_member, as_gzip;
	struct zip_member member;
	enum unpack_form form;
	uint64_t max_size;
	uint64_t max_elf; /* bytes that are looked at of what is packed */
};

static void take_request(struct slice message, struct request *q)
{
	struct wire_reader r = wire_reader_new(message);

	q->source = take_draft(&r);
	q->is_member = wire_take_u8(&r) != 0;
	q->member.name = wire_take_bytes(&r);
	q->member.method = (enum zip_method)wire_take_u8(&r);
	q->member.crc = wire_take_u32(&r);
	q->member.packed = wire_take_u64(&r);
	q->member.size = wire_take_u64(&r);
	q->member.header = wire_take_u64(&r);
	q->form = (enum unpack_form)wire_take_u8(&r);
	q->max_size = wire_take_u64(&r);
	q->as_gzip = wire_take_u8(&r) != 0;
	q->out = wire_take_bytes(&r);
	CHECK(wire_done(&r) && q->form < UNPACK_FORMS);
	CHECK(q->out.len == 0 || blob_draft_is_good(q->out));
}

static enum err find_source(const struct request *q, int fd, uint64_t file_size,
    struct unpack_source *s, struct err_note *note)
{
	*s = (struct unpack_source){
		.fd = fd, .len = file_size, .form = q->form, .size = q->max_size
	};
	if (!q->is_member) {
		return ERR_OK;
	}
	s->form = q->member.method == ZIP_STORED ? UNPACK_PLAIN : UNPACK_DEFLATE;
	s->len = q->member.packed;
	s->size = q->member.size;
	s->crc = q->member.crc;
	s->knows_size = true;
	return zip_data(fd, file_size, &q->member, &s->at, note);
}

/* What the content is to debuggers, read from where it is now. */
static struct elf_facts look_at_elf(
    const struct request *q, const struct unpack_source *s, int out, const struct unpacked *u)
{
	struct elf_place place = {
		.fd = s->fd, .at = s->at, .len = s->len, .is_gzip = s->form == UNPACK_GZIP
	};

	if (out >= 0) {
		place =
		    (struct elf_place){ .fd = out, .len = u->stored_size, .is_gzip = q->as_gzip };
	}
	place.max = q->max_elf;
	return elf_facts_of(&place, SLICE_OF(u->head, u->head_len));
}

static void put_unpacked(struct buf *reply, const struct unpacked *u, const struct elf_facts *elf)
{
	struct sym_head head;

	sym_head_read(SLICE_OF(u->head, u->head_len), &head);
	wire_put_bytes(reply, SLICE_OF(u->sha256, sizeof(u->sha256)));
	wire_put_bytes(reply, SLICE_OF(u->md5, sizeof(u->md5)));
	wire_put_u64(reply, u->size);
	wire_put_u64(reply, u->stored_size);
	wire_put_bytes(reply, head.debug_file);
	wire_put_bytes(reply, head.debug_id);
	wire_put_bytes(reply, head.code_file);
	wire_put_bytes(reply, head.code_id);
	wire_put_bytes(reply, head.generator);
	wire_put_u8(reply, head.is_elf ? 1 : 0);
	wire_put_u8(reply, (uint8_t)elf->kind);
	wire_put_u64(reply, elf->size);
	wire_put_bytes(reply, slice_str(elf->build_id));
}

static enum err run_unpack(const struct blob_store *blobs, const struct request *q, int fd,
    uint64_t size, struct buf *reply, struct err_note *note)
{
	struct unpack_source source;
	struct elf_facts elf = { .kind = 0 };
	struct unpacked u;
	int out = -1;
	enum err e = find_source(q, fd, size, &source, note);

	if (e == ERR_OK && q->out.len > 0) {
		e = blob_draft_make(blobs, q->out, note);
		if (e == ERR_OK) {
			e = blob_draft_open(blobs, q->out, &out, note);
		}
	}
	if (e == ERR_OK) {
		e = unpack(&source, out, q->as_gzip, &u, note);
	}
	if (e == ERR_OK) {
		elf = look_at_elf(q, &source, out, &u);
	}
	if (out >= 0) {
		(void)close(out);
	}
	if (e == ERR_OK) {
		put_unpacked(reply, &u, &elf);
	} else if (q->out.len > 0) {
		/* Room for others at once, above all when there is none left. */
		enum err dropped = blob_drop(blobs, q->out, NULL);
		(void)dropped;
	}
	return e;
}

static enum err handle_unpack(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct blob_store *blobs = blobs_of(role_state);
	struct request q = { .is_member = false };
	uint64_t size = 0;
	int fd = -1;

	(void)info;
	take_request(req, &q);
	q.max_elf = (uint64_t)symbols_state(role_state)->settings.max_unpacked;
	enum err e = open_with_size(blobs, q.source, &fd, &size, note);
	if (e != ERR_OK) {
		return e;
	}
	e = run_unpack(blobs, &q, fd, size, reply, note);
	(void)close(fd);
	return e;
}

/* ---- keeping and dropping ---- */

static enum err handle_keep(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct wire_reader r = wire_reader_new(req);
	struct slice draft = take_draft(&r), name = wire_take_bytes(&r);

	(void)info;
	(void)reply;
	CHECK(wire_done(&r) && blob_name_is_good(name));
	return blob_keep(blobs_of(role_state), draft, name, note);
}

static enum err handle_drop(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct wire_reader r = wire_reader_new(req);
	struct slice draft = take_draft(&r);

	(void)info;
	(void)reply;
	CHECK(wire_done(&r));
	return blob_drop(blobs_of(role_state), draft, note);
}

/* The courier has what it fetches written, checked and kept. */
#define FILES_ROW(row_name, req, rep, ms, us, row_flags, fn)                                       \
	{                                                                                          \
		.name = (row_name), .from = ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_COURIER),           \
		.to = ROLE_FILES, .max_req = (req), .max_rep = (rep), .deadline_ms = (ms),         \
		.cost_us = (us), .flags = (row_flags), .handle = (fn)                              \
	}

/* clang-format off */
const struct rpc_def symbols_draft_write = FILES_ROW("symbols.draft_write", FILE_WRITE_MAX + 128, 16, 120000, 300, 0, handle_write);
const struct rpc_def symbols_draft_size = FILES_ROW("symbols.draft_size", FILE_MESSAGE_MAX, 16, 60000, 50, RPC_IDEMPOTENT, handle_size);
const struct rpc_def symbols_draft_take = FILES_ROW("symbols.draft_take", FILE_MESSAGE_MAX, 16, 60000, 200, 0, handle_take);
const struct rpc_def symbols_archive_list = FILES_ROW("symbols.archive_list", FILE_MESSAGE_MAX, FILE_LIST_MAX, 120000, 1000, RPC_IDEMPOTENT, handle_list);
const struct rpc_def symbols_unpack = FILES_ROW("symbols.unpack", FILE_MESSAGE_MAX, FILE_MESSAGE_MAX, 600000, 5000, 0, handle_unpack);
const struct rpc_def symbols_keep = FILES_ROW("symbols.keep", FILE_MESSAGE_MAX, 16, 120000, 5000, 0, handle_keep);
const struct rpc_def symbols_drop = FILES_ROW("symbols.drop", FILE_MESSAGE_MAX, 16, 60000, 100, RPC_IDEMPOTENT, handle_drop);
/* clang-format on */
