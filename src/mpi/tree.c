/* SPDX-License-Identifier: MIT */
/*
 * A node of the tree is blocks at ... at + size - 1, as far as they exist, with a power of two for its size and `at` a
 * multiple of it. Its sum is that of its first half plus that of its second.
 *
 * All ranks go through the tree from its root. Nodes that lie within a rank are summed there, before any message. A
 * node that spans ranks is stored by the rank that has its first block, which is that of its first half; the rank of
 * the second half sends. All ranks see the nodes in one order, so of the messages that have not arrived the first one
 * has both of its ranks ready: nothing can lock.
 */

#include "mpi/tree.h"

#include <string.h>

#include "mpi/agree.h"

struct dopt__tree {
    MPI_Comm comm;
    dopt_allocator allocator;
    int rank, ranks;
    const ptrdiff_t *starts;
    ptrdiff_t blocks, root, n; /* root: the size of the root */
    ptrdiff_t count, next;     /* nodes within this rank; the one that comes now */
    double *nodes;             /* their sums */
    double *stack;             /* one vector for each level; the first one takes messages too */
    double *result;
};

static ptrdiff_t end_of(const dopt__tree *t, ptrdiff_t at, ptrdiff_t size)
{
    return at + size < t->blocks ? at + size : t->blocks;
}

static int has_all(const dopt__tree *t, ptrdiff_t at, ptrdiff_t size)
{
    return t->starts[t->rank] <= at && end_of(t, at, size) <= t->starts[t->rank + 1];
}

static int has_none(const dopt__tree *t, ptrdiff_t at, ptrdiff_t size)
{
    return end_of(t, at, size) <= t->starts[t->rank] || t->starts[t->rank + 1] <= at;
}

static int owner_of(const dopt__tree *t, ptrdiff_t block)
{
    int low = 0, high = t->ranks - 1; /* the last rank whose blocks start at `block` or before */
    while (low < high) {
        const int middle = low + (high - low + 1) / 2;
        if (t->starts[middle] <= block)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static ptrdiff_t count_nodes(const dopt__tree *t, ptrdiff_t at, ptrdiff_t size)
{
    if (at >= t->blocks || has_none(t, at, size))
        return 0;
    if (has_all(t, at, size))
        return 1;
    return count_nodes(t, at, size / 2) + count_nodes(t, at + size / 2, size / 2);
}

dopt__tree *dopt__tree_create(MPI_Comm comm, const ptrdiff_t *starts, ptrdiff_t n, const dopt_allocator *allocator)
{
    dopt__tree *t = dopt__mpi_alloc(allocator, 1, sizeof *t);
    if (!t)
        return NULL;
    if (allocator)
        t->allocator = *allocator;
    t->comm = comm;
    (void)MPI_Comm_rank(comm, &t->rank);
    (void)MPI_Comm_size(comm, &t->ranks);
    t->starts = starts;
    t->blocks = starts[t->ranks];
    t->n = n;
    ptrdiff_t levels = 1;
    for (t->root = 1; t->root < t->blocks; t->root *= 2)
        levels++;
    t->count = count_nodes(t, 0, t->root);
    t->nodes = dopt__mpi_alloc(allocator, (size_t)(t->count + levels + 1) * (size_t)n, sizeof *t->nodes);
    if (!t->nodes) {
        dopt__tree_destroy(t);
        return NULL;
    }
    t->stack = t->nodes + t->count * n;
    t->result = t->stack + levels * n;
    return t;
}

void dopt__tree_destroy(dopt__tree *tree)
{
    if (!tree)
        return;
    const dopt_allocator allocator = tree->allocator;
    dopt__mpi_release(&allocator, tree->nodes);
    dopt__mpi_release(&allocator, tree);
}

static void add(double *to, const double *from, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        to[i] += from[i];
}

/* What goes with a walk through the nodes of this rank. */
typedef struct walk {
    dopt__tree *tree;
    dopt__leaf_fn leaf;
    void *user;
    dopt_status status;
} walk;

/* The sum of a node within this rank; `stack`: a vector for each level from here on. */
static void sum_node(walk *w, ptrdiff_t at, ptrdiff_t size, double *sums, double *stack)
{
    const ptrdiff_t n = w->tree->n;
    if (size == 1) {
        memset(sums, 0, (size_t)n * sizeof *sums);
        const dopt_status status = w->leaf(at, sums, w->user);
        if (w->status == DOPT_OK)
            w->status = status;
        return;
    }
    sum_node(w, at, size / 2, sums, stack);
    if (at + size / 2 >= w->tree->blocks)
        return;
    sum_node(w, at + size / 2, size / 2, stack, stack + n);
    add(sums, stack, n);
}

static void sum_all(walk *w, ptrdiff_t at, ptrdiff_t size)
{
    dopt__tree *t = w->tree;
    if (at >= t->blocks || has_none(t, at, size))
        return;
    if (has_all(t, at, size)) {
        sum_node(w, at, size, t->nodes + t->next++ * t->n, t->stack);
        return;
    }
    sum_all(w, at, size / 2);
    sum_all(w, at + size / 2, size / 2);
}

dopt_status dopt__tree_local(dopt__tree *tree, dopt__leaf_fn leaf, void *user)
{
    walk w = { tree, leaf, user, DOPT_OK };
    tree->next = 0;
    sum_all(&w, 0, tree->root);
    return w.status;
}

/* The node's sum goes to *sums of its owner; NULL for the other ranks. */
static int join(dopt__tree *t, ptrdiff_t at, ptrdiff_t size, double **sums)
{
    const ptrdiff_t middle = at + size / 2;
    double *right = NULL;
    int code = MPI_SUCCESS;
    *sums = NULL;
    if (has_none(t, at, size))
        return code;
    if (has_all(t, at, size)) {
        *sums = t->nodes + t->next++ * t->n;
        return code;
    }
    code = join(t, at, size / 2, sums);
    if (middle >= t->blocks || code != MPI_SUCCESS)
        return code;
    code = join(t, middle, size / 2, &right);
    if (code != MPI_SUCCESS)
        return code;
    if (*sums && !right) {
        code = MPI_Recv(t->stack, (int)t->n, MPI_DOUBLE, owner_of(t, middle), 0, t->comm, MPI_STATUS_IGNORE);
        right = t->stack;
    } else if (right && !*sums) {
        return MPI_Send(right, (int)t->n, MPI_DOUBLE, owner_of(t, at), 0, t->comm);
    }
    if (*sums)
        add(*sums, right, t->n);
    return code;
}

dopt_status dopt__tree_join(dopt__tree *tree, const char *func, double **sums)
{
    double *whole;
    tree->next = 0;
    DOPT__MPI_TRY(dopt__mpi_status(func, join(tree, 0, tree->root, &whole)));
    *sums = whole ? whole : tree->result;
    return dopt__mpi_status(func, MPI_Bcast(*sums, (int)tree->n, MPI_DOUBLE, owner_of(tree, 0), tree->comm));
}
