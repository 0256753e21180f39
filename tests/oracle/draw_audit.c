/* Prints an audit as JSON: draw_audit SCORES LABELS DRAWS CONFIDENCE SEED MATCHED QUANTILES
   METHOD=PREDICTIONS... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/audit.h>

#include "base/base.h"

static cutlab_status compute(cutlab_context *context, cutlab_audit *audit, int argc, char **argv) {
  const cutlab_audit_options options = {.draws = strtoll(argv[3], NULL, 10),
                                        .confidence = strtod(argv[4], NULL),
                                        .seed = strtoull(argv[5], NULL, 10),
                                        .matched = strtoll(argv[6], NULL, 10),
                                        .quantiles = strtoll(argv[7], NULL, 10)};
  CUTLAB_TRY(cutlab_audit_set_scores(context, audit, argv[1]));
  CUTLAB_TRY(cutlab_audit_set_labels(context, audit, argv[2]));
  for (int i = 8; i < argc; ++i) {
    char *equals = strchr(argv[i], '=');
    if (!equals) return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "no '=' in %s", argv[i]);
    *equals = 0;
    CUTLAB_TRY(cutlab_audit_add_predictions(context, audit, argv[i], equals + 1));
  }
  return cutlab_audit_compute(context, audit, &options);
}

int main(int argc, char **argv) {
  cutlab_context *context;
  cutlab_audit *audit = NULL;
  char *text = NULL;
  if (argc < 9) {
    fprintf(stderr, "usage: draw_audit SCORES LABELS DRAWS CONFIDENCE SEED MATCHED QUANTILES "
                    "METHOD=PREDICTIONS...\n");
    return 2;
  }
  if (cutlab_context_create(&context) != CUTLAB_OK) return 1;
  cutlab_status status = cutlab_audit_create(context, &audit);
  if (status == CUTLAB_OK) status = compute(context, audit, argc, argv);
  if (status == CUTLAB_OK) status = cutlab_audit_to_json(context, &text, audit);
  if (status == CUTLAB_OK)
    printf("%s\n", text);
  else
    fprintf(stderr, "%s\n", cutlab_context_message(context));
  cutlab_free(text);
  cutlab_audit_free(audit);
  cutlab_context_free(context);
  return status != CUTLAB_OK || fflush(stdout) != 0;
}
