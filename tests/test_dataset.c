/* Data sets: the law of the feature-noise world, its layout, files, refusals. */
#include <math.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/streams.h"
#include "configure.h"
#include "data/dataset_internal.h"

static const char *const other_law =
    "frequencies=[.4, .3, .2, .1]; rarities=[common, common, rare, rare]; balance=.3; "
    "label_flips=.2; position_bias=.6; sampling=stratified; features=opposite; noise=full; "
    "signal=2; sigma_d=.6; sigma_b=.3; alpha=.1; patches=4; dimension=60; examples=30";
static const char *const structure_only = "dimension=6; form=held";

static double chi_square(const int64_t *counts, const double *expected, int cells) {
  double sum = 0;
  for (int c = 0; c < cells; ++c) {
    double gap = (double)counts[c] - expected[c];
    sum += gap * gap / expected[c];
  }
  return sum;
}

/* Mean plus 4.5 standard deviations of a chi-square. */
static double chi_square_bound(int freedom) {
  return freedom + 4.5 * sqrt(2.0 * freedom);
}

static void check_shares(const cutlab_dataset *s, const struct cutlab_experiment *x) {
  int64_t positives = 0;
  for (int class = 0; class < 2; ++class) {
    int64_t counts[8] = {0}, size = 0;
    for (int64_t i = 0; i < s->examples; ++i)
      if (s->labels[i] == (class ? -1 : 1)) ++counts[s->feature_indices[i]], ++size;
    if (!class) positives = size;
    for (int k = 0; k < x->feature_count; ++k) {
      double exact = x->frequencies[k] * (double)size;
      assert_true(fabs((double)counts[k] - exact) < 1);
      for (int j = 0; j < x->feature_count; ++j) { /* up for the larger remainder */
        double other = x->frequencies[j] * (double)size;
        bool up = (double)counts[k] > exact + 1e-6, down = (double)counts[j] < other - 1e-6;
        if (up && down) assert_true(exact - floor(exact) > other - floor(other) - 1e-6);
      }
    }
  }
  assert_true(fabs((double)positives - x->balance * (double)s->examples) <= .5);
  assert_int_equal(positives, cutlab_dataset_positives(s));
}

static void test_stratified_counts(void **state) {
  static const char *const cases[] = {
      "examples=300",
      "examples=301",
      "examples=7",
      "examples=1",
      "examples=97; balance=0.3",
      "examples=40; balance=0",
      "examples=40; balance=1",
      "examples=33; frequencies=[1]",
      "examples=101; frequencies=[.3, .3, .2, .1, .1]; dimension=10",
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    cutlab_experiment *x = configure(*state, "quick", structure_only);
    configure_change(*state, x, "sampling=stratified");
    configure_change(*state, x, cases[c]);
    cutlab_dataset *s;
    assert_int_equal(cutlab_dataset_draw(*state, &s, x), CUTLAB_OK);
    check_shares(s, x);
    cutlab_dataset_free(s);
    cutlab_experiment_free(x);
  }
  /* 150 a class: 120, 22.5, 7.5; the tie goes to the first. */
  cutlab_dataset *s = configure_dataset(*state, "paper", "sampling=stratified; dimension=6");
  int64_t counts[3] = {0};
  for (int i = 0; i < 300; ++i) ++counts[s->feature_indices[i]];
  assert_true(counts[0] == 240 && counts[1] == 46 && counts[2] == 14);
  cutlab_dataset_free(s);
}

/* The order in which the classes come is shuffled. */
static void test_stratified_order(void **state) {
  enum { n = 2000 };
  cutlab_dataset *s = configure_dataset(
      *state, "quick", "dimension=6; form=held; examples=2000; sampling=stratified");
  double first_half = 0;
  for (int i = 0; i < n / 2; ++i) first_half += s->labels[i] > 0;
  /* hypergeometric: variance n/16 */
  assert_true(fabs(first_half - n / 4.0) < 4.5 * sqrt(n / 16.0));
  cutlab_dataset_free(s);
}

static void test_independent_draws(void **state) {
  enum { n = 20000, k = 3 };
  cutlab_dataset *s =
      configure_dataset(*state, "quick", "dimension=6; form=held; examples=20000; balance=.3");
  static const double rho[k] = {.8, .15, .05};
  int64_t counts[2 * k] = {0};
  double expected[2 * k];
  for (int i = 0; i < n; ++i) ++counts[(s->labels[i] < 0) * k + s->feature_indices[i]];
  for (int c = 0; c < 2 * k; ++c) expected[c] = n * (c < k ? .3 : .7) * rho[c % k];
  assert_true(chi_square(counts, expected, 2 * k) < chi_square_bound(2 * k - 1));
  cutlab_dataset_free(s);
  for (int balance = 0; balance < 2; ++balance) {
    s = configure_dataset(*state, "quick",
                          balance ? "examples=500; balance=1" : "examples=500; balance=0");
    assert_int_equal(cutlab_dataset_positives(s), balance ? 500 : 0);
    cutlab_dataset_free(s);
  }
}

static void test_positions(void **state) {
  enum { n = 20000, patches = 4, cells = 2 * patches * patches };
  cutlab_dataset *s =
      configure_dataset(*state, "quick", "dimension=6; form=held; examples=20000; patches=4");
  int64_t counts[cells] = {0}, used[cells];
  double expected[cells];
  for (int i = 0; i < n; ++i) {
    int f = s->feature_positions[i], d = s->dominant_positions[i];
    assert_true(f != d && f >= 0 && f < patches && d >= 0 && d < patches);
    assert_true(s->dominant_signs[i] == 1 || s->dominant_signs[i] == -1);
    ++counts[((s->dominant_signs[i] > 0) * patches + f) * patches + d];
  }
  int count = 0;
  for (int c = 0; c < cells; ++c)
    if (c / patches % patches != c % patches) used[count++] = counts[c];
  for (int c = 0; c < count; ++c) expected[c] = (double)n / count;
  assert_int_equal(count, 2 * patches * (patches - 1));
  assert_true(chi_square(used, expected, count) < chi_square_bound(count - 1));
  cutlab_dataset_free(s);
}

typedef struct moments {
  double count, squares;
} moments;

static void assert_unit_variance(const moments *m) {
  assert_true(m->count > 1000);
  assert_true(fabs(m->squares / m->count - 1) < 4.5 * sqrt(2 / m->count));
}

/* Features are unit vectors, noise has no part along any of them, and its numbers are those of
   the published streams. */
static void test_held_layout(void **state) {
  enum { n = 40, patches = 3, d = 300, features = 6 };
  cutlab_dataset *s =
      configure_dataset(*state, "quick", "examples=40; dimension=300; form=held; alpha=.2; seed=5");
  assert_int_equal(cutlab_dataset_form(s), CUTLAB_FORM_HELD);
  moments dominant = {0}, background = {0};
  int64_t row = 0;
  for (int i = 0; i < n; ++i)
    for (int p = 0; p < patches; ++p) {
      const double *x = s->patch_data + (i * patches + p) * d;
      bool feature = p == s->feature_positions[i], loud = p == s->dominant_positions[i];
      int first = s->labels[i] > 0 ? 0 : 3, noise = s->dominant_signs[i] > 0 ? 0 : 3;
      for (int c = 0; c < features; ++c) {
        double want = feature ? c == first + s->feature_indices[i] : loud ? .2 * (c == noise) : 0;
        assert_true(x[c] == want);
      }
      assert_int_equal(s->noise_row[i * patches + p], feature ? -1 : row);
      moments *m = loud ? &dominant : &background;
      double sigma = loud ? .25 : .15;
      cutlab_random random = cutlab_random_make(5, cutlab_stream_noise, (uint64_t)row, 0, 0);
      for (int c = features; c < d; ++c) {
        double want = feature ? 0 : sigma * cutlab_random_normal(&random);
        assert_true(x[c] == want);
        if (!feature) m->squares += x[c] * x[c] / (sigma * sigma), ++m->count;
      }
      row += !feature;
    }
  assert_int_equal(row, s->noise_rows);
  assert_unit_variance(&dominant);
  assert_unit_variance(&background);
  cutlab_dataset_free(s);
}

static void assert_equal_datasets(const cutlab_dataset *a, const cutlab_dataset *b) {
  assert_true(a->form == b->form && a->examples == b->examples && a->patches == b->patches);
  assert_true(a->dimension == b->dimension && a->feature_count == b->feature_count);
  assert_true(a->positives == b->positives && a->noise_rows == b->noise_rows);
  assert_true(a->alpha == b->alpha && a->sigma_d == b->sigma_d && a->sigma_b == b->sigma_b);
  size_t n = (size_t)a->examples, p = (size_t)a->patches, m = (size_t)a->noise_rows + 2;
  assert_memory_equal(a->labels, b->labels, n);
  assert_memory_equal(a->noise_row, b->noise_row, n * p * sizeof(int64_t));
  assert_true(!a->patch_data == !b->patch_data && !a->gram == !b->gram);
  if (a->patch_data)
    assert_memory_equal(a->patch_data, b->patch_data, n * p * (size_t)a->dimension * 8);
  if (a->gram) assert_memory_equal(a->gram, b->gram, m * m * 8);
  assert_true(!a->feature_indices == !b->feature_indices);
  if (!a->feature_indices) return;
  assert_memory_equal(a->feature_indices, b->feature_indices, n * 4);
  assert_memory_equal(a->feature_positions, b->feature_positions, n * 4);
  assert_memory_equal(a->dominant_positions, b->dominant_positions, n * 4);
  assert_memory_equal(a->dominant_signs, b->dominant_signs, n);
  assert_true(a->has_law == b->has_law && a->sampling == b->sampling);
  assert_true(a->balance == b->balance && a->label_flips == b->label_flips &&
              a->position_bias == b->position_bias);
  assert_memory_equal(a->frequencies, b->frequencies, (size_t)a->feature_count * 8);
  assert_memory_equal(a->rarities, b->rarities, (size_t)a->feature_count);
}

static void test_function_of_the_experiment(void **state) {
  static const char *const forms[] = {"form=held", "form=wishart"};
  for (int f = 0; f < 2; ++f) {
    cutlab_dataset *one = configure_dataset(*state, "quick", forms[f]);
    for (int threads = 2; threads <= 3; ++threads) {
      cutlab_context_set_threads(*state, threads);
      cutlab_dataset *many = configure_dataset(*state, "quick", forms[f]);
      assert_equal_datasets(one, many);
      cutlab_dataset_free(many);
    }
    cutlab_context_set_threads(*state, 1);
    cutlab_experiment *x = configure(*state, "quick", forms[f]);
    configure_change(*state, x, "method=erm; iterations=7; learning_rate=.3; sigma_0=1; beta=0");
    cutlab_dataset *other;
    assert_int_equal(cutlab_dataset_draw(*state, &other, x), CUTLAB_OK);
    assert_equal_datasets(one, other);
    cutlab_dataset_free(other);
    configure_change(*state, x, "seed=2");
    assert_int_equal(cutlab_dataset_draw(*state, &other, x), CUTLAB_OK);
    assert_true(memcmp(one->labels, other->labels, (size_t)one->examples) != 0);
    double *a = f ? one->gram : one->patch_data, *b = f ? other->gram : other->patch_data;
    assert_true(a[f ? 1 : 600] != b[f ? 1 : 600]);
    cutlab_dataset_free(other);
    cutlab_experiment_free(x);
    cutlab_dataset_free(one);
  }
}

static void test_forms(void **state) {
  /* 2K + examples (patches - 1) + 2 = 88 is the least dimension of a Wishart draw. */
  static const struct {
    const char *settings;
    cutlab_form form;
  } cases[] = {
      {"dimension=88", CUTLAB_FORM_WISHART},
      {"dimension=87", CUTLAB_FORM_HELD},
      {"dimension=500; form=held", CUTLAB_FORM_HELD},
      {"dimension=500; form=gram", CUTLAB_FORM_HELD},
      {"dimension=1000000000000", CUTLAB_FORM_WISHART},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    cutlab_dataset *s = configure_dataset(*state, "quick", cases[c].settings);
    assert_int_equal(cutlab_dataset_form(s), cases[c].form);
    cutlab_dataset_free(s);
  }
}

static void refuse(cutlab_context *context, const char *settings, cutlab_status status,
                   const char *message) {
  cutlab_experiment *x = configure(context, "quick", settings);
  cutlab_dataset *s = (cutlab_dataset *)context;
  assert_int_equal(cutlab_dataset_draw(context, &s, x), status);
  assert_null(s);
  assert_message(context, message);
  cutlab_experiment_free(x);
}

static void test_refusals(void **state) {
  refuse(*state, "dimension=87; form=wishart", CUTLAB_ERROR_ARGUMENT, "dimension >= 88, not 87");
  refuse(*state, "frequencies=[.5, .4]", CUTLAB_ERROR_ARGUMENT, "frequencies sum to 0.9");
  /* 1e5 3 1e9 8 bytes */
  refuse(*state, "examples=100000; dimension=1000000000; form=held", CUTLAB_ERROR_MEMORY,
         "needs 2235174.2 GiB");
  refuse(*state, "examples=1000000; dimension=1000000000", CUTLAB_ERROR_MEMORY, "GiB");
}

/* Labels, positions and the numbers of noise rows of 3e6 examples would take 120 MB. */
static void test_refusals_draw_nothing(void **state) {
  static const char *const settings[] = {
      "examples=3000000; dimension=1000000; form=held", "examples=3000000; dimension=1000000000",
      "examples=3000000; dimension=1000000000; noise=full; form=wishart"};
  for (size_t k = 0; k < sizeof settings / sizeof *settings; ++k) {
    long before = peak_kilobytes();
    refuse(*state, settings[k], CUTLAB_ERROR_MEMORY, "GiB");
    assert_true(peak_kilobytes() - before < 30000);
  }
}

typedef struct entry_sums {
  double first, second, fourth;
} entry_sums;

static void assert_mean(double sum, double square_sum, double draws, double want) {
  double mean = sum / draws, error = sqrt((square_sum / draws - mean * mean) / draws);
  if (!(fabs(mean - want) <= 4.5 * error))
    fail_msg("mean %g, standard error %g, want %g", mean, error, want);
}

/* Entries over sigma_r sigma_s: mean D and variance 2D on the diagonal, 0 and D off it;
   E G_12 G_23 G_31 = D ties the entries together. */
static void check_wishart_law(cutlab_context *context, const char *dimension, double freedom) {
  enum { m = 6, draws = 4000 };
  entry_sums sums[m][m] = {{{0}}};
  double loop = 0, loop_square = 0;
  cutlab_experiment *x = configure(context, "quick", "examples=2; frequencies=[1]; form=wishart");
  configure_change(context, x, dimension);
  for (int t = 0; t < draws; ++t) {
    cutlab_dataset *s;
    x->seed = (uint64_t)t;
    assert_int_equal(cutlab_dataset_draw(context, &s, x), CUTLAB_OK);
    assert_int_equal(s->noise_rows, m - 2);
    double sigma[m] = {0, 0, 0, 0, 1, 1}, g[m][m];
    for (int ip = 0; ip < 6; ++ip)
      if (s->noise_row[ip] >= 0)
        sigma[s->noise_row[ip]] = ip % 3 == s->dominant_positions[ip / 3] ? .25 : .15;
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < m; ++j) {
        assert_true(s->gram[i * m + j] == s->gram[j * m + i]);
        g[i][j] = s->gram[i * m + j] / (sigma[i] * sigma[j]) - (i == j ? freedom : 0);
        double square = g[i][j] * g[i][j];
        sums[i][j].first += g[i][j], sums[i][j].second += square;
        sums[i][j].fourth += square * square;
      }
    double product = g[1][2] * g[2][4] * g[4][1];
    loop += product, loop_square += product * product;
    cutlab_dataset_free(s);
  }
  for (int i = 0; i < m; ++i)
    for (int j = 0; j <= i; ++j) {
      const entry_sums *e = &sums[i][j];
      assert_mean(e->first, e->second, draws, 0);
      assert_mean(e->second, e->fourth, draws, i == j ? 2 * freedom : freedom);
    }
  assert_mean(loop, loop_square, draws, freedom);
  cutlab_experiment_free(x);
}

static void test_wishart_law(void **state) {
  check_wishart_law(*state, "dimension=8", 6); /* D = M, the least */
  check_wishart_law(*state, "dimension=9", 7);
  check_wishart_law(*state, "dimension=52", 50);
  check_wishart_law(*state, "dimension=1000002", 1e6);
}

static void check_gram(cutlab_context *context, int64_t m, int64_t depth, bool triangular) {
  int64_t stride = depth + 3;
  double *rows = calloc((size_t)(m * stride), 8), *gram = calloc((size_t)(m * m), 8);
  cutlab_random random = cutlab_random_make(1, 1, 0, 0, 0);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t k = 0; k < (triangular ? i + 1 : depth); ++k)
      rows[i * stride + k] = cutlab_random_normal(&random);
  cutlab_gram(context, gram, rows, m, stride, depth, triangular);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < m; ++j) {
      double sum = 0, scale = 0;
      for (int64_t k = 0; k < depth; ++k) {
        double term = rows[i * stride + k] * rows[j * stride + k];
        sum += term, scale += fabs(term);
      }
      assert_true(fabs(gram[i * m + j] - sum) <= 1e-14 * scale);
    }
  free(rows);
  free(gram);
}

static void test_gram(void **state) {
  for (int threads = 1; threads <= 2; ++threads) {
    cutlab_context_set_threads(*state, threads);
    check_gram(*state, 1, 1, false);
    check_gram(*state, 64, 5, false);
    check_gram(*state, 65, 1025, false);
    check_gram(*state, 130, 70, false);
    check_gram(*state, 131, 131, true);
    check_gram(*state, 64, 64, true);
  }
  cutlab_context_set_threads(*state, 1);
}

/* Writes, reads, compares, writes again: the same bytes. */
static void check_round_trip(cutlab_context *context, const cutlab_dataset *s) {
  char *folder = temporary_make(), *text[2];
  assert_non_null(folder);
  size_t size[2];
  char *path = cutlab_path_join(context, folder, "data.npz");
  cutlab_dataset *read;
  assert_int_equal(cutlab_dataset_write(context, path, s), CUTLAB_OK);
  assert_int_equal(cutlab_file_read(context, &text[0], &size[0], path, 0), CUTLAB_OK);
  assert_int_equal(cutlab_dataset_read(context, &read, path), CUTLAB_OK);
  assert_equal_datasets(s, read);
  assert_int_equal(cutlab_dataset_write(context, path, read), CUTLAB_OK);
  assert_int_equal(cutlab_file_read(context, &text[1], &size[1], path, 0), CUTLAB_OK);
  assert_int_equal(size[0], size[1]);
  assert_memory_equal(text[0], text[1], size[0]);
  cutlab_dataset_free(read);
  free(text[0]);
  free(text[1]);
  free(path);
  assert_int_equal(temporary_remove(folder), 0);
}

static void test_round_trips(void **state) {
  static const char *const settings[] = {"form=held; dimension=50", "form=wishart",
                                         "form=held; dimension=6; examples=1", "form=gram",
                                         other_law};
  for (int c = 0; c < 5; ++c) {
    cutlab_dataset *s = configure_dataset(*state, "quick", settings[c]);
    check_round_trip(*state, s);
    cutlab_dataset_free(s);
  }
  double patches[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  int8_t labels[] = {1, -1};
  cutlab_dataset *s;
  assert_int_equal(cutlab_dataset_from_patches(*state, &s, patches, labels, 2, 3, 2), CUTLAB_OK);
  assert_true(!cutlab_dataset_feature_indices(s) && cutlab_dataset_positives(s) == 1);
  assert_true(cutlab_dataset_examples(s) == 2 && cutlab_dataset_patches(s) == 3);
  assert_true(cutlab_dataset_dimension(s) == 2 && s->noise_rows == 6 && s->noise_row[5] == 5);
  check_round_trip(*state, s);
  cutlab_dataset_free(s);
}

/* What a data set was drawn with and nothing else; every parameter of `other_law` is among it. */
static void test_world_becomes_the_experiments(void **state) {
  cutlab_dataset *s = configure_dataset(*state, "quick", other_law);
  cutlab_experiment *drawn = configure(*state, "quick", other_law),
                    *x = configure(*state, "wide", "iterations=7"),
                    *y = configure(*state, "wide", "iterations=7");
  assert_int_equal(cutlab_dataset_describe(*state, x, s), CUTLAB_OK);
  const cutlab_parameter *parameter;
  for (int i = 0; (parameter = cutlab_experiment_parameter(i)); ++i) {
    bool of_world = cutlab_experiment_is_named(drawn, parameter->name);
    char *got = cutlab_experiment_get(x, parameter->name),
         *want = cutlab_experiment_get(of_world ? drawn : y, parameter->name);
    assert_string_equal(got, want);
    cutlab_free(got);
    cutlab_free(want);
  }
  s->has_law = false; /* a file of old */
  assert_int_equal(cutlab_dataset_describe(*state, y, s), CUTLAB_OK);
  assert_true(y->alpha == .1 && y->opposite && y->feature_count == 3 && y->label_flips == 0);
  cutlab_dataset_free(s);
  cutlab_experiment_free(drawn);
  cutlab_experiment_free(x);
  cutlab_experiment_free(y);
}

/* Rarities that mean the same are no others. */
static void test_rarities_of_a_data_set(void **state) {
  static const char *const same[] = {"iterations=7", "rarities=[]",
                                     "rarities=[common, rare, extremely rare]"};
  cutlab_dataset *s = configure_dataset(*state, "quick", "");
  for (int c = 0; c < 3; ++c) {
    cutlab_experiment *x = configure(*state, "quick", same[c]);
    assert_int_equal(cutlab_dataset_describe(*state, x, s), CUTLAB_OK);
    assert_int_equal(x->rarity_count, c == 2 ? 3 : 0);
    cutlab_experiment_free(x);
  }
  cutlab_dataset_free(s);
}

/* What was set by name to another value is refused, and nothing changes. */
static void test_conflicts(void **state) {
  static const char *const others[] = {
      "patches=5",         "dimension=61",    "examples=31",          "frequencies=[.4, .3, .3]",
      "rarities=[common]", "sigma_d=.61",     "sigma_b=.25",          "alpha=.10000000000000002",
      "balance=.5",        "signal=1",        "features=orthonormal", "noise=orthogonal",
      "label_flips=0",     "position_bias=0", "sampling=iid"};
  cutlab_dataset *s = configure_dataset(*state, "quick", other_law);
  for (size_t c = 0; c < sizeof others / sizeof *others; ++c) {
    cutlab_experiment *x = configure(*state, "quick", others[c]), before = *x;
    char key[32];
    snprintf(key, sizeof key, "data set: %.*s is '", (int)strcspn(others[c], "="), others[c]);
    assert_int_equal(cutlab_dataset_describe(*state, x, s), CUTLAB_ERROR_ARGUMENT);
    assert_message(*state, key);
    assert_memory_equal(x, &before, sizeof before);
    cutlab_experiment_free(x);
  }
  cutlab_dataset_free(s);
}

/* They have sizes, whatever was set, and no world. */
static void test_own_patches_have_no_world(void **state) {
  double patches[12] = {0};
  int8_t labels[] = {1, -1};
  cutlab_dataset *s;
  cutlab_experiment *x = configure(*state, "quick", "alpha=.1; examples=9; label_flips=.1");
  assert_int_equal(cutlab_dataset_from_patches(*state, &s, patches, labels, 2, 3, 2), CUTLAB_OK);
  assert_int_equal(cutlab_dataset_describe(*state, x, s), CUTLAB_OK);
  assert_true(x->examples == 2 && x->patches == 3 && x->dimension == 2);
  assert_true(x->alpha == .1 && x->label_flips == .1 && x->feature_count == 3);
  cutlab_dataset_free(s);
  cutlab_experiment_free(x);
}

static void test_bad_patches(void **state) {
  double patches[8] = {0};
  int8_t labels[2] = {1, -1};
  cutlab_dataset *s;
  static const int64_t shapes[][3] = {{0, 2, 2}, {2, 1, 4}, {1, 65, 1}, {2, 2, 0}, {-1, 2, 2}};
  for (int c = 0; c < 5; ++c) {
    const int64_t *shape = shapes[c];
    assert_int_equal(
        cutlab_dataset_from_patches(*state, &s, patches, labels, shape[0], shape[1], shape[2]),
        CUTLAB_ERROR_ARGUMENT);
    assert_null(s);
  }
  labels[1] = 2;
  assert_int_equal(cutlab_dataset_from_patches(*state, &s, patches, labels, 2, 2, 2),
                   CUTLAB_ERROR_ARGUMENT);
  assert_message(*state, "label of example 1 is 2");
  labels[1] = -1, patches[5] = INFINITY;
  assert_int_equal(cutlab_dataset_from_patches(*state, &s, patches, labels, 2, 2, 2),
                   CUTLAB_ERROR_ARGUMENT);
  assert_message(*state, "example 1 hold inf");
}

/* Arrays of a file that `change` may damage; reading must give `message`. */
typedef struct hostile {
  cutlab_array arrays[10];
  int count;
  double patches[2 * 3 * 4], gram[36], world[6], frequencies[2], law[4];
  int64_t labels[2];
  int8_t short_labels[2], signs[2], rarities[2];
  uint8_t byte_labels[2];
  int32_t index[2], feature[2], dominant[2];
} hostile;

static void add(hostile *h, const char *name, cutlab_dtype dtype, void *data, int rank, int64_t a,
                int64_t b, int64_t c) {
  cutlab_array *array = &h->arrays[h->count++];
  *array = (cutlab_array){.dtype = dtype, .rank = rank, .shape = {a, b, c}, .data = data};
  snprintf(array->name, sizeof array->name, "%s", name);
}

/* K = 1, n = 2, P = 3, d = 4. */
static void fill_drawn(hostile *h) {
  memset(h, 0, sizeof *h);
  h->labels[0] = 1, h->labels[1] = -1;
  memcpy(h->world, (double[]){.1, .25, .15, 1, 3, 4}, sizeof h->world);
  for (int i = 0; i < 2; ++i) h->signs[i] = 1, h->dominant[i] = 1, h->feature[i] = 0;
  add(h, "labels", CUTLAB_INT64, h->labels, 1, 2, 0, 0);
  add(h, "patches", CUTLAB_FLOAT64, h->patches, 3, 2, 3, 4);
  add(h, "world", CUTLAB_FLOAT64, h->world, 1, 6, 0, 0);
  add(h, "feature_index", CUTLAB_INT32, h->index, 1, 2, 0, 0);
  add(h, "feature_position", CUTLAB_INT32, h->feature, 1, 2, 0, 0);
  add(h, "dominant_position", CUTLAB_INT32, h->dominant, 1, 2, 0, 0);
  add(h, "dominant_sign", CUTLAB_INT8, h->signs, 1, 2, 0, 0);
  h->frequencies[0] = 1, h->law[0] = .5;
  add(h, "frequencies", CUTLAB_FLOAT64, h->frequencies, 1, 1, 0, 0);
  add(h, "rarities", CUTLAB_INT8, h->rarities, 1, 1, 0, 0);
  add(h, "law", CUTLAB_FLOAT64, h->law, 1, 4, 0, 0);
}

static void fill_user(hostile *h, cutlab_dtype dtype, void *labels) {
  memset(h, 0, sizeof *h);
  add(h, "labels", dtype, labels, 1, 2, 0, 0);
  add(h, "patches", CUTLAB_FLOAT64, h->patches, 3, 2, 3, 4);
}

typedef struct reading {
  cutlab_context *context;
  char *folder, *path;
} reading;

static void read_hostile(const reading *r, const hostile *h, cutlab_status status,
                         const char *message) {
  cutlab_dataset *s;
  assert_int_equal(cutlab_npz_write(r->context, r->path, h->arrays, h->count), CUTLAB_OK);
  cutlab_status got = cutlab_dataset_read(r->context, &s, r->path);
  if (got != status) fail_msg("%d for '%s': %s", got, message, cutlab_context_message(r->context));
  if (status == CUTLAB_OK) {
    cutlab_dataset_free(s);
    return;
  }
  assert_null(s);
  assert_message(r->context, message);
}

static void keep_warning(void *user, const char *message) {
  snprintf(user, 256, "%s", message);
}

/* A file without the law of its world, as they once were. */
static void check_files_of_old(const reading *r) {
  char warning[256] = "";
  hostile h;
  fill_drawn(&h);
  h.count -= 3;
  cutlab_context_set_warning(r->context, keep_warning, warning);
  read_hostile(r, &h, CUTLAB_OK, "");
  assert_non_null(strstr(warning, "data.npz: no member 'frequencies', 'rarities' or 'law'"));
  assert_non_null(strstr(warning, "rarities, balance, label_flips, position_bias and sampling"));
  *warning = 0;
  fill_drawn(&h);
  read_hostile(r, &h, CUTLAB_OK, "");
  fill_user(&h, CUTLAB_INT64, h.labels);
  h.labels[0] = h.labels[1] = 1;
  read_hostile(r, &h, CUTLAB_OK, "");
  assert_string_equal(warning, "");
  cutlab_context_set_warning(r->context, NULL, NULL);
}

static void check_laws(const reading *r) {
  static const double bad_laws[][2] = {{0, -.1}, {0, 1.1}, {0, NAN}, {1, .6}, {1, -1},
                                       {2, 2},   {2, NAN}, {3, 2},   {3, .5}, {3, NAN}};
  static const double bad_frequencies[] = {0, -1, .9, 1.1, NAN, INFINITY};
  hostile h;
  for (size_t c = 0; c < sizeof bad_laws / sizeof *bad_laws; ++c) {
    fill_drawn(&h);
    h.law[(int)bad_laws[c][0]] = bad_laws[c][1];
    read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "member 'law' is");
  }
  for (size_t c = 0; c < sizeof bad_frequencies / sizeof *bad_frequencies; ++c) {
    fill_drawn(&h);
    h.frequencies[0] = bad_frequencies[c];
    read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "member 'frequencies' is no law; accepted: each > 0");
  }
  fill_drawn(&h);
  h.frequencies[0] = 1 + 5e-10; /* an experiment may have it */
  read_hostile(r, &h, CUTLAB_OK, "");
  for (int8_t rarity = -1; rarity <= 3; rarity = (int8_t)(rarity + 4)) {
    fill_drawn(&h);
    h.rarities[0] = rarity;
    read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "rarity of feature 0 is");
  }
  fill_drawn(&h);
  h.arrays[7].shape[0] = 2;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "'frequencies' is float64 [2]; accepted: float64 [1]");
}

static void check_user_files(const reading *r) {
  hostile h;
  int64_t wide[2] = {1, -1};
  int32_t medium[2] = {-1, 1};
  uint8_t bytes[2] = {1, 255};
  double real[2] = {1, -1};
  fill_user(&h, CUTLAB_INT64, wide);
  read_hostile(r, &h, CUTLAB_OK, "");
  fill_user(&h, CUTLAB_INT32, medium);
  read_hostile(r, &h, CUTLAB_OK, "");
  fill_user(&h, CUTLAB_UINT8, bytes);
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "label of example 1 is 255");
  bytes[1] = 1;
  read_hostile(r, &h, CUTLAB_OK, "");
  fill_user(&h, CUTLAB_FLOAT64, real);
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "integer type");
  wide[1] = 0;
  fill_user(&h, CUTLAB_INT64, wide);
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "label of example 1 is 0; accepted: +1 and -1");
  wide[1] = (1LL << 32) + 1;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "4294967297");
  wide[1] = -1;
  h.arrays[0].shape[0] = 1;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "'patches'");
  h.arrays[0].shape[0] = 2;
  h.arrays[1].rank = 2;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "'patches'");
  fill_user(&h, CUTLAB_INT64, wide);
  h.arrays[1].dtype = CUTLAB_FLOAT16;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "'patches' is float16");
  fill_user(&h, CUTLAB_FLOAT16, wide);
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "'labels' [n] of an integer type");
  fill_user(&h, CUTLAB_INT64, wide);
  h.patches[20] = NAN;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "data.npz: patches of example 1 hold nan");
  h.arrays[0].shape[0] = h.arrays[1].shape[0] = 0;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "shape [0][3][4]");
  h.count = 1;
  h.arrays[0].shape[0] = 2;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "no member 'patches'");
}

static void check_drawn_files(const reading *r) {
  hostile h;
  static const double bad_worlds[][2] = {{0, -.1},      {0, NAN}, {0, 1},   {1, NAN}, {1, -1},
                                         {2, INFINITY}, {3, 0},   {3, NAN}, {3, 2e9}, {4, 1},
                                         {4, 65},       {5, 1},   {5, 1e18}};
  fill_drawn(&h);
  read_hostile(r, &h, CUTLAB_OK, "");
  for (size_t c = 0; c < sizeof bad_worlds / sizeof *bad_worlds; ++c) {
    fill_drawn(&h);
    h.world[(int)bad_worlds[c][0]] = bad_worlds[c][1];
    read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "'world'");
  }
  fill_drawn(&h);
  h.world[5] = 5;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "'patches'");
  fill_drawn(&h);
  h.dominant[1] = 0;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "example 1 has feature and dominant noise in patch 0");
  fill_drawn(&h);
  h.index[0] = 1;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "feature_index of example 0 is 1; accepted: 0 to 0");
  fill_drawn(&h);
  h.feature[1] = 3;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "feature_position of example 1 is 3");
  fill_drawn(&h);
  h.dominant[1] = -1;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "dominant_position of example 1 is -1");
  fill_drawn(&h);
  h.signs[1] = 0;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "dominant_sign of example 1 is 0");
  fill_drawn(&h);
  h.patches[7] = INFINITY;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "'patches' holds a number that is not finite");
  for (int missing = 1; missing < 10; ++missing) {
    fill_drawn(&h);
    if (missing == 2) continue; /* without `world` it is a user's own file */
    h.arrays[missing] = h.arrays[--h.count];
    read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "no member");
  }
  fill_drawn(&h);
  h.arrays[1] = (cutlab_array){"gram", CUTLAB_FLOAT64, 2, {6, 6}, h.gram};
  read_hostile(r, &h, CUTLAB_OK, "");
  h.arrays[1].shape[1] = 5;
  read_hostile(r, &h, CUTLAB_ERROR_FORMAT, "'gram'");
}

static void test_files(void **state) {
  char *folder = temporary_make();
  assert_non_null(folder);
  reading r = {*state, folder, cutlab_path_join(*state, folder, "data.npz")};
  cutlab_dataset *s;
  assert_int_equal(cutlab_dataset_read(*state, &s, r.path), CUTLAB_ERROR_IO);
  assert_null(s);
  check_user_files(&r);
  check_drawn_files(&r);
  check_files_of_old(&r);
  check_laws(&r);
  assert_int_equal(cutlab_file_write(*state, r.path, "no archive", 10), CUTLAB_OK);
  assert_int_equal(cutlab_dataset_read(*state, &s, r.path), CUTLAB_ERROR_FORMAT);
  assert_message(*state, "data.npz");
  free(r.path);
  assert_int_equal(temporary_remove(folder), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_refusals_draw_nothing, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_stratified_counts, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_stratified_order, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_independent_draws, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_positions, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_held_layout, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_function_of_the_experiment, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_forms, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_refusals, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_wishart_law, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_gram, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_round_trips, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_world_becomes_the_experiments, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_rarities_of_a_data_set, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_conflicts, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_own_patches_have_no_world, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_bad_patches, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_files, context_up, context_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
