/* SPDX-License-Identifier: MIT */
#include "published.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const published published_points[] = {
    { "1 l2", "depth 2, width 1", 20000, 0.0439 },
    { "1 l2", "depth 2, width 1", 50000, 0.0293 },
    { "1 l2", "depth 2, width 1", 100000, 0.0205 },
    { "1 l2", "depth 2, width 1", 150000, 0.0165 },
    { "1 l2", "depth 2, width 1", 200000, 0.0143 },
    { "1 l2", "depth 2, width 1", 245000, 0.0127 },
    { "1 l2", "depth 2, end-to-end rule", 20000, 0.043 },
    { "1 l2", "depth 2, end-to-end rule", 50000, 0.0281 },
    { "1 l2", "depth 2, end-to-end rule", 100000, 0.0198 },
    { "1 l2", "depth 2, end-to-end rule", 150000, 0.0162 },
    { "1 l2", "depth 2, end-to-end rule", 200000, 0.0138 },
    { "1 l2", "depth 2, end-to-end rule", 245000, 0.0123 },
    { "1 l2", "depth 3, width 1", 20000, 0.0493 },
    { "1 l2", "depth 3, width 1", 50000, 0.0289 },
    { "1 l2", "depth 3, width 1", 100000, 0.0189 },
    { "1 l2", "depth 3, width 1", 150000, 0.0139 },
    { "1 l2", "depth 3, width 1", 200000, 0.0112 },
    { "1 l2", "depth 3, width 1", 245000, 0.0093 },
    { "1 l2", "depth 3, width 100", 20000, 0.0458 },
    { "1 l2", "depth 3, width 100", 50000, 0.0275 },
    { "1 l2", "depth 3, width 100", 100000, 0.0176 },
    { "1 l2", "depth 3, width 100", 150000, 0.0135 },
    { "1 l2", "depth 3, width 100", 200000, 0.0109 },
    { "1 l2", "depth 3, width 100", 245000, 0.009 },
    { "1 l2", "depth 3, end-to-end rule", 20000, 0.0422 },
    { "1 l2", "depth 3, end-to-end rule", 50000, 0.0254 },
    { "1 l2", "depth 3, end-to-end rule", 100000, 0.0169 },
    { "1 l2", "depth 3, end-to-end rule", 150000, 0.013 },
    { "1 l2", "depth 3, end-to-end rule", 200000, 0.0105 },
    { "1 l2", "depth 3, end-to-end rule", 245000, 0.0088 },
    { "1 l4", "depth 2, width 1", 10000, 1.14 },
    { "1 l4", "depth 2, width 1", 20000, 0.87 },
    { "1 l4", "depth 2, width 1", 50000, 0.515 },
    { "1 l4", "depth 2, width 1", 100000, 0.321 },
    { "1 l4", "depth 2, width 1", 200000, 0.234 },
    { "1 l4", "depth 2, width 1", 245000, 0.215 },
    { "1 l4", "depth 2, end-to-end rule", 50000, 0.5 },
    { "1 l4", "depth 2, end-to-end rule", 100000, 0.312 },
    { "1 l4", "depth 2, end-to-end rule", 245000, 0.21 },
    { "1 l4", "depth 3, width 1", 5000, 4.05 },
    { "1 l4", "depth 3, width 1", 10000, 1.87 },
    { "1 l4", "depth 3, width 1", 50000, 0.435 },
    { "1 l4", "depth 3, width 1", 75000, 0.3 },
    { "1 l4", "depth 3, width 1", 200000, 0.172 },
    { "1 l4", "depth 3, width 1", 245000, 0.147 },
    { "1 l4", "depth 3, end-to-end rule", 50000, 0.375 },
    { "1 l4", "depth 3, end-to-end rule", 100000, 0.245 },
    { "1 l4", "depth 3, end-to-end rule", 245000, 0.143 },
    { "2 l2", "depth 1", 10000, 0.0244 },
    { "2 l2", "depth 1", 50000, 0.0143 },
    { "2 l2", "depth 1", 100000, 0.011 },
    { "2 l2", "depth 1", 200000, 0.00804 },
    { "2 l2", "depth 1", 500000, 0.00473 },
    { "2 l2", "depth 1", 1e+06, 0.0027 },
    { "2 l2", "depth 2", 10000, 0.0559 },
    { "2 l2", "depth 2", 50000, 0.0288 },
    { "2 l2", "depth 2", 100000, 0.0202 },
    { "2 l2", "depth 2", 200000, 0.0139 },
    { "2 l2", "depth 2", 500000, 0.00737 },
    { "2 l2", "depth 2", 1e+06, 0.00359 },
    { "2 l2", "depth 3", 10000, 0.203 },
    { "2 l2", "depth 3", 50000, 0.0444 },
    { "2 l2", "depth 3", 100000, 0.0292 },
    { "2 l2", "depth 3", 200000, 0.0184 },
    { "2 l2", "depth 3", 500000, 0.00928 },
    { "2 l2", "depth 3", 1e+06, 0.00419 },
    { "2 l4", "depth 1", 20000, 0.249 },
    { "2 l4", "depth 1", 100000, 0.1425 },
    { "2 l4", "depth 1", 200000, 0.1044 },
    { "2 l4", "depth 1", 300000, 0.0856 },
    { "2 l4", "depth 1", 500000, 0.0627 },
    { "2 l4", "depth 1", 800000, 0.0444 },
    { "2 l4", "depth 1", 990000, 0.0374 },
    { "2 l4", "depth 2", 20000, 0.406 },
    { "2 l4", "depth 2", 100000, 0.177 },
    { "2 l4", "depth 2", 200000, 0.113 },
    { "2 l4", "depth 2", 300000, 0.0812 },
    { "2 l4", "depth 2", 500000, 0.0465 },
    { "2 l4", "depth 2", 800000, 0.0246 },
    { "2 l4", "depth 2", 990000, 0.0171 },
    { "2 l4", "depth 3", 20000, 0.612 },
    { "2 l4", "depth 3", 100000, 0.188 },
    { "2 l4", "depth 3", 200000, 0.107 },
    { "2 l4", "depth 3", 300000, 0.0688 },
    { "2 l4", "depth 3", 500000, 0.0317 },
    { "2 l4", "depth 3", 800000, 0.0117 },
    { "2 l4", "depth 3", 990000, 0.00646 },
    { "4 left", "adagrad", 20000, 0.286 },
    { "4 left", "adagrad", 100000, 0.167 },
    { "4 left", "adagrad", 200000, 0.129 },
    { "4 left", "adagrad", 500000, 0.0871 },
    { "4 left", "adagrad", 800000, 0.0665 },
    { "4 left", "adagrad", 990000, 0.0579 },
    { "4 left", "adadelta", 20000, 0.229 },
    { "4 left", "adadelta", 100000, 0.096 },
    { "4 left", "adadelta", 200000, 0.0587 },
    { "4 left", "adadelta", 500000, 0.031 },
    { "4 left", "adadelta", 800000, 0.0233 },
    { "4 left", "adadelta", 990000, 0.0205 },
    { "4 left", "depth 3, gd", 20000, 0.604 },
    { "4 left", "depth 3, gd", 100000, 0.186 },
    { "4 left", "depth 3, gd", 200000, 0.107 },
    { "4 left", "depth 3, gd", 500000, 0.0315 },
    { "4 left", "depth 3, gd", 800000, 0.0116 },
    { "4 left", "depth 3, gd", 990000, 0.0064 },
    { "4 right", "adam, depth 1", 10000, 0.397 },
    { "4 right", "adam, depth 1", 50000, 0.0701 },
    { "4 right", "adam, depth 1", 100000, 0.0318 },
    { "4 right", "adam, depth 1", 198000, 0.0118 },
    { "4 right", "adam, depth 2", 10000, 0.533 },
    { "4 right", "adam, depth 2", 50000, 0.0495 },
    { "4 right", "adam, depth 2", 100000, 0.0133 },
    { "4 right", "adam, depth 2", 198000, 0.0039 },
    { "4 right", "adam, depth 3", 10000, 0.701 },
    { "4 right", "adam, depth 3", 50000, 0.0389 },
    { "4 right", "adam, depth 3", 100000, 0.0114 },
    { "4 right", "adam, depth 3", 198000, 0.003 },
    { "5 left", "depth 1", 1000, 1.09 },
    { "5 left", "depth 1", 5000, 0.71 },
    { "5 left", "depth 1", 10000, 0.556 },
    { "5 left", "depth 1", 20000, 0.425 },
    { "5 left", "depth 1", 50000, 0.296 },
    { "5 left", "depth 1", 99000, 0.24 },
    { "5 left", "depth 4, near zero", 10000, 5.347 },
    { "5 left", "depth 4, near zero", 65000, 5.347 },
    { "5 left", "depth 4, near zero", 70000, 5.1 },
    { "5 left", "depth 4, near zero", 80000, 4.6 },
    { "5 left", "depth 4, near zero", 99000, 4.51 },
    { "5 left", "depth 8, near zero", 10000, 5.347 },
    { "5 left", "depth 8, near zero", 50000, 5.347 },
    { "5 left", "depth 8, near zero", 99000, 5.347 },
    { "5 left", "depth 4, identity", 5000, 1.07 },
    { "5 left", "depth 4, identity", 10000, 0.789 },
    { "5 left", "depth 4, identity", 20000, 0.509 },
    { "5 left", "depth 4, identity", 32000, 0.349 },
    { "5 left", "depth 4, identity", 50000, 0.275 },
    { "5 left", "depth 4, identity", 99000, 0.199 },
    { "5 left", "depth 8, identity", 5000, 0.961 },
    { "5 left", "depth 8, identity", 10000, 0.653 },
    { "5 left", "depth 8, identity", 16000, 0.458 },
    { "5 left", "depth 8, identity", 20000, 0.38 },
    { "5 left", "depth 8, identity", 50000, 0.24 },
    { "5 left", "depth 8, identity", 99000, 0.162 },
    { NULL, NULL, 0.0, 0.0 },
};

/* The first step at which a run is no farther from the optimum than `distance`; NaN if it never is. */
static double step_to(const member *m, double distance, double optimum)
{
    for (size_t i = 1; i < m->loss.count; i++)
        if (m->loss.y[i] - optimum <= distance)
            return m->loss.x[i];
    return NAN;
}

/* The least and the largest ratio of steps, over the points that the run reaches. */
static void compare_times(study *s, const char *figure, const member *m, double optimum)
{
    double least = INFINITY, most = 0.0;
    char what[160];
    for (const published *p = published_points; p->figure; p++) {
        if (strcmp(p->figure, figure) != 0 || strcmp(p->curve, m->name) != 0)
            continue;
        const double ratio = step_to(m, p->y, optimum) / p->x;
        if (!isnan(ratio)) {
            least = fmin(least, ratio);
            most = fmax(most, ratio);
        }
    }
    if (most == 0.0)
        return;
    (void)snprintf(what, sizeof what, "figure %s, %s (ours: lr %g): our steps over the published ones, least", figure,
                   m->name, m->options.lr);
    study_number(s, what, least);
    (void)snprintf(what, sizeof what, "figure %s, %s (ours: lr %g): our steps over the published ones, most", figure,
                   m->name, m->options.lr);
    study_number(s, what, most);
}

void published_compare(study *s, const char *figure, int count, const member *const *members, double optimum)
{
    char what[160];
    for (const published *p = published_points; p->figure && study_on_paper_data(s); p++)
        for (int i = 0; i < count; i++)
            if (members[i] && strcmp(p->figure, figure) == 0 && strcmp(p->curve, members[i]->name) == 0 &&
                p->x <= (double)members[i]->steps) {
                (void)snprintf(what, sizeof what, "figure %s, %s (ours: lr %g), step %g", figure, p->curve,
                               members[i]->options.lr, p->x);
                study_compare(s, what, p->y, team_loss_at(members[i], p->x) - optimum);
            }
    for (int i = 0; i < count && study_on_paper_data(s); i++)
        if (members[i])
            compare_times(s, figure, members[i], optimum);
}
