/* SPDX-License-Identifier: MIT */
#include "net/plan.h"

#include <math.h>

#include "base/memory.h"

/* cost(i, j) in multiplications, and where it is reached; only 0 <= i < j <= depth is in use. */
typedef struct table {
    int depth;
    const ptrdiff_t *widths;
    double *cost;
    int *cut;
} table;

static size_t at(const table *t, int i, int j)
{
    return (size_t)i * (size_t)(t->depth + 1) + (size_t)j;
}

static double join_cost(const table *t, int i, int m, int j)
{
    return (double)t->widths[i] * (double)t->widths[m] * (double)t->widths[j];
}

static void fill_entry(table *t, int i, int j)
{
    double best = INFINITY;
    for (int m = i + 1; m < j; m++) {
        const double cost = t->cost[at(t, i, m)] + t->cost[at(t, m, j)] + join_cost(t, i, m, j);
        if (cost < best) {
            best = cost;
            t->cut[at(t, i, j)] = m;
        }
    }
    t->cost[at(t, i, j)] = best;
}

static void fill(table *t)
{
    for (int length = 2; length <= t->depth; length++)
        for (int i = 0; i + length <= t->depth; i++)
            fill_entry(t, i, i + length);
}

/* The tree between two layers; returns its last join, or -1 for a factor. */
static int plant(const table *t, int low, int middle, int high, dopt__plan *plan)
{
    if (high - low == 1)
        return -1;
    const int lower = plant(t, low, t->cut[at(t, low, middle)], middle, plan);
    const int upper = plant(t, middle, t->cut[at(t, middle, high)], high, plan);
    const dopt__join join = { .low = low, .middle = middle, .high = high, .lower = lower, .upper = upper };
    plan->joins[plan->count] = join;
    return plan->count++;
}

/* Multiplications with the root cut at m: three times below it, and twice there, or all once. */
static double total(const table *t, int m, bool derivative)
{
    const double below = t->cost[at(t, 0, m)] + t->cost[at(t, m, t->depth)], root = join_cost(t, 0, m, t->depth);
    return derivative ? 3.0 * below + 2.0 * root : below + root;
}

static void plan_from(const table *t, bool derivative, dopt__plan *plan)
{
    int best = 1;
    if (t->depth == 1)
        return;
    for (int m = 2; m < t->depth; m++)
        if (total(t, m, derivative) < total(t, best, derivative))
            best = m;
    (void)plant(t, 0, best, t->depth, plan);
    plan->flops = 2.0 * total(t, best, derivative);
}

bool dopt__plan_make(int depth, const ptrdiff_t *widths, const dopt_allocator *allocator, dopt__plan *product,
                     dopt__plan *backward)
{
    const size_t entries = (size_t)(depth + 1) * (size_t)(depth + 1);
    table t = { depth, widths, dopt__alloc(allocator, entries, sizeof *t.cost),
                dopt__alloc(allocator, entries, sizeof *t.cut) };
    product->joins = dopt__alloc(allocator, (size_t)depth, sizeof *product->joins);
    backward->joins = dopt__alloc(allocator, (size_t)depth, sizeof *backward->joins);
    const bool there = t.cost && t.cut && product->joins && backward->joins;
    if (there) {
        fill(&t);
        plan_from(&t, false, product);
        plan_from(&t, true, backward);
    }
    dopt__release(allocator, t.cost);
    dopt__release(allocator, t.cut);
    return there;
}

void dopt__plan_release(dopt__plan *plan, const dopt_allocator *allocator)
{
    dopt__release(allocator, plan->joins);
    plan->joins = NULL;
}
