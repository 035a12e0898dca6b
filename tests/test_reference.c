/* SPDX-License-Identifier: MIT */
/*
 * P_W(G) against 60-digit values: every file of tests/reference/e2e, with both methods, in every layout.
 *
 * A file states its own tolerance, what a backward stable method can reach on it (make_reference.py). Further sets of
 * the same form are checked by naming their folder in DEPTHOPT_REFERENCE.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/support.h"

typedef struct reference {
    ptrdiff_t rows, cols;
    double depth, tolerance;
    double *w, *grad, *want;
} reference;

static double *read_matrix(FILE *file, ptrdiff_t rows, ptrdiff_t cols)
{
    double *m = malloc((size_t)(rows * cols) * sizeof *m);
    assert_non_null(m);
    for (ptrdiff_t i = 0; i < rows * cols; i++)
        assert_int_equal(fscanf(file, "%lf", m + i), 1);
    return m;
}

static reference read_reference(const char *path)
{
    reference ref = { 0 };
    double condition;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%td %td %lf %lf %lf", &ref.rows, &ref.cols, &ref.depth, &condition, &ref.tolerance),
                     5);
    ref.w = read_matrix(file, ref.rows, ref.cols);
    ref.grad = read_matrix(file, ref.rows, ref.cols);
    ref.want = read_matrix(file, ref.rows, ref.cols);
    fclose(file);
    return ref;
}

static void free_reference(reference *ref)
{
    free(ref->w);
    free(ref->grad);
    free(ref->want);
}

/* ||got - want||_F / ||want||_F, scaled so that entries of 1e120 do not overflow; 0 / 0 is 0. */
static double relative_error(dopt_cmat got, dopt_cmat want)
{
    double top = 0.0;
    long double error = 0.0L, size = 0.0L;
    for (ptrdiff_t r = 0; r < want.rows; r++)
        for (ptrdiff_t c = 0; c < want.cols; c++)
            top = fmax(top, fmax(fabs(test_get(got, r, c)), fabs(test_get(want, r, c))));
    if (top == 0.0)
        return 0.0;
    for (ptrdiff_t r = 0; r < want.rows; r++)
        for (ptrdiff_t c = 0; c < want.cols; c++) {
            const long double x = test_get(got, r, c) / top, y = test_get(want, r, c) / top;
            error += (x - y) * (x - y);
            size += y * y;
        }
    return (double)sqrtl(error / size);
}

/* Apply out of place and onto w itself; the larger relative error. */
static double check(const reference *ref, dopt_e2e_method method, test_layout layout)
{
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    options.method = method;
    dopt_e2e *e2e = NULL;
    ASSERT_OK(dopt_e2e_create(ref->rows, ref->cols, ref->depth, &options, &e2e));
    test_array w = test_array_new(ref->rows, ref->cols, DOPT_F64, layout);
    test_array grad = test_array_new(ref->rows, ref->cols, DOPT_F64, (test_layout)((layout + 1) % TEST_LAYOUTS));
    test_array out = test_array_new(ref->rows, ref->cols, DOPT_F64, layout);
    const dopt_cmat want = dopt_cmat_f64(ref->want, ref->rows, ref->cols);
    test_copy(dopt_cmat_f64(ref->w, ref->rows, ref->cols), w.view);
    test_copy(dopt_cmat_f64(ref->grad, ref->rows, ref->cols), grad.view);

    ASSERT_OK(dopt_e2e_apply(e2e, dopt_const(w.view), dopt_const(grad.view), out.view));
    double error = relative_error(dopt_const(out.view), want);
    ASSERT_OK(dopt_e2e_apply(e2e, dopt_const(w.view), dopt_const(grad.view), w.view));
    error = fmax(error, relative_error(dopt_const(w.view), want));
    test_array_padding(&w);
    test_array_padding(&grad);
    test_array_padding(&out);
    test_array_free(&w);
    test_array_free(&grad);
    test_array_free(&out);
    dopt_e2e_destroy(&e2e);
    return error;
}

static void check_file(const char *path)
{
    reference ref = read_reference(path);
    for (int method = DOPT_E2E_NESTED; method <= DOPT_E2E_SVD; method++)
        for (int layout = 0; layout < TEST_LAYOUTS; layout++) {
            const double error = check(&ref, (dopt_e2e_method)method, (test_layout)layout);
            if (getenv("DEPTHOPT_VERBOSE"))
                print_message("%s method %d layout %d: %.3g of %.3g\n", path, method, layout, error, ref.tolerance);
            if (!(error <= ref.tolerance)) {
                print_error("%s, method %d, layout %d: error %.3g, allowed %.3g\n", path, method, layout, error,
                            ref.tolerance);
                fail();
            }
        }
    free_reference(&ref);
}

static void every_file_within_its_tolerance(void **state)
{
    (void)state;
    const char *given = getenv("DEPTHOPT_REFERENCE"), *folder = given ? given : "reference/e2e";
    DIR *listing = opendir(folder);
    assert_non_null(listing);
    int files = 0;
    for (const struct dirent *entry; (entry = readdir(listing));) {
        char path[1024];
        if (!strstr(entry->d_name, ".txt"))
            continue;
        assert_true(snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < (int)sizeof path);
        check_file(path);
        files++;
    }
    closedir(listing);
    assert_true(files >= 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_file_within_its_tolerance) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
