/* Output of `cutlab augment`: images, labels, ledgers, contact sheet and augment.json. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "augment_job.h"

static int fail_memory(void) {
  cutlab_cli_print_error("out of memory for output");
  return cutlab_exit_failure;
}

static int fail(const augment_job *job, cutlab_status status) {
  return cutlab_cli_fail(job->cli, status, "nothing was written");
}

char *augment_new_file(augment_job *job, const char *name) {
  json_t *text = json_string(name);
  char *path = text ? cutlab_folder_path(&job->folder, name) : NULL;
  if (!text)
    cutlab_cli_print_error("the name %.200s is not UTF-8 text; accepted: UTF-8, or --format npy",
                           name);
  else if (!path)
    fail_memory();
  json_array_append_new(job->files, text);
  return path;
}

static int write_array(augment_job *job, const char *name, const cutlab_array *array) {
  char *path = augment_new_file(job, name);
  if (!path) return cutlab_exit_failure;
  cutlab_status status = cutlab_npy_write(job->cli->context, path, array);
  free(path);
  return status == CUTLAB_OK ? 0 : fail(job, status);
}

/* ---- PNG files ---- */

/* Name of a path without folder and extension; its length. */
static const char *base_name(const char *path, int *length) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  const char *dot = strrchr(name, '.');
  *length = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
  return name;
}

bool augment_names_differ(const augment_job *job) {
  json_t *seen = json_object();
  bool differ = seen && job->images.names;
  for (int64_t i = 0; differ && i < job->input.count; ++i) {
    int length;
    const char *name = base_name(job->images.names[i], &length);
    differ = !json_object_getn(seen, name, (size_t)length) &&
             json_object_setn_new_nocheck(seen, name, (size_t)length, json_true()) == 0;
  }
  json_decref(seen);
  return differ;
}

/* "NAME.png", "000012-NAME.png" where names are not unique, "000012.png" without names. */
char *augment_image_name(const augment_job *job, int64_t i, bool unique) {
  char *text = NULL, digits[32] = "";
  int length = 0;
  const char *name = job->images.names ? base_name(job->images.names[i], &length) : "";
  int width = snprintf(NULL, 0, "%lld", (long long)job->input.count - 1);
  if (!unique)
    snprintf(digits, sizeof digits, "%0*lld%s", width < 6 ? 6 : width, (long long)i,
             length ? "-" : "");
  return asprintf(&text, "%s%.*s.png", digits, length, name) < 0 ? NULL : text;
}

/* The image as [height][width][channels]; `room` is for one that must be turned. */
static const uint8_t *upright(const cutlab_batch *batch, int64_t i, uint8_t *room) {
  int64_t positions = batch->height * batch->width;
  const uint8_t *image = (const uint8_t *)batch->data + i * positions * batch->channels;
  if (batch->layout == CUTLAB_NHWC) return image;
  for (int64_t p = 0; p < positions; ++p)
    for (int64_t c = 0; c < batch->channels; ++c)
      room[p * batch->channels + c] = image[c * positions + p];
  return room;
}

/* Not flushed to disk, other than what the library writes: the folder is, as a whole. */
static int write_bytes(const char *path, const uint8_t *bytes, size_t size) {
  FILE *file = fopen(path, "wbe");
  bool written = file && fwrite(bytes, 1, size, file) == size;
  if (file && fclose(file) != 0) written = false;
  if (written) return 0;
  cutlab_cli_print_error("cannot write %s: %s", path, strerror(errno));
  return cutlab_exit_failure;
}

static int write_image(augment_job *job, int64_t i, bool unique, uint8_t *room) {
  const cutlab_batch *output = &job->output;
  char *name = augment_image_name(job, i, unique);
  char *path = name ? augment_new_file(job, name) : NULL;
  int code = name ? 0 : fail_memory();
  if (!code && !path) code = cutlab_exit_failure;
  uint8_t *bytes = NULL;
  size_t size;
  if (!code) {
    cutlab_status status =
        cutlab_png_encode(job->cli->context, &bytes, &size, upright(output, i, room),
                          output->height, output->width, output->channels);
    code = status == CUTLAB_OK ? write_bytes(path, bytes, size) : fail(job, status);
  }
  cutlab_free(bytes);
  free(path);
  free(name);
  return code;
}

static int write_images(augment_job *job) {
  const cutlab_batch *output = &job->output;
  uint8_t *room = malloc((size_t)(output->height * output->width * output->channels) + 1);
  bool unique = augment_names_differ(job);
  int code = room ? 0 : fail_memory();
  for (int64_t i = 0; i < output->count && !code; ++i) {
    code = write_image(job, i, unique, room);
    if (!code && cutlab_progress_step("writing images", i + 1, output->count))
      code = fail(job, CUTLAB_CANCELLED);
  }
  free(room);
  return code;
}

/* ---- The other files ---- */

static int write_ledger(augment_job *job, const char *name) {
  char *path = augment_new_file(job, name);
  if (!path) return cutlab_exit_failure;
  cutlab_status status = cutlab_ledger_write(job->cli->context, path, job->plans, job->plan_count);
  free(path);
  return status == CUTLAB_OK ? 0 : fail(job, status);
}

static int write_record(augment_job *job) {
  json_t *json = augment_describe_job(job);
  char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL, *line = NULL;
  char *path = cutlab_folder_path(&job->folder, augment_record);
  int length = text ? asprintf(&line, "%s\n", text) : -1;
  int code =
      length > 0 && path ? write_bytes(path, (const uint8_t *)line, (size_t)length) : fail_memory();
  if (length > 0) free(line);
  free(path);
  free(text);
  json_decref(json);
  return code;
}

static int write_labels(augment_job *job) {
  const cutlab_array labels = {.dtype = CUTLAB_FLOAT32,
                               .rank = 2,
                               .shape = {job->input.count, job->classes},
                               .data = job->labels};
  return job->labels ? write_array(job, "labels.npy", &labels) : 0;
}

/* The record is last. */
int augment_write(augment_job *job) {
  int code = augment_write_sheet(job);
  if (!code) code = write_ledger(job, "ledger.jsonl");
  if (!code) code = write_ledger(job, "ledger.npy");
  if (!code) code = write_labels(job);
  if (!code && job->png) code = write_images(job);
  if (!code && !job->png) {
    cutlab_array images = job->images.pixels;
    images.dtype = job->output.dtype;
    images.data = job->output.data;
    code = write_array(job, "images.npy", &images);
  }
  if (!code) code = write_record(job);
  if (!code) cutlab_folder_flush(&job->folder);
  return code;
}
