/* SPDX-License-Identifier: MIT */
/*
 * The caller's allocator promises alignment for any type only, so each block is allocated with room to
 * align, and the pointer to give back is kept just below the aligned address.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

static const size_t overhead = sizeof(void *) + DOPT__ALIGN - 1;

dopt_status dopt__check_allocator(const char *func, const dopt_allocator *allocator)
{
    if (!allocator->allocate != !allocator->release)
        return dopt__fail(DOPT_ERR_INVALID, func,
                          "allocator has only one of allocate and release, must have both or neither");
    return DOPT_OK;
}

void *dopt__alloc(const dopt_allocator *allocator, size_t count, size_t size)
{
    if (size != 0 && count > (SIZE_MAX - overhead) / size)
        return NULL;
    const size_t bytes = count * size;
    void *raw = allocator && allocator->allocate ? allocator->allocate(bytes + overhead, allocator->user)
                                                 : malloc(bytes + overhead);
    if (!raw)
        return NULL;
    const uintptr_t start = (uintptr_t)raw + sizeof(void *);
    const size_t shift = sizeof(void *) + (DOPT__ALIGN - start % DOPT__ALIGN) % DOPT__ALIGN;
    char *aligned = (char *)raw + shift;
    memcpy(aligned - sizeof raw, &raw, sizeof raw);
    return memset(aligned, 0, bytes);
}

void dopt__release(const dopt_allocator *allocator, void *ptr)
{
    if (!ptr)
        return;
    void *raw;
    memcpy(&raw, (char *)ptr - sizeof raw, sizeof raw);
    if (allocator && allocator->release)
        allocator->release(raw, allocator->user);
    else
        free(raw);
}
