/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_CHECKPOINT_ATOMIC_FILE_H
#define DEPTHOPT_CHECKPOINT_ATOMIC_FILE_H

/* Files that are replaced as a whole or not at all. */

#include <stddef.h>

#include <depthopt/checkpoint.h>

/* Replace `path` by header and data: a temporary file beside it, flushed, renamed, the folder flushed. */
dopt_status dopt__file_replace(const char *func, const char *path, const dopt_allocator *allocator, size_t parts,
                               const void *const *data, const size_t *size);

/* Open a regular file to read. */
dopt_status dopt__file_open(const char *func, const char *path, int *fd);

/* A dopt_read_fn; `user` points to a file descriptor. */
ptrdiff_t dopt__file_read(void *data, size_t size, void *user);

void dopt__file_close(int fd);

#endif
