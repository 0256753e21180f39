/* Random Erasing: a box of random area and aspect is filled. */
#include <math.h>

#include "augment/methods/elements.h"
#include "augment/region.h"

enum { area_min_setting, area_max_setting, aspect_min_setting, tries_setting, fill_setting };
enum { area_value, aspect_value }; /* values of an entry */
enum { cached_channels = 4 };

static const cutlab_setting_rule parameters[] = {
    {.shown = {"area_min", "number", "0 to 1", "Smallest share of the image to erase."},
     .kind = CUTLAB_SETTING_NUMBER,
     .low = 0,
     .high = 1,
     .default_text = "0.02"},
    {.shown = {"area_max", "number", "area_min to 1", "Largest share of the image to erase."},
     .kind = CUTLAB_SETTING_NUMBER,
     .low = 0,
     .high = 1,
     .default_text = "0.4"},
    {.shown = {"aspect_min", "number", "0.001 to 1",
               "Height over width is uniform on [aspect_min, 1 / aspect_min]."},
     .kind = CUTLAB_SETTING_NUMBER,
     .low = 1e-3,
     .high = 1,
     .default_text = "0.3"},
    {.shown = {"tries", "integer", "1 to 10000",
               "Boxes drawn until one is smaller than the image; after that none is erased."},
     .kind = CUTLAB_SETTING_INTEGER,
     .low = 1,
     .high = 10000,
     .default_text = "100"},
    {.shown = {"fill", "list of numbers",
               "() or (v) or (v, ...), one for every channel; -1e6 to 1e6",
               "Fill, where 0 is black and 1 is white; after normalise, in its units. Empty: the "
               "image's own mean, for every channel."},
     .kind = CUTLAB_SETTING_NUMBERS,
     .low = -1e6,
     .high = 1e6,
     .default_text = "()"}};

static cutlab_status check(cutlab_context *context, cutlab_step *step) {
  double low = step->settings[area_min_setting].number;
  double high = step->settings[area_max_setting].number;
  if (low <= high) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "random_erasing: area_min is %g, area_max %g; accepted: area_min <= area_max",
                     low, high);
}

static double between(cutlab_random *random, double low, double high) {
  return low + (high - low) * cutlab_random_uniform(random);
}

static int32_t place(cutlab_random *random, int32_t length, int32_t size) {
  return (int32_t)cutlab_random_below(random, (uint64_t)(size - length) + 1);
}

/* One try. The paper's sides are sqrt(area aspect) and sqrt(area / aspect), and a box that is as
   high or as wide as the image is refused. Of an image one pixel high or wide (a series) no box
   would be left: there the length is the area, and must be below the image's. */
static bool try_box(const cutlab_drawing *drawing, const cutlab_step *step, cutlab_random *random,
                    cutlab_entry *entry) {
  const cutlab_setting *settings = step->settings;
  double aspect_min = settings[aspect_min_setting].number;
  double share =
      between(random, settings[area_min_setting].number, settings[area_max_setting].number);
  double aspect = between(random, aspect_min, 1 / aspect_min);
  double area = share * drawing->height * drawing->width;
  bool flat = drawing->height == 1, narrow = drawing->width == 1 && !flat;
  double height = flat ? 1 : rint(narrow ? area : sqrt(area * aspect));
  double width = narrow ? 1 : rint(flat ? area : sqrt(area / aspect));
  if ((!flat && height >= drawing->height) || (!narrow && width >= drawing->width)) return false;
  int32_t rows = (int32_t)height, columns = (int32_t)width;
  entry->values[area_value] = share;
  entry->values[aspect_value] = flat || narrow ? 0 : aspect;
  int32_t top = place(random, rows, drawing->height);
  int32_t left = place(random, columns, drawing->width);
  cutlab_entry_set_box(drawing, entry, top, left, top + rows, left + columns);
  return true;
}

static cutlab_status draw(cutlab_drawing *drawing, const cutlab_step *step, cutlab_random *random,
                          cutlab_entry *entry) {
  int tries = (int)step->settings[tries_setting].number;
  while (tries-- > 0)
    if (try_box(drawing, step, random, entry)) break;
  return CUTLAB_OK;
}

/* Mean of a channel; added row by row. */
static float own_mean(const cutlab_view *view, int32_t c) {
  double sum = 0;
  for (int32_t y = 0; y < view->height; ++y)
    for (int32_t x = 0; x < view->width; ++x) sum += view->own(view, y, x, c);
  return (float)(sum / ((double)view->height * view->width));
}

static float pixel(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  const cutlab_setting *fill = &view->step->settings[fill_setting];
  if (!cutlab_region_holds(view, y, x)) return view->own(view, y, x, c);
  return fill->count ? cutlab_fill_value(view, fill, c, 0) : own_mean(view, c);
}

CUTLAB_INLINE void sum_as(double *sum, const cutlab_view *view, int32_t c, cutlab_load load,
                          cutlab_store store) {
  (void)store;
  cutlab_strides s = cutlab_strides_of(view);
  for (int64_t y = 0; y < view->height; ++y)
    for (int64_t x = 0; x < view->width; ++x)
      *sum += load(view->image, y * s.line + x * s.pixel + c * s.channel);
}

/* own_mean of view->image. */
static float image_mean(const cutlab_view *view, int32_t c) {
  double sum = 0;
  CUTLAB_BY_DTYPE(view, sum_as, &sum, view, c);
  return (float)(sum / ((double)view->height * view->width));
}

/* More channels than the cache holds are rare: their means are made again for every line. */
static void begin(cutlab_view *view) {
  if (view->step->settings[fill_setting].count || view->entry->pixels == 0) return;
  for (int32_t c = 0; c < view->channels && c < cached_channels; ++c)
    view->cache[c] = image_mean(view, c);
}

static float fill_value(const cutlab_view *view, int32_t c) {
  const cutlab_setting *fill = &view->step->settings[fill_setting];
  if (fill->count) return cutlab_fill_value(view, fill, c, 0);
  return c < cached_channels ? (float)view->cache[c] : image_mean(view, c);
}

CUTLAB_INLINE void fill_as(const cutlab_view *view, void *values, int32_t c, float value,
                           cutlab_load load, cutlab_store store) {
  (void)load;
  cutlab_strides s = cutlab_strides_of(view);
  int64_t left = view->entry->left, right = view->entry->right;
  for (int64_t x = left; x < right; ++x) store(values, x * s.pixel + c * s.channel, value);
}

static void line(const cutlab_view *view, int32_t y, void *values, const void *partner) {
  (void)partner;
  const cutlab_entry *entry = view->entry;
  if (y < entry->top || y >= entry->bottom || entry->left >= entry->right) return;
  for (int32_t c = 0; c < view->channels; ++c)
    CUTLAB_BY_DTYPE(view, fill_as, view, values, c, fill_value(view, c));
}

const cutlab_method_ops cutlab_method_random_erasing = {
    .name = "random_erasing",
    .summary = "a box of random area, aspect and place becomes a constant",
    .source = "Zhong et al. 2020, arXiv 1708.04896",
    .role = CUTLAB_ROLE_ERASE,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .default_probability = "0.5",
    .fill_setting = fill_setting + 1,
    .whole_image = true,
    .check = check,
    .draw = draw,
    .pixel = pixel,
    .begin = begin,
    .line = line};
