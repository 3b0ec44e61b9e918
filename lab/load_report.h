/*
 * A load run for people (a table), for machines (JSON with whole histograms, so that runs can be
 * merged), and as one page of HTML with plots that needs no network.
 */
#ifndef PLIMSOLL_LAB_LOAD_REPORT_H
#define PLIMSOLL_LAB_LOAD_REPORT_H

#include "core/base/buf.h"
#include "lab/load.h"

void load_report_text(const struct load_result *r, struct buf *out);
void load_report_json(const struct load_result *r, struct buf *out);
void load_report_html(const struct load_result *r, struct buf *out);

/* "persona, 10000 active users, preset seed-001, 60 s" */
void load_report_headline(const struct load_result *r, struct buf *out);

#endif
