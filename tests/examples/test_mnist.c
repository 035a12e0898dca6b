/* SPDX-License-Identifier: MIT */
/* The convolutional network of examples/mnist, on drawn digits: gradients, training, collapse, repetition. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../examples/mnist/training.h"
#include "support/support.h"

enum { batch = BATCH, steps = 60 };

static dataset digits;

static dense_options options_of(rule how, penalty on)
{
    const dense_options o = { how, 2.0, on, 5e-4, 0.9, 0.1, 0.1, 0.1, 0.0 };
    return o;
}

static network *create(const char *name, dense_options o)
{
    network *n = malloc(sizeof *n);
    assert_non_null(n);
    if (!network_create(n, network_find(name), &o, batch, 1))
        fail_msg("%s", n->message);
    return n;
}

static void destroy(network *n)
{
    network_destroy(n);
    free(n);
}

/* Forward and loss of a training step on the first batch, dropout included; with the gradients if asked for. */
static double evaluate(network *n, bool backward)
{
    unsigned char labels[batch];
    double loss = NAN;
    images_batch(&digits.train, 0, batch, network_pixels(n), labels);
    assert_true(network_forward(n, 7));
    assert_true(network_loss(n, labels, &loss));
    if (backward)
        assert_true(network_backward(n));
    return loss;
}

/* block += factor * direction */
static void move(dopt_mat block, double factor, const float *direction)
{
    float *x = block.data;
    for (ptrdiff_t i = 0; i < block.rows * block.cols; i++)
        x[i] += (float)factor * direction[i];
}

/*
 * The slope along a random half of the gradient, by differences, is the norm of that half. The loss is float32: a step
 * that changes it by 1e-2 sees rounding of about 1e-4 of that; the rest of the tolerance is curvature and ReLUs.
 */
static void gradients_agree_with_differences(network *n)
{
    dopt_rng rng = test_rng_begin(__func__);
    for (int b = 0; b < network_blocks(n); b++) {
        dopt_mat block;
        dopt_cmat gradient;
        (void)evaluate(n, true);
        network_block(n, b, &block, &gradient);
        const size_t count = (size_t)block.rows * (size_t)block.cols;
        float *direction = malloc(count * sizeof *direction), *saved = malloc(count * sizeof *saved);
        double square = 1e-12;
        memcpy(saved, block.data, count * sizeof *saved);
        for (size_t i = 0; i < count; i++) {
            direction[i] = dopt_rng_uint64(&rng) & 1 ? ((const float *)gradient.data)[i] : 0.0F;
            square += (double)direction[i] * (double)direction[i];
        }
        const double size = test_norm(dopt_const(block)) + 0.1 * sqrt((double)count);
        const double step = fmin(5e-3 / square, 1e-4 * size / sqrt(square));
        move(block, step, direction);
        const double above = evaluate(n, false);
        memcpy(block.data, saved, count * sizeof *saved);
        move(block, -step, direction);
        const double below = evaluate(n, false);
        memcpy(block.data, saved, count * sizeof *saved);
        ASSERT_CLOSE((above - below) / (2.0 * step) / square, 1.0, 0.02);
        free(direction);
        free(saved);
    }
}

static void gradients_of_the_tutorial_network(void **state)
{
    (void)state;
    network *n = create("tutorial", options_of(RULE_FACTORED, PENALTY_NONE));
    gradients_agree_with_differences(n);
    destroy(n);
}

static void gradients_of_lenet5(void **state)
{
    (void)state;
    network *n = create("lenet5", options_of(RULE_FACTORED, PENALTY_NONE));
    gradients_agree_with_differences(n);
    destroy(n);
}

static settings settings_of(int64_t count)
{
    const settings s = { .network = network_find("tutorial"),
                         .variants = { RULE_PLAIN, RULE_FACTORED, RULE_E2E },
                         .variant_count = 3,
                         .on = PENALTY_PRODUCT,
                         .lr = 0.01,
                         .depth = 2.0,
                         .factor_stddev = 0.1,
                         .steps = count,
                         .seed = 1,
                         .record = 1,
                         .quiet = true };
    return s;
}

static training *run(const settings *s)
{
    training *t = malloc(sizeof *t);
    assert_non_null(t);
    if (!training_run(t, s, &digits))
        fail_msg("%s", t->message);
    return t;
}

static void end(training *t)
{
    training_free(t);
    free(t);
}

/* A guess gives log 10 = 2.3, and 90 % of errors. */
static void all_variants_learn_and_collapse(void **state)
{
    (void)state;
    const settings s = settings_of(steps);
    training *t = run(&s);
    for (int i = 0; i < 3; i++) {
        const trained *r = &t->runs[i];
        assert_false(r->diverged);
        assert_int_equal(r->steps, steps);
        assert_int_equal(r->count, steps + 1);
        assert_true(r->points[steps - 1].cross_entropy < 1.0);
        assert_true(r->points[steps - 1].mean < r->points[9].mean);
        assert_true(r->points[steps - 1].penalty < r->points[0].penalty);
        assert_true(r->test_error < 0.3);
        assert_true(r->collapse_gap <= 1e-5);
        assert_true(r->collapsed_test_error == r->test_error);
        for (int l = 0; l < 2; l++)
            assert_int_equal(dopt_net_depth(r->net.denses[l].net), 1);
    }
    assert_int_equal(t->runs[0].parameters, 1663370);
    assert_int_equal(t->runs[1].parameters, 1663370 + 262244);
    assert_int_equal(t->runs[2].parameters, 1663370);
    /* One start for all: plain and e2e have the same loss at first, and part then. */
    assert_true(t->runs[0].points[0].cross_entropy == t->runs[2].points[0].cross_entropy);
    assert_true(t->runs[0].points[1].cross_entropy != t->runs[2].points[1].cross_entropy);
    end(t);
}

static void one_thread_repeats_bit_for_bit(void **state)
{
    (void)state;
    const settings s = settings_of(4);
    training *t[2] = { run(&s), run(&s) };
    for (int i = 0; i < 3; i++)
        for (int p = 0; p < 4; p++) {
            const point *a = &t[0]->runs[i].points[p], *b = &t[1]->runs[i].points[p];
            assert_memory_equal(&a->cross_entropy, &b->cross_entropy, sizeof a->cross_entropy);
            assert_memory_equal(&a->penalty, &b->penalty, sizeof a->penalty);
        }
    settings other = s;
    other.seed = 2;
    end(t[1]);
    t[1] = run(&other);
    assert_true(t[0]->runs[0].points[0].cross_entropy != t[1]->runs[0].points[0].cross_entropy);
    end(t[0]);
    end(t[1]);
}

/* On the product: that of the collapsed matrices. On the factors: that of all blocks. Biases count in both. */
static void penalties_are_what_they_say(void **state)
{
    (void)state;
    for (int on = PENALTY_PRODUCT; on <= PENALTY_FACTORS; on++) {
        network *n = create("lenet5", options_of(RULE_FACTORED, (penalty)on));
        (void)evaluate(n, true);
        const double value = network_penalty(n);
        if (on == PENALTY_PRODUCT)
            assert_true(network_collapse(n));
        double square = 0.0;
        for (int b = 0; b < network_blocks(n); b++) {
            dopt_mat block;
            dopt_cmat gradient;
            network_block(n, b, &block, &gradient);
            if (b >= 2 * n->spec->convs)
                square += pow(test_norm(dopt_const(block)), 2.0);
        }
        ASSERT_CLOSE(value, 0.5 * 5e-4 * square, 1e-5 * value);
        destroy(n);
    }
}

static int draw_digits(void **state)
{
    char message[DATASET_MESSAGE];
    (void)state;
    return dataset_draw(1, &digits, message) ? 0 : -1;
}

static int free_digits(void **state)
{
    (void)state;
    dataset_free(&digits);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_the_tutorial_network), cmocka_unit_test(gradients_of_lenet5),
        cmocka_unit_test(penalties_are_what_they_say),       cmocka_unit_test(all_variants_learn_and_collapse),
        cmocka_unit_test(one_thread_repeats_bit_for_bit),
    };
    return cmocka_run_group_tests(tests, draw_digits, free_digits);
}
