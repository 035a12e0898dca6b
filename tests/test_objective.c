/* SPDX-License-Identifier: MIT */
/* Value and gradient against a textbook loop in long double, for every way through the data. */
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "support/support.h"

/* mean of |x w^T - y|^4 / 4 over some rows, and its gradient. */
static double textbook(dopt_cmat x, dopt_cmat y, dopt_cmat w, const ptrdiff_t *list, ptrdiff_t count, dopt_mat grad)
{
    long double sum = 0.0L;
    static long double g[4096];
    for (ptrdiff_t i = 0; i < w.rows * w.cols; i++)
        g[i] = 0.0L;
    for (ptrdiff_t at = 0; at < count; at++)
        for (ptrdiff_t k = 0; k < w.rows; k++) {
            const ptrdiff_t row = list[at];
            long double r = -(long double)test_get(y, row, k);
            for (ptrdiff_t c = 0; c < w.cols; c++)
                r += (long double)test_get(x, row, c) * (long double)test_get(w, k, c);
            sum += r * r * r * r / 4.0L;
            for (ptrdiff_t c = 0; c < w.cols; c++)
                g[k * w.cols + c] += r * r * r * (long double)test_get(x, row, c);
        }
    for (ptrdiff_t k = 0; k < w.rows; k++)
        for (ptrdiff_t c = 0; c < w.cols; c++)
            test_set(grad, k, c, (double)(g[k * w.cols + c] / (long double)count));
    return (double)(sum / (long double)count);
}

static void matches_the_textbook(void **state)
{
    (void)state;
    static const ptrdiff_t outputs[] = { 1, 3, 17 };
    dopt_rng rng = test_rng_begin(__func__);
    dopt_loss *loss = NULL;
    ASSERT_OK(dopt_loss_create_lp(4.0, NULL, &loss));
    for (int round = 0; round < test_rounds(144); round++) {
        const ptrdiff_t k = outputs[round % 3], d = round % 8 == 0 ? 70 : test_size(&rng, 40),
                        m = round % 4 == 0 ? 1000 : 1 + test_int(&rng, 0, 30);
        const dopt_dtype dtype = round % 5 == 4 ? DOPT_F32 : DOPT_F64;
        test_array x = test_array_new(m, d, dtype, test_any_layout(&rng));
        test_array y = test_array_new(m, k, dtype, (test_layout)(round / 4 % TEST_LAYOUTS));
        test_array w = test_array_new(k, d, dtype, (test_layout)(round / 16 % TEST_LAYOUTS));
        test_array grad = test_array_new(k, d, dtype, test_any_layout(&rng));
        test_array want = test_array_new(k, d, DOPT_F64, TEST_ROWS);
        dopt_objective *objective = NULL;
        ptrdiff_t list[1000];
        double value = 0.0, only = 0.0;
        test_fill(&rng, x.view);
        test_fill(&rng, y.view);
        test_fill(&rng, w.view);
        dopt_batch batch = { NULL, m / 3, m - m / 3 };
        if (round % 2) { /* a list, with repeats */
            batch.rows = list;
            batch.count = 1 + m / 2;
        }
        for (ptrdiff_t i = 0; i < batch.count; i++)
            list[i] = round % 2 ? test_int(&rng, 0, m - 1) : batch.first + i;
        ASSERT_OK(dopt_objective_create_data(dopt_const(x.view), dopt_const(y.view), loss, NULL, &objective));
        ASSERT_OK(dopt_objective_eval(objective, dopt_const(w.view), &batch, &value, grad.view));
        ASSERT_OK(dopt_objective_eval(objective, dopt_const(w.view), &batch, &only, dopt_mat_none()));
        assert_true(value == only);
        const double right =
            textbook(dopt_const(x.view), dopt_const(y.view), dopt_const(w.view), list, batch.count, want.view);
        const double size = pow(right, 0.75) * sqrt((double)(k * d)) * 10.0;
        ASSERT_CLOSE(value, right, 50.0 * (double)d * test_eps(dtype) * right);
        ASSERT_CLOSE(test_distance(dopt_const(grad.view), dopt_const(want.view)), 0.0,
                     50.0 * (double)d * test_eps(dtype) * size);
        test_array_padding(&x);
        test_array_padding(&y);
        test_array_padding(&grad);
        test_array_free(&x);
        test_array_free(&y);
        test_array_free(&w);
        test_array_free(&grad);
        test_array_free(&want);
        dopt_objective_destroy(&objective);
    }
    dopt_loss_destroy(&loss);
}

/* The same bits on 1, 2, 3 and 8 threads: whole data and batches, every layout and dtype, losses with and without a
   kernel of their own. */
static void threads_do_not_count(void **state)
{
    (void)state;
    enum { m = 3000, d = 67, most = 3 };
    static const int threads[] = { 1, 2, 3, 8 };
    static double w[most * d];
    static ptrdiff_t list[2 * m];
    dopt_rng rng = test_rng_begin(__func__);
    dopt_loss *losses[2] = { NULL };
    ASSERT_OK(dopt_loss_create_lp(4.0, NULL, &losses[0]));
    ASSERT_OK(dopt_loss_create_lp(1.5, NULL, &losses[1]));
    for (int i = 0; i < 2 * m; i++)
        list[i] = test_int(&rng, 0, m - 1);
    for (int round = 0; round < 2 * 2 * TEST_LAYOUTS; round++) {
        const ptrdiff_t k = (round / 4 + round) % 2 ? most : 1;
        const dopt_dtype dtype = round % 2 ? DOPT_F32 : DOPT_F64;
        test_array x = test_array_new(m, d, dtype, (test_layout)(round / 4));
        test_array y = test_array_new(m, k, dtype, (test_layout)((round + round / 4) % TEST_LAYOUTS));
        test_array first[3], grad = test_array_new(k, d, dtype, TEST_ROWS);
        test_array start = test_array_new(k, d, dtype, TEST_ROWS_BLOCK);
        const dopt_batch list_of_all = { list, 0, 2 * m }, part = { NULL, 100, 2000 };
        const dopt_batch *const batches[3] = { NULL, &list_of_all, &part };
        double values[3], value;
        test_fill(&rng, x.view);
        test_fill(&rng, y.view);
        test_fill(&rng, dopt_mat_f64(w, k, d));
        test_copy(dopt_cmat_f64(w, k, d), start.view);
        for (int t = 0; t < 4; t++) {
            dopt_objective_options options = DOPT_OBJECTIVE_OPTIONS_INIT;
            dopt_objective *objective = NULL;
            options.threads = threads[t];
            ASSERT_OK(dopt_objective_create_data(dopt_const(x.view), dopt_const(y.view), losses[round / 2 % 2],
                                                 &options, &objective));
            assert_int_equal(dopt_objective_threads(objective) > 1, threads[t] > 1);
            for (int repeat = 0; repeat < 3; repeat++)
                for (int b = 0; b < 3; b++) {
                    const dopt_cmat at = dopt_const(start.view);
                    ASSERT_OK(dopt_objective_eval(objective, at, batches[b], &value, grad.view));
                    if (t == 0 && repeat == 0) {
                        first[b] = test_array_new(k, d, dtype, TEST_ROWS);
                        test_copy(dopt_const(grad.view), first[b].view);
                        values[b] = value;
                    }
                    assert_true(value == values[b]);
                    ASSERT_MAT_SAME(dopt_const(grad.view), dopt_const(first[b].view));
                }
            dopt_objective_destroy(&objective);
        }
        for (int b = 0; b < 3; b++)
            test_array_free(&first[b]);
        test_array_free(&x);
        test_array_free(&y);
        test_array_free(&start);
        test_array_free(&grad);
    }
    for (int i = 0; i < 2; i++)
        dopt_loss_destroy(&losses[i]);
}

typedef struct told {
    atomic_int times[3000];
} told;

static void count_rows(ptrdiff_t first, ptrdiff_t count, void *user)
{
    told *t = user;
    for (ptrdiff_t i = first; i < first + count; i++)
        atomic_fetch_add(&t->times[i], 1);
}

/* Each row is told of once at creation and once in each evaluation, whatever the threads; the bits stay the same. */
static void rows_are_told_once(void **state)
{
    (void)state;
    enum { m = 3000, d = 50, k = 2 };
    static double x[m * d], y[m * k];
    static told t;
    dopt_rng rng = test_rng_begin(__func__);
    double w[k * d], grad[2][k * d], value[2];
    dopt_loss *loss = NULL;
    test_fill(&rng, dopt_mat_f64(x, m, d));
    test_fill(&rng, dopt_mat_f64(y, m, k));
    test_fill(&rng, dopt_mat_f64(w, k, d));
    ASSERT_OK(dopt_loss_create_lp(4.0, NULL, &loss));
    for (int round = 0; round < 6; round++) {
        dopt_objective_options options = DOPT_OBJECTIVE_OPTIONS_INIT;
        dopt_objective *objective = NULL;
        for (int i = 0; i < m; i++)
            atomic_store(&t.times[i], 0);
        options.threads = round + 1;
        options.rows_step = round == 0 ? 0 : 100 * round * round;
        options.rows_read = count_rows;
        options.user = &t;
        ASSERT_OK(
            dopt_objective_create_data(dopt_cmat_f64(x, m, d), dopt_cmat_f64(y, m, k), loss, &options, &objective));
        for (int times = 2; times < 4; times++) {
            ASSERT_OK(dopt_objective_eval(objective, dopt_cmat_f64(w, k, d), NULL, &value[round > 0],
                                          dopt_mat_f64(grad[round > 0], k, d)));
            for (int i = 0; i < m; i++)
                assert_int_equal(atomic_load(&t.times[i]), times);
        }
        assert_true(round == 0 || value[0] == value[1]);
        if (round > 0)
            ASSERT_MAT_SAME(dopt_cmat_f64(grad[0], k, d), dopt_cmat_f64(grad[1], k, d));
        dopt_objective_destroy(&objective);
    }
    dopt_objective_options wrong = DOPT_OBJECTIVE_OPTIONS_INIT;
    dopt_objective *none = NULL;
    wrong.rows_read = count_rows;
    wrong.user = &t;
    x[2999 * d + 3] = NAN;
    ASSERT_FAILS(dopt_objective_create_data(dopt_cmat_f64(x, m, d), dopt_cmat_f64(y, m, 1), loss, &wrong, &none),
                 DOPT_ERR_NONFINITE, "x[2999, 3] is nan");
    wrong.rows_step = -1;
    ASSERT_FAILS(dopt_objective_create_data(dopt_cmat_f64(x, m, d), dopt_cmat_f64(y, m, 1), loss, &wrong, &none),
                 DOPT_ERR_INVALID, "options->rows_step is -1");
    dopt_loss_destroy(&loss);
}

/* Few outputs of an elementwise loss go by a pass, the more the longer rows are; everything else by products. */
static void few_outputs_by_a_pass(void **state)
{
    (void)state;
    static const struct {
        ptrdiff_t k, d;
        bool softmax;
        dopt_route route;
    } cases[] = { { 1, 3, false, DOPT_ROUTE_PASS },       { 7, 3, false, DOPT_ROUTE_PASS },
                  { 8, 63, false, DOPT_ROUTE_PRODUCTS },  { 15, 64, false, DOPT_ROUTE_PASS },
                  { 16, 64, false, DOPT_ROUTE_PRODUCTS }, { 2, 3, true, DOPT_ROUTE_PRODUCTS } };
    static double x[4 * 64], y[4 * 16];
    dopt_loss *losses[2] = { NULL };
    ASSERT_OK(dopt_loss_create_lp(4.0, NULL, &losses[0]));
    ASSERT_OK(dopt_loss_create_softmax_ce(NULL, &losses[1]));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dopt_objective *objective = NULL;
        for (int r = 0; r < 4; r++)
            y[r * cases[i].k] = 1.0;
        ASSERT_OK(dopt_objective_create_data(dopt_cmat_f64(x, 4, cases[i].d), dopt_cmat_f64(y, 4, cases[i].k),
                                             losses[cases[i].softmax], NULL, &objective));
        assert_int_equal(dopt_objective_route(objective), cases[i].route);
        dopt_objective_destroy(&objective);
        memset(y, 0, sizeof y);
    }
    for (int i = 0; i < 2; i++)
        dopt_loss_destroy(&losses[i]);
}

/* A row may be longer than what a block is meant to hold. With W = 0 and ones in X all is in the slopes. */
static void rows_longer_than_a_block(void **state)
{
    (void)state;
    enum { m = 3, d = 25000, k = 2 };
    static double x[m * d], w[k * d], grad[k * d];
    const double y[m * k] = { 1, 0, 0, 1, 1, 0 }, z[m * k] = { 0 };
    double dz[m * k], value, right;
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    for (int i = 0; i < m * d; i++)
        x[i] = 1.0;
    ASSERT_OK(dopt_loss_create_softmax_ce(NULL, &loss));
    ASSERT_OK(dopt_objective_create_data(dopt_cmat_f64(x, m, d), dopt_cmat_f64(y, m, k), loss, NULL, &objective));
    ASSERT_OK(dopt_objective_eval(objective, dopt_cmat_f64(w, k, d), NULL, &value, dopt_mat_f64(grad, k, d)));
    ASSERT_OK(dopt_loss_eval(loss, dopt_cmat_f64(z, m, k), dopt_cmat_f64(y, m, k), &right, dopt_mat_f64(dz, m, k)));
    ASSERT_CLOSE(value, right, 1e-14);
    for (int i = 0; i < k * d; i++)
        ASSERT_CLOSE(grad[i], dz[i / d] + dz[k + i / d] + dz[2 * k + i / d], 1e-14);
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
}

static void softmax_through_blocks(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    enum { m = 700, d = 5, k = 4 };
    static double x[m * d], y[m * k], z[m * k], dz[m * k];
    double w[k * d], grad[k * d], want[k * d], value, right;
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    test_fill(&rng, dopt_mat_f64(x, m, d));
    test_fill(&rng, dopt_mat_f64(w, k, d));
    for (int i = 0; i < m; i++)
        y[i * k + i % k] = 1.0;
    ASSERT_OK(dopt_loss_create_softmax_ce(NULL, &loss));
    ASSERT_OK(dopt_objective_create_data(dopt_cmat_f64(x, m, d), dopt_cmat_f64(y, m, k), loss, NULL, &objective));
    ASSERT_OK(dopt_objective_eval(objective, dopt_cmat_f64(w, k, d), NULL, &value, dopt_mat_f64(grad, k, d)));
    test_multiply(dopt_cmat_f64(x, m, d), dopt_ctransposed(dopt_cmat_f64(w, k, d)), dopt_mat_f64(z, m, k));
    ASSERT_OK(dopt_loss_eval(loss, dopt_cmat_f64(z, m, k), dopt_cmat_f64(y, m, k), &right, dopt_mat_f64(dz, m, k)));
    test_multiply(dopt_ctransposed(dopt_cmat_f64(dz, m, k)), dopt_cmat_f64(x, m, d), dopt_mat_f64(want, k, d));
    ASSERT_CLOSE(value, right, 1e-13);
    ASSERT_CLOSE(test_distance(dopt_cmat_f64(grad, k, d), dopt_cmat_f64(want, k, d)), 0.0, 1e-13);
    assert_int_equal(dopt_objective_examples(objective), m);
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
}

static dopt_status bowl(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user)
{
    (void)batch;
    const double x = test_get(w, 0, 0);
    *value = *(const double *)user * x * x;
    if (grad.data)
        test_set(grad, 0, 0, 2.0 * *(const double *)user * x);
    return DOPT_OK;
}

static dopt_status broken(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user)
{
    (void)w;
    (void)batch;
    (void)value;
    (void)grad;
    return *(const dopt_status *)user;
}

static void custom_and_bad_arguments(void **state)
{
    (void)state;
    double factor = 3.0, w[1] = { 2.0 }, grad[1] = { 7.0 }, value = 7.0, x[4] = { 1, 2, 3, 4 }, y[2] = { 1, 2 };
    dopt_objective *objective = NULL;
    dopt_loss *loss = NULL;
    ASSERT_OK(dopt_objective_create_custom(1, 1, bowl, &factor, &objective));
    ASSERT_OK(dopt_objective_eval(objective, dopt_cmat_f64(w, 1, 1), NULL, &value, dopt_mat_f64(grad, 1, 1)));
    assert_true(value == 12.0 && grad[0] == 12.0);
    factor = INFINITY;
    ASSERT_FAILS(dopt_objective_eval(objective, dopt_cmat_f64(w, 1, 1), NULL, &value, dopt_mat_none()),
                 DOPT_ERR_NONFINITE, "callback");
    dopt_objective_destroy(&objective);
    dopt_status given = DOPT_ERR_IO;
    ASSERT_OK(dopt_objective_create_custom(1, 1, broken, &given, &objective));
    ASSERT_FAILS(dopt_objective_eval(objective, dopt_cmat_f64(w, 1, 1), NULL, &value, dopt_mat_none()), DOPT_ERR_IO,
                 "dopt_objective_eval: the callback returned");
    dopt_objective_destroy(&objective);
    ASSERT_FAILS(dopt_objective_create_custom(1, 1, NULL, NULL, &objective), DOPT_ERR_INVALID, "fn is NULL");
    ASSERT_OK(dopt_loss_create_lp(4.0, NULL, &loss));
    ASSERT_FAILS(dopt_objective_create_data(dopt_cmat_f64(x, 2, 2), dopt_cmat_f64(y, 1, 2), loss, NULL, &objective),
                 DOPT_ERR_SHAPE, "y is 1 x 2");
    x[2] = INFINITY;
    ASSERT_FAILS(dopt_objective_create_data(dopt_cmat_f64(x, 2, 2), dopt_cmat_f64(y, 2, 1), loss, NULL, &objective),
                 DOPT_ERR_NONFINITE, "x[1, 0] is inf");
    x[2] = 3.0;
    ASSERT_OK(dopt_objective_create_data(dopt_cmat_f64(x, 2, 2), dopt_cmat_f64(y, 2, 1), loss, NULL, &objective));
    double far[2] = { 1e100, 1e100 }, near[2] = { 0, 0 }, g[2] = { 7, 7 };
    const dopt_batch outside = { NULL, 1, 2 };
    value = 7.0;
    ASSERT_FAILS(dopt_objective_eval(objective, dopt_cmat_f64(far, 1, 2), NULL, &value, dopt_mat_f64(g, 1, 2)),
                 DOPT_ERR_NONFINITE, "overflows");
    ASSERT_FAILS(dopt_objective_eval(objective, dopt_cmat_f64(near, 1, 2), &outside, &value, dopt_mat_f64(g, 1, 2)),
                 DOPT_ERR_INVALID, "2 rows from 1");
    assert_true(value == 7.0 && g[0] == 7.0);
    dopt_objective_options wrong = DOPT_OBJECTIVE_OPTIONS_INIT;
    wrong.threads = 257;
    ASSERT_FAILS(dopt_objective_create_data(dopt_cmat_f64(x, 2, 2), dopt_cmat_f64(y, 2, 1), loss, &wrong, &objective),
                 DOPT_ERR_INVALID, "options->threads is 257");
    for (int left = 0;; left++) {
        test_memory memory = { .left = left };
        dopt_objective_options options = DOPT_OBJECTIVE_OPTIONS_INIT;
        dopt_objective *made = NULL;
        options.allocator = test_allocator(&memory);
        options.threads = 2;
        if (dopt_objective_create_data(dopt_cmat_f64(x, 2, 2), dopt_cmat_f64(y, 2, 1), loss, &options, &made) ==
            DOPT_OK) {
            const long calls = memory.calls;
            ASSERT_OK(dopt_objective_eval(made, dopt_cmat_f64(near, 1, 2), NULL, &value, dopt_mat_f64(g, 1, 2)));
            assert_int_equal(memory.calls, calls);
            dopt_objective_destroy(&made);
            assert_int_equal(memory.live, 0);
            break;
        }
        assert_null(made);
        assert_int_equal(memory.live, 0);
    }
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
}

/* Where a column of X is 0, so is the gradient: nothing of what memory held before is in it. */
static void nothing_comes_of_nothing(void **state)
{
    (void)state;
    enum { m = 50, d = 12, most = 17 };
    static const ptrdiff_t list[] = { 3, 1, 4, 1, 5, 9, 2, 6 };
    const dopt_batch batches[] = { { NULL, 0, m }, { NULL, 7, 20 }, { list, 0, 8 } };
    dopt_rng rng = test_rng_begin(__func__);
    dopt_loss *loss = NULL;
    ASSERT_OK(dopt_loss_create_lp(4.0, NULL, &loss));
    for (int round = 0; round < 4 * TEST_LAYOUTS; round++) {
        const ptrdiff_t k = round % 2 ? most : 1;
        const dopt_dtype dtype = round / 2 % 2 ? DOPT_F32 : DOPT_F64;
        test_array x = test_array_new(m, d, dtype, (test_layout)(round / 4));
        test_array y = test_array_new(m, k, dtype, TEST_ROWS), w = test_array_new(k, d, dtype, TEST_ROWS);
        test_array grad = test_array_new(k, d, dtype, TEST_ROWS);
        dopt_objective *objective = NULL;
        double value;
        test_fill(&rng, x.view);
        test_fill(&rng, y.view);
        test_fill(&rng, w.view);
        for (ptrdiff_t r = 0; r < m; r++)
            for (ptrdiff_t c = 4; c < d; c += d - 5)
                test_set(x.view, r, c, 0.0);
        ASSERT_OK(dopt_objective_create_data(dopt_const(x.view), dopt_const(y.view), loss, NULL, &objective));
        for (int b = 0; b < 3; b++) {
            ASSERT_OK(dopt_objective_eval(objective, dopt_const(w.view), &batches[b], &value, grad.view));
            for (ptrdiff_t i = 0; i < k * d; i++)
                assert_int_equal(test_get(dopt_const(grad.view), i / d, i % d) == 0.0, i % d == 4 || i % d == d - 1);
        }
        dopt_objective_destroy(&objective);
        test_array_free(&x);
        test_array_free(&y);
        test_array_free(&w);
        test_array_free(&grad);
    }
    dopt_loss_destroy(&loss);
}

/* At the edge of the data, and as far out as numbers go. */
static void rows_that_are_not_there(void **state)
{
    (void)state;
    static const ptrdiff_t strays[] = { 2, -1, PTRDIFF_MAX, PTRDIFF_MIN };
    const double x[] = { 1, 2, 3, 4 }, y[] = { 1, 2 }, w[] = { 0, 0 };
    double g[] = { 7, 7 }, value = 7.0;
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    ASSERT_OK(dopt_loss_create_lp(4.0, NULL, &loss));
    ASSERT_OK(dopt_objective_create_data(dopt_cmat_f64(x, 2, 2), dopt_cmat_f64(y, 2, 1), loss, NULL, &objective));
    for (int i = 0; i < 12; i++) {
        ptrdiff_t list[] = { 0, 1, 0 };
        const dopt_batch batch = { list, 0, 3 };
        char text[32];
        list[i / 4] = strays[i % 4];
        (void)snprintf(text, sizeof text, "batch->rows[%d] is ", i / 4);
        ASSERT_FAILS(dopt_objective_eval(objective, dopt_cmat_f64(w, 1, 2), &batch, &value, dopt_mat_f64(g, 1, 2)),
                     DOPT_ERR_INVALID, text);
    }
    assert_true(value == 7.0 && g[0] == 7.0);
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
}

/* Pieces of the outputs add up to the whole. */
static void outputs_one_after_the_other(void **state)
{
    (void)state;
    enum { m = 90, d = 7, k = 10 };
    dopt_rng rng = test_rng_begin(__func__);
    dopt_loss *loss = NULL;
    ASSERT_OK(dopt_loss_create_lp(3.0, NULL, &loss));
    for (int round = 0; round < 2 * TEST_LAYOUTS; round++) {
        const dopt_dtype dtype = round % 2 ? DOPT_F32 : DOPT_F64;
        const test_layout layout = (test_layout)(round / 2);
        test_array x = test_array_new(m, d, dtype, layout), y = test_array_new(m, k, dtype, layout);
        test_array w = test_array_new(k, d, dtype, layout), grad = test_array_new(k, d, dtype, TEST_ROWS);
        test_array part = test_array_new(k, d, dtype, TEST_ROWS);
        dopt_objective *objective = NULL;
        double value, sum = 0.0, some;
        test_fill(&rng, x.view);
        test_fill(&rng, y.view);
        test_fill(&rng, w.view);
        ASSERT_OK(dopt_objective_create_data(dopt_const(x.view), dopt_const(y.view), loss, NULL, &objective));
        ASSERT_OK(dopt_objective_eval(objective, dopt_const(w.view), NULL, &value, grad.view));
        for (ptrdiff_t first = 0; first < k; first += 4) {
            const ptrdiff_t count = k - first < 4 ? k - first : 4;
            ASSERT_OK(dopt_objective_eval_outputs(objective, dopt_const(w.view), NULL, first, count, &some,
                                                  dopt_block(part.view, first, 0, count, d)));
            sum += some;
        }
        ASSERT_CLOSE(sum, value, 30.0 * test_eps(dtype) * value);
        ASSERT_MAT_CLOSE(dopt_const(part.view), dopt_const(grad.view), 30);
        ASSERT_FAILS(dopt_objective_eval_outputs(objective, dopt_const(w.view), NULL, 8, 3, &some, dopt_mat_none()),
                     DOPT_ERR_INVALID, "outputs are 3 from 8, must be in [0, 10)");
        ASSERT_FAILS(
            dopt_objective_eval_outputs(objective, dopt_const(w.view), NULL, PTRDIFF_MAX, 3, &some, dopt_mat_none()),
            DOPT_ERR_INVALID, "outputs are 3 from 9223372036854775807");
        dopt_objective_destroy(&objective);
        test_array_free(&x);
        test_array_free(&y);
        test_array_free(&w);
        test_array_free(&grad);
        test_array_free(&part);
    }
    dopt_loss_destroy(&loss);
}

/* The rows of a batch decide about its bits, not the rows that X has besides. */
static void batches_do_not_see_the_rest(void **state)
{
    (void)state;
    enum { some = 12288, m = some + 60, d = 100 };
    static double x[m * d], y[m], w[d];
    dopt_rng rng = test_rng_begin(__func__);
    dopt_loss *loss = NULL;
    test_fill(&rng, dopt_mat_f64(x, m, d));
    test_fill(&rng, dopt_mat_f64(y, m, 1));
    test_fill(&rng, dopt_mat_f64(w, 1, d));
    ASSERT_OK(dopt_loss_create_lp(4.0, NULL, &loss));
    const dopt_batch batch = { NULL, 0, some };
    double kept[d + 1];
    for (ptrdiff_t rows = some; rows <= m; rows += 20) {
        double grad[d + 1];
        dopt_objective *objective = NULL;
        ASSERT_OK(
            dopt_objective_create_data(dopt_cmat_f64(x, rows, d), dopt_cmat_f64(y, rows, 1), loss, NULL, &objective));
        ASSERT_OK(dopt_objective_eval(objective, dopt_cmat_f64(w, 1, d), &batch, &grad[d], dopt_mat_f64(grad, 1, d)));
        if (rows == some)
            memcpy(kept, grad, sizeof kept);
        assert_memory_equal(kept, grad, sizeof kept);
        dopt_objective_destroy(&objective);
    }
    dopt_loss_destroy(&loss);
}

/* What another library's objective is asked for. */
typedef struct calls {
    int evals, clones, freed, refused, watched;
} calls;

static dopt_status kind_eval(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *state)
{
    calls *c = state;
    (void)w;
    (void)batch;
    c->evals++;
    if (grad.data)
        *(double *)grad.data = 1.0;
    *value = 1.0;
    return c->evals > 1 ? dopt_fail(DOPT_ERR_IO, "kind_eval", "the cable is out") : DOPT_OK;
}

static dopt_status kind_clone(void *state, void **out)
{
    ((calls *)state)->clones++;
    *out = state;
    return DOPT_OK;
}

static void kind_destroy(void *state)
{
    ((calls *)state)->freed++;
}

static dopt_status kind_refuse(dopt_status status, void *state)
{
    ((calls *)state)->refused++;
    return status;
}

static dopt_status kind_agree(int *choice, void *state)
{
    (void)state;
    if (*choice == DOPT_STOP_NONE)
        *choice = DOPT_STOP_CALLBACK; /* another process wants to stop */
    return DOPT_OK;
}

static void kind_watch(int on, void *state)
{
    ((calls *)state)->watched += 1 + on;
}

static void kinds_of_other_libraries(void **state)
{
    (void)state;
    calls c = { 0 };
    dopt_objective_kind kind = DOPT_OBJECTIVE_KIND_INIT;
    dopt_objective *objective = NULL, *again = NULL;
    double w[2] = { 1.0, 2.0 }, value;
    ASSERT_FAILS(dopt_objective_create_kind(1, 2, &kind, &c, &objective), DOPT_ERR_INVALID, "eval");
    kind.eval = kind_eval;
    kind.examples = 5;
    kind.clone = kind_clone;
    kind.destroy = kind_destroy;
    kind.refuse = kind_refuse;
    kind.agree = kind_agree;
    kind.watch = kind_watch;
    ASSERT_OK(dopt_objective_create_kind(1, 2, &kind, &c, &objective));
    assert_int_equal(dopt_objective_examples(objective), 5);
    assert_true(dopt_objective_is_shared(objective));
    ASSERT_FAILS(dopt_objective_eval(objective, dopt_cmat_f64(w, 2, 1), NULL, &value, dopt_mat_none()), DOPT_ERR_SHAPE,
                 "w is 2 x 1");
    assert_int_equal(c.refused, 1);
    ASSERT_OK(dopt_objective_clone(objective, &again));
    dopt_fit_options options = DOPT_FIT_OPTIONS_INIT;
    dopt_report report;
    options.model = DOPT_MODEL_DIRECT;
    options.max_seconds = 1000.0;
    ASSERT_OK(dopt_fit(again, &options, dopt_mat_f64(w, 1, 2), &report));
    assert_int_equal(report.reason, DOPT_STOP_CALLBACK);
    assert_int_equal(c.watched, 2);
    ASSERT_FAILS(dopt_objective_eval(again, dopt_cmat_f64(w, 1, 2), NULL, &value, dopt_mat_none()), DOPT_ERR_IO,
                 "kind_eval: the cable is out");
    dopt_objective_destroy(&again);
    dopt_objective_destroy(&objective);
    assert_int_equal(c.clones, 1);
    assert_int_equal(c.freed, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_the_textbook),     cmocka_unit_test(threads_do_not_count),
        cmocka_unit_test(few_outputs_by_a_pass),    cmocka_unit_test(rows_are_told_once),
        cmocka_unit_test(rows_longer_than_a_block), cmocka_unit_test(softmax_through_blocks),
        cmocka_unit_test(custom_and_bad_arguments), cmocka_unit_test(outputs_one_after_the_other),
        cmocka_unit_test(kinds_of_other_libraries), cmocka_unit_test(rows_that_are_not_there),
        cmocka_unit_test(nothing_comes_of_nothing), cmocka_unit_test(batches_do_not_see_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
