#!/bin/sh
# SPDX-License-Identifier: MIT
# The shared library exports dopt_[a-z]* and nothing else.  usage: exports.sh NM LIBRARY
set -eu
names=$("$1" -D --defined-only "$2" | awk '{ print $3 }' | sed 's/@.*//')
strange=$(echo "$names" | grep -v '^dopt_[a-z]' || true)
if [ -n "$strange" ] || [ -z "$names" ]; then
    echo "unexpected exports: $strange"
    exit 1
fi
echo "$names" | wc -l
