/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "keep.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checksum.h"

enum { mark_size = 8, sum_size = 8, path_max = 4096, text_max = 80 };

static const char mark[] = "dopt-run"; /* the first bytes of a file */

const char *const keep_goodbye = "interrupted; the same command with --resume goes on";

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

void keep_watch(void)
{
    struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = (int)(SA_RESTART | SA_RESETHAND) };
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

bool keep_interrupted(void)
{
    return interrupted != 0;
}

bool keep_check(const keep_options *o, char message[256])
{
    (void)snprintf(message, 256, "--resume: needs --checkpoint FILE");
    return o->path || !o->resume;
}

bool keep_due(const keep_options *o, int64_t steps)
{
    return o->path && (steps % o->every == 0 || keep_interrupted());
}

static void fail(keep *k, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first failure is the one that is told. */
static void fail(keep *k, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!k->failed)
        (void)vsnprintf(k->message, sizeof k->message, format, arguments);
    va_end(arguments);
    k->failed = true;
}

static int append(const void *data, size_t size, void *user)
{
    keep *k = user;
    if (size > k->room - k->size) {
        const size_t room = 2 * k->room + size;
        unsigned char *larger = realloc(k->bytes, room);
        if (!larger)
            return 1;
        k->bytes = larger;
        k->room = room;
    }
    memcpy(k->bytes + k->size, data, size);
    k->size += size;
    return 0;
}

keep keep_saving(void)
{
    keep k = { .loading = false };
    if (append(mark, mark_size, &k) != 0)
        fail(&k, "out of memory");
    return k;
}

/* All of a file. */
static void read_file(keep *k, const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t got = 1;
    while (f && got > 0) {
        if (k->size == k->room) {
            unsigned char *larger = realloc(k->bytes, 2 * k->room + 4096);
            if (!larger)
                break;
            k->bytes = larger;
            k->room = 2 * k->room + 4096;
        }
        got = fread(k->bytes + k->size, 1, k->room - k->size, f);
        k->size += got;
    }
    if (!f || ferror(f))
        fail(k, "cannot read %.200s: %.80s", path, strerror(errno));
    else if (got > 0)
        fail(k, "out of memory");
    if (f)
        (void)fclose(f);
}

keep keep_loading(const char *path)
{
    keep k = { .loading = true, .at = mark_size };
    uint64_t sum;
    read_file(&k, path);
    if (k.failed)
        return k;
    if (k.size < mark_size + sum_size || memcmp(k.bytes, mark, mark_size) != 0) {
        fail(&k, "%.200s is no checkpoint of this program", path);
        return k;
    }
    k.end = k.size - sum_size;
    memcpy(&sum, k.bytes + k.end, sum_size);
    if (sum != checksum(CHECKSUM_START, k.bytes, k.end))
        fail(&k, "%.200s is damaged", path);
    return k;
}

bool keep_found(const keep_options *o, const char *path)
{
    return o->resume && access(path, F_OK) == 0;
}

static ptrdiff_t take(void *data, size_t size, void *user)
{
    keep *k = user;
    const size_t left = k->end - k->at, some = size < left ? size : left;
    memcpy(data, k->bytes + k->at, some);
    k->at += some;
    return (ptrdiff_t)some;
}

void keep_bytes(keep *k, void *data, size_t size)
{
    if (k->failed || size == 0)
        return;
    if (k->loading && (size_t)take(data, size, k) < size)
        fail(k, "the checkpoint is of another run: it ends early");
    else if (!k->loading && append(data, size, k) != 0)
        fail(k, "out of memory");
}

void keep_number(keep *k, double *number)
{
    keep_bytes(k, number, sizeof *number);
}

void keep_count(keep *k, int64_t *count)
{
    keep_bytes(k, count, sizeof *count);
}

void keep_flag(keep *k, bool *flag)
{
    int64_t value = *flag;
    keep_count(k, &value);
    *flag = value != 0;
}

void keep_matrix(keep *k, dopt_mat m)
{
    keep_bytes(k, m.data, (size_t)m.rows * (size_t)m.cols * (m.dtype == DOPT_F64 ? sizeof(double) : sizeof(float)));
}

void keep_curve(keep *k, curve *c)
{
    int64_t count = (int64_t)c->count;
    keep_count(k, &count);
    for (int64_t i = 0; i < count && !k->failed; i++) {
        double point[2] = { 0.0, 0.0 };
        if (!k->loading) {
            point[0] = c->x[i];
            point[1] = c->y[i];
        }
        keep_bytes(k, point, sizeof point);
        if (k->loading && !k->failed && !curve_add(c, point[0], point[1]))
            fail(k, "out of memory");
    }
}

void keep_optim(keep *k, dopt_optim *optim)
{
    int64_t steps = dopt_optim_steps(optim);
    keep_count(k, &steps);
    for (int block = -1; block < 0 || dopt_optim_state(optim, block, 0).data; block++)
        for (int s = 0; dopt_optim_state(optim, block, s).data; s++)
            keep_matrix(k, dopt_optim_state(optim, block, s));
    if (k->loading && !k->failed && dopt_optim_set_steps(optim, steps) != DOPT_OK)
        fail(k, "%.300s", dopt_last_error());
}

/* Its own checkpoint, after the length of that. */
void keep_trainer(keep *k, dopt_trainer *trainer)
{
    const size_t before = k->size, end = k->end;
    int64_t length = 0;
    keep_count(k, &length);
    if (k->failed)
        return;
    if (!k->loading) {
        if (dopt_trainer_save_to(trainer, append, k) != DOPT_OK)
            fail(k, "%.300s", dopt_last_error());
        length = (int64_t)(k->size - before - sizeof length);
        memcpy(k->bytes + before, &length, sizeof length);
        return;
    }
    if (length >= 0 && (uint64_t)length <= k->end - k->at)
        k->end = k->at + (size_t)length;
    if (dopt_trainer_load_from(trainer, take, k) != DOPT_OK)
        fail(k, "%.300s", dopt_last_error());
    k->end = end;
}

void keep_same(keep *k, const char *what, double number)
{
    double theirs = number;
    keep_number(k, &theirs);
    if (!k->failed && theirs != number)
        fail(k, "the checkpoint is of another run: its %.60s is %.15g, here it is %.15g", what, theirs, number);
}

void keep_same_text(keep *k, const char *what, const char *text)
{
    char mine[text_max] = "", theirs[text_max];
    (void)snprintf(mine, sizeof mine, "%s", text);
    memcpy(theirs, mine, sizeof mine);
    keep_bytes(k, theirs, sizeof theirs);
    theirs[text_max - 1] = '\0';
    if (!k->failed && strcmp(theirs, mine) != 0)
        fail(k, "the checkpoint is of another run: its %.60s is %s, here it is %s", what, theirs, mine);
}

void keep_same_data(keep *k, uint64_t sum)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%016llx", (unsigned long long)sum);
    keep_same_text(k, "checksum of x and y", text);
}

static bool write_all(const keep *k, int fd)
{
    const uint64_t sum = checksum(CHECKSUM_START, k->bytes, k->size);
    FILE *f = fdopen(fd, "wb");
    if (!f) {
        (void)close(fd);
        return false;
    }
    const bool written = fwrite(k->bytes, 1, k->size, f) == k->size && fwrite(&sum, 1, sum_size, f) == sum_size &&
                         fflush(f) == 0 && fsync(fd) == 0;
    const int reason = errno;
    const bool closed = fclose(f) == 0;
    if (!written)
        errno = reason;
    return written && closed;
}

/* A new name is on the disk when its folder is; some file systems cannot be asked. `path` is spoiled. */
static void flush_folder(char *path)
{
    const int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

/* Under another name first, so that at the path is the file of before or the new one, whole. */
static void replace(keep *k, const char *path)
{
    char temporary[path_max], copy[path_max];
    (void)snprintf(temporary, sizeof temporary, "%.4000s.tmp", path);
    (void)snprintf(copy, sizeof copy, "%.4000s", path);
    const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || !write_all(k, fd) || rename(temporary, path) != 0) {
        fail(k, "cannot write %.200s: %.80s", path, strerror(errno));
        (void)unlink(temporary);
        return;
    }
    flush_folder(copy);
}

bool keep_end(keep *k, const char *path, char message[KEEP_MESSAGE])
{
    if (k->loading && !k->failed && k->at != k->end)
        fail(k, "the checkpoint is of another run: it has more than this one");
    if (!k->loading && !k->failed)
        replace(k, path);
    const bool good = !k->failed;
    if (!good)
        (void)snprintf(message, KEEP_MESSAGE, "%s", k->message);
    free(k->bytes);
    k->bytes = NULL;
    return good;
}
