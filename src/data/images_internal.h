/* Shared by the image readers. */
#ifndef CUTLAB_IMAGES_INTERNAL_H
#define CUTLAB_IMAGES_INTERNAL_H

#include <stdio.h>

#include <cutlab/images.h>

#include "base/base.h"

/* A regular file that is open at its start, or what a compressed one decompresses to. */
typedef struct cutlab_image_file {
  const char *path;
  FILE *stream;
  int64_t size, stored;       /* stored: bytes on disk, other than `size` where compressed */
  unsigned char *memory;      /* the decompressed bytes, or NULL */
  cutlab_image_limits limits; /* with the defaults filled in */
} cutlab_image_file;

/* Opens and fills in limits; `limits` may be NULL. Close with cutlab_image_close. */
cutlab_status cutlab_image_open(cutlab_context *context, cutlab_image_file *file, const char *path,
                                const cutlab_image_limits *limits);
void cutlab_image_close(cutlab_image_file *file);
/* Reads a file that is open, of any format. The caller clears `images` after a failure. */
cutlab_status cutlab_images_read_open(cutlab_context *context, cutlab_images *images,
                                      const cutlab_image_file *file);
/* Does the path, without .gz or .xz, end in `end`? Then *length is that of what comes before. */
bool cutlab_image_named(const cutlab_image_file *file, const char *end, size_t *length);
/* Reads a .npy array of any type. */
cutlab_status cutlab_image_npy_read(cutlab_context *context, cutlab_array *array,
                                    const cutlab_image_file *file);
/* Fails with "PATH: ..." as CUTLAB_ERROR_FORMAT. */
cutlab_status cutlab_image_fail(cutlab_context *context, const cutlab_image_file *file,
                                const char *format, ...) CUTLAB_PRINTF(3, 4);
/* Reads exactly `size` bytes; `what` names them where they are not all there. */
cutlab_status cutlab_image_bytes(cutlab_context *context, const cutlab_image_file *file,
                                 void *bytes, int64_t size, const char *what);
/* Sizes of one image against the limits. */
cutlab_status cutlab_image_check(cutlab_context *context, const cutlab_image_file *file,
                                 int64_t height, int64_t width);
/* Memory for [count][height][width][channels] bytes in `images->pixels`, within the limit of bytes;
   channels 0: without that axis; width 0 as well: [count][height]. */
cutlab_status cutlab_images_allocate(cutlab_context *context, cutlab_images *images,
                                     const cutlab_image_file *file, int64_t count, int64_t height,
                                     int64_t width, int64_t channels);

/* One reader per format. The caller clears `images` after a failure. */
cutlab_status cutlab_png_read(cutlab_context *context, cutlab_images *images,
                              const cutlab_image_file *file);
cutlab_status cutlab_jpeg_read(cutlab_context *context, cutlab_images *images,
                               const cutlab_image_file *file);
cutlab_status cutlab_idx_read(cutlab_context *context, cutlab_images *images,
                              const cutlab_image_file *file);
/* The same without looking for labels. */
cutlab_status cutlab_idx_pixels_read(cutlab_context *context, cutlab_images *images,
                                     const cutlab_image_file *file);
/* Class ids, *labels [*count]; release with free. */
cutlab_status cutlab_idx_labels_read_open(cutlab_context *context, int64_t **labels, int64_t *count,
                                          const cutlab_image_file *file);
cutlab_status cutlab_cifar_read(cutlab_context *context, cutlab_images *images,
                                const cutlab_image_file *file);
cutlab_status cutlab_image_folder_read(cutlab_context *context, cutlab_images *images,
                                       const char *path, const cutlab_image_limits *limits);

/* How many bytes at the end of a file are no whole record: CIFAR-10's and CIFAR-100's. */
void cutlab_cifar_left_over(int64_t size, int64_t *ten, int64_t *hundred);
/* "png", "jpeg" or NULL by the first bytes. */
enum { cutlab_image_magic_bytes = 8 };
const char *cutlab_image_magic(const unsigned char start[cutlab_image_magic_bytes]);
/* The reader of that format. */
cutlab_status cutlab_image_decode(cutlab_context *context, cutlab_images *images,
                                  const cutlab_image_file *file, const char *format);

#endif
