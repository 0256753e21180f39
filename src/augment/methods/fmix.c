/* FMix: the partner shows where a random smooth field is low. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "augment/region.h"
#include "base/streams.h"

enum { alpha_setting, decay_setting };

static const cutlab_setting_rule parameters[] = {
    CUTLAB_ALPHA_RULE("lambda ~ Beta(alpha, alpha) is the share of the own image and label."),
    {.shown = {"decay", "number", "0 to 100",
               "Amplitudes of the field fall as frequency to the power -decay."},
     .kind = CUTLAB_SETTING_NUMBER,
     .low = 0,
     .high = 100,
     .default_text = "3"}};

/* ---- Discrete Fourier transform of any length ---- */

/* An array of complex numbers. */
typedef struct complex_array {
  double *re, *im;
} complex_array;

static complex_array shifted(complex_array a, int64_t by) {
  return (complex_array){a.re + by, a.im + by};
}

static int64_t smallest_factor(int64_t n) {
  for (int64_t p = 2; p * p <= n; ++p)
    if (n % p == 0) return p;
  return n;
}

typedef struct fourier {
  int64_t length, width; /* transforms `width` columns at a time */
  complex_array roots;   /* [length] exp(2 pi i j / length) */
  complex_array scratch; /* [length][width] */
} fourier;

/* out[i] += root * in[i]. */
static void add_scaled(complex_array out, complex_array in, double re, double im, int64_t width) {
  double *restrict out_re = out.re, *restrict out_im = out.im;
  const double *restrict in_re = in.re, *restrict in_im = in.im;
  for (int64_t i = 0; i < width; ++i) {
    out_re[i] += re * in_re[i] - im * in_im[i];
    out_im[i] += re * in_im[i] + im * in_re[i];
  }
}

static void copy(complex_array out, complex_array in, int64_t count) {
  memcpy(out.re, in.re, (size_t)count * sizeof *out.re);
  memcpy(out.im, in.im, (size_t)count * sizeof *out.im);
}

/* Joins p transforms of length m, one after the other in `out`, to one of length n = p m:
   X[k + m q] = sum_r e(r (k + m q) / n) Y_r[k], where e(t) = exp(2 pi i t). */
static void combine(const fourier *f, complex_array out, int64_t p, int64_t m) {
  int64_t n = p * m, step = f->length / n;
  for (int64_t k = 0; k < m; ++k) {
    for (int64_t r = 0; r < p; ++r)
      copy(shifted(f->scratch, r * f->width), shifted(out, (r * m + k) * f->width), f->width);
    for (int64_t q = 0; q < p; ++q) {
      int64_t row = k + m * q, turn = 0;
      copy(shifted(out, row * f->width), f->scratch, f->width);
      for (int64_t r = 1; r < p; ++r) {
        turn += turn + row < n ? row : row - n;
        add_scaled(shifted(out, row * f->width), shifted(f->scratch, r * f->width),
                   f->roots.re[turn * step], f->roots.im[turn * step], f->width);
      }
    }
  }
}

/* out[k] = sum_j e(j k / n) in[j stride], rows of `width`: decimation in time by the smallest
   factor of n (Cooley and Tukey 1965), so that primes cost n^2 and powers of two n log n. */
static void transform(const fourier *f, complex_array out, complex_array in, int64_t n,
                      int64_t stride) {
  if (n <= 1) {
    copy(out, in, f->width);
    return;
  }
  int64_t p = smallest_factor(n), m = n / p;
  for (int64_t r = 0; r < p; ++r)
    transform(f, shifted(out, r * m * f->width), shifted(in, r * stride * f->width), m, stride * p);
  combine(f, out, p, m);
}

static void transform_columns(complex_array out, complex_array in, int64_t length, int64_t width,
                              complex_array roots, complex_array scratch) {
  fourier f = {length, width, roots, scratch};
  for (int64_t j = 0; j < length; ++j) {
    double angle = 2 * M_PI * (double)j / (double)length;
    roots.re[j] = cos(angle);
    roots.im[j] = sin(angle);
  }
  transform(&f, out, in, length, 1);
}

/* ---- The field ---- */

static void draw_noise(complex_array spectrum, int64_t count, uint64_t key) {
  cutlab_random random = cutlab_random_make(key, cutlab_stream_mask, 0, 0, 0);
  for (int64_t i = 0; i < count; ++i) {
    spectrum.re[i] = cutlab_random_normal(&random);
    spectrum.im[i] = cutlab_random_normal(&random);
  }
}

/* Amplitudes (f / f_0)^-decay of half of the spectrum, [height][width / 2 + 1], where f is the
   length of the frequency and at least f_0 = 1 / max(height, width). The field is the real part of
   a transform of the full spectrum of complex normals; a column and its mirror image add to a
   column with sqrt(2) times the amplitude, which leaves one half. */
static void scale_spectrum(complex_array spectrum, int64_t height, int64_t width, double decay) {
  double lowest = 1 / (double)(height > width ? height : width);
  int64_t columns = width / 2 + 1;
  for (int64_t y = 0; 2 * y <= height; ++y)
    for (int64_t x = 0; x < columns; ++x) {
      double fy = (double)y / (double)height, fx = (double)x / (double)width;
      double frequency = fmax(sqrt(fx * fx + fy * fy), lowest);
      double amplitude = pow(frequency / lowest, -decay);
      if (x > 0 && 2 * x < width) amplitude *= M_SQRT2;
      int64_t at = y * columns + x, mirror = (height - y) * columns + x;
      spectrum.re[at] *= amplitude;
      spectrum.im[at] *= amplitude;
      if (y == 0 || 2 * y == height) continue;
      spectrum.re[mirror] *= amplitude;
      spectrum.im[mirror] *= amplitude;
    }
}

/* Numbers in the order of the values of a field. */
static int32_t rank_of(double value) {
  float rounded = (float)value;
  int32_t bits;
  memcpy(&bits, &rounded, sizeof bits);
  return bits < 0 ? bits ^ INT32_MAX : bits;
}

/* ranks: [height][width], of the field with that key. */
static cutlab_status draw_field(cutlab_drawing *drawing, int32_t *ranks, double decay,
                                uint64_t key) {
  int64_t height = drawing->height, width = drawing->width, columns = width / 2 + 1;
  int64_t size = height * width, longest = height > width ? height : width;
  double *memory = cutlab_allocate(drawing->context, 6 * size + 2 * longest, sizeof *memory);
  if (!memory) return CUTLAB_ERROR_MEMORY;
  complex_array a = {memory, memory + size}, b = shifted(a, 2 * size), c = shifted(b, 2 * size);
  complex_array roots = {memory + 6 * size, memory + 6 * size + longest};
  draw_noise(a, height * columns, key);
  scale_spectrum(a, height, width, decay);
  transform_columns(b, a, height, columns, roots, c);
  memset(a.re, 0, (size_t)(2 * size) * sizeof *a.re);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < columns; ++x) {
      a.re[x * height + y] = b.re[y * columns + x];
      a.im[x * height + y] = b.im[y * columns + x];
    }
  transform_columns(b, a, width, height, roots, c);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) ranks[y * width + x] = rank_of(b.re[x * height + y]);
  free(memory);
  return CUTLAB_OK;
}

/* ---- The mask ---- */

static int64_t count_at_least(const int32_t *ranks, int64_t count, int32_t limit) {
  int32_t found = 0;
  for (int64_t i = 0; i < count; ++i) found += ranks[i] >= limit;
  return found;
}

/* The largest limit that at least `own` ranks reach, bit by bit. */
static int32_t find_limit(const int32_t *ranks, int64_t count, int64_t own) {
  int64_t limit = INT32_MIN;
  for (int64_t step = INT64_C(1) << 31; step; step >>= 1)
    if (count_at_least(ranks, count, (int32_t)(limit + step)) >= own) limit += step;
  return (int32_t)limit;
}

/* Runs of the partner's pixels: all but the `own` highest; of equals the first ones are own. */
static cutlab_status cut(cutlab_drawing *drawing, cutlab_entry *entry, const int32_t *ranks,
                         int64_t own) {
  int64_t count = (int64_t)drawing->height * drawing->width;
  int32_t limit = find_limit(ranks, count, own);
  int64_t above = limit == INT32_MAX ? 0 : count_at_least(ranks, count, limit + 1);
  int64_t equals = own - above;
  for (int64_t i = 0; i < count; ++i) {
    if (ranks[i] > limit || (ranks[i] == limit && equals-- > 0)) continue;
    CUTLAB_TRY(cutlab_drawing_add_run(drawing, entry, i, i + 1));
  }
  return CUTLAB_OK;
}

/* The smallest box that holds all runs. */
static void set_bounds(const cutlab_drawing *drawing, cutlab_entry *entry) {
  if (entry->run_count == 0) return;
  const cutlab_run_range *runs = &drawing->runs[entry->run];
  int32_t width = drawing->width, left = width, right = 0;
  for (int32_t i = 0; i < entry->run_count; ++i) {
    int64_t last = runs[i].end - 1;
    bool one_line = runs[i].begin / width == last / width;
    int32_t first_x = one_line ? (int32_t)(runs[i].begin % width) : 0;
    int32_t end_x = one_line ? (int32_t)(last % width) + 1 : width;
    left = first_x < left ? first_x : left;
    right = end_x > right ? end_x : right;
  }
  entry->top = (int32_t)(runs[0].begin / width);
  entry->bottom = (int32_t)((runs[entry->run_count - 1].end - 1) / width) + 1;
  entry->left = left;
  entry->right = right;
}

static cutlab_status draw(cutlab_drawing *drawing, const cutlab_step *step, cutlab_random *random,
                          cutlab_entry *entry) {
  double alpha = step->settings[alpha_setting].number;
  int64_t count = (int64_t)drawing->height * drawing->width;
  entry->lambda = cutlab_draw_share(random, alpha);
  int32_t *ranks = cutlab_allocate(drawing->context, count, sizeof *ranks);
  if (!ranks) return CUTLAB_ERROR_MEMORY;
  cutlab_status status =
      draw_field(drawing, ranks, step->settings[decay_setting].number, entry->key);
  if (status == CUTLAB_OK)
    status = cut(drawing, entry, ranks, llround(entry->lambda * (double)count));
  free(ranks);
  if (status == CUTLAB_OK) set_bounds(drawing, entry);
  return status;
}

const cutlab_method_ops cutlab_method_fmix = {
    .name = "fmix",
    .summary = "the partner shows where a smooth random field is low; labels by pixels counted",
    .source = "Harris et al. 2020, arXiv 2002.12047",
    .role = CUTLAB_ROLE_REGION,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .has_runs = true,
    .draw = draw,
    .pixel = cutlab_region_pixel,
    .needs_partner = cutlab_region_needs_partner,
    .line = cutlab_region_line};
