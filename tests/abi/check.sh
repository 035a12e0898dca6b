#!/bin/sh
# SPDX-License-Identifier: MIT
# The library's binary interface against the committed description: nothing that breaks programs may have changed.
# Exit code 77: there is no libabigail, or no debug info.
# usage: check.sh LIBRARY
set -eu
here=$(dirname "$0")
library=$1
command -v abidiff >/dev/null && command -v abidw >/dev/null || { echo "skipped: no libabigail (abigail-tools)"; exit 77; }
readelf -S "$library" | grep -q debug_info || { echo "skipped: $library has no debug info"; exit 77; }

now=$(mktemp)
trap 'rm -f "$now"' EXIT
sh "$here/describe.sh" "$library" >"$now"

soname() {
    sed -n "s/.*soname='\([^']*\)'.*/\1/p" "$1" | head -1
}
# Names, types, layouts, values; the soname of a library that breaks is another.
if ! abidiff --no-show-locs --no-added-syms --suppressions "$here/compatible.suppr" "$here/libdepthopt.abi" "$now"; then
    [ "$(soname "$here/libdepthopt.abi")" = "$(soname "$now")" ] || exit 0
    echo "the changes above break programs: undo them, or raise soversion in meson.build (docs/abi.md)" >&2
    exit 1
fi
cmp -s "$here/libdepthopt.abi" "$now" || echo "there is more than the description has: run scripts/abi before a release"
echo "the interface of $(soname "$now") is as described"
