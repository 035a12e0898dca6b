/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>

#include "support/support.h"

static void every_status_has_a_name(void **state)
{
    (void)state;
    for (int a = DOPT_ERR_BUSY; a <= DOPT_OK; a++) {
        assert_string_not_equal(dopt_status_string((dopt_status)a), "unknown status");
        for (int b = DOPT_ERR_BUSY; b < a; b++)
            assert_string_not_equal(dopt_status_string((dopt_status)a), dopt_status_string((dopt_status)b));
    }
    assert_string_equal(dopt_status_string((dopt_status)1), "unknown status");
    assert_string_equal(dopt_status_string((dopt_status)-99), "unknown status");
}

static void *fail_elsewhere(void *text)
{
    dopt_loss *loss = NULL;
    (void)dopt_loss_create_lp(-5.0, NULL, &loss);
    strcpy(text, dopt_last_error());
    return NULL;
}

static void each_thread_has_its_error(void **state)
{
    (void)state;
    char there[512];
    pthread_t thread;
    dopt_net *net = NULL;
    assert_int_equal(dopt_net_create(DOPT_F64, 0, NULL, NULL, &net), DOPT_ERR_INVALID);
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, there), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(there, "dopt_loss_create_lp: p is -5, must be in [1, inf)");
    assert_string_equal(dopt_last_error(), "dopt_net_create: depth is 0, must be in [1, 1024]");
}

static void views_are_checked(void **state)
{
    (void)state;
    double a[16] = { 0 };
    dopt_mat m = dopt_mat_f64(a, 2, 3);
    m.row_stride = 2;
    ASSERT_FAILS(dopt_sym_power(dopt_const(m), 1.0, m), DOPT_ERR_SHAPE, "row_stride 2 and col_stride 1");
    m.dtype = (dopt_dtype)5;
    ASSERT_FAILS(dopt_sym_power(dopt_const(m), 1.0, m), DOPT_ERR_DTYPE, "a.dtype is 5");
    m = dopt_mat_f64(a, 0, 3);
    ASSERT_FAILS(dopt_sym_power(dopt_const(m), 1.0, m), DOPT_ERR_SHAPE, "a is 0 x 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_name),
        cmocka_unit_test(each_thread_has_its_error),
        cmocka_unit_test(views_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
