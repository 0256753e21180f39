/* Random numbers: known answers from NumPy, and the laws of every distribution. */
#include <math.h>

#include <cutlab/random.h>

#include "fixture.h"

enum { draws = 20000 };

/* numpy.random.Philox(key=[seed, stream], counter=[0, i, j, k]).random_raw(9) */
static void test_words_equal_numpy(void **state) {
  (void)state;
  static const struct {
    uint64_t seed, stream, i, j, k, words[9];
  } cases[] = {{0x0,
                0x0,
                0x0,
                0x0,
                0x0,
                {0x2f4ba6408e4d89b, 0x3dd62b0b9ca8c5b2, 0x1c8667a55d902e79, 0x907d7a052fd5b4dc,
                 0x809bf322883987c3, 0x471128b9e807f7dd, 0xf250ba0dbec065b7, 0xfc6ed66767a457bc,
                 0x40fa86f0f781945d}},
               {0x1,
                0x2,
                0x3,
                0x4,
                0x5,
                {0x3a2521b7927bbb55, 0xafc7ff19479996f0, 0x37d95196e907db97, 0x19dd01d453e1f915,
                 0x29241b625856eaec, 0x66799a723c33d53b, 0xbe5599f8df1b28a8, 0xbc2cb5f3f4b937f0,
                 0xea644342120c7dca}},
               {0xffffffffffffffff,
                0x8000000000000000,
                0xffffffffffffffff,
                0x7,
                0x7048860ddf79,
                {0xc5a9635d08b09b69, 0xe2f4934a3add6cb5, 0xd6ff536a96165944, 0xdeb254e28c41e7c9,
                 0xe994d3d4a6664783, 0x81b7f71cca80c0d4, 0x8634e7b8c74d5ab7, 0xdcfa220a1bdd3056,
                 0xf2bf08456a239a2}}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    cutlab_random random =
        cutlab_random_make(cases[c].seed, cases[c].stream, cases[c].i, cases[c].j, cases[c].k);
    for (int w = 0; w < 9; ++w) assert_int_equal(cutlab_random_u64(&random), cases[c].words[w]);
  }
}

static void test_a_copy_continues_alike(void **state) {
  (void)state;
  cutlab_random random = cutlab_random_make(1, 2, 3, 4, 5);
  for (int n = 0; n < 7; ++n) cutlab_random_normal(&random);
  cutlab_random copy = random;
  for (int n = 0; n < 9; ++n)
    assert_true(cutlab_random_normal(&random) == cutlab_random_normal(&copy));
}

static void test_uniform_is_the_upper_53_bits(void **state) {
  (void)state;
  cutlab_random words = cutlab_random_make(9, 8, 7, 6, 5), uniforms = words;
  for (int n = 0; n < 100; ++n) {
    double expected = ldexp((double)(cutlab_random_u64(&words) >> 11), -53);
    assert_true(cutlab_random_uniform(&uniforms) == expected);
  }
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

typedef double (*cdf_fn)(double x);

/* Kolmogorov's statistic sqrt(n) D stays below 1.95 with probability .999. */
static void check_law(double *values, int count, cdf_fn cdf) {
  qsort(values, (size_t)count, sizeof *values, compare_doubles);
  double distance = 0;
  for (int n = 0; n < count; ++n) {
    double p = cdf(values[n]);
    assert_true(p >= 0 && p <= 1);
    distance = fmax(distance, fmax(p - n / (double)count, (n + 1) / (double)count - p));
  }
  assert_true(sqrt(count) * distance < 1.95);
}

static double identity(double x) {
  return x;
}
static double normal_cdf(double x) {
  return 0.5 * erfc(-x / sqrt(2));
}
static double gamma_half_cdf(double x) {
  return erf(sqrt(x));
}
static double gamma_one_cdf(double x) {
  return -expm1(-x);
}
static double gamma_three_cdf(double x) {
  return 1 - exp(-x) * (1 + x + x * x / 2);
}
/* Gamma(5e8) is normal up to a skewness of 1e-4. */
static double gamma_huge_cdf(double x) {
  return normal_cdf((x - 5e8) / sqrt(5e8));
}
static double beta_two_three_cdf(double x) {
  return x * x * (6 - 8 * x + 3 * x * x);
}
static double arcsine_cdf(double x) {
  return asin(sqrt(x)) / acos(0);
}
static double beta_power_cdf(double x) {
  return pow(x, 0.1);
}

static void check_moments(const double *values, int count, double mean, double variance) {
  double sum = 0, squares = 0;
  for (int n = 0; n < count; ++n) sum += values[n];
  for (int n = 0; n < count; ++n) squares += (values[n] - mean) * (values[n] - mean);
  assert_true(fabs(sum / count - mean) < 4 * sqrt(variance / count));
  assert_true(fabs(squares / count / variance - 1) < 0.1);
}

static void test_uniform_and_normal_laws(void **state) {
  (void)state;
  static double values[draws], products[draws / 2];
  cutlab_random random = cutlab_random_make(11, 0, 0, 0, 0);
  for (int n = 0; n < draws; ++n) values[n] = cutlab_random_uniform(&random);
  check_moments(values, draws, 0.5, 1.0 / 12);
  check_law(values, draws, identity);
  for (int n = 0; n < draws; ++n) values[n] = cutlab_random_normal(&random);
  for (int n = 0; n < draws / 2; ++n) products[n] = values[2 * n] * values[2 * n + 1];
  check_moments(products, draws / 2, 0, 1); /* the two of a pair are independent */
  check_moments(values, draws, 0, 1);
  check_law(values, draws, normal_cdf);
}

static void test_gamma_law(void **state) {
  (void)state;
  static const struct {
    double shape;
    cdf_fn cdf;
  } cases[] = {
      {0.5, gamma_half_cdf}, {1, gamma_one_cdf}, {3, gamma_three_cdf}, {5e8, gamma_huge_cdf}};
  static double values[draws];
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    cutlab_random random = cutlab_random_make(12, c, 0, 0, 0);
    for (int n = 0; n < draws; ++n) values[n] = cutlab_random_gamma(&random, cases[c].shape);
    check_moments(values, draws, cases[c].shape, cases[c].shape);
    check_law(values, draws, cases[c].cdf);
  }
}

static void test_beta_law(void **state) {
  (void)state;
  static const struct {
    double a, b;
    cdf_fn cdf;
  } cases[] = {{1, 1, identity},
               {2, 3, beta_two_three_cdf},
               {0.5, 0.5, arcsine_cdf},
               {0.1, 1, beta_power_cdf}};
  static double values[draws];
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    double a = cases[c].a, b = cases[c].b, sum = a + b;
    cutlab_random random = cutlab_random_make(13, c, 0, 0, 0);
    for (int n = 0; n < draws; ++n) values[n] = cutlab_random_beta(&random, a, b);
    check_moments(values, draws, a / sum, a * b / (sum * sum * (sum + 1)));
    check_law(values, draws, cases[c].cdf);
  }
}

/* Gamma(1e-4) underflows in most draws; their ratio must not become 0/0. */
static void test_beta_of_tiny_shapes(void **state) {
  (void)state;
  cutlab_random random = cutlab_random_make(14, 0, 0, 0, 0);
  int ones = 0, zeros = 0;
  for (int n = 0; n < 2000; ++n) {
    double x = cutlab_random_beta(&random, 1e-4, 1e-4);
    ones += x > 0.999;
    zeros += x < 0.001;
  }
  assert_true(ones + zeros > 1990);
  assert_true(abs(ones - zeros) < 4 * 45); /* sqrt(2000) = 45 */
}

/* Without rejection, bound = 3 2^62 would give residue 0 mod 3 half of the draws, not a third. */
static void test_below_is_unbiased(void **state) {
  (void)state;
  cutlab_random random = cutlab_random_make(15, 0, 0, 0, 0);
  const uint64_t bound = (uint64_t)3 << 62;
  int residue[3] = {0};
  for (int n = 0; n < draws; ++n) {
    uint64_t value = cutlab_random_below(&random, bound);
    assert_true(value < bound);
    ++residue[value % 3];
  }
  for (int r = 0; r < 3; ++r)
    assert_true(fabs(residue[r] - draws / 3.0) < 4 * sqrt(draws * 2.0 / 9));
  int faces[6] = {0};
  for (int n = 0; n < draws; ++n) ++faces[cutlab_random_below(&random, 6)];
  for (int f = 0; f < 6; ++f)
    assert_true(fabs(faces[f] - draws / 6.0) < 4 * sqrt(draws * 5.0 / 36));
  for (int n = 0; n < 10; ++n) assert_int_equal(cutlab_random_below(&random, 1), 0);
}

/* All 24 orders of 4 appear alike: chi-square with 23 degrees of freedom, .999 quantile 49.7. */
static void test_permutations_are_uniform(void **state) {
  (void)state;
  cutlab_random random = cutlab_random_make(16, 0, 0, 0, 0);
  int counts[256] = {0}, orders = 0;
  for (int n = 0; n < draws; ++n) {
    int64_t p[4];
    cutlab_random_permutation(&random, p, 4);
    assert_int_equal(1 << p[0] | 1 << p[1] | 1 << p[2] | 1 << p[3], 15);
    ++counts[p[0] << 6 | p[1] << 4 | p[2] << 2 | p[3]];
  }
  double chi_square = 0, expected = draws / 24.0;
  for (int c = 0; c < 256; ++c)
    if (counts[c]) {
      ++orders;
      chi_square += (counts[c] - expected) * (counts[c] - expected) / expected;
    }
  assert_int_equal(orders, 24);
  assert_true(chi_square < 49.7);
  int64_t one[2] = {7, 7};
  cutlab_random_permutation(&random, one, 0);
  assert_int_equal(one[0], 7);
  cutlab_random_permutation(&random, one, 1);
  assert_int_equal(one[0], 0);
  assert_int_equal(one[1], 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_words_equal_numpy),
      cmocka_unit_test(test_a_copy_continues_alike),
      cmocka_unit_test(test_uniform_is_the_upper_53_bits),
      cmocka_unit_test(test_uniform_and_normal_laws),
      cmocka_unit_test(test_gamma_law),
      cmocka_unit_test(test_beta_law),
      cmocka_unit_test(test_beta_of_tiny_shapes),
      cmocka_unit_test(test_below_is_unbiased),
      cmocka_unit_test(test_permutations_are_uniform),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
