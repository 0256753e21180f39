/* What brightness, contrast and saturation share. */
#include "augment/methods/colour.h"

cutlab_status cutlab_colour_draw_factor(cutlab_drawing *drawing, const cutlab_step *step,
                                        cutlab_random *random, cutlab_entry *entry) {
  (void)drawing;
  double amount = step->settings[0].number, low = amount < 1 ? 1 - amount : 0;
  entry->values[0] = low + (1 + amount - low) * cutlab_random_uniform(random);
  return CUTLAB_OK;
}

CUTLAB_INLINE void blend_as(void *line, int64_t count, float other, float factor, float white,
                            cutlab_load load, cutlab_store store) {
  for (int64_t i = 0; i < count; ++i)
    store(line, i, cutlab_blend(load(line, i), other, factor, white));
}

void cutlab_colour_blend_line(const cutlab_view *view, void *line, float other, float factor) {
  int64_t count = (int64_t)view->width * view->channels;
  CUTLAB_BY_DTYPE(view, blend_as, line, count, other, factor, view->scale);
}
