/* SPDX-License-Identifier: MIT */
/*
 * Figure 5, left: depth 4 and 8 on the mean of error^4, from near-zero factors, from near-identity factors, and, which
 * the paper does not have, from balanced factors of a small W. Each at its best learning rate.
 */
#include <math.h>
#include <stdlib.h>

#include "support/figure.h"
#include "support/optimum.h"
#include "support/published.h"
#include "support/tune.h"

enum { kinds = 7, rates = 5 };

static const struct {
    const char *name;
    double depth;
    dopt_init init;
} table_of[kinds] = {
    { "depth 1", 1.0, DOPT_INIT_NORMAL },
    { "depth 4, near zero", 4.0, DOPT_INIT_NORMAL },
    { "depth 8, near zero", 8.0, DOPT_INIT_NORMAL },
    { "depth 4, identity", 4.0, DOPT_INIT_IDENTITY },
    { "depth 8, identity", 8.0, DOPT_INIT_IDENTITY },
    { "depth 4, balanced", 4.0, DOPT_INIT_BALANCED },
    { "depth 8, balanced", 8.0, DOPT_INIT_BALANCED },
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
    const double four = left(s, best[1], 0.5, least), eight = left(s, best[2], 1.0, least);
    study_claim(s, verdict_of(four > 0.99, eight > 0.99), "Near-zero factors stall: the gradient vanishes with depth",
                "left of the first distance: depth 4 half-way %.3f, at the end %.3f; depth 8 at the end %.3f", four,
                left(s, best[1], 1.0, least), eight);
    const double soon = fmax(left(s, best[3], 0.05, least), left(s, best[4], 0.05, least));
    const double plain = left(s, best[0], 1.0, least);
    const double ends[] = { left(s, best[3], 1.0, least), left(s, best[4], 1.0, least), left(s, best[5], 1.0, least),
                            left(s, best[6], 1.0, least) };
    study_claim(
        s, verdict_of(soon < 0.5, ends[0] < plain && ends[1] < plain),
        "From the identity both progress at once and end ahead of depth 1 (figure 5, left)",
        "left of the first distance: after 5 %% of the steps at most %.3f; at the end depth 1 %.4f, depth 4 %.4f, "
        "depth 8 %.4f",
        soon, plain, ends[0], ends[1]);
    study_claim(s, verdict_of(ends[2] < plain, ends[3] < plain), "Balanced factors of a small W do not stall either",
                "left of the first distance at the end: depth 4 %.4f, depth 8 %.4f", ends[2], ends[3]);
}

static bool run_study(study *s)
{
    member prototypes[kinds], *members = calloc(kinds * rates, sizeof *members);
    const member *best[kinds];
    optimum least;
    figure f;
    for (int i = 0; i < kinds; i++)
        prototypes[i] = prototype(s, i);
    if (!members || !optimum_find(&s->t, 4.0, &least)) {
        free(members);
        return study_fail(s, "out of memory");
    }
    bool good = tune(s, 4.0, prototypes, kinds, rates, members);
    for (int i = 0; i < kinds && good; i++) {
        best[i] = tune_best(members, kinds * rates, i, false);
        good = best[i] || study_fail(s, "%s: every learning rate diverged", table_of[i].name);
    }
    if (good) {
        tune_list(s, members, kinds * rates, least.value);
        published_compare(s, "5 left", kinds, best, least.value);
        judge(s, best, least.value);
        good = figure_begin(&f, s, "vanishing", "l_4: where deep networks start from", "steps", "loss - optimum", "y");
    }
    if (good) {
        figure_members(&f, "5 left", kinds, best, least.value);
        good = figure_end(&f);
    }
    team_free(members, kinds * rates);
    free(members);
    return good;
}

int main(int argc, char **argv)
{
    const study_plan plan = { .name = "vanishing",
                              .about =
                                  "Depth 4 and 8 from near-zero, near-identity and balanced factors: figure 5, left.",
                              .steps = 100000,
                              .quick = 5000,
                              .data = true,
                              .run = run_study };
    return study_main(argc, argv, &plan);
}
