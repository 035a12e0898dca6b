/* SPDX-License-Identifier: MIT */
#include "job.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const job_usage =
    "usage: lp_regression [OPTION VALUE]...\n"
    "Fit y = x . w by the mean of |error|^p, with several methods side by side, and show who is ahead.\n"
    "\n"
    "  --data FILE           UCI gas sensors, LIBSVM, CSV or TSV, plain or .gz; default: a simulated sensor array\n"
    "  --target COLUMN       column to predict, by name or number from 1 (CSV, TSV); default: the last\n"
    "  --class LABEL         only rows of this class (gas sensors)\n"
    "  --p P                 power of the error, from 1 up; default 4\n"
    "  --method NAME[,...]   gd e2e factored momentum nesterov adagrad adadelta rmsprop adam;\n"
    "                        default gd,e2e,adagrad,adadelta (gd is depth 1)\n"
    "  --depth N[,...]       depths of e2e (any number from 1 up, or inf) and factored; default 2,3\n"
    "  --lr ETA|auto         learning rate; auto, the default, takes the best of a grid for each method\n"
    "  --steps T             default 10000\n"
    "  --batch B             rows a step; default 0, all\n"
    "  --init KIND           normal (factors of small random numbers), balanced or identity; default normal\n"
    "  --init-std S          their standard deviation; default 0.01\n"
    "  --width H             hidden width of the factors; default 1\n"
    "  --seed S              default 1\n"
    "  --threads N           runs side by side; default 0, as many as there are processors\n"
    "  --record EVERY        write the loss each so many steps; default: 200 times in all\n"
    "  --out DIR             write curves.csv, summary.json, curves.gp and curves.svg there\n"
    "  --quiet               the table only\n"
    "  --help                this text\n";

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
};

enum { method_total = sizeof methods / sizeof *methods };

static bool complain(char *message, const char *option, const char *value, const char *allowed)
{
    (void)snprintf(message, 256, "%s %.40s: must be %s", option, value, allowed);
    return false;
}

static bool read_real(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return *text && !*end && !isnan(*out);
}

static bool read_count(const char *text, int64_t lowest, int64_t *out)
{
    char *end;
    *out = strtoll(text, &end, 10);
    return *text && strlen(text) <= 12 && !*end && *out >= lowest;
}

/* The next item of a list that is taken apart in place; NULL at its end. */
static const char *next_item(const char **list, char *item, size_t size)
{
    if (!*list)
        return NULL;
    const size_t length = strcspn(*list, ",");
    (void)snprintf(item, size, "%.*s", (int)length, *list);
    *list = (*list)[length] ? *list + length + 1 : NULL;
    return item;
}

static bool read_depths(const char *list, job *out, char *message)
{
    char item[32];
    const char *rest = list;
    out->depth_count = 0;
    while (next_item(&rest, item, sizeof item)) {
        double depth;
        if (out->depth_count == JOB_LIST_MAX || !read_real(item, &depth) || depth < 1.0)
            return complain(message, "--depth", list, "up to 16 numbers from 1 up, or inf, with commas between");
        out->depths[out->depth_count++] = depth;
    }
    return true;
}

static bool read_methods(const char *list, job *out, char *message)
{
    char item[32];
    const char *rest = list;
    out->method_count = 0;
    while (next_item(&rest, item, sizeof item)) {
        int i = 0;
        while (i < method_total && strcmp(methods[i].name, item) != 0)
            i++;
        if (i == method_total || out->method_count == JOB_LIST_MAX)
            return complain(message, "--method", list,
                            "of gd, e2e, factored, momentum, nesterov, adagrad, adadelta, rmsprop, adam");
        out->methods[out->method_count++] = &methods[i];
    }
    return true;
}

static bool read_init(const char *text, job *out, char *message)
{
    static const struct {
        const char *name;
        dopt_init init;
    } kinds[] = { { "normal", DOPT_INIT_NORMAL },
                  { "balanced", DOPT_INIT_BALANCED },
                  { "identity", DOPT_INIT_IDENTITY } };
    for (int i = 0; i < 3; i++)
        if (strcmp(kinds[i].name, text) == 0) {
            out->init = kinds[i].init;
            return true;
        }
    return complain(message, "--init", text, "normal, balanced or identity");
}

static bool read_number(const char *option, const char *value, job *out, char *message)
{
    int64_t count = 0;
    if (strcmp(option, "--p") == 0)
        return (read_real(value, &out->p) && out->p >= 1.0 && isfinite(out->p)) ||
               complain(message, option, value, "a number from 1 up");
    if (strcmp(option, "--lr") == 0 && strcmp(value, "auto") == 0)
        return true;
    if (strcmp(option, "--lr") == 0)
        return (read_real(value, &out->lr) && out->lr > 0.0 && isfinite(out->lr)) ||
               complain(message, option, value, "a number above 0, or auto");
    if (strcmp(option, "--init-std") == 0)
        return (read_real(value, &out->init_std) && out->init_std >= 0.0 && isfinite(out->init_std)) ||
               complain(message, option, value, "a number from 0 up");
    const bool from_zero =
        strcmp(option, "--batch") == 0 || strcmp(option, "--seed") == 0 || strcmp(option, "--threads") == 0;
    if (!read_count(value, from_zero ? 0 : 1, &count))
        return complain(message, option, value, from_zero ? "an integer from 0 up" : "an integer from 1 up");
    if (strcmp(option, "--threads") == 0 && count > JOB_THREADS_MAX)
        return complain(message, option, value, "an integer in [0, 64]");
    if (strcmp(option, "--steps") == 0)
        out->steps = count;
    else if (strcmp(option, "--threads") == 0)
        out->threads = (int)count;
    else if (strcmp(option, "--batch") == 0)
        out->batch = (ptrdiff_t)count;
    else if (strcmp(option, "--width") == 0)
        out->width = (ptrdiff_t)count;
    else if (strcmp(option, "--seed") == 0)
        out->seed = (uint64_t)count;
    else
        out->every = count;
    return true;
}

static bool read_option(const char *option, const char *value, job *out, char *message)
{
    const struct {
        const char *name;
        const char **text;
    } texts[] = {
        { "--data", &out->data }, { "--target", &out->target }, { "--class", &out->label }, { "--out", &out->out }
    };
    static const char *const numbers[] = { "--p",     "--lr",   "--init-std", "--steps",  "--batch",
                                           "--width", "--seed", "--record",   "--threads" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i].name, option) == 0) {
            *texts[i].text = value;
            return true;
        }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(numbers[i], option) == 0)
            return read_number(option, value, out, message);
    if (strcmp(option, "--depth") == 0)
        return read_depths(value, out, message);
    if (strcmp(option, "--method") == 0)
        return read_methods(value, out, message);
    if (strcmp(option, "--init") == 0)
        return read_init(value, out, message);
    (void)snprintf(message, 256, "%.40s: no such option; --help lists them", option);
    return false;
}

/* A factored model needs whole depths. */
static bool check(const job *j, char *message)
{
    for (int i = 0; i < j->method_count; i++)
        for (int k = 0; k < j->depth_count && j->methods[i]->model == DOPT_MODEL_FACTORED; k++)
            if (j->depths[k] != floor(j->depths[k]) || j->depths[k] > DOPT_NET_DEPTH_MAX)
                return complain(message, "--depth", "for --method factored", "integers in [1, 1024]");
    return true;
}

bool job_read(int argc, char **argv, job *out, char message[256])
{
    const job defaults = {
        .p = 4.0, .init_std = 0.01, .steps = 10000, .width = 1, .init = DOPT_INIT_NORMAL, .seed = 1
    };
    *out = defaults;
    (void)read_depths("2,3", out, message);
    (void)read_methods("gd,e2e,adagrad,adadelta", out, message);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            out->help = true;
        } else if (strcmp(argv[i], "--quiet") == 0) {
            out->quiet = true;
        } else if (i + 1 == argc) {
            (void)snprintf(message, 256, "%.40s: no such option, or its value is missing; --help lists them", argv[i]);
            return false;
        } else if (!read_option(argv[i], argv[i + 1], out, message)) {
            return false;
        } else {
            i++;
        }
    }
    if (out->every == 0)
        out->every = out->steps < 200 ? 1 : out->steps / 200;
    return check(out, message);
}
