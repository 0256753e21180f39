/* The model language; a model that is made writes itself as text that makes the same one. */
#include <cutlab/network.h>

#include "fuzz.h"

static void check_model(cutlab_context *context, const cutlab_model *model,
                        const int64_t sizes[4]) {
  cutlab_model *again = NULL;
  char *table = NULL;
  if (cutlab_model_create(context, &again, cutlab_model_text(model), sizes[0], sizes[1], sizes[2],
                          sizes[3]) != CUTLAB_OK) {
    fprintf(stderr, "%s: %s\n", cutlab_model_text(model), cutlab_context_message(context));
    FUZZ_CHECK(!"a model's own text is accepted");
  }
  FUZZ_CHECK(strcmp(cutlab_model_text(model), cutlab_model_text(again)) == 0);
  FUZZ_CHECK(cutlab_model_tensors(model) == cutlab_model_tensors(again));
  FUZZ_CHECK(cutlab_model_multiply_adds(model) == cutlab_model_multiply_adds(again));
  for (int i = 0; i < cutlab_model_tensors(model); ++i)
    FUZZ_CHECK(cutlab_model_tensor_at(model, i)->count > 0);
  FUZZ_CHECK(cutlab_model_table(context, &table, model) == CUTLAB_OK);
  cutlab_free(table);
  cutlab_model_free(again);
}

/* Images and series, of many channels and few. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int64_t inputs[][4] = {{3, 32, 32, 10}, {1, 1, 50, 3}, {4, 1, 1, 4}, {9, 5, 70, 2}};
  cutlab_context *context = fuzz_context();
  char *text = fuzz_text(data, size);
  for (int i = 0; i < 4; ++i) {
    cutlab_model *model = NULL;
    const int64_t *sizes = inputs[i];
    cutlab_status status =
        cutlab_model_create(context, &model, text, sizes[0], sizes[1], sizes[2], sizes[3]);
    if (status == CUTLAB_OK) {
      check_model(context, model, sizes);
    } else {
      fuzz_check_failed(context, status);
      FUZZ_CHECK(!model);
    }
    cutlab_model_free(model);
  }
  free(text);
  cutlab_context_free(context);
  return 0;
}
