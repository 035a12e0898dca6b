/* SPDX-License-Identifier: MIT */
/*
 * Each worker has a share of the items, one after the other, and takes them from its front; who has none left takes
 * from the back of another's share. So a worker finds in its cache what it had there at the call before, and shares no
 * cache line with others until the end.
 *
 * Who took an item may read the description of the work, and only now: it changes before there are items, and not again
 * until all are done.
 */
#define _POSIX_C_SOURCE 200809L

#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"

/* Looks at its share before a thread goes to sleep: some tens of microseconds. */
enum { patience = 4000 };

/* Items first ... end - 1, first in the lower half; on cache lines of its own. */
typedef struct share {
    _Atomic uint64_t range;
    char apart[128 - sizeof(uint64_t)];
} share;

typedef struct helper {
    dopt__pool *pool;
    pthread_t thread;
    int worker;
} helper;

struct dopt__pool {
    dopt_allocator allocator;
    dopt__work_fn work;
    void *argument;
    int workers;   /* that were asked for; some may not have started */
    share *shares; /* of each worker */
    _Atomic int done, asleep;
    atomic_bool ending;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    int helper_count;
    helper *helpers;
};

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static uint64_t range_of(uint32_t first, uint32_t end)
{
    return (uint64_t)end << 32 | first;
}

static bool is_empty(uint64_t range)
{
    return (uint32_t)range >= (uint32_t)(range >> 32);
}

/* An item from the front or the back of a share; -1 if there is none. */
static int take(share *from, bool front)
{
    uint64_t seen = atomic_load(&from->range);
    while (!is_empty(seen)) {
        const uint32_t first = (uint32_t)seen, end = (uint32_t)(seen >> 32);
        const uint64_t rest = front ? range_of(first + 1, end) : range_of(first, end - 1);
        if (atomic_compare_exchange_weak(&from->range, &seen, rest))
            return (int)(front ? first : end - 1);
    }
    return -1;
}

/* Take items until there are none. */
static void take_part(dopt__pool *pool, int worker)
{
    int count = 0;
    for (int i = 0; i < pool->workers; i++)
        for (int item; (item = take(&pool->shares[(worker + i) % pool->workers], i == 0)) >= 0; count++)
            pool->work(pool->argument, item, worker);
    if (count > 0)
        atomic_fetch_add(&pool->done, count);
}

static bool is_called(dopt__pool *pool, int worker)
{
    return !is_empty(atomic_load(&pool->shares[worker].range)) || atomic_load(&pool->ending);
}

static void wait_for_work(dopt__pool *pool, int worker)
{
    for (int i = 0; i < patience; i++) {
        if (is_called(pool, worker))
            return;
        relax();
    }
    (void)pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->asleep, 1);
    while (!is_called(pool, worker))
        (void)pthread_cond_wait(&pool->wake, &pool->mutex);
    atomic_fetch_sub(&pool->asleep, 1);
    (void)pthread_mutex_unlock(&pool->mutex);
}

static void *help(void *argument)
{
    const helper *h = argument;
    while (!atomic_load(&h->pool->ending)) {
        take_part(h->pool, h->worker);
        wait_for_work(h->pool, h->worker);
    }
    return NULL;
}

static void wake_all(dopt__pool *pool)
{
    if (atomic_load(&pool->asleep) == 0)
        return;
    (void)pthread_mutex_lock(&pool->mutex);
    (void)pthread_cond_broadcast(&pool->wake);
    (void)pthread_mutex_unlock(&pool->mutex);
}

dopt__pool *dopt__pool_create(int threads, const dopt_allocator *allocator)
{
    dopt__pool *pool = dopt__alloc(allocator, 1, sizeof *pool);
    helper *helpers = dopt__alloc(allocator, (size_t)threads, sizeof *helpers);
    share *shares = dopt__alloc(allocator, (size_t)threads, sizeof *shares);
    if (!pool || !helpers || !shares || pthread_mutex_init(&pool->mutex, NULL) != 0) {
        dopt__release(allocator, shares);
        dopt__release(allocator, helpers);
        dopt__release(allocator, pool);
        return NULL;
    }
    (void)pthread_cond_init(&pool->wake, NULL);
    if (allocator)
        pool->allocator = *allocator;
    pool->helpers = helpers;
    pool->shares = shares;
    pool->workers = threads;
    while (pool->helper_count + 1 < threads) {
        helper *h = &helpers[pool->helper_count];
        h->pool = pool;
        h->worker = pool->helper_count + 1;
        if (pthread_create(&h->thread, NULL, help, h) != 0)
            break;
        pool->helper_count++;
    }
    return pool;
}

void dopt__pool_destroy(dopt__pool *pool)
{
    if (!pool)
        return;
    const dopt_allocator allocator = pool->allocator;
    atomic_store(&pool->ending, true);
    wake_all(pool);
    for (int i = 0; i < pool->helper_count; i++)
        (void)pthread_join(pool->helpers[i].thread, NULL);
    (void)pthread_cond_destroy(&pool->wake);
    (void)pthread_mutex_destroy(&pool->mutex);
    dopt__release(&allocator, pool->shares);
    dopt__release(&allocator, pool->helpers);
    dopt__release(&allocator, pool);
}

/* The same items to the same worker, if there are as many the next time. */
static void share_out(dopt__pool *pool, int items)
{
    const int64_t started = pool->helper_count + 1, all = items;
    for (int64_t i = 0; i < started; i++)
        atomic_store(&pool->shares[i].range,
                     range_of((uint32_t)(all * i / started), (uint32_t)(all * (i + 1) / started)));
}

void dopt__pool_run(dopt__pool *pool, int items, dopt__work_fn work, void *argument)
{
    if (!pool || pool->helper_count == 0 || items < 2) {
        for (int i = 0; i < items; i++)
            work(argument, i, 0);
        return;
    }
    pool->work = work;
    pool->argument = argument;
    atomic_store(&pool->done, 0);
    share_out(pool, items);
    wake_all(pool);
    take_part(pool, 0);
    for (int i = 0; atomic_load(&pool->done) < items; i++)
        if (i < patience)
            relax();
        else
            (void)sched_yield();
}
