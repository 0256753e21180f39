/* PNG through libspng. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <spng.h>

#include "base/file.h"
#include "data/images_internal.h"

/* Deflate makes at most 1,032 bytes of one (zlib's technical notes). */
enum { max_inflation = 1032, max_chunk = 1 << 24 };

/* How the pixels are asked for, and what a pixel is then. */
typedef struct png_form {
  int format, flags, channels, bytes; /* bytes: of one channel */
} png_form;

static int read_bytes(spng_ctx *png, void *user, void *to, size_t size) {
  (void)png;
  FILE *stream = user;
  if (fread(to, 1, size, stream) == size) return 0;
  return ferror(stream) ? SPNG_IO_ERROR : SPNG_IO_EOF;
}

/* The position is where reading stopped, so that the trouble lies just before it. */
static cutlab_status fail(cutlab_context *context, const cutlab_image_file *file, int error) {
  if (error == SPNG_EMEM)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory reading %s", file->path);
  if (ferror(file->stream))
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot read %s: %s", file->path, strerror(errno));
  int64_t at = ftello(file->stream);
  if (feof(file->stream))
    return cutlab_image_fail(context, file,
                             "truncated: the file ends at byte %" PRId64 ", within the PNG", at);
  return cutlab_image_fail(context, file, "malformed PNG before byte %" PRId64 ": %s", at,
                           spng_strerror(error));
}

/* Transparency of any kind becomes a channel; palettes become colours; fewer than 8 bits become 8,
   0 to 255. */
static png_form choose_form(const struct spng_ihdr *header, bool transparent) {
  int bytes = header->bit_depth == 16 ? 2 : 1, flags = transparent ? SPNG_DECODE_TRNS : 0;
  switch (header->color_type) {
  case SPNG_COLOR_TYPE_GRAYSCALE:
    if (transparent) return (png_form){bytes == 2 ? SPNG_FMT_GA16 : SPNG_FMT_GA8, flags, 2, bytes};
    return (png_form){bytes == 2 ? SPNG_FMT_PNG : SPNG_FMT_G8, flags, 1, bytes};
  case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA:
    return (png_form){SPNG_FMT_PNG, 0, 2, bytes};
  case SPNG_COLOR_TYPE_TRUECOLOR_ALPHA:
    return (png_form){SPNG_FMT_PNG, 0, 4, bytes};
  default:
    if (transparent)
      return (png_form){bytes == 2 ? SPNG_FMT_RGBA16 : SPNG_FMT_RGBA8, flags, 4, bytes};
    return (png_form){bytes == 2 ? SPNG_FMT_PNG : SPNG_FMT_RGB8, flags, 3, bytes};
  }
}

/* A header that promises more than the rest of the file can inflate to asks for no memory. */
static cutlab_status check_size(cutlab_context *context, const cutlab_image_file *file,
                                const struct spng_ihdr *header) {
  static const int samples[] = {1, 0, 3, 1, 2, 0, 4}; /* of a pixel, by colour type */
  CUTLAB_TRY(cutlab_image_check(context, file, header->height, header->width));
  int64_t bits = (int64_t)header->width * samples[header->color_type] * header->bit_depth;
  int64_t row_bytes = 1 + (bits + 7) / 8;
  if ((int64_t)header->height <= file->size * max_inflation / row_bytes) return CUTLAB_OK;
  return cutlab_image_fail(context, file,
                           "truncated: %" PRIu32 " x %" PRIu32
                           " pixels (height x width) cannot be in %" PRId64 " bytes",
                           header->height, header->width, file->size);
}

/* v * 255 / 65535, rounded: 65535 = 257 * 255. */
static void round_to_bytes(uint8_t *bytes, const uint16_t *wide, int64_t count) {
  for (int64_t i = 0; i < count; ++i) bytes[i] = (uint8_t)((wide[i] + 128) / 257);
}

static cutlab_status decode_wide(cutlab_context *context, uint8_t *pixels, int64_t count,
                                 const cutlab_image_file *file, spng_ctx *png,
                                 const png_form *form) {
  uint16_t *wide = cutlab_allocate(context, count, sizeof *wide);
  if (!wide) return CUTLAB_ERROR_MEMORY;
  int error = spng_decode_image(png, wide, (size_t)count * sizeof *wide, form->format, form->flags);
  if (!error) round_to_bytes(pixels, wide, count);
  cutlab_status status = error ? fail(context, file, error) : CUTLAB_OK;
  free(wide);
  return status;
}

static cutlab_status decode(cutlab_context *context, cutlab_images *images,
                            const cutlab_image_file *file, spng_ctx *png) {
  struct spng_ihdr header;
  struct spng_trns transparency;
  int error = spng_set_chunk_limits(png, max_chunk, max_chunk);
  if (!error) error = spng_set_png_stream(png, read_bytes, file->stream);
  if (!error) error = spng_get_ihdr(png, &header);
  if (error) return fail(context, file, error);
  CUTLAB_TRY(check_size(context, file, &header));
  error = spng_get_trns(png, &transparency);
  if (error && error != SPNG_ECHUNKAVAIL) return fail(context, file, error);
  png_form form = choose_form(&header, !error);
  CUTLAB_TRY(
      cutlab_images_allocate(context, images, file, 1, header.height, header.width, form.channels));
  int64_t count = cutlab_array_count(&images->pixels);
  if (form.bytes == 2)
    CUTLAB_TRY(decode_wide(context, images->pixels.data, count, file, png, &form));
  else if ((error = spng_decode_image(png, images->pixels.data, (size_t)count, form.format,
                                      form.flags)) != 0)
    return fail(context, file, error);
  error = spng_decode_chunks(png); /* to the end of the file */
  return error ? fail(context, file, error) : CUTLAB_OK;
}

cutlab_status cutlab_png_read(cutlab_context *context, cutlab_images *images,
                              const cutlab_image_file *file) {
  spng_ctx *png = spng_ctx_new(0);
  if (!png)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory reading %s", file->path);
  cutlab_status status = decode(context, images, file, png);
  spng_ctx_free(png);
  return status;
}

cutlab_status cutlab_png_encode(cutlab_context *context, uint8_t **bytes, size_t *size,
                                const uint8_t *pixels, int64_t height, int64_t width,
                                int64_t channels) {
  static const uint8_t color_types[] = {SPNG_COLOR_TYPE_GRAYSCALE, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA,
                                        SPNG_COLOR_TYPE_TRUECOLOR, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA};
  *bytes = NULL;
  *size = 0;
  if (height < 1 || width < 1 || height > INT32_MAX || width > INT32_MAX || channels < 1 ||
      channels > 4 || !pixels)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "a PNG of %" PRId64 " x %" PRId64 " x %" PRId64
                       " (height x width x channels); accepted: sides of 1 to 2^31 - 1, "
                       "1 to 4 channels, pixels that are not NULL",
                       height, width, channels);
  spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
  struct spng_ihdr header = {
      (uint32_t)width, (uint32_t)height, 8, color_types[channels - 1], 0, 0, 0};
  int error = png ? spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1) : SPNG_EMEM;
  if (!error) error = spng_set_ihdr(png, &header);
  if (!error)
    error = spng_encode_image(png, pixels, (size_t)(height * width * channels), SPNG_FMT_PNG,
                              SPNG_ENCODE_FINALIZE);
  if (!error) *bytes = spng_get_png_buffer(png, size, &error);
  spng_ctx_free(png);
  if (!error) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY,
                     "cannot encode a PNG of %" PRId64 " x %" PRId64 " pixels: %s", height, width,
                     spng_strerror(error));
}

cutlab_status cutlab_png_write(cutlab_context *context, const char *path, const uint8_t *pixels,
                               int64_t height, int64_t width, int64_t channels) {
  uint8_t *bytes;
  size_t size;
  CUTLAB_TRY(cutlab_png_encode(context, &bytes, &size, pixels, height, width, channels));
  cutlab_status status = cutlab_file_write(context, path, bytes, size);
  free(bytes);
  return status;
}
