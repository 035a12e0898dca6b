/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_API_H
#define DEPTHOPT_API_H

/**
 * @file depthopt/api.h
 * How the other headers declare what the library exports.
 */

#if defined(_WIN32) || defined(__CYGWIN__)
#  define DOPT_API
#elif defined(__GNUC__)
#  define DOPT_API __attribute__((visibility("default")))
#else
#  define DOPT_API
#endif

#ifdef __cplusplus
#  define DOPT_BEGIN_DECLS extern "C" {
#  define DOPT_END_DECLS }
#else
#  define DOPT_BEGIN_DECLS
#  define DOPT_END_DECLS
#endif

#endif
