/*
 * Role: files. Cutting sections out of ELF files. What is stored in gzip form is unpacked once into
 * the store of what is derived, because its sections may be anywhere in it.
 */
#include <stdio.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/wire.h"
#include "services/symbols/derived.h"
#include "services/symbols/elf_facts.h"
#include "services/symbols/section_calls.h"
#include "services/symbols/symbols_priv.h"

/* An ELF file that came in gzip form. */
#define UNPACKED_FORM "elf1"

struct job {
	const struct symbols_state *state;
	struct slice blob, section;
	bool is_gzip;
	struct err_note *note;
};

static uint64_t max_bytes(const struct symbols_state *state)
{
	return (uint64_t)state->settings.index_cache / SECTION_SHARE;
}

/* ERR_NOT_FOUND is said of sections alone. */
static enum err open_blob(const struct job *j, int *ret_fd, uint64_t *ret_size)
{
	enum err e = blob_get(j->state->blobs, j->blob, ret_fd, ret_size, j->note);

	return e == ERR_NOT_FOUND ? err_note_set(j->note, ERR_CORRUPT, "blob %.*s is not there",
					SLICE_ARG(j->blob))
				  : e;
}

static enum err unpack_into(void *arg, int out)
{
	const struct job *j = arg;
	struct unpack_source source = { .form = UNPACK_GZIP, .size = max_bytes(j->state) };
	struct unpacked u;
	enum err e = open_blob(j, &source.fd, &source.len);

	if (e != ERR_OK) {
		return e;
	}
	e = unpack(&source, out, false, &u, j->note);
	(void)close(source.fd);
	return e;
}

/* A descriptor of the ELF file as it was linked. */
static enum err open_plain(struct job *j, int *ret_fd, uint64_t *ret_size)
{
	char name[BLOB_NAME_SIZE];
	const struct blob_store *store = j->state->indexes;

	if (!j->is_gzip) {
		return open_blob(j, ret_fd, ret_size);
	}
	(void)snprintf(name, sizeof(name), "%.*s." UNPACKED_FORM,
	    SLICE_ARG(slice_sub(j->blob, 0, BLOB_HASH_HEX)));
	enum err e = derived_make(&(struct derived){ .store = store,
	    .name = slice_str(name),
	    .max_bytes = (uint64_t)j->state->settings.index_cache,
	    .make = unpack_into,
	    .arg = j,
	    .note = j->note });
	if (e == ERR_OK) {
		enum err touched = derived_touch(store, slice_str(name));
		(void)touched;
		e = blob_get(store, slice_str(name), ret_fd, ret_size, j->note);
	}
	/* Removed just now, for others to have room. */
	return e == ERR_NOT_FOUND ? ERR_AGAIN : e;
}

static enum err cut_into(void *arg, int out)
{
	struct job *j = arg;
	struct elf_place place = { .fd = -1 };
	struct elf_section section;
	struct elf *elf = NULL;
	enum err e = open_plain(j, &place.fd, &place.len);

	if (e != ERR_OK) {
		return e;
	}
	e = elf_open(&(struct elf_source){ elf_place_read, &place }, &elf);
	if (e == ERR_OK &&
	    !(elf_section_find(elf, j->section, &section) && elf_section_has_bytes(&section))) {
		e = ERR_NOT_FOUND;
	}
	if (e == ERR_OK) {
		e = elf_section_copy(elf, &section, max_bytes(j->state), out, j->note);
	}
	elf_close(&elf);
	(void)close(place.fd);
	return e;
}

static enum err handle_cut(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct wire_reader r = wire_reader_new(req);
	struct job j = { .state = symbols_state(role_state), .note = note };
	char name[BLOB_NAME_SIZE];

	(void)info;
	(void)reply;
	j.blob = wire_take_bytes(&r);
	j.is_gzip = wire_take_u8(&r) != 0;
	j.section = wire_take_bytes(&r);
	CHECK(wire_done(&r) && blob_name_is_good(j.blob) && j.section.len <= SECTION_NAME_MAX);
	enum err e = section_blob(j.blob, j.section, name);
	if (e != ERR_OK) {
		return e;
	}
	return derived_make(&(struct derived){ .store = j.state->indexes,
	    .name = slice_str(name),
	    .max_bytes = (uint64_t)j.state->settings.index_cache,
	    .make = cut_into,
	    .arg = &j,
	    .note = note });
}

const struct rpc_def symbols_section_cut = { .name = "symbols.section_cut",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_FILES,
	.max_req = BLOB_NAME_SIZE + SECTION_NAME_MAX + 64,
	.max_rep = 16,
	.deadline_ms = 120000,
	.cost_us = 5000,
	.flags = RPC_IDEMPOTENT,
	.handle = handle_cut };
