/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "support/support.h"

static void formulas(void **state)
{
    (void)state;
    const dopt_schedule constant = { 0 }, warm = { DOPT_SCHEDULE_CONSTANT, 4, 0, 0.0 };
    const dopt_schedule step = { DOPT_SCHEDULE_STEP, 0, 10, 0.5 }, cosine = { DOPT_SCHEDULE_COSINE, 2, 8, 0.1 };
    const dopt_schedule exponential = { DOPT_SCHEDULE_EXPONENTIAL, 0, 10, 0.25 };
    const dopt_schedule inverse = { DOPT_SCHEDULE_INVERSE_TIME, 0, 10, 3.0 };
    assert_true(dopt_schedule_lr(NULL, 0.3, 7) == 0.3);
    assert_true(dopt_schedule_lr(&constant, 0.3, 1000000) == 0.3);
    assert_true(dopt_schedule_lr(&constant, 0.3, -5) == 0.3);
    assert_true(dopt_schedule_lr(&warm, 1.0, 0) == 0.25);
    assert_true(dopt_schedule_lr(&warm, 1.0, 3) == 1.0);
    assert_true(dopt_schedule_lr(&warm, 1.0, -5) == 0.25);
    assert_true(dopt_schedule_lr(&warm, 1.0, 4) == 1.0 && dopt_schedule_lr(&warm, 1.0, 2) == 0.75);
    assert_true(dopt_schedule_lr(&step, 1.0, 9) == 1.0);
    assert_true(dopt_schedule_lr(&step, 1.0, 20) == 0.25);
    ASSERT_CLOSE(dopt_schedule_lr(&exponential, 1.0, 5), 0.5, 1e-15);
    ASSERT_CLOSE(dopt_schedule_lr(&cosine, 1.0, 6), 0.55, 1e-15);
    ASSERT_CLOSE(dopt_schedule_lr(&cosine, 1.0, 100), 0.1, 1e-15);
    ASSERT_CLOSE(dopt_schedule_lr(&inverse, 1.0, 10), 0.25, 1e-15);
    ASSERT_CLOSE(dopt_schedule_lr(&inverse, 1.0, 5), 0.4, 1e-15);
    ASSERT_CLOSE(dopt_schedule_lr(&cosine, 1.0, 4), 0.1 + 0.45 * (1.0 + sqrt(0.5)), 1e-15);
    assert_true(dopt_schedule_lr(&step, 1.0, 10) == 0.5 && dopt_schedule_lr(&step, 1.0, 19) == 0.5);
}

static void fields_are_checked(void **state)
{
    (void)state;
    const dopt_schedule bad[] = { { (dopt_schedule_kind)9, 0, 1, 1.0 },      { DOPT_SCHEDULE_STEP, 0, 0, 0.5 },
                                  { DOPT_SCHEDULE_STEP, 0, 1, 0.0 },         { DOPT_SCHEDULE_COSINE, 0, 1, 1.5 },
                                  { DOPT_SCHEDULE_INVERSE_TIME, 0, 1, NAN }, { DOPT_SCHEDULE_CONSTANT, -1, 1, 1.0 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ASSERT_FAILS(dopt_schedule_check(&bad[i]), DOPT_ERR_INVALID, "dopt_schedule_check: schedule->");
        assert_true(isnan(dopt_schedule_lr(&bad[i], 1.0, 0)));
    }
    ASSERT_FAILS(dopt_schedule_check(NULL), DOPT_ERR_INVALID, "NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(formulas), cmocka_unit_test(fields_are_checked) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
