/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_LINE_VECTORS_H
#define DEPTHOPT_LINALG_LINE_VECTORS_H

/* What line_template.h needs, whatever the dtype: register sizes and prefetching. For kernel sources only. */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Sanitizers put checks into all that is unrolled, and compilers would take minutes. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CHECKED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHECKED
#endif

/* UNROLL: before anything else, so that small arrays become registers. */
#if defined(CHECKED)
#define INLINE static inline __attribute__((unused))
#define UNROLL
#elif defined(__clang__)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("unroll")
#else
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define APART static __attribute__((noinline))

/* Bytes of a vector register, and the registers that a 64-byte block takes. */
#if defined(__AVX512F__)
enum { vector_bytes = 64 };
#elif defined(__AVX2__)
enum { vector_bytes = 32 };
#else
enum { vector_bytes = 16 };
#endif
enum { parts = 64 / vector_bytes };

/* Rows that a dot product takes at a time: as many as leave room in sixteen registers. */
enum { abreast = parts == 4 ? 2 : 4 };

/* Cache lines to be on their way with each block of columns: one from each place, the next one from each, ... */
typedef struct fetching {
    int lines;
    ptrdiff_t pace; /* bytes from one to the next */
    const char *from[4];
} fetching;

static const fetching nothing = { 0, 0, { NULL } };

/* Of each of `lines` rows, the columns that are being worked on. */
INLINE fetching fetch_rows(const void *const *rows, int lines)
{
    fetching f = { lines, 64, { NULL } };
    UNROLL
    for (int i = 0; i < lines; i++)
        f.from[i] = rows[i];
    return f;
}

/* In the order of memory, from a page beyond `row` on. */
INLINE fetching fetch_lines(const void *row, int lines)
{
    enum { beyond = 4096 };
    fetching f = { lines, (ptrdiff_t)64 * lines, { NULL } };
    UNROLL
    for (int i = 0; i < lines; i++)
        f.from[i] = (const char *)row + beyond + (ptrdiff_t)64 * i;
    return f;
}

#endif
