/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "checkpoint/tensors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "fit/trainer_state.h"
#include "linalg/finite.h"
#include "linalg/scan.h"
#include "optim/optim_state.h"

static size_t size_of(dopt_dtype dtype)
{
    return dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
}

static dopt__tensor *append(dopt__tensors *list, size_t bytes)
{
    dopt__tensor *t = &list->of[list->count++];
    t->first = list->bytes;
    t->end = list->bytes += bytes;
    return t;
}

static void add_number(dopt__tensors *list, const dopt__number *number)
{
    static const char *const types[] = { [DOPT__I64] = "I64", [DOPT__U64] = "U64", [DOPT__DOUBLE] = "F64" };
    dopt__tensor *t = append(list, sizeof number->is);
    (void)snprintf(t->name, sizeof t->name, "%s", number->name);
    t->dtype = types[number->type];
}

__attribute__((format(printf, 4, 5))) static void add_matrix(dopt__tensors *list, dopt_mat place, bool weights,
                                                             const char *format, ...)
{
    dopt__tensor *t = append(list, (size_t)place.rows * (size_t)place.cols * size_of(place.dtype));
    va_list args;
    va_start(args, format);
    (void)vsnprintf(t->name, sizeof t->name, format, args);
    va_end(args);
    t->dtype = place.dtype == DOPT_F64 ? "F64" : "F32";
    t->dims = 2;
    t->place = place;
    t->weights = weights;
}

bool dopt__tensors_of(const dopt_trainer *trainer, dopt__tensors *out)
{
    const dopt_optim *optim = trainer->model.optim;
    dopt_net *net = trainer->model.net;
    const int factors = dopt_net_depth(net), states = optim->blocks * optim->rule->states;
    out->words = dopt__run_kind(trainer, out->word);
    out->numbers = dopt__numbers_of(trainer, out->number);
    out->count = 0;
    out->bytes = 0;
    out->of = dopt__alloc(&trainer->options.allocator, (size_t)out->numbers + 2 + (size_t)factors + (size_t)states,
                          sizeof *out->of);
    if (!out->of)
        return false;
    for (int i = 0; i < out->numbers; i++)
        add_number(out, &out->number[i]);
    add_matrix(out, trainer->w, true, "w");
    add_matrix(out, trainer->last, true, "w_before");
    for (int j = 1; j <= factors; j++)
        add_matrix(out, dopt_net_factor(net, j), true, "factor.%d", j);
    for (int i = 0; i < optim->blocks; i++)
        for (int s = 0; s < optim->rule->states; s++)
            add_matrix(out, dopt__optim_state_of(&optim->block[i], s), false, "optim.%d.%d", i + 1, s + 1);
    return true;
}

/* Elements of the file are little-endian. */
static void swap_bytes(const dopt__tensor *t, unsigned char *data)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    const size_t size = t->dims == 2 ? size_of(t->place.dtype) : 8;
    for (size_t at = t->first; at < t->end; at += size)
        for (size_t i = 0; i < size / 2; i++) {
            const unsigned char byte = data[at + i];
            data[at + i] = data[at + size - 1 - i];
            data[at + size - 1 - i] = byte;
        }
#else
    (void)t;
    (void)data;
#endif
}

/* The matrix in the file's data. */
static dopt_mat packed(const dopt__tensor *t, unsigned char *data)
{
    const dopt_mat m = { data + t->first, t->place.rows, t->place.cols, t->place.cols, 1, t->place.dtype };
    return m;
}

void dopt__tensors_pack(const dopt__tensors *tensors, unsigned char *data)
{
    for (int i = 0; i < tensors->count; i++) {
        const dopt__tensor *t = &tensors->of[i];
        if (i < tensors->numbers)
            memcpy(data + t->first, &tensors->number[i].is, t->end - t->first);
        else
            dopt__copy(1.0, dopt_const(t->place), packed(t, data));
        swap_bytes(t, data);
    }
}

dopt_status dopt__tensors_unpack(const dopt__tensors *tensors, const char *func, unsigned char *data,
                                 dopt_trainer *trainer)
{
    dopt__number theirs[DOPT__NUMBERS_MAX];
    for (int i = 0; i < tensors->count; i++) {
        const dopt__tensor *t = &tensors->of[i];
        swap_bytes(t, data);
        if (i < tensors->numbers)
            memcpy(&theirs[i].is, data + t->first, t->end - t->first);
        else if (t->weights)
            DOPT_TRY(dopt__check_finite(func, t->name, dopt_const(packed(t, data))));
    }
    DOPT_TRY(dopt__numbers_check(func, tensors->numbers, tensors->number, theirs));
    for (int i = tensors->numbers; i < tensors->count; i++)
        dopt__copy(1.0, dopt_const(packed(&tensors->of[i], data)), tensors->of[i].place);
    dopt__numbers_restore(trainer, theirs);
    return DOPT_OK;
}
