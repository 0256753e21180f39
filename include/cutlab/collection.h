/* Collections: labelled data sets for training, read or made, with their parts for training and
   testing in memory. */
#ifndef CUTLAB_COLLECTION_H
#define CUTLAB_COLLECTION_H

#include <cutlab/images.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A part of a collection. */
typedef struct cutlab_examples {
  cutlab_dtype dtype; /* CUTLAB_UINT8 or CUTLAB_FLOAT32 */
  int64_t count;
  void *pixels;     /* [count][channels][height][width] */
  int64_t *labels;  /* [count], 0..classes-1 */
  int64_t *indices; /* [count] places in the whole training part, rising; NULL: all, in order */
} cutlab_examples;

/* What a collection is made from. Zeroed fields take the defaults. */
typedef struct cutlab_collection_source {
  const char *dataset; /* "mnist", "cifar10", "cifar100", "folder", "npy" or "feature-noise" */
  const char *path;    /* of the data; of a world's YAML for feature-noise (NULL: its defaults) */
  int64_t train_examples, test_examples; /* the first so many; 0: all */
  uint64_t seed;                         /* feature-noise: of the draws */
  /* "image" (default) or "series". feature-noise: how patches become an input; npy: whether 3
     axes are [N][H][W] or [N][L][C] (docs/data.md) */
  const char *shape;
  const char *position; /* feature-noise: "uniform" (default) or "fixed": where the feature patch
                           stands */
  const char *fold;     /* "I/K", I in 1..K: part I of K of the training examples is held out; NULL
                           or "": none. The parts are the same for every seed and method. */
} cutlab_collection_source;

/* Inputs that show one planted feature and nothing else, one for every feature and position. */
typedef struct cutlab_probes {
  int64_t count;
  float *pixels;         /* [count][channels][height][width] */
  int64_t *labels;       /* [count] class of the feature */
  int64_t *features;     /* [count] 0..feature_count-1: index among the frequencies */
  int64_t feature_count; /* K; 0 where the data plants none */
  char **names;          /* [K] "common", "rare" or "extremely rare" */
  double *frequencies;   /* [K] */
  int64_t *train_features, *test_features; /* the feature of every example */
} cutlab_probes;

typedef struct cutlab_collection {
  int64_t channels, height, width, classes; /* series: height 1 */
  cutlab_examples train, test;              /* test.count 0: none */
  cutlab_examples held;                     /* held out of train by `fold`; count 0: none */
  char **class_names;                       /* [classes], or NULL */
  double mean[16], deviation[16]; /* of every channel over train, pixels in 0..1 for uint8;
                                     0 and 1 beyond 16 channels; deviation > 0 */
  uint64_t fingerprint; /* of pixels and labels before any are held out: tells collections apart */
  cutlab_probes probes;
  int64_t tile; /* feature-noise: side of a tile in pixels, length in a series; otherwise 0 */
} cutlab_collection;

/* Reads or makes a collection. Compressed files (.xz, .gz) are read as they are, and so is what
   cutlab_collection_pack wrote (.npz). Layouts on disk, by dataset, are in docs/data.md. Errors
   name the file and what is wrong with it; a label outside the classes, its position. */
CUTLAB_API cutlab_status cutlab_collection_open(cutlab_context *context,
                                                cutlab_collection *collection,
                                                const cutlab_collection_source *source);
/* Accepts NULL; zeroes. */
CUTLAB_API void cutlab_collection_clear(cutlab_collection *collection);

/* Opens a collection and writes it as one file, deflated .npz (docs/file-formats.md), which as
   `path` opens as the same data set with the same fingerprint. Not with a fold, nor feature-noise.
   After a failure `collection` is empty. */
CUTLAB_API cutlab_status cutlab_collection_pack(cutlab_context *context,
                                                cutlab_collection *collection,
                                                const cutlab_collection_source *source,
                                                const char *path);

/* Checks files, counts, labels and, for published data sets, SHA-256 checksums of the decompressed
   files. *report: one line for every file and one for the whole; release with cutlab_free.
   CUTLAB_ERROR_FORMAT (with the report made) where something is wrong. */
CUTLAB_API cutlab_status cutlab_collection_verify(cutlab_context *context, char **report,
                                                  const cutlab_collection_source *source);

#ifdef __cplusplus
}
#endif
#endif
