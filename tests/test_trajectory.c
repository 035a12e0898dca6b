/* SPDX-License-Identifier: MIT */
/* Every rule against twenty steps of an independent script, trajectory/make_trajectories.py. */
#include <math.h>
#include <stdio.h>

#include "support/support.h"

static void twenty_steps_match(void **state)
{
    (void)state;
    static const double scale[3] = { 0.3, 0.1, 0.05 };
    char name[32];
    double decay, want[3];
    int decoupled, lines = 0;
    FILE *file = fopen("trajectory/trajectories.txt", "r");
    assert_non_null(file);
    while (fscanf(file, "%31s %lf %d %lf %lf %lf", name, &decay, &decoupled, want, want + 1, want + 2) == 6) {
        double p[3] = { 0.5, -1.25, 2.0 }, g[3];
        const dopt_mat block = dopt_mat_f64(p, 1, 3);
        const dopt_cmat grad = dopt_cmat_f64(g, 1, 3);
        dopt_optim_kind kind;
        dopt_optim *optim = NULL;
        ASSERT_OK(dopt_optim_kind_by_name(name, &kind));
        ASSERT_OK(dopt_optim_create(kind, &optim));
        ASSERT_OK(dopt_optim_set(optim, DOPT_WEIGHT_DECAY, decay));
        ASSERT_OK(dopt_optim_set(optim, DOPT_DECOUPLED, decoupled));
        for (int t = 1; t <= 20; t++) {
            for (int i = 0; i < 3; i++)
                g[i] = scale[i] * p[i] * p[i] * p[i] + sin(p[i] + t);
            ASSERT_OK(dopt_optim_apply(optim, 1, &block, &grad));
        }
        for (int i = 0; i < 3; i++)
            ASSERT_CLOSE(p[i], want[i], 1e-12);
        assert_int_equal(dopt_optim_steps(optim), 20);
        dopt_optim_destroy(&optim);
        lines++;
    }
    fclose(file);
    assert_int_equal(lines, 3 * dopt_optim_kind_count());
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(twenty_steps_match) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
