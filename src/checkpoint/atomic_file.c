/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "checkpoint/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"

enum { chunk_most = 1 << 30 }; /* what one read or write is asked to do */

static dopt_status fail_at(const char *func, const char *doing, const char *path)
{
    char reason[96];
    const int code = errno;
    if (strerror_r(code, reason, sizeof reason) != 0)
        (void)snprintf(reason, sizeof reason, "error %d", code);
    return dopt__fail(DOPT_ERR_IO, func, "%s %.100s: %s", doing, path, reason);
}

static bool write_all(int fd, const unsigned char *data, size_t size)
{
    while (size > 0) {
        const ssize_t done = write(fd, data, size < chunk_most ? size : (size_t)chunk_most);
        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0) {
            data += done;
            size -= (size_t)done;
        }
    }
    return true;
}

static bool flush(int fd)
{
    int code;
    do
        code = fsync(fd);
    while (code != 0 && errno == EINTR);
    return code == 0;
}

/* A new file at `path`, written and on the disk. */
static bool write_new(const char *path, size_t parts, const void *const *data, const size_t *size)
{
    (void)unlink(path); /* of a process that was killed */
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return false;
    bool written = true;
    for (size_t i = 0; i < parts && written; i++)
        written = write_all(fd, data[i], size[i]);
    written = written && flush(fd);
    const int code = errno; /* what went wrong first */
    const bool closed = close(fd) == 0;
    if (written && closed)
        return true;
    const int reason = written ? errno : code;
    (void)unlink(path);
    errno = reason;
    return false;
}

/* The new name is on the disk when its folder is. `folder` starts as the path. Some file systems cannot be asked. */
static bool flush_folder(char *folder)
{
    char *slash = strrchr(folder, '/');
    if (!slash)
        memcpy(folder, ".", 2);
    else
        slash[slash == folder] = '\0';
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES;
    const bool flushed = flush(fd) || errno == EINVAL;
    const int code = errno;
    (void)close(fd);
    errno = code;
    return flushed;
}

/* What is no file, such as a device, must not become one. A symbolic link is replaced. */
static dopt_status check_replaceable(const char *func, const char *path)
{
    struct stat is;
    if (lstat(path, &is) != 0 || S_ISREG(is.st_mode) || S_ISLNK(is.st_mode))
        return DOPT_OK;
    return dopt__fail(DOPT_ERR_IO, func, "%.100s is no regular file, must be one or not be there", path);
}

static dopt_status replace(const char *func, const char *path, char *temporary, size_t parts, const void *const *data,
                           const size_t *size)
{
    if (!write_new(temporary, parts, data, size))
        return fail_at(func, "cannot write", temporary);
    if (rename(temporary, path) != 0) {
        const dopt_status status = fail_at(func, "cannot replace", path);
        (void)unlink(temporary);
        return status;
    }
    temporary[strlen(path)] = '\0'; /* the path alone */
    return flush_folder(temporary) ? DOPT_OK : fail_at(func, "saved, but cannot flush the folder of", path);
}

dopt_status dopt__file_replace(const char *func, const char *path, const dopt_allocator *allocator, size_t parts,
                               const void *const *data, const size_t *size)
{
    static const char suffix[] = ".tmp";
    const size_t length = strlen(path);
    DOPT_TRY(check_replaceable(func, path));
    char *temporary = dopt__alloc(allocator, length + sizeof suffix, 1);
    if (!temporary)
        return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for a path of %zu bytes", length);
    memcpy(temporary, path, length);
    memcpy(temporary + length, suffix, sizeof suffix);
    const dopt_status status = replace(func, path, temporary, parts, data, size);
    dopt__release(allocator, temporary);
    return status;
}

dopt_status dopt__file_open(const char *func, const char *path, int *fd)
{
    struct stat is;
    const int opened = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe must not make us wait */
    if (opened < 0)
        return fail_at(func, "cannot open", path);
    dopt_status status = DOPT_OK;
    if (fstat(opened, &is) != 0)
        status = fail_at(func, "cannot look at", path);
    else if (!S_ISREG(is.st_mode))
        status = dopt__fail(DOPT_ERR_IO, func, "%.100s is no regular file", path);
    if (status != DOPT_OK)
        (void)close(opened);
    else
        *fd = opened;
    return status;
}

ptrdiff_t dopt__file_read(void *data, size_t size, void *user)
{
    const int *fd = user;
    ssize_t done;
    do
        done = read(*fd, data, size < chunk_most ? size : (size_t)chunk_most);
    while (done < 0 && errno == EINTR);
    return done;
}

void dopt__file_close(int fd)
{
    (void)close(fd);
}
