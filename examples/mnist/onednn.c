/* SPDX-License-Identifier: MIT */
#include "onednn.h"

#include <string.h>

bool dnn_check(dnn *d, dnnl_status_t status, const char *operation)
{
    if (status != dnnl_success && !d->failed) {
        d->failed = operation;
        d->status = status;
    }
    return !d->failed;
}

void dnn_open(dnn *d)
{
    memset(d, 0, sizeof *d);
    if (dnn_check(d, dnnl_engine_create(&d->engine, dnnl_cpu, 0), "engine"))
        (void)dnn_check(d, dnnl_stream_create(&d->stream, d->engine, dnnl_stream_default_flags), "stream");
}

void dnn_close(dnn *d)
{
    if (d->stream)
        (void)dnnl_stream_destroy(d->stream);
    if (d->engine)
        (void)dnnl_engine_destroy(d->engine);
    memset(d, 0, sizeof *d);
}

dnnl_memory_desc_t dnn_desc(dnn *d, int dims, const int *extents, dnnl_format_tag_t layout)
{
    dnnl_memory_desc_t desc;
    dnnl_dims_t all = { 0 };
    memset(&desc, 0, sizeof desc);
    for (int i = 0; i < dims; i++)
        all[i] = extents[i];
    (void)dnn_check(d, dnnl_memory_desc_init_by_tag(&desc, dims, all, dnnl_f32, layout), "layout");
    return desc;
}

tensor tensor_create(dnn *d, const dnnl_memory_desc_t *desc)
{
    tensor t;
    void *data = NULL;
    memset(&t, 0, sizeof t);
    if (d->failed)
        return t;
    t.desc = *desc;
    t.count = dnnl_memory_desc_get_size(desc) / sizeof(float);
    if (dnn_check(d, dnnl_memory_create(&t.memory, desc, d->engine, DNNL_MEMORY_ALLOCATE), "memory") &&
        dnn_check(d, dnnl_memory_get_data_handle(t.memory, &data), "memory") && t.count > 0)
        memset(data, 0, t.count * sizeof(float));
    t.data = data;
    return t;
}

void tensor_destroy(tensor *t)
{
    if (t->memory)
        (void)dnnl_memory_destroy(t->memory);
    memset(t, 0, sizeof *t);
}

dnnl_primitive_attr_t dnn_attributes(dnn *d, bool relu)
{
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t after = NULL;
    if (!dnn_check(d, dnnl_primitive_attr_create(&attributes), "attributes"))
        return NULL;
    (void)dnn_check(d, dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user), "scratchpad");
    if (relu && dnn_check(d, dnnl_post_ops_create(&after), "post-operations")) {
        (void)dnn_check(d, dnnl_post_ops_append_eltwise(after, 1.0F, dnnl_eltwise_relu, 0.0F, 0.0F), "fused ReLU");
        (void)dnn_check(d, dnnl_primitive_attr_set_post_ops(attributes, after), "fused ReLU");
        (void)dnnl_post_ops_destroy(after);
    }
    return attributes;
}

dnnl_primitive_desc_t dnn_describe(dnn *d, const_dnnl_op_desc_t op, dnnl_primitive_attr_t attributes,
                                   const_dnnl_primitive_desc_t hint, const char *operation)
{
    dnnl_primitive_desc_t described = NULL;
    if (!d->failed)
        (void)dnn_check(d, dnnl_primitive_desc_create(&described, op, attributes, d->engine, hint), operation);
    if (attributes)
        (void)dnnl_primitive_attr_destroy(attributes);
    return described;
}

dnnl_memory_desc_t dnn_query(dnn *d, const_dnnl_primitive_desc_t primitive, dnnl_query_t what)
{
    dnnl_memory_desc_t desc;
    memset(&desc, 0, sizeof desc);
    const dnnl_memory_desc_t *found = d->failed ? NULL : dnnl_primitive_desc_query_md(primitive, what, 0);
    if (found)
        desc = *found;
    else
        (void)dnn_check(d, dnnl_invalid_arguments, "query");
    return desc;
}

kernel kernel_create(dnn *d, const_dnnl_primitive_desc_t primitive)
{
    kernel k;
    memset(&k, 0, sizeof k);
    if (d->failed)
        return k;
    (void)dnn_check(d, dnnl_primitive_create(&k.primitive, primitive), "primitive");
    const dnnl_memory_desc_t scratchpad = dnn_query(d, primitive, dnnl_query_scratchpad_md);
    if (!d->failed && dnnl_memory_desc_get_size(&scratchpad) > 0) {
        k.scratchpad = tensor_create(d, &scratchpad);
        kernel_bind(&k, DNNL_ARG_SCRATCHPAD, &k.scratchpad);
    }
    return k;
}

void kernel_bind(kernel *k, int arg, const tensor *t)
{
    const dnnl_exec_arg_t bound = { arg, t->memory };
    k->args[k->count++] = bound;
}

void kernel_destroy(kernel *k)
{
    if (k->primitive)
        (void)dnnl_primitive_destroy(k->primitive);
    tensor_destroy(&k->scratchpad);
    memset(k, 0, sizeof *k);
}

void kernel_run(dnn *d, const kernel *k)
{
    if (!d->failed && k->primitive)
        (void)dnn_check(d, dnnl_primitive_execute(k->primitive, d->stream, k->count, k->args), "execution");
}

kernel reorder_create(dnn *d, const tensor *from, const tensor *to)
{
    kernel k;
    dnnl_primitive_desc_t described = NULL;
    memset(&k, 0, sizeof k);
    if (d->failed)
        return k;
    dnnl_primitive_attr_t attributes = dnn_attributes(d, false);
    (void)dnn_check(
        d, dnnl_reorder_primitive_desc_create(&described, &from->desc, d->engine, &to->desc, d->engine, attributes),
        "reorder");
    if (attributes)
        (void)dnnl_primitive_attr_destroy(attributes);
    k = kernel_create(d, described);
    kernel_bind(&k, DNNL_ARG_FROM, from);
    kernel_bind(&k, DNNL_ARG_TO, to);
    if (described)
        (void)dnnl_primitive_desc_destroy(described);
    return k;
}

static dnnl_primitive_desc_t describe_relu(dnn *d, const tensor *values)
{
    dnnl_eltwise_desc_t op;
    if (!d->failed)
        (void)dnn_check(d,
                        dnnl_eltwise_forward_desc_init(&op, dnnl_forward_training, dnnl_eltwise_relu_use_dst_for_bwd,
                                                       &values->desc, 0.0F, 0.0F),
                        "ReLU");
    return dnn_describe(d, &op, dnn_attributes(d, false), NULL, "ReLU");
}

kernel relu_create(dnn *d, const tensor *values)
{
    dnnl_primitive_desc_t described = describe_relu(d, values);
    kernel k = kernel_create(d, described);
    kernel_bind(&k, DNNL_ARG_SRC, values);
    kernel_bind(&k, DNNL_ARG_DST, values);
    if (described)
        (void)dnnl_primitive_desc_destroy(described);
    return k;
}

kernel relu_backward_create(dnn *d, const tensor *values, const tensor *gradient)
{
    dnnl_eltwise_desc_t op;
    dnnl_primitive_desc_t forward = describe_relu(d, values);
    if (!d->failed)
        (void)dnn_check(d,
                        dnnl_eltwise_backward_desc_init(&op, dnnl_eltwise_relu_use_dst_for_bwd, &gradient->desc,
                                                        &values->desc, 0.0F, 0.0F),
                        "derivative of ReLU");
    dnnl_primitive_desc_t described = dnn_describe(d, &op, dnn_attributes(d, false), forward, "derivative of ReLU");
    kernel k = kernel_create(d, described);
    kernel_bind(&k, DNNL_ARG_DST, values);
    kernel_bind(&k, DNNL_ARG_DIFF_DST, gradient);
    kernel_bind(&k, DNNL_ARG_DIFF_SRC, gradient);
    if (forward)
        (void)dnnl_primitive_desc_destroy(forward);
    if (described)
        (void)dnnl_primitive_desc_destroy(described);
    return k;
}
