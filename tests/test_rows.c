/* SPDX-License-Identifier: MIT */
/* The kernels of each instruction set against the definition of their sums, bit by bit, and against each other. */
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "linalg/line_kernels.h"
#include "objective/few.h"
#include "objective/row_kernels.h"
#include "support/support.h"

enum { most_rows = 70, most_cols = 300, ahead = DOPT__AHEAD };

typedef struct rows {
    double f64[most_rows][most_cols], w64[most_cols], sum64[most_cols];
    float f32[most_rows][most_cols], w32[most_cols], sum32[most_cols];
    double y[most_rows];
    const void *row[2][most_rows + ahead]; /* by dtype */
} rows;

static rows data;

static void fill(dopt_rng *rng, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < most_rows; i++)
        for (ptrdiff_t c = 0; c < most_cols; c++) {
            data.f64[i][c] = dopt_rng_normal(rng);
            data.f32[i][c] = (float)data.f64[i][c];
        }
    for (ptrdiff_t c = 0; c < most_cols; c++) {
        data.w64[c] = dopt_rng_normal(rng);
        data.w32[c] = (float)data.w64[c];
        data.sum64[c] = dopt_rng_normal(rng);
        data.sum32[c] = (float)data.sum64[c];
    }
    for (ptrdiff_t i = 0; i < count + ahead; i++) {
        const ptrdiff_t from = test_int(rng, 0, most_rows - 1);
        data.row[DOPT_F64][i] = data.f64[from];
        data.row[DOPT_F32][i] = data.f32[from];
        if (i < count)
            data.y[i] = dopt_rng_normal(rng) > 0.0 ? 1.0 : -1.0;
    }
}

/* One lane for each element of 64 bytes, then halves to halves, then the rest. */
static double dot64(const double *x, const double *v, ptrdiff_t n)
{
    double lane[8] = { 0.0 };
    for (ptrdiff_t c = 0; c < n / 8 * 8; c++)
        lane[c % 8] += x[c] * v[c];
    for (int half = 4; half >= 1; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] += lane[i + half];
    for (ptrdiff_t c = n / 8 * 8; c < n; c++)
        lane[0] += x[c] * v[c];
    return lane[0];
}

static float dot32(const float *x, const float *v, ptrdiff_t n)
{
    float lane[16] = { 0.0f };
    for (ptrdiff_t c = 0; c < n / 16 * 16; c++)
        lane[c % 16] += x[c] * v[c];
    for (int half = 8; half >= 1; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] += lane[i + half];
    for (ptrdiff_t c = n / 16 * 16; c < n; c++)
        lane[0] += x[c] * v[c];
    return lane[0];
}

static void products_follow_their_definition(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(200); round++) {
        const ptrdiff_t n = test_size(&rng, most_cols), count = test_size(&rng, most_rows);
        fill(&rng, count);
        for (int isa = DOPT__PLAIN; isa <= (int)dopt__cpu_isa(); isa++) {
            const dopt__line_table *table = DOPT__BY_ISA(dopt__line_table, isa);
            double z64[most_rows], sum64[most_cols], want64[most_cols];
            float z32[most_rows], sum32[most_cols], want32[most_cols];
            table->of[DOPT_F64].dot(count, data.row[DOPT_F64], n, data.w64, z64);
            table->of[DOPT_F32].dot(count, data.row[DOPT_F32], n, data.w32, z32);
            memcpy(sum64, data.sum64, sizeof sum64);
            memcpy(want64, data.sum64, sizeof sum64);
            memcpy(sum32, data.sum32, sizeof sum32);
            memcpy(want32, data.sum32, sizeof sum32);
            table->of[DOPT_F64].add(count, data.row[DOPT_F64], n, z64, sum64);
            table->of[DOPT_F32].add(count, data.row[DOPT_F32], n, z32, sum32);
            for (ptrdiff_t i = 0; i < count; i++) {
                const double *x64 = data.row[DOPT_F64][i];
                const float *x32 = data.row[DOPT_F32][i];
                assert_true(z64[i] == dot64(x64, data.w64, n));
                assert_true(z32[i] == dot32(x32, data.w32, n));
                for (ptrdiff_t c = 0; c < n; c++) {
                    want64[c] += z64[i] * x64[c];
                    want32[c] += z32[i] * x32[c];
                }
            }
            assert_memory_equal(sum64, want64, sizeof sum64); /* nothing beyond n has changed, either */
            assert_memory_equal(sum32, want32, sizeof sum32);
        }
    }
}

static void passes_agree(dopt_rng *rng, const dopt_loss *loss)
{
    const ptrdiff_t n = test_size(rng, most_cols), count = test_size(rng, most_rows);
    double parameter;
    const dopt__loss_form form = dopt__loss_form_of(loss, &parameter);
    fill(rng, count);
    for (int dtype = DOPT_F64; dtype <= DOPT_F32; dtype++) {
        double first = 0.0, kept[most_cols] = { 0.0 };
        const double scale = 0.1, eps = test_eps((dopt_dtype)dtype);
        for (ptrdiff_t c = 0; c < n; c++) {
            data.w64[c] *= scale;
            data.w32[c] = (float)data.w64[c];
        }
        for (int isa = DOPT__PLAIN; isa <= (int)dopt__cpu_isa(); isa++)
            for (int source = DOPT__CACHED; source <= DOPT__SCATTERED; source++) {
                const void *w = dtype == DOPT_F64 ? (const void *)data.w64 : (const void *)data.w32;
                const dopt__pass pass = { loss, form, parameter, dopt_loss_weight(loss), w, n, (dopt__source)source };
                double sum[most_cols] = { 0.0 };
                const dopt__pass_fn do_pass = DOPT__BY_ISA(dopt__row_table, isa)->pass[dtype];
                const double value = do_pass(&pass, count, data.row[dtype], data.y, sum);
                assert_true(value == do_pass(&pass, count, data.row[dtype], data.y, NULL));
                if (isa == DOPT__PLAIN && source == DOPT__CACHED) {
                    first = value;
                    memcpy(kept, sum, sizeof kept);
                }
                assert_true(value == first);
                assert_memory_equal(sum, kept, sizeof sum);
            }
        /* The definition, through the loss as the public function has it. */
        double right = 0.0, want[most_cols] = { 0.0 }, size = 0.0;
        for (ptrdiff_t i = 0; i < count; i++) {
            double z = 0.0, slope, value;
            for (ptrdiff_t c = 0; c < n; c++)
                z += ((const double *)data.row[DOPT_F64][i])[c] * data.w64[c];
            ASSERT_OK(dopt_loss_eval(loss, dopt_cmat_f64(&z, 1, 1), dopt_cmat_f64(&data.y[i], 1, 1), &value,
                                     dopt_mat_f64(&slope, 1, 1)));
            right += value;
            for (ptrdiff_t c = 0; c < n; c++)
                want[c] += slope * ((const double *)data.row[DOPT_F64][i])[c];
            size += fabs(slope) * (1.0 + sqrt((double)n)) + value;
        }
        ASSERT_CLOSE(first, right, 100.0 * sqrt((double)n) * eps * size);
        for (ptrdiff_t c = 0; c < n; c++) {
            const double got = dtype == DOPT_F64 ? kept[c] : (double)((const float *)(const void *)kept)[c];
            ASSERT_CLOSE(got, want[c], 300.0 * sqrt((double)n) * eps * (1.0 + size));
        }
    }
}

static void passes_agree_for_every_loss(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    static const double powers[] = { 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 12.0 };
    enum { lps = sizeof powers / sizeof *powers, all = lps + 3 };
    dopt_loss *losses[all] = { NULL };
    for (int i = 0; i < lps; i++)
        ASSERT_OK(dopt_loss_create_lp(powers[i], NULL, &losses[i]));
    ASSERT_OK(dopt_loss_create_squared(NULL, &losses[lps]));
    ASSERT_OK(dopt_loss_create_huber(0.5, NULL, &losses[lps + 1]));
    ASSERT_OK(dopt_loss_create_logistic(NULL, &losses[lps + 2]));
    for (int round = 0; round < test_rounds(20 * all); round++)
        passes_agree(&rng, losses[round % all]);
    for (int i = 0; i < all; i++)
        dopt_loss_destroy(&losses[i]);
}

/* How many threads can be of use for m rows of d numbers and k outputs: the leaves that the rows are cut into. */
static int leaves(ptrdiff_t m, ptrdiff_t d, ptrdiff_t k)
{
    double nothing_is_read = 0.0;
    const dopt_cmat x = dopt_cmat_f64(&nothing_is_read, m, d), y = dopt_cmat_f64(&nothing_is_read, m, k);
    dopt_objective_options options = DOPT_OBJECTIVE_OPTIONS_INIT;
    dopt_loss *loss;
    options.threads = 1000;
    ASSERT_OK(dopt_loss_create_squared(NULL, &loss));
    dopt__few *few = dopt__few_create(x, y, loss, &options);
    assert_non_null(few);
    const int count = dopt__few_threads(few);
    dopt__few_destroy(few);
    dopt_loss_destroy(&loss);
    return count;
}

/* At least 128 KiB and whole chunks of 64 rows, at most 64 leaves, and eight megabytes of gradients in all of them. */
static void leaves_follow_from_the_shape(void **state)
{
    (void)state;
    assert_int_equal(leaves(1, 1, 1), 1);
    assert_int_equal(leaves(16384, 1, 1), 1);
    assert_int_equal(leaves(16385, 1, 1), 2);
    assert_int_equal(leaves(2 * 16384, 1, 5), 2);
    assert_int_equal(leaves(2 * 16384 + 1, 1, 5), 3);
    assert_int_equal(leaves(64 * 16384, 1, 1), 64);
    assert_int_equal(leaves(100 * 16384, 1, 1), 64);
    assert_int_equal(leaves(128, 300, 1), 2);
    assert_int_equal(leaves(129, 300, 1), 3);
    assert_int_equal(leaves(6400, 20000, 2), 25); /* 26 would have room */
    assert_int_equal(leaves(6400, 2000000, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_follow_their_definition),
        cmocka_unit_test(passes_agree_for_every_loss),
        cmocka_unit_test(leaves_follow_from_the_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
