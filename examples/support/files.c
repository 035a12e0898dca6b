/* SPDX-License-Identifier: MIT */
/* The files of --out. Each is written under another name first, so that nobody sees half of one. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "results.h"

static bool complain(char *message, const char *folder, const char *name)
{
    (void)snprintf(message, 512, "%.300s/%s: %s", folder, name, strerror(errno));
    return false;
}

static void write_curves(FILE *file, const results *r)
{
    (void)fprintf(file, "method,depth,lr,step,loss,distance\n");
    for (int i = 0; i < r->count; i++) {
        const run *one = &r->runs[i];
        for (size_t k = 0; k < one->count; k++)
            (void)fprintf(file, "%s,%.17g,%.17g,%lld,%.17g,%.17g\n", one->how->name, one->depth, one->lr,
                          (long long)one->step[k], one->loss[k], one->loss[k] - r->best.value);
    }
}

static void write_text(FILE *file, const char *text)
{
    (void)fputc('"', file);
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            (void)fprintf(file, "\\%c", *text);
        else if ((unsigned char)*text < 32)
            (void)fprintf(file, "\\u%04x", (unsigned)*text);
        else
            (void)fputc(*text, file);
    (void)fputc('"', file);
}

/* JSON has no infinity and no NaN. */
static void write_number(FILE *file, const char *name, double value)
{
    if (isfinite(value))
        (void)fprintf(file, "\"%s\": %.17g", name, value);
    else
        (void)fprintf(file, "\"%s\": %s", name, isnan(value) ? "null" : "\"inf\"");
}

static void write_summary(FILE *file, const results *r)
{
    (void)fprintf(file, "{\n  \"data\": ");
    write_text(file, r->data);
    (void)fprintf(file, ",\n  \"rows\": %td,\n  \"features\": %td,\n  \"dropped\": %td,\n  ", r->rows, r->cols,
                  r->dropped);
    write_number(file, "p", r->j->p);
    (void)fprintf(file, ",\n  ");
    write_number(file, "optimum", r->best.value);
    (void)fprintf(file, ",\n  \"optimum_certified\": %s,\n  \"steps\": %lld,\n  \"winner\": %d,\n  \"runs\": [\n",
                  r->best.certified ? "true" : "false", (long long)r->j->steps, results_winner(r));
    for (int i = 0; i < r->count; i++) {
        const run *one = &r->runs[i];
        const double loss = run_loss_at(one, one->steps);
        (void)fprintf(file, "    { \"method\": \"%s\", ", one->how->name);
        write_number(file, "depth", one->depth);
        (void)fprintf(file, ", ");
        write_number(file, "lr", one->lr);
        (void)fprintf(file, ", \"lr_searched\": %s, \"diverged\": %s, \"steps\": %lld, ",
                      one->searched ? "true" : "false", one->diverged ? "true" : "false", (long long)one->steps);
        write_number(file, "loss", loss);
        (void)fprintf(file, ", ");
        write_number(file, "distance", loss - r->best.value);
        (void)fprintf(file, ", ");
        write_number(file, "seconds", one->seconds);
        (void)fprintf(file, " }%s\n", i + 1 < r->count ? "," : "");
    }
    (void)fprintf(file, "  ]\n}\n");
}

/* Each run is a range of rows of curves.csv. */
static void write_script(FILE *file, const results *r)
{
    size_t first = 0;
    (void)fprintf(file,
                  "# gnuplot curves.gp\nset terminal svg size 900,600 dynamic background rgb 'white'\n"
                  "set output 'curves.svg'\nset datafile separator ','\nset logscale xy\nset grid\n"
                  "set title 'mean of |error|^{%g}: distance from the optimum'\nset xlabel 'steps'\n"
                  "set ylabel 'loss - optimum'\nset format y '10^{%%T}'\nset key top right\nplot",
                  r->j->p);
    for (int i = 0; i < r->count; i++) {
        const run *one = &r->runs[i];
        if (one->count == 0)
            continue;
        (void)fprintf(
            file, "%s 'curves.csv' skip 1 every ::%zu::%zu using 4:6 with lines lw 2 title '%s, depth %g, lr %g'",
            first > 0 ? ", \\\n    " : "", first, first + one->count - 1, one->how->name, one->depth, one->lr);
        first += one->count;
    }
    (void)fprintf(file, "\n");
}

static bool write_file(const results *r, const char *folder, const char *name, void (*content)(FILE *, const results *),
                       char *message)
{
    char path[512], hidden[512];
    (void)snprintf(path, sizeof path, "%.400s/%s", folder, name);
    (void)snprintf(hidden, sizeof hidden, "%.400s/.%s.new", folder, name);
    FILE *file = fopen(hidden, "w");
    if (!file)
        return complain(message, folder, name);
    content(file, r);
    const bool good = !ferror(file);
    if (fclose(file) != 0 || !good || rename(hidden, path) != 0) {
        (void)complain(message, folder, name);
        (void)remove(hidden);
        return false;
    }
    return true;
}

/* gnuplot draws curves.gp; without it, the script stays for later. */
static bool draw(const char *folder)
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        if (chdir(folder) == 0)
            (void)execlp("gnuplot", "gnuplot", "curves.gp", (char *)NULL);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool results_write(const results *r, const char *folder, char message[512])
{
    if (strlen(folder) > 400) {
        (void)snprintf(message, 512, "--out: the name of the folder is too long");
        return false;
    }
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return complain(message, folder, "");
    if (!write_file(r, folder, "curves.csv", write_curves, message) ||
        !write_file(r, folder, "summary.json", write_summary, message) ||
        !write_file(r, folder, "curves.gp", write_script, message))
        return false;
    if (!draw(folder))
        (void)fprintf(stderr, "no picture: gnuplot is missing or failed; later: cd %s && gnuplot curves.gp\n", folder);
    return true;
}
