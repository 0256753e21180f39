/* The part of kernels_body.h for a step of many filters (src/theory/dynamics_dense.c). */
/* <w_f, x_r> of the rows from l on. */
INLINE vector inner_at(const cutlab_dense_filters *q, int64_t f, int64_t l) {
  const double *state = q->state + f * q->width;
  vector sum = load(q->own + l) * load(state + l);
  for (int64_t t = 0; t < q->tail; ++t)
    sum += state[q->noise + t] * load(q->along + t * q->width + l);
  return sum;
}

static void dense_inner(const cutlab_dense_filters *q) {
  for (int64_t f = 0; f < q->count; ++f)
    for (int64_t l = 0; l < q->width; l += lanes)
      store(q->inner + f * q->width + l, inner_at(q, f, l));
}

INLINE vector leaky_slope(vector z, double sign, double leak) {
  return choose(z > 0, spread(sign), spread(sign * leak));
}

static void leaky_sums(double *sums, const double *z, int64_t ldz, int64_t filters, double leak,
                       int64_t count) {
  for (int64_t i = 0; i < count; i += lanes) {
    vector sum = {0};
    for (int64_t f = 0; f < filters; ++f) {
      vector value = load(z + f * ldz + i);
      sum += leaky_slope(value, f < filters / 2 ? 1 : -1, leak) * value;
    }
    store(sums + i, sum);
  }
}

/* Adds the filters of one sign, and sets their slopes. */
INLINE vector leaky_rows(vector sum, const cutlab_dense_filters *q, int64_t first, int64_t end,
                         double sign, double leak, int64_t l) {
  for (int64_t f = first; f < end; ++f) {
    vector value = inner_at(q, f, l), slope = leaky_slope(value, sign, leak);
    sum += slope * value;
    store(q->slopes + f * q->width + l, slope);
  }
  return sum;
}

static void dense_leaky(const cutlab_dense_filters *filters, double *sums, double leak) {
  const cutlab_dense_filters copy = *filters, *q = &copy; /* no store changes it */
  for (int64_t l = 0; l < q->width; l += lanes) {
    vector sum = leaky_rows((vector){0}, q, 0, q->count / 2, 1, leak, l);
    store(sums + l, leaky_rows(sum, q, q->count / 2, q->count, -1, leak, l));
  }
}

/* `vectors` vectors from l on of the moves of `count` filters; what they add to the square of the
   gradient's norm. */
INLINE vector dense_tile(const cutlab_dense_filters *q, int64_t f, int count, int64_t l,
                         int vectors, double rate) {
  vector sum[4][3] = {{{0}}}, square = {0};
  const double *pulls = q->pulls + f * q->width, *matrix = q->matrix + l;
  for (int64_t r = 0; r < q->rows; ++r)
    for (int g = 0; g < count; ++g)
      for (int v = 0; v < vectors; ++v)
        sum[g][v] += pulls[g * q->width + r] * load(matrix + r * q->width + v * lanes);
  for (int v = 0; v < vectors; ++v) {
    vector own = load(q->own + l + v * lanes), tail = 1 - own;
    for (int g = 0; g < count; ++g) {
      int64_t at = (f + g) * q->width + l + v * lanes;
      square += sum[g][v] * (own * load(q->pulls + at) + tail * sum[g][v]);
      store(q->next + at, load(q->state + at) - rate * sum[g][v]);
    }
  }
  return square;
}

INLINE vector dense_moves(const cutlab_dense_filters *q, int64_t f, int count, double rate) {
  enum { strip = 3 };
  vector square = {0};
  int64_t l = 0;
  for (; l + strip * lanes <= q->width; l += strip * lanes)
    square += dense_tile(q, f, count, l, strip, rate);
  for (; l < q->width; l += lanes) square += dense_tile(q, f, count, l, 1, rate);
  return square;
}

static double dense_descend(const cutlab_dense_filters *filters, const double *outputs,
                            double rate) {
  const cutlab_dense_filters copy = *filters, *q = &copy;
  int64_t all = q->count * q->width, f = 0;
  for (int64_t l = 0; l < q->width; l += lanes) {
    vector output = load(outputs + l);
    for (int64_t k = l; k < all; k += q->width) store(q->pulls + k, load(q->slopes + k) * output);
  }
  vector square = {0};
  for (; f + 4 <= q->count; f += 4) square += dense_moves(q, f, 4, rate);
  for (; f < q->count; f += 2) square += dense_moves(q, f, 2, rate);
  double sum = horizontal_sum(square);
  if (!isfinite(sum)) return sum;
  for (int64_t k = 0; k < all; k += lanes)
    store(q->coefficients + k, load(q->coefficients + k) - rate * load(q->pulls + k));
  return sum;
}
