/* Times augmentation and prints one JSON object a line:
     bench_augment [--seconds S] [--threads T] [--only TEXT] [--ring MIB] [--batch N]
   First the memory bandwidth of simple kernels, then methods x dtypes x shapes x layouts, each with
   one thread and with T; only items whose key holds TEXT, e.g. "cutmix uint8 32". Batches come from
   rings of MIB MiB in all, so that they are not in a cache. An item is drawing a plan, applying it
   and, where the policy mixes, one-hot labels mixed; the parts are timed apart as well.
     images_s, draw_ns, apply_ns, labels_ns   medians of rounds; nanoseconds an image
     bytes        that must be read and written an image: pasted pixels twice, erased ones once
     line_bytes   the same in whole cache lines of 64 bytes, counted from the plans
     traffic      lines read, and lines written twice: they are fetched before (write-allocate)
     ceiling_ns   of boxes in place: the same rows of boxes moved by memcpy or memset alone, in a
                  batch half a ring away, after every batch of ours
   In kernels, gb_s counts bytes read and written, traffic_gb_s also the lines fetched. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined __SSE2__
#include <emmintrin.h>
#endif

#include <cutlab/cutlab.h>

enum { max_rounds = 4096, line = 64, kernel_rounds = 7 };

typedef struct options {
  double seconds;
  int threads;
  const char *only;
  int64_t ring_bytes, batch;
} options;

/* What is measured. `steps` are plans applied one after the other, more than one for what a user
   without fusion would do. */
typedef struct method {
  const char *name;
  const char *steps[4];
  bool apart, floats_out, boxes;
} method;

#define NORMALISE "normalise(mean=(.485,.456,.406), std=(.229,.224,.225))"
#define CUTOUT_32 "cutout(size=16)"
#define CUTOUT_224 "cutout(size=112)"

static const method methods[] = {
    {"cutmix", {"cutmix"}, .boxes = true},
    {"cutmix timm(batch)", {"cutmix(sampler=timm(batch))"}, .boxes = true},
    {"cutmix torchvision", {"cutmix(sampler=torchvision)"}, .boxes = true},
    {"cutout", {CUTOUT_32}, .boxes = true},
    {"mixup", {"mixup(alpha=1)"}, .boxes = false},
    {"random_erasing", {"random_erasing(p=1, fill=0)"}, .boxes = true},
    {"flip", {"flip"}, .boxes = false},
    {"flip apart", {"flip"}, .apart = true},
    {"fused", {"flip | crop(pad=4) | " NORMALISE " | cutmix"}, .apart = true, .floats_out = true},
    {"separate", {"flip", "crop(pad=4)", NORMALISE, "cutmix"}, .apart = true, .floats_out = true},
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, int count) {
  qsort(values, (size_t)count, sizeof *values, ascending);
  return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void must(cutlab_context *context, cutlab_status status) {
  if (status == CUTLAB_OK) return;
  fprintf(stderr, "bench_augment: %s\n", cutlab_context_message(context));
  exit(1);
}

static void *memory(int64_t bytes) {
  void *got = aligned_alloc(4096, (size_t)(bytes + 4095) / 4096 * 4096);
  if (!got) {
    fprintf(stderr, "bench_augment: no memory for %lld bytes\n", (long long)bytes);
    exit(1);
  }
  return got;
}

/* ---- Bandwidth ---- */

typedef uint64_t __attribute__((vector_size(line))) words;

/* Keeps compilers from making a loop a call of memcpy or memset, which may stream. */
#define PLAIN __asm__ volatile("" ::: "memory")

static void copy_plain(words *a, const words *b, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    a[i] = b[i];
    PLAIN;
  }
}

static void copy_streaming(words *a, const words *b, int64_t count) {
#if defined __SSE2__
  __m128i *to = (__m128i *)a;
  const __m128i *from = (const __m128i *)b;
  for (int64_t i = 0; i < line / 16 * count; i += 4) {
    _mm_stream_si128(to + i, from[i]);
    _mm_stream_si128(to + i + 1, from[i + 1]);
    _mm_stream_si128(to + i + 2, from[i + 2]);
    _mm_stream_si128(to + i + 3, from[i + 3]);
  }
  _mm_sfence();
#else
  memcpy(a, b, (size_t)count * sizeof *a);
#endif
}

static void add(words *a, const words *b, int64_t count) {
  (void)b;
  for (int64_t i = 0; i < count; ++i) a[i] += 1;
}

static void add_other(words *a, const words *b, int64_t count) {
  for (int64_t i = 0; i < count; ++i) a[i] += b[i];
}

static void fill_plain(words *a, const words *b, int64_t count) {
  (void)b;
  for (int64_t i = 0; i < count; ++i) {
    a[i] = (words){0};
    PLAIN;
  }
}

/* moved, traffic: in units of the array that is written. */
static const struct {
  const char *name;
  void (*run)(words *a, const words *b, int64_t count);
  int moved, traffic;
} kernels[] = {{"copy, plain stores", copy_plain, 2, 3},
               {"copy, non-temporal stores", copy_streaming, 2, 2},
               {"a += 1", add, 2, 2},
               {"a += b", add_other, 3, 3},
               {"fill, plain stores", fill_plain, 1, 2}};

/* Half of `ring` is the array that is written. */
static void measure_bandwidth(void *ring, int64_t bytes, int threads) {
  int64_t count = bytes / 2 / line, part = count / threads;
  words *a = ring, *b = a + count;
  for (int k = 0; k < (int)(sizeof kernels / sizeof *kernels); ++k) {
    double best = 1e99;
    for (int round = 0; round < kernel_rounds; ++round) {
      double start = now();
#pragma omp parallel for num_threads(threads) schedule(static, 1)
      for (int t = 0; t < threads; ++t) kernels[k].run(a + t * part, b + t * part, part);
      double taken = now() - start;
      if (taken < best) best = taken;
    }
    double rate = (double)(threads * part * line) / best * 1e-9;
    printf("{\"kernel\": \"%s\", \"threads\": %d, \"gb_s\": %.3f, \"traffic_gb_s\": %.3f}\n",
           kernels[k].name, threads, rate * kernels[k].moved, rate * kernels[k].traffic);
    fflush(stdout);
  }
}

/* ---- Bytes ---- */

typedef struct bytes {
  double exact, lines, traffic;
} bytes;

/* Lines that the box of an entry lies in, in one image that starts at `start`. */
static int64_t box_lines(const cutlab_batch *batch, const cutlab_entry *entry, int64_t start) {
  bool nhwc = batch->layout == CUTLAB_NHWC;
  int64_t size = (int64_t)cutlab_dtype_size(batch->dtype) * (nhwc ? batch->channels : 1);
  int64_t row = batch->width * size, lines = 0, last = -1;
  if (!entry->pixels) return 0;
  for (int64_t c = 0; c < (nhwc ? 1 : batch->channels); ++c)
    for (int64_t y = entry->top; y < entry->bottom; ++y) {
      int64_t begin = start + (c * batch->height + y) * row + entry->left * size;
      int64_t first = begin / line, end = (begin + (entry->right - entry->left) * size - 1) / line;
      if (first <= last) first = last + 1;
      if (end >= first) lines += end - first + 1;
      last = end > last ? end : last;
    }
  return lines;
}

static bytes count_bytes(const cutlab_plan *plan, const cutlab_batch *output,
                         const cutlab_batch *input, const char *name) {
  int64_t pixels = output->height * output->width, count, own = 0, read = 0;
  int64_t pixel = output->channels * (int64_t)cutlab_dtype_size(output->dtype);
  bytes sum = {0};
  if (output->data != input->data) { /* all in, all out */
    double in =
        (double)(input->count * pixels * input->channels) * (double)cutlab_dtype_size(input->dtype);
    double out = (double)(output->count * pixels * pixel);
    return (bytes){in + out, in + out, in + 2 * out};
  }
  const cutlab_entry *entries = cutlab_plan_entries(plan, &count);
  bool whole = strcmp(name, "mixup") == 0 || strcmp(name, "flip") == 0;
  for (int64_t i = 0; i < count; ++i) {
    const cutlab_entry *e = &entries[i];
    if (e->partner_row == e->row) continue;
    int64_t moved = (whole ? pixels : e->pixels) * pixel, image = pixels * pixel;
    int64_t lines = whole ? image / line : box_lines(output, e, e->row * image);
    bool mixes = e->partner_row >= 0;
    sum.exact += (double)(moved * (whole ? 2 + mixes : 1 + mixes));
    own += lines;
    if (mixes) read += whole ? lines : box_lines(output, e, e->partner_row * image);
  }
  sum.traffic = (double)(line * (2 * own + read));
  sum.lines = whole ? sum.traffic : (double)(line * (own + read));
  return sum;
}

/* ---- Ceiling ---- */

/* Moves what an entry moves, and nothing else. */
static void move_box(const cutlab_batch *batch, const cutlab_entry *entry) {
  bool nhwc = batch->layout == CUTLAB_NHWC, mixes = entry->partner_row >= 0;
  int64_t size = (int64_t)cutlab_dtype_size(batch->dtype) * (nhwc ? batch->channels : 1);
  int64_t row = batch->width * size, planes = nhwc ? 1 : batch->channels;
  int64_t image = planes * batch->height * row, left = entry->left * size;
  size_t width = (size_t)((entry->right - entry->left) * size);
  char *own = (char *)batch->data + entry->row * image + left;
  const char *other =
      (const char *)batch->data + (mixes ? entry->partner_row : entry->row) * image + left;
  if (entry->partner_row == entry->row || !entry->pixels) return;
  for (int64_t c = 0; c < planes; ++c)
    for (int64_t y = entry->top; y < entry->bottom; ++y) {
      int64_t at = (c * batch->height + y) * row;
      if (mixes)
        memcpy(own + at, other + at, width);
      else
        memset(own + at, 0, width);
    }
}

/* Pixels that another row has replaced already are as good as any. */
static double move_boxes(const cutlab_plan *plan, const cutlab_batch *batch, int threads) {
  int64_t count;
  const cutlab_entry *entries = cutlab_plan_entries(plan, &count);
  double start = now();
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int t = 0; t < threads; ++t)
    for (int64_t i = count * t / threads; i < count * (t + 1) / threads; ++i)
      move_box(batch, &entries[i]);
  return now() - start;
}

/* ---- Items ---- */

/* A thing to measure, and its buffers. */
typedef struct item {
  const method *method;
  cutlab_context *context;
  cutlab_policy *policies[4];
  cutlab_plan *plan;
  int steps;
  bool mixes;
  cutlab_batch input, output; /* data is the start of their rings */
  void *temporary[2];         /* a batch each, between separate steps */
  int64_t ring, at, epoch;    /* batches in a ring, the next one, steps so far */
  int64_t classes, *ids;
  float *labels, *mixed;
} item;

typedef struct times {
  double draw, apply, labels, ceiling;
} times;

static int64_t batch_bytes(const cutlab_batch *batch) {
  return batch->count * batch->height * batch->width * batch->channels *
         (int64_t)cutlab_dtype_size(batch->dtype);
}

static void run_step(item *it, int s, const cutlab_batch *output, const cutlab_batch *input,
                     times *taken) {
  cutlab_draw draw = {.seed = 1,
                      .epoch = it->epoch,
                      .count = input->count,
                      .height = input->height,
                      .width = input->width};
  double start = now();
  must(it->context, cutlab_plan_draw(it->context, it->plan, it->policies[s], &draw));
  double drawn = now();
  must(it->context, cutlab_plan_apply(it->context, it->plan, output, input));
  taken->draw += drawn - start;
  taken->apply += now() - drawn;
}

/* One batch from the images in the ring to mixed images and labels. */
static void run_batch(item *it, times *taken, bytes *moved) {
  cutlab_batch input = it->input, output = it->output;
  input.data = (char *)input.data + it->at * batch_bytes(&input);
  output.data = (char *)output.data + it->at * batch_bytes(&output);
  for (int s = 0; s < it->steps; ++s) {
    cutlab_batch from = input, to = output;
    if (s > 0) from.data = it->temporary[(s - 1) % 2];
    if (s + 2 < it->steps) to = input, to.data = it->temporary[s % 2];
    if (s == 3) from = output; /* normalise was the pass before */
    run_step(it, s, &to, &from, taken);
    if (it->steps == 1) {
      bytes some = count_bytes(it->plan, &to, &from, it->method->name);
      moved->exact += some.exact;
      moved->lines += some.lines;
      moved->traffic += some.traffic;
    }
  }
  double start = now();
  if (it->mixes) {
    must(it->context,
         cutlab_labels_one_hot(it->context, it->labels, it->ids, input.count, it->classes, 0));
    must(it->context, cutlab_labels_mix(it->context, it->mixed, it->plan, it->labels, it->classes,
                                        CUTLAB_LABEL_LINEAR));
  }
  taken->labels += now() - start;
  if (it->method->boxes) {
    input.data = (char *)it->input.data + (it->at + it->ring / 2) % it->ring * batch_bytes(&input);
    taken->ceiling += move_boxes(it->plan, &input, cutlab_context_threads(it->context));
  }
  it->at = (it->at + 1) % it->ring;
  ++it->epoch;
}

/* Rounds of at least a twentieth of the time each; the first is warm-up. */
static void time_item(item *it, const char *key, double seconds) {
  static double rates[max_rounds], draws[max_rounds], applies[max_rounds], labels[max_rounds],
      ceilings[max_rounds];
  bytes moved = {0};
  int64_t batches = 0, count = it->input.count;
  int rounds = -1;
  for (double spent = 0; rounds < 3 || (spent < seconds && rounds < max_rounds); ++rounds) {
    times taken = {0};
    double total = 0, images = 0;
    for (; total < seconds / 20; ++batches, images += (double)count) {
      run_batch(it, &taken, &moved);
      total = taken.draw + taken.apply + taken.labels;
    }
    if (rounds < 0) continue;
    spent += total;
    rates[rounds] = images / total;
    draws[rounds] = 1e9 * taken.draw / images;
    applies[rounds] = 1e9 * taken.apply / images;
    labels[rounds] = 1e9 * taken.labels / images;
    ceilings[rounds] = 1e9 * taken.ceiling / images;
  }
  double all = (double)(batches * count);
  printf("{%s, \"threads\": %d, \"images_s\": %.1f, \"draw_ns\": %.2f, \"apply_ns\": %.2f, "
         "\"labels_ns\": %.2f, ",
         key, cutlab_context_threads(it->context), median(rates, rounds), median(draws, rounds),
         median(applies, rounds), median(labels, rounds));
  if (it->method->boxes) printf("\"ceiling_ns\": %.2f, ", median(ceilings, rounds));
  printf("\"bytes\": %.1f, \"line_bytes\": %.1f, \"traffic\": %.1f, \"rounds\": %d}\n",
         moved.exact / all, moved.lines / all, moved.traffic / all, rounds);
  fflush(stdout);
}

/* Values that need no care: whole numbers up to 255, or floats on [0, 1]. */
static void fill_ring(void *ring, int64_t size, cutlab_dtype dtype) {
  uint64_t state = 1;
  int64_t count = size / (int64_t)cutlab_dtype_size(dtype);
  uint8_t *whole = ring;
  float *floats = ring;
  for (int64_t i = 0; i < count; ++i) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    if (dtype == CUTLAB_UINT8)
      whole[i] = (uint8_t)(state >> 56);
    else
      floats[i] = (float)(state >> 40) * 0x1p-24F;
  }
}

static void open_item(item *it, const options *o, char *ring) {
  cutlab_batch *in = &it->input, *out = &it->output;
  it->output = it->input;
  if (it->method->floats_out) out->dtype = CUTLAB_FLOAT32;
  int64_t each = batch_bytes(in) + (it->method->apart ? batch_bytes(out) : 0);
  it->ring = o->ring_bytes / each + 1;
  in->data = out->data = ring;
  if (it->method->apart) out->data = ring + it->ring * batch_bytes(in);
  it->at = it->epoch = 0;
  it->mixes = false;
  for (it->steps = 0; it->steps < 4 && it->method->steps[it->steps]; ++it->steps) {
    const char *text = it->method->steps[it->steps];
    if (strcmp(text, CUTOUT_32) == 0 && in->height > 32) text = CUTOUT_224;
    must(it->context, cutlab_policy_create(it->context, &it->policies[it->steps], text));
    it->mixes |= cutlab_policy_mixes(it->policies[it->steps]);
  }
  must(it->context, cutlab_plan_create(it->context, &it->plan));
  it->classes = in->height == 32 ? 10 : 1000;
  it->ids = memory(in->count * (int64_t)sizeof *it->ids);
  it->labels = memory(in->count * it->classes * (int64_t)sizeof(float));
  it->mixed = memory(in->count * it->classes * (int64_t)sizeof(float));
  for (int64_t i = 0; i < in->count; ++i) it->ids[i] = i * 7 % it->classes;
  for (int i = 0; i < 2; ++i) it->temporary[i] = memory(batch_bytes(in));
}

static void close_item(item *it) {
  for (int s = 0; s < it->steps; ++s) cutlab_policy_free(it->policies[s]);
  cutlab_plan_free(it->plan);
  free(it->ids);
  free(it->labels);
  free(it->mixed);
  free(it->temporary[0]);
  free(it->temporary[1]);
}

static void run_item(cutlab_context *context, const options *o, char *ring, const method *m,
                     const cutlab_batch *batch) {
  char key[256], plain[256];
  const char *dtype = batch->dtype == CUTLAB_UINT8 ? "uint8" : "float32";
  const char *layout = batch->layout == CUTLAB_NHWC ? "NHWC" : "NCHW";
  snprintf(plain, sizeof plain, "%s %s %d %s", m->name, dtype, (int)batch->height, layout);
  if (!strstr(plain, o->only)) return;
  snprintf(key, sizeof key,
           "\"method\": \"%s\", \"dtype\": \"%s\", \"side\": %d, \"layout\": \"%s\"", m->name,
           dtype, (int)batch->height, layout);
  for (int both = 0; both < (o->threads > 1 ? 2 : 1); ++both) {
    item it = {.method = m, .context = context, .input = *batch};
    must(context, cutlab_context_set_threads(context, both ? o->threads : 1));
    open_item(&it, o, ring);
    time_item(&it, key, o->seconds);
    close_item(&it);
  }
}

static void run_all(cutlab_context *context, const options *o, char *ring, int64_t room) {
  const cutlab_dtype dtypes[] = {CUTLAB_UINT8, CUTLAB_FLOAT32};
  for (int d = 0; d < 2; ++d) {
    fill_ring(ring, room, dtypes[d]);
    for (int m = 0; m < (int)(sizeof methods / sizeof *methods); ++m)
      for (int side = 32; side <= 224; side += 192)
        for (int layout = 0; layout < 2; ++layout) {
          cutlab_batch batch = {.dtype = dtypes[d],
                                .layout = layout ? CUTLAB_NCHW : CUTLAB_NHWC,
                                .count = o->batch,
                                .height = side,
                                .width = side,
                                .channels = 3};
          run_item(context, o, ring, &methods[m], &batch);
        }
  }
}

int main(int argc, char **argv) {
  options o = {.seconds = 1, .threads = 2, .only = "", .ring_bytes = 1 << 30, .batch = 256};
  int i = 1;
  for (; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--seconds") == 0)
      o.seconds = atof(argv[i + 1]);
    else if (strcmp(argv[i], "--threads") == 0)
      o.threads = atoi(argv[i + 1]);
    else if (strcmp(argv[i], "--only") == 0)
      o.only = argv[i + 1];
    else if (strcmp(argv[i], "--ring") == 0)
      o.ring_bytes = (int64_t)(atof(argv[i + 1]) * (1 << 20));
    else if (strcmp(argv[i], "--batch") == 0)
      o.batch = atoll(argv[i + 1]);
    else
      return 2;
  }
  if (i < argc || o.batch < 1 || o.threads < 1) return 2;
  /* A ring is rounded up by at most a batch each of input and output. */
  int64_t room = o.ring_bytes + o.batch * 224 * 224 * 3 * 8;
  char *ring = memory(room);
  cutlab_context *context;
  if (cutlab_context_create(&context) != CUTLAB_OK) return 1;
  fill_ring(ring, room, CUTLAB_UINT8);
  for (int t = 1; t <= o.threads; t += o.threads > 1 ? o.threads - 1 : 1)
    measure_bandwidth(ring, o.ring_bytes, t);
  run_all(context, &o, ring, room);
  cutlab_context_free(context);
  free(ring);
  return 0;
}
