#!/bin/sh
# SPDX-License-Identifier: MIT
# The changelog begins with the version that is built.  usage: version.sh PROJECT_DIR VERSION
set -eu
grep -m 1 '^## ' "$1/CHANGELOG.md" | grep -qF "$2" || {
    echo "the first heading of CHANGELOG.md must name $2"
    exit 1
}
