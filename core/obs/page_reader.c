/*
 * The reader of pages. Characters are taken from the front of the line, as the format lists them.
 */
#include "core/obs/page_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Copies characters of the set from *p on to out; at least one. */
static void take_name(const char **p, char *out)
{
	static const char set[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:";
	size_t len = strspn(*p, set);

	assert_true(len > 0 && len < PAGE_NAME_SIZE);
	assert_false(**p >= '0' && **p <= '9');
	memcpy(out, *p, len);
	out[len] = '\0';
	*p += len;
}

static void expect(const char **p, char c)
{
	assert_int_equal(**p, c);
	(*p)++;
}

static void take_label_value(const char **p, char *out)
{
	expect(p, '"');
	while (**p != '"') {
		char c = *(*p)++;
		assert_int_not_equal(c, '\0');
		if (c == '\\') {
			c = *(*p)++;
			assert_true(c == '\\' || c == '"' || c == 'n');
			c = c == 'n' ? '\n' : c;
		}
		*out++ = c;
	}
	*out = '\0';
	expect(p, '"');
}

static void take_labels(const char **p, char *out)
{
	char name[PAGE_NAME_SIZE], value[PAGE_LABELS_SIZE];

	out[0] = '\0';
	if (**p != '{') {
		return;
	}
	do {
		(*p)++;
		take_name(p, name);
		expect(p, '=');
		take_label_value(p, value);
		assert_true(strlen(out) + strlen(name) + strlen(value) + 3 < PAGE_LABELS_SIZE);
		size_t len = strlen(out);
		snprintf(out + len, PAGE_LABELS_SIZE - len, "%s=%s;", name, value);
	} while (**p == ',');
	expect(p, '}');
}

static void read_help(struct page *page, const char *p)
{
	char key[PAGE_NAME_SIZE + 2];

	take_name(&p, page->helped);
	expect(&p, ' ');
	snprintf(key, sizeof(key), " %s=", page->helped);
	assert_null(strstr(page->families, key));
	assert_true(strlen(page->families) + strlen(key) + strlen(p) + 1 < sizeof(page->families));
	size_t len = strlen(page->families);
	snprintf(page->families + len, sizeof(page->families) - len, "%s%s;", key, p);
}

static void read_type(struct page *page, const char *p)
{
	take_name(&p, page->family);
	assert_string_equal(page->family, page->helped);
	expect(&p, ' ');
	assert_true(
	    strcmp(p, "counter") == 0 || strcmp(p, "gauge") == 0 || strcmp(p, "histogram") == 0);
	snprintf(page->kind, sizeof(page->kind), "%s", p);
}

static void read_sample(struct page *page, const char *p)
{
	struct page_sample s;
	char *end = NULL;

	take_name(&p, s.name);
	size_t len = strlen(page->family);
	assert_memory_equal(s.name, page->family, len);
	if (strcmp(page->kind, "histogram") == 0) {
		const char *suffix = s.name + len;
		assert_true(strcmp(suffix, "_bucket") == 0 || strcmp(suffix, "_sum") == 0 ||
			    strcmp(suffix, "_count") == 0);
	} else {
		assert_int_equal(strlen(s.name), len);
	}
	take_labels(&p, s.labels);
	expect(&p, ' ');
	s.value = strtod(p, &end);
	assert_true(end > p && *end == '\0');
	assert_null(page_find(page, s.name, s.labels));
	assert_true(page->n < PAGE_SAMPLES_MAX);
	page->samples[page->n++] = s;
}

static void read_line(struct page *page, const char *p)
{
	if (strncmp(p, "# HELP ", 7) == 0) {
		read_help(page, p + 7);
	} else if (strncmp(p, "# TYPE ", 7) == 0) {
		read_type(page, p + 7);
	} else {
		read_sample(page, p);
	}
}

void page_read(struct page *page, struct slice text)
{
	struct slice line, rest = slice_sub(text, 0, text.len - 1);
	char copy[512];

	assert_true(slice_ends(text, SLICE("\n")));
	while (slice_split(&rest, '\n', &line)) {
		assert_int_equal(slice_to_cstr(line, copy, sizeof(copy)), ERR_OK);
		read_line(page, copy);
	}
}

const struct page_sample *page_find(const struct page *page, const char *name, const char *labels)
{
	for (unsigned i = 0; i < page->n; i++) {
		const struct page_sample *s = &page->samples[i];
		if (strcmp(s->name, name) == 0 && strcmp(s->labels, labels) == 0) {
			return s;
		}
	}
	return NULL;
}
