/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_TESTS_SUPPORT_H
#define DEPTHOPT_TESTS_SUPPORT_H

/* What the tests share: random matrices in any layout, ratios, failing and counting allocators. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <depthopt/depthopt.h>

/*
 * Random numbers for a test: a stream of its own, from DEPTHOPT_TEST_SEED (default 1) and the test's name, which are
 * printed when an assertion of this file fails.
 */
dopt_rng test_rng_begin(const char *test);

/* Rounds of a randomised test: n, times DEPTHOPT_TEST_ROUNDS if that is set. */
int test_rounds(int n);

/* Uniform integer in [lo, hi]. */
ptrdiff_t test_int(dopt_rng *rng, ptrdiff_t lo, ptrdiff_t hi);

/* Sizes biased to 1, 2, and primes: in [1, max]. */
ptrdiff_t test_size(dopt_rng *rng, ptrdiff_t max);

/* Layouts that every function must take. */
typedef enum test_layout {
    TEST_ROWS = 0,       /* row-major, packed */
    TEST_COLS = 1,       /* column-major, packed */
    TEST_ROWS_BLOCK = 2, /* a block inside a larger row-major array */
    TEST_COLS_BLOCK = 3, /* a block inside a larger column-major array */
    TEST_LAYOUTS = 4
} test_layout;

/* One of them by chance, so that it goes with all else that a round varies. */
test_layout test_any_layout(dopt_rng *rng);

/* An array with a view into it, filled with a sentinel around the view and with garbage (NaN) inside. */
typedef struct test_array {
    void *memory;
    size_t elements;
    dopt_mat view;
} test_array;

test_array test_array_new(ptrdiff_t rows, ptrdiff_t cols, dopt_dtype dtype, test_layout layout);
void test_array_free(test_array *array);

/* Fails the test if anything outside the view has changed. */
void test_array_padding(const test_array *array);

/* Element access on any view, in double. */
double test_get(dopt_cmat m, ptrdiff_t r, ptrdiff_t c);
void test_set(dopt_mat m, ptrdiff_t r, ptrdiff_t c, double x);

/* N(0, 1) everywhere; a copy across layouts and dtypes. */
void test_fill(dopt_rng *rng, dopt_mat m);
void test_copy(dopt_cmat from, dopt_mat to);

/* c = a b, by the textbook, in long double. */
void test_multiply(dopt_cmat a, dopt_cmat b, dopt_mat c);

double test_norm(dopt_cmat m);                  /* Frobenius */
double test_distance(dopt_cmat a, dopt_cmat b); /* || a - b ||_F */
double test_eps(dopt_dtype dtype);              /* 2^-52 or 2^-23 */

/*
 * Passes when ||got - want||_F <= tol * n * eps * ||want||_F, n the larger side: LAPACK's test ratio. `tol` is a small
 * pure number (30 there), so a tolerance reads the same at every size. cmocka's assert_float_equal() rounds to float.
 */
#define ASSERT_MAT_CLOSE(got, want, tol)                                                                               \
    test_assert_mat_close((got), (want), (tol), #got " ~ " #want, __FILE__, __LINE__)
void test_assert_mat_close(dopt_cmat got, dopt_cmat want, double tol, const char *what, const char *file, int line);

/* Passes when |got - want| <= tolerance; NaN fails. */
#define ASSERT_CLOSE(got, want, tolerance)                                                                             \
    test_assert_close((got), (want), (tolerance), #got " ~ " #want, __FILE__, __LINE__)
void test_assert_close(double got, double want, double tolerance, const char *what, const char *file, int line);

/* Bitwise equality of two views of one shape and dtype. */
#define ASSERT_MAT_SAME(a, b) test_assert_mat_same((a), (b), #a " == " #b, __FILE__, __LINE__)
void test_assert_mat_same(dopt_cmat a, dopt_cmat b, const char *what, const char *file, int line);

/* The call succeeds; otherwise the library's message is printed. */
#define ASSERT_OK(call) test_assert_status((call), DOPT_OK, #call, __FILE__, __LINE__)
/* The call fails with this status, and the last error names `function` and contains `text`. */
#define ASSERT_FAILS(call, status, text)                                                                               \
    do {                                                                                                               \
        test_assert_status((call), (status), #call, __FILE__, __LINE__);                                               \
        test_assert_message((text), __FILE__, __LINE__);                                                               \
    } while (0)
void test_assert_status(dopt_status got, dopt_status want, const char *what, const char *file, int line);
void test_assert_message(const char *text, const char *file, int line);

/*
 * An allocator that fails its `left`-th allocation (counted from 0; negative: never), counts, and fails the test when a
 * block comes back that was written to beyond its end.
 */
typedef struct test_memory {
    int left;     /* allocations that still succeed; negative: all */
    int live;     /* blocks not yet released */
    long calls;   /* allocations asked for */
    size_t bytes; /* bytes asked for, in all */
} test_memory;
dopt_allocator test_allocator(test_memory *memory);

/* NAN, +INF, -INF: what no function may take. */
extern const double test_nonfinite[3];

#endif
