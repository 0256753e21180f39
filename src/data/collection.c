/* Collections: which maker a source asks for, and what is measured on what was made. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/half.h"
#include "data/collection_internal.h"

typedef struct maker {
  const char *dataset;
  cutlab_status (*make)(cutlab_context *context, cutlab_collection *collection,
                        const cutlab_collection_source *source);
} maker;

static const maker makers[] = {{"mnist", cutlab_collection_published},
                               {"cifar10", cutlab_collection_published},
                               {"cifar100", cutlab_collection_published},
                               {"folder", cutlab_collection_folder},
                               {"npy", cutlab_collection_npy},
                               {"feature-noise", cutlab_collection_world}};

static const maker *find_maker(const char *dataset) {
  for (size_t i = 0; dataset && i < sizeof makers / sizeof *makers; ++i)
    if (strcmp(makers[i].dataset, dataset) == 0) return &makers[i];
  return NULL;
}

const char *cutlab_data_set_name(const char *text, size_t length) {
  for (size_t i = 0; i < sizeof makers / sizeof *makers; ++i)
    if (strlen(makers[i].dataset) == length && memcmp(makers[i].dataset, text, length) == 0)
      return makers[i].dataset;
  return NULL;
}

static bool is(const char *value, const char *word) {
  return value && strcmp(value, word) == 0;
}

bool cutlab_source_is_series(const cutlab_collection_source *source) {
  return is(source->shape, "series");
}

bool cutlab_source_is_fixed(const cutlab_collection_source *source) {
  return is(source->position, "fixed");
}

cutlab_status cutlab_collection_check(cutlab_context *context,
                                      const cutlab_collection_source *source) {
  const char *dataset = source->dataset, *shape = source->shape, *position = source->position;
  if (!find_maker(dataset))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "dataset is '%.80s'; accepted: mnist, cifar10, cifar100, folder, npy, "
                       "feature-noise",
                       dataset ? dataset : "");
  bool world = is(dataset, "feature-noise");
  if (!world && (!source->path || !*source->path))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "dataset %s without a path; accepted: the path of its files", dataset);
  if (source->train_examples < 0 || source->test_examples < 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "train_examples is %" PRId64 " and test_examples %" PRId64
                       "; accepted: at least 1, or 0 for all",
                       source->train_examples, source->test_examples);
  bool series = cutlab_source_is_series(source), fixed = cutlab_source_is_fixed(source);
  if (shape && !series && !is(shape, "image"))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "shape is '%.80s'; accepted: image, series",
                       shape);
  if (series && !world && !is(dataset, "npy"))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "shape is series; accepted for dataset %s: image", dataset);
  if (position && !fixed && !is(position, "uniform"))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "position is '%.80s'; accepted: uniform, fixed", position);
  if (fixed && !world)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "position is fixed; accepted for dataset %s: uniform", dataset);
  int64_t fold, folds;
  return cutlab_fold_parse(context, &fold, &folds, source->fold);
}

/* Examples */

static int64_t elements(const cutlab_collection *collection) {
  return collection->channels * collection->height * collection->width;
}

int64_t cutlab_examples_wanted(int64_t there, int64_t asked) {
  return asked && asked < there ? asked : there;
}

cutlab_status cutlab_examples_allocate(cutlab_context *context, const cutlab_collection *collection,
                                       cutlab_examples *examples, cutlab_dtype dtype,
                                       int64_t count) {
  *examples = (cutlab_examples){.dtype = dtype, .count = count};
  examples->pixels =
      cutlab_allocate(context, count * elements(collection), cutlab_dtype_size(dtype));
  examples->labels = cutlab_allocate(context, count, sizeof *examples->labels);
  return examples->pixels && examples->labels ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

/* One image: [plane][channels] to [channels][plane]. */
static void place_image(void *to, const void *from, cutlab_dtype dtype, int64_t plane,
                        int64_t channels) {
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t p = 0; p < plane; ++p) {
      int64_t target = c * plane + p, origin = p * channels + c;
      if (dtype == CUTLAB_UINT8)
        ((uint8_t *)to)[target] = ((const uint8_t *)from)[origin];
      else if (dtype == CUTLAB_FLOAT32)
        ((float *)to)[target] = ((const float *)from)[origin];
      else
        ((float *)to)[target] = cutlab_half_to_float(((const uint16_t *)from)[origin]);
    }
}

void cutlab_examples_place(const cutlab_collection *collection, cutlab_examples *examples,
                           int64_t at, int64_t count, const cutlab_array *pixels,
                           const int64_t *labels) {
  int64_t each = elements(collection), plane = collection->height * collection->width;
  if (labels) memcpy(examples->labels + at, labels, (size_t)count * sizeof *labels);
  if (!pixels) return;
  size_t size = cutlab_dtype_size(examples->dtype), from_size = cutlab_dtype_size(pixels->dtype);
  for (int64_t i = 0; i < count; ++i)
    place_image((char *)examples->pixels + (size_t)((at + i) * each) * size,
                (const char *)pixels->data + (size_t)(i * each) * from_size, pixels->dtype, plane,
                collection->channels);
}

/* Measures */

/* Sums of one channel over an image, about `centre`. */
static void add_plane(const cutlab_examples *examples, int64_t first, int64_t plane, double centre,
                      double *sum, double *squares) {
  const uint8_t *bytes = examples->pixels;
  const float *numbers = examples->pixels;
  for (int64_t p = first; p < first + plane; ++p) {
    double value = (examples->dtype == CUTLAB_UINT8 ? bytes[p] / 255.0 : numbers[p]) - centre;
    *sum += value;
    *squares += value * value;
  }
}

/* About the channel's first pixel, so that no large mean drowns a small deviation. */
static void measure_channel(cutlab_collection *collection, int64_t channel) {
  const cutlab_examples *train = &collection->train;
  int64_t plane = collection->height * collection->width, each = elements(collection);
  int64_t first = channel * plane;
  double centre = 0, sum = 0, squares = 0, count = (double)train->count * (double)plane;
  add_plane(train, first, 1, 0, &centre, &squares);
  squares = 0;
  for (int64_t i = 0; i < train->count; ++i) {
    double part = 0, part_squares = 0; /* of one image: shorter sums round less */
    add_plane(train, i * each + first, plane, centre, &part, &part_squares);
    sum += part;
    squares += part_squares;
  }
  double mean = sum / count, variance = squares / count - mean * mean;
  collection->mean[channel] = centre + mean;
  collection->deviation[channel] = variance > 0 ? sqrt(variance) : 1;
}

/* Each channel is summed by one thread in one order. */
static void measure(cutlab_context *context, cutlab_collection *collection) {
  int threads = cutlab_context_threads(context);
  int64_t channels = collection->channels;
  for (int c = 0; c < cutlab_measured_channels; ++c) collection->deviation[c] = 1;
  if (channels > cutlab_measured_channels) channels = cutlab_measured_channels;
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t c = 0; c < channels; ++c) measure_channel(collection, c);
}

static bool hash_examples(EVP_MD_CTX *hash, const cutlab_examples *examples, int64_t each) {
  int64_t head[2] = {examples->dtype, examples->count};
  size_t bytes = (size_t)(examples->count * each) * cutlab_dtype_size(examples->dtype);
  bool good = EVP_DigestUpdate(hash, head, sizeof head) == 1;
  if (!good || examples->count == 0) return good;
  return EVP_DigestUpdate(hash, examples->labels,
                          (size_t)examples->count * sizeof *examples->labels) == 1 &&
         EVP_DigestUpdate(hash, examples->pixels, bytes) == 1;
}

/* The first 8 bytes, big-endian, of SHA-256 over sizes, labels and pixels. */
static cutlab_status take_fingerprint(cutlab_context *context, cutlab_collection *collection) {
  int64_t sizes[4] = {collection->channels, collection->height, collection->width,
                      collection->classes};
  int64_t each = elements(collection);
  unsigned char digest[EVP_MAX_MD_SIZE] = {0};
  EVP_MD_CTX *hash = EVP_MD_CTX_new();
  bool good = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(hash, sizes, sizeof sizes) == 1 &&
              hash_examples(hash, &collection->train, each) &&
              hash_examples(hash, &collection->test, each) &&
              EVP_DigestFinal_ex(hash, digest, NULL) == 1;
  EVP_MD_CTX_free(hash);
  if (!good) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory taking a fingerprint");
  collection->fingerprint = 0;
  for (int i = 0; i < 8; ++i) collection->fingerprint = collection->fingerprint << 8 | digest[i];
  return CUTLAB_OK;
}

cutlab_status cutlab_collection_open(cutlab_context *context, cutlab_collection *collection,
                                     const cutlab_collection_source *source) {
  int64_t fold, folds;
  *collection = (cutlab_collection){0};
  CUTLAB_TRY(cutlab_collection_check(context, source));
  CUTLAB_TRY(cutlab_fold_parse(context, &fold, &folds, source->fold));
  const char *kind = cutlab_source_is_packed(source) ? "npy" : source->dataset;
  cutlab_status status = find_maker(kind)->make(context, collection, source);
  if (status == CUTLAB_OK) status = take_fingerprint(context, collection);
  if (status == CUTLAB_OK && folds) status = cutlab_fold_hold_out(context, collection, fold, folds);
  if (status == CUTLAB_OK) measure(context, collection);
  if (status != CUTLAB_OK) cutlab_collection_clear(collection);
  return status;
}

static void free_names(char **names, int64_t count) {
  for (int64_t i = 0; names && i < count; ++i) free(names[i]);
  free(names);
}

static void clear_examples(cutlab_examples *examples) {
  free(examples->pixels);
  free(examples->labels);
  free(examples->indices);
}

void cutlab_collection_clear(cutlab_collection *collection) {
  if (!collection) return;
  cutlab_probes *probes = &collection->probes;
  clear_examples(&collection->train);
  clear_examples(&collection->test);
  clear_examples(&collection->held);
  free_names(collection->class_names, collection->classes);
  free(probes->pixels);
  free(probes->labels);
  free(probes->features);
  free_names(probes->names, probes->feature_count);
  free(probes->frequencies);
  free(probes->train_features);
  free(probes->test_features);
  *collection = (cutlab_collection){0};
}
