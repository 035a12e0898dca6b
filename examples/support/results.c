/* SPDX-License-Identifier: MIT */
/* The table on standard output. */
#include "results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "colour.h"

/* Steps that the table shows, in twentieths of the run. */
static const int twentieths[] = { 1, 2, 4, 10, 20 };

enum { columns = sizeof twentieths / sizeof *twentieths };

static int64_t step_of(const results *r, int column)
{
    const int64_t twentieth = r->j->steps < 20 ? 1 : r->j->steps / 20;
    return column == columns - 1 ? r->j->steps : twentieth * twentieths[column];
}

void results_lower_optimum(results *r)
{
    for (int i = 0; i < r->count; i++)
        for (size_t k = 0; k < r->runs[i].loss.count; k++)
            r->best.value = fmin(r->best.value, r->runs[i].loss.y[k]);
}

/* Its last loss, if that is less than the first by what the table can show; else NaN. */
static double gained(const results *r, const run *one)
{
    const double loss = one->diverged ? NAN : run_loss_at(one, r->j->steps);
    return loss < (1.0 - 1e-4) * run_loss_at(one, 0) ? loss : NAN;
}

int results_winner(const results *r)
{
    int winner = -1;
    double least = INFINITY;
    for (int i = 0; i < r->count; i++) {
        const double loss = gained(r, &r->runs[i]);
        if (loss < least) {
            least = loss;
            winner = i;
        }
    }
    return winner;
}

static int name_width(const results *r)
{
    size_t width = 9;
    for (int i = 0; i < r->count; i++)
        width = strlen(r->runs[i].how->name) > width ? strlen(r->runs[i].how->name) : width;
    return (int)width;
}

static void print_row(const results *r, int i, int winner)
{
    const run *one = &r->runs[i];
    printf("%-*s %6g %9.3g", name_width(r), one->how->name, one->depth, one->lr);
    for (int c = 0; c < columns; c++) {
        const double loss = run_loss_at(one, step_of(r, c));
        if (isnan(loss))
            printf(" %10s", "-");
        else
            printf(" %10.4g", loss - r->best.value);
    }
    const double last = run_loss_at(one, r->j->steps);
    if (one->diverged)
        printf("   %sdiverged%s after %lld steps", colour_on(stdout, COLOUR_BAD), colour_off(stdout),
               (long long)one->steps);
    else
        printf(" %11.6g", last);
    printf(" %8.2f", one->seconds);
    if (i == winner)
        printf("  %swinner%s", colour_on(stdout, COLOUR_GOOD), colour_off(stdout));
    printf("\n");
}

static void print_verdict(const results *r, int winner)
{
    const run *won = &r->runs[winner];
    double other = INFINITY;
    const run *plain = NULL;
    for (int i = 0; i < r->count; i++)
        if (i != winner && !r->runs[i].diverged && won->depth != r->runs[i].depth) {
            const double loss = run_loss_at(&r->runs[i], r->j->steps);
            if (r->runs[i].depth == 1.0 && loss < other) {
                other = loss;
                plain = &r->runs[i];
            }
        }
    printf("\nwinner: %s at depth %g, %.4g from the optimum", won->how->name, won->depth,
           run_loss_at(won, r->j->steps) - r->best.value);
    if (plain)
        printf("; the best at depth 1 is %s, %.4g from it", plain->how->name, other - r->best.value);
    printf("\n");
}

static void print_no_winner(const results *r)
{
    int diverged = 0;
    for (int i = 0; i < r->count; i++)
        diverged += r->runs[i].diverged;
    printf("\nno winner: %s\n", diverged == r->count ? "every run diverged; --lr needs to be smaller"
                                : diverged > 0       ? "no run left its start for the better; some diverged"
                                                     : "no run left its start for the better");
}

void results_table(const results *r)
{
    const int winner = results_winner(r);
    printf("%s: %td rows, %td features", r->data, r->rows, r->cols);
    if (r->dropped > 0)
        printf(" (%td constant ones dropped)", r->dropped);
    printf(", standardised\nmean of |error|^%g; optimum %.7g%s\n\n", r->j->p, r->best.value,
           r->best.certified ? "" : " (best known: its solver did not converge)");
    printf("%-*s %6s %9s %54s %11s %8s\n", name_width(r), "", "", "", "distance from the optimum after so many steps",
           "loss", "");
    printf("%-*s %6s %9s", name_width(r), "method", "depth", "lr");
    for (int c = 0; c < columns; c++)
        printf(" %10lld", (long long)step_of(r, c));
    printf(" %11s %8s\n", "at the end", "seconds");
    for (int i = 0; i < r->count; i++)
        print_row(r, i, winner);
    if (winner >= 0)
        print_verdict(r, winner);
    else
        print_no_winner(r);
}
