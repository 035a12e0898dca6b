/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "linalg/eigh.h"
#include "linalg/lapack.h"

/* syevd overwrites its argument, so it gets a copy: `a` must survive for the second attempt. */
dopt__eigh_driver dopt__eigh(ptrdiff_t n, double *a, double *values, double *vectors, double *work, int *iwork,
                             unsigned allowed)
{
    if (allowed & DOPT__EIGH_DIVIDE) {
        for (ptrdiff_t i = 0; i < n; i++)
            memcpy(vectors + i * n, a + i * n, (size_t)(i + 1) * sizeof *a);
        if (dopt__syevd(n, vectors, values, work, iwork))
            return DOPT__EIGH_DIVIDE;
    }
    if ((allowed & DOPT__EIGH_MRRR) && dopt__syevr(n, a, values, vectors, work, iwork))
        return DOPT__EIGH_MRRR;
    return DOPT__EIGH_NONE;
}
