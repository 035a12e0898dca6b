/* SPDX-License-Identifier: MIT */
/*
 * A run that is saved and resumed in another process is the run that was never broken, bit by bit. A process that is
 * killed leaves a whole file. With arguments the program is that other process.
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/saved_run.h"

/* The other process: take each run that was saved to its end, on another number of threads, and save it again. */
static int resume_all(const char *in)
{
    static run r;
    for (int i = 0; i < kind_count; i++) {
        const kind k = kind_of(i);
        const dopt_fit_options options = options_of(&k);
        begin(&r, &k, 3 - i % 3, &options);
        if (dopt_trainer_load(r.trainer, file_in(in, "half", i)) != DOPT_OK) {
            (void)fprintf(stderr, "%s\n", dopt_last_error());
            return 1;
        }
        take(&r, steps_all - steps_saved);
        r.trainer->report.seconds = 0.0;
        if (dopt_trainer_save(r.trainer, file_in(in, "whole", i)) != DOPT_OK)
            return 1;
        end(&r);
    }
    return 0;
}

static const char *program; /* its own name: under valgrind /proc/self/exe is valgrind */

static void run_other_process(const char *in)
{
    int status = -1;
    const pid_t child = fork();
    if (child == 0) {
        (void)execl(program, program, in, (char *)NULL);
        _exit(127);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void resumes_bit_by_bit(void **state)
{
    static run r;
    static memory whole[kind_count];
    int distinct = 0;
    (void)state;
    assert_int_equal(optimizers, dopt_optim_kind_count());
    for (int i = 0; i < kind_count; i++) {
        const kind k = kind_of(i);
        const dopt_fit_options options = options_of(&k);
        begin(&r, &k, 1 + i % 3, &options);
        take(&r, steps_saved);
        ASSERT_OK(dopt_trainer_save(r.trainer, file_in(folder, "half", i)));
        take(&r, steps_all - steps_saved);
        assert_int_equal(dopt_trainer_report(r.trainer).steps, steps_all);
        save_to_memory(&r, &whole[i]);
        distinct += i > 0 && memcmp(whole[i].bytes, whole[i - 1].bytes, whole[i].size) != 0;
        end(&r);
    }
    assert_int_equal(distinct, kind_count - 1);
    run_other_process(folder);
    for (int i = 0; i < kind_count; i++)
        assert_file_is(file_in(folder, "whole", i), &whole[i]);
}

/* Whatever the rule, a run that is loaded after each of its steps ends where the one that is left alone ends. */
static void stops_at_the_same_step(void **state)
{
    static run alone, broken;
    static memory m, last, other;
    static const dopt_stop_reason ends[] = { DOPT_STOP_STEPS, DOPT_STOP_VALUE, DOPT_STOP_GRADIENT, DOPT_STOP_STEP,
                                             DOPT_STOP_DIVERGED };
    (void)state;
    for (int rule = 0; rule < 5; rule++) {
        const kind k = { DOPT_MODEL_DIRECT, DOPT_OPTIM_GD, { DOPT_SCHEDULE_CONSTANT, 0, 0, 0.0 }, DOPT_F64, 0, 3 };
        dopt_fit_options o = options_of(&k);
        o.max_steps = rule == 0 ? 50 : 100000;
        o.lr = rule == 4 ? 1e9 : 0.3;
        o.optimizer = rule == 4 ? DOPT_OPTIM_NESTEROV : DOPT_OPTIM_GD;
        o.value_tolerance = rule == 1 ? 1e-4 : 0.0;
        o.gradient_tolerance = rule == 2 ? 1e-2 : 0.0;
        o.step_tolerance = rule == 3 ? 1e-3 : 0.0;
        o.weight_decay = rule == 4 ? 1.0 : 0.0;
        begin(&alone, &k, 1, &o);
        begin(&broken, &k, 1, &o);
        dopt_stop_reason reason = DOPT_STOP_NONE, same = DOPT_STOP_NONE;
        while (reason == DOPT_STOP_NONE) {
            ASSERT_OK(dopt_trainer_step(alone.trainer, &reason));
            ASSERT_OK(dopt_trainer_step(broken.trainer, &same));
            assert_int_equal(reason, same);
            save_to_memory(&broken, &m);
            end(&broken);
            begin(&broken, &k, 1, &o);
            ASSERT_OK(load_from_memory(&broken, &m));
        }
        assert_int_equal(reason, ends[rule]);
        assert_int_equal(dopt_trainer_report(broken.trainer).reason, rule == 4 ? DOPT_STOP_DIVERGED : DOPT_STOP_NONE);
        ASSERT_OK(dopt_trainer_step(broken.trainer, &same)); /* looks again */
        assert_int_equal(same, reason);
        save_to_memory(&alone, &last);
        save_to_memory(&broken, &other);
        assert_memory_same(&last, &other);
        end(&alone);
        end(&broken);
    }
}

/* A run that ended for its number of steps goes on with more of them, and time adds up. */
static void goes_on_with_more_steps(void **state)
{
    static run r;
    static memory m, straight, resumed;
    dopt_fit_options o = options_of(&plain);
    (void)state;
    begin(&r, &plain, 1, &o);
    take(&r, steps_all);
    save_to_memory(&r, &straight);
    end(&r);
    o.max_steps = 77;
    o.value_tolerance = 1e-300;
    begin(&r, &plain, 1, &o);
    take(&r, 78);
    assert_int_equal(dopt_trainer_report(r.trainer).reason, DOPT_STOP_STEPS);
    r.trainer->report.seconds = 1000.0;
    ASSERT_OK(dopt_trainer_save_to(r.trainer, to_memory, &m));
    end(&r);
    o.max_steps = steps_all;
    begin(&r, &plain, 1, &o);
    ASSERT_OK(load_from_memory(&r, &m));
    take(&r, steps_all - 77);
    assert_true(dopt_trainer_report(r.trainer).seconds >= 1000.0);
    assert_true(dopt_trainer_report(r.trainer).seconds < 1600.0);
    save_to_memory(&r, &resumed);
    assert_memory_same(&straight, &resumed);
    end(&r);
}

/* The same run on an example fewer is another one. */
static void goes_on_with_the_same_data_only(void **state)
{
    static run r;
    static memory m, before, after;
    const dopt_fit_options o = options_of(&plain);
    (void)state;
    begin(&r, &plain, 1, &o);
    take(&r, 3);
    save_to_memory(&r, &m);
    dopt_trainer_destroy(&r.trainer);
    dopt_objective_destroy(&r.objective);
    const dopt_cmat x = dopt_cmat_f64(r.x, examples - 1, inputs), y = dopt_cmat_f64(r.y, examples - 1, plain.outputs);
    const dopt_mat w = { r.w, plain.outputs, inputs, 1, plain.outputs, DOPT_F64 };
    ASSERT_OK(dopt_objective_create_data(x, y, r.loss, NULL, &r.objective));
    ASSERT_OK(dopt_trainer_create(r.objective, &o, w, &r.trainer));
    save_to_memory(&r, &before);
    ASSERT_FAILS(load_from_memory(&r, &m), DOPT_ERR_INVALID, "examples is 40, the trainer's is 39");
    save_to_memory(&r, &after);
    assert_memory_same(&before, &after);
    end(&r);
}

/* Half of w^2, or what is no value where `user` says so. */
static dopt_status bowl(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user)
{
    const double x = test_get(w, 0, 0);
    (void)batch;
    *value = *(const bool *)user ? NAN : 0.5 * x * x;
    if (grad.data)
        test_set(grad, 0, 0, x);
    return DOPT_OK;
}

/* A run that goes on where it stopped looks at its last w again. If that has no value now, it stays there all the same.
 */
static void ends_where_it_has_looked(void **state)
{
    static run r;
    static memory m;
    bool broken = false;
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    (void)state;
    o.init = DOPT_INIT_GIVEN;
    o.model = DOPT_MODEL_DIRECT;
    o.lr = 0.1;
    o.max_steps = 3;
    r.w[0] = 1.0;
    ASSERT_OK(dopt_objective_create_custom(1, 1, bowl, &broken, &r.objective));
    ASSERT_OK(dopt_trainer_create(r.objective, &o, dopt_mat_f64(r.w, 1, 1), &r.trainer));
    dopt_stop_reason reason = DOPT_STOP_NONE;
    while (reason == DOPT_STOP_NONE)
        ASSERT_OK(dopt_trainer_step(r.trainer, &reason));
    const dopt_report before = dopt_trainer_report(r.trainer);
    const double w = r.w[0];
    save_to_memory(&r, &m);
    ASSERT_OK(load_from_memory(&r, &m));
    broken = true;
    ASSERT_OK(dopt_trainer_step(r.trainer, &reason));
    const dopt_report after = dopt_trainer_report(r.trainer);
    assert_int_equal(reason, DOPT_STOP_DIVERGED);
    assert_true(r.w[0] == w && after.value == before.value);
    assert_int_equal(after.steps, 3);
    assert_int_equal(after.best_step, 3);
    save_to_memory(&r, &m);
    ASSERT_OK(load_from_memory(&r, &m));
    end(&r);
}

/* What other programs find: a header that ends at a multiple of 8 bytes, and in it these names, counted from 1. */
static void names_are_as_they_were(void **state)
{
    static run r;
    static memory m;
    static const char *const names[] = {
        "\"w\":",         "\"factor.1\":",  "\"factor.3\":",           "\"optim.1.1\":",
        "\"optim.1.2\":", "\"optim.3.2\":", "\"hyper.weight_decay\":", "\"hyper.beta2\":"
    };
    const kind k = { DOPT_MODEL_FACTORED, DOPT_OPTIM_ADAM, { DOPT_SCHEDULE_CONSTANT, 0, 0, 0.0 }, DOPT_F64, 0, 3 };
    const dopt_fit_options o = options_of(&k);
    (void)state;
    begin(&r, &k, 1, &o);
    save_to_memory(&r, &m);
    assert_int_equal((m.bytes[0] + 256 * m.bytes[1]) % 8, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_non_null(strstr((const char *)m.bytes + 8, names[i]));
    end(&r);
}

/* What is killed: a process that goes on from the file, and saves after every step, and says when it has. */
static void train_until_killed(const char *path, int say)
{
    static run r;
    const dopt_fit_options o = options_of(&plain);
    begin(&r, &plain, 1, &o);
    r.trainer->options.max_steps = INT64_MAX;
    if (access(path, F_OK) == 0 && dopt_trainer_load(r.trainer, path) != DOPT_OK)
        _exit(1);
    for (;;) {
        if (dopt_trainer_step(r.trainer, NULL) != DOPT_OK || dopt_trainer_save(r.trainer, path) != DOPT_OK)
            _exit(1);
        const int64_t steps = dopt_trainer_report(r.trainer).steps;
        if (write(say, &steps, sizeof steps) != sizeof steps)
            _exit(1);
    }
}

/* Steps of the last save that was finished, or of the file found; the child is dead by a signal of ours. */
static int64_t kill_after(const char *path, long nanoseconds, int64_t known)
{
    int ends[2], status = 0;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        train_until_killed(path, ends[1]);
    }
    (void)close(ends[1]);
    int64_t steps;
    if (known < 0 && read(ends[0], &steps, sizeof steps) == sizeof steps) /* the first time, wait for a save */
        known = steps;
    const struct timespec wait = { 0, nanoseconds };
    (void)nanosleep(&wait, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    while (read(ends[0], &steps, sizeof steps) == sizeof steps)
        known = steps;
    (void)close(ends[0]);
    return known;
}

static void survives_kills(void **state)
{
    static run r;
    const dopt_fit_options o = options_of(&plain);
    const char *path = file_in(folder, "saved", 0);
    dopt_rng rng = test_rng_begin("survives_kills");
    int64_t known = -1;
    int between = 0;
    (void)state;
    begin(&r, &plain, 1, &o);
    for (int i = 0; i < 100; i++) {
        known = kill_after(path, (long)dopt_rng_below(&rng, 30000000), known);
        ASSERT_OK(dopt_trainer_load(r.trainer, path));
        const int64_t found = dopt_trainer_report(r.trainer).steps;
        assert_true(found == known || found == known + 1);
        between += found > known;
        known = found;
    }
    print_message("# %lld saves, 100 kills, %d between the save and its report\n", (long long)known, between);
    assert_true(known > 0);
    end(&r);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return resume_all(argv[1]);
    program = argv[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(resumes_bit_by_bit, make_folder, remove_folder),
        cmocka_unit_test(stops_at_the_same_step),
        cmocka_unit_test(goes_on_with_more_steps),
        cmocka_unit_test(goes_on_with_the_same_data_only),
        cmocka_unit_test(ends_where_it_has_looked),
        cmocka_unit_test(names_are_as_they_were),
        cmocka_unit_test_setup_teardown(survives_kills, make_folder, remove_folder),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL);
}
