/*
 * Conditional and range requests (RFC 9110 13 and 14) and the choice of a content coding, as pure
 * decisions over header texts. A header that is absent is the slice with ptr NULL.
 */
#ifndef PLIMSOLL_HTTP_CONDITIONAL_H
#define PLIMSOLL_HTTP_CONDITIONAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/slice.h"
#include "core/http/http.h"

enum http_etag_compare {
	HTTP_ETAG_STRONG, /* both strong and equal */
	HTTP_ETAG_WEAK,	  /* equal without regard to W/ */
};

/* Compares two entity tags such as "\"abc\"" or "W/\"abc\"", quotes included. */
bool http_etag_eq(struct slice a, struct slice b, enum http_etag_compare how);

/*
 * True if the list of If-Match or If-None-Match ("*" or tags) holds etag; etag with len 0: nothing
 * exists, "*" does not match. A malformed list holds what stands before the fault.
 */
bool http_etag_in_list(struct slice list, struct slice etag, enum http_etag_compare how);

enum http_condition {
	HTTP_CONDITION_PASS,	     /* do what the method says */
	HTTP_CONDITION_NOT_MODIFIED, /* answer 304 */
	HTTP_CONDITION_FAILED,	     /* answer 412 */
};

/* Evaluates If-Match, then If-None-Match, in the order of RFC 9110 13.2.2. */
enum http_condition http_condition_check(
    enum http_method method, struct slice if_match, struct slice if_none_match, struct slice etag);

enum http_range_result {
	HTTP_RANGE_WHOLE, /* no range, one that is ignored, or several: answer 200 with everything
			   */
	HTTP_RANGE_PART,  /* answer 206 */
	HTTP_RANGE_UNSATISFIABLE, /* answer 416; Content-Range tells the size */
};

/*
 * Reads a Range of one part over size bytes: *ret_first and *ret_len for PART (len > 0). Units
 * other than bytes, malformed and multiple ranges are ignored, as RFC 9110 14.2 allows.
 */
enum http_range_result http_range_parse(
    struct slice range, uint64_t size, uint64_t *ret_first, uint64_t *ret_len);

/* True if a Range counts: If-Range is absent, or is a strong tag equal to etag. Dates: false. */
bool http_if_range_holds(struct slice if_range, struct slice etag);

/* True if Accept-Encoding allows the coding ("gzip") with q above 0, by name or by "*". */
bool http_accepts_coding(struct slice accept_encoding, struct slice coding);

#endif
