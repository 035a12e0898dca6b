/* SPDX-License-Identifier: MIT */
/* What makes a net the dense layer of a network: bias, kept activations, the penalty on the product, collapse. */
#include <math.h>

#include "support/support.h"

enum { most = 9, rows_most = 12 };

typedef struct layer {
    dopt_net *net;
    int depth;
    ptrdiff_t d, k;
} layer;

static layer random_layer(dopt_rng *rng, dopt_dtype dtype, const dopt_net_options *options)
{
    ptrdiff_t dims[6];
    layer l = { NULL, (int)test_int(rng, 1, 5), 0, 0 };
    for (int j = 0; j <= l.depth; j++)
        dims[j] = test_size(rng, most);
    l.d = dims[0];
    l.k = dims[l.depth];
    ASSERT_OK(dopt_net_create(dtype, l.depth, dims, options, &l.net));
    ASSERT_OK(dopt_net_init_normal(l.net, rng, 1.0));
    if (options->bias)
        test_fill(rng, dopt_net_bias(l.net));
    return l;
}

static double scale_of(dopt_net *net)
{
    double scale = 1.0;
    for (int j = 1; j <= dopt_net_depth(net); j++)
        scale *= test_norm(dopt_const(dopt_net_factor(net, j)));
    return scale;
}

static void bias_is_added_to_each_row(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(200); round++) {
        dopt_net_options options = DOPT_NET_OPTIONS_INIT;
        const dopt_dtype dtype = round % 3 ? DOPT_F64 : DOPT_F32;
        options.bias = 1;
        options.block_rows = 1 + round % 5;
        const layer l = random_layer(&rng, dtype, &options);
        const ptrdiff_t m = test_size(&rng, rows_most);
        test_array x = test_array_new(m, l.d, dtype, (test_layout)(round % TEST_LAYOUTS));
        test_array z = test_array_new(m, l.k, dtype, (test_layout)(round / TEST_LAYOUTS % TEST_LAYOUTS));
        double w[most * most], want[rows_most * most];
        test_array product = test_array_new(l.k, l.d, dtype, TEST_ROWS);
        test_fill(&rng, x.view);
        ASSERT_OK(dopt_net_product(l.net, product.view));
        test_copy(dopt_const(product.view), dopt_mat_f64(w, l.k, l.d));
        test_multiply(dopt_const(x.view), dopt_ctransposed(dopt_cmat_f64(w, l.k, l.d)), dopt_mat_f64(want, m, l.k));
        for (ptrdiff_t i = 0; i < m * l.k; i++)
            want[i] += test_get(dopt_const(dopt_net_bias(l.net)), 0, i % l.k);
        ASSERT_OK(dopt_net_forward(l.net, dopt_const(x.view), z.view));
        const double size = scale_of(l.net) * test_norm(dopt_const(x.view)) + test_norm(dopt_const(z.view));
        ASSERT_CLOSE(test_distance(dopt_const(z.view), dopt_cmat_f64(want, m, l.k)), 0.0,
                     30.0 * l.depth * test_eps(dtype) * size);

        /* The gradient of the bias is the sum of the rows of dz, whatever route backprop takes. */
        test_fill(&rng, z.view);
        ASSERT_OK(dopt_net_backprop(l.net, dopt_const(x.view), dopt_const(z.view), dopt_mat_none()));
        for (ptrdiff_t c = 0; c < l.k; c++) {
            double sum = 0.0;
            for (ptrdiff_t r = 0; r < m; r++)
                sum += test_get(dopt_const(z.view), r, c);
            ASSERT_CLOSE(test_get(dopt_const(dopt_net_bias_grad(l.net)), 0, c), sum,
                         30.0 * (double)m * test_eps(dtype) * test_norm(dopt_const(z.view)));
        }
        test_array_padding(&z);
        test_array_free(&x);
        test_array_free(&z);
        test_array_free(&product);
        dopt_net_destroy((dopt_net **)&l.net);
    }
}

/* The same numbers as without the option; with stale activations, other ones: they are really used. */
static void kept_activations_are_used_once(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    const ptrdiff_t dims[] = { 6, 2, 2, 6 };
    double x[4 * 6], dz[4 * 6], z[4 * 6], other[4 * 6], w[6 * 6];
    dopt_net *net[2] = { NULL, NULL };
    for (int keep = 0; keep < 2; keep++) {
        dopt_net_options options = DOPT_NET_OPTIONS_INIT;
        dopt_rng same = dopt_rng_init(5, 0);
        options.keep_activations = keep;
        ASSERT_OK(dopt_net_create(DOPT_F64, 3, dims, &options, &net[keep]));
        ASSERT_OK(dopt_net_init_normal(net[keep], &same, 1.0));
    }
    test_fill(&rng, dopt_mat_f64(x, 4, 6));
    test_fill(&rng, dopt_mat_f64(other, 4, 6));
    test_fill(&rng, dopt_mat_f64(dz, 4, 6));
    const dopt_cmat xs = dopt_cmat_f64(x, 4, 6), dzs = dopt_cmat_f64(dz, 4, 6);
    for (int keep = 0; keep < 2; keep++) {
        ASSERT_OK(dopt_net_forward(net[keep], xs, dopt_mat_f64(z, 4, 6)));
        ASSERT_OK(dopt_net_product(net[keep], dopt_mat_f64(w, 6, 6))); /* leaves them alone */
        ASSERT_OK(dopt_net_backprop(net[keep], xs, dzs, dopt_mat_none()));
    }
    ASSERT_MAT_SAME(dopt_const(dopt_net_grad(net[0], 2)), dopt_const(dopt_net_grad(net[1], 2)));
    /* A second backprop computes them again. */
    ASSERT_OK(dopt_net_backprop(net[0], dopt_cmat_f64(other, 4, 6), dzs, dopt_mat_none()));
    ASSERT_OK(dopt_net_backprop(net[1], dopt_cmat_f64(other, 4, 6), dzs, dopt_mat_none()));
    ASSERT_MAT_SAME(dopt_const(dopt_net_grad(net[0], 2)), dopt_const(dopt_net_grad(net[1], 2)));
    /* As many rows, but other ones: the caller's promise is broken, and it shows. */
    ASSERT_OK(dopt_net_forward(net[1], xs, dopt_mat_f64(z, 4, 6)));
    ASSERT_OK(dopt_net_backprop(net[1], dopt_cmat_f64(other, 4, 6), dzs, dopt_mat_none()));
    assert_true(test_distance(dopt_const(dopt_net_grad(net[0], 2)), dopt_const(dopt_net_grad(net[1], 2))) > 1e-3);
    /* Another number of rows: they are not used. */
    ASSERT_OK(dopt_net_forward(net[1], xs, dopt_mat_f64(z, 4, 6)));
    const dopt_cmat three = dopt_cmat_f64(other, 3, 6), dthree = dopt_cmat_f64(dz, 3, 6);
    ASSERT_OK(dopt_net_backprop(net[0], three, dthree, dopt_mat_none()));
    ASSERT_OK(dopt_net_backprop(net[1], three, dthree, dopt_mat_none()));
    ASSERT_MAT_SAME(dopt_const(dopt_net_grad(net[0], 2)), dopt_const(dopt_net_grad(net[1], 2)));
    /* Without the option nothing is kept, however many rows come back. */
    for (ptrdiff_t rows = 1; rows <= 4; rows++) {
        const dopt_cmat some = dopt_cmat_f64(other, rows, 6), dsome = dopt_cmat_f64(dz, rows, 6);
        ASSERT_OK(dopt_net_forward(net[0], xs, dopt_mat_f64(z, 4, 6)));
        ASSERT_OK(dopt_net_backprop(net[0], some, dsome, dopt_mat_none()));
        ASSERT_OK(dopt_net_backprop(net[1], some, dsome, dopt_mat_none()));
        ASSERT_MAT_SAME(dopt_const(dopt_net_grad(net[0], 2)), dopt_const(dopt_net_grad(net[1], 2)));
    }
    dopt_net_destroy(&net[0]);
    dopt_net_destroy(&net[1]);
}

/* The other route: W, and G = weight W through the chain. */
static void penalty_is_that_of_the_product(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(200); round++) {
        dopt_net_options options = DOPT_NET_OPTIONS_INIT;
        const dopt_dtype dtype = round % 3 ? DOPT_F64 : DOPT_F32;
        const double weight = round % 7 == 0 ? 0.0 : 0.25 + (double)test_int(&rng, 0, 3);
        options.penalty = 1;
        const layer l = random_layer(&rng, dtype, &options);
        test_array w = test_array_new(l.k, l.d, dtype, TEST_ROWS), grads[5];
        double before[5][most * most], value = NAN;
        ASSERT_OK(dopt_net_product(l.net, w.view));
        const double norm = test_norm(dopt_const(w.view)), scale = scale_of(l.net);
        ASSERT_OK(dopt_net_backward(l.net, dopt_const(w.view)));
        for (int j = 1; j <= l.depth; j++) {
            const dopt_mat grad = dopt_net_grad(l.net, j);
            grads[j - 1] = test_array_new(grad.rows, grad.cols, dtype, TEST_ROWS);
            test_copy(dopt_const(grad), grads[j - 1].view);
            test_fill(&rng, grad);
            test_copy(dopt_const(grad), dopt_mat_f64(before[j - 1], grad.rows, grad.cols));
        }
        ASSERT_OK(dopt_net_penalty(l.net, weight, &value));
        ASSERT_CLOSE(value, 0.5 * weight * norm * norm, 30.0 * most * test_eps(dtype) * weight * scale * scale);
        for (int j = 1; j <= l.depth; j++) {
            const dopt_mat grad = dopt_net_grad(l.net, j);
            double error = 0.0;
            for (ptrdiff_t r = 0; r < grad.rows; r++)
                for (ptrdiff_t c = 0; c < grad.cols; c++)
                    error = hypot(error, test_get(dopt_const(grad), r, c) - before[j - 1][r * grad.cols + c] -
                                             weight * test_get(dopt_const(grads[j - 1].view), r, c));
            const double of_factor = test_norm(dopt_const(dopt_net_factor(l.net, j)));
            ASSERT_CLOSE(error, 0.0, 30.0 * most * test_eps(dtype) * (most + weight * scale * scale / of_factor));
            test_array_free(&grads[j - 1]);
        }
        test_array_free(&w);
        dopt_net_destroy((dopt_net **)&l.net);
    }
}

static void penalty_needs_its_room(void **state)
{
    (void)state;
    const ptrdiff_t dims[] = { 3, 2, 2 };
    dopt_net_options options = DOPT_NET_OPTIONS_INIT;
    dopt_net *net = NULL;
    double value = 7.0;
    ASSERT_OK(dopt_net_create(DOPT_F64, 2, dims, NULL, &net));
    ASSERT_FAILS(dopt_net_penalty(net, 1.0, &value), DOPT_ERR_INVALID, "penalty = 1");
    ASSERT_FAILS(dopt_net_penalty(NULL, 1.0, &value), DOPT_ERR_INVALID, "dopt_net_penalty: net is NULL");
    ASSERT_FAILS(dopt_net_penalty(net, NAN, &value), DOPT_ERR_INVALID, "weight is nan");
    ASSERT_FAILS(dopt_net_penalty(net, -1.0, &value), DOPT_ERR_INVALID, "weight is -1");
    assert_true(value == 7.0);
    assert_null(dopt_net_bias(net).data);
    assert_null(dopt_net_bias_grad(net).data);
    assert_null(dopt_net_bias(NULL).data);
    dopt_net_destroy(&net);
    options.bias = 2;
    ASSERT_FAILS(dopt_net_create(DOPT_F64, 2, dims, &options, &net), DOPT_ERR_INVALID, "options->bias is 2");
    options.bias = 0;
    options.keep_activations = -1;
    ASSERT_FAILS(dopt_net_create(DOPT_F64, 2, dims, &options, &net), DOPT_ERR_INVALID, "keep_activations is -1");
    assert_null(net);
}

static void collapsed_net_predicts_the_same(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(100); round++) {
        dopt_net_options options = DOPT_NET_OPTIONS_INIT;
        const dopt_dtype dtype = round % 2 ? DOPT_F64 : DOPT_F32;
        options.bias = round % 3 == 0;
        options.penalty = round % 5 == 0;
        const layer l = random_layer(&rng, dtype, &options);
        dopt_net *net = l.net;
        const ptrdiff_t m = 4;
        test_array x = test_array_new(m, l.d, dtype, TEST_ROWS), z[2];
        test_fill(&rng, x.view);
        const double scale = scale_of(net) * test_norm(dopt_const(x.view));
        double w[most * most], product[most * most];
        for (int after = 0; after < 2; after++) {
            if (after)
                ASSERT_OK(dopt_net_collapse(net));
            z[after] = test_array_new(m, l.k, dtype, TEST_ROWS);
            ASSERT_OK(dopt_net_forward(net, dopt_const(x.view), z[after].view));
            test_array p = test_array_new(l.k, l.d, dtype, TEST_ROWS);
            ASSERT_OK(dopt_net_product(net, p.view));
            test_copy(dopt_const(p.view), dopt_mat_f64(after ? w : product, l.k, l.d));
            test_array_free(&p);
        }
        assert_int_equal(dopt_net_depth(net), 1);
        assert_int_equal(dopt_net_width(net, 0), l.d);
        assert_int_equal(dopt_net_width(net, 1), l.k);
        assert_int_equal(dopt_net_bias(net).data != NULL, options.bias);
        ASSERT_CLOSE(test_distance(dopt_const(z[0].view), dopt_const(z[1].view)), 0.0,
                     30.0 * (l.depth + most) * test_eps(dtype) * (scale + test_norm(dopt_const(z[0].view))));
        ASSERT_CLOSE(test_distance(dopt_cmat_f64(w, l.k, l.d), dopt_cmat_f64(product, l.k, l.d)), 0.0,
                     30.0 * most * test_eps(dtype) * scale_of(net) + 30.0 * test_eps(dtype) * scale);
        ASSERT_OK(dopt_net_backprop(net, dopt_const(x.view), dopt_const(z[0].view), dopt_mat_none()));
        test_array_free(&x);
        test_array_free(&z[0]);
        test_array_free(&z[1]);
        dopt_net_destroy(&net);
    }
}

/* In float64 even for a float32 net: 30001 * 30007 - 30003 * 30005 = -8, and float32 products are off by more. */
static void collapse_multiplies_in_float64(void **state)
{
    (void)state;
    const ptrdiff_t dims[] = { 1, 2, 1 };
    dopt_net *net = NULL;
    ASSERT_OK(dopt_net_create(DOPT_F32, 2, dims, NULL, &net));
    float *lower = dopt_net_factor(net, 1).data, *upper = dopt_net_factor(net, 2).data;
    lower[0] = 30001.0F;
    upper[0] = 30007.0F;
    lower[1] = 30003.0F;
    upper[1] = -30005.0F;
    ASSERT_OK(dopt_net_collapse(net));
    assert_true(*(const float *)dopt_net_factor(net, 1).data == -8.0F);
    dopt_net_destroy(&net);
    ASSERT_FAILS(dopt_net_collapse(NULL), DOPT_ERR_INVALID, "dopt_net_collapse: net is NULL");
}

static void collapse_survives_every_failed_allocation(void **state)
{
    (void)state;
    const ptrdiff_t dims[] = { 3, 2, 2 };
    for (int left = 0;; left++) {
        test_memory memory = { .left = -1 };
        dopt_net_options options = DOPT_NET_OPTIONS_INIT;
        dopt_net *net = NULL;
        options.allocator = test_allocator(&memory);
        options.bias = options.penalty = options.keep_activations = 1;
        ASSERT_OK(dopt_net_create(DOPT_F32, 2, dims, &options, &net));
        ASSERT_OK(dopt_net_init_identity(net, 3.0));
        memory.left = left;
        const dopt_status status = dopt_net_collapse(net);
        assert_int_equal(dopt_net_depth(net), status == DOPT_OK ? 1 : 2);
        memory.left = -1;
        float w[6];
        const long calls = memory.calls;
        ASSERT_OK(dopt_net_penalty(net, 1.0, NULL));
        ASSERT_OK(dopt_net_product(net, dopt_mat_f32(w, 2, 3)));
        assert_int_equal(memory.calls, calls);
        for (int i = 0; i < 6; i++)
            assert_true(w[i] == (i % 4 == 0 ? 9.0F : 0.0F));
        dopt_net_destroy(&net);
        assert_int_equal(memory.live, 0);
        if (status == DOPT_OK)
            return;
        ASSERT_FAILS(status, DOPT_ERR_NOMEM, "dopt_net_collapse: no memory for a net of 2 x 3");
    }
}

/* dopt_optim_apply_net() moves the bias as one more block. */
static void optimizer_moves_the_bias(void **state)
{
    (void)state;
    const ptrdiff_t dims[] = { 2, 2 };
    const double x[] = { 1, 2 }, dz[] = { 3, -4 };
    dopt_net_options options = DOPT_NET_OPTIONS_INIT;
    dopt_optim *optim = NULL;
    dopt_net *net = NULL;
    options.bias = 1;
    ASSERT_OK(dopt_net_create(DOPT_F64, 1, dims, &options, &net));
    ASSERT_OK(dopt_optim_create(DOPT_OPTIM_GD, &optim));
    ASSERT_OK(dopt_optim_set(optim, DOPT_LR, 0.5));
    ASSERT_OK(dopt_net_backprop(net, dopt_cmat_f64(x, 1, 2), dopt_cmat_f64(dz, 1, 2), dopt_mat_none()));
    ASSERT_OK(dopt_optim_apply_net(optim, net));
    const double *b = dopt_net_bias(net).data, *w = dopt_net_factor(net, 1).data;
    assert_true(b[0] == -1.5 && b[1] == 2.0);
    assert_true(w[0] == -1.5 && w[1] == -3.0 && w[2] == 2.0 && w[3] == 4.0);
    dopt_optim_destroy(&optim);
    dopt_net_destroy(&net);
}

/* dopt_step() knows no gradient of the bias but the one that is there; gradients that it left as outer products are
   formed before a penalty is added. */
static void step_moves_the_bias(void **state)
{
    (void)state;
    const ptrdiff_t dims[] = { 3, 2, 1 };
    const double grad[] = { 1, -2, 3 };
    for (int bias = 0; bias < 2; bias++) {
        dopt_net_options options = DOPT_NET_OPTIONS_INIT;
        dopt_optim *optim = NULL;
        dopt_net *net = NULL;
        dopt_rng rng = dopt_rng_init(1, 0);
        options.bias = bias;
        options.penalty = 1;
        ASSERT_OK(dopt_net_create(DOPT_F64, 2, dims, &options, &net));
        ASSERT_OK(dopt_net_init_normal(net, &rng, 1.0));
        ASSERT_OK(dopt_optim_create(DOPT_OPTIM_GD, &optim));
        ASSERT_OK(dopt_optim_set(optim, DOPT_LR, 0.5));
        if (bias)
            *(double *)dopt_net_bias_grad(net).data = 4.0;
        const double upper = *(const double *)dopt_net_factor(net, 2).data;
        ASSERT_OK(dopt_step(optim, net, dopt_cmat_f64(grad, 1, 3)));
        if (bias)
            assert_true(*(const double *)dopt_net_bias(net).data == -2.0);
        ASSERT_OK(dopt_net_penalty(net, 0.25, NULL));
        const double *of_lower = dopt_net_grad(net, 1).data, *w2 = dopt_net_factor(net, 2).data;
        const double *w1 = dopt_net_factor(net, 1).data;
        for (int c = 0; c < 3; c++)
            ASSERT_CLOSE(of_lower[c], upper * grad[c] + 0.25 * w2[0] * (w2[0] * w1[c] + w2[1] * w1[3 + c]), 1e-13);
        dopt_optim_destroy(&optim);
        dopt_net_destroy(&net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bias_is_added_to_each_row),
        cmocka_unit_test(kept_activations_are_used_once),
        cmocka_unit_test(penalty_is_that_of_the_product),
        cmocka_unit_test(penalty_needs_its_room),
        cmocka_unit_test(collapsed_net_predicts_the_same),
        cmocka_unit_test(collapse_multiplies_in_float64),
        cmocka_unit_test(collapse_survives_every_failed_allocation),
        cmocka_unit_test(optimizer_moves_the_bias),
        cmocka_unit_test(step_moves_the_bias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
