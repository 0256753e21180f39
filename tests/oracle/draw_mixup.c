/* draw_mixup KIND ALPHA: random pre-activations, and Mixup's loss and derivatives there. KIND is
   the number of an activation; ALPHA 0 stands for the midpoint. Lines: sizes, beta and r; labels;
   pre-activations; loss, error; derivatives. */
#include <stdio.h>
#include <stdlib.h>

#include <cutlab/cutlab.h>

#include "theory/mixup.h"

enum { examples = 5, patches = 3, filters = 4, values = filters * examples * patches };

static void print_numbers(const double *x, int count) {
  for (int k = 0; k < count; ++k) printf("%.17g%c", x[k], k + 1 < count ? ' ' : '\n');
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  int kind = atoi(arguments[1]); // NOLINT(cert-err34-c)
  double alpha = strtod(arguments[2], NULL), inner[values], pulls[values], loss, error;
  cutlab_activation activation = {(cutlab_activation_kind)kind, .2, .8, 3};
  cutlab_mixup_options options = {alpha == 0, alpha, 1e-12};
  int8_t labels[examples] = {1, -1, -1, 1, -1};
  cutlab_random random = cutlab_random_make(17, 1, (uint64_t)kind, 0, 0);
  for (int k = 0; k < values; ++k) inner[k] = cutlab_random_normal(&random);
  cutlab_context *context;
  cutlab_mixup *mixup;
  if (cutlab_context_create(&context) != CUTLAB_OK) return 1;
  if (cutlab_mixup_create(context, &mixup, &options, activation, labels, examples, patches,
                          filters) != CUTLAB_OK ||
      cutlab_mixup_evaluate(mixup, &loss, pulls, &error, inner) != CUTLAB_OK) {
    fprintf(stderr, "%s\n", cutlab_context_message(context));
    return 1;
  }
  printf("%d %d %d %g %g\n", filters, examples, patches, activation.beta, activation.r);
  for (int i = 0; i < examples; ++i) printf("%d%c", labels[i], i + 1 < examples ? ' ' : '\n');
  print_numbers(inner, values);
  printf("%.17g %.17g\n", loss, error);
  print_numbers(pulls, values);
  cutlab_mixup_free(mixup);
  cutlab_context_free(context);
  return 0;
}
