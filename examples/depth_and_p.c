/* SPDX-License-Identifier: MIT */
/*
 * Figure 2: depth 1, 2, 3, and 4 and 8, each at its best learning rate, for the mean of |error|^p. Depth does not
 * accelerate p = 2, and accelerates p > 2.
 *
 * Depths 2 and 3 start as the paper's, from near-zero factors. From there depths 4 and 8 would stay where they are
 * (figure 5), so they start from balanced factors of a small W.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/figure.h"
#include "support/optimum.h"
#include "support/published.h"
#include "support/tune.h"

enum { depths = 5 };

static member prototype(const study *s, int i)
{
    static const double depth_of[depths] = { 1.0, 2.0, 3.0, 4.0, 8.0 };
    char name[32];
    (void)snprintf(name, sizeof name, "depth %g", depth_of[i]);
    member m = team_member(s, i, i == 0 ? DOPT_MODEL_DIRECT : DOPT_MODEL_FACTORED, depth_of[i], 0.0, name);
    if (i == 0)
        m.options.depth = 2.0; /* of the first weights: those of the network of depth 2 */
    if (i == 2)
        m.options.init_std = 0.05; /* leaves the plateau when the published curve does */
    if (i > 2)
        m.options.init = DOPT_INIT_BALANCED;
    return m;
}

static bool draw(study *s, const char *figure_name, const member *const *best, double optimum_value)
{
    figure f;
    char name[64], title[128];
    (void)snprintf(name, sizeof name, "depth_p%g", s->p);
    (void)snprintf(title, sizeof title, "mean of |error|^%g: each depth at its best constant learning rate", s->p);
    if (!figure_begin(&f, s, name, title, "steps", "loss - optimum", "xy"))
        return false;
    figure_members(&f, figure_name, depths, best, optimum_value);
    return figure_end(&f);
}

static double distance_of(const member *m, double optimum_value)
{
    return m ? team_final(m) - optimum_value : INFINITY;
}

/* By the finer grid; the paper's grid is coarser. The paper shows depths 2 and 3. */
static bool judge(study *s, const member *const *fine, const member *const *coarse, double optimum_value)
{
    char claim[160];
    double at[depths], rough[depths];
    for (int i = 0; i < depths; i++) {
        at[i] = distance_of(fine[i], optimum_value);
        rough[i] = distance_of(coarse[i], optimum_value);
    }
    bool any = false;
    for (int i = 0; i < depths; i++)
        any = any || isfinite(at[i]);
    if (!any)
        return study_fail(s, "--p %g: every learning rate diverged at every depth, nothing is left to compare", s->p);
    const bool faster = fmin(at[1], at[2]) < at[0], fastest = faster || fmin(at[3], at[4]) < at[0];
    (void)snprintf(claim, sizeof claim, "Depth %s l_%g (figure 2)", s->p > 2.0 ? "accelerates" : "does not accelerate",
                   s->p);
    const verdict v = s->p > 2.0 ? (faster    ? HOLDS
                                    : fastest ? PARTLY
                                              : FAILS)
                                 : (fastest ? faster ? FAILS : PARTLY : HOLDS);
    study_claim(
        s, v, claim,
        "distance after %lld steps at depth 1, 2, 3, 4, 8: %.4g, %.4g, %.4g, %.4g, %.4g; with only the learning "
        "rates 1 and 5 to the decade, as in the paper: %.4g, %.4g, %.4g, %.4g, %.4g",
        (long long)s->steps, at[0], at[1], at[2], at[3], at[4], rough[0], rough[1], rough[2], rough[3], rough[4]);
    return true;
}

static bool run_study(study *s)
{
    member prototypes[depths];
    const member *fine[depths], *coarse[depths];
    tuned runs;
    optimum best;
    const char *figure_name = s->p == 2.0 ? "2 l2" : s->p == 4.0 ? "2 l4" : "";
    for (int i = 0; i < depths; i++)
        prototypes[i] = prototype(s, i);
    if (!optimum_find(&s->t, s->p, &best))
        return study_fail(s, "out of memory");
    bool good = tune(s, s->p, prototypes, depths, &runs);
    if (good) {
        for (int i = 0; i < depths; i++) {
            fine[i] = tune_best(&runs, i, false);
            coarse[i] = tune_best(&runs, i, true);
        }
        tune_list(s, &runs, best.value);
        good = team_told_apart(s, depths, fine, best.value);
    }
    if (good) {
        published_compare(s, figure_name, depths, fine, best.value);
        good = judge(s, fine, coarse, best.value) && draw(s, figure_name, fine, best.value);
    }
    tune_free(&runs);
    return good;
}

int main(int argc, char **argv)
{
    const study_plan plan = { .name = "depth_and_p",
                              .about = "Depths 1, 2, 3, 4 and 8 on the mean of |error|^p, each at its best constant\n"
                                       "learning rate: figure 2.",
                              .steps = 1000000,
                              .quick = 10000,
                              .p = 4.0,
                              .data = true,
                              .keeps = true,
                              .run = run_study };
    return study_main(argc, argv, &plan);
}
