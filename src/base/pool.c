/* SPDX-License-Identifier: MIT */
/*
 * `tickets` holds the items not yet taken. Who took one may read the description of the work, and only now: it changes
 * before there are tickets, and not again until all items are done.
 */
#define _POSIX_C_SOURCE 200809L

#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/memory.h"

/* Looks at the tickets before a thread goes to sleep: some tens of microseconds. */
enum { patience = 4000 };

typedef struct helper {
    dopt__pool *pool;
    pthread_t thread;
    int worker;
} helper;

struct dopt__pool {
    dopt_allocator allocator;
    _Atomic int tickets, done, asleep;
    atomic_bool ending;
    dopt__work_fn work;
    void *argument;
    int items;
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

/* Take items until there are none. */
static void take_part(dopt__pool *pool, int worker)
{
    int seen = atomic_load(&pool->tickets);
    while (seen > 0) {
        if (!atomic_compare_exchange_weak(&pool->tickets, &seen, seen - 1))
            continue;
        pool->work(pool->argument, pool->items - seen, worker);
        atomic_fetch_add(&pool->done, 1);
        seen = atomic_load(&pool->tickets);
    }
}

static bool is_called(dopt__pool *pool)
{
    return atomic_load(&pool->tickets) > 0 || atomic_load(&pool->ending);
}

static void wait_for_work(dopt__pool *pool)
{
    for (int i = 0; i < patience; i++) {
        if (is_called(pool))
            return;
        relax();
    }
    (void)pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->asleep, 1);
    while (!is_called(pool))
        (void)pthread_cond_wait(&pool->wake, &pool->mutex);
    atomic_fetch_sub(&pool->asleep, 1);
    (void)pthread_mutex_unlock(&pool->mutex);
}

static void *help(void *argument)
{
    const helper *h = argument;
    while (!atomic_load(&h->pool->ending)) {
        take_part(h->pool, h->worker);
        wait_for_work(h->pool);
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
    if (!pool || !helpers || pthread_mutex_init(&pool->mutex, NULL) != 0) {
        dopt__release(allocator, helpers);
        dopt__release(allocator, pool);
        return NULL;
    }
    (void)pthread_cond_init(&pool->wake, NULL);
    if (allocator)
        pool->allocator = *allocator;
    pool->helpers = helpers;
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
    dopt__release(&allocator, pool->helpers);
    dopt__release(&allocator, pool);
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
    pool->items = items;
    atomic_store(&pool->done, 0);
    atomic_store(&pool->tickets, items);
    wake_all(pool);
    take_part(pool, 0);
    for (int i = 0; atomic_load(&pool->done) < items; i++)
        if (i < patience)
            relax();
        else
            (void)sched_yield();
}
