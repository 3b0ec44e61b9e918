/*
 * Schema and shared block. The block is a header, rings of warnings, and n slots; a slot is struct
 * metric_slot and then a cell or a histogram per row, at offsets that every process computes from
 * the same tables. Slots begin on cache lines, so that processes do not slow each other down by
 * counting.
 */
#include "core/obs/metric_schema.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"

enum {
	LINE_BYTES = 64
};

#define BLOCK_MAGIC UINT64_C(0x504c494d4d455452) /* "PLIMMETR" */

struct block_header {
	uint64_t magic, schema_hash, slot_bytes, n_slots;
	_Atomic int64_t clock_offset_ms, leaving;
	char padding[LINE_BYTES - 6 * sizeof(uint64_t)];
};

struct metrics {
	const struct metric_schema *schema; /* borrowed */
	struct block_header *header;	    /* borrowed */
	struct warning_ring *rings;	    /* borrowed; n + 1 */
	char *slots;			    /* borrowed */
	size_t slot_bytes;
	unsigned n;
	int own; /* slot index or -1 */
};

enum err metric_schema_new(struct metric_schema **ret)
{
	struct metric_schema *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return ERR_MEMORY;
	}
	s->bytes = sizeof(struct metric_slot);
	*ret = s;
	return ERR_OK;
}

void metric_schema_free(struct metric_schema **sp)
{
	struct metric_schema *s = *sp;

	if (s == NULL) {
		return;
	}
	for (unsigned i = 0; i < s->n_families; i++) {
		struct metric_row *row = s->families[i].first;
		while (row != NULL) {
			struct metric_row *next = row->next;
			free(row->label_value);
			free(row);
			row = next;
		}
	}
	free(s);
	*sp = NULL;
}

/* Equality of two strings either of which may be NULL. */
static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const struct metric_family *find_family(const struct metric_schema *s, const char *name)
{
	for (unsigned i = 0; i < s->n_families; i++) {
		if (strcmp(s->families[i].def.name, name) == 0) {
			return &s->families[i];
		}
	}
	return NULL;
}

static const struct metric_row *find_row(const struct metric_family *f, const char *label_value)
{
	for (const struct metric_row *row = f->first; row != NULL; row = row->next) {
		if (same(row->label_value, label_value)) {
			return row;
		}
	}
	return NULL;
}

static struct metric_family *family_of(struct metric_schema *s, const struct metric_def *def)
{
	const struct metric_family *known = find_family(s, def->name);

	if (known == NULL) {
		CHECK(s->n_families < METRIC_FAMILIES_MAX);
		s->families[s->n_families].def = *def;
		return &s->families[s->n_families++];
	}
	/* One name with two meanings would be counted into one cell. */
	CHECK(known->def.kind == def->kind && same(known->def.label, def->label));
	return &s->families[known - s->families];
}

void metric_schema_add(
    struct metric_schema *s, const struct metric_def *def, const char *label_value)
{
	struct metric_family *f = family_of(s, def);

	CHECK((label_value != NULL) == (def->label != NULL));
	if (find_row(f, label_value) != NULL) {
		return;
	}
	struct metric_row *row = calloc(1, sizeof(*row));
	CHECK(row != NULL && s->n_rows < METRIC_ROWS_MAX);
	if (label_value != NULL) {
		row->label_value = strdup(label_value);
		CHECK(row->label_value != NULL);
	}
	row->offset = s->bytes;
	s->bytes += def->kind == METRIC_HIST ? sizeof(struct hist) : sizeof(int64_t);
	s->n_rows++;
	if (f->last == NULL) {
		f->first = row;
	} else {
		f->last->next = row;
	}
	f->last = row;
}

size_t metric_slot_bytes(const struct metric_schema *s)
{
	return (s->bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
}

/* FNV-1a, with the terminating NUL, so that neighbours cannot run into each other. */
static uint64_t hash_text(uint64_t h, const char *text)
{
	const char *p = text == NULL ? "" : text;

	do {
		h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	} while (*p++ != '\0');
	return h;
}

static uint64_t hash_number(uint64_t h, uint64_t n)
{
	for (int i = 0; i < 8; i++) {
		h = (h ^ (n >> 8 * i & 255)) * UINT64_C(0x100000001b3);
	}
	return h;
}

uint64_t metric_schema_hash(const struct metric_schema *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (unsigned i = 0; i < s->n_families; i++) {
		const struct metric_family *f = &s->families[i];
		h = hash_text(h, f->def.name);
		h = hash_text(h, f->def.label);
		h = hash_number(h, (uint64_t)f->def.kind);
		for (const struct metric_row *row = f->first; row != NULL; row = row->next) {
			h = hash_text(h, row->label_value);
			h = hash_number(h, row->offset);
		}
	}
	return h;
}

size_t metrics_block_bytes(const struct metric_schema *s, unsigned n)
{
	return sizeof(struct block_header) + (n + 1) * sizeof(struct warning_ring) +
	       n * metric_slot_bytes(s);
}

void metrics_format(const struct metric_schema *s, void *block, unsigned n)
{
	struct block_header h = {
		.magic = BLOCK_MAGIC,
		.schema_hash = metric_schema_hash(s),
		.slot_bytes = metric_slot_bytes(s),
		.n_slots = n,
	};

	memcpy(block, &h, sizeof(h));
}

void *metrics_block_new(const struct metric_schema *s, unsigned n)
{
	size_t bytes = (metrics_block_bytes(s, n) + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
	void *block = aligned_alloc(LINE_BYTES, bytes);

	if (block != NULL) {
		memset(block, 0, bytes);
		metrics_format(s, block, n);
	}
	return block;
}

enum err metrics_open(const struct metric_schema *s, void *block, size_t block_bytes, unsigned n,
    int own, struct metrics **ret)
{
	struct block_header h;

	CHECK(own >= -1 && own < (int)n);
	if (block_bytes < metrics_block_bytes(s, n)) {
		return ERR_CORRUPT;
	}
	memcpy(&h, block, sizeof(h));
	if (h.magic != BLOCK_MAGIC || h.schema_hash != metric_schema_hash(s) || h.n_slots != n ||
	    h.slot_bytes != metric_slot_bytes(s)) {
		return ERR_CORRUPT;
	}
	struct metrics *m = calloc(1, sizeof(*m));
	if (m == NULL) {
		return ERR_MEMORY;
	}
	*m = (struct metrics){
		.schema = s,
		.header = block,
		.rings = (struct warning_ring *)(void *)((char *)block + sizeof(h)),
		.slots = (char *)block + sizeof(h) + (n + 1) * sizeof(struct warning_ring),
		.slot_bytes = metric_slot_bytes(s),
		.n = n,
		.own = own,
	};
	*ret = m;
	return ERR_OK;
}

void metrics_close(struct metrics **m)
{
	free(*m);
	*m = NULL;
}

unsigned metrics_slots(const struct metrics *m)
{
	return m->n;
}

struct metric_slot *metrics_slot(const struct metrics *m, unsigned i)
{
	CHECK(i < m->n);
	return (struct metric_slot *)(void *)(m->slots + i * m->slot_bytes);
}

struct metric_slot *metrics_own_slot(const struct metrics *m)
{
	CHECK(m->own >= 0);
	return metrics_slot(m, (unsigned)m->own);
}

/* Where the row lies in this process' slot. */
static void *own_row(const struct metrics *m, const struct metric_def *def, const char *label_value)
{
	const struct metric_family *f = find_family(m->schema, def->name);

	CHECK(m->own >= 0 && f != NULL && f->def.kind == def->kind);
	const struct metric_row *row = find_row(f, label_value);
	CHECK(row != NULL);
	/* Only we write our slot. */
	_Atomic uint64_t *word = &metrics_own_slot(m)->families[(f - m->schema->families) / 64];
	uint64_t bit = UINT64_C(1) << (f - m->schema->families) % 64;
	atomic_store_explicit(
	    word, atomic_load_explicit(word, memory_order_relaxed) | bit, memory_order_relaxed);
	return m->slots + (size_t)m->own * m->slot_bytes + row->offset;
}

_Atomic int64_t *metric_cell(
    const struct metrics *m, const struct metric_def *def, const char *label_value)
{
	CHECK(def->kind != METRIC_HIST);
	return own_row(m, def, label_value);
}

struct hist *metric_hist(
    const struct metrics *m, const struct metric_def *def, const char *label_value)
{
	CHECK(def->kind == METRIC_HIST);
	return own_row(m, def, label_value);
}

bool metrics_slot_counts(const struct metrics *m, unsigned slot, const struct metric_family *family)
{
	size_t i = (size_t)(family - m->schema->families);
	uint64_t word =
	    atomic_load_explicit(&metrics_slot(m, slot)->families[i / 64], memory_order_relaxed);

	return (word >> i % 64 & 1) != 0;
}

_Atomic int64_t *metrics_clock_offset(const struct metrics *m)
{
	return &m->header->clock_offset_ms;
}

void metrics_set_leaving(struct metrics *m)
{
	metric_set(&m->header->leaving, 1);
}

bool metrics_is_leaving(const struct metrics *m)
{
	return metric_get(&m->header->leaving) != 0;
}

struct warning_ring *metrics_rings(const struct metrics *m)
{
	return m->rings;
}

unsigned metrics_own_ring(const struct metrics *m)
{
	return m->own < 0 ? m->n : (unsigned)m->own;
}

const struct metric_row *metric_row_find(
    const struct metrics *m, const char *family, const char *label_value)
{
	const struct metric_family *f = find_family(m->schema, family);

	return f == NULL ? NULL : find_row(f, label_value);
}

int64_t metric_row_sum(const struct metrics *m, const struct metric_row *row)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < m->n; i++) {
		sum += metric_get(metrics_row_cell(m, i, row));
	}
	return sum;
}

int64_t metric_row_max(const struct metrics *m, const struct metric_row *row)
{
	int64_t most = 0;

	for (unsigned i = 0; i < m->n; i++) {
		int64_t value = metric_get(metrics_row_cell(m, i, row));
		most = value > most ? value : most;
	}
	return most;
}

void metric_row_merge(const struct metrics *m, const struct metric_row *row, struct hist *to)
{
	for (unsigned i = 0; i < m->n; i++) {
		const struct hist *h = metrics_row_hist(m, i, row);
		if (metric_get(&h->count) != 0) {
			hist_merge(to, h);
		}
	}
}

const struct metric_schema *metrics_schema(const struct metrics *m)
{
	return m->schema;
}

const _Atomic int64_t *metrics_row_cell(
    const struct metrics *m, unsigned slot, const struct metric_row *row)
{
	return (
	    const _Atomic int64_t *)(const void *)(m->slots + slot * m->slot_bytes + row->offset);
}

const struct hist *metrics_row_hist(
    const struct metrics *m, unsigned slot, const struct metric_row *row)
{
	return (const struct hist *)(const void *)(m->slots + slot * m->slot_bytes + row->offset);
}

static int32_t load32(const _Atomic int32_t *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

bool metric_slot_is_used(const struct metric_slot *s)
{
	return load32(&s->pid) != 0;
}

const char *metric_slot_role(const struct metric_slot *s)
{
	int32_t role = load32(&s->role);

	return role >= 0 && role < ROLE_COUNT ? role_name((enum role_id)role) : "unknown";
}

int64_t metric_since(const _Atomic int64_t *stamp, int64_t now_us)
{
	int64_t us = metric_get(stamp);

	return us == 0 || us > now_us ? 0 : now_us - us;
}

const char *metric_kind_name(enum metric_kind kind)
{
	static const char *const names[] = { "counter", "gauge", "histogram" };

	CHECK((unsigned)kind < sizeof(names) / sizeof(names[0]));
	return names[kind];
}
