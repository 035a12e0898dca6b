/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <math.h>
#include <stdio.h>

#include "../support/folder.h"
#include "../support/json.h"

/* The steps at which the curves of the paper can be read off, as far as a run goes. */
static const int64_t shown[] = { 20, 100, 300, 530, 1000, 2000, 4000, 6000, 8000 };

enum { shown_count = sizeof shown / sizeof *shown };

static void print_number(double x)
{
    if (isnan(x))
        printf(" %8s", "-");
    else
        printf(" %8.*f", x < 1.0 ? 4 : 3, x);
}

/* The last point at which the loss was recorded; NULL if there is none. */
static const point *last_of(const trained *r)
{
    const point *last = NULL;
    for (size_t k = 0; k < r->count; k++)
        if (!isnan(r->points[k].mean))
            last = &r->points[k];
    return last;
}

/* One part of the loss of a run over the steps, and at the end. */
static void print_part(const training *t, const trained *r, const char *name, double (*part)(const point *))
{
    printf("%-9s %-20s", rule_names[r->how], name);
    for (int i = 0; i < shown_count && shown[i] < t->steps; i++) {
        const point *p = training_point(r, shown[i]);
        print_number(p && p->step + t->s->record > shown[i] ? part(p) : NAN);
    }
    print_number(last_of(r) ? part(last_of(r)) : NAN);
    printf("\n");
}

static double total_of(const point *p)
{
    return p->mean + p->penalty;
}

static double mean_of(const point *p)
{
    return p->mean;
}

static double penalty_of(const point *p)
{
    return p->penalty;
}

static void print_parts(const training *t)
{
    printf("\n%-30s", "at step");
    for (int i = 0; i < shown_count && shown[i] < t->steps; i++)
        printf(" %8lld", (long long)shown[i]);
    printf(" %8s\n", "the end");
    for (int i = 0; i < t->count; i++) {
        const trained *r = &t->runs[i];
        print_part(t, r, "total", total_of);
        print_part(t, r, "  its cross-entropy", mean_of);
        print_part(t, r, "  its penalty", penalty_of);
    }
    printf("(cross-entropy: the mean over the %d steps up to there)\n", WINDOW);
}

static void print_time(const trained *r)
{
    const network_profile *p = &r->net.profile;
    const double all = p->convolution + p->dense + p->penalty + p->update + p->rest, percent = 100.0 / all;
    printf("%-9s %7.1f ms a step, %5.1f steps/s; convolution %.0f %%, dense %.0f %%, penalty %.0f %%, update %.0f %%\n",
           rule_names[r->how], 1e3 * r->seconds / (double)r->steps, (double)r->steps / r->seconds,
           percent * p->convolution, percent * p->dense, percent * p->penalty, percent * p->update);
}

static void print_end(const trained *r)
{
    printf("%-9s %10zu %8lld %11.2f %% %8.2f %% %12.2f %%", rule_names[r->how], r->parameters, (long long)r->steps,
           100.0 * r->validation_error, 100.0 * r->test_error, 100.0 * r->collapsed_test_error);
    if (r->diverged)
        printf(" %11s\n", "diverged");
    else
        printf(" %11.1e\n", r->collapse_gap);
}

void report_print(const training *t)
{
    const settings *s = t->s;
    printf("%s: %zu to train, %zu for validation, %zu to test; network %s, seed %lld, learning rate %g\n",
           t->data->name, t->data->train.count, t->data->validation.count, t->data->test.count, s->network->name,
           (long long)s->seed, s->lr);
    printf("L2 penalty: %s%s\n", penalty_names[s->on], t->interrupted ? "; interrupted" : "");
    print_parts(t);
    printf("\n%-9s %10s %8s %13s %10s %14s %11s\n", "", "", "", "validation", "test", "collapsed,", "logits");
    printf("%-9s %10s %8s %13s %10s %14s %11s\n", "variant", "parameters", "steps", "error", "error", "test error",
           "differ by");
    for (int i = 0; i < t->count; i++)
        print_end(&t->runs[i]);
    printf("\n");
    for (int i = 0; i < t->count; i++)
        if (t->runs[i].steps > 0)
            print_time(&t->runs[i]);
}

static void write_value(FILE *file, double x)
{
    if (isnan(x))
        (void)fprintf(file, ",");
    else
        (void)fprintf(file, ",%.9g", x);
}

static void write_curves(FILE *file, const training *t)
{
    (void)fprintf(file, "variant,step,total,cross_entropy,cross_entropy_mean,penalty,test_error\n");
    for (int i = 0; i < t->count; i++)
        for (size_t k = 0; k < t->runs[i].count; k++) {
            const point *p = &t->runs[i].points[k];
            (void)fprintf(file, "%s,%lld", rule_names[t->runs[i].how], (long long)p->step);
            write_value(file, p->cross_entropy + p->penalty);
            write_value(file, p->cross_entropy);
            write_value(file, p->mean);
            write_value(file, p->penalty);
            write_value(file, p->test_error);
            (void)fprintf(file, "\n");
        }
}

static void write_run(FILE *file, const trained *r)
{
    const point *last = last_of(r);
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        { "cross_entropy_mean", last ? last->mean : NAN },
        { "penalty", last ? last->penalty : NAN },
        { "validation_error", r->validation_error },
        { "test_error", r->test_error },
        { "collapsed_test_error", r->collapsed_test_error },
        { "collapse_gap", r->collapse_gap },
        { "seconds", r->seconds },
    };
    (void)fprintf(file, "    { \"variant\": \"%s\", \"parameters\": %zu, \"steps\": %lld, \"diverged\": %s",
                  rule_names[r->how], r->parameters, (long long)r->steps, r->diverged ? "true" : "false");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        (void)fprintf(file, ", ");
        json_number(file, numbers[i].name, numbers[i].value);
    }
    (void)fprintf(file, " }");
}

static void write_summary(FILE *file, const training *t)
{
    const settings *s = t->s;
    (void)fprintf(file, "{\n  \"data\": ");
    json_text(file, t->data->name);
    (void)fprintf(file,
                  ",\n  \"train\": %zu,\n  \"validation\": %zu,\n  \"test\": %zu,\n  \"network\": \"%s\",\n"
                  "  \"penalty\": \"%s\",\n  \"seed\": %lld,\n  \"batch\": %d,\n  \"steps\": %lld,\n"
                  "  \"interrupted\": %s,\n  ",
                  t->data->train.count, t->data->validation.count, t->data->test.count, s->network->name,
                  penalty_names[s->on], (long long)s->seed, BATCH, (long long)t->steps,
                  t->interrupted ? "true" : "false");
    json_number(file, "lr", s->lr);
    (void)fprintf(file, ",\n  ");
    json_number(file, "depth", s->depth);
    (void)fprintf(file, ",\n  ");
    json_number(file, "factor_std", s->factor_stddev);
    (void)fprintf(file, ",\n  \"runs\": [\n");
    for (int i = 0; i < t->count; i++) {
        write_run(file, &t->runs[i]);
        (void)fprintf(file, "%s\n", i + 1 < t->count ? "," : "");
    }
    (void)fprintf(file, "  ]\n}\n");
}

/* One panel; each run is a range of rows of curves.csv. */
static void write_panel(FILE *file, const training *t, const char *title, const char *column, const char *style)
{
    size_t first = 0;
    (void)fprintf(file, "set title '%s'\nplot", title);
    for (int i = 0; i < t->count; i++) {
        const trained *r = &t->runs[i];
        if (r->count == 0)
            continue;
        (void)fprintf(file, "%s 'curves.csv' skip 1 every ::%zu::%zu using 2:%s with %s lw 2 title '%s'",
                      first > 0 ? ", \\\n    " : "", first, first + r->count - 1, column, style, rule_names[r->how]);
        first += r->count;
    }
    (void)fprintf(file, "\n");
}

static void write_script(FILE *file, const training *t)
{
    (void)fprintf(file, "# gnuplot curves.gp\nset terminal svg size 1000,760 dynamic background rgb 'white'\n"
                        "set output 'curves.svg'\nset datafile separator ','\nset grid\nset key top right\n"
                        "set xlabel 'steps'\nset xrange [0:]\nset logscale y\n"
                        "set multiplot layout 2,2\n");
    write_panel(file, t, "total loss (cross-entropy: mean of 50 steps)", "($5 + $6)", "lines");
    write_panel(file, t, "its cross-entropy", "5", "lines");
    if (t->s->on == PENALTY_NONE)
        (void)fprintf(file, "set multiplot next\n");
    else
        write_panel(file, t, "its penalty", "6", "lines");
    write_panel(file, t, "test error", "7", "linespoints");
    (void)fprintf(file, "unset multiplot\n");
}

static bool write_file(const training *t, const char *name, void (*content)(FILE *, const training *), char *message)
{
    FILE *file = folder_open(t->s->out, name, message);
    if (!file)
        return false;
    content(file, t);
    return folder_close(file, t->s->out, name, message);
}

bool report_write(const training *t, char message[512])
{
    if (!write_file(t, "curves.csv", write_curves, message) || !write_file(t, "summary.json", write_summary, message) ||
        !write_file(t, "curves.gp", write_script, message))
        return false;
    folder_draw(t->s->out, "curves.gp");
    return true;
}
