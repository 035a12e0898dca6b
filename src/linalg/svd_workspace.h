/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_SVD_WORKSPACE_H
#define DEPTHOPT_LINALG_SVD_WORKSPACE_H

/* What svd.c, nested.c and refine.c share. All arrays are row-major without gaps. */

#include "linalg/svd.h"

struct dopt__svd {
    dopt_allocator allocator;
    dopt__svd_method method;
    unsigned allowed;  /* drivers */
    double flat_ratio; /* vt is not formed where all values exceed this part of the largest */
    ptrdiff_t k, d, first, rank;
    bool has_vt, narrow;
    size_t doubles, bytes;   /* of work, and of everything */
    double *values;          /* k */
    double *ut;              /* k x k: row i is the left singular vector of value i */
    double *vt;              /* k x d: row i is the right singular vector of value i */
    double *square;          /* k x k */
    double *wide;            /* k x d */
    double *work;            /* nested: wide and spare, one after the other; LAPACK: memory of its own */
    double *vectors, *spare; /* k x k each: eigenvectors of the later levels, and scratch; nested only */
    int *iwork, *group;      /* group: k, clusters of a level; nested only */
    dopt__svd_route route;
};

#endif
