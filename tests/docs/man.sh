#!/bin/sh
# SPDX-License-Identifier: MIT
# Every exported function has a man page, and mandoc, where it is installed, finds no fault.  usage: man.sh NM LIBRARY DIR...
set -eu
nm=$1 library=$2
shift 2
status=0
for name in $("$nm" -D --defined-only "$library" | awk '{ print $3 }' | sed 's/@.*//' | grep '^dopt_'); do
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
