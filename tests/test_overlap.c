/* SPDX-License-Identifier: MIT */
/* What a call writes shares no element with what it reads, unless the header allows it; where it does, it works. */
#include <stdbool.h>
#include <string.h>

#include "base/check.h"
#include "support/support.h"

#define ASSERT_REFUSED(call, text) ASSERT_FAILS(call, DOPT_ERR_INVALID, text)

/* Whether two views share an element, by looking at all pairs. */
static bool share(dopt_mat a, dopt_mat b)
{
    const ptrdiff_t size = a.dtype == DOPT_F64 ? 8 : 4;
    for (ptrdiff_t i = 0; i < a.rows * a.cols; i++)
        for (ptrdiff_t j = 0; j < b.rows * b.cols; j++) {
            const char *p = (char *)a.data + size * (i / a.cols * a.row_stride + i % a.cols * a.col_stride);
            const char *q = (char *)b.data + size * (j / b.cols * b.row_stride + j % b.cols * b.col_stride);
            if (p < q + size && q < p + size)
                return true;
        }
    return false;
}

static dopt_mat any_view(dopt_rng *rng, char *memory, dopt_dtype dtype)
{
    const ptrdiff_t size = dtype == DOPT_F64 ? 8 : 4, rows = 1 + (ptrdiff_t)dopt_rng_below(rng, 5),
                    cols = 1 + (ptrdiff_t)dopt_rng_below(rng, 5), gap = (ptrdiff_t)dopt_rng_below(rng, 9);
    const bool by_rows = dopt_rng_below(rng, 2) == 0;
    const dopt_mat m = { memory + size * (ptrdiff_t)dopt_rng_below(rng, 40),
                         rows,
                         cols,
                         by_rows ? cols + gap : 1,
                         by_rows ? 1 : rows + gap,
                         dtype };
    return m;
}

static void every_pair_of_views(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    static double memory[200];
    int apart = 0;
    const int pairs = 20000;
    for (int i = 0; i < pairs; i++) {
        const dopt_dtype dtype = i % 2 ? DOPT_F32 : DOPT_F64;
        const dopt_mat a = any_view(&rng, (char *)memory, dtype), b = any_view(&rng, (char *)memory, dtype);
        const dopt_status want = share(a, b) ? DOPT_ERR_INVALID : DOPT_OK;
        assert_int_equal(dopt__check_apart("f", "a", dopt_const(a), "b", dopt_const(b)), want);
        assert_int_equal(dopt__check_apart("f", "b", dopt_const(b), "a", dopt_const(a)), want);
        dopt_mat again = a; /* with another stride where that leads nowhere */
        again.row_stride += a.rows == 1 ? 7 : 0;
        again.col_stride += a.cols == 1 ? 7 : 0;
        ASSERT_OK(dopt__check_apart_or_same("f", "a", dopt_const(a), "a again", dopt_const(again)));
        apart += want == DOPT_OK;
    }
    assert_true(apart > pairs / 10 && apart < pairs - pairs / 10); /* both cases are met */
}

enum { k = 3, d = 4, m = 5, all = 64 };
static double array[all], other[all], more[all];

static void fill(void)
{
    for (int i = 0; i < all; i++) {
        array[i] = 0.1 + 0.01 * (i % 7);
        other[i] = 0.2 - 0.02 * (i % 5);
        more[i] = 7.0;
    }
}

static void preconditioner(void **state)
{
    (void)state;
    const double depths[] = { 1.0, 2.0, 3.5 };
    const ptrdiff_t rows[] = { 1, k };
    for (int i = 0; i < 6; i++) {
        const ptrdiff_t r = rows[i % 2];
        dopt_e2e *e2e = NULL;
        fill();
        const dopt_mat w = dopt_mat_f64(array, r, d), g = dopt_mat_f64(other, r, d), out = dopt_mat_f64(more, r, d);
        const dopt_mat late = dopt_mat_f64(array + 1, r, d), late_g = dopt_mat_f64(other + 1, r, d);
        ASSERT_OK(dopt_e2e_create(r, d, depths[i / 2], NULL, &e2e));
        ASSERT_REFUSED(dopt_e2e_apply(e2e, dopt_const(w), dopt_const(g), late), "dopt_e2e_apply: out overlaps w, must");
        ASSERT_REFUSED(dopt_e2e_apply(e2e, dopt_const(w), dopt_const(g), late_g), "out overlaps grad, must be grad");
        ASSERT_REFUSED(dopt_e2e_update(e2e, w, dopt_const(late), 0.1, 0.0), "dopt_e2e_update: w overlaps grad, must");
        ASSERT_REFUSED(dopt_e2e_update(e2e, w, dopt_const(w), 0.1, 0.0),
                       "w overlaps grad, must be an array of its own");
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_const(w), dopt_const(g), out));
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_const(w), dopt_const(g), g));
        ASSERT_MAT_SAME(dopt_const(out), dopt_const(g));
        fill();
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_const(w), dopt_const(g), w));
        fill();
        const dopt_mat left = dopt_block(dopt_mat_f64(array, k, 2 * d), 0, 0, r, d);
        const dopt_mat right = dopt_block(dopt_mat_f64(array, k, 2 * d), 0, d, r, d);
        ASSERT_OK(dopt_e2e_update(e2e, left, dopt_const(right), 0.1, 0.0)); /* interleaved, without a common element */
        dopt_e2e_destroy(&e2e);
    }
}

/* A square matrix and its transpose are the same elements, but not the same view. */
static void transposes_are_no_same_view(void **state)
{
    (void)state;
    dopt_e2e *e2e = NULL;
    fill();
    const dopt_mat w = dopt_mat_f64(array, k, k);
    ASSERT_OK(dopt_e2e_create(k, k, 2.0, NULL, &e2e));
    ASSERT_REFUSED(dopt_e2e_apply(e2e, dopt_const(w), dopt_cmat_f64(other, k, k), dopt_transposed(w)),
                   "out overlaps w");
    dopt_e2e_destroy(&e2e);
    double a[4] = { 2, 1, 1, 2 };
    ASSERT_REFUSED(dopt_sym_power(dopt_cmat_f64(a, 2, 2), 0.5, dopt_transposed(dopt_mat_f64(a, 2, 2))),
                   "dopt_sym_power: out overlaps a");
    ASSERT_OK(dopt_sym_power(dopt_cmat_f64(a, 2, 2), 0.5, dopt_mat_f64(a, 2, 2)));
    ASSERT_CLOSE(a[0] * a[0] + a[1] * a[1], 2.0, 1e-14);
}

static void nets(void **state)
{
    (void)state;
    const ptrdiff_t dims[] = { d, d, k };
    dopt_net *net = NULL;
    dopt_rng rng = dopt_rng_init(1, 0);
    fill();
    ASSERT_OK(dopt_net_create(DOPT_F64, 2, dims, NULL, &net));
    ASSERT_OK(dopt_net_init_normal(net, &rng, 0.3));
    const dopt_mat x = dopt_mat_f64(array, m, d), z = dopt_mat_f64(other, m, k), dx = dopt_mat_f64(more, m, d);
    ASSERT_REFUSED(dopt_net_product(net, dopt_net_factor(net, 2)), "dopt_net_product: w overlaps a factor of the net");
    ASSERT_REFUSED(dopt_net_forward(net, dopt_const(x), dopt_mat_f64(array + 3, m, k)), "z overlaps x");
    ASSERT_REFUSED(dopt_net_backprop(net, dopt_const(x), dopt_const(z), dopt_mat_f64(array + 1, m, d)),
                   "dx overlaps x");
    ASSERT_REFUSED(dopt_net_backprop(net, dopt_const(x), dopt_const(z), dopt_mat_f64(other, m, d)), "dx overlaps dz");
    ASSERT_OK(dopt_net_forward(net, dopt_const(x), z));
    ASSERT_OK(dopt_net_backprop(net, dopt_const(x), dopt_const(z), dx));
    ASSERT_OK(dopt_net_backprop(net, dopt_const(x), dopt_const(z), x));
    ASSERT_MAT_SAME(dopt_const(dx), dopt_const(x));
    dopt_net_destroy(&net);
}

static void losses_and_objectives(void **state)
{
    (void)state;
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    double value;
    fill();
    ASSERT_OK(dopt_loss_create_lp(4.0, NULL, &loss));
    const dopt_mat z = dopt_mat_f64(array, m, k), y = dopt_mat_f64(other, m, k);
    ASSERT_REFUSED(dopt_loss_eval(loss, dopt_const(z), dopt_const(y), &value, y), "dopt_loss_eval: dz overlaps y");
    ASSERT_REFUSED(dopt_loss_eval(loss, dopt_const(z), dopt_const(y), &value, dopt_mat_f64(array + 1, m, k)),
                   "dz overlaps z, must be z itself");
    ASSERT_OK(dopt_loss_eval(loss, dopt_const(z), dopt_const(y), &value, z));
    fill();
    ASSERT_OK(dopt_objective_create_data(dopt_cmat_f64(other, m, d), dopt_cmat_f64(other + 20, m, k), loss, NULL,
                                         &objective));
    const dopt_cmat w = dopt_cmat_f64(array, k, d);
    ASSERT_REFUSED(dopt_objective_eval(objective, w, NULL, &value, dopt_mat_f64(array, k, d)), "grad overlaps w");
    ASSERT_OK(dopt_objective_eval(objective, w, NULL, &value, dopt_mat_f64(array + k * d, k, d)));
    dopt_objective_destroy(&objective);
    ASSERT_OK(dopt_objective_create_data(dopt_cmat_f64(other, 1, 2), dopt_cmat_f64(other + 2, 1, 30), loss, NULL,
                                         &objective)); /* many outputs: by products */
    ASSERT_REFUSED(dopt_objective_eval_outputs(objective, dopt_cmat_f64(array, 30, 2), NULL, 0, 1, &value,
                                               dopt_mat_f64(array + 4, 1, 2)),
                   "dopt_objective_eval_outputs: grad overlaps w");
    ASSERT_OK(dopt_objective_eval_outputs(objective, dopt_cmat_f64(array, 30, 2), NULL, 0, 1, &value,
                                          dopt_mat_f64(array + 60, 1, 2)));
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
}

static void optimizers(void **state)
{
    (void)state;
    dopt_optim *optim = NULL;
    fill();
    const dopt_mat params[] = { dopt_mat_f64(array, k, d), dopt_mat_f64(more, 1, k) };
    const dopt_cmat bad[] = { dopt_cmat_f64(other, k, d), dopt_cmat_f64(more + 2, 1, k) };
    const dopt_cmat good[] = { dopt_cmat_f64(other, k, d), dopt_cmat_f64(more + k, 1, k) };
    ASSERT_OK(dopt_optim_create(DOPT_OPTIM_ADAM, &optim));
    ASSERT_REFUSED(dopt_optim_apply(optim, 2, params, bad), "dopt_optim_apply: the block of params overlaps grads[1]");
    assert_true(array[0] == 0.1 && more[0] == 7.0);
    ASSERT_OK(dopt_optim_apply(optim, 2, params, good));
    dopt_optim_destroy(&optim);
}

static void analysis(void **state)
{
    (void)state;
    double rate = 0.0;
    fill();
    const dopt_mat w = dopt_mat_f64(array, k, d), g = dopt_mat_f64(other, k, d);
    ASSERT_REFUSED(dopt_analysis_split(2.0, dopt_const(w), dopt_const(g), &rate, w), "momentum overlaps w");
    ASSERT_REFUSED(dopt_analysis_split(2.0, dopt_const(w), dopt_const(g), &rate, dopt_mat_f64(other + 1, k, d)),
                   "momentum overlaps grad");
    ASSERT_OK(dopt_analysis_split(2.0, dopt_const(w), dopt_const(g), &rate, g));
    ASSERT_REFUSED(dopt_analysis_memory(0.1, 2, array, array + 3, dopt_mat_f64(array + 4, 2, 3)),
                   "weights overlaps slope");
    ASSERT_REFUSED(dopt_analysis_memory(0.1, 2, array, other, dopt_mat_f64(array, 2, 3)), "weights overlaps hidden");
    ASSERT_OK(dopt_analysis_memory(0.1, 2, array, array + 2, dopt_mat_f64(array + 4, 2, 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_views),
        cmocka_unit_test(preconditioner),
        cmocka_unit_test(transposes_are_no_same_view),
        cmocka_unit_test(nets),
        cmocka_unit_test(losses_and_objectives),
        cmocka_unit_test(optimizers),
        cmocka_unit_test(analysis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
