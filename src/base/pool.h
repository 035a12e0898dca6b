/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_BASE_POOL_H
#define DEPTHOPT_BASE_POOL_H

/*
 * A few threads that wait for work, owned by one handle.
 *
 * Work is a number of items; each thread, the caller too, starts on a share of its own, the same at every call with as
 * many items, and helps with the others' when that is done. So an item must write to places of its own. Between two
 * calls that follow each other closely the threads spin, so that a call costs about a microsecond; after that they
 * sleep.
 */

#include <depthopt/alloc.h>

typedef struct dopt__pool dopt__pool;

/* One item of the work; `worker` is in [0, threads), and no two items run on the same worker at the same time. */
typedef void (*dopt__work_fn)(void *argument, int item, int worker);

/* Largest number of threads of a pool. */
#define DOPT__THREADS_MAX 256

/* A pool of `threads` in all, the caller included. NULL: no memory. Threads that cannot be started are done without. */
dopt__pool *dopt__pool_create(int threads, const dopt_allocator *allocator);
void dopt__pool_destroy(dopt__pool *pool); /* may be NULL */

/* Do items 0 ... items - 1 and return when all are done. `pool` NULL: one after the other. */
void dopt__pool_run(dopt__pool *pool, int items, dopt__work_fn work, void *argument);

#endif
