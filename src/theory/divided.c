/* One training over several processes: the examples are divided into contiguous parts, the filters
   are kept by all. What is a sum over examples is summed over ranks: the objective sees to its own,
   the gradient and the measurements are here. */
#include <math.h>
#include <string.h>

#include "base/ranks.h"
#include "theory/simulation_internal.h"

static cutlab_status refuse(const cutlab_simulation *s, const char *what, const char *accepted) {
  return cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT,
                     "%s is the work of one process, not of %d; what can be divided: %s", what,
                     cutlab_context_rank_count(s->context), accepted);
}

cutlab_status cutlab_divided_check(const cutlab_simulation *s, const cutlab_dataset *dataset) {
  const struct cutlab_experiment *x = &s->experiment;
  int count = cutlab_context_rank_count(s->context);
  if (dataset) return refuse(s, "a given data set", "data that the experiment draws");
  if (x->form == CUTLAB_FORM_GRAM || x->form == CUTLAB_FORM_WISHART)
    return refuse(s, x->form == CUTLAB_FORM_GRAM ? "form=gram" : "form=wishart", "form=held");
  if (x->method == CUTLAB_MIXUP) return refuse(s, "method=mixup", "erm, cutout and cutmix");
  if (x->sampled) return refuse(s, "objective=sampled", "objective=exact");
  if (x->examples >= count) return CUTLAB_OK;
  return cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT,
                     "examples is %lld; accepted: at least one for each of the %d processes",
                     (long long)x->examples, count);
}

cutlab_status cutlab_divided_draw(cutlab_simulation *s) {
  const cutlab_ranks *ranks = cutlab_context_ranks(s->context);
  int64_t n = s->experiment.examples, first = n * ranks->rank / ranks->count;
  int64_t end = n * (ranks->rank + 1) / ranks->count;
  return cutlab_agree_over_ranks(
      s->context,
      cutlab_dataset_draw_part(s->context, &s->own_data, &s->experiment, first, end - first));
}

void cutlab_divided_gather(const cutlab_simulation *s, double *all) {
  int64_t patches = cutlab_dataset_whole(s->data)->examples * s->data->patches;
  int64_t first = s->data->first_example * s->data->patches;
  memset(all, 0, (size_t)(s->filter_count * patches) * sizeof *all);
  for (int f = 0; f < s->filter_count; ++f)
    memcpy(all + f * patches + first, s->coefficients + f * s->patch_count,
           (size_t)s->patch_count * sizeof *all);
  cutlab_sum_over_ranks(s->context, all, s->filter_count * patches);
}

void cutlab_divided_scatter(cutlab_simulation *s, const double *all) {
  int64_t patches = cutlab_dataset_whole(s->data)->examples * s->data->patches;
  int64_t first = s->data->first_example * s->data->patches;
  for (int f = 0; f < s->filter_count; ++f)
    memcpy(s->coefficients + f * s->patch_count, all + f * patches + first,
           (size_t)s->patch_count * sizeof *all);
}
