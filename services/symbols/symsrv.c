/*
 * See symsrv.h.
 */
#include "services/symbols/symsrv.h"

#include "services/symbols/build_answer.h"
#include "services/symbols/debuginfod.h"
#include "services/symbols/symbol_find.h"

enum {
	PADDED_DIGITS = 40
};

#define SYMSRV_ELF  SLICE("elf-buildid-")
#define SYMSRV_SYM  SLICE("elf-buildid-sym-")
#define SYMSRV_NAME SLICE("_.debug")

bool symsrv_is_plain(const struct symbol_key *key)
{
	struct slice file = key->file, name = key->debug_file;

	if (slice_ends(file, SLICE("_")) && file.len == name.len) {
		file = slice_sub(file, 0, file.len - 1);
		name = slice_sub(name, 0, file.len);
	}
	return slice_eq_nocase(file, name);
}

bool symsrv_is_tier(struct slice tier, struct slice debug_file)
{
	return tier.len == 2 && slice_eq_nocase(tier, slice_sub(debug_file, 0, 2));
}

bool symsrv_is_build(struct slice id)
{
	return id.len > SYMSRV_ELF.len &&
	       slice_eq_nocase(slice_sub(id, 0, SYMSRV_ELF.len), SYMSRV_ELF);
}

static bool is_zeros(struct slice digits)
{
	return digits.len > 0 && symbol_id_is_null(digits);
}

/* Build ids of 16 and of 8 bytes have zeros behind them there. */
static enum err answer_padded(
    struct op_call *c, struct slice build_id, enum elf_kind kind, bool with_try)
{
	static const size_t lengths[] = { 32, 16 };
	struct symbol_file f;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct slice shorter = slice_sub(build_id, 0, lengths[i]);
		if (build_id.len != PADDED_DIGITS ||
		    !is_zeros(slice_sub(build_id, lengths[i], build_id.len))) {
			break;
		}
		enum err e = symbol_find_build(c, shorter, kind, with_try, &f);
		if (e != ERR_NOT_FOUND) {
			return e == ERR_OK ? build_answer_file(c, &f) : e;
		}
	}
	return debuginfod_answer_build(c, build_id, kind, with_try);
}

enum err symsrv_answer_build(struct op_call *c, struct slice id, struct slice file, bool with_try)
{
	bool is_sym = id.len > SYMSRV_SYM.len &&
		      slice_eq_nocase(slice_sub(id, 0, SYMSRV_SYM.len), SYMSRV_SYM);
	struct slice build_id = SLICE_EMPTY;
	enum err e = build_take_id(
	    c, slice_sub(id, is_sym ? SYMSRV_SYM.len : SYMSRV_ELF.len, id.len), &build_id);
	bool is_known = !is_sym || slice_eq_nocase(file, SYMSRV_NAME);

	if (e == ERR_SYNTAX || (e == ERR_OK && !is_known)) {
		return build_answer_never(c);
	}
	return e == ERR_OK
		   ? answer_padded(c, build_id, is_sym ? ELF_DEBUGINFO : ELF_EXECUTABLE, with_try)
		   : e;
}
