/* Images and series from files: PNG, JPEG, folders of them, CIFAR binary, IDX, .npy. */
#ifndef CUTLAB_IMAGES_H
#define CUTLAB_IMAGES_H

#include <stdint.h>

#include <cutlab/array.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Limits on what a file may ask for; 0 means the default. */
typedef struct cutlab_image_limits {
  int64_t side;   /* largest height or width of an image; 65,536 */
  int64_t pixels; /* largest height * width of one image; 2^28 */
  int64_t bytes;  /* largest decoded size in all; 16 GiB. The only limit on series and .npy */
} cutlab_image_limits;

/* Images of one size. Release with cutlab_images_clear. */
typedef struct cutlab_images {
  cutlab_array pixels; /* [N][H][W][C], or as a .npy has it; uint8, float16 or float32 */
  int64_t *labels;     /* [N] class ids, NULL where there are none */
  char *labels_path;   /* of the file beside this one that they come from, else NULL */
  char **names;        /* [N] paths, NULL where they come from one file */
  char **class_names;  /* [class_count] of the folders that are classes, else NULL */
  int64_t class_count; /* classes known: 10 and 100 of CIFAR, class folders; else 0 */
  const char *format;  /* "png", "jpeg", "cifar10", "cifar100", "idx", "npy" or "folder" */
} cutlab_images;

/* Reads `path`, told apart by content, not by name:
   - PNG: grey, RGB or palette, with alpha or without; any transparency becomes an alpha channel,
     fewer than 8 bits are scaled to 8, 16 bits rounded to 8. N = 1;
   - JPEG, grey or RGB, as it is stored (an orientation in its EXIF data is not applied). N = 1;
   - a folder: its PNG and JPEG files, in byte order of their names. Folders below are classes,
     numbered by byte order of their names whether they hold images or not, read with all folders
     in them. Hidden files are ignored; so are, with one warning, files of other kinds, unless
     their names end in .png, .jpg or .jpeg (in any case), which is an error; images both beside
     classes and in them are an error, as is a mixture of sizes or channels, which names two files;
   - CIFAR-10/100 binary (records of 3,073 or 3,074 bytes; CIFAR-100: fine labels), as NHWC;
   - IDX of unsigned bytes with 2 axes ([N][L]) or 3 ([N][H][W], given as [N][H][W][1]). For a name
     ending in images-idx3-ubyte, the file ending in labels-idx1-ubyte beside it, if there is one,
     gives the labels;
   - .npy of uint8, float16 or float32, 2 to 4 axes, as it is.
   The last three may be compressed as a whole by gzip or xz; their names then end in .gz or .xz
   after the endings above. They are decompressed to memory, to little more than limits->bytes.
   CUTLAB_ERROR_FORMAT for a truncated or foreign file names the path, what is wrong and where;
   sizes beyond a limit, or beyond what the file can hold, are refused before memory is taken. */
CUTLAB_API cutlab_status cutlab_images_read(cutlab_context *context, cutlab_images *images,
                                            const char *path, const cutlab_image_limits *limits);
/* Accepts NULL. */
CUTLAB_API void cutlab_images_clear(cutlab_images *images);

/* Whether an array may well be [N][C][H][W], PyTorch's order, rather than [N][H][W][C]: of 4 axes,
   the second at most 4 long and the last longer. */
CUTLAB_API bool cutlab_images_look_planar(const cutlab_array *pixels);

/* Reads class ids, *labels [*count], from an IDX file of unsigned bytes with 1 axis, plain or
   compressed. Release with cutlab_free. */
CUTLAB_API cutlab_status cutlab_idx_labels_read(cutlab_context *context, int64_t **labels,
                                                int64_t *count, const char *path);

/* PNG of 8-bit pixels [height][width][channels], channels 1 to 4, written atomically. */
CUTLAB_API cutlab_status cutlab_png_write(cutlab_context *context, const char *path,
                                          const uint8_t *pixels, int64_t height, int64_t width,
                                          int64_t channels);
/* The same in memory; release *bytes with cutlab_free. */
CUTLAB_API cutlab_status cutlab_png_encode(cutlab_context *context, uint8_t **bytes, size_t *size,
                                           const uint8_t *pixels, int64_t height, int64_t width,
                                           int64_t channels);

#ifdef __cplusplus
}
#endif
#endif
