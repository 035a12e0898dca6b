/* SPDX-License-Identifier: MIT */
/*
 * What the library must leave as it is: the rounding mode, which floating-point exceptions trap, the locale, signal
 * handlers. And what it must live with: a locale with a decimal comma.
 */
#define _GNU_SOURCE

#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/saved_run.h"

/* Something of everything: every kind of run, each saved and loaded, and what runs do not use. */
static void use_everything(void)
{
    static run r;
    static memory m;
    double a[9] = { 2, 1, 0, 1, 3, 1, 0, 1, 4 }, out[9], sigma[3], grid[2] = { 0.01, 0.001 };
    dopt_e2e *e2e = NULL;
    int best = -1;
    for (int i = 0; i < kind_count; i += 7) {
        const kind k = kind_of(i);
        const dopt_fit_options o = options_of(&k);
        begin(&r, &k, 1 + i % 2, &o);
        take(&r, 5);
        save_to_memory(&r, &m);
        ASSERT_OK(load_from_memory(&r, &m));
        take(&r, 5);
        end(&r);
    }
    const kind k = kind_of(0);
    dopt_fit_options o = options_of(&k);
    begin(&r, &k, 2, &o);
    o.max_steps = 5;
    ASSERT_OK(dopt_lr_search(r.objective, &o, dopt_const(r.trainer->w), 2, grid, 2, NULL, &best));
    end(&r);
    ASSERT_OK(dopt_sym_power(dopt_cmat_f64(a, 3, 3), 0.5, dopt_mat_f64(out, 3, 3)));
    ASSERT_OK(dopt_e2e_create(3, 3, INFINITY, NULL, &e2e));
    ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f64(a, 3, 3), dopt_cmat_f64(out, 3, 3), dopt_mat_f64(out, 3, 3)));
    ASSERT_OK(dopt_e2e_spectrum(e2e, dopt_cmat_f64(a, 3, 3), sigma, out));
    dopt_e2e_destroy(&e2e);
    assert_int_equal(dopt_e2e_create(0, 3, 2.0, NULL, &e2e), DOPT_ERR_INVALID);
}

static void rounding_mode_stays(void **state)
{
    static const int modes[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(fesetround(modes[i]), 0);
        use_everything();
        assert_int_equal(fegetround(), modes[i]);
    }
    assert_int_equal(fesetround(FE_TONEAREST), 0);
}

/* Valgrind has no exceptions: no division raises a flag, and nothing traps. A skip() is "not ok" in TAP, and fails. */
static bool are_there_exceptions(void)
{
    const volatile double zero = 0.0;
    assert_int_equal(feclearexcept(FE_ALL_EXCEPT), 0);
    assert_true(isinf(1.0 / zero));
    const bool raised = fetestexcept(FE_DIVBYZERO) != 0;
    assert_int_equal(feclearexcept(FE_ALL_EXCEPT), 0);
    if (!raised)
        print_message("# skipped: there are no floating-point exceptions\n");
    return raised;
}

/* Flags that are up stay up: arithmetic raises more, and nothing takes them back. What traps is not touched. */
static void exceptions_stay(void **state)
{
    (void)state;
    if (!are_there_exceptions())
        return;
    const int trapping = fegetexcept();
    assert_int_equal(feraiseexcept(FE_DIVBYZERO | FE_INVALID), 0);
    use_everything();
    assert_int_equal(fetestexcept(FE_DIVBYZERO | FE_INVALID), FE_DIVBYZERO | FE_INVALID);
    assert_int_equal(fegetexcept(), trapping);
    assert_int_equal(feclearexcept(FE_ALL_EXCEPT), 0);
}

/* A program that traps what no computation on finite numbers should raise goes on. */
static void works_with_traps(void **state)
{
    const int traps = FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW;
    (void)state;
    if (!are_there_exceptions())
        return;
    assert_int_not_equal(feenableexcept(traps), -1);
    use_everything();
    assert_int_equal(fegetexcept(), traps);
    assert_int_not_equal(fedisableexcept(traps), -1);
}

static void signal_handlers_stay(void **state)
{
    struct sigaction before[32], after;
    (void)state;
    for (int s = 1; s < 32; s++)
        (void)sigaction(s, NULL, &before[s]);
    use_everything();
    for (int s = 1; s < 32; s++) {
        (void)sigaction(s, NULL, &after);
        assert_ptr_equal(after.sa_handler, before[s].sa_handler);
    }
}

/* Numbers are written with a comma where the checkpoint is written and read; its bytes are the same. */
static void lives_with_a_comma(void **state)
{
    static run r;
    static memory plainly, with_comma;
    char command[FOLDER_MAX + 96], text[16];
    const dopt_fit_options o = options_of(&plain);
    (void)state;
    begin(&r, &plain, 1, &o);
    take(&r, 7);
    save_to_memory(&r, &plainly);
    (void)snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' 2>/dev/null", folder);
    const int made = system(command);
    assert_int_equal(setenv("LOCPATH", folder, 1), 0);
    if (made != 0 || !setlocale(LC_ALL, "de_DE.UTF-8")) {
        end(&r);
        print_message("# skipped: there is no locale de_DE.UTF-8\n");
        return;
    }
    (void)snprintf(text, sizeof text, "%g", 1.5);
    assert_string_equal(text, "1,5");
    save_to_memory(&r, &with_comma);
    assert_memory_same(&plainly, &with_comma);
    ASSERT_OK(load_from_memory(&r, &with_comma));
    use_everything();
    assert_string_equal(setlocale(LC_ALL, NULL), "de_DE.UTF-8");
    (void)setlocale(LC_ALL, "C");
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_mode_stays),
        cmocka_unit_test(exceptions_stay),
        cmocka_unit_test(works_with_traps),
        cmocka_unit_test(signal_handlers_stay),
        cmocka_unit_test_setup_teardown(lives_with_a_comma, make_folder, remove_folder),
    };
    return cmocka_run_group_tests_name("environment", tests, NULL, NULL);
}
