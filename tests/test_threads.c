/* SPDX-License-Identifier: MIT */
/* Many handles on many threads at once give the same bits as one after another. */
#include <pthread.h>

#include "support/support.h"

enum { side = 24, jobs = 8, rounds = 20 };

typedef struct job {
    double w[side * side];
    int seed;
} job;

static void *train(void *argument)
{
    job *j = argument;
    double g[side * side];
    dopt_rng rng = dopt_rng_init((uint64_t)j->seed, 0);
    dopt_e2e *e2e = NULL;
    dopt_status status = dopt_e2e_create(side, side, 3.0, NULL, &e2e);
    if (status == DOPT_OK)
        status = dopt_rng_fill_normal(&rng, dopt_mat_f64(j->w, side, side), 1.0);
    for (int i = 0; i < rounds && status == DOPT_OK; i++) {
        status = dopt_rng_fill_normal(&rng, dopt_mat_f64(g, side, side), 1.0);
        if (status == DOPT_OK)
            status = dopt_e2e_update(e2e, dopt_mat_f64(j->w, side, side), dopt_cmat_f64(g, side, side), 1e-3, 0.0);
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
        alone[i].seed = together[i].seed = i;
        assert_non_null(train(&alone[i]));
    }
    for (int i = 0; i < jobs; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, train, &together[i]), 0);
    for (int i = 0; i < jobs; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
        ASSERT_MAT_SAME(dopt_cmat_f64(alone[i].w, side, side), dopt_cmat_f64(together[i].w, side, side));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(same_bits_side_by_side) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
