/* SPDX-License-Identifier: MIT */
/* The end-to-end preconditioner, and what needs no handle. */
#include "shims.h"

#include <limits.h>
#include <string.h>

SEXP shim_version(void)
{
    return Rf_mkString(dopt_version());
}

SEXP shim_rng_normal(SEXP shape, SEXP seed, SEXP stream, SEXP sd)
{
    dopt_rng rng = dopt_rng_init(shim_seed(Rf_asReal(seed), "seed"), shim_seed(Rf_asReal(stream), "stream"));
    const int64_t rows = shim_whole(REAL(shape)[0], "rows"), cols = shim_whole(REAL(shape)[1], "cols");
    if (rows < 0 || rows > INT_MAX || cols < 0 || cols > INT_MAX)
        Rf_error("a matrix of %g x %g cannot be made", (double)rows, (double)cols);
    const SEXP out = PROTECT(shim_matrix((ptrdiff_t)rows, (ptrdiff_t)cols));
    shim_check(dopt_rng_fill_normal(&rng, shim_view(out, "out"), Rf_asReal(sd)));
    UNPROTECT(1);
    return out;
}

SEXP shim_sym_power(SEXP a, SEXP power)
{
    const dopt_cmat from = shim_cview(a, "a");
    const SEXP out = PROTECT(shim_matrix(from.rows, from.cols));
    shim_check(dopt_sym_power(from, Rf_asReal(power), shim_view(out, "out")));
    UNPROTECT(1);
    return out;
}

static void finalize(SEXP handle)
{
    dopt_e2e *e2e = R_ExternalPtrAddr(handle);
    dopt_e2e_destroy(&e2e);
    R_ClearExternalPtr(handle);
}

SEXP shim_e2e(SEXP rows, SEXP cols, SEXP depth, SEXP svd, SEXP refresh_tolerance)
{
    dopt_e2e *e2e = NULL;
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    options.method = Rf_asLogical(svd) ? DOPT_E2E_SVD : DOPT_E2E_NESTED;
    options.refresh_tolerance = Rf_asReal(refresh_tolerance);
    shim_check(dopt_e2e_create((ptrdiff_t)shim_whole(Rf_asReal(rows), "rows"),
                               (ptrdiff_t)shim_whole(Rf_asReal(cols), "cols"), Rf_asReal(depth), &options, &e2e));
    return shim_handle(e2e, "dopt_e2e", finalize);
}

SEXP shim_e2e_apply(SEXP handle, SEXP w, SEXP grad)
{
    dopt_e2e *e2e = shim_pointer(handle, "dopt_e2e");
    const dopt_cmat at = shim_cview(w, "w"), slope = shim_cview(grad, "grad");
    const SEXP out = PROTECT(shim_matrix(at.rows, at.cols));
    shim_check(dopt_e2e_apply(e2e, at, slope, shim_view(out, "out")));
    UNPROTECT(1);
    return out;
}

/* R values do not change: the step is taken on a copy of w. */
SEXP shim_e2e_update(SEXP handle, SEXP w, SEXP grad, SEXP lr, SEXP weight_decay)
{
    dopt_e2e *e2e = shim_pointer(handle, "dopt_e2e");
    const dopt_cmat slope = shim_cview(grad, "grad");
    const SEXP out = PROTECT(Rf_duplicate(w));
    shim_check(dopt_e2e_update(e2e, shim_view(out, "w"), slope, Rf_asReal(lr), Rf_asReal(weight_decay)));
    UNPROTECT(1);
    return out;
}

/* A list of sigma, and the k x d eigenvalues, which C has in row-major order. */
SEXP shim_e2e_spectrum(SEXP handle, SEXP w)
{
    static const char *const names[] = { "sigma", "eigenvalues", "" };
    dopt_e2e *e2e = shim_pointer(handle, "dopt_e2e");
    const dopt_cmat at = shim_cview(w, "w");
    const ptrdiff_t k = at.rows, d = at.cols;
    const SEXP out = PROTECT(Rf_mkNamed(VECSXP, (const char **)names));
    const SEXP sigma = Rf_allocVector(REALSXP, k < d ? k : d);
    SET_VECTOR_ELT(out, 0, sigma);
    const SEXP eigenvalues = shim_matrix(k, d);
    SET_VECTOR_ELT(out, 1, eigenvalues);
    double *by_rows = (double *)R_alloc((size_t)(k * d), sizeof *by_rows);
    shim_check(dopt_e2e_spectrum(e2e, at, REAL(sigma), by_rows));
    for (ptrdiff_t r = 0; r < k; r++)
        for (ptrdiff_t c = 0; c < d; c++)
            REAL(eigenvalues)[r + c * k] = by_rows[r * d + c];
    UNPROTECT(1);
    return out;
}

SEXP shim_loss_eval(SEXP description, SEXP z, SEXP y)
{
    static const char *const names[] = { "value", "dz", "" };
    const dopt_cmat predicted = shim_cview(z, "z"), wanted = shim_cview(y, "y");
    dopt_loss *loss = NULL;
    const SEXP out = PROTECT(Rf_mkNamed(VECSXP, (const char **)names));
    SET_VECTOR_ELT(out, 0, Rf_ScalarReal(0.0));
    SET_VECTOR_ELT(out, 1, shim_matrix(predicted.rows, predicted.cols));
    double *value = REAL(VECTOR_ELT(out, 0));
    dopt_status status = shim_loss(description, &loss);
    if (status == DOPT_OK)
        status = dopt_loss_eval(loss, predicted, wanted, value, shim_view(VECTOR_ELT(out, 1), "dz"));
    dopt_loss_destroy(&loss);
    shim_check(status);
    UNPROTECT(1);
    return out;
}
