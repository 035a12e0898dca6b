/* SPDX-License-Identifier: MIT */
/* What every loss promises: the right derivative, a zero of it at the optimum, any layout, dz onto z. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "support/support.h"

enum { rows = 5, cols = 3 };

/* l_p for each of these, then the others. */
static const double powers[] = { 1.0, 2.0, 3.0, 4.0, 6.0, 2.5 };
enum { lps = sizeof powers / sizeof *powers, huber = lps, logistic, softmax, custom, kinds };

static dopt_status copied_squares(dopt_cmat z, dopt_cmat y, double *sum, dopt_mat dz, void *user)
{
    *sum = 0.0;
    for (ptrdiff_t r = 0; r < z.rows; r++)
        for (ptrdiff_t c = 0; c < z.cols; c++) {
            const double e = test_get(z, r, c) - test_get(y, r, c);
            *sum += e * e;
            if (dz.data)
                test_set(dz, r, c, 2.0 * e);
        }
    return *(const dopt_status *)user;
}

static dopt_status fine = DOPT_OK;

static dopt_loss *create(int kind)
{
    dopt_loss *loss = NULL;
    switch (kind) {
    case huber: ASSERT_OK(dopt_loss_create_huber(0.8, NULL, &loss)); break;
    case logistic: ASSERT_OK(dopt_loss_create_logistic(NULL, &loss)); break;
    case softmax: ASSERT_OK(dopt_loss_create_softmax_ce(NULL, &loss)); break;
    case custom: ASSERT_OK(dopt_loss_create_custom(copied_squares, &fine, NULL, &loss)); break;
    default: ASSERT_OK(dopt_loss_create_lp(powers[kind], NULL, &loss)); break;
    }
    return loss;
}

/* l of one row, written down from the table of loss.h. */
static double textbook(int kind, const double *z, const double *y)
{
    double sum = 0.0, all = 0.0;
    for (int c = 0; c < cols; c++) {
        const double e = fabs(z[c] - y[c]);
        if (kind < lps)
            sum += pow(e, powers[kind]) / powers[kind];
        else if (kind == huber)
            sum += e <= 0.8 ? e * e / 2.0 : 0.8 * (e - 0.4);
        else if (kind == logistic)
            sum += log(1.0 + exp(-y[c] * z[c]));
        else if (kind == softmax)
            sum -= y[c] * z[c];
        else
            sum += e * e;
        all += exp(z[c]);
    }
    return kind == softmax ? sum + log(all) : sum;
}

static void targets(int kind, dopt_rng *rng, double *y)
{
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++)
            y[r * cols + c] = kind == logistic  ? (dopt_rng_below(rng, 2) ? 1.0 : -1.0)
                              : kind == softmax ? (c == r % cols ? 0.75 : 0.125)
                                                : dopt_rng_normal(rng);
}

static void value_and_derivative(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(360); round++) {
        const int kind = round % kinds;
        dopt_loss *loss = create(kind);
        double z[rows * cols], y[rows * cols], value = 0.0, want = 0.0;
        test_array zs = test_array_new(rows, cols, DOPT_F64, test_any_layout(&rng));
        test_array dz = test_array_new(rows, cols, DOPT_F64, test_any_layout(&rng));
        test_fill(&rng, dopt_mat_f64(z, rows, cols));
        targets(kind, &rng, y);
        test_copy(dopt_cmat_f64(z, rows, cols), zs.view);
        ASSERT_OK(dopt_loss_eval(loss, dopt_const(zs.view), dopt_cmat_f64(y, rows, cols), &value, dz.view));
        for (int r = 0; r < rows; r++)
            want += textbook(kind, z + r * cols, y + r * cols) / rows;
        ASSERT_CLOSE(value, want, 1e-14 * (1.0 + fabs(want)));
        for (int i = 0; i < rows * cols; i++) { /* central differences; l_1 and huber have kinks */
            const double h = 1e-6, at = z[i];
            if (fabs(at - y[i]) < 1e-3 || fabs(fabs(at - y[i]) - 0.8) < 1e-3)
                continue;
            z[i] = at + h;
            const double above = textbook(kind, z + i / cols * cols, y + i / cols * cols);
            z[i] = at - h;
            const double below = textbook(kind, z + i / cols * cols, y + i / cols * cols);
            z[i] = at;
            ASSERT_CLOSE(test_get(dopt_const(dz.view), i / cols, i % cols), (above - below) / (2.0 * h) / rows,
                         1e-8 + DBL_EPSILON / h * above);
        }
        ASSERT_OK(dopt_loss_eval(loss, dopt_const(zs.view), dopt_cmat_f64(y, rows, cols), NULL, zs.view));
        ASSERT_MAT_SAME(dopt_const(zs.view), dopt_const(dz.view));
        test_array_padding(&zs);
        test_array_padding(&dz);
        test_array_free(&zs);
        test_array_free(&dz);
        dopt_loss_destroy(&loss);
    }
}

static void zero_at_the_optimum_and_finite_far_out(void **state)
{
    (void)state;
    for (int kind = 0; kind < kinds; kind++) {
        dopt_loss *loss = create(kind);
        double y[2] = { 1.0, kind == logistic ? -1.0 : 0.0 }, z[2] = { 1.0, y[1] }, dz[2] = { 1, 1 }, value = -1.0;
        if (kind != logistic && kind != softmax) {
            ASSERT_OK(
                dopt_loss_eval(loss, dopt_cmat_f64(z, 1, 2), dopt_cmat_f64(y, 1, 2), &value, dopt_mat_f64(dz, 1, 2)));
            assert_true(value == 0.0 && dz[0] == 0.0 && dz[1] == 0.0);
        } else {
            z[0] = 1e300;
            z[1] = -1e300;
            ASSERT_OK(
                dopt_loss_eval(loss, dopt_cmat_f64(z, 1, 2), dopt_cmat_f64(y, 1, 2), &value, dopt_mat_f64(dz, 1, 2)));
            assert_true(value == 0.0 && fabs(dz[0]) == 0.0);
            z[0] = -1e300;
            ASSERT_OK(
                dopt_loss_eval(loss, dopt_cmat_f64(z, 1, 2), dopt_cmat_f64(y, 1, 2), &value, dopt_mat_f64(dz, 1, 2)));
            assert_true(isfinite(value));
        }
        assert_true(dopt_loss_weight(loss) > 0.0 && strlen(dopt_loss_name(loss)) > 0);
        dopt_loss_destroy(&loss);
    }
}

static void float_and_weight(void **state)
{
    (void)state;
    float z[300], y[300], dz[300];
    double zd[300], yd[300], value32, value64;
    dopt_rng rng = test_rng_begin(__func__);
    dopt_loss_options options = DOPT_LOSS_OPTIONS_INIT;
    options.weight = 3.0;
    dopt_loss *loss = NULL, *weighted = NULL;
    ASSERT_OK(dopt_loss_create_lp(4.0, NULL, &loss));
    ASSERT_OK(dopt_loss_create_lp(4.0, &options, &weighted));
    for (int i = 0; i < 300; i++) {
        zd[i] = z[i] = (float)dopt_rng_normal(&rng);
        yd[i] = y[i] = (float)dopt_rng_normal(&rng);
    }
    ASSERT_OK(
        dopt_loss_eval(loss, dopt_cmat_f32(z, 300, 1), dopt_cmat_f32(y, 300, 1), &value32, dopt_mat_f32(dz, 300, 1)));
    ASSERT_OK(
        dopt_loss_eval(weighted, dopt_cmat_f64(zd, 300, 1), dopt_cmat_f64(yd, 300, 1), &value64, dopt_mat_none()));
    ASSERT_CLOSE(12.0 * value32, value64, 1e-13 * value64);
    dopt_loss_destroy(&loss);
    dopt_loss_destroy(&weighted);
}

static void bad_arguments(void **state)
{
    (void)state;
    double z[2] = { 0, 1 }, y[2] = { 0.5, 1 }, value = 7.0, dz[2] = { 7, 7 };
    const dopt_cmat zc = dopt_cmat_f64(z, 1, 2), yc = dopt_cmat_f64(y, 1, 2);
    dopt_loss *loss = NULL;
    ASSERT_FAILS(dopt_loss_create_lp(0.5, NULL, &loss), DOPT_ERR_INVALID, "p is 0.5, must be in [1, inf)");
    ASSERT_FAILS(dopt_loss_create_huber(0.0, NULL, &loss), DOPT_ERR_INVALID, "delta is 0");
    ASSERT_FAILS(dopt_loss_create_custom(NULL, NULL, NULL, &loss), DOPT_ERR_INVALID, "fn is NULL");
    ASSERT_FAILS(dopt_loss_create_squared(NULL, NULL), DOPT_ERR_INVALID, "dopt_loss_create_squared: out is NULL");
    assert_null(loss);
    loss = create(logistic);
    ASSERT_FAILS(dopt_loss_eval(loss, zc, yc, &value, dopt_mat_f64(dz, 1, 2)), DOPT_ERR_INVALID,
                 "y[0, 0] is 0.5, must be -1 or +1");
    dopt_loss_destroy(&loss);
    loss = create(softmax);
    ASSERT_FAILS(dopt_loss_eval(loss, zc, yc, &value, dopt_mat_f64(dz, 1, 2)), DOPT_ERR_INVALID,
                 "row 0 of y sums to 1.5");
    ASSERT_FAILS(dopt_loss_eval(loss, zc, dopt_cmat_f64(y, 2, 1), &value, dopt_mat_none()), DOPT_ERR_SHAPE,
                 "y is 2 x 1");
    z[0] = NAN;
    ASSERT_FAILS(dopt_loss_eval(loss, zc, yc, &value, dopt_mat_none()), DOPT_ERR_NONFINITE, "z[0, 0] is nan");
    assert_true(value == 7.0 && dz[0] == 7.0);
    dopt_loss_destroy(&loss);
    static dopt_status broken = DOPT_ERR_IO;
    ASSERT_OK(dopt_loss_create_custom(copied_squares, &broken, NULL, &loss));
    z[0] = 0.0;
    assert_int_equal(dopt_loss_eval(loss, zc, yc, &value, dopt_mat_none()), DOPT_ERR_IO);
    assert_true(value == 7.0);
    dopt_loss_destroy(&loss);
}

/* Probabilities that were computed sum to 1 to within a rounding of their dtype, and no further. */
static void softmax_targets_sum_to_one(void **state)
{
    (void)state;
    dopt_loss *loss = NULL;
    double z[2] = { 0 }, value;
    float z32[2] = { 0 };
    ASSERT_OK(dopt_loss_create_softmax_ce(NULL, &loss));
    for (int sign = -1; sign <= 1; sign += 2) {
        const double near[] = { 0.5, 0.5 + 0.9e-9 * sign }, far[] = { 0.5, 0.5 + 1.1e-9 * sign };
        const float near32[] = { 0.5f, (float)(0.5 + 0.9e-5 * sign) }, far32[] = { 0.5f, (float)(0.5 + 1.1e-5 * sign) };
        const dopt_cmat m = dopt_cmat_f64(z, 1, 2), m32 = dopt_cmat_f32(z32, 1, 2);
        ASSERT_OK(dopt_loss_eval(loss, m, dopt_cmat_f64(near, 1, 2), &value, dopt_mat_none()));
        ASSERT_OK(dopt_loss_eval(loss, m32, dopt_cmat_f32(near32, 1, 2), &value, dopt_mat_none()));
        ASSERT_FAILS(dopt_loss_eval(loss, m, dopt_cmat_f64(far, 1, 2), &value, dopt_mat_none()), DOPT_ERR_INVALID,
                     "row 0 of y sums to");
        ASSERT_FAILS(dopt_loss_eval(loss, m32, dopt_cmat_f32(far32, 1, 2), &value, dopt_mat_none()), DOPT_ERR_INVALID,
                     "row 0 of y sums to");
    }
    dopt_loss_destroy(&loss);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_and_derivative),       cmocka_unit_test(zero_at_the_optimum_and_finite_far_out),
        cmocka_unit_test(float_and_weight),           cmocka_unit_test(bad_arguments),
        cmocka_unit_test(softmax_targets_sum_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
