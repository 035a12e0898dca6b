/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_BASE_LOG_H
#define DEPTHOPT_BASE_LOG_H

#include <depthopt/log.h>

/* Format one line and hand it to the caller's callback, if there is one. */
void dopt__log(const dopt_logger *logger, dopt_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
