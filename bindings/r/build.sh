#!/bin/sh
# SPDX-License-Identifier: MIT
# What meson does with the R package, on a copy of its sources: R leaves what it compiles beside them.
#
# usage: build.sh install SOURCES LIBRARY            install into a library folder
#        build.sh check SOURCES                      R CMD check; only with DEPTHOPT_ALL=1, as it takes a minute
#        build.sh run LIBRARY LIBDIR SCRIPT [ARG]    run a script with the installed package
set -eu
if [ "$1" = run ]; then
    R_LIBS=$2 LD_LIBRARY_PATH=$3
    export R_LIBS LD_LIBRARY_PATH
    shift 3
    exec Rscript "$@"
fi
if [ "$1" = check ] && [ -z "${DEPTHOPT_ALL:-}" ]; then
    echo "skipped: DEPTHOPT_ALL is not set"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cp -R "$2" "$tmp/depthopt"
if [ "$1" = install ]; then
    rm -rf "$3"
    mkdir -p "$3"
    R CMD INSTALL --library="$3" "$tmp/depthopt" >"$tmp/log" 2>&1 || { cat "$tmp/log"; exit 1; }
    exit 0
fi
cd "$tmp"
mkdir -p src/contrib # the check asks repositories about other packages: an empty one, not the network
: >src/contrib/PACKAGES
echo "options(repos = c(CRAN = 'file://$tmp'))" >profile
R CMD build depthopt
R_PROFILE=$tmp/profile R CMD check --no-manual depthopt_*.tar.gz
grep -q '^Status: OK' depthopt.Rcheck/00check.log
