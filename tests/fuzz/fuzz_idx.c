/* SPDX-License-Identifier: MIT */
#include "fuzz/fuzz.h"
#include "support/idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int dims = 1; dims <= IDX_DIMS_MAX; dims++) {
        char message[IDX_MESSAGE] = "";
        idx array;
        if (!idx_read(fuzz_file(data, size), dims, &array, message)) {
            fuzz_check_message(message);
            FUZZ_CHECK(!array.data);
            continue;
        }
        size_t count = 1, sum = 0;
        for (int i = 0; i < dims; i++)
            count *= array.extent[i];
        FUZZ_CHECK(array.dims == dims && count >= 1 && count == array.count);
        for (size_t i = 0; i < count; i++)
            sum += array.data[i];
        FUZZ_CHECK(sum <= 255 * count);
        idx_free(&array);
    }
    return 0;
}
