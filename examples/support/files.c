/* SPDX-License-Identifier: MIT */
/* The files of --out. */
#include <stdio.h>

#include "folder.h"
#include "json.h"
#include "results.h"

static void write_curves(FILE *file, const results *r)
{
    (void)fprintf(file, "method,depth,lr,step,loss,distance\n");
    for (int i = 0; i < r->count; i++) {
        const run *one = &r->runs[i];
        for (size_t k = 0; k < one->loss.count; k++)
            (void)fprintf(file, "%s,%.17g,%.17g,%lld,%.17g,%.17g\n", one->how->name, one->depth, one->lr,
                          (long long)one->loss.x[k], one->loss.y[k], one->loss.y[k] - r->best.value);
    }
}

static void write_summary(FILE *file, const results *r)
{
    (void)fprintf(file, "{\n  \"data\": ");
    json_text(file, r->data);
    (void)fprintf(file, ",\n  \"rows\": %td,\n  \"features\": %td,\n  \"dropped\": %td,\n  ", r->rows, r->cols,
                  r->dropped);
    json_number(file, "p", r->j->p);
    (void)fprintf(file, ",\n  ");
    json_number(file, "optimum", r->best.value);
    (void)fprintf(file, ",\n  \"optimum_certified\": %s,\n  \"steps\": %lld,\n  \"winner\": %d,\n  \"runs\": [\n",
                  r->best.certified ? "true" : "false", (long long)r->j->steps, results_winner(r));
    for (int i = 0; i < r->count; i++) {
        const run *one = &r->runs[i];
        const double loss = run_loss_at(one, one->steps);
        (void)fprintf(file, "    { \"method\": \"%s\", ", one->how->name);
        json_number(file, "depth", one->depth);
        (void)fprintf(file, ", ");
        json_number(file, "lr", one->lr);
        (void)fprintf(file, ", \"lr_searched\": %s, \"diverged\": %s, \"steps\": %lld, ",
                      one->searched ? "true" : "false", one->diverged ? "true" : "false", (long long)one->steps);
        json_number(file, "loss", loss);
        (void)fprintf(file, ", ");
        json_number(file, "distance", loss - r->best.value);
        (void)fprintf(file, ", ");
        json_number(file, "seconds", one->seconds);
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
        if (one->loss.count == 0)
            continue;
        (void)fprintf(
            file, "%s 'curves.csv' skip 1 every ::%zu::%zu using 4:6 with lines lw 2 title '%s, depth %g, lr %g'",
            first > 0 ? ", \\\n    " : "", first, first + one->loss.count - 1, one->how->name, one->depth, one->lr);
        first += one->loss.count;
    }
    (void)fprintf(file, "\n");
}

static bool write_file(const results *r, const char *folder, const char *name, void (*content)(FILE *, const results *),
                       char *message)
{
    FILE *file = folder_open(folder, name, message);
    if (!file)
        return false;
    content(file, r);
    return folder_close(file, folder, name, message);
}

bool results_write(const results *r, const char *folder, char message[512])
{
    if (!write_file(r, folder, "curves.csv", write_curves, message) ||
        !write_file(r, folder, "summary.json", write_summary, message) ||
        !write_file(r, folder, "curves.gp", write_script, message))
        return false;
    folder_draw(folder, "curves.gp");
    return true;
}
