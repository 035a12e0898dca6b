#!/bin/sh
# SPDX-License-Identifier: MIT
# Meson has no rule to install Fortran modules.  usage: install_modules.sh FOLDER_OF_MODULES FOLDER_IN_THE_PREFIX
set -eu
to=$MESON_INSTALL_DESTDIR_PREFIX/$2
mkdir -p "$to"
install -m 644 "$1/depthopt.mod" "$1/depthopt_c.mod" "$to"
