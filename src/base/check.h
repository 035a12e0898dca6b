/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_BASE_CHECK_H
#define DEPTHOPT_BASE_CHECK_H

/*
 * Failing: every public function checks its arguments with these, always. The message names the public
 * function, so helpers that check on its behalf take its name as `func`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <depthopt/mat.h>
#include <depthopt/status.h>

/* Record "func: text" as this thread's last error. */
void dopt__record(const char *func, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Hand a status on; of a failure, the last error names `func`, which the caller called, before what failed in it. */
dopt_status dopt__within(const char *func, dopt_status status);

/*
 * A callback failed: what it recorded by dopt_fail() or a call of the library, else the name of its status. `before` is
 * what dopt__failures(), this thread's failures so far, was before the callback.
 */
dopt_status dopt__callback_failed(const char *func, unsigned long before, dopt_status status);
unsigned long dopt__failures(void);

/* The same, with the status as its value: func and a printf format come after it. A macro, so that analysers see it. */
#define dopt__fail(status, ...) (dopt__record(__VA_ARGS__), (status))

/* Fail in the calling function unless `condition`; then come a status and a printf format. */
#define DOPT_REQUIRE(condition, status, ...)                                                                           \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return dopt__fail((status), __func__, __VA_ARGS__);                                                        \
    } while (0)

/* Hand a failure on to the caller. */
#define DOPT_TRY(call)                                                                                                 \
    do {                                                                                                               \
        const dopt_status status_ = (call);                                                                            \
        if (status_ != DOPT_OK)                                                                                        \
            return status_;                                                                                            \
    } while (0)

/* The largest extent and stride: what the BLAS interface can count. */
#define DOPT__EXTENT_MAX 2147483647

/* A valid view of any shape; `name` is the argument's name. */
dopt_status dopt__check_view(const char *func, const char *name, dopt_cmat m);

/* A valid view of this shape and dtype. */
dopt_status dopt__check_matrix(const char *func, const char *name, dopt_cmat m, ptrdiff_t rows, ptrdiff_t cols,
                               dopt_dtype dtype);

/* Whether some bytes between the first and the last element are common; most calls need to know no more. */
static inline bool dopt__spans_meet(const dopt_cmat *a, const dopt_cmat *b)
{
    const ptrdiff_t size = a->dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
    const uintptr_t a_first = (uintptr_t)a->data, b_first = (uintptr_t)b->data;
    const ptrdiff_t a_last = (a->rows - 1) * a->row_stride + (a->cols - 1) * a->col_stride;
    const ptrdiff_t b_last = (b->rows - 1) * b->row_stride + (b->cols - 1) * b->col_stride;
    return a_first < b_first + (uintptr_t)((b_last + 1) * size) && b_first < a_first + (uintptr_t)((a_last + 1) * size);
}

/* For views whose spans meet: no element is common, or, where `or_same`, they are one view. */
dopt_status dopt__check_elements(const char *func, const char *out_name, dopt_cmat out, const char *in_name,
                                 dopt_cmat in, bool or_same);

/*
 * `out`, which the call writes, and `in` are valid views of one dtype that share no element; or_same: or that are one.
 */
static inline dopt_status dopt__check_apart(const char *func, const char *out_name, dopt_cmat out, const char *in_name,
                                            dopt_cmat in)
{
    return dopt__spans_meet(&out, &in) ? dopt__check_elements(func, out_name, out, in_name, in, false) : DOPT_OK;
}

static inline dopt_status dopt__check_apart_or_same(const char *func, const char *out_name, dopt_cmat out,
                                                    const char *in_name, dopt_cmat in)
{
    return dopt__spans_meet(&out, &in) ? dopt__check_elements(func, out_name, out, in_name, in, true) : DOPT_OK;
}

/* One of the values 0 ... count - 1 of an enum, which `names` are for. */
dopt_status dopt__check_choice(const char *func, const char *name, int value, int count, const char *const names[]);

/*
 * Size of the struct when `field` was its last one. Note that a field appended where padding was leaves the size as it
 * is, so that the library could not tell whether a caller has set it.
 */
#define DOPT__SIZE_THROUGH(type, field)                                                                                \
    ((offsetof(type, field) + sizeof(((type *)NULL)->field) + _Alignof(type) - 1) / _Alignof(type) * _Alignof(type))

/*
 * Read an options struct of a caller who may have been compiled against an older or a newer release.
 * `dst` holds the defaults and is `size` bytes; `min_size` is what the first release had. Fields beyond
 * `size` must be zero.
 */
dopt_status dopt__read_options(const char *func, const void *options, size_t min_size, size_t size, void *dst);

#endif
