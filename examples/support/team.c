/* SPDX-License-Identifier: MIT */
/*
 * Each member is a trainer of the library, whose objective is a callback: it hands over the member's row of the
 * gradient that has just been computed for all. Losses are evaluated apart, and only where they are recorded.
 *
 * Squared errors are run on the reduced table, which has the same gradient.
 *
 * A checkpoint is of all members together, before a step: gradients have the same bits as long as the same rows are
 * active.
 */
#include "team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reduce.h"

/* Points of a recorded curve, about; it has those at 1, 2, 5, 10, ... too. */
enum { points = 500 };

static const double weight_limit = 1e9;

typedef struct seat {
    member *m;
    dopt_objective *own; /* the callback */
    dopt_trainer *trainer;
    double *w;
    const double *grad; /* of the present step */
    ptrdiff_t d;
    bool active;
} seat;

typedef struct team {
    study *s;
    table reduced;
    const table *t; /* gradients: the reduced table, or all of it */
    dopt_loss *loss;
    dopt_objective *shared, *single; /* all active rows at once; one row on all data, for its loss */
    double *y, *w, *grad;            /* of the active rows */
    double *weights;                 /* of all */
    seat *seats;
    int count, active;
    double p;
    int64_t start; /* steps that were taken before */
    char path[STUDY_PATH];
} team;

member team_member(const study *s, int kind, dopt_model model, double depth, double lr, const char *name)
{
    member m = { .kind = kind, .options = DOPT_FIT_OPTIONS_INIT };
    (void)snprintf(m.name, sizeof m.name, "%s", name);
    m.options.model = model;
    m.options.depth = depth;
    m.options.width = 1;
    m.options.init = DOPT_INIT_NORMAL;
    m.options.lr = lr;
    m.options.seed = (uint64_t)s->seed;
    m.options.max_steps = s->steps;
    return m;
}

double team_final(const member *m)
{
    return m->diverged || m->loss.count == 0 ? INFINITY : m->loss.y[m->loss.count - 1];
}

bool team_told_apart(study *s, int count, const member *const *members, double optimum)
{
    int there = 0;
    for (int i = 0; i < count; i++)
        there += members[i] && team_final(members[i]) - optimum < 1e-13 * members[i]->loss.y[0];
    return there < 2 || study_fail(s,
                                   "%d runs end at the optimum but for rounding: nothing is left to compare; fewer "
                                   "--steps may tell",
                                   there);
}

double team_loss_at(const member *m, double step)
{
    return step > (double)m->steps ? NAN : curve_at(&m->loss, step);
}

void team_free(member *members, int count)
{
    for (int i = 0; i < count; i++)
        curve_free(&members[i].loss);
}

static dopt_status hand_over(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user)
{
    const seat *st = user;
    (void)w;
    (void)batch;
    *value = 0.0;
    if (grad.data)
        memcpy(grad.data, st->grad, (size_t)st->d * sizeof *st->grad);
    return DOPT_OK;
}

static bool is_recorded(int64_t step, int64_t horizon)
{
    const int64_t every = horizon > points ? horizon / points : 1;
    int64_t power = 1;
    while (power * 10 <= step)
        power *= 10;
    return step % every == 0 || step == horizon || step == power || step == 2 * power || step == 5 * power;
}

static bool prepare(team *tm, double p)
{
    const study *s = tm->s;
    const size_t d = (size_t)s->t.cols, count = (size_t)tm->count;
    tm->t = p == 2.0 && reduce_rows(&s->t, &tm->reduced) ? &tm->reduced : &s->t;
    tm->y = malloc((size_t)tm->t->rows * count * sizeof *tm->y);
    tm->w = calloc(3 * d * count, sizeof *tm->w);
    tm->seats = calloc(count, sizeof *tm->seats);
    if (!tm->y || !tm->w || !tm->seats)
        return study_fail(tm->s, "out of memory");
    tm->grad = tm->w + d * count;
    tm->weights = tm->grad + d * count;
    return study_objective(tm->s, p, &tm->loss, &tm->single);
}

static bool take_seats(team *tm, member *members)
{
    const ptrdiff_t d = tm->s->t.cols;
    for (int i = 0; i < tm->count; i++) {
        seat *st = &tm->seats[i];
        st->m = &members[i];
        st->d = d;
        st->w = tm->weights + i * d;
        if (dopt_objective_create_custom(1, d, hand_over, st, &st->own) != DOPT_OK ||
            dopt_trainer_create(st->own, &members[i].options, dopt_mat_f64(st->w, 1, d), &st->trainer) != DOPT_OK)
            return study_fail_library(tm->s);
        st->active = true;
    }
    return true;
}

/* The objective of the active rows: as many outputs, all with the same targets. */
static bool gather_active(team *tm)
{
    const ptrdiff_t m = tm->t->rows;
    tm->active = 0;
    for (int i = 0; i < tm->count; i++)
        tm->active += tm->seats[i].active;
    dopt_objective_destroy(&tm->shared);
    if (tm->active == 0)
        return true;
    for (int i = 0; i < tm->active; i++)
        memcpy(tm->y + i * m, tm->t->y, (size_t)m * sizeof *tm->y);
    const dopt_cmat x = dopt_cmat_f64(tm->t->x, m, tm->t->cols),
                    y = dopt_ctransposed(dopt_cmat_f64(tm->y, tm->active, m));
    return study_create_data(x, y, tm->loss, &tm->shared) == DOPT_OK || study_fail_library(tm->s);
}

static void leave(seat *st, bool diverged)
{
    st->active = false;
    st->m->diverged = diverged;
}

/* Record losses, and let those go that are at the end. */
static bool record(team *tm, int64_t step)
{
    for (int i = 0; i < tm->count; i++) {
        seat *st = &tm->seats[i];
        const int64_t horizon = st->m->options.max_steps;
        if (!st->active || !is_recorded(step, horizon))
            continue;
        double loss;
        st->m->steps = step;
        if (dopt_objective_eval(tm->single, dopt_cmat_f64(st->w, 1, st->d), NULL, &loss, dopt_mat_none()) != DOPT_OK)
            leave(st, true);
        else if (!curve_add(&st->m->loss, (double)step, loss))
            return study_fail(tm->s, "out of memory");
        else if (step == horizon)
            leave(st, false);
    }
    return true;
}

static bool too_far(const seat *st)
{
    double top = 0.0;
    for (ptrdiff_t c = 0; c < st->d; c++)
        top = fmax(top, fabs(st->w[c]));
    return !(top <= weight_limit);
}

static bool step_all(team *tm)
{
    const ptrdiff_t d = tm->s->t.cols;
    int row = 0;
    for (int i = 0; i < tm->count; i++)
        if (tm->seats[i].active) {
            memcpy(tm->w + row * d, tm->seats[i].w, (size_t)d * sizeof *tm->w);
            tm->seats[i].grad = tm->grad + row++ * d;
        }
    if (dopt_objective_eval(tm->shared, dopt_cmat_f64(tm->w, row, d), NULL, NULL, dopt_mat_f64(tm->grad, row, d)) !=
        DOPT_OK)
        return study_fail_library(tm->s);
    for (int i = 0; i < tm->count; i++) {
        seat *st = &tm->seats[i];
        dopt_stop_reason reason = DOPT_STOP_NONE;
        if (!st->active)
            continue;
        if (dopt_trainer_step(st->trainer, &reason) != DOPT_OK)
            return study_fail_library(tm->s);
        if (reason == DOPT_STOP_DIVERGED || too_far(st))
            leave(st, true);
    }
    return true;
}

static void keep_seat(keep *k, seat *st)
{
    member *m = st->m;
    keep_same_text(k, "method", m->name);
    keep_same(k, "learning rate", m->options.lr);
    keep_same(k, "number of steps", (double)m->options.max_steps);
    keep_flag(k, &st->active);
    keep_flag(k, &m->diverged);
    keep_count(k, &m->steps);
    keep_curve(k, &m->loss);
    if (st->active)
        keep_trainer(k, st->trainer);
}

/* Save or load all that `step` steps have changed. */
static bool visit(team *tm, keep k, int64_t *step)
{
    keep_same_text(&k, "data", tm->s->data_name);
    keep_same_data(&k, tm->s->data_sum);
    keep_same(&k, "p", tm->p);
    keep_same(&k, "seed", (double)tm->s->seed);
    keep_same(&k, "number of runs", tm->count);
    keep_count(&k, step);
    for (int i = 0; i < tm->count && !k.failed; i++)
        keep_seat(&k, &tm->seats[i]);
    return keep_end(&k, tm->path, tm->s->message);
}

/* False: saving failed, or there was an interrupt. */
static bool save_if_due(team *tm, int64_t step)
{
    const bool stopped = keep_interrupted();
    if (step > tm->start && keep_due(&tm->s->keep, step) && !visit(tm, keep_saving(), &step))
        return false;
    return !stopped || study_fail(tm->s, "%s", keep_goodbye);
}

static bool run_all(team *tm, progress *shown)
{
    int64_t horizon = 1;
    for (int i = 0; i < tm->count; i++)
        horizon = tm->seats[i].m->options.max_steps > horizon ? tm->seats[i].m->options.max_steps : horizon;
    for (int64_t step = tm->start;; step++) {
        int active = 0;
        if (!save_if_due(tm, step) || !record(tm, step))
            return false;
        for (int i = 0; i < tm->count; i++)
            active += tm->seats[i].active;
        if (active != tm->active && !gather_active(tm))
            return false;
        if (tm->active == 0)
            return !tm->s->keep.path || visit(tm, keep_saving(), &step);
        if (!step_all(tm))
            return false;
        if (step % 64 == 0)
            progress_show(shown, (double)step / (double)horizon);
    }
}

static void disband(team *tm)
{
    for (int i = 0; i < tm->count && tm->seats; i++) {
        dopt_trainer_destroy(&tm->seats[i].trainer);
        dopt_objective_destroy(&tm->seats[i].own);
    }
    dopt_objective_destroy(&tm->shared);
    dopt_objective_destroy(&tm->single);
    dopt_loss_destroy(&tm->loss);
    table_free(&tm->reduced);
    free(tm->y);
    free(tm->w);
    free(tm->seats);
}

bool team_run(study *s, const char *label, double p, member *members, int count)
{
    team tm = { .s = s, .count = count, .p = p };
    progress shown = progress_begin(label, s->quiet);
    bool good = prepare(&tm, p) && take_seats(&tm, members);
    if (good && study_stage(s, tm.path))
        good = visit(&tm, keep_loading(tm.path), &tm.start);
    good = good && run_all(&tm, &shown);
    progress_end(&shown);
    disband(&tm);
    return good;
}
