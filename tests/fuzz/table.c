/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "fuzz/fuzz.h"
#include "support/table.h"

void fuzz_table(const uint8_t *data, size_t size, const char *target, const char *label)
{
    char message[TABLE_MESSAGE] = "untouched";
    table t = { 0 };
    if (!table_read(fuzz_file(data, size), target, label, &t, message)) {
        fuzz_check_message(message);
        FUZZ_CHECK(!t.x && !t.y);
        return;
    }
    FUZZ_CHECK(t.rows >= 1 && t.cols >= 1);
    for (ptrdiff_t r = 0; r < t.rows; r++) {
        FUZZ_CHECK(isfinite(t.y[r]));
        for (ptrdiff_t c = 0; c < t.cols; c++)
            FUZZ_CHECK(isfinite(t.x[r * t.cols + c]));
    }
    table_free(&t);
}
