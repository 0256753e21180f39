/* Random numbers in bulk, and the dense kernels of many filters, each against a plain twin in every
   instruction set. */
#include <math.h>

#include <cutlab/random.h>

#include "base/random_bulk.h"
#include "base/streams.h"
#include "fixture.h"

static const cutlab_isa sets[] = {CUTLAB_ISA_PORTABLE, CUTLAB_ISA_AVX2, CUTLAB_ISA_AVX512};

static void assert_close(double a, double b, double tolerance) {
  if (!(fabs(a - b) <= tolerance)) fail_msg("%.17g is not %.17g within %g", a, b, tolerance);
}

/* ---- words ---- */

/* Philox 4x32-10 as Salmon et al. define it. */
static void plain_philox(uint32_t c[4], uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
    uint64_t p = (uint64_t)0xD2511F53 * c[0], q = (uint64_t)0xCD9E8D57 * c[2];
    uint32_t next[] = {(uint32_t)(q >> 32) ^ c[1] ^ k0, (uint32_t)q,
                       (uint32_t)(p >> 32) ^ c[3] ^ k1, (uint32_t)p};
    memcpy(c, next, sizeof next);
  }
}

/* The known answers of Random123. */
static void test_philox_answers(void **state) {
  static const struct {
    uint32_t counter[4], key[2], answer[4];
  } known[] = {{{0}, {0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
               {{UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX},
                {UINT32_MAX, UINT32_MAX},
                {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
               {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                {0xa4093822, 0x299f31d0},
                {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
  for (int k = 0; k < 3; ++k)
    for (int i = 0; i < 3; ++i) {
      const cutlab_kernels *kernels = cutlab_kernels_for(sets[k]);
      uint64_t words[cutlab_bulk_words];
      if (!kernels) continue;
      const uint32_t *counter = known[i].counter, *answer = known[i].answer;
      kernels->philox(words, known[i].key, counter + 1, counter[0] / 8, 1);
      uint32_t lane = counter[0] % 8, c[4];
      assert_true(words[lane] == (answer[0] | (uint64_t)answer[1] << 32));
      assert_true(words[8 + lane] == (answer[2] | (uint64_t)answer[3] << 32));
      memcpy(c, counter, sizeof c);
      plain_philox(c, known[i].key[0], known[i].key[1]);
      assert_memory_equal(c, answer, sizeof c);
    }
  (void)state;
}

static void test_words(void **state) {
  enum { groups = 5 };
  uint64_t words[groups * cutlab_bulk_words];
  cutlab_bulk bulk = cutlab_bulk_make(0x123456789abcdef, 24, 7, 9);
  for (int k = 0; k < 3; ++k) {
    const cutlab_kernels *kernels = cutlab_kernels_for(sets[k]);
    if (!kernels) continue;
    cutlab_bulk_draw(words, kernels, &bulk, 3, groups);
    for (uint32_t block = 0; block < 8 * groups; ++block) {
      uint32_t c[4] = {3 * 8 + block, 7, 9, 24};
      plain_philox(c, 0x89abcdef, 0x01234567);
      const uint64_t *word = words + block / 8 * cutlab_bulk_words + block % 8;
      assert_true(word[0] == (c[0] | (uint64_t)c[1] << 32));
      assert_true(word[8] == (c[2] | (uint64_t)c[3] << 32));
    }
  }
  (void)state;
}

/* ---- numbers ---- */

static void test_normals(void **state) {
  enum { count = 3001 };
  static double normals[count], z[2];
  static uint64_t words[3008];
  static const uint64_t corners[] = {0,          UINT64_MAX,        0xffffffff00000000,
                                     0x80000000, 0x40000000,        0xc0000000,
                                     0x20000000, 0x7fffffffe0000000};
  cutlab_bulk bulk = cutlab_bulk_make(5, cutlab_stream_fresh, 1, 2);
  for (int k = 0; k < 3; ++k) {
    const cutlab_kernels *kernels = cutlab_kernels_for(sets[k]);
    if (!kernels) continue;
    cutlab_bulk_draw(words, kernels, &bulk, 0, 188);
    memcpy(words, corners, sizeof corners);
    for (int i = 0; i < count; ++i) {
      double radius = sqrt(-2 * log(((double)(words[i] >> 32) + 1) * 0x1p-32));
      double turn = 2 * M_PI * (double)(words[i] & 0xffffffff) * 0x1p-32;
      kernels->normals(z, words + i, 1);
      assert_close(z[0], radius * cos(turn), 1e-14);
      assert_close(z[1], radius * sin(turn), 1e-14);
      if (i < 8 || i >= 512) continue; /* the first ones of 1024 */
      if (i == 8) cutlab_bulk_normals(normals, kernels, &bulk, count);
      assert_close(normals[i], z[0], 1e-14);
      assert_close(normals[512 + i], z[1], 1e-14);
    }
    double sum = 0, square = 0, fourth = 0;
    for (int i = 0; i < count; ++i) {
      sum += normals[i], square += normals[i] * normals[i];
      fourth += pow(normals[i], 4);
    }
    assert_close(sum / count, 0, 4.5 / sqrt(count));
    assert_close(square / count, 1, 4.5 * sqrt(2.0 / count));
    assert_close(fourth / count, 3, 4.5 * sqrt(96.0 / count));
  }
  (void)state;
}

/* Whatever part is asked for, and in every instruction set, the same bits. */
static void test_uniforms(void **state) {
  enum { count = 3001 };
  static double uniforms[count], others[count];
  static uint64_t words[3008];
  const double bound = 0.03;
  cutlab_bulk bulk = cutlab_bulk_make(5, cutlab_stream_uniform, 1, 0);
  for (int k = 0; k < 3; ++k) {
    const cutlab_kernels *kernels = cutlab_kernels_for(sets[k]);
    if (!kernels) continue;
    cutlab_bulk_uniforms(uniforms, kernels, &bulk, bound, 0, count);
    cutlab_bulk_draw(words, kernels, &bulk, 0, 188);
    double sum = 0, square = 0;
    for (int i = 0; i < count; ++i) {
      uint64_t word = words[i / 32 * 16 + i % 32 / 16 * 8 + i % 8];
      uint32_t half = (uint32_t)(i % 16 < 8 ? word >> 32 : word);
      assert_true(uniforms[i] == bound * (((double)half + 0.5) * 0x1p-31 - 1));
      sum += uniforms[i] / bound, square += uniforms[i] * uniforms[i] / (bound * bound);
    }
    assert_close(sum / count, 0, 4.5 * sqrt(1.0 / 3 / count));
    assert_close(square / count, 1.0 / 3, 4.5 * sqrt(4.0 / 45 / count));
    static const int firsts[] = {0, 32, 1024, 2976}, counts[] = {1, 31, 1025, 25};
    for (int i = 0; i < 4; ++i) {
      cutlab_bulk_uniforms(others, kernels, &bulk, bound, firsts[i], counts[i]);
      assert_memory_equal(others, uniforms + firsts[i], (size_t)counts[i] * sizeof *others);
    }
  }
  (void)state;
}

/* ---- products ---- */

static void test_add_gram(void **state) {
  enum { most = 22, ld = 48 };
  double rows[most * ld], gram[most * most];
  cutlab_random random = cutlab_random_make(1, 1, 0, 0, 0);
  for (int i = 0; i < most * ld; ++i) rows[i] = cutlab_random_normal(&random);
  for (int k = 0; k < 3; ++k)
    for (int m = 1; m <= most; ++m) {
      const cutlab_kernels *kernels = cutlab_kernels_for(sets[k]);
      if (!kernels) continue;
      for (int i = 0; i < most * most; ++i) gram[i] = 1;
      kernels->add_gram(gram, most, rows, ld, m, 40);
      for (int i = 0; i < most; ++i)
        for (int j = 0; j < most; ++j) {
          double sum = 1;
          for (int l = 0; l < 40; ++l) sum += rows[i * ld + l] * rows[j * ld + l];
          if (i >= m || j > i + 3) assert_true(gram[i * most + j] == 1);
          if (i < m && j <= i) assert_close(gram[i * most + j], sum, 1e-12);
        }
    }
  (void)state;
}

static void test_correlate_and_leaky_sums(void **state) {
  enum { most = 10, count = 64 };
  double factor[most * most] = {0}, mean[most], normals[most * count], z[most * count];
  double sums[count];
  cutlab_random random = cutlab_random_make(1, 1, 0, 0, 0);
  for (int i = 0; i < most * count; ++i) normals[i] = cutlab_random_normal(&random);
  for (int i = 0; i < most; ++i) {
    mean[i] = cutlab_random_normal(&random);
    for (int j = 0; j <= i; ++j) factor[i * most + j] = cutlab_random_normal(&random);
  }
  for (int k = 0; k < 3; ++k)
    for (int rows = 2; rows <= most; rows += 2) {
      const cutlab_kernels *kernels = cutlab_kernels_for(sets[k]);
      if (!kernels) continue;
      kernels->correlate(z, count, factor, most, mean, rows, normals, count);
      kernels->leaky_sums(sums, z, count, rows, .2, count);
      for (int c = 0; c < count; ++c) {
        double f = 0;
        for (int i = 0; i < rows; ++i) {
          double want = mean[i];
          for (int j = 0; j <= i; ++j) want += factor[i * most + j] * normals[j * count + c];
          assert_close(z[i * count + c], want, 1e-13);
          f += (i < rows / 2 ? 1 : -1) * (want > 0 ? want : .2 * want);
        }
        assert_close(sums[c], f, 1e-12);
      }
    }
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_philox_answers), cmocka_unit_test(test_words),
      cmocka_unit_test(test_normals),        cmocka_unit_test(test_uniforms),
      cmocka_unit_test(test_add_gram),       cmocka_unit_test(test_correlate_and_leaky_sums),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
