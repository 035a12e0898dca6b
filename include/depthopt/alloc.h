/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_ALLOC_H
#define DEPTHOPT_ALLOC_H

/**
 * @file depthopt/alloc.h
 * Where the library takes its memory from.
 */

#include <stddef.h>

#include <depthopt/api.h>

DOPT_BEGIN_DECLS

/**
 * A pair of callbacks. All three fields zero, the default in every options struct, means malloc and free.
 *
 * `allocate` returns `size` > 0 bytes aligned for any type, or NULL, which makes the call that asked
 * return DOPT_ERR_NOMEM. `release` gets what `allocate` returned, never NULL. Both must be set or neither.
 * A handle keeps a copy of the struct, and uses it until it is destroyed.
 *
 * Thread safety: the callbacks run in the thread that calls the library; a handle that starts threads
 * of its own (depthopt/lr_search.h) calls them from those too.
 */
typedef struct dopt_allocator {
    void *(*allocate)(size_t size, void *user); /**< Default NULL: malloc. */
    void (*release)(void *ptr, void *user);     /**< Default NULL: free. */
    void *user;                                 /**< Passed through. */
} dopt_allocator;

DOPT_END_DECLS

#endif
