/* SPDX-License-Identifier: MIT */
/* The order of a chain is the cheapest there is, and its flop count is that of the products it stands for. */
#include <math.h>

#include "net/net_state.h"
#include "net/plan.h"
#include "support/support.h"

enum { depth_most = 7 };

/* Every tree there is, one after the other. */
static double cheapest(const ptrdiff_t *n, int low, int high)
{
    double best = high - low == 1 ? 0.0 : INFINITY;
    for (int m = low + 1; m < high; m++) {
        const double here = (double)n[low] * (double)n[m] * (double)n[high];
        best = fmin(best, cheapest(n, low, m) + cheapest(n, m, high) + here);
    }
    return best;
}

static double cheapest_derivative(const ptrdiff_t *n, int depth)
{
    double best = depth == 1 ? 0.0 : INFINITY;
    for (int m = 1; m < depth; m++) {
        const double here = (double)n[0] * (double)n[m] * (double)n[depth];
        best = fmin(best, 3.0 * (cheapest(n, 0, m) + cheapest(n, m, depth)) + 2.0 * here);
    }
    return best;
}

/* The plan is a tree over all factors, and costs what its joins do: once each, or three times but the root. */
static void check_tree(const dopt__plan *plan, int depth, const ptrdiff_t *n, int times)
{
    double sum = 0.0;
    bool used[depth_most] = { false };
    assert_int_equal(plan->count, depth - 1);
    for (int i = 0; i < plan->count; i++) {
        const dopt__join *c = &plan->joins[i];
        const int part[2] = { c->lower, c->upper };
        for (int side = 0; side < 2; side++) {
            const int low = side ? c->middle : c->low, high = side ? c->high : c->middle;
            assert_true(low < high);
            assert_int_equal(part[side] < 0, high - low == 1);
            if (part[side] >= 0) {
                assert_true(part[side] < i && !used[part[side]]);
                used[part[side]] = true;
                assert_true(plan->joins[part[side]].low == low && plan->joins[part[side]].high == high);
            }
        }
        const double here = (double)n[c->low] * (double)n[c->middle] * (double)n[c->high];
        sum += here * (times == 3 && i == plan->count - 1 ? 2.0 : (double)times);
    }
    if (plan->count > 0)
        assert_true(plan->joins[plan->count - 1].low == 0 && plan->joins[plan->count - 1].high == depth);
    assert_true(plan->flops == 2.0 * sum);
}

static void plans_are_the_cheapest(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(500); round++) {
        const int depth = (int)test_int(&rng, 1, depth_most);
        ptrdiff_t n[depth_most + 1];
        dopt__plan product = { NULL, 0, 0.0 }, backward = { NULL, 0, 0.0 };
        for (int j = 0; j <= depth; j++)
            n[j] = test_size(&rng, 200);
        assert_true(dopt__plan_make(depth, n, NULL, &product, &backward));
        check_tree(&product, depth, n, 1);
        check_tree(&backward, depth, n, 3);
        assert_true(product.flops == 2.0 * cheapest(n, 0, depth));
        assert_true(backward.flops == 2.0 * cheapest_derivative(n, depth));
        dopt__plan_release(&product, NULL);
        dopt__plan_release(&backward, NULL);
    }
}

/* The costs that a net reports are those of its plans and of its layers, and the cheaper route is taken. */
static void costs_are_on_record(void **state)
{
    (void)state;
    const ptrdiff_t dims[] = { 128, 64, 64, 1 };
    dopt_net *net = NULL;
    ASSERT_OK(dopt_net_create(DOPT_F64, 3, dims, NULL, &net));
    const double weights = 128.0 * 64 + 64 * 64 + 64;
    const dopt_net_cost few = dopt_net_costs(net, 1), many = dopt_net_costs(net, 1000);
    assert_true(few.product == 2.0 * (64 * 64 + 64 * 128));
    assert_true(few.backward == 3.0 * 2.0 * 64 * 64 + 2.0 * 2.0 * 64 * 128);
    assert_true(many.forward_by_rows == 2000.0 * weights && many.forward_on_w == many.product + 2000.0 * 128);
    assert_true(few.forward_by_rows == 2.0 * weights && few.forward_on_w == few.product + 2.0 * 128);
    assert_true(many.backprop_on_w == many.backward + 2000.0 * 128);
    assert_true(many.backprop_by_rows == 6000.0 * weights - 2000.0 * 64 - 2000.0 * 128 * 64);
    const dopt_net_cost none = dopt_net_costs(NULL, 5);
    assert_true(none.product == 0.0 && none.backprop_on_w == 0.0);
    dopt_net_destroy(&net);
}

/* With dL/dX both routes take one more product: the one that is cheaper with it is taken, which W in memory shows. */
static void the_cheaper_route_to_dx_is_taken(void **state)
{
    (void)state;
    enum { d = 12, hidden = 10, k = 3, most = 40 };
    const ptrdiff_t dims[] = { d, hidden, k };
    double x[most * d] = { 0.0 }, dz[most * k] = { 0.0 }, dx[most * d];
    dopt_net *net = NULL;
    ASSERT_OK(dopt_net_create(DOPT_F64, 2, dims, NULL, &net));
    ASSERT_OK(dopt_net_init_identity(net, 1.0));
    int on_w = 0;
    for (ptrdiff_t m = 1; m <= most; m++)
        for (int wanted = 0; wanted < 2; wanted++) {
            const dopt_net_cost cost = dopt_net_costs(net, m);
            const double by_rows = cost.backprop_by_rows + (wanted ? 2.0 * (double)m * hidden * d : 0.0);
            const bool expected = cost.backprop_on_w + (wanted ? cost.forward_on_w : 0.0) < by_rows;
            double *w = net->collapsed.data;
            w[0] = 5.0;
            ASSERT_OK(dopt_net_backprop(net, dopt_cmat_f64(x, m, d), dopt_cmat_f64(dz, m, k),
                                        wanted ? dopt_mat_f64(dx, m, d) : dopt_mat_none()));
            assert_int_equal(w[0] != 5.0, expected);
            on_w += expected;
        }
    assert_true(on_w > 0 && on_w < 2 * most);
    dopt_net_destroy(&net);
}

static dopt_net *twin_of(dopt_net *net, const ptrdiff_t *n)
{
    dopt_net *twin = NULL;
    ASSERT_OK(dopt_net_create(DOPT_F64, dopt_net_depth(net), n, NULL, &twin));
    for (int j = 1; j <= dopt_net_depth(net); j++)
        test_copy(dopt_const(dopt_net_factor(net, j)), dopt_net_factor(twin, j));
    return twin;
}

/* A step that leaves outer products unformed moves the factors as one that forms them, bit by bit, and the gradients
   can still be seen. */
static void thin_steps_are_steps(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(200); round++) {
        const int depth = (int)test_int(&rng, 1, 5);
        ptrdiff_t n[6];
        for (int j = 0; j <= depth; j++)
            n[j] = j == depth && round % 2 ? 1 : test_size(&rng, 30);
        dopt_net *net = NULL;
        dopt_optim *one = NULL, *two = NULL;
        test_array g = test_array_new(n[depth], n[0], DOPT_F64, test_any_layout(&rng));
        test_fill(&rng, g.view);
        ASSERT_OK(dopt_net_create(DOPT_F64, depth, n, NULL, &net));
        ASSERT_OK(dopt_net_init_normal(net, &rng, 0.5));
        dopt_net *twin = twin_of(net, n);
        ASSERT_OK(dopt_optim_create(DOPT_OPTIM_GD, &one));
        ASSERT_OK(dopt_optim_create(DOPT_OPTIM_GD, &two));
        for (int step = 0; step < 3; step++) {
            ASSERT_OK(dopt_step(one, net, dopt_const(g.view)));
            ASSERT_OK(dopt_net_backward(twin, dopt_const(g.view)));
            ASSERT_OK(dopt_optim_apply_net(two, twin));
            for (int j = 1; j <= depth; j++) {
                ASSERT_MAT_SAME(dopt_const(dopt_net_factor(net, j)), dopt_const(dopt_net_factor(twin, j)));
                if (step != 1)
                    ASSERT_MAT_SAME(dopt_const(dopt_net_grad(net, j)), dopt_const(dopt_net_grad(twin, j)));
            }
        }
        test_array_free(&g);
        dopt_net_destroy(&net);
        dopt_net_destroy(&twin);
        dopt_optim_destroy(&one);
        dopt_optim_destroy(&two);
    }
}

static void overflow_moves_nothing(void **state)
{
    (void)state;
    const ptrdiff_t n[] = { 3, 4, 1 };
    double g[3] = { 1e200, 1.0, 2.0 };
    dopt_net *net = NULL;
    dopt_optim *optim = NULL;
    ASSERT_OK(dopt_net_create(DOPT_F64, 2, n, NULL, &net));
    ASSERT_OK(dopt_net_init_identity(net, 1e200));
    dopt_net *before = twin_of(net, n);
    ASSERT_OK(dopt_optim_create(DOPT_OPTIM_GD, &optim));
    ASSERT_FAILS(dopt_step(optim, net, dopt_cmat_f64(g, 1, 3)), DOPT_ERR_NONFINITE, "grads[0][0, 0] is inf");
    for (int j = 1; j <= 2; j++)
        ASSERT_MAT_SAME(dopt_const(dopt_net_factor(net, j)), dopt_const(dopt_net_factor(before, j)));
    assert_int_equal(dopt_optim_steps(optim), 0);
    dopt_net_destroy(&net);
    dopt_net_destroy(&before);
    dopt_optim_destroy(&optim);
}

/* A formed gradient that overflows beside a thin one is refused too. */
static void overflow_beside_a_thin_gradient(void **state)
{
    (void)state;
    const ptrdiff_t n[] = { 3, 2, 1 };
    const double g[3] = { 1e200, 1e200, 1e200 };
    dopt_net *net = NULL;
    dopt_optim *optim = NULL;
    ASSERT_OK(dopt_net_create(DOPT_F64, 2, n, NULL, &net));
    for (int i = 0; i < 6; i++)
        test_set(dopt_net_factor(net, 1), i / 3, i % 3, 1e200);
    for (int i = 0; i < 2; i++)
        test_set(dopt_net_factor(net, 2), 0, i, 1.0);
    dopt_net *before = twin_of(net, n);
    ASSERT_OK(dopt_optim_create(DOPT_OPTIM_GD, &optim));
    ASSERT_FAILS(dopt_step(optim, net, dopt_cmat_f64(g, 1, 3)), DOPT_ERR_NONFINITE, "grads[1][0, 0] is inf");
    for (int j = 1; j <= 2; j++)
        ASSERT_MAT_SAME(dopt_const(dopt_net_factor(net, j)), dopt_const(dopt_net_factor(before, j)));
    dopt_net_destroy(&net);
    dopt_net_destroy(&before);
    dopt_optim_destroy(&optim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_the_cheapest),           cmocka_unit_test(costs_are_on_record),
        cmocka_unit_test(the_cheaper_route_to_dx_is_taken), cmocka_unit_test(thin_steps_are_steps),
        cmocka_unit_test(overflow_moves_nothing),           cmocka_unit_test(overflow_beside_a_thin_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
