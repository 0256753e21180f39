/* Shared by the files that make collections. */
#ifndef CUTLAB_COLLECTION_INTERNAL_H
#define CUTLAB_COLLECTION_INTERNAL_H

#include <cutlab/collection.h>

#include "base/base.h"

/* Channels with a mean and a deviation. */
enum { cutlab_measured_channels = 16 };
enum { cutlab_most_classes = 1 << 16 };

/* Memory for `count` examples of the collection's sizes. */
cutlab_status cutlab_examples_allocate(cutlab_context *context, const cutlab_collection *collection,
                                       cutlab_examples *examples, cutlab_dtype dtype,
                                       int64_t count);
/* Puts the first `count` images, NHWC, and their labels in place from example `at` on. Either may
   be NULL. Sizes agree; float16 becomes float32. */
void cutlab_examples_place(const cutlab_collection *collection, cutlab_examples *examples,
                           int64_t at, int64_t count, const cutlab_array *pixels,
                           const int64_t *labels);
/* How many of `there` examples are used where `asked` are wanted (0: all). */
int64_t cutlab_examples_wanted(int64_t there, int64_t asked);

/* One maker for each kind of data set; they leave mean, deviation and fingerprint alone. The caller
   clears the collection after a failure. */
cutlab_status cutlab_collection_published(cutlab_context *context, cutlab_collection *collection,
                                          const cutlab_collection_source *source);
cutlab_status cutlab_collection_folder(cutlab_context *context, cutlab_collection *collection,
                                       const cutlab_collection_source *source);
cutlab_status cutlab_collection_npy(cutlab_context *context, cutlab_collection *collection,
                                    const cutlab_collection_source *source);
cutlab_status cutlab_collection_world(cutlab_context *context, cutlab_collection *collection,
                                      const cutlab_collection_source *source);
/* Fills the sizes, counts and types that cutlab_collection_world would give, without drawing. */
cutlab_status cutlab_world_outline(cutlab_context *context, cutlab_collection *collection,
                                   const cutlab_collection_source *source);
/* The data set of this name, which may lack a NUL; NULL: there is none. Static storage. */
const char *cutlab_data_set_name(const char *text, size_t length);
/* Names, counts and words of a source. */
cutlab_status cutlab_collection_check(cutlab_context *context,
                                      const cutlab_collection_source *source);
bool cutlab_source_is_series(const cutlab_collection_source *source);
bool cutlab_source_is_fixed(const cutlab_collection_source *source);
/* Whether its path is a file that ends in .npz: of any data set that is read, a packed one. */
bool cutlab_source_is_packed(const cutlab_collection_source *source);
/* The data set that the members of an .npz say it holds; NULL: it is no packed data set. */
const char *cutlab_packed_data_set(cutlab_array *members, int count);
/* Takes over what the members of an .npz say beside the images and labels, which have been read:
   which data set it holds, how many classes, their names. Fails where it holds another one than
   `source` asks for. */
cutlab_status cutlab_packed_identify(cutlab_context *context, cutlab_collection *collection,
                                     cutlab_array *members, int count,
                                     const cutlab_collection_source *source);

/* Reads "I/K" as fold 0..folds-1 of `folds`; NULL and "" are fold 0 of 0. */
cutlab_status cutlab_fold_parse(cutlab_context *context, int64_t *fold, int64_t *folds,
                                const char *text);
/* Examples that a fold holds out of `count`. */
int64_t cutlab_fold_size(int64_t count, int64_t fold, int64_t folds);
/* Moves the examples of a fold from train to held. */
cutlab_status cutlab_fold_hold_out(cutlab_context *context, cutlab_collection *collection,
                                   int64_t fold, int64_t folds);

/* Published data sets */

enum { cutlab_published_most_files = 6, cutlab_hash_text = 65 };

typedef enum cutlab_published_kind {
  CUTLAB_CIFAR_RECORDS,
  CUTLAB_IDX_IMAGES,
  CUTLAB_IDX_LABELS
} cutlab_published_kind;

typedef struct cutlab_published_file {
  const char *name; /* without .xz or .gz */
  cutlab_published_kind kind;
  bool test;
  int64_t first, count; /* examples of its part */
  int64_t bytes;        /* decompressed */
  const char *sha256;   /* of the decompressed bytes; NULL: not known here */
} cutlab_published_file;

typedef struct cutlab_published {
  const char *dataset, *folder; /* folder: where the files may lie below the path */
  int64_t channels, side, classes, train, test;
  const char *const *class_names; /* NULL: not named here */
  uint64_t fingerprint;           /* of the whole collection; 0: not known here */
  int file_count;
  cutlab_published_file files[cutlab_published_most_files];
} cutlab_published;

/* What came of one file. */
typedef struct cutlab_file_result {
  int64_t stored, bytes; /* on disk, decompressed */
  cutlab_status status;
  char message[512];             /* where it failed */
  char name[64];                 /* with .xz or .gz */
  char sha256[cutlab_hash_text]; /* "" where not asked for */
  bool there;                    /* was the file found and, if compressed, decompressed? */
} cutlab_file_result;

/* The description, or NULL for another data set. */
const cutlab_published *cutlab_published_find(const char *dataset);
/* Makes room in the collection and reads the files that it needs, each by one thread. What comes of
   file i stands in results[i]; the status is that of the rest. */
cutlab_status cutlab_published_read(cutlab_context *context, cutlab_collection *collection,
                                    cutlab_file_result *results, const cutlab_published *published,
                                    const cutlab_collection_source *source, bool hash);

#endif
