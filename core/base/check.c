/*
 * What happens when an invariant is broken: one line, then abort. No allocation, no logging layer:
 * either may be what is broken.
 */
#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *cond, const char *file, int line)
{
	fprintf(
	    stderr, "level=fatal event=broken_invariant cond=\"%s\" at=%s:%d\n", cond, file, line);
	abort();
}
