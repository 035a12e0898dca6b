/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const settings_usage =
    "usage: mnist_cnn [OPTION VALUE]...\n"
    "A convolutional network whose dense layers are overparameterised: does depth\n"
    "make it learn faster, and what?\n"
    "\n"
    "  --data DIR            folder of the four MNIST files, .gz or not;\n"
    "                        default: digits drawn in memory\n"
    "  --network NAME        tutorial (2 convolutions, 2 dense layers) or lenet5;\n"
    "                        default tutorial\n"
    "  --variants NAME[,...] plain, factored, e2e: how the dense layers learn;\n"
    "                        default plain,factored\n"
    "  --depth N             of factored (an integer) and e2e (any from 1 up);\n"
    "                        default 2\n"
    "  --penalty WHERE       product: 5e-4/2 ||W||^2 of the end-to-end matrices;\n"
    "                        factors; or none; default product\n"
    "  --factor-std S        standard deviation of the added factors at the start;\n"
    "                        default 0.1\n"
    "  --refresh TOL         of e2e: keep the basis of W until it has turned by this\n"
    "                        part; default 0, a new one each step\n"
    "  --lr ETA              of the first epoch, 0.95 times that in each one after\n"
    "                        it; default 0.01\n"
    "  --epochs E            default 10 with --data, else 2\n"
    "  --steps T             instead of --epochs: steps of 64 images\n"
    "  --seed S              default 1\n"
    "  --threads T           default 1, with which results repeat bit for bit\n"
    "  --record EVERY        steps from one loss written to the next; default 10\n"
    "  --evaluate EVERY      test each so many steps; default: after each epoch\n"
    "  --out DIR             write curves.csv, .gp and .svg, and summary.json there\n"
    "  --checkpoint FILE     save there, after an interrupt too\n"
    "  --every N             steps between two saves; default 500\n"
    "  --resume              go on from what was saved by the same command; --steps\n"
    "                        and --epochs may be more\n"
    "  --quiet               the tables only\n"
    "  --help                this text\n"
    "\n"
    "example: mnist_cnn --variants plain,factored --steps 200\n" OPTIONS_EXITS KEEP_EXITS;

const char *const rule_names[RULE_COUNT] = { "plain", "factored", "e2e" };
const char *const penalty_names[PENALTY_COUNT] = { "none", "product", "factors" };

static int find(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static bool read_network(const option *o, const char *value)
{
    const network_spec *found = network_find(value);
    if (found)
        *(const network_spec **)o->to = found;
    return found != NULL;
}

static bool read_penalty(const option *o, const char *value)
{
    const int found = find(penalty_names, PENALTY_COUNT, value);
    if (found >= 0)
        *(penalty *)o->to = (penalty)found;
    return found >= 0;
}

/* Each variant once, in the order given. */
static bool read_variants(const option *o, const char *value)
{
    settings *s = o->to;
    char item[32];
    bool seen[RULE_COUNT] = { false };
    s->variant_count = 0;
    while (option_item(&value, item, sizeof item)) {
        const int found = find(rule_names, RULE_COUNT, item);
        if (found < 0 || seen[found])
            return false;
        seen[found] = true;
        s->variants[s->variant_count++] = (rule)found;
    }
    return s->variant_count > 0;
}

static bool has_factors(const settings *s)
{
    for (int i = 0; i < s->variant_count; i++)
        if (s->variants[i] == RULE_FACTORED)
            return true;
    return false;
}

bool settings_read(int argc, char **argv, settings *out, char message[256])
{
    const settings defaults = { .network = network_find("tutorial"),
                                .variants = { RULE_PLAIN, RULE_FACTORED },
                                .variant_count = 2,
                                .on = PENALTY_PRODUCT,
                                .lr = 0.01,
                                .depth = 2.0,
                                .factor_stddev = 0.1,
                                .seed = 1,
                                .threads = 1,
                                .record = 10,
                                .keep.every = 500 };
    *out = defaults;
    const option table[] = {
        { "--data", option_text, &out->data, 0, "" },
        { "--out", option_text, &out->out, 0, "" },
        { "--network", read_network, &out->network, 0, "tutorial or lenet5" },
        { "--variants", read_variants, out, 0, "some of plain, factored, e2e, each once, with commas between" },
        { "--depth", option_real, &out->depth, 1, "a number from 1 up" },
        { "--penalty", read_penalty, &out->on, 0, "product, factors or none" },
        { "--factor-std", option_real, &out->factor_stddev, 0, "a number from 0 up" },
        { "--refresh", option_real, &out->refresh_tolerance, 0, "a number from 0 up, below 1" },
        { "--lr", option_real, &out->lr, 0, "a number from 0 up" },
        { "--epochs", option_count, &out->epochs, 1, OPTION_FROM_ONE },
        { "--steps", option_count, &out->steps, 1, OPTION_FROM_ONE },
        { "--seed", option_count, &out->seed, 0, OPTION_FROM_ZERO },
        { "--threads", option_count, &out->threads, 1, OPTION_FROM_ONE },
        { "--record", option_count, &out->record, 1, OPTION_FROM_ONE },
        { "--evaluate", option_count, &out->evaluate, 1, OPTION_FROM_ONE },
        KEEP_ROWS(&out->keep),
        { "--quiet", NULL, &out->quiet, 0, "" },
        { "--help", NULL, &out->help, 0, "" },
    };
    if (!options_read(argc, argv, sizeof table / sizeof *table, table, message))
        return false;
    if (has_factors(out) && (out->depth != floor(out->depth) || out->depth > DOPT_NET_DEPTH_MAX)) {
        (void)snprintf(message, 256, "--depth %g: must be an integer up to %d for the variant factored", out->depth,
                       DOPT_NET_DEPTH_MAX);
        return false;
    }
    if (out->keep.path && out->refresh_tolerance > 0.0) {
        (void)snprintf(message, 256, "--refresh with --checkpoint: the basis that is kept cannot be saved");
        return false;
    }
    return keep_check(&out->keep, message);
}
