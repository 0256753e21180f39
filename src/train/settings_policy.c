/* The augmentation policy of a training, put together from its settings. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/augment.h>

#include "base/number.h"
#include "train/settings.h"

enum { most_channels = 16 }; /* as many as a collection counts, and a list of the language holds */

/* The policy of a setting, written out. `*normalises` stays true once it is. */
static cutlab_status print_setting(cutlab_context *context, FILE *file, const char *name,
                                   const char *text, bool *normalises) {
  cutlab_policy *policy;
  if (!text[strspn(text, " \t\r\n")]) return CUTLAB_OK;
  cutlab_status status = cutlab_policy_create(context, &policy, text);
  if (status != CUTLAB_OK)
    return cutlab_fail(context, status, "%s: %s", name, cutlab_context_message(context));
  fprintf(file, "%s | ", cutlab_policy_text(policy));
  *normalises |= cutlab_policy_normalises(policy);
  cutlab_policy_free(policy);
  return CUTLAB_OK;
}

static void print_numbers(FILE *file, const char *name, const double *values, int64_t count) {
  fprintf(file, "%s=(", name);
  for (int64_t c = 0; c < count; ++c) {
    char text[cutlab_number_size];
    cutlab_number_text(text, values[c]);
    fprintf(file, "%s%s", c ? ", " : "", text);
  }
  fputc(')', file);
}

/* Without normalisation a step is there all the same: it makes uint8 numbers from 0 to 1. */
static cutlab_status print_normalise(cutlab_context *context, FILE *file,
                                     const struct cutlab_training *training,
                                     const cutlab_collection *collection) {
  const int64_t channels = collection->channels;
  if (!training->normalise) {
    fputs("normalise(mean=0, std=1)", file);
    return CUTLAB_OK;
  }
  if (channels > most_channels)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "normalise is yes with %lld channels; accepted: no, or up to %d channels",
                       (long long)channels, most_channels);
  fputs("normalise(", file);
  print_numbers(file, "mean", collection->mean, channels);
  print_numbers(file, ", std", collection->deviation, channels);
  fputc(')', file);
  return CUTLAB_OK;
}

/* Whether images are made of tiles, the patches of the theory: cutting and mixing then takes whole
   ones, for a box would cut through the features. */
static bool has_tiles(const cutlab_collection *collection) {
  return collection->probes.feature_count > 0 && collection->tile > 0;
}

static void print_mix(FILE *file, const struct cutlab_training *training,
                      const cutlab_collection *collection) {
  char alpha[cutlab_number_size], p[cutlab_number_size];
  cutlab_number_text(alpha, training->alpha);
  cutlab_number_text(p, training->mix_probability);
  if (training->method == CUTLAB_TRAIN_CUTMIX && has_tiles(collection))
    fprintf(file, "patch_cutmix(side=%lld, p=%s) | ", (long long)collection->tile, p);
  else if (training->method == CUTLAB_TRAIN_CUTMIX || training->method == CUTLAB_TRAIN_MIXUP)
    fprintf(file, "%s(alpha=%s, p=%s) | ",
            training->method == CUTLAB_TRAIN_CUTMIX ? "cutmix" : "mixup", alpha, p);
}

/* cut_share of the tiles; but at least one and, as the theory asks, fewer than half. */
static void print_patch_cutout(FILE *file, const struct cutlab_training *training,
                               const cutlab_collection *collection) {
  int64_t side = collection->tile;
  int64_t tiles = (collection->height + side - 1) / side * (collection->width / side);
  int64_t cut = llround(training->cut_share * (double)tiles), most = (tiles - 1) / 2;
  if (cut > most) cut = most;
  fprintf(file, " | patch_cutout(side=%lld, cut=%lld)", (long long)side,
          (long long)(cut < 1 ? 1 : cut));
}

/* After normalisation, where its fill of 0 is the mean, as the authors do. */
static void print_cutout(FILE *file, const struct cutlab_training *training,
                         const cutlab_collection *collection) {
  int64_t side = collection->width;
  if (has_tiles(collection)) {
    print_patch_cutout(file, training, collection);
    return;
  }
  if (collection->height > 1 && collection->height < side) side = collection->height;
  int64_t cut = llround(training->cut_share * (double)side);
  fprintf(file, " | cutout(size=%lld)", (long long)(cut < 1 ? 1 : cut));
}

static cutlab_status print_policy(cutlab_context *context, FILE *file,
                                  const struct cutlab_training *training,
                                  const cutlab_collection *collection) {
  bool own = training->policy[strspn(training->policy, " \t\r\n")] != '\0', normalises = false;
  CUTLAB_TRY(own ? print_setting(context, file, "policy", training->policy, &normalises)
                 : print_setting(context, file, "augment", training->augment, &normalises));
  if (!own) print_mix(file, training, collection);
  if (!normalises) CUTLAB_TRY(print_normalise(context, file, training, collection));
  if (!own && training->method == CUTLAB_TRAIN_CUTOUT) print_cutout(file, training, collection);
  return CUTLAB_OK;
}

/* Reads the policy and writes it out in full, which also holds it to the rules on the order. */
static cutlab_status write_out(cutlab_context *context, char **text, char *policy_text) {
  cutlab_policy *policy;
  size_t length = strlen(policy_text);
  if (length > 2 && strcmp(policy_text + length - 3, " | ") == 0) policy_text[length - 3] = '\0';
  CUTLAB_TRY(cutlab_policy_create(context, &policy, policy_text));
  *text = strdup(cutlab_policy_text(policy));
  cutlab_policy_free(policy);
  if (*text) return CUTLAB_OK;
  cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: policy");
  return CUTLAB_ERROR_MEMORY;
}

cutlab_status cutlab_training_policy(cutlab_context *context, char **text,
                                     const struct cutlab_training *training,
                                     const cutlab_collection *collection) {
  char *joined = NULL;
  size_t size;
  *text = NULL;
  FILE *file = open_memstream(&joined, &size);
  if (!file) {
    cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: policy");
    return CUTLAB_ERROR_MEMORY;
  }
  cutlab_status status = print_policy(context, file, training, collection);
  if (fclose(file) != 0 && status == CUTLAB_OK)
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: policy");
  if (status == CUTLAB_OK) status = write_out(context, text, joined);
  free(joined);
  return status;
}

cutlab_status cutlab_training_evaluation_policy(cutlab_context *context, char **text,
                                                const struct cutlab_training *training,
                                                const cutlab_collection *collection) {
  char *whole;
  CUTLAB_TRY(cutlab_training_policy(context, &whole, training, collection));
  const char *start = strstr(whole, "normalise("), *end = start; /* there is one, written out */
  for (int depth = 0; *end; ++end) {
    depth += (*end == '(') - (*end == ')');
    if (*end == ')' && !depth) break;
  }
  *text = strndup(start, (size_t)(end - start) + 1);
  free(whole);
  return *text ? CUTLAB_OK : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: policy");
}
