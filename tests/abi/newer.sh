#!/bin/sh
# SPDX-License-Identifier: MIT
# Programs that are built now must run with a later library, one whose options structs have another field at their end:
# such a library is made, and put in the place of ours. Exit code 77: only with DEPTHOPT_SLOW, as it builds a library.
# usage: newer.sh PROJECT_DIR PROGRAM...
set -eu
[ -n "${DEPTHOPT_SLOW:-}" ] || { echo "skipped: DEPTHOPT_SLOW is not set"; exit 77; }
root=$(cd "$1" && pwd)
shift
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

mkdir "$tmp/tree"
(cd "$root" && tar cf - meson.build meson_options.txt include src pkgconfig bindings) | tar xf - -C "$tmp/tree"
sed -i 's/^} \(dopt_[a-z0-9_]*_options\);/    double appended;\n&/' "$tmp"/tree/include/depthopt/*.h
[ "$(cat "$tmp"/tree/include/depthopt/*.h | grep -c '^    double appended;')" -ge 6 ]
meson setup "$tmp/build" "$tmp/tree" -Dtests=false -Dexamples=false -Ddocs=false -Ddefault_library=shared >"$tmp/log" 2>&1 &&
    ninja -C "$tmp/build" >>"$tmp/log" 2>&1 || { cat "$tmp/log"; exit 1; }
for program in "$@"; do
    "$program" >"$tmp/now"
    LD_LIBRARY_PATH=$tmp/build/src "$program" >"$tmp/later"
    LD_LIBRARY_PATH=$tmp/build/src ldd "$program" | grep -q "$tmp/build/src/libdepthopt" # RUNPATH gives way
    cmp "$tmp/now" "$tmp/later"
    echo "$(basename "$program"): the same output"
done
