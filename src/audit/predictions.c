/* Logits or probabilities of any kind to log-probabilities. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/inputs.h"

/* Rows sum to 1 within the roundings of float16 and of texts with four digits. */
static const double sum_tolerance = 2e-3;

static const char *shown_name(const cutlab_array *array) {
  return array->name[0] ? array->name : "predictions";
}

static cutlab_status check_shape(cutlab_context *context, const cutlab_audit_file *file,
                                 const cutlab_array *array) {
  const char *name = shown_name(array);
  if (array->rank != 2 || cutlab_dtype_is_integer(array->dtype)) {
    char *members = cutlab_audit_members(context, file);
    if (!members) return CUTLAB_ERROR_MEMORY;
    cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                "%s: %s have %d axes of %s, of (%s); accepted: logits or probabilities as float16, "
                "float32 or float64 [examples x classes]",
                file->path, name, array->rank, cutlab_dtype_name(array->dtype), members);
    free(members);
    return CUTLAB_ERROR_ARGUMENT;
  }
  if (array->shape[0] < 1)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s: %s hold no examples; accepted: at least one", file->path, name);
  if (array->shape[1] < 2)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s: %s have %" PRId64 " columns, one class only; accepted: a column for "
                       "each of two or more classes (1 - p and p of a binary classifier)",
                       file->path, name, array->shape[1]);
  return CUTLAB_OK;
}

/* Of example i: its numbers, or what they are the logarithms of. */
static double row_sum(const cutlab_array *array, int64_t i, bool logarithms) {
  double sum = 0;
  for (int64_t k = 0; k < array->shape[1]; ++k) {
    double value = cutlab_array_number(array, i * array->shape[1] + k);
    sum += logarithms ? exp(value) : value;
  }
  return sum;
}

/* Are all numbers of example i from 0 to 1, or logarithms of such? */
static bool is_within(const cutlab_array *array, int64_t i, bool logarithms) {
  for (int64_t k = 0; k < array->shape[1]; ++k) {
    double value = cutlab_array_number(array, i * array->shape[1] + k);
    double probability = logarithms ? exp(value) : value;
    if (!(probability >= 0 && probability <= 1 + sum_tolerance)) return false;
  }
  return true;
}

static bool is_distribution(const cutlab_array *array, int64_t i, bool logarithms) {
  return is_within(array, i, logarithms) &&
         fabs(row_sum(array, i, logarithms) - 1) <= sum_tolerance;
}

/* The first example that is none; -1: all are. */
static int64_t find_bad(const cutlab_array *array, bool logarithms) {
  for (int64_t i = 0; i < array->shape[0]; ++i)
    if (!is_distribution(array, i, logarithms)) return i;
  return -1;
}

static bool is_good(double value, bool may_be_lowest) {
  return isfinite(value) || (may_be_lowest && value == -INFINITY);
}

static cutlab_status check_numbers(cutlab_context *context, const cutlab_audit_input *input,
                                   const char *path, const cutlab_array *array,
                                   bool may_be_lowest) {
  int64_t first = -1, bad = 0, total = cutlab_array_count(array);
  for (int64_t i = 0; i < total; ++i) {
    if (is_good(cutlab_array_number(array, i), may_be_lowest)) continue;
    if (!bad++) first = i;
  }
  if (!bad) return CUTLAB_OK;
  double value = cutlab_array_number(array, first);
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s: %s hold %s for example %" PRId64 ", class %" PRId64 " (%" PRId64
                     " such values in all); accepted: finite numbers%s",
                     path, shown_name(array),
                     isnan(value) ? "nan"
                     : value > 0  ? "inf"
                                  : "-inf",
                     cutlab_audit_place(input, first / array->shape[1]), first % array->shape[1],
                     bad, may_be_lowest ? ", and -inf for probability 0" : "");
}

/* A class that was masked has the logit -inf, but not all of them. */
static cutlab_status check_logits(cutlab_context *context, const cutlab_audit_input *input,
                                  const char *path, const cutlab_array *array) {
  int64_t classes = array->shape[1];
  CUTLAB_TRY(check_numbers(context, input, path, array, true));
  for (int64_t i = 0, k; i < array->shape[0]; ++i) {
    for (k = 0; k < classes && isinf(cutlab_array_number(array, i * classes + k));) ++k;
    if (k == classes)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "%s: %s of example %" PRId64
                         " are -inf for every class; accepted: a finite number for one or more",
                         path, shown_name(array), cutlab_audit_place(input, i));
  }
  return CUTLAB_OK;
}

/* Not below 0, and none above 1 or (percentages) all rows of one sum. */
static bool looks_like_shares(const cutlab_array *array) {
  int64_t total = cutlab_array_count(array);
  double largest = 0, first = row_sum(array, 0, false);
  bool one_sum = true;
  for (int64_t i = 0; i < total; ++i) {
    double value = cutlab_array_number(array, i);
    if (value < 0) return false;
    largest = fmax(largest, value);
  }
  for (int64_t i = 1; i < array->shape[0]; ++i)
    one_sum &= fabs(row_sum(array, i, false) - first) <= sum_tolerance * first;
  return largest <= 1 || (one_sum && array->shape[0] > 1);
}

/* One bad row must not turn a file of probabilities into logits. */
static cutlab_status check_look(cutlab_context *context, const cutlab_audit_input *input,
                                const char *path, const cutlab_array *array) {
  if (!looks_like_shares(array)) return CUTLAB_OK;
  int64_t bad = find_bad(array, false);
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s: %s look like probabilities, but those of example %" PRId64
                     " sum to %.6g; accepted: sums of 1 within %g, or logits as the member logits "
                     "of an .npz",
                     path, shown_name(array), cutlab_audit_place(input, bad),
                     row_sum(array, bad, false), sum_tolerance);
}

static cutlab_status refuse_row(cutlab_context *context, const cutlab_audit_input *input,
                                const char *path, const cutlab_array *array, int64_t row,
                                bool logarithms) {
  char found[64];
  if (is_within(array, row, logarithms))
    snprintf(found, sizeof found, "%s %.6g", logarithms ? "are of a sum of" : "sum to",
             row_sum(array, row, logarithms));
  else
    snprintf(found, sizeof found, "are not all %s", logarithms ? "0 or below" : "from 0 to 1");
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s: %s of example %" PRId64
                     " %s; accepted: %s that sum to 1 within %g, or logits named logits",
                     path, shown_name(array), cutlab_audit_place(input, row), found,
                     logarithms ? "logarithms of numbers from 0 to 1" : "numbers from 0 to 1",
                     sum_tolerance);
}

/* Decides what `*kind` is where it is not known, and checks it where it is. */
static cutlab_status find_kind(cutlab_context *context, cutlab_audit_kind *kind,
                               const cutlab_audit_input *input, const char *path,
                               const cutlab_array *array) {
  if (*kind == CUTLAB_AUDIT_LOGITS) return check_logits(context, input, path, array);
  if (*kind == CUTLAB_AUDIT_ANY || *kind == CUTLAB_AUDIT_UNNAMED) {
    bool named = *kind == CUTLAB_AUDIT_ANY;
    *kind = find_bad(array, false) < 0  ? CUTLAB_AUDIT_PROBABILITIES
            : find_bad(array, true) < 0 ? CUTLAB_AUDIT_LOG_PROBABILITIES
                                        : CUTLAB_AUDIT_LOGITS;
    if (*kind != CUTLAB_AUDIT_LOGITS) return CUTLAB_OK;
    CUTLAB_TRY(check_logits(context, input, path, array));
    return named ? CUTLAB_OK : check_look(context, input, path, array);
  }
  bool logarithms = *kind == CUTLAB_AUDIT_LOG_PROBABILITIES;
  CUTLAB_TRY(check_numbers(context, input, path, array, logarithms));
  int64_t bad = find_bad(array, logarithms);
  return bad < 0 ? CUTLAB_OK : refuse_row(context, input, path, array, bad, logarithms);
}

/* log p of one example, normalised: x - max - log sum exp(x - max), or log p - log sum p. Returns
   the class of the largest number, the first of equals. */
static int64_t normalise(float *log_probabilities, double *values, int64_t classes,
                         bool are_probabilities) {
  double sum = 0;
  int64_t best = 0;
  for (int64_t k = 1; k < classes; ++k)
    if (values[k] > values[best]) best = k;
  double largest = values[best];
  for (int64_t k = 0; k < classes; ++k) {
    if (are_probabilities) {
      sum += values[k];
      values[k] = log(values[k]); /* log 0 is -inf */
    } else {
      values[k] -= largest;
      sum += exp(values[k]);
    }
  }
  for (int64_t k = 0; k < classes; ++k) {
    double value = values[k] - log(sum);
    log_probabilities[k] = value < -(double)FLT_MAX ? -INFINITY : (float)fmin(value, 0);
  }
  return best;
}

static cutlab_status convert(cutlab_context *context, cutlab_audit_input *input,
                             const cutlab_array *array, bool are_probabilities) {
  int64_t classes = input->classes;
  double *values = cutlab_allocate(context, classes, sizeof *values);
  input->predictions = cutlab_allocate(context, input->count, sizeof *input->predictions);
  input->log_probabilities =
      cutlab_allocate(context, input->count * classes, sizeof *input->log_probabilities);
  bool good = values && input->predictions && input->log_probabilities;
  for (int64_t i = 0; good && i < input->count; ++i) {
    for (int64_t k = 0; k < classes; ++k) values[k] = cutlab_array_number(array, i * classes + k);
    input->predictions[i] =
        normalise(input->log_probabilities + i * classes, values, classes, are_probabilities);
  }
  free(values);
  return good ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

static cutlab_status check_indices(cutlab_context *context, const cutlab_audit_input *input,
                                   const char *path) {
  for (int64_t i = 0; input->indices && i < input->count; ++i) {
    int64_t before = i ? input->indices[i - 1] : -1;
    if (input->indices[i] <= before)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "%s: index %" PRId64 " in row %" PRId64
                         " is not above the one before; accepted: places in the data set from 0 "
                         "on, rising",
                         path, input->indices[i], i);
  }
  return CUTLAB_OK;
}

/* Labels or indices of the rows, where the file has them. */
static cutlab_status take_member(cutlab_context *context, int64_t **values,
                                 const cutlab_audit_file *file, const char *name, int64_t count) {
  const cutlab_array *array = file->is_npz ? cutlab_audit_member(file, name) : NULL;
  if (!array) return CUTLAB_OK;
  CUTLAB_TRY(cutlab_audit_integers(context, values, file, array, name));
  if (array->shape[0] == count) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s: %" PRId64 " %s for %" PRId64 " predictions; accepted: as many of both",
                     file->path, array->shape[0], name, count);
}

cutlab_status cutlab_audit_take(cutlab_context *context, cutlab_audit_input *input,
                                const cutlab_audit_file *file, const cutlab_array *predictions,
                                cutlab_audit_kind kind) {
  CUTLAB_TRY(check_shape(context, file, predictions));
  input->count = predictions->shape[0];
  input->classes = predictions->shape[1];
  CUTLAB_TRY(take_member(context, &input->labels, file, "labels", input->count));
  CUTLAB_TRY(take_member(context, &input->indices, file, "indices", input->count));
  CUTLAB_TRY(check_indices(context, input, file->path));
  CUTLAB_TRY(find_kind(context, &kind, input, file->path, predictions));
  return convert(context, input, predictions, kind == CUTLAB_AUDIT_PROBABILITIES);
}
