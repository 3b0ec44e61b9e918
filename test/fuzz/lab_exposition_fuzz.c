/*
 * Metrics of a target that is watched, and what the kernel says of its processes: whatever comes is
 * passed over, or gives slices inside the text and finite values.
 */
#include "test/fuzz/fuzz.h"

#include <math.h>
#include <string.h>

#include "core/base/check.h"
#include "lab/exposition.h"
#include "lab/target_text.h"

static void check_inside(struct slice part, const uint8_t *data, size_t size)
{
	const char *begin = (const char *)data;

	CHECK(part.len == 0 || (part.ptr >= begin && part.ptr + part.len <= begin + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = SLICE_OF(data, size), rest = text, role;
	struct exposition_sample s;
	struct proc_stat stat;
	uint64_t a = 0, b = 0;

	while (exposition_next(&rest, &s)) {
		CHECK(isfinite(s.value) && s.name.len > 0);
		check_inside(s.name, data, size);
		check_inside(s.labels, data, size);
		if (exposition_label(&s, "role", &role)) {
			check_inside(role, data, size);
		}
	}
	if (proc_read_stat(text, &stat)) {
		CHECK(strnlen(stat.name, sizeof(stat.name)) < sizeof(stat.name));
	}
	(void)proc_read_schedstat(text, &a, &b);
	(void)proc_read_field(text, "write_bytes", &a);
	if (proc_read_steal(text, &a, &b)) {
		CHECK(size >= 4);
	}
	return 0;
}
