/*
 * Text symbol files in the proportions of a large C++ library, and what indexing and asking them
 * costs. Of libjvm's bytes (symbols.md 3.3) lines are 79 %, INLINE 9 %, FUNC 8 %, INLINE_ORIGIN 4
 *%. sym_bench		of a text of 39 MB made for it sym_bench index FILE	time to build, size,
 *look-ups a second sym_bench make MIB SEED DEBUG_FILE DEBUG_ID > FILE
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "services/symbols/index_build.h"
#include "services/symbols/sym_index.h"

enum {
	FILES_PER_MIB = 10,
	ORIGINS_PER_MIB = 460,
	LINES_MAX = 84, /* of a function; half of it on the average */
	LOOKUPS = 2000000,
	MADE_MIB = 37, /* 39 MB: the size of libjvm's */
	TEXT_MAX = 1 << 20
};

static uint64_t state;
static FILE *out; /* of the text */

static uint64_t below(uint64_t limit)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % limit;
}

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void put_name(char *name, size_t size)
{
	static const char *const words[] = { "mozilla", "dom", "js", "JSContext", "gfx", "Vector",
		"RefPtr", "layers", "HashMap", "BindingUtils", "operator()", "nsTArray_Impl",
		"media", "unsigned long", "std::pair", "const&", "lambda", "FrameIterator",
		"Compositor", "ipc" };
	const unsigned n = sizeof(words) / sizeof(words[0]);
	(void)snprintf(name, size, "%s::%s<%s, %s%u>::%s%u(%s*)", words[below(n)], words[below(n)],
	    words[below(n)], words[below(n)], (unsigned)below(90), words[below(n)],
	    (unsigned)below(5000), words[below(n)]);
}

static void put_tables(uint64_t mib)
{
	char name[500];

	for (uint64_t i = 0; i < mib * FILES_PER_MIB; i++) {
		fprintf(out,
		    "FILE %" PRIu64 " hg:hg.example.org/central:src/part%u/file%" PRIu64
		    ".cpp:bbdd9862e2f3fd0e897d79100b238eb7caf2c2d3\n",
		    i, (unsigned)below(200), i);
	}
	for (uint64_t i = 0; i < mib * ORIGINS_PER_MIB; i++) {
		put_name(name, sizeof(name));
		fprintf(out, "INLINE_ORIGIN %" PRIu64 " %s\n", i, name);
	}
}

/* Returns the bytes written. */
static uint64_t put_function(uint64_t mib, uint64_t *at)
{
	char name[500];
	uint64_t lines = 1 + below(LINES_MAX), size = 0, sizes[LINES_MAX], bytes = 0;
	uint64_t file = below(mib * FILES_PER_MIB), line = 1 + below(9000);

	for (uint64_t i = 0; i < lines; i++) {
		size += sizes[i] = 1 + below(24);
	}
	put_name(name, sizeof(name));
	bytes += (uint64_t)fprintf(out, "FUNC %" PRIx64 " %" PRIx64 " 0 %s\n", *at, size, name);
	for (uint64_t i = below(6), depth = 0; i > 0; i--) {
		uint64_t from = *at + below(size);
		bytes += (uint64_t)fprintf(out,
		    "INLINE %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIx64 " %" PRIx64
		    "\n",
		    depth, line + below(60), file, below(mib * ORIGINS_PER_MIB), from,
		    1 + below(*at + size - from));
		depth = below(depth + 2);
	}
	for (uint64_t i = 0; i < lines; i++) {
		line += below(7) == 0 ? below(400) : below(5);
		file = below(12) == 0 ? below(mib * FILES_PER_MIB) : file;
		bytes += (uint64_t)fprintf(out, "%" PRIx64 " %" PRIx64 " %" PRIu64 " %" PRIu64 "\n",
		    *at, sizes[i], below(25) == 0 ? 0 : line, file);
		*at += sizes[i];
	}
	*at += below(16);
	return bytes;
}

static void make(uint64_t mib, const char *name, const char *id)
{
	/* The tables are a twentieth. */
	uint64_t wanted = mib * 1024 * 1024 / 20 * 19, at = 0x1000;

	fprintf(out, "MODULE Linux x86_64 %s %s\nINFO CODE_ID %.16s\n", id, name, id);
	put_tables(mib);
	for (uint64_t bytes = 0; bytes < wanted;) {
		bytes += put_function(mib, &at);
	}
	fprintf(out, "PUBLIC %" PRIx64 " 0 _end\n", at + 64);
}

static void ask(struct sym_index *ix, uint64_t end)
{
	struct sym_found f;
	struct buf text = buf_new(TEXT_MAX);
	int64_t begun_us = clock_cpu_us();
	uint64_t calls = 0;

	for (int i = 0; i < LOOKUPS; i++) {
		if (!sym_index_find(ix, 0x1000 + below(end - 0x1000), &f)) {
			continue;
		}
		for (unsigned k = 0; k < f.n_calls; k++) {
			buf_clear(&text);
			if (!sym_index_text(ix, f.calls[k].function, &text) ||
			    !sym_index_text(ix, f.calls[k].file, &text)) {
				fail("damaged");
			}
		}
		calls += f.n_calls;
	}
	double s = (double)(clock_cpu_us() - begun_us) / 1e6;
	printf("%d look-ups with names in %.2f s of processor: %.0f/s, %.2f calls each\n", LOOKUPS,
	    s, LOOKUPS / s, (double)calls / LOOKUPS);
	buf_free(&text);
}

static void run_index(const char *name, int from)
{
	const struct index_limits limits = { UINT64_C(1) << 33, UINT32_MAX };
	struct index_built built;
	struct sym_index *ix = NULL;
	struct err_note note = { 0 };
	int to = memfd_create("index", MFD_CLOEXEC);
	int64_t begun_us = clock_mono_us(), cpu_us = clock_cpu_us();

	if (from < 0 || to < 0 || index_build(from, to, NULL, &limits, &built, &note) != ERR_OK ||
	    sym_index_open(to, NULL, &ix, &note) != ERR_OK) {
		fail(note.text);
	}
	double s = (double)(clock_mono_us() - begun_us) / 1e6;
	double cpu_s = (double)(clock_cpu_us() - cpu_us) / 1e6;
	printf(
	    "%s: %.1f MB, %u functions, index of %.1f MB (%.3f) in %.2f s, %.2f s of processor\n",
	    name, (double)built.sym_bytes / 1e6, built.functions, built.index_bytes / 1e6,
	    built.index_bytes / (double)built.sym_bytes, s, cpu_s);
	/* As many addresses as a function has on the average. */
	ask(ix, (uint64_t)built.functions * (LINES_MAX / 2 * 13 + 8) + 0x2000);
	sym_index_close(&ix);
	close(to);
}

static void run_made(void)
{
	int fd = memfd_create("sym", MFD_CLOEXEC);

	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (out == NULL) {
		fail("memory");
	}
	make(MADE_MIB, "made", "000102030405060708090A0B0C0D0E0F0");
	if (fflush(out) != 0) {
		fail("memory");
	}
	run_index("made", fd);
	fclose(out);
}

int main(int argc, char **argv)
{
	if (argc == 1) {
		run_made();
	} else if (argc == 3 && strcmp(argv[1], "index") == 0) {
		run_index(argv[2], open(argv[2], O_RDONLY | O_CLOEXEC));
	} else if (argc == 6 && strcmp(argv[1], "make") == 0) {
		out = stdout;
		state = strtoull(argv[3], NULL, 10);
		make(strtoull(argv[2], NULL, 10), argv[4], argv[5]);
		return fflush(out) == 0 ? 0 : 1;
	} else {
		fprintf(
		    stderr, "usage: sym_bench [make MIB SEED DEBUG_FILE DEBUG_ID | index FILE]\n");
		return 2;
	}
	return 0;
}
