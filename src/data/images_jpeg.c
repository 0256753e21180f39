/* JPEG through TurboJPEG. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <turbojpeg.h>

#include "base/file.h"
#include "data/images_internal.h"

/* A Huffman code has at least one bit for every block of 8 x 8 pixels. */
enum { max_pixels_per_byte = 8 * 64 };

typedef struct jpeg_bytes {
  const unsigned char *data;
  size_t size;
} jpeg_bytes;

/* What libjpeg calls a warning has lost pixels, so that it is an error too. */
static cutlab_status fail(cutlab_context *context, const cutlab_image_file *file, tjhandle decoder,
                          jpeg_bytes bytes) {
  bool ends = bytes.size >= 2 && memcmp(bytes.data + bytes.size - 2, "\xff\xd9", 2) == 0;
  return cutlab_image_fail(context, file, "%s JPEG of %zu bytes: %s",
                           ends ? "malformed" : "truncated or malformed", bytes.size,
                           tjGetErrorStr2(decoder));
}

static cutlab_status decode(cutlab_context *context, cutlab_images *images,
                            const cutlab_image_file *file, tjhandle decoder, jpeg_bytes bytes) {
  int width = 0, height = 0, subsampling = 0, colours = 0;
  if (bytes.size > LONG_MAX || tjDecompressHeader3(decoder, bytes.data, bytes.size, &width, &height,
                                                   &subsampling, &colours) != 0)
    return fail(context, file, decoder, bytes);
  if (width == 0) /* TurboJPEG is content with a file of tables */
    return cutlab_image_fail(context, file, "truncated: no image in the %zu bytes of a JPEG",
                             bytes.size);
  if (colours == TJCS_CMYK || colours == TJCS_YCCK)
    return cutlab_image_fail(context, file, "a JPEG of CMYK colours; accepted: grey and RGB");
  CUTLAB_TRY(cutlab_image_check(context, file, height, width));
  if ((int64_t)height * width / max_pixels_per_byte > (int64_t)bytes.size)
    return cutlab_image_fail(context, file,
                             "truncated: %d x %d pixels (height x width) cannot be in %zu bytes",
                             height, width, bytes.size);
  bool grey = colours == TJCS_GRAY;
  CUTLAB_TRY(cutlab_images_allocate(context, images, file, 1, height, width, grey ? 1 : 3));
  if (tjDecompress2(decoder, bytes.data, bytes.size, images->pixels.data, width, 0, height,
                    grey ? TJPF_GRAY : TJPF_RGB,
                    TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS) != 0)
    return fail(context, file, decoder, bytes);
  return CUTLAB_OK;
}

cutlab_status cutlab_jpeg_read(cutlab_context *context, cutlab_images *images,
                               const cutlab_image_file *file) {
  char *data;
  size_t size;
  CUTLAB_TRY(cutlab_file_read(context, &data, &size, file->path, 0));
  tjhandle decoder = tjInitDecompress();
  cutlab_status status =
      decoder
          ? decode(context, images, file, decoder, (jpeg_bytes){(const unsigned char *)data, size})
          : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory reading %s", file->path);
  if (decoder) tjDestroy(decoder);
  free(data);
  return status;
}
