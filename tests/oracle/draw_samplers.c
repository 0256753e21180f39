/* Prints draws of a sampler: draw_samplers SAMPLER ALPHA HEIGHT WIDTH COUNT SEED. Lines are
   lambda,weight,top,left,bottom,right after a heading; every draw is a batch of its own. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "augment/method.h"

static void print_draw(const cutlab_sampler *sampler, cutlab_random *random, double alpha,
                       int32_t height, int32_t width) {
  if (sampler->batch_alpha) alpha = sampler->batch_alpha(random, alpha);
  double lambda = sampler->lambda(random, alpha);
  cutlab_box box = sampler->box(random, lambda, height, width);
  double area = (double)(box.bottom - box.top) * (box.right - box.left);
  double own = 1 - area / ((double)height * width);
  double weight = sampler->weight ? sampler->weight(lambda, &box, height, width) : own;
  printf("%.9g,%.9g,%" PRId32 ",%" PRId32 ",%" PRId32 ",%" PRId32 "\n", lambda, weight, box.top,
         box.left, box.bottom, box.right);
}

int main(int argc, char **argv) {
  const cutlab_sampler *sampler = argc == 7 ? cutlab_sampler_find(argv[1]) : NULL;
  if (!sampler) {
    fprintf(stderr, "usage: draw_samplers SAMPLER ALPHA HEIGHT WIDTH COUNT SEED\n");
    return 2;
  }
  double alpha = strtod(argv[2], NULL);
  int32_t height = (int32_t)strtol(argv[3], NULL, 10), width = (int32_t)strtol(argv[4], NULL, 10);
  uint64_t count = strtoull(argv[5], NULL, 10), seed = strtoull(argv[6], NULL, 10);
  printf("lambda,weight,top,left,bottom,right\n");
  for (uint64_t draw = 0; draw < count; ++draw) {
    cutlab_random random = cutlab_random_make(seed, 0, draw, 0, 0);
    print_draw(sampler, &random, alpha, height, width);
  }
  return fflush(stdout) != 0;
}
