#!/bin/sh
# SPDX-License-Identifier: MIT
# Every exported function and every type has a man page, and mandoc, where it is installed, finds no fault.  usage: man.sh NM LIBRARY DIR...
set -eu
nm=$1 library=$2 headers=$(dirname "$0")/../../include/depthopt
shift 2
status=0
# mpi.h has pages where its library is built.
types=$(find "$headers" -name '*.h' ! -name mpi.h -exec sed -n 's/^} \(dopt_[a-z0-9_]*\);.*/\1/p' {} +)
for name in $("$nm" -D --defined-only "$library" | awk '{ print $3 }' | sed 's/@.*//' | grep '^dopt_') ${types:?}; do
    [ -f "$1/$name.3" ] || { echo "$name has no man page"; status=1; }
done
if command -v mandoc >/dev/null 2>&1; then
    for folder in "$@"; do
        # Pages are generated, and have no date of their own.
        faults=$(cd "$folder/.." && mandoc -T lint -W warning "${folder##*/}"/depthopt* | grep -v 'missing date' || true)
        [ -z "$faults" ] || { echo "$faults"; status=1; }
    done
fi
exit $status
