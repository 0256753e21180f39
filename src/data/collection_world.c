/* The feature-noise world (Oh and Yun 2024, section 2) rendered as images or series. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/random.h>

#include "base/streams.h"
#include "data/collection_internal.h"
#include "data/dataset_internal.h"

enum { default_test = 10000 };

/* Parts of cutlab_stream_world. */
enum { part_basis = 0, part_test_seed = 1 };

/* How the P patches of R^d lie in an input: tiles in a grid. */
typedef struct tiling {
  int64_t patches, dimension, tile_height, tile_width, columns;
  bool fixed; /* the feature patch comes first */
} tiling;

/* 2K Householder reflections H_1 H_2 ..., each by a vector of R^d with norm sqrt(2) (or 0). */
typedef struct basis {
  int64_t dimension;
  int count;
  double *vectors; /* [count][dimension] */
} basis;

/* A uniformly random orthogonal matrix, of which the first `count` columns matter (Stewart 1980):
   H_j leaves the first j coordinates alone and takes e_j to a random direction in the others. */
static cutlab_status make_basis(cutlab_context *context, basis *b, int64_t dimension, int count,
                                uint64_t seed) {
  *b = (basis){dimension, count, cutlab_allocate(context, count * dimension, sizeof(double))};
  if (!b->vectors) return CUTLAB_ERROR_MEMORY;
  for (int j = 0; j < count; ++j) {
    double *w = b->vectors + j * dimension, norm = 0, rest = 0;
    cutlab_random random =
        cutlab_random_make(seed, cutlab_stream_world, part_basis, (uint64_t)j, 0);
    for (int64_t c = j; c < dimension; ++c) {
      w[c] = cutlab_random_normal(&random);
      norm += w[c] * w[c];
    }
    for (int64_t c = j; c < dimension; ++c) {
      w[c] = (c == j) - w[c] / sqrt(norm);
      rest += w[c] * w[c];
    }
    for (int64_t c = j; c < dimension && rest > 0; ++c) w[c] *= sqrt(2 / rest);
  }
  return CUTLAB_OK;
}

/* x := H_1 H_2 ... x */
static void rotate(const basis *b, double *x) {
  for (int j = b->count - 1; j >= 0; --j) {
    const double *w = b->vectors + j * b->dimension;
    double product = 0;
    for (int64_t c = j; c < b->dimension; ++c) product += w[c] * x[c];
    for (int64_t c = j; c < b->dimension; ++c) x[c] -= product * w[c];
  }
}

static cutlab_status choose_tiling(cutlab_context *context, tiling *t, cutlab_collection *size,
                                   const struct cutlab_experiment *x,
                                   const cutlab_collection_source *source) {
  int64_t d = x->dimension, columns = x->patches;
  *t = (tiling){x->patches, d, 1, d, columns, cutlab_source_is_fixed(source)};
  size->channels = 1;
  if (!cutlab_source_is_series(source)) {
    int64_t side = (int64_t)sqrt((double)d);
    if (side * side != d)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "dimension %" PRId64 " is not a square: as an image a patch is a tile of "
                         "side sqrt(d); accepted: %" PRId64 ", %" PRId64 " or shape = series",
                         d, side * side, (side + 1) * (side + 1));
    columns = (int64_t)ceil(sqrt((double)x->patches));
    t->tile_height = t->tile_width = side;
    t->columns = columns;
  }
  size->height = t->tile_height * ((x->patches + columns - 1) / columns);
  size->width = t->tile_width * columns;
  size->tile = t->tile_width;
  return CUTLAB_OK;
}

/* Puts a patch where tile `tile` of an input lies. */
static void put_tile(const tiling *t, float *pixels, int64_t tile, const double *patch) {
  int64_t width = t->tile_width * t->columns;
  float *corner =
      pixels + tile / t->columns * t->tile_height * width + tile % t->columns * t->tile_width;
  for (int64_t y = 0; y < t->tile_height; ++y)
    for (int64_t c = 0; c < t->tile_width; ++c)
      corner[y * width + c] = (float)patch[y * t->tile_width + c];
}

/* Where patch p lies: with a fixed position it changes places with the feature patch. */
static int64_t find_tile(const tiling *t, int64_t p, int64_t feature_position) {
  if (!t->fixed) return p;
  return p == feature_position ? 0 : p == 0 ? feature_position : p;
}

static void render(cutlab_context *context, cutlab_examples *examples, int64_t *features,
                   const cutlab_dataset *drawn, const basis *b, const tiling *t, int64_t each) {
  int threads = cutlab_context_threads(context);
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t i = 0; i < drawn->examples; ++i) {
    examples->labels[i] = drawn->labels[i] > 0;
    features[i] = drawn->feature_indices[i];
    for (int64_t p = 0; p < t->patches; ++p) {
      double *patch = drawn->patch_data + (i * t->patches + p) * t->dimension;
      rotate(b, patch);
      put_tile(t, (float *)examples->pixels + i * each,
               find_tile(t, p, drawn->feature_positions[i]), patch);
    }
  }
}

/* Draws one part; `x` says how many examples and by which seed. */
static cutlab_status draw_part(cutlab_context *context, const cutlab_collection *collection,
                               cutlab_examples *examples, int64_t **features,
                               const cutlab_experiment *x, const basis *b, const tiling *t) {
  cutlab_dataset *drawn = NULL;
  CUTLAB_TRY(cutlab_examples_allocate(context, collection, examples, CUTLAB_FLOAT32, x->examples));
  *features = cutlab_allocate(context, x->examples, sizeof **features);
  if (!*features) return CUTLAB_ERROR_MEMORY;
  CUTLAB_TRY(cutlab_dataset_draw(context, &drawn, x));
  render(context, examples, *features, drawn, b, t, collection->height * collection->width);
  cutlab_dataset_free(drawn);
  return CUTLAB_OK;
}

static cutlab_status allocate_probes(cutlab_context *context, cutlab_probes *probes,
                                     const cutlab_experiment *x, int64_t count, int64_t each) {
  probes->count = count;
  probes->feature_count = x->feature_count;
  probes->pixels = cutlab_allocate(context, count * each, sizeof *probes->pixels);
  probes->labels = cutlab_allocate(context, count, sizeof *probes->labels);
  probes->features = cutlab_allocate(context, count, sizeof *probes->features);
  probes->names = cutlab_allocate(context, x->feature_count, sizeof *probes->names);
  probes->frequencies = cutlab_allocate(context, x->feature_count, sizeof *probes->frequencies);
  if (!probes->pixels || !probes->labels || !probes->features || !probes->names ||
      !probes->frequencies)
    return CUTLAB_ERROR_MEMORY;
  for (int k = 0; k < x->feature_count; ++k) {
    probes->frequencies[k] = x->frequencies[k];
    probes->names[k] = strdup(cutlab_rarity_name(cutlab_experiment_rarity(x, k)));
    if (!probes->names[k])
      return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory naming features");
  }
  return CUTLAB_OK;
}

/* For each class, feature and position at which features stand, in this order. */
static cutlab_status make_probes(cutlab_context *context, cutlab_collection *collection,
                                 const cutlab_experiment *x, const basis *b, const tiling *t) {
  cutlab_probes *probes = &collection->probes;
  int64_t positions = t->fixed ? 1 : t->patches, each = collection->height * collection->width;
  CUTLAB_TRY(allocate_probes(context, probes, x, 2 * x->feature_count * positions, each));
  double *patch = cutlab_allocate(context, t->dimension, sizeof *patch);
  if (!patch) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < probes->count; ++i) {
    int64_t label = i / positions / x->feature_count, k = i / positions % x->feature_count;
    memset(patch, 0, (size_t)t->dimension * sizeof *patch);
    patch[label ? k : x->feature_count + k] = 1; /* coordinates: label +1 first */
    rotate(b, patch);
    put_tile(t, probes->pixels + i * each, i % positions, patch);
    probes->labels[i] = label;
    probes->features[i] = k;
  }
  free(patch);
  return CUTLAB_OK;
}

/* Class 0 is the label -1. */
static cutlab_status name_classes(cutlab_context *context, cutlab_collection *collection) {
  collection->classes = 2;
  collection->class_names = cutlab_allocate(context, 2, sizeof *collection->class_names);
  if (!collection->class_names) return CUTLAB_ERROR_MEMORY;
  collection->class_names[0] = strdup("-1");
  collection->class_names[1] = strdup("+1");
  if (collection->class_names[0] && collection->class_names[1]) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory naming classes");
}

/* Small enough for convolutional networks to train on in seconds; docs/data.md says why these. */
static cutlab_status set_defaults(cutlab_context *context, cutlab_experiment *x) {
  static const char *const values[][2] = {{"patches", "4"},     {"dimension", "64"},
                                          {"examples", "1000"}, {"frequencies", "[.8, .15, .05]"},
                                          {"sigma_d", "2"},     {"sigma_b", "1.2"},
                                          {"alpha", "0.2"},     {"sampling", "stratified"}};
  for (size_t i = 0; i < sizeof values / sizeof *values; ++i)
    CUTLAB_TRY(cutlab_experiment_set(context, x, values[i][0], values[i][1]));
  return CUTLAB_OK;
}

/* The world and the size of the training part. */
static cutlab_status set_world(cutlab_context *context, cutlab_experiment *x,
                               const cutlab_collection_source *source) {
  if (source->seed > INT64_MAX)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "seed is %" PRIu64 "; accepted: 0 to 2^63 - 1", source->seed);
  bool given = source->path && *source->path;
  CUTLAB_TRY(given ? cutlab_experiment_load_yaml(context, x, source->path)
                   : set_defaults(context, x));
  x->form = CUTLAB_FORM_HELD;
  x->seed = source->seed;
  if (source->train_examples) x->examples = source->train_examples;
  return cutlab_experiment_validate(context, x);
}

static int64_t test_examples(const cutlab_collection_source *source) {
  return source->test_examples ? source->test_examples : default_test;
}

cutlab_status cutlab_world_outline(cutlab_context *context, cutlab_collection *collection,
                                   const cutlab_collection_source *source) {
  cutlab_experiment *x = NULL;
  tiling t;
  CUTLAB_TRY(cutlab_experiment_create(context, &x));
  *collection = (cutlab_collection){.classes = 2};
  cutlab_status status = set_world(context, x, source);
  if (status == CUTLAB_OK) status = choose_tiling(context, &t, collection, x, source);
  collection->train = (cutlab_examples){.dtype = CUTLAB_FLOAT32, .count = x->examples};
  collection->test = (cutlab_examples){.dtype = CUTLAB_FLOAT32, .count = test_examples(source)};
  cutlab_experiment_free(x);
  return status;
}

static cutlab_status make_world(cutlab_context *context, cutlab_collection *collection,
                                cutlab_experiment *x, basis *b,
                                const cutlab_collection_source *source) {
  tiling t;
  cutlab_probes *probes = &collection->probes;
  CUTLAB_TRY(set_world(context, x, source));
  CUTLAB_TRY(name_classes(context, collection));
  CUTLAB_TRY(choose_tiling(context, &t, collection, x, source));
  CUTLAB_TRY(make_basis(context, b, x->dimension, 2 * x->feature_count, x->seed));
  CUTLAB_TRY(make_probes(context, collection, x, b, &t));
  CUTLAB_TRY(draw_part(context, collection, &collection->train, &probes->train_features, x, b, &t));
  cutlab_random other = cutlab_random_make(x->seed, cutlab_stream_world, part_test_seed, 0, 0);
  x->seed = cutlab_random_u64(&other) >> 1;
  x->examples = test_examples(source);
  return draw_part(context, collection, &collection->test, &probes->test_features, x, b, &t);
}

cutlab_status cutlab_collection_world(cutlab_context *context, cutlab_collection *collection,
                                      const cutlab_collection_source *source) {
  cutlab_experiment *x = NULL;
  basis b = {0};
  CUTLAB_TRY(cutlab_experiment_create(context, &x));
  cutlab_status status = make_world(context, collection, x, &b, source);
  free(b.vectors);
  cutlab_experiment_free(x);
  return status;
}
