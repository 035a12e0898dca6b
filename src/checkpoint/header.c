/* SPDX-License-Identifier: MIT */
/*
 * The JSON begins with the checksum, at a fixed place, so that its digits can be left out of what they are the sum of:
 *
 *     {"__metadata__":{"checksum":"0123456789abcdef","format":"depthopt.trainer","format_version":"1",...},
 *      "steps":{"dtype":"I64","shape":[],"data_offsets":[0,8]},...}
 */

#include "checkpoint/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <depthopt/version.h>

#include "base/check.h"
#include "base/memory.h"

static const char beginning[] = "{\"__metadata__\":{\"checksum\":\"";
static const char format_name[] = "depthopt.trainer";
static const int format_version = 1;

enum { metadata_at = DOPT__LENGTH_BYTES + sizeof "{\"__metadata__\":" - 1 };
enum { digits = 16, checksum_at = DOPT__LENGTH_BYTES + sizeof beginning - 1, body_at = checksum_at + digits };

static bool add_metadata(cJSON *root, const dopt__tensors *tensors)
{
    cJSON *meta = cJSON_AddObjectToObject(root, "__metadata__");
    char version[16];
    (void)snprintf(version, sizeof version, "%d", format_version);
    bool complete = meta && cJSON_AddStringToObject(meta, "checksum", "0000000000000000") &&
                    cJSON_AddStringToObject(meta, "format", format_name) &&
                    cJSON_AddStringToObject(meta, "format_version", version) &&
                    cJSON_AddStringToObject(meta, "library_version", dopt_version());
    for (int i = 0; i < tensors->words && complete; i++)
        complete = cJSON_AddStringToObject(meta, tensors->word[i].option, tensors->word[i].value);
    return complete;
}

static bool add_integer(cJSON *array, size_t value)
{
    cJSON *number = array ? cJSON_CreateNumber((double)value) : NULL;
    if (number && cJSON_AddItemToArray(array, number))
        return true;
    cJSON_Delete(number);
    return false;
}

static bool add_tensor(cJSON *root, const dopt__tensor *t)
{
    cJSON *object = cJSON_AddObjectToObject(root, t->name);
    if (!object || !cJSON_AddStringToObject(object, "dtype", t->dtype))
        return false;
    cJSON *shape = cJSON_AddArrayToObject(object, "shape"), *offsets = cJSON_AddArrayToObject(object, "data_offsets");
    if (t->dims == 2 && !(add_integer(shape, (size_t)t->place.rows) && add_integer(shape, (size_t)t->place.cols)))
        return false;
    return shape && add_integer(offsets, t->first) && add_integer(offsets, t->end);
}

/* The text, to be given back with cJSON_free(); NULL: no memory. */
static char *print(const dopt__tensors *tensors)
{
    cJSON *root = cJSON_CreateObject();
    bool complete = root && add_metadata(root, tensors);
    for (int i = 0; i < tensors->count && complete; i++)
        complete = add_tensor(root, &tensors->of[i]);
    char *text = complete ? cJSON_PrintUnformatted(root) : NULL;
    cJSON_Delete(root);
    return text;
}

static void put_length(unsigned char *bytes, uint64_t length)
{
    for (int i = 0; i < DOPT__LENGTH_BYTES; i++)
        bytes[i] = (unsigned char)(length >> (8 * i));
}

uint64_t dopt__header_length(const unsigned char *bytes)
{
    uint64_t length = 0;
    for (int i = 0; i < DOPT__LENGTH_BYTES; i++)
        length |= (uint64_t)bytes[i] << (8 * i);
    return length;
}

bool dopt__header_make(const dopt__tensors *tensors, const dopt_allocator *allocator, dopt__header *out)
{
    char *text = print(tensors);
    const size_t length = text ? strlen(text) : 0, padded = (length + 7) / 8 * 8;
    unsigned char *bytes = text ? dopt__alloc(allocator, DOPT__LENGTH_BYTES + padded, 1) : NULL;
    if (bytes) {
        put_length(bytes, padded);
        memset(bytes + DOPT__LENGTH_BYTES, ' ', padded);
        memcpy(bytes + DOPT__LENGTH_BYTES, text, length); /* NOLINT(bugprone-not-null-terminated-result): no string */
        out->bytes = bytes;
        out->size = DOPT__LENGTH_BYTES + padded;
    }
    cJSON_free(text);
    return bytes != NULL;
}

/* FNV-1a: any single byte that differs gives another sum, as each step is a bijection. */
static uint64_t add_up(uint64_t sum, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum = (sum ^ bytes[i]) * 1099511628211u;
    return sum;
}

static void checksum(const dopt__header *header, const unsigned char *data, size_t bytes, char out[digits + 1])
{
    uint64_t sum = add_up(14695981039346656037u, header->bytes, checksum_at);
    sum = add_up(sum, header->bytes + body_at, header->size - body_at);
    sum = add_up(sum, data, bytes);
    (void)snprintf(out, digits + 1, "%016llx", (unsigned long long)sum);
}

void dopt__header_seal(dopt__header *header, const unsigned char *data, size_t bytes)
{
    char sum[digits + 1];
    checksum(header, data, bytes, sum);
    memcpy(header->bytes + checksum_at, sum, digits);
}

bool dopt__header_is_sealed(const dopt__header *header, const unsigned char *data, size_t bytes)
{
    char sum[digits + 1];
    checksum(header, data, bytes, sum);
    return memcmp(header->bytes + checksum_at, sum, digits) == 0;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text ? text : "";
}

static dopt_status check_metadata(const char *func, const cJSON *meta)
{
    if (strcmp(text_of(meta, "format"), format_name) != 0)
        return dopt__fail(DOPT_ERR_FORMAT, func, "the file is no checkpoint of a trainer");
    const long version = strtol(text_of(meta, "format_version"), NULL, 10);
    if (version > format_version)
        return dopt__fail(DOPT_ERR_VERSION, func,
                          "the checkpoint is of format %ld, written by release %.32s; this release knows format %d",
                          version, text_of(meta, "library_version"), format_version);
    if (version < 1)
        return dopt__fail(DOPT_ERR_FORMAT, func, "the checkpoint's format_version is \"%.16s\", must be in [1, %d]",
                          text_of(meta, "format_version"), format_version);
    return DOPT_OK;
}

static dopt_status check_words(const char *func, const cJSON *meta, const dopt__tensors *tensors)
{
    for (int i = 0; i < tensors->words; i++) {
        const dopt__word *mine = &tensors->word[i];
        const char *theirs = text_of(meta, mine->option);
        if (strcmp(theirs, mine->value) != 0)
            return dopt__fail(DOPT_ERR_INVALID, func,
                              "the checkpoint's option.%s is %.24s, the trainer's is %s, must be equal", mine->option,
                              theirs, mine->value);
    }
    return DOPT_OK;
}

static bool is_integer(const cJSON *item, size_t value)
{
    return cJSON_IsNumber(item) && item->valuedouble == (double)value;
}

static dopt_status check_shape(const char *func, const cJSON *shape, const dopt__tensor *t)
{
    const int dims = cJSON_IsArray(shape) ? cJSON_GetArraySize(shape) : -1;
    const cJSON *rows = cJSON_GetArrayItem(shape, 0), *cols = cJSON_GetArrayItem(shape, 1);
    if (dims == t->dims &&
        (dims == 0 || (is_integer(rows, (size_t)t->place.rows) && is_integer(cols, (size_t)t->place.cols))))
        return DOPT_OK;
    if (dims == 2 && t->dims == 2 && cJSON_IsNumber(rows) && cJSON_IsNumber(cols))
        return dopt__fail(DOPT_ERR_SHAPE, func, "the checkpoint's %s is %.15g x %.15g, must be %td x %td", t->name,
                          rows->valuedouble, cols->valuedouble, t->place.rows, t->place.cols);
    return dopt__fail(DOPT_ERR_SHAPE, func, "the checkpoint's %s must have %d dimensions", t->name, t->dims);
}

static dopt_status check_tensor(const char *func, const cJSON *object, const dopt__tensor *t)
{
    if (!object || strcmp(object->string, t->name) != 0)
        return dopt__fail(DOPT_ERR_FORMAT, func, "the checkpoint has \"%.31s\" where the trainer's has \"%s\"",
                          object ? object->string : "", t->name);
    if (strcmp(text_of(object, "dtype"), t->dtype) != 0)
        return dopt__fail(DOPT_ERR_DTYPE, func, "the checkpoint's %s is of dtype \"%.8s\", must be \"%s\"", t->name,
                          text_of(object, "dtype"), t->dtype);
    DOPT_TRY(check_shape(func, cJSON_GetObjectItemCaseSensitive(object, "shape"), t));
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(object, "data_offsets");
    if (cJSON_GetArraySize(object) != 3 || cJSON_GetArraySize(offsets) != 2 ||
        !is_integer(cJSON_GetArrayItem(offsets, 0), t->first) || !is_integer(cJSON_GetArrayItem(offsets, 1), t->end))
        return dopt__fail(DOPT_ERR_FORMAT, func, "the checkpoint's %s must be bytes %zu to %zu of the data", t->name,
                          t->first, t->end);
    return DOPT_OK;
}

static dopt_status check_root(const char *func, const cJSON *root, const dopt__tensors *tensors)
{
    const cJSON *object = root->child->next; /* behind the metadata */
    for (int i = 0; i < tensors->count; i++) {
        DOPT_TRY(check_tensor(func, object, &tensors->of[i]));
        object = object->next;
    }
    if (object)
        return dopt__fail(DOPT_ERR_FORMAT, func, "the checkpoint has \"%.31s\", the trainer's has no such tensor",
                          object->string);
    return DOPT_OK;
}

dopt_status dopt__header_check_kind(const dopt__header *header, const char *func, const dopt__tensors *tensors)
{
    if (header->size < body_at || memcmp(header->bytes + DOPT__LENGTH_BYTES, beginning, sizeof beginning - 1) != 0)
        return dopt__fail(DOPT_ERR_FORMAT, func, "the file is no checkpoint of a trainer");
    cJSON *meta = cJSON_ParseWithLength((const char *)header->bytes + metadata_at, header->size - metadata_at);
    dopt_status status = check_metadata(func, meta);
    if (status == DOPT_OK)
        status = check_words(func, meta, tensors);
    cJSON_Delete(meta);
    return status;
}

dopt_status dopt__header_check(const dopt__header *header, const char *func, const dopt__tensors *tensors)
{
    cJSON *root =
        cJSON_ParseWithLength((const char *)header->bytes + DOPT__LENGTH_BYTES, header->size - DOPT__LENGTH_BYTES);
    const dopt_status status = root ? check_root(func, root, tensors)
                                    : dopt__fail(DOPT_ERR_FORMAT, func, "the header of the checkpoint is damaged");
    cJSON_Delete(root);
    return status;
}
