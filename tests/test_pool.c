/* SPDX-License-Identifier: MIT */
/* Every item of every piece of work is done once, by one worker at a time, however many threads there are. */
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "base/pool.h"
#include "support/support.h"

enum { items_most = 100, threads_most = 8 };

typedef struct work {
    atomic_int done[items_most];
    atomic_bool busy[threads_most];
    atomic_int broken, threads;
} work;

static void touch(void *argument, int item, int worker)
{
    work *w = argument;
    if (worker < 0 || worker >= atomic_load(&w->threads) || atomic_exchange(&w->busy[worker], true))
        atomic_fetch_add(&w->broken, 1);
    atomic_fetch_add(&w->done[item], 1);
    atomic_store(&w->busy[worker], false);
}

static void run_and_check(dopt__pool *pool, int threads, int items)
{
    static work w;
    atomic_store(&w.threads, threads);
    for (int i = 0; i < items_most; i++)
        atomic_store(&w.done[i], 0);
    dopt__pool_run(pool, items, touch, &w);
    for (int i = 0; i < items_most; i++)
        assert_int_equal(atomic_load(&w.done[i]), i < items ? 1 : 0);
    assert_int_equal(atomic_load(&w.broken), 0);
}

static void each_item_is_done_once(void **state)
{
    (void)state;
    static const int threads[] = { 1, 2, 3, 8 };
    dopt_rng rng = test_rng_begin(__func__);
    run_and_check(NULL, 1, 5);
    for (int i = 0; i < 4; i++) {
        test_memory memory = { .left = -1 };
        const dopt_allocator allocator = test_allocator(&memory);
        dopt__pool *pool = dopt__pool_create(threads[i], &allocator);
        assert_non_null(pool);
        for (int round = 0; round < test_rounds(400); round++) {
            run_and_check(pool, threads[i], (int)test_int(&rng, 0, items_most));
            if (round % 100 == 99) { /* the threads have gone to sleep */
                const struct timespec moment = { 0, 3000000 };
                (void)nanosleep(&moment, NULL);
            }
        }
        dopt__pool_destroy(pool);
        assert_int_equal(memory.live, 0);
    }
    dopt__pool_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_item_is_done_once) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
