/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_BASE_BUSY_H
#define DEPTHOPT_BASE_BUSY_H

/*
 * A handle serves one call at a time. A call that finds it in use, by another thread or by a callback of the same one,
 * fails instead of spoiling what the other is at.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include "base/check.h"

/* In a handle; zero at first. */
typedef struct dopt__busy {
    atomic_bool up;
} dopt__busy;

/* NULL: it is in use. */
static inline dopt__busy *dopt__take(dopt__busy *busy)
{
    return atomic_exchange_explicit(&busy->up, true, memory_order_acquire) ? NULL : busy;
}

static inline void dopt__let_go(dopt__busy **taken)
{
    if (*taken)
        atomic_store_explicit(&(*taken)->up, false, memory_order_release);
}

#define DOPT_JOIN_(a, b) a##b
#define DOPT_JOIN(a, b) DOPT_JOIN_(a, b)

/* Take the handle for the rest of the block that this stands in, or return `otherwise`, for what has no status. */
#define DOPT_HOLD_OR(handle, otherwise)                                                                                \
    dopt__busy *DOPT_JOIN(held_, __LINE__) __attribute__((cleanup(dopt__let_go))) =                                    \
        dopt__take((dopt__busy *)&(handle)->busy);                                                                     \
    if (!DOPT_JOIN(held_, __LINE__))                                                                                   \
    return otherwise

/* The same in a function that returns a status. */
#define DOPT_HOLD(handle)                                                                                              \
    DOPT_HOLD_OR(handle,                                                                                               \
                 dopt__fail(DOPT_ERR_BUSY, __func__,                                                                   \
                            "%s is in use by another call (of another thread, or the one whose callback this is)",     \
                            #handle))

#endif
