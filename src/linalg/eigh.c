/* SPDX-License-Identifier: MIT */
#include "linalg/eigh.h"
#include "linalg/lapack.h"
#include "linalg/ql.h"

/* Up to this order QL beats divide and conquer. */
enum { ql_max = 40 };

dopt__eigh_driver dopt__eigh(ptrdiff_t n, double *a, double *values, double *vectors, double *work, int *iwork,
                             unsigned allowed)
{
    if ((allowed & DOPT__EIGH_DIVIDE) &&
        (n <= ql_max ? dopt__ql(n, a, values, vectors, work) : dopt__divide(n, a, values, vectors, work, iwork)))
        return DOPT__EIGH_DIVIDE;
    if ((allowed & DOPT__EIGH_MRRR) && dopt__syevr(n, a, values, vectors, work, iwork))
        return DOPT__EIGH_MRRR;
    return DOPT__EIGH_NONE;
}
