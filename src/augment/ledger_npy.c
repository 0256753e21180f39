/* Ledgers as one structured .npy array: a record for every entry, and one with step -1 for every
   output on which no step acts. Records are ordered by batch, row, step. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "augment/ledger.h"
#include "base/npy.h"

typedef struct record {
  int32_t batch;
  cutlab_entry entry;
  uint64_t seed;
  int64_t epoch;
} record;

/* Members of a record, in their order, little-endian and packed. A mask of one bit for every
   position (numpy.packbits order) follows where a plan has runs. */
static const struct {
  const char *name, *dtype;
  size_t offset, size; /* in a record */
} members[] = {
#define MEMBER(name, dtype)                                                                        \
  { #name, dtype, offsetof(record, name), sizeof((record *)NULL)->name }
#define OF_ENTRY(name, dtype)                                                                      \
  { #name, dtype, offsetof(record, entry.name), sizeof((record *)NULL)->entry.name }
    MEMBER(batch, "'<i4'"),          OF_ENTRY(row, "'<i4'"),    OF_ENTRY(step, "'<i4'"),
    OF_ENTRY(partner_row, "'<i4'"),  OF_ENTRY(sample, "'<i8'"), OF_ENTRY(partner, "'<i8'"),
    OF_ENTRY(key, "'<u8'"),          OF_ENTRY(lambda, "'<f8'"), OF_ENTRY(weight, "'<f8'"),
    OF_ENTRY(values, "'<f8', (4,)"), OF_ENTRY(pixels, "'<i8'"), OF_ENTRY(top, "'<i4'"),
    OF_ENTRY(left, "'<i4'"),         OF_ENTRY(bottom, "'<i4'"), OF_ENTRY(right, "'<i4'"),
    MEMBER(seed, "'<u8'"),           MEMBER(epoch, "'<i8'")
#undef MEMBER
#undef OF_ENTRY
};

enum {
  member_count = sizeof members / sizeof *members,
  origin_members = 2, /* the last ones; a file may be without them */
  header_unit = 64,
  prefix_size = 10
};

typedef struct layout {
  int members;
  int64_t mask_bytes;
} layout;

static size_t record_size(layout l) {
  size_t size = (size_t)l.mask_bytes;
  for (int m = 0; m < l.members; ++m) size += members[m].size;
  return size;
}

/* The dictionary up to and with "'shape': (". */
static void print_header(FILE *file, layout l) {
  fputs("{'descr': [", file);
  for (int m = 0; m < l.members; ++m)
    fprintf(file, "%s('%s', %s)", m ? ", " : "", members[m].name, members[m].dtype);
  if (l.mask_bytes) fprintf(file, ", ('mask', '|u1', (%" PRId64 ",))", l.mask_bytes);
  fputs("], 'fortran_order': False, 'shape': (", file);
}

/* ---- Writing ---- */

static void write_record(FILE *file, const cutlab_plan *plan, int32_t batch,
                         const cutlab_entry *entry, uint8_t *positions, int64_t mask_bytes) {
  const record r = {batch, *entry, plan->drawn.seed, plan->drawn.epoch};
  for (int m = 0; m < member_count; ++m)
    fwrite((const char *)&r + members[m].offset, members[m].size, 1, file);
  if (!mask_bytes) return;
  int64_t count = plan->drawn.height * plan->drawn.width;
  cutlab_plan_mask(plan, entry, positions);
  for (int64_t byte = 0; byte < mask_bytes; ++byte) {
    int bits = 0;
    for (int64_t i = 8 * byte; i < 8 * byte + 8; ++i) bits = 2 * bits + (i < count && positions[i]);
    fputc(bits, file);
  }
}

/* The records of a row; returns how many. */
static int64_t write_row(FILE *file, const cutlab_plan *plan, int32_t batch, int64_t row,
                         uint8_t *positions, int64_t mask_bytes) {
  int64_t count = 0;
  for (int step = 0; step < plan->policy->step_count; ++step) {
    const cutlab_entry *entry = cutlab_plan_find(plan, step, row);
    if (!entry) continue;
    if (file) write_record(file, plan, batch, entry, positions, mask_bytes);
    ++count;
  }
  if (count) return count;
  const cutlab_entry none = {.sample = plan->samples[row],
                             .partner = -1,
                             .lambda = 1,
                             .weight = 1,
                             .row = (int32_t)row,
                             .partner_row = -1,
                             .step = -1};
  if (file) write_record(file, plan, batch, &none, positions, mask_bytes);
  return 1;
}

static void write_header(FILE *file, int64_t records, int64_t mask_bytes) {
  char *text = NULL;
  size_t size = 0;
  FILE *header = open_memstream(&text, &size);
  if (!header) return;
  print_header(header, (layout){member_count, mask_bytes});
  fprintf(header, "%" PRId64 ",), }", records);
  fclose(header);
  size_t whole = (prefix_size + size + 1 + header_unit - 1) / header_unit * header_unit;
  size_t length = whole - prefix_size;
  fwrite(CUTLAB_NPY_MAGIC "\x01", 1, 7, file);
  fputc(0, file);
  fputc((int)(length & 255), file);
  fputc((int)(length >> 8), file);
  fprintf(file, "%-*s\n", (int)length - 1, text);
  free(text);
}

cutlab_status cutlab_ledger_to_npy(cutlab_context *context, char **bytes, size_t *size,
                                   cutlab_plan *const *plans, int64_t count) {
  int64_t records = 0, mask_bytes = 0, positions_count = 1;
  for (int64_t b = 0; b < count; ++b) {
    int64_t positions = plans[b]->drawn.height * plans[b]->drawn.width;
    for (int64_t row = 0; row < plans[b]->drawn.count; ++row)
      records += write_row(NULL, plans[b], 0, row, NULL, 0);
    if (plans[b]->run_count) mask_bytes = (positions + 7) / 8;
    if (positions > positions_count) positions_count = positions;
  }
  uint8_t *positions = cutlab_allocate(context, positions_count, 1);
  FILE *file = positions ? open_memstream(bytes, size) : NULL;
  if (file) {
    write_header(file, records, mask_bytes);
    for (int64_t b = 0; b < count; ++b)
      for (int64_t row = 0; row < plans[b]->drawn.count; ++row)
        write_row(file, plans[b], (int32_t)b, row, positions, mask_bytes);
  }
  free(positions);
  if (file && fclose(file) == 0) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: ledger");
}

/* ---- Reading ---- */

static cutlab_status fail_format(const cutlab_ledger_reader *r, const char *what) {
  return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                     "%s: not a ledger for %" PRId64 " x %" PRId64 " images: %s", r->path,
                     r->height, r->width, what);
}

/* Whether the header is this format's; *records and *start from it. */
static bool match_header(const char *bytes, size_t size, layout l, int64_t *records,
                         size_t *start) {
  char *text = NULL;
  size_t length = 0;
  FILE *file = open_memstream(&text, &length);
  if (!file) return false;
  print_header(file, l);
  fclose(file);
  size_t header = (size_t)(uint8_t)bytes[8] + ((size_t)(uint8_t)bytes[9] << 8);
  bool same = bytes[6] == 1 && header > length && prefix_size + header <= size &&
              memcmp(bytes + prefix_size, text, length) == 0;
  free(text);
  *start = prefix_size + header;
  *records = 0;
  for (const char *c = bytes + prefix_size + length; same && *c >= '0' && *c <= '9'; ++c)
    if (*records < INT64_MAX / 100) *records = *records * 10 + (*c - '0');
  return same;
}

/* Runs of the packed mask. */
static cutlab_status take_mask(cutlab_ledger_reader *r, cutlab_entry *entry, const uint8_t *mask) {
  int64_t count = r->height * r->width, begin = -1;
  entry->run = r->run_count;
  for (int64_t i = 0; i <= count; ++i) {
    bool set = i < count && (mask[i / 8] >> (7 - i % 8) & 1);
    if (set && begin < 0) begin = i;
    if (set || begin < 0) continue;
    CUTLAB_TRY(cutlab_ledger_take_run(r, begin, i));
    begin = -1;
  }
  entry->run_count = (int32_t)(r->run_count - entry->run);
  return CUTLAB_OK;
}

static cutlab_status take_record(cutlab_ledger_reader *r, const char *bytes, layout l) {
  record of = {.epoch = -1};
  for (int m = 0; m < l.members; ++m) {
    memcpy((char *)&of + members[m].offset, bytes, members[m].size);
    bytes += members[m].size;
  }
  cutlab_entry *entry = &of.entry;
  bool next = of.batch != r->plan_count || entry->row < 0 || entry->row != r->sample_count - 1;
  const cutlab_ledger_output output = {of.batch, entry->row, entry->sample, of.seed, of.epoch};
  if (next) CUTLAB_TRY(cutlab_ledger_take_output(r, &output));
  if (entry->step == -1) return CUTLAB_OK;
  bool in_range = entry->step >= 0 && entry->step < r->policy->step_count;
  if (in_range && l.mask_bytes && r->policy->steps[entry->step].method->has_runs)
    CUTLAB_TRY(take_mask(r, entry, (const uint8_t *)bytes));
  return cutlab_ledger_take_entry(r, entry);
}

cutlab_status cutlab_ledger_from_npy(cutlab_ledger_reader *r, const char *bytes, size_t size) {
  int64_t mask_bytes = (r->height * r->width + 7) / 8, records;
  const int without = member_count - origin_members;
  const layout layouts[] = {
      {member_count, mask_bytes}, {member_count, 0}, {without, mask_bytes}, {without, 0}, {0, 0}};
  const layout *l = layouts;
  size_t start;
  if (size < prefix_size) return fail_format(r, "it is cut short");
  while (l->members && !match_header(bytes, size, *l, &records, &start)) ++l;
  if (!l->members) return fail_format(r, "its header is another");
  size_t each = record_size(*l);
  if ((size - start) % each || (size - start) / each != (size_t)records)
    return fail_format(r, "its size does not fit its header");
  for (int64_t i = 0; i < records; ++i)
    CUTLAB_TRY(take_record(r, bytes + start + (size_t)i * each, *l));
  return CUTLAB_OK;
}
