/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_ONEDNN_H
#define EXAMPLES_ONEDNN_H

/*
 * The little of oneDNN's C API that the network needs. Failures are collected: after the first one, creating and
 * running do nothing, and `failed` names the operation. So callers create everything first and look once.
 */

#include <stdbool.h>
#include <stddef.h>

#include <oneapi/dnnl/dnnl.h>

typedef struct dnn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    const char *failed; /* NULL: nothing yet */
    dnnl_status_t status;
} dnn;

/* A block of floats in some layout. */
typedef struct tensor {
    dnnl_memory_desc_t desc;
    dnnl_memory_t memory;
    float *data;
    size_t count; /* floats, padding included */
} tensor;

/* A primitive together with what it is run on. */
typedef struct kernel {
    dnnl_primitive_t primitive;
    tensor scratchpad;
    dnnl_exec_arg_t args[8];
    int count;
} kernel;

void dnn_open(dnn *d);
void dnn_close(dnn *d);

/* Record a failure of oneDNN; true if everything is well so far. */
bool dnn_check(dnn *d, dnnl_status_t status, const char *operation);

/* 4 extents in the order N, C, H, W (of an array of images) or O, I, H, W (of weights), or fewer. */
dnnl_memory_desc_t dnn_desc(dnn *d, int dims, const int *extents, dnnl_format_tag_t layout);

/* Zeroed memory. */
tensor tensor_create(dnn *d, const dnnl_memory_desc_t *desc);
void tensor_destroy(tensor *t);

/* Attributes with which primitives take their scratch memory from us, once, and not at each run. */
dnnl_primitive_attr_t dnn_attributes(dnn *d, bool relu);

/* From an operation descriptor; `hint`: of the forward primitive, for backward ones. Destroys the attributes. */
dnnl_primitive_desc_t dnn_describe(dnn *d, const_dnnl_op_desc_t op, dnnl_primitive_attr_t attributes,
                                   const_dnnl_primitive_desc_t hint, const char *operation);

/* Layout that a primitive has chosen for one of its arguments. */
dnnl_memory_desc_t dnn_query(dnn *d, const_dnnl_primitive_desc_t primitive, dnnl_query_t what);

kernel kernel_create(dnn *d, const_dnnl_primitive_desc_t primitive);
void kernel_bind(kernel *k, int arg, const tensor *t);
void kernel_destroy(kernel *k);
void kernel_run(dnn *d, const kernel *k);

/* A copy from one layout to another. */
kernel reorder_create(dnn *d, const tensor *from, const tensor *to);

/* ReLU in place; its derivative, told from its output, on `gradient` in place. */
kernel relu_create(dnn *d, const tensor *values);
kernel relu_backward_create(dnn *d, const tensor *values, const tensor *gradient);

#endif
