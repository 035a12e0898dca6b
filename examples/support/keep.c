/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "keep.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { path_max = 4096 };

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
    (void)sigaction(SIGINT, &action, NULL); /* a second one ends the program */
    (void)sigaction(SIGTERM, &action, NULL);
}

bool keep_interrupted(void)
{
    return interrupted != 0;
}

static void path_of(const run *r, const job *j, const char *suffix, char path[path_max])
{
    (void)snprintf(path, path_max, "%.3900s-%s-%g%s", j->checkpoint, r->how->name, r->depth, suffix);
}

bool keep_read_curve(run *r, const job *j)
{
    char path[path_max];
    double lr, loss;
    int searched;
    long long step;
    path_of(r, j, ".curve", path);
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    const bool found = fscanf(f, "lr %lf searched %d\n", &lr, &searched) == 2;
    while (found && fscanf(f, "%lld %lf\n", &step, &loss) == 2 && curve_add(&r->loss, (double)step, loss))
        ;
    (void)fclose(f);
    if (found) {
        r->lr = lr;
        r->searched = searched != 0;
    }
    return found;
}

dopt_status keep_resume(run *r, const job *j, dopt_trainer *trainer)
{
    char path[path_max];
    path_of(r, j, "", path);
    if (access(path, F_OK) == 0) {
        const dopt_status status = dopt_trainer_load(trainer, path);
        if (status != DOPT_OK)
            return status;
    }
    const double steps = (double)dopt_trainer_report(trainer).steps;
    while (r->loss.count > 0 && r->loss.x[r->loss.count - 1] >= steps)
        r->loss.count--;
    return DOPT_OK;
}

static bool write_curve(const run *r, FILE *f)
{
    bool written = fprintf(f, "lr %.17g searched %d\n", r->lr, r->searched) > 0;
    for (size_t i = 0; i < r->loss.count && written; i++)
        written = fprintf(f, "%.0f %.17g\n", r->loss.x[i], r->loss.y[i]) > 0;
    written = written && fflush(f) == 0 && fsync(fileno(f)) == 0;
    return fclose(f) == 0 && written;
}

static bool save_curve(const run *r, const job *j)
{
    char path[path_max], temporary[path_max];
    path_of(r, j, ".curve", path);
    path_of(r, j, ".curve.tmp", temporary);
    FILE *f = fopen(temporary, "w");
    return f && write_curve(r, f) && rename(temporary, path) == 0;
}

bool keep_save(const run *r, const job *j, const dopt_trainer *trainer, char message[256])
{
    char path[path_max];
    path_of(r, j, "", path);
    if (!save_curve(r, j)) {
        (void)snprintf(message, 256, "cannot write %.100s.curve: %.100s", path, strerror(errno));
        return false;
    }
    if (dopt_trainer_save(trainer, path) == DOPT_OK)
        return true;
    (void)snprintf(message, 256, "%.250s", dopt_last_error());
    return false;
}
