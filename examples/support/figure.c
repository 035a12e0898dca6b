/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "published.h"

static const char *const colours[] = { "#1b6ca8", "#d1495b", "#2a9d57", "#e08e0b", "#7b4fa3", "#6b4b3e",
                                       "#d16ba5", "#5c6770", "#9a9a00", "#00a0a0", "#000000", "#ff6f3c" };

enum { colour_count = sizeof colours / sizeof *colours };

static void file_name(char *out, size_t size, const char *name, const char *ending)
{
    (void)snprintf(out, size, "%.60s.%s", name, ending);
}

static void write_head(const figure *f, const char *x_label, const char *y_label)
{
    (void)fprintf(f->script,
                  "# gnuplot %s.gp\nset terminal svg size 900,600 dynamic background rgb 'white'\n"
                  "set output '%s.svg'\nset datafile separator ','\nset grid lc rgb '#dddddd'\n"
                  "set title \"%s\" noenhanced\nset xlabel \"%s\" noenhanced\nset ylabel \"%s\" noenhanced\n",
                  f->name, f->name, f->title, x_label, y_label);
}

bool figure_begin(figure *f, study *s, const char *name, const char *title, const char *x_label, const char *y_label,
                  const char *logscale)
{
    const figure fresh = { .s = s };
    char csv[80], script[80];
    *f = fresh;
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    (void)snprintf(f->title, sizeof f->title, "%s", title);
    if (!s->out)
        return true;
    file_name(csv, sizeof csv, name, "csv");
    file_name(script, sizeof script, name, "gp");
    f->csv = folder_open(s->out, csv, s->message);
    f->script = f->csv ? folder_open(s->out, script, s->message) : NULL;
    if (!f->script)
        return false;
    (void)fprintf(f->csv, "kind,curve,x,y\n");
    write_head(f, x_label, y_label);
    if (logscale[0])
        (void)fprintf(f->script, "set logscale %s\n", logscale);
    (void)fprintf(f->script, "set format x '%s'\nset format y '%s'\nset key below noenhanced\nplot",
                  strchr(logscale, 'x') ? "%.0e" : "%.3g", strchr(logscale, 'y') ? "%.0e" : "%.3g");
    return true;
}

/* The rows that were written since `first` are one plot. */
static void add_plot(figure *f, size_t first, const char *style, const char *name)
{
    const char *colour = colours[(f->colours - 1) % colour_count];
    if (f->rows > first)
        (void)fprintf(f->script, "%s '%s.csv' skip 1 every ::%zu::%zu using 3:4 with %s lc rgb '%s' title \"%s\"",
                      first > 0 ? ", \\\n    " : "", f->name, first, f->rows - 1, style, colour, name);
}

void figure_curve(figure *f, const char *name, const curve *c, double offset)
{
    const size_t first = f->rows;
    f->colours++;
    if (!f->csv)
        return;
    for (size_t i = 0; i < c->count; i++)
        if (isfinite(c->y[i]) && fabs(c->y[i]) < 1e100) {
            (void)fprintf(f->csv, "ours,\"%s\",%.17g,%.17g\n", name, c->x[i], c->y[i] - offset);
            f->rows++;
        }
    add_plot(f, first, "lines lw 2", name);
}

void figure_published(figure *f, const char *figure_name, const char *curve_name)
{
    const size_t first = f->rows;
    char title[128];
    if (!f->csv)
        return;
    for (const published *p = published_points; p->figure; p++)
        if (strcmp(p->figure, figure_name) == 0 && strcmp(p->curve, curve_name) == 0) {
            (void)fprintf(f->csv, "published,\"%s\",%.17g,%.17g\n", curve_name, p->x, p->y);
            f->rows++;
        }
    (void)snprintf(title, sizeof title, "%.100s, published", curve_name);
    add_plot(f, first, "points pt 7 ps 0.7", title);
}

void figure_members(figure *f, const char *figure_name, int count, const member *const *members, double optimum)
{
    char name[96];
    for (int i = 0; i < count; i++) {
        if (!members[i])
            continue;
        (void)snprintf(name, sizeof name, "%s, lr %g", members[i]->name, members[i]->options.lr);
        figure_curve(f, name, &members[i]->loss, optimum);
        if (study_on_paper_data(f->s))
            figure_published(f, figure_name, members[i]->name);
    }
}

static void list_figure(study *s, const char *name, const char *title)
{
    (void)fprintf(s->figures, "%s{ \"name\": \"%s\", \"title\": ", ftell(s->figures) > 0 ? ",\n    " : "\n    ", name);
    json_text(s->figures, title);
    (void)fputs(" }", s->figures);
}

static bool finish(study *s, FILE *csv, FILE *script, const char *name, const char *title)
{
    char csv_name[80], script_name[80];
    file_name(csv_name, sizeof csv_name, name, "csv");
    file_name(script_name, sizeof script_name, name, "gp");
    const bool good = folder_close(csv, s->out, csv_name, s->message);
    if (!folder_close(script, s->out, script_name, s->message) || !good)
        return false;
    folder_draw(s->out, script_name);
    list_figure(s, name, title);
    return true;
}

bool figure_end(figure *f)
{
    if (!f->csv)
        return true;
    (void)fprintf(f->script, "\n");
    return finish(f->s, f->csv, f->script, f->name, f->title);
}

bool figure_heat_map(study *s, const char *name, const char *title, const char *x_label, const char *y_label,
                     ptrdiff_t rows, ptrdiff_t cols, const double *values)
{
    figure f;
    if (!s->out)
        return true;
    if (!figure_begin(&f, s, name, title, x_label, y_label, ""))
        return false;
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < cols; c++)
            (void)fprintf(f.csv, "ours,%td,%td,%.9g\n", r, c, values[r * cols + c]); /* curve: the row */
    (void)fprintf(f.script, " [-0.5:%td.5] [-0.5:%td.5] '%s.csv' skip 1 using 3:2:4 with image notitle\n", cols - 1,
                  rows - 1, name);
    return finish(s, f.csv, f.script, name, title);
}
