/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_STATUS_H
#define DEPTHOPT_STATUS_H

/**
 * @file depthopt/status.h
 * What a call returns, and the text behind it.
 *
 * Every function that can fail returns a dopt_status. On failure its outputs are untouched unless its
 * header says otherwise (a run that fails on the way keeps the steps that it took), nothing leaks, and
 * dopt_last_error() holds one line that names the function, the argument, its value and what is allowed.
 * A status says whether the call worked; why a training run ended is a dopt_stop_reason
 * (depthopt/trainer.h). docs/errors.md explains each value and what to do about it.
 */

#include <depthopt/api.h>

DOPT_BEGIN_DECLS

/** Result of a call. The values are part of the ABI: never renumbered, never reused. */
typedef enum dopt_status {
    DOPT_OK = 0,             /**< The call worked. */
    DOPT_ERR_INVALID = -1,   /**< A pointer is NULL or a value is out of its range. */
    DOPT_ERR_SHAPE = -2,     /**< The extents or strides of a view do not fit. */
    DOPT_ERR_DTYPE = -3,     /**< Views of different or unknown element types. */
    DOPT_ERR_NOMEM = -4,     /**< The allocator returned NULL. */
    DOPT_ERR_NONFINITE = -5, /**< A NaN or an infinity where a finite number is needed. */
    DOPT_ERR_NUMERICAL = -6, /**< A decomposition failed, or a result overflows. */
    DOPT_ERR_IO = -7,        /**< Reading or writing failed. */
    DOPT_ERR_FORMAT = -8,    /**< A file is not what it should be. */
    DOPT_ERR_VERSION = -9,   /**< Made for another release. */
    DOPT_ERR_BUSY = -10      /**< A handle is in use by another call, in this thread or another. */
} dopt_status;

/**
 * Short English name of a status, such as "shape mismatch".
 *
 * @return a static string, never NULL; "unknown status" for a value that is not in the enum
 *
 * Thread safety: any thread, any time.
 */
DOPT_API const char *dopt_status_string(dopt_status status);

/**
 * The last failure of the library in the calling thread, as one line without a newline:
 *
 *     dopt_net_create: depth is 0, must be in [1, 1024]
 *
 * The first name is that of the function that was called. Where another one, or a callback, failed inside of it, the
 * name of that comes second: "dopt_fit: dopt_objective_eval: ...".
 *
 * Meaningful only after a call of this thread has returned something else than DOPT_OK; a successful call
 * neither sets nor clears it. The text is for people, and may change between releases.
 *
 * @return a string owned by the library, valid until the next failing call of this thread; "" if there
 *         was none; never NULL
 *
 * Thread safety: each thread has its own text.
 */
DOPT_API const char *dopt_last_error(void);

/**
 * Fail as the library does: for callbacks, and for libraries built on this one.
 *
 * @param[in] status    what failed
 * @param[in] function  its name; "function: text", cut to 255 characters, becomes the last error of this thread
 * @param[in] text      one line: argument, value, what is allowed; neither may be dopt_last_error() itself
 *
 * @return `status`
 *
 * Thread safety: any thread, any time.
 */
DOPT_API dopt_status dopt_fail(dopt_status status, const char *function, const char *text);

DOPT_END_DECLS

#endif
