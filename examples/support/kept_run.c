/* SPDX-License-Identifier: MIT */
#include "kept_run.h"

#include <stdio.h>

void kept_run_path(const run *r, const job *j, const char *suffix, char path[KEPT_PATH])
{
    (void)snprintf(path, KEPT_PATH, "%.3900s-%s-%g%s", j->keep.path, r->how->name, r->depth, suffix);
}

/* All of a .curve file. */
static void visit(keep *k, run *r)
{
    keep_number(k, &r->lr);
    keep_flag(k, &r->searched);
    keep_curve(k, &r->loss);
}

bool kept_run_curve(run *r, const job *j, char message[KEEP_MESSAGE])
{
    char path[KEPT_PATH];
    kept_run_path(r, j, ".curve", path);
    if (!keep_found(&j->keep, path))
        return true;
    keep k = keep_loading(path);
    visit(&k, r);
    return keep_end(&k, path, message);
}

dopt_status kept_run_resume(run *r, const job *j, dopt_trainer *trainer)
{
    char path[KEPT_PATH];
    kept_run_path(r, j, "", path);
    if (keep_found(&j->keep, path)) {
        const dopt_status status = dopt_trainer_load(trainer, path);
        if (status != DOPT_OK)
            return status;
    }
    const double steps = (double)dopt_trainer_report(trainer).steps;
    while (r->loss.count > 0 && r->loss.x[r->loss.count - 1] >= steps)
        r->loss.count--;
    return DOPT_OK;
}

bool kept_run_save(const run *r, const job *j, const dopt_trainer *trainer, char message[KEEP_MESSAGE])
{
    char path[KEPT_PATH];
    run same = *r; /* saving writes nothing to it */
    keep k = keep_saving();
    visit(&k, &same);
    kept_run_path(r, j, ".curve", path);
    if (!keep_end(&k, path, message))
        return false;
    kept_run_path(r, j, "", path);
    if (dopt_trainer_save(trainer, path) == DOPT_OK)
        return true;
    (void)snprintf(message, KEEP_MESSAGE, "%.300s", dopt_last_error());
    return false;
}
