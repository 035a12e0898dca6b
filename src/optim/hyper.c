/* SPDX-License-Identifier: MIT */
/* The rules by kind; names and ranges of the hyperparameters. */

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "optim/rules.h"

typedef struct range {
    const char *name;
    double lower, upper;
    bool lower_open, upper_open;
} range;

/* In the order of dopt_hyper. */
static const range ranges[DOPT_HYPER_COUNT] = {
    { "lr", 0.0, INFINITY, false, true },
    { "weight_decay", 0.0, INFINITY, false, true },
    { "decoupled", 0.0, 1.0, false, false },
    { "momentum", 0.0, 1.0, false, true },
    { "rho", 0.0, 1.0, false, true },
    { "beta1", 0.0, 1.0, false, true },
    { "beta2", 0.0, 1.0, false, true },
    { "epsilon", 0.0, INFINITY, true, true },
    { "accumulator", 0.0, INFINITY, false, true },
};

static const range *range_of(dopt_hyper hyper)
{
    const int index = (int)hyper;
    return index >= 0 && index < DOPT_HYPER_COUNT ? &ranges[index] : NULL;
}

int dopt_optim_kind_count(void)
{
    return DOPT__RULES;
}

const dopt__rule *dopt__rule_of(dopt_optim_kind kind)
{
    const int index = (int)kind;
    return index >= 0 && index < DOPT__RULES ? &DOPT__BY_ISA(dopt__rule_table, dopt__cpu_isa())->of[index] : NULL;
}

const char *dopt_hyper_name(dopt_hyper hyper)
{
    const range *r = range_of(hyper);
    return r ? r->name : "";
}

const char *dopt_optim_kind_name(dopt_optim_kind kind)
{
    const dopt__rule *rule = dopt__rule_of(kind);
    return rule ? rule->name : "";
}

dopt_status dopt_optim_kind_by_name(const char *name, dopt_optim_kind *out)
{
    DOPT_REQUIRE(name, DOPT_ERR_INVALID, "name is NULL, must be a name");
    DOPT_REQUIRE(out, DOPT_ERR_INVALID, "out is NULL, must point to a kind");
    char all[256] = "";
    size_t used = 0;
    for (int i = 0; i < dopt_optim_kind_count(); i++) {
        const char *known = dopt_optim_kind_name((dopt_optim_kind)i);
        if (strcmp(name, known) == 0) {
            *out = (dopt_optim_kind)i;
            return DOPT_OK;
        }
        if (used + strlen(known) + 3 < sizeof all)
            used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i > 0 ? ", " : "", known);
    }
    return dopt__fail(DOPT_ERR_INVALID, __func__, "name is \"%.32s\", must be one of %s", name, all);
}

dopt_status dopt__check_kind(const char *func, const char *name, dopt_optim_kind kind)
{
    const char *names[DOPT__RULES];
    for (int i = 0; i < DOPT__RULES; i++)
        names[i] = dopt_optim_kind_name((dopt_optim_kind)i);
    return dopt__check_choice(func, name, (int)kind, DOPT__RULES, names);
}

static dopt_status unknown_hyper(const char *func, const char *where, dopt_hyper hyper)
{
    const char *names[DOPT_HYPER_COUNT];
    char name[64];
    for (int i = 0; i < DOPT_HYPER_COUNT; i++)
        names[i] = ranges[i].name;
    (void)snprintf(name, sizeof name, "%shyper", where);
    return dopt__check_choice(func, name, (int)hyper, DOPT_HYPER_COUNT, names);
}

/* Asked at every step, for the learning rate: words are put together only where they are needed. */
static dopt_status find(const char *func, const char *where, dopt_optim_kind kind, dopt_hyper hyper,
                        const dopt__rule **rule)
{
    *rule = dopt__rule_of(kind);
    if (!*rule)
        return dopt__check_kind(func, "kind", kind);
    if ((int)hyper < 0 || (int)hyper >= DOPT_HYPER_COUNT)
        return unknown_hyper(func, where, hyper);
    if (isnan((*rule)->initial[hyper]))
        return dopt__fail(DOPT_ERR_INVALID, func, "%s%s has no hyperparameter %s", where, (*rule)->name,
                          ranges[hyper].name);
    return DOPT_OK;
}

dopt_status dopt_optim_bounds(dopt_optim_kind kind, dopt_hyper hyper, dopt_hyper_bounds *out)
{
    const dopt__rule *rule;
    DOPT_REQUIRE(out, DOPT_ERR_INVALID, "out is NULL, must point to bounds");
    DOPT_TRY(find(__func__, "", kind, hyper, &rule));
    const range *r = &ranges[hyper];
    const dopt_hyper_bounds bounds = { rule->initial[hyper], r->lower, r->upper, r->lower_open, r->upper_open };
    *out = bounds;
    return DOPT_OK;
}

dopt_status dopt__check_hyper(const char *func, const char *where, dopt_optim_kind kind, dopt_hyper hyper, double value)
{
    const dopt__rule *rule;
    DOPT_TRY(find(func, where, kind, hyper, &rule));
    const range *r = &ranges[hyper];
    const int above = r->lower_open ? value > r->lower : value >= r->lower;
    const int below = r->upper_open ? value < r->upper : value <= r->upper;
    if (!above || !below)
        return dopt__fail(DOPT_ERR_INVALID, func, "%s%s is %g, must be in %c%g, %g%c", where, r->name, value,
                          r->lower_open ? '(' : '[', r->lower, r->upper, r->upper_open ? ')' : ']');
    if (hyper == DOPT_DECOUPLED && value != 0.0 && value != 1.0)
        return dopt__fail(DOPT_ERR_INVALID, func, "%sdecoupled is %g, must be 0 or 1", where, value);
    return DOPT_OK;
}
