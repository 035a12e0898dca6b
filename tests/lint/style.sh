#!/bin/sh
# SPDX-License-Identifier: MIT
# Layout of the sources, without a compiler.  usage: style.sh PROJECT_DIR
set -eu
cd "$1"
find include src tests examples bench bindings -name '*.[ch]' | sort | xargs awk '
    function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
    FNR == 1 { if ($0 !~ /SPDX-License-Identifier: MIT/) complain("the first line must be the SPDX licence") }
    length($0) > 120 { complain("longer than 120 columns") }
    /\t/ { complain("a tab") }
    /[ \t]$/ { complain("blanks at the end of the line") }
    FNR == 601 { complain("more than 600 lines") }
    /^\{/ { start = FNR }
    /^\}/ && start { if (FNR - start > 60) complain("a function of more than 60 lines"); start = 0 }
    /^#include *<(cblas|lapacke)\.h>/ && FILENAME !~ /^src\/linalg\/(blas|lapack)\.c$/ && FILENAME !~ /^(examples|bench)/ {
        complain("only src/linalg/blas.c and src/linalg/lapack.c include this") }
    END { exit bad }
'
doubled=$(find src -name '*.[ch]' -printf '%f\n' | sort | uniq -d)
if [ -n "$doubled" ]; then
    echo "file names must be unique in src: $doubled"
    exit 1
fi
echo "style: in order"
