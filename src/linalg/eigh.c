/* SPDX-License-Identifier: MIT */
#include "linalg/eigh.h"
#include "linalg/lapack.h"
#include "linalg/ql.h"

/* Up to this order QL beats divide and conquer, without vectors of AVX2 and with. */
static const ptrdiff_t ql_max_plain = 64, ql_max = 96;

static bool first_choice(ptrdiff_t n, const double *a, double *values, double *vectors, double *work, int *iwork)
{
    const dopt__isa isa = dopt__cpu_isa();
    if (n <= (isa == DOPT__PLAIN ? ql_max_plain : ql_max))
        return DOPT__BY_ISA(dopt__ql_solver, isa)->solve(n, a, values, vectors, work);
    return dopt__divide(n, a, values, vectors, work, iwork);
}

dopt__eigh_driver dopt__eigh(ptrdiff_t n, double *a, double *values, double *vectors, double *work, int *iwork,
                             unsigned allowed)
{
    if ((allowed & DOPT__EIGH_DIVIDE) && first_choice(n, a, values, vectors, work, iwork))
        return DOPT__EIGH_DIVIDE;
    if ((allowed & DOPT__EIGH_MRRR) && dopt__syevr(n, a, values, vectors, work, iwork))
        return DOPT__EIGH_MRRR;
    return DOPT__EIGH_NONE;
}
