/* SPDX-License-Identifier: MIT */
/*
 * usage: soak [--seconds S | --hours H]     default: 5 seconds
 *
 * Training jobs of random kinds over a pool of handles that come and go. Now and then a job is saved, thrown away and
 * loaded into another trainer. Whatever ran before and beside it, a job ends with the bits that it ended with the first
 * time; when all handles are gone, so is their memory to the byte, and the process does not grow. To be run with
 * GLIBC_TUNABLES=glibc.malloc.tcache_count=0, as what threads keep for themselves counts as in use.
 */
#define _GNU_SOURCE

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/saved_run.h"

enum { pool = 8, job_steps = 40, jobs_round = 2000 };

typedef struct slot {
    run r;
    int index; /* of the kind; -1: free */
    int steps; /* that are left */
} slot;

static slot slots[pool];
static uint64_t first[kind_count]; /* how each kind ended the first time; 0: not yet */
static long done, repeated, reloaded;

static uint64_t sum_of(const memory *m)
{
    uint64_t sum = 14695981039346656037u;
    for (size_t i = 0; i < m->size; i++)
        sum = (sum ^ m->bytes[i]) * 1099511628211u;
    return sum | 1;
}

static void start(slot *s, dopt_rng *rng)
{
    s->index = (int)dopt_rng_below(rng, kind_count);
    s->steps = job_steps;
    const kind k = kind_of(s->index);
    const dopt_fit_options o = options_of(&k);
    begin(&s->r, &k, 1 + (dopt_rng_below(rng, 64) == 0), &o);
}

static bool finish(slot *s)
{
    static memory m;
    save_to_memory(&s->r, &m);
    const uint64_t sum = sum_of(&m);
    const bool same = first[s->index] == 0 || first[s->index] == sum;
    if (!same)
        (void)fprintf(stderr, "job of kind %d ended otherwise than the first time\n", s->index);
    repeated += first[s->index] != 0;
    first[s->index] = sum;
    end(&s->r);
    s->index = -1;
    done++;
    return same;
}

/* Save, forget, and go on in a new trainer. */
static void reload(slot *s)
{
    static memory m;
    const kind k = kind_of(s->index);
    const dopt_fit_options o = options_of(&k);
    save_to_memory(&s->r, &m);
    end(&s->r);
    begin(&s->r, &k, 1, &o);
    ASSERT_OK(load_from_memory(&s->r, &m));
    reloaded++;
}

static bool advance(slot *s, dopt_rng *rng)
{
    if (s->index < 0) {
        start(s, rng);
        return true;
    }
    const int some = 1 + (int)dopt_rng_below(rng, 20);
    const int steps = some < s->steps ? some : s->steps;
    take(&s->r, steps);
    s->steps -= steps;
    if (s->steps == 0)
        return finish(s);
    if (dopt_rng_below(rng, 8) == 0)
        reload(s);
    return true;
}

static long resident(void)
{
    long pages = 0, all = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &all, &pages) != 2)
        pages = 0;
    if (f)
        (void)fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

/* So many jobs, until all handles are gone. */
static bool one_round(dopt_rng *rng)
{
    bool good = true;
    for (const long until = done + jobs_round; done < until && good;)
        good = advance(&slots[dopt_rng_below(rng, pool)], rng);
    for (int i = 0; i < pool; i++)
        while (slots[i].index >= 0 && good)
            good = advance(&slots[i], rng);
    return good;
}

static double argument(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--hours") == 0)
        return 3600.0 * strtod(argv[2], NULL);
    return argc == 3 && strcmp(argv[1], "--seconds") == 0 ? strtod(argv[2], NULL) : 5.0;
}

int main(int argc, char **argv)
{
    const double seconds = argument(argc, argv);
    const time_t start_time = time(NULL);
    dopt_rng rng = dopt_rng_init(7, 0);
    size_t used = 0, used_first = 0;
    long size = 0, size_first = 0, rounds = 0;
    bool good = true;
    for (int i = 0; i < pool; i++)
        slots[i].index = -1;
    /* The first rounds fill what the C library and the BLAS keep. */
    for (; good && (rounds < 4 || difftime(time(NULL), start_time) < seconds); rounds++) {
        good = one_round(&rng);
        used = mallinfo2().uordblks;
        size = resident();
        if (rounds == 2) {
            used_first = used;
            size_first = size;
        }
    }
    (void)printf("%ld jobs, %ld of them seen before, %ld reloads, in use %zu -> %zu bytes, resident %ld -> %ld kB\n",
                 done, repeated, reloaded, used_first, used, size_first / 1024, size / 1024);
    if (good && (used > used_first || (double)size > 1.05 * (double)size_first + 1048576.0)) {
        (void)fprintf(stderr, "memory grows\n");
        good = false;
    }
    return good ? 0 : 1;
}
