/* SPDX-License-Identifier: MIT */
/* Files that are damaged, of another run or of another release, memory and disks that are full: refused, nothing lost.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint/header.h"
#include "support/saved_run.h"

/*
 * The linker sends these calls of the library here (--wrap). Every third one may be interrupted by a signal, and what
 * is read or written comes in small pieces then; or the call `calls_left` may fail.
 */
static bool interrupted;
static int calls, calls_left = -1;

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __real_read(int fd, void *data, size_t size);
int __real_fsync(int fd);
int __real_close(int fd);
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __wrap_read(int fd, void *data, size_t size);
int __wrap_fsync(int fd);
int __wrap_close(int fd);

static bool is_interrupted(void)
{
    errno = EINTR;
    return interrupted && calls++ % 3 == 0;
}

static bool fails(void)
{
    errno = EIO;
    return calls_left >= 0 && calls_left-- == 0;
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
    return fails() || is_interrupted() ? -1 : __real_write(fd, data, interrupted && size > 7 ? 7 : size);
}

ssize_t __wrap_read(int fd, void *data, size_t size)
{
    return is_interrupted() ? -1 : __real_read(fd, data, interrupted && size > 7 ? 7 : size);
}

int __wrap_fsync(int fd)
{
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC); /* a child that runs another program does not get it */
    return fails() || is_interrupted() ? -1 : __real_fsync(fd);
}

int __wrap_close(int fd)
{
    const int closed = __real_close(fd);
    return fails() ? -1 : closed;
}

/* A trainer some steps on, and its checkpoint: loads that fail must leave it at that. */
static void begin_saved(run *r, memory *saved, memory *before)
{
    const dopt_fit_options o = options_of(&plain);
    begin(r, &plain, 1, &o);
    take(r, 20);
    save_to_memory(r, saved);
    take(r, 10);
    save_to_memory(r, before);
}

static void assert_refused(run *r, memory *m, const memory *before)
{
    static memory after;
    const dopt_status status = load_from_memory(r, m);
    assert_true(status == DOPT_ERR_FORMAT || status == DOPT_ERR_VERSION || status == DOPT_ERR_SHAPE ||
                status == DOPT_ERR_DTYPE || status == DOPT_ERR_INVALID);
    test_assert_message("dopt_trainer_load_from: ", __FILE__, __LINE__);
    save_to_memory(r, &after);
    assert_memory_same(&after, before);
}

static void refuses_every_cut(void **state)
{
    static run r;
    static memory saved, before, m;
    (void)state;
    begin_saved(&r, &saved, &before);
    for (size_t size = 0; size < saved.size; size++) {
        memcpy(&m, &saved, sizeof m);
        m.size = size;
        assert_refused(&r, &m, &before);
    }
    m.size = saved.size + 1;
    memcpy(m.bytes, saved.bytes, saved.size);
    assert_refused(&r, &m, &before);
    ASSERT_OK(load_from_memory(&r, &saved));
    end(&r);
}

static void refuses_every_flip(void **state)
{
    static run r;
    static memory saved, before, m;
    static const unsigned char flips[] = { 0x01, 0x20, 0xff };
    (void)state;
    begin_saved(&r, &saved, &before);
    memcpy(&m, &saved, sizeof m);
    for (size_t i = 0; i < saved.size; i++)
        for (size_t f = 0; f < sizeof flips; f++) {
            m.bytes[i] ^= flips[f];
            assert_refused(&r, &m, &before);
            m.bytes[i] ^= flips[f];
        }
    ASSERT_OK(load_from_memory(&r, &m));
    end(&r);
}

/* Replace text in the header by text of the same length, and make the checksum right again. */
static void edit(memory *m, const char *from, const char *to)
{
    dopt__header header = { m->bytes, 8 + (size_t)dopt__header_length(m->bytes) };
    const size_t length = strlen(from);
    size_t at = 8;
    while (at + length < header.size && memcmp(m->bytes + at, from, length) != 0)
        at++;
    assert_true(at + length < header.size && strlen(to) == length);
    memcpy(m->bytes + at, to, length);
    dopt__header_seal(&header, m->bytes + header.size, m->size - header.size);
}

static void refuses_wrong_headers(void **state)
{
    static const struct {
        const char *from, *to;
        dopt_status status;
        const char *text;
    } edits[] = {
        { "\"format_version\":\"1\"", "\"format_version\":\"2\"", DOPT_ERR_VERSION, "is of format 2" },
        { "\"format_version\":\"1\"", "\"format_version\":\"0\"", DOPT_ERR_FORMAT, "format_version is \"0\"" },
        { "depthopt.trainer", "depthopt.anvilss", DOPT_ERR_FORMAT, "no checkpoint" },
        { "[3,6]", "[6,3]", DOPT_ERR_SHAPE, "w is 6 x 3, must be 3 x 6" },
        { "[3,6]", "[[],]", DOPT_ERR_FORMAT, "damaged" },
        { "[3,6]", "[-3,]", DOPT_ERR_FORMAT, "damaged" },
        { "[3,6]", "[   ]", DOPT_ERR_SHAPE, "2 dimensions" },
        { "[3,6]", "\"s;\" ", DOPT_ERR_SHAPE, "2 dimensions" },
        { "\"F64\",\"shape\":[3,6]", "\"F32\",\"shape\":[3,6]", DOPT_ERR_DTYPE, "w is of dtype \"F32\"" },
        { "\"w\":{\"dtype\":\"F64\"", "\"\\n\\u001b[\":{\"a\":0", DOPT_ERR_FORMAT, "has \"??[\" where" },
        { "\"w\":", "\"v\":", DOPT_ERR_FORMAT, "has \"v\" where the trainer's has \"w\"" },
        { "\"data_offsets\":[0,8]", "\"data_offsets\":[8,0]", DOPT_ERR_FORMAT, "steps must be bytes 0 to 8" },
        { "\"data_offsets\":[0,8]", "\"data_offsets\":[0,9]", DOPT_ERR_FORMAT, "steps must be bytes 0 to 8" },
        { "\"data_offsets\":[0,8]", "\"data_offsets\":12345", DOPT_ERR_FORMAT, "steps must be bytes 0 to 8" },
        { "\"data_offsets\":[0,8]", "\"data_offsets\":{   }", DOPT_ERR_FORMAT, "steps must be bytes 0 to 8" },
    };
    static run r;
    static memory saved, before, m;
    (void)state;
    begin_saved(&r, &saved, &before);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        memcpy(&m, &saved, sizeof m);
        edit(&m, edits[i].from, edits[i].to);
        ASSERT_FAILS(load_from_memory(&r, &m), edits[i].status, edits[i].text);
        assert_refused(&r, &m, &before);
    }
    end(&r);
}

/* Where the data of a number begins. */
static unsigned char *number_in(memory *m, const char *name)
{
    char key[80];
    size_t first = 0;
    (void)snprintf(key, sizeof key, "\"%s\":{", name);
    const char *header = (const char *)m->bytes + 8, *at = strstr(header, key);
    assert_non_null(at);
    assert_int_equal(sscanf(strstr(at, "data_offsets"), "data_offsets\":[%zu", &first), 1);
    return m->bytes + 8 + dopt__header_length(m->bytes) + first;
}

/* Numbers that no run has, and weights that are none, in a file that is whole. */
static void refuses_wrong_numbers(void **state)
{
    static const struct {
        const char *number;
        double real;
        int64_t integer;
    } wrong[] = { { "steps", 0.0, -1 },       { "steps", 0.0, INT64_MAX }, { "optim.steps", 0.0, 22 },
                  { "reason", 0.0, 9 },       { "reason", 0.0, -1 },       { "best_step", 0.0, 21 },
                  { "seconds", NAN, 0 },      { "seconds", -1.0, 0 },      { "seconds", INFINITY, 0 },
                  { "optim.square", NAN, 0 }, { "optim.square", -1.0, 0 } };
    static run r;
    static memory saved, before, m;
    (void)state;
    begin_saved(&r, &saved, &before);
    dopt__header header = { m.bytes, 8 + (size_t)dopt__header_length(saved.bytes) };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memcpy(&m, &saved, sizeof m);
        memcpy(number_in(&m, wrong[i].number),
               wrong[i].integer != 0 ? (const void *)&wrong[i].integer : (const void *)&wrong[i].real, 8);
        dopt__header_seal(&header, m.bytes + header.size, m.size - header.size);
        ASSERT_FAILS(load_from_memory(&r, &m), DOPT_ERR_FORMAT, "stands at no step");
        assert_refused(&r, &m, &before);
    }
    static memory again;
    for (int i = 0; i < 3; i++) {
        memcpy(&m, &saved, sizeof m);
        memcpy(m.bytes + m.size - sizeof(double) * 18 * 3, &test_nonfinite[i], sizeof(double)); /* w_before */
        dopt__header_seal(&header, m.bytes + header.size, m.size - header.size);
        ASSERT_FAILS(load_from_memory(&r, &m), DOPT_ERR_NONFINITE, "w_before");
        save_to_memory(&r, &again);
        assert_memory_same(&again, &before);
    }
    end(&r);
}

static void refuses_other_runs(void **state)
{
    static run r, other;
    static memory saved, before, m, after;
    const struct {
        kind k;
        int option; /* that is changed too */
        dopt_status status;
        const char *text;
    } others[] = {
        { { plain.model, plain.optimizer, plain.schedule, DOPT_F64, 8, 3 }, 0, DOPT_ERR_INVALID, "batch_size is 7" },
        { { plain.model, plain.optimizer, plain.schedule, DOPT_F64, 0, 3 }, 0, DOPT_ERR_INVALID, "batch_size is 7" },
        { { plain.model, plain.optimizer, { DOPT_SCHEDULE_COSINE, 0, 51, 0.1 }, DOPT_F64, 7, 3 },
          0,
          DOPT_ERR_INVALID,
          "option.schedule.period is 50, the trainer's is 51" },
        { plain, 1, DOPT_ERR_INVALID, "option.lr is 0.01" },
        { plain, 2, DOPT_ERR_INVALID, "option.seed is 18446744073709551610, the trainer's is 1" },
        { plain, 3, DOPT_ERR_INVALID, "option.depth is 2.5, the trainer's is 3" },
        { plain, 4, DOPT_ERR_INVALID, "hyper.beta1 is 0.9" },
        { plain, 5, DOPT_ERR_INVALID, "weight_decay" },
    };
    (void)state;
    begin_saved(&r, &saved, &before);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const dopt_hyper_value beta = { DOPT_BETA1, 0.8 };
        dopt_fit_options o = options_of(&others[i].k);
        o.lr = others[i].option == 1 ? 0.02 : o.lr;
        o.seed = others[i].option == 2 ? 1 : o.seed;
        o.depth = others[i].option == 3 ? 3.0 : o.depth;
        o.hypers = &beta;
        o.hyper_count = others[i].option == 4;
        o.weight_decay = others[i].option == 5 ? 0.1 : 0.0;
        begin(&other, &others[i].k, 1, &o);
        take(&other, 3);
        save_to_memory(&other, &m);
        ASSERT_FAILS(load_from_memory(&other, &saved), others[i].status, others[i].text);
        save_to_memory(&other, &after);
        assert_memory_same(&after, &m);
        end(&other);
    }
    end(&r);
}

/* Kinds of runs, each with one thing that is another than in the first of its model and optimizer. */
enum {
    bases = models * optimizers,
    other_schedule = bases * 3,
    other_dtype = bases * schedules,
    other_outputs = bases * schedules * 4,
    tried = 4 * bases
};

static kind tried_kind(int index)
{
    static const int offsets[] = { 0, other_schedule, other_dtype, other_outputs };
    return kind_of(index % bases + offsets[index / bases]);
}

/* The first thing that differs, and the status for it. */
static dopt_status difference(const kind *file, const kind *trainer, char text[128])
{
    static const char *const names[] = { "direct", "factored", "e2e" };
    static const char *const shapes[] = { "constant", "step", "exponential", "cosine", "inverse_time" };
    static const char *const types[] = { "F64", "F32" };
    const char *option = "model", *in_file = names[file->model], *in_trainer = names[trainer->model];
    if (file->model == trainer->model) {
        option = "optimizer";
        in_file = dopt_optim_kind_name(file->optimizer);
        in_trainer = dopt_optim_kind_name(trainer->optimizer);
    }
    if (file->model == trainer->model && file->optimizer == trainer->optimizer) {
        option = "schedule";
        in_file = shapes[file->schedule.kind];
        in_trainer = shapes[trainer->schedule.kind];
    }
    (void)snprintf(text, 128, "option.%s is %s, the trainer's is %s, must be equal", option, in_file, in_trainer);
    if (strcmp(in_file, in_trainer) != 0)
        return DOPT_ERR_INVALID;
    if (file->dtype != trainer->dtype) {
        (void)snprintf(text, 128, "w is of dtype \"%s\", must be \"%s\"", types[file->dtype], types[trainer->dtype]);
        return DOPT_ERR_DTYPE;
    }
    (void)snprintf(text, 128, "w is %td x %d, must be %td x %d", file->outputs, inputs, trainer->outputs, inputs);
    return file->outputs != trainer->outputs ? DOPT_ERR_SHAPE : DOPT_OK;
}

static void says_what_differs(void **state)
{
    static run r;
    static memory files[tried], before, after;
    char text[128];
    (void)state;
    for (int i = 0; i < tried; i++) {
        const kind k = tried_kind(i);
        const dopt_fit_options o = options_of(&k);
        begin(&r, &k, 1, &o);
        take(&r, 2);
        save_to_memory(&r, &files[i]);
        end(&r);
    }
    for (int i = 0; i < tried; i++) {
        const kind trainer = tried_kind(i);
        const dopt_fit_options o = options_of(&trainer);
        begin(&r, &trainer, 1, &o);
        save_to_memory(&r, &before);
        for (int j = 0; j < tried; j++) {
            const kind file = tried_kind(j);
            const dopt_status expected = difference(&file, &trainer, text);
            if (expected != DOPT_OK)
                ASSERT_FAILS(load_from_memory(&r, &files[j]), expected, text);
        }
        save_to_memory(&r, &after);
        assert_memory_same(&after, &before);
        ASSERT_OK(load_from_memory(&r, &files[i]));
        end(&r);
    }
}

/* The number of factors is said before one of them is missed, and their width by their shapes. */
static void says_other_factors(void **state)
{
    static run r, other;
    static const struct {
        double depth;
        ptrdiff_t width;
        dopt_status status;
        const char *text;
    } others[] = { { 2.0, 1000, DOPT_ERR_INVALID, "option.depth is 3, the trainer's is 2" },
                   { 4.0, 3, DOPT_ERR_INVALID, "option.depth is 3, the trainer's is 4" },
                   { 3.0, 3, DOPT_ERR_SHAPE, "factor.1 is 1000 x 6, must be 3 x 6" } };
    const kind k = { DOPT_MODEL_FACTORED, DOPT_OPTIM_ADAM, { 0 }, DOPT_F64, 0, 3 };
    const char *path = file_in(folder, "saved", 0);
    dopt_fit_options o = options_of(&k);
    (void)state;
    o.width = 1000; /* shapes and offsets of more digits */
    begin(&r, &k, 1, &o);
    ASSERT_OK(dopt_trainer_save(r.trainer, path));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        o.depth = others[i].depth;
        o.width = others[i].width;
        begin(&other, &k, 1, &o);
        ASSERT_FAILS(dopt_trainer_load(other.trainer, path), others[i].status, others[i].text);
        end(&other);
    }
    end(&r);
}

static int write_nothing(const void *data, size_t size, void *user)
{
    int *left = user;
    (void)data;
    (void)size;
    return (*left)-- == 0;
}

static ptrdiff_t read_wrongly(void *data, size_t size, void *user)
{
    const int *how = user;
    memset(data, 0, size);
    return *how == 0 ? -1 : (ptrdiff_t)size + 1;
}

static void callbacks_may_fail_and_be_slow(void **state)
{
    static run r;
    static memory saved, before, after;
    (void)state;
    begin_saved(&r, &saved, &before);
    for (int left = 0; left < 2; left++) {
        int after_calls = left, how = left;
        ASSERT_FAILS(dopt_trainer_save_to(r.trainer, write_nothing, &after_calls), DOPT_ERR_IO, "could not write");
        ASSERT_FAILS(dopt_trainer_load_from(r.trainer, read_wrongly, &how), DOPT_ERR_IO, "reading failed");
    }
    save_to_memory(&r, &after);
    assert_memory_same(&after, &before);
    saved.piece = 3;
    ASSERT_OK(load_from_memory(&r, &saved));
    save_to_memory(&r, &after);
    assert_memory_same(&after, &saved);
    ASSERT_FAILS(dopt_trainer_save(NULL, "x"), DOPT_ERR_INVALID, "trainer is NULL");
    ASSERT_FAILS(dopt_trainer_load(NULL, "x"), DOPT_ERR_INVALID, "trainer is NULL");
    ASSERT_FAILS(dopt_trainer_save(r.trainer, NULL), DOPT_ERR_INVALID, "path is NULL");
    ASSERT_FAILS(dopt_trainer_save(r.trainer, ""), DOPT_ERR_INVALID, "path is empty");
    ASSERT_FAILS(dopt_trainer_load(r.trainer, NULL), DOPT_ERR_INVALID, "path is NULL");
    ASSERT_FAILS(dopt_trainer_load(r.trainer, ""), DOPT_ERR_INVALID, "path is empty");
    ASSERT_FAILS(dopt_trainer_save_to(NULL, to_memory, &after), DOPT_ERR_INVALID, "trainer is NULL");
    ASSERT_FAILS(dopt_trainer_save_to(r.trainer, NULL, &after), DOPT_ERR_INVALID, "write is NULL");
    ASSERT_FAILS(dopt_trainer_load_from(NULL, from_memory, &after), DOPT_ERR_INVALID, "trainer is NULL");
    ASSERT_FAILS(dopt_trainer_load_from(r.trainer, NULL, &after), DOPT_ERR_INVALID, "read is NULL");
    end(&r);
}

/* Each allocation fails once. */
static void memory_may_run_out(void **state)
{
    static run r;
    static memory before, after;
    test_memory counted = { .left = -1 };
    dopt_fit_options o = options_of(&plain);
    const char *path = file_in(folder, "saved", 0);
    (void)state;
    o.allocator = test_allocator(&counted);
    begin(&r, &plain, 1, &o);
    const int live = counted.live;
    for (int load = 0; load < 2; load++) {
        dopt_status status = DOPT_ERR_NOMEM;
        int failures = -1;
        for (int left = 0; status == DOPT_ERR_NOMEM; left++, failures++) {
            counted.left = -1;
            save_to_memory(&r, &before);
            counted.left = left;
            status = load ? dopt_trainer_load(r.trainer, path) : dopt_trainer_save(r.trainer, path);
            counted.left = -1;
            save_to_memory(&r, &after);
            assert_memory_same(&before, &after);
            assert_int_equal(counted.live, live);
        }
        ASSERT_OK(status);
        assert_true(failures >= 4);
    }
    end(&r);
    assert_int_equal(counted.live, 0);
}

/* The disk is full after so many bytes: the old checkpoint stays, and nothing beside it. */
static void disk_may_be_full(void **state)
{
    static run r;
    static memory saved, before;
    struct rlimit old, small;
    const char *path = file_in(folder, "saved", 0);
    char temporary[140];
    (void)state;
    (void)snprintf(temporary, sizeof temporary, "%s.tmp", path);
    begin_saved(&r, &saved, &before);
    ASSERT_OK(dopt_trainer_save(r.trainer, path));
    take(&r, 1);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    for (size_t size = 0; size < before.size; size += before.size / 7) {
        small = old;
        small.rlim_cur = size;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        const dopt_status status = dopt_trainer_save(r.trainer, path);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        test_assert_status(status, DOPT_ERR_IO, "full", __FILE__, __LINE__);
        test_assert_message("File too large", __FILE__, __LINE__);
        assert_int_equal(access(temporary, F_OK), -1);
        assert_file_is(path, &before);
    }
    (void)signal(SIGXFSZ, SIG_DFL);
    end(&r);
}

static void signals_may_interrupt(void **state)
{
    static run r;
    static memory saved, before, after;
    const char *path = file_in(folder, "file", 0);
    (void)state;
    begin_saved(&r, &saved, &before);
    r.trainer->report.seconds = 0.0;
    interrupted = true;
    const dopt_status status = dopt_trainer_save(r.trainer, path);
    interrupted = false;
    assert_int_equal(status, DOPT_OK);
    assert_file_is(path, &before);
    ASSERT_OK(load_from_memory(&r, &saved));
    interrupted = true;
    const dopt_status loaded = dopt_trainer_load(r.trainer, path);
    interrupted = false;
    assert_int_equal(loaded, DOPT_OK);
    save_to_memory(&r, &after);
    assert_memory_same(&after, &before);
    end(&r);
}

/* One call after the other fails. The old file stays, until the new one is in its place; its folder may be closed
   as it likes, and that is the last call. */
static void the_disk_may_fail(void **state)
{
    static run r;
    static memory saved, before;
    const char *path = file_in(folder, "file", 0);
    char temporary[140];
    (void)state;
    (void)snprintf(temporary, sizeof temporary, "%s.tmp", path);
    begin_saved(&r, &saved, &before);
    ASSERT_OK(load_from_memory(&r, &saved));
    r.trainer->report.seconds = 0.0;
    ASSERT_OK(dopt_trainer_save(r.trainer, path));
    take(&r, 10);
    int n = 0, refused = 0;
    for (bool failed = true; failed; n += failed) {
        r.trainer->report.seconds = 0.0;
        calls_left = n;
        const dopt_status status = dopt_trainer_save(r.trainer, path);
        failed = calls_left < 0;
        calls_left = -1;
        refused += status != DOPT_OK;
        if (status != DOPT_OK) {
            assert_int_equal(status, DOPT_ERR_IO);
            test_assert_message(": Input/output error", __FILE__, __LINE__);
        }
        assert_int_equal(access(temporary, F_OK), -1);
        assert_file_is(path, status == DOPT_OK || strstr(dopt_last_error(), "saved, but") ? &before : &saved);
    }
    assert_true(n >= 4 && refused == n - 1);
    end(&r);
}

static void paths_may_be_wrong(void **state)
{
    static run r;
    static memory saved, before, after;
    char inner[FOLDER_MAX + 16];
    const char *fifo = file_in(folder, "fifo", 0), *none = file_in(folder, "none/", 0);
    (void)state;
    begin_saved(&r, &saved, &before);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    ASSERT_FAILS(dopt_trainer_load(r.trainer, fifo), DOPT_ERR_IO, "no regular file");
    ASSERT_FAILS(dopt_trainer_load(r.trainer, folder), DOPT_ERR_IO, "no regular file");
    ASSERT_FAILS(dopt_trainer_load(r.trainer, none), DOPT_ERR_IO, "No such file");
    ASSERT_FAILS(dopt_trainer_save(r.trainer, none), DOPT_ERR_IO, "No such file");
    ASSERT_FAILS(dopt_trainer_save(r.trainer, folder), DOPT_ERR_IO, "no regular file");
    ASSERT_FAILS(dopt_trainer_save(r.trainer, fifo), DOPT_ERR_IO, "no regular file");
    assert_int_equal(unlink(fifo), 0); /* it is there */
    (void)snprintf(inner, sizeof inner, "%s.tmp", folder);
    assert_int_equal(access(inner, F_OK), -1);
    const char *large = file_in(folder, "large", 0);
    const int fd = open(large, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0); /* without a block on the disk */
    (void)close(fd);
    ASSERT_FAILS(dopt_trainer_load(r.trainer, large), DOPT_ERR_FORMAT, "no checkpoint");
    save_to_memory(&r, &after);
    assert_memory_same(&after, &before);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_every_cut),
        cmocka_unit_test(refuses_every_flip),
        cmocka_unit_test(refuses_wrong_headers),
        cmocka_unit_test(refuses_wrong_numbers),
        cmocka_unit_test(refuses_other_runs),
        cmocka_unit_test(says_what_differs),
        cmocka_unit_test_setup_teardown(says_other_factors, make_folder, remove_folder),
        cmocka_unit_test(callbacks_may_fail_and_be_slow),
        cmocka_unit_test_setup_teardown(memory_may_run_out, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(disk_may_be_full, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(signals_may_interrupt, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(the_disk_may_fail, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(paths_may_be_wrong, make_folder, remove_folder),
    };
    return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
