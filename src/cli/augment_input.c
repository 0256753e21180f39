/* Input of `cutlab augment`: files of one kind as one array, and what its axes are. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "augment_job.h"

static const int64_t most_bytes = INT64_C(16) << 30; /* of input or of output */

/* ---- Reading ---- */

static bool is_image_file(const cutlab_images *images) {
  return strcmp(images->format, "png") == 0 || strcmp(images->format, "jpeg") == 0;
}

/* "2 x 3 x 4" without the first axis. */
static void shape_text(char text[96], const cutlab_array *array) {
  size_t used = 0;
  text[0] = '\0';
  for (int axis = 1; axis < array->rank && used < 96; ++axis)
    used += (size_t)snprintf(text + used, 96 - used, "%s%lld", axis > 1 ? " x " : "",
                             (long long)array->shape[axis]);
}

/* Whether two files can be parts of one input. */
static int check_parts(const cutlab_images *all, const char *first, const cutlab_images *one,
                       const char *path) {
  const char *cifar = "cifar10, cifar100";
  bool images = is_image_file(all) && is_image_file(one);
  if (!images && (strcmp(all->format, one->format) != 0 || !strstr(cifar, all->format))) {
    cutlab_cli_print_error("%s (%s) and %s (%s) cannot be read together; accepted: PNG and JPEG "
                           "files, CIFAR binary files of one kind, or one other INPUT",
                           first, all->format, path, one->format);
    return cutlab_exit_failure;
  }
  if (memcmp(all->pixels.shape + 1, one->pixels.shape + 1, 3 * sizeof *one->pixels.shape) == 0)
    return 0;
  char here[96], there[96];
  shape_text(here, &all->pixels);
  shape_text(there, &one->pixels);
  cutlab_cli_print_error("%s is %s (height x width x channels), but %s is %s; accepted: one size",
                         first, here, path, there);
  return cutlab_exit_failure;
}

static void *grow(void *memory, int64_t count, size_t size) {
  return realloc(memory, (size_t)count * size + 1);
}

/* Moves the images of one file behind all others; `room` is for how many there is memory. */
static int append(cutlab_images *all, int64_t *room, cutlab_images *one, const char *path) {
  int64_t count = all->pixels.shape[0], more = one->pixels.shape[0], sum = count + more;
  size_t size = (size_t)(cutlab_array_count(&one->pixels) / more);
  if (sum > most_bytes / (int64_t)size) {
    cutlab_cli_print_error("%s: more than %lld bytes of images in all; accepted: at most that",
                           path, (long long)most_bytes);
    return cutlab_exit_failure;
  }
  if (sum > *room) {
    *room = sum > 2 * *room ? sum : 2 * *room;
    void *data = grow(all->pixels.data, *room, size);
    if (data) all->pixels.data = data;
    int64_t *labels = one->labels ? grow(all->labels, *room, sizeof *labels) : NULL;
    if (labels) all->labels = labels;
    char **names = one->names ? grow(all->names, *room, sizeof *names) : NULL;
    if (names) all->names = names;
    if (!data || (one->labels && !labels) || (one->names && !names)) {
      cutlab_cli_print_error("%s: out of memory", path);
      return cutlab_exit_failure;
    }
  }
  memcpy((char *)all->pixels.data + (size_t)count * size, one->pixels.data, (size_t)more * size);
  if (one->labels) memcpy(all->labels + count, one->labels, (size_t)more * sizeof *one->labels);
  for (int64_t i = 0; one->names && i < more; ++i) {
    all->names[count + i] = one->names[i];
    one->names[i] = NULL;
  }
  all->pixels.shape[0] = sum;
  return 0;
}

/* PNG and JPEG files give their output its name, and so does each of a list of them. */
static int name_image(cutlab_images *images, const char *path) {
  if (!is_image_file(images) || images->names) return 0;
  images->names = calloc(1, sizeof *images->names);
  if (images->names) images->names[0] = strdup(path);
  if (images->names && images->names[0]) return 0;
  cutlab_cli_print_error("%s: out of memory", path);
  return cutlab_exit_failure;
}

static int read_file(augment_job *job, cutlab_images *images, const char *path) {
  cutlab_status status = cutlab_images_read(job->cli->context, images, path, NULL);
  if (status != CUTLAB_OK) return cutlab_cli_fail(job->cli, status, "nothing was written");
  return name_image(images, path);
}

static int read_files(augment_job *job) {
  const augment_settings *s = &job->settings;
  cutlab_images *all = &job->images;
  int code = read_file(job, all, s->inputs[0]);
  int64_t room = code ? 0 : all->pixels.shape[0];
  for (int i = 1; i < s->input_count && !code; ++i) {
    cutlab_images one = {0};
    code = read_file(job, &one, s->inputs[i]);
    if (!code) code = check_parts(all, s->inputs[0], &one, s->inputs[i]);
    if (!code) code = append(all, &room, &one, s->inputs[i]);
    cutlab_images_clear(&one);
    if (!code && cutlab_progress_step("reading images", i, s->input_count))
      code = cutlab_cli_fail(job->cli, CUTLAB_CANCELLED, "nothing was written");
  }
  return code;
}

/* ---- Axes ---- */

static int64_t axis_length(const cutlab_array *pixels, int axis) {
  return axis < 0 ? 1 : pixels->shape[axis];
}

static int choose_axes(augment_job *job) {
  static const char *const by_rank[] = {NULL, NULL, "nl", "nhw", "nhwc"};
  const cutlab_array *pixels = &job->images.pixels;
  augment_settings *s = &job->settings;
  const char *path = s->inputs[0];
  bool npy = strcmp(job->images.format, "npy") == 0;
  if (!s->axes) {
    s->axes = augment_find_axes(by_rank[pixels->rank]);
    if (npy && cutlab_images_look_planar(pixels) && !job->cli->quiet)
      cutlab_cli_print_error("warning: %s is read as images of %lld x %lld with %lld channels; "
                             "--axes nchw reads it the other way",
                             path, (long long)pixels->shape[1], (long long)pixels->shape[2],
                             (long long)pixels->shape[3]);
  }
  if (s->axes->rank != pixels->rank)
    return cutlab_cli_usage("--axes is %s, but %s has %d axes; accepted: %s", s->axes->name, path,
                            pixels->rank,
                            pixels->rank == 4   ? "nhwc | nchw"
                            : pixels->rank == 3 ? "nhw | nlc | ncl"
                                                : "nl");
  if (!npy && strcmp(s->axes->name, by_rank[pixels->rank]) != 0)
    return cutlab_cli_usage("--axes is %s, but %s is %s; accepted: %s, or nothing", s->axes->name,
                            path, job->images.format, by_rank[pixels->rank]);
  job->input = (cutlab_batch){.data = pixels->data,
                              .dtype = pixels->dtype,
                              .layout = s->axes->layout,
                              .count = pixels->shape[0],
                              .height = axis_length(pixels, s->axes->height),
                              .width = axis_length(pixels, s->axes->width),
                              .channels = axis_length(pixels, s->axes->channels)};
  return 0;
}

/* ---- Output ---- */

static int choose_dtype(augment_job *job) {
  const char *asked = job->settings.dtype;
  cutlab_dtype input = job->input.dtype, output = input;
  bool normalises = cutlab_policy_normalises(job->policy);
  if (input == CUTLAB_UINT8 && normalises) output = CUTLAB_FLOAT32;
  if (asked && strcmp(asked, "float32") == 0) output = CUTLAB_FLOAT32;
  if (asked && strcmp(asked, "float16") == 0) output = CUTLAB_FLOAT16;
  if (asked && strcmp(asked, "uint8") == 0 && output != CUTLAB_UINT8)
    return cutlab_cli_usage("--dtype is uint8, but %s; accepted: float16 | float32",
                            input == CUTLAB_UINT8 ? "the policy normalises"
                                                  : "the input is floating point");
  job->output = job->input;
  job->output.data = NULL;
  job->output.dtype = output;
  return 0;
}

static int choose_format(augment_job *job) {
  const char *asked = job->settings.format;
  bool from_files = job->images.names != NULL;
  bool integers = job->output.dtype == CUTLAB_UINT8;
  job->png = asked ? strcmp(asked, "png") == 0 : from_files && integers;
  if (!job->png) return 0;
  if (!integers)
    return cutlab_cli_usage("--format is png, but the output is %s; accepted: npy",
                            cutlab_dtype_name(job->output.dtype));
  if (job->output.channels > 4)
    return cutlab_cli_usage("--format is png, but images have %lld channels; accepted: npy, or 1 "
                            "to 4 channels",
                            (long long)job->output.channels);
  return 0;
}

/* Input and output are held at once, and so are the output and the file made of it. */
static int allocate_output(augment_job *job) {
  int64_t count = cutlab_array_count(&job->images.pixels), most = most_bytes;
  int64_t element = (int64_t)cutlab_dtype_size(job->output.dtype);
  int64_t input = count * (int64_t)cutlab_dtype_size(job->input.dtype);
  long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page > 0 && ((int64_t)pages * page - input) / 2 < most)
    most = ((int64_t)pages * page - input) / 2;
  if (count > most / element) {
    cutlab_cli_print_error("the output has %lld values of %lld bytes; accepted on this machine: at "
                           "most %lld bytes in all; augment fewer images at a time",
                           (long long)count, (long long)element, (long long)most);
    return cutlab_exit_failure;
  }
  job->output.data = malloc((size_t)(count * element) + 1);
  if (job->output.data) return 0;
  cutlab_cli_print_error("out of memory: output of %lld bytes", (long long)(count * element));
  return cutlab_exit_failure;
}

int augment_read_input(augment_job *job) {
  const augment_settings *s = &job->settings;
  for (int i = 0; i < s->input_count; ++i)
    if (cutlab_folder_holds(&job->folder, s->inputs[i]))
      return cutlab_cli_usage("%s lies in the output folder, which is replaced; name another --out",
                              s->inputs[i]);
  int code = read_files(job);
  if (!code) code = choose_axes(job);
  if (!code) code = choose_dtype(job);
  if (!code) code = choose_format(job);
  return code ? code : allocate_output(job);
}
