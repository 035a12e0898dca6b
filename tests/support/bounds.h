/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_TESTS_BOUNDS_H
#define DEPTHOPT_TESTS_BOUNDS_H

/*
 * Every bound of every public function is where its header says: the last value inside is taken, the first one outside
 * is refused, by a line that names the function, the argument, the value and the range.
 */

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "support/support.h"

#define OUTSIDE(call, text) ASSERT_FAILS(call, DOPT_ERR_INVALID, text)
#define MISSHAPEN(call, text) ASSERT_FAILS(call, DOPT_ERR_SHAPE, text)

/* Taken, as it is found out only after the check of all arguments that there is no memory. */
#define INSIDE(call) assert_int_equal((call), DOPT_ERR_NOMEM)

static void *nothing(size_t size, void *user)
{
    (void)size, (void)user;
    return NULL;
}

static void no_release(void *ptr, void *user)
{
    (void)user;
    assert_null(ptr);
}

static const dopt_allocator no_memory = { nothing, no_release, NULL };
static const ptrdiff_t extent_max = 2147483647, order_max = 32766;
static const double below_one = 1.0 - 0x1p-53;

#endif
