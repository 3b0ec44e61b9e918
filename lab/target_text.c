/*
 * Fields are told by their place, as proc(5) numbers them.
 */
#include "lab/target_text.h"

#include <string.h>

/* The next word of *rest as a number; a minus sign makes it 0. */
static bool take_u64(struct slice *rest, uint64_t *ret)
{
	struct slice word;

	do {
		if (!slice_split(rest, ' ', &word)) {
			return false;
		}
		word = slice_trim(word);
	} while (word.len == 0);
	*ret = 0;
	return word.ptr[0] == '-' || slice_to_u64(word, UINT64_MAX, ret) == ERR_OK;
}

bool proc_read_stat(struct slice text, struct proc_stat *ret)
{
	enum {
		STATE = 3,
		PARENT,
		USER = 14,
		SYSTEM,
		THREADS = 20,
		STARTED = 22,
		RESIDENT = 24
	};
	struct proc_stat s = { .state = '?' };
	size_t open = slice_find(text, '(', 0), close = text.len;
	uint64_t number = 0;

	while (close > 0 && text.ptr[close - 1] != ')') {
		close--;
	}
	if (open >= text.len || close <= open + 1 || close + 3 > text.len) {
		return false;
	}
	struct slice name = slice_sub(text, open + 1, close - 1);
	name = slice_sub(name, 0, sizeof(s.name) - 1);
	memcpy(s.name, name.ptr, name.len);
	s.state = text.ptr[close + 1];
	struct slice rest = slice_sub(text, close + 2, text.len);
	for (int field = PARENT; field <= RESIDENT; field++) {
		if (!take_u64(&rest, &number)) {
			return false;
		}
		s.parent = field == PARENT ? (int64_t)(number & INT64_MAX) : s.parent;
		s.ticks += field == USER || field == SYSTEM ? number : 0;
		s.threads = field == THREADS ? number : s.threads;
		s.started_ticks = field == STARTED ? number : s.started_ticks;
		s.resident_pages = field == RESIDENT ? number : s.resident_pages;
	}
	*ret = s;
	return true;
}

bool proc_read_schedstat(struct slice text, uint64_t *ret_ran_ns, uint64_t *ret_waited_ns)
{
	return take_u64(&text, ret_ran_ns) && take_u64(&text, ret_waited_ns);
}

bool proc_read_field(struct slice text, const char *name, uint64_t *ret)
{
	struct slice line, wanted = slice_str(name);

	while (slice_split(&text, '\n', &line)) {
		size_t colon = slice_find(line, ':', 0);
		if (colon < line.len && slice_eq(slice_sub(line, 0, colon), wanted)) {
			struct slice rest = slice_trim(slice_sub(line, colon + 1, line.len));
			return take_u64(&rest, ret);
		}
	}
	return false;
}

bool proc_read_steal(struct slice text, uint64_t *ret_steal, uint64_t *ret_all)
{
	enum {
		STEAL = 7,
		FIELDS = 8
	};
	uint64_t n = 0, all = 0, steal = 0;
	struct slice line;

	if (!slice_split(&text, '\n', &line) || !slice_starts(line, SLICE("cpu "))) {
		return false;
	}
	line = slice_sub(line, 4, line.len);
	for (int i = 0; i < FIELDS; i++) {
		if (!take_u64(&line, &n)) {
			return false;
		}
		all += n;
		steal = i == STEAL ? n : steal;
	}
	*ret_steal = steal;
	*ret_all = all;
	return true;
}
