/* The minimiser of the exact CutMix loss for several numbers of patches.
   Build: cc 01_optimum.c $(pkg-config --cflags --libs cutlab) */
#include <stdio.h>

#include <cutlab/cutlab.h>

int main(void) {
  cutlab_context *context;
  if (cutlab_context_create(&context) != CUTLAB_OK) return 1;

  printf("patches  positive  negative      loss\n");
  const int patches[] = {2, 3, 4, 8, 16};
  cutlab_status status = CUTLAB_OK;
  for (int i = 0; i < 5 && status == CUTLAB_OK; ++i) {
    /* 154 of 300 examples are positive, so that the two outputs differ a little */
    cutlab_optimum_point optimum;
    status = cutlab_optimum(context, &optimum, patches[i], 154, 300);
    if (status != CUTLAB_OK) break;
    if (optimum.exists)
      printf("%7d  %8.5f  %8.5f  %8.6f\n", patches[i], optimum.positive, -optimum.negative,
             optimum.loss);
    else
      printf("%7d  no finite minimiser  %8.6f\n", patches[i], optimum.loss);
  }
  if (status != CUTLAB_OK) fprintf(stderr, "%s\n", cutlab_context_message(context));
  cutlab_context_free(context);
  return status != CUTLAB_OK;
}
