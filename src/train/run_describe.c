/* What a training needs, for people. */
#include <inttypes.h>
#include <stdlib.h>

#include "train/run.h"

static void print(FILE *file, const cutlab_trainer *t, const char *table) {
  const double mebibyte = 0x1p20;
  const cutlab_collection *c = &t->collection;
  const struct cutlab_training *s = t->settings;
  const cutlab_memory_need *need = &t->need;
  fprintf(file, "%s\n", table);
  fprintf(file,
          "data        %s: %" PRId64 " training and %" PRId64 " test examples of %" PRId64
          " x %" PRId64 " x %" PRId64 ", %" PRId64 " classes\n",
          s->dataset, c->train.count, c->test.count, c->channels, c->height, c->width, c->classes);
  fprintf(file, "policy      %s\n", cutlab_policy_text(t->policy));
  fprintf(file, "evaluation  %s\n", cutlab_policy_text(t->evaluation));
  fprintf(file, "parameters  %" PRId64 ", %" PRId64 " multiply-adds an example\n",
          cutlab_trainer_parameters(t->model), cutlab_model_multiply_adds(t->model));
  fprintf(file, "steps       %" PRId64 " epochs of %" PRId64 " steps of %" PRId64 " examples\n",
          s->epochs, t->steps_per_epoch, t->source.batch);
  fprintf(file, "backend     %s\n", cutlab_network_backend(t->network));
  fprintf(file,
          "memory      %.0f MiB: data %.0f, values and optimiser %.0f, checkpoints %.0f, "
          "activations %.0f, loader %.0f\n",
          cutlab_memory_total(need) / mebibyte, need->data / mebibyte, need->values / mebibyte,
          need->checkpoint / mebibyte, need->compute / mebibyte, need->loader / mebibyte);
}

static cutlab_status describe(const cutlab_trainer *t, char **text) {
  char *table = NULL, *made = NULL;
  size_t size;
  CUTLAB_TRY(cutlab_model_table(t->context, &table, t->model));
  FILE *memory = open_memstream(&made, &size);
  if (memory) print(memory, t, table);
  cutlab_free(table);
  if (memory && fclose(memory) == 0) {
    *text = made;
    return CUTLAB_OK;
  }
  free(made);
  return cutlab_fail(t->context, CUTLAB_ERROR_MEMORY, "out of memory: description");
}

cutlab_status cutlab_train_describe(cutlab_context *context, char **text,
                                    const cutlab_training *training) {
  *text = NULL;
  CUTLAB_TRY(cutlab_training_validate(context, training));
  cutlab_trainer trainer;
  cutlab_status status = cutlab_trainer_open(&trainer, context, training, NULL);
  if (status == CUTLAB_OK) status = describe(&trainer, text);
  cutlab_trainer_close(&trainer);
  return status;
}
