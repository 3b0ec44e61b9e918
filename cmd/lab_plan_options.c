/*
 * Figures of a plan have flags of their own names, and the units of doc/PLAN.md.
 */
#include "cmd/lab_plan_options.h"

#include <string.h>

#include "core/base/clock.h"
#include "lab/plan_field.h"

void lab_plan_usage(FILE *out)
{
	fputs(
	    "usage: plimsoll plan [option ...] INPUT ...\n\n"
	    "  INPUT                  a result of plimsoll line --json, or a file written by hand (doc/PLAN.md);\n"
	    "                         several add up\n"
	    "  --users N              active users now (those of the input)\n"
	    "  --growth SHARE         a month (20%)\n"
	    "  --months N             planned ahead (12)\n"
	    "  --peak N               highest rate of a day by its mean (3)\n"
	    "  --headroom SHARE       for so much more than the peak (25%)\n"
	    "  --use SHARE            most use of a core at that (80%)\n"
	    "  --spare N              machines of each kind that may fail (1)\n"
	    "  --sites N              with more than one, any of them may fail (1)\n"
	    "  --lead MONTHS          until ordered machines work (0)\n"
	    "  --from DATE            the date of now: 2026-11 or 2026-11-26 (today)\n"
	    "  --machines FILE        shapes and prices (the shapes that came along)\n"
	    "  --machine SHAPE        of all machines, in place of what the input says\n"
	    "  --have [NAME=]N        machines there are; how long they last (as many as are needed now)\n"
	    "  --what-if CHANGE       and with this single change: 'compute.cpu*4', 'signin.per_second=200',\n"
	    "                         'growth=10%', 'web.cores=1, store.cores=1'; may be given several times\n"
	    "  --emit FOLDER          writes the configuration of each machine needed now\n"
	    "  --public-url URL       (emit) the address of the service\n"
	    "  --html FILE            the result as one page\n"
	    "  --json                 the result as JSON on standard output\n\n"
	    "exit codes: 0 ok, 1 failed, 2 wrong command line\n",
	    out);
}

static double today(void)
{
	char date[CLOCK_HTTP_DATE_SIZE];
	const int64_t now_ms = clock_wall_ms();
	const char *months = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char month[4] = "";
	unsigned day = 0, year = 0;

	/* "Sun, 06 Nov 1994 08:49:37 GMT" */
	clock_http_date(now_ms / 1000, date);
	if (sscanf(date, "%*4s %2u %3s %4u", &day, month, &year) != 3) {
		return 0;
	}
	const char *found = strstr(months, month);
	return year * 12.0 + (found == NULL ? 0 : (double)(found - months) / 3) + (day - 1) / 31.0;
}

static bool complain(const char *flag, const char *what)
{
	fprintf(stderr, "plimsoll: %s: %s; see `plimsoll plan --help`\n", flag, what);
	return false;
}

static bool add(const char **list, unsigned *n, unsigned most, const char *flag, const char *value)
{
	if (*n == most) {
		return complain(flag, "given too often");
	}
	list[(*n)++] = value;
	return true;
}

/* A figure of the plan by the name of its flag. */
static bool set_figure(struct lab_plan_options *o, const char *flag, const char *value)
{
	struct plan_field field;
	struct err_note note = { 0 };

	if (plan_option_find(&o->plan, slice_str(flag + 2), &field, &note) != ERR_OK) {
		return complain(flag, "not understood");
	}
	if (plan_number(slice_str(value), field.unit, field.value, &note) != ERR_OK) {
		return complain(flag, note.text);
	}
	return true;
}

static bool set_value(struct lab_plan_options *o, const char *flag, const char *value)
{
	const struct {
		const char *flag;
		const char **value;
	} texts[] = { { "--machines", &o->machines }, { "--html", &o->html },
		{ "--emit", &o->emit.folder }, { "--public-url", &o->emit.public_url } };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(flag, texts[i].flag) == 0) {
			*texts[i].value = value;
			return true;
		}
	}
	if (strcmp(flag, "--what-if") == 0) {
		return add(o->changes, &o->n_changes, PLAN_CHANGES_MAX, flag, value);
	}
	if (strcmp(flag, "--have") == 0) {
		return add(o->have, &o->n_have, LAB_PLAN_HAVE_MAX, flag, value);
	}
	if (strcmp(flag, "--from") == 0) {
		return plan_read_month(value, &o->plan.start) ||
		       complain(flag, "a date is 2026-11 or 2026-11-26");
	}
	if (strcmp(flag, "--machine") == 0) {
		return slice_to_cstr(slice_str(value), o->plan.shape, sizeof(o->plan.shape)) ==
			   ERR_OK ||
		       complain(flag, "no name of a shape");
	}
	return set_figure(o, flag, value);
}

bool lab_plan_parse(int argc, char **argv, struct lab_plan_options *o)
{
	o->plan.start = today();
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];
		bool good = true;
		if (strcmp(word, "--json") == 0) {
			o->json = true;
		} else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			o->help = true;
		} else if (strncmp(word, "--", 2) == 0) {
			good = i + 1 < argc ? set_value(o, word, argv[i + 1])
					    : complain(word, "needs a value, or is not understood");
			i++;
		} else {
			good = add(o->inputs, &o->n_inputs, LAB_PLAN_INPUTS_MAX, word, word);
		}
		if (!good) {
			return false;
		}
	}
	return true;
}
