/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "support/support.h"

enum { most = 12 };

typedef struct shape {
    int depth;
    ptrdiff_t dims[8];
} shape;

static shape random_shape(dopt_rng *rng, ptrdiff_t least)
{
    shape s = { (int)test_int(rng, 1, 6), { 0 } };
    for (int j = 0; j <= s.depth; j++) {
        const ptrdiff_t n = test_size(rng, most);
        s.dims[j] = n < least ? least : n;
    }
    return s;
}

static dopt_net *create(const shape *s, dopt_dtype dtype, ptrdiff_t block_rows)
{
    static test_memory memory = { .left = -1 };
    dopt_net_options options = DOPT_NET_OPTIONS_INIT;
    dopt_net *net = NULL;
    options.block_rows = block_rows;
    options.allocator = test_allocator(&memory);
    ASSERT_OK(dopt_net_create(dtype, s->depth, s->dims, &options, &net));
    return net;
}

/* W_N ... W_1 by the textbook. */
static void textbook_product(dopt_net *net, double *out)
{
    double a[most * most], b[most * most];
    const ptrdiff_t d = dopt_net_width(net, 0);
    test_copy(dopt_const(dopt_net_factor(net, 1)), dopt_mat_f64(a, dopt_net_width(net, 1), d));
    for (int j = 2; j <= dopt_net_depth(net); j++) {
        const ptrdiff_t n = dopt_net_width(net, j), before = dopt_net_width(net, j - 1);
        test_multiply(dopt_const(dopt_net_factor(net, j)), dopt_cmat_f64(a, before, d), dopt_mat_f64(b, n, d));
        test_copy(dopt_cmat_f64(b, n, d), dopt_mat_f64(a, n, d));
    }
    test_copy(dopt_cmat_f64(a, dopt_net_width(net, dopt_net_depth(net)), d),
              dopt_mat_f64(out, dopt_net_width(net, dopt_net_depth(net)), d));
}

static void product_is_the_textbook_product(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(200); round++) {
        const shape s = random_shape(&rng, 1);
        const dopt_dtype dtype = round % 3 ? DOPT_F64 : DOPT_F32;
        dopt_net *net = create(&s, dtype, 1 + round % 5);
        double want[most * most], scale = 1.0;
        test_array w = test_array_new(s.dims[s.depth], s.dims[0], dtype, test_any_layout(&rng));
        ASSERT_OK(dopt_net_init_normal(net, &rng, 1.0));
        ASSERT_OK(dopt_net_product(net, w.view));
        textbook_product(net, want);
        for (int j = 1; j <= s.depth; j++)
            scale *= test_norm(dopt_const(dopt_net_factor(net, j)));
        const double error = test_distance(dopt_const(w.view), dopt_cmat_f64(want, s.dims[s.depth], s.dims[0]));
        ASSERT_CLOSE(error, 0.0, 30.0 * s.depth * test_eps(dtype) * scale);
        test_array_padding(&w);
        test_array_free(&w);
        dopt_net_destroy(&net);
    }
}

/* L(W) = <C, W>: the derivative of L along a change of one factor is <dL/dW_j, change>, exactly, as L is linear in it.
 */
static void backward_is_the_derivative(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(200); round++) {
        const shape s = random_shape(&rng, 1);
        dopt_net *net = create(&s, DOPT_F64, 3);
        test_array c = test_array_new(s.dims[s.depth], s.dims[0], DOPT_F64, test_any_layout(&rng));
        double before[most * most], after[most * most], size = 0.0;
        test_fill(&rng, c.view);
        ASSERT_OK(dopt_net_init_normal(net, &rng, 0.7));
        ASSERT_OK(dopt_net_backward(net, dopt_const(c.view)));
        textbook_product(net, before);
        for (int j = 1; j <= s.depth; j++) {
            const dopt_mat factor = dopt_net_factor(net, j), grad = dopt_net_grad(net, j);
            double kept[most * most], along = 0.0, change = 0.0;
            test_copy(dopt_const(factor), dopt_mat_f64(kept, factor.rows, factor.cols));
            for (ptrdiff_t r = 0; r < factor.rows; r++)
                for (ptrdiff_t i = 0; i < factor.cols; i++) {
                    const double step = dopt_rng_normal(&rng);
                    along += step * test_get(dopt_const(grad), r, i);
                    test_set(factor, r, i, step + test_get(dopt_const(factor), r, i));
                }
            textbook_product(net, after);
            for (ptrdiff_t r = 0; r < c.view.rows; r++)
                for (ptrdiff_t i = 0; i < c.view.cols; i++) {
                    const double moved = after[r * c.view.cols + i] - before[r * c.view.cols + i];
                    change += test_get(dopt_const(c.view), r, i) * moved;
                    size += fabs(test_get(dopt_const(c.view), r, i)) * (fabs(after[r * c.view.cols + i]) + 1.0);
                }
            ASSERT_CLOSE(along, change, 1e-11 * (1.0 + size));
            test_copy(dopt_cmat_f64(kept, factor.rows, factor.cols), factor);
        }
        test_array_free(&c);
        dopt_net_destroy(&net);
    }
}

/* Two routes: rows through the layers against the collapsed product; both are taken, as m varies. */
static void rows_agree_with_the_product(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(200); round++) {
        const shape s = random_shape(&rng, 1);
        const ptrdiff_t m = round % 4 == 0 ? 200 : test_size(&rng, 20), d = s.dims[0], k = s.dims[s.depth];
        dopt_net *net = create(&s, DOPT_F64, 1 + round % 7);
        const test_layout layout = test_any_layout(&rng);
        test_array x = test_array_new(m, d, DOPT_F64, layout), z = test_array_new(m, k, DOPT_F64, layout);
        test_array dx = test_array_new(m, d, DOPT_F64, TEST_COLS_BLOCK);
        static double want[200 * most], w[most * most], g[most * most], grads[6][most * most];
        test_fill(&rng, x.view);
        ASSERT_OK(dopt_net_init_normal(net, &rng, 0.5));
        ASSERT_OK(dopt_net_product(net, dopt_mat_f64(w, k, d)));
        ASSERT_OK(dopt_net_forward(net, dopt_const(x.view), z.view));
        test_multiply(dopt_const(x.view), dopt_ctransposed(dopt_cmat_f64(w, k, d)), dopt_mat_f64(want, m, k));
        double scale = test_norm(dopt_const(x.view));
        for (int j = 1; j <= s.depth; j++)
            scale *= 1.0 + test_norm(dopt_const(dopt_net_factor(net, j)));
        const double tiny = 1e-14 * scale * (1.0 + test_norm(dopt_const(z.view)));
        ASSERT_CLOSE(test_distance(dopt_const(z.view), dopt_cmat_f64(want, m, k)), 0.0, tiny);
        /* backprop with dz = z */
        test_multiply(dopt_ctransposed(dopt_const(z.view)), dopt_const(x.view), dopt_mat_f64(g, k, d));
        ASSERT_OK(dopt_net_backward(net, dopt_cmat_f64(g, k, d)));
        for (int j = 1; j <= s.depth; j++)
            test_copy(dopt_const(dopt_net_grad(net, j)), dopt_mat_f64(grads[j - 1], s.dims[j], s.dims[j - 1]));
        ASSERT_OK(
            dopt_net_backprop(net, dopt_const(x.view), dopt_const(z.view), round % 2 ? dx.view : dopt_mat_none()));
        for (int j = 1; j <= s.depth; j++)
            ASSERT_CLOSE(
                test_distance(dopt_const(dopt_net_grad(net, j)), dopt_cmat_f64(grads[j - 1], s.dims[j], s.dims[j - 1])),
                0.0, 100.0 * tiny * scale);
        if (round % 2) {
            test_multiply(dopt_const(z.view), dopt_cmat_f64(w, k, d), dopt_mat_f64(want, m, d));
            ASSERT_CLOSE(test_distance(dopt_const(dx.view), dopt_cmat_f64(want, m, d)), 0.0, tiny * scale);
        }
        test_array_padding(&x);
        test_array_padding(&z);
        test_array_padding(&dx);
        test_array_free(&x);
        test_array_free(&z);
        test_array_free(&dx);
        dopt_net_destroy(&net);
    }
}

static void balanced_start_is_balanced(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(200); round++) {
        shape s = random_shape(&rng, 1);
        const ptrdiff_t k = s.dims[s.depth], d = s.dims[0], small = k < d ? k : d;
        const dopt_dtype dtype = round % 3 ? DOPT_F64 : DOPT_F32;
        for (int j = 1; j < s.depth; j++)
            s.dims[j] = small + test_int(&rng, 0, 3);
        dopt_net *net = create(&s, dtype, 0);
        test_array w0 = test_array_new(k, d, dtype, test_any_layout(&rng));
        test_array w = test_array_new(k, d, dtype, TEST_ROWS);
        test_fill(&rng, w0.view);
        ASSERT_OK(dopt_net_init_balanced(net, dopt_const(w0.view)));
        ASSERT_OK(dopt_net_product(net, w.view));
        const double n = 15.0, norm = test_norm(dopt_const(w0.view));
        ASSERT_CLOSE(test_distance(dopt_const(w.view), dopt_const(w0.view)), 0.0,
                     30.0 * n * s.depth * test_eps(dtype) * norm);
        ASSERT_CLOSE(dopt_net_imbalance(net), 0.0, 30.0 * n * test_eps(dtype) * pow(norm, 2.0 / s.depth));
        test_array_free(&w0);
        test_array_free(&w);
        dopt_net_destroy(&net);
    }
}

static void balanced_refuses_narrow_widths(void **state)
{
    (void)state;
    const ptrdiff_t dims[] = { 3, 1, 3 };
    double w0[9] = { 1, 0, 0, 0, 2, 0, 0, 0, 0 }, rank_one[9] = { 1, 2, 3, 2, 4, 6, 3, 6, 9 }, w[9];
    dopt_net *net = NULL;
    ASSERT_OK(dopt_net_create(DOPT_F64, 2, dims, NULL, &net));
    ASSERT_FAILS(dopt_net_init_balanced(net, dopt_cmat_f64(w0, 3, 3)), DOPT_ERR_SHAPE,
                 "width 1 is 1, must be at least 2, the rank of w0");
    ASSERT_OK(dopt_net_init_balanced(net, dopt_cmat_f64(rank_one, 3, 3)));
    ASSERT_OK(dopt_net_product(net, dopt_mat_f64(w, 3, 3)));
    ASSERT_MAT_CLOSE(dopt_cmat_f64(w, 3, 3), dopt_cmat_f64(rank_one, 3, 3), 30.0);
    w0[0] = NAN;
    ASSERT_FAILS(dopt_net_init_balanced(net, dopt_cmat_f64(w0, 3, 3)), DOPT_ERR_NONFINITE, "w0[0, 0]");
    ASSERT_FAILS(dopt_net_backward(net, dopt_cmat_f64(w0, 3, 3)), DOPT_ERR_NONFINITE, "grad[0, 0]");
    ASSERT_FAILS(dopt_net_product(net, dopt_mat_f64(w, 1, 9)), DOPT_ERR_SHAPE, "w is 1 x 9");
    ASSERT_FAILS(dopt_net_init_normal(net, NULL, 1.0), DOPT_ERR_INVALID, "rng is NULL");
    ASSERT_FAILS(dopt_net_init_identity(net, INFINITY), DOPT_ERR_INVALID, "scale is inf");
    ASSERT_FAILS(dopt_net_create(DOPT_F64, 0, dims, NULL, &net), DOPT_ERR_INVALID, "depth is 0, must be in [1, 1024]");
    assert_true(isnan(dopt_net_imbalance(NULL)));
    assert_null(dopt_net_factor(net, 3).data);
    dopt_net_destroy(&net);
}

static void orthogonal_and_identity_starts(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    const ptrdiff_t dims[] = { 5, 7, 7, 4 };
    double gram[49];
    dopt_net *net = NULL;
    ASSERT_OK(dopt_net_create(DOPT_F64, 3, dims, NULL, &net));
    ASSERT_OK(dopt_net_init_orthogonal(net, &rng, 2.0));
    for (int j = 1; j <= 3; j++) {
        const dopt_mat f = dopt_net_factor(net, j), wide = f.rows <= f.cols ? f : dopt_transposed(f);
        test_multiply(dopt_const(wide), dopt_ctransposed(dopt_const(wide)), dopt_mat_f64(gram, wide.rows, wide.rows));
        for (ptrdiff_t i = 0; i < wide.rows * wide.rows; i++)
            ASSERT_CLOSE(gram[i], i % (wide.rows + 1) == 0 ? 4.0 : 0.0, 1e-13);
    }
    ASSERT_OK(dopt_net_init_identity(net, 3.0));
    for (int j = 1; j <= 3; j++) {
        const dopt_mat f = dopt_net_factor(net, j);
        for (ptrdiff_t i = 0; i < f.rows * f.cols; i++)
            assert_true(test_get(dopt_const(f), i / f.cols, i % f.cols) == (i / f.cols == i % f.cols ? 3.0 : 0.0));
    }
    assert_true(dopt_net_imbalance(net) >= 0.0);
    double w[20];
    ASSERT_OK(dopt_net_product(net, dopt_mat_f64(w, 4, 5)));
    for (int i = 0; i < 20; i++)
        assert_true(w[i] == (i % 6 == 0 ? 27.0 : 0.0));
    assert_true(dopt_net_imbalance(net) >= 0.0);
    dopt_net_destroy(&net);
}

/* Memory for the largest factor, wherever it is: a block of that size is asked for, and no smaller one. */
static void orthogonal_start_of_a_narrowing_net(void **state)
{
    (void)state;
    const ptrdiff_t dims[] = { 90, 2, 1 };
    test_memory memory = { .left = -1 };
    dopt_net_options options = DOPT_NET_OPTIONS_INIT;
    dopt_rng rng = test_rng_begin(__func__);
    dopt_net *net = NULL;
    options.allocator = test_allocator(&memory);
    ASSERT_OK(dopt_net_create(DOPT_F64, 2, dims, &options, &net));
    const size_t before = memory.bytes;
    ASSERT_OK(dopt_net_init_orthogonal(net, &rng, 1.0));
    assert_true(memory.bytes - before >= 2 * 180 * sizeof(double)); /* the numbers, and their factorisation */
    ASSERT_CLOSE(test_norm(dopt_const(dopt_net_factor(net, 1))), sqrt(2.0), 1e-14);
    dopt_net_destroy(&net);
    assert_int_equal(memory.live, 0);
}

static void survives_every_failed_allocation(void **state)
{
    (void)state;
    const ptrdiff_t dims[] = { 4, 3, 2 };
    double w0[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, x[12] = { 0 }, z[6] = { 0 };
    for (int left = 0;; left++) {
        test_memory memory = { .left = left };
        dopt_net_options options = DOPT_NET_OPTIONS_INIT;
        dopt_net *net = NULL;
        options.allocator = test_allocator(&memory);
        dopt_status status = dopt_net_create(DOPT_F64, 2, dims, &options, &net);
        if (status == DOPT_OK)
            status = dopt_net_init_balanced(net, dopt_cmat_f64(w0, 2, 4));
        if (status == DOPT_OK) {
            const long calls = memory.calls;
            ASSERT_OK(dopt_net_backward(net, dopt_cmat_f64(w0, 2, 4)));
            ASSERT_OK(dopt_net_forward(net, dopt_cmat_f64(x, 3, 4), dopt_mat_f64(z, 3, 2)));
            ASSERT_OK(dopt_net_backprop(net, dopt_cmat_f64(x, 3, 4), dopt_cmat_f64(z, 3, 2), dopt_mat_none()));
            assert_int_equal(memory.calls, calls);
        } else {
            assert_int_equal(status, DOPT_ERR_NOMEM);
        }
        dopt_net_destroy(&net);
        assert_int_equal(memory.live, 0);
        if (status == DOPT_OK)
            return;
    }
}

static void *grant_little(size_t bytes, void *user)
{
    size_t *largest = user;
    *largest = bytes > *largest ? bytes : *largest;
    return bytes < 1 << 20 ? malloc(bytes) : NULL;
}

static void release_little(void *ptr, void *user)
{
    (void)user;
    free(ptr);
}

/* Sizes near those that overflow are not even asked for: too many weights, or products. */
static void sizes_may_not_overflow(void **state)
{
    static const struct {
        ptrdiff_t dims[3];
        int depth;
        bool asked;
    } nets[] = {
        { { 350000000, 350000000 }, 1, true },
        { { 400000000, 400000000 }, 1, false },
        { { 400000000, 1, 400000000 }, 2, true },
        { { 600000000, 1, 600000000 }, 2, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        dopt_net_options options = DOPT_NET_OPTIONS_INIT;
        dopt_net *net = NULL;
        size_t largest = 0;
        options.allocator.allocate = grant_little;
        options.allocator.release = release_little;
        options.allocator.user = &largest;
        ASSERT_FAILS(dopt_net_create(DOPT_F64, nets[i].depth, nets[i].dims, &options, &net), DOPT_ERR_NOMEM,
                     "no memory for a net");
        assert_null(net);
        assert_int_equal(largest > 1 << 20, nets[i].asked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(product_is_the_textbook_product),  cmocka_unit_test(backward_is_the_derivative),
        cmocka_unit_test(rows_agree_with_the_product),      cmocka_unit_test(balanced_start_is_balanced),
        cmocka_unit_test(balanced_refuses_narrow_widths),   cmocka_unit_test(orthogonal_and_identity_starts),
        cmocka_unit_test(survives_every_failed_allocation), cmocka_unit_test(orthogonal_start_of_a_narrowing_net),
        cmocka_unit_test(sizes_may_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
