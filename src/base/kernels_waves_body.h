/* The part of kernels_body.h for sums over subsets by waves (src/theory/objective_waves*.c). */
enum { wave_step = 2 * cutlab_wave_lanes }; /* from one patch's waves to the next one's */

static void wave_overlap(double *overlap, const double *z, const double *wave, int64_t patches) {
  for (int at = 0; at < cutlab_wave_lanes; at += lanes) {
    vector real = {0}, imaginary = {0};
    for (int64_t p = 0; p < patches; ++p) {
      vector re = load(wave + p * wave_step + at);
      vector im = load(wave + p * wave_step + cutlab_wave_lanes + at);
      real += z[2 * p] * re + z[2 * p + 1] * im;
      imaginary += z[2 * p + 1] * re - z[2 * p] * im;
    }
    store(overlap + at, real);
    store(overlap + cutlab_wave_lanes + at, imaginary);
  }
}

/* A complex number in each lane. */
typedef struct complex_vector {
  vector re, im;
} complex_vector;

INLINE complex_vector complex_product(complex_vector a, complex_vector b) {
  return (complex_vector){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

INLINE complex_vector load_complex(const double *p) {
  return (complex_vector){load(p), load(p + cutlab_wave_lanes)};
}

INLINE void store_complex(double *p, complex_vector z) {
  store(p, z.re);
  store(p + cutlab_wave_lanes, z.im);
}

/* t z + (1 - t) w. */
INLINE complex_vector mix(const double *z, complex_vector w, double t) {
  return (complex_vector){w.re + t * (z[0] - w.re), w.im + t * (z[1] - w.im)};
}

/* Sums over the nodes of the derivative of each product, and of the same times t. */
typedef struct mix_sums {
  complex_vector whole[cutlab_wave_patches], part[cutlab_wave_patches];
} mix_sums;

/* Two nodes: the product of all factors, then, from products before and after each factor, its
   derivative. Returns the real part of the weighted products. */
INLINE vector mix_nodes(mix_sums *sums, bool want, const double *z, const double *wave,
                        int64_t patches, const double *nodes, const double *weights) {
  complex_vector before[2][cutlab_wave_patches], product[2], after[2];
  for (int s = 0; s < 2; ++s) {
    product[s] = (complex_vector){spread(1), spread(0)};
    after[s] = (complex_vector){spread(weights[s]), spread(0)};
  }
  for (int64_t p = 0; p < patches; ++p) {
    complex_vector w = load_complex(wave + p * wave_step);
    for (int s = 0; s < 2; ++s) {
      before[s][p] = product[s];
      product[s] = complex_product(product[s], mix(z + 2 * p, w, nodes[s]));
    }
  }
  for (int64_t p = want ? patches - 1 : -1; p >= 0; --p) {
    complex_vector w = load_complex(wave + p * wave_step), whole = sums->whole[p];
    complex_vector part = sums->part[p];
    for (int s = 0; s < 2; ++s) {
      complex_vector slope = complex_product(before[s][p], after[s]);
      whole.re += slope.re, whole.im += slope.im;
      part.re += nodes[s] * slope.re, part.im += nodes[s] * slope.im;
      after[s] = complex_product(after[s], mix(z + 2 * p, w, nodes[s]));
    }
    sums->whole[p] = whole;
    sums->part[p] = part;
  }
  return weights[0] * product[0].re + weights[1] * product[1].re;
}

static void mix_waves(double *value, double *own, double *partner, const double *share,
                      const double *z, const double *wave, int64_t patches, const double *nodes,
                      const double *weights, int64_t count) {
  mix_sums sums;
  for (int at = 0; at < cutlab_wave_lanes; at += lanes) {
    vector total = {0}, shares = load(share + at);
    size_t used = own ? (size_t)patches * sizeof *sums.whole : 0;
    memset(sums.whole, 0, used);
    memset(sums.part, 0, used);
    for (int64_t q = 0; q < count; q += 2)
      total += mix_nodes(&sums, own != NULL, z, wave + at, patches, nodes + q, weights + q);
    store(value + at, load(value + at) + shares * total);
    for (int64_t p = 0; own && p < patches; ++p) {
      complex_vector w = load_complex(wave + p * wave_step + at);
      complex_vector part = sums.part[p];
      complex_vector rest = {sums.whole[p].re - part.re, sums.whole[p].im - part.im};
      double *mine = own + p * cutlab_wave_lanes + at, *other = partner + (mine - own);
      store(mine, load(mine) + shares * (z[2 * p] * part.im + z[2 * p + 1] * part.re));
      store(other, load(other) + shares * (w.re * rest.im + w.im * rest.re));
    }
  }
}

/* Row p of the table holds the means M_{p,k} over the subsets of size k of the first p patches, for
   those k that can still lead to `size`. */
INLINE complex_vector subset_means(double *table, const double *wave, int64_t patches,
                                   int64_t size) {
  int64_t row = (size + 1) * wave_step;
  complex_vector one = {spread(1), spread(0)};
  store_complex(table, one);
  for (int64_t p = 1; p <= patches; ++p) {
    complex_vector z = load_complex(wave + (p - 1) * wave_step);
    const double *before = table + (p - 1) * row;
    int64_t least = size - (patches - p), most = p < size ? p : size;
    for (int64_t k = least > 0 ? least : 0; k <= most; ++k) {
      complex_vector mean = one;
      if (k) {
        double taken = (double)k / (double)p;
        complex_vector with = complex_product(z, load_complex(before + (k - 1) * wave_step));
        mean = (complex_vector){taken * with.re, taken * with.im};
        if (k < p) {
          complex_vector without = load_complex(before + k * wave_step);
          mean.re += (1 - taken) * without.re, mean.im += (1 - taken) * without.im;
        }
      }
      store_complex(table + p * row + k * wave_step, mean);
    }
  }
  return load_complex(table + patches * row + size * wave_step);
}

/* The same backwards: adjoint[k] is the derivative of E in M_{p,k}. Gives dE/dwave_p and goes on to
   p - 1. */
INLINE complex_vector subset_slope(complex_vector *adjoint, const double *before, complex_vector z,
                                   int64_t p, int64_t patches, int64_t size) {
  int64_t least = size - (patches - p), most = p < size ? p : size;
  complex_vector slope = {spread(0), spread(0)};
  for (int64_t k = least > 1 ? least : 1; k <= most; ++k) {
    complex_vector part = complex_product(adjoint[k], load_complex(before + (k - 1) * wave_step));
    double taken = (double)k / (double)p;
    slope.re += taken * part.re, slope.im += taken * part.im;
  }
  for (int64_t k = least > 1 ? least - 1 : 0; k <= most; ++k) {
    double taken = (double)k / (double)p, next = (double)(k + 1) / (double)p;
    complex_vector with = k < most ? complex_product(z, adjoint[k + 1]) : slope;
    if (k == most) next = 0;
    adjoint[k].re = (1 - taken) * adjoint[k].re + next * with.re;
    adjoint[k].im = (1 - taken) * adjoint[k].im + next * with.im;
  }
  return slope;
}

static void subset_waves(double *value, double *slopes, double *table, const double *wave,
                         const double *all, int64_t patches, int64_t size) {
  for (int at = 0; at < cutlab_wave_lanes; at += lanes) {
    complex_vector adjoint[cutlab_wave_patches / 2 + 1], whole = {spread(1), spread(0)};
    complex_vector mean = subset_means(table + at, wave + at, patches, size);
    if (all) whole = load_complex(all + at);
    store(value + at, all ? whole.re * mean.re + whole.im * mean.im : mean.re);
    if (!slopes) continue;
    memset(adjoint, 0, sizeof adjoint);
    adjoint[size].re = spread(1);
    for (int64_t p = patches; p > 0; --p) {
      complex_vector z = load_complex(wave + (p - 1) * wave_step + at);
      const double *before = table + (p - 1) * (size + 1) * wave_step + at;
      complex_vector slope = subset_slope(adjoint, before, z, p, patches, size);
      complex_vector v = complex_product(z, slope);
      complex_vector rest = {mean.re - v.re, mean.im - v.im};
      vector turned = whole.im * rest.re - whole.re * rest.im;
      store(slopes + (p - 1) * cutlab_wave_lanes + at, all ? turned : v.im);
    }
  }
}
