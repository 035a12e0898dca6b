#!/bin/sh
# SPDX-License-Identifier: MIT
# Every source says its licence in one of its first three lines; REUSE.toml says it for the rest.  usage: licences.sh PROJECT_DIR
set -eu
cd "$1"
silent=$(find . -name '.git' -prune -o -name 'build*' -type d -prune -o -name 'out*' -type d -prune -o -type f \( \
    -name '*.[chR]' -o -name '*.in' -o -name '*.py' -o -name '*.sh' -o -name '*.f90' -o -name '*.Rd' -o -name '*.cmake' -o \
    -name 'meson*' -o -name 'CMakeLists.txt' -o -name '*.toml' -o -name '*.cff' -o -path './scripts/*' -o -path './packaging/*' \
    \) ! -name '*.md' ! -name '*.pyc' -print | sort | while read -r file; do
    sed 3q "$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file"
done)
if [ -n "$silent" ]; then
    echo "no SPDX-License-Identifier in the first three lines of:" "$silent"
    exit 1
fi
echo "licences: in order"
