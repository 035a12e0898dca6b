#!/bin/sh
# SPDX-License-Identifier: MIT
# Install to a temporary prefix, and build and run consumers: pkg-config shared and static (C, Fortran), CMake, meson subproject.
# usage: install.sh PROJECT_DIR
set -eu
root=$(cd "$1" && pwd)
here=$root/tests/install
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for kind in shared static; do
    meson setup "$tmp/build-$kind" "$root" --prefix "$tmp/$kind" --libdir lib -Ddefault_library=$kind -Dtests=false \
        -Dexamples=false >"$tmp/log" 2>&1 || { cat "$tmp/log"; exit 1; }
    meson install -C "$tmp/build-$kind" >"$tmp/log" 2>&1 || { cat "$tmp/log"; exit 1; }
    flags=
    [ $kind = static ] && flags=--static
    PKG_CONFIG_PATH=$tmp/$kind/lib/pkgconfig
    export PKG_CONFIG_PATH
    # shellcheck disable=SC2046,SC2086 # words
    ${CC:-cc} "$here/consumer.c" -o "$tmp/consumer-$kind" $(pkg-config --cflags $flags depthopt) \
        $(pkg-config --libs $flags depthopt) -lm
    echo "pkg-config, $kind:"
    LD_LIBRARY_PATH=$tmp/$kind/lib "$tmp/consumer-$kind"
    if [ -f "$tmp/$kind/lib/pkgconfig/depthopt-fortran.pc" ]; then
        fortran=$root/bindings/fortran
        # shellcheck disable=SC2046,SC2086 # words
        gfortran -J "$tmp" "$fortran/gas_table.f90" "$fortran/l4_comparison.f90" -o "$tmp/fortran-$kind" \
            $(pkg-config --cflags --libs $flags depthopt-fortran)
        echo "pkg-config, $kind, Fortran:"
        LD_LIBRARY_PATH=$tmp/$kind/lib "$tmp/fortran-$kind"
    fi
    if pkg-config --exists depthopt-mpi; then
        # shellcheck disable=SC2046,SC2086 # words
        ${CC:-cc} "$here/consumer_mpi.c" -o "$tmp/consumer-mpi-$kind" $(pkg-config --cflags $flags depthopt-mpi) \
            $(pkg-config --libs $flags depthopt-mpi) -lm
        echo "pkg-config, depthopt-mpi, $kind:"
        OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 LD_LIBRARY_PATH=$tmp/$kind/lib "$tmp/consumer-mpi-$kind"
    fi
    echo "documentation, $kind:"
    python3 "$root/tests/docs/links.py" "$tmp/$kind/share/doc/depthopt"
    if command -v cmake >/dev/null 2>&1; then
        cmake -S "$here" -B "$tmp/cmake-$kind" -DCMAKE_PREFIX_PATH="$tmp/$kind" >"$tmp/log" 2>&1 &&
            cmake --build "$tmp/cmake-$kind" >>"$tmp/log" 2>&1 || { cat "$tmp/log"; exit 1; }
        echo "CMake, $kind:"
        "$tmp/cmake-$kind/consumer"
    else
        echo "CMake, $kind: skipped, there is no cmake"
    fi
done

mkdir -p "$tmp/super/subprojects"
ln -s "$root" "$tmp/super/subprojects/depthopt"
cp "$here/consumer.c" "$tmp/super/"
cat >"$tmp/super/meson.build" <<'END'
project('super', 'c', default_options: ['c_std=c17'])
depthopt = dependency('depthopt', fallback: 'depthopt', default_options: ['tests=false', 'examples=false'])
executable('consumer', 'consumer.c', dependencies: [depthopt, meson.get_compiler('c').find_library('m')])
END
unset PKG_CONFIG_PATH
meson setup "$tmp/build-super" "$tmp/super" >"$tmp/log" 2>&1 && ninja -C "$tmp/build-super" >>"$tmp/log" 2>&1 ||
    { cat "$tmp/log"; exit 1; }
echo "meson subproject:"
"$tmp/build-super/consumer"
