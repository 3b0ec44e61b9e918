/*
 * Pieces of the pages of runs: load_html.c and replay_html.c put theirs together from these.
 */
#ifndef PLIMSOLL_LAB_LOAD_PAGE_H
#define PLIMSOLL_LAB_LOAD_PAGE_H

#include "core/base/buf.h"
#include "lab/load.h"

/* Why it is void, and what failed; nothing where neither is. */
void load_page_put_doubts(const struct load_result *r, struct buf *out);
/* The thresholds and whether they were met; nothing where there are none. */
void load_page_put_slos(const struct load_result *r, struct buf *out);

/* Plots: rates and latency over time; latency by share of the activities; cores of each role. */
void load_page_put_courses(const struct load_result *r, struct buf *out);
void load_page_put_shares(const struct load_result *r, struct buf *out);
void load_page_put_use_course(const struct load_result *r, struct buf *out);

void load_page_put_activities(const struct load_result *r, struct buf *out);
void load_page_put_steps(const struct load_result *r, struct buf *out);

/* What each role used, with its plots; nothing where nobody looked. */
void load_page_put_target(const struct load_result *r, struct buf *out);
void load_page_put_caveats(const struct load_result *r, struct buf *out);
void load_page_put_generator(const struct load_result *r, struct buf *out);

#endif
