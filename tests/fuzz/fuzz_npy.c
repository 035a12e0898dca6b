/* SPDX-License-Identifier: MIT */
#include "fuzz/fuzz.h"
#include "support/npy.h"

static double element(dopt_cmat m, ptrdiff_t r, ptrdiff_t c)
{
    const ptrdiff_t at = r * m.row_stride + c * m.col_stride;
    return m.dtype == DOPT_F64 ? ((const double *)m.data)[at] : (double)((const float *)m.data)[at];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char message[256] = "";
    npy array;
    if (!npy_open(fuzz_file(data, size), &array, message)) {
        fuzz_check_message(message);
        FUZZ_CHECK(!array.map);
        return 0;
    }
    const dopt_cmat m = array.view;
    FUZZ_CHECK(m.rows >= 1 && m.cols >= 1 && (m.row_stride == 1 || m.col_stride == 1));
    volatile double last = element(m, m.rows - 1, m.cols - 1); /* the file reaches that far */
    if (npy_step(&array, 4096.0, 1) > 0)
        npy_release(0, m.rows, &array);
    last = element(m, 0, 0);
    (void)last;
    npy_close(&array);
    return 0;
}
