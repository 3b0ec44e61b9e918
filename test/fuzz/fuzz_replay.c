/*
 * Runs a fuzz target without a fuzzer: over the files of a corpus, then over mutations of them that
 * are the same in every run. So each test run goes over all that was ever found, and a little more.
 *	x_fuzz CORPUS_FOLDER [RUNS]	or	x_fuzz FILE
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/fuzz.h"

enum {
	MAX_FILES = 2000,
	MAX_INPUT_BYTES = 1 << 16,
	DEFAULT_RUNS = 50000,
	MAX_STEPS = 4
};

struct input {
	uint8_t *bytes;
	size_t len;
};

static struct input corpus[MAX_FILES];
static size_t n_corpus;

static _Noreturn void fail(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s\n", what, name);
	exit(1);
}

static void read_input(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct input *in = &corpus[n_corpus];

	if (file == NULL || n_corpus == MAX_FILES) {
		fail("cannot take", path);
	}
	in->bytes = malloc(MAX_INPUT_BYTES);
	if (in->bytes == NULL) {
		fail("no memory for", path);
	}
	in->len = fread(in->bytes, 1, MAX_INPUT_BYTES, file);
	fclose(file);
	n_corpus++;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* In the order of names, so that runs are the same everywhere. */
static void read_corpus(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_visible, alphasort);

	if (n < 0) {
		read_input(path);
		return;
	}
	for (int i = 0; i < n; i++) {
		char file[4096];
		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		read_input(file);
		free(entries[i]);
	}
	free(entries);
	if (n_corpus == 0) {
		fail("no inputs in", path);
	}
}

/* Always the same numbers (splitmix64). */
static uint64_t next_random(void)
{
	static uint64_t state;
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t below(size_t limit)
{
	return limit == 0 ? 0 : (size_t)(next_random() % limit);
}

/* Puts len bytes in at a place, as far as there is room. */
static void insert(struct input *in, size_t at, const uint8_t *bytes, size_t len)
{
	len = len > MAX_INPUT_BYTES - in->len ? MAX_INPUT_BYTES - in->len : len;
	memmove(in->bytes + at + len, in->bytes + at, in->len - at);
	memcpy(in->bytes + at, bytes, len);
	in->len += len;
}

static void cut(struct input *in, size_t at, size_t len)
{
	len = len > in->len - at ? in->len - at : len;
	memmove(in->bytes + at, in->bytes + at + len, in->len - at - len);
	in->len -= len;
}

static void mutate_once(struct input *in)
{
	static const uint8_t telling[] = "\r\n\0\t :;,%/?{}[]\"\\0129afx-+=\x7f\x80\xff";
	const struct input *other = &corpus[below(n_corpus)];
	size_t at = below(in->len + 1), from = below(other->len);
	const uint8_t *byte = &telling[below(sizeof(telling) - 1)];

	switch (next_random() % 6) {
	case 0:
		if (at < in->len) {
			in->bytes[at] ^= (uint8_t)(1u << below(8));
		}
		break;
	case 1:
		if (at < in->len) {
			in->bytes[at] = *byte;
		}
		break;
	case 2:
		insert(in, at, byte, 1);
		break;
	case 3:
		cut(in, at, 1 + below(16));
		break;
	case 4:
		insert(in, at, other->bytes + from, below(other->len - from + 1));
		break;
	default:
		in->len = at;
	}
}

/* From a copy of exact size, so that a sanitizer sees the first byte too far. */
static void run(const struct input *in)
{
	uint8_t *copy = malloc(in->len == 0 ? 1 : in->len);

	if (copy == NULL) {
		fail("no memory for", "an input");
	}
	memcpy(copy, in->bytes, in->len);
	LLVMFuzzerTestOneInput(copy, in->len);
	free(copy);
}

int main(int argc, char **argv)
{
	size_t runs = argc > 2 ? strtoul(argv[2], NULL, 10) : DEFAULT_RUNS;

	if (argc < 2) {
		fail("usage", "x_fuzz CORPUS_FOLDER [RUNS]");
	}
	read_corpus(argv[1]);
	for (size_t i = 0; i < n_corpus; i++) {
		run(&corpus[i]);
	}
	struct input mutant = { .bytes = malloc(MAX_INPUT_BYTES) };
	if (mutant.bytes == NULL) {
		fail("no memory for", "mutations");
	}
	for (size_t i = 0; i < runs; i++) {
		const struct input *in = &corpus[below(n_corpus)];
		memcpy(mutant.bytes, in->bytes, in->len);
		mutant.len = in->len;
		for (size_t step = 0, steps = 1 + below(MAX_STEPS); step < steps; step++) {
			mutate_once(&mutant);
		}
		run(&mutant);
	}
	printf("%zu inputs, %zu mutations\n", n_corpus, runs);
	free(mutant.bytes);
	for (size_t i = 0; i < n_corpus; i++) {
		free(corpus[i].bytes);
	}
	return 0;
}
