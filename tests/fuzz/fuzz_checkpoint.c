/* SPDX-License-Identifier: MIT */
/*
 * A checkpoint loaded into trainers of several kinds. The first byte chooses the trainer and whether the checksum is
 * made right, as a stranger would; without that, nothing behind it would be reached.
 */
#include <math.h>
#include <string.h>

#include "checkpoint/header.h"
#include "fuzz/fuzz.h"
#include "support/saved_run.h"

enum { kinds = 4, resealed = 128 };

static const kind tried[kinds] = {
    { DOPT_MODEL_E2E, DOPT_OPTIM_ADAM, { DOPT_SCHEDULE_COSINE, 0, 50, 0.1 }, DOPT_F64, 7, 3 },
    { DOPT_MODEL_FACTORED, DOPT_OPTIM_GD, { DOPT_SCHEDULE_CONSTANT, 0, 0, 0.0 }, DOPT_F32, 0, 1 },
    { DOPT_MODEL_DIRECT, DOPT_OPTIM_ADADELTA, { DOPT_SCHEDULE_STEP, 0, 30, 0.7 }, DOPT_F64, 0, 3 },
    { DOPT_MODEL_FACTORED, DOPT_OPTIM_GROUP_RMSPROP, { DOPT_SCHEDULE_EXPONENTIAL, 9, 50, 0.5 }, DOPT_F64, 7, 3 },
};
static run runs[kinds];
static memory initial[kinds];

static void start(void)
{
    for (int i = 0; i < kinds; i++) {
        const dopt_fit_options options = options_of(&tried[i]);
        begin(&runs[i], &tried[i], 1, &options);
        take(&runs[i], 3);
        save_to_memory(&runs[i], &initial[i]);
    }
}

static void seal(memory *m)
{
    const uint64_t length = m->size > 8 ? dopt__header_length(m->bytes) : 0;
    if (length < 64 || length > m->size - 8)
        return;
    dopt__header header = { m->bytes, 8 + (size_t)length };
    dopt__header_seal(&header, m->bytes + header.size, m->size - header.size);
}

/* Refused: as before. Taken: the run goes on, or says that it cannot. */
static void check(run *r, dopt_status status, const memory *before)
{
    static memory after;
    if (status != DOPT_OK) {
        FUZZ_CHECK(status <= DOPT_ERR_INVALID && status >= DOPT_ERR_VERSION && status != DOPT_ERR_NOMEM);
        fuzz_check_message(dopt_last_error());
        save_to_memory(r, &after);
        FUZZ_CHECK(after.size == before->size && memcmp(after.bytes, before->bytes, after.size) == 0);
        return;
    }
    for (int i = 0; i < 3; i++) {
        const dopt_status stepped = dopt_trainer_step(r->trainer, NULL);
        FUZZ_CHECK(stepped == DOPT_OK || stepped == DOPT_ERR_NUMERICAL || stepped == DOPT_ERR_NONFINITE);
    }
    const dopt_report report = dopt_trainer_report(r->trainer);
    FUZZ_CHECK(report.steps >= 0 && report.seconds >= 0.0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static memory m, before;
    if (!runs[0].trainer)
        start();
    if (size < 1 || size - 1 > sizeof m.bytes)
        return 0;
    run *r = &runs[data[0] % kinds];
    save_to_memory(r, &before);
    m.size = size - 1;
    m.piece = data[0] & 64 ? 13 : 0;
    memcpy(m.bytes, data + 1, m.size);
    if (data[0] & resealed)
        seal(&m);
    check(r, load_from_memory(r, &m), &before);
    FUZZ_CHECK(load_from_memory(r, &initial[data[0] % kinds]) == DOPT_OK);
    return 0;
}
