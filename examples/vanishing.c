/* SPDX-License-Identifier: MIT */
/*
 * Figure 5, left: depth 4 and 8 on the mean of error^4, from near-zero factors, from near-identity factors, and, which
 * the paper does not have, from balanced factors of a small W. Each at its best learning rate; those from near zero,
 * which no rate gets to move early, at 1, 10 and 100 times the best rate from the identity.
 */
#include <math.h>
#include <stdlib.h>

#include "support/figure.h"
#include "support/optimum.h"
#include "support/published.h"
#include "support/tune.h"

enum { kinds = 7, tunable = 5 };

static const struct {
    const char *name;
    double depth;
    dopt_init init;
} table_of[kinds] = {
    { "depth 1", 1.0, DOPT_INIT_NORMAL },
    { "depth 4, identity", 4.0, DOPT_INIT_IDENTITY },
    { "depth 8, identity", 8.0, DOPT_INIT_IDENTITY },
    { "depth 4, balanced", 4.0, DOPT_INIT_BALANCED },
    { "depth 8, balanced", 8.0, DOPT_INIT_BALANCED },
    { "depth 4, near zero", 4.0, DOPT_INIT_NORMAL },
    { "depth 8, near zero", 8.0, DOPT_INIT_NORMAL },
};

static member prototype(const study *s, int i)
{
    const double depth = table_of[i].depth;
    member m = team_member(s, i, depth == 1.0 ? DOPT_MODEL_DIRECT : DOPT_MODEL_FACTORED, depth == 1.0 ? 2.0 : depth,
                           0.0, table_of[i].name);
    m.options.init = table_of[i].init;
    return m;
}

/* What is left of the first distance after a part of the run. */
static double left(const study *s, const member *m, double part, double optimum_value)
{
    const double start = m->loss.y[0] - optimum_value;
    return (team_loss_at(m, floor(part * (double)s->steps)) - optimum_value) / start;
}

static void judge(study *s, const member *const *best, double least)
{
    const double four = left(s, best[5], 0.5, least), eight = left(s, best[6], 1.0, least);
    study_claim(s, verdict_of(four > 0.99, eight > 0.99), "Near-zero factors stall: the gradient vanishes with depth",
                "left of the first distance: depth 4 half-way %.3f, at the end %.3f; depth 8 at the end %.3f", four,
                left(s, best[5], 1.0, least), eight);
    const double soon = fmax(left(s, best[1], 0.05, least), left(s, best[2], 0.05, least));
    double end[kinds];
    for (int i = 0; i < kinds; i++)
        end[i] = team_final(best[i]) - least;
    study_claim(
        s, verdict_of(soon < 0.5, end[1] < end[0] && end[2] < end[0]),
        "From the identity both progress at once and end ahead of depth 1 (figure 5, left)",
        "left of the first distance after 5 %% of the steps: at most %.3f; distance at the end: depth 1 %.4g, depth 4 "
        "%.4g, depth 8 %.4g",
        soon, end[0], end[1], end[2]);
    study_claim(s, verdict_of(end[3] < end[0], end[4] < end[0]), "Balanced factors of a small W do not stall either",
                "distance at the end: depth 4 %.4g, depth 8 %.4g", end[3], end[4]);
}

/* From near zero, at the rates that the identity suggests; where all diverge, as on data that is fitted at once, at
 * smaller ones. */
static bool run_stalled(study *s, tuned *runs)
{
    bool good = true;
    for (int decade = 0; decade > -9 && good; decade -= 3) {
        member stalled[6];
        int count = 0;
        for (int i = 0; i < 6; i++) {
            const member *best = tune_best(runs, 1 + i / 3, false);
            if (!best)
                return study_fail(s, "%s: every learning rate diverged", table_of[1 + i / 3].name);
            if (tune_best(runs, tunable + i / 3, false))
                continue;
            stalled[count] = prototype(s, tunable + i / 3);
            stalled[count++].options.lr = best->options.lr * pow(10.0, i % 3 + decade);
        }
        good = count == 0 || tune_add(s, 4.0, stalled, count, runs);
    }
    return good;
}

static bool draw(study *s, const member *const *best, double least)
{
    figure f;
    if (!figure_begin(&f, s, "vanishing", "l_4: where deep networks start from", "steps", "loss - optimum", "y"))
        return false;
    figure_members(&f, "5 left", kinds, best, least);
    return figure_end(&f);
}

static bool run_study(study *s)
{
    member prototypes[tunable];
    const member *best[kinds];
    tuned runs;
    optimum least;
    for (int i = 0; i < tunable; i++)
        prototypes[i] = prototype(s, i);
    if (!optimum_find(&s->t, 4.0, &least))
        return study_fail(s, "out of memory");
    bool good =
        tune(s, 4.0, prototypes, tunable, &runs) && run_stalled(s, &runs) && tune_winners(s, &runs, kinds, best);
    if (good) {
        tune_list(s, &runs, least.value);
        good = team_told_apart(s, tunable, best, least.value);
    }
    if (good) {
        published_compare(s, "5 left", kinds, best, least.value);
        judge(s, best, least.value);
        good = draw(s, best, least.value);
    }
    tune_free(&runs);
    return good;
}

int main(int argc, char **argv)
{
    const study_plan plan = { .name = "vanishing",
                              .about = "Depth 4 and 8 from near-zero, near-identity and balanced factors: figure 5.",
                              .steps = 100000,
                              .quick = 5000,
                              .data = true,
                              .keeps = true,
                              .run = run_study };
    return study_main(argc, argv, &plan);
}
