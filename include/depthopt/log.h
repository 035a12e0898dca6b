/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LOG_H
#define DEPTHOPT_LOG_H

/**
 * @file depthopt/log.h
 * What the library has to say besides a status.
 *
 * The library never prints. An options struct with a `logger` field hands the lines to your callback.
 */

#include <depthopt/api.h>

DOPT_BEGIN_DECLS

/** How serious a line is. */
typedef enum dopt_log_level {
    DOPT_LOG_INFO = 0,   /**< What was chosen, such as an evaluation order. */
    DOPT_LOG_WARNING = 1 /**< The call works, but look: it took a way around (a fallback), or a run will not move. */
} dopt_log_level;

/** Receives one line without a newline; `message` is valid during the call only. */
typedef void (*dopt_log_fn)(dopt_log_level level, const char *message, void *user);

/**
 * A callback and its argument; `fn` NULL, the default, means silence.
 *
 * Thread safety: called from the thread that called the library, before that call returns.
 */
typedef struct dopt_logger {
    dopt_log_fn fn; /**< Default NULL. */
    void *user;     /**< Passed through. */
} dopt_logger;

DOPT_END_DECLS

#endif
