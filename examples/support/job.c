/* SPDX-License-Identifier: MIT */
#include "job.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const job_usage =
    "usage: lp_regression [OPTION VALUE]...\n"
    "Fit y = x . w by the mean of |error|^p, with several methods side by side, and\n"
    "show who is ahead.\n"
    "\n"
    "  --data FILE           UCI gas sensors, LIBSVM, CSV or TSV, plain or .gz;\n"
    "                        default: a simulated sensor array\n"
    "  --target COLUMN       to predict, by name or number; default: the last (CSV)\n"
    "  --class LABEL         only rows of this class (gas sensors)\n" JOB_OPTIONS
    "  --threads N           runs side by side; default 0, one for each processor\n"
    "  --record EVERY        steps from one loss written to the next; default T/200\n"
    "  --out DIR             write curves.csv, .gp and .svg, and summary.json there\n"
    "  --checkpoint FILE     save runs as FILE-METHOD-DEPTH, after an interrupt too\n"
    "  --every N             steps between two saves; default 1000\n"
    "  --resume              go on from what was saved by the same command\n"
    "  --quiet               the table only\n"
    "  --help                this text\n"
    "\n"
    "example: lp_regression --p 4 --method gd,e2e --depth 2,3 --steps 2000\n" OPTIONS_EXITS KEEP_EXITS;

static const method methods[] = {
    { "gd", DOPT_MODEL_DIRECT, DOPT_OPTIM_GD },
    { "e2e", DOPT_MODEL_E2E, DOPT_OPTIM_GD },
    { "factored", DOPT_MODEL_FACTORED, DOPT_OPTIM_GD },
    { "momentum", DOPT_MODEL_DIRECT, DOPT_OPTIM_MOMENTUM },
    { "nesterov", DOPT_MODEL_DIRECT, DOPT_OPTIM_NESTEROV },
    { "adagrad", DOPT_MODEL_DIRECT, DOPT_OPTIM_ADAGRAD },
    { "adadelta", DOPT_MODEL_DIRECT, DOPT_OPTIM_ADADELTA },
    { "rmsprop", DOPT_MODEL_DIRECT, DOPT_OPTIM_RMSPROP },
    { "adam", DOPT_MODEL_DIRECT, DOPT_OPTIM_ADAM },
    { "group_rmsprop", DOPT_MODEL_DIRECT, DOPT_OPTIM_GROUP_RMSPROP },
};

enum { method_total = sizeof methods / sizeof *methods };

static bool read_depths(const option *o, const char *list)
{
    job *j = o->to;
    char item[32];
    j->depth_count = 0;
    while (option_item(&list, item, sizeof item)) {
        double depth;
        if (j->depth_count == JOB_LIST_MAX || !option_number(item, &depth) || depth < 1.0)
            return false;
        j->depths[j->depth_count++] = depth;
    }
    return true;
}

static bool read_methods(const option *o, const char *list)
{
    job *j = o->to;
    char item[32];
    j->method_count = 0;
    while (option_item(&list, item, sizeof item)) {
        int i = 0;
        while (i < method_total && strcmp(methods[i].name, item) != 0)
            i++;
        if (i == method_total || j->method_count == JOB_LIST_MAX)
            return false;
        j->methods[j->method_count++] = &methods[i];
    }
    return true;
}

const char *job_init_name(dopt_init init)
{
    return init == DOPT_INIT_NORMAL ? "normal" : init == DOPT_INIT_BALANCED ? "balanced" : "identity";
}

static bool read_init(const option *o, const char *text)
{
    static const dopt_init kinds[] = { DOPT_INIT_NORMAL, DOPT_INIT_BALANCED, DOPT_INIT_IDENTITY };
    for (int i = 0; i < 3; i++)
        if (strcmp(job_init_name(kinds[i]), text) == 0) {
            *(dopt_init *)o->to = kinds[i];
            return true;
        }
    return false;
}

static bool read_threads(const option *o, const char *text)
{
    int64_t count = 0;
    const option number = { .to = &count };
    if (!option_count(&number, text) || count > JOB_THREADS_MAX)
        return false;
    *(int *)o->to = (int)count;
    return true;
}

static bool read_lr(const option *o, const char *text)
{
    if (strcmp(text, "auto") == 0) {
        *(double *)o->to = 0.0;
        return true;
    }
    return option_real(o, text) && *(double *)o->to > 0.0;
}

/* What is of a file needs one. */
static bool check_data(const job *j, char *message)
{
    (void)snprintf(message, 256, "%s: needs --data FILE", j->target ? "--target" : "--class");
    return j->data || (!j->target && !j->label);
}

/* Runs that are alike would share their files. */
static bool check_repeats(const job *j, char *message)
{
    for (int i = 0; i < j->depth_count; i++)
        for (int k = 0; k < i; k++)
            if (j->depths[i] == j->depths[k]) {
                (void)snprintf(message, 256, "--depth: %.15g is given twice", j->depths[i]);
                return false;
            }
    for (int i = 0; i < j->method_count; i++)
        for (int k = 0; k < i; k++)
            if (j->methods[i] == j->methods[k]) {
                (void)snprintf(message, 256, "--method: %s is given twice", j->methods[i]->name);
                return false;
            }
    return true;
}

/* A factored model needs whole depths, and a run that is resumed a file. */
static bool check(const job *j, char *message)
{
    if (!keep_check(&j->keep, message) || !check_data(j, message) || !check_repeats(j, message))
        return false;
    for (int i = 0; i < j->method_count; i++)
        for (int k = 0; k < j->depth_count && j->methods[i]->model == DOPT_MODEL_FACTORED; k++)
            if (j->depths[k] != floor(j->depths[k]) || j->depths[k] > DOPT_NET_DEPTH_MAX) {
                (void)snprintf(message, 256, "--depth for --method factored: must be integers in [1, 1024]");
                return false;
            }
    return true;
}

bool job_read(int argc, char **argv, size_t more_count, const option *more, job *out, char message[256])
{
    const option table[] = {
        { "--data", option_text, &out->data, 0, "" },
        { "--target", option_text, &out->target, 0, "" },
        { "--class", option_text, &out->label, 0, "" },
        { "--out", option_text, &out->out, 0, "" },
        { "--p", option_real, &out->p, 1.0, "a number from 1 up" },
        { "--method", read_methods, out, 0,
          "of gd, e2e, factored, momentum, nesterov, adagrad, adadelta, rmsprop, adam, group_rmsprop" },
        { "--depth", read_depths, out, 0, "up to 16 numbers from 1 up, or inf, with commas between" },
        { "--lr", read_lr, &out->lr, 0.0, "a number above 0, or auto" },
        { "--init", read_init, &out->init, 0, "normal, balanced or identity" },
        { "--init-std", option_real, &out->init_std, 0.0, "a number from 0 up" },
        { "--steps", option_count, &out->steps, 1, OPTION_FROM_ONE },
        { "--threads", read_threads, &out->threads, 0, "an integer in [0, 64]" },
        { "--batch", option_count, &out->batch, 0, OPTION_FROM_ZERO },
        { "--width", option_count, &out->width, 1, OPTION_FROM_ONE },
        { "--seed", option_count, &out->seed, 0, OPTION_FROM_ZERO },
        KEEP_ROWS(&out->keep),
        { "--record", option_count, &out->every, 1, OPTION_FROM_ONE },
        { "--quiet", NULL, &out->quiet, 0, "" },
        { "--help", NULL, &out->help, 0, "" },
    };
    const job defaults = {
        .p = 4.0, .init_std = 0.01, .steps = 10000, .width = 1, .init = DOPT_INIT_NORMAL, .seed = 1, .keep.every = 1000
    };
    *out = defaults;
    const option first = { .to = out };
    (void)read_depths(&first, "2,3");
    (void)read_methods(&first, "gd,e2e,adagrad,adadelta");
    const size_t count = sizeof table / sizeof *table;
    option all[sizeof table / sizeof *table + 8];
    assert(more_count <= 8);
    memcpy(all, table, sizeof table);
    if (more_count)
        memcpy(all + count, more, more_count * sizeof *more);
    if (!options_read(argc, argv, count + more_count, all, message))
        return false;
    if (out->every == 0)
        out->every = out->steps < 200 ? 1 : out->steps / 200;
    return check(out, message);
}
