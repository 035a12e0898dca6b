/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_BASE_MEMORY_H
#define DEPTHOPT_BASE_MEMORY_H

/* Zeroed, aligned memory from the caller's allocator. */

#include <stddef.h>

#include <depthopt/alloc.h>
#include <depthopt/status.h>

/* Bytes to which each allocation is aligned: a cache line, and the widest vector register. */
#define DOPT__ALIGN 64

/* Both callbacks or neither. */
dopt_status dopt__check_allocator(const char *func, const dopt_allocator *allocator);

/* `count` zeroed elements of `size` bytes; NULL if the product overflows or there is no memory. A count of
   0 gives a valid pointer. `allocator` NULL: malloc. */
void *dopt__alloc(const dopt_allocator *allocator, size_t count, size_t size);

/* Give back what dopt__alloc returned; `ptr` may be NULL. */
void dopt__release(const dopt_allocator *allocator, void *ptr);

#endif
