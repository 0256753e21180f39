/* Checking data sets: a report of one line for every file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/collection_internal.h"

enum { number_text = 32, most_counts = 100 };

/* With a comma before every three digits. */
static const char *grouped(char text[number_text], int64_t value) {
  char digits[number_text];
  int length = snprintf(digits, sizeof digits, "%" PRId64, value), at = 0;
  for (int i = 0; i < length; ++i) {
    if (i && (length - i) % 3 == 0) text[at++] = ',';
    text[at++] = digits[i];
  }
  text[at] = '\0';
  return text;
}

static void report_file(FILE *out, const cutlab_file_result *result,
                        const cutlab_published_file *wanted, bool good) {
  char stored[number_text], bytes[number_text];
  fprintf(out, "%s: ", result->name);
  if (result->there) fprintf(out, "%s bytes", grouped(stored, result->stored));
  if (result->there && result->bytes != result->stored)
    fprintf(out, ", %s decompressed", grouped(bytes, result->bytes));
  if (result->there) fputs(": ", out);
  if (result->status != CUTLAB_OK)
    fputs(result->message, out);
  else if (!good)
    fprintf(out, "SHA-256 is %.16s...; published: %.16s...", result->sha256, wanted->sha256);
  else
    fprintf(out, "ok%s", wanted->sha256 ? "" : " (structure alone: no checksum is known here)");
  fputc('\n', out);
}

/* "train: 60,000 examples; per class 5923 6742 ...", or "5000 each". */
static cutlab_status report_labels(cutlab_context *context, FILE *out, const char *part,
                                   const cutlab_collection *collection,
                                   const cutlab_examples *examples) {
  char text[number_text];
  int64_t classes = collection->classes;
  int64_t *counts = cutlab_allocate(context, classes, sizeof *counts);
  if (!counts) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < examples->count; ++i) ++counts[examples->labels[i]];
  bool even = true;
  for (int64_t c = 1; c < classes; ++c) even = even && counts[c] == counts[0];
  fprintf(out, "%s: %s examples; per class", part, grouped(text, examples->count));
  if (even)
    fprintf(out, " %s each", grouped(text, counts[0]));
  else
    for (int64_t c = 0; c < classes && c < most_counts; ++c)
      fprintf(out, " %s", grouped(text, counts[c]));
  fprintf(out, "%s\n", !even && classes > most_counts ? " ..." : "");
  free(counts);
  return CUTLAB_OK;
}

static cutlab_status report_whole(cutlab_context *context, FILE *out, const char *dataset,
                                  const cutlab_collection *collection) {
  char train[number_text], test[number_text], classes[number_text];
  CUTLAB_TRY(report_labels(context, out, "train", collection, &collection->train));
  if (collection->test.count)
    CUTLAB_TRY(report_labels(context, out, "test", collection, &collection->test));
  fprintf(out, "%s: %s train, %s test, %s classes: ok\n", dataset,
          grouped(train, collection->train.count), grouped(test, collection->test.count),
          grouped(classes, collection->classes));
  return CUTLAB_OK;
}

static cutlab_status verify_published(cutlab_context *context, FILE *out,
                                      const cutlab_published *published,
                                      const cutlab_collection_source *source) {
  cutlab_file_result results[cutlab_published_most_files] = {0};
  cutlab_collection collection = {0};
  int wrong = 0;
  cutlab_status status =
      cutlab_published_read(context, &collection, results, published, source, true);
  for (int i = 0; i < published->file_count && status == CUTLAB_OK; ++i) {
    const cutlab_published_file *wanted = &published->files[i];
    bool good = results[i].status == CUTLAB_OK &&
                (!wanted->sha256 || strcmp(results[i].sha256, wanted->sha256) == 0);
    wrong += !good;
    report_file(out, &results[i], wanted, good);
    if (results[i].status == CUTLAB_ERROR_MEMORY)
      status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "%s", results[i].message);
  }
  if (status == CUTLAB_OK && !wrong)
    status = report_whole(context, out, published->dataset, &collection);
  cutlab_collection_clear(&collection);
  if (status != CUTLAB_OK || !wrong) return status;
  fprintf(out, "%s: %d of %d files wrong\n", published->dataset, wrong, published->file_count);
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: %d of %d files of %s are wrong",
                     source->path, wrong, published->file_count, published->dataset);
}

/* A packed data set that is published, and whole: against its fingerprint. */
static cutlab_status check_fingerprint(cutlab_context *context, FILE *out,
                                       const cutlab_collection *collection,
                                       const cutlab_collection_source *source) {
  const cutlab_published *p = cutlab_published_find(source->dataset);
  bool whole = p && collection->train.count == p->train && collection->test.count == p->test;
  if (whole && p->fingerprint && p->fingerprint != collection->fingerprint)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: fingerprint is %016" PRIx64 "; that of %s as published: %016" PRIx64,
                       source->path, collection->fingerprint, source->dataset, p->fingerprint);
  if (p && (!whole || !p->fingerprint))
    fprintf(out, "%s: structure alone (%s)\n", source->path,
            whole ? "no checksum is known here" : "a part has no checksum");
  return CUTLAB_OK;
}

/* Data sets without published files: whatever opening them finds. */
static cutlab_status verify_other(cutlab_context *context, FILE *out,
                                  const cutlab_collection_source *source) {
  cutlab_collection collection;
  cutlab_status status = cutlab_collection_open(context, &collection, source);
  if (status == CUTLAB_OK) status = check_fingerprint(context, out, &collection, source);
  if (status == CUTLAB_OK)
    status = report_whole(context, out, source->dataset, &collection);
  else if (status == CUTLAB_ERROR_FORMAT || status == CUTLAB_ERROR_IO)
    fprintf(out, "%s\n", cutlab_context_message(context));
  cutlab_collection_clear(&collection);
  return status == CUTLAB_ERROR_IO ? CUTLAB_ERROR_FORMAT : status;
}

cutlab_status cutlab_collection_verify(cutlab_context *context, char **report,
                                       const cutlab_collection_source *source) {
  *report = NULL;
  CUTLAB_TRY(cutlab_collection_check(context, source));
  cutlab_collection_source whole = *source;
  const cutlab_published *published =
      cutlab_source_is_packed(source) ? NULL : cutlab_published_find(source->dataset);
  whole.train_examples = whole.test_examples = 0;
  size_t size = 0;
  FILE *out = open_memstream(report, &size);
  if (!out) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory making a report");
  cutlab_status status = published ? verify_published(context, out, published, &whole)
                                   : verify_other(context, out, &whole);
  if (fclose(out) != 0)
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory making a report");
  if (status == CUTLAB_OK || status == CUTLAB_ERROR_FORMAT) return status;
  free(*report);
  *report = NULL;
  return status;
}
