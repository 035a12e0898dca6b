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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_the_cheapest),
        cmocka_unit_test(costs_are_on_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
