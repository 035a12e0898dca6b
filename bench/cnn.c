/* SPDX-License-Identifier: MIT */
/*
 * A training step of the convolutional network of examples/mnist, beside PyTorch.
 *
 * Rounds of steps in turn with rounds of the peer, so that a slow spell of the machine hits both; the ratio is the
 * median over the rounds of the ratio within one.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../examples/mnist/dataset.h"
#include "../examples/mnist/network.h"
#include "support/report.h"
#include "support/timing.h"

enum { batch = 64, warm_up = 3, steps = 15, contestants = 5, peers = 3, rounds_max = 25, rounds_min = 3 };

static const struct {
    const char *name;
    rule how;
    penalty on;
    double refresh; /* see dense_options */
    int peer;       /* column of the peer's numbers; -1: there is none */
} lines[contestants] = {
    { "plain", RULE_PLAIN, PENALTY_NONE, 0.0, 0 },
    { "factored", RULE_FACTORED, PENALTY_NONE, 0.0, 1 },
    { "factored, penalty on the product", RULE_FACTORED, PENALTY_PRODUCT, 0.0, 2 },
    { "e2e", RULE_E2E, PENALTY_NONE, 0.0, -1 },
    { "e2e, basis kept up to 1e-2", RULE_E2E, PENALTY_NONE, 1e-2, -1 },
};

typedef struct result {
    double seconds[rounds_max], ratios[rounds_max], peer[rounds_max];
    network_profile parts; /* of all steps */
    int rounds, taken;
} result;

static _Noreturn void give_up(const char *message)
{
    (void)fprintf(stderr, "%s\n", message);
    exit(EXIT_FAILURE);
}

static void train_step(network *n, const dataset *data, int64_t step)
{
    unsigned char labels[batch];
    double loss;
    images_batch(&data->train, (size_t)step * batch, batch, network_pixels(n), labels);
    if (!network_forward(n, step) || !network_loss(n, labels, &loss) || !network_backward(n) || !network_step(n, 1e-3))
        give_up(n->message);
}

/* Median seconds of a step; the parts are added up. */
static double time_steps(network *n, const dataset *data, int count, result *r)
{
    double times[steps];
    for (int i = 0; i < warm_up; i++)
        train_step(n, data, i);
    memset(&n->profile, 0, sizeof n->profile);
    for (int i = 0; i < count; i++) {
        const double start = now();
        train_step(n, data, i);
        times[i] = now() - start;
    }
    r->parts.convolution += n->profile.convolution;
    r->parts.dense += n->profile.dense;
    r->parts.penalty += n->profile.penalty;
    r->parts.update += n->profile.update;
    r->parts.rest += n->profile.rest;
    r->taken += count;
    return median(count, times);
}

/* A collapsed network predicts the same: what is timed computes what it should. */
static void check(const network_spec *spec, const dense_options *o, const dataset *data)
{
    static network n;
    static float before[batch * CLASSES];
    double gap = 0.0, largest = 0.0;
    if (!network_create(&n, spec, o, batch, 1))
        give_up(n.message);
    train_step(&n, data, 0);
    for (int after = 0; after < 2; after++) {
        if (!network_forward(&n, -1))
            give_up(n.message);
        for (int i = 0; i < batch * CLASSES; i++) {
            const float z = network_logits(&n)[i];
            if (after)
                gap = fmax(gap, fabs((double)z - (double)before[i]));
            largest = fmax(largest, fabs((double)z));
            before[i] = z;
        }
        if (!after && !network_collapse(&n))
            give_up(n.message);
    }
    bench_check("collapse", gap / largest, 1e-5);
    network_destroy(&n);
}

static void print_line(int i, result *r)
{
    const double each = 1e3 / r->taken;
    const double ours = 1e3 * median(r->rounds, r->seconds);
    (void)printf("%-33s %8.2f", lines[i].name, ours);
    if (lines[i].peer >= 0 && r->peer[0] > 0.0)
        (void)printf(" %8.2f %6.3f", 1e3 * median(r->rounds, r->peer), median(r->rounds, r->ratios));
    else
        (void)printf(" %8s %6s", "-", "-");
    (void)printf(" | %8.2f %8.2f %8.2f %8.2f %8.2f\n", each * r->parts.convolution, each * r->parts.dense,
                 each * r->parts.penalty, each * r->parts.update, each * r->parts.rest);
}

static void race_networks(network *nets, const dataset *data, const bench_options *options, result *results)
{
    const double start = now();
    char arguments[64];
    (void)snprintf(arguments, sizeof arguments, "%d %d %d", batch, options->threads, steps);
    for (int round = 0; round < rounds_max && (round < rounds_min || now() - start < 30.0 * options->seconds);
         round++) {
        double peer[peers] = { 0 };
        const bool found = bench_peer("cnn_torch.py", arguments, peers, peer);
        for (int i = 0; i < contestants; i++) {
            result *r = &results[i];
            if (lines[i].how == RULE_E2E && options->quick)
                continue;
            const double seconds = time_steps(&nets[i], data, steps, r);
            r->seconds[r->rounds] = seconds;
            r->peer[r->rounds] = found && lines[i].peer >= 0 ? peer[lines[i].peer] : 0.0;
            r->ratios[r->rounds] = seconds / r->peer[r->rounds];
            r->rounds++;
        }
    }
}

int main(int argc, char **argv)
{
    static network nets[contestants];
    static result results[contestants];
    char message[DATASET_MESSAGE];
    dataset data;
    const network_spec *spec = network_find("tutorial");
    const bench_options options =
        bench_begin(argc, argv, "A training step of the convolutional network: parts, and PyTorch; batch 64.");
    if (!dataset_draw(1, &data, message))
        give_up(message);
    for (int i = 0; i < contestants; i++) {
        const dense_options o = { lines[i].how, 2.0, lines[i].on, 5e-4, 0.9, 0.1, 0.1, 0.1, lines[i].refresh };
        check(spec, &o, &data);
        if (!network_create(&nets[i], spec, &o, batch, 1))
            give_up(nets[i].message);
    }
    race_networks(nets, &data, &options, results);
    bench_machine(stdout, &options);
    (void)printf("%-33s %8s %8s %6s | %8s %8s %8s %8s %8s\n", "milliseconds a step", "ours", "PyTorch", "ratio",
                 "convol.", "dense", "penalty", "update", "rest");
    for (int i = 0; i < contestants; i++) {
        if (results[i].rounds > 0)
            print_line(i, &results[i]);
        network_destroy(&nets[i]);
    }
    dataset_free(&data);
    return 0;
}
