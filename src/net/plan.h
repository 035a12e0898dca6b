/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_NET_PLAN_H
#define DEPTHOPT_NET_PLAN_H

/*
 * In which order a chain of products is multiplied: a binary tree with the factors for leaves.
 *
 * The cheapest tree of the factors between two layers is that of a cheapest cut, with cheapest trees on both sides:
 *
 *     cost(i, j) = min over i < m < j of  cost(i, m) + cost(m, j) + n_i n_m n_j
 *
 * For the derivative each join takes three products of that size, one up and two down, but the root, whose own
 * product is not needed, takes two. So below the root the cheapest trees are the same.
 */

#include <stdbool.h>

#include <depthopt/alloc.h>
#include <depthopt/mat.h>

/* W_high ... W_{low+1} = (W_high ... W_{middle+1}) (W_middle ... W_{low+1}) */
typedef struct dopt__join {
    int low, middle, high;
    int lower, upper;       /* the joins that are its two parts; -1: a factor, W_middle or W_high */
    dopt_mat product, grad; /* n_high x n_low; data NULL at the root, and grad if only the product is wanted */
} dopt__join;

typedef struct dopt__plan {
    dopt__join *joins; /* depth - 1 of them, parts before wholes, the root last */
    int count;
    double flops;
} dopt__plan;

/* The plans for W and for the derivative; `widths` are n_0 ... n_depth. False: no memory. */
bool dopt__plan_make(int depth, const ptrdiff_t *widths, const dopt_allocator *allocator, dopt__plan *product,
                     dopt__plan *backward);
void dopt__plan_release(dopt__plan *plan, const dopt_allocator *allocator);

#endif
