/* SPDX-License-Identifier: MIT */
#include "kept_run.h"

#include <stdio.h>

void kept_run_path(const run *r, const job *j, const char *suffix, char path[KEPT_PATH])
{
    (void)snprintf(path, KEPT_PATH, "%.3900s-%s-%.15g%s", j->keep.path, r->how->name, r->depth, suffix);
}

/* What makes another run, of what the trainer's checkpoint does not know. */
static void visit_task(keep *k, const job *j)
{
    char lr[32] = "auto";
    if (j->lr > 0.0)
        (void)snprintf(lr, sizeof lr, "%.15g", j->lr);
    keep_same_text(k, "--target", j->target ? j->target : "not given");
    keep_same_text(k, "--class", j->label ? j->label : "not given");
    keep_same(k, "--p", j->p);
    keep_same_text(k, "--lr", lr);
    keep_same_text(k, "--init", job_init_name(j->init));
    keep_same(k, "--init-std", j->init_std);
    keep_same(k, "--width", (double)j->width);
    keep_same_data(k, j->data_sum);
}

/* All of a .curve file. */
static void visit(keep *k, const job *j, run *r)
{
    visit_task(k, j);
    keep_number(k, &r->lr);
    keep_flag(k, &r->searched);
    keep_curve(k, &r->loss);
}

bool kept_run_curve(run *r, const job *j, char message[KEEP_MESSAGE])
{
    char path[KEPT_PATH], trainer[KEPT_PATH];
    kept_run_path(r, j, ".curve", path);
    kept_run_path(r, j, "", trainer);
    if (!keep_found(&j->keep, path) && !keep_found(&j->keep, trainer))
        return true;
    keep k = keep_loading(path);
    visit(&k, j, r);
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

bool kept_run_save_curve(const run *r, const job *j, char message[KEEP_MESSAGE])
{
    char path[KEPT_PATH];
    run same = *r; /* saving writes nothing to it */
    keep k = keep_saving();
    visit(&k, j, &same);
    kept_run_path(r, j, ".curve", path);
    return keep_end(&k, path, message);
}

bool kept_run_save(const run *r, const job *j, const dopt_trainer *trainer, char message[KEEP_MESSAGE])
{
    char path[KEPT_PATH];
    if (!kept_run_save_curve(r, j, message))
        return false;
    kept_run_path(r, j, "", path);
    if (dopt_trainer_save(trainer, path) == DOPT_OK)
        return true;
    (void)snprintf(message, KEEP_MESSAGE, "%.300s", dopt_last_error());
    return false;
}
