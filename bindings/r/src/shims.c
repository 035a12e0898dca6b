/* SPDX-License-Identifier: MIT */
#include "shims.h"

#include <math.h>
#include <string.h>

static const double largest = 9007199254740992.0; /* 2^53: every integer up to it is a double */

void shim_check(dopt_status status)
{
    if (status != DOPT_OK)
        Rf_error("%s", dopt_last_error());
}

dopt_mat shim_view(SEXP a, const char *what)
{
    if (!Rf_isReal(a))
        Rf_error("%s must be a numeric matrix or vector", what);
    const SEXP dim = Rf_getAttrib(a, R_DimSymbol);
    if (dim != R_NilValue && Rf_length(dim) != 2)
        Rf_error("%s must be a matrix or a vector", what);
    const ptrdiff_t rows = dim == R_NilValue ? Rf_xlength(a) : INTEGER(dim)[0];
    const ptrdiff_t cols = dim == R_NilValue ? 1 : INTEGER(dim)[1];
    return dopt_transposed(dopt_mat_f64(REAL(a), cols, rows));
}

dopt_cmat shim_cview(SEXP a, const char *what)
{
    return dopt_const(shim_view(a, what));
}

SEXP shim_matrix(ptrdiff_t rows, ptrdiff_t cols)
{
    return Rf_allocMatrix(REALSXP, (int)rows, (int)cols);
}

SEXP shim_copy(dopt_cmat m)
{
    if (!m.data)
        return R_NilValue;
    const SEXP out = shim_matrix(m.rows, m.cols);
    const double *from = m.data;
    for (ptrdiff_t c = 0; c < m.cols; c++)
        for (ptrdiff_t r = 0; r < m.rows; r++)
            REAL(out)[r + c * m.rows] = from[r * m.row_stride + c * m.col_stride];
    return out;
}

SEXP shim_handle(void *handle, const char *class, R_CFinalizer_t finalize)
{
    const SEXP out = PROTECT(R_MakeExternalPtr(handle, Rf_install(class), R_NilValue));
    R_RegisterCFinalizerEx(out, finalize, TRUE);
    Rf_setAttrib(out, R_ClassSymbol, PROTECT(Rf_mkString(class)));
    UNPROTECT(2);
    return out;
}

void *shim_pointer(SEXP handle, const char *class)
{
    if (TYPEOF(handle) != EXTPTRSXP || R_ExternalPtrTag(handle) != Rf_install(class))
        Rf_error("not what %s() returns", class);
    if (!R_ExternalPtrAddr(handle))
        Rf_error("this %s is from another session", class);
    return R_ExternalPtrAddr(handle);
}

SEXP shim_item(SEXP list, const char *name)
{
    const SEXP names = Rf_getAttrib(list, R_NamesSymbol);
    for (int i = 0; i < Rf_length(names); i++)
        if (strcmp(CHAR(STRING_ELT(names, i)), name) == 0)
            return VECTOR_ELT(list, i);
    Rf_error("there is no element %s", name);
}

double shim_number(SEXP list, const char *name)
{
    const SEXP item = shim_item(list, name);
    if (Rf_length(item) != 1 || !(Rf_isReal(item) || Rf_isInteger(item) || Rf_isLogical(item)))
        Rf_error("%s must be one number", name);
    return Rf_asReal(item);
}

int64_t shim_whole(double value, const char *what)
{
    if (!(fabs(value) <= largest) || value != floor(value))
        Rf_error("%s is %g, must be a whole number", what, value);
    return (int64_t)value;
}

uint64_t shim_seed(double value, const char *what)
{
    const int64_t whole = shim_whole(value, what);
    if (whole < 0)
        Rf_error("%s is %g, must be >= 0", what, value);
    return (uint64_t)whole;
}

int64_t shim_count(SEXP list, const char *name)
{
    return shim_whole(shim_number(list, name), name);
}

const char *shim_text(SEXP list, const char *name)
{
    const SEXP item = shim_item(list, name);
    if (!Rf_isString(item) || Rf_length(item) != 1)
        Rf_error("%s must be one string", name);
    return CHAR(STRING_ELT(item, 0));
}

dopt_status shim_loss(SEXP description, dopt_loss **out)
{
    const char *kind = shim_text(description, "kind");
    const double parameter = shim_number(description, "parameter");
    dopt_loss_options options = DOPT_LOSS_OPTIONS_INIT;
    options.weight = shim_number(description, "weight");
    if (strcmp(kind, "lp") == 0)
        return dopt_loss_create_lp(parameter, &options, out);
    if (strcmp(kind, "huber") == 0)
        return dopt_loss_create_huber(parameter, &options, out);
    if (strcmp(kind, "logistic") == 0)
        return dopt_loss_create_logistic(&options, out);
    if (strcmp(kind, "softmax_ce") == 0)
        return dopt_loss_create_softmax_ce(&options, out);
    return dopt_loss_create_squared(&options, out);
}
