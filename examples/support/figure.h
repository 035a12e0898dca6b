/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_FIGURE_H
#define EXAMPLES_FIGURE_H

/*
 * A picture of curves or of a matrix: NAME.csv, NAME.gp for gnuplot, which makes NAME.svg, in the folder of --out.
 * Without --out nothing is written. Published points are drawn as points over the curve of the same colour.
 */

#include <stdbool.h>
#include <stddef.h>

#include "curve.h"
#include "study.h"
#include "team.h"

typedef struct figure {
    study *s;
    char name[64], title[160];
    FILE *csv, *script; /* NULL: no --out */
    char *plots;        /* of the script */
    size_t plots_size, rows;
    int colours;
} figure;

/* `logscale`: the axes that have one, "", "x", "y" or "xy". False: s->message says why. */
bool figure_begin(figure *f, study *s, const char *name, const char *title, const char *x_label, const char *y_label,
                  const char *logscale);

/* A curve, in the next colour. y - `offset` is shown. */
void figure_curve(figure *f, const char *name, const curve *c, double offset);

/* The points of a curve of the paper, over the curve drawn last. Nothing if there are none. */
void figure_published(figure *f, const char *figure_name, const char *curve_name);

/* The distance from the optimum of runs, with the published points of curves of their names; a NULL member is left out.
 */
void figure_members(figure *f, const char *figure_name, int count, const member *const *members, double optimum);

/* Write the files and draw. False: s->message says why. */
bool figure_end(figure *f);

/* A matrix as a heat map: element (r, c) at x = c, y = r; NaN is left white. */
bool figure_heat_map(study *s, const char *name, const char *title, const char *x_label, const char *y_label,
                     ptrdiff_t rows, ptrdiff_t cols, const double *values);

#endif
