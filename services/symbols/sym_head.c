/*
 * See sym_head.h.
 */
#include "services/symbols/sym_head.h"

#include "services/symbols/symbol_key.h"

static bool cut_word(struct slice *rest, struct slice *ret)
{
	*rest = slice_trim(*rest);
	if (rest->len == 0) {
		return false;
	}
	size_t end = slice_find(*rest, ' ', 0);
	*ret = slice_sub(*rest, 0, end);
	*rest = slice_sub(*rest, end, rest->len);
	return true;
}

/* "MODULE Linux x86_64 ID NAME" */
static void read_module(struct slice rest, struct sym_head *head)
{
	struct slice os, cpu, id;

	if (!cut_word(&rest, &os)) {
		return;
	}
	head->is_elf = slice_eq_nocase(os, SLICE("linux")) || slice_eq_nocase(os, SLICE("android"));
	if (cut_word(&rest, &cpu) && cut_word(&rest, &id) && symbol_id_is_good(id) &&
	    symbol_name_is_good(slice_trim(rest))) {
		head->debug_id = id;
		head->debug_file = slice_trim(rest);
	}
}

static bool is_printable(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
			return false;
		}
	}
	return true;
}

/* "INFO CODE_ID ID [FILE]", "INFO GENERATOR text" */
static void read_info(struct slice rest, struct sym_head *head)
{
	struct slice word, id;

	if (!cut_word(&rest, &word)) {
		return;
	}
	if (slice_eq(word, SLICE("CODE_ID")) && cut_word(&rest, &id) && symbol_id_is_good(id)) {
		struct slice file = slice_trim(rest);
		head->code_id = id;
		head->code_file = symbol_name_is_good(file) ? file : SLICE_EMPTY;
	}
	if (slice_eq(word, SLICE("GENERATOR"))) {
		struct slice text = slice_trim(rest);
		bool is_good = text.len <= SYM_GENERATOR_MAX && is_printable(text);
		head->generator = is_good ? text : SLICE_EMPTY;
	}
}

void sym_head_read(struct slice text, struct sym_head *ret)
{
	*ret = (struct sym_head){ SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY,
		false };
	for (struct slice line; slice_split(&text, '\n', &line);) {
		struct slice word;
		if (slice_ends(line, SLICE("\r"))) {
			line = slice_sub(line, 0, line.len - 1);
		}
		if (!cut_word(&line, &word)) {
			return;
		}
		if (slice_eq(word, SLICE("MODULE"))) {
			read_module(line, ret);
		} else if (slice_eq(word, SLICE("INFO"))) {
			read_info(line, ret);
		} else {
			return;
		}
	}
}
