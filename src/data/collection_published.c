/* MNIST, CIFAR-10 and CIFAR-100 in the files in which they were published. */
#include <errno.h>
#include <inttypes.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "base/file.h"
#include "data/collection_internal.h"
#include "data/images_internal.h"

#define CIFAR10_BYTES 30730000

static const char *const digit_names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
static const char *const cifar10_names[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                            "dog",      "frog",       "horse", "ship", "truck"};

static const cutlab_published table[] = {
    {"mnist",
     "MNIST/raw",
     1,
     28,
     10,
     60000,
     10000,
     digit_names,
     0xe358dd7c5444c1a3,
     4,
     {{"train-images-idx3-ubyte", CUTLAB_IDX_IMAGES, false, 0, 60000, 47040016,
       "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
      {"train-labels-idx1-ubyte", CUTLAB_IDX_LABELS, false, 0, 60000, 60008,
       "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
      {"t10k-images-idx3-ubyte", CUTLAB_IDX_IMAGES, true, 0, 10000, 7840016,
       "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
      {"t10k-labels-idx1-ubyte", CUTLAB_IDX_LABELS, true, 0, 10000, 10008,
       "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}}},
    {"cifar10",
     "cifar-10-batches-bin",
     3,
     32,
     10,
     50000,
     10000,
     cifar10_names,
     0x6af7c08948c54389,
     6,
     {{"data_batch_1.bin", CUTLAB_CIFAR_RECORDS, false, 0, 10000, CIFAR10_BYTES,
       "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"},
      {"data_batch_2.bin", CUTLAB_CIFAR_RECORDS, false, 10000, 10000, CIFAR10_BYTES,
       "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"},
      {"data_batch_3.bin", CUTLAB_CIFAR_RECORDS, false, 20000, 10000, CIFAR10_BYTES,
       "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"},
      {"data_batch_4.bin", CUTLAB_CIFAR_RECORDS, false, 30000, 10000, CIFAR10_BYTES,
       "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"},
      {"data_batch_5.bin", CUTLAB_CIFAR_RECORDS, false, 40000, 10000, CIFAR10_BYTES,
       "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"},
      {"test_batch.bin", CUTLAB_CIFAR_RECORDS, true, 0, 10000, CIFAR10_BYTES,
       "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"}}},
    {"cifar100",
     "cifar-100-binary",
     3,
     32,
     100,
     50000,
     10000,
     NULL,
     0,
     2,
     {{"train.bin", CUTLAB_CIFAR_RECORDS, false, 0, 50000, 153700000, NULL},
      {"test.bin", CUTLAB_CIFAR_RECORDS, true, 0, 10000, 30740000, NULL}}}};

const cutlab_published *cutlab_published_find(const char *dataset) {
  for (size_t i = 0; i < sizeof table / sizeof *table; ++i)
    if (strcmp(table[i].dataset, dataset) == 0) return &table[i];
  return NULL;
}

/* The path of a file as it is, or with .xz or .gz; *name is the result's. */
static cutlab_status find_file(cutlab_context *context, char **path, cutlab_file_result *result,
                               const char *folder, const char *name) {
  static const char *const ends[] = {"", ".xz", ".gz"};
  *path = NULL;
  for (int i = 0; i < 3; ++i) {
    snprintf(result->name, sizeof result->name, "%s%s", name, ends[i]);
    *path = cutlab_path_join(context, folder, result->name);
    if (!*path) return CUTLAB_ERROR_MEMORY;
    if (cutlab_file_exists(*path)) return CUTLAB_OK;
    free(*path);
    *path = NULL;
  }
  snprintf(result->name, sizeof result->name, "%s", name);
  return cutlab_fail(context, CUTLAB_ERROR_IO, "%s: %s is missing, and so are %s.xz and %s.gz",
                     folder, name, name, name);
}

static cutlab_status hash_stream(cutlab_context *context, char text[cutlab_hash_text],
                                 const cutlab_image_file *file) {
  unsigned char block[1 << 16], digest[EVP_MAX_MD_SIZE] = {0};
  EVP_MD_CTX *hash = EVP_MD_CTX_new();
  bool good = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
  for (size_t got = 1; good && got > 0;) {
    got = fread(block, 1, sizeof block, file->stream);
    good = EVP_DigestUpdate(hash, block, got) == 1;
  }
  good = good && EVP_DigestFinal_ex(hash, digest, NULL) == 1;
  EVP_MD_CTX_free(hash);
  if (ferror(file->stream))
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot read %s: %s", file->path, strerror(errno));
  rewind(file->stream);
  if (!good)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory hashing %s", file->path);
  for (int i = 0; i < 32; ++i) snprintf(text + 2 * i, 3, "%02x", digest[i]);
  return CUTLAB_OK;
}

static cutlab_status check_classes(cutlab_context *context, const cutlab_image_file *file,
                                   const int64_t *labels, int64_t count, int64_t classes) {
  for (int64_t i = 0; i < count; ++i)
    if (labels[i] >= classes)
      return cutlab_image_fail(context, file,
                               "label %" PRId64 " of example %" PRId64 "; accepted: 0 to %" PRId64,
                               labels[i], i, classes - 1);
  return CUTLAB_OK;
}

/* Reads the pixels and labels that a file has. */
static cutlab_status decode(cutlab_context *context, cutlab_images *images,
                            const cutlab_image_file *file, const cutlab_published *published,
                            cutlab_published_kind kind) {
  int64_t count = 0;
  if (kind == CUTLAB_IDX_IMAGES) CUTLAB_TRY(cutlab_idx_pixels_read(context, images, file));
  if (kind == CUTLAB_CIFAR_RECORDS) CUTLAB_TRY(cutlab_cifar_read(context, images, file));
  if (kind == CUTLAB_IDX_LABELS) {
    CUTLAB_TRY(cutlab_idx_labels_read_open(context, &images->labels, &count, file));
    return check_classes(context, file, images->labels, count, published->classes);
  }
  const int64_t *shape = images->pixels.shape;
  if (images->pixels.rank == 4 && shape[1] == published->side && shape[2] == published->side &&
      shape[3] == published->channels &&
      (!images->class_count || images->class_count == published->classes))
    return CUTLAB_OK;
  return cutlab_image_fail(context, file,
                           "holds other data, %s of %" PRId64 " x %" PRId64
                           "; accepted: images of %s, %" PRId64 " x %" PRId64,
                           images->format, shape[1], shape[2], published->dataset, published->side,
                           published->side);
}

/* What files are read for, by several threads. */
typedef struct reading {
  cutlab_context *context; /* of the calling thread, which tells how far all are */
  const cutlab_published *published;
  const char *folder;
  cutlab_collection *collection;
  bool hash;
  atomic_int left; /* files */
  atomic_bool stopped;
} reading;

static cutlab_status tell(reading *r) {
  int64_t files = r->published->file_count;
  cutlab_status status =
      cutlab_report_progress(r->context, "reading the data set", files - r->left, files);
  if (status != CUTLAB_OK) r->stopped = true;
  return status;
}

/* Progress within a file. */
static int watch(void *user, const cutlab_progress *progress) {
  reading *r = user;
  (void)progress;
  if (omp_get_thread_num() == 0 && !r->stopped) tell(r);
  return r->stopped;
}

/* By the calling thread, which has no more files to read. */
static void wait_for_others(reading *r) {
  const struct timespec moment = {0, 1000000};
  while (r->left > 0 && !r->stopped && tell(r) == CUTLAB_OK) nanosleep(&moment, NULL);
}

static cutlab_status read_open(cutlab_context *context, const reading *r,
                               const cutlab_published_file *wanted, cutlab_file_result *result,
                               const cutlab_image_file *file) {
  result->there = true;
  result->stored = file->stored;
  result->bytes = file->size;
  if (file->size != wanted->bytes)
    return cutlab_image_fail(
        context, file, "%s: %" PRId64 " bytes%s; accepted: %" PRId64 ", those of %s",
        file->size < wanted->bytes ? "too short" : "too long", file->size,
        file->memory ? " decompressed" : "", wanted->bytes, r->published->dataset);
  if (r->hash) CUTLAB_TRY(hash_stream(context, result->sha256, file));
  cutlab_images images = {0};
  cutlab_status status = decode(context, &images, file, r->published, wanted->kind);
  cutlab_examples *part = wanted->test ? &r->collection->test : &r->collection->train;
  int64_t count = cutlab_examples_wanted(wanted->count, part->count - wanted->first);
  if (status == CUTLAB_OK)
    cutlab_examples_place(r->collection, part, wanted->first, count,
                          images.pixels.rank ? &images.pixels : NULL, images.labels);
  cutlab_images_clear(&images);
  return status;
}

static cutlab_status read_file(cutlab_context *context, const reading *r,
                               const cutlab_published_file *wanted, cutlab_file_result *result) {
  char *path;
  CUTLAB_TRY(find_file(context, &path, result, r->folder, wanted->name));
  cutlab_image_file file;
  const cutlab_image_limits limits = {.bytes = wanted->bytes};
  cutlab_status status = cutlab_image_open(context, &file, path, &limits);
  if (status == CUTLAB_OK) {
    status = read_open(context, r, wanted, result, &file);
    cutlab_image_close(&file);
  }
  free(path);
  return status;
}

/* With a context of its own, for it may be one of several threads. */
static void read_one(reading *r, const cutlab_published_file *wanted, cutlab_file_result *result) {
  cutlab_context *context = NULL;
  result->status = cutlab_context_fork(&context, r->context);
  if (result->status == CUTLAB_OK) {
    cutlab_context_set_progress(context, watch, r);
    result->status = read_file(context, r, wanted, result);
    snprintf(result->message, sizeof result->message, "%s", cutlab_context_message(context));
  } else {
    snprintf(result->message, sizeof result->message, "out of memory");
  }
  cutlab_context_free(context);
}

static cutlab_status name_classes(cutlab_context *context, cutlab_collection *collection,
                                  const char *const *names) {
  if (!names) return CUTLAB_OK;
  collection->class_names =
      cutlab_allocate(context, collection->classes, sizeof *collection->class_names);
  if (!collection->class_names) return CUTLAB_ERROR_MEMORY;
  for (int64_t c = 0; c < collection->classes; ++c)
    if (!(collection->class_names[c] = strdup(names[c])))
      return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory naming classes");
  return CUTLAB_OK;
}

/* Room for the examples, and the folder of the files: `path`, or the usual one in it. */
static cutlab_status prepare(cutlab_context *context, cutlab_collection *collection, char **folder,
                             const cutlab_published *published,
                             const cutlab_collection_source *source) {
  if (!cutlab_file_exists(source->path))
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot open %s: %s", source->path,
                       strerror(errno));
  collection->channels = published->channels;
  collection->height = collection->width = published->side;
  collection->classes = published->classes;
  CUTLAB_TRY(name_classes(context, collection, published->class_names));
  int64_t train = cutlab_examples_wanted(published->train, source->train_examples);
  int64_t test = cutlab_examples_wanted(published->test, source->test_examples);
  CUTLAB_TRY(
      cutlab_examples_allocate(context, collection, &collection->train, CUTLAB_UINT8, train));
  CUTLAB_TRY(cutlab_examples_allocate(context, collection, &collection->test, CUTLAB_UINT8, test));
  *folder = cutlab_path_join(context, source->path, published->folder);
  if (*folder && !cutlab_file_exists(*folder)) {
    free(*folder);
    *folder = strdup(source->path);
  }
  return *folder ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

static void read_all(reading *r, cutlab_file_result *results) {
  int threads = cutlab_context_threads(r->context), files = r->left;
#pragma omp parallel num_threads(threads) if (threads > 1)
  {
#pragma omp for schedule(dynamic) nowait
    for (int i = 0; i < files; ++i) {
      const cutlab_published_file *wanted = &r->published->files[i];
      const cutlab_collection *c = r->collection;
      const cutlab_examples *part = wanted->test ? &c->test : &c->train;
      if (wanted->first < part->count && !r->stopped) read_one(r, wanted, &results[i]);
      --r->left;
    }
#pragma omp master
    wait_for_others(r);
  }
}

cutlab_status cutlab_published_read(cutlab_context *context, cutlab_collection *collection,
                                    cutlab_file_result *results, const cutlab_published *published,
                                    const cutlab_collection_source *source, bool hash) {
  char *folder = NULL;
  cutlab_status status = prepare(context, collection, &folder, published, source);
  reading r = {context, published, folder, collection, hash, published->file_count, false};
  if (status == CUTLAB_OK) status = tell(&r);
  if (status == CUTLAB_OK) read_all(&r, results);
  free(folder);
  if (status != CUTLAB_OK) return status;
  return r.stopped ? CUTLAB_CANCELLED : tell(&r);
}

cutlab_status cutlab_collection_published(cutlab_context *context, cutlab_collection *collection,
                                          const cutlab_collection_source *source) {
  cutlab_file_result results[cutlab_published_most_files] = {0};
  const cutlab_published *published = cutlab_published_find(source->dataset);
  CUTLAB_TRY(cutlab_published_read(context, collection, results, published, source, false));
  for (int i = 0; i < published->file_count; ++i)
    if (results[i].status != CUTLAB_OK)
      return cutlab_fail(context, results[i].status, "%s", results[i].message);
  return CUTLAB_OK;
}
