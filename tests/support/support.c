/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static const double sentinel = -12345.678;
const double test_nonfinite[3] = { NAN, INFINITY, -INFINITY };

static const char *current_test = "";
static unsigned long long current_seed;

dopt_rng test_rng_begin(const char *test)
{
    const char *text = getenv("DEPTHOPT_TEST_SEED");
    uint64_t stream = 14695981039346656037u; /* FNV-1a of the name */
    for (const char *c = test; *c; c++)
        stream = (stream ^ (unsigned char)*c) * 1099511628211u;
    current_test = test;
    current_seed = text ? strtoull(text, NULL, 10) : 1;
    return dopt_rng_init(current_seed, stream);
}

static void fail_at(const char *what, const char *file, int line)
{
    print_error("%s (test %s, DEPTHOPT_TEST_SEED=%llu)\n", what, current_test, current_seed);
    _fail(file, line);
}

int test_rounds(int n)
{
    const char *text = getenv("DEPTHOPT_TEST_ROUNDS");
    const double factor = text ? strtod(text, NULL) : 1.0;
    return (int)ceil(n * factor);
}

ptrdiff_t test_int(dopt_rng *rng, ptrdiff_t lo, ptrdiff_t hi)
{
    return lo + (ptrdiff_t)dopt_rng_below(rng, (uint64_t)(hi - lo + 1));
}

ptrdiff_t test_size(dopt_rng *rng, ptrdiff_t max)
{
    static const ptrdiff_t favourites[] = { 1, 2, 3, 5, 7, 13, 31 };
    const ptrdiff_t n = dopt_rng_below(rng, 2) ? favourites[dopt_rng_below(rng, 7)] : test_int(rng, 1, max);
    return n < max ? n : max;
}

test_layout test_any_layout(dopt_rng *rng)
{
    return (test_layout)test_int(rng, 0, TEST_LAYOUTS - 1);
}

static size_t size_of(dopt_dtype dtype)
{
    return dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
}

static double raw_get(const void *data, dopt_dtype dtype, ptrdiff_t at)
{
    return dtype == DOPT_F64 ? ((const double *)data)[at] : (double)((const float *)data)[at];
}

static void raw_set(void *data, dopt_dtype dtype, ptrdiff_t at, double x)
{
    if (dtype == DOPT_F64)
        ((double *)data)[at] = x;
    else
        ((float *)data)[at] = (float)x;
}

test_array test_array_new(ptrdiff_t rows, ptrdiff_t cols, dopt_dtype dtype, test_layout layout)
{
    const int block = layout == TEST_ROWS_BLOCK || layout == TEST_COLS_BLOCK;
    const int by_rows = layout == TEST_ROWS || layout == TEST_ROWS_BLOCK;
    const ptrdiff_t pad = block ? 3 : 0;
    const ptrdiff_t lead = (by_rows ? cols : rows) + pad;
    const ptrdiff_t lines = (by_rows ? rows : cols) + pad;
    test_array array = { NULL,
                         (size_t)(lead * lines),
                         { NULL, rows, cols, by_rows ? lead : 1, by_rows ? 1 : lead, dtype } };
    array.memory = malloc(array.elements * size_of(dtype));
    assert_non_null(array.memory);
    for (size_t i = 0; i < array.elements; i++)
        raw_set(array.memory, dtype, (ptrdiff_t)i, sentinel);
    array.view.data = (char *)array.memory + (size_t)(block ? lead + 1 : 0) * size_of(dtype);
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < cols; c++)
            test_set(array.view, r, c, NAN);
    return array;
}

void test_array_free(test_array *array)
{
    free(array->memory);
    array->memory = NULL;
}

void test_array_padding(const test_array *array)
{
    const dopt_mat v = array->view;
    double want = sentinel;
    if (v.dtype == DOPT_F32)
        want = (double)(float)sentinel;
    const ptrdiff_t offset = ((char *)v.data - (char *)array->memory) / (ptrdiff_t)size_of(v.dtype);
    const int by_rows = v.col_stride == 1 && v.row_stride >= v.cols;
    const ptrdiff_t lead = by_rows ? v.row_stride : v.col_stride;
    for (ptrdiff_t i = 0; i < (ptrdiff_t)array->elements; i++) {
        const ptrdiff_t line = (i - offset + lead) / lead - 1, at = (i - offset + lead) % lead;
        const int inside =
            i >= offset && line >= 0 && line < (by_rows ? v.rows : v.cols) && at < (by_rows ? v.cols : v.rows);
        if (!inside && raw_get(array->memory, v.dtype, i) != want)
            fail_at("padding was written", __FILE__, __LINE__);
    }
}

double test_get(dopt_cmat m, ptrdiff_t r, ptrdiff_t c)
{
    return raw_get(m.data, m.dtype, r * m.row_stride + c * m.col_stride);
}

void test_set(dopt_mat m, ptrdiff_t r, ptrdiff_t c, double x)
{
    raw_set(m.data, m.dtype, r * m.row_stride + c * m.col_stride, x);
}

void test_fill(dopt_rng *rng, dopt_mat m)
{
    for (ptrdiff_t r = 0; r < m.rows; r++)
        for (ptrdiff_t c = 0; c < m.cols; c++)
            test_set(m, r, c, dopt_rng_normal(rng));
}

void test_copy(dopt_cmat from, dopt_mat to)
{
    for (ptrdiff_t r = 0; r < to.rows; r++)
        for (ptrdiff_t c = 0; c < to.cols; c++)
            test_set(to, r, c, test_get(from, r, c));
}

void test_multiply(dopt_cmat a, dopt_cmat b, dopt_mat c)
{
    for (ptrdiff_t i = 0; i < c.rows; i++)
        for (ptrdiff_t j = 0; j < c.cols; j++) {
            long double sum = 0.0L;
            for (ptrdiff_t l = 0; l < a.cols; l++)
                sum += (long double)test_get(a, i, l) * (long double)test_get(b, l, j);
            test_set(c, i, j, (double)sum);
        }
}

/* By hypot, which holds what squares overflow: long double is double under valgrind. */
double test_norm(dopt_cmat m)
{
    double sum = 0.0;
    for (ptrdiff_t r = 0; r < m.rows; r++)
        for (ptrdiff_t c = 0; c < m.cols; c++)
            sum = hypot(sum, test_get(m, r, c));
    return sum;
}

double test_distance(dopt_cmat a, dopt_cmat b)
{
    double sum = 0.0;
    for (ptrdiff_t r = 0; r < a.rows; r++)
        for (ptrdiff_t c = 0; c < a.cols; c++)
            sum = hypot(sum, test_get(a, r, c) - test_get(b, r, c));
    return sum;
}

double test_eps(dopt_dtype dtype)
{
    return dtype == DOPT_F64 ? 0x1p-52 : 0x1p-23;
}

void test_assert_mat_close(dopt_cmat got, dopt_cmat want, double tol, const char *what, const char *file, int line)
{
    const ptrdiff_t n = got.rows > got.cols ? got.rows : got.cols;
    const double error = test_distance(got, want);
    const double unit = (double)n * test_eps(got.dtype) * test_norm(want);
    if (error <= tol * unit)
        return;
    print_error("%s: error %.3g is %.3g n eps ||want||, allowed %.3g\n", what, error, error / unit, tol);
    fail_at(what, file, line);
}

void test_assert_close(double got, double want, double tolerance, const char *what, const char *file, int line)
{
    if (got == want || fabs(got - want) <= tolerance)
        return;
    print_error("%s: got %.17g, want %.17g, allowed %.3g\n", what, got, want, tolerance);
    fail_at(what, file, line);
}

void test_assert_mat_same(dopt_cmat a, dopt_cmat b, const char *what, const char *file, int line)
{
    for (ptrdiff_t r = 0; r < a.rows; r++)
        for (ptrdiff_t c = 0; c < a.cols; c++) {
            const double x = test_get(a, r, c), y = test_get(b, r, c);
            if (memcmp(&x, &y, sizeof x) == 0)
                continue;
            print_error("%s: element (%td, %td) is %.17g and %.17g\n", what, r, c, x, y);
            fail_at(what, file, line);
        }
}

void test_assert_status(dopt_status got, dopt_status want, const char *what, const char *file, int line)
{
    if (got == want)
        return;
    print_error("%s: %s, expected %s; last error: %s\n", what, dopt_status_string(got), dopt_status_string(want),
                dopt_last_error());
    fail_at(what, file, line);
}

void test_assert_message(const char *text, const char *file, int line)
{
    if (strstr(dopt_last_error(), text) && !strchr(dopt_last_error(), '\n'))
        return;
    print_error("last error \"%s\" does not contain \"%s\"\n", dopt_last_error(), text);
    fail_at("message", file, line);
}

/*
 * In front of a block, its start and size; behind it, bytes that must not change. On lines of 64 bytes, so that what
 * the library aligns within the block reaches as near to its end as it can.
 */
enum { block_line = 64, fence = 64, fence_byte = 0xa5 };

typedef struct block_head {
    void *start;
    size_t size;
} block_head;

static void *fenced_allocate(size_t size)
{
    char *start = malloc(2 * block_line + size + fence);
    if (!start)
        return NULL;
    char *block = start + 2 * block_line - (uintptr_t)start % block_line;
    const block_head head = { start, size };
    memcpy(block - block_line, &head, sizeof head);
    memset(block + size, fence_byte, fence);
    return block;
}

static void fenced_release(char *block)
{
    block_head head;
    memcpy(&head, block - block_line, sizeof head);
    for (size_t i = 0; i < fence; i++)
        if ((unsigned char)block[head.size + i] != fence_byte)
            fail_msg("byte %zu behind a block of %zu has been written to", i, head.size);
    free(head.start);
}

static void *counted_allocate(size_t size, void *user)
{
    test_memory *memory = user;
    memory->calls++;
    memory->bytes += size;
    if (memory->left == 0)
        return NULL;
    if (memory->left > 0)
        memory->left--;
    memory->live++;
    return fenced_allocate(size);
}

static void counted_release(void *ptr, void *user)
{
    test_memory *memory = user;
    memory->live--;
    fenced_release(ptr);
}

dopt_allocator test_allocator(test_memory *memory)
{
    const dopt_allocator allocator = { counted_allocate, counted_release, memory };
    return allocator;
}
