/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_SVD_WORKSPACE_H
#define DEPTHOPT_LINALG_SVD_WORKSPACE_H

/* What svd.c and nested.c share. All arrays are row-major without gaps. */

#include "linalg/svd.h"

struct dopt__svd {
    dopt_allocator allocator;
    dopt__svd_method method;
    unsigned allowed; /* drivers */
    ptrdiff_t k, d, first, rank;
    size_t doubles, bytes; /* of work, and of everything */
    double *values;        /* k */
    double *ut;            /* k x k: row i is the left singular vector of value i */
    double *vt;            /* k x d: row i is the right singular vector of value i */
    double *wide;          /* k x d */
    double *square;        /* k x k */
    double *vectors;       /* k x k: eigenvectors of the later levels; nested only */
    double *work;
    int *iwork;
    dopt__svd_route route;
};

/* The nested method. False: no eigendecomposition converged. */
bool dopt__nested(dopt__svd *svd, dopt_cmat w);

#endif
