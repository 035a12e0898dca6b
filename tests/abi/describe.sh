#!/bin/sh
# SPDX-License-Identifier: MIT
# The binary interface of a library with debug info: exported functions, and the types that public headers define.
# usage: describe.sh LIBRARY
set -eu
exec abidw --exported-interfaces-only --suppressions "$(dirname "$0")/public.suppr" --no-corpus-path --no-comp-dir-path \
    --no-show-locs --no-elf-needed --type-id-style hash "$1"
