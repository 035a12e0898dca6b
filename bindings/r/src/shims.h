/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_R_SHIMS_H
#define DEPTHOPT_R_SHIMS_H

/*
 * What the shims share. An R matrix is a column-major view of its own memory; a vector is a column. R leaves a call by
 * jumping (errors, interrupts), which must not happen while the library is on the stack or a handle is unowned: results
 * are allocated before handles are made, R functions are called through R_tryEval(), and failures are raised last.
 */

#include <stdbool.h>

#include <depthopt/depthopt.h>

#define R_NO_REMAP
#include <R.h>
#include <Rinternals.h>

/* Raise the library's message as an R error unless `status` is DOPT_OK. */
void shim_check(dopt_status status);

/* Views of a double matrix or vector; an R error names `what` if it is none. */
dopt_mat shim_view(SEXP a, const char *what);
dopt_cmat shim_cview(SEXP a, const char *what);

/* New matrices; protect them. The copy of a view is NULL where the view is none. */
SEXP shim_matrix(ptrdiff_t rows, ptrdiff_t cols);
SEXP shim_copy(dopt_cmat m);

/* A handle for R: an external pointer of S3 class `class`, freed by `finalize` when R collects it. */
SEXP shim_handle(void *handle, const char *class, R_CFinalizer_t finalize);

/* The handle behind an external pointer, or an R error that says that it should be of this class. */
void *shim_pointer(SEXP handle, const char *class);

/* A double as the integer that it is, or an R error that names `what`: C would truncate it, or worse. */
int64_t shim_whole(double value, const char *what);
uint64_t shim_seed(double value, const char *what);

/* Elements of a named list; shim_count() wants a whole number. */
SEXP shim_item(SEXP list, const char *name);
double shim_number(SEXP list, const char *name);
int64_t shim_count(SEXP list, const char *name);
const char *shim_text(SEXP list, const char *name);

/* A loss from what dopt_loss() in R made, to be destroyed by the caller. */
dopt_status shim_loss(SEXP description, dopt_loss **out);

#endif
