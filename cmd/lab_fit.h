/*
 * plimsoll model log, fit and compare: a model without a server, and against a live one.
 */
#ifndef PLIMSOLL_CMD_LAB_FIT_H
#define PLIMSOLL_CMD_LAB_FIT_H

#include "cmd/lab_options.h"

/* Writes the access log that the model's users would leave. The exit code, as of all. */
int lab_model_log(struct model *m, const struct lab_options *o);

/* Rates and users of a log, or of the metrics at a URL; compared with the model. */
int lab_model_fit(struct model *m, const struct lab_options *o, bool compare);

#endif
