/* SPDX-License-Identifier: MIT */
/* Many handles on many threads at once give the same bits as one after another. */
#include <pthread.h>

#include "support/support.h"

enum { most = 60 * 60, jobs = 8, rounds = 20 };

/* Every way that a call may go: QL, divide and conquer, without V, with a kept basis, in float32, the closed form. */
typedef struct shape {
    ptrdiff_t rows, cols;
    dopt_dtype dtype;
    double refresh_tolerance;
} shape;

static const shape shapes[jobs] = {
    { 24, 24, DOPT_F64, 0.0 }, { 60, 60, DOPT_F64, 0.0 }, { 6, 200, DOPT_F64, 0.0 }, { 30, 40, DOPT_F64, 0.01 },
    { 50, 45, DOPT_F32, 0.0 }, { 200, 5, DOPT_F32, 0.0 }, { 1, 300, DOPT_F64, 0.0 }, { 44, 44, DOPT_F32, 0.1 },
};

typedef struct job {
    double w[most]; /* memory for either dtype */
    int number;
} job;

static dopt_mat view(double *memory, shape s)
{
    return s.dtype == DOPT_F64 ? dopt_mat_f64(memory, s.rows, s.cols)
                               : dopt_mat_f32((float *)(void *)memory, s.rows, s.cols);
}

static void *train(void *argument)
{
    job *j = argument;
    double g[most];
    const shape s = shapes[j->number];
    const dopt_mat w = view(j->w, s), grad = view(g, s);
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    dopt_rng rng = dopt_rng_init((uint64_t)j->number, 0);
    dopt_e2e *e2e = NULL;
    options.refresh_tolerance = s.refresh_tolerance;
    dopt_status status = dopt_e2e_create(s.rows, s.cols, 3.0, &options, &e2e);
    if (status == DOPT_OK)
        status = dopt_rng_fill_normal(&rng, w, 1.0);
    for (int i = 0; i < rounds && status == DOPT_OK; i++) {
        status = dopt_rng_fill_normal(&rng, grad, 1.0);
        if (status == DOPT_OK)
            status = dopt_e2e_update(e2e, w, dopt_const(grad), 1e-3, 0.0);
    }
    dopt_e2e_destroy(&e2e);
    return status == DOPT_OK ? j : NULL;
}

static void same_bits_side_by_side(void **state)
{
    (void)state;
    static job alone[jobs], together[jobs];
    pthread_t threads[jobs];
    for (int i = 0; i < jobs; i++) {
        alone[i].number = together[i].number = i;
        assert_non_null(train(&alone[i]));
    }
    for (int i = 0; i < jobs; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, train, &together[i]), 0);
    for (int i = 0; i < jobs; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
        ASSERT_MAT_SAME(dopt_const(view(alone[i].w, shapes[i])), dopt_const(view(together[i].w, shapes[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(same_bits_side_by_side) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
